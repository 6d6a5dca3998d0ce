"""Lesson 10: what a momentum recalls by key, and the statements that are judged at the end."""

from __future__ import annotations

import functools

import numpy as np

from clcourse.metrics import Estimate
from clcourse.plots import fading, frequency, hope, in_context
from clcourse.plots.figure import COLOURS, DASHES, Figure, in_style, look, sheet
from clcourse.plots.general import note
from clcourse.plots.labels import End, end_labels, headline, settle
from clcourse.plots.reading import estimate_in_words, minus, said, whole
from clcourse.results import load

LAST = ("1", "8", "16", "32", "64")
WRITERS = {
    "hebbian": "momentum (Hebbian)",
    "delta": "delta momentum",
    "solved": "solved at once",
    "hebbian, centred": "momentum, keys centred",
    "delta, centred": "delta momentum, keys centred",
}
KEYS = {"independent": "keys at random", "alike": "keys alike: half is shared"}


@functools.cache
def study(name: str) -> dict:
    """A stored study of this lesson, read once."""
    return load(f"10_{name}")


def recalled(kind: str, rule: str, last: str, lanes: str = "lanes") -> np.ndarray:
    """Lanes: mean cosine of the last so many pairs, at the μ that suits rule and number."""
    return np.array(study("recall")["keys"][kind][rule][lanes][last])


@in_style
def recall(title: str | None = None) -> Figure:
    """Mean cosine of the last n of 64 pairs in a 32 x 32 matrix: momentum, delta momentum, solved.

    Left: keys at random; right: keys of which half is a direction that all share. Centred: each key
    less the mean of all keys so far.
    """
    picture, (panels,) = sheet(8.4, ncols=2, sharey=True)
    for panel, (kind, head) in zip(panels, KEYS.items(), strict=True):
        ends = []
        for place, (rule, words) in enumerate(WRITERS.items()):
            found = [whole(recalled(kind, rule, last)) for last in LAST]
            value, low, high = (np.array([getattr(one, part) for one in found])
                                for part in ("value", "low", "high"))  # fmt: skip
            colour, dashes = COLOURS[place], DASHES[place]
            panel.fill_between(range(len(LAST)), low, high, color=colour, alpha=0.25, linewidth=0)
            panel.plot(value, color=colour, linestyle=dashes, marker="os^Dv"[place])
            ends.append(End(value[-1], words, colour, dashes))
        panel.set(ylim=(0, 1.03), xlabel="the last n of 64 pairs")
        panel.set_xticks(range(len(LAST)), LAST)
        panel.set_title(head, loc="left", fontsize=look().type)
        panel.grid(axis="y")
    panels[0].set_ylabel("cosine with what was written")
    note(panels[0], "each rule with the μ that suits it best for this n, chosen on other lanes;  "
                    "band: 95 % interval of 20 seeds")  # fmt: skip
    headline(picture, title)
    settle(picture, 2.2 * look().size)
    end_labels(panels[1], ends, 2.0)
    return Figure(picture, said(title, _recall_in_words()))


def _recall_in_words() -> str:
    """Every number of the figure."""
    parts = [f"{KEYS[kind]}: " + "; ".join(
        f"{words} " + ", ".join(
            f"{estimate_in_words(whole(recalled(kind, rule, last)))} of the last {last}"
            for last in LAST) for rule, words in WRITERS.items()) for kind in KEYS]  # fmt: skip
    return ("mean cosine [95 % interval] over 20 seeds of what 64 pairs leave in a matrix of 32 "
            "rows. " + ". ".join(part[0].upper() + part[1:] for part in parts) + ".")  # fmt: skip


def effects() -> dict[str, tuple[str, Estimate]]:
    """Every statement of the lesson that is judged: whose it is, and its effect over lanes."""
    return _of_fading() | _of_frequency() | _of_context() | _of_hope() | _of_recall()


LESSON, PAPER = "this lesson", "our test of the paper"


