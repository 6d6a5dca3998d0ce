"""Lesson 09: one memory as it reads: its surprise, its matrix, its gates, how far it recalls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import FixedLocator, NullLocator

from clcourse.errors import CourseError
from clcourse.metrics import Estimate
from clcourse.plots.figure import (
    BLACK,
    BLUE,
    COLOURS,
    DASHES,
    FAINT,
    GREEN,
    GUESS,
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
from clcourse.plots.labels import End, end_labels, headline, height, mark_guess, settle, wrapped
from clcourse.plots.reading import array, estimate_in_words, interval, said, seeds_in_words

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

# Behrouz, Zhong & Mirrokni 2024 (arXiv 2501.00663), table 2: RULER's single needle, per cent found.
LENGTHS = ("2K", "4K", "8K", "16K")
TABLE_2 = {
    "PK": {"LMM": (99.8, 98.4, 98.2, 96.2), "MAC": (99.2, 98.8, 99.0, 98.4),
           "MAG": (99.4, 98.0, 97.4, 97.4), "MAL": (98.8, 98.6, 98.8, 97.8),
           "TTT": (98.4, 98.8, 98.0, 88.4), "Mamba2": (98.6, 61.4, 31.0, 5.4),
           "DeltaNet": (96.8, 98.8, 98.6, 71.4)},
    "N": {"LMM": (100.0, 99.8, 93.4, 80.2), "MAC": (99.6, 98.2, 97.6, 97.4),
          "MAG": (99.2, 98.8, 97.2, 98.6), "MAL": (99.8, 98.1, 96.8, 96.4),
          "TTT": (60.2, 36.6, 10.2, 4.4), "Mamba2": (98.4, 55.8, 14.2, 0.0),
          "DeltaNet": (47.2, 15.4, 12.8, 5.4)},
    "W": {"LMM": (90.4, 89.4, 85.8, 80.6), "MAC": (98.2, 98.2, 95.6, 95.2),
          "MAG": (98.0, 98.0, 90.2, 88.2), "MAL": (98.0, 97.4, 92.0, 90.4),
          "TTT": (78.8, 28.0, 4.4, 0.0), "Mamba2": (42.2, 4.2, 0.0, 0.0),
          "DeltaNet": (46.2, 20.0, 1.6, 0.0)},
}  # fmt: skip


def rows(values, what: str) -> np.ndarray:
    """`values` (steps,) or (seeds, steps) as (seeds, steps)."""
    if getattr(values, "ndim", 0) == 1:
        values = values[None]
    elif isinstance(values, (list, tuple)) and not any(hasattr(one, "__len__") for one in values):
        values = [values]
    return array(values, what, "(steps,) or (seeds, steps)", axes=2)


def along(values, steps: int, what: str) -> list[Estimate]:
    """An estimate for each of `steps` places: from (seeds, steps), or from estimates as such."""
    if isinstance(values, Sequence) and values and isinstance(values[0], Estimate):
        read = [interval(one, what)[0] for one in values]
    else:
        read = [interval(column, what)[0] for column in rows(values, what).T]
    if len(read) != steps:
        raise CourseError(
            f"{what} has {len(read)} values for {steps} places; expected one a place: try a "
            f"tensor (seeds, {steps}) or {steps} estimates."
        )
    return read


def entries(thing, what: str, most: int) -> dict:
    """`thing` if it is a dictionary of 1 to `most` entries."""
    if not isinstance(thing, Mapping) or not 1 <= len(thing) <= most:
        got = f"{len(thing)} entries" if isinstance(thing, Mapping) else type(thing).__name__
        raise CourseError(
            f"{what} is {got}; expected a dictionary of 1 to {most} names with their values: try "
            '{"memory": values}.'
        )
    return dict(thing)


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


# What a trained memory does


@in_style
def writing(gates, *, guess=None, title: str | None = None) -> Figure:
    """How far each gate opens for each kind of token: {gate: {kind of token: lanes or estimate}}.

    {kind of token: lanes} alone is taken for θ. Dots: means over lanes, on a log axis.
    """
    gates = entries(gates, "writing", 6)
    if not all(isinstance(one, Mapping) for one in gates.values()):
        gates = {"θ": gates}
    gates = {name: {str(kind): interval(values, f"{name} of {kind}")[0]
                    for kind, values in entries(one, name, 8).items()}
             for name, one in gates.items()}  # fmt: skip
    kinds = list(next(iter(gates.values())))
    if any(list(one) != kinds for one in gates.values()):
        raise CourseError(f"The gates do not have the same kinds of token; expected {kinds} for "
                          "each of them, in this order.")
    picture, (panels,) = sheet(2.2 + 2.5 * len(gates), ncols=len(gates), sharey=True)
    parts, cut = [], False
    for panel, (name, read), colour in zip(panels, gates.items(), COLOURS, strict=False):
        cut |= _log_dots(panel, list(read.values()), colour)
        panel.set_title(name, loc="left", fontsize=1.1 * look().type)
        panel.set_xlabel("how far it opens (log)")
        panel.tick_params(axis="y", length=0)
        parts.append(f"{name}: " + ", ".join(f"{kind} {small(one)}" for kind, one in read.items()))
    _row_names(panels[0], kinds)
    many = seeds_in_words([one.n for read in gates.values() for one in read.values()])
    note(panels[0], f"dot: mean of {many};  line: its 95 % interval"
                    + (", to the edge where it reaches 0" if cut else ""))
    headline(picture, title)
    settle(picture, 0.42 * look().size * len(kinds))
    across(panels[0], guess, len(kinds))
    return Figure(picture, said(title, f"How far the gates open, mean [95 % interval] over {many}: "
                                       f"{'; '.join(parts)}."))


def small(one: Estimate) -> str:
    """An estimate with three significant digits: gates may be far below .01."""
    if one.n == 1:
        return f"{one.value:.3g}"
    return f"{one.value:.3g} [{max(0.0, one.low):.3g}, {one.high:.3g}]"


def _log_dots(panel, read: list[Estimate], colour: str) -> bool:
    """Dots with intervals on a log axis, a row each; whether an interval was cut at the edge."""
    if min(one.value for one in read) <= 0:
        raise CourseError(
            "A gate is 0 on average, which has no place on a log axis; expected means above 0: "
            "leave out what is switched off."
        )
    above = [edge for one in read for edge in (one.low, one.value, one.high) if edge > 0]
    low = 10 ** np.floor(np.log10(min(above)) - 0.01)
    high = 10 ** np.ceil(np.log10(max(above)))
    for place, one in enumerate(read):
        panel.plot([max(low, one.low), one.high], [place, place], color=colour,
                   linewidth=0.8 * look().line)
        panel.plot(one.value, place, "o", color=colour, markersize=1.4 * look().dot)
    panel.set(xscale="log", xlim=(low, high))
    powers = np.arange(round(np.log10(low)), round(np.log10(high)) + 1)
    powers = powers[::-1][:: 1 + (len(powers) - 1) // 4][::-1]
    panel.xaxis.set_major_locator(FixedLocator(10.0**powers))
    panel.xaxis.set_minor_locator(NullLocator())
    panel.set_xticklabels([f"{10.0**power:g}" for power in powers])
    panel.grid(axis="x")
    return any(one.low <= 0 for one in read)


def across(panel, guess, count: int) -> None:
    """The reader's guess as a line down the first panel, its words below the last row."""
    value = height(guess, "guess")
    if value is None:
        return
    panel.set_ylim(count - 0.2, -0.5)
    low, high = panel.get_xlim()
    place = float(np.clip(value, low, high))
    middle = (low * high) ** 0.5 if panel.get_xscale() == "log" else (low + high) / 2
    side = "right" if place > middle else "left"
    panel.axvline(place, color=GUESS, linestyle=(0, (6, 4)), linewidth=0.7 * look().line)
    panel.annotate(f"your guess {value:.3g}", (place, count - 0.2), ha=side, color=GUESS,
                   xytext=(-0.3 if side == "right" else 0.3, 0.2), textcoords="offset fontsize",
                   fontsize=0.9 * look().type)


