"""Lesson 09, the memory without training: gates, depth and what a step costs, as stored."""

from __future__ import annotations

import functools

import numpy as np
from matplotlib.ticker import NullFormatter

from clcourse.metrics import Estimate
from clcourse.plots.figure import (
    BLACK,
    BLUE,
    GREEN,
    VERMILLION,
    Figure,
    Mark,
    in_style,
    look,
    number,
    sheet,
)
from clcourse.plots.general import note
from clcourse.plots.labels import End, end_labels, headline, settle
from clcourse.plots.openings import across
from clcourse.plots.reading import estimate_in_words, said, whole
from clcourse.results import load

TALL = 2.3  # inches
WRITERS = {  # without forgetting, with it, how it is called
    "delta": ("delta", "delta, forgetting", "delta rule, best θ"),
    "forced": ("delta", "delta, α = 0.03", "the same, α = 0.03 forced"),
    "little": ("momentum 0.3", "momentum 0.3, forgetting", "momentum 0.3"),
    "much": ("momentum 0.9", "momentum 0.9, forgetting", "momentum 0.9"),
    "slow": ("slow", "slow, forgetting", "slow writer, θ = 0.1"),
    "Hebbian": ("Hebbian", "Hebbian, forgetting", "Hebbian, no error"),
}
CELLS = (("new", "last", "1024"), ("new", "all", "64"), ("changing", "all", "1024"))
ASKED = {("new", "last"): "the last 16 of {} pairs", ("new", "first"): "the first 16 of {} pairs",
         ("new", "all"): "all {} pairs", ("changing", "last"): "the last 16 of {}, keys return",
         ("changing", "all"): "newest values after {}"}  # fmt: skip


@functools.cache
def study(name: str) -> dict:
    """A stored study, read once."""
    return load(f"09_{name}")


def recall(kind: str, question: str, length: str, rival: str, d: str = "16") -> Estimate:
    """What a rival recalls at its best setting."""
    return whole(study("gates")["worlds"][kind][d]["recall"][question][length][rival]["lanes"])


@in_style
def forgetting(cells=CELLS, d: str = "16", title: str | None = None, *, writers=WRITERS,
               guess=None) -> Figure:  # fmt: skip
    """Recall without forgetting (hollow) and at the best α (filled), for each way to write.

    guess  a line in the first panel
    """
    picture, (panels,) = sheet(3.3 * len(cells) + 0.8, ncols=len(cells), sharey=True)
    parts = []
    for axes, (kind, question, length) in zip(panels, cells, strict=True):
        rows = []
        for row, (without, having, name) in enumerate(writers.values()):
            pair = [recall(kind, question, length, rival, d) for rival in (without, having)]
            axes.plot([one.value for one in pair], [row, row], color=BLUE, alpha=0.4)
            for one, fill, size in zip(pair, ("white", BLUE), (2.4, 1.6), strict=True):
                axes.plot([one.low, one.high], [row, row], color=BLUE, linewidth=look().line / 2)
                axes.plot(one.value, row, "o", markerfacecolor=fill, markeredgecolor=BLUE,
                          markersize=size * look().dot, zorder=3, clip_on=False)
            rows.append(f"{name} {number(pair[0].value)} to {estimate_in_words(pair[1])}")
        axes.axvline(1 / 32, color=BLACK, linestyle=(0, (1, 2)), linewidth=look().line / 2)
        words = ASKED[kind, question].format(length)
        axes.set(xlim=(0, 1), xlabel=two_lines(words), xticks=[0, 0.5, 1],
                 ylim=(len(writers) - 0.5, -0.5))
        axes.grid(axis="x")
        parts.append(f"{words}: {'; '.join(rows)}")
    panels[0].set_yticks(range(len(writers)), [name for *_, name in writers.values()])
    forced = " (or the one forced)" if "forced" in writers else ""
    note(panels[0], f"hollow: α = 0;  filled: best α of the search{forced};  line: 95 % "
                    f"interval of {study_seeds('gates')} lanes;  dotted: chance")
    headline(picture, title)
    settle(picture, (0.6 + 0.28 * len(writers)) * look().size)
    across(panels[0], guess, len(writers))
    return Figure(picture, said(title, "recall without forgetting, and with it (mean [95 % "
                                       f"interval] over {study_seeds('gates')} lanes, keys of "
                                       f"{d} numbers). {'. '.join(parts)}."))


