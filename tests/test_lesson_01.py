"""Lesson 01: its figures say their numbers and cut no label; its explorer shows what is stored."""

from xml.etree import ElementTree

import pytest
import torch

import clcourse as cl
from clcourse.explore import lesson_01 as explorer
from clcourse.plots import lesson_01 as plots
from clcourse.plots.figure import number
from clcourse.plots.labels import colliding_labels, cut_labels

SVG = "{http://www.w3.org/2000/svg}"


class Twin:
    """A system whose part `a` is all that it does."""

    def __init__(self, value):
        self.a, self.b = torch.full((3,), value), torch.zeros(3)


def figures():
    moved = cl.memory_transplant(Twin(1.0), Twin(0.0), {"a": "a", "b": "b"}, lambda one: one.a)
    lanes = [torch.linspace(low, low + 0.1, 5) for low in (0.2, 0.6, 1.1)]
    wins = [torch.linspace(0.5, 0.6, 5) + 0.05 * k for k in range(3)]
    return {
        "drift": plots.drift(title="a title"),
        "targets": plots.targets(title="a title"),
        "tuning": plots.tuning(guess=0.7),
        "transplants": plots.transplants({"a": moved}, title="a title"),
        "leash": plots.leash([2, 1, 0.5], lanes, wins, title="a title"),
    }


@pytest.mark.parametrize("talk", [False, True])
def test_no_label_is_cut_or_covered(talk):
    with cl.plots.talk(talk):
        for name, figure in figures().items():
            assert not cut_labels(figure), name
            assert not colliding_labels(figure), name


def test_the_sentences_carry_the_stored_numbers():
    stored = plots.study()["worlds"]["scrambled"]["0.8"]
    shown = figures()
    for way in plots.WAYS:
        at = stored[way]["by lr"][f"{stored[way]['lr']}"]
        for what in ("forward", "reverse", "old"):
            assert str(cl.estimate(at[what])) in shown["drift"].sentence
        assert f"{cl.estimate(at['old'])} at 0.80" in shown["targets"].sentence
    assert "taught by a: a 1.00 [1.00, 1.00], b 0.00 [0.00, 0.00]" in shown["transplants"].sentence
    assert "β 2: drift 0.25, preferred 0.55" in shown["leash"].sentence


def test_nothing_is_compared_where_a_way_did_not_arrive():
    assert plots.at_target("scrambled", 0.9, "own") is None
    assert "its own answers, rewarded" in plots.targets().sentence
    assert plots.targets().sentence.count("at 0.90") < 6


def test_the_explorer_shows_what_is_stored_at_every_setting():
    one = explorer.tuning()
    shown = plots.study()["explorer"]
    for way, name in plots.WAYS.items():
        one.widgets["learns_from"].value = name
        for moment, step in enumerate(shown["steps"]):
            one.widgets["step"].value = step
            drawing = ElementTree.fromstring(one.view.value)
            words = [text.text for text in drawing.iter(f"{SVG}text")]
            for what in ("old", "new", "forward"):
                lanes = torch.tensor(shown[way][what], dtype=torch.float64)[:, moment]
                assert number(lanes.mean()) in words
    one.widgets["learns_from"].value = plots.WAYS["nearest"]
    for lane in range(20):
        one.widgets["network"].value = lane + 1
        said = shown["nearest"]["said"][lane][-1]
        parity = shown["digits"][lane] % 2
        assert f"right kind {sum(said[parity::2]):.2f}" in one.view.value
        assert f"Network {lane + 1} looks" in one.view.value


def test_the_stored_curves_begin_at_the_same_base_and_are_probabilities():
    shown = plots.study()["explorer"]
    for way in plots.WAYS:
        said = torch.tensor(shown[way]["said"])
        assert torch.allclose(said.sum(-1), torch.ones(said.shape[:2]), atol=0.006)
        assert torch.tensor(shown[way]["forward"])[:, 0].abs().max() < 1e-3
        assert shown[way]["old"][0][0] == shown["taught"]["old"][0][0]
