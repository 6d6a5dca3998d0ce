"""Lesson 09: three ways to put a memory beside a window of attention, and what was claimed."""

from __future__ import annotations

import functools

import numpy as np

from clcourse.plots import far_recall, general, kernel_memory, openings, remembering
from clcourse.plots.figure import (
    BLUE,
    GREEN,
    INK,
    SOFT,
    Figure,
    in_style,
    look,
    sheet,
)
from clcourse.plots.general import note
from clcourse.plots.labels import headline, settle
from clcourse.plots.reading import said
from clcourse.results import load

CHANCE = 1 / 16  # of a value of the toy of pairs
TRAINED = (0, 63)  # gaps of practice
GAPS = (0, 32, 128, 512, 2048)
FAR = (32, 512, 2048)

# words of each box, its place (x, y) in a panel of 10 by 10, and its colour; then the arrows
MEMORY, WINDOW, PLAIN = BLUE, GREEN, SOFT
LAYOUTS = {
    "MAC, memory as context": (
        {"in": ("a segment of tokens", 5.6, 0.9, PLAIN),
         "old": ("old memory\nis read", 1.9, 3.2, MEMORY),
         "attend": ("attention: p,\nrecalled, segment", 5.6, 5.4, WINDOW),
         "write": ("memory writes\nand is read", 2.0, 7.5, MEMORY), "out": ("⊗", 5.6, 9.3, PLAIN)},
        (("in", "old"), ("old", "attend"), ("in", "attend"), ("attend", "write"),
         ("attend", "out"), ("write", "out")),
    ),
    "MAG, memory as gate": (
        {"in": ("p, then tokens", 5, 0.9, PLAIN),
         "write": ("memory writes\nand is read", 2.4, 5, MEMORY),
         "attend": ("attention in\na window", 7.6, 5, WINDOW), "out": ("⊗", 5, 9.3, PLAIN)},
        (("in", "write"), ("in", "attend"), ("write", "out"), ("attend", "out")),
    ),
    "MAL, memory as layer": (
        {"in": ("p, then tokens", 5, 0.9, PLAIN),
         "write": ("memory writes\nand is read", 5, 3.7, MEMORY),
         "attend": ("attention in\na window", 5, 6.6, WINDOW), "out": ("out", 5, 9.3, PLAIN)},
        (("in", "write"), ("write", "attend"), ("attend", "out")),
    ),
}  # fmt: skip


@in_style
def layouts(title: str | None = None) -> Figure:
    """MAC, MAG and MAL as boxes and arrows, from the tokens at the foot to the output on top."""
    picture, (panels,) = sheet(9.6, ncols=3)
    for panel, (name, (boxes, arrows)) in zip(panels, LAYOUTS.items(), strict=True):
        panel.set(xlim=(0, 10), ylim=(0, 10.4), xticks=[], yticks=[])
        panel.spines[:].set_visible(False)
        panel.set_title(name, loc="left", fontsize=look().type, fontweight="bold")
        drawn = {key: _box(panel, *box) for key, box in boxes.items()}
        for tail, head in arrows:
            panel.annotate("", boxes[head][1:3], boxes[tail][1:3], zorder=4, arrowprops={
                "arrowstyle": "-|>", "color": INK, "linewidth": 0.5 * look().line,
                "patchA": drawn[tail].get_bbox_patch(), "patchB": drawn[head].get_bbox_patch(),
                "shrinkA": 0, "shrinkB": 1})  # fmt: skip
    note(panels[0], "p: persistent tokens, learnt and always there;  ⊗: both normalised, a SiLU "
                    "on one, multiplied;  bottom to top")
    headline(picture, title)
    settle(picture, 3.0 * look().size)
    return Figure(picture, said(title, (
        "Three layouts. MAC: the old memory is read for a segment, attention sees persistent "
        "tokens, what was recalled and the segment; its output is written to the memory, and "
        "multiplied with what that then says. MAG: memory and window attention side by side, "
        "multiplied. MAL: first the memory, then window attention to what it says.")))


