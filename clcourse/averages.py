"""A slow cortex without a second training: average the weights of a fast one as it learns.

CLS-ER (Arani, Sarfraz & Zonooz 2022, "Learning Fast, Learning Slow") keeps two moving averages of a
working network that rehearses: a plastic one, renewed often, and a stable one, renewed more rarely.
Both teach the working network about old examples, and the stable one answers.
"""

from __future__ import annotations

from typing import NamedTuple

import torch

from clcourse.errors import CourseError
from clcourse.learner import Change, GradientLearner, masked, one_mask_each
from clcourse.replay import Reservoir
from clcourse.seeds import LaneRandom


class Average(NamedTuple):
    """How an average follows: α is what stays of it at an update, rate how often it has one."""

    α: float
    rate: float = 1.0


class TwoAverages(GradientLearner):
    """A working network with replay, and two exponential moving averages of its weights.

    loss = L(new and replayed) + strength · mean (z - z̄)² over the logits z of replayed examples

    where z̄ are, example by example, the logits of the average that is surer of the true label.
    After the step each average moves, with its rate as probability, at step t = 1, 2, …

        θ̄ ← α_t θ̄ + (1 - α_t) θ        α_t = min(1 - 1/(t + 1), α)

    so that it begins as the plain mean of all weights so far. Its horizon is 1/(1 - α) updates.
    With equal α and rate 1 the two are one average; with strength 0 it only looks on. Set
    `answers_from` to "working", "plastic" or "stable" to choose who answers.
    """

    def __init__(
        self,
        network,
        lr: float = 0.1,
        *,
        replay: Reservoir,
        strength: float = 1.0,
        plastic: tuple[float, float] = (0.99, 1.0),
        stable: tuple[float, float] = (0.99, 0.9),
    ) -> None:
        if replay is None:
            raise CourseError(
                "Averages teach on replayed examples; expected a memory: try "
                "replay=cl.Reservoir(200)."
            )
        if not 0 <= strength < float("inf"):
            raise CourseError(
                f"strength={strength!r}; expected a finite number of at least 0: try 1."
            )
        super().__init__(network, lr, replay=replay)
        self.strength, self.steps = strength, 0
        self.plastic, self.stable = _average("plastic", plastic), _average("stable", stable)
        self.networks = {"working": network, "plastic": network.copy(), "stable": network.copy()}
        self.answers_from = "stable"
        self.random = LaneRandom(network.seeds, "averages")

    @property
    def changes(self) -> tuple[Change, ...]:
        """Weights and stored examples, and two averages of the weights."""
        averages = Change("two averages of the weights", "until the next update", "every user")
        return (*super().changes, averages)

    def observe(self, x, y, allowed=None) -> torch.Tensor:
        """One step of the working network; then the averages follow."""
        before = self.predict(x, allowed)
        allowed = one_mask_each(allowed, y)
        mixed_x, mixed_y, mixed_allowed = self._with_replayed(x, y, allowed)
        logits = masked(self.network(mixed_x), mixed_allowed)
        loss = self.loss(logits, mixed_y)
        old = slice(x.shape[1], None)
        if self.strength and len(self.replay):
            masks = mixed_allowed if mixed_allowed is None else mixed_allowed[:, old]
            taught = self.teach(mixed_x[:, old], mixed_y[:, old], masks)
            loss = loss + self.strength * (logits[:, old] - taught).square().mean(dim=(1, 2))
        self._check(loss)
        self.optimiser.zero_grad()
        loss.sum().backward()
        self.optimiser.step()
        self.replay.add(x, y, allowed)
        self._follow()
        return before

    @torch.no_grad()
    def teach(self, x, y, allowed=None) -> torch.Tensor:
        """Logits of whichever average is surer of the true label, example by example."""
        plastic, stable = (
            masked(self.networks[name](x), allowed) for name in ("plastic", "stable")
        )
        sure = [z.softmax(dim=-1).gather(2, y[..., None]) for z in (plastic, stable)]
        return torch.where(sure[1] > sure[0], stable, plastic)

    @torch.no_grad()
    def predict(self, x, allowed=None) -> torch.Tensor:
        """Logits (seeds, batch, classes) of the network that answers."""
        if self.answers_from not in self.networks:
            raise CourseError(
                f"answers_from={self.answers_from!r}; expected 'working', 'plastic' or 'stable'."
            )
        return masked(self.networks[self.answers_from](x), allowed)

    def memory_bytes(self) -> int:
        """Bytes a lane of the buffer and of both averages."""
        parts = list(self.network.parameters())
        return super().memory_bytes() + 2 * sum(θ[0].numel() * θ.element_size() for θ in parts)

    @torch.no_grad()
    def _follow(self) -> None:
        """Move the averages of those lanes whose turn it is towards the working weights."""
        self.steps += 1
        turns = self.random.uniform(2).unbind(dim=1)
        for name, turn in zip(("plastic", "stable"), turns, strict=True):
            average = getattr(self, name)
            α = min(1 - 1 / (self.steps + 1), average.α)
            move = ((1 - α) * (turn < average.rate)).to(next(self.network.parameters()))
            for mean, θ in zip(
                self.networks[name].parameters(), self.network.parameters(), strict=True
            ):
                mean.lerp_(θ, move.reshape(-1, *[1] * (θ.dim() - 1)))


def _average(name: str, setting: tuple[float, float]) -> Average:
    """A setting that makes sense."""
    average = Average(*setting)
    if not 0 <= average.α <= 1 or not 0 < average.rate <= 1:
        raise CourseError(
            f"{name}={tuple(average)}; expected (α, rate), α from 0 to 1 and the rate above 0 and "
            f"at most 1: try {name}=(0.99, 1.0)."
        )
    return average
