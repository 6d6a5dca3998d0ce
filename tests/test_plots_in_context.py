"""The figures of writing in context and of HOPE say what is stored, and nothing on them is cut."""

from __future__ import annotations

import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import clcourse as cl
from clcourse import plots
from clcourse.errors import CourseError
from clcourse.metrics import estimate
from clcourse.plots import hope, in_context, nested_paper
from clcourse.plots.labels import colliding_labels, cut_labels
from clcourse.plots.reading import estimate_in_words, share

BITS = [1, 0, 1, 1, 0, 1, 1]


def kept(rule: str, bits=BITS) -> list[float]:
    """M after each bit, where a bit is the rate of writing."""
    M, one, found = torch.ones(1, 1), torch.ones(1, 1), []
    for bit in bits:
        M = cl.nested.write(rule, M, one, 0 * one, bit, 1.0)
        found.append(M.item())
    return found


TYPICAL = {
    "rules": lambda: in_context.rules(title="A gate is most of it"),
    "rules, guess": lambda: in_context.rules(SimpleNamespace(value=0.4)),
    "lengths": lambda: hope.lengths(title="Counting beyond what was practised"),
    "lengths, guess": lambda: hope.lengths(guess=SimpleNamespace(value=0.6)),
    "lengths, a guess at the top": lambda: hope.lengths(guess=SimpleNamespace(value=1.0)),
    "lengths, once": lambda: hope.lengths(practice=1),
    "lengths, few": lambda: hope.lengths(("transformer", "HOPE")),
    "lengths, one task": lambda: hope.lengths(("DGD", "DGD, read twice", "LSTM"),
                                              tasks=("modulo 3",)),
    "every lane, as practised": lambda: hope.every_lane(place=0),
    "every lane": lambda: hope.every_lane(title="Each lane a dot"),
    "every lane, once": lambda: hope.every_lane(("parity",), practice=1),
    "by hand": lambda: hope.by_hand(BITS, {rule: kept(rule) for rule in ("DGD", "delta")},
                                    title="A reflection counts"),
    "paper": lambda: nested_paper.paper_tables(),
    "paper, title": lambda: nested_paper.paper_tables(title="Two versions of one paper"),
}  # fmt: skip


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("name", TYPICAL)
def test_no_label_is_cut_or_covered(name, large):
    with plots.talk(large):
        figure = TYPICAL[name]()
        assert cut_labels(figure) == [] and colliding_labels(figure) == []
        assert figure.picture.get_figwidth() * 100 <= 1150 and len(figure.png) < 90_000
        assert figure.sentence.endswith(".") and "nan" not in figure.sentence
        assert "\n" not in figure.sentence


def test_rules_say_what_is_stored():
    sentence = in_context.rules().sentence
    stored = cl.results.load("10_in_context")["cells"]
    for task, rule in (("roomy", "Hebbian"), ("crowded", "delta")):
        for lanes in stored[task][rule]["lanes"]["seen, by regime"]:
            assert estimate_in_words(share(np.array(lanes))) in sentence
    assert "after three changes" in sentence and "after 4 times the practice" in sentence


def test_every_kind_of_mark_is_named_beside_one_of_them():
    panels = in_context.rules().picture.axes
    said = [text.get_text() for panel in panels for text in panel.texts]
    assert {"before", "since", "3 changes", "4 x practice"} <= set(said)
    assert {asked for *_, asked in in_context.SPOKEN} == set(in_context.ASKED)


def test_lanes_by_what_was_asked():
    cell = cl.results.load("10_in_context")["cells"]["roomy"]["gated"]
    assert in_context.lanes("gated").tolist() == cell["lanes"]["seen, by regime"][1]
    assert in_context.lanes("gated", asked="before").tolist() == cell["lanes"]["seen, by regime"][0]
    assert in_context.lanes("gated", asked="long").tolist() == cell["lanes"]["long"][3]
    assert in_context.lanes("gated", asked="shut").tolist() == cell["lanes"]["shut"][1]
    assert in_context.lanes("gated", fresh=True).tolist() == cell["others"]["seen, by regime"][1]
    assert in_context.lanes("gated", asked="longer") is None


