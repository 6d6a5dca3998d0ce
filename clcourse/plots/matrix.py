"""The accuracy matrix as a heat map: what was learnt when, and what is left of it."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from clcourse.errors import CourseError
from clcourse.plots.figure import PAPER, Figure, in_style, look, number, sheet
from clcourse.plots.labels import headline, luminance, settle, shortened, widest, wrapped
from clcourse.plots.reading import matrices, said, seeds_in_words


@in_style
def accuracy_matrix(*histories, names=None, title: str | None = None) -> Figure:
    """Accuracy on every experience (columns) after learning each (rows), a heat map a learner.

    histories  histories, or arrays (seeds, T, T); cells show the mean over seeds
    names      what to call the learners
    The sentence gives mean (sd over seeds) of the diagonal (just learnt), of the last row (all at
    the end) and of the last row without its last entry (the earlier ones at the end).
    """
    if names is None:
        names = [f"learner {k + 1}" if len(histories) > 1 else "" for k in range(len(histories))]
    names = [str(name) for name in names]
    if not histories or len(names) != len(histories):
        raise CourseError(
            f"accuracy_matrix got {len(histories)} histories and {len(names)} names; expected at "
            "least one history and a name for each: try accuracy_matrix(before, after)."
        )
    read = [matrices(one, f"history {k + 1}") for k, one in enumerate(histories)]
    picture, drawn = _panels(read, names)
    headline(picture, title)
    side = settle(picture)
    for panel, (R, tasks), name in drawn:
        _numbers(panel, R.mean(axis=0), side)
        _columns(panel, tasks, side)
        panel.set_title(wrapped(name, side, look().type), loc="left")
    settle(picture)
    parts = [f"{name} {_in_words(R)}".strip() for _, (R, _), name in drawn]
    seeds = seeds_in_words([len(R) for R, _ in read])
    sd = " (sd)" if any(len(R) > 1 for R, _ in read) else ""
    return Figure(picture, said(title, f"accuracy, mean{sd} over {seeds}: {'; '.join(parts)}."))


def _panels(read: list, names: list[str]) -> tuple:
    """The picture, and a heat map for each (matrix, tasks) of `read`: (axes, read, name)."""
    columns = min(len(read), 3)
    rows = -(-len(read) // columns)
    picture, panels = sheet(1.3 + 2.6 * columns, nrows=rows, ncols=columns)
    panels = list(panels.flat)
    for panel in panels[len(read) :]:
        panel.set_axis_off()
    drawn = list(zip(panels, read, names, strict=False))
    for k, (panel, (R, tasks), _) in enumerate(drawn):
        named = k % columns == 0 or tasks != read[k - 1][1]
        _heat_map(panel, R.mean(axis=0), tasks, rows_named=named)
    if max(len(tasks) for _, tasks in read) > 10:
        _colour_bar(picture, panels)
    return picture, drawn


def _shown(tasks: list[str]) -> np.ndarray:
    """Which experiences are named at the edge: all up to ten."""
    return np.arange(0, len(tasks), 1 + (len(tasks) - 1) // 10)


def _numbered(tasks: list[str]) -> bool:
    """Whether names are too long for columns, which then get numbers, and the rows both."""
    words = [word for k in _shown(tasks) for word in tasks[k].split()]
    return widest(words, 0.82 * look().type) > 2.0 * look().size / len(_shown(tasks))


def _heat_map(axes: Axes, mean: np.ndarray, tasks: list[str], rows_named: bool) -> None:
    """One matrix with the names of its rows."""
    T, small = len(tasks), 0.82 * look().type
    axes.pcolormesh(mean, cmap="cividis", vmin=0, vmax=1, edgecolors=PAPER,
                    linewidth=0.7 * look().type / T if T <= 10 else 0)
    axes.set(xlim=(0, T), ylim=(T, 0), xlabel="tested on", yticks=[])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if rows_named:
        names = [f"{k + 1}  {tasks[k]}" if _numbered(tasks) else tasks[k] for k in _shown(tasks)]
        words = [shortened(name, 1.5 * look().size, small) for name in names]
        axes.set_yticks(_shown(tasks) + 0.5, words, fontsize=small)
        axes.set_ylabel("after learning")


def _columns(axes: Axes, tasks: list[str], side: float) -> None:
    """The names of the columns, or their numbers."""
    shown, small = _shown(tasks), 0.82 * look().type
    slot = 0.95 * side / len(shown)
    words = [str(k + 1) if _numbered(tasks) else wrapped(tasks[k], slot, small) for k in shown]
    axes.set_xticks(shown + 0.5, words, fontsize=small)


def _numbers(axes: Axes, mean: np.ndarray, side: float) -> None:
    """The numbers in the cells, in black or white, where there is room for them."""
    T = len(mean)
    if T > 10:
        return
    size = min(0.95 * look().type, 72 * side / T / 2.9)  # a number is 2.3 times as wide as high
    for (i, j), value in np.ndenumerate(mean):
        light = luminance(to_hex(axes.collections[0].to_rgba(value)))
        axes.text(j + 0.5, i + 0.5, number(value), ha="center", va="center", fontsize=size,
                  color="white" if light < 0.179 else "black")  # the better contrast


def _colour_bar(picture, panels) -> None:
    """What the colours mean, where there is no room for numbers."""
    bar = picture.colorbar(panels[0].collections[0], ax=panels, ticks=[0, 0.5, 1], shrink=0.6)
    bar.set_label("accuracy")
    bar.outline.set_visible(False)


def _in_words(R: np.ndarray) -> str:
    """Just learnt, all at the end, earlier ones at the end."""
    parts = {"just learnt": R.diagonal(axis1=1, axis2=2).mean(axis=1),
             "all at the end": R[:, -1].mean(axis=1)}
    if R.shape[1] > 1:
        parts["earlier ones at the end"] = R[:, -1, :-1].mean(axis=1)
    return ", ".join(f"{what} {_mean_and_sd(lanes)}" for what, lanes in parts.items())


def _mean_and_sd(lanes: np.ndarray) -> str:
    """ "0.97 (0.01)"; one lane has no standard deviation. """
    sd = f" ({number(lanes.std(ddof=1))})" if len(lanes) > 1 else ""
    return number(lanes.mean()) + sd
