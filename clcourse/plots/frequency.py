"""A period or a rate: what a part that moves seldom gains over one that moves always, but less."""

from __future__ import annotations

import functools

import numpy as np

from clcourse.errors import CourseError
from clcourse.metrics import Estimate
from clcourse.plots.figure import (
    BLACK,
    BLUE,
    GREEN,
    GUESS,
    INK,
    ORANGE,
    PURPLE,
    VERMILLION,
    Figure,
    in_style,
    look,
    number,
    sheet,
)
from clcourse.plots.general import note
from clcourse.plots.labels import headline, height, settle, wrapped
from clcourse.plots.reading import estimate_in_words, minus, said, seeds_in_words, whole
from clcourse.results import load

OPTIMISERS = {"gradient descent": "gradient descent", "Adam": "Adam", "sign": "sign descent"}
RULES = {"free": "rates chosen freely",
         "as plastic": "rates: the best of those that learn new orders as well as the "
                       "control (where none does, the most plastic)"}  # fmt: skip
GUESSED = "Adam", 64  # what the lesson asks for


@functools.cache
def study() -> dict:
    """The stored study, read once."""
    return load("10_frequency")


def lanes_of(
    family: str,
    optimiser: str = "Adam",
    where: str = "long, layer",
    rule: str = "free",
    *,
    what: str = "end",
    lanes: str = "lanes",
) -> np.ndarray:
    """Accuracy lane by lane; family is "chunk 8", "smooth 64", …; what is "end" or "new".

    "new" is just after learning. lanes: "lanes" (ten, reported) or "other lanes" (five, fresh). For
    replay and EWC where is "long, beside" or "short, beside", and no optimiser is asked for.
    """
    table = study()[where] if where.endswith("beside") else study()[where][optimiser]
    each = table[family][rule]["each"][what]
    first = len(study()["settings"]["seeds"])
    return np.array(each[:first] if lanes == "lanes" else each[first:])


def gain(
    family: str,
    optimiser: str = "Adam",
    where: str = "long, layer",
    rule: str = "free",
    *,
    what: str = "end",
    lanes: str = "lanes",
) -> Estimate:
    """Its accuracy minus that of the tuned control, which moves at every step: paired by lane."""
    shown = {"what": what, "lanes": lanes}
    control = lanes_of("chunk 1", optimiser, where, rule if rule in RULES else "free", **shown)
    return minus(lanes_of(family, optimiser, where, rule, **shown), control)


@in_style
def by_period(where: str = "long, layer", rule: str = "free", guess=None,
              title: str | None = None) -> Figure:  # fmt: skip
    """Final accuracy of a slow part with period C minus that of the tuned control, by optimiser.

    where  "long, layer", "short, layer" (chunks span several orders) or "long, input"; "long,
           output" and "long, second" are the other way round: what is fast comes first
    rule   "as plastic" or "free"
    guess  a difference, for Adam at a period of 64
    """
    if where not in study()["settings"]["periods"] or rule not in RULES:
        raise CourseError(
            f"where={where!r}, rule={rule!r}; expected a world of the study and 'free' or "
            "'as plastic': try by_period('short, layer', 'free')."
        )
    picture, (panels,) = sheet(9.6, ncols=len(OPTIMISERS), sharey=True)
    thought, told = height(guess, "guess"), []
    for panel, (optimiser, words) in zip(panels, OPTIMISERS.items(), strict=True):
        told.append(f"{words}: {_against_period(panel, where, optimiser, rule)}")
        panel.axhline(0, color=INK, linewidth=0.5 * look().line)
        if thought is not None and optimiser == GUESSED[0]:
            across = np.log2(GUESSED[1]) + np.array([-0.8, 0.8])
            panel.plot(across, [thought] * 2, color=GUESS, linewidth=1.5 * look().line, zorder=5)
        panel.set_title(words, loc="left", fontsize=look().type, fontweight="bold")
        panel.set_xlabel("period C (steps)")
        panel.grid(axis="y")
    panels[0].set_ylabel(wrapped("final accuracy minus the control's", 3 * look().size,
                                 look().type))  # fmt: skip
    asked = f"{GUESSED[0]}, C = {GUESSED[1]}"
    yours = "" if thought is None else f";  violet: your guess for {asked}: {number(thought)}"
    first, fresh = (len(study()["settings"][one]) for one in ("seeds", "other_seeds"))
    note(panels[0], f"filled: {first} lanes;  hollow: {fresh} fresh lanes;  round: moves once in C "
                    "steps;  square: moves at every step, remembers gradients as long as a chunk;  "
                    f"line: 95 % interval;  {RULES[rule]}{yours}")  # fmt: skip
    headline(picture, title)
    settle(picture, 2.9 * look().size)
    return Figure(picture, said(title, "final accuracy minus that of the tuned control, "
                                       f"{RULES[rule]}, mean [95 % interval] over {first} lanes. "
                                       f"{'. '.join(told)}."))  # fmt: skip


