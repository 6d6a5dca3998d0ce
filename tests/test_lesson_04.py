"""Lesson 04: its figures say their numbers and cut no label; its explorer shows what is stored."""

import importlib.util
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from lessons import NOTEBOOKS, number, read
from scipy.stats import multivariate_normal, norm

import clcourse as cl
from clcourse.explore import lesson_04 as explorer
from clcourse.plots import completion, sparsity
from clcourse.plots import lesson_04 as plots
from clcourse.plots.labels import colliding_labels, cut_labels

SVG = "{http://www.w3.org/2000/svg}"
STUDIES = Path(__file__).parent.parent / "studies"


def figures():
    stored = cl.k_winners(cl.LaneRandom(1, "figure").normal(1, 240), 24)[0, 0]
    cue = stored.clone()
    cue[stored.nonzero()[6:]] = 0
    likeness = np.linspace(0, 1, 5)
    regions = {name: np.stack([likeness**power, 0.9 * likeness**power])
               for power, name in enumerate(plots.HUES, start=1)}
    return {
        "circuit": plots.circuit(cl.Hippocampus()),
        "separation": plots.separation(likeness, regions, {"DG": likeness**2}, guess=0.4),
        "episodes": plots.episodes({"stored": stored, "cue": cue}, title="a title"),
        "completion": completion.completion(),
        "recurrence": completion.completion(("whole", "no recurrence"), (200, 400),
                                            title="a title"),
        "one matrix": completion.completion(("whole", "one matrix"), (100, 200, 400)),
        "similar": completion.similar(),
        "gauge": completion.gauge(guess=0.5),
        "capacity": sparsity.capacity(),
        "digits": completion.digits(guess=0.7),
        "sparsity": sparsity.sparsity(),
    }


@pytest.mark.parametrize("talk", [False, True])
def test_no_label_is_cut_or_covered(talk):
    with cl.plots.talk(talk):
        for name, figure in figures().items():
            assert not cut_labels(figure), name
            assert not colliding_labels(figure), name


def test_the_sentences_carry_the_numbers():
    shown = {name: figure.sentence for name, figure in figures().items()}
    assert "DG 16 of 1600 units active" in shown["circuit"]
    assert "cue: 6 right units, 0 wrong ones" in shown["episodes"]
    found = cl.results.load("04_completion")
    value = np.mean(found["completion"]["whole"]["200"]["6"]["fidelity"])
    assert f"whole, 200 episodes, fidelity 0.99 from all, 0.99 from half, {value:.2f}" in (
        shown["completion"])
    for at, one in found["gauge"].items():
        assert f"{np.mean(one['sound']):.2f} at {at}" in shown["gauge"]
    for who in ("whole", "no DG", "no DG, 480", "no DG, 1600"):
        for one in found["similar"].values():
            value, shared = np.mean(one[who]["12"]["identified"]), np.mean(one["in common"])
            assert f"{value:.2f} at {shared:.3g}" in shown["similar"]
    digits = cl.results.load("04_digits")
    for use in completion.USES:
        for M, stores in digits[use].items():
            for one in (*stores.values(), digits["floors"][M]["class means"]):
                assert f"{cl.estimate(one['right'])} with {M}" in shown["digits"]


def test_the_formula_of_the_lesson_is_that_of_two_normal_variables():
    (path,) = (one for one in NOTEBOOKS if number(one) == "04")
    (cell,) = (one.source for one in read(path).cells if "def theory" in one.source)
    names = {"torch": torch}
    exec(cell.split("\n\n\n")[0], names)
    for a in (0.01, 1 / 30, 0.1, 0.5):
        t = norm.isf(a)
        for ρ in (0.0, 0.25, 0.5, 0.75, 0.95):
            both = multivariate_normal([0, 0], [[1, ρ], [ρ, 1]]).cdf([-t, -t])
            assert names["theory"](ρ, a) == pytest.approx(both / a, abs=2e-3)


