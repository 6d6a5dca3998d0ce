"""The continuum memory system: small residual networks that learn at different periods.

Behrouz et al. 2025, section 7, eqs 70-74, in three variants: the blocks in a chain that learns
without end (sequential), in a chain where a faster block starts anew in each context of the next
slower one (nested), or side by side (head-wise).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import nn

from clcourse.errors import CourseError
from clcourse.learner import SGD, Change, GradientLearner
from clcourse.nested.levels import Clock, Levels
from clcourse.seeds import LaneRandom, Seeds, device

VARIANTS = ("sequential", "nested", "head-wise")


class ContinuumMemory(nn.Module):
    """Residual MLP blocks between x and a linear readout, once for each lane.

    sequential, nested   h_l = h_{l-1} + MLP_l(h_{l-1}),  h_0 = x       (eqs 70, 72, 73)
    head-wise            h = x + mean_l MLP_l(x)                        (eq. 74)
    MLP_l(h) = relu(h W_l + b_l) W'_l + b'_l,  logits = h W + b

    x (seeds, batch, features) → logits (seeds, batch, classes). All start uniform in ±1/sqrt(in).
    Nested and sequential are one network; they differ in what `ContinuumLearner` does at the end of
    a context.
    """

    def __init__(
        self,
        features: int,
        classes: int,
        *,
        blocks: int = 3,
        hidden: int = 48,
        variant: str = "sequential",
        seeds: Seeds = 1,
    ) -> None:
        super().__init__()
        sizes = {"features": features, "classes": classes, "blocks": blocks, "hidden": hidden}
        for name, size in sizes.items():
            if not isinstance(size, int) or isinstance(size, bool) or size < 1:
                raise CourseError(
                    f"{name}={size!r} makes no network; expected a whole number of at least 1: "
                    "try ContinuumMemory(64, 10)."
                )
        if variant not in VARIANTS:
            raise CourseError(
                f"variant={variant!r} is unknown; expected one of {', '.join(VARIANTS)}: "
                "try variant='nested'."
            )
        random = LaneRandom(seeds, "continuum weights")
        self.variant, self.blocks, self.seeds = variant, blocks, random.seeds
        shapes = [*[(features, hidden), (hidden, features)] * blocks, (features, classes)]
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for inputs, outputs in shapes:
            uniform = random.uniform((inputs + 1) * outputs).reshape(-1, inputs + 1, outputs)
            start = ((2 * uniform - 1) / inputs**0.5).float()
            self.weights.append(nn.Parameter(start[:, :inputs].contiguous()))
            self.biases.append(nn.Parameter(start[:, inputs:].contiguous()))
        self.to(device())

    @property
    def parts(self) -> list[tuple[nn.Parameter, ...]]:
        """The parameters of each block, then those of the readout."""
        layers = list(zip(self.weights, self.biases, strict=True))
        pairs = zip(layers[:-1:2], layers[1::2], strict=True)
        return [*(first + second for first, second in pairs), layers[-1]]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits (seeds, batch, classes)."""
        h, beside = x, self.variant == "head-wise"
        for W, b, V, c in self.parts[:-1]:
            inner = torch.baddbmm(b, x if beside else h, W).relu()
            change = torch.baddbmm(c, inner, V)
            h = h + (change / self.blocks if beside else change)
        return torch.baddbmm(self.biases[-1], h, self.weights[-1])


