"""Two averages of a network's weights: closed forms, gradients by hand, and plain replay."""

import copy

import pytest
import torch

import clcourse as cl


def make(lanes: int = 3, **settings) -> cl.TwoAverages:
    return cl.TwoAverages(cl.mlp(64, 9, 10, seeds=lanes), 0.2, replay=cl.Reservoir(20), **settings)


def weights(learner, name: str) -> list[torch.Tensor]:
    return [θ.detach().clone() for θ in learner.networks[name].parameters()]


def live(learner, steps: int) -> list[list[torch.Tensor]]:
    """Working weights from the start on, one entry a moment."""
    experience, found = cl.split_digits(seeds=len(learner.seeds))[0], [weights(learner, "working")]
    for step in range(steps):
        chosen = slice(8 * (step % 16), 8 * (step % 16) + 8)
        learner.observe(experience.x[:, chosen], experience.y[:, chosen])
        found.append(weights(learner, "working"))
    return found


def close(first, second) -> bool:
    return all(torch.allclose(a, b, atol=1e-6) for a, b in zip(first, second, strict=True))


def test_the_averages_are_their_closed_forms():
    """θ̄_n = Σ_i (1 - α_i) Π_(j>i) α_j θ_i, which begins as the plain mean of all weights."""
    learner = make(plastic=(0.8, 1.0), stable=(1.0, 1.0))
    path = live(learner, 12)
    mean = [torch.stack(moments).mean(dim=0) for moments in zip(*path, strict=True)]
    assert close(weights(learner, "stable"), mean)
    α = [min(1 - 1 / (t + 1), 0.8) for t in range(13)]  # α_0 = 0: all weight on the start
    share = torch.tensor([(1 - α[i]) * torch.tensor(α[i + 1 :]).prod() for i in range(13)])
    assert share.sum().item() == pytest.approx(1)
    blend = [
        (share[:, None, None, None] * torch.stack(moments)).sum(dim=0)
        for moments in zip(*path, strict=True)
    ]
    assert close(weights(learner, "plastic"), blend)


def test_an_average_moves_as_often_as_its_rate_says_in_each_lane_on_its_own():
    learner = make(lanes=4, plastic=(0.9, 1.0), stable=(0.9, 0.3))
    moved = torch.zeros(4)
    together = 0
    for _ in range(200):
        before = weights(learner, "stable")[0]
        live(learner, 1)
        now = (weights(learner, "stable")[0] != before).flatten(1).any(dim=1)
        moved += now
        together += int(now.all() or not now.any())
    assert ((moved / 200 - 0.3).abs() < 0.1).all() and together < 100


def test_the_consistency_is_a_step_down_the_mean_squared_distance_of_logits():
    """Its gradient with respect to the logits is strength · 2 (z - z̄) / (examples · classes)."""
    strength, quiet, loud = 0.7, make(strength=0.0), make(strength=0.7)
    for learner in (quiet, loud):  # memories alike, averages that are not the working network
        live(learner, 1)
        for name in ("plastic", "stable"):
            learner.networks[name] = cl.mlp(64, 9, 10, seeds=[5, 6, 7])
        for θ, other in zip(learner.network.parameters(), live(make(), 3)[-1], strict=True):
            θ.data.copy_(other)
    experience = cl.split_digits(seeds=3)[1]
    x, y = experience.x[:, :6], experience.y[:, :6]
    old_x, old_y, _ = copy.deepcopy(loud.replay).sample(6)  # what the step is going to replay
    start = weights(loud, "working")
    z = loud.network(old_x)
    δ = strength * 2 * (z - loud.teach(old_x, old_y)).detach() / (6 * 10)
    expected = torch.autograd.grad(z, list(loud.network.parameters()), δ)
    quiet.observe(x, y)
    loud.observe(x, y)
    for before, plain, taught, g in zip(
        start, weights(quiet, "working"), weights(loud, "working"), expected, strict=True
    ):
        assert not torch.equal(before, plain)
        assert torch.allclose(plain - taught, 0.2 * g, atol=1e-6)


