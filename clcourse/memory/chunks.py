"""The same recurrence a chunk at a time, exactly: the result does not depend on the chunk.

Within a chunk of C tokens, with rows t = 0 … C and row 0 for the state at its start:

    D_λ[t, i] = λ_{i+1} … λ_t,  λ = 1 - α      what forgetting leaves of token i at t (D_η likewise)
    W = D_λ D_η                                what a write at i has become in M_t
    a = D_λ[:, 0],  c = W[:, 0] - a            … of M_0 and of S_0
    M_t = a_t M_0 + c_t S_0 + Σ_{i ≤ t} W[t, i] k_i' u_i

An update needs the memory one token before, so the updates of a chunk solve a triangular system:

    u_t = θ_t (v_t - k_t M_{t-1})   ⇔   (I + Θ (W↓ ∘ K K')) U = Θ (V - a↓ K M_0 - c↓ K S_0)

where ↓ means the row before. All chunks are solved at once for V and for what multiplies the state
Z = [M_0; S_0]; only Z itself walks from chunk to chunk. Everything is products of gates, so gates
may be 0 or 1. `docs/fidelity.md` has the derivation, and that of the backward pass.
"""

from __future__ import annotations

import math

import torch

from clcourse.errors import CourseError
from clcourse.memory.recurrence import State, Watched, checked


def linear_memory(
    q, k, v, θ, η, α, state: State | None = None, *, chunk: int = 32, watch: bool = False
):
    """Write and read a sequence: (y (…, T, p), state), and with `watch` also a `Watched`.

    q, k (…, T, d); v (…, T, p); gates θ, η, α (…, T), one a token. Leading axes are batch, heads,
    lanes. Equal to `token_loop`; `chunk` only changes the speed. A sequence may come in pieces.
    """
    M, S = checked(q, k, v, θ, η, α, state)
    if not isinstance(chunk, int) or isinstance(chunk, bool) or chunk < 1:
        raise CourseError(f"chunk={chunk!r}; expected a whole number of at least 1: try 32.")
    lead, (T, d), p = k.shape[:-2], k.shape[-2:], v.shape[-1]
    whole = T - T % chunk
    N = math.prod(lead)
    inputs = [x.reshape(N, *x.shape[len(lead) :]) for x in (q, k, v, θ, η, 1 - α)]
    Z = torch.cat([M, S], dim=-2).reshape(N, 2 * d, p)
    outputs, updates = [], []
    for start, end, size in ((0, whole, chunk), (whole, T, T - whole)):
        if end > start:
            pieces = [_chunks(x[:, start:end], size) for x in inputs]
            y, Z, u = _Chunks.apply(*pieces, Z)
            outputs.append(y.transpose(0, 1).flatten(1, 2))
            updates.append(u.transpose(0, 1).flatten(1, 2))
    y, u = (torch.cat(rows, 1).reshape(v.shape) if rows else v for rows in (outputs, updates))
    state = State(*Z.reshape(*lead, 2 * d, p).split(d, dim=-2))
    if not torch.compiler.is_compiling() and not bool(torch.isfinite(Z).all()):
        lost = torch.nonzero(~torch.isfinite(u).all(-1).reshape(-1, T).all(0))
        raise CourseError(
            f"The memory exploded, first at token {int(lost[0]) if len(lost) else T} of {T}; "
            f"expected finite updates: lower θ (up to {θ.max():.3g} here) or η, or give the keys "
            "length 1."
        )
    return (y, state, Watched(u, u.norm(dim=-1))) if watch else (y, state)


def _chunks(x: torch.Tensor, size: int) -> torch.Tensor:
    """(N, T, …) → (chunks, N, size, …)."""
    return x.unflatten(1, (-1, size)).transpose(0, 1).contiguous()


def decays(gate: torch.Tensor) -> torch.Tensor:
    """D[t, i] = gate_{i+1} … gate_t for t ≥ i, else 0; index 0 is the start: (…, C + 1, C + 1)."""
    C = gate.shape[-1]
    steps = gate.new_ones(*gate.shape[:-1], C + 1, C + 1)  # [i, t]
    later = torch.ones(C + 1, C, dtype=torch.bool, device=gate.device).triu()
    steps[..., 1:] = torch.where(later, gate[..., None, :], 1.0)
    return steps.cumprod(dim=-1).triu().mT


def _back(D: torch.Tensor, dD: torch.Tensor) -> torch.Tensor:
    """The gradient of the gates, given that of their decays: no division, so gates may be 0."""
    return ((D.mT @ dD)[..., 1:, :] * D[..., :-1, :]).sum(dim=-1)


