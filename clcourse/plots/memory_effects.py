"""What lesson 09 claims, as differences with intervals."""

from __future__ import annotations

import numpy as np

from clcourse.metrics import Estimate
from clcourse.plots.lesson_09 import (
    CHANCE,
    answered,
    gated,
    recalled,
    silent,
    study,
    surprised,
    variant,
)
from clcourse.plots.reading import minus, whole


def effects() -> dict[str, tuple[str, Estimate]]:
    """Every statement of the lesson that is judged: whose it is, and its effect over lanes."""
    return _of_reach() | _of_surprise() | _of_gates()


MATTERS = 0.05


def keeps_up(memory: np.ndarray, rival: np.ndarray) -> Estimate:
    """How far a memory is from being too far behind; judged to hold if it is at most .05 behind."""
    return minus(memory + 2 * MATTERS, rival)


def _of_reach() -> dict[str, tuple[str, Estimate]]:
    """Claims about how far a memory recalls, and what it costs."""
    notebook, lesson = "our test of “a giant notebook”", "this lesson"
    return {
        "16 pairs, 32 fillers: with the memory more is recalled than with the window alone":
            (notebook, minus(recalled("MAG", 32), recalled("window", 32))),
        "512 fillers, 8 times the longest practised: more than chance":
            (notebook, whole(recalled("MAG", 512) - CHANCE)),
        "2,048 fillers: at most .05 behind full attention (difference + .10)":
            (notebook, keeps_up(recalled("MAG", 2048), recalled("full", 2048))),
        "64 pairs in a memory 32 wide: at most .05 behind full attention (difference + .10)":
            (notebook, keeps_up(recalled("MAG", 32, pairs=64), recalled("full", 32, pairs=64))),
        "One token after 16,384: share of attention's time that a memory saves (rounds, not lanes)":
            ("our test of “much cheaper”", whole(saved(16_384))),
        "512 fillers: the error rule recalls more than a plain sum, both practised":
            (lesson, minus(recalled("memory", 512), variant("no error correction", 512))),
        "512 fillers: gates that look at the token recall more than constant ones":
            (lesson, minus(recalled("memory", 512), variant("constant gates", 512))),
        "512 fillers: with momentum more is recalled than without":
            (lesson, minus(recalled("memory", 512), variant("no momentum", 512))),
        "2,048 fillers, 800 steps of practice, rate .01 for both: MAC recalls more than MAG":
            (lesson, minus(recalled("MAC", 2048, "800 steps"), slower("MAG", 2048))),
    }  # fmt: skip


def slower(kind: str, gap: int, part: str = "lanes", rate: str = "0.01") -> np.ndarray:
    """Lanes after 800 steps of practice at this rate; part: lanes, or others."""
    found = study("controls")["added"]["layouts"][part][kind][rate]
    return np.array(found[f"16 pairs, gap {gap}"])


def saved(tokens: int) -> np.ndarray:
    """Share of the time of a step of attention that a step of the memory saves, by round."""
    found = study("cost")
    at = found["settings"]["lengths"].index(tokens)
    rounds = {side: np.array(found["steps"][side][at]) for side in ("memory", "fused", "plain")}
    return 1 - rounds["memory"] / np.minimum(rounds["fused"], rounds["plain"])


def _of_surprise() -> dict[str, tuple[str, Estimate]]:
    """Claims about what surprises, and what is then said."""
    adjusts = "our test of “adjusting its expectations”"
    known = surprised("others", "error, the same once more")
    return {
        "Shown seven times, a pair surprises less than one never seen (share of the latter)":
            ("this lesson", whole(1 - known / surprised("others", "error, pairs never seen"))),
        "Shown once, then changed: the new value is answered more often than the old":
            (adjusts, minus(answered("changed, after 1"),
                            answered("old value of the changed, after 1"))),
        "Shown seven times, then changed once: the new value more often than the old":
            (adjusts, minus(answered("changed, after 7"),
                            answered("old value of the changed, after 7"))),
    }  # fmt: skip


def _of_gates() -> dict[str, tuple[str, Estimate]]:
    """Claims about forgetting and depth, and about a stream of digits."""
    lesson = "this lesson"
    stream = {name: np.array(lanes) for name, lanes in
              study("stream")["lanes"]["all ten digits"].items()}  # fmt: skip
    return {
        "The last 16 of 1,024 pairs: forgetting helps the error rule at its best θ":
            (lesson, minus(gated("delta, forgetting", 1024), gated("delta", 1024))),
        "Values made by a network, error: a deep memory errs less than a matrix of as many numbers":
            (lesson, minus(silent("matrix, fixed features", "bent"), silent("MLP", "bent"))),
        "Ten digits in a stream: a core that has practised beats a random one":
            (lesson, minus(stream["memory, learnt core"], stream["memory, random core"])),
        "Ten digits in a stream: the memory beats ridge on random features":
            (lesson, minus(stream["memory, learnt core"], stream["ridge"])),
    }  # fmt: skip
