"""Fast weights that fade over slow weights that hold: two speeds in one learner.

    logits = slow(x) + fast(x)                 a network beside the network
    logits = network(x) with θ = s + f         or two weights on every connection

    f ← f₀ + keep · (f - η_f g_f - f₀)         at every step; f₀ is the rested state
    s ← s - η_s · mean of g_s over C steps     once in C steps

At rest the fast part adds nothing, so what is asked after a rest is asked of the slow weights.

Hinton & Plaut 1987, "Using fast weights to deblur old memories", put two weights on every
connection, of which the fast one decays towards 0: `beside=False`. There, with η_s = 0, it is one
network that is pulled back to a stored copy; `beside=True` with η_s = 0 is a frozen network with an
adapter that decays.
"""

from __future__ import annotations

import torch
from torch.func import functional_call

from clcourse.errors import CourseError, whole
from clcourse.learner import Change, cross_entropy, masked
from clcourse.nets import MLP
from clcourse.seeds import LaneRandom


class FadingWeights:
    """A learner whose fast weights follow the last examples and fade, over slow weights that hold.

    slow  an MLP, trained or not, of which it keeps a copy; fast_lr, slow_lr: η_f > 0 and η_s >= 0
    (0: frozen); keep: what stays of f - f₀ at a step, 0 … 1 (1: no fading), so that a change is
    halved in log ½ / log keep steps; period: C; beside: see above.
    """

    accepts = ("vectors",)
    needs_boundaries = False

    def __init__(
        self,
        slow: MLP,
        fast_lr: float = 0.2,
        *,
        keep: float = 0.97,
        slow_lr: float = 0.01,
        period: int = 1,
        beside: bool = True,
    ) -> None:
        _check(slow, fast_lr, keep, slow_lr)
        self.slow, self.fast = slow.copy(), rested(slow) if beside else zeros(slow)
        self.fast_lr, self.keep, self.slow_lr = fast_lr, keep, slow_lr
        self.period, self.beside = whole("period", period, 1, "try period=1"), beside
        self.rested = [f.detach().clone() for f in self.fast.parameters()]
        self.chunk = [torch.zeros_like(s) for s in self.slow.parameters()]
        self.steps = 0

    @property
    def seeds(self) -> tuple[int, ...]:
        """The ids of the lanes."""
        return self.slow.seeds

    @property
    def changes(self) -> tuple[Change, ...]:
        """Fast weights, and slow weights unless they are frozen."""
        lives = "until faded" if self.keep < 1 else "until the next update"
        slow = Change("slow weights", "until the next update", "every user")
        return (Change("fast weights", lives, "every user"), *[slow] * (self.slow_lr > 0))

    def observe(self, x, y, allowed=None) -> torch.Tensor:
        """One step of the fast weights, which then fade; once in C steps one of the slow ones."""
        logits = masked(self(x), allowed)
        loss = cross_entropy(logits, y)
        self._check(loss)
        fast, slow = list(self.fast.parameters()), list(self.slow.parameters())
        moving = fast + slow if self.beside and self.slow_lr > 0 else fast
        g = torch.autograd.grad(loss.sum(), moving)
        with torch.no_grad():
            for f, g_f, f_0 in zip(fast, g, self.rested, strict=False):
                f.sub_(g_f, alpha=self.fast_lr)
                f.lerp_(f_0, 1 - self.keep)
            if self.slow_lr > 0:
                self._consolidate_chunk(slow, g[-len(slow) :])
        return logits.detach()

    @torch.no_grad()
    def predict(self, x, allowed=None) -> torch.Tensor:
        """Logits (seeds, batch, classes)."""
        return masked(self(x), allowed)

    def consolidate(self, experience) -> None:
        """Nothing: it is not told where an experience ends, and does not need to be."""

    @torch.no_grad()
    def rest(self, steps: int) -> None:
        """Steps without data: the fast weights fade by keep at each, f - f₀ by keep ** steps."""
        stays = self.keep ** whole("steps", steps, 0, "try steps=1000")
        for f, f_0 in zip(self.fast.parameters(), self.rested, strict=True):
            f.lerp_(f_0, 1 - stays)

    def memory_bytes(self) -> int:
        """Bytes a lane of the fast weights and their rested state, and of a chunk's gradients."""
        parts = list(self.fast.parameters())
        parts += self.rested if self.beside else []  # on the same connections it is 0
        parts += self.chunk if self.slow_lr > 0 and self.period > 1 else []
        return sum(part[0].numel() * part.element_size() for part in parts)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Logits (seeds, batch, classes) of slow and fast together."""
        if self.beside:
            return self.slow(x) + self.fast(x)
        fast = dict(self.fast.named_parameters())
        both = {name: s.detach() + fast[name] for name, s in self.slow.named_parameters()}
        return functional_call(self.slow, both, (x,))

    def _consolidate_chunk(self, slow: list, g: tuple) -> None:
        """Add the step's gradients; at the end of a chunk take a step along their mean."""
        self.steps += 1
        for s, g_s, total in zip(slow, g, self.chunk, strict=True):
            total.add_(g_s)
            if self.steps % self.period == 0:
                s.sub_(total, alpha=self.slow_lr / self.period)
                total.zero_()

    def _check(self, loss: torch.Tensor) -> None:
        """Stop at the first lane whose loss is no longer a number."""
        if not bool(torch.isfinite(loss).all()):
            lost = torch.nonzero(~torch.isfinite(loss)).flatten().tolist()
            raise CourseError(
                f"The fast and slow weights diverged in lane {self.seeds[lost[0]]} ({len(lost)} of "
                f"{len(self.seeds)} lanes); expected a finite loss: lower fast_lr or slow_lr."
            )


def rested(slow: MLP) -> MLP:
    """A network of the same sizes with hidden weights of its own and an output layer of 0."""
    fast, random = slow.copy(), LaneRandom(slow.seeds, "fast weights")
    with torch.no_grad():
        for W, b in zip(fast.weights, fast.biases, strict=True):
            for θ in (W, b):
                drawn = 2 * random.uniform(θ[0].numel()).reshape(θ.shape) - 1
                θ.copy_(drawn / W.shape[1] ** 0.5)
        W.zero_(), b.zero_()
    return fast


@torch.no_grad()
def zeros(slow: MLP) -> MLP:
    """A network of the same sizes, all weights 0."""
    fast = slow.copy()
    for θ in fast.parameters():
        θ.zero_()
    return fast


def _check(slow, fast_lr: float, keep: float, slow_lr: float) -> None:
    """Settings that make sense."""
    if not isinstance(slow, MLP):
        raise CourseError(
            f"slow is a {type(slow).__name__}; expected an MLP: try cl.mlp(64, 48, 10, seeds=20)."
        )
    if not 0 < fast_lr < float("inf") or not 0 <= slow_lr < float("inf"):
        raise CourseError(
            f"fast_lr={fast_lr!r}, slow_lr={slow_lr!r}; expected a finite fast_lr above 0 and a "
            "finite slow_lr of at least 0: try fast_lr=0.2, slow_lr=0.01."
        )
    if not 0 <= keep <= 1:
        raise CourseError(
            f"keep={keep!r}; expected from 0 (nothing stays) to 1 (nothing fades): try keep=0.97."
        )
