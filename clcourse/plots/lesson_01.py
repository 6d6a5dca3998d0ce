"""Lesson 01: three ways to teach one skill, and which part of an assistant carries a memory."""

from __future__ import annotations

import functools

import numpy as np

from clcourse.metrics import Estimate, estimate
from clcourse.plots.figure import (
    BLUE,
    COLOURS,
    DASHES,
    GREEN,
    INK,
    PAPER,
    VERMILLION,
    Figure,
    in_style,
    look,
    number,
    sheet,
)
from clcourse.plots.general import _note
from clcourse.plots.labels import End, end_labels, headline, mark_guess, settle
from clcourse.plots.reading import array, estimate_in_words
from clcourse.results import load

WAYS = {"taught": "a teacher's answers", "own": "its own answers, rewarded",
        "nearest": "the nearest right answers"}
HUES = {"taught": VERMILLION, "own": BLUE, "nearest": GREEN}
TALL = 2.6  # inches


@functools.cache
def study() -> dict:
    """The stored study `01_drift`."""
    return load("01_drift")


@in_style
def drift(ways: dict, *, title: str | None = None) -> Figure:
    """How far each way drifts and what is left of the old skill: a dot a lane, a cross their mean.

    ways  {label: (forward KL, old skill)}, each (seeds,), at most 6
    """
    picture, ((axes,),) = sheet()
    parts, ends = [], []
    for (label, pair), colour, mark in zip(ways.items(), COLOURS[1:2] + COLOURS[:1] + COLOURS[2:],
                                           "osD^vP", strict=False):
        far, left = (array(values, label, "(seeds,)", axes=1) for values in pair)
        axes.plot(far, left, mark, color=colour, alpha=0.45, markersize=1.4 * look().dot,
                  markeredgewidth=0, clip_on=False)
        axes.errorbar(far.mean(), left.mean(), *_half(left, far), color=INK, zorder=4,
                      linewidth=0.8 * look().line)
        ends.append(End(left.mean(), label, colour))
        parts.append(f"{label}: drift {estimate_in_words(estimate(far))}, old skill "
                     f"{estimate_in_words(estimate(left))}")
    axes.set(xlim=(0, None), ylim=(0, 1), yticks=np.linspace(0, 1, 6),
             xlabel="drift on the new pictures: KL(base || tuned), nats")
    axes.set_ylabel("old skill: digits named")
    axes.grid()
    _note(axes, f"small: {len(far)} seeds;  cross: mean with its 95 % intervals")
    headline(picture, title)
    settle(picture, TALL * look().size)
    end_labels(axes, ends)
    return Figure(picture, f"{title + ': ' if title else ''}drift in nats and share of old digits "
                           f"named, mean [95 % interval] over {len(far)} seeds: "
                           f"{'; '.join(parts)}.")


def _half(left: np.ndarray, far: np.ndarray) -> tuple[float, float]:
    """Half the interval up and down, and left and right."""
    return tuple((one.high - one.low) / 2 for one in (estimate(left), estimate(far)))


@in_style
def transplants(table: dict, *, title: str | None = None) -> Figure:
    """Which part carried the memory: a row a way of teaching, a column a part that was moved.

    table  {taught by: Transplant}
    """
    rows, parts = list(table), list(next(iter(table.values())).carried)
    means = np.array([[float(table[row].carried[part].mean()) for part in parts] for row in rows])
    picture, ((axes,),) = sheet(5.6)
    axes.pcolormesh(means, cmap="cividis", vmin=0, vmax=1, edgecolors=PAPER, linewidth=3)
    for (i, j), value in np.ndenumerate(means):
        axes.text(j + 0.5, i + 0.5, number(value), ha="center", va="center",
                  color="white" if value < 0.5 else "black")
    axes.set_xticks(np.arange(len(parts)) + 0.5, parts)
    axes.set_yticks(np.arange(len(rows)) + 0.5, [f"taught by {row}" for row in rows])
    axes.set(ylim=(len(rows), 0), xlabel="the part that the naive twin was given")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    seeds = len(table[rows[0]].taught)
    _note(axes, f"share of the new behaviour that came along, mean of {seeds} seeds")
    headline(picture, title)
    settle(picture, 0.55 * len(rows) * look().size)
    said = "; ".join(f"taught by {row}: " + ", ".join(
        f"{part} {estimate_in_words(estimate(table[row].carried[part]))}" for part in parts)
        for row in rows)
    return Figure(picture, f"Share of the new behaviour that came along with each part, mean "
                           f"[95 % interval] over {seeds} seeds: {said}.")


