"""What of a month is still known by age, after the hippocampus is gone."""

from __future__ import annotations

import numpy as np

from clcourse.metrics import Estimate, estimate
from clcourse.plots.figure import GUESS, Figure, in_style, look, number, sheet
from clcourse.plots.general import note
from clcourse.plots.labels import headline, height, settle, wrapped
from clcourse.plots.lesson_03 import CORTEX
from clcourse.plots.reading import estimate_in_words
from clcourse.results import load

AGES = ((0, 0), (1, 1), (2, 3), (4, 6), (7, 10), (11, 15), (16, 21), (22, 29))  # days, from, to


def by_age(table, day: int = -1) -> np.ndarray:
    """Share right by age of the memory, after the last night or another one: (seeds, ages).

    table  (seeds, night, day learnt) as `Month.consolidate` gives it, NaN where not yet learnt
    """
    lanes = np.asarray(table, dtype=float)[:, day]
    return lanes[:, ~np.isnan(lanes[0])][:, ::-1]


def stored(counts: list, each: int = 5) -> np.ndarray:
    """A table from the stored counts: (seeds, night, day learnt), NaN where not yet learnt."""
    days = len(counts[0])
    table = np.full((len(counts), days, days), np.nan)
    for lane, nights in enumerate(counts):
        for night, right in enumerate(nights):
            table[lane, night, : night + 1] = np.asarray(right) / each
    return table


def spared(table) -> np.ndarray:
    """Memories two weeks old and older, minus those of the last three days: (seeds,)."""
    ages = by_age(table)
    return ages[:, 14:].mean(axis=1) - ages[:, :3].mean(axis=1)


def grouped(ages: np.ndarray) -> np.ndarray:
    """Means over groups of ages: (seeds, groups)."""
    return np.stack([ages[:, first : last + 1].mean(axis=1) for first, last in AGES], axis=1)


@in_style
def amnesia(tables: dict, columns: int = 3, guess=None, guess_at: int = 0,
            title: str | None = None) -> Figure:
    """What is left without a hippocampus, by age of the memory; a panel for each setting.

    In each head: how much better are memories two weeks old and older than the last three days?

    tables  {setting: (seeds, night, day learnt)}
    guess   a height to mark in the first panel, at the age `guess_at`
    """
    rows = -(-len(tables) // columns)
    picture, grid = sheet(8.6 if columns > 1 else 6.0, 2.4 * rows, nrows=rows, ncols=columns,
                          sharey=True, sharex=True)
    sentences = []
    for axes, (head, table) in zip(grid.ravel(), tables.items(), strict=False):
        lanes = grouped(by_age(table))
        read = [estimate(one) for one in lanes.T]
        middle = [one.value for one in read]
        axes.fill_between(range(len(AGES)), [max(0, one.low) for one in read],
                          [min(1, one.high) for one in read], color=CORTEX[0], alpha=0.22,
                          linewidth=0)
        axes.plot(middle, color=CORTEX[0], marker="o", clip_on=False, zorder=3)
        axes.set(xlim=(-0.3, len(AGES) - 0.7), ylim=(0, 1), yticks=[0, 0.5, 1])
        names = [f"{a}" if a == b else f"{a}–{b}" for a, b in AGES]
        few = range(len(AGES)) if columns == 1 else (0, 3, 5, 7)  # as many as there is room for
        axes.set_xticks(few, [names[k] for k in few])
        axes.grid(axis="y")
        width = 0.75 * picture.get_figwidth() / columns
        lead = estimate(spared(table))
        head_line = wrapped(head, width, look().type)
        axes.set_title(f"{head_line}\nold − new: {number(lead.value)}", loc="left",
                       fontsize=look().type)
        sentences.append(f"{head}: " + ", ".join(
            f"{number(read[k].value)} at {names[k]} days" for k in (0, 3, 5, 7))
            + f", old minus new {estimate_in_words(lead)}")
    for axes in grid.ravel()[len(tables):]:
        axes.set_visible(False)
    value = height(guess, "guess")
    if value is not None:
        place = next(k for k, (first, last) in enumerate(AGES) if first <= guess_at <= last)
        grid[0, 0].plot(place, value, "D", color=GUESS, clip_on=False, zorder=4)
        grid[0, 0].annotate(f"your guess {number(value)}", (place, value), xytext=(0.8, 0),
                            textcoords="offset fontsize", color=GUESS, va="center")
    for axes in grid[:, 0]:
        axes.set_ylabel("share right,\ncortex alone")
    for axes in grid[-1]:
        axes.set_xlabel("age of the memory, days")
    seeds = len(next(iter(tables.values())))
    note(grid[0, 0], f"line: mean of {seeds} subjects after the last night;  band: 95 % interval "
                     "of the mean;  old: two weeks and older;  new: the last three days")
    headline(picture, title)
    settle(picture, 1.35 * look().size if columns > 1 else 2.0 * look().size)
    return Figure(picture, "Share right without the hippocampus, by age of the memory, mean over "
                           f"{seeds} subjects. {'; '.join(sentences)}.")


def settings(study: dict) -> dict[str, np.ndarray]:
    """The month in its six settings: the one that was chosen, and how it fails."""
    cortex, varied = study["cortex alone"], study["varied"]
    shown = {
        "chosen: fades slowly, rate 0.1": cortex["0.005"]["8"],
        "a shoebox that never fades": varied["a shoebox"],
        "fades four times as fast": cortex["0.02"]["8"],
        "rate 0.03, longer nights": varied["a third of it, longer nights"],
        "rate 0.3": varied["three times the learning rate"],
        "Adam, rate 0.001": varied["Adam"],
    }
    return {name: stored(counts) for name, counts in shown.items()}


def amnesia_study(title: str | None = None) -> Figure:
    """The stored month in six settings."""
    return amnesia(settings(load("03_nights")), title=title)


def contrasts() -> dict[str, Estimate]:
    """Memories two weeks old and older minus those of the last three days, by how the store fades.

    "slowly" and "fast" are the subjects of the figure, "others" twenty who fade slowly as well.
    """
    study = load("03_nights")
    shown = {"slowly": study["cortex alone"]["0.005"]["8"], "others": study["other subjects"],
             "fast": study["cortex alone"]["0.02"]["8"]}
    return {name: estimate(spared(stored(counts))) for name, counts in shown.items()}
