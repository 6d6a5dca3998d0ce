"""What lesson 07 claims, as differences with intervals."""

from __future__ import annotations

import numpy as np

from clcourse.metrics import Estimate
from clcourse.plots import slots
from clcourse.plots.lesson_07 import CHANCE, found, skill, topic
from clcourse.plots.reading import minus, whole


def less_leak(method: str, lanes: str = "seeds") -> np.ndarray:
    """One rule: unseen members right, less the same answer in other families."""
    return (skill("1 rules", method, "unseen", lanes)
            - skill("1 rules", method, "value elsewhere", lanes))  # fmt: skip


def effects() -> dict[str, tuple[str, Estimate]]:
    """What the lesson judges: {statement: (whose claim, the effect over lanes)}."""
    return _of_facts() | _of_skills() | _of_many_notes() | _of_slots()


def _of_facts() -> dict[str, tuple[str, Estimate]]:
    """Claims about single facts."""
    preserve, small = "our test of “preserve”", "our test of “small updates”"
    large = "our test of “larger … changes”"

    def more(count: int, first: str, second: str, what: str) -> Estimate:
        return minus(found(count, first, what), found(count, second, what))

    return {
        "Note on: rank 4 keeps more of the old facts than all weights":
            (preserve, more(30, "r4", "full", "old")),
        "Note on: rank 16 keeps more of the old facts than all weights":
            (preserve, more(30, "r16", "full", "old")),
        "Rank 4 with replay keeps more than rank 4 without":
            ("this lesson", more(30, "r4 + replay", "r4", "old")),
        "30 facts: rank 1 learns them (beyond chance, .05)":
            (small, whole(found(30, "r1", "recall") - CHANCE)),
        "300 facts, 600 steps: rank 1 learns fewer than all weights":
            (large, more(300, "full", "r1", "recall")),
        "900 facts, 900 steps: rank 16 learns fewer than all weights":
            (large, more(900, "full", "r16", "recall")),
        "300 facts: with rank 16 less can be read from the context than with all weights":
            ("this lesson", more(300, "full", "r16", "reads")),
    }  # fmt: skip


def _of_skills() -> dict[str, tuple[str, Estimate]]:
    """Claims about rules and reading."""
    large = "our test of “larger … changes”"

    def fewer(kind: str, what: str, lanes: str = "seeds") -> Estimate:
        return minus(skill(kind, "full", what, lanes), skill(kind, "r1", what, lanes))

    return {
        "A new code for 60 answers, 100 steps: rank 1 reads fewer than all weights":
            (large, fewer("reading", "reads coded", "lanes")),
        "A rule, its leak to other families taken off: rank 1 knows less than all weights":
            (large, minus(less_leak("full"), less_leak("r1"))),
        "Five rules: rank 1 is right about fewer unseen members than all weights":
            (large, fewer("5 rules", "unseen")),
        "A rule taught by members leaks to strangers":
            ("this lesson", whole(skill("1 rules", "r1", "value for strangers") - CHANCE)),
    }  # fmt: skip


def _of_many_notes() -> dict[str, tuple[str, Estimate]]:
    """Claims about many notes, and one that goes on learning."""
    alone = "one note of rank 4"
    return {
        "Four notes summed know less than the one that is chosen from a list":
            ("this lesson", minus(topic("by list", "new"), topic("all notes summed", "new"))),
        "A note that goes on learning loses what it learnt first":
            ("this lesson", minus(topic(f"{alone}, at once", "first"),
                                  topic(f"{alone}, one after the other", "first"))),
    }  # fmt: skip


def _of_slots() -> dict[str, tuple[str, Estimate]]:
    """Claims about writing to a few slots."""

    def more(than: object, keys: str = "fixed keys") -> Estimate:
        return minus(slots.lanes("30", keys, "by TF-IDF"), than)

    return {
        "Fixed keys: 128 slots by TF-IDF keep more than everything fine-tuned":
            ("this lesson", more(slots.lanes("30", "fixed keys", "everything"))),
        "Fixed keys: 128 slots by TF-IDF keep more than a plain network, fine-tuned at .00001":
            ("this lesson", more(slots.study()["slower"]["plain"]["old"])),
        "Learnt keys: 128 slots by TF-IDF keep more than everything fine-tuned":
            ("our test of Lin et al. 2025",
             more(slots.lanes("30", "learnt keys", "everything"), "learnt keys")),
    }  # fmt: skip
