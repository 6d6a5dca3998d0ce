"""A small HOPE beside its rivals, and what its paper prints: two versions that differ."""

from __future__ import annotations

import functools

import numpy as np
from matplotlib.ticker import NullLocator

from clcourse.errors import CourseError
from clcourse.plots.figure import (
    BLACK,
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    SOFT,
    VERMILLION,
    Figure,
    Mark,
    in_style,
    look,
    number,
    sheet,
)
from clcourse.plots.general import note
from clcourse.plots.labels import End, end_labels, headline, mark_guess, settle
from clcourse.plots.reading import estimate_in_words, said, seeds_in_words, share
from clcourse.results import load

TALL = 2.4  # inches
TASKS = {"parity": 1 / 2, "modulo 3": 1 / 3, "recall": 1 / 6}  # and chance
MODELS = {
    "transformer": Mark(SOFT, "x", (0, (1, 1.2))),
    "transformer, slope": Mark(INK, "s", (0, (10, 3))),
    "transformer, places": Mark(BLACK, "X", (0, (1, 1.2))),
    "transformer, places and slope": Mark(BLACK, "x", "-"),
    "two blocks, places": Mark(INK, "h", (0, (2.5, 2.5))),
    "two blocks, places and slope": Mark(BLACK, "H", (0, (5, 1.5))),
    "gated": Mark(ORANGE, "v", (0, (2.5, 2.5))),
    "delta": Mark(GREEN, "D", (0, (6, 1.5, 1, 1.5))),
    "DGD": Mark(BLUE, "^", (0, (10, 3))),
    "self-modifying": Mark(PURPLE, "P", (0, (1, 1.2))),
    "self-modifying, slow targets": Mark(PURPLE, "p", (0, (5, 1.5))),
    "HOPE": Mark(VERMILLION, "o", "-"),
    "Hope-Attention, slope": Mark(SOFT, "d", (0, (2.5, 2.5))),
    "LSTM": Mark(SOFT, "*", "-"),
    "delta, read twice": Mark(GREEN, "D", "-"),
    "DGD, read twice": Mark(BLUE, "^", "-"),
}
SHOWN = ("two blocks, places and slope", "gated", "delta", "DGD", "self-modifying", "HOPE", "LSTM")
NAMES = {"two blocks, places": "transformer, two blocks, places",
         "two blocks, places and slope": "transformer, two blocks, places and slope",
         "self-modifying": "its memory, plain MLPs",
         "self-modifying, slow targets": "the same, slow targets"}  # fmt: skip
SOLVED = 0.99
GUESSED = 64  # tokens at which the reader is asked


@functools.cache
def study() -> dict:
    """The stored study, read once."""
    return load("10_hope")


def lanes(task: str, model: str, length: int, practice: int = 1, *, fresh: bool = False):
    """Share right, lanes 0-9; fresh: lanes 200-204. practice: 1, or 3 times as much."""
    found = study()["cells"][task][model][f"practice x {most(task, practice)}"]
    return np.array(found[f"{length}, others" if fresh else f"{length}"])


def most(task: str, practice: int = 3) -> int:
    """How often as much was practised: 3, or less where the study has less."""
    there = study()["cells"][task]["HOPE"]
    return max(one for one in range(1, practice + 1) if f"practice x {one}" in there)


def at_rate(model: str, rate: float, length: int = 256, *, fresh: bool = False, task: str = ""):
    """Parity after 600 steps at any rate tried; task, parity or recall: that, after 2,400 steps."""
    found = (study()["longer"][task] if task else study()["by rate"])[model][str(rate)]
    return np.array(found[f"{length}, others" if fresh else f"{length}"])


def solved(task: str, model: str, length: int, practice: int = 1, *, fresh: bool = False) -> int:
    """How many of these lanes are right 99 times in a hundred."""
    return int((lanes(task, model, length, practice, fresh=fresh) >= SOLVED).sum())


