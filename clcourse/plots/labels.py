"""Words on a picture: measured before they are written, so that none is cut or covered.

`cut_labels` and `colliding_labels` look at a finished figure; tests of every figure use them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure as Picture
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text

from clcourse.errors import CourseError
from clcourse.plots.figure import GUESS, PAPER, Figure, look, number


def widest(texts: Sequence[str], size: float) -> float:
    """Inches that the longest of `texts` takes in one line, at type of `size` points; 0 of none."""
    renderer = RendererAgg(1, 1, 72)
    font = FontProperties(family=["DejaVu Sans"], size=size)
    widths = [renderer.get_text_width_height_descent(text, font, False)[0] for text in texts]
    return max(widths, default=0.0) / 72


def wrapped(text: str, width: float, size: float) -> str:
    """`text` in lines of at most `width` inches at type of `size` points; words stay whole.

    Only a word that is wider than a line is broken.
    """
    lines = [""]
    for word in text.split():
        if widest([f"{lines[-1]} {word}".strip()], size) <= width:
            lines[-1] = f"{lines[-1]} {word}".strip()
            continue
        lines.append("")
        for letter in word:
            if lines[-1] and widest([lines[-1] + letter], size) > width:
                lines.append("")
            lines[-1] += letter
    return "\n".join(line for line in lines if line)


def shortened(text: str, width: float, size: float) -> str:
    """`text` in one line of at most `width` inches: cut by "…" where it would be longer."""
    if widest([text], size) <= width:
        return text
    while text and widest([text + "…"], size) > width:
        text = text[:-1].rstrip()
    return text + "…"


def headline(picture: Picture, title: str | None) -> None:
    """Write `title` over the picture, flush left, in as many lines as it needs."""
    if title:
        size = 1.1 * look().type
        edge = 0.6 * look().type / 72
        lines = wrapped(title, 0.9 * (picture.get_figwidth() - 2 * edge), size)
        x = edge / picture.get_figwidth()
        picture.suptitle(lines, x=x, ha="left", fontsize=size, fontweight="bold", linespacing=1.1)


def settle(picture: Picture, tall: float | None = None) -> float:
    """Make the picture as high as its words need, with axes `tall` inches high; return that.

    Without `tall` the axes become square.
    """
    room = 40.0  # inches: more than any words take
    picture.set_figheight(room)
    picture.draw_without_rendering()
    box = picture.axes[0].get_position()
    tall = picture.get_figwidth() * box.width if tall is None else tall
    rows = picture.axes[0].get_subplotspec().get_gridspec().nrows
    picture.set_figheight(room - rows * (room * box.height - tall))
    return tall


def spread(wanted: Sequence[float], gaps: Sequence[float], low: float, high: float) -> np.ndarray:
    """Places near `wanted`, in the same order, neighbours apart by their mean gap, in [low, high].

    Where not all fit between low and high they keep their distance and stand out at both ends.
    """
    order = np.argsort(wanted, kind="stable")
    gaps = np.take(gaps, order)
    need = np.concatenate([[0.0], np.cumsum((gaps[1:] + gaps[:-1]) / 2)])
    free = np.take(wanted, order) - need  # these only have to rise
    blocks: list[list[float]] = []
    for place in free:
        blocks.append([place])
        while len(blocks) > 1 and np.mean(blocks[-2]) > np.mean(blocks[-1]):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    rising = np.concatenate([[np.mean(block)] * len(block) for block in blocks])
    room = max(low, high - need[-1])
    placed = np.empty(len(order))
    placed[order] = np.clip(rising, low, room) + need
    if need[-1] > high - low:
        placed -= (need[-1] - (high - low)) / 2
    return placed


class End(NamedTuple):
    """A label at the right-hand end of a line that ends at height y.

    Given the line's dashes, a sample of the line stands before the label: so it works in grey.
    """

    y: float
    text: str
    colour: str
    dashes: str | tuple | None = None


def end_labels(axes: Axes, ends: Sequence[End], width: float = 1.7) -> None:
    """Write the labels beside the right-hand edge, none upon another, tied to their lines.

    In lines of at most `width` inches; the picture grows where they need more height.
    """
    if not ends:
        return
    size, picture = 0.95 * look().type, axes.figure
    across = axes.get_yaxis_transform()  # x in parts of the axes, y as in the data
    style = {"transform": across, "va": "center", "fontsize": size, "linespacing": 1.05}
    texts = []
    for y, text, colour, _ in ends:
        words = wrapped(text, width * look().size, size)
        texts.append(axes.text(1.05, y, words, color=readable(colour), **style))
    picture.draw_without_rendering()
    heights = [text.get_window_extent().height + 0.25 * size for text in texts]
    missing = sum(heights) - axes.bbox.height
    if missing > 0:
        picture.set_figheight(picture.get_figheight() + missing / picture.dpi)
        picture.draw_without_rendering()
    wanted = [axes.transData.transform((0, end.y))[1] for end in ends]
    pixels = spread(wanted, heights, axes.bbox.y0, axes.bbox.y1)
    em = size * picture.dpi / 72 / axes.bbox.width  # the size of type in parts of the axes
    start = 1 + em * (4.3 if any(end.dashes for end in ends) else 1.6)
    for end, text, pixel in zip(ends, texts, pixels, strict=True):
        text.set(x=start, y=axes.transData.inverted().transform((0, pixel))[1])
        _tie(axes, end, text, em)


def _tie(axes: Axes, end: End, text: Text, em: float) -> None:
    """Lead from the end of a line to its label; past a sample of the line if it has dashes."""
    x, y = text.get_position()
    style = {"transform": axes.get_yaxis_transform(), "color": end.colour, "clip_on": False}
    thin = {"linewidth": 0.5 * look().line, "solid_capstyle": "butt"}
    bend = 1 + 1.2 * em
    axes.plot([1 + 0.2 * em, bend], [end.y, y], **style, **thin)
    if end.dashes is None:
        axes.plot([bend, x - 0.4 * em], [y, y], **style, **thin)
    else:
        axes.plot([bend, x - 0.4 * em], [y, y], linestyle=end.dashes, **style)


def height(value, what: str) -> float | None:
    """A number to mark on a figure: from None, a number, or a guess, which has a `value`."""
    value = getattr(value, "value", value)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise CourseError(
            f"{what}={value!r} cannot be drawn; expected a number or None: try {what}=0.5."
        )
    return float(value)


def mark_guess(axes: Axes, guess, at: float | None = None) -> list[End]:
    """Draw what the reader guessed, at the edge where it lies outside, and return its label.

    guess  None, a number, or what cl.guess returned; the axes must have their limits
    at     where along x the guess was asked for: a diamond there, in place of a line
    """
    value = height(guess, "guess")
    if value is None:
        return []
    low, high = axes.get_ylim()
    place = min(max(value, low), high)
    words = f"your guess {number(value)}" + (" (off the scale)" if place != value else "")
    if at is not None:
        axes.plot(at, place, "D", color=GUESS, clip_on=False, zorder=4)
        axes.annotate(words, (at, place), xytext=(0.8, 0), textcoords="offset fontsize",
                      color=GUESS, fontsize=0.95 * look().type, va="center", zorder=4,
                      bbox={"boxstyle": "square,pad=0.1", "facecolor": PAPER, "linewidth": 0})
        return []
    axes.axhline(place, color=GUESS, linestyle=(0, (6, 4)), linewidth=0.7 * look().line,
                 clip_on=False, zorder=2)  # fmt: skip
    return [End(place, words, GUESS)]


def luminance(colour: str) -> float:
    """How light a colour is, 0 to 1 (relative luminance, WCAG 2.2)."""
    parts = np.array([int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def readable(colour: str, contrast: float = 4.5) -> str:
    """The colour, darkened until type in it has that contrast on white (WCAG 2.2: 4.5)."""
    while 1.05 / (luminance(colour) + 0.05) < contrast:
        colour = "#" + "".join(f"{int(int(colour[k : k + 2], 16) * 0.95):02X}" for k in (1, 3, 5))
    return colour


def _shown_texts(picture: Picture) -> list[Text]:
    """Every piece of text that is drawn; tick labels outside the axes' limits are not."""
    hidden = set()
    for axes in picture.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            slack = 1e-9 * (high - low)
            for tick in axis.get_major_ticks() + axis.get_minor_ticks():
                if not low - slack <= tick.get_loc() <= high + slack:
                    hidden |= {tick.label1, tick.label2}
    texts = picture.findobj(Text)
    return [t for t in texts if t.get_visible() and t.get_text().strip() and t not in hidden]


def cut_labels(figure: Figure) -> list[str]:
    """The texts that leave the picture, which nobody could read in full: an empty list is good."""
    figure.picture.draw_without_rendering()
    whole = figure.picture.bbox.padded(0.5)
    boxes = {text: text.get_window_extent() for text in _shown_texts(figure.picture)}
    return [
        text.get_text()
        for text, box in boxes.items()
        if box.x0 < whole.x0 or box.y0 < whole.y0 or box.x1 > whole.x1 or box.y1 > whole.y1
    ]


def colliding_labels(figure: Figure) -> list[tuple[str, str]]:
    """Pairs of texts that lie upon each other: an empty list is good."""
    figure.picture.draw_without_rendering()
    texts = _shown_texts(figure.picture)
    boxes = [text.get_window_extent().padded(-1.0) for text in texts]
    return [
        (texts[first].get_text(), texts[second].get_text())
        for first in range(len(texts))
        for second in range(first + 1, len(texts))
        if boxes[first].overlaps(boxes[second])
    ]
