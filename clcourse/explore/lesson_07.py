"""Lesson 07: rank and number of facts. What a note holds, and what the base loses meanwhile.

Everything is looked up in the stored study `07_rank`; nothing here trains.
"""

from __future__ import annotations

from clcourse.explore.base import Choice, Explorer, Slider, Table
from clcourse.explore.drawing import box, card, text
from clcourse.plots import lesson_07 as still
from clcourse.plots.figure import BLUE, FAINT, SOFT, VERMILLION, number
from clcourse.plots.reading import estimate_in_words

WIDTH, HEIGHT = 900, 400
ALL = "all weights"
METHODS = {"1": "r1", "4": "r4", "16": "r16", ALL: "full"}


def rank_and_facts() -> Explorer:
    """Two controls: the rank of the note, and how many new facts it must hold."""

    def draw(rank: str, facts: str) -> str:
        cell = still.study("rank")["facts"][facts][METHODS[rank]]
        read = {what: still.whole(cell["lanes"][what]) for what in ("recall", "old", "reads")}
        what = ALL if rank == ALL else f"a note of rank {rank}"
        title = f"{facts} new facts in {what}"
        then = "" if rank == ALL else "with it on, "
        room = 4 * cell["parameters"]
        steps = round(still.whole(cell["lanes"]["steps"]).value)
        sentence = (f"{title}: {room:,} bytes; the facts themselves are "
                    f"{int(facts) * still.BITS / 8:,.0f} bytes. After {steps} steps "
                    f"{number(read['recall'].value)} of the new facts are known; {then}"
                    f"{number(read['old'].value)} of the old ones, and "
                    f"{number(read['reads'].value)} are read from the context.")
        bars = [_bar(y, words, read[one], colour) for y, words, one, colour in (
            (96, "new facts known", "recall", VERMILLION), (182, "old facts kept", "old", BLUE),
            (268, "read from the context", "reads", SOFT))]
        foot = (f"{room:,} bytes that learn, {steps} steps at rate {rate(cell)};  the facts: "
                f"{int(facts) * still.BITS / 8:,.0f} bytes")
        return card(title, sentence, text(24, 40, title, size=23, bold=True), *bars,
                    text(24, 372, foot, size=16, colour=SOFT), width=WIDTH, height=HEIGHT)

    controls = {
        "rank": Choice("rank", list(METHODS), start="1"),
        "facts": Slider("new facts", still.COUNTS, start="30"),
    }
    return Explorer(controls, draw, height=HEIGHT + 28, fallback=still.rank(), table=numbers())


def rate(cell: dict) -> str:
    """The learning rate as the lesson writes it: .00003."""
    return f"{cell['lr']:.5f}".strip("0")


def _bar(y: float, words: str, one, colour: str) -> str:
    """A share as a bar, with its interval in words."""
    return (text(24, y, words, colour=SOFT) + box(24, y + 12, 560, 26, FAINT)
            + box(24, y + 12, max(2, 560 * one.value), 26, colour)
            + text(604, y + 34, number(one.value), size=24, bold=True)
            + text(672, y + 34, f"[{number(one.low)}, {number(one.high)}]", colour=SOFT))


def numbers() -> Table:
    """A row for each number of facts and rank."""
    rows = []
    for facts in still.COUNTS:
        for rank, method in METHODS.items():
            cell = still.study("rank")["facts"][facts][method]
            rows.append([facts, rank, f"{4 * cell['parameters']:,}", rate(cell),
                         *(estimate_in_words(still.whole(cell["lanes"][what]))
                           for what in ("recall", "old", "reads"))])
    return Table(["new facts", "rank", "bytes that learn", "rate", "new facts known",
                  "old facts kept", "read from the context"], rows)
