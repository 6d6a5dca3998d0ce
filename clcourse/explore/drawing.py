"""A little SVG vocabulary: words, boxes, lines, handwritten digits and axes on an opaque card.

Every function returns SVG text; `card` puts the parts together. Lengths are in units of the card,
about one pixel each; y grows downwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from clcourse.plots.figure import FAINT, INK, PAPER


def text(x: float, y: float, words: object, *, size: float = 17, colour: str = INK,
         anchor: str = "start", bold: bool = False) -> str:
    """Words whose baseline starts (or has its middle or end) at (x, y)."""
    weight = ' font-weight="bold"' if bold else ""
    return (f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" fill="{colour}" '
            f'text-anchor="{anchor}"{weight}>{escape(str(words))}</text>')


def box(x: float, y: float, width: float, height: float, colour: str, *, corner: float = 0) -> str:
    """A filled rectangle."""
    return (f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{corner:g}" '
            f'fill="{colour}"/>')


def dot(x: float, y: float, radius: float, colour: str) -> str:
    """A filled circle."""
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" fill="{colour}"/>'


def line(points: Sequence[tuple[float, float]], colour: str, *, width: float = 3,
         dashes: str = "", opacity: float = 1) -> str:
    """A line through the points (x, y); dashes such as "6 4"."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return (f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width:g}" '
            f'stroke-dasharray="{dashes}" stroke-linejoin="round" opacity="{opacity:g}"/>')


def digit(pixels: Sequence[int], x: float, y: float, side: float) -> str:
    """A picture of 8x8 pixels with grey levels 0 (paper) to 16 (ink), one path a grey level."""
    squares: dict[int, str] = {}
    for place, level in enumerate(pixels):
        if level:
            row, column = divmod(place, 8)
            squares[level] = squares.get(level, "") + f"M{column} {row}h1v1h-1z"
    paths = "".join(f'<path d="{path}" fill-opacity="{level / 16:.2f}"/>'
                    for level, path in squares.items())
    frame = f'<rect width="8" height="8" fill="{PAPER}" stroke="{FAINT}" stroke-width=".2"/>'
    move = f"translate({x:g} {y:g}) scale({side / 8:g})"
    return f'<g transform="{move}" fill="{INK}">{frame}{paths}</g>'


class Axes(NamedTuple):
    """A frame at (x, y) of a width and height that shows values from `low` to `high`, 0 to 1 up."""

    x: float
    y: float
    width: float
    height: float
    low: float
    high: float

    def place(self, across: float, up: float) -> tuple[float, float]:
        """Where the value `up` (0 to 1) at `across` (low to high) stands on the card."""
        share = (across - self.low) / (self.high - self.low)
        return self.x + share * self.width, self.y + (1 - up) * self.height

    def frame(self, xlabel: str, ticks: Sequence[float], *, size: float = 15) -> str:
        """Lines at 0, ½ and 1, ticks below, and what the x axis is."""
        parts = []
        for up, name in ((0, "0"), (0.5, "0.5"), (1, "1")):
            ends = self.place(self.low, up), self.place(self.high, up)
            parts.append(line(ends, FAINT, width=1.5))
            parts.append(text(self.x - 8, ends[0][1] + size / 3, name, size=size, anchor="end"))
        bottom = self.y + self.height
        for tick in ticks:
            x = self.place(tick, 0)[0]
            parts.append(text(x, bottom + 1.3 * size, f"{tick:g}", size=size, anchor="middle"))
        middle = self.x + self.width / 2
        parts.append(text(middle, bottom + 2.7 * size, xlabel, size=size, anchor="middle"))
        return "".join(parts)

    def curve(self, across: Sequence[float], up: Sequence[float], colour: str, **style) -> str:
        """A line through values; style as in `line`."""
        return line([self.place(*pair) for pair in zip(across, up, strict=True)], colour, **style)


def card(title: str, sentence: str, *parts: str, width: float = 900, height: float = 400) -> str:
    """The parts on an opaque card that fits its place; title and sentence for those who listen."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img" '
        'preserveAspectRatio="xMinYMin meet" style="display:block;width:100%;height:100%" '
        'font-family="DejaVu Sans, Verdana, sans-serif">'
        f"<title>{escape(title)}</title><desc>{escape(sentence)}</desc>"
        f"{box(0, 0, width, height, PAPER, corner=12)}{''.join(parts)}</svg>"
    )
