"""Lesson 05: memory sizes, three scenarios, three Fishers, equal bytes, frozen features, bills."""

from __future__ import annotations

import functools

import numpy as np
from matplotlib.ticker import FixedLocator, NullLocator

from clcourse.metrics import Estimate, estimate
from clcourse.plots.figure import (
    BLACK,
    BLUE,
    COLOURS,
    DASHES,
    GREEN,
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
from clcourse.plots.labels import End, end_labels, headline, mark_guess, settle, wrapped
from clcourse.plots.reading import estimate_in_words, minus, whole
from clcourse.results import load

KINDS = {
    "naive": Mark(BLACK, "X", DASHES[4]),
    "penalty": Mark(VERMILLION, "s", DASHES[1]),
    "replay": Mark(BLUE, "o", DASHES[0]),
    "everything": Mark(GREEN, "D", DASHES[3]),
    "formula": Mark(PURPLE, "^", DASHES[2]),
    "stored examples": Mark(ORANGE, "v", DASHES[5]),
}
OF = {"naive": "naive", "EWC": "penalty", "SI": "penalty", "LwF": "penalty",
      "cumulative": "everything", "network": "naive", "LDA": "formula", "class means": "formula",
      "scratch": "penalty", "warm": "everything", "blend": "replay", "nearest": "stored examples",
      "ridge": "formula", "replay": "replay"}
METHODS = ("naive", "slowing", "EWC", "SI", "LwF", "replay 20", "replay 100", "replay 200",
           "cumulative")
POWERS = "⁰¹²³⁴⁵⁶⁷⁸⁹"
SCENARIOS = {"task": "task: told the task", "domain": "domain: first or second?",
             "class": "class: which of ten?"}


def mark(name: str) -> Mark:
    """The look of a learner, by its name."""
    if "replay" in name:
        return KINDS["replay"]
    if "only the box" in name:
        return KINDS["stored examples"]
    if name.endswith(("EWC", "SI", "LwF")):
        return KINDS["penalty"]
    if "cumulative" in name:
        return KINDS["everything"]
    return KINDS[next((OF[one] for one in OF if name.startswith(one)), "naive")]


@functools.cache
def study(name: str) -> dict:
    """A stored study of this lesson, read once."""
    return load(f"05_{name}")


@in_style
def memory(guess=None, guess_at: int = 20, title: str | None = None) -> Figure:
    """Accuracy at the end by the number of stored examples: two ways to fill the box."""
    found, sizes = study("memory"), study("memory")["settings"]["sizes"]
    picture, ((axes,),) = sheet(7.6)
    ends, parts = [], []
    styles = {"equal shares": KINDS["everything"], "reservoir": KINDS["replay"]}
    for kind, style in styles.items():
        lanes = np.array([found[kind][str(size)]["accuracy"] for size in sizes]).T
        low, high = np.quantile(lanes, [0.1, 0.9], axis=0)
        axes.fill_between(sizes, low, high, color=style.colour, alpha=0.18, linewidth=0)
        axes.plot(sizes, lanes.mean(axis=0), color=style.colour, linestyle=style.dashes,
                  marker=style.marker, clip_on=False, zorder=3)
        ends.append(End(lanes[:, -1].mean(), kind, style.colour, style.dashes))
        parts.append(f"{kind} " + ", ".join(f"{number(one)} with {size}" for one, size in
                                            zip(lanes.mean(axis=0), sizes, strict=True)))
    _sizes(axes, sizes, "stored examples (each step doubles, or more)")
    note(axes, "line: mean;  band: middle 80 % of 20 seeds")
    headline(picture, title)
    settle(picture, 2.4 * look().size)
    end_labels(axes, ends + mark_guess(axes, guess, guess_at))
    return Figure(picture, f"Accuracy on all ten digits at the end, mean of 20 seeds, by examples "
                           f"stored: {'; '.join(parts)}.")


def _sizes(axes, sizes, xlabel: str) -> None:
    """A logarithmic x axis with a tick at every size; accuracy upwards."""
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(sizes))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticklabels([f"{size:g}" if size < 100_000 else f"10{POWERS[round(np.log10(size))]}"
                          for size in sizes])
    axes.set(xlim=(sizes[0], sizes[-1]), ylim=(0, 1), yticks=np.linspace(0, 1, 6), xlabel=xlabel,
             ylabel="accuracy")
    axes.grid(axis="y")


