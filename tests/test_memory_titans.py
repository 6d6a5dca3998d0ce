"""The layer that remembers against its parts written out; architectures and their controls."""

import pytest
import torch
import torch.nn.functional as F

import clcourse as cl
from clcourse.memory import NeuralMemory, Titan, token_loop
from clcourse.memory.titans import KINDS, WindowAttention


def tokens(T=20, seeds=2, batch=3, width=8) -> torch.Tensor:
    return cl.LaneRandom(seeds, "tokens").normal(batch * T, width).reshape(-1, batch, T, width)


def shaken(module, seeds=2):
    """With other numbers everywhere, so that scales, biases and convolutions matter."""
    random = cl.LaneRandom(seeds, "shake")
    with torch.no_grad():
        for θ in module.parameters():
            θ.add_(0.1 * random.normal(*θ.shape[1:]))
    return module


@pytest.mark.parametrize("tied", [True, False])
def test_a_layer_is_its_equations(tied):
    layer, x = shaken(NeuralMemory(8, heads=2, taps=3, tied=tied, seeds=2)), tokens()
    y, carried, seen = layer(x, watch=True)
    for lane in range(2):
        K, V, G, out_of = (W[lane] for W in (layer.K, layer.V, layer.G, layer.O))
        Q = K if tied else layer.Q[lane]
        made = []
        for part, W in enumerate((K if tied else Q, K, V)):
            taps = layer.c[lane][:, 8 * part : 8 * part + 8]
            taps = layer.c[lane][:, 8:16] if tied and part == 0 else taps
            flat = x[lane] @ W
            out = torch.zeros_like(flat)
            for t in range(20):
                for back in range(min(3, t + 1)):
                    out[:, t] += taps[back] * flat[:, t - back]
            made.append(F.silu(out).unflatten(-1, (2, 4)).transpose(1, 2))
        q, k, v = made
        gates = torch.sigmoid(x[lane] @ layer.gate[lane] + layer.bias[lane])
        θ, η, α = (part.transpose(1, 2) for part in gates.split(2, dim=-1))
        q, k = F.normalize(q, dim=-1), F.normalize(k, dim=-1)
        said, state, _ = token_loop(q, k, v, θ, η, α)
        norm = (said / said.square().mean(-1, keepdim=True).add(1e-7).sqrt()).transpose(1, 2)
        expected = norm.flatten(2) * layer.scale[lane] * torch.sigmoid(x[lane] @ G) @ out_of
        assert torch.allclose(y[lane], expected, atol=1e-4)
        assert torch.allclose(carried.memory.M[lane], state.M, atol=1e-5)
        assert torch.allclose(seen.θ[lane], θ) and torch.allclose(seen.α[lane], α)


@pytest.mark.parametrize("cut", [1, 2, 7, 19])
def test_a_layer_reads_on_where_it_stopped(cut):
    layer, x = shaken(NeuralMemory(8, heads=2, seeds=2)), tokens()
    whole, end = layer(x)
    first, carried = layer(x[:, :, :cut])
    rest, carried = layer(x[:, :, cut:], carried)
    assert torch.allclose(torch.cat([first, rest], 2), whole, atol=1e-5)
    assert torch.allclose(carried.memory.M, end.memory.M, atol=1e-5)
    assert torch.allclose(carried.last, end.last)


def test_reading_writes_nothing_and_asks_the_memory_as_it_was():
    layer, x = shaken(NeuralMemory(8, seeds=2)), tokens()
    _, carried = layer(x)
    before = carried.memory.M.clone()
    recalled = layer.read(tokens(5), carried)
    assert torch.equal(carried.memory.M, before) and recalled.shape == (2, 3, 5, 8)
    assert not torch.allclose(recalled, layer.read(tokens(5), None))


def test_the_slow_weights_stay_while_it_reads():
    layer = NeuralMemory(8, seeds=2)
    before = {name: W.clone() for name, W in layer.state_dict().items()}
    layer(tokens())
    assert all(torch.equal(W, before[name]) for name, W in layer.state_dict().items())


@pytest.mark.parametrize("window", [1, 3, None])
def test_attention_sees_its_window_and_what_stands_before(window):
    attention = WindowAttention(8, window, cl.LaneRandom(2, "a"))
    x, before = tokens(), tokens(4)
    y = attention(x, before)
    other = x.clone()
    other[:, :, 5] += 1
    moved = (attention(other, before) - y).abs().amax(dim=(0, 1, 3)) > 1e-6
    wanted = [5 <= t < 5 + (window or 99) for t in range(20)]
    assert moved.tolist() == wanted
    assert ((attention(x, before + 1) - y).abs().amax(dim=(0, 1, 3)) > 1e-6).all()


@pytest.mark.parametrize("kind", KINDS)
def test_no_token_knows_the_future(kind):
    network, x = shaken(Titan(9, 5, kind=kind, width=8, window=4, seeds=2)), tokens()
    other = x.clone()
    other[:, :, 11:] += 1
    before, after = network(x), network(other)
    assert torch.allclose(before[:, :, :11], after[:, :, :11], atol=1e-6)
    assert not torch.allclose(before[:, :, 11], after[:, :, 11], atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_only_with_a_memory_does_the_far_past_matter(kind):
    network, x = shaken(Titan(9, 5, kind=kind, width=8, window=4, seeds=2)), tokens()
    other = x.clone()
    other[:, :, 0] += 1
    reaches = not torch.allclose(network(x)[:, :, -1], network(other)[:, :, -1], atol=1e-6)
    assert reaches == (kind != "window")


@pytest.mark.parametrize("kind", KINDS)
def test_a_lane_is_the_same_alone_and_in_company(kind):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    alone, together = (Titan(9, 5, kind=kind, width=8, seeds=seeds) for seeds in ([1], 3))
    x = torch.arange(60).reshape(3, 1, 20) % 9
    assert torch.allclose(alone(x[1:2])[0], together(x)[1], atol=1e-6)
    torch.set_num_threads(threads)


@pytest.mark.parametrize("kind", KINDS)
def test_everything_learns(kind):
    network = Titan(9, 5, kind=kind, width=8, window=4, seeds=2)
    network(torch.arange(40).reshape(2, 1, 20) % 9).square().sum().backward()
    silent = [name for name, θ in network.named_parameters() if θ.grad is None]
    assert not silent


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: Titan(9, 5, kind="MAX"), "kind='MAX'; expected one of MAC, MAG"),
        (lambda: Titan(9, 5, window=0), "window=0"),
        (lambda: Titan(9, 5, persistent=-1), "persistent=-1"),
        (lambda: Titan(0, 5), "vocabulary=0"),
        (lambda: NeuralMemory(8, heads=3), "cannot be shared among heads=3"),
        (lambda: NeuralMemory(8, taps=0), "taps=0"),
    ],
)
def test_bad_input_gets_one_sentence(wrong, message):
    with pytest.raises(cl.CourseError, match=message):
        wrong()
