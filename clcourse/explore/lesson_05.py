"""Lesson 05: memory and mix. How much is kept, and how much of it joins each batch.

Everything is looked up in the stored study `05_mix`; nothing here trains.
"""

from __future__ import annotations

from clcourse.explore.base import Explorer, Slider, Table
from clcourse.explore.drawing import Axes, box, card, dot, line, text
from clcourse.plots import lesson_05 as still
from clcourse.plots.figure import BLUE, SOFT, VERMILLION, number
from clcourse.plots.lesson_05 import Mix, mix_study
from clcourse.plots.reading import estimate_in_words

WIDTH, HEIGHT = 900, 400
OLD, NEW = BLUE, VERMILLION  # old and new, as in all figures of the lesson


def memory_and_mix() -> Explorer:
    """Two controls over 20 networks a setting: examples stored, and old ones in each batch."""
    study = mix_study()

    def draw(size: int, old: int) -> str:
        right = {part: study.estimate(size, old, part) for part in ("old", "new")}
        title = f"{size} examples kept; each batch: 32 new and {old} old"
        sentence = (f"{title}. At the end the network reads {number(right['old'].value)} of the "
                    f"eight old digits and {number(right['new'].value)} of the two newest, mean "
                    f"of 20 networks; a batch costs {32 + old} examples.")
        return card(title, sentence, text(24, 38, title, size=23, bold=True),
                    *_lines(study, size, old), *_batch(560, 76, old),
                    _reading(560, 196, "the eight old digits", right["old"], OLD),
                    _reading(560, 284, "the two newest digits", right["new"], NEW),
                    width=WIDTH, height=HEIGHT)

    controls = {
        "size": Slider("examples kept", study.sizes, start=100),
        "old": Slider("old ones in each batch", study.counts, start=0),
    }
    return Explorer(controls, draw, height=HEIGHT + 28, fallback=still.mix(),
                    table=numbers(study))


def _lines(study: Mix, size: int, old: int) -> list[str]:
    """Old and new digits by the number of old examples in a batch, for this memory."""
    places = range(len(study.counts))
    axes = Axes(70, 76, 420, 240, 0, places[-1])
    parts = [axes.frame("", ())]
    for place, count in enumerate(study.counts):
        x, y = axes.place(place, 0)
        parts.append(text(x, y + 20, count, size=15, anchor="middle"))
    middle = axes.x + axes.width / 2
    parts.append(text(middle, axes.y + axes.height + 44, "old examples in each batch", size=15,
                      anchor="middle"))
    here = study.counts.index(old)
    parts.append(line([axes.place(here, up) for up in (0, 1)], SOFT, width=1.5, dashes="3 3"))
    for part, colour, dashes in (("new", NEW, "7 4"), ("old", OLD, "")):
        heights = [study.estimate(size, count, part).value for count in study.counts]
        parts.append(axes.curve(places, heights, colour, width=4, dashes=dashes))
        parts.append(dot(*axes.place(here, heights[here]), 8, colour))
    return parts


def _batch(x: float, y: float, old: int) -> list[str]:
    """The batch as squares: new ones, then old ones."""
    parts = [text(x, y + 4, f"a batch costs {32 + old} examples", colour=SOFT)]
    for place in range(32 + old):
        row, column = divmod(place, 24)
        parts.append(box(x + 12.5 * column, y + 16 + 17 * row, 10, 14 if place < 32 else 8,
                         NEW if place < 32 else OLD))
    return parts


def _reading(x: float, y: float, what: str, now, colour: str) -> str:
    """One number, large, with its interval."""
    return (text(x, y, what, colour=SOFT)
            + text(x, y + 36, f"{number(now.value)} right", size=28, colour=colour, bold=True)
            + text(x + 160, y + 36, f"[{number(now.low)}, {number(now.high)}]", colour=SOFT))


def numbers(study: Mix) -> Table:
    """A row for each memory and mix."""
    rows = [[size, old, *(estimate_in_words(study.estimate(size, old, part))
                          for part in ("old", "new", "all"))]
            for size in study.sizes for old in study.counts]
    return Table(["examples kept", "old ones beside 32 new", "the eight old digits",
                  "the two newest", "all ten"], rows)
