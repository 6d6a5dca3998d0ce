"""Lesson 06: figures say their numbers and cut no label; studies are what their code makes."""

import importlib
import sys
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from lessons import ROOT

import clcourse as cl
from clcourse import results
from clcourse.explore import lesson_06 as explorer
from clcourse.plots import lesson_06 as plots
from clcourse.plots import window as sight
from clcourse.plots.figure import number
from clcourse.plots.labels import colliding_labels, cut_labels

SVG = "{http://www.w3.org/2000/svg}"
WORDS = "<start> likes Ada Finch chess lives-in Gus Shaw Hanoi ? likes Ada Finch".split()


@pytest.fixture
def study(monkeypatch):
    """A function that gives the code of a study."""
    monkeypatch.setattr(sys, "path", [str(ROOT / "studies"), *sys.path])
    return lambda name: importlib.import_module(f"06_{name}")


def figures():
    return {
        "looks": plots.looks(torch.eye(13)[[4, 4, 8, 4]], WORDS, title="a title"),
        "likeness": plots.likeness(guess=0.4, title="a title"),
        "places": plots.places(title="a title"),
        "by_token": plots.by_token(title="a title"),
        "crowd": plots.crowd([1, 256, 512], {"list": torch.ones(3, 3), "matrix": torch.eye(3)},
                             guess=0.6, title="a title"),
        "distance": sight.distance(guess=0.3, title="a title"),
        "edge": sight.edge(title="a title"),
        "cost": sight.cost(title="a title"),
        "window_and_number": sight.window_and_number(),
    }


@pytest.mark.parametrize("talk", [False, True])
def test_no_label_is_cut_or_covered(talk):
    with cl.plots.talk(talk):
        for name, figure in figures().items():
            assert not cut_labels(figure), name
            assert not colliding_labels(figure), name


def test_the_sentences_carry_the_stored_numbers():
    shown = figures()
    assert "look most at chess, chess, Hanoi, chess" in shown["looks"].sentence
    notes = results.load("06_notes")["found"]["200"]
    assert f"{number(np.mean(notes['two']['50']))} at 50" in shown["likeness"].sentence
    windows = results.load("06_window")["found"]
    assert f"{number(np.mean(windows['cut']['32']['28']))} at 28" in shown["distance"].sentence
    assert f"{number(np.mean(windows['edge']['20']))} at 20" in shown["edge"].sentence
    places = results.load("06_places")["found"]["table"]["reads"]["10"]
    assert f"{number(np.mean(places['9']))} at 1" in shown["places"].sentence
    with pytest.raises(cl.CourseError, match="heads, words"):
        plots.looks(torch.zeros(4, 3), WORDS)


def test_the_explorer_shows_what_is_stored_at_every_setting():
    one, settings = explorer.position_and_window(), plots.study("window")["settings"]["grid"]
    for notes in settings["notes"]:
        one.widgets["notes"].value = notes
        for window in settings["windows"]:
            one.widgets["window"].value = explorer.ALL if window is None else str(window)
            for index, place in enumerate(explorer.PLACES):
                one.widgets["place"].value = place
                words = [text.text for text in
                         ElementTree.fromstring(one.view.value).iter(f"{SVG}text")]
                lanes = sight.grid()[str(window)][str(notes)][index]
                assert f"{number(plots.whole(lanes).value)} right" in words


def test_what_the_explorer_calls_out_of_view_is_not_read_and_what_is_in_view_is():
    settings = plots.study("window")["settings"]["grid"]
    for notes in settings["notes"]:
        for window in filter(None, settings["windows"]):
            for place in explorer.PLACES:
                right = explorer.read(str(window), notes, place).value
                beyond = explorer.back(notes, place) + 1 - window
                if beyond <= 0:
                    assert right > 0.9
                elif beyond > 3:  # past the traces
                    assert right < 0.2
                assert (0 < beyond <= 3) == ("its traces are not" in said(notes, window, place))


def said(notes, window, place):
    """The words of the explorer at one setting."""
    one = explorer.position_and_window()
    for name, value in (("notes", notes), ("window", str(window)), ("place", place)):
        one.widgets[name].value = value
    return one.view.value


def test_the_names_of_strangers_stood_in_training_texts_and_their_values_were_invented(study):
    stored, world = results.load("06_controls"), cl.World(seeds=2)
    again = study("controls").heard(world)
    assert again["times"] == stored["found"]["heard"]["times"][:2]
    assert min(stored["found"]["heard"]["share"]) == 1.0  # every pair of names did occur
    assert all(30 < times < 50 for times in stored["found"]["heard"]["times"])
    known = {tuple(words) for words in world.facts("people").notes()[0, :, 1:3].tolist()}
    asked = {tuple(words) for words in world.facts("strangers").notes()[0, :, 1:3].tolist()}
    assert not known & asked  # and nothing true is taught about them


