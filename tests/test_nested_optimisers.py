"""Optimisers as memories: each rule against its inner loss, by autograd or a solver, to 1e-12."""

import copy
import importlib
import math
import sys
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lessons import ROOT
from torch.autograd import grad

import clcourse as cl
from clcourse.nested.delta import (
    delta_descent,
    delta_descent_loss,
    delta_momentum,
    delta_momentum_loss,
    recall_by_key,
)
from clcourse.nested.m3 import M3, WRITE, M3Memory, m3
from clcourse.nested.optimisers import DeltaDescent, DeltaMomentum, Momentum, Muon
from clcourse.nested.rules import (
    POLYNOMIALS,
    momentum,
    momentum_loss,
    momentum_window,
    newton_schulz,
    newton_schulz_loss,
    second_moment,
    second_moment_loss,
)
from clcourse.results import load

KINDS = [Momentum, Muon, DeltaMomentum, M3, partial(M3, decay=False)]


def normal(*shape, seed=0, dtype=torch.float64):
    """Random numbers, the same for every call."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def descended(loss, at, step):
    """One step of gradient descent, by autograd; lanes are summed, so they do not meet."""
    at = at.detach().clone().requires_grad_()
    (slope,) = grad(loss(at).sum(), at)
    return at.detach() - step * slope


def equal(got, wanted):
    """To 1e-12 of the largest number."""
    assert got.shape == wanted.shape
    assert (got - wanted).abs().max() <= 1e-12 * wanted.abs().max().clamp(min=1)


# -- momentum, second moment --


@pytest.mark.parametrize("keep", [0.0, 0.9, 1.0])
def test_momentum_is_a_step_down_its_inner_loss(keep):
    m, x, δ = normal(3, 5, 4), normal(3, 7, 5, seed=1), normal(3, 7, 4, seed=2)
    g = x.mT @ δ / 7
    wanted = descended(lambda m: momentum_loss(m, x, δ, lr=0.05, keep=keep), m, 0.05)
    equal(momentum(m, g, lr=0.05, keep=keep), wanted)
    assert momentum_loss(m, x, δ, lr=0.05, keep=keep).shape == (3,)


def test_a_run_with_momentum_is_outer_weights_with_an_inner_memory():
    """Linear regression, 200 steps, against SGD of torch: the outer W only ever adds m."""
    x, y = normal(3, 12, 5), normal(3, 12, 4, seed=1)
    ours, m = torch.zeros(3, 5, 4, dtype=torch.float64), 0.0
    theirs = torch.zeros(3, 5, 4, dtype=torch.float64, requires_grad=True)
    sgd = torch.optim.SGD([theirs], lr=0.05, momentum=0.9)
    m = torch.zeros_like(ours)
    for _ in range(200):
        δ = x @ ours - y
        m = descended(lambda m, δ=δ: momentum_loss(m, x, δ, lr=0.05, keep=0.9), m, 0.05)
        ours = ours + m
        sgd.zero_grad()
        (0.5 * (x @ theirs - y).square().sum() / 12).backward()
        sgd.step()
    equal(ours, theirs.detach())


@pytest.mark.parametrize(
    ("keep", "half", "nearly_all"), [(0.9, 7, 44), (0.99, 69, 459), (0.999, 693, 4603)]
)
def test_how_far_back_momentum_goes(keep, half, nearly_all):
    """The paper says 6 and 43 for .9; these carry 47 % and 98.9 %."""
    assert (momentum_window(keep), momentum_window(keep, 0.99)) == (half, nearly_all)


def test_the_windows_of_the_paper_fall_short():
    weights = 0.1 * 0.9 ** torch.arange(1000.0, dtype=torch.float64)
    assert weights[:6].sum() < 0.5 < weights[:7].sum()
    assert weights[:43].sum() < 0.99 < weights[:44].sum()


def test_the_window_where_the_share_is_met_exactly():
    assert [momentum_window(0.5, 1 - 0.5**n) for n in range(1, 30)] == list(range(1, 30))
    assert momentum_window(0.0, 0.99) == 1 and momentum_window(0.5, 1e-9) == 1


@settings(deadline=None)
@given(st.floats(0, 0.999), st.floats(1e-6, 0.9999))
def test_the_window_is_the_first_that_suffices(keep, share):
    n = momentum_window(keep, share)
    assert 1 - keep**n >= share - 1e-9 and (n == 1 or 1 - keep ** (n - 1) < share + 1e-9)


def test_the_second_moment_is_a_step_down_its_inner_loss():
    v, g = normal(3, 5, 4).square(), normal(3, 5, 4, seed=1)
    equal(second_moment(v, g, keep=0.99), descended(lambda v: second_moment_loss(v, g), v, 0.01))


def test_the_corrected_second_moment_is_the_best_fit_to_all_squares():
    """Against a least-squares solver, and against the state of torch's Adam."""
    g = normal(30, 3, 5, seed=1)
    v, keep = torch.zeros(3, 5, dtype=torch.float64), 0.9
    weight = torch.zeros(3, 5, dtype=torch.float64, requires_grad=True)
    adam = torch.optim.Adam([weight], betas=(0.5, keep))
    for one in g:
        v = second_moment(v, one, keep=keep)
        weight.grad = one.clone()
        adam.step()
    equal(v, adam.state[weight]["exp_avg_sq"])
    root = (keep ** torch.arange(29, -1, -1, dtype=torch.float64)).sqrt()[:, None]
    squares = g.square().flatten(1)
    best = torch.linalg.lstsq(root, root * squares).solution.reshape(3, 5)
    equal(v / (1 - keep**30), best)


