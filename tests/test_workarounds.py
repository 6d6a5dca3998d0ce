"""Memento and workarounds: the studies do what they say, and the figures say what they found."""

import importlib
import json
import sys

import numpy as np
import pytest
import torch
from lessons import ROOT

import clcourse as cl
from clcourse import results
from clcourse.facts import ATTRIBUTES, EVERY, NUMBER, VALUES, text
from clcourse.plots import chains
from clcourse.plots import workarounds as plots
from clcourse.plots.labels import colliding_labels, cut_labels

SEEDS = [0, 1]


@pytest.fixture(scope="module", name="world")
def _world() -> cl.World:
    return cl.World(seeds=SEEDS)


@pytest.fixture(scope="module", name="newborn")
def _newborn(world) -> cl.TinyTransformer:
    return cl.tiny_transformer(world.vocabulary, seeds=SEEDS)


@pytest.fixture
def study(monkeypatch):
    """A function that gives the code of a study."""
    monkeypatch.setattr(sys, "path", [str(ROOT / "studies"), *sys.path])
    return lambda name: importlib.import_module(f"08_{name}")


# -- where curves cross --


def test_curves_cross_where_arithmetic_says():
    x = [10, 100, 1000]
    falling = [[1.0, 0.9, 0.5], [1.0, 0.6, 0.2], [0.7, 0.6, 0.5], [1.0, 1.0, 0.9],
               [0.9, 0.9, 0.9]]
    found = chains.Crossing(x, falling, np.full((5, 3), 0.8))
    # lane 0: a third of the way from 100 to 1000 in logarithms after falling .1 of .4; lane 1: half
    # of the way from 10 to 100; lane 2 lies below from the start; lanes 3 and 4 never come down
    assert np.allclose(np.exp(found.at), [100 * 10**0.25, 10 * 10**0.5])
    assert (found.never, found.always) == (1, 2)
    assert found.estimate.n == 2 and found.estimate.low < found.estimate.value
    assert "in 2 lanes; above to the end in 2, below from the start in 1" in repr(found)
    shifted = chains.Crossing(x, falling, np.full((5, 3), 0.9), margin=0.1)
    assert np.allclose(shifted.at, found.at)
    straight = chains.Crossing([0, 1, 2], [[1, 1, 0], [1, 0, 0]], np.full((2, 3), 0.5), log=False)
    assert np.allclose(straight.at, [1.5, 0.5]) and straight.estimate.value == 1.0


def test_too_few_crossings_have_no_interval():
    never = chains.Crossing([1, 2], [[0.1, 0.1]], [[0.5, 0.5]])
    assert never.estimate is None and "at no place" in repr(never)
    with pytest.raises(cl.CourseError, match="as many rising steps"):
        chains.Crossing([2, 1], [[0.1, 0.1]], [[0.5, 0.5]])


# -- the studies --


def test_everybody_of_the_memento_test_is_who_they_should_be(study, world):
    memento = study("memento")
    cast = memento.Cast(world)
    for lane in range(len(SEEDS)):
        family = text(cast.rule.notes()[lane, 0]).split()[2]
        liked = text(cast.rule.notes()[lane, 0]).split()[3]
        noted = {" ".join(text(one).split()[1:3]) for one in cast.noted[lane]}
        asked = {" ".join(text(one).split()[1:3]) for one in cast.strangers.notes()[lane]}
        assert len(noted) == 15 and len(asked) == 40 and not noted & asked
        assert all(text(one).split()[0] == "likes" for one in cast.people.notes()[lane])
        for own, namesake in zip(cast.unseen.notes()[lane], cast.namesakes[lane], strict=True):
            ours, theirs = text(own).split(), text(namesake).split()
            assert ours[:2] == theirs[:2] and ours[2] == family and theirs[2] != family
        odd = text(cast.exception.notes()[lane, 0]).split()
        assert odd[1:3] == text(cast.unseen.notes()[lane, 0]).split()[1:3] and odd[3] != liked
    for situation, count in (("nothing", 3), ("rule", 3), ("namesake", 3), ("exception", 3),
                             ("examples", 30)):
        listed = memento.contexts(cast, situation, cast.unseen)
        assert listed.shape == (2, 10, count, 4)
        rules = (listed[..., 1] == NUMBER[EVERY]).sum(dim=2)
        assert (rules == (situation in ("rule", "namesake", "exception"))).all()


def test_the_simplest_reader_counts(study):
    notes = torch.tensor([[[[0, 0, 0, 7], [0, 0, 0, 7], [0, 0, 0, 9]],
                           [[0, 0, 0, 1], [0, 0, 0, 2], [0, 0, 0, 3]]]])
    most_frequent = study("memento").most_frequent
    assert most_frequent(notes, torch.tensor([[7, 2]])).tolist() == pytest.approx([(1 + 1 / 3) / 2])
    assert most_frequent(notes, torch.tensor([[9, 5]])).tolist() == [0.0]