def _of_fading() -> dict[str, tuple[str, Estimate]]:
    """Claims about fast weights that fade."""
    hold = "our test of “slow weights hold steady”"
    beside, one = ("beside", fading.EQUAL), ("one network", fading.EQUAL)
    two, free = ("two weights", fading.SUM), ("beside", fading.SUM)
    recur, bare = "30 steps, 3 that recur", "30 steps, no base"
    return {
        "Contexts: two weights adapt (online above .60, not adapting; one network does, too)":
            ("our test of “fast weights can update immediately”",
             whole(fading.lanes("two weights", "online") - 0.6)),
        "After a rest, at equal adaptation: a fading network beside keeps more than one network":
            (hold, fading.difference(beside, one, "rested")),
        "The same before the rest, awake (network beside)":
            (hold, fading.difference(beside, one, "awake")),
        "After a rest: fading keeps more of the base than no fading (two weights)":
            (LESSON, fading.difference(two, ("two weights, no fading", fading.SUM), "rested")),
        "After a rest: a fading network beside keeps more than a stored copy put back":
            (LESSON, fading.difference(free, ("one network, put back at rest", fading.SUM),
                                       "rested")),
        "No base before: after a rest two weights know more than a moving average of weights":
            (hold, fading.difference(two, ("average of its weights", fading.SUM), "rested",
                                     world=bare)),
        "Three that recur, second half of life: slow steps adapt better than frozen (two weights)":
            (LESSON, fading.difference(two, ("two weights, frozen", fading.SUM), "late",
                                       world=recur)),
    }  # fmt: skip


def _of_frequency() -> dict[str, tuple[str, Estimate]]:
    """Claims about periods: each against the tuned control that moves at every step."""
    return {
        "Adam: period 64 beats period 1, both tuned":
            (PAPER, frequency.gain("chunk 64", "Adam", rule="free")),
        "Gradient descent: learnt initial states beat the same two blocks moving at every step":
            (PAPER, minus(frequency.lanes_of("nested 0.1 8", "gradient descent", "long, input",
                                             "free"),
                          frequency.lanes_of("chunk 1 blocks", "gradient descent", "long, input",
                                             "free"))),
    }  # fmt: skip


def _of_context() -> dict[str, tuple[str, Estimate]]:
    """Claims about writing in context, after a change of labels."""
    itself = "our test of “self-modifying”"
    return {
        "Labels dealt anew: a gated memory knows more than a Hebbian one":
            (LESSON, minus(in_context.lanes("gated"), in_context.lanes("Hebbian"))),
        "The same: self-modifying knows more than delta":
            (itself, minus(in_context.lanes("self-modifying"), in_context.lanes("delta"))),
        "More symbols than rows: delta knows more than gated":
            (LESSON, minus(in_context.lanes("delta", "crowded"),
                           in_context.lanes("gated", "crowded"))),
        "More symbols than rows: self-modifying knows more than delta":
            (itself, minus(in_context.lanes("self-modifying", "crowded"),
                           in_context.lanes("delta", "crowded"))),
    }  # fmt: skip


def _of_hope() -> dict[str, tuple[str, Estimate]]:
    """Claims about a small HOPE and its rivals."""
    beats = "our test of “outperformed standard transformers”"

    def ahead(task: str, length: int, rival: str) -> Estimate:
        return minus(hope.lanes(task, "HOPE", length, 3), hope.lanes(task, rival, length, 3))

    return {
        "Parity of 64 bits: HOPE beats a transformer (two blocks, places and slope)":
            (beats, ahead("parity", 64, "two blocks, places and slope")),
        "Parity of 64 bits: HOPE beats an LSTM":
            (LESSON, ahead("parity", 64, "LSTM")),
        "Parity of 64 bits: MLPs that learn online add to its self-modifying memory":
            (PAPER, ahead("parity", 64, "self-modifying")),
        "Modulo 3 of 64 digits: HOPE beats the same transformer (both are at chance)":
            (beats, ahead("modulo 3", 64, "two blocks, places and slope")),
        "Recall, 128 tokens: HOPE beats a transformer with a recency slope (as delta does, too)":
            (beats, ahead("recall", 128, "transformer, slope")),
    }  # fmt: skip


def _of_recall() -> dict[str, tuple[str, Estimate]]:
    """Claims about what a momentum recalls."""
    return {
        "Keys alike, the last 8: delta momentum recalls more than momentum with keys centred":
            (PAPER, minus(recalled("alike", "delta", "8"),
                          recalled("alike", "hebbian, centred", "8"))),
        "Keys at random, all 64: delta momentum recalls more than momentum (cosine)":
            (PAPER, minus(recalled("independent", "delta", "64"),
                          recalled("independent", "hebbian", "64"))),
    }  # fmt: skip