# -- Newton-Schulz --


@pytest.mark.parametrize("shape", [(3, 5, 4), (3, 4, 5), (3, 2, 4, 6), (3, 1, 6)])
@pytest.mark.parametrize("kind", POLYNOMIALS)
def test_newton_schulz_is_a_polynomial_of_the_singular_values(kind, shape):
    m = normal(*shape)
    u, s, v = torch.linalg.svd(m, full_matrices=False)
    s = s / s.norm(dim=-1, keepdim=True)
    a, b, c = POLYNOMIALS[kind]
    for _ in range(5):
        s = a * s + b * s**3 + c * s**5
    equal(newton_schulz(m, 5, kind), (u * s[..., None, :]) @ v)


@pytest.mark.parametrize("kind", POLYNOMIALS)
def test_newton_schulz_descends_its_inner_loss(kind):
    m = newton_schulz(normal(3, 6, 4), 0)
    a, b, c = POLYNOMIALS[kind]
    step = a * m + b * m @ m.mT @ m + c * m @ m.mT @ m @ m.mT @ m
    equal(step, descended(lambda m: newton_schulz_loss(m, kind), m, 1.0))


def test_the_cubic_is_half_a_step_on_the_distance_to_orthogonal():
    m, eye = newton_schulz(normal(3, 6, 4), 0), torch.eye(4, dtype=torch.float64)

    def distance(m):
        return 0.25 * (m.mT @ m - eye).square().sum(dim=(1, 2))

    equal(descended(lambda m: newton_schulz_loss(m, "cubic"), m, 1.0), descended(distance, m, 0.5))
    other = newton_schulz(normal(3, 6, 4, seed=1), 0)
    equal(
        newton_schulz_loss(m, "cubic") - newton_schulz_loss(other, "cubic"),
        (distance(m) - distance(other)) / 2,
    )


def test_the_cubic_settles_at_the_polar_factor_and_the_quintic_never_settles():
    m = normal(4, 8, 5)
    u, _, v = torch.linalg.svd(m, full_matrices=False)
    equal(newton_schulz(m, 40, "cubic"), u @ v)
    many = [torch.linalg.svdvals(newton_schulz(m, steps)) for steps in range(15, 25)]
    assert all((0.67 < s).all() and (s < 1.21).all() for s in many)
    assert all((one - other).abs().max() > 0.1 for one, other in zip(many, many[1:], strict=False))
    a, b, c = POLYNOMIALS["quintic"]
    rest = ((-b - math.sqrt(b**2 - 4 * c * (a - 1))) / (2 * c)) ** 0.5
    assert rest == pytest.approx(0.868, abs=1e-3)  # its resting place, and it is pushed from it:
    assert a + 3 * b * rest**2 + 5 * c * rest**4 < -1


