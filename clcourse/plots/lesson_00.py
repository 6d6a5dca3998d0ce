"""Lesson 00: the opening as still pictures, from the stored study; needs no torch."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from clcourse.plots.figure import (
    BLUE,
    GREEN,
    INK,
    PAPER,
    SOFT,
    VERMILLION,
    Figure,
    in_style,
    look,
    number,
    sheet,
)
from clcourse.plots.labels import End, end_labels, headline, mark_guess
from clcourse.results import load

LAST = 18  # steps on 2s and 3s alone; as many follow with ten old pictures


class Opening:
    """The stored study of the opening, by its own words.

    pictures (20, 64) grey levels 0 to 16; truth: their digits as text; said[question][lane][step]:
    the answers to them as text; estimates[question][step]: (value, low, high) over 20 networks.
    """

    def __init__(self, study: dict) -> None:
        self.pictures, self.truth, self.said = study["pictures"], study["truth"], study["said"]
        self.estimates = study["share"]
        self._right, self._tested = study["right"], study["tested"]

    def share(self, question: str) -> np.ndarray:
        """The share of test pictures that each network reads rightly: (networks, steps)."""
        return np.asarray(self._right[question]) / self._tested

    def estimate(self, question: str, step: int) -> Sequence[float]:
        """Mean over the networks with its 95 % interval."""
        return self.estimates[question][step]

    def in_words(self, question: str, step: int) -> str:
        """ "0.47 [0.45, 0.49]". """
        value, low, high = map(number, self.estimate(question, step))
        return f"{value} [{low}, {high}]"


@functools.cache
def opening() -> Opening:
    """The stored study, read once."""
    return Opening(load("00_opening"))


@in_style
def forgetting(guess=None) -> Figure:
    """0 and 1 while 2 and 3 are taught: answers at three moments, and the curve of all networks."""
    story = opening()
    picture, curves = _answers(story, {f"step {step}": story.said["which of ten"][0][step]
                                       for step in (0, 7, LAST)})
    _lanes(curves, story, "which of ten", range(LAST + 1))
    ends = [End(story.estimate("which of ten", LAST)[0], "0s and 1s", BLUE)]
    _finish(curves, ends, guess, "steps on 2s and 3s alone")
    headline(picture, "Eighteen small steps on 2s and 3s, and what is left of 0 and 1")
    moments = ", ".join(f"{story.in_words('which of ten', step)} after {step} steps"
                        for step in (0, 5, 10, LAST))
    return Figure(picture, f"Share of 0s and 1s that 20 networks read rightly while they are "
                           f"taught 2 and 3, mean and 95 % interval: {moments}.")


@in_style
def recovery(guess=None) -> Figure:
    """Ten old pictures in every batch: what comes back, and to whom it cannot come back."""
    story = opening()
    picture, curves = _answers(story, {f"step {step}": story.said["which of ten"][0][step]
                                       for step in (LAST, 24, 2 * LAST)})
    _lanes(curves, story, "which of ten", range(2 * LAST + 1))
    _mean(curves, story, "which of ten, never taught", range(2 * LAST + 1))
    curves.axvline(LAST, color=SOFT, linewidth=1, linestyle=":")
    ends = [End(story.estimate("which of ten", 2 * LAST)[0], "taught before", BLUE),
            End(story.estimate("which of ten, never taught", 2 * LAST)[0], "never taught", GREEN)]
    _finish(curves, ends, guess, "steps; from 18 on ten old pictures ride along")
    headline(picture, "Ten old pictures in every batch bring most of it back")
    return Figure(picture, (
        f"Share of 0s and 1s that 20 networks read rightly, mean and 95 % interval: "
        f"{story.in_words('which of ten', LAST)} after 18 steps on 2s and 3s alone, then, with ten "
        f"old pictures in every batch, {story.in_words('which of ten', 24)} after 6 more and "
        f"{story.in_words('which of ten', 2 * LAST)} after 18 more; with the same ten pictures "
        f"networks that were never taught 0 and 1 reach "
        f"{story.in_words('which of ten, never taught', 2 * LAST)}, and networks that were taught "
        f"4 and 5 instead {story.in_words('which of ten, taught others', 2 * LAST)}."
    ))


@in_style
def asking() -> Figure:
    """The same networks, asked which of ten digits, and asked 0 or 1."""
    story = opening()
    rows = {"which digit?": story.said["which of ten"][0][LAST],
            "0 or 1?": story.said["0 or 1"][0][LAST]}
    picture, curves = _answers(story, rows)
    _lanes(curves, story, "which of ten", range(LAST + 1), VERMILLION)
    _lanes(curves, story, "0 or 1", range(LAST + 1))
    _mean(curves, story, "0 or 1, never taught", range(LAST + 1))
    ends = [End(story.estimate("0 or 1", LAST)[0], "“0 or 1?”", BLUE),
            End(story.estimate("which of ten", LAST)[0], "“which digit?”", VERMILLION),
            End(story.estimate("0 or 1, never taught", LAST)[0], "“0 or 1?”, never taught", GREEN)]
    _finish(curves, ends, None, "steps on 2s and 3s alone")
    headline(picture, "The same networks, asked in two ways")
    return Figure(picture, (
        f"0s and 1s read rightly by 20 networks after 18 steps on 2s and 3s, mean and 95 % "
        f"interval: {story.in_words('which of ten', LAST)} when asked which of ten digits it is, "
        f"{story.in_words('0 or 1', LAST)} when asked whether it is a 0 or a 1; networks that were "
        f"never taught 0 and 1 answer that with {story.in_words('0 or 1, never taught', LAST)}, "
        f"and networks that were taught 4 and 5 instead with "
        f"{story.in_words('0 or 1, taught others', LAST)}."
    ))


def _answers(story: Opening, rows: dict[str, str]):
    """A picture with the answers to twenty digits, a row a moment; and axes below for curves."""
    tall = len(rows)
    picture, panels = sheet(7.2, 3.0 + 0.34 * tall, nrows=2, height_ratios=[0.8 + 0.5 * tall, 3.2])
    table, curves = panels[:, 0]
    table.set(xlim=(-3.2, 20), ylim=(tall + 1.15, 0))
    table.set_axis_off()
    for place, (pixels, truth) in enumerate(zip(story.pictures, story.truth, strict=True)):
        table.imshow(16 - np.reshape(pixels, (8, 8)), cmap="gray", vmin=0, vmax=16,
                     extent=(place + 0.04, place + 0.96, 1.0, 0.15),
                     aspect="auto", interpolation="nearest")
        for row, said in enumerate(rows.values()):
            wrong = said[place] != truth
            table.text(place + 0.5, row + 1.65, said[place], ha="center", va="center",
                       color=PAPER if wrong else INK, fontweight="bold",
                       bbox={"boxstyle": "square,pad=0.18", "linewidth": 0,
                             "facecolor": VERMILLION if wrong else PAPER})
    for row, name in enumerate(rows):
        table.text(-0.2, row + 1.65, name, ha="right", va="center")
    table.set(xlim=(-3.2, 20), ylim=(tall + 1.15, 0))
    return picture, curves


def _lanes(axes, story: Opening, question: str, steps: range, colour: str = BLUE) -> None:
    """A thin line a network, and their mean."""
    for lane in story.share(question)[:, : len(steps)]:
        axes.plot(steps, lane, color=colour, linewidth=0.3 * look().line, alpha=0.4, clip_on=False)
    mean = [value for value, _, _ in story.estimates[question][: len(steps)]]
    axes.plot(steps, mean, color=colour, linewidth=1.4 * look().line, clip_on=False, zorder=3)


def _mean(axes, story: Opening, question: str, steps: range) -> None:
    """The mean of networks that were never taught 0 and 1."""
    mean = [value for value, _, _ in story.estimates[question][: len(steps)]]
    axes.plot(steps, mean, color=GREEN, linestyle=(0, (5, 1.5)), clip_on=False, zorder=3)


def _finish(axes, ends: list[End], guess, xlabel: str) -> None:
    """Scales, the reader's guess, and a name at the end of each line."""
    last = axes.lines[0].get_xdata()[-1]
    axes.set(xlim=(0, last), ylim=(0, 1), xlabel=xlabel, ylabel="0s and 1s read")
    axes.set_yticks([0, 0.5, 1])
    axes.set_xticks(range(0, int(last) + 1, 6))
    end_labels(axes, [*ends, *mark_guess(axes, guess)])
