"""A learner sees a stream: the one protocol of the course, and the learner that descends gradients.

Fine-tuning, replay, EWC, a hippocampus, LoRA, a note store, Titans and fast weights all fit it:
they see batches, answer questions, and differ in which state moves when.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol, runtime_checkable

import torch
import torch.nn.functional as F

from clcourse.errors import CourseError
from clcourse.replay import Reservoir
from clcourse.streams import Experience


class Change(NamedTuple):
    """One part of a deployed system that moves: what, how long it lives, who shares it."""

    what: str
    lives: str
    shared_by: str


@runtime_checkable
class Learner(Protocol):
    """What `run` asks of a learner. x (seeds, batch, …), y (seeds, batch)."""

    seeds: tuple[int, ...]
    accepts: tuple[str, ...]  # "vectors", "tokens"
    needs_boundaries: bool  # must be told where an experience ends
    changes: tuple[Change, ...]

    def observe(self, x, y, allowed=None) -> torch.Tensor:
        """Learn from a batch; return the logits (seeds, batch, classes) from before learning."""

    def predict(self, x, allowed=None) -> torch.Tensor:
        """Logits (seeds, batch, classes); changes nothing."""

    def consolidate(self, experience: Experience) -> None:
        """Work at a boundary, with the training part of the experience that has ended."""

    def rest(self, steps: int) -> None:
        """Time without data: sleep, decay."""

    def memory_bytes(self) -> int:
        """Bytes a lane beyond the base network, as stored."""


def cross_entropy(logits: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Mean of -log softmax(logits)[y] over the batch, one number a lane: (seeds,)."""
    each = F.cross_entropy(logits.transpose(1, 2), y, reduction="none")
    return each.mean(dim=1)


class SGD:
    """Gradient descent, θ ← θ - lr · g, with the interface of torch.optim.

    Any optimiser of torch.optim fits in its place; this one spares its two-second import.
    """

    def __init__(self, parameters, lr: float) -> None:
        self.parameters, self.lr = list(parameters), lr

    @torch.no_grad()
    def step(self) -> None:
        """Move every parameter against its gradient."""
        for parameter in self.parameters:
            parameter.add_(parameter.grad, alpha=-self.lr)

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in self.parameters:
            parameter.grad = None


def masked(logits: torch.Tensor, allowed: torch.Tensor | None) -> torch.Tensor:
    """Logits with the answers that are not in question pushed out of reach.

    allowed  (seeds, classes), or (seeds, batch, classes) for a batch of several tasks.
    """
    if allowed is None:
        return logits
    allowed = allowed if allowed.dim() == 3 else allowed[:, None]
    return logits.masked_fill(~allowed, -1e9)


class GradientLearner:
    """A network, an optimiser and one visible loss; with replay, half of it is about the past.

    loss = L(new), or ½ L(new) + ½ L(replayed), + penalty. Averaged over the batch and summed over
    lanes: lanes do not meet in the sum, so each gets the gradient it would get alone.

    network  maps x, vectors (seeds, batch, in) or texts of tokens (seeds, batch, length), to logits
    (seeds, batch, classes); replay: a Reservoir; penalty: EWC, SI or LwF;
    loss(logits, y) → (seeds,); optimiser(parameters, lr=…).
    """

    def __init__(
        self,
        network,
        lr: float = 0.1,
        *,
        replay: Reservoir | None = None,
        penalty=None,
        loss: Callable = cross_entropy,
        optimiser: Callable = SGD,
    ) -> None:
        if not lr > 0:
            raise CourseError(f"lr={lr!r} learns nothing; expected a number above 0: try lr=0.1.")
        self.network, self.lr, self.loss, self.penalty = network, lr, loss, penalty
        self.replay = replay.start(network.seeds) if replay is not None else None
        self.optimiser = optimiser(network.parameters(), lr=lr)

    @property
    def seeds(self) -> tuple[int, ...]:
        """The ids of the lanes."""
        return self.network.seeds

    @property
    def accepts(self) -> tuple[str, ...]:
        """What the network reads: vectors, unless it says otherwise."""
        return getattr(self.network, "accepts", ("vectors",))

    @property
    def needs_boundaries(self) -> bool:
        """Whether the penalty must be told where an experience ends."""
        return self.penalty is not None and self.penalty.needs_boundaries

    @property
    def changes(self) -> tuple[Change, ...]:
        """Weights for good and for everybody, or notes on them; stored examples beside them."""
        weights = Change("weights", "until the next update", "every user")
        weights = getattr(self.network, "change", weights)
        buffer = Change("replay buffer", "until overwritten", "the trainer")
        return (weights,) if self.replay is None else (weights, buffer)

    def observe(self, x, y, allowed=None) -> torch.Tensor:
        """Take one step on the batch, and on as many replayed examples if there is a memory."""
        new = x.shape[1]
        mixed_x, mixed_y, mixed_allowed = self._with_replayed(x, y, allowed)
        answers = self.network(mixed_x)
        logits = masked(answers, mixed_allowed)
        loss = self.loss(logits, mixed_y)
        if self.penalty is not None:
            loss = loss + self.penalty.loss(self.network, mixed_x, answers)
        self._check(loss)
        self.optimiser.zero_grad()
        loss.sum().backward()
        self.optimiser.step()
        if self.penalty is not None:
            self.penalty.step(self.network, self.lr)
        if self.replay is not None:
            self.replay.add(x, y, one_mask_each(allowed, y))
        return logits[:, :new].detach()

    @torch.no_grad()
    def predict(self, x, allowed=None) -> torch.Tensor:
        """Logits (seeds, batch, classes)."""
        return masked(self.network(x), allowed)

    def consolidate(self, experience: Experience) -> None:
        """Let the penalty take stock of the experience that has ended."""
        if self.penalty is not None:
            self.penalty.consolidate(self.network, experience)

    def rest(self, steps: int) -> None:
        """A gradient learner does not use time without data."""

    def memory_bytes(self) -> int:
        """Bytes a lane of the replay buffer and of what the penalty keeps."""
        parts = [part for part in (self.replay, self.penalty) if part is not None]
        return sum(part.memory_bytes() for part in parts)

    def _with_replayed(self, x, y, allowed):
        """The batch, followed by as many examples from the past if there are any."""
        if self.replay is None or not len(self.replay):
            return x, y, allowed
        old_x, old_y, old_allowed = self.replay.sample(x.shape[1])
        if allowed is not None:
            allowed = torch.cat([one_mask_each(allowed, y), old_allowed], dim=1)
        return torch.cat([x, old_x], dim=1), torch.cat([y, old_y], dim=1), allowed

    def _check(self, loss: torch.Tensor) -> None:
        """Stop at the first lane whose loss is no longer a number."""
        if not bool(torch.isfinite(loss).all()):
            lost = torch.nonzero(~torch.isfinite(loss)).flatten().tolist()
            what = type(self.penalty).__name__ if self.penalty else "Training"
            knobs = "lr or strength" if self.penalty else "lr"
            raise CourseError(
                f"{what} diverged in lane {self.seeds[lost[0]]} ({len(lost)} of {len(self.seeds)} "
                f"lanes); expected a finite loss: lower {knobs}."
            )


def one_mask_each(allowed: torch.Tensor | None, y: torch.Tensor) -> torch.Tensor | None:
    """A mask for each example: (seeds, batch, classes)."""
    if allowed is None or allowed.dim() == 3:
        return allowed
    return allowed[:, None].expand(*y.shape, -1)
