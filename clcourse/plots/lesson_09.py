"""Lesson 09: three ways to put a memory beside a window of attention, and what was claimed."""

from __future__ import annotations

from clcourse.plots.figure import (
    BLUE,
    GREEN,
    INK,
    SOFT,
    Figure,
    in_style,
    look,
    sheet,
)
from clcourse.plots.general import note
from clcourse.plots.labels import headline, settle
from clcourse.plots.reading import said

# words of each box, its place (x, y) in a panel of 10 by 10, and its colour; then the arrows
MEMORY, WINDOW, PLAIN = BLUE, GREEN, SOFT
LAYOUTS = {
    "MAC, memory as context": (
        {"in": ("a segment of tokens", 5.6, 0.9, PLAIN),
         "old": ("old memory\nis read", 1.9, 3.2, MEMORY),
         "attend": ("attention: p,\nrecalled, segment", 5.6, 5.4, WINDOW),
         "write": ("memory writes\nand is read", 2.0, 7.5, MEMORY), "out": ("⊗", 5.6, 9.3, PLAIN)},
        (("in", "old"), ("old", "attend"), ("in", "attend"), ("attend", "write"),
         ("attend", "out"), ("write", "out")),
    ),
    "MAG, memory as gate": (
        {"in": ("p, then tokens", 5, 0.9, PLAIN),
         "write": ("memory writes\nand is read", 2.4, 5, MEMORY),
         "attend": ("attention in\na window", 7.6, 5, WINDOW), "out": ("⊗", 5, 9.3, PLAIN)},
        (("in", "write"), ("in", "attend"), ("write", "out"), ("attend", "out")),
    ),
    "MAL, memory as layer": (
        {"in": ("p, then tokens", 5, 0.9, PLAIN),
         "write": ("memory writes\nand is read", 5, 3.7, MEMORY),
         "attend": ("attention in\na window", 5, 6.6, WINDOW), "out": ("out", 5, 9.3, PLAIN)},
        (("in", "write"), ("write", "attend"), ("attend", "out")),
    ),
}  # fmt: skip


@in_style
def layouts(title: str | None = None) -> Figure:
    """MAC, MAG and MAL as boxes and arrows, from the tokens at the foot to the output on top."""
    picture, (panels,) = sheet(9.6, ncols=3)
    for panel, (name, (boxes, arrows)) in zip(panels, LAYOUTS.items(), strict=True):
        panel.set(xlim=(0, 10), ylim=(0, 10.4), xticks=[], yticks=[])
        panel.spines[:].set_visible(False)
        panel.set_title(name, loc="left", fontsize=look().type, fontweight="bold")
        drawn = {key: _box(panel, *box) for key, box in boxes.items()}
        for tail, head in arrows:
            panel.annotate("", boxes[head][1:3], boxes[tail][1:3], zorder=4, arrowprops={
                "arrowstyle": "-|>", "color": INK, "linewidth": 0.5 * look().line,
                "patchA": drawn[tail].get_bbox_patch(), "patchB": drawn[head].get_bbox_patch(),
                "shrinkA": 0, "shrinkB": 1})  # fmt: skip
    note(panels[0], "p: persistent tokens, learnt and always there;  ⊗: both normalised, a SiLU "
                    "on one, multiplied;  bottom to top")
    headline(picture, title)
    settle(picture, 3.0 * look().size)
    return Figure(picture, said(title, (
        "Three layouts. MAC: the old memory is read for a segment, attention sees persistent "
        "tokens, what was recalled and the segment; its output is written to the memory, and "
        "multiplied with what that then says. MAG: memory and window attention side by side, "
        "multiplied. MAL: first the memory, then window attention to what it says.")))


def _box(panel, words: str, x: float, y: float, colour: str):
    """Words in a box of this colour."""
    return panel.text(x, y, words, ha="center", va="center", zorder=3, fontsize=0.85 * look().type,
                      bbox={"boxstyle": "round,pad=0.45", "facecolor": "white", "edgecolor": colour,
                            "linewidth": 0.8 * look().line})
