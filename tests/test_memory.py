"""The matrix memory against its token loop, against autograd, and against what it contains."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import normalize

import clcourse as cl
from clcourse.memory import State, linear_memory, token_loop
from clcourse.memory.chunks import decays

GATES = {"ordinary": (0.02, 0.98), "shut": (0.0, 0.0), "open": (1.0, 1.0), "mixed": None}


def sequence(T=50, d=8, p=6, lead=(2, 3), gates="ordinary", dtype=torch.float64, seed=0):
    """q, k, v, θ, η, α, and a state to start from."""
    random = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=random, dtype=dtype)

    def gate():
        one = torch.rand(*lead, T, generator=random, dtype=dtype)
        if GATES[gates] is None:
            return torch.where(one < 0.3, 0.0, torch.where(one > 0.7, 1.0, one))
        low, high = GATES[gates]
        return low + (high - low) * one

    q, k = (normalize(normal(*lead, T, d), dim=-1) for _ in range(2))
    inputs = (q, k, normal(*lead, T, p), gate(), gate(), gate())
    return inputs, State(normal(*lead, d, p), normal(*lead, d, p))


def away(got, wanted) -> float:
    """The largest difference, as a share of the largest number."""
    return ((got - wanted).abs().max() / wanted.abs().max().clamp(min=1.0)).item()


@pytest.mark.parametrize("chunk", [1, 4, 16, 32, 64])
@pytest.mark.parametrize("gates", GATES)
def test_chunks_are_the_token_loop(chunk, gates):
    inputs, start = sequence(gates=gates)
    y, state, watched = token_loop(*inputs, start)
    y_, state_, watched_ = linear_memory(*inputs, start, chunk=chunk, watch=True)
    assert away(y_, y) < 1e-10 and away(watched_.update, watched.update) < 1e-10
    assert away(state_.M, state.M) < 1e-10 and away(state_.S, state.S) < 1e-10
    assert torch.allclose(watched_.surprise, watched.update.norm(dim=-1))


@pytest.mark.parametrize("gates", GATES)
def test_in_single_precision_it_is_the_loop_to_a_hundred_thousandth(gates):
    inputs, start = sequence(T=256, d=32, p=32, gates=gates, dtype=torch.float32)
    exact, _, _ = token_loop(*(x.double() for x in inputs), State(*(x.double() for x in start)))
    for chunk in (16, 32, 64):
        y, _ = linear_memory(*inputs, start, chunk=chunk)
        assert ((y.double() - exact).abs().max() / exact.abs().max()) < 1e-5


@pytest.mark.parametrize("chunk", [1, 7, 16, 64])
@pytest.mark.parametrize("gates", ["ordinary", "mixed"])
def test_gradients_are_those_of_the_loop(chunk, gates):
    inputs, start = sequence(T=40, gates=gates)
    leaves = [x.requires_grad_() for x in (*inputs, *start)]
    random = torch.Generator().manual_seed(5)

    def gradients(remember, **more):
        y, state = remember(*leaves[:6], State(*leaves[6:]), **more)[:2]
        random.manual_seed(5)
        told = [torch.randn(x.shape, generator=random, dtype=x.dtype) for x in (y, *state)]
        total = sum((x * weight).sum() for x, weight in zip((y, *state), told, strict=True))
        return torch.autograd.grad(total, leaves)

    for mine, wanted in zip(gradients(linear_memory, chunk=chunk), gradients(token_loop),
                            strict=True):  # fmt: skip
        assert away(mine, wanted) < 1e-10


@given(
    T=st.integers(0, 70), d=st.integers(1, 5), p=st.integers(1, 5), chunk=st.integers(1, 40),
    lead=st.sampled_from([(), (1,), (3,), (2, 2)]), gates=st.sampled_from(list(GATES)),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_every_shape_and_gate(T, d, p, chunk, lead, gates):
    inputs, start = sequence(T, d, p, lead, gates)
    y, state, _ = token_loop(*inputs, start)
    y_, state_ = linear_memory(*inputs, start, chunk=chunk)
    assert y_.shape == (*lead, T, p)
    if T:
        assert away(y_, y) < 1e-9
    assert away(state_.M, state.M) < 1e-9 and away(state_.S, state.S) < 1e-9


@given(cuts=st.lists(st.integers(0, 90), max_size=3), chunk=st.sampled_from([8, 32]))
@settings(max_examples=25, deadline=None)
def test_a_sequence_may_come_in_pieces(cuts, chunk):
    inputs, state = sequence(T=90, lead=(2,))
    whole, end = linear_memory(*inputs, state, chunk=chunk)
    pieces = []
    edges = [0, *sorted(cuts), 90]
    for start, stop in zip(edges, edges[1:], strict=False):
        piece, state = linear_memory(*(x[:, start:stop] for x in inputs), state, chunk=chunk)
        pieces.append(piece)
    assert away(torch.cat(pieces, 1), whole) < 1e-10 and away(state.M, end.M) < 1e-10


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_single_precision_rounded_once(dtype):
    inputs, start = sequence(T=70, dtype=torch.float32)
    leaves = [x.to(dtype).requires_grad_() for x in inputs]
    y, state = linear_memory(*leaves, State(*(x.to(dtype) for x in start)))
    wide = [x.detach().float().requires_grad_() for x in leaves]
    y_, state_ = linear_memory(*wide, State(*(x.to(dtype).float() for x in start)))
    assert torch.equal(y, y_.to(dtype)) and torch.equal(state.M, state_.M.to(dtype))
    for mine, wanted in zip(*(torch.autograd.grad(out.sum(), x) for out, x in ((y, leaves),
                            (y_, wide))), strict=True):  # fmt: skip
        assert torch.equal(mine, wanted.to(dtype))


@pytest.mark.parametrize("T", [1, 250, 1111])
def test_blocks_of_chunks_are_the_token_loop(T):
    """Forty sequences: one chunk of 4 tokens a block; gradients run through all of them."""
    inputs, start = sequence(T, d=3, p=2, lead=(40,), gates="mixed")
    leaves = [x.requires_grad_() for x in (*inputs, *start)]
    results = []
    for remember, more in ((linear_memory, {"chunk": 4}), (token_loop, {})):
        y, state = remember(*leaves[:6], State(*leaves[6:]), **more)[:2]
        total = y.square().sum() + state.M.sum() + state.S.sum()
        results.append((y, *state, *torch.autograd.grad(total, leaves)))
    for mine, wanted in zip(*results, strict=True):
        assert away(mine, wanted) < 1e-10


def test_no_output_knows_the_future():
    inputs, start = sequence(T=64)
    other = [x.clone() for x in inputs]
    other[2][..., 40, :] += 1
    before, after = (linear_memory(*x, start, chunk=16)[0] for x in (inputs, other))
    assert torch.equal(before[..., :40, :], after[..., :40, :])
    assert not torch.allclose(before[..., 40, :], after[..., 40, :])


def test_decays_by_hand():
    D = decays(torch.tensor([0.5, 0.0, 0.25]))
    assert D.tolist() == [[1, 0, 0, 0], [0.5, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0.25, 1]]


def test_a_long_sequence_stays_finite_and_right():
    inputs, _ = sequence(T=5000, d=4, p=3, lead=(1,), dtype=torch.float32)
    calm = (*inputs[:4], 0.5 * inputs[4], inputs[5])
    y, state = linear_memory(*calm)
    loop, _, _ = token_loop(*(x.double() for x in calm))
    assert ((y - loop).abs().max() / loop.abs().max()) < 1e-5 and torch.isfinite(state.M).all()


# -- what it contains --


def test_without_correction_it_is_linear_attention():
    """Orthonormal keys are never corrected: y_t = Σ_{i ≤ t} (q_t k_i') v_i."""
    (q, _, v, *_), _ = sequence(T=8, d=8, lead=(2,))
    k = torch.eye(8, dtype=q.dtype).expand(2, 8, 8)
    one, zero = torch.ones(2, 8, dtype=q.dtype), torch.zeros(2, 8, dtype=q.dtype)
    y, _ = linear_memory(q, k, v, one, zero, zero)
    assert torch.allclose(y, (q @ k.mT).tril() @ v)


def test_without_momentum_it_is_the_gated_delta_rule():
    """M ← M (I - θ k'k) written out, with what is kept (1 - α): Yang et al. 2024."""
    (q, k, v, θ, η, α), _ = sequence(T=30, lead=())
    y, _ = linear_memory(q, k, v, θ, 0 * η, α)
    M = torch.zeros(8, 6, dtype=q.dtype)
    for t in range(30):
        outer = torch.outer(k[t], k[t])
        M = (1 - α[t]) * M - θ[t] * outer @ M + θ[t] * torch.outer(k[t], v[t])
        assert torch.allclose(y[t], q[t] @ M)


def test_the_delta_rule_ends_at_least_squares():
    """Without forgetting and momentum, small steps over and over end at the solution (Widrow)."""
    (_, k, _, *_), _ = sequence(T=5, d=8, lead=())
    target = torch.randn(8, 6, generator=torch.Generator().manual_seed(3), dtype=k.dtype)
    k = k.repeat(4000, 1)
    gate = torch.full((20000,), 0.5, dtype=k.dtype)
    _, state = linear_memory(k, k, k @ target, gate, 0 * gate, 0 * gate)
    assert torch.allclose(state.M, torch.linalg.pinv(k[:5]) @ (k[:5] @ target), atol=1e-8)


def test_momentum_alone_is_torchs_momentum():
    """One pair again and again, no forgetting: SGD with momentum on ½ |k M - v|²."""
    k = normalize(torch.arange(1.0, 6, dtype=torch.float64), dim=0)
    v = torch.arange(3.0, dtype=torch.float64)
    M = torch.zeros(5, 3, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.SGD([M], lr=0.3, momentum=0.6)
    for _ in range(12):
        optimiser.zero_grad()
        (0.5 * (k @ M - v).square().sum()).backward()
        optimiser.step()
    gates = [torch.full((12,), value, dtype=k.dtype) for value in (0.3, 0.6, 0.0)]
    _, state = linear_memory(k.expand(12, 5), k.expand(12, 5), v.expand(12, 3), *gates)
    assert torch.allclose(state.M, M.detach())


def test_one_pair_shown_again_and_again_surprises_less_and_less():
    k, v = torch.ones(1, 40, 4) / 2, torch.randn(1, 1, 3).expand(1, 40, 3)
    θ = torch.full((1, 40), 0.4)
    y, _, watched = linear_memory(k, k, v, θ, 0 * θ, 0 * θ, watch=True)
    surprise = watched.surprise[0]
    assert torch.allclose(surprise, surprise[0] * 0.6 ** torch.arange(40.0), atol=1e-5)
    assert torch.allclose(y[:, -1], v[:, -1], atol=1e-5)


# -- what people hand in by mistake --


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({3: lambda x: -x}, "θ runs from -"),
        ({4: lambda x: x + 1}, "η runs from .* expected 0 to 1"),
        ({5: lambda x: x * float("nan")}, "α runs from nan"),
        ({0: lambda x: x[..., :-1]}, "do not fit"),
        ({2: lambda x: x[:, :-1]}, "do not fit"),
        ({3: lambda x: x[..., None]}, "do not fit"),
        ({6: lambda s: State(s.M[..., :-1, :], s.S)}, "The state is"),
        ({6: lambda s: State(s.M, s.S.float())}, "The state is .*torch.float32"),
        ({6: lambda s: (s.M,)}, "The state is .*expected M and S"),
        ({6: lambda s: (*s, s.M)}, "The state is .*expected M and S"),
        ({6: lambda s: 3}, "The state is int; expected M and S"),
        ({3: lambda x: 0.5}, "float, .*expected six tensors"),
        ({1: lambda x: x.long()}, "torch.int64, .*expected six tensors"),
        ({0: lambda x: x * float("nan")}, "q holds NaN"),
        ({2: lambda x: x / 0}, "v holds NaN"),
        ({6: lambda s: State(s.M, s.S * float("inf"))}, "S holds NaN"),
    ],
)
def test_bad_input_gets_one_sentence(change, message):
    inputs, start = sequence(T=5)
    handed = [change.get(place, lambda x: x)(x) for place, x in enumerate((*inputs, start))]
    for remember in (linear_memory, token_loop):
        with pytest.raises(cl.CourseError, match=message):
            remember(*handed)


