"""A layer that remembers: projections and gates learn slowly, M and S change as it reads.

k, v, q    x W_K, x W_V, x W_Q, each through a short convolution and a SiLU; k and q have length 1
θ, η, α    sigmoid of a linear map of x, one a head and token      (the paper leaves this open)
y          norm(M_t(q)) ∘ σ(x W_G), then W_O                       (section 4.4)
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from clcourse.errors import CourseError
from clcourse.memory.chunks import linear_memory
from clcourse.memory.recurrence import State
from clcourse.seeds import LaneRandom, Seeds, device

GATES = (0.0, -2.0, -5.0)  # where the gates θ, η, α begin, before the sigmoid: .5, .12, .01


class Carried(NamedTuple):
    """What a layer hands on to the next piece of a sequence.

    memory  M and S, (seeds, batch, heads, d, d) each; last (seeds, batch, taps - 1, 3 width): what
    the convolutions still need
    """

    memory: State
    last: torch.Tensor


class Seen(NamedTuple):
    """What can be watched of each token: surprise and the gates, (seeds, batch, heads, T) each.

    update (seeds, batch, heads, T, d): what was written at its key; surprise: its length
    """

    update: torch.Tensor
    surprise: torch.Tensor
    θ: torch.Tensor
    η: torch.Tensor
    α: torch.Tensor

    def after(self, first: int) -> Seen:
        """Without the first tokens."""
        return Seen(self.update[..., first:, :], *(part[..., first:] for part in self[1:]))

    @classmethod
    def joined(cls, pieces: list[Seen]) -> Seen:
        """What was seen of pieces of a text, as one."""
        update, *rest = zip(*pieces, strict=True)
        return cls(torch.cat(update, dim=-2), *(torch.cat(part, dim=-1) for part in rest))


class NeuralMemory(nn.Module):
    """x (seeds, batch, T, width) → what the memory says of it, and what to carry on.

    The weights of this layer stay as they are while it reads: what it reads is in M. tied: queries
    are made as keys are, which small models need to learn at all.
    """

    def __init__(
        self,
        width: int,
        *,
        heads: int = 1,
        taps: int = 4,
        tied: bool = True,
        chunk: int = 32,
        seeds: Seeds = 1,
    ) -> None:
        super().__init__()
        for name, size in {"width": width, "heads": heads, "taps": taps, "chunk": chunk}.items():
            if not isinstance(size, int) or isinstance(size, bool) or size < 1:
                raise CourseError(f"{name}={size!r}; expected a whole number of at least 1.")
        if width % heads:
            raise CourseError(f"width={width} cannot be shared among heads={heads}: try 32, 2.")
        random = LaneRandom(seeds, "neural memory")
        self.seeds, self.width, self.heads, self.taps = random.seeds, width, heads, taps
        self.tied, self.chunk = tied, chunk
        lanes = len(self.seeds)

        def matrix() -> nn.Parameter:
            return nn.Parameter(random.normal(width, width) / width**0.5)

        self.K, self.V, self.G, self.O = matrix(), matrix(), matrix(), matrix()
        self.Q = None if tied else matrix()
        self.c = nn.Parameter(0.3 * random.normal(taps, 3 * width) / taps)
        with torch.no_grad():
            self.c[:, 0] += 1.0  # at first mostly the token itself
        self.gate = nn.Parameter(torch.zeros(lanes, width, 3 * heads))
        begin = torch.tensor(GATES).repeat_interleave(heads)
        self.bias = nn.Parameter(begin.expand(lanes, 1, -1).clone())
        self.scale = nn.Parameter(torch.ones(lanes, 1, width))
        self.to(device())

    def forward(self, x: torch.Tensor, carried: Carried | None = None, *, watch: bool = False):
        """(y, carried), and with `watch` also a `Seen`."""
        q, k, v, last = self.keys(x, carried)
        θ, η, α = self.gates(x)
        state = None if carried is None else carried.memory
        said, state, *watched = linear_memory(
            q, k, v, θ, η, α, state, chunk=self.chunk, watch=watch
        )
        y = self.spoken(said, x)
        carried = Carried(state, last)
        return (y, carried, Seen(*watched[0], θ, η, α)) if watch else (y, carried)

    def read(self, x: torch.Tensor, carried: Carried | None) -> torch.Tensor:
        """What the memory, as it was before these tokens, says of them (21): nothing is written."""
        q, *_ = self.keys(x, carried)
        if carried is None:
            return self.spoken(torch.zeros_like(q), x)
        return self.spoken(q @ carried.memory.M, x)

    def keys(self, x: torch.Tensor, carried: Carried | None = None) -> tuple[torch.Tensor, ...]:
        """Queries, keys and values (seeds, batch, heads, T, d), and what the convolutions keep."""
        lanes, batch, T, width = x.shape
        flat = x.flatten(1, 2)
        k, v = flat @ self.K, flat @ self.V
        q = k if self.Q is None else flat @ self.Q
        rows = torch.cat([q, k, v], dim=-1).unflatten(1, (batch, T))
        last = rows.new_zeros(lanes, batch, self.taps - 1, 3 * width)
        rows = torch.cat([last if carried is None else carried.last, rows], dim=2)
        c = self.c if not self.tied else torch.cat([self.c[..., width : 2 * width]] * 2
                                                   + [self.c[..., 2 * width :]], -1)  # fmt: skip
        mixed = sum(
            c[:, back, None, None] * rows[:, :, self.taps - 1 - back :][:, :, :T]
            for back in range(self.taps)
        )
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(2, 3)
                   for part in F.silu(mixed).split(width, dim=-1))  # fmt: skip
        end = rows.shape[2] - (self.taps - 1)
        return F.normalize(q, dim=-1), F.normalize(k, dim=-1), v, rows[:, :, end:]

    def gates(self, x: torch.Tensor) -> list[torch.Tensor]:
        """θ, η and α of each token and head, (seeds, batch, heads, T) each."""
        logits = torch.baddbmm(self.bias, x.flatten(1, 2), self.gate).unflatten(1, x.shape[1:3])
        return [part.transpose(2, 3) for part in logits.sigmoid().split(self.heads, dim=-1)]

    def spoken(self, said: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """What the memory says (seeds, batch, heads, T, d), normalised, gated and mixed."""
        y = F.rms_norm(said, said.shape[-1:]).transpose(2, 3).flatten(3).flatten(1, 2) * self.scale
        y = y * torch.sigmoid(x.flatten(1, 2) @ self.G)
        return (y @ self.O).unflatten(1, x.shape[1:3])
