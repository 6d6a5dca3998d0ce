"""Fading weights against steps by hand and a stiff network; without fading the claim must fail."""

import copy
import math

import pytest
import torch
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from torch.func import functional_call

import clcourse as cl
from clcourse.evaluate import batches
from clcourse.nested.fading import FadingWeights, rested
from clcourse.regularise import Anchored
from clcourse.worlds import relabelled_digits

LANES = [3, 5]


def exact(lanes=LANES) -> cl.MLP:
    """A small network in float64."""
    return cl.mlp(6, 5, 4, seeds=lanes).double()


def examples(steps: int, batch: int = 3, lanes: int = 2, seed: int = 0):
    """Batches x (lanes, batch, 6), y (lanes, batch)."""
    one = torch.Generator().manual_seed(seed)
    return [(torch.randn(lanes, batch, 6, generator=one, dtype=torch.float64),
             torch.randint(4, (lanes, batch), generator=one)) for _ in range(steps)]  # fmt: skip


def weights(network) -> list[torch.Tensor]:
    return [θ.detach().clone() for θ in network.parameters()]


def same(first, second, atol=1e-12) -> bool:
    return all(torch.allclose(a, b, atol=atol, rtol=0) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("beside", [True, False])
@pytest.mark.parametrize("period", [1, 3])
def test_every_step_by_hand(beside, period):
    """s moves by the mean of C gradients, f by each and then back by 1 - keep."""
    it = FadingWeights(exact(), 0.3, keep=0.8, slow_lr=0.1, period=period, beside=beside)
    s, f = weights(it.slow), weights(it.fast)
    f_0, names, held = weights(it.fast), [name for name, _ in it.slow.named_parameters()], []

    def answers(s, f, x):
        def net(θ):
            return functional_call(exact(), dict(zip(names, θ, strict=True)), (x,))

        return net(s) + net(f) if beside else net([a + b for a, b in zip(s, f, strict=True)])

    for step, (x, y) in enumerate(examples(7), start=1):
        s, f = ([θ.requires_grad_() for θ in part] for part in (s, f))
        logits = answers(s, f, x)
        loss = sum(torch.nn.functional.cross_entropy(logits[lane], y[lane]) for lane in range(2))
        g = torch.autograd.grad(loss, [*s, *f])
        held.append(g[: len(s)])
        s, f = ([θ.detach() for θ in part] for part in (s, f))
        f = [a + 0.8 * (b - 0.3 * c - a) for a, b, c in zip(f_0, f, g[len(s) :], strict=True)]
        if step % period == 0:
            mean = [sum(part) / period for part in zip(*held, strict=True)]
            s, held = [a - 0.1 * b for a, b in zip(s, mean, strict=True)], []
        before = it.observe(x, y)
        assert torch.allclose(before, logits.detach(), atol=1e-12, rtol=0)
        assert same(weights(it.slow), s) and same(weights(it.fast), f)


def test_two_weights_over_frozen_ones_are_a_network_pulled_to_a_stored_copy():
    """The pull of EWC with the same stiffness everywhere: keep = 1 / (1 + lr · strength)."""
    pull = Anchored(2.5)
    stiff = cl.GradientLearner(exact(), 0.3, penalty=pull)
    pull.anchor(stiff.network, [torch.ones_like(θ) for θ in stiff.network.parameters()])
    it = FadingWeights(exact(), 0.3, keep=1 / (1 + 0.3 * 2.5), slow_lr=0.0, beside=False)
    for x, y in examples(9):
        assert torch.allclose(it.observe(x, y), stiff.observe(x, y), atol=1e-12, rtol=0)
    both = [s + f for s, f in zip(weights(it.slow), weights(it.fast), strict=True)]
    assert same(both, weights(stiff.network))


def test_without_fading_and_slow_steps_two_weights_are_one_network():
    plain = cl.GradientLearner(exact(), 0.3)
    it = FadingWeights(exact(), 0.3, keep=1.0, slow_lr=0.0, beside=False)
    for x, y in examples(9):
        assert torch.allclose(it.observe(x, y), plain.observe(x, y), atol=1e-12, rtol=0)


@pytest.mark.parametrize("beside", [True, False])
def test_a_rest_is_so_many_fadings_and_ends_at_the_slow_weights(beside):
    it = FadingWeights(exact(), 0.3, keep=0.8, beside=beside)
    for x, y in examples(4):
        it.observe(x, y)
    f = [0.8**5 * (f - f_0) for f, f_0 in zip(weights(it.fast), it.rested, strict=True)]
    slow = weights(it.slow)
    it.rest(2), it.rest(0), it.rest(3)
    away = [f - f_0 for f, f_0 in zip(weights(it.fast), it.rested, strict=True)]
    assert same(away, f) and same(slow, weights(it.slow))
    it.rest(100_000)
    assert torch.allclose(it.predict(x), it.slow(x), atol=1e-12, rtol=0)


def test_a_rested_network_beside_adds_nothing_and_is_its_own():
    net = cl.mlp(6, 5, 4, seeds=LANES)
    fast, x = rested(net), examples(1)[0][0].float()
    assert torch.equal(fast(x), torch.zeros(2, 3, 4))
    hidden = fast.weights[0].detach()
    assert not torch.equal(hidden, net.weights[0])
    assert float(hidden.abs().max()) <= 6**-0.5 and float(hidden.std()) > 0.1


def test_slow_weights_stay_while_frozen_and_the_network_given_always():
    net = exact()
    given_, it = weights(net), FadingWeights(net, slow_lr=0.0)
    moving = FadingWeights(net, slow_lr=0.1)
    for x, y in examples(3):
        it.observe(x, y), moving.observe(x, y)
    assert same(weights(it.slow), given_, 0) and same(weights(net), given_, 0)
    assert not same(weights(moving.slow), given_)
    assert [one.what for one in it.changes] == ["fast weights"]
    assert [one.what for one in moving.changes] == ["fast weights", "slow weights"]


def test_memory_in_bytes():
    net = cl.mlp(6, 5, 4, seeds=LANES)
    size = 4 * (6 * 5 + 5 + 5 * 4 + 4)
    assert FadingWeights(net, beside=False).memory_bytes() == size
    assert FadingWeights(net).memory_bytes() == 2 * size  # with its rested state
    assert FadingWeights(net, period=8).memory_bytes() == 3 * size  # with a chunk's gradients
    assert FadingWeights(net, period=8, slow_lr=0.0).memory_bytes() == 2 * size


@limits(max_examples=15, deadline=None)
@given(
    keep=st.floats(0, 1),
    slow_lr=st.floats(0, 0.1),
    period=st.integers(1, 4),
    beside=st.booleans(),
    batch=st.integers(1, 5),
)
def test_shapes_and_lanes_that_do_not_meet(keep, slow_lr, period, beside, batch):
    settings = {"keep": keep, "slow_lr": slow_lr, "period": period, "beside": beside}
    both, alone = (FadingWeights(exact(lanes), 0.1, **settings) for lanes in (LANES, [5]))
    assert isinstance(both, cl.Learner)
    for x, y in examples(5, batch):
        logits = both.observe(x, y)
        assert logits.shape == (2, batch, 4)
        assert torch.allclose(alone.observe(x[1:], y[1:]), logits[1:], atol=1e-12)
    both.rest(3), alone.rest(3)
    assert torch.allclose(alone.predict(x[1:]), both.predict(x)[1:], atol=1e-12)


def test_answers_that_are_not_in_question_stay_out():
    it, allowed = FadingWeights(exact()), torch.tensor([[True, True, False, False]] * 2)
    x, y = examples(1)[0]
    assert (it.observe(x, y % 2, allowed).argmax(-1) < 2).all()
    assert (it.predict(x, allowed).argmax(-1) < 2).all()


@pytest.fixture(scope="module", name="world")
def _world():
    """A network that knows its digits, and eight contexts."""
    stream = relabelled_digits(8, seeds=6)
    learner = cl.GradientLearner(cl.mlp(64, 48, 10, seeds=6))
    return cl.run(learner, stream[:1], epochs=3, batch_size=8).learner.network, list(stream)


def life(world, **settings) -> tuple[float, float, float]:
    """Accuracy while adapting, and of the base before and after a rest of 1000 steps."""
    network, (base, *contexts) = world
    it, order, right = FadingWeights(network, 0.5, **settings), cl.LaneRandom(6, "order"), []
    for one in contexts:
        for x, y, _ in batches(one, order, 8):
            right.append((it.observe(x, y).argmax(-1) == y).float().mean())

    def asked() -> float:
        return float((it.predict(base.x_test).argmax(-1) == base.y_test).float().mean())

    awake = asked()
    it.rest(1000)
    return float(sum(right) / len(right)), awake, asked()


@pytest.mark.parametrize("beside", [True, False])
def test_the_claim_and_its_mutant_without_fading(world, beside):
    adapting, awake, kept = life(world, keep=0.97, beside=beside)
    assert adapting > 0.7 and awake < 0.75 and kept > 0.93
    adapting, awake, kept = life(world, keep=1.0, beside=beside)
    assert adapting > 0.7 and awake == kept < 0.75


def test_the_claim_needs_no_slow_steps(world):
    """The honest control: a frozen base keeps as much."""
    adapting, _, kept = life(world, keep=0.97, slow_lr=0.0)
    assert adapting > 0.7 and kept > 0.93


def test_it_lives_through_a_stream_and_can_be_copied():
    stream = cl.split_digits(seeds=LANES)[:2]
    it = FadingWeights(cl.mlp(64, 12, 10, seeds=LANES), 0.1, keep=0.99)
    history = cl.run(it, stream, epochs=1, boundaries=False, rest=2000)
    assert history.accuracy.shape == (2, 2, 2) and history.cost.stored_bytes == it.memory_bytes()
    assert not torch.equal(history.accuracy, history.awake)
    twin = copy.deepcopy(history.learner)
    x, y = stream[0].x[:, :8], stream[0].y[:, :8]
    for one in (twin, history.learner):
        one.observe(x, y)
    assert torch.equal(twin.predict(x), history.learner.predict(x))


def test_divergence_names_the_lane():
    it = FadingWeights(exact(), 1.0)
    x, y = examples(1)[0]
    x[1] = math.inf
    with pytest.raises(cl.CourseError, match=r"diverged in lane 5 \(1 of 2 lanes\)"):
        it.observe(x, y)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"keep": 1.1}, "keep=1.1; expected from 0"),
        ({"keep": -0.1}, "keep=-0.1"),
        ({"keep": math.nan}, "keep=nan"),
        ({"fast_lr": 0}, "fast_lr=0"),
        ({"fast_lr": math.inf}, "fast_lr=inf"),
        ({"slow_lr": -1}, "slow_lr=-1"),
        ({"period": 0}, "period=0"),
        ({"period": 2.5}, "period=2.5"),
        ({"slow": None}, "slow is a NoneType; expected an MLP"),
    ],
)
def test_bad_input_gets_one_sentence(wrong, message):
    with pytest.raises(cl.CourseError, match=message) as caught:
        FadingWeights(**{"slow": exact()} | wrong)
    assert "\n" not in str(caught.value)


def test_a_rest_is_a_whole_number_of_steps():
    with pytest.raises(cl.CourseError, match="steps=-1"):
        FadingWeights(exact()).rest(-1)
