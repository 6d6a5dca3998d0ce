"""The explorer of lesson 09 shows what the paper's recurrence gives, setting by setting."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest
import torch

from clcourse import memory
from clcourse.explore import lesson_09
from clcourse.plots.figure import VERMILLION

SVG = "{http://www.w3.org/2000/svg}"
SETTINGS = [(θ, η, α) for θ in lesson_09.GATES["θ"] for η in lesson_09.GATES["η"]
            for α in lesson_09.GATES["α"]]  # fmt: skip


@pytest.fixture(scope="module")
def explorer():
    return lesson_09.stream()


def words(svg: str) -> list[str]:
    return [one.text for one in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def by_hand(θ: float, η: float, α: float, draw: int) -> tuple[list[float], list[np.ndarray]]:
    """Surprise before each token and M after it, in numpy, by the paper's three lines."""
    k, v, _ = (one.numpy() for one in lesson_09.vectors())
    M = S = np.zeros((k.shape[-1], v.shape[-1]))
    surprise, Ms = [], []
    for key, value in zip(k[draw], v, strict=True):
        error = value - key @ M
        S = η * S + θ * np.outer(key, error)
        M = (1 - α) * M + S
        surprise.append(np.sqrt((error**2).sum()))
        Ms.append(M)
    return surprise, Ms


@pytest.mark.parametrize("setting", [(0.3, 0.0, 0.0), (0.6, 0.6, 0.03), (1.5, 0.9, 0.3)])
def test_the_readings_are_the_papers_recurrence(setting):
    found, place = lesson_09.readings(), lesson_09.place(*setting)
    for draw in (0, 13):
        surprise, Ms = by_hand(*setting, draw)
        assert np.allclose(found.surprise[place, draw], surprise, atol=1e-10)
        answers = [(lesson_09.vectors()[2][draw].numpy() @ M).argmax(-1) for M in Ms]
        assert (found.says[place, draw].numpy() == np.stack(answers)).all()
        if draw == 0:
            assert np.allclose(found.M[place], np.stack(Ms), atol=1e-10)


def test_the_readings_are_what_the_kernel_gives_at_once():
    setting = (0.3, 0.6, 0.1)
    k, v, _ = lesson_09.vectors()
    gates = [torch.full(k.shape[:-1], one, dtype=k.dtype) for one in setting]
    values = v.expand(*k.shape[:-1], -1)
    _, state, watched = memory.linear_memory(k, k, values, *gates, watch=True)
    found, place = lesson_09.readings(), lesson_09.place(*setting)
    assert torch.allclose(found.M[place, -1], state.M[0], atol=1e-10)
    assert torch.allclose(found.surprise[place], watched.surprise / 0.3, atol=1e-10)


def test_settings_stand_in_the_order_of_their_place():
    assert [lesson_09.place(*setting) for setting in SETTINGS] == list(range(120))


def test_what_runs_away_grows_when_the_stream_is_read_again_and_what_does_not_stays():
    k, v, _ = lesson_09.vectors()
    k = k[:, None].expand(-1, 40, -1, -1).flatten(1, 2)
    v = v.repeat(40, 1).expand(len(k), -1, -1)
    for setting in [(0.3, 0.9, 0.0), (1.0, 0.6, 0.01), (1.5, 0.3, 0.03), (0.6, 0.9, 0.3)]:
        gates = [torch.full(k.shape[:-1], one, dtype=k.dtype) for one in setting]
        surprise = memory.token_loop(k, k, v, *gates)[2].surprise.unflatten(1, (40, -1))
        later = surprise.amax(-1)
        grows = int((later[:, -1] > 1.02 * later[:, 24]).sum())
        away = int(lesson_09.readings().away[lesson_09.place(*setting)])
        assert abs(grows - away) <= 2, setting  # 40 readings do not tell growth of 0.1 % apart


def test_kinds_are_told_from_what_came_before():
    kinds = dict(zip(enumerate(lesson_09.STREAM), lesson_09.kinds(), strict=True))
    assert kinds[0, "A1"] == "new pair" and kinds[3, "A1"] == "seen again"
    assert kinds[8, "C6"] == "changed value" and kinds[14, "A5"] == "changed value"
    assert kinds[17, "A5"] == "seen again" and kinds[23, "·7"] == "filler"
    assert lesson_09.due(15)["A"] == (5, 0) and lesson_09.due(24)["E"] == (5, 16)
    assert list(lesson_09.due(2)) == ["A", "B"]


