"""A memory that is an MLP: its collapse under forgetting, its mend, what depth earns."""

from __future__ import annotations

import numpy as np
from matplotlib.ticker import NullFormatter

from clcourse.metrics import Estimate
from clcourse.plots.figure import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    VERMILLION,
    Figure,
    Mark,
    in_style,
    look,
    sheet,
)
from clcourse.plots.general import note
from clcourse.plots.kernel_memory import TALL, study, study_seeds, two_lines
from clcourse.plots.labels import End, end_labels, headline, settle
from clcourse.plots.reading import estimate_in_words, said, whole

FADES = {  # of an MLP: fade, α: how it looks
    ("zero", "0.0"): ("α = 0", Mark(BLUE, "o", "-")),
    ("start", "0.001"): ("α = 0.001, to the start", Mark(GREEN, "s", (0, (5, 1.5)))),
    ("start", "0.01"): ("α = 0.01, to the start", Mark(GREEN, "s", (0, (1, 1.2)))),
    ("zero", "0.001"): ("α = 0.001, to zero", Mark(VERMILLION, "v", (0, (5, 1.5)))),
    ("zero", "0.01"): ("α = 0.01, to zero", Mark(VERMILLION, "v", (0, (1, 1.2)))),
}
MEMORIES = {  # how a memory is called, and looks
    "matrix": ("matrix, 256 weights", Mark(BLACK, "s", "-")),
    "small MLP": ("MLP, 256 weights", Mark(PURPLE, "v", (0, (6, 1.5, 1, 1.5)))),
    "matrix, fixed features": ("matrix on fixed random features, 2048",
                               Mark(GREEN, "D", (0, (5, 1.5)))),
    "MLP": ("MLP, 2048 weights", Mark(VERMILLION, "o", (0, (1, 1.2)))),
}  # fmt: skip
TASKS = {"linear": "v is a turn of k", "bent": "v is a network's answer to k",
         "changing": "the turn changes half-way"}  # fmt: skip


