"""Lesson 10: three parts of a learner, each at its own period: who moves when, on what it has seen.

A part of period C moves at steps C, 2C, 3C, … by the mean of its C gradients (see `cl.Clock`).
"""

from __future__ import annotations

from clcourse.explore.base import Explorer, Slider, Table
from clcourse.explore.drawing import Axes, box, card, line, text
from clcourse.nested.levels import Clock
from clcourse.plots import fast_and_slow
from clcourse.plots.figure import COLOURS, FAINT, SOFT

WIDTH, HEIGHT = 900, 400
PARTS = {"fast": (1, 2, 3, 4), "middle": (4, 6, 8, 12, 16), "slow": (16, 24, 32, 48, 64, 96)}
STEPS = 96
ANALOGY = ("An analogy to brain waves, nothing more: here a counter decides; nothing oscillates, "
           "nothing couples.")  # fmt: skip


def behind(step: int, period: int) -> int:
    """How many steps the weights that answer at `step` have not taken part in: at most C - 1."""
    return (step - 1) % period


def rhythms() -> Explorer:
    """Three periods and a step: who moves when, what each move has seen, how old weights get."""

    def draw(step: int, fast: int, middle: int, slow: int) -> str:
        periods = (fast, middle, slow)
        due = Clock(periods).due(step)
        who = [name for name, now in zip(PARTS, due, strict=True) if now]
        title = f"step {step}: " + (f"{in_a_row(who)} {'move' if len(who) > 1 else 'moves'}"
                                    if who else "nothing moves")  # fmt: skip
        parts = [text(24, 33, title, size=22, bold=True),
                 text(24, 58, ANALOGY, size=15, colour=SOFT),
                 *_ticks(step, periods), *_heard(step, periods)]  # fmt: skip
        return card(title, f"Periods {fast}, {middle} and {slow}. {ANALOGY}", *parts, width=WIDTH,
                    height=HEIGHT)  # fmt: skip

    controls = {"step": Slider("step", range(1, STEPS + 1), start=40)}
    starts = {"fast": 1, "middle": 8, "slow": 32}
    controls |= {name: Slider(f"{name}: period", offered, start=starts[name])
                 for name, offered in PARTS.items()}  # fmt: skip
    still = fast_and_slow.rhythms(Clock((1, 8, 32)).rhythm(STEPS), (1, 8, 32),
                                  "Three periods as rhythms, an analogy to brain waves")
    return Explorer(controls, draw, height=HEIGHT, table=_periods(), fallback=still)


def in_a_row(names: list[str]) -> str:
    """ "fast, middle and slow"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _ticks(step: int, periods: tuple[int, ...]) -> list[str]:
    """A row for each part: a tick where it moves, and pale what it has gathered by now."""
    axes = Axes(110, 92, 766, 150, 0, STEPS)
    parts = [box(axes.place(step, 0)[0] - 5, 84, 10, 172, FAINT, corner=4)]
    rhythm = Clock(periods).rhythm(STEPS)
    for place, (name, C) in enumerate(zip(PARTS, periods, strict=True)):
        y, colour = 112 + 56 * place, COLOURS[place]
        parts.append(text(24, y + 5, name, size=17, bold=True, colour=colour))
        parts.append(line([(axes.x, y), (axes.x + axes.width, y)], FAINT, width=1.5))
        first = step - behind(step, C)
        left, right = axes.place(first - 0.7, 0)[0], axes.place(step + 0.3, 0)[0]
        parts.append(f'<g opacity=".25">{box(left, y - 18, right - left, 36, colour)}</g>')
        for at in range(1, STEPS + 1):
            if rhythm[place, at - 1]:
                x, tall = axes.place(at, 0)[0], 18 if at <= step else 11
                parts.append(line([(x, y - tall), (x, y + tall)], colour, width=3,
                                  opacity=1 if at <= step else 0.45))  # fmt: skip
    for at in (1, 16, 32, 48, 64, 80, 96):
        parts.append(text(axes.place(at, 0)[0], 275, at, size=14, anchor="middle"))
    return parts


def _heard(step: int, periods: tuple[int, ...]) -> list[str]:
    """What each part has gathered, how far its weights are behind, now and at worst."""
    parts = [text(24, 303, "pale: the gradients gathered so far;  a tick: a move by their mean",
                  size=14, colour=SOFT)]  # fmt: skip
    for place, (name, C) in enumerate(zip(PARTS, periods, strict=True)):
        parts.append(text(24, 330 + 26 * place, name, size=15, bold=True, colour=COLOURS[place]))
        parts.append(text(110, 330 + 26 * place, heard(step, C), size=15))
    return parts


def heard(step: int, C: int) -> str:
    """One part at this step: it moves now, or how far its weights are behind."""
    now = behind(step, C)
    moves = f"every {C}: {step // C} move{'s' if step // C != 1 else ''} so far"
    if C == 1:
        return f"{moves}; it moves at each step, and its weights are never behind"
    if now == C - 1:
        return (f"{moves}; gathered {C} of {C} gradients: it moves now; the oldest of them is "
                f"{now} step{'s' if now != 1 else ''} old")  # fmt: skip
    return (f"{moves}; gathered {now + 1} of {C} gradients; its weights are {now} "
            f"step{'s' if now != 1 else ''} behind, at worst {C - 1}")


def _periods() -> Table:
    """A row for each period that a part may have."""
    rows = [[name, C, STEPS // C, C, C - 1] for name, offered in PARTS.items() for C in offered]
    return Table(["part", "period", f"moves in {STEPS} steps", "gradients in a move",
                  "steps behind, at worst"], rows)  # fmt: skip