def _both(x: torch.Tensor, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """[diag(first) x, diag(second) x] side by side."""
    return torch.cat([x * first[..., None], x * second[..., None]], dim=-1)


class _Chunks(torch.autograd.Function):
    """All chunks (chunks, N, C, …) from the state Z (N, 2 d, p): outputs, the last Z, updates."""

    @staticmethod
    def forward(ctx, q, k, v, θ, η, λ, Z):
        """Solve the chunks at once, then let the state walk through them."""
        n, N, C, d = q.shape
        p = v.shape[-1]
        D_λ, D_η = decays(λ), decays(η)
        W = D_λ @ D_η
        a, c = D_λ[..., 0], W[..., 0] - D_λ[..., 0]
        KK, QK = k @ k.mT, q @ k.mT
        L = W[..., :-1, 1:] * KK * θ[..., None]
        right = torch.cat([v, _both(k, a[..., :-1], c[..., :-1])], dim=-1) * θ[..., None]
        solved = torch.linalg.solve_triangular(L, right, upper=False, unitriangular=True)
        U, X = solved[..., :p].contiguous(), solved[..., p:].contiguous()
        G = _both(k, W[..., -1, 1:], D_η[..., -1, 1:])
        mix = torch.stack([a[..., -1], c[..., -1], 0 * a[..., -1], D_η[..., -1, 0]], -1)
        mix = mix.unflatten(-1, (2, 2))  # M ← a M + c S,  S ← m S
        states = k.new_empty(n + 1, N, 2 * d, p)
        states[0] = Z
        chunks = (x.unbind(0) for x in (U, X, G.mT, mix, states[:-1], states[1:]))
        for U_t, X_t, G_t, mix_t, Z, after in zip(*chunks, strict=True):
            U_t.baddbmm_(X_t, Z, alpha=-1)
            torch.bmm(mix_t, Z.view(N, 2, d * p), out=after.view(N, 2, d * p))
            after.baddbmm_(G_t, U_t)
        Y = _both(q, a[..., 1:], c[..., 1:]) @ states[:-1]
        Y += (W[..., 1:, 1:] * QK) @ U
        ctx.save_for_backward(q, k, v, θ, D_λ, D_η, W, KK, QK, L, X, G, mix, states, U)
        ctx.mark_non_differentiable(U)
        return Y, states[-1].clone(), U

    @staticmethod
    def backward(ctx, dY, dZ, _):
        """Let the gradient of the state walk back, then give each chunk its gradients at once."""
        q, k, v, θ, D_λ, D_η, W, KK, QK, L, X, G, mix, states, U = ctx.saved_tensors
        n, N, C, d = q.shape
        a, c = D_λ[..., 0], W[..., 0] - D_λ[..., 0]
        now, before = W[..., 1:, 1:], W[..., :-1, 1:]
        a_now, a_before, c_now, c_before = (x[..., :, None] for x in (
            a[..., 1:], a[..., :-1], c[..., 1:], c[..., :-1]))  # fmt: skip
        # the state, backwards
        dU = (now * QK).mT @ dY
        dstates = torch.cat([_both(q, a[..., 1:], c[..., 1:]).mT @ dY, dZ[None]])
        chunks = (x.unbind(0) for x in (dU, X.mT, G, mix.mT, dstates[:-1], dstates[1:]))
        for dU_t, X_t, G_t, mix_t, before_, dZ in reversed(list(zip(*chunks, strict=True))):
            dU_t.baddbmm_(G_t, dZ)
            before_.view(N, 2, -1).baddbmm_(mix_t, dZ.view(N, 2, -1))
            before_.baddbmm_(X_t, dU_t, alpha=-1)
        Z, dZ = states[:-1], dstates[1:]
        Λ = torch.linalg.solve_triangular(L.mT, dU, upper=True, unitriangular=True)
        # keys, values, queries and θ
        dv = Λ * θ[..., None]
        error = v - _both(k, a[..., :-1], c[..., :-1]) @ Z - (before * KK) @ U
        dθ = (Λ * error).sum(dim=-1)
        dP, dL = dY @ U.mT, dv @ U.mT
        H, N_ = dP * now, dL * before
        on_q, on_k, on_G = dY @ Z.mT, dv @ Z.mT, U @ dZ.mT  # (…, C, 2 d): of M and of S
        dq = H @ k + a_now * on_q[..., :d] + c_now * on_q[..., d:]
        dk = H.mT @ q - (N_ + N_.mT) @ k - a_before * on_k[..., :d] - c_before * on_k[..., d:]
        dk += W[..., -1, 1:, None] * on_G[..., :d] + D_η[..., -1, 1:, None] * on_G[..., d:]
        # decays, and through them the gates
        products = Z.unflatten(-2, (2, d)), dZ.unflatten(-2, (2, d))
        on_mix = torch.einsum("nbidp,nbjdp->nbji", *products)  # ⟨state i, gradient of state j⟩
        dW = torch.nn.functional.pad(dP * QK, (1, 0, 1, 0))
        dW[..., :-1, 1:] -= dL * KK
        dW[..., -1, 1:] += (k * on_G[..., :d]).sum(dim=-1)
        da, dc = torch.zeros_like(a), torch.zeros_like(a)
        for gradient, half in ((da, slice(None, d)), (dc, slice(d, None))):
            gradient[..., 1:] = (q * on_q[..., half]).sum(dim=-1)
            gradient[..., :-1] -= (k * on_k[..., half]).sum(dim=-1)
        da[..., -1] += on_mix[..., 0, 0]
        dc[..., -1] += on_mix[..., 0, 1]
        dW[..., 0] += dc
        dD_λ, dD_η = dW @ D_η.mT, D_λ.mT @ dW
        dD_λ[..., 0] += da - dc
        dD_η[..., -1, 0] += on_mix[..., 1, 1]
        dD_η[..., -1, 1:] += (k * on_G[..., d:]).sum(dim=-1)
        return dq, dk, dv, dθ, _back(D_η, dD_η), _back(D_λ, dD_λ), dstates[0]
