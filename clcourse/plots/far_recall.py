"""How far back a memory recalls: over gaps, between layouts, and in the paper's own table."""

from __future__ import annotations

import numpy as np

from clcourse.errors import CourseError
from clcourse.plots.figure import (
    BLUE,
    COLOURS,
    DASHES,
    FAINT,
    GUESS,
    SOFT,
    VERMILLION,
    Figure,
    in_style,
    look,
    number,
    sheet,
)
from clcourse.plots.general import note
from clcourse.plots.labels import End, end_labels, headline, height, mark_guess, settle
from clcourse.plots.one_memory import MARKERS, TALL, signed
from clcourse.plots.openings import row_names
from clcourse.plots.reading import along, array, entries, estimate_in_words, said, seeds_in_words

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
}  # fmt: skip  # fmt: skip


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
    row_names(panels[0], list(read))
    many = seeds_in_words([one.n for estimates in read.values() for one in estimates])
    note(panels[0], f"dot: mean of {many};  line: its 95 % interval;  dashed: chance")
    headline(picture, title)
    settle(picture, 0.33 * look().size * max(3, len(read)))
    parts = [f"{name} " + ", ".join(f"{estimate_in_words(one)} at gap {gap}" for one, gap in
                                    zip(estimates, gaps, strict=True))
             for name, estimates in read.items()]  # fmt: skip
    return Figure(picture, said(title, f"Recall, mean [95 % interval] of {many}: "
                                       f"{'; '.join(parts)}; chance is {number(chance)}."))


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
    row_names(axes, list(found))
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
