"""Lesson 09: figures say the stored numbers and cut no label; statements are judged on lanes."""

import json

import numpy as np
import pytest
import torch
from lessons import NOTEBOOKS, number, read

import clcourse as cl
from clcourse import results
from clcourse.plots import lesson_09 as plots
from clcourse.plots import memory_effects
from clcourse.plots.labels import colliding_labels, cut_labels


def figures():
    return {
        "forgetting": plots.forgetting(guess=0.4, title="a title"),
        "reach": plots.reach(guess=0.5),
        "habits": plots.habits(title="a title"),
        "layouts": plots.layouts(title="a title"),
        "compared": plots.layouts_compared(),
        "far guess": plots.reach(guess=0.5, guess_at=2048),
        "gates": plots.gates(guess=0.1),
        "controls": plots.every_control(),
        "change": plots.after_a_change(title="a title"),
        "learner": plots.as_a_learner(),
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
    for rival in ("delta", "slow", "Hebbian"):
        without = f"{np.mean(recall[rival]['lanes']):.2f}"
        with_it = cl.estimate(recall[f"{rival}, forgetting"]["lanes"])
        assert f"{plots.RIVALS[rival]} {without} to {with_it}" in shown["forgetting"].sentence
    watched = results.load("09_surprise")["lanes"]["MAG"]
    seven = cl.estimate(watched["showings"]["error, showing 7"])
    assert f"showing 7 {seven}" in shown["habits"].sentence
    assert f"fillers {cl.estimate(watched['gates']['error of filler'])}" in shown["habits"].sentence
    θ = np.mean(watched["gates"]["θ of changed"])
    assert f"θ: pair, new {np.mean(watched['gates']['θ of new']):.3g} [" in shown["gates"].sentence
    assert f"pair, changed {θ:.3g} [" in shown["gates"].sentence.split("; η")[0]


def test_every_row_of_the_controls_is_the_network_that_it_names():
    kinds, controls = results.load("09_recall")["kinds"], results.load("09_controls")
    said = plots.every_control().sentence
    for row, (where, name) in plots.EVERY.items():
        lanes = (kinds if where == "kinds" else controls[where])[name]["lanes"]
        assert all(f"{cl.estimate(lanes[f'16 pairs, gap {gap}'])} at gap {gap}"
                   in said.split(f"{row} ")[1].split(";")[0] for gap in (512, 2048)), row


def test_the_answers_after_a_change_are_the_stored_ones_of_each_practice():
    stored, said = results.load("09_surprise"), plots.after_a_change().sentence
    for row, kind, found in (
        ("error rule", "memory", stored["lanes"]["memory"]["answers"]),
        ("plain sum, practised on changes", "no error correction",
         stored["changing"]["no error correction"]["lanes"]),
    ):  # fmt: skip
        assert kind in stored["changing"]
        new, old = (cl.estimate(found[f"{what}, after 7"])
                    for what in ("changed", "old value of the changed"))  # fmt: skip
        after = said.split("After seven: ")[1]
        assert f"{row} {new} the new value and {old} the old" in after


def test_a_guess_is_drawn_only_where_there_is_one():
    for draw in (plots.forgetting, plots.reach):
        drawn = draw().picture.findobj(lambda one: hasattr(one, "get_text"))
        texts = [text.get_text() for text in drawn]
        assert not any("guess" in text for text in texts)
        assert draw(guess=0.5).png != draw().png


def test_every_statement_is_judged_on_the_stored_lanes():
    effects = memory_effects.effects()
    assert 12 <= len(effects) <= 16 and all(source for source, _ in effects.values())
    found = results.load("09_recall")["kinds"]
    first, second = (torch.tensor(found[kind]["lanes"]["16 pairs, gap 2048"])
                     for kind in ("full", "MAG"))  # fmt: skip
    shown = next(effect for words, (_, effect) in effects.items() if "behind full" in words)
    assert str(shown) == str(cl.paired(second + 0.1, first))
    plain = np.array(results.load("09_controls")["variants"]["no error correction"]["lanes"][
        "16 pairs, gap 512"])  # fmt: skip
    rule = np.array(found["memory"]["lanes"]["16 pairs, gap 512"])
    shown = next(effect for words, (_, effect) in effects.items() if "a plain sum, both" in words)
    assert shown.value == pytest.approx((rule - plain).mean())
    assert found["MAC"]["lr"] == 0.01  # as MAG beside it, in the claim about layouts
    layouts = results.load("09_controls")["added"]["layouts"]["lanes"]["MAG"]["0.01"]
    mac, mag = (np.array(lanes["16 pairs, gap 2048"]) for lanes in
                (found["MAC"]["800 steps"], layouts))  # fmt: skip
    shown = next(effect for words, (_, effect) in effects.items() if "rate .01 for both" in words)
    assert shown.value == pytest.approx((mac - mag).mean())
    cost = results.load("09_cost")
    at = cost["settings"]["lengths"].index(16_384)
    memory, *attention = (np.array(cost["steps"][side][at]) for side in
                          ("memory", "fused", "plain"))  # fmt: skip
    shown = next(effect for words, (_, effect) in effects.items() if words.startswith("One token"))
    assert shown.value == pytest.approx((1 - memory / np.minimum(*attention)).mean())


def test_no_claim_of_the_article_holds_by_what_speaks_against_it():
    """A rival that does better than the memory makes a claim about the memory fail."""
    assert memory_effects.keeps_up(np.full(5, 0.26), np.full(5, 1.0)).high < 0
    assert memory_effects.keeps_up(np.full(5, 0.98), np.full(5, 1.0)).low > memory_effects.MATTERS
    assert memory_effects.keeps_up(np.full(5, 0.94), np.full(5, 1.0)).high < memory_effects.MATTERS
    for words, (source, _) in memory_effects.effects().items():
        assert not (source.startswith("our test") and "attention recalls more" in words)


# -- exercises --

RIGHT = {
    "09.1": [
        lambda M, S, k, v, theta, eta, alpha: [
            (1 - alpha) * M + eta * S + theta * k.mT * (v - k @ M),
            eta * S + theta * k.mT * (v - k @ M)],
        lambda M, S, k, v, theta, eta, alpha: cl.token_loop(
            k, k, v, *(torch.full((2, 1), one) for one in (theta, eta, alpha)),
            state=cl.State(M, S))[1],
    ],
    "09.2": [
        lambda surprise, count: np.array(
            surprise[:, -1] >= surprise[:, -1].topk(count).values[:, -1:]),
        lambda surprise, count: (
            surprise[:, -1] >= surprise[:, -1].topk(count).values[:, -1:]).tolist(),
        lambda surprise, count: surprise[:, -1].argsort(1, descending=True).argsort(1) < count,
        lambda surprise, count: torch.zeros(2, 8).scatter(
            1, surprise[:, -1].topk(count).indices, 1),
    ],
    "09.3": [
        lambda tokens, d, heads: torch.tensor([8 * heads * d * tokens, 8 * heads * d * d]),
        lambda tokens, d, heads: [2 * 4 * heads * d * one for one in (tokens, d)],
        lambda tokens, d, heads: np.array([8.0 * heads * d * tokens, 8.0 * heads * d**2]),
    ],
}  # fmt: skip
COUNTLESS = [
    lambda surprise, count: surprise[:, -1] > surprise[:, 0],
    lambda surprise, count: surprise[:, -1] > surprise[:, -2],
    lambda surprise, count: surprise[:, -1] > surprise[:, -1].mean(1, keepdim=True),
    lambda surprise, count: surprise[:, -1].argsort(1, descending=True).argsort(1) < 3,
]


@pytest.mark.parametrize(("name", "place"), [(name, place) for name, answers in RIGHT.items()
                                             for place in range(len(answers))])  # fmt: skip
def test_right_answers_written_differently_are_right(name, place):
    reply = cl.check(name, RIGHT[name][place])
    assert reply.right, reply


@pytest.mark.parametrize("place", range(len(COUNTLESS)))
def test_an_answer_that_ignores_count_is_told_to_use_it(place):
    assert "use count" in repr(cl.check("09.2", COUNTLESS[place]))


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