def _box(panel, words: str, x: float, y: float, colour: str):
    """Words in a box of this colour."""
    return panel.text(x, y, words, ha="center", va="center", zorder=3, fontsize=0.85 * look().type,
                      bbox={"boxstyle": "round,pad=0.45", "facecolor": "white", "edgecolor": colour,
                            "linewidth": 0.8 * look().line})


@functools.cache
def study(name: str) -> dict:
    """A stored study of this lesson, read once."""
    return load(f"09_{name}")


def recalled(kind: str, gap: int, lanes: str = "lanes", pairs: int = 16) -> np.ndarray:
    """Lanes of the recall study; lanes: lanes, others, 200 steps or 800 steps."""
    return np.array(study("recall")["kinds"][kind][lanes][f"{pairs} pairs, gap {gap}"])


def variant(name: str, gap: int, pairs: int = 16) -> np.ndarray:
    """Lanes of a memory that practised without one of its parts."""
    return np.array(study("controls")["variants"][name]["lanes"][f"{pairs} pairs, gap {gap}"])


def gated(rival: str, pairs: int, asked: str = "last", world: str = "new") -> np.ndarray:
    """Lanes of a memory 32 wide that nobody trained; asked: last, first or all."""
    recall = study("gates")["worlds"][world]["32"]["recall"]
    return np.array(recall[asked][str(pairs)][rival]["lanes"])


def answered(what: str, kind: str = "MAG", lanes: str = "lanes") -> np.ndarray:
    """Lanes of what is answered after values changed, such as "changed, after 7"."""
    return np.array(study("surprise")[lanes][kind]["answers"][what])


def answered_after_practice(what: str, kind: str) -> np.ndarray:
    """The same of networks that practised on texts in which values change."""
    return np.array(study("surprise")["changing"][kind]["lanes"][what])


def surprised(part: str, what: str, kind: str = "MAG") -> np.ndarray:
    """Lanes of what was watched: part is showings, others, gates or distractors."""
    return np.array(study("surprise")["lanes"][kind][part][what])


def silent(rival: str, task: str, α: int = 0, fade: str = "zero") -> np.ndarray:
    """Lanes of the relative error of a deep memory or a rival, at the so manieth α."""
    return np.array(study("deep")["forgetting"][task][rival][fade][α]["lanes"]["error"])


RIVALS = {"delta": "error rule", "delta, forgetting": "error rule + forgetting",
          "slow": "slow writer", "slow, forgetting": "slow writer + forgetting",
          "Hebbian": "plain sum", "Hebbian, forgetting": "plain sum + forgetting"}  # fmt: skip


def forgetting(guess=None, title: str | None = None) -> Figure:
    """What each way to write knows without forgetting (hollow) and with it (filled), d = 32.

    guess  of the last 16 of 1024 pairs, a line in the first panel
    """
    writers = {rival: (rival, f"{rival}, forgetting", RIVALS[rival])
               for rival in ("delta", "slow", "Hebbian")}  # fmt: skip
    return kernel_memory.forgetting(d="32", writers=writers, guess=guess, title=title)


def reach(guess=None, guess_at: int = 128, title: str | None = None) -> Figure:
    """Recall by gap: window and memory, memory alone, window, full attention, and controls.

    guess_at  the gap that the guess is about: 32, 128, 512 or 2048
    """
    names = {"full": "full attention", "MAG": "window and memory", "memory": "memory alone",
             "window": "window of 16"}  # fmt: skip
    lines = {words: np.stack([recalled(kind, gap) for gap in GAPS], axis=1)
             for kind, words in names.items()}
    plain = [variant("no error correction", gap) for gap in GAPS]
    lines["plain sum, practised"] = np.stack(plain, axis=1)
    return far_recall.gap_curves(GAPS, lines, chance=CHANCE, trained=TRAINED,
                                 guesses={guess_at: guess}, title=title)


ALONE = "memory alone"
SURPRISE = "surprise: length of the error"
EVERY = {  # row: network, where its lanes are
    ALONE: ("kinds", "memory"),
    "practised to gaps of 255": ("long", "memory"),
    "plain sum, no error": ("variants", "no error correction"),
    "constant gates": ("variants", "constant gates"),
    "no momentum": ("variants", "no momentum"),
    "no forgetting": ("variants", "no forgetting"),
    "queries of its own": ("variants", "queries of its own"),
    "window and memory": ("kinds", "MAG"),
    "both, to 255": ("long", "MAG"),
    "window of 32": ("variants", "window of 32"),
    "GRU of 27": ("variants", "GRU of 27"),
    "full attention": ("kinds", "full"),
}


