"""The explorers of lesson 10 show what the search found and what a clock says."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

import clcourse as cl
from clcourse.explore import lesson_10, rhythm
from clcourse.plots.figure import BLUE, VERMILLION
from clcourse.results import load

SVG = "{http://www.w3.org/2000/svg}"
SEARCH = load("10_fading")["search"]["30 steps"]


@pytest.fixture(scope="module")
def speeds():
    return lesson_10.speeds()


@pytest.fixture(scope="module")
def rhythms():
    return lesson_10.rhythms()


def words(svg: str) -> list[str]:
    return [one.text for one in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def offered(explorer) -> dict[str, list]:
    """Every value of every control."""
    options = {name: one.options for name, one in explorer.widgets.items()}
    return {name: [value[1] if isinstance(value, tuple) else value for value in many]
            for name, many in options.items()}  # fmt: skip


def searched(rival: str, **setting) -> dict:
    """The row of a setting in the stored search."""
    (row,) = (one for one in SEARCH[rival] if one["setting"] == setting)
    return row


def test_every_setting_of_the_sliders_was_tried(speeds):
    given = offered(speeds)
    asked = {(kind, lr, keep, slow) for kind in given["kind"] for lr in given["fast"]
             for keep in given["keep"] for slow in given["slow"]}  # fmt: skip
    assert asked == set(lesson_10.found()) and len(asked) == 250


def test_the_drawing_says_what_the_search_found(speeds):
    for kind, at, row in (
        (lesson_10.TWO, (0.3, 0.97, 0.03), searched("two weights", lr=0.3, keep=0.97,
                                                    slow_lr=0.03)),
        (lesson_10.BESIDE, (0.5, 0.9, 0.1), searched("beside", lr=0.5, keep=0.9, slow_lr=0.1)),
        (lesson_10.TWO, (0.7, 0.99, 0.0), searched("two weights, frozen", lr=0.7, keep=0.99)),
        (lesson_10.BESIDE, (0.1, 1.0, 0.1), searched("beside, no fading", lr=0.1, slow_lr=0.1)),
        (lesson_10.BESIDE, (0.2, 1.0, 0.0), searched("beside, frozen, no fading", lr=0.2)),
        (lesson_10.TWO, (0.2, 1.0, 0.0), searched("one network", lr=0.2)),
    ):
        shown = " ".join(words(speeds.draw(kind, *at)))
        assert f"Online {row['online']:.2f}; base {row['awake']:.2f} awake" in shown
        assert f"{row['rested']:.2f} rested. Validation" in shown


def test_bars_are_as_long_as_the_accuracies_and_a_triangle_marks_one_network(speeds):
    svg = speeds.draw(lesson_10.TWO, 0.5, 0.99, 0.1)
    row = searched("two weights", lr=0.5, keep=0.99, slow_lr=0.1)
    alone = searched("one network", lr=0.5)
    root = ElementTree.fromstring(svg)
    bars = [float(one.get("width")) / 380 for one in root.iter(f"{SVG}rect")
            if one.get("fill") == BLUE]  # fmt: skip
    tops = [float(one.get("points").split(",")[0]) for one in root.iter(f"{SVG}polygon")]
    names = ("rested", "online", "awake")
    assert bars == pytest.approx([row[name] for name in names], abs=1e-3)
    assert [(x - 36) / 380 for x in tops[:3]] == pytest.approx([alone[name] for name in names],
                                                               abs=1e-3)  # fmt: skip


def test_what_is_called_chosen_has_the_greatest_sum(speeds):
    for kind, rival in lesson_10.KINDS.items():
        best = max(SEARCH[rival], key=lambda row: row.get("online", 0) + row.get("rested", 0))
        at = tuple(best["setting"][name] for name in ("lr", "keep", "slow_lr"))
        assert lesson_10.chosen(kind) == at
        assert "Chosen for the study" in " ".join(words(speeds.draw(kind, *at)))


def test_nothing_fades_is_said_in_words_and_in_colour(speeds):
    svg = speeds.draw(lesson_10.TWO, 0.3, 1.0, 0.03)
    said = [one for one in ElementTree.fromstring(svg).iter(f"{SVG}text")
            if one.text.startswith("Nothing fades")]  # fmt: skip
    assert len(said) == 1 and said[0].get("fill") == VERMILLION


def test_a_change_is_halved_after_so_many_steps():
    for keep in (0.9, 0.97, 0.99, 0.997):
        steps = int(lesson_10.halved(keep).split()[0])
        assert keep**steps <= 0.5 < keep ** (steps - 1)


def test_every_value_of_every_control_changes_the_drawing(speeds, rhythms):
    for explorer in (speeds, rhythms):
        given = offered(explorer)
        start = {name: one.value for name, one in explorer.widgets.items()}
        for name, many in given.items():
            drawn = {re.sub(r"<title>.*?</desc>", "", explorer.draw(**start | {name: value}))
                     for value in many}
            assert len(drawn) == len(many), name


def test_everything_stands_on_the_card(speeds, rhythms):
    drawn = [(speeds.draw(*at), lesson_10.HEIGHT) for at in list(lesson_10.found())[::9]]
    drawn += [(rhythms.draw(step, *periods), rhythm.HEIGHT) for step in (1, 50, 96)
              for periods in ((1, 4, 16), (4, 16, 96))]  # fmt: skip
    for svg, height in drawn:
        assert "nan" not in svg
        for one in ElementTree.fromstring(svg).iter(f"{SVG}text"):
            assert 0 < float(one.get("y")) < height and 0 < float(one.get("x")) < 900


def test_weights_are_behind_by_what_came_since_they_moved():
    for period in (1, 3, 16):
        clock, seen, moved = cl.Clock([period]), 0, 0
        worst = 0
        for step in range(1, 97):
            assert rhythm.behind(step, period) == seen - moved
            worst = max(worst, seen - moved)
            seen += 1
            moved = seen if clock.due(step)[0] else moved
        assert worst == period - 1


def test_the_rhythm_says_who_moves_and_that_it_is_an_analogy(rhythms):
    shown = words(rhythms.draw(40, 1, 8, 32))
    assert shown[0] == "step 40: fast and middle move" and "An analogy to brain waves" in shown[1]
    assert words(rhythms.draw(41, 2, 8, 32))[0] == "step 41: nothing moves"
    assert words(rhythms.draw(96, 3, 12, 96))[0] == "step 96: fast, middle and slow move"
    line = "every 32: 1 move so far; gathered 8 of 32 gradients; its weights are 7 steps behind, "
    assert line + "at worst 31" in shown


def test_a_tick_stands_wherever_a_part_is_due(rhythms):
    root = ElementTree.fromstring(rhythms.draw(20, 4, 12, 48))
    ticks = [one for one in root.iter(f"{SVG}polyline") if one.get("stroke-width") == "3"]
    assert len(ticks) == 96 // 4 + 96 // 12 + 96 // 48
    across = [float(one.get("points").split(",")[0]) for one in ticks]
    assert across == sorted(across[:24]) + sorted(across[24:32]) + across[32:]
    assert np.diff(across[:24]) == pytest.approx(766 * 4 / 96, abs=0.11)
    assert across[31] == across[23] == across[33]  # all move at step 96


def test_tables_and_still_figures_say_the_same(speeds, rhythms):
    assert len(speeds.table.rows) == 250
    row = searched("two weights", lr=0.3, keep=0.97, slow_lr=0.03)
    numbers = [f"{row[name]:.2f}" for name in ("rested", "online", "awake")]
    assert [lesson_10.TWO, "0.3", "0.97", "0.03", *numbers] in speeds.table.rows
    assert ["slow", 32, 3, 32, 31] in rhythms.table.rows
    for explorer, says in ((speeds, "100 settings"), (rhythms, "period 8: 12 moves")):
        bundle = explorer._repr_mimebundle_()
        assert bundle["text/plain"].startswith("Interactive once its cell has run.")
        assert says in bundle["text/plain"] and 'alt="' in bundle["text/html"]
        assert len(explorer.fallback.png) < 40_000


def test_a_part_that_moves_now_is_not_called_behind():
    assert "it moves now; the oldest of them is 7 steps old" in rhythm.heard(40, 8)
    assert "behind" not in rhythm.heard(40, 8) and "5 moves so far" in rhythm.heard(40, 8)
    assert "its weights are 6 steps behind, at worst 7" in rhythm.heard(39, 8)
    assert "its weights are 0 steps behind" in rhythm.heard(41, 8)
    assert "never behind" in rhythm.heard(17, 1) and "is 1 step old" in rhythm.heard(4, 2)
