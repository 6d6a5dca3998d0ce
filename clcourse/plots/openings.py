"""How far the gates of a memory open, and for which tokens."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.ticker import FixedLocator, NullLocator

from clcourse.errors import CourseError
from clcourse.metrics import Estimate
from clcourse.plots.figure import COLOURS, GUESS, Figure, in_style, look, sheet
from clcourse.plots.general import note
from clcourse.plots.labels import headline, height, settle, wrapped
from clcourse.plots.reading import entries, interval, said, seeds_in_words


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
    row_names(panels[0], kinds)
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


def row_names(panel, names: list[str]) -> None:
    """A name for each row, from the top."""
    panel.set(yticks=range(len(names)), ylim=(len(names) - 0.5, -0.5))
    panel.set_yticklabels([wrapped(name, 1.7 * look().size, look().type) for name in names])
    panel.tick_params(axis="y", length=0)
