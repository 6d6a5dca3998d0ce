"""Rules upon rules: how deep each workaround follows, and where weights take over."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clcourse.errors import CourseError
from clcourse.metrics import Estimate, estimate
from clcourse.plots.figure import (
    BLACK,
    BLUE,
    DASHES,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    SOFT,
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
from clcourse.plots.workarounds import study

DEEP = {
    "notes, looped": Mark(GREEN, "D", DASHES[3]),
    "notes + examples": Mark(SKY, "P", DASHES[1]),
    "notes": Mark(ORANGE, "v", DASHES[5]),
    "all in context": Mark(PURPLE, "^", DASHES[2]),
    "FT + replay + examples": Mark(BLUE, "o", DASHES[0]),
    "FT + replay": Mark(BLACK, "X", DASHES[4]),
}
CALLED = {
    "notes, looped": "notes, asked step by step",
    "notes + examples": "notes, also 15 examples",
    "notes": "notes looked up, one pass",
    "all in context": "all notes in context, one pass",
    "FT + replay + examples": "weights, also 15 examples",
    "FT + replay": "weights, statements alone",
}


def depths() -> list[int]:
    """How many rules must be combined."""
    return study("depth")["settings"]["depths"]


def by_depth(way: str, lanes: str = "found", part: str = "right") -> np.ndarray:
    """Right by depth: (seeds, depths)."""
    rows = [study("depth")[lanes][str(depth)][way] for depth in depths()]
    return np.array([row[part] if isinstance(row, dict) else row for row in rows]).T


@in_style
def depth(guess=None, guess_at: int = 2, title: str | None = None) -> Figure:
    """Members never seen, by how many rules must be combined to answer."""
    picture, ((axes,),) = sheet(8.4)
    ends, parts = [], []
    for way, style in DEEP.items():
        lanes = by_depth(way)
        spread = np.array([[one.low, one.high] for one in map(whole, lanes.T)]).T.clip(0, 1)
        axes.fill_between(depths(), *spread, color=style.colour, alpha=0.18, linewidth=0)
        axes.plot(depths(), lanes.mean(axis=0), color=style.colour, linestyle=style.dashes,
                  marker=style.marker, clip_on=False, zorder=3)
        ends.append(End(lanes[:, -1].mean(), CALLED[way], style.colour, style.dashes))
        parts.append(f"{CALLED[way]} " + ", ".join(
            f"{estimate_in_words(whole(one))} at {at}"
            for one, at in zip(lanes.T, depths(), strict=True)))
    chance = by_depth("by chance")[:, 1:].mean()
    axes.axhline(chance, color=SOFT, linestyle=(0, (4, 3)), linewidth=0.5 * look().line)
    ends.append(End(chance, f"a value named, by chance {number(chance)}", SOFT))
    axes.set(xlim=(0, depths()[-1]), ylim=(0, 1), xticks=depths(), yticks=np.linspace(0, 1, 6),
             xlabel="rules that must be combined (0: the fact itself)", ylabel="accuracy")
    axes.grid(axis="y")
    note(axes, f"line: mean of {len(lanes)} seeds;  band: its 95 % interval")
    headline(picture, title)
    settle(picture, 2.8 * look().size)
    end_labels(axes, ends + mark_guess(axes, guess, guess_at), width=2.0)
    return Figure(picture, f"Accuracy on members never seen by the number of rules to combine, "
                           f"mean [95 % interval] of {len(lanes)} seeds: {'; '.join(parts)}; "
                           f"guessing among the values named {number(chance)}.")


class Crossing:
    """Where one curve falls below another, lane by lane, and where it never does.

    margin how far below counts: curves that lie upon each other cross by chance alone
    at     (lanes that cross,): the place along x, by interpolation
    always how many lanes are above to the end;  never: how many were below from the start
    """

    def __init__(self, x: Sequence[float], falling, level, *, margin: float = 0.0,
                 log: bool = True) -> None:
        gap = np.asarray(falling, dtype=float) - np.asarray(level, dtype=float) + margin
        x = np.asarray(x, dtype=float)
        if gap.ndim != 2 or gap.shape[1] != len(x) or len(x) < 2 or (np.diff(x) <= 0).any():
            raise CourseError(
                f"The curves differ by {gap.shape} and x has {len(x)}; expected (seeds, steps) "
                "and as many rising steps, at least 2."
            )
        places = [self._of(np.log(x) if log else x, lane) for lane in gap]
        self.at = np.array([place for place in places if isinstance(place, float)])
        self.log, self.always = log, places.count("always")
        self.never = places.count("never")

    @staticmethod
    def _of(x: np.ndarray, gap: np.ndarray) -> float | str:
        """The first place where the gap falls through zero."""
        if gap[0] < 0:
            return "never"
        below = np.flatnonzero(gap < 0)
        if not below.size:
            return "always"
        after = below[0]
        share = gap[after - 1] / (gap[after - 1] - gap[after])
        return float(x[after - 1] + share * (x[after] - x[after - 1]))

    @property
    def estimate(self) -> Estimate | None:
        """The mean place (geometric on a logarithmic axis) and its interval; None: too few."""
        if len(self.at) < 2:
            return None
        found = estimate(self.at)
        if not self.log:
            return found
        return Estimate(*np.exp([found.value, found.low, found.high]), found.n)

    def __repr__(self) -> str:
        one, form = self.estimate, "{:.0f}" if self.log else "{:.2f}"
        where = "at no place" if one is None else "at {0} [{0}, {0}]".replace("{0}", form).format(
            one.value, one.low, one.high)
        return (f"crosses {where} in {len(self.at)} lanes; above to the end in {self.always}, "
                f"below from the start in {self.never}")
