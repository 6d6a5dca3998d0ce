"""What is answered after a value has changed: the new one, the old one, or neither."""

from __future__ import annotations

from clcourse.errors import CourseError
from clcourse.plots.figure import (
    BLUE,
    SOFT,
    VERMILLION,
    Figure,
    in_style,
    look,
    number,
    sheet,
)
from clcourse.plots.general import note
from clcourse.plots.labels import headline, settle, wrapped
from clcourse.plots.reading import entries, estimate_in_words, interval, said, seeds_in_words

ANSWERS = {"new": (BLUE, "o", "the new value"), "old": (VERMILLION, "s", "the old value")}


@in_style
def after_a_change(found, *, chance: float, title: str | None = None) -> Figure:
    """Share of new and old values among the answers.

    found  {panel: {network: {"new": lanes, "old": lanes}}}, such as
    {"after one showing": {"MAG": {"new": (seeds,), "old": (seeds,)}}}; estimates do as well
    """
    read = {str(panel): {str(name): _two(answers, name) for name, answers in
                         entries(networks, repr(panel), 8).items()}
            for panel, networks in entries(found, "found", 3).items()}  # fmt: skip
    names = list(next(iter(read.values())))
    if any(list(networks) != names for networks in read.values()):
        raise CourseError("found has other networks in its panels; expected the same in each.")
    picture, (panels,) = sheet(2.4 + 2.6 * len(read), ncols=len(read), sharey=True)
    for panel, (head, networks) in zip(panels, read.items(), strict=True):
        for row, two in enumerate(networks.values()):
            _dots(panel, row, two)
        panel.axvline(chance, color=SOFT, linestyle=(0, (4, 3)), linewidth=0.5 * look().line)
        panel.set(xlim=(0, 1), xlabel="share of the answers")
        panel.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
        panel.set_title(head, loc="left", fontsize=look().type)
        panel.grid(axis="x")
        panel.tick_params(axis="y", length=0)
    panels[0].set(yticks=range(len(names)), ylim=(len(names) - 0.5, -0.5))
    panels[0].set_yticklabels([wrapped(name, 1.9 * look().size, look().type) for name in names])
    many = seeds_in_words([one.n for networks in read.values() for two in networks.values()
                           for one in two.values()])  # fmt: skip
    note(panels[0], f"round: the new value;  square: the old value;  mark: mean of {many};  "
                    "line: its 95 % interval;  dashed: chance")  # fmt: skip
    headline(picture, title)
    settle(picture, 0.45 * look().size * max(3, len(names)))
    return Figure(picture, said(title, _sentence(read, many, chance)))


def _two(answers, name) -> dict:
    """Estimates of both shares."""
    if not isinstance(answers, dict) or set(answers) != set(ANSWERS):
        raise CourseError(
            f'{name!r} has other answers; expected {{"new": (seeds,), "old": (seeds,)}}.'
        )
    return {kind: interval(answers[kind], f"{name!r}")[0] for kind in ANSWERS}


def _dots(panel, row: int, two: dict) -> None:
    """One network: a mark for each answer, the old one a little lower."""
    for (kind, one), shift in zip(two.items(), (-0.13, 0.13), strict=True):
        colour, marker, _ = ANSWERS[kind]
        panel.plot([max(0, one.low), min(1, one.high)], [row + shift] * 2, color=colour,
                   linewidth=0.8 * look().line, clip_on=False)  # fmt: skip
        panel.plot(one.value, row + shift, marker, color=colour, markersize=1.3 * look().dot,
                   clip_on=False)  # fmt: skip


def _sentence(read: dict, many: str, chance: float) -> str:
    parts = [f"{head}: " + "; ".join(f"{name} {estimate_in_words(two['new'])} the new value and "
                                     f"{estimate_in_words(two['old'])} the old"
                                     for name, two in networks.items())
             for head, networks in read.items()]  # fmt: skip
    shares = ". ".join(part[0].upper() + part[1:] for part in parts)
    return f"answers for a changed pair, mean [95 % interval] of {many}. {shares}. Chance is " \
           f"{number(chance)}."  # fmt: skip
