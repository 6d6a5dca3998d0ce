"""HOPE: a memory that rewrites itself, then MLPs that learn online, each at its own period.

    h = x + mixer(norm(x))                                tokens speak to each other
    h ← h + MLP_C(norm(h)), the fast period first         each updates once in C tokens (`online`)
    logits = norm(h) U

Behrouz et al. 2025, eqs 94-97. mixer="self-modifying" is HOPE, "attention" is Hope-Attention; the
other rules of `writing` stand beside them, and periods of None make plain MLPs: "attention" with
these is a transformer of one block. It does not know in which order it has read, unless it is given

    places   h_t += sin, cos(t / 10000^(2i / width))      (Vaswani et al. 2017, section 3.5)
    slope    one learnt number by which attention fades with distance (after Press et al. 2022)
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from clcourse.errors import CourseError, whole
from clcourse.nested.online import OnlineMLP
from clcourse.nested.self_modifying import check_rule
from clcourse.nested.writing import WRITERS, WritingLayer
from clcourse.seeds import LaneRandom, Seeds, device

MIXERS = (*WRITERS, "attention")


class Read(NamedTuple):
    """What is carried from one piece of a text to the next: of the mixer, and of each MLP.

    tokens  how many were read so far
    """

    mixer: object
    mlps: tuple
    tokens: int = 0


def sinusoids(count: int, width: int, first: int = 0) -> torch.Tensor:
    """The places first … first + count - 1, a vector each: (count, width); nothing is learnt."""
    rates = 10_000.0 ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    angles = torch.arange(first, first + count, dtype=torch.float64)[:, None] * rates
    both = torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(-2)
    return both[:, :width].to(torch.get_default_dtype())


class Attention(nn.Module):
    """Causal attention of one head: over all tokens, or the last `window`; with a cache.

    block  which of several it is, so that each begins with other weights
    """

    def __init__(self, width: int, window: int | None, slope: bool, seeds: Seeds,
                 block: int = 0) -> None:  # fmt: skip
        super().__init__()
        random = LaneRandom(seeds, f"hope attention {block}" if block else "hope attention")
        self.window = None if window is None else whole("window", window)

        def matrix() -> torch.Tensor:
            return random.normal(width, width) / width**0.5

        K = matrix()
        self.K, self.Q = nn.Parameter(K), nn.Parameter(K.clone())
        self.V, self.O = nn.Parameter(matrix()), nn.Parameter(matrix())
        self.slope = nn.Parameter(torch.full((len(random.seeds), 1, 1, 1), -3.0)) if slope else None

    def forward(self, x: torch.Tensor, state=None):
        """(y, keys and values to keep); softmax(q k / √width - slope · distance) v."""
        q, k, v = ((x.flatten(1, 2) @ W).unflatten(1, x.shape[1:3])
                   for W in (self.Q, self.K, self.V))  # fmt: skip
        if state is not None:
            k, v = (torch.cat(both, dim=2) for both in zip(state, (k, v), strict=True))
        new, known = x.shape[2], k.shape[2]
        place = torch.arange(known, device=x.device)
        back = place[known - new :, None] - place
        visible = (back >= 0) & (back < (known + 1 if self.window is None else self.window))
        scores = q @ k.mT / x.shape[-1] ** 0.5
        if self.slope is not None:
            scores = scores - F.softplus(self.slope) * back
        y = scores.masked_fill(~visible, -torch.inf).softmax(dim=-1) @ v
        keep = known if self.window is None else self.window
        y = (y.flatten(1, 2) @ self.O).unflatten(1, x.shape[1:3])
        return y, (k[:, :, -keep:], v[:, :, -keep:])


class Hope(nn.Module):
    """Tokens (seeds, batch, T), or of several parts (…, T, parts) → logits after each of them."""

    accepts = ("tokens",)

    def __init__(
        self,
        vocabulary: int,
        classes: int,
        *,
        mixer: str = "self-modifying",
        periods: Sequence[int | None] = (4, 16),
        window: int | None = None,
        slope: bool = False,
        places: bool = False,
        seeds: Seeds = 1,
    ) -> None:
        super().__init__()
        check_rule(mixer, MIXERS)
        if mixer != "attention" and (window is not None or slope or places):
            raise CourseError(
                f'mixer={mixer!r} has no window, slope or places; expected "attention".'
            )
        random = LaneRandom(seeds, "hope")
        self.seeds, self.places, width = random.seeds, places, 16
        whole("vocabulary", vocabulary), whole("classes", classes)
        self.E = nn.Parameter(random.normal(vocabulary, width))
        self.U = nn.Parameter(random.normal(width, classes) / width**0.5)
        self.before, self.after = (
            nn.Parameter(torch.ones(len(self.seeds), 1, 1, width)) for _ in range(2)
        )
        self.mixer = (Attention(width, window, slope, seeds) if mixer == "attention"
                      else WritingLayer(width, rule=mixer, seeds=seeds))  # fmt: skip
        self.mlps = nn.ModuleList(
            OnlineMLP(width, 32, period=C, place=place, seeds=seeds)
            for place, C in enumerate(periods)
        )
        self.to(device())

    def read(self, x: torch.Tensor, carried: Read | None = None) -> tuple[torch.Tensor, Read]:
        """Logits after each token (seeds, batch, T, classes), and what to carry on."""
        carried = Read(None, (None,) * len(self.mlps)) if carried is None else carried
        h = self.embedded(x, carried.tokens)
        seen = F.rms_norm(h, h.shape[-1:], eps=1e-5) * self.before
        y, mixed = self.mixer(seen, state=carried.mixer)
        h, states = h + y, []
        for mlp, state in zip(self.mlps, carried.mlps, strict=True):
            h, state = mlp(h, state)
            states.append(state)
        return self.said(h), Read(mixed, tuple(states), carried.tokens + h.shape[2])

    def embedded(self, x: torch.Tensor, first: int = 0) -> torch.Tensor:
        """A vector for each token, and for its place: (seeds, batch, T, width)."""
        self._check(x)
        lane = torch.arange(len(x), device=x.device).reshape(-1, *[1] * (x.dim() - 1))
        h = self.E[lane, x]
        h = h.sum(dim=3) if h.dim() == 5 else h
        return h + sinusoids(*h.shape[2:], first).to(h) if self.places else h

    def said(self, h: torch.Tensor) -> torch.Tensor:
        """The answer of each token: (seeds, batch, T, classes)."""
        h = F.rms_norm(h, h.shape[-1:], eps=1e-5) * self.after
        return (h.flatten(1, 2) @ self.U).unflatten(1, h.shape[1:3])

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        """Of a text that begins here."""
        return self.read(x)[0]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The same as `logits`."""
        return self.logits(x)

    def copy(self) -> Hope:
        """The same network again, to be changed on its own."""
        return copy.deepcopy(self)

    def _check(self, x: torch.Tensor) -> None:
        """Whole numbers of the vocabulary, with a lane each."""
        words = self.E.shape[1]
        fits = x.dim() in (3, 4) and len(x) == len(self.seeds) and not x.is_floating_point()
        if not fits or not x.numel() or int(x.min()) < 0 or int(x.max()) >= words:
            raise CourseError(
                f"Tokens have shape {tuple(x.shape)} and type {x.dtype}; expected whole numbers "
                f"0 … {words - 1}, (seeds, batch, T) or (seeds, batch, T, parts), with "
                f"{len(self.seeds)} seeds and at least one token."
            )