def test_lengths_say_the_first_and_the_last_of_what_is_stored():
    sentence = hope.lengths(("HOPE", "LSTM"), practice=1).sentence
    cells = cl.results.load("10_hope")["cells"]
    for task, sizes in cl.results.load("10_hope")["settings"]["lengths"].items():
        for model in ("HOPE", "LSTM"):
            for size in (sizes[0], sizes[-1]):
                found = np.array(cells[task][model]["practice x 1"][str(size)])
                assert estimate_in_words(share(found)) in sentence


def test_a_guess_is_a_mark_at_the_length_that_was_asked_for():
    def marks(guess):
        panels = hope.lengths(guess=guess).picture.axes
        return [line.get_xydata().tolist() for panel in panels for line in panel.lines
                if line.get_color() == plots.figure.GUESS]  # fmt: skip

    assert marks(SimpleNamespace(value=0.6)) == [[[64.0, 0.6]]]
    assert marks(None) == marks(SimpleNamespace(value=None)) == []


def test_an_interval_of_shares_ends_where_shares_end():
    lanes = np.array([1.0] * 9 + [0.5])
    whole, cut = estimate(lanes), share(lanes)
    assert whole.high > 1 and cut == whole._replace(high=1.0)
    assert share(1 - lanes) == estimate(1 - lanes)._replace(low=0.0)
    for figure in (hope.lengths(), hope.every_lane(), in_context.rules()):
        for low, high in re.findall(r"\[(-?[\d.]+), ([\d.]+)\]", figure.sentence):
            assert 0 <= float(low) <= float(high) <= 1


def test_transformers_are_called_so():
    sentence = hope.lengths().sentence
    assert "transformer, two blocks, places and slope" in sentence
    assert "its memory, plain MLPs" in sentence and "self-modifying" not in sentence


def test_every_lane_is_a_dot_and_those_that_solve_it_are_counted():
    figure = hope.every_lane(("parity",), practice=1)
    panel = figure.picture.axes[0]
    models = panel.get_yticklabels()
    rings = [line for line in panel.lines if line.get_marker() == "o"]
    assert len(rings) == len(models) and all(len(one.get_xdata()) == 10 for one in rings)
    stored = cl.results.load("10_hope")["cells"]["parity"]["DGD"]["practice x 1"]["256"]
    counted = sum(one >= 0.99 for one in stored)
    assert hope.solved("parity", "DGD", 256) == counted
    said = [one.get_text() for one in panel.texts]
    assert said[[one.get_text() for one in models].index("DGD")] == str(counted)


def test_a_reflection_says_odd_and_even_and_the_delta_rule_nothing():
    sentence = hope.by_hand(BITS, {"DGD": kept("DGD"), "delta": kept("delta")}).sentence
    assert "the right side of zero 7 times of 7" in sentence
    assert "the right side of zero 0 times of 7" in sentence


@pytest.mark.parametrize("found", [{}, {"DGD": [1.0]}, {str(k): [0.0] * 7 for k in range(4)}])
def test_by_hand_wants_a_value_for_each_bit(found):
    with pytest.raises(CourseError, match="as many values of M as bits"):
        hope.by_hand(BITS, found)


def test_the_two_versions_of_the_paper_are_held_apart():
    sentence = nested_paper.paper_tables().sentence
    assert sentence.startswith("Paper results, not ours, single runs without intervals")
    assert nested_paper.gain("760M, NeurIPS") == (0.49, -1.49, 0.70)
    assert nested_paper.gain("1.3B, arXiv") == (-1.21, -1.33, 1.22)
    assert sentence.count("(worse)") == 2 and sentence.count("(better)") == 10
    words = [one.get_text() for axes in nested_paper.paper_tables().picture.axes
             for one in axes.texts]  # fmt: skip
    for models in nested_paper.VERSIONS.values():
        assert all(f"{value:.2f}" in words for values in models.values() for value in values)


def test_how_much_was_practised_is_said():
    assert hope.most("recall", 1) == 1 and hope.most("parity", 3) == 3 == hope.most("parity", 9)
    steps = cl.results.load("10_hope")["settings"]["steps"]
    assert hope.steps(["parity"], 3) == f"{3 * steps} steps"
