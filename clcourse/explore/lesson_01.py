"""Lesson 01: tune a network in four ways and watch its answers drift, and its old skill go.

Everything is looked up in the stored study `01_drift`; nothing here trains.
"""

from __future__ import annotations

import numpy as np

from clcourse.explore.base import Choice, Explorer, Slider, Table
from clcourse.explore.drawing import Axes, box, card, digit, dot, line, text
from clcourse.plots import lesson_01 as still
from clcourse.plots.figure import BLUE, FAINT, GREEN, INK, SOFT, VERMILLION, number
from clcourse.plots.lesson_01 import WAYS, measured, study

WIDTH, HEIGHT = 900, 384
RIGHT, WRONG = BLUE, VERMILLION


def tuning() -> Explorer:
    """Drag through the steps of tuning: ten probabilities, two skills and the drift."""
    shown = study()["explorer"]
    steps = shown["steps"]
    names = {name: way for way, name in WAYS.items()}

    def draw(learns_from: str, step: int, network: int) -> str:
        way, moment = names[learns_from], steps.index(step)
        title = f"After {step} steps on {learns_from}"
        parts = [text(24, 38, title, size=23, bold=True), *answers(shown, way, moment, network - 1),
                 *skills(shown, way, moment)]
        return card(title, in_words(title, way, moment), *parts, width=WIDTH, height=HEIGHT)

    controls = {"learns_from": Choice("learns from", list(names)),
                "step": Slider("steps", steps), "network": Slider("network", range(1, 21), start=5)}
    return Explorer(controls, draw, height=HEIGHT + 26, fallback=still.tuning(),
                    table=numbers(steps))


def answers(shown: dict, way: str, moment: int, lane: int) -> list[str]:
    """One scrambled picture and the probabilities of the ten answers to it."""
    now, before = (shown[way]["said"][lane][place] for place in (moment, 0))
    what = shown["digits"][lane]
    kind = "odd" if what % 2 else "even"
    parts = [digit(shown["pictures"][lane], 24, 62, 74),
             text(112, 82, f"Network {lane + 1} looks at a scrambled {what}."),
             text(112, 106, f"It is {kind}: right is any {kind} digit.", colour=SOFT),
             text(112, 130, f"right kind {number(sum(now[what % 2::2]))}", bold=True, colour=RIGHT)]
    for answer, (height, start) in enumerate(zip(now, before, strict=True)):
        x, right = 34 + 50 * answer, answer % 2 == what % 2
        top = 326 - 150 * height
        parts.append(box(x, top, 34, 150 * height, RIGHT if right else WRONG))
        parts.append(line([(x - 5, 326 - 150 * start), (x + 39, 326 - 150 * start)], INK, width=2.5,
                          dashes="5 3"))
        parts.append(text(x + 17, top - 7, number(height), size=13, anchor="middle", colour=SOFT)
                     if height >= 0.1 else "")
        parts.append(text(x + 17, 350, answer, size=18, anchor="middle", bold=right))
    parts.append(line([(24, 326), (530, 326)], SOFT, width=1.5))
    parts.append(text(24, 374, "probability of each answer;  dashes: before tuning", size=15,
                      colour=SOFT))
    return parts


def skills(shown: dict, way: str, moment: int) -> list[str]:
    """Both skills of all networks over the steps, and the drift, in numbers."""
    steps = shown["steps"]
    axes = Axes(606, 158, 262, 170, 0, steps[-1])
    parts = [axes.frame("steps", (0, 80, 160, 240))]
    rows = (("old", "old skill", BLUE, ""), ("new", "new skill", GREEN, "8 5"))
    for place, (what, name, colour, dashes) in enumerate(rows):
        lanes = np.array(shown[way][what])
        parts += [axes.curve(steps, lane, colour, width=0.8, opacity=0.25) for lane in lanes]
        mean = lanes.mean(axis=0)
        parts.append(axes.curve(steps, mean, colour, width=4, dashes=dashes))
        parts.append(dot(*axes.place(steps[moment], mean[moment]), 7, colour))
        parts.append(row(name, way, what, moment, 66 + 26 * place, colour))
    x = axes.place(steps[moment], 0)[0]
    parts.append(line([(x, 158), (x, 328)], FAINT, width=2))
    return [*parts, row("drift, nats", way, "forward", moment, 118, INK)]


def row(name: str, way: str, what: str, moment: int, y: float, colour: str) -> str:
    """One measure in words: its mean and its interval over the networks."""
    value, low, high = map(number, measured(way, what, moment)[:3])
    return (text(590, y, name, size=18, colour=colour, bold=True)
            + text(752, y, value, size=18, colour=colour, anchor="end", bold=True)
            + text(768, y, f"[{low}, {high}]", size=16, colour=SOFT))


def in_words(title: str, way: str, moment: int) -> str:
    """What the drawing shows, for those who listen."""
    old, new, drift = (measured(way, what, moment) for what in ("old", "new", "forward"))
    return (f"{title}: old skill {old}, new skill {new}, drift {drift} nats; mean and 95 % "
            "interval over 20 networks.")


def numbers(steps: list[int]) -> Table:
    """Old skill and drift of the four ways, a row every 40 steps."""
    rows = [[step, *(str(measured(way, what, steps.index(step)))
                     for way in WAYS for what in ("new", "old", "forward"))]
            for step in steps if step % 40 == 0]
    columns = [f"{what}, {name}" for name in WAYS.values() for what in ("new", "old", "drift")]
    return Table(["step", *columns], rows)