def at_target(world: str, target: float, way: str) -> dict[str, np.ndarray] | None:
    """What one way does where the new skill reaches the target, at the rate chosen for it."""
    found = study()["worlds"][world][f"{target}"][way]
    if found["lr"] is None:
        return None
    columns = found["by lr"][f"{found['lr']}"]
    if any(value is None for value in columns["old"]):
        return None
    return {name: np.array(values) for name, values in columns.items()}


@in_style
def targets(world: str = "scrambled", *, title: str | None = None) -> Figure:
    """Stored study: the old skill where the new one reaches 0.75 … 0.90, for the three ways."""
    wanted = study()["settings"]["targets"]
    picture, ((axes,),) = sheet()
    ends, parts = [], []
    for (way, name), dashes in zip(WAYS.items(), DASHES, strict=False):
        got = {target: at_target(world, target, way) for target in wanted}
        found = {target: estimate(one["old"]) for target, one in got.items() if one}
        values = list(found.values())
        axes.errorbar(list(found), [one.value for one in values],
                      [one.high - one.value for one in values], color=HUES[way],
                      linestyle=dashes, marker="o", capsize=3, clip_on=False)
        ends.append(End(values[-1].value, name, HUES[way]))
        parts.append(f"{name} " + ", ".join(f"{estimate_in_words(one)} at {target:g}"
                                            for target, one in found.items()))
    axes.set(ylim=(0, 1), xticks=wanted, xlabel="new skill: right kind, on validation pictures",
             ylabel="old skill: digits named")
    axes.grid(axis="y")
    _note(axes, "mean of 20 seeds with its 95 % interval;  a missing dot: not every seed got there")
    headline(picture, title)
    settle(picture, TALL * look().size)
    end_labels(axes, ends)
    return Figure(picture, f"{title + ': ' if title else ''}share of old digits named where the "
                           f"new skill reaches a target, mean [95 % interval] over 20 seeds: "
                           f"{'; '.join(parts)}.")


@in_style
def tuning(guess=None) -> Figure:
    """Stored study: the old skill while the new one is taught in three ways; a still explorer."""
    shown = study()["explorer"]
    picture, ((axes,),) = sheet()
    parts, ends = [], []
    for (way, name), dashes in zip(WAYS.items(), DASHES, strict=False):
        lanes = np.array(shown[way]["old"])
        low, high = np.quantile(lanes, [0.1, 0.9], axis=0)
        axes.fill_between(shown["steps"], low, high, color=HUES[way], alpha=0.18, linewidth=0)
        axes.plot(shown["steps"], lanes.mean(axis=0), color=HUES[way], linestyle=dashes)
        ends.append(End(lanes[:, -1].mean(), name, HUES[way]))
        parts.append(f"{name} {estimate_in_words(measured(way, 'old', -1))}, new skill "
                     f"{estimate_in_words(measured(way, 'new', -1))}")
    axes.set(xlim=(0, shown["steps"][-1]), ylim=(0, 1), xlabel="steps of tuning on the new skill",
             ylabel="old skill: digits named")
    axes.grid(axis="y")
    _note(axes, "line: mean;  band: middle 80 % of 20 seeds")
    settle(picture, TALL * look().size)
    end_labels(axes, ends + mark_guess(axes, guess))
    return Figure(picture, f"Share of old digits named after {shown['steps'][-1]} steps, mean "
                           f"[95 % interval] over 20 seeds: {'; '.join(parts)}.")


def measured(way: str, what: str, moment: int) -> Estimate:
    """A number of the explorer's curves with its interval: what is "new", "old", "forward" …"""
    return estimate(np.array(study()["explorer"][way][what])[:, moment])
