"""Lesson 04: the circuit, codes that part, episodes that come back, and stores that fill up."""

from __future__ import annotations

import functools

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from clcourse.metrics import Estimate, estimate
from clcourse.plots.figure import (
    BLACK,
    BLUE,
    DASHES,
    FAINT,
    GREEN,
    GUESS,
    INK,
    ORANGE,
    PAPER,
    PURPLE,
    SOFT,
    VERMILLION,
    Figure,
    in_style,
    look,
    number,
    sheet,
)
from clcourse.plots.general import note
from clcourse.plots.labels import End, end_labels, headline, height, settle
from clcourse.plots.reading import array, estimate_in_words, said
from clcourse.results import load

# A region, and whoever stores, has the same colour and dashes in every figure of the lesson.
HUES = {"DG": VERMILLION, "CA3": BLUE, "CA1": GREEN, "CA3 without DG": PURPLE,
        "half of the units": BLACK}
STORES = {"shoebox": VERMILLION, "hippocampus": BLUE}
FLOORS = {"nearest neighbour": ORANGE, "class means": BLACK}
LOADS = {"50": GREEN, "100": BLUE, "200": VERMILLION, "400": PURPLE}
TALL = 2.3  # inches

QUARTERS = ["", "¼", "½", "¾", "all"]

# Where a region stands in the picture, what it is called, and what it does.
PLACES = {
    "EC": (0.0, 0.0, "entorhinal cortex", "the way in\nand out"),
    "DG": (2.9, 2.3, "dentate gyrus", "keeps apart"),
    "CA3": (5.8, 1.15, "CA3", "completes"),
    "CA1": (5.8, -1.15, "CA1", "translates back"),
}


@functools.cache
def completion_study() -> dict:
    """The stored study `04_completion`."""
    return load("04_completion")


@in_style
def circuit(hippocampus) -> Figure:
    """The regions, how many of their units are active, and who calls whom."""
    picture, ((axes,),) = sheet(8.6, 3.9)
    sizes = {name: getattr(hippocampus, name.lower()) for name in PLACES}
    for name, (x, y, long, does) in PLACES.items():
        _region(axes, x, y, f"{name}: {long}" if name != long else name, sizes[name], does)
    arrows = (  # from, to, words, where they stand, fixed or learnt, bend
        ((0.9, 0.62), (2.0, 2.1), "", None, False, -0.15),
        ((3.95, 2.3), (4.85, 1.5), "few, strong", (4.75, 2.35), False, -0.2),
        ((1.05, 0.35), (4.75, 1.0), "cue", (2.9, 0.95), True, 0.0),
        ((5.5, 0.53), (5.5, -0.53), "", None, True, 0.0),
        ((4.75, -1.25), (1.05, -0.35), "back to where it came from", (2.9, -1.25), True, 0.0),
    )
    for start, end, words, place, learnt, bend in arrows:
        _arrow(axes, start, end, learnt, bend)
        if words:
            axes.text(*place, words, ha="center", va="center", fontsize=0.85 * look().type,
                      color=SOFT, bbox={"facecolor": PAPER, "linewidth": 0, "pad": 1})
    _arrow(axes, (6.6, 1.72), (6.86, 0.9), True, -1.6)
    axes.text(7.5, 1.9, "calls\nitself", fontsize=0.85 * look().type, color=SOFT, ha="center")
    axes.text(-1.0, -2.2, "solid: learnt at one showing;  dashed: fixed random wiring",
              fontsize=0.85 * look().type, color=SOFT)
    axes.set(xlim=(-1.15, 8.0), ylim=(-2.4, 3.0))
    axes.axis("off")
    parts = [f"{name} {one.active} of {one.units} units active" for name, one in sizes.items()]
    return Figure(picture, "The circuit: EC sends an episode to DG, which keeps it apart, on to "
                           "CA3, which calls itself and completes, to CA1, and back to EC; "
                           f"{'; '.join(parts)}.")


def _region(axes, x: float, y: float, name: str, size, does: str) -> None:
    """A box with a name, its activity drawn as dots, and what it does."""
    axes.add_patch(FancyBboxPatch((x - 1.0, y - 0.5), 2.0, 1.0, boxstyle="round,pad=0.04",
                                  facecolor=PAPER, edgecolor=INK, linewidth=0.5 * look().line))
    small = 0.85 * look().type
    axes.text(x, y + 0.33, name, ha="center", va="center", fontsize=small, fontweight="bold")
    axes.text(x, y + 0.08, f"{size.active} of {size.units}", ha="center", va="center",
              fontsize=small)
    axes.text(x, y - 0.28, does.replace("\n", " "), ha="center", va="center", fontsize=small,
              color=SOFT)


