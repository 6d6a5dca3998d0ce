"""Seldom and far, or often and less: how far apart two learners end, against the rate."""

from __future__ import annotations

import numpy as np

from clcourse.errors import CourseError
from clcourse.plots.figure import BLUE, INK, SOFT, Figure, in_style, look, sheet
from clcourse.plots.general import note
from clcourse.plots.labels import headline, settle
from clcourse.plots.reading import array, said, seeds_in_words


@in_style
def first_order(found, *, period: int = 8, straight=None, title: str | None = None) -> Figure:
    """How far apart two learners end: one moves by η once in C steps, one by η/C at every step.

    found     {"gradient descent": (rates, apart), …}, one to three, with rates (a list) and what
              `chunk_distance(rates, …)` gave for them: its distance and moved, (seeds, rates)
    straight  the same for gradients that depend on no weight: its largest distance is told
    """
    if not isinstance(found, dict) or not 1 <= len(found) <= 3:
        raise CourseError(
            "found is no dictionary of one to three panels; expected "
            '{"gradient descent": (rates, apart)}.'
        )
    read = {str(name): _lengths(*one, repr(name)) for name, one in found.items()}
    picture, (panels,) = sheet(2.4 + 2.4 * len(read), ncols=len(read), sharey=True)
    told = []
    for panel, (name, (η, distance, moved)) in zip(panels, read.items(), strict=True):
        slope = np.polyfit(np.log(η), np.log(distance.mean(axis=0)), 1)[0]
        _two_lengths(panel, η, distance, moved)
        panel.set_title(name, loc="left", fontsize=look().type, fontweight="bold")
        told.append(
            f"{name}: falls as η to the power {slope:.1f}, from {_power(distance, η, max)} at "
            f"η = {max(η):.1g} to {_power(distance, η, min)} at η = {min(η):.1g}"
        )
    _named(panels[0], *next(iter(read.values())))
    low, high = (10.0 ** way(np.log10(panels[0].get_ylim())[place])
                 for way, place in ((np.floor, 0), (np.ceil, 1)))  # fmt: skip
    powers = 10.0 ** np.arange(round(np.log10(low)), round(np.log10(high)) + 1)
    powers = powers[:: 1 + len(powers) // 6]
    panels[0].set_yticks(powers, [f"{one:g}" for one in powers])
    panels[0].minorticks_off()
    panels[0].set(ylim=(low, high), ylabel="length, all weights")
    note(panels[0], f"dots: between the two ends, {seeds_in_words([len(distance)])};  grey: from "
                    "the start to the end;  dashed: as η²;  dotted: as η")  # fmt: skip
    headline(picture, title)
    settle(picture, 2.7 * look().size)
    exact = "" if straight is None else _exactly(straight)
    sentence = (
        f"the distance between moving by η once in {period} steps and by η/{period} at every step. "
        f"{'; '.join(told)}.{exact}"
    )
    return Figure(picture, said(title, sentence))


def _lengths(rates, apart, what: str) -> tuple:
    """Rates, distances and ways moved, checked."""
    η = array(rates, what, "(rates,)", axes=1)
    distance, moved = (array(one, what, "(seeds, rates)", axes=2) for one in apart)
    if distance.shape[1] != len(η) or len(η) < 2 or min(η.min(), distance.min()) <= 0:
        raise CourseError(
            f"{what} has {len(η)} rates and distances {distance.shape}; expected one for each of "
            "two rates or more, all above 0: pass the rates with which you measured."
        )
    return η, distance, moved


def _two_lengths(panel, η, distance, moved) -> None:
    """Distances, ways moved, and two straight lines through the distance at the lowest rate."""
    ends = np.array([η.min(), η.max()])
    lowest, times = distance.mean(axis=0)[η.argmin()], ends / η.min()
    rising = np.argsort(η)
    panel.plot(η[rising], moved.mean(axis=0)[rising], color=SOFT, linewidth=0.6 * look().line)
    for power, dashes in ((2, (0, (5, 2))), (1, (0, (1, 2)))):
        panel.plot(ends, lowest * times**power, color=INK, linestyle=dashes,
                   linewidth=0.5 * look().line)  # fmt: skip
    for lane in distance:
        panel.plot(η, lane, "o", color=BLUE, markersize=1.5 * look().dot, alpha=0.6,
                   markeredgewidth=0)  # fmt: skip
    panel.set(xscale="log", yscale="log", xlabel="rate η")
    panel.margins(x=0.15)
    shown = np.sort(η)[:: 1 + len(η) // 4]
    panel.set_xticks(shown, [f"{one:.1g}" for one in shown])
    panel.minorticks_off()
    panel.grid(axis="y")


def _named(panel, η, distance, moved) -> None:
    """What is what, written beside it, where there is room."""
    first, last = η.argmin(), η.argmax()
    start, times = distance.mean(axis=0)[first], η[last] / η[first]
    for words, place, y, colour in (
        ("way moved", last, moved.mean(axis=0)[last], SOFT),
        ("as η²", last, start * times**2, INK),
        ("as η", last, start * times, INK),
        ("apart", first, start, BLUE),
    ):
        low = place == first  # lines rise: above their upper end and below the lowest is room
        panel.annotate(words, (η[place], y), xytext=(0, -0.6 if low else 0.5), color=colour,
                       textcoords="offset fontsize", fontsize=0.9 * look().type,
                       va="top" if low else "bottom", ha="left" if low else "right")  # fmt: skip


def _power(distance, η, extreme) -> str:
    """The mean distance at the largest or smallest rate, one digit and a power of ten."""
    return f"{distance.mean(axis=0)[list(η).index(extreme(η))]:.0e}"


def _exactly(straight) -> str:
    """What is left where gradients depend on no weight."""
    distance = array(straight[1][0], "straight", "(seeds, rates)", axes=2)
    top = "no more than rounding" if distance.max() < 1e-12 else f"up to {distance.max():.0e}"
    return f" Where gradients depend on no weight it is {top}" + "."
