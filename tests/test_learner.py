"""The gradient learner against closed forms and a plain PyTorch loop."""

import pytest
import torch
from torch import nn

import clcourse as cl
from clcourse.learner import masked


def plain_network(net, lane: int) -> nn.Sequential:
    """The same lane as an ordinary PyTorch network."""
    layers = []
    for weight, bias in zip(net.weights, net.biases, strict=True):
        layer = nn.Linear(weight.shape[1], weight.shape[2])
        layer.weight.data, layer.bias.data = weight[lane].T.clone(), bias[lane, 0].clone()
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


@pytest.mark.parametrize(
    ("ours", "theirs"), [(cl.SGD, torch.optim.SGD), (torch.optim.Adam, torch.optim.Adam)]
)
def test_ten_steps_equal_ten_steps_of_a_plain_loop(ours, theirs):
    learner = cl.GradientLearner(cl.mlp(64, 20, 10, seeds=3), lr=0.05, optimiser=ours)
    experience = cl.split_digits(seeds=3)[0]
    plain = [plain_network(learner.network, lane) for lane in range(3)]
    steps = [theirs(one.parameters(), lr=0.05) for one in plain]
    for start in range(0, 160, 16):
        x, y = experience.x[:, start : start + 16], experience.y[:, start : start + 16]
        learner.observe(x, y)
        for lane, (network, step) in enumerate(zip(plain, steps, strict=True)):
            step.zero_grad()
            nn.functional.cross_entropy(network(x[lane]), y[lane]).backward()
            step.step()
    for lane, network in enumerate(plain):
        assert torch.allclose(
            learner.predict(experience.x)[lane], network(experience.x[lane]), atol=1e-4
        )


def test_the_number_of_lanes_does_not_change_the_step():
    """A loss averaged over lanes would divide the learning rate by their number."""
    x, y = cl.split_digits(seeds=6)[0].x[:, :8], cl.split_digits(seeds=6)[0].y[:, :8]
    alone = cl.GradientLearner(cl.mlp(64, 5, 10, seeds=[2]))
    together = cl.GradientLearner(cl.mlp(64, 5, 10, seeds=6))
    alone.observe(x[2:3], y[2:3])
    together.observe(x, y)
    assert torch.allclose(alone.network.weights[0][0], together.network.weights[0][2], atol=1e-7)


def test_replay_mixes_half_and_half():
    """With a full memory the step is the mean of the new and the replayed gradient."""
    learner = cl.GradientLearner(cl.mlp(64, 5, 10, seeds=2), replay=cl.Reservoir(1))
    stream = cl.split_digits(seeds=2)
    old = stream[0].x[:, :1], stream[0].y[:, :1]
    learner.replay.add(*old)
    start = [one.detach().clone() for one in learner.network.parameters()]
    x, y = stream[1].x[:, :6], stream[1].y[:, :6]
    net = learner.network
    loss = (cl.cross_entropy(net(x), y) + cl.cross_entropy(net(old[0]), old[1])).sum() / 2
    gradients = torch.autograd.grad(loss, list(net.parameters()))
    learner.observe(x, y)
    for now, then, gradient in zip(net.parameters(), start, gradients, strict=True):
        assert torch.allclose(now, then - 0.1 * gradient, atol=1e-6)


def test_cross_entropy_is_torchs_a_lane_at_a_time():
    logits = cl.LaneRandom(4, "logits").normal(7, 5)
    y = cl.LaneRandom(4, "labels").integers(7, 5)
    expected = [nn.functional.cross_entropy(a, b) for a, b in zip(logits, y, strict=True)]
    assert torch.allclose(cl.cross_entropy(logits, y), torch.stack(expected))


def test_masks_work_for_a_lane_and_for_each_example():
    logits = torch.zeros(2, 3, 4)
    told = torch.tensor([[True, False, False, True], [False, True, False, False]])
    for allowed in (told, told[:, None].expand(2, 3, 4)):
        answer = masked(logits, allowed).softmax(-1)
        assert torch.allclose(answer[0, 0], torch.tensor([0.5, 0, 0, 0.5]))
        assert torch.allclose(answer[1, 2], torch.tensor([0, 1.0, 0, 0]))
    assert masked(logits, None) is logits


def test_divergence_is_told_with_its_lane():
    learner = cl.GradientLearner(cl.mlp(64, 8, 10, seeds=[3, 4]), lr=1e30)
    with pytest.raises(cl.CourseError, match="Training diverged in lane [34].*lower lr"):
        cl.run(learner, cl.split_digits(seeds=[3, 4]))


@pytest.mark.parametrize("lr", [0, -0.1, float("nan")])
def test_a_learning_rate_must_be_positive(lr):
    with pytest.raises(cl.CourseError, match="try lr=0.1"):
        cl.GradientLearner(cl.mlp(2, 2), lr=lr)
