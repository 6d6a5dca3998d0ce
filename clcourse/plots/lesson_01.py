"""Lesson 01: four ways to teach one skill, and which part of an assistant carries a memory."""

from __future__ import annotations

import functools

import numpy as np

from clcourse.metrics import Estimate, estimate
from clcourse.plots.figure import (
    BLUE,
    DASHES,
    GREEN,
    INK,
    PAPER,
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
from clcourse.plots.reading import array, estimate_in_words, said
from clcourse.results import load

WAYS = {"taught": "a teacher's answers", "own": "its own answers, rewarded",
        "nearest": "the nearest right answers", "uniform": "random right answers"}
WORLDS = {"scrambled": "scrambled pictures", "turned": "mirrored pictures"}
HUES = {"taught": VERMILLION, "own": BLUE, "nearest": GREEN, "uniform": PURPLE}
TALL = 2.6  # inches


@functools.cache
def study() -> dict:
    """The stored study `01_drift`."""
    return load("01_drift")


@in_style
def drift(target: float = 0.8, *, title: str | None = None) -> Figure:
    """Stored study: how far each way drifts and what is left of the old skill, a dot a lane."""
    picture, ((axes,),) = sheet()
    parts, ends = [], []
    for (way, name), mark in zip(WAYS.items(), "osD^", strict=True):
        got = at_target("scrambled", target, way)
        far, left = got["forward"], got["old"]
        axes.plot(far, left, mark, color=HUES[way], alpha=0.5, markersize=1.4 * look().dot,
                  markeredgewidth=0, clip_on=False)
        axes.errorbar(far.mean(), left.mean(), half(left), half(far), color=INK, zorder=4,
                      linewidth=0.8 * look().line)
        ends.append(End(left.mean(), name, HUES[way]))
        parts.append(f"{name}: forward {estimate_in_words(estimate(far))}, reverse "
                     f"{estimate_in_words(estimate(got['reverse']))}, old skill "
                     f"{estimate_in_words(estimate(left))}")
    axes.set(xlim=(0, None), ylim=(0, 1), yticks=np.linspace(0, 1, 6),
             xlabel="drift on the new pictures: KL(base || tuned), nats",
             ylabel="old skill: digits named")
    axes.grid()
    note(axes, "small: single seeds of 20;  cross: mean with its 95 % intervals")
    headline(picture, title)
    settle(picture, TALL * look().size)
    end_labels(axes, ends)
    return Figure(picture, said(title, f"KL between base and tuned policy in nats and share of old "
                                       f"digits named, mean [95 % interval] over 20 seeds: "
                                       f"{'; '.join(parts)}."))


def half(values: np.ndarray) -> float:
    """Half the width of the 95 % interval."""
    one = estimate(values)
    return (one.high - one.low) / 2


@in_style
def leash(betas, drifts, wins, *, title: str | None = None) -> Figure:
    """How much is won against how far one drifts, a point for each weight of staying close.

    betas  (n,); drifts in nats and wins: n arrays (seeds,) each
    """
    picture, ((axes,),) = sheet()
    far, won = (np.array([array(one, what, "(seeds,)", axes=1) for one in values])
                for values, what in ((drifts, "drifts"), (wins, "wins")))
    axes.plot(far.mean(axis=1), won.mean(axis=1), color=BLUE, marker="o")
    for x, y, beta, lanes in zip(far.mean(axis=1), won.mean(axis=1), betas, won, strict=True):
        axes.errorbar(x, y, half(lanes), color=BLUE, capsize=3)
        axes.annotate(f"β {beta:g}", (x, y), xytext=(0.8 * look().type, -1.2 * look().type),
                      textcoords="offset points")
    axes.set(xlim=(0, 1.08 * far.mean(axis=1).max()), ylim=(0.45, 0.75),
             yticks=[0.5, 0.6, 0.7],
             xlabel="drift from the base: KL(tuned || base), nats", ylabel="preferred to the base")
    axes.grid()
    note(axes, f"mean of {far.shape[1]} seeds with its 95 % interval")
    headline(picture, title)
    settle(picture, TALL * look().size)
    parts = [f"β {beta:g}: drift {number(x.mean())}, preferred {estimate_in_words(estimate(y))}"
             for beta, x, y in zip(betas, far, won, strict=True)]
    return Figure(picture, said(title, f"Drift in nats and share preferred to the base, mean [95 % "
                                       f"interval] over {far.shape[1]} seeds: "
                                       f"{'; '.join(parts)}."))


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
    note(axes, f"share of the new behaviour that came along, mean of {seeds} seeds")
    headline(picture, title)
    settle(picture, 0.55 * len(rows) * look().size)
    cells = "; ".join(f"taught by {row}: " + ", ".join(
        f"{part} {estimate_in_words(estimate(table[row].carried[part]))}" for part in parts)
        for row in rows)
    return Figure(picture, said(title, f"Share of the new behaviour that came along with each "
                                       f"part, mean [95 % interval] over {seeds} seeds: {cells}."))


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
def targets(*, title: str | None = None) -> Figure:
    """Stored study: the old skill at each target of the new one, for two kinds of pictures."""
    wanted = study()["settings"]["targets"]
    picture, panels = sheet(8.2, ncols=2)
    parts = []
    for axes, (world, words) in zip(panels[0], WORLDS.items(), strict=True):
        ends = []
        for (way, name), dashes in zip(WAYS.items(), DASHES, strict=False):
            got = {target: at_target(world, target, way) for target in wanted}
            found = {target: estimate(one["old"]) for target, one in got.items() if one}
            values = list(found.values())
            axes.errorbar(list(found), [one.value for one in values],
                          [one.high - one.value for one in values], color=HUES[way],
                          linestyle=dashes, marker="o", capsize=3, clip_on=False)
            ends.append(End(values[-1].value, name, HUES[way]))
            parts.append(f"{words}, {name} " + ", ".join(
                f"{estimate_in_words(one)} at {number(target)}" for target, one in found.items()))
        axes.set(xlim=(0.74, 0.91), ylim=(0, 1), xticks=wanted, xlabel="new skill reached")
        axes.set_title(words, loc="left")
        axes.grid(axis="y")
    panels[0][0].set_ylabel("old skill: digits named")
    note(panels[0][0], "mean of 20 seeds, 95 % interval;  no dot: not every seed got there")
    headline(picture, title)
    settle(picture, TALL * look().size)
    end_labels(axes, ends)
    return Figure(picture, said(title, f"Share of old digits named where the new skill reaches a "
                                       f"target, mean [95 % interval] over 20 seeds: "
                                       f"{'; '.join(parts)}."))


@in_style
def tuning(guess=None) -> Figure:
    """Stored study: the old skill while the new one is taught in four ways; a still explorer."""
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
    note(axes, "line: mean;  band: middle 80 % of 20 seeds")
    settle(picture, TALL * look().size)
    end_labels(axes, ends + mark_guess(axes, guess))
    return Figure(picture, f"Share of old digits named after {shown['steps'][-1]} steps, mean "
                           f"[95 % interval] over 20 seeds: {'; '.join(parts)}.")


def measured(way: str, what: str, moment: int) -> Estimate:
    """A number of the explorer's curves with its interval: what is "new", "old", "forward" …"""
    return estimate(np.array(study()["explorer"][way][what])[:, moment])
