"""The floors that embarrass: running sums, in which the first example weighs as much as the last.

n_c counts the examples of class c, B sums their features class by class, A sums the products of
features with each other:

    n_c = Σ 1[y = c],   B = Σ φ(x) onehot(y)ᵀ,   A = Σ φ(x) φ(x)ᵀ

Sums do not depend on order, so at the end of any stream they are those of joint training: one
pass (`epochs=1`), no boundaries, no replay. From them follows a linear readout, φ(x) W + b. What
none of these learners can do is change φ: their features are fixed before the first example.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from clcourse.errors import CourseError, whole
from clcourse.learner import Change, masked
from clcourse.replay import Reservoir
from clcourse.seeds import LaneRandom, Seeds, device, lane_ids
from clcourse.streams import Experience

SIZES = "give the sizes of the stream, such as 64 inputs and 10 classes"
UNSEEN = -1e8  # the score of a class without an example; an answer not in question has -1e9


class Floor:
    """What the floors share: they learn a batch at once and have nothing to do at a boundary.

    inputs, classes  the sizes of x (seeds, batch, inputs) and of the logits; seeds: the lanes. A
    subclass has learn(x, y) and scores(x). Before the first example all logits are equal.
    """

    accepts = ("vectors",)
    needs_boundaries = False
    changes = (Change("running statistics", "until the next update", "every user"),)

    def __init__(self, inputs: int, classes: int, seeds: Seeds) -> None:
        self.inputs = whole("inputs", inputs, 1, SIZES)
        self.classes = whole("classes", classes, 2, SIZES)
        self.seeds = lane_ids(seeds)

    def observe(self, x, y, allowed=None) -> torch.Tensor:
        """Take the batch in; return the logits from before."""
        self._check(x, y)
        before = self.predict(x, allowed)
        self.learn(x, y)
        return before

    def predict(self, x, allowed=None) -> torch.Tensor:
        """Logits (seeds, batch, classes); a class without an example never wins over one with."""
        self._check(x)
        return masked(self.scores(x).float(), allowed)

    def consolidate(self, experience: Experience) -> None:
        """A boundary means nothing to a sum."""

    def rest(self, steps: int) -> None:
        """Nor does time."""

    def _check(self, x, y=None) -> None:
        """x and y have the right shapes, numbers and labels."""
        lanes, shape = len(self.seeds), tuple(x.shape)
        if len(shape) != 3 or shape[0] != lanes or shape[2] != self.inputs:
            raise CourseError(
                f"x is {shape}; expected (seeds, batch, features) = ({lanes}, batch, {self.inputs})"
                f": give {type(self).__name__} the seeds and features of the stream."
            )
        if not bool(torch.isfinite(x).all()):
            raise CourseError("x holds NaN or infinity; expected finite numbers: clean it first.")
        if y is None:
            return
        if y.shape != shape[:2] or y.dtype != torch.long or not y.numel():
            raise CourseError(
                f"y is {tuple(y.shape)} of {y.dtype}; expected class numbers {shape[:2]}, one for "
                "each of at least one example: convert with y.long()."
            )
        if y.min() < 0 or y.max() >= self.classes:
            raise CourseError(
                f"y holds labels from {y.min()} to {y.max()}; expected 0 … {self.classes - 1}: "
                "give the learner the classes of the stream."
            )


class NearestNeighbour(Floor):
    """The label of the nearest stored example (Cover & Hart 1967), from a uniform sample.

    logit_c = -½ |x - nearest stored example of c|². It stores the bytes of a replay buffer of that
    capacity (less the masks, where the task is told); a capacity of the whole stream keeps all.
    Pass once: in further epochs examples are stored twice.
    """

    changes = (Change("stored examples", "until overwritten", "every user"),)

    def __init__(self, inputs: int, classes: int, *, capacity: int = 200, seeds: Seeds = 1) -> None:
        super().__init__(inputs, classes, seeds)
        self.stored = Reservoir(capacity, self.seeds)

    def learn(self, x, y) -> None:
        """Offer the batch to the reservoir."""
        self.stored.add(x, y)

    def scores(self, x) -> torch.Tensor:
        """Minus half the squared distance to the nearest example of each class."""
        scores = x.new_full((*x.shape[:2], self.classes), UNSEEN)
        if not len(self.stored):
            return scores
        old_x, old_y = self.stored.x[:, : len(self.stored)], self.stored.y[:, : len(self.stored)]
        distance = torch.cdist(x, old_x, compute_mode="donot_use_mm_for_euclid_dist")
        near = (-0.5 * distance**2).clamp(min=UNSEEN / 2)
        label = old_y[:, None].expand(*near.shape)
        return scores.scatter_reduce(2, label, near, "amax")

    def memory_bytes(self) -> int:
        """Bytes a lane of the stored examples."""
        return self.stored.memory_bytes()


class RunningSums(Floor):
    """n, B and A, and the readout that a subclass solves from them.

    Each batch ends with a solve, since the next one is answered before it is learnt. The sums are
    float64 (float32 on a device without it), because A is badly conditioned.
    """

    products = True  # whether A is needed

    def __init__(self, inputs: int, classes: int, seeds: Seeds, features: int) -> None:
        super().__init__(inputs, classes, seeds)
        where, lanes = device(), len(self.seeds)
        kind = torch.float32 if where.type == "mps" else torch.float64
        self.n = torch.zeros(lanes, classes, dtype=kind, device=where)
        self.B = self.n.new_zeros(lanes, features, classes)
        self.A = None  # made of the first batch: it is the largest of the three
        self.W, self.b = torch.zeros_like(self.B), self.n.new_zeros(lanes, 1, classes)

    def φ(self, x) -> torch.Tensor:
        """The features: x as it is."""
        return x.to(self.B)

    def learn(self, x, y) -> None:
        """Add the batch to the sums and solve for the readout."""
        φ, onehot = self.φ(x), F.one_hot(y, self.classes).to(self.B)
        self.n += onehot.sum(dim=1)
        self.B.baddbmm_(φ.transpose(1, 2), onehot)
        if self.products:
            new = φ.transpose(1, 2)
            self.A = new @ φ if self.A is None else self.A.baddbmm_(new, φ)
        self.solve()

    def means(self) -> torch.Tensor:
        """The mean of each class, as columns: B / n."""
        return self.B / self.n.clamp(min=1)[:, None]

    def scores(self, x) -> torch.Tensor:
        """φ(x) W + b for the classes that have examples."""
        scores = torch.baddbmm(self.b, self.φ(x), self.W).clamp(min=UNSEEN / 2)
        return scores.masked_fill(self.n[:, None] == 0, UNSEEN)

    def memory_bytes(self) -> int:
        """Bytes a lane of the sums; φ, W and b are its network, and not counted for networks."""
        sums = [part for part in (self.n, self.B, self.A) if part is not None]
        return sum(part[0].numel() * part.element_size() for part in sums)


class ClassMeans(RunningSums):
    """The class whose mean μ_c = B_c / n_c is nearest: logit_c = μ_cᵀx - ½ |μ_c|².

    That is -½ |x - μ_c|² without ½ |x|², which all classes have in common.
    """

    products = False

    def __init__(self, inputs: int, classes: int, *, seeds: Seeds = 1) -> None:
        super().__init__(inputs, classes, seeds, inputs)

    def solve(self) -> None:
        """W = μ, b = -½ |μ|²."""
        self.W = self.means()
        self.b = -0.5 * (self.W**2).sum(dim=1, keepdim=True)


class StreamingLDA(RunningSums):
    """Class means seen through one shared covariance (Hayes & Kanan 2020), ε = shrinkage.

    Σ = (A - Σ_c n_c μ_c μ_cᵀ) / n,   Λ = ((1 - ε) Σ + ε I)⁻¹,   logit_c = μ_cᵀΛx - ½ μ_cᵀΛμ_c

    At ε = 1 these are the class means. The paper moves Σ example by example, which comes near the
    batch solution; from the sums it is the batch solution. Further epochs change nothing.
    """

    def __init__(
        self, inputs: int, classes: int, *, shrinkage: float = 1e-4, seeds: Seeds = 1
    ) -> None:
        if not 0 < shrinkage <= 1:
            raise CourseError(
                f"shrinkage={shrinkage!r}; expected more than 0 and at most 1: try 1e-4."
            )
        super().__init__(inputs, classes, seeds, inputs)
        self.shrinkage = shrinkage

    def solve(self) -> None:
        """W = Λμ, b = -½ μᵀΛμ."""
        μ, ε = self.means(), self.shrinkage
        within = (self.A - self.B @ μ.transpose(1, 2)) / self.n.sum(dim=1)[:, None, None]
        self.W = solved((1 - ε) * within, μ, ε, "shrinkage")
        self.b = -0.5 * (μ * self.W).sum(dim=1, keepdim=True)


class StreamingRidge(RunningSums):
    """Ridge regression on the one-hot labels from random features: W = (A + λI)⁻¹ B.

    φ(x) = max(0, Rᵀ[x, 1]), R normal of variance 1/features, drawn once a lane (random features:
    Rahimi & Recht 2008; extreme learning machines: Huang et al. 2006). W is that of joint
    training, as in ACIL (Zhuang et al. 2022), which updates the inverse. λ = strength does not
    grow with the data: after k epochs W is that of λ/k, so pass once.

    A lane keeps 8 features² bytes, and a batch costs a solve of features³: batch_size=256 is
    quicker than 32 and ends at the same W.
    """

    def __init__(
        self,
        inputs: int,
        classes: int,
        *,
        features: int = 1000,
        strength: float = 0.1,
        seeds: Seeds = 1,
    ) -> None:
        if not 0 < strength < float("inf"):
            raise CourseError(
                f"strength={strength!r}; expected a finite number above 0: try strength=0.1."
            )
        super().__init__(inputs, classes, seeds, whole("features", features, 1, SIZES))
        self.strength = strength
        normal = LaneRandom(seeds, "random features").normal(inputs + 1, features)
        self.R = (normal / features**0.5).to(self.B)

    def φ(self, x) -> torch.Tensor:
        """Rectified random projections; products of features do not grow with their number."""
        return torch.baddbmm(self.R[:, -1:], x.to(self.R), self.R[:, :-1]).relu()

    def solve(self) -> None:
        """W = (A + λI)⁻¹ B."""
        self.W = solved(self.A, self.B, self.strength, "strength")


def solved(A: torch.Tensor, B: torch.Tensor, λ: float, knob: str) -> torch.Tensor:
    """(A + λI)⁻¹ B by Cholesky, lane by lane: a second A of all lanes would be too large."""
    λI = λ * torch.eye(A.shape[-1], dtype=A.dtype, device=A.device)
    try:
        factors = (torch.linalg.cholesky(one + λI) for one in A)
        return torch.stack([torch.cholesky_solve(b, L) for b, L in zip(B, factors, strict=True)])
    except torch.linalg.LinAlgError as error:
        raise CourseError(
            f"{knob}={λ!r} is too small for these data: their sums cannot be inverted; expected "
            f"enough to hold them up: try {knob}={max(100 * λ, 1e-6):.0e}."
        ) from error
