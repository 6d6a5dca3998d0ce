"""Three figures that every lesson needs: curves, bars and paired differences."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from clcourse.errors import CourseError
from clcourse.metrics import Estimate
from clcourse.plots.figure import (
    BLUE,
    COLOURS,
    DASHES,
    INK,
    SOFT,
    Figure,
    in_style,
    look,
    number,
    sheet,
)
from clcourse.plots.labels import (
    End,
    end_labels,
    headline,
    height,
    mark_guess,
    settle,
    widest,
    wrapped,
)
from clcourse.plots.reading import (
    array,
    estimate_in_words,
    interval,
    said,
    seeds_in_words,
)

PALE = "#B3D3E6"  # BLUE, mixed with white
TALL = 2.4  # inches: the height of axes


@in_style
def curves(x, lines, *, xlabel: str, ylabel: str, guess=None, guess_at: float | None = None,
           title: str | None = None) -> Figure:
    """The mean over seeds along x, a line for each entry of `lines`, in a band of the seeds.

    x      (steps,), rising
    lines  {label: values (seeds, steps)}, at most 6
    guess  a height to mark as the reader's own: None, a number, or what cl.guess returned;
           guess_at: the x for which it was asked, where it was asked for one x only
    The band holds the middle 80 % of the seeds (their 10 % to 90 % quantiles): how much single
    runs differ, not how surely their mean is known (for that see `bars`).
    """
    x, lines = _read_curves(x, lines)
    picture, ((axes,),) = sheet()
    ends = []
    for (label, values), colour, dashes in zip(lines.items(), COLOURS, DASHES, strict=False):
        low, high = np.quantile(values, [0.1, 0.9], axis=0)
        axes.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)
        axes.plot(x, values.mean(axis=0), color=colour, linestyle=dashes, clip_on=False,
                  zorder=3)
        ends.append(End(values[:, -1].mean(), label, colour, dashes))
    axes.set_xlim(x[0], x[-1])
    _name_axes(axes, xlabel, ylabel)
    _scale(axes, np.concatenate([values.ravel() for values in lines.values()]), ylabel)
    seeds = seeds_in_words([len(values) for values in lines.values()])
    several = any(len(values) > 1 for values in lines.values())
    note(axes, f"line: mean;  band: middle 80 % of {seeds}" if several else "line: 1 seed")
    headline(picture, title)
    settle(picture, TALL * look().size)
    end_labels(axes, ends + mark_guess(axes, guess, guess_at))
    parts = [f"{label} {_course_in_words(values)}" for label, values in lines.items()]
    spread = " (and the middle 80 % of them at the end)" if several else ""
    return Figure(picture, said(title, f"{ylabel} against {xlabel} ({x[0]:g} to {x[-1]:g}), mean "
                                       f"of {seeds}{spread}: {'; '.join(parts)}."))


def _read_curves(x, lines) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Checked x (steps,) and lines {label: (seeds, steps)}."""
    x = array(x, "x", "(steps,)", axes=1)
    lines = {str(label): array(values, repr(label), "(seeds, steps)", axes=2)
             for label, values in _entries(lines, most=len(COLOURS)).items()}
    for label, values in lines.items():
        if len(x) < 2 or (np.diff(x) <= 0).any() or values.shape[1] != len(x):
            raise CourseError(
                f"{label!r} has {values.shape[1]} steps and x has {len(x)}; expected as many, at "
                "least 2, with x rising: try x=range(values.shape[1])."
            )
    return x, lines


def _course_in_words(values: np.ndarray) -> str:
    """ "from 0.98 to 0.50 (0.44 to 0.55), lowest 0.50, highest 0.98". """
    mean = values.mean(axis=0)
    low, high = np.quantile(values[:, -1], [0.1, 0.9])
    spread = f" ({number(low)} to {number(high)})" if len(values) > 1 else ""
    return (f"from {number(mean[0])} to {number(mean[-1])}{spread}, lowest {number(mean.min())}, "
            f"highest {number(mean.max())}")


