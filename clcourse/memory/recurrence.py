"""The paper's recurrence for a matrix memory, token by token: what everything else must equal."""

from __future__ import annotations

from typing import NamedTuple

import torch

from clcourse.errors import CourseError


class State(NamedTuple):
    """What a matrix memory is between two tokens: M and S, (…, d, p) each."""

    M: torch.Tensor
    S: torch.Tensor


class Watched(NamedTuple):
    """What a memory lets you see of its writing.

    update (…, T, p): u_t = θ_t (v_t - k_t M_{t-1}), what is written at key k_t;
    surprise (…, T): its length
    """

    update: torch.Tensor
    surprise: torch.Tensor


def token_loop(q, k, v, θ, η, α, state: State | None = None) -> tuple[torch.Tensor, State, Watched]:
    """Write and read one token after the other: (y (…, T, p), state, watched).

    q, k (…, T, d); v (…, T, p); gates θ, η, α (…, T); rows are vectors, so M(k) is k M.
    """
    M, S = checked(q, k, v, θ, η, α, state)
    rows = (x.unsqueeze(-2).unbind(-3) for x in (q, k, v))
    gates = (gate[..., None, None].unbind(-3) for gate in (θ, η, α))
    outputs, updates = [], []
    for q_t, k_t, v_t, θ_t, η_t, α_t in zip(*rows, *gates, strict=True):
        u_t = θ_t * (v_t - k_t @ M)  # - θ ∇ℓ is k' u
        S = η_t * S + k_t.mT @ u_t
        M = (1 - α_t) * M + S
        outputs.append(q_t @ M)
        updates.append(u_t)
    y, u = (torch.cat(rows, dim=-2) if rows else v for rows in (outputs, updates))
    return y, State(M, S), Watched(u, u.norm(dim=-1))


def checked(q, k, v, θ, η, α, state: State | None) -> State:
    """The state to start from, once everything that was handed in has been looked at."""
    check_inputs(q, k, v, θ, η, α)
    wanted = (*k.shape[:-2], k.shape[-1], v.shape[-1])
    if state is None:
        zero = k.new_zeros(wanted)
        return State(zero, zero)
    for part in state:
        if part.shape != wanted or part.device != k.device or part.dtype != k.dtype:
            raise CourseError(
                f"The state is {tuple(part.shape)}, {part.dtype} on {part.device}; expected "
                f"{wanted}, {k.dtype} on {k.device}: hand in the state of the same memory."
            )
    return state


def check_inputs(q, k, v, θ, η, α) -> None:
    """Shapes fit, and the gates are gates."""
    shape = k.shape[:-1]
    fitting = q.shape == k.shape and v.shape[:-1] == shape and k.dim() >= 2
    if not fitting or any(gate.shape != shape for gate in (θ, η, α)):
        raise CourseError(
            f"q {tuple(q.shape)}, k {tuple(k.shape)}, v {tuple(v.shape)} and gates "
            f"{tuple(θ.shape)}, {tuple(η.shape)}, {tuple(α.shape)} do not fit; expected "
            "(…, T, d), (…, T, d), (…, T, p) and three times (…, T)."
        )
    if torch.compiler.is_compiling() or not k.numel():
        return
    for name, gate, most in (("θ", θ, torch.inf), ("η", η, 1.0), ("α", α, 1.0)):
        low, high = gate.aminmax()
        if not (low >= 0 and high <= most):
            raise CourseError(
                f"The gate {name} runs from {low:.3g} to {high:.3g}; expected "
                + ("0 to 1" if most == 1.0 else "0 or more, and numbers")
                + ": try torch.sigmoid of it."
            )
