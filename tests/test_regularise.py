"""Penalties against closed forms: Fisher of a linear model, work along a path, fixed points."""

import pytest
import torch

import clcourse as cl
from clcourse.regularise import EWC, SI, Anchored, LwF, fisher_by_sample, fisher_of_mlp


def few(lanes: int = 3, size: int = 24):
    one = cl.split_digits("task", seeds=lanes)[0]
    chosen = slice(None, None, 256 // size)
    return one.x[:, chosen][:, :size], one.y[:, chosen][:, :size], one.allowed


@pytest.mark.parametrize("told", [False, True])
def test_the_fisher_of_an_mlp_is_that_of_its_samples_one_by_one(told):
    net, (x, _, allowed) = cl.mlp(64, 9, 7, 10, seeds=3), few()
    allowed = allowed if told else None
    for fast, slow in zip(
        fisher_of_mlp(net, x, allowed), fisher_by_sample(net, x, allowed), strict=True
    ):
        assert torch.allclose(fast, slow, rtol=1e-4, atol=1e-9)


def test_the_fisher_of_a_linear_model_is_x_squared_times_p_times_one_minus_p():
    net, (x, _, _) = cl.mlp(64, 10, seeds=3), few()
    p = net(x).softmax(-1)
    weights, biases = fisher_of_mlp(net, x)
    spread = p * (1 - p)
    assert torch.allclose(weights, (x**2).transpose(1, 2) @ spread / x.shape[1], atol=1e-8)
    assert torch.allclose(biases[:, 0], spread.mean(1), atol=1e-8)


def test_squaring_the_mean_gradient_is_far_too_small():
    """The pitfall that makes a penalty silently inactive."""
    net, (x, y, _) = cl.mlp(64, 30, 10, seeds=3), few(size=32)
    gradients = torch.autograd.grad(cl.cross_entropy(net(x), y).sum(), list(net.parameters()))
    exact = sum(part.sum() for part in fisher_of_mlp(net, x))
    assert sum((part**2).sum() for part in gradients) < exact / 3


class OneWeight(torch.nn.Module):
    """A network of a single weight a lane."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.θ = torch.nn.Parameter(torch.tensor([[value]]))


def test_the_pull_is_exact_gradient_descent_at_zero_and_never_passes_the_anchor():
    for strength in (0.0, 1.0, 1e3, 1e12):
        net, pull = OneWeight(5.0), Anchored(strength)
        pull.anchor(OneWeight(2.0), [torch.tensor([[4.0]])])
        pull.step(net, lr=0.1)
        assert 2.0 - 1e-5 <= net.θ.item() <= 5.0
        expected = (5 + 0.1 * strength * 4 * 2) / (1 + 0.1 * strength * 4)
        assert net.θ.item() == pytest.approx(expected, rel=1e-5)


def test_two_anchors_are_one_with_their_stiffness_weighted_mean():
    pull = Anchored(1e9)
    pull.anchor(OneWeight(1.0), [torch.tensor([[3.0]])])
    pull.anchor(OneWeight(5.0), [torch.tensor([[1.0]])])
    net = OneWeight(-7.0)
    pull.step(net, lr=0.1)
    assert net.θ.item() == pytest.approx(2.0, abs=1e-4)


def test_ewc_settles_where_both_forces_balance():
    """Minimum of ½ a (θ - 1)² + ½ λ F (θ - 4)²: the mean weighted by a and λF."""
    a, F, λ, lr = 2.0, 3.0, 0.5, 0.1
    net, pull = OneWeight(0.0), Anchored(λ)
    pull.anchor(OneWeight(4.0), [torch.tensor([[F]])])
    for _ in range(300):
        with torch.no_grad():
            net.θ -= lr * a * (net.θ - 1)
        pull.step(net, lr)
    assert net.θ.item() == pytest.approx((a * 1 + λ * F * 4) / (a + λ * F), abs=1e-4)


def test_the_work_of_si_is_the_fall_of_the_loss():
    """Σ -g Δθ along small steps is the loss that was lost on the way (Zenke 2017, eq. 3)."""
    net, (x, y, _) = cl.mlp(64, 12, 10, seeds=3), few()
    learner = cl.GradientLearner(net, lr=0.003, penalty=SI(0.0))
    before = cl.cross_entropy(net(x), y)
    for _ in range(200):
        learner.observe(x, y)
    fall = before - cl.cross_entropy(learner.network(x), y)
    work = sum(part.flatten(1).sum(1) for part in learner.penalty.work)
    assert torch.allclose(work, fall, rtol=0.02) and (fall > 0.1).all()


def test_si_keeps_one_anchor_and_adds_up_importance():
    net, (x, y, _) = cl.mlp(64, 6, 10, seeds=3), few()
    learner = cl.GradientLearner(net, penalty=SI(0.1))
    experience = cl.split_digits(seeds=3)[0].training()
    for _ in range(2):
        for _ in range(5):
            learner.observe(x, y)
        learner.consolidate(experience)
    penalty = learner.penalty
    for θ, S, M in zip(net.parameters(), penalty.stiffness, penalty.pull, strict=True):
        assert (S >= 0).all() and torch.allclose(M, S * θ, atol=1e-6)


def test_lwf_pulls_answers_towards_the_teachers():
    """Gradient with respect to the logits: strength · τ · (softmax(z/τ) - softmax(z_old/τ)) / n."""
    net, (x, _, _) = cl.mlp(64, 6, 10, seeds=3), few()
    penalty = LwF(0.7, temperature=3.0)
    assert penalty.loss(net, x, net(x)) == 0.0
    penalty.consolidate(net, cl.Experience("all", x, torch.arange(24).expand(3, 24) % 10))
    z = net(x).detach() + cl.LaneRandom(3, "noise").normal(24, 10)
    z.requires_grad_()
    (got,) = torch.autograd.grad(penalty.loss(net, x, z).sum(), z)
    expected = 0.7 * 3 * ((z / 3).softmax(-1) - (net(x) / 3).softmax(-1)) / 24
    assert torch.allclose(got, expected.detach(), atol=1e-7)


def test_lwf_asks_about_old_classes_only():
    net, (x, y, _) = cl.mlp(64, 6, 10, seeds=3), few()
    penalty = LwF()
    penalty.consolidate(net, cl.Experience("pair", x, y))
    z = net(x).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(penalty.loss(net, x, z + 1).sum(), z)
    for lane in range(3):
        new = [c for c in range(10) if c not in y[lane].unique().tolist()]
        assert gradient[lane, :, new].abs().max() == 0


@pytest.mark.parametrize(
    ("make", "lr"), [(lambda: EWC(1e3), 0.5), (lambda: SI(1.0), 0.5), (lambda: LwF(1.0), 0.1)]
)
def test_a_penalty_is_active_and_keeps_more_where_the_task_is_told(make, lr):
    """Plain fine-tuning forgets at this rate; a penalty that does nothing would equal it."""
    stream = cl.split_digits("task", seeds=6)
    plain, kept = (
        cl.run(cl.GradientLearner(cl.mlp(64, 20, 10, seeds=6), lr, penalty=penalty), stream)
        for penalty in (None, make())
    )
    gain = cl.paired(cl.forgetting(plain.accuracy), cl.forgetting(kept.accuracy))
    print(gain)
    assert gain.value > 0.005
    assert kept.cost.stored_bytes > 0


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: EWC(-1.0), "at least 0"),
        (lambda: EWC(float("nan")), "at least 0"),
        (lambda: SI(1.0, damping=0), "above 0"),
        (lambda: LwF(1.0, temperature=0), "above 0"),
    ],
)
def test_bad_settings_get_one_sentence(make, words):
    with pytest.raises(cl.CourseError, match=f"expected a .*number.* {words}"):
        make()
