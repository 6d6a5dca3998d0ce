"""Lesson 04: the circuit, codes that part, episodes that come back, and stores that fill up."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from clcourse.plots.figure import (
    BLACK,
    BLUE,
    DASHES,
    FAINT,
    GREEN,
    GUESS,
    INK,
    PAPER,
    PURPLE,
    SOFT,
    VERMILLION,
    Figure,
    in_style,
    look,
    number,
    sheet,
)
from clcourse.plots.general import note
from clcourse.plots.labels import End, end_labels, headline, height, settle
from clcourse.plots.reading import array, said

# A region, and whoever stores, has the same colour and dashes in every figure of the lesson.
HUES = {"DG": VERMILLION, "CA3": BLUE, "CA1": GREEN, "CA3 without DG": PURPLE,
        "half of the units": BLACK}
LOADS = {"50": GREEN, "100": BLUE, "200": VERMILLION, "400": PURPLE}
TALL = 2.3  # inches
QUARTERS = ["", "¼", "½", "¾", "all"]

# Where a region stands in the picture, what it is called, and what it does.
PLACES = {
    "EC": (0.0, 0.0, "entorhinal cortex", "the way in\nand out"),
    "DG": (2.9, 2.3, "dentate gyrus", "keeps apart"),
    "CA3": (5.8, 1.15, "CA3", "completes"),
    "CA1": (5.8, -1.15, "CA1", "translates back"),
}


@in_style
def circuit(hippocampus) -> Figure:
    """The regions, how many of their units are active, and who calls whom."""
    picture, ((axes,),) = sheet(8.6, 3.9)
    sizes = {name: getattr(hippocampus, name.lower()) for name in PLACES}
    for name, (x, y, long, does) in PLACES.items():
        _region(axes, x, y, f"{name}: {long}" if name != long else name, sizes[name], does)
    arrows = (  # from, to, words, where they stand, fixed or learnt, bend
        ((0.9, 0.62), (2.0, 2.1), "", None, False, -0.15),
        ((3.95, 2.3), (4.85, 1.5), "few, strong", (4.75, 2.35), False, -0.2),
        ((1.05, 0.35), (4.75, 1.0), "cue", (2.9, 0.95), True, 0.0),
        ((5.5, 0.53), (5.5, -0.53), "", None, True, 0.0),
        ((4.75, -1.25), (1.05, -0.35), "back to where it came from", (2.9, -1.25), True, 0.0),
    )
    for start, end, words, place, learnt, bend in arrows:
        _arrow(axes, start, end, learnt, bend)
        if words:
            axes.text(*place, words, ha="center", va="center", fontsize=0.85 * look().type,
                      color=SOFT, bbox={"facecolor": PAPER, "linewidth": 0, "pad": 1})
    _arrow(axes, (6.6, 1.72), (6.86, 0.9), True, -1.6)
    axes.text(7.5, 1.9, "calls\nitself", fontsize=0.85 * look().type, color=SOFT, ha="center")
    axes.text(-1.0, -2.2, "solid: learnt at one showing;  dashed: fixed random wiring",
              fontsize=0.85 * look().type, color=SOFT)
    axes.set(xlim=(-1.15, 8.0), ylim=(-2.4, 3.0))
    axes.axis("off")
    parts = [f"{name} {one.active} of {one.units} units active" for name, one in sizes.items()]
    return Figure(picture, "The circuit: EC sends an episode to DG, which keeps it apart, on to "
                           "CA3, which calls itself and completes, to CA1, and back to EC; "
                           f"{'; '.join(parts)}.")


def _region(axes, x: float, y: float, name: str, size, does: str) -> None:
    """A box with a name, its activity drawn as dots, and what it does."""
    axes.add_patch(FancyBboxPatch((x - 1.0, y - 0.5), 2.0, 1.0, boxstyle="round,pad=0.04",
                                  facecolor=PAPER, edgecolor=INK, linewidth=0.5 * look().line))
    small = 0.85 * look().type
    axes.text(x, y + 0.33, name, ha="center", va="center", fontsize=small, fontweight="bold")
    axes.text(x, y + 0.08, f"{size.active} of {size.units}", ha="center", va="center",
              fontsize=small)
    axes.text(x, y - 0.28, does.replace("\n", " "), ha="center", va="center", fontsize=small,
              color=SOFT)


def _arrow(axes, start, end, learnt: bool, bend: float) -> None:
    axes.add_patch(FancyArrowPatch(
        start, end, arrowstyle="-|>", mutation_scale=1.3 * look().type, color=INK,
        linewidth=0.7 * look().line, linestyle="-" if learnt else (0, (4, 3)),
        connectionstyle=f"arc3,rad={bend}", shrinkA=2, shrinkB=2))


@in_style
def separation(likeness, regions: dict, theory: dict, guess=None, guess_at: float = 0.5,
               title: str | None = None) -> Figure:
    """How alike two episodes are in each region, by how alike they are; dotted: what theory says.

    likeness  (points,); regions {name of HUES: (subjects, points)}; theory {the same: (points,)}
    guess     a height to mark at guess_at: None, a number, or what cl.guess returned
    """
    picture, ((axes,),) = sheet(7.6, 3.4)
    x = array(likeness, "likeness", "(points,)", axes=1)
    axes.plot([0, 1], [0, 1], color=SOFT, linewidth=0.5 * look().line)
    axes.text(0.30, 0.33, "no change", color=SOFT, fontsize=0.85 * look().type, rotation=0,
              ha="right")
    ends, parts = [], []
    for (name, values), dashes in zip(regions.items(), DASHES, strict=False):
        lanes = array(values, name, "(subjects, points)", axes=2)
        mean = lanes.mean(axis=0)
        axes.fill_between(x, *np.quantile(lanes, [0.1, 0.9], axis=0), color=HUES[name],
                          alpha=0.18, linewidth=0)
        axes.plot(x, mean, color=HUES[name], linestyle=dashes, clip_on=False, zorder=3)
        if name in theory:
            axes.plot(x, theory[name], "o", color=HUES[name], markerfacecolor=PAPER, zorder=4,
                      markersize=1.3 * look().dot, clip_on=False)
        ends.append(End(mean[-1], name, HUES[name], dashes))
        parts.append(f"{name} {number(mean[0])} to {number(mean[-1])}, "
                     f"{number(np.interp(0.5, x, mean))} where half is shared")
    axes.set(xlim=(0, 1), ylim=(0, 1), yticks=np.linspace(0, 1, 6),
             xlabel="share of active units that two episodes have in common",
             ylabel="share in common, inside")
    axes.set_xticks(np.linspace(0, 1, 5), QUARTERS)
    axes.grid(axis="y")
    note(axes, f"line: mean of {len(lanes)} subjects;  band: middle 80 % of them;  rings: theory")
    headline(picture, title)
    settle(picture, TALL * look().size)
    diamond(axes, guess_at, guess)
    end_labels(axes, ends)
    return Figure(picture, said(title, f"Share of active units in common, by that of the episodes "
                                       f"(from {number(x[0])} to {number(x[-1])}), mean of "
                                       f"{len(lanes)} subjects: {'; '.join(parts)}."))


def diamond(axes, x: float, guess) -> None:
    """The reader's guess as a diamond at x."""
    value = height(guess, "guess")
    if value is not None:
        place = float(np.clip(value, *axes.get_ylim()))
        words = f"your guess {number(value)}" + (" (off the scale)" if place != value else "")
        axes.plot(x, place, "D", color=GUESS, clip_on=False, zorder=5)
        axes.annotate(words, (x, place), xytext=(-0.8, 0.3), ha="right",
                      textcoords="offset fontsize", color=GUESS, fontsize=0.95 * look().type)


