"""The smallest learner in context: two tables of vectors, one writing layer, a linear readout.

It predicts the label of a symbol, then reads the label and writes. Its slow weights never change
while it reads; what it knows of this sequence is in the fast ones.
"""

from __future__ import annotations

import copy

import torch
from torch import nn

from clcourse.errors import CourseError, whole
from clcourse.nested.writing import WritingLayer
from clcourse.seeds import LaneRandom, Seeds, device


class InContext(nn.Module):
    """Symbols with their labels (seeds, batch, T, 2) → logits of the label, before it is read."""

    accepts = ("tokens",)

    def __init__(
        self, symbols: int, *, rule: str = "gated", width: int = 16, seeds: Seeds = 1
    ) -> None:
        super().__init__()
        random = LaneRandom(seeds, "in context")
        self.seeds = random.seeds
        whole("symbols", symbols)
        self.E, self.L = (nn.Parameter(random.normal(symbols, width)) for _ in range(2))
        self.layer = WritingLayer(width, rule=rule, before=True, seeds=seeds)
        self.U = nn.Parameter(random.normal(width, symbols) / width**0.5)
        self.to(device())

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        """(seeds, batch, T, symbols); the label of token t is only read after its answer."""
        self._check(x)
        lane = torch.arange(len(x), device=x.device)[:, None, None]
        y, _ = self.layer(self.E[lane, x[..., 0]], self.L[lane, x[..., 1]])
        return (y.flatten(1, 2) @ self.U).unflatten(1, x.shape[1:3])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The same as `logits`."""
        return self.logits(x)

    def copy(self) -> InContext:
        """The same network again, to be changed on its own."""
        return copy.deepcopy(self)

    def _check(self, x: torch.Tensor) -> None:
        """Pairs of whole numbers with a lane each, every label told."""
        symbols = self.E.shape[1]
        fits = x.dim() == 4 and x.shape[-1] == 2 and len(x) == len(self.seeds)
        fits = fits and x.numel() > 0 and not x.is_floating_point()
        if not fits or int(x.min()) < 0 or int(x.max()) >= symbols:
            raise CourseError(
                f"x has shape {tuple(x.shape)} and type {x.dtype}; expected whole numbers 0 … "
                f"{symbols - 1}, (seeds, batch, T, 2) with {len(self.seeds)} seeds: symbols and "
                "their labels, such as relabelled().x."
            )