@in_style
def scenarios(title: str | None = None) -> Figure:
    """Every method in every scenario, each at its own best setting."""
    found = study("scenarios")["found"]
    panels = {head: {name: found[one][name]["accuracy"] for name in METHODS}
              for one, head in SCENARIOS.items()}
    chance = dict(zip(panels, (0.5, 0.5, 0.1), strict=True))
    return _dots(panels, "Accuracy at the end", chance, title)


@in_style
def features(title: str | None = None) -> Figure:
    """Learnt features and frozen ones on a stream that needs features of its own."""
    found = study("features")["found"]
    learners = {name: numbers["accuracy"] for name, numbers in found.items()}
    head = "hidden parity, told the task"
    return _dots({head: learners}, "Accuracy at the end (chance 0.50)", {head: 0.5}, title)


def _dots(panels: dict, what: str, chance: dict, title: str | None) -> Figure:
    """A row for each learner: its mean, its interval, and a faint dot for each seed."""
    rows = max(map(len, panels.values()))
    tall = (0.33 if rows < 10 else 0.24) * rows
    picture, found = sheet(8.6, 1.2 + tall, ncols=len(panels), sharey=True)
    parts = []
    for axes, (head, learners) in zip(found.ravel(), panels.items(), strict=True):
        for row, (name, lanes) in enumerate(learners.items()):
            style, one = mark(name), whole(lanes)
            jitter = row + 0.24 * np.sin(7.0 * np.arange(len(lanes)))
            axes.plot(lanes, jitter, ".", color=style.colour, alpha=0.25, markeredgewidth=0,
                      markersize=1.6 * look().dot, clip_on=False)
            axes.plot([one.low, one.high], [row, row], color=style.colour, zorder=3)
            axes.plot(one.value, row, style.marker, color=style.colour, zorder=4,
                      markersize=1.9 * look().dot, markeredgecolor="white", clip_on=False)
        axes.axvline(chance[head], color=SOFT, linestyle=(0, (4, 3)), linewidth=0.5 * look().line)
        words = [wrapped(name, 3.4 * look().size, 0.95 * look().type) for name in learners]
        axes.set(xlim=(0 if len(panels) > 1 else 0.4, 1), ylim=(len(learners) - 0.4, -0.6),
                 yticks=range(len(learners)), yticklabels=words, xlabel="accuracy at the end",
                 xticks=[0, 0.5, 1] if len(panels) > 1 else [0.5, 0.75, 1])
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x")
        axes.set_title(head, loc="left", fontsize=look().type)
        parts.append(f"{head}: " + ", ".join(f"{name} {estimate_in_words(whole(lanes))}"
                                             for name, lanes in learners.items()))
    note(found.ravel()[0], "mark: mean of 20 seeds;  line: its 95 % interval;  dots: single "
                           "seeds;  dashed: chance")
    headline(picture, title)
    settle(picture, tall * look().size)
    return Figure(picture, f"{what}, mean [95 % interval] over 20 seeds. {'; '.join(parts)}.")


@in_style
def fisher(title: str | None = None) -> Figure:
    """Accuracy by strength for three ways to compute the Fisher: a pitfall of units."""
    found = study("fisher")["found"]
    picture, ((axes,),) = sheet(7.6)
    ends, parts = [], []
    for (kind, one), colour, dashes, marker in zip(found.items(), COLOURS, DASHES, "osD",
                                                   strict=False):
        swept = {float(strength): whole(lanes) for strength, lanes in one["sweep"].items()}
        naive = swept.pop(0.0)
        axes.plot(list(swept), [at.value for at in swept.values()], color=colour,
                  linestyle=dashes, marker=marker, clip_on=False, zorder=3)
        ends.append(End(swept[max(swept)].value, kind, colour, dashes))
        best = max(swept, key=lambda strength, swept=swept: swept[strength].value)
        parts.append(f"{kind} best at strength {best:g} with {estimate_in_words(swept[best])}")
    axes.axhline(naive.value, color=SOFT, linestyle=(0, (4, 3)), linewidth=0.5 * look().line)
    ends.append(End(naive.value, f"no penalty {number(naive.value)}", SOFT))
    _sizes(axes, [round(strength) for strength in swept], "strength λ")
    axes.set(ylabel="accuracy (validation)", ylim=(0.6, 0.9), yticks=np.linspace(0.6, 0.9, 4))
    note(axes, "line: mean of 20 seeds (100 to 119), domain-incremental digits")
    headline(picture, title)
    settle(picture, 2.2 * look().size)
    end_labels(axes, ends)
    return Figure(picture, f"Validation accuracy of EWC by strength, domain-incremental, mean "
                           f"[95 % interval] over 20 seeds: {'; '.join(parts)}; no penalty "
                           f"{estimate_in_words(naive)}.")