def _place(gap) -> np.ndarray:
    """Where a gap stands on the axis: log2(1 + gap), so that 0 has a place."""
    return np.log2(1 + np.asarray(gap, dtype=float))


@in_style
def gap_curves(gaps, lines, *, chance: float, trained: tuple[float, float] | None = None,
               guesses=None, title: str | None = None) -> Figure:
    """Recall against the gap between pairs and question, on a log axis that begins at 0.

    lines    {rival: (seeds, gaps), or estimates}; trained  the gaps seen in training, shaded
    guesses  {gap: what cl.guess returned}, a diamond at each
    """
    gaps = array(gaps, "gaps", "(gaps,)", axes=1)
    if len(gaps) < 2 or gaps[0] < 0 or (np.diff(gaps) <= 0).any():
        raise CourseError(f"gaps={gaps.tolist()}; expected at least 2, rising, from 0 on: try "
                          "[0, 16, 128, 2048].")
    picture, ((axes,),) = sheet(8.6)
    x, ends, parts, counts = _place(gaps), [], [], []
    for (name, values), colour, dashes, marker in zip(
            entries(lines, "lines", len(COLOURS)).items(), COLOURS, DASHES, MARKERS, strict=False):
        read = along(values, len(gaps), repr(name))
        axes.fill_between(x, [max(0, one.low) for one in read], [min(1, one.high) for one in read],
                          color=colour, alpha=0.2, linewidth=0)
        axes.plot(x, [one.value for one in read], color=colour, linestyle=dashes, marker=marker,
                  clip_on=False, zorder=3)
        ends.append(End(read[-1].value, str(name), colour, dashes))
        counts += [one.n for one in read]
        parts.append(f"{name} " + ", ".join(f"{estimate_in_words(one)} at {gap:g}"
                                            for one, gap in zip(read, gaps, strict=True)))
    _gap_axis(axes, gaps, chance, trained)
    many = seeds_in_words(counts)
    note(axes, f"line: mean of {many};  band: its 95 % interval;  dashed grey: chance"
               + (";  shaded: gaps of training" if trained else ""))
    headline(picture, title)
    settle(picture, 1.1 * TALL * look().size)
    for gap, guess in (guesses or {}).items():
        if gap == gaps[-1]:
            ends += _guess_at_the_edge(axes, guess)
        else:
            mark_guess(axes, guess, float(_place(gap)))
    end_labels(axes, [*ends, End(chance, f"chance {number(chance)}", SOFT)])
    between = f", trained on gaps {trained[0]:g} to {trained[1]:g}" if trained else ""
    return Figure(picture, said(title, f"Recall by gap, mean [95 % interval] of {many}{between}: "
                                       f"{'; '.join(parts)}; chance is {number(chance)}."))


