"""The figures of one memory say what they were given, and nothing on them is cut."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from clcourse import plots
from clcourse.errors import CourseError
from clcourse.memory import token_loop
from clcourse.metrics import Estimate
from clcourse.plots import far_recall, one_memory, openings
from clcourse.plots.labels import colliding_labels, cut_labels

GAPS = [0, 4, 16, 32, 64, 128, 512, 2048]
NOBODY = SimpleNamespace(value=None)


def shown(θ: float, η: float, showings: int = 12, seeds: int = 3) -> torch.Tensor:
    """Surprise as one pair is shown again and again, (seeds, showings)."""
    generator = torch.Generator().manual_seed(0)
    k = torch.nn.functional.normalize(torch.randn(seeds, 1, 8, generator=generator), dim=-1)
    k, v = k.expand(-1, showings, -1), torch.ones(seeds, showings, 4)
    gates = (torch.full((seeds, showings), float(one)) for one in (θ, η, 0))
    return token_loop(k, k, v, *gates)[2].surprise


def lanes(*means, seeds: int = 20, spread: float = 0.02) -> np.ndarray:
    """(seeds, means), or (seeds,) for one mean."""
    random = np.random.default_rng(round(1000 * sum(means)))
    found = np.stack([random.normal(mean, spread, seeds).clip(0, 1) for mean in means], 1)
    return found[:, 0] if len(means) == 1 else found


RIVALS = {"memory": lanes(1, 1, 0.97, 0.95, 0.9, 0.85, 0.7, 0.3),
          "window": lanes(1, 0.9, *[0.06] * 6), "full attention": lanes(*[1] * 8),
          "memory, writes off": lanes(1, 0.9, *[0.06] * 6),
          "no network, the last 16 pairs looked up": lanes(0.5, 0.4, *[0.06] * 6)}  # fmt: skip
GATES = {"pairs": lanes(0.55), "fillers": lanes(0.02, spread=0.004),
         "questions": lanes(0.01, spread=0.004)}  # fmt: skip
KINDS = ["new pair", "new pair", "seen again", "changed value", "filler", "seen again"]

TYPICAL = {
    "one pair": lambda guess=None: one_memory.one_pair(
        {θ: shown(θ, 0) for θ in (0.1, 0.3, 0.8)}, {θ: shown(θ, 0.9) for θ in (0.1, 0.3, 0.8)},
        guess=guess, title="Each showing leaves 1 - θ of the surprise"),
    "one pair, no momentum": lambda guess=None: one_memory.one_pair(
        {θ: shown(θ, 0)[0] for θ in (0.1, 0.5, 1)}, guess=guess),
    "matrices": lambda: one_memory.matrices(
        torch.randn(5, 12, 8, generator=torch.Generator().manual_seed(0)),
        ["A → 1", "B → 2", "C → 3", "A → 1 again", "A → 5, a changed value"], title="M"),
    "surprise": lambda guess=None: one_memory.surprise_curve(
        lanes(1, 1, 0.5, 1.2, 1, 0.4), KINDS, ["A1", "B2", "A1", "A5", "·3", "B2"], empty=1.0,
        guess=guess, title="Surprise falls when a pair returns"),
    "writing": lambda guess=None: openings.writing(
        {"θ": GATES, "η": GATES, "α": {kind: one / 100 for kind, one in GATES.items()}},
        guess=guess, title="It writes pairs, and hardly anything else"),
    "writing θ": lambda guess=None: openings.writing(GATES, guess=guess),
    "gaps": lambda guess=NOBODY: far_recall.gap_curves(
        GAPS, RIVALS, chance=1 / 16, trained=(0, 63), guesses={512: guess}, title="Far"),
    "architectures": lambda: far_recall.architectures(
        {name: lanes(0.9, 0.8 - 0.1 * k, 0.5 - 0.06 * k) for k, name in enumerate(
            ["MAC", "MAG", "MAL", "memory alone", "window", "full attention"])},
        [4, 64, 512], chance=1 / 16, title="Three ways"),
    "paper": lambda: far_recall.paper_table(),
    "paper, words": lambda: far_recall.paper_table("W", title="As the paper reports it"),
}  # fmt: skip
GUESSING = ["one pair", "one pair, no momentum", "surprise", "writing", "writing θ", "gaps"]


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("name", TYPICAL)
def test_no_label_is_cut_or_covered(name, large):
    with plots.talk(large):
        figure = TYPICAL[name]()
        assert cut_labels(figure) == [] and colliding_labels(figure) == []
        assert figure.picture.get_figwidth() * 100 <= 1150
        assert len(figure.png) < 40_000 and figure.sentence.endswith(".")
        assert "nan" not in figure.sentence and "\n" not in figure.sentence


@pytest.mark.parametrize("name", GUESSING)
def test_a_guess_is_drawn_and_no_guess_is_not(name):
    def said(guess):
        return [one.get_text() for axes in TYPICAL[name](guess).picture.axes for one in axes.texts]

    assert not any("your guess" in one for one in said(NOBODY))
    assert any("your\u00a0guess 0.4" in one or "your guess" in one.replace("\n", " ")
               for one in said(SimpleNamespace(value=0.4)))  # fmt: skip
    assert cut_labels(TYPICAL[name](SimpleNamespace(value=0.4))) == []


# One pair


@settings(max_examples=30, deadline=None)
@given(st.floats(0.01, 1.9), st.floats(0, 0.95), st.integers(2, 15))
def test_the_law_is_what_the_loop_gives(θ, η, showings):
    found = shown(θ, η, showings).double() / θ
    left = (found / found[:, :1]).mean(0).numpy()
    law = one_memory.law(θ, η, showings)
    assert np.allclose(left, law, atol=2e-4 * max(1, law.max()))


def test_without_momentum_the_law_is_a_power():
    assert np.allclose(one_memory.law(0.3, 0, 9), 0.7 ** np.arange(9))
    assert one_memory.law(0.8, 0.9, 3) == pytest.approx([1, 0.2, 0.68])  # 1, .2, .2 - .88


def test_one_pair_says_what_is_left_and_how_far_from_the_law():
    measured = 3 * np.array([1, 0.5, 0.25, 0.196, 0.0625])
    figure = one_memory.one_pair({0.5: measured}, {0.5: [1, 0.5, 0.2]})
    assert figure.sentence == (
        "Surprise at the n-th showing as a share of the first: no momentum: θ = 0.5: 0.50 at 2, "
        "0.25 at 3, 0.20 at 4, 0.06 at 5; at most 0.07 from the exact law; with momentum η = 0.9: "
        "θ = 0.5: 0.50 at 2, 0.20 at 3; at most 0.00 from the exact law."
    )


# M, and surprise


def test_matrices_share_one_scale_and_mark_what_is_below_zero():
    figure = one_memory.matrices([[[1.0, 0.0]], [[-2.0, 0.1]]], ["first", "second"])
    panels = figure.picture.axes[:2]
    assert {panel.collections[0].get_clim() for panel in panels} == {(-2.0, 2.0)}
    assert [len(panel.lines[0].get_xdata()) for panel in panels] == [0, 1]
    assert "first 1.00; second 2.00." in figure.sentence and "(1 by 2)" in figure.sentence
    empty = one_memory.matrices(torch.zeros(1, 3, 3), ["nothing yet"])
    assert "nothing yet 0.00" in empty.sentence


def test_signed_colours_run_from_vermillion_over_paper_to_blue():
    assert one_memory.signed(0) == "#FFFFFF"
    assert one_memory.signed(-9) == "#D55E00" and one_memory.signed(0.5, 0.5) == "#0072B2"


def test_the_surprise_of_each_kind_is_said():
    figure = one_memory.surprise_curve([1.0, 1.0, 0.5, 1.2, 0.9, 0.3], KINDS)
    assert figure.sentence == (
        "Mean surprise over 1 seed, by kind of token: new pair 1.00 (2 tokens); seen again 0.40 "
        "(2 tokens); changed value 1.20 (1 token); filler 0.90 (1 token)."
    )
    assert {line.get_marker() for line in figure.picture.axes[0].lines} >= set("os^x")


# What a trained memory does


def test_writing_says_means_with_intervals_of_three_digits():
    values = np.array([0.001, 0.002, 0.004, 0.003])
    low, high = stats.t.interval(0.95, 3, values.mean(), stats.sem(values))
    figure = openings.writing({"pairs": values, "fillers": Estimate(0.5, -0.1, 1.1, 4)})
    assert f"θ: pairs 0.0025 [{low:.3g}, {high:.3g}], fillers 0.5 [0, 1.1]" in figure.sentence
    note = figure.picture._supxlabel.get_text().replace("\n", " ")
    assert "to the edge where it reaches 0" in note


def test_gap_curves_say_every_rival_at_every_gap():
    two = np.array([[0.9, 0.5], [0.7, 0.1]])
    low, high = stats.t.interval(0.95, 1, 0.3, stats.sem(two[:, 1]))
    figure = far_recall.gap_curves([0, 64], {"memory": two, "window": [
        Estimate(1.0, 0.9, 1.0, 2), Estimate(0.06, 0.05, 0.07, 2)]}, chance=0.0625, trained=(0, 9))
    assert f"0.30 [{low:.2f}, {high:.2f}] at 64" in figure.sentence
    assert "trained on gaps 0 to 9" in figure.sentence
    assert "window 1.00 [0.90, 1.00] at 0, 0.06 [0.05, 0.07] at 64; chance is 0.06." in (
        figure.sentence
    )
    assert figure.picture.axes[0].get_xlim() == pytest.approx((0, np.log2(65)))


def test_architectures_put_each_name_in_its_row_and_each_gap_in_its_panel():
    figure = far_recall.architectures({"MAC": [0.9, 0.5], "MAG": [0.8, 0.4]}, [4, 64], chance=0.1)
    panels = figure.picture.axes
    assert [panel.get_title(loc="left") for panel in panels] == ["gap 4", "gap 64"]
    dots = [[float(line.get_xdata()[0]) for line in panel.lines if line.get_marker() == "o"]
            for panel in panels]  # fmt: skip
    assert dots == [[0.9, 0.8], [0.5, 0.4]]
    assert "MAC 0.90 at gap 4, 0.50 at gap 64; MAG 0.80" in figure.sentence


def test_the_papers_table_is_labelled_as_the_papers():
    figure = far_recall.paper_table("N")
    shown_texts = [one.get_text() for one in figure.picture.axes[0].texts]
    assert "paper result,\nnot ours" in shown_texts and "80.2" in shown_texts
    assert figure.sentence.startswith("A paper result, not ours (Behrouz, Zhong & Mirrokni 2024")
    assert "LMM 100.0 and 80.2" in figure.sentence and "Mamba2 98.4 and 0.0" in figure.sentence
    assert {len(values) for one in far_recall.TABLE_2.values() for values in one.values()} == {4}


WRONG = {
    "no dictionary": (lambda: one_memory.one_pair(3), "surprises is int; expected a dictionary"),
    "no surprise": (lambda: one_memory.one_pair({0.5: [0.0, 1.0]}), "begin with an empty memory"),
    "θ is no number": (lambda: one_memory.one_pair({"much": [1.0, 0.5]}), "no array of numbers"),
    "labels": (lambda: one_memory.matrices(torch.zeros(2, 3, 3), ["one"]), "2 of them and 1 lab"),
    "one matrix alone": (lambda: one_memory.matrices(torch.zeros(3, 3), ["a"] * 3), r"\(d, p\)"),
    "unknown kind": (lambda: one_memory.surprise_curve([1.0], ["old"]), r"unknown \['old'\]"),
    "too few kinds": (lambda: one_memory.surprise_curve([1.0, 2.0], ["filler"]), "are 1 kinds"),
    "names": (lambda: one_memory.surprise_curve([1.0], ["filler"], ["a", "b"]), "as many names"),
    "NaN": (lambda: one_memory.surprise_curve([float("nan")], ["filler"]), "NaN"),
    "a gate of 0": (lambda: openings.writing({"pairs": [0.0, 0.0]}), "no place on a log axis"),
    "other kinds": (lambda: openings.writing({"θ": {"a": [1.0]}, "η": {"b": [1.0]}}), "in this"),
    "gaps fall": (lambda: far_recall.gap_curves([4, 0], {"m": [0.5, 0.5]}, chance=0), "rising"),
    "a value is missing": (lambda: far_recall.gap_curves([0, 4], {"memory": lanes(0.1, 0.2, 0.3)},
                                                         chance=0.1), "3 values for 2 places"),
    "too many": (lambda: far_recall.gap_curves([0, 4], {k: [0.1, 0.2] for k in range(7)},
                                               chance=0.1), "7 entries"),
    "nothing": (lambda: far_recall.architectures({}, [1], chance=0), "0 entries"),
    "no such task": (lambda: far_recall.paper_table("X"), "one of PK, N, W"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_bad_input_gets_one_sentence(name):
    wrong, says = WRONG[name]
    with pytest.raises(CourseError, match=says) as caught:
        wrong()
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")