class Mix:
    """The stored study of memory and mix: accuracy on old and new digits at the end."""

    def __init__(self, stored: dict) -> None:
        self.sizes = stored["settings"]["sizes"]
        self.counts = stored["settings"]["old_in_a_batch"]
        self._right = stored["right"]

    def estimate(self, size: int, old: int, part: str) -> Estimate:
        """Mean over the lanes, with its interval; part: "old", "new" or "all"."""
        lanes = self._right[str(size)][str(old)]
        if part == "all":
            return estimate((4 * np.array(lanes["old"]) + np.array(lanes["new"])) / 5)
        return estimate(lanes[part])


@functools.cache
def mix_study() -> Mix:
    """The stored study, read once."""
    return Mix(study("mix"))


@in_style
def mix() -> Figure:
    """Accuracy on all digits by stored examples, a line for some numbers of old ones a batch."""
    found = mix_study()
    picture, ((axes,),) = sheet(7.6)
    ends, parts = [], []
    shown = [count for count in (1, 4, 16, 64) if count in found.counts]
    for count, colour, dashes in zip(shown, COLOURS, DASHES, strict=False):
        means = [found.estimate(size, count, "all").value for size in found.sizes]
        axes.plot(found.sizes, means, color=colour, linestyle=dashes, marker="o", clip_on=False)
        ends.append(End(means[-1], f"{count} old, 32 new", colour, dashes))
        parts.append(f"{count} old beside 32 new: {number(means[0])} with {found.sizes[0]} stored, "
                     f"{number(means[-1])} with {found.sizes[-1]}")
    _sizes(axes, found.sizes, "stored examples")
    settle(picture, 2.4 * look().size)
    end_labels(axes, ends)
    return Figure(picture, f"Accuracy on all ten digits at the end, mean of 20 seeds. "
                           f"{'; '.join(parts)}.")


def best_penalty(scenario: str) -> str:
    """The penalty that was best on the validation pictures of other lanes."""
    rows = study("scenarios")["sweep"][scenario]
    return max(("EWC", "SI", "LwF"),
               key=lambda name: max(row["accuracy"] or 0 for row in rows[name]))


def gain(scenario: str, method: str, over: str = "naive") -> Estimate:
    """Accuracy of one method minus another, lane by lane."""
    found = study("scenarios")["found"][scenario]
    return minus(found[method]["accuracy"], found[over]["accuracy"])


@in_style
def box(memory, lane: int = 0, title: str | None = None) -> Figure:
    """All that a replay buffer of digits holds, for one lane, sorted by digit."""
    pictures, digits = memory.x[lane].cpu().numpy(), memory.y[lane].cpu().numpy()
    counts = np.bincount(digits, minlength=10)
    across = 25
    down = -(-len(digits) // across)
    wall = np.zeros((9 * down + 1, 9 * across + 1))
    for place, which in enumerate(np.argsort(digits, kind="stable")):
        row, column = divmod(place, across)
        wall[9 * row + 1 : 9 * row + 9, 9 * column + 1 : 9 * column + 9] = (
            pictures[which].reshape(8, 8))
    picture, ((axes,),) = sheet(7.6, 7.2 * down / across + 0.3)
    axes.imshow(wall, cmap="gray_r", interpolation="nearest", vmin=0, vmax=1)
    axes.set_axis_off()
    headline(picture, title)
    held = ", ".join(f"{count} of {digit}" for digit, count in enumerate(counts))
    return Figure(picture, f"The {len(digits)} pictures in the box of one seed: {held}.")