def _guess_at_the_edge(axes, guess) -> list[End]:
    """The reader's guess about the last gap: a diamond there, its words among the end labels."""
    value = height(guess, "guess")
    if value is None:
        return []
    low, high = axes.get_ylim()
    place = float(np.clip(value, low, high))
    axes.plot(axes.get_xlim()[1], place, "D", color=GUESS, clip_on=False, zorder=4)
    return [End(place, f"your guess {number(value)}", GUESS)]


def _gap_axis(axes, gaps: np.ndarray, chance: float, trained) -> None:
    """Ticks at the gaps that have room, the shade of training and the line of chance."""
    x, shown = _place(gaps), []
    for place in range(len(gaps))[::-1]:
        if not shown or x[shown[-1]] - x[place] > 0.075 * (x[-1] - x[0]):
            shown.append(place)
    if trained:
        axes.axvspan(*_place(trained), color=SOFT, alpha=0.13, linewidth=0)
    axes.axhline(chance, color=SOFT, linestyle=(0, (4, 3)), linewidth=0.5 * look().line)
    axes.set_xticks(x[shown], [f"{gaps[place]:g}" for place in shown])
    axes.set(xlim=(x[0], x[-1]), ylim=(0, 1), yticks=np.linspace(0, 1, 6),
             xlabel="tokens between the pairs and the question (log axis)",
             ylabel="recalled right")
    axes.grid(axis="y")