def two_lines(words: str) -> str:
    """The words with a break near their middle."""
    breaks = [place for place, letter in enumerate(words) if letter == " "]
    at = min(breaks, key=lambda place: abs(place - len(words) / 2), default=0)
    return words[:at] + "\n" + words[at + 1 :] if breaks else words


def study_seeds(name: str) -> int:
    """How many lanes are reported."""
    return len(study(name)["settings"]["seeds"])


@in_style
def stable(title: str | None = None) -> Figure:
    """The largest θ at which the memory stays finite, by momentum η."""
    found, looks = study("gates")["stable"], {
        ("one key", "0.0"): ("one key, again and again", Mark(BLACK, "s", (0, (5, 1.5)))),
        ("random", "0.05"): ("changing keys, α = 0.05", Mark(GREEN, "^", (0, (1, 1.2)))),
        ("random", "0.0"): ("changing keys, α = 0", Mark(BLUE, "o", "-")),
    }  # fmt: skip
    picture, ((axes,),) = sheet(7.2)
    ends, parts = [], []
    for (kind, α), (name, (colour, marker, dashes)) in looks.items():
        by = {float(η): whole(one["seeds"]) for η, one in found[kind][α].items()}
        θ = [one.value for one in by.values()]
        axes.plot(list(by), θ, color=colour, marker=marker, linestyle=dashes, clip_on=False)
        ends.append(End(θ[-1], name, colour, dashes))
        parts.append(f"{name}: " + ", ".join(f"η {η:g} {number(one.value)}"
                                             for η, one in by.items()))  # fmt: skip
    axes.set(xlim=(0, 0.95), xlabel="momentum η", ylabel="largest stable θ", yscale="log",
             ylim=(0.08, 5), yticks=[0.1, 0.3, 1, 3])  # fmt: skip
    axes.set_yticklabels(["0.1", "0.3", "1", "3"])
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.grid(axis="y")
    was = study("gates")["settings"]["stable"]
    note(axes, f"mean of {study_seeds('gates')} lanes: no reading longer than {was['bound']:g} in "
               f"{was['T']} tokens;  θ in steps of 7 %")
    headline(picture, title)
    settle(picture, TALL * look().size)
    end_labels(axes, ends)
    return Figure(picture, said(title, f"largest θ that stays finite. {'; '.join(parts)}."))


