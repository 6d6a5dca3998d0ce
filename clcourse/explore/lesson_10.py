"""Lesson 10: what do fast rate, keep and slow rate do to a learner? And three periods as rhythms.

Every setting was tried by studies/10_fading.py; a slider only looks something up.
"""

from __future__ import annotations

import functools

from clcourse.explore.base import Choice, Explorer, Slider, Table
from clcourse.explore.drawing import Axes, box, card, dot, line, text
from clcourse.explore.rhythm import rhythms
from clcourse.plots import fading, fast_and_slow
from clcourse.plots.figure import (
    BLUE,
    FAINT,
    GREEN,
    INK,
    ORANGE,
    PAPER,
    SOFT,
    VERMILLION,
    number,
)

__all__ = ["rhythms", "speeds"]

WIDTH, HEIGHT = 900, 416
TWO, BESIDE = "two weights on each connection", "a network beside"
KINDS = {TWO: "two weights", BESIDE: "beside"}
MEASURES = {"rested": "base, after the rest", "online": "online, right before learning",
            "awake": "base, after a context"}  # fmt: skip
NOTHING = 0.6  # online accuracy of the base that adapts to nothing: six of ten names stay


@functools.cache
def found() -> dict[tuple, dict[str, float]]:
    """(kind, fast rate, keep, slow rate): mean accuracies on lanes 100-109; nothing: diverged."""
    tried = fading.study()["search"][fading.WORLD]
    read = {}
    for words, kind in KINDS.items():
        frozen = "one network" if kind == "two weights" else f"{kind}, frozen, no fading"
        for rival in (kind, f"{kind}, frozen", f"{kind}, no fading", frozen):
            for row in tried[rival]:
                given = {"keep": 1.0, "slow_lr": 0.0} | row["setting"]
                read[words, given["lr"], given["keep"], given["slow_lr"]] = row
    return read


def values(name: str) -> list[float]:
    """What a slider offers: fast rates, keeps with 1, slow rates with 0."""
    settings = fading.study()["settings"]
    more = {"keeps": [1.0], "slow": [0.0]}.get(name, [])
    return sorted([*settings[name], *more])


def chosen(kind: str) -> tuple[float, float, float]:
    """The setting with the greatest sum of online and rested accuracy among those that fade."""
    given = fading.chosen(KINDS[kind])
    return given["lr"], given["keep"], given["slow_lr"]


def speeds() -> Explorer:
    """Kind, fast rate, keep and slow rate: accuracy while adapting, the base awake and rested."""

    def draw(kind: str, fast: float, keep: float, slow: float) -> str:
        row = found()[kind, fast, keep, slow]
        first, second, colour = told(kind, fast, keep, slow)
        title = f"fast rate {fast:g}, keep {keep:g}, slow rate {slow:g}"
        head = [text(24, 33, title, size=22, bold=True), text(24, 58, first, size=15),
                text(24, 78, second, size=15, colour=colour)]
        return card(f"{kind}: {title}", f"{first} {second}", *head, *_rows(row, fast),
                    *_map(kind, (fast, keep, slow)), width=WIDTH, height=HEIGHT)  # fmt: skip

    lr, keep, slow = chosen(TWO)
    controls = {"kind": Choice("the fast weights are", [TWO, BESIDE]),
                "fast": Slider("fast rate", values("rates"), start=lr),
                "keep": Slider("keep (1: nothing fades)", values("keeps"), start=keep),
                "slow": Slider("slow rate (0: frozen)", values("slow"), start=slow)}  # fmt: skip
    return Explorer(controls, draw, height=HEIGHT, table=_table(), fallback=fast_and_slow.plane(
        "Fast rate, keep, slow rate: every setting that was tried"))


def told(kind: str, fast: float, keep: float, slow: float) -> tuple[str, str, str]:
    """Two sentences on a setting, and the colour of the second."""
    row = found()[kind, fast, keep, slow]
    if "online" not in row:
        return "Diverged: the loss was no longer a number in some lane.", "", VERMILLION
    first = (f"Online {number(row['online'])}; base {number(row['awake'])} awake, "
             f"{number(row['rested'])} rested. Validation, mean of lanes 100 to 109.")
    if (fast, keep, slow) == chosen(kind):
        return first, "Chosen for the study: the greatest sum of online and rested accuracy.", BLUE
    if keep == 1 and slow == 0 and kind == TWO:
        return first, "Nothing fades and slow is frozen: this is one network.", VERMILLION
    if keep == 1:
        return first, "Nothing fades: a rest brings nothing back.", VERMILLION
    if slow == 0:
        left = "5 %" if keep > 0.99 else "less than 0.01 %"
        return first, (f"Slow is frozen: after the rest {left} of the change is left over the "
                       "stored copy of the base."), GREEN  # fmt: skip
    return first, f"A change is halved in {halved(keep)} without data.", SOFT