def habits(title: str | None = None) -> Figure:
    """Surprise, the length of the error, by showing, after a change, and of what is never known."""
    lanes = {f"showing {n}": surprised("showings", f"error, showing {n}") for n in (1, 2, 3, 7)}
    lanes["known, once more"] = surprised("others", "error, the same once more")
    lanes["never seen"] = surprised("others", "error, pairs never seen")
    lanes["value changed"] = surprised("showings", "error, then changed")
    lanes["fillers"] = surprised("gates", "error of filler")
    return general.bars(lanes, ylabel=SURPRISE, title=title)


TOKENS = {"pair, new": "new", "pair, seen before": "again", "pair, changed": "changed",
          "question": "question", "filler": "filler"}  # fmt: skip


def gates(guess=None, title: str | None = None) -> Figure:
    """How far θ, η and α open for each kind of token, after practice (window and memory)."""
    found = {gate: {words: surprised("gates", f"{gate} of {kind}")
                    for words, kind in TOKENS.items()} for gate in "θηα"}  # fmt: skip
    return openings.writing(found, guess=guess, title=title)


def of_variant(where: str, name: str, gap: int) -> np.ndarray:
    """Lanes of a row of `every_control`."""
    if where == "kinds":
        return recalled(name, gap)
    return np.array(study("controls")[where][name]["lanes"][f"16 pairs, gap {gap}"])


def every_control(gaps=(512, 2048), title: str | None = None) -> Figure:
    """A memory alone, what was taken from it or put in its place: recall over far gaps."""
    found = {words: np.stack([of_variant(*place, gap) for gap in gaps], axis=1)
             for words, place in EVERY.items()}  # fmt: skip
    return far_recall.architectures(found, gaps, chance=CHANCE, title=title)


CHANGES = {"after one showing": 1, "after seven": 7}


def after_a_change(title: str | None = None) -> Figure:
    """New and old values among the answers, as practised, and practised on changes."""
    def both(read, kind: str, n: int) -> dict[str, np.ndarray]:
        return {"new": read(f"changed, after {n}", kind),
                "old": read(f"old value of the changed, after {n}", kind)}  # fmt: skip

    rule, plain = "memory", "no error correction"
    found = {head: {"error rule": both(answered, rule, n),
                    "plain sum": both(answered, plain, n),
                    "error rule, practised on changes": both(answered_after_practice, rule, n),
                    "plain sum, practised on changes": both(answered_after_practice, plain, n)}
             for head, n in CHANGES.items()}  # fmt: skip
    return remembering.after_a_change(found, chance=CHANCE, title=title)


def layouts_compared(title: str | None = None) -> Figure:
    """MAC, MAG, MAL and memory alone after 400 and 800 steps of practice."""
    found = {f"{kind}, {words}":
             np.stack([recalled(kind, gap, part) for gap in FAR], axis=1)
             for kind in ("MAC", "MAG", "MAL", "memory")
             for words, part in (("400 steps", "lanes"), ("800 steps", "800 steps"))}
    return far_recall.architectures(found, FAR, chance=CHANCE, title=title)


LEARNERS = {
    "memory, random core": "memory, random core", "memory, learnt core": "memory, learnt core",
    "memory, learnt core, held gates": "its gates held",
    "class means of its keys": "class means of its keys", "fine-tuning": "fine-tuning",
    "replay of 20": "replay of 20 images", "class means": "class means of pixels",
    "ridge": "ridge",
}  # fmt: skip


def as_a_learner(world: str = "all ten digits", title: str | None = None) -> Figure:
    """Digits in pairs, one pass: the memory with its cores, and learners of lesson 05."""
    lanes = study("stream")["lanes"][world]
    return general.bars({words: np.array(lanes[name]) for name, words in LEARNERS.items()},
                        ylabel="accuracy at the end",
                        floor={"all ten digits": 0.1, "four new digits": 0.25}[world], title=title)
