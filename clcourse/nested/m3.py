"""Multi-scale momentum, an optimiser with a fast and a slow memory: as printed, and mended.

Behrouz et al. 2025 (arXiv 2512.24695), Algorithm 1; letters as in `rules`.

    M1 ← μ1 M1 + β1 g        V ← μ2 V + β2 g²        M2 ← μ3 M2 + β3 Σ g, once in a period C
    W ← W - η (O1 + a O2) / (√V + ε),                O1, O2 = Newton-Schulz of M1, M2

The paper prints μ = 1: nothing that was written ever fades, and V only grows. Here `decay` sets
μ = 1 - β, as in Adam, and V counts as a weighted mean. A second slip is in the units: O has the
same size whatever g is, √V has that of g, so gradients ten times as small make steps ten times as
long, and an entry whose gradients are nearly zero, in a row and a column that have some, is thrown
far away. ε is what holds it, so it is no detail: with 1e-8 digits are not learned at any rate.
"""

from __future__ import annotations

from typing import NamedTuple

import torch

from clcourse.errors import CourseError
from clcourse.nested.optimisers import Optimiser
from clcourse.nested.rules import momentum, newton_schulz

WRITE = (0.1, 0.01, 0.1)  # β1, β2, β3


class M3Memory(NamedTuple):
    """M1 fast, V of squares, M2 slow with its direction O2, the period's gradients: like g each."""

    M1: torch.Tensor
    V: torch.Tensor
    M2: torch.Tensor
    O2: torch.Tensor
    gathered: torch.Tensor
    steps: int = 0

    @classmethod
    def like(cls, g: torch.Tensor) -> M3Memory:
        """Nothing remembered yet, for gradients like g."""
        return cls(*(torch.zeros_like(g) for _ in range(5)))


def m3(
    memory: M3Memory, g, *, period: int, slow: float, decay: bool, floor: float
) -> tuple[M3Memory, torch.Tensor]:
    """One gradient (seeds, …, in, out): (memory, direction); then W ← W - η direction.

    period: C, slow: a, floor: ε. The slow memory takes in a period when it is over; O2 is used
    from then on.
    """
    M1, V, M2, O2, gathered, steps = memory
    μ1, μ2, μ3 = (1 - β if decay else 1.0 for β in WRITE)
    steps, gathered = steps + 1, gathered + g
    M1 = momentum(M1, g, lr=-WRITE[0], keep=μ1)
    V = momentum(V, g.square(), lr=-WRITE[1], keep=μ2)
    size = (V / (1 - μ2**steps)).sqrt() if decay else V.sqrt()
    direction = (newton_schulz(M1) + slow * O2) / (size + floor)
    if steps % period == 0:
        M2 = momentum(M2, gathered, lr=-WRITE[2], keep=μ3)
        O2, gathered = newton_schulz(M2), torch.zeros_like(gathered)
    return M3Memory(M1, V, M2, O2, gathered, steps), direction


class M3(Optimiser):
    """`m3` for `GradientLearner`; decay=False is the algorithm as printed."""

    def __init__(
        self,
        parameters,
        lr: float,
        *,
        period: int = 8,
        slow: float = 0.5,
        decay: bool = True,
        floor: float = 0.01,
    ) -> None:
        if not isinstance(period, int) or isinstance(period, bool) or period < 1:
            raise CourseError(f"period={period!r}; expected a whole number from 1: try period=8.")
        if not slow >= 0 or not floor > 0:
            raise CourseError(
                f"slow={slow!r}, floor={floor!r}; expected a weight of 0 or more and a number "
                "above 0: try slow=0.5, floor=0.01."
            )
        super().__init__(parameters, lr)
        self.settings = {"period": period, "slow": slow, "decay": decay, "floor": floor}

    def _start(self, parameter):
        return M3Memory.like(parameter)

    def _move(self, memory, g):
        memory, direction = m3(memory, g, **self.settings)
        return memory, -self.lr * direction