def test_the_explorer_shows_what_is_stored_at_every_setting():
    one, study = explorer.recall(), sparsity.sparsity_study()
    for active in study.actives:
        one.widgets["active"].value = active
        for load in study.loads:
            one.widgets["load"].value = load
            for kept in study.kept:
                one.widgets["kept"].value = kept
                drawing = ElementTree.fromstring(one.view.value)
                words = [text.text for text in drawing.iter(f"{SVG}text")]
                here = cl.results.load("04_sparsity")["found"][str(active)][str(load)]
                assert f"{np.mean(here[str(kept)]['fidelity']):.2f}" in words
                assert f"{np.mean(here['sound']):.2f}" in words
                right = set(here[str(kept)]["back"]) & set(study.episode)
                assert f"{len(right)} right, {24 - len(right)} wrong" in words


def study(name):
    """A study as a module."""
    spec = importlib.util.spec_from_file_location(f"study_{name}", STUDIES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_pairs_share_what_they_are_asked_to_share():
    made = study("04_separation")
    for shared in (0, 12, 23):
        first, second = made.pairs(5, shared, cl.LaneRandom(2, "test"))
        assert torch.equal((first * second).sum(-1), torch.full((2, 5), float(shared)))
        assert torch.equal(second.sum(-1), torch.full((2, 5), 24.0))


def test_one_matrix_holds_a_pattern_and_no_memory_brings_back_the_cue():
    made = study("04_completion")
    patterns = cl.k_winners(cl.LaneRandom(2, "matrix").normal(5, 240), 24)
    cues = made.some(patterns, 6, cl.LaneRandom(2, "cues"))
    for solved in (False, True):
        assert torch.equal(made.OneMatrix(patterns, solved).recall(cues), patterns)
    assert torch.equal(made.Itself().recall(cues), cues)
    twice = patterns[:, :1].repeat(1, 5, 1)
    assert made.alike(twice) == pytest.approx(torch.ones(2))


def test_solved_is_where_the_delta_rule_comes_to_rest():
    made = study("04_completion")
    patterns = cl.k_winners(cl.LaneRandom(1, "matrix").normal(20, 240), 24)
    e = (patterns - 0.1)[0]
    W = made.OneMatrix(patterns, solved=True).W[0]
    assert torch.allclose(e.T @ (e - e @ W), W, atol=1e-3)  # what is left to learn, and the decay


def test_without_the_solve_only_the_way_back_differs():
    made = study("04_completion")
    patterns = cl.k_winners(cl.LaneRandom(1, "matrix").normal(30, 240), 24)
    whole = made.filled(patterns, 1)
    plain = made.unsolved(whole)
    assert plain.lesions == whole.lesions and torch.equal(plain.decoder, whole.ca1_ec)
    assert torch.equal(plain.ca3_ca3, whole.ca3_ca3)
    assert not torch.equal(plain.decoder, whole.decoder)


def test_the_stored_controls_are_what_the_study_gives():
    stored, made, seeds = cl.results.load("04_completion"), study("04_completion"), [0, 1]
    random, beside = (cl.LaneRandom(seeds, what) for what in ("episodes and cues", "controls"))
    patterns = cl.k_winners(random.normal(stored["settings"]["loads"][0], 240), 24)
    for who, one in made.controls(patterns, made.filled(patterns, seeds)).items():
        for kept, found in made.recalled(one, patterns, beside).items():
            kept_then = stored["completion"][who]["25"][kept]
            for measure, lanes in found.items():
                assert np.allclose(lanes, kept_then[measure][:2], atol=0.02), (who, kept, measure)


def test_every_store_is_given_the_same_examples():
    made = study("04_digits")
    stream = made.held_in_memory([0, 1])
    brought, held = made.nights({"store": "buffer"}, 20, stream)
    assert len(held) == 20
    seen = torch.cat([made.few(one, 20).x for one in stream], dim=1)
    assert torch.equal(held.x.sum(dim=1), seen.sum(dim=1))
    kind = {"store": "hippocampus", "size": "480", "chance": 1.0}
    _, hippocampus = made.nights(kind, 20, stream)
    assert bool((hippocampus.hippocampus.load <= 20).all())
    x, y = brought[0]
    assert set(y[0].tolist()) == set(stream[0].y[0].tolist())


@pytest.mark.slow
def test_the_stored_separation_is_what_the_study_gives():
    stored = cl.results.load("04_separation")
    again = study("04_separation").study([0, 1], stored["settings"]["pairs"])
    for region, by_likeness in again["by likeness"].items():
        for shared, lanes in by_likeness.items():
            kept = stored["by likeness"][region][shared][:2]
            assert np.allclose(lanes, kept, atol=0.02), (region, shared)