@in_style
def bars(groups, *, ylabel: str, floor: float | None = None, guess=None,
         title: str | None = None) -> Figure:
    """A bar for each group: the mean, its 95 % t-interval, and a dot for each seed.

    groups  {label: Estimate, or values (seeds,)}, at most 8; an Estimate has no dots
    floor   what chance gives: a dashed line
    guess   a height to mark as the reader's own: None, a number, or what cl.guess returned
    """
    read = {str(label): interval(values, repr(label))
            for label, values in _entries(groups, most=8).items()}
    picture, ((axes,),) = sheet(max(4.4, 2.2 + 1.1 * len(read)))
    for place, (one, lanes) in enumerate(read.values()):
        axes.bar(place, one.value, width=0.6, color=PALE, linewidth=0)
        _dots(axes, place, lanes, 0.5)
        _whisker(axes, place, one)
    _scale(axes, np.concatenate([_reach(*pair) for pair in read.values()]), ylabel)
    axes.axhline(0, color=SOFT, linewidth=0.08 * look().type, clip_on=False, zorder=3)
    axes.set_xticks([])
    axes.set_xlim(-0.6, len(read) - 0.4)
    _name_axes(axes, "", ylabel)
    seeds = seeds_in_words([one.n for one, _ in read.values()])
    spread = " [95 % interval]" if any(one.n > 1 for one, _ in read.values()) else ""
    note(axes, f"bar: mean of {seeds}" + (";  line: its 95 % interval" if spread else "")
          + (";  dots: single seeds" if any(len(lanes) for _, lanes in read.values()) else ""))
    headline(picture, title)
    ends = mark_guess(axes, guess) + _mark_chance(axes, floor)
    settle(picture, TALL * look().size)
    end_labels(axes, ends)
    _bar_names(axes, read)
    settle(picture, TALL * look().size)
    chance = "" if floor is None else f"; chance is {number(floor)}"
    parts = [f"{label} {estimate_in_words(one)}" for label, (one, _) in read.items()]
    return Figure(picture, said(title, f"{ylabel}, mean{spread} over {seeds}: "
                                       f"{'; '.join(parts)}{chance}."))


def _reach(one: Estimate, lanes: np.ndarray) -> np.ndarray:
    """Everything that is drawn of a group, and zero."""
    return np.array([0.0, one.value, one.low, one.high, *lanes])


def _mark_chance(axes: Axes, floor) -> list[End]:
    """Draw what chance gives and return its label."""
    floor = height(floor, "floor")
    if floor is None:
        return []
    axes.axhline(floor, color=SOFT, linestyle=(0, (4, 3)), linewidth=0.5 * look().line)
    return [End(floor, f"chance {number(floor)}", SOFT)]


@in_style
def paired(a, b, labels=("a", "b"), *, ylabel: str = "accuracy", guess=None,
           title: str | None = None) -> Figure:
    """Two ways on the same seeds: every seed a line, and beside it the differences a - b.

    a, b    (seeds,) each, lane by lane the same seeds: what they share cancels in a - b
    labels  what to call a and b
    guess   a difference to mark as the reader's own: None, a number, or what cl.guess returned
    A line that rises is a seed on which a is higher. The interval is the 95 % t-interval of the
    mean difference; where it leaves out zero, the data speak for one side.
    """
    labels = [str(label) for label in labels]
    a, b = (array(values, name, "(seeds,)", axes=1) for values, name in ((a, "a"), (b, "b")))
    if len(a) != len(b) or len(labels) != 2:
        raise CourseError(
            f"a has {len(a)} seeds, b has {len(b)} and there are {len(labels)} labels; expected "
            "as many seeds in both and two labels: run both methods with the same seeds."
        )
    picture, ((slopes, axes),) = sheet(ncols=2, width_ratios=[1.25, 1])
    _slopes(slopes, a, b, labels)
    _name_axes(slopes, "", ylabel)
    _scale(slopes, np.concatenate([a, b]), ylabel)
    difference, lanes = interval(a - b, "a - b")
    _differences(axes, difference, lanes, f"{labels[0]} minus {labels[1]}")
    seeds = seeds_in_words([len(a)])
    spread = ", at the right with its 95 % interval" if len(a) > 1 else ""
    note(slopes, f"thin: {seeds};  thick: mean{spread}")
    headline(picture, title)
    settle(picture, TALL * look().size)
    end_labels(axes, [End(0.0, "no difference", SOFT), *mark_guess(axes, guess)], width=1.0)
    sentence = (f"{ylabel}, mean over {seeds}: {labels[0]} {number(a.mean())}, "
                f"{labels[1]} {number(b.mean())}; {labels[0]} minus {labels[1]}, seed by seed: "
                f"{estimate_in_words(difference)}.")
    return Figure(picture, said(title, sentence))


def _slopes(axes: Axes, a: np.ndarray, b: np.ndarray, labels: list[str]) -> None:
    """A line for each seed from b to a, and their mean."""
    axes.plot([0, 1], [b, a], color=SOFT, alpha=0.45, linewidth=0.4 * look().line, marker="o",
              markersize=0.8 * look().dot, markeredgewidth=0, clip_on=False)
    axes.plot([0, 1], [b.mean(), a.mean()], color=BLUE, marker="o", clip_on=False, zorder=4)
    slot, small = 1.1 * look().size, 0.9 * look().type
    axes.set_xticks([0, 1], [wrapped(label, slot, small) for label in labels[::-1]])
    axes.set_xlim(-0.4, 1.4)


