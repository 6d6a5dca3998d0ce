"""Lesson 04: sparsity, load and cue: what comes back of one episode, and what the gauge says.

Everything is looked up in the stored study `04_sparsity`; nothing here stores or recalls.
"""

from __future__ import annotations

from clcourse.explore.base import Explorer, Slider, Table
from clcourse.explore.drawing import box, card, text
from clcourse.plots import sparsity
from clcourse.plots.figure import BLUE, FAINT, INK, SOFT, VERMILLION, number
from clcourse.plots.sparsity import Sparsity, sparsity_study

WIDTH, HEIGHT = 900, 330
COLUMNS, ROWS = 20, 12  # 240 units


def recall() -> Explorer:
    """Three controls over ten subjects: active units in CA3, episodes stored, size of the cue."""
    study = sparsity_study()

    def draw(active: int, load: int, kept: int) -> str:
        fidelity, sound = study.fidelity(active, load, kept), study.sound(active, load)
        title = f"{active} of {study.units} CA3 units active, {load} episodes, cue of {kept} units"
        right, wrong = study.back(active, load, kept)
        sentence = (f"{title}: {number(fidelity)} of an episode comes back, {number(sound)} of "
                    f"dreams are sound, mean of 10 subjects; of the episode that is drawn {right} "
                    f"units are right and {wrong} wrong.")
        stored = set(study.episode)
        return card(title, sentence, text(24, 38, title, size=23, bold=True),
                    *_grid(24, 66, "stored", stored, stored),
                    *_grid(244, 66, "cue", set(study.cue(kept)), stored),
                    *_grid(464, 66, "came back", set(study.places(active, load, kept)), stored),
                    text(464, 252, f"{right} right, {wrong} wrong", size=16, colour=SOFT),
                    *_bar(690, 84, "comes back", fidelity, BLUE),
                    *_bar(690, 164, "dreams that are sound", sound, VERMILLION),
                    text(24, 300, "Grids: one episode of one subject.  Bars: mean of 10 subjects "
                                  "and all their episodes.", size=15, colour=SOFT),
                    width=WIDTH, height=HEIGHT)

    controls = {
        "active": Slider("active units in CA3", study.actives, start=16),
        "load": Slider("episodes stored", study.loads, start=100),
        "kept": Slider("units in the cue (of 24)", study.kept, start=12),
    }
    return Explorer(controls, draw, height=HEIGHT + 28, fallback=sparsity.sparsity(),
                    table=numbers(study))


def _grid(x: float, y: float, name: str, units: set[int], stored: set[int]) -> list[str]:
    """A pattern as a grid: dark where it is right, vermillion where it is not."""
    side = 9.5
    squares = [box(x + side * (unit % COLUMNS), y + 14 + side * (unit // COLUMNS), side - 1.5,
                   side - 1.5, _colour(unit, units, stored)) for unit in range(COLUMNS * ROWS)]
    return [text(x, y + 4, name, size=17), *squares]


def _colour(unit: int, units: set[int], stored: set[int]) -> str:
    if unit not in units:
        return FAINT
    return INK if unit in stored else VERMILLION


def _bar(x: float, y: float, name: str, share: float, colour: str) -> list[str]:
    """A share as a bar, with its number."""
    return [text(x, y, name, size=16), box(x, y + 10, 180, 20, FAINT, corner=3),
            box(x, y + 10, max(1.0, 180 * share), 20, colour, corner=3),
            text(x, y + 54, number(share), size=22, bold=True)]


def numbers(study: Sparsity) -> Table:
    """A row for each sparsity and load: half a cue, a quarter, and the gauge."""
    rows = [[active, load, *(number(study.fidelity(active, load, kept)) for kept in (12, 6)),
             number(study.sound(active, load))]
            for active in study.actives for load in study.loads]
    return Table(["active in CA3", "episodes stored", "comes back from half a cue",
                  "from a quarter", "sound dreams"], rows)
