"""The paper's recurrence for a matrix memory, token by token: what everything else must equal."""

from __future__ import annotations

from functools import reduce
from typing import NamedTuple

import torch

from clcourse.errors import CourseError


class State(NamedTuple):
    """What a matrix memory is between two tokens: M and S, (…, d, p) each."""

    M: torch.Tensor
    S: torch.Tensor


class Watched(NamedTuple):
    """What a memory lets you see of its writing; no gradient flows through it.

    update (…, T, p): u_t = θ_t (v_t - k_t M_{t-1}), what is written at key k_t;
    surprise (…, T): its length
    """

    update: torch.Tensor
    surprise: torch.Tensor


def token_loop(q, k, v, θ, η, α, state: State | None = None) -> tuple[torch.Tensor, State, Watched]:
    """Write and read one token after the other: (y (…, T, p), state, watched).

    q, k (…, T, d); v (…, T, p); gates θ, η, α (…, T); rows are vectors, so M(k) is k M.
    """
    inputs, start = checked(q, k, v, θ, η, α, state)
    M, S = start
    rows = (x.unsqueeze(-2).unbind(-3) for x in inputs[:3])
    gates = (gate[..., None, None].unbind(-3) for gate in inputs[3:])
    outputs, updates = [], []
    for q_t, k_t, v_t, θ_t, η_t, α_t in zip(*rows, *gates, strict=True):
        u_t = θ_t * (v_t - k_t @ M)  # - θ ∇ℓ is k' u
        S = η_t * S + k_t.mT @ u_t
        M = (1 - α_t) * M + S
        outputs.append(q_t @ M)
        updates.append(u_t)
    y, u = (torch.cat(rows, dim=-2) if rows else inputs[2] for rows in (outputs, updates))
    if not finite(y, M, S):
        explain(inputs, start, u)
    u = u.detach()
    return y, State(M, S), Watched(u, u.norm(dim=-1))


def checked(q, k, v, θ, η, α, state: State | None) -> tuple[list[torch.Tensor], State]:
    """The inputs in one type, and the state to start from, once all has been looked at."""
    check_inputs(q, k, v, θ, η, α)
    wanted = (*k.shape[:-2], k.shape[-1], v.shape[-1])
    inputs = (q, k, v, θ, η, α)
    kind = reduce(torch.promote_types, (x.dtype for x in inputs))
    if state is None:
        zero = k.new_zeros(wanted, dtype=kind)
        state = State(zero, zero)
    parts = tuple(state) if isinstance(state, tuple) else ()
    if len(parts) != 2 or any(
        part.shape != wanted or part.device != k.device or part.dtype != kind for part in parts
    ):
        got = " and ".join(f"{tuple(x.shape)} {x.dtype} on {x.device}" for x in parts)
        raise CourseError(
            f"The state is {got or type(state).__name__}; expected M and S, {wanted} {kind} on "
            f"{k.device} each: hand in the state of the same memory."
        )
    return [x.to(kind) for x in inputs], State(*parts)


def finite(*tensors: torch.Tensor) -> bool:
    """Whether all of these are numbers; while compiling nobody looks."""
    return torch.compiler.is_compiling() or all(bool(torch.isfinite(x).all()) for x in tensors)


def explain(inputs: list[torch.Tensor], start: State, updates: torch.Tensor) -> None:
    """Say in one sentence why something is no number: what came in, or an explosion."""
    for name, x in zip(("q", "k", "v", "M", "S"), (*inputs[:3], *start), strict=True):
        if not finite(x):
            raise CourseError(
                f"{name} holds NaN or infinity; expected finite numbers: look at what made it."
            )
    T = updates.shape[-2]
    lost = torch.nonzero(~torch.isfinite(updates).all(-1).reshape(-1, T).all(0))
    raise CourseError(
        f"The memory exploded, first at token {int(lost[0]) if len(lost) else T} of {T}; expected "
        f"finite updates in {updates.dtype}: lower θ (up to {inputs[3].max():.3g} here) or η, or "
        "give the keys length 1."
    )


def check_inputs(q, k, v, θ, η, α) -> None:
    """Shapes fit, and the gates are gates."""
    inputs = (q, k, v, θ, η, α)
    if not all(isinstance(x, torch.Tensor) and x.is_floating_point() for x in inputs):
        told = [getattr(x, "dtype", type(x).__name__) for x in inputs]
        raise CourseError(
            f"q, k, v, θ, η, α are {', '.join(map(str, told))}; expected six tensors of floating "
            "point numbers: try torch.full(k.shape[:-1], 0.5) for a gate."
        )
    shape = k.shape[:-1]
    fitting = q.shape == k.shape and v.shape[:-1] == shape and k.dim() >= 2
    sizes = fitting and k.shape[-1] and v.shape[-1]
    if not sizes or any(gate.shape != shape for gate in (θ, η, α)):
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