def test_a_matrix_of_zeros_stays_and_size_does_not_matter():
    m = normal(3, 4, 5)
    equal(newton_schulz(1e-6 * m), newton_schulz(m))
    assert (newton_schulz(0 * m) == 0).all()
    assert newton_schulz(1e-30 * m.float()).abs().max() < 1e-9


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(1, 6), min_size=2, max_size=2), st.integers(1, 4), st.integers(0, 9))
def test_newton_schulz_takes_every_lane_for_itself(shape, lanes, seed):
    m = normal(lanes, *shape, seed=seed)
    alone = torch.cat([newton_schulz(one[None]) for one in m])
    equal(newton_schulz(m), alone)
    scaled = m * torch.logspace(-3, 3, lanes, dtype=m.dtype)[:, None, None]
    equal(newton_schulz(scaled), newton_schulz(m))


# -- the delta rule --


@pytest.mark.parametrize("keep", [0.9, 1.0])
def test_delta_momentum_is_a_step_down_its_inner_loss(keep):
    m, g, P = normal(3, 5, 4), 0.3 * normal(3, 5, 2, seed=1), normal(3, 2, 4, seed=2)
    wanted = descended(lambda m: delta_momentum_loss(m, g, lr=0.1, keep=keep, P=P), m, 1.0)
    equal(delta_momentum(m, g, lr=0.1, keep=keep, P=P), wanted)
    g = 0.3 * normal(3, 5, 4, seed=1)
    wanted = descended(lambda m: delta_momentum_loss(m, g, lr=0.1, keep=keep), m, 1.0)
    equal(delta_momentum(m, g, lr=0.1, keep=keep), wanted)


def least(start, x, δ, lr):
    """The W with the least inner loss, by a solver that knows nothing of the rule."""
    rows, size = x / x.shape[1] ** 0.5, x.shape[2]
    eye = torch.eye(size, dtype=x.dtype).expand(len(x), size, size) / lr**0.5
    left = torch.cat([rows, eye], dim=1)
    right = torch.cat([-δ / x.shape[1] ** 0.5, start / lr**0.5], dim=1)
    return torch.linalg.lstsq(left, right).solution


@pytest.mark.parametrize("length", [1.0, 3.0, 0.1])
@pytest.mark.parametrize("batch", [1, 4, 9])
def test_delta_descent_is_the_minimum_whatever_the_length_of_the_input(batch, length):
    W, δ = normal(3, 5, 4), normal(3, batch, 4, seed=2)
    x = length * torch.nn.functional.normalize(normal(3, batch, 5, seed=1), dim=-1)
    found = delta_descent(W, x, x.mT @ δ / batch, lr=0.7)
    equal(found, least(W, x, δ, 0.7))
    found.requires_grad_()
    (slope,) = grad(delta_descent_loss(found, W, x, δ, lr=0.7).sum(), found)
    assert slope.abs().max() < 1e-12


def test_the_step_of_the_paper_holds_for_inputs_of_length_one_only():
    W, δ, lr = normal(20, 5, 4), normal(20, 1, 4, seed=2), 0.5
    unit = torch.nn.functional.normalize(normal(20, 1, 5, seed=1), dim=-1)

    def off(length):
        x = length * unit
        printed = W - lr / (1 + lr) * x.mT @ (x @ W + δ)
        exact = delta_descent(W, x, x.mT @ δ, lr=lr)
        return (printed - exact).norm(dim=(1, 2)) / (W - exact).norm(dim=(1, 2))

    assert off(1.0).max() < 1e-12
    # (1 + 9 lr) / (1 + lr) - 1 = 2.67: the step is 3.67 times as long as it should be
    torch.testing.assert_close(off(3.0), torch.full((20,), 4 / 1.5, dtype=W.dtype))


