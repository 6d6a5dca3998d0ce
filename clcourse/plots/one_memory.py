"""Lesson 09: one memory as it reads: its surprise and its matrix."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from clcourse.errors import CourseError
from clcourse.plots.figure import (
    BLACK,
    BLUE,
    COLOURS,
    FAINT,
    GREEN,
    PAPER,
    SOFT,
    VERMILLION,
    Figure,
    Mark,
    in_style,
    look,
    number,
    sheet,
)
from clcourse.plots.general import note
from clcourse.plots.labels import End, end_labels, headline, mark_guess, settle, wrapped
from clcourse.plots.reading import (
    along,
    array,
    entries,
    rows,
    said,
    seeds_in_words,
)

TALL = 2.3  # inches
MARKERS = "os^DPv"

# How a kind of token looks wherever surprise is drawn.
KINDS = {
    "new pair": Mark(BLUE, "o", "-"),
    "seen again": Mark(GREEN, "s", "-"),
    "changed value": Mark(VERMILLION, "^", "-"),
    "filler": Mark(SOFT, "x", "-"),
}
BELOW_ZERO = LinearSegmentedColormap.from_list("signed", [VERMILLION, PAPER, BLUE], N=257)


# One pair, again and again


def law(θ: float, η: float, showings: int) -> np.ndarray:
    """What is left of the surprise at each showing of one pair, whose key has length 1.

    e_1 = 1, e_{n+1} = e_n - S_n with S_n = η S_{n-1} + θ e_n (10, 13 with α = 0); for η = 0 that is
    (1 - θ)^(n - 1). Below zero the memory says too much: the surprise is the length |e|.
    """
    left, going, found = 1.0, 0.0, []
    for _ in range(showings):
        found.append(abs(left))
        going = η * going + θ * left
        left -= going
    return np.array(found)


@in_style
def one_pair(surprises, momentum=None, *, η: float = 0.9, guess=None, guess_at: float = 5,
             title: str | None = None) -> Figure:
    """Surprise as one pair is shown again and again, as a share of the first surprise.

    surprises  {θ: surprise (showings,) or (seeds, showings)}, η = 0 and α = 0; momentum  the same
    with η; both from `cl.token_loop(…)[2].surprise`. Thin: the exact law, see `law`.
    """
    panels = {"no momentum": (surprises, 0.0)}
    if momentum is not None:
        panels[f"with momentum η = {η:g}"] = (momentum, η)
    picture, (axes,) = sheet(4.4 * len(panels) + 0.6 * (len(panels) == 1), ncols=len(panels),
                             sharey=True)
    parts, top = [], 1.0
    for panel, (name, (lines, one)) in zip(axes, panels.items(), strict=True):
        words, highest = _showings(panel, entries(lines, "surprises", len(MARKERS)), one)
        parts.append(f"{name}: {words}")
        panel.set_title(name, loc="left", fontsize=look().type)
        top = max(top, highest)
    axes[0].set(ylim=(0, 1.06 * top), ylabel="surprise (first = 1)")
    axes[0].legend(frameon=False, loc="upper right", fontsize=0.9 * look().type)
    note(axes[0], "marks: measured;  thin lines: the exact law, for a key of length 1 and α = 0")
    headline(picture, title)
    settle(picture, TALL * look().size)
    mark_guess(axes[0], guess, guess_at)
    return Figure(picture, said(title, f"Surprise at the n-th showing as a share of the first: "
                                       f"{'; '.join(parts)}."))


def _showings(panel, lines: dict, η: float) -> tuple[str, float]:
    """Draw a line for each θ; say its numbers, and how high the highest is."""
    parts, far, top = [], 0.0, 1.0
    for (θ, values), colour, marker in zip(lines.items(), COLOURS, MARKERS, strict=False):
        values = rows(values, f"the surprise of θ = {θ}")
        θ = float(array([θ], "a θ", "one number", axes=1)[0])
        if (values[:, 0] <= 0).any():
            raise CourseError(
                f"The first surprise of θ = {θ} is 0; expected more: begin with an empty memory "
                "and a value that is not 0."
            )
        left = (values / values[:, :1]).mean(axis=0)
        exact, x = law(θ, η, len(left)), np.arange(1, len(left) + 1)
        panel.plot(x, exact, color=colour, linewidth=0.5 * look().line)
        panel.plot(x, left, color=colour, marker=marker, linestyle="none", clip_on=False,
                   label=f"θ = {θ:g}", zorder=3)
        far, top = max(far, abs(left - exact).max()), max(top, left.max(), exact.max())
        told = sorted({min(n, len(left)) for n in (2, 3, 4, len(left))})
        parts.append(f"θ = {θ:g}: "
                     + ", ".join(f"{number(left[n - 1])} at {n}" for n in told))
    panel.set(xlim=(0.5, len(left) + 0.5), xlabel="showing of the same pair")
    panel.xaxis.get_major_locator().set_params(integer=True)
    panel.grid(axis="y")
    return f"{'; '.join(parts)}; at most {number(far)} from the exact law", top


# M, and surprise over a stream


def signed(value: float, limit: float = 1.0) -> str:
    """The colour of an entry of M: vermillion below zero, blue above, full at `limit`."""
    share = float(np.clip(0.5 + 0.5 * value / limit, 0, 1))
    return "#" + "".join(f"{round(255 * part):02X}" for part in BELOW_ZERO(share)[:3])


@in_style
def matrices(Ms, labels: Sequence[str], *, limit: float | None = None,
             title: str | None = None) -> Figure:
    """M after a few tokens as heat maps side by side, all on one scale that ends at ± limit.

    Ms  (n, d, p), or n matrices (d, p); labels  what to write over each
    """
    grids = [array(M, "M", "(d, p)", axes=2) for M in Ms]
    if not 1 <= len(grids) <= 8 or len(grids) != len(labels):
        raise CourseError(
            f"matrices got {len(grids)} of them and {len(labels)} labels; expected 1 to 8 and a "
            "label for each: try matrices(Ms[:4], labels[:4])."
        )
    limit = limit or max(abs(grid).max() for grid in grids) or 1.0
    picture, (panels,) = sheet(0.9 + 1.5 * len(grids), ncols=len(grids))
    for panel, grid, label in zip(panels, grids, labels, strict=True):
        d, p = grid.shape
        shown = panel.pcolormesh(grid, cmap=BELOW_ZERO, vmin=-limit, vmax=limit, edgecolors=FAINT,
                                 linewidth=0.15 * look().line)
        minus = np.argwhere(grid < -0.15 * limit)
        panel.plot(minus[:, 1] + 0.5, minus[:, 0] + 0.5, linestyle="none", marker="_", color=BLACK,
                   markersize=0.8 * look().dot, markeredgewidth=0.3 * look().line)
        panel.set(xlim=(0, p), ylim=(d, 0), xticks=[], yticks=[], xlabel="value")
        panel.set_title(wrapped(str(label), 1.3 * look().size, 0.9 * look().type), loc="left",
                        fontsize=0.9 * look().type)
        panel.spines[:].set_visible(False)
    panels[0].set_ylabel("key")
    bar = picture.colorbar(shown, ax=panels, ticks=[-limit, 0, limit], shrink=0.9, pad=0.02)
    bar.ax.set_yticklabels([f"-{number(limit)}", "0", number(limit)])
    bar.outline.set_visible(False)
    note(panels[0], "blue: above zero;  orange, with a dash: below zero")
    headline(picture, title)
    settle(picture, 1.3 * look().size * max(0.6, min(2.0, d / p)))
    sizes = [f"{label} {number(np.linalg.norm(grid))}"
             for label, grid in zip(labels, grids, strict=True)]
    return Figure(picture, said(title, f"The matrix M ({d} by {p}), its size (root of the sum of "
                                       f"squares): {'; '.join(sizes)}."))


@in_style
def surprise_curve(surprise, kinds: Sequence[str], names: Sequence[str] | None = None, *,
                   guess=None, empty: float | None = None, title: str | None = None) -> Figure:
    """Surprise over a stream, (T,) or (seeds, T), with each kind of token in its own mark.

    kinds  one of KINDS for each token; names  what to write below each; empty  the surprise of a
    memory that never wrote, a dashed line
    """
    values = rows(surprise, "surprise")
    unknown = sorted(set(map(str, kinds)) - set(KINDS))
    if unknown or len(kinds) != values.shape[1] or len(names or kinds) != len(kinds):
        raise CourseError(
            f"surprise has {values.shape[1]} tokens, there are {len(kinds)} kinds"
            + (f", unknown {unknown}" if unknown else "")
            + f"; expected as many, and as many names, each one of {', '.join(KINDS)}."
        )
    picture, ((axes,),) = sheet(9.4)
    read, x = along(values, len(kinds), "surprise"), np.arange(1, len(kinds) + 1)
    means = np.array([one.value for one in read])
    axes.fill_between(x, [one.low for one in read], [one.high for one in read], color=SOFT,
                      alpha=0.2, linewidth=0)
    axes.plot(x, means, color=SOFT, linewidth=0.5 * look().line, zorder=2)
    parts = _marks(axes, x, means, kinds)
    axes.set(xlim=(0.4, len(x) + 0.6), ylim=(0, 1.08 * max(one.high for one in read)),
             ylabel="surprise", xlabel="token of the stream")
    if names is not None:
        axes.set_xticks(x, names, fontsize=min(0.9, 20 / len(x)) * look().type)
    axes.grid(axis="y")
    axes.legend(frameon=False, ncols=len(parts), loc="lower left", bbox_to_anchor=(0, 1),
                borderaxespad=0.1, handletextpad=0.1, columnspacing=1.2)
    many = seeds_in_words([len(values)])
    note(axes, f"marks: mean of {many};  band: its 95 % interval" if len(values) > 1 else "1 seed")
    headline(picture, title)
    settle(picture, TALL * look().size)
    end_labels(axes, [*_level(axes, empty), *mark_guess(axes, guess)], width=1.0)
    return Figure(picture, said(title, f"Mean surprise over {many}, by kind of token: "
                                       f"{'; '.join(parts)}."))


def _marks(axes, x: np.ndarray, means: np.ndarray, kinds: Sequence[str]) -> list[str]:
    """Draw each kind of token in its own mark; say the mean of each."""
    parts = []
    for kind, mark in KINDS.items():
        here = [place for place, one in enumerate(kinds) if one == kind]
        if here:
            axes.plot(x[here], means[here], linestyle="none", color=mark.colour, zorder=3,
                      marker=mark.marker, markersize=1.7 * look().dot, label=kind, clip_on=False)
            many = f"{len(here)} token{'s' if len(here) > 1 else ''}"
            parts.append(f"{kind} {number(means[here].mean())} ({many})")
    return parts


def _level(axes, empty: float | None) -> list[End]:
    """A dashed line at the surprise of a memory that never wrote."""
    if empty is None:
        return []
    axes.axhline(empty, color=SOFT, linestyle=(0, (4, 3)), linewidth=0.5 * look().line)
    return [End(empty, f"empty memory {number(empty)}", SOFT)]