def halved(keep: float) -> str:
    """ "23 steps": the steps after which at most half is left; counted."""
    steps, left = 0, 1.0
    while left > 0.5:
        steps, left = steps + 1, left * keep
    return f"{steps} steps"


def _rows(row: dict, fast: float) -> list[str]:
    """A bar for each measure; a triangle where one network with the same rate stands."""
    x0, wide, parts = 36, 380, []
    alone = found()[TWO, fast, 1.0, 0.0]
    for place, (key, words) in enumerate(MEASURES.items()):
        y = 128 + 82 * place
        parts.append(text(x0, y - 9, words, size=15))
        parts.append(box(x0, y, wide, 30, FAINT, corner=3))
        if key in row:
            parts.append(box(x0, y, wide * row[key], 30, BLUE, corner=3))
            parts.append(text(x0 + wide + 10, y + 21, number(row[key]), size=17, bold=True))
        if key in alone:
            parts.append(_triangle(x0 + wide * alone[key], y + 39, 7))
    x, y = x0 + wide * NOTHING, 120 + 82 * list(MEASURES).index("online")
    parts.append(line([(x, y), (x, y + 44)], INK, width=1.5, dashes="4 3"))
    parts.append(text(x0, 361, "dashed: the base that adapts to nothing", size=14, colour=SOFT))
    parts += [_triangle(x0 + 7, 380, 7), text(x0 + 20, 385, f"one network, rate {fast:g}", size=14)]
    return parts


def _triangle(x: float, y: float, size: float) -> str:
    """Nothing fades: a triangle, as in the figures."""
    points = f"{x:.1f},{y - size:g} {x + size:.1f},{y + size:g} {x - size:.1f},{y + size:g}"
    return f'<polygon points="{points}" fill="{VERMILLION}"/>'


LOW = {"online": 0.55, "rested": 0.5}
HIGH = {"online": 0.9, "rested": 1.0}


def _map(kind: str, at: tuple[float, float, float]) -> list[str]:
    """Every setting of this kind: online to the right, rested upwards; this one in a circle."""
    axes = Axes(548, 118, 316, 216, LOW["online"], HIGH["online"])
    parts = []
    for level in (0.5, 0.75, 1.0):
        y = axes.place(0.6, (level - 0.5) / 0.5)[1]
        parts.append(line([(axes.x, y), (axes.x + axes.width, y)], FAINT, width=1.5))
        parts.append(text(axes.x - 8, y + 5, f"{level:g}", size=14, anchor="end"))
    for level in (0.6, 0.7, 0.8, 0.9):
        parts.append(text(axes.place(level, 0)[0], 354, f"{level:g}", size=14, anchor="middle"))
    parts.append(text(axes.x + axes.width / 2, 374, "online", size=14, anchor="middle"))
    for x, words, mark in ((508, "slow moves", dot(514, 396, 5, BLUE)),
                           (628, "slow frozen", dot(634, 396, 5, GREEN)),
                           (752, "nothing fades", _triangle(758, 396, 6))):
        parts += [mark, text(x + 16, 401, words, size=14)]
    parts.append(text(axes.x - 40, 108, "base, after the rest: all settings of this kind", size=14))
    here = {key[1:]: row for key, row in found().items() if key[0] == kind and "online" in row}
    for setting, row in here.items():
        x, y = _spot(axes, row)
        mark = _triangle(x, y, 4) if setting[1] == 1 else dot(
            x, y, 4, GREEN if setting[2] == 0 else BLUE)  # fmt: skip
        parts.append(f'<g opacity=".45">{mark}</g>')
    x, y = _spot(axes, here[chosen(kind)])
    parts.append(f'<rect x="{x - 7:.1f}" y="{y - 7:.1f}" width="14" height="14" fill="none" '
                 f'stroke="{INK}" stroke-width="2"/>')  # fmt: skip
    parts += [box(x - 26, y + 14, 56, 17, PAPER), text(x + 2, y + 27, "chosen", size=14,
                                                       anchor="middle")]
    if at in here:
        x, y = _spot(axes, here[at])
        parts += [dot(x, y, 11, INK), dot(x, y, 8, PAPER), dot(x, y, 5, ORANGE)]
    return parts


def _spot(axes: Axes, row: dict) -> tuple[float, float]:
    """Where a setting stands on the map; what is outside stands at the edge."""
    online = min(max(row["online"], LOW["online"]), HIGH["online"])
    return axes.place(online, (max(row["rested"], LOW["rested"]) - 0.5) / 0.5)


def _table() -> Table:
    """A row for each setting."""
    rows = [[kind, *(f"{value:g}" for value in setting),
             *(number(row[key]) if key in row else "diverged" for key in MEASURES)]
            for (kind, *setting), row in sorted(found().items())]  # fmt: skip
    return Table(["fast weights", "fast rate", "keep", "slow rate", *MEASURES], rows)
