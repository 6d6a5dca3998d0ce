"""A memory that is a small MLP: more can be written, but only a chunk at a time.

The surprise of every token of a chunk is taken at the weights R with which the chunk began (16-17),
so no weights have to be made for each token; at chunk 1 this is the recurrence itself. For layer j
with what goes in on the way of the keys, A_{j-1}, and of the queries, X_{j-1}:

    H_j = A_{j-1} R_j,   A_j = φ(H_j)          keys, at the start of the chunk; the last one linear
    U_last = Θ (V - A_last),   U_j = (U_{j+1} R_{j+1}') ∘ φ'(H_j)          so - θ ∇ℓ = A_{j-1}' U_j
    G_j = diag(a) X_{j-1} R_j + diag(c) X_{j-1} S_j + (W ∘ X_{j-1} A_{j-1}') U_j,   X_j = φ(G_j)

with a, c and W as in `chunks`. Forgetting (13) shrinks all weights, and an MLP whose weights are
all zero has no gradient: it can never learn again. `fade="start"` lets them fade to the weights
with which the memory began instead, which is ours, not the paper's.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F

from clcourse.errors import CourseError
from clcourse.memory.chunks import decays
from clcourse.memory.recurrence import check_inputs, finite


class DeepState(NamedTuple):
    """Weights (…, d_in, d_out) of each layer, their momenta, and the weights that it began with."""

    R: tuple[torch.Tensor, ...]
    S: tuple[torch.Tensor, ...]
    start: tuple[torch.Tensor, ...]

    @classmethod
    def of(cls, *weights: torch.Tensor) -> DeepState:
        """A memory that begins with these weights."""
        return cls(weights, tuple(torch.zeros_like(one) for one in weights), weights)


def deep_memory(
    q, k, v, θ, η, α, state: DeepState, *, chunk: int = 32, fade: str = "zero"
) -> tuple[torch.Tensor, DeepState]:
    """Write and read a sequence: (y (…, T, p), state).

    q, k (…, T, d), v (…, T, p), gates (…, T); state: `DeepState.of(R_1, …)`, from d to p. The
    result depends on `chunk`. fade: what forgetting leads to, "zero" (the paper) or "start".
    """
    _check(q, k, v, θ, η, α, state, chunk, fade)
    outputs, T = [], k.shape[-2]
    for at in range(0, T, chunk):
        piece = (x[..., at : at + chunk, :] for x in (q, k, v))
        gates = (x[..., at : at + chunk] for x in (θ, η, α))
        y, state = _one_chunk(*piece, *gates, state, fade)
        outputs.append(y)
    if not finite(*state.R):
        for name, x in (("q", q), ("k", k), ("v", v)):
            if not finite(x):
                raise CourseError(f"{name} holds NaN or infinity; expected finite numbers.")
        lost = [number for number, y in enumerate(outputs) if not finite(y)]
        raise CourseError(
            f"The memory exploded in chunk {lost[0] if lost else len(outputs) - 1} of "
            f"{len(outputs)}; expected finite weights: lower θ (up to {θ.max():.3g} here) or the "
            f"chunk ({chunk})."
        )
    return torch.cat(outputs, dim=-2) if outputs else v, state


def _one_chunk(q, k, v, θ, η, α, state: DeepState, fade: str) -> tuple[torch.Tensor, DeepState]:
    """Read and write one chunk."""
    D_λ, D_η = decays(1 - α), decays(η)
    W = D_λ @ D_η
    a, c = D_λ[..., 0, None], (W[..., 0] - D_λ[..., 0])[..., None]
    kept = [torch.zeros_like(R) for R in state.R] if fade == "zero" else state.start
    A, slopes = [k], []
    for R in state.R[:-1]:
        H = A[-1] @ R
        A.append(F.silu(H))
        slopes.append(torch.sigmoid(H) * (1 + H - A[-1]))
    U = θ[..., None] * (v - A[-1] @ state.R[-1])
    updates = [U]
    for R, slope in zip(state.R[:0:-1], reversed(slopes), strict=True):
        U = (U @ R.mT) * slope
        updates.insert(0, U)
    y, weights, momenta = q, [], []
    for layer, (R, S, R_0, A_in, U) in enumerate(
        zip(state.R, state.S, kept, A, updates, strict=True)
    ):
        gone = R - R_0
        shown = y @ R_0 + a[..., 1:, :] * (y @ gone) + c[..., 1:, :] * (y @ S)
        y = shown + (W[..., 1:, 1:] * (y @ A_in.mT)) @ U
        y = y if layer == len(kept) - 1 else F.silu(y)
        last_a, last_c, last_m = (x[..., -1, :1, None] for x in (a, c, D_η))
        weights.append(R_0 + last_a * gone + last_c * S + A_in.mT @ (W[..., -1, 1:, None] * U))
        momenta.append(last_m * S + A_in.mT @ (D_η[..., -1, 1:, None] * U))
    return y, DeepState(tuple(weights), tuple(momenta), state.start)


def _check(q, k, v, θ, η, α, state: DeepState, chunk: int, fade: str) -> None:
    """Shapes and gates fit, and the layers lead from keys to values."""
    check_inputs(q, k, v, θ, η, α)
    if not isinstance(state, DeepState) or not len(state.R) == len(state.S) == len(state.start):
        raise CourseError(
            f"The state is {type(state).__name__}; expected a DeepState with as many momenta and "
            "first weights as weights: try cl.DeepState.of(R_1, R_2)."
        )
    everything = [one for part in state for one in part]
    if any(one.dim() < 2 or one.dtype != k.dtype or one.device != k.device for one in everything):
        raise CourseError(
            f"The layers are {[f'{tuple(one.shape)}, {one.dtype}' for one in state.R]}; expected "
            f"(…, d_in, d_out) of {k.dtype} on {k.device}, like the keys."
        )
    widths = [k.shape[-1], *(R.shape[-1] for R in state.R)]
    chain = all(R.shape[-2] == width for R, width in zip(state.R, widths, strict=False))
    if not state.R or not chain or widths[-1] != v.shape[-1]:
        raise CourseError(
            f"The layers have shapes {[tuple(R.shape) for R in state.R]}; expected them to lead "
            f"from {k.shape[-1]} to {v.shape[-1]}, each from the width of the one before."
        )
    if not isinstance(chunk, int) or isinstance(chunk, bool) or chunk < 1:
        raise CourseError(f"chunk={chunk!r}; expected a whole number of at least 1: try 32.")
    if fade not in ("zero", "start"):
        raise CourseError(f'fade={fade!r}; expected "zero" or "start".')
