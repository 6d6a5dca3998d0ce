"""The same recurrence a chunk at a time, exactly: the result does not depend on the chunk.

Within a chunk of C tokens, with rows t = 0 … C and row 0 for the state at its start:

    D_λ[t, i] = λ_{i+1} … λ_t,  λ = 1 - α      what forgetting leaves of token i at t (D_η likewise)
    W = D_λ D_η                                what a write at i has become in M_t
    a = D_λ[:, 0],  c = W[:, 0] - a            … of M_0 and of S_0
    M_t = a_t M_0 + c_t S_0 + Σ_{i ≤ t} W[t, i] k_i' u_i

An update needs the memory one token before, so the updates of a chunk solve a triangular system:

    u_t = θ_t (v_t - k_t M_{t-1})   ⇔   (I + Θ (W↓ ∘ K K')) U = Θ (V - a↓ K M_0 - c↓ K S_0)

where ↓ means the row before. The matrix in front of U is inverted for many chunks at once, which
gives what V and what the state Z = [M_0; S_0] adds to U; only Z itself walks from chunk to chunk.
Everything is products of gates, so gates may be 0 or 1. `docs/fidelity.md` has the derivation, and
that of the backward pass.
"""

from __future__ import annotations

import math

import torch
from torch.autograd.function import once_differentiable

from clcourse.errors import CourseError
from clcourse.memory.recurrence import State, Watched, checked, explain, finite, token_loop


def linear_memory(
    q, k, v, θ, η, α, state: State | None = None, *, chunk: int = 32, watch: bool = False
):
    """Write and read a sequence: (y (…, T, p), state), and with `watch` also a `Watched`.

    q, k (…, T, d); v (…, T, p); gates θ, η, α (…, T), one a token. Leading axes are batch, heads,
    lanes. Equal to `token_loop`; `chunk` only changes the speed. A sequence may come in pieces.
    Inside, numbers have at least 32 bits: half precision is widened first and rounded at the end.
    Rounding grows where one key repeats and θ or η is large: docs/fidelity.md says how far.
    """
    given, start = checked(q, k, v, θ, η, α, state)
    if not isinstance(chunk, int) or isinstance(chunk, bool) or chunk < 1:
        raise CourseError(f"chunk={chunk!r}; expected a whole number of at least 1: try 32.")
    lead, (T, d), p = k.shape[:-2], k.shape[-2:], v.shape[-1]
    N = math.prod(lead)
    v = given[2]
    wide = torch.promote_types(v.dtype, torch.float32)
    inputs = [x.to(wide).reshape(N, *x.shape[len(lead) :]) for x in given]
    inputs[-1] = 1 - inputs[-1]
    Z = torch.cat(start, dim=-2).to(wide).reshape(N, 2 * d, p)
    outputs, updates = [], []
    with torch.autocast(v.device.type, enabled=False):
        lengths = _lengths(T, chunk, N, v.device)
        for block in zip(*(x.split(lengths, 1) for x in inputs), strict=True):
            size = min(block[0].shape[1], chunk)
            y, Z, u = _Chunks.apply(*(_chunks(x, size) for x in block), Z)
            outputs.append(y)
            updates.append(u)
    y = _joined(outputs, v)
    state = State(*Z.to(v.dtype).reshape(*lead, 2 * d, p).split(d, dim=-2))
    if not finite(y, *state):
        token_loop(*given, start)  # knows the token, and raises
        explain(given, start, _joined(updates, v))
    if not watch:
        return y, state
    u = _joined(updates, v)
    return y, state, Watched(u, u.norm(dim=-1))


