"""Lesson 07: how slowly one may learn, what a note holds, and who chooses among many notes."""

from __future__ import annotations

import functools

import numpy as np
from matplotlib.ticker import FixedLocator, NullLocator

from clcourse.plots.figure import (
    BLACK,
    BLUE,
    DASHES,
    GREEN,
    GUESS,
    INK,
    ORANGE,
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
from clcourse.plots.labels import End, end_labels, headline, height, mark_guess, settle, wrapped
from clcourse.plots.reading import estimate_in_words, whole
from clcourse.results import load

COUNTS = ("30", "300", "900")
RANKS = (1, 2, 4, 8, 16)
BITS = float(np.log2(20))  # of one fact: which of 20 values
CHANCE = 0.05


FULL = Mark(BLACK, "s", DASHES[4])
OF = {"full": FULL, "six": Mark(VERMILLION, "s", DASHES[1]),
      "r1": Mark(ORANGE, "v", DASHES[5]), "r4": Mark(BLUE, "o", DASHES[0]),
      "r16": Mark(PURPLE, "D", DASHES[3])}  # fmt: skip
SIZES = {"30": Mark(GREEN, "^", DASHES[2]), "300": Mark(BLUE, "o", DASHES[0]),
         "900": Mark(VERMILLION, "s", DASHES[1])}  # fmt: skip


@functools.cache
def study(name: str) -> dict:
    """A stored study of this lesson, read once."""
    return load(f"07_{name}")


def found(count: int | str, method: str, what: str, lanes: str = "lanes") -> np.ndarray:
    """Lanes of the rank study: what is recall, steps, old or reads; lanes: lanes or others."""
    return np.array(study("rank")["facts"][str(count)][method][lanes][what])


def control(which: str, method: str, what: str, lanes: str = "lanes") -> np.ndarray:
    """Lanes of the study of controls: places or unrelated."""
    return np.array(study("controls")["found"][which][method][lanes][what])


def named(method: str) -> str:
    """The method in words."""
    if "full" in method:
        return method.replace("full", "all weights")
    return method if method.startswith("six") else f"note, {method}"


@in_style
def slowing(guess=None, title: str | None = None) -> Figure:
    """30 new facts, all known: old facts kept against the steps that it took, a mark a rate."""
    picture, ((axes,),) = sheet(7.8)
    ends, parts = [], []
    for name in ("full", "r16", "r4", "r1", "r4 + replay", "full + replay"):
        points = by_rate(name)
        look_of = OF[name.split()[0]]
        colour = GREEN if "replay" in name else look_of.colour
        dashes = DASHES[2] if "replay" in name else look_of.dashes
        axes.plot(*zip(*points, strict=True), color=colour, marker=look_of.marker,
                  linestyle=dashes, clip_on=False, zorder=3)
        ends.append(End(points[0][1], named(name), colour, dashes))
        parts.append(f"{named(name)} " + ", ".join(f"{number(kept)} in {steps:.0f}"
                                                   for steps, kept in reversed(points)))
    _steps(axes, (5, 10, 30, 100, 300))
    note(axes, "a mark: the mean of lanes 100 to 104 at one learning rate;  left out: rates that "
               "failed, or that took no fewer steps than a slower one")
    headline(picture, title)
    settle(picture, 2.6 * look().size)
    end_labels(axes, ends + mark_guess(axes, guess))
    return Figure(picture, "Old facts kept when 30 new ones are known, mean of lanes 100 to 104, "
                           f"by steps taken: {'; '.join(parts)}.")


def by_rate(method: str) -> list[tuple[float, float]]:
    """(steps, old facts kept), from the slowest rate on, while a higher rate is still faster."""
    cells, floor = study("rank")["facts"]["30"], study("rank")["settings"]["reached"]
    rates = sorted(cells[method]["search"].items(), key=lambda one: float(one[0]))
    points: list[tuple[float, float]] = []
    for _, one in rates:
        steps, known = np.mean(one["steps"]), np.mean(one["recall"]) >= floor
        if known and (not points or steps < points[-1][0]):
            points.append((steps, np.mean(one["old"])))
    return points


def _steps(axes, ticks) -> None:
    """Steps along x, on a logarithmic scale; a share upwards."""
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticklabels([str(one) for one in ticks])
    axes.set(xlim=(ticks[0], ticks[-1]), ylim=(0, 1), yticks=np.linspace(0, 1, 6),
             xlabel="steps until the new facts are known", ylabel="old facts kept")
    axes.grid(axis="y")


@in_style
def rank(guess=None, title: str | None = None) -> Figure:
    """New facts known by the rank of the note; at the right, all weights."""
    picture, ((axes,),) = sheet(7.8)
    methods = [*(f"r{one}" for one in RANKS), "full"]
    ends, parts, places = [], [], range(len(methods))
    for count in COUNTS:
        style, cells = SIZES[count], study("rank")["facts"][count]
        here = [place for place in places if methods[place] in cells]
        read = [whole(found(count, methods[place], "recall")) for place in here]
        axes.fill_between(here, [one.low for one in read], [one.high for one in read],
                          color=style.colour, alpha=0.2, linewidth=0)
        axes.plot(here, [one.value for one in read], color=style.colour, marker=style.marker,
                  linestyle=style.dashes, clip_on=False, zorder=3)
        ends.append(End(read[-1].value, f"{count} facts", style.colour, style.dashes))
        parts.append(f"{count} facts " + ", ".join(
            f"{estimate_in_words(one)} with {named(methods[place])}"
            for one, place in zip(read, here, strict=True)))
    axes.set(xlim=(0, len(RANKS)), ylim=(0, 1), yticks=np.linspace(0, 1, 6), xticks=places,
             xticklabels=[*map(str, RANKS), "all\nweights"], xlabel="rank of the note",
             ylabel="new facts known")
    axes.grid(axis="y")
    steps = study("rank")["settings"]["steps"]
    limits = ", ".join(f"{steps[count]} for {count}" for count in COUNTS)
    note(axes, f"line: mean of the lanes;  band: its 95 % interval;  at most so many steps: "
               f"{limits}")
    headline(picture, title)
    settle(picture, 2.5 * look().size)
    end_labels(axes, ends + mark_guess(axes, guess, 0))
    return Figure(picture, f"New facts known, mean [95 % interval]: {'; '.join(parts)}.")


@in_style
def rows(panels: dict, *, guess=None, chance: float | None = None,
         title: str | None = None) -> Figure:
    """A row for each way and a panel for each question: mean, interval, and a dot for each lane.

    panels  {question: {way: lanes}}, the same ways in each; () where a way was not asked
    """
    ways = list(next(iter(panels.values())))
    tall = 0.36 * len(ways)
    picture, grid = sheet(8.6, 1.2 + tall, ncols=len(panels), sharey=True)
    parts = []
    for axes, (question, lanes_of) in zip(grid.ravel(), panels.items(), strict=True):
        asked = {way: lanes for way, lanes in lanes_of.items() if len(lanes)}
        for way, lanes in asked.items():
            _row(axes, ways.index(way), np.asarray(lanes), mark_of(way))
        if chance is not None:
            axes.axvline(chance, color=SOFT, linestyle=(0, (4, 3)), linewidth=0.5 * look().line)
        words = [wrapped(way, 3.2 * look().size, 0.95 * look().type) for way in ways]
        axes.set(xlim=(0, 1), ylim=(len(ways) - 0.4, -0.6), yticks=range(len(ways)),
                 yticklabels=words, xlabel="share", xticks=[0, 0.5, 1])
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x")
        axes.set_title(question, loc="left", fontsize=look().type)
        parts.append(f"{question}: " + ", ".join(f"{way} {estimate_in_words(whole(lanes))}"
                                                 for way, lanes in asked.items()))
    thought = height(guess, "guess")
    if thought is not None:
        grid[0, 0].axvline(thought, color=GUESS, linestyle=(0, (6, 4)), linewidth=look().line)
    yours = "" if thought is None else f";  violet: your guess {number(thought)}"
    note(grid.ravel()[0], "mark: mean of the lanes;  line: its 95 % interval;  dots: single lanes"
                          + (";  dashed: chance" if chance is not None else "") + yours)
    headline(picture, title)
    settle(picture, tall * look().size)
    return Figure(picture, f"Mean [95 % interval] over the lanes. {'; '.join(parts)}.")


def mark_of(way: str) -> Mark:
    """The look of a way of learning, by its name."""
    if "replay" in way:
        return Mark(GREEN, "P", DASHES[2])
    if "control" in way:
        return Mark(SOFT, "X", DASHES[2])
    if "all weights" in way or "part" in way:
        return FULL
    words = way.replace(",", " ").split()
    return next((one for name, one in OF.items() if name in words), OF["r4"])


def _row(axes, row: int, lanes: np.ndarray, style: Mark) -> None:
    """A mean, its interval, and a faint dot for each seed."""
    one = whole(lanes)
    aside = row + 0.24 * np.sin(7.0 * np.arange(len(lanes)))
    axes.plot(lanes, aside, ".", color=style.colour, alpha=0.3, markeredgewidth=0,
              markersize=1.6 * look().dot, clip_on=False)
    axes.plot([one.low, one.high], [row, row], color=INK, zorder=3)
    axes.plot(one.value, row, style.marker, color=style.colour, zorder=4, clip_on=False,
              markersize=1.9 * look().dot, markeredgecolor="white")


@in_style
def kept(title: str | None = None) -> Figure:
    """Old facts, note on, at each way's best rate: 30 new facts, all known."""
    lanes = {named("full"): found(30, "full", "old"),
             named("six matrices"): control("places", "six matrices", "old")}  # fmt: skip
    lanes |= {named(f"r{one}"): found(30, f"r{one}", "old") for one in RANKS}
    lanes[named("r64")] = control("places", "r64", "old")
    lanes |= {named(one): found(30, one, "old") for one in ("full + replay", "r4 + replay")}
    return rows({"old facts kept, 30 new ones known": lanes}, title=title)


def bits_a_number(count: int, method: str, recall: float | None = None) -> float:
    """Bits of knowledge for each number that learns, lucky guesses (.05) taken off.

    recall  the share known; None: as stored in the study of ranks
    """
    known = found(count, method, "recall").mean() if recall is None else recall
    numbers = study("rank")["facts"][str(count)][method]["parameters"]
    return (known - CHANCE) / (1 - CHANCE) * count * BITS / numbers


TOPICS = {"told": "right note, told which", "by list": "chosen from a list of names",
          "by words": "chosen by words, counted", "another topic's note": "another topic's note",
          "all notes summed": "all four notes summed",
          "one note of rank 16, at once": "one note r16, all at once",
          "one note of rank 4, at once": "one note r4, all at once",
          "one note of rank 4, one after the other": "one note r4, one topic after the other",
          "full, at once": "all weights, all at once",
          "full, one after the other": "all weights, one topic after the other"}  # fmt: skip


def topic(way: str, what: str, world: str = "families", lanes: str = "seeds") -> np.ndarray:
    """Lanes of the study of topics."""
    return np.array(study("topics")["found"][world][lanes][way][what])


@in_style
def topics(guess=None, title: str | None = None) -> Figure:
    """Four topics: facts of all of them, and old facts, for every way to keep them."""
    questions = {"new facts, all four topics": "new", "old facts": "old"}
    return rows({question: {words: topic(way, what) for way, words in TOPICS.items()}
                 for question, what in questions.items()}, guess=guess, title=title)  # fmt: skip


def skill(kind: str, method: str, what: str, lanes: str = "seeds") -> np.ndarray:
    """Lanes of the study of rules and reading."""
    return np.array(study("skill")["found"][kind][method][lanes][what])


def ruled(what: str, rules: int = 1) -> dict[str, np.ndarray]:
    """{method in words: lanes} of one question about rules."""
    return {named(method): skill(f"{rules} rules", method, what)
            for method in study("skill")["settings"]["methods"]}


@in_style
def reading(title: str | None = None) -> Figure:
    """A new way to read: coded answers read after training, and old facts still known."""
    lanes = study("skill")["found"]["reading"]
    questions = {"reads coded answers": "reads coded", "old facts": "old"}
    return rows({question: {named(method): lanes[method]["lanes"][what] for method in lanes}
                 for question, what in questions.items()}, chance=0.05, title=title)  # fmt: skip


@in_style
def five_rules(title: str | None = None) -> Figure:
    """Five rules, 75 facts, and as many facts without a rule: learnt, the habit, the price."""
    methods = study("skill")["settings"]["methods"]
    loose = {f"{named(one)}, no rule": control("unrelated", one, "old") for one in ("full", "r1")}
    rules = {what: ruled(what, 5) for what in ("unseen", "value for strangers", "old")}
    none = dict.fromkeys(loose, ())
    return rows({"unseen members": rules["unseen"] | none,
                 "strangers: 1st answer": rules["value for strangers"] | none,
                 "old facts": {named(one): rules["old"][named(one)] for one in methods} | loose},
                chance=CHANCE, title=title)  # fmt: skip
