"""A figure that speaks: a picture, and one sentence that carries its main numbers.

The sentence is the picture's alternative text and its stored `text/plain`: someone who cannot see
the picture hears it, and a notebook test compares it. Pictures are drawn the same everywhere: with
the font that matplotlib brings along, in the course's own style, never through pyplot.

This module needs no torch, so that the first picture of the course appears at once.
"""

from __future__ import annotations

import base64
import functools
import html
import io
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Picture
from PIL import Image

from clcourse.errors import CourseError

# The palette of Okabe & Ito (2008, "Color universal design"): told apart by colour-blind readers.
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILLION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"

# For lines, in this order; each has a dash pattern as well, so that it works in grey.
COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, BLACK, ORANGE)
DASHES = ("-", (0, (5, 1.5)), (0, (1, 1.2)), (0, (6, 1.5, 1, 1.5)), (0, (10, 3)), (0, (2.5, 2.5)))

INK, SOFT, FAINT, PAPER = "#222222", "#5F5F5F", "#E2E2E2", "#FFFFFF"
GUESS = "#7A4F9A"  # what the reader thought, apart from all that was measured

DOTS_PER_INCH = 100
PALETTE = 32  # colours in a stored picture


class Look(NamedTuple):
    """Sizes: of the picture (a factor), of type, lines and dots (points)."""

    size: float
    type: float
    line: float
    dot: float
    widest: float  # inches: what a notebook shows without shrinking it


PAGE = Look(size=1.0, type=10.0, line=2.0, dot=3.5, widest=10.5)
PROJECTOR = Look(size=1.45, type=18.0, line=4.0, dot=7.0, widest=11.5)
_now = PAGE


def look() -> Look:
    """The sizes in which figures are drawn now."""
    return _now


class talk:
    """Draw for the back of a room: larger type, thicker lines.

    >>> talk()              # from here on
    figures for the projector: on
    >>> talk(False)         # and back
    figures for the projector: off

    Or `with talk(): …` for the figures of one block.
    """

    def __init__(self, on: bool = True) -> None:
        global _now
        self.on, self.before = on, _now
        _now = PROJECTOR if on else PAGE

    def __enter__(self) -> talk:
        return self

    def __exit__(self, *error) -> None:
        global _now
        _now = self.before

    def __repr__(self) -> str:
        return f"figures for the projector: {'on' if self.on else 'off'}"


def _style() -> dict:
    """Matplotlib's own defaults, whatever the reader's settings say, and the course's changes."""
    defaults = {
        key: value
        for key, value in matplotlib.rcParamsDefault.items()
        if not key.startswith(("backend", "toolbar", "interactive"))
    }
    size = _now.type
    return defaults | {
        "font.family": ["DejaVu Sans"],
        "font.size": size,
        "axes.titlesize": size,
        "axes.labelsize": size,
        "xtick.labelsize": 0.9 * size,
        "ytick.labelsize": 0.9 * size,
        "text.color": INK,
        "text.parse_math": False,  # a label is words: "$5" is five dollars
        "axes.edgecolor": SOFT,
        "axes.labelcolor": INK,
        "axes.linewidth": 0.08 * size,
        "xtick.color": SOFT,
        "ytick.color": SOFT,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "grid.color": FAINT,
        "grid.linewidth": 0.08 * size,
        "lines.linewidth": _now.line,
        "lines.markersize": _now.dot,
        "lines.solid_capstyle": "round",
        "lines.dash_capstyle": "butt",
        "figure.facecolor": PAPER,
        "axes.facecolor": PAPER,
    }


def in_style(draw: Callable) -> Callable:
    """Decorate a function that draws, so that it draws in the course's style."""

    @functools.wraps(draw)
    def styled(*args, **options):
        with matplotlib.rc_context(_style()):
            return draw(*args, **options)

    return styled


def sheet(width: float = 7.2, height: float = 3.4, **grid) -> tuple[Picture, np.ndarray]:
    """An empty picture of so many inches, and its axes as an array (rows, columns).

    grid: nrows, ncols, width_ratios … as `matplotlib.figure.Figure.subplots` has them.
    """
    size = (min(width * _now.size, _now.widest), height * _now.size)
    picture = Picture(figsize=size, dpi=DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(picture)
    edge = 0.6 * _now.type / 72  # inches
    picture.get_layout_engine().set(w_pad=edge, h_pad=edge)
    return picture, picture.subplots(squeeze=False, **grid)


def with_few_colours(pixels: np.ndarray) -> Image.Image:
    """The picture (height, width, 3) as an image of PALETTE of its own colours, undithered.

    Chosen one by one, the next where most pixels are worst served: count · distance². Pillow's
    quantisers average neighbours, and two lines can end in one colour; here each keeps its own.
    """
    packed = pixels.astype(np.int64) @ [65536, 256, 1]
    shades, where, counts = np.unique(packed, return_inverse=True, return_counts=True)
    colours = np.stack([shades >> 16, shades >> 8 & 255, shades & 255], axis=1)
    chosen: list[int] = []
    served = np.zeros(len(shades), dtype=np.uint8)
    distance = np.full(len(shades), 3 * 256**2)
    while len(chosen) < PALETTE and distance.any():
        best = int(np.argmax(counts * distance))
        from_best = ((colours - colours[best]) ** 2).sum(axis=1)
        served[from_best < distance] = len(chosen)
        distance = np.minimum(distance, from_best)
        chosen.append(best)
    image = Image.fromarray(served[where].reshape(packed.shape))
    image.putpalette(colours[chosen].astype(np.uint8).tobytes())
    return image


class Mark(NamedTuple):
    """How one kind of method looks in every figure of a lesson."""

    colour: str
    marker: str
    dashes: object


class Figure:
    """A picture with the sentence that says what it shows.

    picture   a matplotlib.figure.Figure, never one of pyplot's (a second copy would appear)
    sentence  one sentence with the main numbers, computed from the data (see `number`)
    """

    def __init__(self, picture: Picture, sentence: str) -> None:
        self.picture, self.sentence = picture, sentence

    @functools.cached_property
    def png(self) -> bytes:
        """The picture as a small opaque PNG with a palette, the same bytes every time."""
        with matplotlib.rc_context(_style()):
            self.picture.canvas.draw()
        few = with_few_colours(np.asarray(self.picture.canvas.buffer_rgba())[..., :3])
        stream = io.BytesIO()
        few.save(stream, "PNG", optimize=True)
        return stream.getvalue()

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        pixels = base64.b64encode(self.png).decode()
        shown = (
            f'<img alt="{html.escape(self.sentence)}" src="data:image/png;base64,{pixels}" '
            'style="max-width:100%;border-radius:8px">'
        )
        return {"text/html": shown, "image/png": pixels, "text/plain": self.sentence}

    def save(self, path: str | Path) -> None:
        """Write the picture to `path`, a name that ends in .png."""
        if Path(path).suffix.lower() != ".png":
            raise CourseError(
                f"A figure is saved as PNG, not as {str(path)!r}; expected a name that ends in "
                '.png: try figure.save("curve.png").'
            )
        Path(path).write_bytes(self.png)

    def __repr__(self) -> str:
        return self.sentence


def number(value: float) -> str:
    """Two decimals, and never a minus before zero: -0.004 is "0.00"."""
    return f"{round(float(value), 2) + 0.0:.2f}"
