"""Two speeds in time: right by step, the base through contexts and a rest, and who moves when."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clcourse.errors import CourseError
from clcourse.metrics import Estimate
from clcourse.plots import fading
from clcourse.plots.figure import (
    BLACK,
    BLUE,
    COLOURS,
    DASHES,
    FAINT,
    GREEN,
    INK,
    PURPLE,
    VERMILLION,
    Figure,
    in_style,
    look,
    number,
    sheet,
)
from clcourse.plots.general import note
from clcourse.plots.labels import End, end_labels, headline, mark_guess, settle
from clcourse.plots.reading import (
    along,
    array,
    entries,
    estimate_in_words,
    said,
    seeds_in_words,
)

TALL = 2.4  # inches
LINES = {  # the rivals that were watched step by step
    "two weights": (BLUE, DASHES[0]),
    "beside": (PURPLE, DASHES[3]),
    "one network, put back at rest": (GREEN, DASHES[1]),
    "put back when told": (BLACK, DASHES[4]),
    "one network": (VERMILLION, DASHES[2]),
}


def stored(rival: str, what: str) -> list[Estimate]:
    """A rival's life on lanes 0-19: what is "by step", "base by context" or "base at rest"."""
    n = len(fading.study()["settings"]["seeds"])
    return [Estimate(*three, n) for three in fading.study()["lives"][fading.WORLD][rival][what]]


@in_style
def timeline(title: str | None = None) -> Figure:
    """Right before learning, by step within a context: mean of all contexts, 20 lanes."""
    picture, ((axes,),) = sheet(7.8)
    ends, parts = [], []
    for rival, (colour, dashes) in LINES.items():
        found = stored(rival, "by step")
        x = np.arange(1, len(found) + 1)
        _line(axes, x, found, colour, dashes)
        ends.append(End(found[-1].value, fading.NAMES[rival], colour, dashes))
        parts.append(f"{fading.NAMES[rival]} {estimate_in_words(found[0])} at step 1, "
                     f"{estimate_in_words(found[9])} at step 10, {estimate_in_words(found[-1])} "
                     f"at step {len(found)}")  # fmt: skip
    axes.set(xlim=(1, len(found)), ylim=(0, 1), xlabel="step within a context",
             ylabel="online accuracy")  # fmt: skip
    axes.set_xticks([1, 10, 20, 30])
    axes.grid(axis="y")
    note(axes, f"line: mean of all contexts and {found[0].n} seeds;  band: 95 % interval of the "
               "mean over seeds")  # fmt: skip
    headline(picture, title)
    settle(picture, TALL * look().size)
    end_labels(axes, ends)
    return Figure(picture, said(title, f"online accuracy by step within a context, mean [95 % "
                                       f"interval] of {found[0].n} seeds: {'; '.join(parts)}."))


def _line(axes, x, found: list[Estimate], colour: str, dashes) -> None:
    """Means as a line in the band of their intervals."""
    axes.fill_between(x, [one.low for one in found], [one.high for one in found], color=colour,
                      alpha=0.18, linewidth=0)
    axes.plot(x, [one.value for one in found], color=colour, linestyle=dashes, clip_on=False,
              zorder=3)


def stored_life(guess=None, title: str | None = None) -> Figure:
    """The base through 24 contexts and the rest, from the study."""
    shown = ("two weights", "two weights, no fading", "one network, put back at rest",
             "one network")  # fmt: skip
    steps = fading.study()["settings"]["watched at rest"]
    few = [steps.index(n) for n in (0, 1, 10, 30, 100, 1000)]  # what has room
    resting = {name: stored(name, "base at rest") for name in shown}
    return life({fading.NAMES[name]: stored(name, "base by context") for name in shown},
                {fading.NAMES[name]: [found[k] for k in few] for name, found in resting.items()},
                rest_steps=[steps[k] for k in few], guess=guess, title=title)


