"""Linear attention: sums by hand, both forms against each other, gradients, and what fails."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import clcourse as cl
from clcourse.attention import linear_attention, linear_attention_loop, positive


def drawn(lanes=2, tokens=6, d=4, out=3, above_zero=False):
    """Queries, keys and values in double precision."""
    q, k = (cl.LaneRandom(lanes, name).normal(tokens, d).double() for name in ("q", "k"))
    v = cl.LaneRandom(lanes, "v").normal(tokens, out).double()
    return (positive(q), positive(k), v) if above_zero else (q, k, v)


def by_hand(q, k, v, normalise):
    """The double sum of the formula, one number at a time."""
    y = torch.zeros_like(v)
    for lane in range(len(q)):
        for t in range(q.shape[1]):
            weights = [float(q[lane, t] @ k[lane, i]) for i in range(t + 1)]
            total = sum(weights) if normalise else 1.0
            y[lane, t] = sum(w * v[lane, i] for i, w in enumerate(weights)) / total
    return y


@pytest.mark.parametrize("normalise", [False, True])
def test_both_forms_are_the_sum_of_the_formula(normalise):
    q, k, v = drawn(above_zero=normalise)
    expected = by_hand(q, k, v, normalise)
    assert torch.allclose(linear_attention(q, k, v, normalise=normalise), expected, atol=1e-12)
    y, _ = linear_attention_loop(q, k, v, normalise=normalise)
    assert torch.allclose(y, expected, atol=1e-12)


@pytest.mark.parametrize("normalise", [False, True])
def test_both_forms_have_the_same_gradient(normalise):
    gradients = []
    for form in (linear_attention, lambda *x, **y: linear_attention_loop(*x, **y)[0]):
        parts = [x.clone().requires_grad_() for x in drawn(above_zero=normalise)]
        form(*parts, normalise=normalise).sin().sum().backward()
        gradients.append([x.grad for x in parts])
    for one, other in zip(*gradients, strict=True):
        assert torch.allclose(one, other, atol=1e-11)
    parts = [x.clone().requires_grad_() for x in drawn(1, 4, 3, 2, above_zero=normalise)]
    assert torch.autograd.gradcheck(lambda *x: linear_attention(*x, normalise=normalise), parts)


@given(st.integers(1, 3), st.integers(1, 9), st.integers(1, 5), st.integers(1, 4), st.booleans(),
       st.data())  # fmt: skip
def test_reading_on_from_a_state_is_reading_at_once(lanes, tokens, d, out, normalise, data):
    q, k, v = drawn(lanes, tokens, d, out, above_zero=normalise)
    cut = data.draw(st.integers(0, tokens))
    state, answers = None, []
    for part in (slice(0, cut), slice(cut, tokens)):
        if len(range(tokens)[part]):
            y, state = linear_attention_loop(
                q[:, part], k[:, part], v[:, part], normalise=normalise, state=state
            )
            answers.append(y)
    expected = linear_attention(q, k, v, normalise=normalise)
    assert torch.allclose(torch.cat(answers, dim=1), expected, atol=1e-10)
    assert torch.allclose(state.M, cl.bind(k, v), atol=1e-10)
    assert torch.allclose(state.z, k.sum(dim=1), atol=1e-10)


def test_the_state_does_not_grow_and_no_token_sees_what_comes_after():
    q, k, v = drawn(tokens=50)
    sizes = {linear_attention_loop(q[:, :n], k[:, :n], v[:, :n])[1].M.numel() for n in (1, 9, 50)}
    assert sizes == {2 * 4 * 3}
    whole = linear_attention(q, k, v)
    assert torch.allclose(whole[:, :20], linear_attention(q[:, :20], k[:, :20], v[:, :20]))


def test_orthonormal_keys_are_read_exactly_and_more_heads_are_only_more_axes():
    k = torch.eye(5, dtype=torch.double)[None, None].expand(2, 3, 5, 5)
    v = cl.LaneRandom(2, "v").normal(15, 4).double().reshape(2, 3, 5, 4)
    assert torch.equal(linear_attention(k, k, v), v)
    y, state = linear_attention_loop(k, k, v)
    assert torch.equal(y, v) and torch.equal(k @ state.M, v)


def test_with_weights_that_are_shares_the_answer_lies_between_the_values():
    q, k, v = drawn(tokens=30, above_zero=True)
    y = linear_attention(q, k, v, normalise=True)
    assert bool((y <= v.cummax(dim=1).values + 1e-12).all())
    assert bool((y >= v.cummin(dim=1).values - 1e-12).all())
    assert torch.allclose(y[:, 0], v[:, 0])
    assert torch.allclose(positive(torch.tensor([0.0, 2.0, -50.0])), torch.tensor([1.0, 3.0, 0.0]))


def test_bad_input_gets_one_sentence():
    q, k, v = drawn()
    for bad in ((q[:, :3], k, v), (q, k, v[:, :3]), (q[..., :2], k, v), (q[0, 0], k[0, 0], v)):
        for form in (linear_attention, linear_attention_loop):
            with pytest.raises(cl.CourseError, match="do not fit"):
                form(*bad)
    with pytest.raises(cl.CourseError, match="NaN"):
        linear_attention(q, k.clone().fill_(torch.nan), v)
    with pytest.raises(cl.CourseError, match="above zero"):
        linear_attention(q, k, v, normalise=True)
    _, state = linear_attention_loop(q, k, v)
    with pytest.raises(cl.CourseError, match="The state has M"):
        linear_attention_loop(q[..., :2], k[..., :2], v, state=state)