@in_style
def architectures(found, gaps, *, chance: float, title: str | None = None) -> Figure:
    """Recall of several architectures at a few gaps: {name: (seeds, gaps), or estimates}."""
    gaps = [f"{gap:g}" for gap in array(gaps, "gaps", "(gaps,)", axes=1)]
    read = {str(name): along(values, len(gaps), repr(name))
            for name, values in entries(found, "found", 14).items()}
    picture, (panels,) = sheet(2.0 + 2.2 * len(gaps), ncols=len(gaps), sharey=True)
    for place, (panel, gap) in enumerate(zip(panels, gaps, strict=True)):
        for row, one in enumerate(estimates[place] for estimates in read.values()):
            panel.plot([max(0, one.low), min(1, one.high)], [row, row], color=BLUE,
                       linewidth=0.8 * look().line, clip_on=False)
            panel.plot(one.value, row, "o", color=BLUE, markersize=1.3 * look().dot, clip_on=False)
        panel.axvline(chance, color=SOFT, linestyle=(0, (4, 3)), linewidth=0.5 * look().line)
        panel.set(xlim=(0, 1), xlabel="recalled right")
        panel.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
        panel.set_title(f"gap {gap}", loc="left", fontsize=look().type)
        panel.grid(axis="x")
        panel.tick_params(axis="y", length=0)
    _row_names(panels[0], list(read))
    many = seeds_in_words([one.n for estimates in read.values() for one in estimates])
    note(panels[0], f"dot: mean of {many};  line: its 95 % interval;  dashed: chance")
    headline(picture, title)
    settle(picture, 0.33 * look().size * max(3, len(read)))
    parts = [f"{name} " + ", ".join(f"{estimate_in_words(one)} at gap {gap}" for one, gap in
                                    zip(estimates, gaps, strict=True))
             for name, estimates in read.items()]  # fmt: skip
    return Figure(picture, said(title, f"Recall, mean [95 % interval] of {many}: "
                                       f"{'; '.join(parts)}; chance is {number(chance)}."))


def _row_names(panel, names: list[str]) -> None:
    """A name for each row, from the top."""
    panel.set(yticks=range(len(names)), ylim=(len(names) - 0.5, -0.5))
    panel.set_yticklabels([wrapped(name, 1.7 * look().size, look().type) for name in names])
    panel.tick_params(axis="y", length=0)


@in_style
def paper_table(task: str = "N", title: str | None = None) -> Figure:
    """The paper's table 2, not ours: a needle found in texts of 2K to 16K tokens, one task of it.

    task  what the needle is: "PK" a pass key, "N" a number, "W" a word
    """
    if task not in TABLE_2:
        raise CourseError(f"task={task!r}; expected one of {', '.join(TABLE_2)}.")
    found = dict(sorted(TABLE_2[task].items(), key=lambda item: -item[1][-1]))
    picture, ((axes,),) = sheet(7.6)
    for row, values in enumerate(found.values()):
        axes.plot([min(values), max(values)], [row, row], color=FAINT, linewidth=1.2 * look().line)
        for length, share, size in zip(LENGTHS, (0.15, 0.45, 0.7, 1), (2.2, 1.9, 1.7, 1.6),
                                       strict=True):
            axes.plot(values[LENGTHS.index(length)], row, "o", markeredgecolor=BLUE, zorder=3,
                      markerfacecolor=signed(share), markersize=size * look().dot, clip_on=False,
                      label=length if row == 0 else None)
        axes.annotate(f"{values[-1]:.1f}", (1, row), xycoords=axes.get_yaxis_transform(),
                      xytext=(1.2, 0), textcoords="offset fontsize", va="center")
    _row_names(axes, list(found))
    axes.set(xlim=(-2.5, 102.5), xlabel="per cent found (at the right: of 16K tokens)")
    axes.grid(axis="x")
    axes.legend(frameon=False, ncols=4, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.1,
                title="tokens", title_fontsize=look().type, alignment="left")
    axes.text(1, 1.02, "paper result,\nnot ours", transform=axes.transAxes, ha="right",
              va="bottom", color=VERMILLION, fontweight="bold")
    note(axes, f"Behrouz, Zhong & Mirrokni 2024, table 2, S-NIAH-{task}; single numbers, no "
               "interval is given")
    headline(picture, title)
    settle(picture, 0.33 * look().size * len(found))
    parts = [f"{name} {values[0]:.1f} and {values[-1]:.1f}" for name, values in found.items()]
    return Figure(picture, said(title, "A paper result, not ours (Behrouz, Zhong & Mirrokni 2024, "
                                       f"table 2, S-NIAH-{task}), per cent found at 2K and at 16K "
                                       f"tokens: {'; '.join(parts)}."))
