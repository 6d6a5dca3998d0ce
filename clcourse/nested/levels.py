"""Who changes when: a clock, and an optimiser that asks each part of a network at its own period.

A part of period C waits C steps, then moves once, by what its C gradients say together (Behrouz et
al. 2025, eq. 71):

    θ ← θ - η · (1/C) Σ_{last C steps} g(θ)      chunk="mean"
    θ ← θ - η · Σ_{last C steps} g(θ)            chunk="sum", as printed (there with C + 1 terms)

Under plain gradient descent a mean at rate η is, to first order, every step at rate η/C; whether
the *period* does anything that a rate does not is an experiment: studies/10_frequency.py.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from clcourse.errors import CourseError
from clcourse.learner import SGD


class Clock:
    """Steps are counted from 1, and a part of period C is due at C, 2C, 3C, …"""

    def __init__(self, periods: Sequence[int]) -> None:
        given = tuple(periods) if isinstance(periods, Sequence) else ()
        whole = all(isinstance(C, int) and not isinstance(C, bool) and C > 0 for C in given)
        if not given or not whole:
            raise CourseError(
                f"periods={periods!r}; expected a whole number of steps of at least 1 for each "
                "part: try (64, 8, 1, 1)."
            )
        self.periods: tuple[int, ...] = given

    def due(self, step: int) -> tuple[bool, ...]:
        """Which parts move at this step: one answer a part."""
        return tuple(step % C == 0 for C in self.periods)

    def rhythm(self, steps: int) -> torch.Tensor:
        """Which parts move at steps 1 … steps: (parts, steps), of type bool."""
        return torch.tensor([self.due(step) for step in range(1, steps + 1)]).T

    def slower(self, part: int) -> int | None:
        """The period of the next slower part; None for the slowest."""
        return min((C for C in self.periods if C > self.periods[part]), default=None)


class SignDescent(SGD):
    """θ ← θ - lr · sign(g): Adam without memory, every weight moves by lr whatever its gradient."""

    @torch.no_grad()
    def step(self) -> None:
        """Move every parameter by lr against the sign of its gradient."""
        for parameter in self.parameters:
            parameter.sub_(parameter.grad.sign(), alpha=self.lr)


class Levels:
    """An optimiser for each part, asked when the clock says; with the interface of torch.optim.

    parts  lists of parameters; optimisers: one a part, made already. What a part has summed in an
    unfinished chunk is kept for later, never used early.
    """

    def __init__(self, parts, optimisers, clock: Clock, *, chunk: str = "mean") -> None:
        if chunk not in ("mean", "sum"):
            raise CourseError(f"chunk={chunk!r}; expected 'mean' or 'sum': try chunk='mean'.")
        self.parts, self.optimisers, self.clock = parts, optimisers, clock
        self.chunk, self.time = chunk, 0
        waiting = [C > 1 for C in clock.periods]
        self.sums = [
            [torch.zeros_like(θ, requires_grad=False) for θ in part] if waits else []
            for part, waits in zip(parts, waiting, strict=True)
        ]

    @torch.no_grad()
    def step(self) -> None:
        """Add the gradients to the chunks; move the parts whose chunk is full."""
        self.time += 1
        due = self.clock.due(self.time)
        for place, C in enumerate(self.clock.periods):
            for θ, total in zip(self.parts[place], self.sums[place], strict=C > 1):
                total += θ.grad
                if due[place]:
                    θ.grad.copy_(total / C if self.chunk == "mean" else total)
                    total.zero_()
            if due[place]:
                self.optimisers[place].step()

    def zero_grad(self) -> None:
        """Forget the gradients of the step; the sums of the chunks stay."""
        for optimiser in self.optimisers:
            optimiser.zero_grad()