@pytest.mark.parametrize("chunk", [0, -3, 2.0, True])
def test_a_bad_chunk_gets_one_sentence(chunk):
    inputs, start = sequence(T=5)
    with pytest.raises(cl.CourseError, match="chunk="):
        linear_memory(*inputs, start, chunk=chunk)


def test_an_explosion_is_told_with_its_place_and_its_rate():
    (q, k, v, θ, η, α), _ = sequence(T=400, lead=(2,), dtype=torch.float32)
    with pytest.raises(cl.CourseError, match=r"exploded, first at token \d+ of 400.*lower θ"):
        linear_memory(q, 3 * k, v, 5 + θ, η, 0 * α)


@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
def test_it_can_be_compiled_without_a_break():
    inputs, start = sequence(T=16, lead=(2,), dtype=torch.float32)
    leaves = [x.requires_grad_() for x in inputs]
    compiled = torch.compile(linear_memory, backend="aot_eager", fullgraph=True)
    results = []
    for remember in (compiled, linear_memory):
        y, state = remember(*leaves, start, chunk=8)
        results.append((y, state.M, *torch.autograd.grad(y.sum() + state.M.sum(), leaves)))
    for mine, wanted in zip(*results, strict=True):
        assert away(mine, wanted) < 1e-5


def test_a_key_of_no_numbers_gets_one_sentence():
    empty, gate = torch.zeros(2, 5, 0), torch.zeros(2, 5)
    with pytest.raises(cl.CourseError, match="do not fit"):
        linear_memory(empty, empty, torch.zeros(2, 5, 3), gate, gate, gate)


