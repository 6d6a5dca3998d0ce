"""How far attention sees: the edge of a window, layers upon layers, and what a text costs."""

from __future__ import annotations

import numpy as np
from matplotlib.ticker import FixedLocator, NullLocator

from clcourse.plots.figure import (
    BLUE,
    COLOURS,
    DASHES,
    GREEN,
    PURPLE,
    SOFT,
    VERMILLION,
    Figure,
    in_style,
    look,
    sheet,
)
from clcourse.plots.general import note
from clcourse.plots.labels import End, end_labels, headline, mark_guess, settle
from clcourse.plots.lesson_06 import MARKERS, _accuracy, _in_words, _line, lanes, study
from clcourse.plots.reading import said


@in_style
def distance(guess=None, title: str | None = None) -> Figure:
    """Stored study: accuracy by the distance of the right value, for several windows."""
    found = study("window")["found"]["cut"]
    picture, ((axes,),) = sheet(7.8)
    ends, parts = [], []
    for place, (window, right) in enumerate(found.items()):
        x = sorted(map(int, right))
        read = _line(axes, x, [right[str(one)] for one in x], place, COLOURS[place])
        name = "no window" if window == "None" else f"window {window}"
        parts.append(_in_words(name, x, read))
        back = 80 if window == "None" else int(window)
        if back == 80:
            ends.append(End(read[-1].value, name, COLOURS[place], DASHES[place]))
        else:
            left = back > 40 or back == 8
            axes.text(back * (0.92 if left else 1.04), 0.2 if back == 8 else 0.32 + 0.15 * place,
                      name, va="center", ha="right" if left else "left", color=COLOURS[place],
                      fontsize=0.9 * look().type)
    _accuracy(axes, [4, 8, 16, 32, 64, 80], "tokens between the value and the end of the question")
    axes.set_ylabel("right")
    note(axes, f"20 notes;  line: mean of {lanes('window')};  band: its 95 % interval;  dashed: "
               "chance")
    headline(picture, title)
    settle(picture, 2.5 * look().size)
    end_labels(axes, ends + mark_guess(axes, guess, 24))
    return Figure(picture, said(title, "Questions answered right by the distance of the value, "
                                       f"mean of {lanes('window')}: {'; '.join(parts)}."))


@in_style
def edge(title: str | None = None) -> Figure:
    """Stored study: the value stands 20 tokens back; how large must the window be?"""
    found = study("window")
    picture, ((axes,),) = sheet(6.6)
    x = [int(one) for one in found["found"]["edge"]]
    read = _line(axes, x, found["found"]["edge"].values(), 0, BLUE)
    _accuracy(axes, x, "window (the value stands 20 tokens back)", log=False)
    axes.axvline(20.5, color=SOFT, linewidth=0.5 * look().line)
    axes.text(20.6, 0.5, "the value\nis in view", va="center", fontsize=0.9 * look().type)
    axes.axvline(17.5, color=SOFT, linewidth=0.5 * look().line)
    axes.text(17.6, 0.82, "only traces\nare in view", va="center", fontsize=0.9 * look().type)
    axes.set_ylabel("right")
    note(axes, f"line: mean of {lanes('window')};  band: its 95 % interval;  dashed: chance")
    headline(picture, title)
    settle(picture, 2.2 * look().size)
    return Figure(picture, said(title, "Questions answered right about a value 20 tokens back, "
                                       f"mean of {lanes('window')}: "
                                       f"{_in_words('window', x, read)}."))


@in_style
def cost(title: str | None = None) -> Figure:
    """Stored: time to read a text and to add a token, in units of reading 64 tokens."""
    found = study("cost")
    lengths = np.array(found["settings"]["lengths"], dtype=float)
    picture, ((axes,),) = sheet(7.8)
    names = {"read": ("reading it all", BLUE),
             "new, not cached": ("one more token, nothing kept", VERMILLION),
             "new, cached": ("one more token, keys and values kept", GREEN)}
    ends, parts = [], []
    for place, (what, (name, colour)) in enumerate(names.items()):
        times = found["ratios"][what]
        axes.plot(lengths, times, color=colour, linestyle=DASHES[place], marker=MARKERS[place],
                  clip_on=False, zorder=3)
        ends.append(End(times[-1], name, colour, DASHES[place]))
        parts.append(f"{name} {times[0]:.1f} at {lengths[0]:.0f} and {times[-1]:.1f} at "
                     f"{lengths[-1]:.0f}")
    a, b, c = found["fit"]
    axes.plot(lengths, a + b * lengths, color=PURPLE, linestyle=DASHES[3], zorder=2)
    ends.append(End(a + b * lengths[-1], "the fit without its square", PURPLE, DASHES[3]))
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.xaxis.set_major_locator(FixedLocator(lengths))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticklabels([f"{one:.0f}" for one in lengths])
    axes.set_yticks([1, 10, 100], ["1", "10", "100"])
    axes.set(xlim=(lengths[0], lengths[-1]), xlabel="tokens of context",
             ylabel="time (reading 64 tokens = 1)")
    axes.grid(axis="y")
    note(axes, f"medians of {found['settings']['rounds']} rounds on one core; ratios only")
    headline(picture, title)
    settle(picture, 2.6 * look().size)
    end_labels(axes, ends)
    return Figure(picture, said(title, "Time by tokens of context, in units of reading 64 tokens: "
                                       f"{'; '.join(parts)}; line and square are equal at "
                                       f"{square_begins():.0f} tokens."))


def square_begins() -> float:
    """The length at which the square of the fit costs as much as its line."""
    _, b, c = study("cost")["fit"]
    return b / c


def grid() -> dict:
    """The numbers of the explorer: {window: {notes: [lanes for each fraction of the way]}}."""
    return study("window")["found"]["grid"]


@in_style
def window_and_number(title: str | None = None) -> Figure:
    """What stands in for the explorer: accuracy by place, for each window, with 20 notes."""
    picture, ((axes,),) = sheet(7.2)
    shares, ends, parts = study("window")["settings"]["grid"]["fractions"], [], []
    for place, (window, counts) in enumerate(grid().items()):
        read = _line(axes, shares, counts["20"], place, COLOURS[place])
        name = "no window" if window == "None" else f"window {window}"
        ends.append(End(read[-1].value, name, COLOURS[place], DASHES[place]))
        parts.append(_in_words(name, shares, read))
    _accuracy(axes, [0, 0.5, 1], "place of the right note among 20", log=False,
              names=["first", "middle", "last"])
    axes.set_ylabel("right")
    note(axes, f"line: mean of {lanes('window')};  band: its 95 % interval;  dashed: chance")
    headline(picture, title)
    settle(picture, 2.3 * look().size)
    end_labels(axes, ends)
    return Figure(picture, said(title, "Questions answered right by the place of the right note "
                                       "among 20 (0 the first, 1 the last), mean of "
                                       f"{lanes('window')}: {'; '.join(parts)}."))