def _arrow(axes, start, end, learnt: bool, bend: float) -> None:
    axes.add_patch(FancyArrowPatch(
        start, end, arrowstyle="-|>", mutation_scale=1.3 * look().type, color=INK,
        linewidth=0.7 * look().line, linestyle="-" if learnt else (0, (4, 3)),
        connectionstyle=f"arc3,rad={bend}", shrinkA=2, shrinkB=2))


@in_style
def separation(likeness, regions: dict, theory: dict, guess=None, guess_at: float = 0.5,
               title: str | None = None) -> Figure:
    """How alike two episodes are in each region, by how alike they are; dotted: what theory says.

    likeness  (points,); regions {name of HUES: (subjects, points)}; theory {the same: (points,)}
    guess     a height to mark at guess_at: None, a number, or what cl.guess returned
    """
    picture, ((axes,),) = sheet(7.6, 3.4)
    x = array(likeness, "likeness", "(points,)", axes=1)
    axes.plot([0, 1], [0, 1], color=SOFT, linewidth=0.5 * look().line)
    axes.text(0.30, 0.33, "no change", color=SOFT, fontsize=0.85 * look().type, rotation=0,
              ha="right")
    ends, parts = [], []
    for (name, values), dashes in zip(regions.items(), DASHES, strict=False):
        lanes = array(values, name, "(subjects, points)", axes=2)
        mean = lanes.mean(axis=0)
        axes.fill_between(x, *np.quantile(lanes, [0.1, 0.9], axis=0), color=HUES[name],
                          alpha=0.18, linewidth=0)
        axes.plot(x, mean, color=HUES[name], linestyle=dashes, clip_on=False, zorder=3)
        if name in theory:
            axes.plot(x, theory[name], "o", color=HUES[name], markerfacecolor=PAPER, zorder=4,
                      markersize=1.3 * look().dot, clip_on=False)
        ends.append(End(mean[-1], name, HUES[name], dashes))
        parts.append(f"{name} {number(mean[0])} to {number(mean[-1])}, "
                     f"{number(np.interp(0.5, x, mean))} where half is shared")
    axes.set(xlim=(0, 1), ylim=(0, 1), yticks=np.linspace(0, 1, 6),
             xlabel="share of active units that two episodes have in common",
             ylabel="share in common, inside")
    axes.set_xticks(np.linspace(0, 1, 5), QUARTERS)
    axes.grid(axis="y")
    note(axes, f"line: mean of {len(lanes)} subjects;  band: middle 80 % of them;  rings: theory")
    headline(picture, title)
    settle(picture, TALL * look().size)
    _diamond(axes, guess_at, guess)
    end_labels(axes, ends)
    return Figure(picture, said(title, f"Share of active units in common, by that of the episodes "
                                       f"(from {number(x[0])} to {number(x[-1])}), mean of "
                                       f"{len(lanes)} subjects: {'; '.join(parts)}."))


def _diamond(axes, x: float, guess) -> None:
    """The reader's guess as a diamond at x."""
    value = height(guess, "guess")
    if value is not None:
        place = float(np.clip(value, *axes.get_ylim()))
        words = f"your guess {number(value)}" + (" (off the scale)" if place != value else "")
        axes.plot(x, place, "D", color=GUESS, clip_on=False, zorder=5)
        axes.annotate(words, (x, place), xytext=(-0.8, 0.3), ha="right",
                      textcoords="offset fontsize", color=GUESS, fontsize=0.95 * look().type)