def test_types_may_be_mixed_and_the_widest_wins():
    inputs, start = sequence(T=9)
    mixed = [x.float() if place in (2, 4) else x for place, x in enumerate(inputs)]
    y, state = linear_memory(*mixed, start, chunk=4)
    wanted, _, _ = token_loop(*mixed, start)
    assert y.dtype == state.M.dtype == wanted.dtype == torch.float64
    assert torch.allclose(y, wanted, atol=1e-12)


def test_under_autocast_it_computes_as_without():
    inputs, start = sequence(T=40, dtype=torch.float32)
    wanted = linear_memory(*inputs, start)[0]
    inputs[0].requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        got = linear_memory(*inputs, start)[0]
    assert torch.equal(got, wanted)
    got.sum().backward()
    assert torch.isfinite(inputs[0].grad).all()


def test_a_half_that_leaves_its_range_is_told():
    T, k = 400, torch.nn.functional.normalize(torch.ones(1, 400, 4), dim=-1).half()
    v, gate = torch.full((1, T, 2), 6e4).half(), torch.ones(1, T).half()
    with pytest.raises(cl.CourseError, match="exploded, first at token .*float16"):
        linear_memory(k, k, v, 1.9 * gate, 0.9 * gate, 0 * gate)


@pytest.mark.parametrize("place", [4, 37, 150])
def test_an_explosion_is_told_at_its_token(place):
    k = torch.nn.functional.normalize(torch.randn(1, 200, 4, generator=torch.Generator()), dim=-1)
    gate, θ = torch.zeros(1, 200), torch.zeros(1, 200)
    θ[0, place] = 3e38
    v = torch.full((1, 200, 2), 1e3)
    for remember in (linear_memory, token_loop):
        with pytest.raises(cl.CourseError, match=f"exploded, first at token {place} of 200"):
            remember(k, k, v, θ, gate, gate)


