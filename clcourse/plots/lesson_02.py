"""Lesson 02: autopsies as stacked bars, two lists beside people, the curve, and size."""

from __future__ import annotations

import functools

import numpy as np

from clcourse.metrics import Estimate, estimate, paired
from clcourse.plots.figure import (
    COLOURS,
    DASHES,
    GUESS,
    INK,
    ORANGE,
    PAPER,
    SKY,
    VERMILLION,
    Figure,
    in_style,
    look,
    number,
    sheet,
)
from clcourse.plots.labels import End, end_labels, headline, height, settle, widest, wrapped
from clcourse.plots.reading import estimate_in_words
from clcourse.results import load

CAUSES = {"access": (SKY, INK, ""), "readout": (ORANGE, INK, "//"),
          "features": (VERMILLION, PAPER, "")}

# People: Barnes & Underwood 1959 (J. exp. Psychol. 58:97), 8 pairs. Network: McCloskey & Cohen
# 1989 (Psychol. Learn. Motiv. 24:109). Both read off a printed figure by eye, to within .02.
PEOPLE = {"old list": ([0, 1, 5, 10, 20], [1.00, 0.85, 0.67, 0.62, 0.52]),
          "new list": ([0, 1, 5, 10, 20], [0.00, 0.41, 0.77, 0.90, 0.92])}
FIRST_NETWORK = {"old list": ([0, 5, 10, 15, 20, 50], [1.00, 0.0, 0.0, 0.0, 0.0, 0.0]),
                 "new list": ([0, 5, 10, 15, 20, 50], [0.00, 0.0, 0.17, 0.45, 0.52, 0.97])}


@in_style
def autopsies(found: dict, guess=None, title: str | None = None) -> Figure:
    """What was lost, a bar for each autopsy, split into its three causes (means over seeds).

    guess  the cause that the reader expected: None, a word, or what cl.guess returned
    """
    rows = len(found)
    picture, ((axes,),) = sheet(7.6, 1.3 + 0.62 * rows)
    size = 0.95 * look().type
    for row, autopsy in enumerate(found.values()):
        left = 0.0
        for cause, lanes in autopsy.causes.items():
            colour, ink, hatch = CAUSES[cause]
            value = float(lanes.mean())
            if value < 0.005:
                continue
            axes.barh(row, value, left=left, height=0.62, color=colour, hatch=hatch,
                      edgecolor=PAPER, linewidth=0.8)
            words = f"{cause} {number(value)}"
            if 4.2 * look().size * value > widest([words], size):
                axes.text(left + value / 2, row, words, ha="center", va="center", color=ink,
                          fontsize=size, bbox=_behind(colour) if hatch else None)
            left += value
        words = f"lost {estimate_in_words(_whole(autopsy.lost))}"
        axes.text(left + 0.015, row, words, va="center", fontsize=size, color=INK)
    names = [wrapped(name, 1.9 * look().size, size) for name in found]
    axes.set(yticks=range(rows), yticklabels=names, ylim=(rows - 0.5, -0.5), xlim=(0, 1.36),
             xticks=np.linspace(0, 1, 6), xlabel="accuracy lost since it was learnt")
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    axes.spines["left"].set_visible(False)
    handles = [axes.barh(0, 0, color=colour, hatch=hatch, edgecolor=PAPER)
               for colour, _, hatch in CAUSES.values()]
    axes.legend(handles, CAUSES, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=3,
                frameon=False, fontsize=size, borderaxespad=0.2)
    guess = getattr(guess, "value", guess)
    said = None if guess is None else f"you said: {guess}"
    headline(picture, "; ".join(filter(None, (title, said))))
    settle(picture, 0.42 * rows * look().size)
    parts = [f"{name}: {_autopsy_in_words(one)}" for name, one in found.items()]
    seeds = len(next(iter(found.values())).lost)
    return Figure(picture, f"Accuracy lost and why, mean [95 % interval] over {seeds} seeds. "
                           f"{'; '.join(parts)}.")


def _behind(colour: str) -> dict:
    return {"boxstyle": "square,pad=0.15", "facecolor": colour, "linewidth": 0}


