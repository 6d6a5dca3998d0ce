"""The MLP memory against weights made for every token, with gradients by autograd."""

import pytest
import torch
from test_memory import away, sequence
from torch.func import grad

import clcourse as cl
from clcourse.memory import DeepState, State, deep_memory, linear_memory


def weights(*widths, lead=(2, 3), seed=1, dtype=torch.float64):
    random = torch.Generator().manual_seed(seed)
    return [
        torch.randn(*lead, one, two, generator=random, dtype=dtype) / one**0.5
        for one, two in zip(widths, widths[1:], strict=False)
    ]


def answer(R, x):
    for layer, one in enumerate(R):
        x = x @ one
        x = x if layer == len(R) - 1 else torch.nn.functional.silu(x)
    return x


def loop(q, k, v, θ, η, α, state, chunk, fade):
    """Equations 10, 13, 15 and 16 as they stand: weights for every token."""
    R, S, start = (list(part) for part in state)
    first, outputs = R, []

    def loss(R, t):
        return 0.5 * (answer(R, k[..., t : t + 1, :]) - v[..., t : t + 1, :]).square().sum()

    for t in range(k.shape[-2]):
        first = R if t % chunk == 0 else first
        slopes = grad(loss)(first, t)
        θ_t, η_t, α_t = (gate[..., t, None, None] for gate in (θ, η, α))
        S = [η_t * s - θ_t * g for s, g in zip(S, slopes, strict=True)]
        rest = [0 * r for r in R] if fade == "zero" else start
        R = [r0 + (1 - α_t) * (r - r0) + s for r, s, r0 in zip(R, S, rest, strict=True)]
        outputs.append(answer(R, q[..., t : t + 1, :]))
    return torch.cat(outputs, -2), DeepState(tuple(R), tuple(S), tuple(start))


@pytest.mark.parametrize("fade", ["zero", "start"])
@pytest.mark.parametrize("widths", [(8, 6), (8, 5, 6), (8, 7, 5, 6)])
@pytest.mark.parametrize("chunk", [1, 4, 16])
def test_it_is_the_loop_with_weights_for_every_token(widths, chunk, fade):
    inputs, _ = sequence(T=27)
    inputs = (*inputs[:3], 0.1 * inputs[3], 0.7 * inputs[4], 0.2 * inputs[5])
    state = DeepState.of(*weights(*widths))
    y, end = loop(*inputs, state, chunk, fade)
    y_, end_ = deep_memory(*inputs, state, chunk=chunk, fade=fade)
    assert away(y_, y) < 1e-10
    for mine, wanted in zip((*end_.R, *end_.S), (*end.R, *end.S), strict=True):
        assert away(mine, wanted) < 1e-10


def test_one_layer_at_chunk_one_is_the_matrix_memory():
    inputs, start = sequence(T=30)
    state = DeepState((start.M,), (start.S,), (start.M,))
    y, end = deep_memory(*inputs, state, chunk=1)
    y_, end_ = linear_memory(*inputs, State(*start))
    assert away(y, y_) < 1e-10 and away(end.R[0], end_.M) < 1e-10


def test_a_sequence_may_come_in_pieces_of_whole_chunks():
    inputs, _ = sequence(T=48)
    inputs = (*inputs[:3], 0.1 * inputs[3], 0.5 * inputs[4], 0.1 * inputs[5])
    state = DeepState.of(*weights(8, 5, 6))
    whole, end = deep_memory(*inputs, state, chunk=16)
    pieces = []
    for piece in (slice(0, 32), slice(32, 48)):
        rows = [x[:, :, piece] for x in inputs]
        y, state = deep_memory(*rows, state, chunk=16)
        pieces.append(y)
    assert away(torch.cat(pieces, 2), whole) < 1e-10 and away(state.R[0], end.R[0]) < 1e-10


def test_gradients_go_through_everything():
    inputs, _ = sequence(T=10, d=4, p=3, lead=(1,))
    inputs = (*inputs[:3], 0.1 * inputs[3], 0.5 * inputs[4], 0.1 * inputs[5])
    leaves = [x.clone().requires_grad_() for x in (*inputs, *weights(4, 5, 3, lead=(1,)))]

    def run(*x):
        return deep_memory(*x[:6], DeepState.of(*x[6:]), chunk=4)[0]

    assert torch.autograd.gradcheck(run, leaves)


def test_forgetting_to_zero_kills_it_and_forgetting_to_the_start_does_not():
    """A fixed map of unit keys: the error at the end, as a share of the values."""
    q, k, *_ = sequence(T=2048, d=16, lead=(1,))[0]
    v = k @ weights(16, 16, lead=(1,), seed=9)[0]
    gate = torch.full(k.shape[:-1], 1.0, dtype=k.dtype)
    left = {}
    for fade, forgotten in (("zero", 0.0), ("zero", 0.01), ("start", 0.01)):
        state = DeepState.of(*weights(16, 64, 16, lead=(1,)))
        y, state = deep_memory(k, k, v, 0.05 * gate, 0.5 * gate, forgotten * gate, state, fade=fade)
        error = (y - v)[:, -512:].norm() / v[:, -512:].norm()
        left[fade, forgotten] = error.item(), state.R[0].norm().item()
    assert left["zero", 0.0][0] < 0.3
    assert left["zero", 0.01][0] > 0.95 and left["zero", 0.01][1] < 1e-3
    assert left["start", 0.01][0] < 0.95 and left["start", 0.01][1] > 1


def test_an_empty_sequence_changes_nothing():
    inputs, _ = sequence(T=0)
    state = DeepState.of(*weights(8, 5, 6))
    y, end = deep_memory(*inputs, state)
    assert y.shape == (2, 3, 0, 6) and end is state


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"chunk": 0}, "chunk=0"),
        ({"fade": "away"}, "fade='away'"),
        ({"state": DeepState.of(*weights(8, 5))}, "lead from 8 to 6"),
        ({"state": DeepState.of(*weights(7, 6))}, "lead from 8 to 6"),
        ({"state": DeepState.of()}, "lead from 8 to 6"),
        ({"state": 3}, "The state is int; expected a DeepState"),
        ({"state": DeepState.of(*weights(8, 6))._replace(S=())}, "as many momenta"),
        ({"state": DeepState.of(torch.ones(6))}, "expected .*d_in, d_out"),
        ({"state": DeepState.of(*(R.float() for R in weights(8, 6)))}, "torch.float32.* expected"),
    ],
)
def test_bad_input_gets_one_sentence(more, message):
    inputs, _ = sequence(T=5)
    with pytest.raises(cl.CourseError, match=message):
        deep_memory(*inputs, **({"state": DeepState.of(*weights(8, 5, 6))} | more))


def test_what_is_no_number_is_named():
    (q, k, v, *gates), _ = sequence(T=5)
    with pytest.raises(cl.CourseError, match="v holds NaN"):
        deep_memory(q, k, v * float("nan"), *gates, DeepState.of(*weights(8, 5, 6)))


def test_an_explosion_is_told_with_its_chunk_and_its_rate():
    inputs, _ = sequence(T=320, dtype=torch.float32)
    gate = torch.ones_like(inputs[3])
    state = DeepState.of(*weights(8, 5, 6, dtype=torch.float32))
    with pytest.raises(cl.CourseError, match=r"exploded in chunk \d+ of 10; .*lower θ"):
        deep_memory(*inputs[:3], 5 * gate, 0.9 * gate, 0 * gate, state)