@pytest.mark.parametrize("words", ["first name", "every"])
@pytest.mark.parametrize("at", [1, 2, 3])
def test_step_by_step_is_right_when_each_answer_is(study, world, at, words):
    """A look-up table stands in for the reader: attribute and last word → answer."""
    depth = study("depth")
    task = depth.Task(world, at)
    assert task.asked.y.shape == (2, 50) and len(task.stated) == 5 * at
    tables = [{(int(n[0]), int(n[2])): int(n[3]) for n in lane} for lane in task.stated.notes()]

    def ask(x):
        logits = torch.zeros(*x.shape[:2], world.vocabulary)
        for lane, table in enumerate(tables):
            for row, (_, attribute, first, last) in enumerate(x[lane].tolist()):
                assert (first == NUMBER[EVERY]) == (words == "every")
                logits[lane, row, table[attribute, last]] = 1
        return logits

    said = depth.step_by_step(ask, task.asked.x, at, words)
    assert torch.equal(said.argmax(-1) if said.dim() == 3 else said, task.asked.y)


def test_guessing_counts_the_values_that_are_named(study, world):
    for at, which in ((1, 2), (2, 0), (3, 1)):
        task = study("depth").Task(world, at)
        for lane, share in enumerate(task.by_chance()):
            named = {text(n).split()[3] for n in task.stated.notes()[lane]
                     if text(n).split()[0] == ATTRIBUTES[which]}
            assert share == 1 / len(named) and named <= set(VALUES[which])


def test_asking_from_a_cache_is_reading_the_whole_text(study, world, newborn):
    strangers = world.facts("strangers", 5)
    notes = strangers.notes()[:, None].expand(-1, 15, -1, -1)
    found = study("workarounds").in_context(newborn, strangers.notes(), strangers, at_once=4)
    assert found == pytest.approx(cl.reads(newborn, notes, strangers).tolist(), abs=1e-4)


def test_the_newest_notes_that_fit_are_read(study, world, newborn, monkeypatch):
    """A reader of the notes alone, in place of the transformer: it knows what lies before it."""
    work = study("workarounds")
    monkeypatch.setitem(work.SETTINGS, "windows", [64, 128])
    monkeypatch.setitem(work.SETTINGS, "counts", [9, 30])

    def holds(network, notes, asked):
        have = {tuple(one) for one in notes[0].tolist()}
        return [float(np.mean([tuple(one) in have for one in asked.notes()[0].tolist()]))]

    monkeypatch.setattr(work, "in_context", holds)
    found = work.windows(world, newborn)
    assert found["64"]["9"]["new"] == [1.0] and found["128"]["30"]["new"] == [1.0]
    assert found["64"]["30"]["notes"] == 14 and found["64"]["30"]["new"] == [14 / 30]
    assert found["all"]["30"]["new"] == [1.0] and found["all"]["30"]["old"] == [0.0]


@pytest.mark.parametrize("name", ["memento", "depth", "workarounds"])
def test_what_is_stored_was_made_with_these_settings(study, name):
    settings = study(name).SETTINGS
    assert results.load(f"08_{name}")["settings"] == json.loads(json.dumps(settings))
    chosen_on = settings["search_seeds"]
    assert not set(chosen_on) & {*settings["seeds"], *settings["other_seeds"]}


def test_nothing_is_lost_by_reading_less_where_all_notes_fit():
    for lanes in ("found", "other lanes"):
        rows = plots.study("workarounds")[lanes]["context"]
        assert rows["4096"]["900"] == rows["all"]["900"]
        assert [rows["64"][str(count)]["notes"] for count in plots.counts()] == [14] * 4


# -- the figures --


def figures(**more):
    return {"memento": plots.memento(title="a title"), "windows": plots.windows(title="a title"),
            "facts": plots.facts(title="a title", **more),
            "depth": chains.depth(title="a title", **more)}


@pytest.mark.parametrize("talk", [False, True])
def test_no_label_is_cut_or_covered(talk):
    with cl.plots.talk(talk):
        for name, figure in figures(guess=0.4).items():
            assert not cut_labels(figure), name
            assert not colliding_labels(figure), name


def test_copying_any_note_is_chance_for_strangers(study):
    """The rule is one of three notes, and another may name the same hobby; of 30 examples half."""
    memento, found = study("memento"), results.load("08_controls")["strangers"]
    cast = memento.Cast(cl.World(seeds=[0]))
    hobbies = [text(note).split()[3] for note in cast.noted[0]]
    liked = text(cast.rule.notes()[0, 0]).split()[3]
    wanted = {"rule": (1 + hobbies[:2].count(liked)) / 3,
              "examples": (15 + hobbies.count(liked)) / 30}  # fmt: skip
    for what, share in wanted.items():
        assert found[what]["any note"][0] == pytest.approx(share, abs=1e-4)
        assert plots.by_chance(what) == pytest.approx(np.mean(found[what]["any note"]))


def test_the_sentences_carry_the_stored_numbers():
    shown = figures()
    for where in plots.ROWS.values():
        assert f"unseen {cl.estimate(plots.asked(*where, 'unseen'))}" in shown["memento"].sentence
    for way in plots.WAYS:
        last = cl.estimate(plots.curve(way)[:, -1])
        assert f"{last} at {plots.counts()[-1]}" in shown["facts"].sentence
    for way in chains.DEEP:
        assert f"{cl.estimate(chains.by_depth(way)[:, 2])} at 2" in shown["depth"].sentence
