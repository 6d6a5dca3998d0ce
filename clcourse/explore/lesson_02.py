"""Lesson 02: how fast 0 and 1 go, by learning rate, width, step, and how the question is put.

Everything is looked up in the stored study `02_curve`; nothing here trains.
"""

from __future__ import annotations

from clcourse.explore.base import Choice, Explorer, Slider, Table
from clcourse.explore.drawing import Axes, card, dot, line, text
from clcourse.plots import lesson_02 as still
from clcourse.plots.figure import BLUE, INK, SOFT, VERMILLION, number
from clcourse.plots.lesson_02 import Curve, curve_study

WIDTH, HEIGHT = 900, 372
QUESTIONS = {"which of ten digits?": "untold", "0 or 1?": "told"}
OLD, NEW = BLUE, VERMILLION  # 0 and 1, 2 and 3: as in all figures of the lesson


def curve() -> Explorer:
    """Four controls over 20 networks a setting: learning rate, hidden units, steps, told or not."""
    study = curve_study()

    def draw(lr: float, width: int, step: int, asked: str) -> str:
        question = QUESTIONS[asked]
        old, new = (study.estimate(width, lr, one, step) for one in (question, "new"))
        title = f"{step} steps on 2s and 3s, learning rate {lr:g}, {width} hidden units"
        axes = Axes(70, 76, 480, 220, 0, study.steps)
        sentence = (f"{title}; asked “{asked}”: accuracy on 0 and 1 {number(old.value)} "
                    f"[{number(old.low)}, {number(old.high)}], on 2 and 3 {number(new.value)}, "
                    "mean of 20 networks.")
        return card(title, sentence, text(24, 38, title, size=23, bold=True),
                    axes.frame("steps on 2s and 3s", (0, 10, 20, 30, 40)),
                    *_lines(axes, study, (width, lr), question, step),
                    _reading(588, 110, "0 and 1, asked", f"“{asked}”", old, OLD),
                    _reading(588, 228, "2 and 3, asked", "“which of ten digits?”", new, NEW),
                    width=WIDTH, height=HEIGHT)

    controls = {
        "asked": Choice("We ask", list(QUESTIONS)),
        "lr": Slider("learning rate", study.rates, start=0.1),
        "width": Slider("hidden units", study.widths, start=100),
        "step": Slider("steps", range(study.steps + 1), start=18),
    }
    return Explorer(controls, draw, height=HEIGHT + 28, fallback=still.curve(),
                    table=numbers(study))


def _lines(axes: Axes, study: Curve, setting: tuple, question: str, step: int) -> list[str]:
    """A thin line a network up to the step, their mean, and the new digits dashed."""
    steps = range(study.steps + 1)
    lanes = study.lanes(*setting, question)
    mean, new = lanes.mean(axis=0), study.lanes(*setting, "new").mean(axis=0)
    here = [axes.place(step, up) for up in (0, 1)]
    return [
        line(here, SOFT, width=1.5, dashes="3 3"),
        *(axes.curve(steps, lane, OLD, width=1, opacity=0.3) for lane in lanes),
        axes.curve(steps, new, NEW, width=3, dashes="7 4"),
        axes.curve(steps, mean, OLD, width=4),
        dot(*axes.place(step, new[step]), 6, NEW),
        dot(*axes.place(step, mean[step]), 8, OLD),
    ]


def _reading(x: float, y: float, what: str, asked: str, now, colour: str) -> str:
    """One number, large, with its interval and the question behind it."""
    return (text(x, y, what, colour=SOFT) + text(x, y + 24, asked, size=16, colour=INK)
            + text(x, y + 60, f"{number(now.value)} right", size=28, colour=colour, bold=True)
            + text(x + 160, y + 60, f"[{number(now.low)}, {number(now.high)}]", colour=SOFT))


def numbers(study: Curve) -> Table:
    """After 18 steps, a row for each width and learning rate."""
    questions = ("untold", "told", "new")
    rows = [[width, f"{lr:g}", *(study.in_words(width, lr, one, 18) for one in questions)]
            for width in study.widths for lr in study.rates]
    names = ["hidden units", "learning rate", "0 and 1, which of ten", "0 and 1, told",
             "2 and 3, which of ten"]
    return Table([f"{name} (after 18 steps)" if place > 1 else name
                  for place, name in enumerate(names)], rows)
