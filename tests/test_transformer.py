"""The tiny transformer against PyTorch's own layers, against its cache, and against its window."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import clcourse as cl
from clcourse.transformer import tiny_transformer


def small(**more):
    return tiny_transformer(30, **({"width": 16, "heads": 4, "seeds": 2} | more))


def texts(length: int = 9, batch: int = 5, seeds=2) -> torch.Tensor:
    random = cl.LaneRandom(seeds, "texts")
    return random.integers(batch * length, 30).reshape(-1, batch, length)


def torchs(network, lane: int) -> list[nn.TransformerEncoderLayer]:
    """The blocks of one lane as PyTorch's pre-norm layers."""
    layers = []
    for block in network.blocks:
        layer = nn.TransformerEncoderLayer(
            16, 4, 64, 0.0, "gelu", batch_first=True, norm_first=True
        )
        get = {name: part[lane] for name, part in block.items()}
        attention = layer.self_attn
        attention.in_proj_weight.data = torch.cat(
            [get[name].T for name in ("query", "key", "value")]
        )
        attention.in_proj_bias.data.zero_()
        attention.out_proj.weight.data, attention.out_proj.bias.data = get["output"].T, 0 * get[
            "shift_mlp"][0]  # fmt: skip
        layer.linear1.weight.data, layer.linear1.bias.data = get["up"].T, get["up_bias"][0]
        layer.linear2.weight.data, layer.linear2.bias.data = get["down"].T, get["down_bias"][0]
        for norm, place in ((layer.norm1, "attention"), (layer.norm2, "mlp")):
            norm.weight.data, norm.bias.data = get[f"scale_{place}"][0], get[f"shift_{place}"][0]
        layers.append(layer.eval())
    return layers


@pytest.mark.parametrize(
    ("layers", "window", "places"), [(1, None, None), (2, None, 12), (2, 3, None)]
)
def test_it_is_torchs_encoder_with_a_causal_mask(layers, window, places):
    network, x = small(layers=layers, window=window, places=places), texts()
    with torch.no_grad():
        for θ in network.parameters():  # so that scales, shifts and biases matter
            θ.add_(0.1 * cl.LaneRandom(2, "shake").normal(*θ.shape[1:]))
    back = torch.arange(9)[:, None] - torch.arange(9)
    hidden = (back < 0) | (back >= (window or 99))
    for lane in range(2):
        E, c = network.E[lane], network.c[lane]
        h = torch.zeros(5, 9, 16)
        for t in range(9):
            for back in range(min(4, t + 1)):
                h[:, t] += c[back] * E[x[lane, :, t - back]]
        h = h + (0 if places is None else network.P[lane, :9])
        for layer in torchs(network, lane):
            h = layer(h, src_mask=hidden)
        h = nn.functional.layer_norm(h, (16,), network.scale[lane, 0], network.shift[lane, 0])
        expected = h @ network.U[lane]
        assert torch.allclose(network(x, everywhere=True)[lane], expected, atol=1e-4)
        assert torch.allclose(network(x)[lane], expected[:, -1], atol=1e-4)


def test_no_token_sees_the_future():
    network, x = small(layers=2), texts()
    other = x.clone()
    other[..., 6:] = (other[..., 6:] + 1) % 30
    before, after = network(x, everywhere=True), network(other, everywhere=True)
    assert torch.equal(before[:, :, :6], after[:, :, :6])
    assert not torch.allclose(before[:, :, 6:], after[:, :, 6:])


def test_a_window_forgets_what_slid_out():
    """One layer of window 3, and the three neighbours of its first token: 6 tokens, no more."""
    network, x = small(window=3), texts()
    other = x.clone()
    other[..., :3] = (other[..., :3] + 1) % 30
    assert torch.equal(network(x), network(other))
    other[..., 3] = (other[..., 3] + 1) % 30
    assert not torch.allclose(network(x), network(other))


@given(cut=st.integers(1, 8), window=st.sampled_from([None, 1, 3, 50]), layers=st.integers(1, 2))
@settings(max_examples=20, deadline=None)
def test_reading_on_from_a_cache_is_reading_at_once(cut, window, layers):
    network, x = small(layers=layers, window=window), texts()
    first, cache = network.read(x[..., :cut], everywhere=True)
    rest, cache = network.read(x[..., cut:], cache, everywhere=True)
    assert torch.allclose(torch.cat([first, rest], 2), network(x, everywhere=True), atol=1e-5)
    assert cache.read == 9 and cache.keys.shape[3] == min(9, window or 9)


def test_a_cache_goes_on_counting_the_places():
    network, x = small(places=9), texts()
    _, cache = network.read(x[..., :2])
    rest, _ = network.read(x[..., 2:], cache)
    assert torch.allclose(rest, network(x), atol=1e-5)


def test_without_places_a_text_may_be_of_any_length():
    assert small()(texts(300, batch=1)).shape == (2, 1, 30)


def test_attention_begins_as_likeness():
    block = small().blocks[0]
    assert torch.equal(block["key"], block["query"]) and block["key"] is not block["query"]


def test_the_cache_changes_the_work_and_not_the_words():
    network, x = small(layers=2), texts()
    assert torch.equal(network.generate(x, 8), network.generate(x, 8, cached=False))
    assert network.generate(x, 8).shape == (2, 5, 8)


def test_bytes_of_a_cache_by_hand():
    _, cache = small(layers=2).read(texts())
    assert cache.bytes_a_text() == 2 * 2 * 9 * 16 * 4


def test_looks_are_shares_over_what_is_visible():
    network, x = small(window=4), texts()
    looks = network.looks_at(x)
    assert looks.shape == (2, 5, 4, 9, 9)
    assert torch.allclose(looks.sum(-1), torch.ones(2, 5, 4, 9))
    back = torch.arange(9)[:, None] - torch.arange(9)
    assert (looks[..., (back < 0) | (back >= 4)] == 0).all()


def test_a_lane_is_the_same_alone_and_in_company():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    alone, together = small(seeds=[3]), small(seeds=5)
    x = texts(seeds=5)
    assert torch.equal(alone(x[3:4])[0], together(x)[3])
    torch.set_num_threads(threads)


def test_it_can_be_taught_by_a_gradient_learner():
    learner, x = cl.GradientLearner(small(), lr=0.3), texts()
    y = x[..., 0]
    for _ in range(150):
        learner.observe(x, y)
    assert (learner.predict(x).argmax(-1) == y).all()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: small()(texts()[0]), "expected whole numbers"),
        (lambda: small()(texts().float()), "expected whole numbers"),
        (lambda: small()(texts() + 30), "outside 0 … 29"),
        (lambda: small(places=20)(texts(21)), "21 tokens does not fit; .* at most 20"),
        (lambda: small()(texts()[..., :0]), "0 tokens"),
        (lambda: small(places=20).generate(texts(15), 8), "does not fit"),
        (lambda: small(heads=3), "multiple"),
        (lambda: small(window=0), "window=0"),
        (lambda: small(places=0), "places=0"),
        (lambda: small(layers=1.5), "layers=1.5"),
        (lambda: small().looks_at(texts(), layer=1), "layer=1"),
    ],
)
def test_bad_input_gets_one_sentence(wrong, message):
    with pytest.raises(cl.CourseError, match=message):
        wrong()
