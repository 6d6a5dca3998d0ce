"""Networks with a seed axis equal as many single networks."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import clcourse as cl


@given(
    sizes=st.lists(st.integers(1, 9), min_size=2, max_size=5),
    lanes=st.integers(1, 4),
    batch=st.integers(0, 5),
)
def test_each_lane_computes_what_a_plain_torch_network_computes(sizes, lanes, batch):
    net = cl.mlp(*sizes, seeds=lanes)
    x = cl.LaneRandom(lanes, "inputs").normal(batch, sizes[0])
    for lane in range(lanes):
        layers = []
        for weight, bias in zip(net.weights, net.biases, strict=True):
            layer = nn.Linear(weight.shape[1], weight.shape[2])
            layer.weight.data, layer.bias.data = weight[lane].T, bias[lane, 0]
            layers += [layer, nn.ReLU()]
        plain = nn.Sequential(*layers[:-1])
        assert torch.allclose(net(x)[lane], plain(x[lane]), atol=1e-5)
        if len(sizes) > 2:
            assert torch.allclose(net.hidden(x)[lane], plain[:-1](x[lane]), atol=1e-5)


def test_weights_start_as_torch_starts_them():
    net = cl.mlp(64, 100, 10, seeds=20)
    for part, bound in ((net.weights[0], 1 / 8), (net.biases[0], 1 / 8), (net.weights[1], 0.1)):
        assert part.abs().max() <= bound
        assert part.std().item() == pytest.approx(bound / 3**0.5, rel=0.05)
        assert part.mean().item() == pytest.approx(0, abs=bound / 20)


def test_lane_seven_starts_from_the_same_weights_alone_and_in_company():
    for one, many in zip(
        cl.mlp(5, 4, 3, seeds=[7]).parameters(), cl.mlp(5, 4, 3, seeds=32).parameters(), strict=True
    ):
        assert torch.equal(one[0], many[7])


def test_a_copy_is_independent():
    net = cl.mlp(3, 2, seeds=2)
    copy = net.copy()
    with torch.no_grad():
        copy.weights[0].zero_()
    assert copy.seeds == net.seeds and net.weights[0].abs().sum() > 0


@pytest.mark.parametrize("sizes", [(), (64,), (64, 0), (64, -1, 2), (64.0, 10), (True, 2)])
def test_impossible_sizes_get_one_sentence(sizes):
    with pytest.raises(cl.CourseError, match="expected at least two layer sizes"):
        cl.mlp(*sizes)


def test_the_network_says_what_it_is():
    assert repr(cl.mlp(64, 100, 10, seeds=3)) == "MLP 64-100-10 with 3 lanes"