@pytest.mark.parametrize(("θ", "η", "most"), [(0.9, 0.5, 1e-5), (1.0, 0.9, 3e-4), (1.9, 0.9, 5e-3)])
def test_rounding_where_one_key_repeats(θ, η, most):
    random = torch.Generator().manual_seed(0)
    k, q, v = (torch.randn(1, n, 16, generator=random, dtype=torch.float64) for n in (1, 128, 128))
    k, q = (torch.nn.functional.normalize(x, dim=-1) for x in (k, q))
    one = torch.ones(1, 128, dtype=torch.float64)
    inputs = (q, k.expand(1, 128, 16), v, θ * one, η * one, 0 * one)
    wanted = token_loop(*inputs)[0]
    assert away(linear_memory(*inputs)[0], wanted) < 1e-10
    assert away(linear_memory(*(x.float() for x in inputs))[0].double(), wanted) < most


def test_what_is_watched_has_no_gradient_and_a_second_derivative_is_refused():
    inputs, start = sequence(T=5)
    inputs[2].requires_grad_()
    for watched in (linear_memory(*inputs, start, watch=True)[2], token_loop(*inputs, start)[2]):
        assert not watched.update.requires_grad and not watched.surprise.requires_grad
    y = linear_memory(*inputs, start)[0]
    (first,) = torch.autograd.grad(y.square().sum(), inputs[2], create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()
