"""Lesson 07: figures say their numbers and cut no label; studies are what their code makes."""

import importlib
import json
import sys
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from lessons import ROOT

import clcourse as cl
from clcourse import results
from clcourse.explore import lesson_07 as explorer
from clcourse.plots import adapter_effects
from clcourse.plots import lesson_07 as plots
from clcourse.plots.figure import number
from clcourse.plots.labels import colliding_labels, cut_labels

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def study(monkeypatch):
    """A function that gives the code of a study."""
    monkeypatch.setattr(sys, "path", [str(ROOT / "studies"), *sys.path])
    return lambda name: importlib.import_module(f"07_{name}")


def figures():
    return {
        "slowing": plots.slowing(guess=0.4, title="a title"),
        "kept": plots.kept(title="a title"),
        "rank": plots.rank(guess=0.3, title="a title"),
        "rules": plots.rows({"unseen": plots.ruled("unseen")}, guess=0.5, chance=0.05),
        "five": plots.five_rules(title="a title"),
        "reading": plots.reading(title="a title"),
        "topics": plots.topics(guess=0.5, title="a title"),
    }


@pytest.mark.parametrize("talk", [False, True])
def test_no_label_is_cut_or_covered(talk):
    with cl.plots.talk(talk):
        for name, figure in figures().items():
            assert not cut_labels(figure), name
            assert not colliding_labels(figure), name


def test_the_sentences_carry_the_stored_numbers():
    shown = figures()
    for method in ("full", "r1", "r4 + replay"):
        lanes = results.load("07_rank")["facts"]["30"][method]["lanes"]["old"]
        assert f"{plots.named(method)} {cl.estimate(lanes)}" in shown["kept"].sentence
    for method in ("six matrices", "r64"):
        lanes = results.load("07_controls")["found"]["places"][method]["lanes"]["old"]
        assert f"{plots.named(method)} {cl.estimate(lanes)}" in shown["kept"].sentence
    lanes = results.load("07_controls")["found"]["unrelated"]["r1"]["lanes"]["old"]
    assert f"note, r1, no rule {cl.estimate(lanes)}" in shown["five"].sentence
    for count in plots.COUNTS:
        lanes = results.load("07_rank")["facts"][count]["r1"]["lanes"]["recall"]
        assert f"{count} facts {cl.estimate(lanes)} with note, r1" in shown["rank"].sentence
    for way, words in plots.TOPICS.items():
        lanes = results.load("07_topics")["found"]["families"]["seeds"][way]["new"]
        assert f"{words} {cl.estimate(lanes)}" in shown["topics"].sentence


def test_slowing_shows_every_rate_that_reaches_the_recall_and_is_still_faster():
    for method in ("full", "r1", "full + replay"):
        search = results.load("07_rank")["facts"]["30"][method]["search"]
        points = plots.by_rate(method)
        steps = [one for one, _ in points]
        assert steps == sorted(steps, reverse=True) and len(steps) == len(set(steps)) > 3
        known = [one for one in search.values() if np.mean(one["recall"]) >= 0.985]
        assert steps[0] == max(np.mean(one["steps"]) for one in known)
        assert steps[-1] == min(np.mean(one["steps"]) for one in known)


def test_a_guess_is_drawn_only_where_there_is_one():
    assert "your guess" not in " ".join(text.get_text() for text in plots.topics().picture.texts)
    assert plots.rows({"a": {"b": [0.1, 0.2]}}, guess=0.5).picture.axes[0].lines

    def lines(figure) -> int:
        return len(figure.picture.axes[0].lines)

    assert lines(cl.plots.slots.kept(guess=0.4)) == lines(cl.plots.slots.kept()) + 1


def test_the_explorer_shows_what_is_stored_at_every_setting():
    one, stored = explorer.rank_and_facts(), results.load("07_rank")["facts"]
    methods = {"1": "r1", "4": "r4", "16": "r16", "all weights": "full"}
    for rank, method in methods.items():
        one.widgets["rank"].value = rank
        for facts in plots.COUNTS:
            one.widgets["facts"].value = facts
            drawing = ElementTree.fromstring(one.view.value)
            words = [text.text for text in drawing.iter(f"{SVG}text")]
            for what in ("recall", "old", "reads"):
                assert number(np.mean(stored[facts][method]["lanes"][what])) in words


def test_the_rates_were_chosen_on_other_lanes_from_one_grid(study):
    code = study("rank")
    settings = results.load("07_rank")["settings"]
    assert settings == code.SETTINGS
    for count, cells in results.load("07_rank")["facts"].items():
        assert not set(settings["seeds"][count]) & set(settings["search_seeds"][count])
        for cell in cells.values():
            rates = {float(lr): code.score(lanes) for lr, lanes in cell["search"].items()}
            assert set(settings["rates"][count]) <= set(rates)
            assert cell["lr"] == max(sorted(rates), key=rates.get)


