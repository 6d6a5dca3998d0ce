"""Memory slots in lesson 07: old facts kept by method, once the new ones are known."""

from __future__ import annotations

import functools

import numpy as np

from clcourse.metrics import Estimate, estimate
from clcourse.plots.figure import (
    BLACK,
    BLUE,
    GREEN,
    GUESS,
    ORANGE,
    PURPLE,
    VERMILLION,
    Figure,
    in_style,
    look,
    number,
    sheet,
)
from clcourse.plots.general import note
from clcourse.plots.labels import headline, height, settle, wrapped
from clcourse.plots.reading import estimate_in_words
from clcourse.results import load

ROWS = {  # network, method: the words of its row, colour and marker
    ("plain", "everything"): ("plain MLP: everything", BLACK, "X"),
    ("plain", "by TF-IDF"): ("plain MLP: units by TF-IDF", VERMILLION, "s"),
    ("plain", "all values"): ("plain MLP: all values", GREEN, "D"),
    ("plain, fixed keys", "all values"): ("plain MLP, fixed keys: all values", GREEN, "D"),
    ("learnt keys", "everything"): ("slots: everything", BLACK, "X"),
    ("learnt keys", "by TF-IDF"): ("slots: values by TF-IDF", VERMILLION, "s"),
    ("learnt keys", "all values"): ("slots: all values", GREEN, "D"),
    ("fixed keys", "everything"): ("slots, fixed keys: everything", BLACK, "X"),
    ("fixed keys", "LoRA"): ("slots, fixed keys: LoRA", PURPLE, "^"),
    ("fixed keys", "at random"): ("slots, fixed keys: values at random", ORANGE, "v"),
    ("fixed keys", "by TF-IDF"): ("slots, fixed keys: values by TF-IDF", VERMILLION, "s"),
    ("fixed keys", "all values"): ("slots, fixed keys: all values", GREEN, "D"),
    ("fixed keys", "replay"): ("slots, fixed keys: everything, replay", BLUE, "o"),
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
    """Whether the method learnt nearly all of the new facts, in the mean."""
    return lanes(count, network, method, "recall").mean() >= 0.95


@in_style
def kept(count: str = "30", guess=None, title: str | None = None) -> Figure:
    """Old facts kept by each method, taught until as many new facts are known."""
    rows = [which for which in ROWS if which[1] in study()["facts"][count].get(which[0], {})]
    tall = 0.3 * len(rows)
    picture, ((axes,),) = sheet(8.2, 1.2 + tall)
    said = [_row(axes, row, count, *which) for row, which in enumerate(rows)]
    names = [ROWS[which][0] for which in rows]
    axes.set(xlim=(0, 1), ylim=(len(rows) - 0.4, -0.6), xticks=np.linspace(0, 1, 6),
             yticks=range(len(rows)), xlabel=f"old facts kept, {count} new ones taught",
             yticklabels=[wrapped(name, 4.2 * look().size, 0.95 * look().type) for name in names])
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    seeds = len(study()["settings"]["seeds"])
    thought = height(guess, "guess")
    if thought is not None:
        axes.axvline(thought, color=GUESS, linestyle=(0, (6, 4)), linewidth=look().line)
    yours = "" if thought is None else f";  violet: your guess {number(thought)}"
    note(axes, f"mark: mean of {seeds} lanes;  line: its 95 % interval;  dots: single lanes;  "
               f"hollow: not .95 of the new learnt{yours}")
    headline(picture, title)
    settle(picture, tall * look().size)
    limit = study()["settings"]["steps"][count]
    return Figure(picture, f"Old facts kept, taught until .99 of {count} new facts are known, at "
                           f"most {limit} steps: mean [95 % interval] over {seeds} lanes: "
                           f"{'; '.join(said)}.")


def _row(axes, row: int, count: str, network: str, method: str) -> str:
    """One method: its lanes, interval and mean; what it says in the sentence."""
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
    note_of = "" if recall >= 0.985 else f" ({recall:.2f} of the new learnt)"
    return f"{words} {estimate_in_words(one)}{note_of}"
