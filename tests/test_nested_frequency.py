"""A period is a rate to first order: by algebra, by the power of the rate, and not for signs."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

import clcourse as cl
from clcourse.learner import cross_entropy
from clcourse.nested.continuum import ContinuumMemory
from clcourse.nested.frequency import Smooth, Straight, chunk_distance, power_of_rate, straight_loss
from clcourse.nested.levels import SignDescent
from clcourse.worlds import permuted_digits

RATES = [0.01, 0.003, 0.001]


def test_under_gradient_descent_the_distance_falls_as_the_square_of_the_rate():
    power = power_of_rate(chunk_distance(RATES), RATES)
    assert power.shape == (3,) and ((power - 2).abs() < 0.02).all()


def test_units_that_switch_make_it_fall_a_little_more_slowly():
    apart = chunk_distance(RATES, kind="relu", seeds=10)
    assert 1.5 < float(power_of_rate(apart, RATES).mean()) < 1.98
    assert (apart.distance[:, -1] < 0.02 * apart.moved[:, -1]).all(), "small beside the way moved"


def test_the_smooth_network_is_the_continuum_memory_with_tanh():
    one, x = Smooth(5, 3, blocks=2, hidden=4, seeds=2), torch.randn(2, 6, 5)
    h = x
    for W, b, V, c in one.parts[:-1]:
        h = h + torch.tanh(h @ W + b) @ V + c
    W, b = one.parts[-1]
    assert torch.allclose(one(x), h @ W + b, atol=1e-6)


def test_under_signs_and_adam_it_falls_only_as_the_rate():
    for optimiser in (SignDescent, torch.optim.Adam):
        rates = [rate / 100 for rate in RATES]
        apart = chunk_distance(rates, optimiser=optimiser)
        power = power_of_rate(apart, rates)
        assert ((0.8 < power) & (power < 1.2)).all(), optimiser
        assert (apart.distance > 0.05 * apart.moved).all(), "as far apart as ever"


def test_where_gradients_depend_on_no_weight_a_period_is_a_rate_exactly():
    apart = chunk_distance([1.0, 0.1], kind="straight")
    assert (apart.distance < 1e-12).all() and (apart.moved > 1e-3).all()
    by_signs = chunk_distance([1.0, 0.1], kind="straight", optimiser=SignDescent)
    assert (by_signs.distance > 0.1 * by_signs.moved).all()


def test_the_way_it_moved_by_algebra():
    """On straight gradients the end is η/C times the sum of all gradients, in both maps."""
    images = permuted_digits(1, seeds=3)[0]
    x, y = images.x[:, :256].double(), images.y[:, :256]
    each = torch.einsum("sbf,sbc->sfc", x, torch.nn.functional.one_hot(y, 10).double()) / 16
    expected = 0.3 / 8 * 2**0.5 * each.flatten(1).norm(dim=1)
    moved = chunk_distance([0.3], kind="straight").moved[:, 0]
    assert (moved - expected).abs().max() < 1e-12


def test_the_distance_against_a_loop_by_autograd():
    """One chunk of two steps, written out: what moves seldom and what moves often."""
    images = permuted_digits(1, seeds=[4])[0]
    ends = []
    for C in (2, 1):
        net = ContinuumMemory(64, 10, blocks=2, hidden=32, seeds=[4]).double()
        every, slow = list(net.parameters()), list(net.parts[0])
        total = [torch.zeros_like(θ) for θ in slow]
        for step in range(2):
            part = slice(16 * step, 16 * step + 16)
            loss = cross_entropy(net(images.x[:, part].double()), images.y[:, part]).sum()
            gradients = dict(zip(every, torch.autograd.grad(loss, every), strict=True))
            total = [t + gradients[θ] for t, θ in zip(total, slow, strict=True)]
            waits = set(slow) if C == 2 else set()
            for θ in set(every) - waits:
                θ.data -= 0.1 / 2 * gradients[θ]
        for θ, t in zip(slow, total, strict=True):
            θ.data -= (C == 2) * 0.1 * t / 2
        ends.append(torch.cat([θ.detach().flatten() for θ in net.parameters()]))
    start = ContinuumMemory(64, 10, blocks=2, hidden=32, seeds=[4]).double().parameters()
    way = ends[1] - torch.cat([θ.detach().flatten() for θ in start])
    ours = chunk_distance([0.1], period=2, chunks=1, kind="relu", seeds=[4])
    assert abs(float(ours.distance) - float((ends[0] - ends[1]).norm())) < 1e-12
    assert abs(float(ours.moved) - float(way.norm())) < 1e-12 and float(ours.distance) > 1e-5


@settings(max_examples=8, deadline=None)
@given(some.integers(1, 5), some.integers(1, 3), some.integers(1, 3))
def test_shapes_and_a_period_of_one(period, chunks, lanes):
    apart = chunk_distance([0.1, 0.01], period=period, chunks=chunks, seeds=lanes)
    assert apart.distance.shape == apart.moved.shape == (lanes, 2)
    assert apart.distance.dtype == torch.float64
    if period == 1:
        assert (apart.distance == 0).all()


def test_the_straight_network_by_hand():
    net = Straight(3, 2, seeds=2)
    for W in net.weights:
        torch.nn.init.normal_(W)
    x, y = torch.randn(2, 4, 3), torch.tensor([[0, 1, 1, 0]] * 2)
    assert torch.allclose(net(x), x @ (net.weights[0] + net.weights[1]), atol=1e-6)
    losses = straight_loss(net(x), y)
    assert torch.allclose(losses[0], -net(x)[0, range(4), y[0]].mean())


def test_an_unknown_kind_gets_one_sentence():
    with pytest.raises(cl.CourseError, match="expected 'smooth', 'relu' or 'straight'"):
        chunk_distance([0.1], kind="rough")


@pytest.mark.parametrize("wrong", [{"period": 0}, {"chunks": 0}, {"period": 50, "chunks": 3}])
def test_too_many_steps_or_none_get_one_sentence(wrong):
    with pytest.raises(cl.CourseError, match="expected 1 to") as error:
        chunk_distance([0.1], **wrong)
    assert "\n" not in str(error.value) and "try" in str(error.value)
