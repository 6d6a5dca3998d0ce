"""Metrics against the values worked out by hand, and each named variant against its own formula."""

import doctest
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

import clcourse as cl
from clcourse import metrics

R = [[0.7, 0.1, 0.2], [0.75, 0.9, 0.4], [0.8, 0.6, 0.9]]
BEFORE = [0.1, 0.1, 0.1]
matrices = st.tuples(st.integers(1, 4), st.integers(2, 6)).flatmap(
    lambda size: arrays(float, (size[0], size[1], size[1]), elements=st.floats(0, 1))
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (cl.average_accuracy(R), 0.7667),
        (cl.learning_accuracy(R), 0.8333),
        (cl.lower_triangle_accuracy(R), 0.775),
        (cl.backward_transfer(R), -0.10),
        (cl.backward_transfer_all(R), -0.05),
        (cl.forgetting(R), 0.125),
        (cl.forgetting_from_all_rows(R), 0.150),
        (cl.forgetting_first_minus_last(R), 0.100),
        (cl.forward_transfer(R, BEFORE), 0.15),
        (cl.forward_accuracy(R), 0.25),
        (cl.intransigence(R, [0.9, 0.9, 1.0]), 0.1),
    ],
)
def test_values_worked_out_by_hand(value, expected):
    assert value.shape == (1,)
    assert value.item() == pytest.approx(expected, abs=5e-5)


def test_the_examples_in_the_docstrings():
    assert doctest.testmod(metrics).attempted >= 4 and doctest.testmod(metrics).failed == 0


@given(matrices)
def test_every_metric_equals_its_formula_entry_by_entry(R):
    last = R.shape[1] - 1
    for lane, one in enumerate(R):
        forgetting = [max(one[i][j] for i in range(j, last)) - one[last][j] for j in range(last)]
        transfer = [one[i][j] - one[j][j] for i in range(last + 1) for j in range(i)]
        lower = [one[i][j] for i in range(last + 1) for j in range(i + 1)]
        for got, expected in (
            (cl.forgetting(R), forgetting),
            (cl.backward_transfer_all(R), transfer),
            (cl.lower_triangle_accuracy(R), lower),
            (cl.forward_accuracy(R), [one[j - 1][j] for j in range(1, last + 1)]),
            (cl.backward_transfer(R), [one[last][j] - one[j][j] for j in range(last)]),
        ):
            assert got[lane].item() == pytest.approx(sum(expected) / len(expected), abs=1e-9)


@given(matrices)
def test_metrics_leave_their_input_alone_and_treat_lanes_apart(R):
    copy = R.copy()
    together = cl.forgetting(R)
    assert (R == copy).all()
    assert torch.equal(together[-1:], cl.forgetting(R[-1:]))


@pytest.mark.parametrize("bad", [[0.5], [[0.5, 0.5]], torch.zeros(0, 2, 2), torch.zeros(2, 2, 3)])
def test_a_wrong_matrix_gets_one_sentence(bad):
    with pytest.raises(cl.CourseError, match="expected \\(seeds, T, T\\)"):
        cl.forgetting(bad)


def test_one_experience_has_no_forgetting_and_nan_is_told():
    with pytest.raises(cl.CourseError, match="T >= 2"):
        cl.forgetting([[0.5]])
    assert cl.average_accuracy([[0.5]]).item() == 0.5
    with pytest.raises(cl.CourseError, match="NaN"):
        cl.average_accuracy([[math.nan]])
    with pytest.raises(cl.CourseError, match="history.before"):
        cl.forward_transfer(R, [0.1, 0.1])


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=30))
def test_the_interval_is_scipys_t_interval(values):
    got = cl.estimate(values)
    spread = stats.sem(values)
    low, high = (
        stats.t.interval(0.95, len(values) - 1, loc=sum(values) / len(values), scale=spread)
        if spread > 1e-12
        else (got.value, got.value)
    )
    assert (got.low, got.high) == pytest.approx((low, high), abs=1e-9)
    assert got.n == len(values)


def test_the_interval_covers_the_truth_nineteen_times_in_twenty():
    draws = cl.LaneRandom(2000, "coverage").normal(8).double()
    covered = sum(one.low <= 0 <= one.high for one in map(cl.estimate, draws))
    assert 0.93 < covered / 2000 < 0.97


def test_estimates_read_well():
    assert str(cl.Estimate(0.5, 0.456, 0.544, 9)) == "0.50 [0.46, 0.54]"
    assert str(cl.Estimate(-0.001, -0.004, 0.004, 9, "bits")) == "0.00 [0.00, 0.00] bits"


def test_pairing_cancels_what_lanes_share():
    shared = torch.linspace(0, 10, 20)
    first, second = shared + 1, shared + 0.001 * torch.arange(20)
    assert cl.paired(first, second).low > 0.98
    assert cl.estimate(first - shared.flip(0)).low < 0


@pytest.mark.parametrize("bad", [[], [0.5], [0.5, math.nan], [[0.1, 0.2]]])
def test_an_estimate_needs_lanes(bad):
    with pytest.raises(cl.CourseError, match="at least 2 lanes"):
        cl.estimate(bad)


def test_pairs_must_match():
    with pytest.raises(cl.CourseError, match="same seeds"):
        cl.paired([1.0, 2.0], [1.0, 2.0, 3.0])