def test_where_notes_and_questions_stand_in_training():
    texts = cl.reading.episodes(cl.LaneRandom(1, "texts"), 50)[0]
    assert texts.shape[1] == 34 and (texts[:, 17] == cl.tokens("?")[0]).all()
    attributes = (texts >= 3) & (texts < 6)  # each fact begins with its attribute
    where = attributes.float().mean(dim=0).nonzero().flatten().tolist()
    assert where == [1, 5, 9, 13, 18, 22, 26, 30]  # a note never stood at 17 to 33
    assert results.load("06_places")["found"]["table"]["reads"]["10"].keys() >= {"4"}
    assert 1 + 4 * 4 == 17  # the middle one of ten


def test_notes_like_share_the_words_they_should(study):
    code, facts = study("controls"), cl.World(seeds=2).facts("strangers", 4)
    for groups in ([([4], 9)], [([2], 9)], [([1], 9)], [([5, 6], 9), ([0], 20)]):
        listed = code.notes_like(facts, groups, (0, 1))
        same = listed[..., :3] == facts.x[:, :, None, 1:]
        kind = (same * torch.tensor([4, 2, 1])).sum(dim=-1)
        middle = sum(count for _, count in groups) // 2
        assert (kind[:, :, middle] == 7).all() and (listed[:, :, middle, 3] == facts.y).all()
        for kinds, count in groups:
            found = torch.isin(kind, torch.tensor(kinds)).sum(dim=-1)
            assert (found == count).all()
        assert ((listed[..., 3] - 57) // 20 == listed[..., 0] - 3).all()


def test_one_layer_reads_nothing_beyond_its_window_and_traces():
    far = results.load("06_controls")["found"]["trained"]["16 1 200"]
    assert far["20"] == far["80"]  # by construction: the same answers
    cut = results.load("06_window")["found"]["cut"]["32"]
    assert cut["36"] == cut["80"]


@pytest.mark.parametrize(("layers", "window"), [(1, 5), (2, 5), (3, 4)])
def test_a_word_counts_as_far_back_as_windows_and_traces_reach(layers, window):
    network = cl.tiny_transformer(117, layers=layers, window=window, seeds=2)
    text = cl.LaneRandom(2, "text").integers(30, 117)[:, None]
    answer, far = network(text), (window - 1) * layers + 3
    for back in range(30):
        other = text.clone()
        other[..., -1 - back] = (other[..., -1 - back] + 1) % 117
        assert torch.equal(network(other), answer) == (back > far)


def test_invented_notes_share_what_they_should_and_hold_the_right_one(study):
    notes = study("notes")
    facts = cl.World(seeds=2).facts("strangers", 4)
    for kind, shared in notes.SHARED.items():
        listed = notes.invented(facts, shared, 9, (0, 1))
        same = (listed[..., :3] == facts.x[:, :, None, 1:]).sum(dim=-1)
        assert (same[:, :, 5] == 3).all() and (listed[:, :, 5, 3] == facts.y).all(), kind
        assert (same.sum(dim=-1) == 3 + 9 * shared).all(), kind
        kinds = (listed[..., 3] - 57) // 20
        assert (kinds == listed[..., 0] - 3).all()  # a town where somebody lives


def test_texts_begin_anywhere_in_training_and_at_the_first_place_afterwards(study):
    network = study("places").newborn("table, begun anywhere", 2, 40)
    plain = cl.tiny_transformer(117, places=40, seeds=2)
    plain.load_state_dict(network.state_dict())
    text = cl.LaneRandom(2, "text").integers(60, 117).reshape(2, 6, 10)
    assert not torch.allclose(network(text), plain(text))
    assert torch.equal(network.eval()(text), plain(text))
    network.train()(torch.zeros(2, 50, 40, dtype=torch.long))  # the longest text fits


@pytest.mark.parametrize("lane", [0])
def test_the_stored_windows_are_what_the_study_makes(study, lane):
    """One lane, one setting: growing up again gives what is stored, a question more or less."""
    code = study("window")
    world = cl.World(seeds=[lane])
    network = code.windowed(cl.grow_up(cl.tiny_transformer(117, seeds=[lane]), world), 16)
    again = cl.reads(network, *code.asked(world, 20, 19, code.SETTINGS["questions"]))
    stored = results.load("06_window")["found"]["cut"]["16"]["4"][lane]
    assert abs(float(again) - stored) <= 0.1


def test_the_fit_of_the_bill_finds_a_known_curve(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(ROOT / "benchmarks"), *sys.path])
    code = importlib.import_module("context")
    lengths = np.array([64, 256, 1024, 4096])
    found, predicted = code.fitted(lengths, 2 + 0.5 * lengths + 1e-3 * lengths**2)
    assert np.allclose(found, [2, 0.5, 1e-3]) and np.allclose(predicted[0], 2 + 32 + 4.096)
