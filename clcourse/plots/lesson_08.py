"""Lesson 08: notes beside weights, found beside read, stale notes, forgetting on request."""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
from matplotlib.lines import Line2D

from clcourse.metrics import Estimate, estimate
from clcourse.plots.figure import (
    BLACK,
    BLUE,
    DASHES,
    GREEN,
    ORANGE,
    PURPLE,
    SOFT,
    VERMILLION,
    Figure,
    in_style,
    look,
    number,
    sheet,
)
from clcourse.plots.general import bars, note
from clcourse.plots.labels import End, end_labels, headline, mark_guess, settle, wrapped
from clcourse.plots.reading import estimate_in_words
from clcourse.plots.reading import minus as minus  # for the claims of the lesson
from clcourse.results import load

ASKED, KEPT = BLUE, VERMILLION  # what was taught, and what was known before
LESSONS = {"new": "90 new facts", "changed": "90 changed facts",
           "rule by examples": "rule: examples", "rule as a sentence": "rule: sentence"}
ROWS = ("closed book", "fine-tuned", "fine-tuned + replay", "LoRA, rank 4", "all in the context",
        "notes", "notes, if they fit", "notes, old ones too", "last word of the best note",
        "last word, old ones too")


@functools.cache
def study(name: str) -> dict:
    """A stored study of this lesson, read once."""
    return load(f"08_{name}")


def row(lesson: str, way: str, what: str = "asked", base: str = "found") -> np.ndarray:
    """The lanes of one way of one lesson: share right of "asked", "old" or "taught"."""
    return np.array(study("open_book")[base][lesson][way][what])


@in_style
def table(guess=None, lessons=tuple(LESSONS), title: str | None = None) -> Figure:
    """For every way two marks: what was taught, and what was known before."""
    tall = 0.36 * len(ROWS)
    picture, found = sheet(10.4, 1.2 + tall, ncols=len(lessons), sharey=True)
    parts = []
    for axes, lesson in zip(found.ravel(), lessons, strict=True):
        told = []
        for place, way in enumerate(ROWS):
            both = {what: estimate(row(lesson, way, what)) for what in ("asked", "old")}
            marks = (("old", KEPT, "D", 0.16), ("asked", ASKED, "o", -0.16))
            for what, colour, marker, aside in marks:
                one = both[what]
                axes.plot([max(one.low, 0), min(one.high, 1)], [place + aside] * 2, color=colour,
                          clip_on=False)
                axes.plot(one.value, place + aside, marker, color=colour, clip_on=False,
                          markersize=1.7 * look().dot, markeredgecolor="white", zorder=4)
            told.append(f"{way} {number(both['asked'].value)}, old {number(both['old'].value)}")
        words = [wrapped(way, 2.0 * look().size, 0.95 * look().type) for way in ROWS]
        axes.set(xlim=(0, 1), xticks=[0, 0.5, 1], ylim=(len(ROWS) - 0.5, -0.5), xlabel="right",
                 yticks=range(len(ROWS)), yticklabels=words)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x")
        axes.set_title(LESSONS[lesson], loc="left", fontsize=0.95 * look().type)
        parts.append(f"{LESSONS[lesson]}: {'; '.join(told)}")
    value = getattr(guess, "value", None)
    if value is not None:
        found.ravel()[0].plot(value, ROWS.index("notes") + 0.16, "*", color=PURPLE, clip_on=False,
                              markersize=3 * look().dot, zorder=5)
    star = "" if value is None else f";  star: your guess {number(value)}"
    note(found.ravel()[0], "circle: what was taught;  diamond: what was known before;  line: 95 % "
                           f"interval of {one.n} seeds{star}")
    headline(picture, title)
    settle(picture, tall * look().size)
    return Figure(picture, "Share right at the end, of what was taught and of what was known "
                           f"before, mean of {one.n} seeds. {'. '.join(parts)}.")


class Line(NamedTuple):
    """What a line shows, and how it looks."""

    what: str
    label: str
    colour: str
    dashes: object
    marker: str


