"""Lesson 08: how many notes are read, how many there are, and how many of them are stale.

Everything is looked up in the stored study `08_finding`; nothing here trains.
"""

from __future__ import annotations

from clcourse.explore.base import Choice, Explorer, Slider, Table
from clcourse.explore.drawing import Axes, card, dot, line, text
from clcourse.plots import lesson_08 as still
from clcourse.plots.figure import BLUE, GREEN, SOFT, VERMILLION, number
from clcourse.plots.lesson_08 import Grid, grid_study
from clcourse.plots.reading import estimate_in_words

WIDTH, HEIGHT = 900, 350
SHOWN = {"found": ("the right note is among them", GREEN, "3 4"),
         "outdated": ("answers with an outdated note", VERMILLION, "9 5"),
         "right": ("answers right", BLUE, "")}
PILES = {0: "none", 1: "1 a fact", 3: "3 a fact"}


def notes_and_stale_notes() -> Explorer:
    """Three controls over 20 networks a setting: notes read, notes kept, outdated versions."""
    study = grid_study()
    number_of = {words: count for count, words in PILES.items() if count in study.stale}

    def draw(k: int, size: int, stale: str) -> str:
        old = number_of[stale]
        now = {what: study.estimate(k, size, old, what) for what in SHOWN}
        title = f"{size} facts, {size * (1 + old)} notes (outdated: {stale}); {k} read"
        told = ", ".join(f"{SHOWN[what][0]} {number(one.value)}" for what, one in now.items())
        y = 96
        parts = []
        for what in ("found", "right", "outdated"):
            parts.append(_number(540, y, SHOWN[what][0], now[what], SHOWN[what][1]))
            y += 78
        return card(title, f"{title}. Mean of 20 networks: {told}.",
                    text(24, 38, title, size=23, bold=True), *_lines(study, k, size, old), *parts,
                    width=WIDTH, height=HEIGHT)

    controls = {
        "k": Slider("notes read, k", study.counts, start=3),
        "size": Slider("facts in the store", study.sizes, start=300),
        "stale": Choice("outdated versions", list(number_of)),
    }
    return Explorer(controls, draw, height=HEIGHT + 28, fallback=still.grid(),
                    table=numbers(study))


def _lines(study: Grid, k: int, size: int, stale: int) -> list[str]:
    """The three shares by k, for this store."""
    places = range(len(study.counts))
    axes = Axes(70, 76, 410, 200, 0, places[-1])
    parts = [axes.frame("", ())]
    for place, count in enumerate(study.counts):
        x, y = axes.place(place, 0)
        parts.append(text(x, y + 20, count, size=15, anchor="middle"))
    parts.append(text(axes.x + axes.width / 2, axes.y + axes.height + 44, "notes read, k", size=15,
                      anchor="middle"))
    here = study.counts.index(k)
    parts.append(line([axes.place(here, up) for up in (0, 1)], SOFT, width=1.5, dashes="3 3"))
    for what, (_, colour, dashes) in SHOWN.items():
        heights = [study.estimate(count, size, stale, what).value for count in study.counts]
        parts.append(axes.curve(places, heights, colour, width=4, dashes=dashes))
        parts.append(dot(*axes.place(here, heights[here]), 8, colour))
    return parts


def _number(x: float, y: float, what: str, now, colour: str) -> str:
    """One number, large, with its interval."""
    return (text(x, y, what, colour=SOFT)
            + text(x, y + 36, number(now.value), size=28, colour=colour, bold=True)
            + text(x + 100, y + 36, f"[{number(now.low)}, {number(now.high)}]", colour=SOFT))


def numbers(study: Grid) -> Table:
    """A row for each setting."""
    rows = [[k, size, PILES[stale], *(estimate_in_words(study.estimate(k, size, stale, what))
                                      for what in ("found", "right", "outdated"))]
            for stale in study.stale for size in study.sizes for k in study.counts]
    return Table(["notes read", "facts in the store", "outdated versions",
                  "right note among them", "answers right", "answers with an outdated note"], rows)
