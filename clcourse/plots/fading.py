"""Fast weights that fade over slow weights that hold: who adapts, who keeps the base, who ties."""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np

from clcourse.metrics import Estimate
from clcourse.plots.figure import (
    BLUE,
    GREEN,
    GUESS,
    PAPER,
    PURPLE,
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
from clcourse.plots.labels import headline, height, settle, wrapped
from clcourse.plots.reading import minus, said, seeds_in_words, whole
from clcourse.results import load

WORLD = "30 steps"
SUM, EQUAL = "best sum", "equal adaptation"
MEASURES = {"online": "online accuracy", "awake": "base awake", "rested": "base rested"}
NAMES = {
    "two weights": "two weights",
    "two weights, frozen": "two weights, slow frozen",
    "beside": "network beside",
    "beside, frozen": "network beside, slow frozen",
    "one network, put back at rest": "copy put back at rest",
    "average of its weights": "average put in at rest",
    "put back every so often": "copy put back every n steps",
    "put back when told": "copy put back when told",
    "two weights, no fading": "two weights, no fading",
    "beside, no fading": "network beside, no fading",
    "beside, frozen, no fading": "network beside, frozen, no fading",
    "one network": "one network",
    "one network, slow": "one network, small rates",
} | {name: name for name in ("EWC", "replay of 50", "replay of 200")}
NAMES |= {f"replay of {n} at rest": f"{n} images replayed at rest" for n in (50, 200)}
FADING, CONTROL = Mark(BLUE, "o", "-"), Mark(GREEN, "s", "-")
NEVER, OTHER = Mark(VERMILLION, "^", "-"), Mark(SOFT, "D", "-")
FINE = 0.1  # where a panel shows less than this, numbers have a third decimal
HOW_TO_READ = ("filled: lanes 0 to 19, with their number;  hollow: lanes 200 to 209;  line: 95 % "
               "interval of the mean difference;  right of 0: more for the first")
BESIDE = Mark(PURPLE, "s", "-")  # where only two kinds of fading are compared
KINDS = {("round", "fading"): FADING, ("square", "copy or average"): CONTROL,
         ("triangle", "nothing fades"): NEVER, ("diamond", "other rival"): OTHER}  # fmt: skip
MAIN = ("two weights", "two weights, frozen", "beside", "beside, frozen",
        "one network, put back at rest", "average of its weights", "put back when told",
        "replay of 50 at rest", "replay of 200 at rest", "two weights, no fading",
        "beside, no fading", "one network")  # fmt: skip


@functools.cache
def study() -> dict:
    """The stored study, read once."""
    return load("10_fading")


def mark(rival: str) -> Mark:
    """How a rival looks: by what it does, not by its name."""
    if "put back" in rival or "average" in rival:
        return CONTROL
    if rival == "one network" or "no fading" in rival:
        return NEVER
    return FADING if rival.startswith(("two weights", "beside")) else OTHER


def lanes(rival: str, measure: str = "rested", *, world: str = WORLD, rule: str = SUM,
          fresh: bool = False) -> np.ndarray:
    """Lanes 0-19 of a measure (online, late, awake or rested); fresh: lanes 200-209 instead."""
    return np.array(study()["other lanes" if fresh else "lanes"][world][rival][rule][measure])


def chosen(rival: str, *, world: str = WORLD, rule: str = SUM) -> dict[str, float]:
    """The setting that a rule chose on lanes 100-109."""
    return study()["chosen"][world][rival][rule]


class Row(NamedTuple):
    """One line of a dot plot: its words, its mark, and for each column one or more estimates."""

    words: str
    mark: Mark
    found: dict[str, list[Estimate]]


@in_style
def rivals(world: str = WORLD, *, rule: str = SUM, only=MAIN, guess=None,
           title: str | None = None) -> Figure:
    """A row for each rival: online accuracy, and the base before and after the rest.

    rule   how settings were chosen: "best sum" or "equal adaptation"
    only   rivals to show, or None for all that lived in this world
    guess  of the base after the rest of two weights: a line in the last panel
    """
    shown = [name for name in only or NAMES if name in study()["lanes"][world]]
    rows = [Row(NAMES[name], mark(name),
                {measure: [whole(lanes(name, measure, world=world, rule=rule))]
                 for measure in MEASURES}) for name in shown]  # fmt: skip
    least = min(one.low for row in rows for (one,) in row.found.values())
    picture, panels = _dots(rows, MEASURES, low=0.5 if least >= 0.5 else 0.0, high=1.0)
    there = {row.mark for row in rows}
    kinds = [": ".join(words) for words, kind in KINDS.items() if kind in there]
    many = seeds_in_words([one.n for row in rows for (one,) in row.found.values()])
    note(panels[0], ";  ".join([f"mark: mean of {many}", "line: its 95 % interval", *kinds]))
    _finish(picture, panels, rows, title)
    _guess_across(panels[-1], guess)
    return Figure(picture, said(title, f"{', '.join(MEASURES.values())}, mean [95 % interval] of "
                                       f"{many}. {_in_words(rows)}."))


def _guess_across(panel, guess) -> None:
    """What the reader guessed, as an upright line with its number below."""
    value = height(guess, "guess")
    if value is not None:
        low, high = panel.get_xlim()
        panel.axvline(min(max(value, low), high), color=GUESS, linestyle=(0, (6, 4)),
                      linewidth=0.7 * look().line)  # fmt: skip
        panel.set_xlabel(f"your guess: {number(value)}", color=GUESS)


ALONE, COPY, SLEEP = "one network", "one network, put back at rest", "replay of {} at rest"
PAIRS = {  # what earns what: first minus second, each with its rule
    "network beside − one network, equal adaptation": (("beside", EQUAL), (ALONE, EQUAL)),
    "network beside: fading − not": (("beside", SUM), ("beside, no fading", SUM)),
    "two weights: fading − not": (("two weights", SUM), ("two weights, no fading", SUM)),
    "network beside − copy put back": (("beside", SUM), (COPY, SUM)),
    "two weights − copy put back": (("two weights", SUM), (COPY, SUM)),
    "two weights − average put in": (("two weights", SUM), ("average of its weights", SUM)),
    "two weights − 50 images replayed at rest": (("two weights", SUM), (SLEEP.format(50), SUM)),
    "two weights − 200 images replayed at rest": (("two weights", SUM), (SLEEP.format(200), SUM)),
    "two weights − network beside": (("two weights", SUM), ("beside", SUM)),
    "two weights − copy, when told": (("two weights", SUM), ("put back when told", SUM)),
}
SLOW = {
    f"{kind}, {words}": (world, kind)
    for world, words in (("30 steps", "new contexts"), ("30 steps, 3 that recur", "3 recur"),
                         ("100 steps", "new, long"), ("100 steps, 3 that recur", "3 recur, long"))
    for kind in ("two weights", "beside")
}  # fmt: skip


def difference(first, second, measure: str, *, world: str = WORLD,
               fresh: bool = False) -> Estimate:
    """Lane by lane, first minus second; each a rival with its rule, ("beside", "best sum")."""
    both = (lanes(rival, measure, world=world, rule=rule, fresh=fresh)
            for rival, rule in (first, second))  # fmt: skip
    return minus(*both)


def differences(title: str | None = None) -> Figure:
    """What fading, slow steps and the place of the fast weights earn: paired differences."""
    rows = [Row(words, mark(pair[1][0]), _both(*pair)) for words, pair in PAIRS.items()]
    return _compared(rows, MEASURES, title)


def recurring(title: str | None = None) -> Figure:
    """Slow steps minus frozen slow weights, where contexts are new and where they recur."""
    measures = {"online": "online", "late": "online, second half", "rested": "base rested"}
    there = study()["lanes"]
    rows = [Row(words.replace("beside", "network beside"), FADING if kind != "beside" else BESIDE,
                _both((kind, SUM), (f"{kind}, frozen", SUM), world, measures))
            for words, (world, kind) in SLOW.items() if world in there]  # fmt: skip
    return _compared(rows, measures, title)


def _both(first, second, world: str = WORLD, measures=MEASURES) -> dict[str, list[Estimate]]:
    """Differences on the lanes 0-19 and on the lanes 200-209."""
    return {measure: [difference(first, second, measure, world=world, fresh=fresh)
                      for fresh in (False, True)] for measure in measures}  # fmt: skip


@in_style
def _compared(rows: list[Row], columns: dict[str, str], title: str | None) -> Figure:
    """Paired differences: filled on lanes 0-19, hollow below on lanes 200-209."""
    shown = [one for row in rows for found in row.found.values() for one in found]
    low, high = min(0, *(one.low for one in shown)), max(0, *(one.high for one in shown))
    room, fine = 0.06 * (high - low), 1.12 * (high - low) < FINE
    picture, panels = _dots(rows, columns, low=low - room, high=high + room)
    for panel in panels:
        panel.axvline(0, color=SOFT, linewidth=0.5 * look().line)
    note(panels[0], HOW_TO_READ)
    _finish(picture, panels, rows, title)
    return Figure(picture, said(title, (
        f"{', '.join(columns.values())}: mean paired difference [95 % interval] on the lanes 0 to "
        f"19, then on the lanes 200 to 209. {_in_words(rows, fine)}.")))


def _dots(rows: list[Row], columns: dict[str, str], *, low: float, high: float):
    """A panel for each column, a row for each entry."""
    picture, (panels,) = sheet(10.4, ncols=len(columns), sharey=True)
    for panel, (key, words) in zip(panels, columns.items(), strict=True):
        for place, row in enumerate(rows):
            for down, one in enumerate(row.found[key]):
                _one(panel, place + 0.27 * down, one, row.mark, down > 0, high - low < FINE)
        panel.set(xlim=(low, high + 0.28 * (high - low)), ylim=(len(rows) - 0.4, -0.6))
        if (low, high) in ((0.5, 1.0), (0.0, 1.0)):
            panel.set_xticks(np.linspace(low, high, 3))
        panel.set_title(words, loc="left", fontsize=look().type)
        panel.grid(axis="x")
        panel.tick_params(axis="y", length=0)
    words = [wrapped(row.words, 2.1 * look().size, 0.9 * look().type) for row in rows]
    panels[0].set_yticks(range(len(rows)), words, fontsize=0.9 * look().type)
    return picture, panels


def _one(panel, place: float, one: Estimate, mark: Mark, hollow: bool, fine: bool) -> None:
    """A mark with its interval; the first of a row also as a number."""
    panel.plot([one.low, one.high], [place] * 2, color=mark.colour, linewidth=0.8 * look().line)
    panel.plot(one.value, place, mark.marker, color=mark.colour, zorder=3,
               markersize=(1.4 - 0.4 * hollow) * look().dot,
               markerfacecolor=PAPER if hollow else mark.colour)  # fmt: skip
    if not hollow:
        panel.annotate(written(one.value, fine), (one.high, place), xytext=(0.7, 0),
                       textcoords="offset fontsize", va="center", fontsize=0.85 * look().type,
                       zorder=3, bbox={"boxstyle": "square,pad=0.05", "facecolor": PAPER,
                                       "linewidth": 0})  # fmt: skip


def _finish(picture, panels, rows: list[Row], title: str | None) -> None:
    """Headline, and a height that gives every row its room."""
    headline(picture, title)
    lines = sum(max(1, label.get_text().count("\n") + 1) for label in panels[0].get_yticklabels())
    settle(picture, max(0.33 * len(rows), 0.2 * lines) * look().size)


def written(value: float, fine: bool) -> str:
    """Two decimals, or three."""
    return f"{round(value, 3) + 0.0:.3f}" if fine else number(value)


def _in_words(rows: list[Row], fine: bool = False) -> str:
    """ "two weights 0.85 [0.84, 0.85], …; one network …"."""
    def said(one: Estimate) -> str:
        low, high = written(one.low, fine), written(one.high, fine)
        return f"{written(one.value, fine)} [{low}, {high}]"

    return "; ".join(f"{row.words} " + ", ".join(" and ".join(map(said, found))
                                                 for found in row.found.values()) for row in rows)
