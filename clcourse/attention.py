"""Attention without its softmax is a running sum of outer products: a memory of constant size.

Attention reads a list that grows, y_t = Σ_{i ≤ t} softmax(β q_t · k_i) v_i: see `look_up`. Take the
likeness q · k itself as the weight and the sum can be gathered before anybody asks:

    y_t = Σ_{i ≤ t} (q_t · k_i) v_i = q_t M_t,    M_t = M_{t-1} + k_tᵀ v_t

the plainest form of what Katharopoulos et al. (2020) propose; theirs also makes q and k positive
and divides by the sum of the weights (`normalise`). M is a matrix of fast weights, written by the
network itself (Schmidhuber 1992); that the two are one: Schlag, Irie & Schmidhuber 2021. What is
lost is sharpness: every pair answers a little to every query, as in lesson 04.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F

from clcourse.errors import CourseError


class Running(NamedTuple):
    """All that is kept of the tokens read so far, however many: the sums of k ᵀv and of k.

    M  (…, d, out);  z (…, d)
    """

    M: torch.Tensor
    z: torch.Tensor


def linear_attention(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, *, normalise: bool = False
) -> torch.Tensor:
    """All tokens at once: y = (q kᵀ ∘ lower triangle) v, (…, tokens, out).

    q, k (…, tokens, d), v (…, tokens, out); each token sees itself and those before it. normalise:
    divide by the sum of the weights, as a softmax does; q and k must then be positive everywhere
    (see `positive`).
    """
    _check(q, k, v, normalise)
    weights = (q @ k.mT).tril()
    y = weights @ v
    return y / weights.sum(dim=-1, keepdim=True) if normalise else y


def linear_attention_loop(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    *,
    normalise: bool = False,
    state: Running | None = None,
) -> tuple[torch.Tensor, Running]:
    """The same, token by token, on from a state: y (…, tokens, out) and the state at the end.

    M ← M + kᵀ v,  z ← z + k,  y = q M  or with normalise  y = q M / (q · z)
    """
    _check(q, k, v, normalise)
    size = (*k.shape[:-2], k.shape[-1], v.shape[-1])
    if state is None:
        state = Running(k.new_zeros(size), k.new_zeros(size[:-1]))
    elif state.M.shape != size:
        raise CourseError(
            f"The state has M {tuple(state.M.shape)}; expected {size}, as k and v have it: go on "
            "with the state of the same network."
        )
    M, z = state
    answers = []
    for token in range(k.shape[-2]):
        here = slice(token, token + 1)
        M, z = M + k[..., here, :].mT @ v[..., here, :], z + k[..., token, :]
        y = q[..., here, :] @ M
        answers.append(y / (q[..., here, :] @ z[..., None]) if normalise else y)
    return torch.cat(answers, dim=-2), Running(M, z)


def positive(x: torch.Tensor) -> torch.Tensor:
    """elu(x) + 1, a number above zero for each feature (Katharopoulos et al. 2020, eq. 7)."""
    return F.elu(x) + 1


def _check(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, normalise: bool) -> None:
    """As many queries and values as keys, finite, and positive where a weight is a share."""
    fits = q.dim() >= 2 and q.shape == k.shape and k.shape[:-1] == v.shape[:-1]
    if not fits or 0 in k.shape or 0 in v.shape:
        raise CourseError(
            f"q {tuple(q.shape)}, k {tuple(k.shape)} and v {tuple(v.shape)} do not fit; expected "
            "(…, tokens, d) for q and k, (…, tokens, out) for v, at least one of each."
        )
    if not all(bool(torch.isfinite(x).all()) for x in (q, k, v)):
        raise CourseError("q, k or v holds NaN or infinity; expected finite numbers.")
    if normalise and not bool((q > 0).all() and (k > 0).all()):
        raise CourseError(
            "To divide by the sum of the weights, q and k must be above zero everywhere: give "
            "cl.attention.positive(q) and cl.attention.positive(k)."
        )
