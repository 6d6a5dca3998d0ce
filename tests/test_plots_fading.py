"""The figures of fading weights say what is stored, in words and in marks, and cut nothing."""

import json

import numpy as np
import pytest
from scipy.special import stdtrit

import clcourse as cl
from clcourse import plots
from clcourse.errors import CourseError
from clcourse.metrics import Estimate
from clcourse.plots import fading, fast_and_slow
from clcourse.plots.labels import colliding_labels, cut_labels
from clcourse.results import HOME

STORED = json.loads((HOME / "10_fading.json").read_text(encoding="utf-8"))
FIRST = STORED["lanes"]["30 steps"]
RHYTHM = cl.Clock((1, 8, 32)).rhythm(96)


def a_life(**more):
    up = {"fading": np.array([[0.6, 0.5, 0.5, 0.4]] * 3), "one network": np.full((3, 4), 0.5)}
    down = {"fading": np.array([[0.6, 0.9]] * 3), "one network": np.full((3, 2), 0.5)}
    return fast_and_slow.life(up, down, rest_steps=(0, 1000), **more)


FIGURES = {
    "main": lambda: fading.rivals(title="What keeps the base", guess=0.7),
    "every": lambda: fading.rivals(only=None),
    "equal": lambda: fading.rivals(rule="equal adaptation", only=None),
    "no base": lambda: fading.rivals("30 steps, no base", only=None),
    "differences": lambda: fading.differences("What earns what"),
    "recurring": lambda: fading.recurring("Slow steps against none"),
    "timeline": lambda: fast_and_slow.timeline("Within a context"),
    "stored life": lambda: fast_and_slow.stored_life(guess=0.7, title="A life"),
    "life": lambda: a_life(guess=0.7, title="A life"),
    "plane": lambda: fast_and_slow.plane("Every setting"),
    "rhythms": lambda: fast_and_slow.rhythms(RHYTHM, (1, 8, 32), "Three rhythms"),
}


def said(lanes) -> str:
    """ "0.85 [0.84, 0.85]", computed here once more."""
    lanes = np.array(lanes)
    reach = stdtrit(len(lanes) - 1, 0.975) * lanes.std(ddof=1) / len(lanes) ** 0.5
    low, value, high = (f"{round(lanes.mean() + side * reach, 2) + 0.0:.2f}" for side in (-1, 0, 1))
    return f"{value} [{low}, {high}]"


@pytest.mark.parametrize("far", [False, True])
@pytest.mark.parametrize("name", FIGURES)
def test_no_label_is_cut_or_covered(name, far):
    with plots.talk(far):
        figure = FIGURES[name]()
        assert not cut_labels(figure) and not colliding_labels(figure)
        assert len(figure.png) < 60_000 and figure.sentence.endswith(".")


def test_the_sentence_of_the_rivals_has_every_mean_and_interval():
    sentence = fading.rivals(only=None).sentence
    for name, words in fading.NAMES.items():
        numbers = FIRST[name]["best sum"]
        three = ", ".join(said(numbers[one]) for one in ("online", "awake", "rested"))
        assert f"{words} {three}" in sentence
    assert "; 50 images replayed at rest 0.81 " in sentence


def test_marks_stand_where_the_means_are():
    panels = fading.rivals().picture.axes
    for panel, measure in zip(panels, ("online", "awake", "rested"), strict=True):
        drawn = [float(line.get_xdata()[0]) for line in panel.lines if line.get_marker() in "os^D"]
        means = [np.mean(FIRST[name]["best sum"][measure]) for name in fading.MAIN]
        assert drawn == pytest.approx(means)


def test_a_rival_looks_like_what_it_does():
    assert fading.mark("two weights, no fading") == fading.mark("one network") == fading.NEVER
    assert fading.mark("beside, frozen") == fading.FADING
    assert fading.mark("average of its weights") == fading.mark("put back when told")
    for other in ("EWC", "replay of 50 at rest", "one network, slow"):
        assert fading.mark(other) == fading.OTHER
    assert len({one.marker for one in fading.KINDS.values()}) == 4


def test_differences_are_paired_and_said_for_both_sets_of_lanes():
    sentence = fading.differences().sentence
    pairs = [np.array(STORED[part]["30 steps"]["two weights"]["best sum"]["online"])
             - np.array(STORED[part]["30 steps"]["beside"]["best sum"]["online"])
             for part in ("lanes", "other lanes")]  # fmt: skip
    assert f"two weights − network beside {said(pairs[0])} and {said(pairs[1])}" in sentence


def test_slow_steps_are_compared_in_every_world_with_frozen_ones():
    panel = fading.recurring().picture.axes[0]
    labels = [label.get_text().replace("\n", " ") for label in panel.get_yticklabels()]
    assert len(labels) == 2 * (len(STORED["lanes"]) - 1)
    filled = [float(line.get_xdata()[0]) for line in panel.lines
              if line.get_marker() in ("o", "s") and line.get_markerfacecolor() != "#FFFFFF"]
    row = labels.index("two weights, 3 recur")
    rivals = STORED["lanes"]["30 steps, 3 that recur"]
    slow, frozen = (np.mean(rivals[name]["best sum"]["online"])
                    for name in ("two weights", "two weights, frozen"))  # fmt: skip
    assert filled[row] == pytest.approx(slow - frozen)


def test_a_guess_is_drawn_only_where_there_is_one():
    for make in (fading.rivals, a_life, fast_and_slow.stored_life):
        with_guess, without = make(guess=0.7), make(guess=cl.guess("10.1", ...))
        assert len(with_guess.picture.axes[-1].lines) > len(without.picture.axes[-1].lines)


def test_a_life_says_first_last_and_rested():
    assert ("fading 0.60 [0.60, 0.60] after the first, 0.40 [0.40, 0.40] after the last, "
            "0.90 [0.90, 0.90] rested") in a_life().sentence
    stored = STORED["lives"]["30 steps"]["two weights"]["base at rest"][-1]
    rested = fast_and_slow.stored("two weights", "base at rest")[-1]
    assert rested == Estimate(*stored, 20)


def test_rhythms_have_a_tick_a_move():
    figure = FIGURES["rhythms"]()
    ticks = [len(one.get_segments()) for one in figure.picture.axes[0].collections]
    assert ticks == [96, 12, 3] and "period 8: 12 moves" in figure.sentence


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: fast_and_slow.life({}, {}, rest_steps=(0,)), "0 entries"),
        (lambda: fast_and_slow.life({"a": np.ones((2, 3))}, {"b": np.ones((2, 1))},
                                    rest_steps=(0,)), "the same names"),
        (lambda: fast_and_slow.life({"a": np.ones((2, 3))}, {"a": np.ones((2, 3))},
                                    rest_steps=(0, 1)), "3 values for 2 places"),
        (lambda: fast_and_slow.rhythms(RHYTHM, (1, 8)), "as many"),
        (lambda: fading.rivals(guess="much"), "cannot be drawn"),
    ],
)  # fmt: skip
def test_bad_input_gets_one_sentence(make, says):
    with pytest.raises(CourseError, match=says) as caught:
        make()
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")