@in_style
def step(title: str | None = None) -> Figure:
    """What is kept, and how long one more token takes, against the tokens before it."""
    found = study("cost")
    lengths, rounds = found["settings"]["lengths"], found["steps"]
    picture, (panels,) = sheet(10.2, ncols=2)
    best = np.minimum(rounds["fused"], rounds["plain"])
    unit = np.median(rounds["memory"])
    lines = {"attention, cached": (np.median(best, axis=1) / unit, VERMILLION, (0, (5, 1.5))),
             "memory, as the course writes it": (np.median(rounds["token loop"], axis=1) / unit,
                                                 GREEN, (0, (1, 1.2))),
             "memory, in four operations": (np.median(rounds["memory"], axis=1) / unit, BLUE, "-")}
    for _, (times, colour, dashes) in lines.items():
        panels[1].plot(lengths, times, color=colour, linestyle=dashes)
    kept = found["bytes"]["here"]
    cache = np.array(kept["cache"]) / 1024
    panels[0].plot(lengths, cache, color=VERMILLION, linestyle=(0, (5, 1.5)))
    panels[0].plot(lengths, [kept["memory"] / 1024] * len(lengths), color=BLUE)
    panels[0].set(ylabel="KB kept", ylim=(1, 3e4), yticks=[1, 100, 10_000])
    panels[1].set(ylabel="one more token,\ntimes the memory's", ylim=(0.5, 200),
                  yticks=[1, 10, 100])
    for axes, names in zip(panels, (["1", "100", "10,000"], ["1", "10", "100"]), strict=True):
        _lengths(axes, lengths)
        axes.set(yscale="log")
        axes.set_yticks([float(name.replace(",", "")) for name in names], names)
        axes.yaxis.set_minor_formatter(NullFormatter())
    note(panels[0], f"one head of width {found['settings']['d']};  medians of "
                    f"{found['settings']['rounds']} interleaved rounds on one core")
    headline(picture, title)
    settle(picture, TALL * look().size)
    end_labels(panels[1], [End(times[-1], name, colour, dashes)
                           for name, (times, colour, dashes) in lines.items()])
    fits = found["fits"]
    return Figure(picture, said(title, (
        f"bytes kept at {lengths[-1]} tokens: cache {kept['cache'][-1]}, memory {kept['memory']}, "
        f"equal at {kept['equal at']:g} tokens. One more token: attention takes "
        f"{_range(fits['attention, shortest to memory'])} times the memory's at {lengths[0]} "
        f"tokens and {_range(fits['attention, longest to memory'], 0)} times at {lengths[-1]}; the "
        f"course's token loop is dearer than attention up to "
        f"{_range(fits['crossing, token loop'], 0)} tokens.")))


@in_style
def reading(title: str | None = None) -> Figure:
    """How long a whole text takes: full attention, a window of it, and the memory by chunks."""
    found = study("cost")
    lengths = found["settings"]["prefill"]
    unit = np.median(found["texts"]["memory"][0])
    picture, ((axes,),) = sheet(7.2)
    looks = {"full attention": Mark(VERMILLION, "v", (0, (5, 1.5))),
             "memory": Mark(BLUE, "o", "-"), "window": Mark(GREEN, "s", (0, (1, 1.2)))}
    ends, parts = [], []
    for side, (colour, marker, dashes) in looks.items():
        times = np.median(found["texts"][side], axis=1) / unit
        name = f"window of {found['settings']['window']}" if side == "window" else side
        axes.plot(lengths, times, color=colour, marker=marker, linestyle=dashes, clip_on=False)
        ends.append(End(times[-1], name, colour, dashes))
        parts.append(f"{name} {_range(found['fits'][f'power, {side}'])}")
    axes.set(yscale="log", ylabel=f"whole text, times\nmemory's {lengths[0]}")
    axes.set_yticks([0.1, 1, 10, 100], ["0.1", "1", "10", "100"])
    axes.yaxis.set_minor_formatter(NullFormatter())
    _lengths(axes, lengths)
    note(axes, f"medians of {found['settings']['prefill_rounds']} interleaved rounds on one core, "
               "without projections")
    headline(picture, title)
    settle(picture, TALL * look().size)
    end_labels(axes, ends)
    return Figure(picture, said(title, (
        f"the time for a text grows with this power of its length: {'; '.join(parts)}. The memory "
        f"is dearer than full attention up to {_range(found['fits']['reading, crossing'], 0)} "
        f"tokens, and {_range(found['fits']['reading, memory to window'], 1)} times as dear as the "
        f"window at {lengths[-1]}.")))


def _lengths(axes, lengths) -> None:
    """A logarithmic axis of tokens."""
    few = [length for length in lengths if length in (16, 256, 1024, 4096, 16384, 65536)]
    few = few if len(few) < 5 else [16, 1024, 65536]
    axes.set(xscale="log", xlim=(lengths[0] / 1.3, lengths[-1]), xlabel="tokens")
    axes.set_xticks(few, [f"{one:,}" for one in few])
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(axis="y")


def _range(one: dict, digits: int = 2) -> str:
    """ "1.92 (1.90 to 1.94)"."""
    value, low, high = (f"{one[key]:.{digits}f}" for key in ("value", "low", "high"))
    return f"{value} ({low} to {high})"