FOUND = Line("found", "the right note is among them", GREEN, DASHES[1], "s")
RIGHT = Line("right", "answered right", BLUE, DASHES[0], "o")


@in_style
def reading(wording: str = "as noted", way: str = "words", guess=None, guess_at: int = 20,
            title: str | None = None) -> Figure:
    """Found and read, by how many notes go into the context."""
    rows = study("finding")["wordings"][way][wording]
    counts = [int(k) for k in rows if k.isdigit()]
    picture, ((axes,),) = sheet(7.8)
    ends, parts = [], []
    for one in (FOUND, RIGHT):
        lanes = np.array([rows[str(k)][one.what] for k in counts]).T
        low, high = np.quantile(lanes, [0.1, 0.9], axis=0)
        axes.fill_between(counts, low, high, color=one.colour, alpha=0.18, linewidth=0)
        axes.plot(counts, lanes.mean(axis=0), color=one.colour, linestyle=one.dashes,
                  marker=one.marker, clip_on=False, zorder=3)
        ends.append(End(lanes[:, -1].mean(), one.label, one.colour, one.dashes))
        parts.append(f"{one.label} " + ", ".join(f"{number(mean)} with {k}" for k, mean in
                                                 zip(counts, lanes.mean(axis=0), strict=True)))
    last = np.mean(rows["last word"])
    axes.axhline(last, color=SOFT, linestyle=(0, (4, 3)), linewidth=0.5 * look().line)
    ends.append(End(last, f"no network: last word of the best {number(last)}", SOFT))
    axes.set_xscale("log")
    axes.set_xticks(counts, counts)
    axes.set_xticks([], minor=True)
    axes.set(xlim=(counts[0], counts[-1]), ylim=(0, 1), yticks=np.linspace(0, 1, 6),
             xlabel="notes read, k", ylabel="share of questions")
    axes.grid(axis="y")
    note(axes, "line: mean;  band: middle 80 % of 20 seeds;  300 notes in the store")
    headline(picture, title)
    settle(picture, 2.4 * look().size)
    end_labels(axes, ends + mark_guess(axes, guess, guess_at))
    return Figure(picture, f"Share of 90 questions ({wording}) to 300 notes by notes read, mean of "
                           f"20 seeds: {'; '.join(parts)}; last word of the best note, no network "
                           f"{number(last)}.")


WAYS = {"words": Line("words", "found by words", BLUE, DASHES[0], "o"),
        "letters": Line("letters", "found by letters", ORANGE, DASHES[1], "s")}


@in_style
def wordings(k: int = 3, title: str | None = None) -> Figure:
    """The same question in other words: found (a mark) and read right (an upright bar)."""
    found = study("finding")["wordings"]
    names = list(found["words"])
    tall = 0.42 * len(names)
    picture, ((axes,),) = sheet(7.8, 1.3 + tall)
    parts = []
    for (way, look_of), aside in zip(WAYS.items(), (-0.17, 0.17), strict=True):
        told = []
        for place, name in enumerate(names):
            hit, read = (estimate(found[way][name][str(k)][what]) for what in ("found", "right"))
            style = {"color": look_of.colour, "clip_on": False, "zorder": 4,
                     "markersize": 2 * look().dot}
            axes.plot(hit.value, place + aside, look_of.marker, markeredgecolor="white", **style)
            axes.plot(read.value, place + aside, "|", markeredgewidth=look().line, **style)
            told.append(f"{name} found {number(hit.value)}, right {number(read.value)}")
        parts.append(f"by {way}: " + "; ".join(told))
    axes.set(xlim=(0, 1), xticks=np.linspace(0, 1, 6), ylim=(len(names) - 0.5, -0.5),
             yticks=range(len(names)), yticklabels=names, xlabel=f"share of questions, k = {k}")
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    shown = [Line2D([], [], color=one.colour, marker=one.marker, linestyle="none")
             for one in WAYS.values()]
    shown.append(Line2D([], [], color=BLACK, marker="|", linestyle="none",
                        markersize=2 * look().dot, markeredgewidth=look().line))
    labels = [one.label for one in WAYS.values()] + ["upright bar: answered right"]
    axes.legend(shown, labels, loc="lower center", frameon=False, fontsize=0.95 * look().type)
    note(axes, "mean of 20 seeds; 300 notes in the store")
    headline(picture, title)
    settle(picture, tall * look().size)
    return Figure(picture, f"Share of questions for which the right note is among {k}, and that "
                           f"are answered right, mean of 20 seeds, {'. '.join(parts)}.")


