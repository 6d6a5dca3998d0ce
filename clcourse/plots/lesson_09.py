"""Lesson 09: three ways to put a memory beside a window of attention, and what was claimed."""

from __future__ import annotations

import functools

import numpy as np

from clcourse.metrics import Estimate
from clcourse.plots import general, one_memory
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
from clcourse.plots.reading import minus, said, whole
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
    """Of 1024 pairs, the last 16: what each rival knows, with and without forgetting."""
    lanes = {words: gated(rival, 1024) for rival, words in RIVALS.items()}
    return general.bars(lanes, ylabel="known of the last 16", floor=1 / 32, guess=guess,
                        title=title)


def reach(guess=None, title: str | None = None) -> Figure:
    """Recall by gap: window and memory, memory alone, window, full attention, and controls."""
    names = {"full": "full attention", "MAG": "window and memory", "memory": "memory alone",
             "window": "window of 16"}  # fmt: skip
    lines = {words: np.stack([recalled(kind, gap) for gap in GAPS], axis=1)
             for kind, words in names.items()}
    plain = [variant("no error correction", gap) for gap in GAPS]
    lines["plain sum, practised"] = np.stack(plain, axis=1)
    return one_memory.gap_curves(GAPS, lines, chance=CHANCE, trained=TRAINED,
                                 guesses={128: guess}, title=title)


def habits(title: str | None = None) -> Figure:
    """Surprise of a pair by showing, after its value changed, and of pairs never seen."""
    lanes = {f"showing {n}": surprised("showings", f"surprise, showing {n}") for n in (1, 2, 3, 7)}
    lanes["known, once more"] = surprised("others", "surprise, the same once more")
    lanes["never seen"] = surprised("others", "surprise, pairs never seen")
    lanes["value changed"] = surprised("showings", "surprise, then changed")
    lanes["fillers"] = surprised("gates", "surprise of filler")
    return general.bars(lanes, ylabel="surprise", title=title)


def layouts_compared(title: str | None = None) -> Figure:
    """MAC, MAG, MAL and memory alone after 400 and 800 steps of practice."""
    found = {f"{kind}, {words}":
             np.stack([recalled(kind, gap, part) for gap in FAR], axis=1)
             for kind in ("MAC", "MAG", "MAL", "memory")
             for words, part in (("400 steps", "lanes"), ("800 steps", "800 steps"))}
    return one_memory.architectures(found, FAR, chance=CHANCE, title=title)


LEARNERS = {"memory, random core": "memory, random core", "memory, learnt core": "memory, learnt core",
            "memory, learnt core, held gates": "its gates held", "class means of its keys":
            "class means of its keys", "fine-tuning": "fine-tuning", "replay of 20":
            "replay of 20 images", "class means": "class means of pixels", "ridge": "ridge"}  # fmt: skip


def as_a_learner(world: str = "all ten digits", title: str | None = None) -> Figure:
    """Digits in pairs, one pass: the memory with its cores, and learners of lesson 05."""
    lanes = study("stream")["lanes"][world]
    return general.bars({words: np.array(lanes[name]) for name, words in LEARNERS.items()},
                        ylabel="accuracy at the end",
                        floor={"all ten digits": 0.1, "four new digits": 0.25}[world], title=title)


def effects() -> dict[str, tuple[str, Estimate]]:
    """Every statement of the lesson that is judged: whose it is, and its effect over lanes."""
    return _of_reach() | _of_surprise() | _of_gates()


def _of_reach() -> dict[str, tuple[str, Estimate]]:
    """Claims about how far a memory recalls."""
    notebook, lesson = "our test of “a giant notebook”", "this lesson"
    return {
        "16 pairs, 32 fillers: with the memory more is recalled than with the window alone":
            ("our test of “gone”", minus(recalled("MAG", 32), recalled("window", 32))),
        "512 fillers, 8 times the longest practised: more than chance":
            (notebook, whole(recalled("MAG", 512) - CHANCE)),
        "2,048 fillers: full attention recalls more than the memory":
            (notebook, minus(recalled("full", 2048), recalled("MAG", 2048))),
        "64 pairs in a memory 32 wide: full attention recalls more":
            (notebook, minus(recalled("full", 32, pairs=64), recalled("MAG", 32, pairs=64))),
        "512 fillers: the error rule recalls more than a plain sum, both practised":
            (lesson, minus(recalled("memory", 512), variant("no error correction", 512))),
        "512 fillers: gates that look at the token recall more than constant ones":
            (lesson, minus(recalled("memory", 512), variant("constant gates", 512))),
        "512 fillers: with momentum more is recalled than without":
            (lesson, minus(recalled("memory", 512), variant("no momentum", 512))),
        "2,048 fillers, 800 steps of practice: MAC recalls more than MAG":
            (lesson, minus(recalled("MAC", 2048, "800 steps"), recalled("MAG", 2048, "800 steps"))),
    }  # fmt: skip


def _of_surprise() -> dict[str, tuple[str, Estimate]]:
    """Claims about what surprises, and what is then said."""
    adjusts = "our test of “adjusting its expectations”"
    known = surprised("others", "surprise, the same once more")
    return {
        "Shown seven times, a pair surprises less than one never seen (share of the latter)":
            ("this lesson", whole(1 - known / surprised("others", "surprise, pairs never seen"))),
        "Shown once, then changed: the new value is answered more often than the old":
            (adjusts, minus(answered("changed, after 1"),
                            answered("old value of the changed, after 1"))),
        "Shown seven times, then changed once: the new value more often than the old":
            (adjusts, minus(answered("changed, after 7"),
                            answered("old value of the changed, after 7"))),
        "Practised on changes, one showing: the error rule gives more new values than a plain sum":
            ("this lesson", minus(answered_after_practice("changed, after 1", "memory"),
                                  answered_after_practice("changed, after 1",
                                                          "no error correction"))),
    }  # fmt: skip


def _of_gates() -> dict[str, tuple[str, Estimate]]:
    """Claims about forgetting and depth, in memories that nobody trained."""
    lesson = "this lesson"
    return {
        "The last 16 of 1,024 pairs: forgetting helps a plain sum":
            (lesson, minus(gated("Hebbian, forgetting", 1024), gated("Hebbian", 1024))),
        "The last 16 of 1,024 pairs: forgetting helps the error rule at its best θ":
            (lesson, minus(gated("delta, forgetting", 1024), gated("delta", 1024))),
        "Bent task, error: a deep memory errs less than a matrix of as many numbers":
            (lesson, minus(silent("matrix, fixed features", "bent"), silent("MLP", "bent"))),
    }  # fmt: skip