@pytest.mark.parametrize("name", ["skill", "topics", "patience", "controls"])
def test_what_is_stored_was_made_with_the_settings_of_the_script(study, name):
    assert results.load(f"07_{name}")["settings"] == json.loads(json.dumps(study(name).SETTINGS))


def test_the_rates_of_rules_are_the_best_and_at_the_edge_where_the_lesson_says_so(study):
    found = results.load("07_skill")["found"]
    edge = set()
    for rules in ("1 rules", "5 rules"):
        for method, cell in found[rules].items():
            rates = {float(lr): study("skill").rule_score(one)
                     for lr, one in cell["search"].items()}  # fmt: skip
            assert cell["lr"] == max(sorted(rates), key=rates.get)
            if cell["lr"] in (min(rates), max(rates)):
                edge.add((rules, method))
    assert {method for rules, method in edge if rules == "1 rules"} == {"full", "r4", "r16"}
    assert {method for rules, method in edge if rules == "5 rules"} == {"full", "r16"}


@pytest.mark.parametrize("which", ["places", "unrelated"])
def test_the_rates_of_the_controls_were_chosen_inside_their_grid_on_other_lanes(study, which):
    stored = results.load("07_controls")
    assert not set(stored["settings"]["seeds"]) & set(stored["settings"]["search_seeds"])
    for cell in stored["found"][which].values():
        rates = {float(lr): study("rank").score(one) for lr, one in cell["search"].items()}
        assert cell["lr"] == max(sorted(rates), key=rates.get)
        assert min(rates) < cell["lr"] < max(rates)


def test_the_control_of_the_place_teaches_the_matrices_that_notes_sit_on(study):
    base = cl.tiny_transformer(len(cl.facts.WORDS), width=16, heads=2)
    student = study("controls").learner(base, "six matrices")
    learns = {name for name, θ in student.named_parameters() if θ.requires_grad}
    notes = cl.add_lora(base, 1).notes["note"]
    assert learns == {where.replace("/", ".") for where in notes} and len(learns) == 6


def test_bits_a_number_leave_out_lucky_guesses():
    assert plots.bits_a_number(300, "r1", 0.05) == pytest.approx(0)
    assert plots.bits_a_number(300, "r1", 1.0) == pytest.approx(300 * np.log2(20) / 1152)


def test_every_statement_is_judged_on_the_stored_lanes():
    effects = adapter_effects.effects()
    assert len(effects) == 16 and all(source for source, _ in effects.values())
    stored = results.load("07_rank")["facts"]["300"]
    expected = cl.paired(*(torch.tensor(stored[one]["lanes"]["reads"]) for one in ("full", "r16")))
    reads = next(effect for words, (_, effect) in effects.items() if "be read" in words)
    assert str(reads) == str(expected)


def test_all_weights_learn_or_the_note_alone(study):
    base = cl.tiny_transformer(len(cl.facts.WORDS), width=16, heads=2)
    code = study("rank")

    def learns(method: str) -> set[str]:
        taught = code.learner(base, method)
        return {name for name, θ in taught.named_parameters() if θ.requires_grad}

    everything = {name for name, _ in base.named_parameters()}
    assert learns("full") == learns("full + replay") == everything
    assert all(name.startswith("notes.note.") for name in learns("r2 + replay"))


def test_topics_are_of_one_family_or_of_anybody(study):
    code, world = study("topics"), cl.World(seeds=2)
    for part in code.topics(world, alike=True):
        assert part.x.shape == (2, 30, 4)
        assert all(len(lane.unique()) == 1 for lane in part.x[..., 3])
    mixed = code.topics(world, alike=False)
    assert len(mixed[0].x[0, :, 3].unique()) > 3
    people = torch.cat([part.x[0, :, 2:] for part in mixed]).unique(dim=0)
    assert len(people) == 40


def test_both_ways_to_choose_know_whom_they_were_told_of(study):
    code, world = study("topics"), cl.World(seeds=2)
    parts = [world.facts(), *code.topics(world, alike=True)]
    for number_, part in enumerate(parts):
        assert (code.by_list(parts, part.x) == number_).all()
    assert (code.by_words(parts, parts[1].x) == 1).float().mean() > 0.9


def test_the_code_book_changes_the_answers_and_nothing_else(study):
    code = study("skill")
    texts = code.episodes(cl.LaneRandom(2, "a test"), 3)
    book = torch.stack([torch.arange(60).roll(1), torch.arange(60)])
    coded = code.coded(texts, book)
    assert torch.equal(coded[1], texts[1])
    assert (coded[0] != texts[0]).sum() == 3 * 4 and (coded[0, :, :19] == texts[0, :, :19]).all()