def test_the_teacher_is_the_one_that_is_surer_of_the_true_label():
    learner, x = make(), cl.LaneRandom(3, "x").normal(40, 64)
    learner.networks["stable"] = cl.mlp(64, 9, 10, seeds=[5, 6, 7])
    y = torch.arange(40).expand(3, 40) % 10
    taught = learner.teach(x, y)
    plastic, stable = (learner.networks[name](x) for name in ("plastic", "stable"))
    chosen = set()
    for lane in range(3):
        for i in range(40):
            sure = [z[lane, i].softmax(-1)[y[lane, i]] for z in (plastic, stable)]
            best = (plastic, stable)[int(sure[1] > sure[0])]
            chosen.add(int(sure[1] > sure[0]))
            assert torch.equal(taught[lane, i], best[lane, i])
    assert chosen == {0, 1}


@pytest.mark.parametrize("scenario", ["class", "task"])
@pytest.mark.parametrize(
    "settings",
    [
        {"strength": 0.0, "plastic": (0.9, 1.0), "stable": (0.9, 0.5)},
        {"strength": 3.0, "plastic": (0.0, 1.0), "stable": (0.0, 1.0)},
    ],
)
def test_without_consistency_or_without_averaging_it_is_plain_replay(scenario, settings):
    stream = cl.split_digits(scenario, seeds=3)
    plain = cl.GradientLearner(cl.mlp(64, 9, 10, seeds=3), 0.2, replay=cl.Reservoir(20))
    plain, averaged = (cl.run(one, stream, epochs=2) for one in (plain, make(**settings)))
    working = averaged.learner
    for θ, other in zip(
        plain.learner.network.parameters(), working.network.parameters(), strict=True
    ):
        # the teacher sees a batch of another size, so that its rounding may differ
        assert torch.allclose(θ, other, atol=1e-5 if settings["strength"] else 0, rtol=0)
    if settings["stable"][0] == 0:
        assert torch.allclose(plain.accuracy, averaged.accuracy, atol=0.02)
    else:
        assert not torch.equal(plain.accuracy, averaged.accuracy)


def test_each_of_the_three_can_answer():
    learner = make(stable=(0.5, 0.5), plastic=(0.9, 1.0))
    live(learner, 9)
    x = cl.split_digits(seeds=3)[0].x_test
    assert torch.equal(learner.predict(x), learner.networks["stable"](x)), "unless told otherwise"
    answers = []
    for name in ("working", "plastic", "stable"):
        learner.answers_from = name
        answers.append(learner.predict(x))
        assert torch.equal(answers[-1], learner.networks[name](x))
    assert not torch.equal(answers[0], answers[1]) and not torch.equal(answers[1], answers[2])
    learner.answers_from = "all"
    with pytest.raises(cl.CourseError, match="expected 'working', 'plastic' or 'stable'"):
        learner.predict(x)


def test_it_counts_the_buffer_and_two_networks():
    learner = make()
    live(learner, 1)
    network = 4 * (65 * 9 + 10 * 10)
    assert learner.memory_bytes() == 2 * network + learner.replay.memory_bytes()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"strength": -1.0}, "at least 0"),
        ({"strength": float("nan")}, "at least 0"),
        ({"plastic": (1.5, 1.0)}, r"plastic=\(1.5, 1.0\); expected .*α from 0 to 1"),
        ({"stable": (0.9, 0.0)}, "rate above 0"),
        ({"stable": (0.9, float("nan"))}, "rate above 0"),
        ({"replay": None}, "expected a memory"),
    ],
)
def test_bad_settings_get_one_sentence(settings, words):
    with pytest.raises(cl.CourseError, match=words):
        cl.TwoAverages(cl.mlp(64, 9, 10), **{"replay": cl.Reservoir(20)} | settings)