def _lengths(T: int, chunk: int, N: int, device: torch.device) -> list[int]:
    """How many tokens to work on at once: whole chunks, then the rest, shorter than a chunk.

    64 chunks of 32 tokens, whose tables of 32 by 32 fit a core's cache; a GPU wants more work.
    """
    block = chunk * max(1, (64 if device.type == "cpu" else 8192) // max(N, 1))
    whole = T - T % chunk
    lengths = [*[block] * (whole // block), whole % block, T - whole]
    return [length for length in lengths if length]


def _chunks(x: torch.Tensor, size: int) -> torch.Tensor:
    """(N, T, …) → (chunks, N, size, …)."""
    return x.unflatten(1, (-1, size)).transpose(0, 1).contiguous()


def _joined(blocks: list[torch.Tensor], v: torch.Tensor) -> torch.Tensor:
    """Blocks of (chunks, N, size, p) → the shape and the type of the values."""
    rows = [x.transpose(0, 1).flatten(1, 2) for x in blocks]
    return torch.cat(rows, 1).to(v.dtype).reshape(v.shape) if rows else v


def decays(gate: torch.Tensor) -> torch.Tensor:
    """D[t, i] = gate_{i+1} … gate_t for t ≥ i, else 0; index 0 is the start: (…, C + 1, C + 1)."""
    C = gate.shape[-1]
    later = gate.new_ones(C + 1, C + 1).triu(1)  # [i, t]
    steps = torch.nn.functional.pad(gate, (1, 0))[..., None, :]
    return torch.addcmul(1 - later, steps, later).cumprod(dim=-1).triu().mT


def _back(D: torch.Tensor, dD: torch.Tensor) -> torch.Tensor:
    """The gradient of the gates, given that of their decays: no division, so gates may be 0."""
    return ((D.mT @ dD)[..., 1:, :] * D[..., :-1, :]).sum(dim=-1)


def _both(x: torch.Tensor, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """[diag(first) x, diag(second) x] side by side."""
    return torch.cat([x * first[..., None], x * second[..., None]], dim=-1)


def _add_both(to: torch.Tensor, x: torch.Tensor, first: torch.Tensor, second: torch.Tensor):
    """What `_both` sends back: to + diag(first) x_left + diag(second) x_right, in place."""
    left, right = x.chunk(2, dim=-1)
    return to.addcmul_(left, first[..., None]).addcmul_(right, second[..., None])


class _Chunks(torch.autograd.Function):
    """All chunks (chunks, N, C, …) from the state Z (N, 2 d, p): outputs, the last Z, updates."""

    @staticmethod
    def forward(ctx, q, k, v, θ, η, λ, Z):
        """Solve the chunks at once, then let the state walk through them."""
        n, N, C, d = q.shape
        p = v.shape[-1]
        D_λ, D_η = decays(torch.stack([λ, η]))
        W = D_λ @ D_η
        a, c = D_λ[..., 0], W[..., 0] - D_λ[..., 0]
        KK, QK = k @ k.mT, q @ k.mT
        L = W[..., :-1, 1:] * KK * θ[..., None]
        one = torch.eye(C, dtype=k.dtype, device=k.device).expand_as(L)
        inverse = torch.linalg.solve_triangular(L, one, upper=False, unitriangular=True)
        solve = inverse * θ[..., None, :]
        U, X = solve @ v, solve @ _both(k, a[..., :-1], c[..., :-1])
        G = _both(k, W[..., -1, 1:], D_η[..., -1, 1:])
        mix = torch.stack([a[..., -1], c[..., -1], 0 * a[..., -1], D_η[..., -1, 0]], -1)
        mix = mix.unflatten(-1, (2, 2))  # M ← a M + c S,  S ← m S
        states = k.new_empty(n + 1, N, 2 * d, p)
        states[0] = Z
        halves = states.view(n + 1, N, 2, d * p)
        chunks = (U, X, G.mT, mix, states[:-1], halves[:-1], states[1:], halves[1:])
        for U_t, X_t, G_t, mix_t, Z, old, after, new in zip(*chunks, strict=True):
            U_t.baddbmm_(X_t, Z, alpha=-1)
            torch.bmm(mix_t, old, out=new)
            after.baddbmm_(G_t, U_t)
        Y = _both(q, a[..., 1:], c[..., 1:]) @ states[:-1]
        Y.flatten(0, 1).baddbmm_((W[..., 1:, 1:] * QK).flatten(0, 1), U.flatten(0, 1))
        ctx.save_for_backward(q, k, v, θ, D_λ, D_η, W, KK, QK, inverse, X, G, mix, states, U)
        ctx.mark_non_differentiable(U)
        return Y, states[-1].clone(), U

    @staticmethod
    @once_differentiable
    def backward(ctx, dY, dZ, _):
        """Let the gradient of the state walk back, then give each chunk its gradients at once."""
        q, k, v, θ, D_λ, D_η, W, KK, QK, inverse, X, G, mix, states, U = ctx.saved_tensors
        n, N, C, d = q.shape
        dY = dY.contiguous()
        a, c = D_λ[..., 0], W[..., 0] - D_λ[..., 0]
        now, before = W[..., 1:, 1:], W[..., :-1, 1:]
        # the state, backwards
        dU = (now * QK).mT @ dY
        dstates = torch.empty_like(states)
        dstates[-1] = dZ
        torch.matmul(_both(q, a[..., 1:], c[..., 1:]).mT, dY, out=dstates[:-1])
        halves = dstates.view(n + 1, N, 2, -1)
        chunks = (dU, X.mT, G, mix.mT, dstates[:-1], halves[:-1], dstates[1:], halves[1:])
        for dU_t, X_t, G_t, mix_t, before_, old, dZ, new in reversed(
            list(zip(*chunks, strict=True))
        ):
            dU_t.baddbmm_(G_t, dZ)
            old.baddbmm_(mix_t, new)
            before_.baddbmm_(X_t, dU_t, alpha=-1)
        Z, dZ = states[:-1], dstates[1:]
        Λ = inverse.mT @ dU
        # values, θ, queries and keys
        dP, E = dY @ U.mT, Λ @ U.mT
        on_q, on_k, on_G = dY @ Z.mT, Λ @ Z.mT, U @ dZ.mT  # (…, C, 2 d): of M and of S
        k_M, k_S = (k * on_k[..., :d]).sum(-1), (k * on_k[..., d:]).sum(-1)
        H, E_W = dP * now, E * before
        dθ = (Λ * v).sum(-1) - (E_W * KK).sum(-1) - a[..., :-1] * k_M - c[..., :-1] * k_S
        E_W *= θ[..., None]
        dq = _add_both(H @ k, on_q, a[..., 1:], c[..., 1:])
        dk = H.mT @ q - (E_W + E_W.mT) @ k
        _add_both(dk, on_k, -θ * a[..., :-1], -θ * c[..., :-1])
        _add_both(dk, on_G, W[..., -1, 1:], D_η[..., -1, 1:])
        # decays, and through them the gates
        products = Z.unflatten(-2, (2, d)), dZ.unflatten(-2, (2, d))
        on_mix = torch.einsum("nbidp,nbjdp->nbji", *products)  # ⟨state i, gradient of state j⟩
        dW = torch.nn.functional.pad(dP * QK, (1, 0, 1, 0))
        dW[..., :-1, 1:] -= E * KK * θ[..., None]
        dW[..., -1, 1:] += (k * on_G[..., :d]).sum(dim=-1)
        da, dc = torch.zeros_like(a), torch.zeros_like(a)
        da[..., 1:], dc[..., 1:] = (q * on_q[..., :d]).sum(-1), (q * on_q[..., d:]).sum(-1)
        da[..., :-1] -= θ * k_M
        dc[..., :-1] -= θ * k_S
        da[..., -1] += on_mix[..., 0, 0]
        dc[..., -1] += on_mix[..., 0, 1]
        dW[..., 0] += dc
        dD_λ, dD_η = dW @ D_η.mT, D_λ.mT @ dW
        dD_λ[..., 0] += da - dc
        dD_η[..., -1, 0] += on_mix[..., 1, 1]
        dD_η[..., -1, 1:] += (k * on_G[..., d:]).sum(dim=-1)
        return dq, dk, Λ * θ[..., None], dθ, _back(D_η, dD_η), _back(D_λ, dD_λ), dstates[0]