@in_style
def episodes(shown: dict, columns: int = 20, title: str | None = None) -> Figure:
    """Patterns of one subject as grids of units: what was stored, the cue, what came back.

    shown  {name: pattern (units,)}; the first is what was stored. Dark: active, and active in what
    was stored; vermillion: active where the stored pattern is not.
    """
    picture, (panels,) = sheet(2.3 * len(shown), 1.9, ncols=len(shown))
    patterns = {name: array(one, name, "(units,)", axes=1) for name, one in shown.items()}
    stored, parts = next(iter(patterns.values())), []
    colours = ListedColormap([FAINT, VERMILLION, INK])
    for panel, (name, pattern) in zip(panels, patterns.items(), strict=True):
        grid = (pattern * (1 + stored)).reshape(-1, columns)
        panel.pcolormesh(grid, cmap=colours, vmin=0, vmax=2, edgecolors=PAPER,
                         linewidth=0.15 * look().line)
        panel.set_title(name, loc="left", fontsize=look().type)
        panel.set(xticks=[], yticks=[])
        panel.invert_yaxis()
        for side in panel.spines.values():
            side.set_visible(False)
        right, wrong = (pattern * stored).sum(), (pattern * (1 - stored)).sum()
        parts.append(f"{name}: {right:.0f} right units, {wrong:.0f} wrong ones")
    headline(picture, title)
    settle(picture, 0.105 * len(grid) * look().size)
    return Figure(picture, said(title, "; ".join(parts) + "."))


@in_style
def completion(who: tuple[str, ...] = ("whole",), loads: tuple[int, ...] = (50, 100, 200, 400),
               title: str | None = None) -> Figure:
    """Stored study: what comes back, and whether it is the right one, by how much of it was given.

    who  "whole", "no recurrence", "no DG", "larger CA3", "one matrix": the first solid, the second
         dashed
    """
    study = completion_study()
    kept = [int(one) for one in study["settings"]["kept"]][::-1]
    x = [one / kept[-1] for one in kept]
    picture, (panels,) = sheet(8.4, 3.2, ncols=2, sharey=True)
    ends, parts = [], []
    for panel, measure, head in zip(panels, ("fidelity", "identified"), (
            "fidelity: share of its units", "identified: it is the nearest"), strict=True):
        for load_, (one, dashes) in [(n, pair) for n in loads
                                     for pair in zip(who, ("-", (0, (3, 1.5))), strict=False)]:
            found = study["completion"][one][str(load_)]
            read = [estimate(found[str(k)][measure]) for k in kept]
            colour = LOADS[str(load_)]
            panel.fill_between(x, [e.low for e in read], [e.high for e in read], color=colour,
                               alpha=0.2, linewidth=0)
            panel.plot(x, [e.value for e in read], color=colour, linestyle=dashes, clip_on=False,
                       marker="o", zorder=3)
            parts.append(f"{one}, {load_} episodes, {measure} {number(read[-1].value)} from all, "
                         f"{number(read[3].value)} from half, {number(read[1].value)} from a "
                         "quarter")
            if measure == "identified":
                words = f"{load_}" if len(who) == 1 else f"{load_}, {one}"
                ends.insert(0, End(read[-1].value, words, colour, dashes))
        panel.set(xlim=(0, 1), ylim=(0, 1), yticks=np.linspace(0, 1, 6),
                  xlabel="share of the episode given")
        panel.set_xticks(np.linspace(0, 1, 5), QUARTERS)
        panel.grid(axis="y")
        panel.set_title(head, loc="left", fontsize=look().type)
    panels[0].set_ylabel("of what comes back")
    note(panels[0], "line: mean of 20 subjects;  band: its 95 % interval;  labels: episodes stored")
    headline(picture, title)
    settle(picture, TALL * look().size)
    end_labels(panels[1], ends, width=1.9 if len(who) > 1 else 0.9)
    return Figure(picture, said(title, f"Mean of 20 subjects: {'; '.join(parts)}."))


@in_style
def similar(title: str | None = None) -> Figure:
    """Stored study: whether half a cue finds its episode among variations of five prototypes."""
    study = completion_study()
    cases = {"with DG, CA3 16 of 480": "whole", "no DG, CA3 16 of 480": "no DG"}
    for name, one in study["chosen"].items():
        who, units = name.split(", ")
        if who == "no DG":
            cases[f"no DG, CA3 {one['best']} of {units}"] = name
    found = study["similar"].values()
    lines = {name: [estimate(one[who]["12"]["identified"]) for one in found]
             for name, who in cases.items()}
    x = [estimate(one["in common"]).value for one in found]
    return _with_intervals(
        lines, x, title, xlabel="share of its units that an episode has in common with another",
        ylabel="identified from half a cue", hues=(BLUE, PURPLE, ORANGE, GREEN),
        ticks=(x, [number(one) for one in x]))