def _autopsy_in_words(autopsy) -> str:
    parts = {"lost": autopsy.lost} | autopsy.causes
    return ", ".join(f"{name} {estimate_in_words(_whole(lanes))}" for name, lanes in parts.items())


def _whole(lanes) -> Estimate:
    """The estimate of values (seeds,), in which a minus before zero is rounded away."""
    return Estimate(*(round(part, 2) + 0.0 for part in estimate(lanes)[:3]), len(lanes))


@in_style
def lists(curves: dict, guess=None, title: str | None = None) -> Figure:
    """The old list while a new one is learnt: people, the first network, and ours.

    curves  {"old list", "new list", "old list, told": (seeds, trials + 1)}, our network
    guess   a height to mark as the reader's own: None, a number, or what cl.guess returned
    """
    picture, (panels,) = sheet(8.6, 3.3, ncols=3, sharey=True, width_ratios=[1, 1, 1.25])
    trials = curves["old list"].shape[1] - 1
    ours = {name: (range(trials + 1), lanes.mean(dim=0).tolist())
            for name, lanes in curves.items()}
    heads = ("people 1959", "network 1989", f"our network, {len(curves['old list'])} seeds")
    styles = dict(zip(("old list", "new list", "old list, told"), zip(COLOURS, DASHES, strict=True),
                      strict=False))
    for panel, data, head in zip(panels, (PEOPLE, FIRST_NETWORK, ours), heads, strict=True):
        for name, (x, y) in data.items():
            colour, dashes = styles[name]
            dots = "o" if data is not ours else ""
            panel.plot(x, y, color=colour, linestyle=dashes, marker=dots, clip_on=False, zorder=3)
        panel.set(xlim=(0, max(data["old list"][0])), ylim=(0, 1), yticks=np.linspace(0, 1, 6),
                  xlabel="trials on the new list")
        panel.grid(axis="y")
        panel.set_title(head, loc="left", fontsize=look().type)
    for name, lanes in curves.items():
        low, high = np.quantile(lanes.numpy(), [0.1, 0.9], axis=0)
        panels[2].fill_between(range(trials + 1), low, high, color=styles[name][0], alpha=0.18,
                               linewidth=0)
    panels[0].set_ylabel("share recalled")
    headline(picture, title)
    settle(picture, 2.2 * look().size)
    ends = [End(y[-1], name, *styles[name]) for name, (_, y) in ours.items()]
    end_labels(panels[2], ends + _guess_at_the_edge(panels[2], trials, guess))
    return Figure(picture, _lists_in_words(curves, trials))


def _guess_at_the_edge(axes, trials: int, guess) -> list[End]:
    """A diamond after the last trial, for which the guess was asked, and its label."""
    value = height(guess, "guess")
    if value is None:
        return []
    axes.plot(trials, value, "D", color=GUESS, clip_on=False, zorder=4)
    return [End(value, f"your guess {number(value)}", GUESS)]


def _lists_in_words(curves: dict, trials: int) -> str:
    people = ", ".join(f"{number(old)} after {trial}" for trial, old in
                       zip(*PEOPLE["old list"], strict=True))
    shown = [trial for trial in (0, 5, 10, 20) if trial <= trials]
    ours = "; ".join(f"{name} " + ", ".join(
        f"{number(lanes[:, trial].mean())} after {trial}" for trial in shown)
        for name, lanes in curves.items())
    return (f"Share of the old list that people still recalled, by trials on the new list: "
            f"{people}; the network of 1989 recalled none of it after 5 trials; our network, mean "
            f"of {len(curves['old list'])} seeds: {ours}.")


class Curve:
    """The stored study of the curve: shares of right answers, by width, learning rate, question."""

    def __init__(self, study: dict) -> None:
        settings = study["settings"]
        self.rates, self.widths = settings["learning_rates"], settings["widths"]
        self.steps, self._right, self._tested = settings["steps"], study["right"], study["tested"]

    def lanes(self, width: int, lr: float, question: str) -> np.ndarray:
        """(seeds, steps + 1) for the question "untold", "told" or "new"."""
        return np.asarray(self._right[str(width)][str(lr)][question]) / self._tested

    def estimate(self, width: int, lr: float, question: str, step: int) -> Estimate:
        """Mean over the lanes, with its interval."""
        return estimate(self.lanes(width, lr, question)[:, step])

    def in_words(self, width: int, lr: float, question: str, step: int) -> str:
        """ "0.47 [0.45, 0.49]". """
        return estimate_in_words(self.estimate(width, lr, question, step))


