"""How sparse, and how much: what a network of k winners can hold, as stored."""

from __future__ import annotations

import functools

import numpy as np

from clcourse.metrics import estimate
from clcourse.plots.figure import (
    BLUE,
    DASHES,
    GREEN,
    SOFT,
    Figure,
    in_style,
    look,
    number,
    sheet,
)
from clcourse.plots.general import note
from clcourse.plots.labels import End, end_labels, headline, settle
from clcourse.plots.lesson_04 import LOADS, TALL
from clcourse.plots.reading import estimate_in_words, said
from clcourse.results import load


class Sparsity:
    """The stored study of sparsity, load and cue: means over ten subjects, and one episode."""

    def __init__(self, study: dict) -> None:
        settings = study["settings"]
        self.actives, self.loads = settings["ca3_active"], settings["loads"]
        self.kept, self.units = settings["kept"], settings["ca3_units"]
        self.episode, self._cues, self._found = study["episode"], study["cues"], study["found"]

    def sound(self, active: int, load_: int) -> float:
        """The share of sound dreams."""
        return float(np.mean(self._found[str(active)][str(load_)]["sound"]))

    def fidelity(self, active: int, load_: int, kept: int) -> float:
        """The share of an episode's units that comes back from a cue of so many."""
        return float(np.mean(self._found[str(active)][str(load_)][str(kept)]["fidelity"]))

    def cue(self, kept: int) -> list[int]:
        """The active units of the cue that is drawn."""
        return self._cues[str(kept)]

    def places(self, active: int, load_: int, kept: int) -> list[int]:
        """The active units of what came back."""
        return self._found[str(active)][str(load_)][str(kept)]["back"]

    def back(self, active: int, load_: int, kept: int) -> tuple[int, int]:
        """How many of them are right and how many wrong."""
        right = len(set(self.places(active, load_, kept)) & set(self.episode))
        return right, len(self.episode) - right


@functools.cache
def sparsity_study() -> Sparsity:
    """The stored study, read once."""
    return Sparsity(load("04_sparsity"))


@in_style
def sparsity() -> Figure:
    """Stored study: what half a cue brings back, by sparsity, for three loads."""
    study = sparsity_study()
    picture, ((axes,),) = sheet(7.6, 3.2)
    ends, parts = [], []
    for load_, dashes in zip((100, 200, 400), DASHES, strict=False):
        values = [study.fidelity(active, load_, 12) for active in study.actives]
        colour = LOADS[str(load_)]
        axes.plot(values, color=colour, linestyle=dashes, marker="o", clip_on=False, zorder=3)
        ends.append(End(values[-1], f"{load_} episodes", colour, dashes))
        parts.append(f"{load_} episodes " + ", ".join(
            f"{number(value)} at {active}" for value, active in
            zip(values, study.actives, strict=True)))
    axes.set(xlim=(-0.1, len(study.actives) - 1), ylim=(0, 1), yticks=np.linspace(0, 1, 6),
             xticks=range(len(study.actives)), xticklabels=study.actives,
             xlabel=f"active units in CA3, of {study.units}", ylabel="share that half a cue brings")
    axes.grid(axis="y")
    settle(picture, TALL * look().size)
    end_labels(axes, ends)
    return Figure(picture, "Share of an episode that half a cue brings back, by active units in "
                           f"CA3, mean of 10 subjects: {'; '.join(parts)}.")


@in_style
def capacity(title: str | None = None) -> Figure:
    """Stored study: how much settling networks hold, dense by size, sparse by share active."""
    study = load("04_capacity")
    dense = {int(units): estimate(one["share"]) for units, one in study["dense"].items()}
    sparse = {float(a): estimate(one["c"]) for a, one in study["sparse"].items()}
    held = {float(a): estimate(one["patterns"]) for a, one in study["sparse"].items()}
    picture, (panels,) = sheet(9.0, 3.2, ncols=2)
    for panel, found, colour in zip(panels, (dense, sparse), (GREEN, BLUE), strict=True):
        values = list(found.values())
        panel.errorbar(range(len(found)), [one.value for one in values],
                       [[one.value - one.low for one in values],
                        [one.high - one.value for one in values]],
                       color=colour, marker="o", linestyle="none", linewidth=0.8 * look().line,
                       clip_on=False)
        panel.set(xticks=range(len(found)), xticklabels=[f"{one:g}" for one in found],
                  xlim=(-0.4, len(found) - 0.6), ylim=(0, 0.2))
        panel.grid(axis="y")
    panels[0].axhline(0.138, color=SOFT, linestyle=(0, (4, 3)), linewidth=0.5 * look().line)
    panels[0].text(-0.35, 0.128, "theory: .138", color=SOFT, fontsize=0.9 * look().type, va="top")
    panels[0].set(xlabel="units N", ylabel="patterns / N")
    panels[1].set(xlabel="share active a", ylabel="P · a ln(1/a) / N")
    for panel, head in zip(panels, ("half of the units active", "sparse, 500 units"), strict=True):
        panel.set_title(head, loc="left", fontsize=look().type)
    note(panels[0], f"dot: mean of {values[0].n} networks;  line: its 95 % interval")
    headline(picture, title)
    settle(picture, TALL * look().size)
    parts = [f"{units} units {estimate_in_words(one)}" for units, one in dense.items()]
    more = [f"{a:g} {estimate_in_words(one)} ({held[a].value:.0f} patterns)"
            for a, one in sparse.items()]
    return Figure(picture, said(title, f"Patterns held, mean [95 % interval] over {values[0].n} "
                                       f"networks. Dense, as a share of the units: "
                                       f"{'; '.join(parts)}; theory 0.14. Sparse, 500 units, "
                                       f"P a ln(1/a) / N by share active a: {'; '.join(more)}."))
