"""Writing in context with slow weights that stay: which rule holds labels that are dealt anew."""

from __future__ import annotations

import functools

import numpy as np

from clcourse.plots.figure import (
    BLUE,
    GREEN,
    PAPER,
    SOFT,
    VERMILLION,
    Figure,
    Mark,
    in_style,
    look,
    sheet,
)
from clcourse.plots.general import note
from clcourse.plots.labels import headline, readable, settle
from clcourse.plots.openings import across
from clcourse.plots.reading import estimate_in_words, said, seeds_in_words, share
from clcourse.results import load

RULES = {
    "none": "none",
    "Hebbian": "Hebbian",
    "gated": "gated",
    "delta": "delta",
    "DGD": "DGD",
    "self-modifying": "self-modifying",
    "self-modifying, slow targets": "self-modifying,\nslow targets",
}
TASKS = {"roomy": "roomy: 6 symbols, 16 dimensions", "crowded": "crowded: 12 symbols, 8 dimensions"}
ASKED = {  # what is asked, and how it looks; the panels in which it is
    "before": (Mark(SOFT, "o", "-"), "hollow: before the labels change", ("roomy", "crowded")),
    "since": (Mark(BLUE, "o", "-"), "filled: since they changed", ("roomy", "crowded")),
    "long": (Mark(GREEN, "D", "-"), "diamond: after three changes in 160 tokens", ("roomy",)),
    "longer": (Mark(VERMILLION, "^", "-"), "triangle: since they changed, after 4 times the "
                                           "practice", ("crowded",)),
}  # fmt: skip


SPOKEN = {  # (task, rule, asked): words beside one mark of each kind, and on which side
    ("roomy", "Hebbian", "before"): ("before", -1),
    ("roomy", "Hebbian", "since"): ("since", 1),
    ("roomy", "Hebbian", "long"): ("3 changes", -1),
    ("crowded", "self-modifying", "longer"): ("4 x practice", -1),
    ("crowded", "self-modifying", "before"): ("before", 1),
}


@functools.cache
def study() -> dict:
    """The stored study, read once."""
    return load("10_in_context")


def lanes(rule: str, task: str = "roomy", asked: str = "since", *, fresh: bool = False):
    """Share right (10 lanes; 5 fresh ones), or None where it was not asked.

    asked  before or since the change, long (the last of four regimes), longer (practice), and of
    the rule as practised but with α = 1 (shut), or own memories unwritten (still): since the change
    """
    cell, who = study()["cells"][task][rule], "others" if fresh else "lanes"
    if asked == "longer":
        found = cell.get(f"{who}, longer", {}).get("seen, by regime")
    else:
        found = cell[who].get({"before": "seen, by regime", "since": "seen, by regime"}
                              .get(asked, asked))  # fmt: skip
    return None if found is None else np.array(found[0 if asked == "before" else -1])


@in_style
def rules(guess=None, title: str | None = None) -> Figure:
    """A row for each rule: share right before and since the labels were dealt anew.

    guess  of "Hebbian" since the change, where there is room: a line in the first panel
    """
    picture, (panels,) = sheet(9.8, ncols=len(TASKS), sharey=True)
    parts = []
    for panel, (task, words) in zip(panels, TASKS.items(), strict=True):
        rows = [f"{RULES[rule]} {_dots(panel, row, rule, task)}".replace("\n", " ")
                for row, rule in enumerate(RULES)]  # fmt: skip
        chance = 1 / study()["settings"]["tasks"][task]["symbols"]
        panel.axvline(chance, color=SOFT, linestyle=(0, (4, 3)), linewidth=0.5 * look().line)
        panel.set(xlim=(0, 1), xlabel="share right", ylim=(len(RULES) - 0.5, -0.5))
        panel.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
        panel.set_title(words, loc="left", fontsize=look().type)
        panel.grid(axis="x")
        panel.tick_params(axis="y", length=0)
        parts.append(f"{words}: {'; '.join(rows)}")
    panels[0].set_yticks(range(len(RULES)), list(RULES.values()))
    many = seeds_in_words([len(study()["settings"]["seeds"])])
    note(panels[0], ";  ".join(words for _, words, _ in ASKED.values())
                    + f";  mean of {many}, line: its 95 % interval;  dashed: chance")  # fmt: skip
    headline(picture, title)
    settle(picture, 0.42 * look().size * len(RULES))
    across(panels[0], guess, len(RULES))
    return Figure(picture, said(title, (
        f"Share right of symbols whose label was told, mean [95 % interval] of {many}, before the "
        f"labels change, then since. {'. '.join(parts)}.")))  # fmt: skip


def _dots(panel, row: int, rule: str, task: str) -> str:
    """All that was asked of one rule, and in words."""
    heard = []
    for place, (asked, ((colour, marker, _), _, where)) in enumerate(ASKED.items()):
        found = lanes(rule, task, asked) if task in where else None
        if found is None:
            continue
        one, at = share(found), row + (place - 1) * 0.16
        panel.plot([one.low, one.high], [at, at], color=colour, clip_on=False,
                   linewidth=0.8 * look().line)
        panel.plot(one.value, at, marker, color=colour, markersize=1.4 * look().dot, clip_on=False,
                   markerfacecolor=PAPER if asked == "before" else colour)
        if (task, rule, asked) in SPOKEN:
            spoken, side = SPOKEN[task, rule, asked]
            panel.annotate(spoken, (one.high if side > 0 else one.low, at), va="center",
                           xytext=(0.5 * side, 0), textcoords="offset fontsize",
                           ha="left" if side > 0 else "right", fontsize=0.9 * look().type,
                           color=readable(colour), zorder=4,
                           bbox={"boxstyle": "square,pad=0.1", "facecolor": PAPER,
                                 "linewidth": 0})  # fmt: skip
        words = {"long": ", after three changes ", "longer": ", after 4 times the practice ",
                 "before": "", "since": ", "}[asked]  # fmt: skip
        heard.append(words + estimate_in_words(one))
    return "".join(heard)