@functools.cache
def curve_study() -> Curve:
    """The stored study, read once."""
    return Curve(load("02_curve"))


@in_style
def curve() -> Figure:
    """What is left of 0 and 1 while 2 and 3 are taught, for each learning rate, told or not."""
    study = curve_study()
    picture, (panels,) = sheet(8.6, 3.3, ncols=2, sharey=True)
    steps = range(study.steps + 1)
    for panel, question, head in zip(panels, ("untold", "told"), ("not told", "told the task"),
                                     strict=True):
        for lr, colour, dashes in zip(study.rates, COLOURS, DASHES, strict=False):
            mean = study.lanes(100, lr, question).mean(axis=0)
            panel.plot(steps, mean, color=colour, linestyle=dashes, clip_on=False, zorder=3)
        panel.set(xlim=(0, study.steps), ylim=(0, 1), xlabel="steps on 2s and 3s")
        panel.grid(axis="y")
        panel.set_title(head, loc="left", fontsize=look().type)
    panels[0].set_ylabel("accuracy on 0 and 1")
    settle(picture, 2.2 * look().size)
    end_labels(panels[0], [End(study.lanes(100, lr, "untold")[:, -1].mean(), f"lr {lr:g}", colour,
                               dashes)
                           for lr, colour, dashes in zip(study.rates, COLOURS, DASHES,
                                                         strict=False)], width=0.9)
    parts = [f"learning rate {lr:g}: not told {study.in_words(100, lr, 'untold', 18)}, told "
             f"{study.in_words(100, lr, 'told', 18)}" for lr in study.rates]
    return Figure(picture, f"Accuracy on 0 and 1 after 18 steps on 2s and 3s, 100 hidden units, "
                           f"mean [95 % interval] over 20 seeds. {'; '.join(parts)}.")


@in_style
def scale(study: dict, what: str, title: str | None = None) -> Figure:
    """Forgetting, and how well the tasks were learnt at all, by "width" or "depth"."""
    picture, (panels,) = sheet(8.6, 3.2, ncols=2, sharey=True)
    sizes, rates = list(study[what]), list(next(iter(study[what].values())))
    label = {"width": "hidden units", "depth": "hidden layers of 100 units"}[what]
    ends, sentences = [], []
    for panel, measure, head in zip(panels, ("forgetting", "learnt"),
                                    ("forgotten at the end", "accuracy when new"), strict=True):
        for lr, colour, dashes in zip(rates, COLOURS, DASHES, strict=False):
            read = [estimate(study[what][size][lr][measure]) for size in sizes]
            middle = [one.value for one in read]
            panel.fill_between(range(len(sizes)), [one.low for one in read],
                               [one.high for one in read], color=colour, alpha=0.2, linewidth=0)
            panel.plot(middle, color=colour, linestyle=dashes, marker="o", clip_on=False, zorder=3)
            if measure == "learnt":
                ends.append(End(middle[-1], f"lr {lr}", colour, dashes))
        panel.set(ylim=(0, 1), xlim=(-0.2, len(sizes) - 1), xticks=range(len(sizes)),
                  xticklabels=sizes, xlabel=label)
        panel.grid(axis="y")
        panel.set_title(head, loc="left", fontsize=look().type)
    panels[0].set_ylabel("accuracy")
    for lr in rates:
        first, last = (study[what][size][lr] for size in (sizes[0], sizes[-1]))
        sentences.append(
            f"learning rate {lr}: {sizes[-1]} minus {sizes[0]} {label}, forgetting "
            f"{estimate_in_words(paired(last['forgetting'], first['forgetting']))}, accuracy when "
            f"new {estimate_in_words(paired(last['learnt'], first['learnt']))}")
    headline(picture, title)
    settle(picture, 2.2 * look().size)
    end_labels(panels[1], ends, width=0.9)
    seeds = len(study[what][sizes[0]][rates[0]]["forgetting"])
    return Figure(picture, f"Permuted digits, paired over {seeds} seeds [95 % interval]. "
                           f"{'; '.join(sentences)}.")
