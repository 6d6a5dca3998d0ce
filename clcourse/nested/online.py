"""An MLP that goes on learning while it reads: once in C tokens, from an objective of its own.

    y_t = x_t + f(z_t; θ)             z = norm(x),  f(z; θ) = silu(z W_1) W_2
    ℓ_t = 1/2 |f(k_t; θ) - v_t|²      k = z K,  v = z V
    θ ← θ_0 + κ (θ - θ_0) - η clip(1/C Σ_t ∇ℓ_t(θ))      after every C tokens, else θ stays

Behrouz et al. 2025, eq. 71, as part of a forward pass (96); ℓ is left open there, ours is that of
Titans. θ_0, K, V, η and κ are slow. A token is read with weights that know of earlier chunks only.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from clcourse.errors import CourseError, whole
from clcourse.seeds import LaneRandom, Seeds, device

BEGIN = (-2.0, 3.0)  # η and κ before the sigmoid
LONGEST = 1.0  # of a chunk's gradient, for each sequence


class Online(NamedTuple):
    """Fast weights W (seeds, batch, in, out) of both layers, and what the open chunk says so far.

    slopes  sums of gradients, as W; read: how many tokens of the open chunk
    """

    W: tuple[torch.Tensor, torch.Tensor]
    slopes: tuple[torch.Tensor, torch.Tensor]
    read: int


class OnlineMLP(nn.Module):
    """x (seeds, batch, T, width) → (y of the same shape, `Online`).

    period  C, or None: an MLP that is never updated; place: which of several it is, so that each
    begins with other weights
    """

    def __init__(
        self,
        width: int,
        hidden: int,
        *,
        period: int | None = 4,
        place: int = 0,
        seeds: Seeds = 1,
    ) -> None:
        super().__init__()
        if period is not None and (not isinstance(period, int) or isinstance(period, bool)
                                   or period < 1):  # fmt: skip
            raise CourseError(
                f"period={period!r}; expected a whole number of tokens of at least 1, or None for "
                "an MLP that does not change: try 4."
            )
        random = LaneRandom(seeds, f"online MLP {place}")
        self.seeds, self.period = random.seeds, period
        whole("width", width), whole("hidden", hidden)
        lanes = len(self.seeds)
        self.W_1 = nn.Parameter(random.normal(width, hidden) / width**0.5)
        self.W_2 = nn.Parameter(0.5 * random.normal(hidden, width) / hidden**0.5)
        self.scale = nn.Parameter(torch.ones(lanes, 1, width))
        if period is not None:
            self.K = nn.Parameter(torch.eye(width).expand(lanes, -1, -1).clone())
            self.V = nn.Parameter(random.normal(width, width) / width**0.5)
            self.pace = nn.Parameter(torch.tensor(BEGIN).expand(lanes, 2).clone())
        self.to(device())

    def forward(self, x: torch.Tensor, state: Online | None = None):
        """Read chunk by chunk; what is left of a chunk waits in the state for the next piece."""
        z = F.rms_norm(x, x.shape[-1:], eps=1e-5) * self.scale[:, None]
        if self.period is None:
            y = F.silu(z.flatten(1, 2) @ self.W_1) @ self.W_2
            return x + y.unflatten(1, x.shape[1:3]), None
        k, v = ((z.flatten(1, 2) @ W).unflatten(1, x.shape[1:3]) for W in (self.K, self.V))
        state = self.begin(x.shape[1]) if state is None else state
        y, at, T = [], 0, x.shape[2]
        while at < T:
            some = slice(at, min(T, at + self.period - state.read))
            y.append(said(z[:, :, some], state.W)[1])
            at = some.stop
            new = slopes(k[:, :, some], v[:, :, some], state.W)
            sums = tuple(old + one for old, one in zip(state.slopes, new, strict=True))
            state = Online(state.W, sums, state.read + some.stop - some.start)
            if state.read == self.period:
                state = self.updated(state)
        if not all(bool(torch.isfinite(W.detach()).all()) for W in state.W):
            lost = [seed for lane, seed in enumerate(self.seeds)
                    if not all(bool(torch.isfinite(W[lane]).all()) for W in state.W)]  # fmt: skip
            raise CourseError(
                f"The fast weights of lane {lost[0]} are no longer finite; expected numbers: check "
                "its input, or lower the rate with which the slow weights learn."
            )
        return (x + torch.cat(y, dim=2) if y else x), state

    def begin(self, batch: int) -> Online:
        """θ_0 for each sequence, and an empty chunk."""
        W = tuple(W[:, None].expand(-1, batch, -1, -1) for W in (self.W_1, self.W_2))
        return Online(W, tuple(torch.zeros_like(one) for one in W), 0)

    def updated(self, state: Online) -> Online:
        """A chunk is full: one step for all of it, no longer than η."""
        η, κ = torch.sigmoid(self.pace)[..., None, None, None].unbind(1)
        mean = [slope / self.period for slope in state.slopes]
        length = (sum(g.square().sum(dim=(-2, -1), keepdim=True) for g in mean) + 1e-12).sqrt()
        short = (LONGEST / length).clamp(max=1.0)
        W = tuple(
            W_0[:, None] + κ * (W - W_0[:, None]) - η * short * g
            for W_0, W, g in zip((self.W_1, self.W_2), state.W, mean, strict=True)
        )
        return Online(W, tuple(torch.zeros_like(one) for one in W), 0)


def said(z: torch.Tensor, W) -> tuple[torch.Tensor, torch.Tensor]:
    """Before the SiLU, and what comes out: (…, tokens, hidden) and (…, tokens, width)."""
    h = z @ W[0]
    return h, F.silu(h) @ W[1]


def inner_loss(k: torch.Tensor, v: torch.Tensor, W) -> torch.Tensor:
    """Σ ℓ over tokens and everything else: what the MLP learns online, one number."""
    return (said(k, W)[1] - v).square().sum() / 2


def slopes(k: torch.Tensor, v: torch.Tensor, W) -> tuple[torch.Tensor, torch.Tensor]:
    """The gradient of `inner_loss` in W_1 and W_2, in the open: what is learnt goes through it."""
    h, y = said(k, W)
    error, open_ = y - v, torch.sigmoid(h)
    back = (error @ W[1].mT) * open_ * (1 + h * (1 - open_))
    return k.mT @ back, F.silu(h).mT @ error
