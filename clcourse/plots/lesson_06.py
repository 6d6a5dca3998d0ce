"""Lesson 06: what attention looks at, likeness of notes, places, windows, and the bill."""

from __future__ import annotations

import functools

import numpy as np
from matplotlib.ticker import FixedLocator, NullLocator

from clcourse.errors import CourseError
from clcourse.metrics import Estimate
from clcourse.plots.figure import (
    BLACK,
    BLUE,
    COLOURS,
    DASHES,
    GREEN,
    SOFT,
    VERMILLION,
    Figure,
    in_style,
    look,
    number,
    sheet,
)
from clcourse.plots.general import note
from clcourse.plots.labels import End, end_labels, headline, mark_guess, settle, wrapped
from clcourse.plots.reading import estimate_in_words, said, whole
from clcourse.plots.reading import minus as minus  # for the claims of the lesson
from clcourse.results import load

KINDS = {"none": ("share no word", GREEN), "one": ("share one word", BLUE),
         "two": ("share two words", VERMILLION), "as they come": ("as they come", BLACK)}
NETWORKS = ("no table", "table", "table, begun anywhere")
HEADS = {"no table": "no table of places", "table": "a table of places",
         "table, begun anywhere": "a table, texts begun anywhere"}
MARKERS = "os^DPv"


@functools.cache
def study(name: str) -> dict:
    """A stored study of this lesson, read once."""
    return load(f"06_{name}")


def lanes(name: str) -> str:
    """ "10 seeds", of a stored study."""
    return f"{len(study(name)['settings']['seeds'])} seeds"


def _accuracy(axes, x, xlabel: str, *, log: bool = True, names=None) -> None:
    """An accuracy from 0 to 1 along x, with a tick at each x; a dashed line at chance."""
    if log:
        axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(x))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticklabels(names or [f"{one:g}" for one in x])
    axes.set(xlim=(x[0], x[-1]), ylim=(0, 1), yticks=np.linspace(0, 1, 6), xlabel=xlabel)
    if not log:  # the first label stands clear of the 0 of the other axis
        axes.get_xticklabels()[0].set_horizontalalignment("left")
    axes.axhline(0.05, color=SOFT, linestyle=(0, (4, 3)), linewidth=0.5 * look().line)
    axes.grid(axis="y")


def _line(axes, x, values, place: int, colour: str) -> list[Estimate]:
    """A line of means with the band of their 95 % intervals; the estimates."""
    read = [whole(one) for one in values]
    axes.fill_between(x, [max(0, one.low) for one in read], [min(1, one.high) for one in read],
                      color=colour, alpha=0.2, linewidth=0)
    axes.plot(x, [one.value for one in read], color=colour, linestyle=DASHES[place],
              marker=MARKERS[place], clip_on=False, zorder=3)
    return read


def _in_words(name: str, x, read: list[Estimate]) -> str:
    return f"{name} " + ", ".join(f"{number(one.value)} at {at:g}"
                                  for one, at in zip(read, x, strict=True))


@in_style
def looks(shares, words: list[str], title: str | None = None) -> Figure:
    """How much the last word of a text attends to each word: shares (heads, words), of one text."""
    shares = np.asarray(shares, dtype=float)
    if shares.ndim != 2 or shares.shape[1] != len(words):
        raise CourseError(
            f"shares has shape {shares.shape} for {len(words)} words; expected (heads, words): "
            "try net.looks_at(text)[lane, question, :, -1]."
        )
    picture, ((axes,),) = sheet(9.4)
    axes.imshow(shares, vmin=0, vmax=1, cmap="Blues", aspect="auto")
    axes.set_xticks(range(len(words)), words, rotation=45, ha="right", rotation_mode="anchor",
                    fontsize=0.9 * look().type)
    axes.set(yticks=range(len(shares)), ylabel="head")
    axes.set_yticklabels([str(head + 1) for head in range(len(shares))])
    axes.tick_params(length=0)
    for head, row in enumerate(shares):
        for place in np.flatnonzero(row > 0.15):
            axes.text(place, head, f".{round(100 * row[place]):02d}", ha="center", va="center",
                      fontsize=look().type, color="white" if row[place] > 0.5 else BLACK)
    headline(picture, title)
    settle(picture, 1.3 * look().size)
    most = [words[place] for place in shares.argmax(axis=1)]
    return Figure(picture, said(title, f"What the last word ({words[-1]}) looks at, among "
                                       f"{len(words)} words: the {len(most)} heads look most at "
                                       f"{', '.join(most)}."))