def test_on_a_squared_loss_delta_descent_stops_half_way():
    x, wanted = normal(3, 9, 5, seed=1), normal(3, 5, 4, seed=2)
    y, W = x @ wanted, normal(3, 5, 4)
    for _ in range(400):
        W = delta_descent(W, x, x.mT @ (x @ W - y) / 9, lr=0.3)
    assert (x @ W - y / 2).abs().max() < 1e-10
    rule = torch.zeros_like(W)
    for _ in range(800):  # the loss -<x W, y>, so that the slope is -y: the delta rule
        rule = delta_descent(rule, x, x.mT @ -y / 9, lr=0.3)
    assert (x @ rule - y).abs().max() < 1e-10


def test_on_cross_entropy_it_stops_where_no_class_gets_more_than_a_fifth():
    """Logits = one-hot less softmax: with ten classes p = .21 for the right one."""
    x, y = torch.eye(10, dtype=torch.float64)[None], torch.arange(10)
    W = torch.zeros(1, 10, 10, dtype=torch.float64)
    for _ in range(3000):
        δ = (x @ W).softmax(dim=-1) - x
        W = delta_descent(W, x, x.mT @ δ / 10, lr=1.0)
    p = W.softmax(dim=-1)
    equal(W, x - p)
    assert p[0, y, y].sub(0.2106).abs().max() < 1e-3


def test_recall_by_key_against_products_by_hand():
    keys = torch.nn.functional.normalize(normal(2, 6, 8), dim=-1)
    values, eye = normal(2, 6, 8, seed=1), torch.eye(8, dtype=torch.float64)
    for rule in ("hebbian", "delta"):
        got = recall_by_key(keys, values, keep=0.8, rule=rule)
        for lane in range(2):
            m = torch.zeros(8, 8, dtype=torch.float64)  # columns, as in the paper
            for k, v in zip(keys[lane], values[lane], strict=True):
                gone = 0.8 * m if rule == "hebbian" else m @ (0.8 * eye - k.outer(k))
                m = gone + v.outer(k)
            for lag in range(6):
                k, v = keys[lane, 5 - lag], values[lane, 5 - lag]
                assert got[lane, lag] == pytest.approx(
                    torch.cosine_similarity(m @ k, v, 0).item(), abs=1e-12
                )


def test_only_the_delta_rule_without_decay_returns_the_last_value_itself():
    keys = torch.nn.functional.normalize(normal(4, 64, 32), dim=-1)
    values = torch.nn.functional.normalize(normal(4, 64, 32, seed=1), dim=-1)
    last = {
        (rule, keep): recall_by_key(keys, values, keep=keep, rule=rule)[:, 0]
        for rule in ("hebbian", "delta")
        for keep in (0.9, 1.0)
    }
    assert (last["delta", 1.0] - 1).abs().max() < 1e-12
    assert (last["delta", 0.9] < 1 - 1e-6).all() and (last["delta", 0.9] > 0.98).all()
    assert (last["hebbian", 0.9] < 0.97).all() and (last["hebbian", 1.0] < 0.9).all()


@pytest.fixture
def study(monkeypatch):
    """The study of recall by key."""
    monkeypatch.setattr(sys, "path", [str(ROOT / "studies"), *sys.path])
    return importlib.import_module("10_recall")


@pytest.mark.parametrize(("kind", "shared"), [("independent", 0.0), ("alike", 0.5)])
def test_keys_share_as_much_as_the_study_says(study, kind, shared):
    keys, values = study.pairs(study.SETTINGS["shared"][kind], 20)
    ones = torch.ones(20, 64)
    for what in (keys, values):
        torch.testing.assert_close(what.norm(dim=-1), ones)
    other = (keys @ keys.mT)[:, ~torch.eye(64, dtype=torch.bool)].mean()
    assert other == pytest.approx(shared, abs=0.01)
    assert (values @ values.mT)[:, ~torch.eye(64, dtype=torch.bool)].mean().abs() < 0.01