@in_style
def gauge(guess=None, title: str | None = None) -> Figure:
    """Stored study: what the gauge says as the store fills, and what is true."""
    found = completion_study()["gauge"]
    names = {"half a cue brings back": "fidelity", "real, by the list": "valid",
             "gauge, no list": "sound"}
    lines = {name: [estimate(one[key]) for one in found.values()] for name, key in names.items()}
    return _with_intervals(lines, [int(one) for one in found], title, guess=guess, guess_at=200,
                           xlabel="episodes stored", ylabel="share", hues=(GREEN, BLUE, VERMILLION))


def _with_intervals(lines: dict[str, list[Estimate]], x, title, *, xlabel: str, ylabel: str, hues,
                    ticks=None, guess=None, guess_at: float = 0.0) -> Figure:
    """Means over subjects with their 95 % intervals, a labelled line each."""
    picture, ((axes,),) = sheet(7.6, 3.2)
    ends, parts = [], []
    for (name, read), colour, dashes in zip(lines.items(), hues, DASHES, strict=False):
        axes.fill_between(x, [one.low for one in read], [one.high for one in read], color=colour,
                          alpha=0.2, linewidth=0)
        axes.plot(x, [one.value for one in read], color=colour, linestyle=dashes, marker="o",
                  clip_on=False, zorder=3)
        ends.append(End(read[-1].value, name, colour, dashes))
        values = ", ".join(f"{number(one.value)} at {at:.3g}" for one, at in
                           zip(read, x, strict=True))
        parts.append(f"{name} {values}")
    axes.set(xlim=(min(0, x[0]), x[-1]), ylim=(0, 1), yticks=np.linspace(0, 1, 6), xlabel=xlabel,
             ylabel=ylabel)
    if ticks is not None:
        axes.set_xticks(*ticks)
        axes.set_xlim(x[0] - 0.05, x[-1])
    axes.grid(axis="y")
    note(axes, f"line: mean of {read[0].n} subjects;  band: its 95 % interval")
    headline(picture, title)
    settle(picture, TALL * look().size)
    _diamond(axes, guess_at, guess)
    end_labels(axes, ends)
    return Figure(picture, said(title, f"By {xlabel}, mean of {read[0].n} subjects: "
                                       f"{'; '.join(parts)}."))


USES = {"asleep": "learns asleep only", "awake": "learns awake, replay mixed in"}


@in_style
def digits(guess=None, title: str | None = None) -> Figure:
    """Stored study: ten digits at the end, both stores and two floors, by episodes stored."""
    study = load("04_digits")
    counts = list(study["floors"])
    picture, (panels,) = sheet(8.4, 3.2, ncols=2, sharey=True)
    parts = []
    for panel, (use, head) in zip(panels, USES.items(), strict=True):
        lines = {name: [estimate(study[use][M][store]["right"]) for M in counts]
                 for store, name in (("buffer", "shoebox"), ("hippocampus", "hippocampus"))}
        for name in FLOORS:
            lines[name] = [estimate(study["floors"][M][name]["right"]) for M in counts]
        ends = []
        for (name, read), dashes in zip(lines.items(), DASHES, strict=False):
            colour = (STORES | FLOORS)[name]
            panel.fill_between(range(len(counts)), [one.low for one in read],
                               [one.high for one in read], color=colour, alpha=0.2, linewidth=0)
            panel.plot([one.value for one in read], color=colour, linestyle=dashes, marker="o",
                       clip_on=False, zorder=3)
            ends.append(End(read[-1].value, name, colour, dashes))
            parts.append(f"{use}, {name} " + ", ".join(
                f"{estimate_in_words(one)} with {M}" for one, M in zip(read, counts, strict=True)))
        panel.set(ylim=(0.6, 1), yticks=np.linspace(0.6, 1, 5), xlim=(-0.1, len(counts) - 1),
                  xticks=range(len(counts)), xticklabels=counts, xlabel="episodes offered, M")
        panel.grid(axis="y")
        panel.set_title(head, loc="left", fontsize=look().type)
    panels[0].set_ylabel("accuracy, ten digits")
    note(panels[0], "line: mean of 20 lanes;  band: its 95 % interval")
    headline(picture, title)
    settle(picture, TALL * look().size)
    _diamond(panels[0], len(counts) - 1.0, guess)
    end_labels(panels[1], ends)
    return Figure(picture, said(title, f"Accuracy on ten digits, mean [95 % interval] over 20 "
                                       f"seeds: {'; '.join(parts)}."))


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