@in_style
def episodes(shown: dict, columns: int = 20, title: str | None = None) -> Figure:
    """Patterns of one subject as grids of units: what was stored, the cue, what came back.

    shown  {name: pattern (units,)}; the first is what was stored. Dark: active, and active in what
    was stored; vermillion: active where the stored pattern is not.
    """
    picture, (panels,) = sheet(2.3 * len(shown), 1.9, ncols=len(shown))
    patterns = {name: array(one, name, "(units,)", axes=1) for name, one in shown.items()}
    stored, parts = next(iter(patterns.values())), []
    colours = ListedColormap([FAINT, VERMILLION, INK])
    for panel, (name, pattern) in zip(panels, patterns.items(), strict=True):
        grid = (pattern * (1 + stored)).reshape(-1, columns)
        panel.pcolormesh(grid, cmap=colours, vmin=0, vmax=2, edgecolors=PAPER,
                         linewidth=0.15 * look().line)
        panel.set_title(name, loc="left", fontsize=look().type)
        panel.set(xticks=[], yticks=[])
        panel.invert_yaxis()
        for side in panel.spines.values():
            side.set_visible(False)
        right, wrong = (pattern * stored).sum(), (pattern * (1 - stored)).sum()
        parts.append(f"{name}: {right:.0f} right units, {wrong:.0f} wrong ones")
    headline(picture, title)
    settle(picture, 0.105 * len(grid) * look().size)
    return Figure(picture, said(title, "; ".join(parts) + "."))
