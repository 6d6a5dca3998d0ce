"""Writing while reading: rules against autograd, self-modification against its own objectives."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import normalize

import clcourse as cl
from clcourse.nested.hope import MIXERS, Hope, sinusoids
from clcourse.nested.in_context import InContext
from clcourse.nested.online import OnlineMLP, inner_loss, slopes
from clcourse.nested.self_modifying import (
    RULES,
    Slow,
    at_once,
    inner_objective,
    objective,
    rule_loop,
    self_modifying_loop,
    target,
    write,
)
from clcourse.nested.sequences import (
    asked_loss,
    counted,
    practise_sequences,
    relabelled,
    share_right,
)
from clcourse.nested.writing import WRITERS, WritingLayer


def drawn(seed=0, dtype=torch.float64):
    """normal(*shape), uniform(*shape) of one generator."""
    random = torch.Generator().manual_seed(seed)
    return (lambda *shape: torch.randn(*shape, generator=random, dtype=dtype),
            lambda *shape: torch.rand(*shape, generator=random, dtype=dtype))  # fmt: skip


def sequence(T=30, d=5, p=4, lead=(2, 3), seed=0):
    """q, k, v, η, α and M to begin with."""
    normal, uniform = drawn(seed)
    q, k = (normalize(normal(*lead, T, d), dim=-1) for _ in range(2))
    return (q, k, normal(*lead, T, p), uniform(*lead, T), uniform(*lead, T)), normal(*lead, d, p)


def away(got, wanted) -> float:
    """The largest difference, as a share of the largest number."""
    if not wanted.numel():
        return 0.0
    return ((got - wanted).abs().max() / wanted.abs().max().clamp(min=1.0)).item()


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_one_step_down_its_objective(rule):
    (_, k, v, η, α), M = sequence()
    k, v, η, α = k[..., :1, :], v[..., :1, :], η[..., :1, None], α[..., :1, None]
    M.requires_grad_()
    (slope,) = torch.autograd.grad(objective(rule, M, k, v, η, α), M)
    assert away(write(rule, M, k, v, η, α), M - slope) < 1e-12


@pytest.mark.parametrize("rule", RULES)
@given(T=st.integers(0, 40), d=st.integers(1, 5), p=st.integers(1, 4),
       lead=st.sampled_from([(1,), (3,), (2, 2)]))  # fmt: skip
@settings(max_examples=20, deadline=None)
def test_all_at_once_is_the_loop(rule, T, d, p, lead):
    inputs, M = sequence(T, d, p, lead)
    y, after = rule_loop(rule, *inputs, M)
    y_, after_ = at_once(rule, *inputs, M)
    assert y_.shape == (*lead, T, p)
    assert away(y_, y) < 1e-10 and away(after_, after) < 1e-10


def test_delta_descent_is_the_delta_rule_at_twice_the_rate_to_half_the_value():
    (q, k, v, η, α), M = sequence()
    for mine, other in zip(at_once("DGD", q, k, v, η, α, M),
                           rule_loop("delta", q, k, v / 2, 2 * η, α, M), strict=True):  # fmt: skip
        assert away(mine, other) < 1e-10
    key, value = k[..., :1, :], v[..., :1, :]
    for _ in range(200):
        M = write("DGD", M, key, value, 0.3, 1.0)
    assert away(key @ M, value / 2) < 1e-12


@given(η=st.floats(0, 1), α=st.floats(0, 1))
@settings(max_examples=50, deadline=None)
def test_along_the_key_delta_descent_multiplies_by_alpha_minus_two_eta(η, α):
    """... and delta by α - η: to -1 only with α = 0, and then everything else is lost."""
    (_, k, _, _, _), M = sequence()
    k = k[..., :1, :]
    nothing = torch.zeros_like(k @ M)
    assert away(k @ write("DGD", M, k, nothing, η, α), (α - 2 * η) * (k @ M)) < 1e-12
    assert away(k @ write("delta", M, k, nothing, η, α), (α - η) * (k @ M)) < 1e-12
    across = M - k.mT @ (k @ M)  # what other keys are told
    assert away(write("DGD", M, k, nothing, η, α) - (α - 2 * η) * (M - across), α * across) < 1e-12


def test_a_reflection_counts_modulo_two_and_the_delta_rule_cannot():
    """One-dimensional: a one flips the sign of what is kept, a zero leaves it."""
    bits = torch.tensor([[1, 0, 1, 1, 0, 1, 1, 1]], dtype=torch.float64)
    q = k = torch.ones(1, 8, 1, dtype=torch.float64)
    v, kept, M = torch.zeros_like(k), torch.ones_like(bits), torch.ones(1, 1, 1).double()
    y, _ = at_once("DGD", q, k, v, bits, kept, M)
    assert torch.equal(y[0, :, 0].round(), 1 - 2 * (bits[0].cumsum(0) % 2))
    y, _ = at_once("delta", q, k, v, bits, kept, M)
    assert y[0, 1:].abs().max() < 1e-12  # it forgets: α - η = 0


def test_two_reflections_count_modulo_three():
    """A digit d as reflections in two lines that are d · 60° apart: a turn by d · 120°."""
    digits = torch.tensor([1, 2, 0, 1, 1, 2, 2, 0, 1])
    M = start = torch.tensor([[1.0], [0.0]], dtype=torch.float64)
    total = 0
    for digit in digits.tolist():
        for angle in (0.0, digit * torch.pi / 3):
            k = torch.tensor([[math.cos(angle), math.sin(angle)]], dtype=torch.float64)
            M = write("DGD", M, k, torch.zeros(1, 1, dtype=torch.float64), 1.0, 1.0)
        total = (total + digit) % 3
        turn = 2 * math.pi / 3 * total
        aim = torch.tensor([[math.cos(turn)], [math.sin(turn)]], dtype=torch.float64)
        assert away(M, aim) < 1e-12
    assert total == 1 and away(M.norm(), start.norm()) < 1e-12


def modifying(T=12, d=4, lead=(2, 3), seed=0):
    """Arguments of `self_modifying_loop`, in double precision."""
    normal, uniform = drawn(seed)
    keys, values, q = (normal(*lead, T, d) for _ in range(3))
    start, share = normal(*lead, d, 3 * d + 2), uniform(*lead, 1, 3 * d + 2)
    return keys, values, q, Slow(start, share, normal(*lead, 1, 2))


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("before", [False, True])
def test_self_modification_descends_the_objectives_of_all_its_memories(before, own):
    """The oracle knows autograd and eqs 84-88, and nothing of the closed form."""
    keys, values, q, slow = modifying()
    start, share, bias, _ = slow
    inputs, d = (keys, values, q, slow._replace(own=own)), keys.shape[-1]
    B, y = start, []
    for t in range(keys.shape[-2]):
        key, value = keys[..., t : t + 1, :], values[..., t : t + 1, :]
        k = normalize(key @ B[..., :d], dim=-1)
        v = normalize(value @ B[..., d : 2 * d], dim=-1)
        logits = (key + value) / 2 @ B[..., 3 * d :] + bias
        α = torch.sigmoid(logits[..., 1:])
        η = torch.sigmoid(logits[..., :1]) * (1 + α) / 2
        told = v @ (B if own else start)
        boxes = [normalize(told[..., at : at + d], dim=-1) for at in (0, d, 2 * d)]
        aim = torch.cat([*boxes, told[..., 3 * d :].tanh()], dim=-1)
        leaf = B.clone().requires_grad_()
        (slope,) = torch.autograd.grad(inner_objective(leaf, start, k, aim, η * share, α), leaf)
        old, B = B, B - slope
        y.append(q[..., t : t + 1, :] @ (old if before else B)[..., 2 * d : 3 * d])
    got, after, used = self_modifying_loop(*inputs, before=before)
    assert away(got, torch.cat(y, dim=-2)) < 1e-12 and away(after, B) < 1e-12
    assert used.k.shape == keys.shape and used.α.shape == keys.shape[:-1]
    assert not torch.allclose(after[..., :d], start[..., :d])  # the keys' memory has moved


def test_nothing_shared_leaves_every_memory_as_it_began():
    keys, values, q, slow = modifying()
    _, after, _ = self_modifying_loop(keys, values, q, slow._replace(share=0 * slow.share))
    assert away(after, slow.start) < 1e-12


def test_no_write_makes_an_old_error_larger():
    """Two memories that differ come no further apart when keys, rates and targets are the same."""
    normal, uniform = drawn(3)
    for _ in range(50):
        α = uniform(1)
        η = uniform(1) * (1 + α) / 2
        k, gap = normalize(normal(1, 6), dim=-1), normal(6, 6)
        assert write("DGD", gap, k, torch.zeros(1, 6).double(), η, α).norm() <= gap.norm() + 1e-12


@pytest.mark.parametrize("rule", WRITERS)
@pytest.mark.parametrize("before", [False, True])
def test_a_layer_reads_in_pieces_as_at_once_and_knows_no_future(rule, before):
    layer = WritingLayer(6, rule=rule, before=before, seeds=[3, 4]).double()
    normal, _ = drawn()
    x = normal(2, 3, 20, 6)
    y, after = layer(x)
    pieces, state = [], None
    for start, stop in ((0, 1), (1, 8), (8, 20)):
        piece, state = layer(x[:, :, start:stop], state=state)
        pieces.append(piece)
    assert away(torch.cat(pieces, dim=2), y) < 1e-9 and away(state, after) < 1e-9
    other = x.clone()
    other[:, :, 12] += 1
    later, _ = layer(other)
    assert torch.equal(later[:, :, :12], y[:, :, :12])
    assert rule == "none" or not torch.allclose(later[:, :, 13:], y[:, :, 13:])


@pytest.mark.parametrize("rule", WRITERS)
def test_lanes_do_not_know_of_each_other(rule):
    normal, _ = drawn(dtype=torch.float32)
    x = normal(2, 3, 10, 6)
    both, _ = WritingLayer(6, rule=rule, seeds=[3, 8])(x)
    one, _ = WritingLayer(6, rule=rule, seeds=[8])(x[1:])
    assert torch.allclose(both[1:], one, atol=1e-5)


def test_a_long_text_does_not_explode():
    normal, _ = drawn(dtype=torch.float32)
    layer = WritingLayer(8, seeds=2)
    with torch.no_grad():
        layer.start.mul_(30)
        y, state = layer(100 * normal(2, 1, 600, 8))
    assert torch.isfinite(y).all() and state.norm() < 1e4


def test_targets_are_bounded():
    normal, _ = drawn()
    aim = target(1e6 * normal(2, 1, 14), 4)
    assert aim.abs().max() <= 1 + 1e-12
    assert torch.allclose(aim[..., :4].norm(dim=-1), torch.ones(2, 1).double())


def test_a_lane_that_is_not_finite_is_named():
    layer = WritingLayer(4, seeds=[5, 6])
    x = torch.zeros(2, 1, 3, 4)
    x[1] = torch.nan
    with pytest.raises(cl.CourseError, match="lane 6"):
        layer(x)


def broken(η=0.5, α=0.5):
    """q, k, v, η, α of three tokens, with gates to choose."""
    k = torch.ones(1, 3, 2)
    return k, k, k, torch.full((1, 3), η), torch.full((1, 3), α)


@pytest.mark.parametrize("make", [
    lambda: WritingLayer(4, rule="other"), lambda: WritingLayer(0),
    lambda: WritingLayer(4)(torch.zeros(1, 1, 3, 5)), lambda: write("x", 0, 0, 0, 0, 0),
    lambda: at_once("gated", *broken(α=1.1)), lambda: rule_loop("Hebbian", *broken(α=-0.1)),
    lambda: at_once("none", *broken(η=-1.0)), lambda: at_once("delta", *broken(η=torch.nan)),
    lambda: at_once("gated", *broken()[:4], torch.ones(1, 2)),
    lambda: counted(0), lambda: counted(4, base=1), lambda: relabelled(4, regimes=5),
    lambda: relabelled(told=0), lambda: InContext(0),
    lambda: InContext(6)(relabelled(told=0.5, seeds=1).x), lambda: InContext(6)(torch.zeros(1, 2)),
    lambda: InContext(6)(torch.zeros(1, 1, 3, 2)),
    lambda: practise_sequences(InContext(6), None, lr=0.0), lambda: OnlineMLP(4, 4, period=0),
    lambda: OnlineMLP(4, 4, period=2.5), lambda: OnlineMLP(4, 4, period=True),
    lambda: OnlineMLP(0, 4), lambda: Hope(4, 2, mixer="x"), lambda: Hope(4, 2, periods=(4, -1)),
    lambda: Hope(4, 2, window=3), lambda: Hope(4, 2, places=True),
    lambda: Hope(4, 2, mixer="attention", window=0),
    lambda: Hope(4, 2)(torch.full((1, 1, 3), 4)), lambda: Hope(4, 2)(torch.zeros(1, 1, 3)),
    lambda: Hope(4, 2)(torch.zeros(2, 1, 3, dtype=torch.long)), lambda: Hope(0, 2),
    lambda: practise_sequences(InContext(6), None, steps=0),
])  # fmt: skip
def test_bad_input_is_one_sentence(make):
    with pytest.raises(cl.CourseError, match="expected") as told:
        make()
    assert str(told.value).endswith(".")


def test_sums_so_far():
    texts = counted(9, base=3, batch=4, seeds=2)
    assert texts.x.shape == (2, 4, 9) and texts.x.max() == 2
    assert torch.equal(texts.y, texts.x.cumsum(-1) % 3) and texts.asked.all()
    assert torch.equal(counted(9, base=3, batch=4, seeds=[1]).x[0], texts.x[1])


@given(length=st.integers(1, 40), symbols=st.integers(1, 7), regimes=st.integers(1, 4),
       told=st.sampled_from([0.5, 1.0]))  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_labels_hold_within_a_regime(length, symbols, regimes, told):
    regimes = min(regimes, length)
    texts = relabelled(length, symbols=symbols, regimes=regimes, told=told, batch=3, seeds=2)
    key, says, asked = texts.x[..., 0], texts.x[..., 1], texts.asked
    assert texts.regime.diff(dim=-1).min() >= 0 if length > 1 else True
    known = {}
    for place in torch.cartesian_prod(torch.arange(2), torch.arange(3), torch.arange(length)):
        lane, text, t = place.tolist()
        word = (lane, text, texts.regime[lane, text, t].item(), key[lane, text, t].item())
        label, said = texts.y[lane, text, t].item(), says[lane, text, t].item()
        assert said in (label, symbols) and (told < 1 or said == label)
        assert asked[lane, text, t] == (word in known and (told == 1 or said == symbols))
        assert known.get(word, label) == label
        if said == label:
            known[word] = label


def test_only_what_is_asked_counts():
    texts = relabelled(12, batch=2, seeds=2)
    logits = torch.zeros(2, 2, 12, 6)
    loss = asked_loss(logits, texts)
    assert torch.allclose(loss, torch.log(torch.tensor(6.0)).expand(2))
    logits[~texts.asked] = 1000 * torch.randn(6, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(asked_loss(logits, texts), loss)


def test_a_gate_is_what_lets_a_network_change_its_mind():
    """Trained once; the slow weights do not change afterwards, and a shut gate undoes it."""
    network = practise_sequences(InContext(6, rule="gated", seeds=2),
                                 lambda random: relabelled(seeds=random), steps=100)  # fmt: skip
    slow = {name: part.clone() for name, part in network.state_dict().items()}
    texts = relabelled(batch=64, seeds=cl.LaneRandom(2, "test"))
    before, since = (share_right(network, texts, texts.regime == one) for one in (0, 1))
    assert before.min() > 0.9 and since.min() > 0.85
    assert all(torch.equal(slow[name], part) for name, part in network.state_dict().items())
    with torch.no_grad():
        network.layer.bias[..., 1] = 1e4  # α = 1: nothing is ever forgotten
    shut = share_right(network, texts, texts.regime == 1)
    assert (since - shut).min() > 0.2


def test_the_slopes_of_the_mlp_are_those_of_autograd():
    normal, _ = drawn()
    k, v, W = normal(2, 3, 7, 4), normal(2, 3, 7, 4), (normal(2, 3, 4, 5), normal(2, 3, 5, 4))
    W = tuple(one.requires_grad_() for one in W)
    for mine, wanted in zip(slopes(k, v, W), torch.autograd.grad(inner_loss(k, v, W), W),
                            strict=True):  # fmt: skip
        assert away(mine, wanted) < 1e-12


@pytest.mark.parametrize(("period", "size"), [(1, 1.0), (4, 1.0), (5, 0.02)])
def test_an_online_mlp_is_updated_once_in_a_period_by_its_own_objective(period, size):
    """The oracle reads one token at a time and asks autograd at the end of every chunk."""
    mlp = OnlineMLP(4, 6, period=period, seeds=2).double()
    normal, _ = drawn()
    x = normal(2, 3, 13, 4)
    with torch.no_grad():
        mlp.V.mul_(size)
        mlp.W_2.mul_(size)  # small: no clipping; large: clipping
    y, state = mlp(x)
    z = x / (x.square().mean(-1, keepdim=True) + 1e-5).sqrt()
    k, v = (z @ W[:, None] for W in (mlp.K, mlp.V))
    first = [W[:, None].expand(-1, 3, -1, -1).detach() for W in (mlp.W_1, mlp.W_2)]
    η, κ = (torch.sigmoid(mlp.pace[:, at])[:, None, None, None] for at in (0, 1))
    W, clipped = first, []
    for t in range(13):
        here = z[:, :, t : t + 1]
        told = x[:, :, t : t + 1] + torch.nn.functional.silu(here @ W[0]) @ W[1]
        assert away(y[:, :, t : t + 1], told) < 1e-12
        if (t + 1) % period == 0:
            chunk = slice(t + 1 - period, t + 1)
            leaves = [one.clone().requires_grad_() for one in W]
            loss = inner_loss(k[:, :, chunk].detach(), v[:, :, chunk].detach(), leaves) / period
            g = torch.autograd.grad(loss, leaves)
            length = sum(one.square().sum((-2, -1), keepdim=True) for one in g).sqrt()
            clipped.append((length > 1).double().mean().item())
            W = [a + κ * (b - a) - η * one / length.clamp(min=1)
                 for a, b, one in zip(first, W, g, strict=True)]  # fmt: skip
    assert (max(clipped) > 0) == (size == 1.0)  # both sides of the clipping were seen
    assert all(away(mine, one) < 1e-9 for mine, one in zip(state.W, W, strict=True))
    assert state.read == 13 % period


def test_a_closed_rate_and_a_period_of_none_are_a_plain_mlp():
    plain, online = OnlineMLP(4, 6, period=None, seeds=2), OnlineMLP(4, 6, period=3, seeds=2)
    normal, _ = drawn(dtype=torch.float32)
    x = normal(2, 3, 11, 4)
    assert not torch.allclose(plain(x)[0], online(x)[0])
    assert torch.allclose(plain(x)[0][:, :, :3], online(x)[0][:, :, :3], atol=1e-6)
    with torch.no_grad():
        online.pace[:, 0] = -1e9
    assert torch.allclose(plain(x)[0], online(x)[0], atol=1e-6)


@given(
    cuts=st.lists(st.integers(0, 21), max_size=3),
    mixer=st.sampled_from(MIXERS),
    window=st.sampled_from([None, 1, 4]),
    periods=st.sampled_from([(), (1,), (3, 5), (None, 4)]),
    places=st.booleans(),
)
@settings(max_examples=30, deadline=None)
def test_hope_reads_in_pieces_as_at_once(cuts, mixer, window, periods, places):
    attention = {"window": window, "slope": True, "places": places}
    more = attention if mixer == "attention" else {}
    network = Hope(5, 3, mixer=mixer, periods=periods, seeds=[1, 4], **more).double()
    x = torch.randint(5, (2, 2, 22), generator=torch.Generator().manual_seed(0))
    pieces, carried = [], None
    edges = sorted({0, *cuts, 22})
    for start, stop in zip(edges, edges[1:], strict=False):
        piece, carried = network.read(x[:, :, start:stop], carried)
        pieces.append(piece)
    assert away(torch.cat(pieces, dim=2), network(x)) < 1e-9


@pytest.mark.parametrize("mixer", MIXERS)
def test_no_answer_of_hope_knows_the_future(mixer):
    network = Hope(5, 3, mixer=mixer, periods=(2, 4), seeds=2).double()
    x = torch.randint(5, (2, 2, 24), generator=torch.Generator().manual_seed(0))
    other = x.clone()
    other[:, :, 11] = (x[:, :, 11] + 1) % 5
    one, two = network(x), network(other)
    assert torch.equal(one[:, :, :11], two[:, :, :11])
    assert not torch.allclose(one[:, :, 11], two[:, :, 11])
    assert not torch.allclose(one[:, :, 12:], two[:, :, 12:])  # and the past matters


def test_what_lies_outside_the_window_is_not_seen():
    network = Hope(5, 3, mixer="attention", periods=(None,), window=3, seeds=1).double()
    x = torch.randint(5, (1, 2, 10), generator=torch.Generator().manual_seed(0))
    other = x.clone()
    other[:, :, 2] = (x[:, :, 2] + 1) % 5
    one, two = network(x), network(other)
    assert not torch.allclose(one[:, :, 4], two[:, :, 4])
    assert torch.allclose(one[:, :, 5:], two[:, :, 5:])


@pytest.mark.parametrize("window", [None, 1, 3])
def test_attention_keeps_what_its_window_needs_and_no_more(window):
    network = Hope(5, 3, mixer="attention", periods=(), window=window, seeds=2).double()
    x = torch.randint(5, (2, 2, 12), generator=torch.Generator().manual_seed(0))
    pieces, carried = [], None
    for start, stop in ((0, 5), (5, 6), (6, 12)):
        piece, carried = network.read(x[:, :, start:stop], carried)
        pieces.append(piece)
    assert away(torch.cat(pieces, dim=2), network(x)) < 1e-12
    assert [kept.shape[2] for kept in carried.mixer] == 2 * [window or 12]


def test_places_are_the_sinusoids_of_the_paper():
    """PE(t, 2i) = sin(t / 10000^(2i / d)), PE(t, 2i + 1) the cosine (Vaswani et al. 2017)."""
    found = sinusoids(40, 6, first=3)
    for t in range(40):
        for i in range(3):
            angle = (t + 3) / 10_000 ** (2 * i / 6)
            assert found[t, 2 * i].item() == pytest.approx(math.sin(angle), abs=1e-6)
            assert found[t, 2 * i + 1].item() == pytest.approx(math.cos(angle), abs=1e-6)
    assert sinusoids(4, 5).shape == (4, 5)
    assert torch.equal(sinusoids(600, 16)[500:], sinusoids(100, 16, first=500))


def test_without_places_attention_reads_a_bag_and_with_them_a_text():
    bags = torch.tensor([[[0, 1, 2, 3, 4]], [[3, 2, 0, 1, 4]]]).permute(1, 0, 2)  # the same tokens
    ones = torch.ones(1, 1, 30, dtype=torch.long)
    for places in (False, True):
        network = Hope(5, 3, mixer="attention", periods=[None] * 2, places=places, seeds=1).double()
        first, second = network(bags)[0, :, -1]
        assert torch.allclose(first, second, atol=1e-12) != places
        said = network(ones)[0, 0]  # 1, 11, 111, …: one answer to all of them, or many
        assert torch.allclose(said, said[:1], atol=1e-12) != places


@pytest.mark.parametrize("slope", [False, True])
def test_a_transformer_with_places_is_causal_and_has_no_more_weights(slope):
    kind = {"mixer": "attention", "periods": [None], "slope": slope, "seeds": 2}
    network = Hope(5, 3, places=True, **kind).double()
    x = torch.randint(5, (2, 2, 24), generator=torch.Generator().manual_seed(0))
    other = x.clone()
    other[:, :, 11] = (x[:, :, 11] + 1) % 5
    one, two = network(x), network(other)
    assert torch.equal(one[:, :, :11], two[:, :, :11])
    assert not torch.allclose(one[:, :, 11:], two[:, :, 11:])
    count = [sum(θ.numel() for θ in one.parameters()) for one in (network, Hope(5, 3, **kind))]
    assert count[0] == count[1]


def test_a_slope_makes_attention_prefer_the_recent():
    """Equal keys: the weights are those of distance alone."""
    attention = Hope(2, 2, mixer="attention", slope=True, seeds=1).double().mixer
    with torch.no_grad():
        attention.K.zero_()
        attention.slope.fill_(0.3)
        attention.V.copy_(torch.eye(16))
        attention.O.copy_(torch.eye(16))
    x = torch.eye(16, dtype=torch.float64)[None, None, :5]
    y, _ = attention(x)
    fade = torch.exp(-torch.nn.functional.softplus(torch.tensor(0.3, dtype=torch.float64)))
    wanted = fade ** torch.arange(4, -1, -1)
    assert torch.allclose(y[0, 0, 4, :5], wanted / wanted.sum())


@pytest.mark.parametrize("mixer", MIXERS[1:])
def test_every_slow_weight_of_hope_learns_and_lanes_stay_apart(mixer):
    network = Hope(9, 4, mixer=mixer, periods=(4, 8), seeds=[2, 7])
    texts = relabelled(24, symbols=4, told=0.6, batch=4, seeds=2)
    x = texts.x + torch.tensor([0, 4])
    loss = asked_loss(network(x), texts)
    loss.sum().backward()
    idle = {name for name, θ in network.named_parameters()
            if θ.grad is None or not bool(θ.grad.flatten(1).any(1).all())}  # fmt: skip
    unused = {"attention": set(),
              "Hebbian": {"mixer.bias", "mixer.share"}, "self-modifying": set()}  # fmt: skip
    assert idle - unused.get(mixer, {"mixer.share"}) == set(), idle
    one = Hope(9, 4, mixer=mixer, periods=(4, 8), seeds=[7])(x[1:])
    assert torch.allclose(one, network(x)[1:], atol=1e-4)


def test_two_plain_mlps_do_not_begin_alike():
    one, two = Hope(3, 2, periods=(None, None)).mlps
    assert not torch.equal(one.W_1, two.W_1)


def test_delta_descent_learns_parity_and_attention_does_not():
    """Of equal practice: a reflection generalises to four times the length."""
    found = {}
    for mixer in ("DGD", "attention"):
        network = practise_sequences(
            Hope(2, 2, mixer=mixer, periods=(None,), seeds=2),
            lambda random: counted(16, seeds=random), steps=200, lr=1e-2)  # fmt: skip
        found[mixer] = share_right(network, counted(64, batch=32, seeds=cl.LaneRandom(2, "test")))
    assert found["DGD"].min() > 0.9 and found["attention"].max() < 0.7