def stale(guess=None, title: str | None = None) -> Figure:
    """Two versions of every fact: who wins? (The best score: mean of both orders of writing.)"""
    found, written = study("finding")["orders"], study("controls")["written"]
    either = np.mean([written["newest last"], written["newest first"]], axis=0)
    shown = {"best score": either,
             "read both, newest first": found["newest first"],
             "read both, newest last": found["newest last"],
             "read the newest": found["newest alone"]}
    groups = {name: np.array(lanes) for name, lanes in shown.items()}
    return bars(groups, ylabel="answers as it is now, accuracy", guess=guess, title=title)


def forgetting(title: str | None = None) -> Figure:
    """What stays when nine facts must go."""
    found = study("forgetting")["found"]
    groups = {}
    for way, short in (("ascent", "ascent"), ("ascent, the rest blended in", "ascent + rest"),
                       ("notes", "notes")):
        for what, words in (("new", "new facts"), ("old", "old facts")):
            groups[f"{short}: {words}"] = np.array(found[way][what])
    return bars(groups, ylabel="kept, accuracy", title=title)


class Grid:
    """The stored study of k, notes in the store, and outdated versions."""

    def __init__(self, stored: dict) -> None:
        self._found = stored["grid"]
        settings = stored["settings"]["grid"]
        self.counts, self.stale = settings["k"], settings["stale"]
        self.sizes = [3 * people for people in settings["newcomers"]]

    def estimate(self, k: int, size: int, stale: int, what: str) -> Estimate:
        """Mean over the lanes with its interval; what: "found", "right" or "outdated"."""
        return estimate(self._found[str(stale)][str(size)][str(k)][what])


@functools.cache
def grid_study() -> Grid:
    """The stored study, read once."""
    return Grid(study("finding"))


@in_style
def grid() -> Figure:
    """Answered right by k, a line for each number of notes, nothing outdated."""
    found = grid_study()
    picture, ((axes,),) = sheet(7.6)
    ends, parts = [], []
    colours = (BLUE, VERMILLION, GREEN, PURPLE)
    for size, colour, dashes in zip(found.sizes, colours, DASHES, strict=False):
        means = [found.estimate(k, size, 0, "right").value for k in found.counts]
        axes.plot(found.counts, means, color=colour, linestyle=dashes, marker="o", clip_on=False)
        ends.append(End(means[-1], f"{size} notes", colour, dashes))
        parts.append(f"{size} notes: {number(means[0])} with k = {found.counts[0]}, "
                     f"{number(means[-1])} with k = {found.counts[-1]}")
    axes.set_xscale("log")
    axes.set_xticks(found.counts, found.counts)
    axes.set_xticks([], minor=True)
    axes.set(xlim=(found.counts[0], found.counts[-1]), ylim=(0, 1), xlabel="notes read, k",
             yticks=np.linspace(0, 1, 6), ylabel="answered right")
    axes.grid(axis="y")
    settle(picture, 2.4 * look().size)
    end_labels(axes, ends)
    return Figure(picture, f"Answered right, mean of 20 seeds, nothing outdated. "
                           f"{'; '.join(parts)}. With three outdated versions of each note and k = "
                           f"{found.counts[-1]}: " + ", ".join(
                               estimate_in_words(found.estimate(found.counts[-1], size, 3, "right"))
                               for size in found.sizes) + ".")