def test_what_a_reader_should_find_is_there():
    surprise = lesson_09.readings().surprise.mean(dim=1)

    def at(token, *setting):
        return float(surprise[lesson_09.place(*setting), token - 1])

    def right(key, *setting):
        return lesson_09.recall(lesson_09.place(*setting), 24)[key][0] / lesson_09.DRAWS

    # falls each time A returns, jumps when its value changes
    assert 1 == pytest.approx(at(1, 0.3, 0, 0)) and at(4, 0.3, 0, 0) > at(7, 0.3, 0, 0) + 0.1
    assert at(10, 0.3, 0, 0) < 0.5 and at(15, 0.3, 0, 0) > 1.15
    # small θ needs repetition, θ near 1 overwrites at once
    known = [lesson_09.recall(lesson_09.place(θ, 0, 0), 15)["A"][0] for θ in (0.1, 0.3, 1.0)]
    assert known == [0, 0, 20]
    # forgetting wipes what is old, and leaves what is new
    assert right("E", 0.3, 0, 0.3) < 0.2 < right("E", 0.3, 0, 0) and right("D", 0.3, 0, 0.3) == 1
    # momentum and a large θ run away, and forgetting tames them
    away = lesson_09.readings().away
    assert away[lesson_09.place(0.6, 0.9, 0)] == 20 and away[lesson_09.place(0.6, 0, 0)] == 0
    assert away[lesson_09.place(0.6, 0.9, 0.3)] == 0


def test_the_drawing_says_the_numbers(explorer):
    setting = lesson_09.place(0.3, 0.0, 0.0)
    svg = explorer.draw(15, 0.3, 0.0, 0.0)
    shown = words(svg)
    assert "token 15 of 24: A → 5, a changed value" in shown
    surprise = np.mean([by_hand(0.3, 0, 0, draw)[0][14] for draw in range(20)])
    assert f"Surprise {surprise:.2f} (an empty memory: 1)." in " ".join(shown)
    assert "M stays bounded, however often the stream is read." in shown
    known = lesson_09.recall(setting, 15)
    assert known["A"][0] == 0 and "✗ 1" in shown and "0.00" in shown
    bars = [one for one in ElementTree.fromstring(svg).iter(f"{SVG}rect")
            if one.get("width") == "46"]  # fmt: skip
    assert len(bars) == len(known) == 6
    newest_first = sorted(known, key=lambda key: lesson_09.due(15)[key][1])
    for bar, key in zip(bars, newest_first, strict=True):
        assert float(bar.get("height")) == pytest.approx(max(2, 98 * known[key][0] / 20), abs=0.01)


def test_runs_away_is_said_in_words_and_in_colour(explorer):
    svg = explorer.draw(24, 1.5, 0.9, 0.0)
    said = [one for one in ElementTree.fromstring(svg).iter(f"{SVG}text")
            if one.text.startswith("Runs away")]  # fmt: skip
    assert len(said) == 1 and said[0].get("fill") == VERMILLION
    assert "in 20 of 20 draws" in said[0].text
    assert "nan" not in svg and "inf" not in svg.replace("infinity", "")


def test_every_step_of_every_slider_changes_more_than_its_own_name(explorer):
    def drawn(*at):
        svg = explorer.draw(*at)
        svg = re.sub(r"<title>.*?</title>", "", svg)
        return re.sub(r">θ = .*?</text>", "", svg)

    for name, places in (("θ", 1), ("η", 2), ("α", 3)):
        for token in (3, 24):
            seen = set()
            for value in lesson_09.GATES[name]:
                at = [token, 0.3, 0.3, 0.03]
                at[places] = value
                seen.add(drawn(*at))
            assert len(seen) == len(lesson_09.GATES[name]), name
    assert len({drawn(token, 0.3, 0.0, 0.0) for token in range(1, 25)}) == 24


def test_every_setting_draws_within_the_card(explorer):
    for setting in SETTINGS[::7]:
        for token in (1, 12, 24):
            root = ElementTree.fromstring(explorer.draw(token, *setting))
            for one in root.iter(f"{SVG}text"):
                assert 0 < float(one.get("y")) < lesson_09.HEIGHT
                assert 0 < float(one.get("x")) < lesson_09.WIDTH


def test_the_table_and_the_still_figure_say_the_same(explorer):
    assert len(explorer.table.rows) == 120
    row = explorer.table.rows[lesson_09.place(*lesson_09.START)]
    assert row[:3] == ["0.3", "0", "0"] and row[-1] == "in 0 of 20 draws"
    for kind, mean in zip(lesson_09.still.KINDS, row[3:7], strict=True):
        assert f"{kind} {mean} (" in explorer.fallback.sentence
    known = lesson_09.recall(lesson_09.place(*lesson_09.START), 24)
    assert row[7] == f"{sum(right for right, _ in known.values()) / 160:.2f}"
    bundle = explorer._repr_mimebundle_()
    assert bundle["text/plain"].startswith("Interactive once its cell has run. Surprise over")
    assert 'alt="' in bundle["text/html"] and len(explorer.fallback.png) < 40_000
