"""Whole episodes from parts: the hippocampus, what it loses with a part of it, and its rivals."""

from __future__ import annotations

import functools

import numpy as np

from clcourse.metrics import Estimate, estimate
from clcourse.plots.figure import (
    BLACK,
    BLUE,
    DASHES,
    GREEN,
    ORANGE,
    PURPLE,
    VERMILLION,
    Figure,
    in_style,
    look,
    number,
    sheet,
)
from clcourse.plots.general import note
from clcourse.plots.labels import End, end_labels, headline, settle
from clcourse.plots.lesson_04 import LOADS, QUARTERS, TALL, diamond
from clcourse.plots.reading import estimate_in_words, said
from clcourse.results import load

STORES = {"shoebox": VERMILLION, "hippocampus": BLUE}
FLOORS = {"nearest neighbour": ORANGE, "class means": BLACK}


@functools.cache
def completion_study() -> dict:
    """The stored study `04_completion`."""
    return load("04_completion")


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
    diamond(axes, guess_at, guess)
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
    diamond(panels[0], len(counts) - 1.0, guess)
    end_labels(panels[1], ends)
    return Figure(picture, said(title, f"Accuracy on ten digits, mean [95 % interval] over 20 "
                                       f"seeds: {'; '.join(parts)}."))