@in_style
def lengths(models=SHOWN, practice: int = 3, tasks=tuple(TASKS), guess=None,
            title: str | None = None) -> Figure:
    """Share right against the length of the text, a panel for each task; the first was practised.

    models  some of MODELS, all asked in these tasks; practice: 1, or 3 times as much
    guess   of HOPE at 64 tokens of the first task: a mark there
    """
    picture, (panels,) = sheet(2.6 + 2.8 * len(tasks), ncols=len(tasks), sharey=True)
    parts = []
    for panel, task in zip(panels, tasks, strict=True):
        sizes = study()["settings"]["lengths"][task]
        for place, model in enumerate(models):
            aside = 1.025 ** (place - len(models) // 2)
            _line(panel, task, model, np.array(sizes), (practice, aside))
        panel.axhline(TASKS[task], color=SOFT, linestyle=(0, (4, 3)), linewidth=0.5 * look().line)
        panel.set(xscale="log", xlim=(sizes[0] / 1.25, sizes[-1] * 1.25), ylim=(0, 1),
                  xlabel="tokens")
        panel.set_xticks(sizes, [str(size) for size in sizes])
        panel.xaxis.set_minor_locator(NullLocator())
        panel.set_title(task, loc="left", fontsize=look().type)
        panel.grid(axis="y")
        where = f"{task} after {steps([task], practice)}, at {sizes[0]} and {sizes[-1]} tokens: "
        parts.append(where + "; ".join(
            f"{NAMES.get(model, model)} {_said(task, model, sizes[0], practice)} and "
            f"{_said(task, model, sizes[-1], practice)}" for model in models))  # fmt: skip
    panels[0].set(ylabel="share right", yticks=np.linspace(0, 1, 6))
    mark_guess(panels[0], guess, at=GUESSED)
    many = seeds_in_words([len(study()["settings"]["seeds"])])
    note(panels[0], f"mark: mean of {many};  line up and down: its 95 % interval;  dashed grey: "
                    f"chance;  practised {steps(tasks, practice)} at the first length")
    headline(picture, title)
    settle(picture, TALL * look().size)
    end_labels(panels[-1], [End(share(lanes(tasks[-1], model, sizes[-1], practice)).value,
                                NAMES.get(model, model), MODELS[model].colour,
                                MODELS[model].dashes) for model in models])  # fmt: skip
    return Figure(picture, said(title, (
        f"Share right, mean [95 % interval] of {many}. {'. '.join(parts)}.")))  # fmt: skip


def steps(tasks, practice: int) -> str:
    """How long was practised, in words."""
    found = {most(task, practice) * study()["settings"]["steps"] for task in tasks}
    return " or ".join(map(str, sorted(found))) + " steps"


def _line(panel, task: str, model: str, sizes: np.ndarray, how: tuple[int, float]) -> None:
    """One model over the lengths, after that practice, a little aside from the others."""
    practice, aside = how
    colour, marker, dashes = MODELS[model]
    read = [share(lanes(task, model, size, practice)) for size in sizes]
    wide = 2.6 if model == "LSTM" else 1.0  # another lies upon it
    panel.plot(sizes * aside, [one.value for one in read], color=colour, marker=marker,
               linestyle=dashes, markersize=1.4 * look().dot, clip_on=False,
               linewidth=wide * look().line, alpha=1.3 / (0.3 + wide), zorder=4 - wide)
    for size, one in zip(sizes, read, strict=True):
        panel.plot([size * aside] * 2, [one.low, one.high], color=colour,
                   linewidth=0.4 * look().line, clip_on=False)


def _said(task: str, model: str, length: int, practice: int) -> str:
    return estimate_in_words(share(lanes(task, model, length, practice)))


@in_style
def every_lane(tasks=tuple(TASKS), practice: int = 3, place: int = -1,
               title: str | None = None) -> Figure:
    """Each lane a dot (a mean may describe no lane), how many solve it, and what a token costs.

    place  which length: 0 is the one practised, -1 the longest
    """
    models = [one for one in MODELS if any(one in study()["cells"][task] for task in tasks)]
    picture, (panels,) = sheet(11.0, ncols=len(tasks) + 1, sharey=True,
                               width_ratios=[1] * len(tasks) + [0.8])
    parts = [_lanes_of(panel, task, models, (practice, place))
             for panel, task in zip(panels, tasks, strict=False)]  # fmt: skip
    cost = {model: study()["cost"][model] / study()["cost"]["transformer"]
            for model in models if model in study()["cost"]}  # fmt: skip
    panels[-1].plot(list(cost.values()), [models.index(one) for one in cost], "s", color=BLACK,
                    clip_on=False)
    panels[-1].set(xscale="log", xlim=(0.7, 12), xlabel="time a token\n(attention 1)")
    panels[-1].set_xticks([1, 3, 10], ["1", "3", "10"])
    panels[-1].xaxis.set_minor_locator(NullLocator())
    panels[-1].grid(axis="x")
    parts.append("time a token, transformer = 1: "
                 + ", ".join(f"{model} {one:.2g}" for model, one in cost.items()))
    panels[0].set_yticks(range(len(models)),
                         [NAMES.get(one, one).replace(", ", ",\n", 1) for one in models])
    panels[0].set_ylim(len(models) - 0.5, -0.5)
    for panel in panels:
        panel.tick_params(axis="y", length=0)
    many = seeds_in_words([len(study()["settings"]["seeds"])])
    note(panels[0], f"circles: {many};  bar: their mean;  at the right: how many are right 99 "
                    f"times in a hundred;  dashed: chance;  practised {steps(tasks, practice)}")
    headline(picture, title)
    settle(picture, 0.43 * look().size * len(models))
    return Figure(picture, said(title, (
        f"Share right, mean [95 % interval] of {many}, and how many of them "
        f"solve it. {'. '.join(parts)}.")))  # fmt: skip


def _lanes_of(panel, task: str, models: list[str], where: tuple[int, int]) -> str:
    """One task: the lanes of each model."""
    practice, parts = where[0], []
    length = study()["settings"]["lengths"][task][where[1]]
    for row, model in enumerate(models):
        if model not in study()["cells"][task]:
            continue
        found = lanes(task, model, length, practice)
        aside = (np.arange(len(found)) * 0.618 % 1 - 0.5) * 0.5
        panel.plot(found, row + aside, "o", color=BLUE, markerfacecolor="none", clip_on=False,
                   markersize=look().dot, markeredgewidth=0.4 * look().line)
        panel.plot([found.mean()] * 2, [row - 0.35, row + 0.35], color=VERMILLION, clip_on=False)
        right = solved(task, model, length, practice)
        panel.annotate(f"{right}", (1, row), xycoords=panel.get_yaxis_transform(), va="center",
                       xytext=(0.7, 0), textcoords="offset fontsize", fontsize=0.9 * look().type)
        parts.append(f"{model} {estimate_in_words(share(found))}, {right}")
    panel.axvline(TASKS[task], color=SOFT, linestyle=(0, (4, 3)), linewidth=0.5 * look().line)
    panel.set(xlim=(0, 1), xlabel=f"share right\nat {length} tokens")
    panel.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    panel.set_title(task, loc="left", fontsize=look().type)
    panel.grid(axis="x")
    return f"{task} after {steps([task], practice)}, at {length} tokens: {'; '.join(parts)}"


@in_style
def by_hand(bits, found, title: str | None = None) -> Figure:
    """What one number kept in M says after each bit, for each rule: is the count odd or even?

    bits   the bits read; found: {rule: M after each of them}, such as {"DGD": [-1, 1, …]}
    """
    bits = [int(bit) for bit in bits]
    read = {str(rule): np.array([float(one) for one in M]) for rule, M in found.items()}
    if not bits or any(len(M) != len(bits) for M in read.values()) or not 1 <= len(read) <= 3:
        raise CourseError(
            f"by_hand got {len(bits)} bits and {[len(M) for M in read.values()]} values; expected "
            'as many values of M as bits for 1 to 3 rules: try {"DGD": [-1, 1], "delta": [0, 0]}.'
        )
    picture, (panels,) = sheet(3.6 * len(read) + 1, ncols=len(read), sharey=True)
    even = 1 - 2 * (np.cumsum(bits) % 2)
    parts = []
    for panel, (rule, M), colour in zip(panels, read.items(), (BLUE, VERMILLION, GREEN),
                                        strict=False):  # fmt: skip
        x = np.arange(len(bits))
        panel.plot(x, even, "o", color=SOFT, markerfacecolor="none", markersize=3 * look().dot,
                   clip_on=False)
        panel.plot(x, M, "s", color=colour, markersize=1.4 * look().dot, clip_on=False, zorder=3)
        panel.axhline(0, color=SOFT, linewidth=0.4 * look().line)
        panel.set(xlim=(-0.6, len(bits) - 0.4), ylim=(-1.35, 1.35), xlabel="bit read")
        panel.set_xticks(x, bits)
        panel.set_yticks([-1, 0, 1], ["-1: odd", "0", "1: even"])
        panel.set_title(rule, loc="left", fontsize=look().type)
        right = int((np.sign(M) == even).sum())
        parts.append(f"{rule}: {', '.join(number(one) for one in M)}, the right side of zero "
                     f"{right} times of {len(bits)}")  # fmt: skip
    note(panels[0], "square: the number kept in M;  ring: what it must say")
    headline(picture, title)
    settle(picture, 0.65 * TALL * look().size)
    return Figure(picture, said(title, (
        f"M after each of the bits {' '.join(map(str, bits))}. {'. '.join(parts)}.")))  # fmt: skip