class ContinuumLearner(GradientLearner):
    """A continuum memory that learns, each part at its own period.

    network  a `ContinuumMemory`; periods, and lr and optimiser if they are lists, have an entry for
    each block and one for the readout. optimiser: SGD, SignDescent, torch.optim.Adam, …

    In the nested variant (eq. 72) a faster block lives in contexts as long as the next slower
    period. When one ends, the block's initial state is learnt from it and the block starts anew:

        θ_0 ← θ_0 + carry · (θ - θ_0),   θ ← θ_0

    The paper leaves open how initial states are learnt; this is Reptile (Nichol, Achiam & Schulman
    2018), and on one block the Lookahead optimiser (Zhang et al. 2019). carry=0 never learns them,
    carry=1 is the sequential variant. The slowest block, the readout and what an optimiser
    remembers have no contexts.
    """

    def __init__(
        self,
        network: ContinuumMemory,
        periods: Sequence[int],
        *,
        lr: float | Sequence[float] = 0.1,
        chunk: str = "mean",
        optimiser: Callable | Sequence[Callable] = SGD,
        carry: float = 0.5,
    ) -> None:
        parts, clock = network.parts, Clock(periods)
        self.clock = clock
        _one_each("periods", clock.periods, len(parts))
        rates = lr if isinstance(lr, Sequence) else [lr] * len(parts)
        makers = optimiser if isinstance(optimiser, Sequence) else [optimiser] * len(parts)
        _one_each("lr", rates, len(parts))
        _one_each("optimiser", makers, len(parts))
        for rate in rates:
            if not 0 < rate < float("inf"):
                raise CourseError(f"lr={lr!r}; expected finite numbers above 0: try lr=0.1.")
        if not 0 <= carry <= 1:
            raise CourseError(f"carry={carry!r}; expected a share from 0 to 1: try carry=0.5.")
        made = [make(part, lr=rate) for make, part, rate in zip(makers, parts, rates, strict=True)]
        levels = Levels(parts, made, clock, chunk=chunk)
        super().__init__(network, rates[0], optimiser=lambda _, lr: levels)
        self.carry, self.contexts = carry, self._contexts()
        self.starts = {place: [θ.detach().clone() for θ in parts[place]] for place in self.contexts}

    def observe(self, x, y, allowed=None) -> torch.Tensor:
        """One step of the clock; blocks whose context ends with it start anew."""
        logits = super().observe(x, y, allowed)
        for place, context in self.contexts.items():
            if self.optimiser.time % context == 0:
                self._start_anew(place)
        return logits

    @property
    def changes(self) -> tuple[Change, ...]:
        """Each block and the readout, with its period."""
        names = [f"block {place + 1}" for place in range(self.network.blocks)] + ["readout"]
        lives = [f"until the next of its updates, one in {C} steps" for C in self.clock.periods]
        return tuple(Change(*one, "every user") for one in zip(names, lives, strict=True))

    def memory_bytes(self) -> int:
        """Bytes a lane of unfinished chunks and of initial states."""
        kept = [θ for part in (*self.optimiser.sums, *self.starts.values()) for θ in part]
        return sum(θ[0].numel() * θ.element_size() for θ in kept)

    def _contexts(self) -> dict[int, int]:
        """How long a context of each block is, where there are contexts."""
        if self.network.variant != "nested":
            return {}
        blocks = Clock(self.clock.periods[:-1])
        found = {place: blocks.slower(place) for place in range(len(blocks.periods))}
        for place, context in found.items():
            if context and context % blocks.periods[place]:
                raise CourseError(
                    f"periods={self.clock.periods}: {context} is no multiple of "
                    f"{blocks.periods[place]}; expected contexts of whole chunks in the nested "
                    "variant: try (64, 8, 1, 1)."
                )
        return {place: context for place, context in found.items() if context}

    @torch.no_grad()
    def _start_anew(self, place: int) -> None:
        """Learn the block's initial state from where it got to, then go back to it."""
        for θ, start in zip(self.network.parts[place], self.starts[place], strict=True):
            start.lerp_(θ, self.carry)
            θ.copy_(start)


def _one_each(name: str, given: Sequence, parts: int) -> None:
    """As many entries as parts."""
    if len(given) != parts:
        raise CourseError(
            f"{name} has {len(given)} entries and the network {parts} parts; expected one for each "
            f"block and one for the readout: try {(1,) * parts}."
        )
