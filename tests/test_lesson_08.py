"""Lesson 08: figures say their numbers and cut no label; studies are what their code makes."""

import importlib
import sys
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from lessons import ROOT

import clcourse as cl
from clcourse import results
from clcourse.explore import lesson_08 as explorer
from clcourse.plots import lesson_08 as plots
from clcourse.plots.figure import number
from clcourse.plots.labels import colliding_labels, cut_labels

SVG = "{http://www.w3.org/2000/svg}"
STUDIES = ("open_book", "finding", "forgetting", "controls")


@pytest.fixture
def study(monkeypatch):
    """A function that gives the code of a study."""
    monkeypatch.setattr(sys, "path", [str(ROOT / "studies"), *sys.path])
    return lambda name: importlib.import_module(f"08_{name}")


def figures():
    return {
        "table": plots.table(guess=cl.guess("08.1", 0.4), title="a title"),
        "new": plots.table(lessons=("new", "changed")),
        "reading": plots.reading(guess=0.4, guess_at=20, title="a title"),
        "wordings": plots.wordings(title="a title"),
        "stale": plots.stale(guess=0.4, title="a title"),
        "forgetting": plots.forgetting(title="a title"),
        "grid": plots.grid(),
    }


@pytest.mark.parametrize("talk", [False, True])
def test_no_label_is_cut_or_covered(talk):
    with cl.plots.talk(talk):
        for name, figure in figures().items():
            assert not cut_labels(figure), name
            assert not colliding_labels(figure), name


def test_the_sentences_carry_the_stored_numbers():
    shown, found = figures(), results.load("08_finding")
    for way in plots.ROWS:
        asked, old = (np.mean(results.load("08_open_book")["found"]["new"][way][what])
                      for what in ("asked", "old"))  # fmt: skip
        assert f"{way} {number(asked)}, old {number(old)}" in shown["table"].sentence
    right = np.mean(found["wordings"]["words"]["as noted"]["20"]["right"])
    assert f"{number(right)} with 20" in shown["reading"].sentence
    hit = np.mean(found["wordings"]["letters"]["another verb"]["3"]["found"])
    assert f"another verb found {number(hit)}" in shown["wordings"].sentence
    assert str(cl.estimate(found["orders"]["newest first"])) in shown["stale"].sentence
    kept = results.load("08_forgetting")["found"]["ascent"]["old"]
    assert str(cl.estimate(kept)) in shown["forgetting"].sentence


def test_the_explorer_shows_what_is_stored_at_every_setting():
    one, study = explorer.notes_and_stale_notes(), plots.grid_study()
    for stale, words in explorer.PILES.items():
        one.widgets["stale"].value = words
        for size in study.sizes:
            one.widgets["size"].value = size
            for k in study.counts:
                one.widgets["k"].value = k
                drawing = ElementTree.fromstring(one.view.value)
                texts = [text.text for text in drawing.iter(f"{SVG}text")]
                for what in explorer.SHOWN:
                    assert number(study.estimate(k, size, stale, what).value) in texts


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_was_made_by_its_code_with_a_number_for_each_lane(study, name):
    def lanes(part):
        if isinstance(part, dict):
            for one in part.values():
                yield from lanes(one)
        elif isinstance(part, list) and len(part) in (10, 20) and isinstance(part[0], float):
            yield part

    stored = results.load(f"08_{name}")
    assert stored["settings"] == study(name).SETTINGS
    found = list(lanes({k: v for k, v in stored.items() if k not in ("settings", "versions")}))
    assert len(found) > 5 and all(np.isfinite(one).all() for one in found)
    others = stored["settings"].get("seeds_for_choosing", [])
    assert not set(stored["settings"]["seeds"]) & set(others)


def test_every_way_of_the_table_had_the_same_rates_and_the_best_was_taken():
    stored = results.load("08_open_book")
    for lesson, ways in stored["chosen"].items():
        for way, one in ways.items():
            grid = "scores" if way.startswith("notes") else "learning_rates"
            assert list(one["tried"]) == [str(v) for v in stored["settings"][grid]], (lesson, way)
            assert one["tried"][one["best"]] == max(one["tried"].values())


def test_notes_in_one_context_read_once_are_read_as_by_the_package(study):
    world = cl.World(people=2, newcomers=5, seeds=2)
    network, facts = cl.tiny_transformer(world.vocabulary, seeds=2), world.facts("newcomers")
    notes = facts.notes()
    listed = notes[:, None].expand(-1, len(facts), -1, -1)
    with torch.no_grad():
        answer = network(cl.with_context(listed, facts.x)).argmax(-1)
    wanted = (answer == facts.y).float().mean(1)
    assert torch.equal(study("open_book").in_context(network, notes, facts), wanted)


def test_stale_versions_are_other_answers_of_the_same_kind_and_the_last_is_true(study):
    facts = cl.World(people=2, newcomers=9, seeds=2).facts("newcomers")
    piled = study("finding").versions(facts, 3, (0, 1)).unflatten(1, (4, -1))
    assert torch.equal(piled[:, 3], facts.notes())
    assert (piled[..., :3] == facts.notes()[:, None, :, :3]).all()
    values = piled[..., 3]
    kind = (values - cl.facts.NUMBER["Accra"]) // 20
    assert (kind == kind[:, 3:]).all()
    assert all(len(set(values[0, :, at].tolist())) == 4 for at in range(27))


def test_a_wording_without_a_common_word_scores_zero(study):
    code = study("finding")
    for question in ("lives-in Ada Finch", "likes Zoe Ash", "works-as Udo Ito"):
        said = code.worded(question)
        assert not set(said["no word in common"].split()) & set(question.split())
        assert len(set(said.values())) == 5
    zero = results.load("08_finding")["wordings"]["words"]["no word in common"]["score zero"]
    assert min(zero) == 1.0


def test_the_first_lanes_come_out_of_the_code(study):
    world = cl.World(people=5, newcomers=100, seeds=[0, 1])
    assert set(study("finding").orders(cl.tiny_transformer(117, seeds=[0, 1]), world)) == set(
        results.load("08_finding")["orders"]
    )


def test_controls_never_choose_on_the_lanes_they_report(study):
    stored = results.load("08_controls")
    assert stored["settings"] == study("controls").SETTINGS
    tried = stored["chosen"]["strangers"]
    scores = {name: one["unseen"] - one["false"] for name, one in tried.items() if "above" in name}
    assert max(scores, key=scores.get) == "above 0.5"
    both = {k: one["unseen"] + one["old"] for k, one in stored["chosen"]["k"].items()}
    assert max(both, key=both.get) == "5" and both["5"] - both["10"] < 0.005
    assert not set(stored["settings"]["seeds"]) & set(stored["settings"]["seeds_for_choosing"])


def test_a_vote_and_a_count_of_words_are_what_they_say(study):
    """Five notes of one answer outvote; without a network the proper words decide."""
    world, code = cl.World(people=2, newcomers=100, seeds=2), study("controls")
    network = cl.tiny_transformer(world.vocabulary, seeds=2)
    assert code.votes(network, world)["20"]["vote, unseen"] == [1.0, 1.0]
    counted = code.wordings(network, world)["90"]
    assert counted["as noted"]["count of words"] == [1.0, 1.0]
    assert counted["no word in common"]["count of words"] < [0.5, 0.5]
