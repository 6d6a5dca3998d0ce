"""Memory slots in lesson 07: old facts kept by method, once the new ones are known."""

from __future__ import annotations

import functools

import numpy as np

from clcourse.metrics import Estimate, estimate
from clcourse.plots.figure import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    Figure,
    in_style,
    look,
    sheet,
)
from clcourse.plots.general import note
from clcourse.plots.labels import headline, settle, wrapped
from clcourse.plots.reading import estimate_in_words
from clcourse.results import load

ROWS = {  # network, method: the words of its row, colour and marker
    ("plain", "everything"): ("plain network: everything", BLACK, "X"),
    ("plain", "by TF-IDF"): ("plain network: units by TF-IDF", SKY, "P"),
    ("slots", "everything"): ("slots: everything", BLACK, "X"),
    ("slots", "LoRA"): ("slots: LoRA", PURPLE, "^"),
    ("slots", "all values"): ("slots: all values", GREEN, "D"),
    ("slots", "at random"): ("slots: values at random", ORANGE, "v"),
    ("slots", "by TF-IDF"): ("slots: values by TF-IDF", VERMILLION, "s"),
    ("slots", "replay"): ("slots: everything, with replay", BLUE, "o"),
}


@functools.cache
def study() -> dict:
    """The stored study, read once."""
    return load("07_slots")


def lanes(count: str, network: str, method: str, what: str = "old", of: str = "lanes"):
    """A measure of every lane, at the setting chosen on other lanes."""
    return np.array(study()["facts"][count][network][method][of][what])


def whole(count: str, network: str, method: str, what: str = "old", of: str = "lanes") -> Estimate:
    """Its mean with the interval."""
    return estimate(lanes(count, network, method, what, of))


def reached(count: str, network: str, method: str) -> bool:
    """Whether the method learnt the new facts, in the mean."""
    return lanes(count, network, method, "recall").mean() >= study()["settings"]["reached"]


@in_style
def kept(title: str | None = None) -> Figure:
    """Old facts kept by each method at the same new knowledge: 30 new facts, and 300."""
    counts = list(study()["facts"])
    tall = 0.33 * len(ROWS)
    picture, panels = sheet(8.8, 1.2 + tall, ncols=len(counts), sharey=True)
    parts = []
    for axes, count in zip(panels.ravel(), counts, strict=True):
        said = [_row(axes, row, count, *which) for row, which in enumerate(ROWS)]
        axes.set(xlim=(0, 1), ylim=(len(ROWS) - 0.4, -0.6), xticks=[0, 0.5, 1],
                 yticks=range(len(ROWS)), xlabel="old facts kept",
                 yticklabels=[wrapped(words, 3.4 * look().size, 0.95 * look().type)
                              for words, _, _ in ROWS.values()])
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x")
        axes.set_title(f"{count} new facts", loc="left", fontsize=look().type)
        parts.append(f"{count} new facts: " + ", ".join(said))
    seeds = len(study()["settings"]["seeds"])
    note(panels[0, 0], f"mark: mean of {seeds} seeds;  line: its 95 % interval;  dots: single "
                       "seeds;  hollow: the new facts were not learnt")
    headline(picture, title)
    settle(picture, tall * look().size)
    return Figure(picture, f"Old facts kept once .99 of the new facts are known, mean [95 % "
                           f"interval] over {seeds} seeds. {'; '.join(parts)}.")


def _row(axes, row: int, count: str, network: str, method: str) -> str:
    """One method: its seeds, interval and mean; what it says in the sentence."""
    words, colour, marker = ROWS[network, method]
    each, one = lanes(count, network, method), whole(count, network, method)
    done = reached(count, network, method)
    jitter = row + 0.24 * np.sin(7.0 * np.arange(len(each)))
    axes.plot(each, jitter, ".", color=colour, alpha=0.25, markeredgewidth=0,
              markersize=1.6 * look().dot, clip_on=False)
    axes.plot([one.low, one.high], [row, row], color=colour, zorder=3)
    axes.plot(one.value, row, marker, color=colour if done else "white", zorder=4,
              markersize=1.9 * look().dot, clip_on=False,
              markeredgecolor="white" if done else colour)
    recall = whole(count, network, method, "recall").value
    note_of = "" if done else f" (only {recall:.2f} of the new learnt)"
    return f"{words} {estimate_in_words(one)}{note_of}"
