"""Figures of periods and rates say what the stored study holds, and cut nothing."""

import numpy as np
import pytest
import torch

from clcourse import plots
from clcourse.errors import CourseError
from clcourse.metrics import paired
from clcourse.plots import frequency, rates
from clcourse.plots.labels import colliding_labels, cut_labels
from clcourse.results import load

RATES = [0.1, 0.01, 0.001]
TYPICAL = {
    "long": lambda: frequency.by_period(title="Seldom is no better"),
    "short": lambda: frequency.by_period("short, layer", "free", guess=0.03),
    "input": lambda: frequency.by_period("long, input"),
    "output": lambda: frequency.by_period("long, output", "as plastic"),
    "second": lambda: frequency.by_period("long, second", guess=-0.05),
    "beside": lambda: frequency.beside(title="What stands beside"),
    "beside, short": lambda: frequency.beside("short", "Adam", "free"),
    "first order": lambda: first_order(title="A period is a rate"),
}


def apart(power: float, size: float = 2.0, lanes: int = 3):
    """A distance of size · η^power in the middle lane, and a way of 3 η."""
    η = torch.tensor(RATES, dtype=torch.float64)
    spread = torch.tensor([0.9, 1.0, 1.1])[:lanes, None]
    return spread * size * η**power, 3 * η.expand(lanes, -1)


def first_order(**more):
    found = {"gradient descent": (RATES, apart(2)), "Adam": (RATES, apart(1)),
             "sign descent": (RATES, apart(1))}  # fmt: skip
    return rates.first_order(found, straight=(RATES, (torch.full((3, 3), 1e-16), None)), **more)


@pytest.mark.parametrize("far", [False, True])
@pytest.mark.parametrize("name", TYPICAL)
def test_no_label_is_cut_or_covered(name, far):
    with plots.talk(far):
        figure = TYPICAL[name]()
        assert not cut_labels(figure) and not colliding_labels(figure)


@pytest.mark.parametrize("optimiser", frequency.OPTIMISERS)
def test_a_gain_is_lanes_minus_the_control_on_the_same_lanes(optimiser):
    table = load("10_frequency")["long, layer"][optimiser]
    each = {name: np.array(table[name]["free"]["each"]["end"]) for name in ("chunk 8", "chunk 1")}
    for lanes, cut in (("lanes", slice(0, 10)), ("other lanes", slice(10, 15))):
        expected = paired(each["chunk 8"][cut], each["chunk 1"][cut])
        ours = frequency.gain("chunk 8", optimiser, rule="free", lanes=lanes)
        assert (ours.value, ours.low, ours.high, ours.n) == pytest.approx(tuple(expected)[:4])
        stored = table["chunk 8"]["free"][lanes]["end minus control"]
        assert [ours.value, ours.low, ours.high] == pytest.approx(stored, abs=1e-4)


def test_the_main_figure_says_and_draws_every_period():
    figure = frequency.by_period("short, layer", "free", guess=0.25)
    adam, panel = frequency.gain("chunk 64", "Adam", "short, layer", "free"), figure.picture.axes[1]
    assert f"64 {adam.value:.3f} [{adam.low:.3f}, {adam.high:.3f}]" in figure.sentence
    assert "sign descent: 8 " in figure.sentence and "smooth 64" in figure.sentence
    heights = [float(line.get_ydata()[0]) for line in panel.lines if line.get_marker() == "o"]
    assert len(heights) == 6 and any(abs(height - adam.value) < 1e-9 for height in heights)
    guessed = [(place, tuple(line.get_xdata())) for place, one in enumerate(figure.picture.axes)
               for line in one.lines if list(line.get_ydata()) == [0.25, 0.25]]  # fmt: skip
    assert len(guessed) == 1 and guessed[0][0] == 1, "in the panel it was asked for, and only there"
    assert np.mean(guessed[0][1]) == pytest.approx(np.log2(64))
    assert not any(line.get_color() == frequency.GUESS for one in
                   frequency.by_period("short, layer").picture.axes for line in one.lines)


def test_what_stands_beside_is_on_its_row():
    figure = frequency.beside("long", "Adam", "free")
    end = frequency.lanes_of("replay 200", where="long, beside", rule="free").mean()
    names = [
        label.get_text().replace("\n", " ") for label in figure.picture.axes[0].get_yticklabels()
    ]
    assert f"replay of 200 images {end:.2f}" in figure.sentence
    row = names.index("replay of 200 images")
    marks = [line for line in figure.picture.axes[0].lines if line.get_marker() == "v"]
    assert any(float(mark.get_xdata()[0]) == pytest.approx(end)
               and mark.get_ydata()[0] == row for mark in marks)  # fmt: skip
    assert not any("two blocks" in name for name in frequency._rows("short", "Adam", "free"))


def test_what_is_what_is_written_in_the_first_panel():
    panels = first_order().picture.axes
    places = {text.get_text(): text.xy for text in panels[0].texts}
    assert places["as η²"] == pytest.approx((0.1, 2e-6 * 1e4))
    assert places["as η"] == pytest.approx((0.1, 2e-6 * 1e2))
    assert places["way moved"] == pytest.approx((0.1, 0.3))
    assert places["apart"] == pytest.approx((0.001, 2e-6))
    assert not panels[1].texts and not panels[2].texts


def test_the_power_is_that_of_the_distance():
    sentence = first_order().sentence
    assert "gradient descent: falls as η to the power 2.0, from 2e-02 at η = 0.1" in sentence
    assert "Adam: falls as η to the power 1.0" in sentence and "than rounding" in sentence
    far = rates.first_order({"a": (RATES, apart(2))}, straight=(RATES, apart(1)))
    assert "it is up to 2e-01" in far.sentence
    assert "\n" not in sentence


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: frequency.by_period("wide, layer"), "where='wide, layer'"),
        (lambda: frequency.by_period("long, beside"), "where='long, beside'"),
        (lambda: frequency.by_period(rule="best"), "rule='best'"),
        (lambda: frequency.beside("wide"), "world='wide'"),
        (lambda: rates.first_order({}), "one to three panels"),
        (lambda: rates.first_order({"a": ([0.1], apart(2))}), "has 1 rates"),
        (lambda: rates.first_order({"a": (RATES, (torch.zeros(3, 3), *apart(2)[1:]))}), "above 0"),
    ],
)
def test_bad_input_gets_one_sentence(wrong, says):
    with pytest.raises(CourseError, match=says) as caught:
        wrong()
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")