def _against_period(panel, where: str, optimiser: str, rule: str) -> str:
    """One optimiser: marks of chunks and of the second control, on both sets of lanes."""
    settings, words = study()["settings"], []
    kinds = {"chunk": ([C for C in settings["periods"][where] if C > 1], BLUE, "o", ""),
             "smooth": (settings["smooth"][where], VERMILLION, "s", "smooth ")}  # fmt: skip
    for kind, (periods, colour, marker, name) in kinds.items():
        for C in periods:
            for lanes, aside in (("lanes", -0.13), ("other lanes", 0.13)):
                one = gain(f"{kind} {C}", optimiser, where, rule, lanes=lanes)
                place = np.log2(C) + aside + (0.4 if kind == "smooth" else 0)
                fill = colour if lanes == "lanes" else "white"
                panel.plot(
                    [place] * 2,
                    [one.low, one.high],
                    color=colour,
                    zorder=3,
                    linewidth=(0.8 if lanes == "lanes" else 0.4) * look().line,
                )
                panel.plot(
                    place,
                    one.value,
                    marker,
                    color=fill,
                    markeredgecolor=colour,
                    zorder=4,
                    markersize=1.4 * look().dot,
                )
                if lanes == "lanes":
                    words.append(f"{name}{C} {_small(one)}")
    shown = [C for C in kinds["chunk"][0] if where != "long, layer" or np.log2(C) % 2 or C == 128]
    panel.set_xticks(np.log2(shown), [str(C) for C in shown])
    panel.set_xlim(np.log2(min(kinds["chunk"][0])) - 0.5, 8)
    return ", ".join(words)


def _small(one: Estimate) -> str:
    """Three decimals, since differences are small, and never a minus before zero."""
    value, low, high = (f"{round(v, 3) + 0.0:.3f}" for v in (one.value, one.low, one.high))
    return f"{value} [{low}, {high}]"


BESIDE = {  # words: family, place in the study, colour and marker
    "one rate, every step": ("one rate 1", "layer", BLACK, "X"),
    "slow layer, every step (control)": ("chunk 1", "layer", BLACK, "D"),
    "slow layer, once in 8 steps": ("chunk 8", "layer", BLUE, "o"),
    "slow layer, once in 64 steps": ("chunk 64", "layer", BLUE, "o"),
    "slow layer, running mean of 64": ("smooth 64", "layer", VERMILLION, "s"),
    "two blocks: one slow, every step": ("chunk 1", "input", BLACK, "D"),
    "two blocks: both slow, every step": ("chunk 1 blocks", "input", BLACK, "D"),
    "two blocks: one starts anew after 8": ("nested 0.1 8", "input", PURPLE, "P"),
    "EWC": ("EWC", "beside", ORANGE, "^"),
    "replay of 50 images": ("replay 50", "beside", GREEN, "v"),
    "replay of 200 images": ("replay 200", "beside", GREEN, "v"),
}


@in_style
def beside(world: str = "long", optimiser: str = "gradient descent", rule: str = "free",
           title: str | None = None) -> Figure:  # fmt: skip
    """Accuracy at the end (filled) and just after learning (hollow): periods, replay and EWC.

    world  "long" (5 orders, 240 steps each) or "short" (60 steps each, four times). Replay and EWC
    always learn by gradient descent.
    """
    found = _rows(world, optimiser, rule)
    picture, ((axes,),) = sheet(8.2)
    for row, (name, (end, new)) in enumerate(found.items()):
        _, _, colour, marker = BESIDE[name]
        for one, fill in ((new, "white"), (end, colour)):
            axes.plot([one.low, one.high], [row] * 2, color=colour, linewidth=0.8 * look().line)
            axes.plot(
                one.value,
                row,
                marker,
                color=fill,
                markeredgecolor=colour,
                zorder=3,
                markersize=1.7 * look().dot,
                clip_on=False,
            )
    axes.set(
        xlim=(0, 1),
        ylim=(len(found) - 0.5, -0.5),
        yticks=range(len(found)),
        xticks=np.linspace(0, 1, 6),
        xlabel="test accuracy, mean over 5 orders",
    )
    axes.set_yticklabels([wrapped(name, 3.4 * look().size, 0.95 * look().type) for name in found])
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    many = seeds_in_words([end.n for end, _ in found.values()])
    note(axes, f"filled: at the end;  hollow: just after learning;  line: 95 % interval of {many};"
               f"  {RULES[rule]}")  # fmt: skip
    headline(picture, title)
    settle(picture, 0.32 * look().size * len(found))
    told = "; ".join(f"{name} {estimate_in_words(end)} (just learnt {number(new.value)})"
                     for name, (end, new) in found.items())  # fmt: skip
    return Figure(picture, said(title, f"accuracy at the end, mean [95 % interval] of {many}, and "
                                       f"just after learning: {told}."))  # fmt: skip


def _rows(world: str, optimiser: str, rule: str) -> dict:
    """{words: (at the end, just learnt)} of everything that stands beside."""
    if world not in study()["settings"]["streams"] or rule not in RULES:
        raise CourseError(
            f"world={world!r}, rule={rule!r}; expected 'long' or 'short' and 'free' or "
            "'as plastic': try beside('short')."
        )
    return {
        words: tuple(whole(lanes_of(family, optimiser, f"{world}, {place}", rule, what=what))
                     for what in ("end", "new"))
        for words, (family, place, _, _) in BESIDE.items()
        if place == "beside" or family in study().get(f"{world}, {place}", {}).get(optimiser, {})
    }  # fmt: skip