@in_style
def collapse(title: str | None = None) -> Figure:
    """The weights of an MLP memory and its error as it reads, with and without forgetting."""
    found, was = study("deep")["collapse"], study("deep")["settings"]["collapse"]
    picture, (panels,) = sheet(9.6, ncols=2)
    ends, parts = [], []
    for (fade, α), (name, (colour, _, dashes)) in FADES.items():
        one = found[fade][α]["seeds"]
        for axes, what in zip(panels, ("first layer", "error"), strict=True):
            course = np.mean(one[what], axis=0)
            tokens = was["chunk"] * was["every"] * np.arange(1, len(course) + 1)
            axes.plot(tokens, np.maximum(course, 1e-9), color=colour, linestyle=dashes)
        ends.append(End(course[-1], name, colour, dashes))
        late = estimate_in_words(whole(one["error, last quarter"]))
        left = np.mean(one["first layer"], axis=0)[-1]
        parts.append(f"{name} {late}, first layer at the end {left:.2g} of its start")
    panels[0].set(yscale="log", ylabel="first layer,\n1 at the start", ylim=(1e-9, 10),
                  yticks=[1e-8, 1e-4, 1])
    panels[0].set_yticklabels(["10⁻⁸", "10⁻⁴", "1"])
    panels[0].yaxis.set_minor_formatter(NullFormatter())
    panels[1].set(ylim=(0, 1.3), ylabel="error before\nit is told")
    for axes in panels:
        axes.set(xlim=(0, was["T"]), xticks=range(0, was["T"] + 1, was["T"] // 2), xlabel="tokens")
        axes.grid(axis="y")
    note(panels[0], f"mean of {study_seeds('deep')} lanes;  θ = {was['θ']:g} for every α;  "
                    "1 is the error of silence")
    headline(picture, title)
    settle(picture, TALL * look().size)
    end_labels(panels[1], ends, width=1.5)
    return Figure(picture, said(title, "error of an MLP memory in the last quarter (mean [95 % "
                                       f"interval] over {study_seeds('deep')} lanes): "
                                       f"{'; '.join(parts)}."))


def errors(task: str, rival: str, fade: str = "zero", of: str = "lanes") -> list[Estimate | None]:
    """The error at each α, at the setting that serves it best; None where it explodes."""
    rows = study("deep")["forgetting"][task][rival][fade]
    return [whole(row[of]["error"]) if row[of] else None for row in rows]


@in_style
def fading(task: str = "linear", title: str | None = None) -> Figure:
    """Error against α, every memory with θ and η of its own: an MLP dies, a matrix does not."""
    lines = {
        "MLP, to zero": (errors(task, "MLP"), Mark(VERMILLION, "v", (0, (1, 1.2)))),
        "MLP, to its start": (errors(task, "MLP", "start"), Mark(GREEN, "o", (0, (5, 1.5)))),
        "matrix": (errors(task, "matrix"), Mark(BLACK, "s", "-")),
        "matrix on fixed features": (errors(task, "matrix, fixed features"),
                                     Mark(ORANGE, "D", (0, (6, 1.5, 1, 1.5)))),
    }  # fmt: skip
    α, (picture, ((axes,),)) = study("deep")["settings"]["α"], sheet(7.2)
    ends, parts = [], []
    for name, (found, (colour, marker, dashes)) in lines.items():
        there = [place for place, one in enumerate(found) if one]
        axes.plot(there, [found[place].value for place in there], color=colour, marker=marker,
                  linestyle=dashes, clip_on=False)
        ends.append(End(found[there[-1]].value, name, colour, dashes))
        parts.append(f"{name}: " + ", ".join(
            f"α {α[place]:g} {estimate_in_words(found[place])}" for place in there))  # fmt: skip
    axes.set(xticks=range(len(α)), xticklabels=[f"{one:g}" for one in α], xlim=(0, len(α) - 1),
             ylim=(0, 1.05), xlabel="forgetting α",
             ylabel="error, last quarter\n(1: it says nothing)")
    axes.grid(axis="y")
    note(axes, f"{TASKS[task]};  mean of {study_seeds('deep')} lanes;  θ and η chosen for each α")
    headline(picture, title)
    settle(picture, TALL * look().size)
    end_labels(axes, ends)
    return Figure(picture, said(title, f"error where {TASKS[task]}. {'; '.join(parts)}."))


@in_style
def depth(title: str | None = None) -> Figure:
    """Error without forgetting, and pairs recalled, of memories of two sizes, flat and deep."""
    picture, (panels,) = sheet(10.2, ncols=3, sharey=True)
    shown = {name: [errors(task, rival)[0] for task in ("linear", "bent")]
             + [whole(study("deep")["pairs"]["8"][rival]["64"]["lanes"])]
             for rival, (name, _) in MEMORIES.items()}  # fmt: skip
    titles = ("error, v is a turn of k", "error, v is a network's", "recall of 64 pairs, shown 8x")
    for column, (axes, words) in enumerate(zip(panels, titles, strict=True)):
        for row, (name, (colour, marker, _)) in enumerate(MEMORIES.values()):
            one = shown[name][column]
            axes.plot([one.low, one.high], [row, row], color=colour)
            axes.plot(one.value, row, marker, color=colour, clip_on=False,
                      markersize=1.9 * look().dot)
        axes.set(xlim=(0, 1), xticks=[0, 0.5, 1], xlabel=two_lines(words),
                 ylim=(len(MEMORIES) - 0.5, -0.5))
        axes.grid(axis="x")
    panels[0].set_yticks(range(len(shown)), [name for name in shown])
    note(panels[0], f"mean and 95 % interval of {study_seeds('deep')} lanes, each at its best θ, η "
                    "and start, α = 0;  errors: left is better, recall: right is")
    headline(picture, title)
    settle(picture, 1.5 * look().size)
    parts = [f"{name}: " + ", ".join(f"{words} {estimate_in_words(one)}"
                                     for words, one in zip(titles, each, strict=True))
             for name, each in shown.items()]  # fmt: skip
    return Figure(picture, said(title, f"memories without forgetting. {'; '.join(parts)}."))
