"""Methods at equal bytes: replay, what needs no network, and a life of one after another."""

from __future__ import annotations

import numpy as np

from clcourse.plots.figure import (
    BLACK,
    BLUE,
    DASHES,
    GREEN,
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
from clcourse.plots.labels import End, end_labels, headline, mark_guess, settle
from clcourse.plots.lesson_05 import _sizes, mark, study
from clcourse.plots.reading import estimate_in_words, whole


def bytes_of() -> dict[str, dict[float, list[float]]]:
    """{kind: {bytes in all: lanes}}, class-incremental."""
    found: dict = {"replay": replay_by_bytes()}
    for name, one in study("floors")["found"]["class"].items():
        kind = name.split()[0] if name[-1].isdigit() else name
        found.setdefault(kind, {})[one["bytes"]] = one["accuracy"]
    return found


def replay_by_bytes() -> dict[int, list[float]]:
    """{bytes in all: lanes} of the networks with replay that no smaller one equals.

    Of 10, 20, 50 and 100 hidden units; which ones are shown was decided by the validation pictures
    of the lanes on which their rates were chosen, too.
    """
    memories = study("memory")
    rows = []
    for hidden, sizes in ({"100": memories["reservoir"]} | memories["small networks"]).items():
        weights = 4 * (int(hidden) * (64 + 1 + 10) + 10)  # four bytes each
        rows += [(weights + one["bytes"], max(one["by_lr"].values()), one["accuracy"])
                 for one in sizes.values()]
    shown, best = {}, 0.0
    for size, validation, lanes in sorted(rows, key=lambda row: row[0]):
        if validation > best:
            shown[size], best = lanes, validation
    return shown


@in_style
def equal_bytes(title: str | None = None) -> Figure:
    """Accuracy by everything that must be stored: weights, sums, examples."""
    picture, ((axes,),) = sheet(7.8)
    ends, parts = [], []
    for kind, points in bytes_of().items():
        style = ALONE.get(kind, mark(kind))
        sizes, means = list(points), [np.mean(lanes) for lanes in points.values()]
        axes.plot([size / 1000 for size in sizes], means, color=style.colour,
                  linestyle=style.dashes, marker=style.marker, clip_on=False, zorder=3)
        parts.append(f"{kind} " + ", ".join(f"{number(one)} at {size / 1000:.0f} kB" for one, size
                                            in zip(means, sizes, strict=True)))
        if len(sizes) > 1:
            ends.append(End(means[-1], NAMES[kind], style.colour, style.dashes))
        else:
            axes.annotate(kind, (sizes[0] / 1000, means[0]), xytext=(-0.6, 0.6), ha="right",
                          textcoords="offset fontsize", color=INK, fontsize=0.9 * look().type)
    _sizes(axes, [1, 10, 100, 1000, 10000], "everything that is stored, kB")
    note(axes, "mean of 20 seeds; class-incremental digits")
    headline(picture, title)
    settle(picture, 2.6 * look().size)
    end_labels(axes, ends)
    return Figure(picture, f"Accuracy on all ten digits by kilobytes stored in all, mean of 20 "
                           f"seeds: {'; '.join(parts)}.")


ALONE = {"LDA": Mark(PURPLE, "D", DASHES[2]), "class means": Mark(PURPLE, "P", DASHES[2])}
NAMES = {"replay": "network with replay", "nearest": "nearest neighbour",
         "ridge": "ridge on random features"}
WAYS = {"naive": "new only", "blend 1280": "blend, a tenth kept", "blend all": "blend, all kept",
        "warm start": "all, weights kept", "scratch": "all, from scratch"}
STROKES = {"naive": Mark(BLACK, "X", DASHES[4]), "blend 1280": Mark(ORANGE, "v", DASHES[5]),
           "blend all": Mark(BLUE, "o", DASHES[0]), "warm start": Mark(GREEN, "D", DASHES[3]),
           "scratch": Mark(PURPLE, "s", DASHES[1])}


@in_style
def life(guess=None, title: str | None = None) -> Figure:
    """Ten updates: accuracy on all ten orders at the end, by the bill of the whole life."""
    found = study("cost")["life"]
    picture, ((axes,),) = sheet(7.8)
    ends, parts = [], []
    for way, style in STROKES.items():
        bills = [one["examples"] / 1000 for one in found[way].values()]
        read = [whole(one["accuracy"]) for one in found[way].values()]
        if way != "naive":  # far below: a note says it
            axes.fill_between(bills, [one.low for one in read], [one.high for one in read],
                              color=style.colour, alpha=0.2, linewidth=0)
            axes.plot(bills, [one.value for one in read], color=style.colour, zorder=3,
                      linestyle=style.dashes, marker=style.marker, clip_on=False)
            ends.append(End(read[-1].value, WAYS[way], style.colour, style.dashes))
        parts.append(f"{WAYS[way]} " + ", ".join(f"{estimate_in_words(one)} for {bill:.0f}"
                                                 for one, bill in zip(read, bills, strict=True)))
    _sizes(axes, [30, 100, 300, 1000, 3000], "examples shown in the whole life, thousands")
    axes.set(xlim=(20, 3000), ylim=(0.8, 1), yticks=np.linspace(0.8, 1, 5))
    only = number(np.mean(found["naive"]["5"]["accuracy"]))
    note(axes, f"line: mean of 20 seeds;  band: its 95 % interval;  far below: new only, {only}")
    headline(picture, title)
    settle(picture, 2.6 * look().size)
    end_labels(axes, ends + mark_guess(axes, guess))
    return Figure(picture, f"Accuracy on ten pixel orders after the last, mean [95 % interval] "
                           f"over 20 seeds, by thousands of examples shown: {'; '.join(parts)}.")


@in_style
def update(title: str | None = None) -> Figure:
    """One update of a network that knows five orders: what old examples in each batch buy."""
    found = study("cost")["update"]
    counts = list(found["blend"])
    picture, ((axes,),) = sheet(7.8)
    ends, parts = [], []
    best = found["scratch"][list(found["scratch"])[-1]]
    for part, colour, dashes, marker in (("old", BLUE, DASHES[0], "o"),
                                         ("new", VERMILLION, DASHES[1], "s")):
        read = [whole(found["blend"][count][part]) for count in counts]
        axes.fill_between(range(len(counts)), [one.low for one in read],
                          [one.high for one in read], color=colour, alpha=0.2, linewidth=0)
        axes.plot([one.value for one in read], color=colour, linestyle=dashes, marker=marker,
                  clip_on=False, zorder=3)
        ends.append(End(read[-1].value, f"{part} order{'s' if part == 'old' else ''}", colour,
                        dashes))
        parts.append(f"{part} " + ", ".join(f"{estimate_in_words(one)} with {count}"
                                            for one, count in zip(read, counts, strict=True)))
    scratch = whole(np.add(best["old"], 0))
    axes.axhline(scratch.value, color=SOFT, linestyle=(0, (4, 3)), linewidth=0.5 * look().line)
    ends.append(End(scratch.value, f"old orders, retrained on all {number(scratch.value)}", SOFT))
    axes.set(xticks=range(len(counts)), xticklabels=counts, ylim=(0.6, 1),
             xlim=(0, len(counts) - 1), yticks=np.linspace(0.6, 1, 5), ylabel="accuracy",
             xlabel="old examples in each batch, beside 32 new ones")
    axes.grid(axis="y")
    note(axes, "line: mean of 20 seeds;  band: its 95 % interval")
    headline(picture, title)
    settle(picture, 2.4 * look().size)
    end_labels(axes, ends)
    return Figure(picture, f"Accuracy after one update, mean [95 % interval] over 20 seeds, by "
                           f"old examples beside 32 new ones: {'; '.join(parts)}; retrained on "
                           f"everything: old {estimate_in_words(scratch)}.")
