"""Lesson 03: sleep and lesion, by day of the lesion, length of the nights, and fading of the store.

Everything is looked up in the stored study `03_nights`; nothing here trains.
"""

from __future__ import annotations

import functools

import numpy as np

from clcourse.explore.base import Choice, Explorer, Slider, Table
from clcourse.explore.drawing import Axes, card, dot, line, text
from clcourse.metrics import Estimate, estimate
from clcourse.plots import amnesia
from clcourse.plots.figure import GREEN, PURPLE, SOFT, VERMILLION, number
from clcourse.plots.reading import estimate_in_words
from clcourse.results import load

WIDTH, HEIGHT = 900, 372
FADES = {"never": "0.0", "slowly": "0.005", "fast": "0.02"}
LEFT = {"hippocampus": ("cortex", GREEN), "cortex": ("hippocampus", PURPLE)}  # removed: left
FIRST, LATER = (0, 2), (14, 29)  # ages in days that are read out


class Nights:
    """The stored study: shares right of every subject, by setting, day of the lesion and age."""

    def __init__(self) -> None:
        study = load("03_nights")
        self.days, self.steps = study["settings"]["days"], study["settings"]["steps"]
        self.subjects = len(study["settings"]["seeds"])
        self._cortex = {fades: {steps: amnesia.stored(counts) for steps, counts in one.items()}
                        for fades, one in study["cortex alone"].items()}
        self._hippocampus = {fades: amnesia.stored(counts)
                             for fades, counts in study["hippocampus alone"].items()}

    def ages(self, removed: str, fades: str, steps: int, day: int) -> np.ndarray:
        """(subjects, ages), the newest first, when the part is removed after that night."""
        if removed == "cortex":
            table = self._hippocampus[FADES[fades]]
        else:
            table = self._cortex[FADES[fades]][str(steps)]
        return amnesia.by_age(table, day - 1)

    def over(self, setting: tuple, day: int, ages: tuple[int, int]) -> Estimate | None:
        """Mean over a range of ages, or None where no memory is so old."""
        lanes = self.ages(*setting, day)[:, ages[0] : ages[1] + 1]
        return estimate(lanes.mean(axis=1)) if lanes.shape[1] else None


@functools.cache
def nights() -> Nights:
    """The stored study, read once."""
    return Nights()


def lesion() -> Explorer:
    """Four controls, ten subjects a setting: what is removed, when; fading, length of nights."""
    study = nights()

    def draw(removed: str, fades: str, steps: int, day: int) -> str:
        left, colour = LEFT[removed]
        setting = (removed, fades, steps)
        lanes, axes = study.ages(*setting, day), Axes(70, 96, 480, 200, 0, study.days - 1)
        title = f"Day {day}: the {removed} is removed, the {left} answers"
        new, old = (study.over(setting, day, ages) for ages in (FIRST, LATER))
        words = [f"the last three days {_said(new)}", f"two weeks and older {_said(old)}"]
        sentence = (f"{title}; traces fade {fades}, {steps} steps of learning a night. Share right,"
                    f" mean of {study.subjects} subjects: {', '.join(words)}.")
        return card(title, sentence, text(24, 38, title, size=23, bold=True),
                    text(24, 66, f"traces fade {fades}; {steps} steps of learning a night; thin "
                                 "lines: single subjects", size=16, colour=SOFT),
                    axes.frame("age of the memory, days", (0, 7, 14, 21, 28)),
                    *_curves(axes, lanes, colour),
                    _reading(600, 130, "the last three days", new, colour),
                    _reading(600, 230, "two weeks and older", old, colour),
                    width=WIDTH, height=HEIGHT)

    controls = {
        "removed": Choice("We remove the", list(LEFT)),
        "fades": Slider("old traces fade", list(FADES), start="slowly"),
        "steps": Slider("steps of learning a night", study.steps, start=8),
        "day": Slider("day of the lesion", range(1, study.days + 1), start=study.days),
    }
    one = dict(list(amnesia.settings(load("03_nights")).items())[:1])
    return Explorer(controls, draw, height=HEIGHT + 28, fallback=amnesia.amnesia(one, columns=1),
                    table=numbers(study))


def _curves(axes: Axes, lanes: np.ndarray, colour: str) -> list[str]:
    """A thin line a subject, and their mean; ages beyond the first day are left out."""
    ages, mean = range(lanes.shape[1]), lanes.mean(axis=0)
    edge = [axes.place(lanes.shape[1] - 1, up) for up in (0, 1)]
    return [
        line(edge, VERMILLION, width=1.5, dashes="3 3"),
        *(axes.curve(ages, lane, colour, width=1, opacity=0.25) for lane in lanes),
        axes.curve(ages, mean, colour, width=4),
        *(dot(*axes.place(age, up), 4, colour) for age, up in zip(ages, mean, strict=True)),
        text(edge[1][0], edge[1][1] - 6, "first day", size=14, colour=SOFT, anchor="middle"),
    ]


def _said(one: Estimate | None) -> str:
    return "nothing yet" if one is None else estimate_in_words(one)


def _reading(x: float, y: float, what: str, now: Estimate | None, colour: str) -> str:
    """One number, large, with its interval."""
    if now is None:
        return text(x, y, what, colour=SOFT) + text(x, y + 36, "nothing yet", size=22, colour=SOFT)
    return (text(x, y, what, colour=SOFT)
            + text(x, y + 36, f"{number(now.value)} right", size=28, colour=colour, bold=True)
            + text(x + 172, y + 36, f"[{number(now.low)}, {number(now.high)}]", colour=SOFT))


def numbers(study: Nights) -> Table:
    """After the last night, a row for each setting."""
    rows = []
    for removed, (left, _) in LEFT.items():
        for fades in FADES:
            for steps in study.steps if removed == "hippocampus" else study.steps[:1]:
                setting = (removed, fades, steps)
                rows.append([removed, left, fades, steps if removed == "hippocampus" else "any",
                             *(_said(study.over(setting, study.days, ages))
                               for ages in (FIRST, LATER))])
    return Table(["removed on day 30", "answers", "traces fade", "steps a night",
                  "last three days", "two weeks and older"], rows)