@in_style
def likeness(guess=None, title: str | None = None) -> Figure:
    """Stored study: accuracy by the number of notes, for notes more and less like the question."""
    found = study("notes")["found"]
    picture, (panels,) = sheet(8.6, ncols=2, sharey=True)
    parts, ends = [], []
    for axes, steps in zip(panels, ("200", "400"), strict=True):
        ends = []
        for place, (kind, (name, colour)) in enumerate(KINDS.items()):
            x = [int(count) for count in found[steps][kind]]
            read = _line(axes, x, found[steps][kind].values(), place, colour)
            parts.append(_in_words(f"{steps} steps, notes that {name}".replace(
                "that as", "as"), x, read))
            ends.append(End(read[-1].value, name, colour, DASHES[place]))
        _accuracy(axes, [1, 2, 5, 10, 20, 50, 100, 200], "notes in the context")
        axes.set_title(f"{steps} steps of growing up", loc="left", fontsize=look().type)
    panels[0].set_ylabel("right")
    note(panels[0], f"line: mean of {lanes('notes')};  band: its 95 % interval;  dashed: chance")
    headline(picture, title)
    settle(picture, 2.4 * look().size)
    mark_guess(panels[0], guess)  # asked of the network on the left; its label stands at the right
    end_labels(panels[-1], ends + mark_guess(panels[-1], guess), width=1.2)
    return Figure(picture, said(title, f"Questions answered right by the number of notes, mean of "
                                       f"{lanes('notes')}: {'; '.join(parts)}."))


@in_style
def places(title: str | None = None) -> Figure:
    """Stored study: accuracy by the place of the right note, for three kinds of network."""
    found = study("places")["found"]
    picture, (panels,) = sheet(9.4, ncols=3, sharey=True)
    shares, parts, ends = study("places")["settings"]["fractions"], [], []
    for axes, kind in zip(panels, NETWORKS, strict=True):
        ends = []
        for place, (count, colour) in enumerate(zip(("4", "10", "20", "50"), COLOURS,
                                                    strict=False)):
            right = [found[kind]["reads"][count][str(round(one * (int(count) - 1)))]
                     for one in shares]
            read = _line(axes, shares, right, place, colour)
            parts.append(_in_words(f"{HEADS[kind]}, {count} notes:", shares, read))
            ends.append(End(read[-1].value, f"{count} notes", colour, DASHES[place]))
        _accuracy(axes, [0, 0.5, 1], "", log=False, names=["first", "middle", "last"])
        axes.set_title(wrapped(HEADS[kind], 2.3 * look().size, look().type), loc="left",
                       fontsize=look().type)
    panels[1].set_xlabel("place of the right note")
    panels[0].set_ylabel("right")
    note(panels[0], f"line: mean of {lanes('places')};  band: its 95 % interval;  dashed: chance")
    headline(picture, title)
    settle(picture, 2.2 * look().size)
    end_labels(panels[-1], ends, width=1.0)
    return Figure(picture, said(title, "Questions answered right by the place of the right note "
                                       f"(0 the first, 1 the last), mean of {lanes('places')}: "
                                       f"{'; '.join(parts)}."))


@in_style
def by_token(title: str | None = None) -> Figure:
    """Stored study: with a table, accuracy by the token at which the right note begins."""
    found = study("places")["found"]["table"]["reads"]
    picture, ((axes,),) = sheet(7.8)
    ends, parts = [], []
    for place, (count, colour) in enumerate(zip(("5", "10", "20", "50"), COLOURS,
                                                strict=False)):
        x = [1 + 4 * int(at) for at in found[count]]
        read = _line(axes, x, found[count].values(), place, colour)
        parts.append(_in_words(f"{count} notes:", x, read))
        ends.append(End(read[-1].value, f"{count} notes", colour, DASHES[place]))
    _accuracy(axes, [1, 5, 9, 17, 34, 77, 197], "token at which the right note begins")
    # training texts hold notes at tokens 1 to 16, then the question mark and the questions
    spans = ((1, 17, "in training:\nnotes", 0.1), (17, 34, "in training:\nquestions", 0.3),
             (34, 197, "in training:\nnothing", 0.0))
    for left, right, words, shade in spans:
        axes.axvspan(left, right, color=SOFT, alpha=shade, linewidth=0)
        axes.text((left * right) ** 0.5, 0.17, words, ha="center", va="center",
                  fontsize=0.85 * look().type)
    axes.set_ylabel("right")
    note(axes, f"line: mean of {lanes('places')};  band: its 95 % interval;  dashed: chance")
    headline(picture, title)
    settle(picture, 2.4 * look().size)
    end_labels(axes, ends)
    return Figure(picture, said(title, "Questions answered right with a table of places, by the "
                                       f"token at which the right note begins, mean of "
                                       f"{lanes('places')}: {'; '.join(parts)}."))


@in_style
def crowd(counts, lines, guess=None, title: str | None = None) -> Figure:
    """Share of towns found by the number of pairs that are stored: {label: (seeds, counts)}."""
    picture, ((axes,),) = sheet(7.8)
    ends, parts = [], []
    for place, (name, values) in enumerate(lines.items()):
        read = _line(axes, counts, np.asarray(values).T, place, COLOURS[place])
        ends.append(End(read[-1].value, name, COLOURS[place], DASHES[place]))
        parts.append(_in_words(name, counts, read))
    _accuracy(axes, counts, "pairs")
    axes.set_ylabel("share of towns found")
    many = f"{len(np.asarray(values))} seeds"
    note(axes, f"line: mean of {many};  band: its 95 % interval;  dashed: chance")
    headline(picture, title)
    settle(picture, 2.4 * look().size)
    end_labels(axes, ends + mark_guess(axes, guess, 256))
    return Figure(picture, said(title, f"Share of towns found by the number of pairs, mean of "
                                       f"{many}: {'; '.join(parts)}."))


def words(one) -> str:
    """Lanes as "0.95 [0.93, 0.97]"."""
    return estimate_in_words(whole(one))