def _differences(axes: Axes, difference: Estimate, lanes: np.ndarray, words: str) -> None:
    """A dot for each seed's difference, and their mean with its interval."""
    _dots(axes, -0.35, lanes, 0.35)
    _whisker(axes, 0.15, difference)
    axes.axhline(0, color=SOFT, linewidth=0.5 * look().line)
    axes.set(xlim=(-0.7, 0.45), xticks=[], ylabel="difference")
    _scale(axes, _reach(difference, lanes), "")
    words = wrapped(words, 2.0 * look().size, 0.9 * look().type)
    axes.set_xlabel(f"{words}\n{estimate_in_words(difference)}", fontsize=0.9 * look().type)


def _entries(groups, most: int) -> dict:
    """`groups` if it is a dictionary of 1 to `most` entries."""
    if not isinstance(groups, dict) or not 1 <= len(groups) <= most:
        got = f"{len(groups)} entries" if isinstance(groups, dict) else type(groups).__name__
        raise CourseError(
            f"A figure got {got}; expected a dictionary of 1 to {most} labels and values: "
            'try {"fine-tuning": values}.'
        )
    return groups


def _name_axes(axes: Axes, xlabel: str, ylabel: str) -> None:
    """Label both axes, in as many lines as it takes."""
    axes.set_xlabel(wrapped(xlabel, 0.6 * axes.figure.get_figwidth(), look().type))
    axes.set_ylabel(wrapped(ylabel, TALL * look().size, look().type))


def _scale(axes: Axes, values: np.ndarray, ylabel: str) -> None:
    """An accuracy goes from 0 to 1; anything else from its smallest to its largest."""
    axes.grid(axis="y")
    if "accuracy" in ylabel.lower() and values.min() >= 0 and values.max() <= 1:
        axes.set(ylim=(0, 1), yticks=np.linspace(0, 1, 6))
        return
    low, high = values.min(), values.max()
    room = 0.05 * (high - low)
    axes.set_ylim(low - room * (low != 0), high + room * (high != 0) + (low == high))


def _dots(axes: Axes, place: float, lanes: np.ndarray, width: float) -> None:
    """A dot a lane, side by side in a fixed pattern (steps of the golden ratio)."""
    if not len(lanes):
        return  # an invisible artist would still take part in the layout
    aside = (np.arange(len(lanes)) * 0.618 % 1 - 0.5) * width
    axes.plot(place + aside, lanes, "o", color=BLUE, alpha=0.55, markersize=0.8 * look().dot,
              markeredgewidth=0, clip_on=False)


def _whisker(axes: Axes, place: float, one: Estimate) -> None:
    """The mean as a short line across, its interval as a line up and down."""
    axes.errorbar(place, one.value, [[one.value - one.low], [one.high - one.value]], color=INK,
                  marker="_", markersize=4 * look().dot, markeredgewidth=0.8 * look().line,
                  linewidth=0.8 * look().line, zorder=4)[0].set_clip_on(False)


def _bar_names(axes: Axes, read: dict) -> None:
    """Under each bar its value, in bold, and its name; the axes must have their width."""
    small, places = 0.9 * look().type, range(len(read))
    axes.xaxis.remove_overlapping_locs = False  # values are major ticks, names minor ones
    values = [number(one.value) for one, _ in read.values()]
    axes.set_xticks(places, values, fontsize=look().type, fontweight="bold")
    slot = 0.92 * axes.bbox.width / axes.figure.dpi / (len(read) + 0.2)  # a bar's share of x
    longest = widest([word for name in read for word in name.split()], small)
    if longest > slot:  # smaller type before a broken word
        small *= max(0.65, 0.96 * slot / longest)
    names = [wrapped(name, slot, small) for name in read]
    axes.set_xticks(places, names, minor=True, fontsize=small)
    axes.tick_params(axis="x", which="both", length=0)
    axes.tick_params(axis="x", which="minor", pad=5 + 1.2 * look().type)
    axes.spines["bottom"].set_visible(False)


def note(axes: Axes, words: str) -> None:
    """How to read the marks, small, at the foot of the picture."""
    picture, size = axes.figure, 0.8 * look().type
    edge = 0.6 * look().type / 72 / picture.get_figwidth()
    words = wrapped(words, 0.95 * picture.get_figwidth(), size)
    picture.supxlabel(words, x=edge, ha="left", fontsize=size, color=SOFT)