def test_no_matrix_has_less_of_the_weighted_error_than_the_solved_one(study):
    """Where it can be seen from the answers: all pairs fit, or the gradient is zero."""
    keys, values = study.pairs(0.0, 3)
    assert (study.solved(keys[:, :20], values[:, :20], 0.9) - 1).abs().max() < 1e-5
    lag = 0.9 ** torch.arange(63, -1, -1, dtype=torch.float64)[:, None]
    k, v = keys.double(), values.double()
    m = torch.linalg.solve(k.mT @ (lag * k), k.mT @ (lag * v))
    wanted = torch.cosine_similarity(k @ m, v, dim=-1).flip(1)
    torch.testing.assert_close(study.solved(keys, values, 0.9).double(), wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize("rule", ["hebbian", "delta", "solved"])
def test_the_stored_recall_can_be_made_again(study, rule):
    stored = load("10_recall")
    assert stored["settings"] == study.SETTINGS
    stored, again = stored["keys"]["alike"][rule], study.cell("alike", rule)
    assert stored["chosen"] == again["chosen"]
    for who in ("lanes", "others"):
        for n, lanes in stored[who].items():
            assert again[who][n] == pytest.approx(lanes, abs=2e-3)


# -- M3 --


def run_m3(gradients, **more):
    memory, directions = M3Memory.like(gradients[0]), []
    for g in gradients:
        memory, direction = m3(memory, g, **{"period": 3, "slow": 0.5, "floor": 1e-3} | more)
        directions.append(direction)
    return memory, directions


@pytest.mark.parametrize("decay", [True, False])
def test_m3_is_its_sums_written_out(decay):
    G, (β1, β2, β3) = normal(8, 2, 4, 5), WRITE
    memory, directions = run_m3(G, decay=decay)
    μ1, μ2, μ3 = (1 - β if decay else 1.0 for β in WRITE)
    M1 = sum(β1 * μ1 ** (7 - i) * G[i] for i in range(8))
    V = sum(β2 * μ2 ** (7 - i) * G[i] ** 2 for i in range(8))
    M2 = β3 * (μ3 * G[:3].sum(0) + G[3:6].sum(0))
    for got, wanted in ((memory.M1, M1), (memory.V, V), (memory.M2, M2)):
        equal(got, wanted)
    mean = V / (1 - μ2**8) if decay else V
    wanted = (newton_schulz(M1) + 0.5 * newton_schulz(M2)) / (mean.sqrt() + 1e-3)
    equal(directions[-1], wanted)
    equal(memory.gathered, G[6:].sum(0))
    before = newton_schulz(β3 * G[:3].sum(0))  # the second period is not over yet
    M1 = sum(β1 * μ1 ** (4 - i) * G[i] for i in range(5))
    V = sum(β2 * μ2 ** (4 - i) * G[i] ** 2 for i in range(5))
    mean = V / (1 - μ2**5) if decay else V
    equal(directions[4], (newton_schulz(M1) + 0.5 * before) / (mean.sqrt() + 1e-3))


def test_as_printed_m3_never_lets_go():
    """One large gradient, then eight small ones against it: only with decay does M1 turn round."""
    G = torch.cat([torch.full((1, 1, 2, 2), -10.0), torch.ones(8, 1, 2, 2)]).double()
    (printed, _), (mended, _) = (run_m3(G, decay=decay) for decay in (False, True))
    equal(printed.M1, torch.full_like(G[0], 0.1 * (8 - 10)))
    equal(mended.M1, torch.full_like(G[0], 1 - 0.9**8 - 0.9**8))
    assert (printed.M1 < 0).all() and (mended.M1 > 0).all()


def test_as_printed_the_steps_of_m3_shrink_and_with_decay_they_do_not():
    G = normal(1, 2, 4, 5).expand(400, 2, 4, 5)
    for decay, ratio in ((False, 0.5), (True, 1.0)):
        _, directions = run_m3(G, decay=decay, slow=0.0, floor=1e-12)
        size = [one.norm().item() for one in directions]
        assert size[399] / size[99] == pytest.approx(ratio, rel=1e-6)


@pytest.mark.parametrize("decay", [True, False])
def test_smaller_gradients_make_longer_steps_of_m3(decay):
    G = normal(8, 2, 4, 5)
    _, one = run_m3(G, decay=decay, floor=1e-14)
    _, other = run_m3(G / 10, decay=decay, floor=1e-14)
    torch.testing.assert_close(other[-1], 10 * one[-1], rtol=1e-9, atol=0)


def digits(seeds):
    return cl.cumulative(cl.split_digits(seeds=seeds))[4]


def taught(kind, lr, steps=60, seeds=3):
    """A learner after some batches of all digits, and what it gets right of the validation part."""
    every = digits(seeds)
    net = cl.mlp(64, 50, 10, seeds=every_seeds(seeds))
    more = {"network": net} if kind is DeltaDescent else {}
    learner = cl.GradientLearner(net, lr=lr, optimiser=partial(kind, **more))
    random = cl.LaneRandom(net.seeds, "test batches")
    for _ in range(steps):
        rows = random.integers(32, every.y.shape[1])
        x = every.x.gather(1, rows[..., None].expand(-1, -1, 64))
        learner.observe(x, every.y.gather(1, rows))
    right = (learner.predict(every.x_val).argmax(-1) == every.y_val).float().mean(dim=1)
    return learner, right


def every_seeds(seeds):
    return list(range(seeds)) if isinstance(seeds, int) else list(seeds)


def test_without_a_floor_m3_learns_nothing_and_with_one_it_does():
    assert taught(M3, 1e-3)[1].mean() > 0.75
    for lr in (1e-6, 1e-4, 1e-2):
        assert taught(partial(M3, floor=1e-8), lr)[1].mean() < 0.4


# -- as optimisers --


@pytest.mark.parametrize(
    ("kind", "lr"),
    [(Momentum, 0.03), (Muon, 0.02), (DeltaMomentum, 0.1), (M3, 1e-3),
     (partial(M3, decay=False), 1e-3), (DeltaDescent, 0.5)],
)  # fmt: skip
def test_every_one_of_them_learns_digits(kind, lr):
    assert (taught(kind, lr)[1] > 0.65).all()


@pytest.mark.parametrize("kind", [*KINDS, DeltaDescent])
def test_a_lane_alone_goes_where_it_goes_among_others(kind):
    many, _ = taught(kind, 0.001, steps=12, seeds=[4, 7, 9])
    alone, _ = taught(kind, 0.001, steps=12, seeds=[7])
    for all_lanes, one in zip(many.network.parameters(), alone.network.parameters(), strict=True):
        torch.testing.assert_close(all_lanes[1:2], one, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_scaled_loss_in_one_lane_leaves_the_others(kind):
    """Lengths are those of a lane: what happens in lane 0 must not show in lane 1."""
    ends = []
    for factor in (1.0, 100.0):
        W = torch.nn.Parameter(normal(2, 4, 5))
        optimiser = kind([W], lr=0.01)
        for step in range(4):
            W.grad = normal(2, 4, 5, seed=step + 1)
            W.grad[0] *= factor
            optimiser.step()
        ends.append(W.detach()[1])
    equal(*ends)


def test_momentum_is_that_of_torch():
    ours, theirs = (torch.nn.Parameter(normal(3, 5, 4)) for _ in range(2))
    one = Momentum([ours], lr=0.1)
    other = torch.optim.SGD([theirs], lr=0.1, momentum=0.9)
    for step in range(20):
        ours.grad, theirs.grad = (normal(3, 5, 4, seed=step) for _ in range(2))
        one.step()
        other.step()
    equal(ours.detach(), theirs.detach())


def test_muon_turns_each_matrix_and_gives_a_row_the_length_one():
    W, b = torch.nn.Parameter(normal(2, 4, 9)), torch.nn.Parameter(normal(2, 1, 9))
    v = torch.nn.Parameter(normal(2, 9))
    before = [one.detach().clone() for one in (W, b, v)]
    optimiser = Muon([W, b, v], lr=0.1, keep=0.5, steps=3)
    m = 0
    for step in range(3):
        W.grad, b.grad = normal(2, 4, 9, seed=step), normal(2, 1, 9, seed=step)
        v.grad = b.grad[:, 0].clone()
        m = 0.5 * m + W.grad
        before[0] -= 0.1 * 1.5 * newton_schulz(m, 3)
        optimiser.step()
    equal(W.detach(), before[0])
    equal(v.detach() - before[2], (b.detach() - before[1])[:, 0])


def test_delta_momentum_gathers_no_speed_on_a_straight_slope():
    """Ten times the gradient for momentum of .9; less than one for the delta rule."""
    g = normal(2, 4, 1) @ normal(2, 1, 5, seed=1)
    speed = {}
    for kind in (Momentum, DeltaMomentum):
        W = torch.nn.Parameter(torch.zeros(2, 4, 5, dtype=g.dtype))
        optimiser = kind([W], lr=0.1)
        for _ in range(300):
            W.grad = g.clone()
            before = W.detach().clone()
            optimiser.step()
        speed[kind] = W.detach() - before
    torch.testing.assert_close(speed[Momentum], -0.1 * g * 10)
    torch.testing.assert_close(speed[DeltaMomentum], -0.1 * g / 1.1)


def test_delta_momentum_is_its_rule_with_a_direction_of_length_one():
    W, m = torch.nn.Parameter(normal(2, 4, 5)), torch.zeros(2, 4, 5, dtype=torch.float64)
    wanted, optimiser = W.detach().clone(), DeltaMomentum([W], lr=0.1, keep=0.8)
    for step in range(6):
        W.grad = g = 100 * normal(2, 4, 5, seed=step)
        for lane in range(2):
            unit = g[lane] / g[lane].norm()
            m[lane] = 0.8 * m[lane] - unit @ unit.T @ m[lane] - 0.1 * g[lane]
        wanted += m
        optimiser.step()
    equal(W.detach(), wanted)


def test_m3_as_optimiser_takes_its_directions():
    W, memory = torch.nn.Parameter(normal(2, 4, 5)), M3Memory.like(normal(2, 4, 5))
    wanted, optimiser = W.detach().clone(), M3([W], lr=0.01, period=2, slow=0.3, floor=0.1)
    for step in range(5):
        W.grad = normal(2, 4, 5, seed=step)
        memory, way = m3(memory, W.grad, period=2, slow=0.3, decay=True, floor=0.1)
        wanted -= 0.01 * way
        optimiser.step()
    equal(W.detach(), wanted)


def test_delta_descent_of_a_network_is_the_least_in_every_layer():
    net = cl.mlp(6, 5, 3, seeds=2).double()
    start = copy.deepcopy(net)
    optimiser = DeltaDescent(net.parameters(), lr=0.4, network=net)
    x, y = normal(2, 7, 6), torch.randint(3, (2, 7), generator=torch.Generator().manual_seed(0))
    loss = cl.learner.cross_entropy(net(x), y).sum()
    optimiser.zero_grad()
    loss.backward()
    with torch.no_grad():
        net(0 * x)  # a question does not count as having been read
    optimiser.step()
    one = torch.ones(2, 7, 1, dtype=x.dtype)
    h1 = start.hidden(x).detach().requires_grad_()
    answers = (torch.baddbmm(start.biases[1], h1, start.weights[1])).detach().requires_grad_()
    cl.learner.cross_entropy(answers, y).sum().backward()
    δ2 = 7 * answers.grad  # the loss is a mean
    δ1 = (δ2 @ start.weights[1].mT * (h1 > 0)).detach()
    for layer, (read, δ) in enumerate(((x, δ1), (h1.detach(), δ2))):
        whole = torch.cat([start.weights[layer], start.biases[layer]], dim=1).detach()
        wanted = least(whole, torch.cat([read, one], dim=-1), δ, 0.4)
        got = torch.cat([net.weights[layer], net.biases[layer]], dim=1).detach()
        equal(got, wanted)


@pytest.mark.parametrize("kind", [*KINDS, DeltaDescent])
def test_run_trains_a_copy_and_gives_the_same_again(kind):
    stream = cl.split_digits(seeds=[3, 4])
    net = cl.mlp(64, 20, 10, seeds=stream.seeds)
    start = copy.deepcopy(net.state_dict())
    more = {"network": net} if kind is DeltaDescent else {}
    learner = cl.GradientLearner(net, lr=0.002, optimiser=partial(kind, **more))
    one, other = (cl.run(learner, stream, epochs=1) for _ in range(2))
    assert torch.equal(one.accuracy, other.accuracy) and torch.equal(one.loss, other.loss)
    assert all(
        torch.equal(a, b) for a, b in zip(start.values(), net.state_dict().values(), strict=True)
    )
    assert not torch.equal(one.learner.network.weights[0], net.weights[0])


def test_a_parameter_without_gradient_stays_and_gradients_are_forgotten():
    W, other = (torch.nn.Parameter(normal(2, 3, 4)) for _ in range(2))
    optimiser = Momentum([W, other], lr=0.1)
    W.grad = normal(2, 3, 4, seed=1)
    optimiser.step()
    assert torch.equal(other.detach(), normal(2, 3, 4)) and not torch.equal(W, other)
    optimiser.zero_grad()
    assert W.grad is None


# -- bad input --


def parameter():
    return [torch.nn.Parameter(normal(2, 3, 4))]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: momentum_window(1.0), "keep=1.0; expected 0 or more and less than 1"),
        (lambda: momentum_window(0.9, 1), "share=1; expected a share between 0 and 1"),
        (lambda: newton_schulz(normal(2, 3, 4), kind="septic"), 'expected "cubic" or "quintic"'),
        (lambda: newton_schulz(normal(2, 3, 4), steps=1.5), "steps=1.5; expected a whole number"),
        (lambda: newton_schulz(normal(2, 3, 4) / torch.tensor([1.0, 0])[:, None, None]),
         "lane 1 .*no numbers.*lower lr"),
        (lambda: delta_descent(normal(2, 3, 4), normal(2, 5, 2), normal(2, 3, 4), lr=1),
         "do not fit; expected"),
        (lambda: recall_by_key(normal(2, 3, 4), normal(2, 4, 4), keep=1, rule="delta"), "not fit"),
        (lambda: recall_by_key(normal(2, 3, 4), normal(2, 3, 4), keep=2, rule="delta"), "keep=2"),
        (lambda: recall_by_key(normal(2, 3, 4), normal(2, 3, 4), keep=1, rule="x"), "rule='x'"),
        (lambda: Momentum(parameter(), lr=0), "lr=0 learns nothing"),
        (lambda: Muon(parameter(), lr=1, keep=1.1), "keep=1.1; expected a number from 0 to 1"),
        (lambda: DeltaMomentum(parameter(), lr=1, keep=-0.1), "keep=-0.1; expected a number"),
        (lambda: M3(parameter(), lr=1, period=0), "period=0; expected a whole number from 1"),
        (lambda: M3(parameter(), lr=1, period=True), "period=True; expected"),
        (lambda: M3(parameter(), lr=1, slow=-1), "slow=-1, floor=0.01; expected a weight"),
        (lambda: M3(parameter(), lr=1, floor=0), "slow=0.5, floor=0; expected a weight"),
        (lambda: Momentum([torch.nn.Parameter(torch.tensor(1.0))], lr=1), "one number; expected"),
        (lambda: DeltaDescent(parameter(), lr=1, network=cl.mlp(2, 2)), "has to know what every"),
        (lambda: DeltaDescent(parameter(), lr=1, network=None), "has to know what every layer"),
    ],
)  # fmt: skip
def test_bad_input_gets_one_sentence(call, message):
    with pytest.raises(cl.CourseError, match=message):
        call()


def test_a_step_before_anything_was_read_is_told():
    net = cl.mlp(3, 2)
    with pytest.raises(cl.CourseError, match="Nothing has gone into the network"):
        DeltaDescent(net.parameters(), lr=1, network=net).step()


def test_divergence_names_the_lane():
    """Delta momentum with gradients as they are: the explosion that the paper's form allows."""
    m = torch.zeros(2, 4, 1, dtype=torch.float64)
    g = normal(2, 4, 1)
    g = g / g.norm(dim=1, keepdim=True) * torch.tensor([1.0, 3.0])[:, None, None]
    for _ in range(400):
        m = delta_momentum(m, g, lr=0.1, keep=0.9)
    assert torch.isfinite(m[0]).all() and m[0].norm() < 1
    with pytest.raises(cl.CourseError, match="lane 1 "):
        newton_schulz(m)
