"""Lesson 09: figures say the stored numbers and cut no label; statements are judged on lanes."""

import json

import numpy as np
import pytest
import torch
from lessons import NOTEBOOKS, number, read

import clcourse as cl
from clcourse import results
from clcourse.plots import lesson_09 as plots
from clcourse.plots.labels import colliding_labels, cut_labels


def figures():
    return {
        "forgetting": plots.forgetting(guess=0.4, title="a title"),
        "reach": plots.reach(guess=0.5),
        "habits": plots.habits(title="a title"),
        "layouts": plots.layouts(title="a title"),
        "compared": plots.layouts_compared(),
    }


@pytest.mark.parametrize("talk", [False, True])
def test_no_label_is_cut_or_covered(talk):
    with cl.plots.talk(talk):
        for name, figure in figures().items():
            assert not cut_labels(figure), name
            assert not colliding_labels(figure), name


def test_the_sentences_carry_the_stored_numbers():
    shown = figures()
    kinds = results.load("09_recall")["kinds"]
    for kind, words in {"MAG": "window and memory", "window": "window of 16"}.items():
        assert f"{words} {cl.estimate(kinds[kind]['lanes']['16 pairs, gap 0'])} at 0" in (
            shown["reach"].sentence)  # fmt: skip
    late = cl.estimate(kinds["MAC"]["800 steps"]["16 pairs, gap 2048"])
    assert f"{late} at gap 2048; MAG, 400 steps" in shown["compared"].sentence
    recall = results.load("09_gates")["worlds"]["new"]["32"]["recall"]["last"]["1024"]
    for rival, words in plots.RIVALS.items():
        assert f"{words} {cl.estimate(recall[rival]['lanes'])}" in shown["forgetting"].sentence
    watched = results.load("09_surprise")["lanes"]["MAG"]
    seven = cl.estimate(watched["showings"]["surprise, showing 7"])
    assert f"showing 7 {seven}" in shown["habits"].sentence


def test_a_guess_is_drawn_only_where_there_is_one():
    for draw in (plots.forgetting, plots.reach):
        drawn = draw().picture.findobj(lambda one: hasattr(one, "get_text"))
        texts = [text.get_text() for text in drawn]
        assert not any("guess" in text for text in texts)
        assert draw(guess=0.5).png != draw().png


def test_every_statement_is_judged_on_the_stored_lanes():
    effects = plots.effects()
    assert 12 <= len(effects) <= 16 and all(source for source, _ in effects.values())
    found = results.load("09_recall")["kinds"]
    first, second = (torch.tensor(found[kind]["lanes"]["16 pairs, gap 2048"])
                     for kind in ("full", "MAG"))  # fmt: skip
    shown = next(effect for words, (_, effect) in effects.items() if words.startswith("2,048"))
    assert str(shown) == str(cl.paired(first, second))
    plain = np.array(results.load("09_controls")["variants"]["no error correction"]["lanes"][
        "16 pairs, gap 512"])  # fmt: skip
    rule = np.array(found["memory"]["lanes"]["16 pairs, gap 512"])
    shown = next(effect for words, (_, effect) in effects.items() if "a plain sum, both" in words)
    assert shown.value == pytest.approx((rule - plain).mean())


def test_what_is_quoted_as_of_32_rows_is_of_32_rows():
    settings = results.load("09_gates")["settings"]
    assert 32 in settings["widths"] and settings["values"] == 32 and settings["slow θ"] == 0.1
    (path,) = (one for one in NOTEBOOKS if number(one) == "09")
    assert "each with one of 32 values" in json.dumps(read(path), ensure_ascii=False)


def test_the_plain_sum_of_section_1_is_confused_by_keys_alike_and_the_rule_repairs_it():
    k = cl.LaneRandom(20, "keys").normal(24, 32) + cl.LaneRandom(20, "shared").normal(1, 32)
    k = torch.nn.functional.normalize(k, dim=-1)
    alike = (k @ k.mT).mean()
    assert 0.4 < alike < 0.6  # “half of each is a direction that they share”


def test_a_memory_is_of_use_only_to_the_network_that_wrote_it():
    """By hand, with a matrix: another network's keys find nothing in it."""
    k, other = (torch.nn.functional.normalize(cl.LaneRandom(20, name).normal(8, 64), dim=-1)
                for name in ("one", "another"))  # fmt: skip
    v = torch.eye(8).expand(20, 8, 8)
    gate = torch.ones(20, 8)
    M = cl.token_loop(k, k, v, gate, 0 * gate, 0 * gate)[1].M
    right = [((keys @ M).argmax(-1) == torch.arange(8)).float().mean() for keys in (k, other)]
    assert right[0] > 0.9 and right[1] < 0.25
