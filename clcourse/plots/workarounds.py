"""Do workarounds suffice? The Memento test, and where notes and weights change places."""

from __future__ import annotations

import functools

import numpy as np
from matplotlib.ticker import FixedLocator, NullLocator

from clcourse.plots.figure import (
    BLACK,
    BLUE,
    DASHES,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
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
from clcourse.plots.labels import End, end_labels, headline, mark_guess, settle
from clcourse.plots.reading import estimate_in_words, whole
from clcourse.results import load

MARKS = {
    "looked up": Mark(SKY, "P", DASHES[1]),
    "looked up, all noted": Mark(GREEN, "D", DASHES[3]),
    "context": Mark(ORANGE, "v", DASHES[5]),
    "window": Mark(PURPLE, "^", DASHES[2]),
    "FT": Mark(BLACK, "X", DASHES[4]),
    "FT + replay": Mark(BLUE, "o", DASHES[0]),
    "LoRA": Mark(VERMILLION, "s", DASHES[1]),
}
WAYS = {
    "looked up, all noted": "notes, looked up: old ones too",
    "looked up": "notes, looked up: new only",
    "context": "all notes in context",
    "window": "window of 256 tokens",
    "FT + replay": "fine-tuned + replay",
    "FT": "fine-tuned",
    "LoRA": "LoRA note",
}
PARTS = {"new": "facts met so far", "old": "people known by heart"}


@functools.cache
def study(name: str) -> dict:
    """A stored study, read once: "memento", "workarounds", "depth" or "controls"."""
    return load(f"08_{name}")


# -- the Memento test --

ROWS = {
    "rule noted, reader taught to follow": ("notes", "trained", "rule"),
    "rule noted, reader never taught": ("notes", "never", "rule"),
    "rule noted, read only if it fits": ("control", "above 0.5", "rule"),
    "15 examples noted, taught": ("notes", "trained", "examples"),
    "15 examples noted, never taught": ("notes", "never", "examples"),
    "nothing about them noted, taught": ("notes", "trained", "nothing"),
    "fine-tuned on 15 examples": ("weights", "FT", "examples"),
    "with replay, rate .003": ("weights", "FT + replay", "examples"),
    "with replay, rate .0015": ("control", "FT + replay 0.0015", "examples"),
    "LoRA on 15 examples": ("weights", "LoRA", "examples"),
    "LoRA on 15 examples, replay": ("weights", "LoRA + replay", "examples"),
    "fine-tuned on the rule, replay": ("weights", "FT + replay", "rule"),
}
ASKED = {"unseen": "unseen Youngs:\nright", "false": "no Youngs:\nsame answer",
         "people": "by heart:\nstill right"}


def asked(where: str, who: str, what: str, part: str, lanes: str = "found") -> np.ndarray:
    """Lanes of the Memento test: asked("notes", "trained", "rule", "unseen")."""
    if where == "control":
        return np.array(study("controls")["strangers"][who][part])
    return np.array(study("memento")[lanes][where][who][what][part])


def by_chance(what: str) -> float:
    """How many of the notes before a stranger carry the rule's answer; what: "rule", "examples"."""
    return float(np.mean(study("controls")["strangers"][what]["any note"]))


def followed(where: str, who: str, what: str, lanes: str = "found") -> np.ndarray:
    """The rule's answer where it is right, less the same answer where it is not: (seeds,)."""
    return asked(where, who, what, "unseen", lanes) - asked(where, who, what, "false", lanes)


@in_style
def memento(title: str | None = None) -> Figure:
    """A row for each way to have a rule: used where it holds, used elsewhere, the rest kept."""
    picture, (panels,) = sheet(10.2, ncols=3, sharey=True)
    read = {row: {part: whole(asked(*where, part)) for part in ASKED}
            for row, where in ROWS.items()}
    for axes, (part, name) in zip(panels, ASKED.items(), strict=True):
        for place, (row, where) in enumerate(ROWS.items()):
            one = read[row][part]
            noted = where[0] == "notes" or where[1].startswith("above")
            style = MARKS["looked up, all noted" if noted else "FT + replay"]
            if part == "false" and where[0] == "notes" and where[2] != "nothing":
                axes.plot(by_chance(where[2]), place, "|", color=BLACK, markeredgewidth=look().line,
                          markersize=4 * look().dot, zorder=5)
            axes.plot([max(one.low, 0), min(one.high, 1)], [place, place], color=style.colour)
            axes.plot(one.value, place, style.marker, color=style.colour, clip_on=False,
                      markersize=1.7 * look().dot)
        axes.set(xlim=(0, 1), xticks=[0, 0.5, 1], xlabel=name, yticks=range(len(ROWS)),
                 ylim=(len(ROWS) - 0.5, -0.5), yticklabels=ROWS)
        axes.set_xticklabels(["0", ".5", "1"])
        axes.grid(axis="both")
    note(panels[0], "line: 95 % interval;  upright stroke, middle panel: if any of the notes read "
                    "were copied, by chance")
    headline(picture, title)
    settle(picture, 4.0 * look().size)
    said = "; ".join(
        f"{row}: " + ", ".join(f"{part} {estimate_in_words(read[row][part])}" for part in ASKED)
        for row in ROWS
    )
    count = read[next(iter(ROWS))]["unseen"].n
    return Figure(picture, f"Answers after a rule was noted or taught, mean [95 % interval] of "
                           f"{count} seeds: unseen members right, strangers of other families who "
                           f"get the rule's answer (false), people still right: {said}. Any of the "
                           f"notes read, by chance, would give strangers the rule's answer "
                           f"{number(by_chance('rule'))} of the time (rule noted) and "
                           f"{number(by_chance('examples'))} (examples).")


# -- facts and window --


def counts() -> list[int]:
    """The numbers of facts met."""
    return study("workarounds")["settings"]["counts"]


def curve(way: str, part: str = "new", lanes: str = "found") -> np.ndarray:
    """Right by the number of facts met, (seeds, counts); way: as in WAYS, or "window 512"."""
    found = study("workarounds")[lanes]
    if way.split()[0] in ("context", "window"):
        size = {"context": "all", "window": "256"}.get(way) or way.split()[1]
        rows = found["context"][size]
    else:
        rows = found[way]
    return np.array([rows[str(count)][part] for count in counts()]).T


@in_style
def facts(guess=None, guess_at: int = 900, title: str | None = None) -> Figure:
    """Two panels: what was met so far, and the people known by heart, as facts grow."""
    picture, ((left, right),) = sheet(10.5, ncols=2, sharey=True)
    ends, parts = [], []
    for way, words in WAYS.items():
        style = MARKS[way]
        for axes, part in ((left, "new"), (right, "old")):
            lanes = curve(way, part)
            spread = np.array([[one.low, one.high] for one in map(whole, lanes.T)]).T.clip(0, 1)
            axes.fill_between(counts(), *spread, color=style.colour, alpha=0.18, linewidth=0)
            axes.plot(counts(), lanes.mean(axis=0), color=style.colour, linestyle=style.dashes,
                      marker=style.marker, clip_on=False, zorder=3)
            parts.append(f"{words}, {PARTS[part]} " + ", ".join(
                f"{estimate_in_words(whole(one))} at {count}"
                for one, count in zip(lanes.T, counts(), strict=True)))
        ends.append(End(curve(way, "old")[:, -1].mean(), words, style.colour, style.dashes))
    for axes, part in ((left, "new"), (right, "old")):
        _logarithmic(axes, counts(), "facts met")
        axes.set_title(PARTS[part], loc="left")
    left.set_ylabel("accuracy")
    steps = study("workarounds")["settings"]["steps"]
    note(left, f"line: mean of {len(lanes)} seeds;  band: its 95 % interval;  weights: at most "
               f"{steps} steps a part, too few for LoRA at {counts()[-1]}")
    headline(picture, title)
    settle(picture, 2.6 * look().size)
    mark_guess(left, guess, guess_at)
    end_labels(right, ends)
    return Figure(picture, f"Accuracy by the number of facts met, mean [95 % interval] of "
                           f"{len(lanes)} seeds, weights with at most {steps} steps a part: "
                           f"{'; '.join(parts)}.")


def window_sizes() -> list[int]:
    """The windows of the study, in tokens."""
    return study("workarounds")["settings"]["windows"]


@in_style
def windows(title: str | None = None) -> Figure:
    """Facts met so far, by the window that the newest notes must fit into."""
    picture, ((axes,),) = sheet(7.8)
    ends, parts = [], []
    colours = dict(zip(counts(), (SKY, GREEN, PURPLE, BLACK), strict=True))
    for (count, colour), dashes in zip(colours.items(), DASHES, strict=False):
        lanes = by_window(count)
        axes.plot(window_sizes(), lanes.mean(axis=0), color=colour, linestyle=dashes, marker="o",
                  clip_on=False, zorder=3)
        ends.append(End(lanes[:, -1].mean(), f"{count} facts", colour, dashes))
        parts.append(f"{count} facts " + ", ".join(
            f"{number(one)} at {size}" for one, size in
            zip(lanes.mean(axis=0), window_sizes(), strict=True)))
    level = curve("FT + replay")[:, -1].mean()
    axes.axhline(level, color=SOFT, linestyle=(0, (4, 3)), linewidth=0.5 * look().line)
    ends.append(End(level, f"fine-tuned + replay, 900 facts {number(level)}", SOFT))
    _logarithmic(axes, window_sizes(), "window, tokens: a note is 4")
    axes.set_ylabel("accuracy")
    note(axes, f"mean of {len(lanes)} seeds")
    headline(picture, title)
    settle(picture, 2.4 * look().size)
    end_labels(axes, ends)
    return Figure(picture, f"Accuracy on facts met, the newest notes in a window of so many "
                           f"tokens, mean of {len(lanes)} seeds: {'; '.join(parts)}; weights "
                           f"fine-tuned with replay {number(level)} at 900 facts.")


def by_window(count: int, lanes: str = "found") -> np.ndarray:
    """Right about `count` facts met, by the window: (seeds, windows)."""
    rows = study("workarounds")[lanes]["context"]
    return np.array([rows[str(size)][str(count)]["new"] for size in window_sizes()]).T


# -- depth --


# -- where two curves cross --


def _logarithmic(axes, ticks, xlabel: str) -> None:
    """A logarithmic x axis with these ticks; accuracy upwards."""
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticklabels([str(tick) for tick in ticks])
    axes.tick_params(axis="x", pad=0.8 * look().type)
    axes.set(xlim=(ticks[0], ticks[-1]), ylim=(0, 1), yticks=np.linspace(0, 1, 6), xlabel=xlabel)
    axes.grid(axis="y")