@in_style
def life(awake, resting, *, rest_steps: Sequence[int], guess=None,
         title: str | None = None) -> Figure:
    """Base accuracy after each context and, in the second panel, through a rest without data.

    awake    {name: (seeds, contexts)}, at most 5; resting: the same names, (seeds, steps of rest)
    rest_steps  how many steps of rest each column of `resting` comes after, rising
    guess    of the base after the rest: a line in both panels
    """
    awake, resting = entries(awake, "awake", 5), entries(resting, "resting", 5)
    if list(awake) != list(resting):
        raise CourseError(
            f"awake has {list(awake)} and resting {list(resting)}; expected the same names."
        )
    picture, (panels,) = sheet(9.6, ncols=2, sharey=True)
    contexts = len(next(iter(_columns(awake))))
    ends, parts = [], []
    for name, colour, dashes in zip(awake, COLOURS, DASHES, strict=False):
        up = along(awake[name], contexts, f"awake[{name!r}]")
        down = along(resting[name], len(rest_steps), f"resting[{name!r}]")
        _line(panels[0], range(1, contexts + 1), up, colour, dashes)
        _line(panels[1], range(len(rest_steps)), down, colour, dashes)
        ends.append(End(down[-1].value, str(name), colour, dashes))
        parts.append(f"{name} {estimate_in_words(up[0])} after the first, "
                     f"{estimate_in_words(up[-1])} after the last, {estimate_in_words(down[-1])} "
                     "rested")  # fmt: skip
    panels[0].set(xlim=(1, contexts), ylim=(0, 1), xlabel="contexts lived through",
                  ylabel="base accuracy")  # fmt: skip
    panels[0].set_xticks(sorted({1, (contexts + 1) // 2, contexts}))
    panels[1].set(xlim=(0, len(rest_steps) - 1), xlabel="steps of rest")
    panels[1].set_xticks(range(len(rest_steps)), [f"{n:g}" for n in rest_steps])
    for panel in panels:
        panel.grid(axis="y")
    many = seeds_in_words([up[0].n])
    note(panels[0], f"line: mean of {many};  band: its 95 % interval;  every context gives four "
                    "digits other names, the rest has no data")  # fmt: skip
    headline(picture, title)
    settle(picture, TALL * look().size)
    end_labels(panels[1], ends + mark_guess(panels[1], guess), width=1.5)
    return Figure(picture, said(title, (
        f"base accuracy after each of {contexts} contexts and through a rest of {rest_steps[-1]:g} "
        f"steps, mean [95 % interval] of {many}: {'; '.join(parts)}.")))


def _columns(lines: dict) -> list:
    """What the first line has along its second axis."""
    first = next(iter(lines.values()))
    if isinstance(first, Sequence) and isinstance(first[0], Estimate):
        return [first]
    return [array(first, "awake", "(seeds, contexts)", axes=2)[0]]


TRIED = {  # words: rivals, colour, marker
    "two weights": (("two weights", "two weights, frozen"), BLUE, "o"),
    "network beside": (("beside", "beside, frozen"), PURPLE, "D"),
    "nothing fades": (("one network", "two weights, no fading", "beside, no fading"), VERMILLION,
                      "^"),
}  # fmt: skip


@in_style
def plane(title: str | None = None) -> Figure:
    """Every setting tried: online accuracy to the right, the base after the rest upwards."""
    picture, ((axes,),) = sheet(7.8)
    ends, parts = [], []
    for words, (rivals, colour, marker) in TRIED.items():
        rows = [row for rival in rivals for row in fading.study()["search"][fading.WORLD][rival]
                if "online" in row]  # fmt: skip
        axes.plot([row["online"] for row in rows], [row["rested"] for row in rows], marker,
                  color=colour, alpha=0.45, markersize=look().dot, markeredgewidth=0)
        best = max(rows, key=lambda row: row["online"] + row["rested"])
        axes.plot(best["online"], best["rested"], marker, color=colour, markeredgecolor=INK,
                  markersize=2.2 * look().dot, markeredgewidth=0.4 * look().line, zorder=4)
        ends.append(End(best["rested"], words, colour))
        parts.append(f"{words}: {len(rows)} settings, best {_setting(best['setting'])}, online "
                     f"{number(best['online'])}, rested {number(best['rested'])}")  # fmt: skip
    axes.set(xlim=(0.55, 0.9), ylim=(0.5, 1), xlabel="online accuracy", ylabel="base rested")
    axes.set(xticks=[0.6, 0.7, 0.8, 0.9], yticks=[0.6, 0.8, 1])
    axes.grid()
    note(axes, "a mark: one setting, validation images, mean of the lanes 100 to 109;  large: the "
               "best of its kind, greatest sum of both")  # fmt: skip
    headline(picture, title)
    settle(picture, TALL * look().size)
    end_labels(axes, ends)
    return Figure(picture, said(title, "online accuracy and base after the rest, of every setting "
                                       f"tried on lanes 100 to 109. {'; '.join(parts)}."))


SYMBOLS = {"lr": "fast rate", "keep": "keep", "slow_lr": "slow rate"}


def _setting(setting: dict[str, float]) -> str:
    """ "fast rate 0.3, keep 0.97, slow rate 0.03"."""
    return ", ".join(f"{SYMBOLS[name]} {value:g}" for name, value in setting.items())


@in_style
def rhythms(moves, periods: Sequence[int], title: str | None = None) -> Figure:
    """When each part moves: a tick at each step that it is due; moves (parts, steps), as from
    `cl.Clock(periods).rhythm(steps)`."""
    moves = array(moves, "moves", "(parts, steps)", axes=2)
    if len(moves) != len(periods):
        raise CourseError(
            f"moves has {len(moves)} parts and there are {len(periods)} periods; expected as many."
        )
    picture, ((axes,),) = sheet(9.6)
    steps = moves.shape[1]
    for place, (row, colour) in enumerate(zip(moves, COLOURS, strict=False)):
        axes.axhline(place, color=FAINT, linewidth=0.5 * look().line, zorder=0)
        axes.vlines(np.flatnonzero(row) + 1, place - 0.32, place + 0.32, color=colour,
                    linewidth=0.9 * look().line)
    axes.set(xlim=(0, steps + 1), ylim=(len(moves) - 0.5, -0.5), xlabel="step")
    axes.set_yticks(range(len(moves)), [f"every {C}" if C > 1 else "every step" for C in periods])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    note(axes, "a tick: the part moves, by what its gradients since its last move say together")
    headline(picture, title)
    settle(picture, 0.45 * len(moves) * look().size)
    counts = [f"period {C}: {int(row.sum())} moves" for C, row in zip(periods, moves, strict=True)]
    return Figure(picture, said(title, f"moves in {steps} steps: {'; '.join(counts)}."))
