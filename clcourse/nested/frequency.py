"""Is a period more than a rate? Two learners: one moves seldom and far, one often and less.

A part with period C that moves by η against the mean of its C gradients ends, under gradient
descent, where it would at rate η/C and every step, but for an error of the order of η²: within a
chunk the gradient changes only because the weights have moved, and that is of the order of η.

    seldom  θ ← θ - η · (1/C) Σ_{t=1..C} g_t(θ_0)
    often   θ ← θ - (η/C) · g_t(θ_{t-1}),  t = 1 … C;   g_t(θ_{t-1}) = g_t(θ_0) + O(η)

An optimiser that divides by the size of the gradient takes steps of length η and of length η/C
whatever the gradients say, and those add up to other places: an error of the order of η itself.

The second line needs gradients that change smoothly with the weights. A ReLU that switches on or
off in between changes them by a jump; then the error falls a little more slowly than η².
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch

from clcourse.errors import CourseError
from clcourse.learner import SGD
from clcourse.nested.continuum import ContinuumLearner, ContinuumMemory
from clcourse.seeds import Seeds, lane_ids
from clcourse.worlds import permuted_digits

BATCH = 16


class Apart(NamedTuple):
    """Euclidean lengths over all weights, (seeds, rates), float64."""

    distance: torch.Tensor  # between the two ends
    moved: torch.Tensor  # from the start to the end of the one that moves often


class Smooth(ContinuumMemory):
    """A continuum memory with tanh in place of ReLU."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits (seeds, batch, classes)."""
        h = x
        for W, b, V, c in self.parts[:-1]:
            h = h + torch.baddbmm(c, torch.baddbmm(b, h, W).tanh(), V)
        return torch.baddbmm(self.biases[-1], h, self.weights[-1])


class Straight(torch.nn.Module):
    """Two linear maps side by side, x A + x B: a block and a readout for `straight_loss`."""

    blocks, variant = 1, "sequential"

    def __init__(self, features: int, classes: int, seeds: Seeds) -> None:
        super().__init__()
        self.seeds = lane_ids(seeds)
        maps = [torch.zeros(len(self.seeds), features, classes) for _ in range(2)]
        self.weights = torch.nn.ParameterList(torch.nn.Parameter(W) for W in maps)

    @property
    def parts(self) -> list[tuple]:
        """The two maps."""
        return [(W,) for W in self.weights]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits (seeds, batch, classes)."""
        return sum(x @ W for W in self.weights)


def straight_loss(logits: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """-logits[y], mean over the batch: on `Straight` its gradient depends on no weight. (seeds,)"""
    return -logits.gather(2, y[..., None]).mean(dim=(1, 2))


def chunk_distance(
    rates: Sequence[float],
    *,
    period: int = 8,
    optimiser: Callable = SGD,
    chunks: int = 2,
    kind: str = "smooth",
    seeds: Seeds = 3,
) -> Apart:
    """How far apart digits leave a slow first block at η every C steps and at η/C every step.

    All other parts move every step at η/C in both, by the same optimiser. Both see the same
    chunks · period batches of 16, from the same start; float64.
    kind  "smooth" (two residual blocks with tanh), "relu" (with ReLU), both with cross-entropy; or
    "straight" (two linear maps and a loss whose gradients depend on no weight)
    """
    images = permuted_digits(1, seeds=seeds)[0]
    steps, most = period * chunks, images.x.shape[1] // BATCH
    if not 0 < steps <= most:
        raise CourseError(
            f"period={period!r} and chunks={chunks!r} make {steps} steps; expected 1 to {most}, "
            "one pass over the images: try period=8, chunks=2."
        )
    x, y = images.x.double().split(BATCH, dim=1)[:steps], images.y.split(BATCH, dim=1)[:steps]
    found = []
    for η in rates:
        pair = [_learner(C, η, η / period, optimiser, _network(kind, seeds)) for C in (period, 1)]
        start, (seldom, often) = _flat(pair[0].network), (_lived(one, x, y) for one in pair)
        found.append([(seldom - often).norm(dim=1), (often - start).norm(dim=1)])
    return Apart(*(torch.stack(lengths, dim=1) for lengths in zip(*found, strict=True)))


def power_of_rate(apart: Apart, rates: Sequence[float]) -> torch.Tensor:
    """The power of η with which the distance falls, by least squares on logarithms: (seeds,)."""
    η = torch.as_tensor(rates, dtype=torch.float64).log()
    η = η - η.mean()
    return (apart.distance.log() * η).sum(dim=1) / (η * η).sum()


def _network(kind: str, seeds: Seeds) -> torch.nn.Module:
    """A network of that kind, float64."""
    if kind == "straight":
        return Straight(64, 10, seeds).double()
    if kind not in ("smooth", "relu"):
        raise CourseError(
            f"kind={kind!r}; expected 'smooth', 'relu' or 'straight': try kind='smooth'."
        )
    make = Smooth if kind == "smooth" else ContinuumMemory
    return make(64, 10, blocks=2, hidden=32, seeds=seeds).double()


def _learner(C: int, η: float, less: float, optimiser, network) -> ContinuumLearner:
    """The first part moves by η once in C steps, or by `less` at every step, as the others do."""
    others = len(network.parts) - 1
    one = ContinuumLearner(network, (C, *[1] * others), optimiser=optimiser,
                           lr=[η if C > 1 else less, *[less] * others])  # fmt: skip
    if isinstance(network, Straight):
        one.loss = straight_loss
    return one


def _lived(one: ContinuumLearner, x, y) -> torch.Tensor:
    """The weights after all batches."""
    for images, labels in zip(x, y, strict=True):
        one.observe(images, labels)
    return _flat(one.network)


def _flat(network) -> torch.Tensor:
    """All weights of each lane in one row: (seeds, weights)."""
    return torch.cat([θ.detach().flatten(1) for θ in network.parameters()], dim=1)
