"""Lesson 03: two systems, lists and facts side by side, amnesia by age, and sleep that lasts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.ticker import MaxNLocator

from clcourse.metrics import estimate
from clcourse.plots.figure import (
    BLUE,
    COLOURS,
    DASHES,
    GREEN,
    GUESS,
    INK,
    ORANGE,
    PAPER,
    PURPLE,
    SKY,
    SOFT,
    Figure,
    in_style,
    look,
    number,
    sheet,
)
from clcourse.plots.general import note
from clcourse.plots.labels import End, end_labels, headline, height, settle, wrapped
from clcourse.plots.lesson_02 import PEOPLE
from clcourse.plots.reading import array, estimate_in_words
from clcourse.results import load

OLD, NEW = (COLOURS[0], DASHES[0]), (COLOURS[1], DASHES[1])  # old and new, as in lesson 02
CORTEX, HIPPOCAMPUS = (GREEN, DASHES[0]), (PURPLE, DASHES[1])


@in_style
def two_systems() -> Figure:
    """The idea as a drawing: a fast store, a slow network, day and night."""
    picture, ((axes,),) = sheet(8.6, 1.9)
    axes.set(xlim=(0, 100), ylim=(2, 26))
    axes.axis("off")
    size = look().type
    boxes = ((13, "the world", "one thing\nafter another", PAPER),
             (48, "fast store", "keeps episodes\nat one showing", ORANGE),
             (85, "slow network", "shares its weights,\nlearns bit by bit", SKY))
    for x, name, words, colour in boxes:
        style = {"boxstyle": "round,pad=0.9", "facecolor": colour, "edgecolor": SOFT}
        axes.text(x, 16, f"{name}\n\n{words}", ha="center", va="center", fontsize=size, color=INK,
                  bbox=style, linespacing=1.15)
    arrows = ((25, 36, "day", INK), (61, 72, "night:\nreplay", BLUE))
    for start, end, words, colour in arrows:
        axes.annotate("", (end, 16), (start, 16),
                      arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": look().line})
        axes.text((start + end) / 2, 17.5, words, ha="center", va="bottom", fontsize=size,
                  color=colour)
    axes.text(48, 2.5, "in the brain: hippocampus", ha="center", fontsize=0.9 * size, color=SOFT)
    axes.text(85, 2.5, "in the brain: neocortex", ha="center", fontsize=0.9 * size, color=SOFT)
    return Figure(picture, "Two memory systems. By day the world gives one thing after another to "
                           "a fast store (the hippocampus), which keeps each episode by itself. "
                           "By night the store replays them to a slow network (the neocortex), "
                           "which learns by small steps.")


@in_style
def side_by_side(x: Sequence, panels: dict, *, xlabel: str, ylabel: str, subjects: bool = False,
                 guess=None, title: str | None = None) -> Figure:
    """A panel for each entry, old and new in the same two colours in all of them.

    panels    {head: {line: (seeds, len(x))}}: the first line is the old, the second the new
    subjects  thin lines for the old of each seed, in place of a band (their middle 80 %)
    guess     a height to mark at the end of the last panel
    """
    picture, (row,) = sheet(8.6, 3.3, ncols=len(panels), sharey=True)
    sentences, ends = [], []
    for axes, (head, lines) in zip(row, panels.items(), strict=True):
        ends = []
        for place, ((colour, dashes), (name, lanes)) in enumerate(
                zip((OLD, NEW), lines.items(), strict=False)):
            lanes = array(lanes, name, "(seeds, steps)", axes=2)
            across = range(lanes.shape[1]) if x is None else x
            if subjects and not place:
                apart = np.linspace(-0.012, 0.012, len(lanes))  # so that equal ones show
                axes.plot(across, lanes.T + apart, color=colour, alpha=0.5,
                          linewidth=0.35 * look().line)
            else:
                low, high = np.quantile(lanes, [0.1, 0.9], axis=0)
                axes.fill_between(across, low, high, color=colour, alpha=0.18, linewidth=0)
            axes.plot(across, lanes.mean(axis=0), color=colour, linestyle=dashes, clip_on=False,
                      zorder=3)
            ends.append(End(lanes[:, -1].mean(), name, colour, dashes))
            sentences.append(f"{head}, {name}: from {number(lanes[:, 0].mean())} to "
                             f"{number(lanes[:, -1].mean())} (lowest subject "
                             f"{number(lanes[:, -1].min())}, highest {number(lanes[:, -1].max())})")
        _frame(axes, across, xlabel, head)
    _people(row[-1], xlabel)
    row[0].set_ylabel(ylabel)
    thin = "thin lines: old list, single subjects;  " if subjects else ""
    note(row[0], f"thick: mean;  {thin}band: middle 80 %" + (
        ";  dots: people, by eye from the printed figure of 1959" if _lists(xlabel) else ""))
    headline(picture, title)
    settle(picture, 2.2 * look().size)
    value = height(guess, "guess")
    if value is not None:
        row[-1].plot(across[-1], value, "D", color=GUESS, clip_on=False, zorder=4)
        ends.append(End(value, f"your guess {number(value)}", GUESS))
    end_labels(row[-1], ends, width=1.2)
    return Figure(picture, f"{ylabel.capitalize()} against {xlabel}. {'; '.join(sentences)}.")


def _frame(axes, across, xlabel: str, head: str) -> None:
    """Shares from 0 to 1 along x."""
    axes.set(xlim=(across[0], across[-1]), ylim=(0, 1), yticks=np.linspace(0, 1, 6))
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.set_xlabel(wrapped(xlabel, 2.4 * look().size, look().type))
    axes.grid(axis="y")
    axes.set_title(wrapped(head, 2.6 * look().size, look().type), loc="left", fontsize=look().type)


def _lists(xlabel: str) -> bool:
    return xlabel == "trials on the new list"


def _people(axes, xlabel: str) -> None:
    """The dots of 1959, where lists are shown."""
    if _lists(xlabel):
        for (colour, _), (trials, shares) in zip((OLD, NEW), PEOPLE.values(), strict=True):
            axes.plot(trials, shares, "o", color=PAPER, markeredgecolor=colour, clip_on=False,
                      markeredgewidth=0.8 * look().line, markersize=1.8 * look().dot, zorder=5)


@in_style
def long_sleep(moments: Sequence[int], errors: dict, guess=None,
               title: str | None = None) -> Figure:
    """Error on new episodes while the student sleeps on, a line for each signal-to-noise ratio.

    errors  {label: (seeds, moments)}
    guess   an error to mark at the end
    """
    picture, ((axes,),) = sheet(7.6, 3.4)
    x, ends, sentences = np.asarray(moments) + 1, [], []
    for (name, lanes), colour, dashes in zip(errors.items(), COLOURS, DASHES, strict=False):
        lanes = array(lanes, name, "(seeds, moments)", axes=2)
        low, high = np.quantile(lanes, [0.1, 0.9], axis=0)
        mean = lanes.mean(axis=0)
        axes.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)
        axes.plot(x, mean, color=colour, linestyle=dashes, zorder=3)
        best = int(mean.argmin())
        axes.plot(x[best], mean[best], "o", color=PAPER, markeredgecolor=colour,
                  markeredgewidth=0.8 * look().line, markersize=2.2 * look().dot, zorder=4)
        ends.append(End(mean[-1], name, colour, dashes))
        sentences.append(f"{name}: {number(mean[0])} before, lowest {number(mean[best])}, "
                         f"{number(mean[-1])} at the end")
    axes.set(xscale="log", xlim=(1, x[-1]), xlabel="epochs of sleep (log scale)",
             ylabel="error on new episodes")
    axes.set_ylim(bottom=0)
    axes.set_xticks([1, 11, 101, 1001], ["0", "10", "100", "1000"])
    axes.grid(axis="y")
    note(axes, "line: mean;  band: middle 80 % of seeds;  circle: lowest mean")
    headline(picture, title)
    settle(picture, 2.3 * look().size)
    value = height(guess, "guess")
    if value is not None:
        axes.plot(x[-1], value, "D", color=GUESS, clip_on=False, zorder=4)
        ends.append(End(value, f"your guess {number(value)}", GUESS))
    end_labels(axes, ends, width=1.6)
    return Figure(picture, f"Squared error on new episodes by epochs of sleep: "
                           f"{'; '.join(sentences)}.")


STOPS = {"to the end": "sleep to the end", "held out": "stop by held-out episodes",
         "best in hindsight": "best in hindsight (an oracle)",
         "look-up": "no sleep: the most similar episode", "mean of ten": "the mean of ten similar"}


@in_style
def stopping(study: dict | None = None, title: str | None = None) -> Figure:
    """Error on new episodes at three stopping points, and of the box itself, by amount of noise."""
    study = load("03_teacher") if study is None else study
    picture, ((axes,),) = sheet(7.6, 3.2)
    ratios, ends, sentences = list(study["shoebox"]), [], []
    for (key, name), colour, dashes in zip(STOPS.items(), COLOURS[1:], DASHES[1:], strict=False):
        read = [estimate(study["shoebox"][ratio][key]) for ratio in ratios]
        middle = [one.value for one in read]
        axes.fill_between(range(len(ratios)), [one.low for one in read],
                          [one.high for one in read], color=colour, alpha=0.2, linewidth=0)
        axes.plot(middle, color=colour, linestyle=dashes, marker="o", clip_on=False, zorder=3)
        ends.append(End(middle[0], name, colour, dashes))
        sentences.append(f"{name}: " + ", ".join(
            f"{estimate_in_words(one)} at {_ratio(ratio)}"
            for ratio, one in zip(ratios, read, strict=True)))
    axes.set(xlim=(len(ratios) - 0.8, 0), xticks=range(len(ratios)),
             xticklabels=[_ratio(one) for one in ratios],
             xlabel="signal to noise (∞: no noise; noisier to the right)",
             ylabel="error on new episodes")
    axes.axhline(1, color=SOFT, linestyle="--", linewidth=0.5 * look().line)
    axes.set_ylim(bottom=0)
    axes.grid(axis="y")
    note(axes, "line: mean of 20 seeds;  band: its 95 % interval;  dashed at 1: always answer 0")
    headline(picture, title)
    settle(picture, 2.2 * look().size)
    end_labels(axes, ends, width=1.6)
    return Figure(picture, f"Squared error on new episodes, mean [95 % interval] over 20 seeds, by "
                           f"signal-to-noise ratio. {'; '.join(sentences)}.")


def _ratio(text: str) -> str:
    return "∞" if text == "inf" else f"{float(text):g}"
