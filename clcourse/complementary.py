"""Two memory systems: a fast store that keeps episodes apart, a slow network that they share.

By day the fast store takes in what is new. By night it brings episodes back, mixed, and the slow
network learns from them as if the old days had come again: complementary learning systems
(McClelland, McNaughton & O'Reilly 1995). The fast store may be a hippocampus, or a shoebox.
"""

from __future__ import annotations

import copy
from dataclasses import replace

import torch
import torch.nn.functional as F

from clcourse.errors import CourseError
from clcourse.hippocampus import Hippocampus, k_winners, overlap
from clcourse.learner import Change, cross_entropy, masked, one_mask_each
from clcourse.nets import mlp
from clcourse.regions import Gauge
from clcourse.replay import Reservoir
from clcourse.seeds import LaneRandom, Seeds
from clcourse.streams import Experience, Stream


def sparse_codes(stream: Stream, units: int = 200, active: int = 20) -> Stream:
    """The same stream with x as sparse binary codes, as the entorhinal cortex would send them.

    x (…, features) → k_winners((x - m) W, active): (…, units). W is Gaussian, drawn for each lane;
    m is the mean x of the first experience, without which all codes would share their units. Both
    are fixed from then on.
    """
    random = LaneRandom(1 if stream.seeds is None else stream.seeds, "sparse codes")
    first = stream[0].x
    m = first.mean(dim=-2, keepdim=True)
    W = random.normal(first.shape[-1], units).to(first.device)
    W = W[0] if stream.seeds is None else W

    def coded(x: torch.Tensor) -> torch.Tensor:
        return k_winners((x - m) @ W, active)

    def make(position: int) -> Experience:
        old = stream[position]
        return replace(old, x=coded(old.x), x_val=coded(old.x_val), x_test=coded(old.x_test))

    return Stream(
        make, len(stream), classes=stream.classes, scenario=stream.scenario, seeds=stream.seeds
    )


class Episodes:
    """A hippocampus as a store of examples: an episode is what was seen beside what it was called.

    In the pattern of an episode the first units hold x (binary, subjects by examples by features),
    the rest the answer: as many units for each class as fit. Wherever a Reservoir fits, this does:
    add(x, y) stores, sample(count) replays.

    chance  with which a new episode is stored: the way to keep a store from filling up
    """

    def __init__(
        self, hippocampus: Hippocampus, features: int, classes: int, chance: float = 1.0
    ) -> None:
        each = (hippocampus.ec.units - features) // classes if classes > 0 else 0
        if features < 1 or each < 1:
            raise CourseError(
                f"{features} features and {classes} classes do not fit into "
                f"{hippocampus.ec.units} units; expected at least 1 unit a class beside the "
                "features: try Hippocampus(240, 24) for 200 features and 10 classes."
            )
        self.hippocampus, self.chance = hippocampus, chance
        self.features, self.classes, self.each = features, classes, each

    @property
    def seeds(self) -> tuple[int, ...]:
        """The ids of the subjects."""
        return self.hippocampus.seeds

    def start(self, seeds: Seeds) -> Episodes:
        """A copy for the same subjects."""
        if tuple(seeds) != self.seeds:
            raise CourseError(
                f"The hippocampus has subjects {list(self.seeds)} and the network lanes "
                f"{list(seeds)}; expected the same: make both with the same seeds=."
            )
        return copy.deepcopy(self)

    def __len__(self) -> int:
        return int(self.hippocampus.load.min().ceil())

    def add(self, x: torch.Tensor, y: torch.Tensor, allowed: torch.Tensor | None = None) -> None:
        """Store those examples (subjects, batch, features) whose answer x does not bring back."""
        patterns = torch.cat([x, self._name(y).to(x)], dim=-1)
        self.hippocampus.store(patterns, self._cue(x), chance=self.chance)

    def sample(self, count: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """x and y of episodes that come to mind by themselves; a dream knows no task: no mask."""
        patterns = self.hippocampus.replay(count)
        shares = self._read(patterns)
        anything = torch.ones_like(shares, dtype=torch.bool)
        return patterns[..., : self.features], shares.argmax(dim=-1), anything

    def answer(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """What x brings back: share of each class's units active, and whether x is recognised.

        (subjects, batch, classes), and (subjects, batch) of bool: it is recognised when what comes
        back contains it.
        """
        back = self.hippocampus.recall(self._cue(x))
        known = overlap(back[..., : self.features], x) >= self.hippocampus.familiar
        return self._read(back), known

    def gauge(self) -> Gauge:
        """How full the hippocampus is."""
        return self.hippocampus.gauge()

    def memory_bytes(self) -> int:
        """Bytes a subject."""
        return self.hippocampus.memory_bytes()

    def _name(self, y: torch.Tensor) -> torch.Tensor:
        """The answers as patterns: (subjects, batch, units for answers)."""
        if not bool(((y >= 0) & (y < self.classes)).all()):
            raise CourseError(
                f"Labels go from {y.min()} to {y.max()}; expected 0 to {self.classes - 1}: make "
                "the store with classes= like the stream."
            )
        spare = self.hippocampus.ec.units - self.features - self.classes * self.each
        each = F.one_hot(y, self.classes).repeat_interleave(self.each, dim=-1)
        return F.pad(each, (0, spare))

    def _read(self, patterns: torch.Tensor) -> torch.Tensor:
        """How much of each class's pattern is there: (subjects, batch, classes)."""
        units = patterns[..., self.features : self.features + self.classes * self.each]
        return units.unflatten(-1, (self.classes, self.each)).mean(dim=-1)

    def _cue(self, x: torch.Tensor) -> torch.Tensor:
        """x with nothing where the answer would be."""
        return F.pad(x, (0, self.hippocampus.ec.units - x.shape[-1]))


class Neocortex:
    """A slow network that everything learnt shares: an MLP, taught by small steps.

    v ← momentum v + g,  θ ← θ - lr v        mlp sizes as in cl.mlp; one network a lane
    """

    def __init__(
        self, *sizes: int, lr: float = 0.1, momentum: float = 0.0, seeds: Seeds = 1
    ) -> None:
        if not lr > 0 or not 0 <= momentum < 1:
            raise CourseError(
                f"lr={lr!r}, momentum={momentum!r}; expected a step size above 0 and a momentum "
                "from 0 to below 1: try lr=0.1, momentum=0."
            )
        self.network, self.lr, self.momentum = mlp(*sizes, seeds=seeds), lr, momentum
        self.velocity = [torch.zeros_like(θ) for θ in self.network.parameters()]

    @property
    def seeds(self) -> tuple[int, ...]:
        """The ids of the lanes."""
        return self.network.seeds

    def learn(self, x, target, allowed=None) -> torch.Tensor:
        """One step; return the logits from before it.

        target  classes (lanes, batch), or binary patterns (lanes, batch, out), whose units are
        learnt one by one: the sum over units of the logistic loss.
        """
        logits = masked(self.network(x), allowed)
        if target.dim() == 2:
            loss = cross_entropy(logits, target)
        else:
            each = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
            loss = each.sum(dim=2).mean(dim=1)
        if not bool(torch.isfinite(loss).all()):
            raise CourseError("The neocortex diverged; expected a finite loss: lower lr.")
        weights = list(self.network.parameters())
        gradients = torch.autograd.grad(loss.sum(), weights)
        with torch.no_grad():
            for θ, g, v in zip(weights, gradients, self.velocity, strict=True):
                v.mul_(self.momentum).add_(g)
                θ.sub_(v, alpha=self.lr)
        return logits.detach()

    @torch.no_grad()
    def answer(self, x: torch.Tensor) -> torch.Tensor:
        """Logits (lanes, batch, out)."""
        return self.network(x)


class TwoSystems:
    """Fast store and slow network, with sleep between: a learner.

    fast    an Episodes (a hippocampus) or a Reservoir (a shoebox)
    awake   whether the cortex also learns by day, from what is there, and nothing else
    batch   episodes a step of sleep; a night draws them from `dreams` replays

    A question goes to the hippocampus if it recognises x, and to the cortex otherwise. A shoebox
    cannot be asked.
    """

    accepts = ("vectors",)
    needs_boundaries = False

    def __init__(
        self,
        fast: Episodes | Reservoir,
        cortex: Neocortex,
        *,
        awake: bool = False,
        batch: int = 32,
        dreams: int = 800,
    ) -> None:
        if batch < 1 or dreams < 1:
            raise CourseError(
                f"batch={batch}, dreams={dreams}; expected at least 1 of each: try 32 and 800."
            )
        self.fast, self.cortex, self.awake = fast.start(cortex.seeds), cortex, awake
        self.batch, self.dreams = batch, dreams
        self.random = LaneRandom(cortex.seeds, "sleep")
        self.lesions: frozenset[str] = frozenset()

    @property
    def seeds(self) -> tuple[int, ...]:
        """The ids of the lanes."""
        return self.cortex.seeds

    @property
    def network(self):
        """The slow network."""
        return self.cortex.network

    @property
    def changes(self) -> tuple[Change, ...]:
        """Episodes at once, weights in sleep."""
        return (
            Change("episodes", "until they fade or are overwritten", "one subject"),
            Change("weights", "until the next night", "one subject"),
        )

    def observe(self, x, y, allowed=None) -> torch.Tensor:
        """A moment of the day: store what is new."""
        before = self.predict(x, allowed)
        if "hippocampus" not in self.lesions:
            self.fast.add(x, y, one_mask_each(allowed, y))
        if self.awake:
            self.cortex.learn(x, y, allowed)
        return before

    def rest(self, steps: int) -> None:
        """A night of so many steps: the fast store replays, the cortex learns."""
        if "hippocampus" in self.lesions or steps < 1:
            return
        x, y, allowed = self.fast.sample(self.dreams)
        lane = torch.arange(len(x), device=x.device)[:, None]
        for _ in range(steps):
            chosen = self.random.integers(self.batch, self.dreams).to(x.device)
            told = None if allowed is None else allowed[lane, chosen]
            self.cortex.learn(x[lane, chosen], y[lane, chosen], told)

    @torch.no_grad()
    def predict(self, x, allowed=None) -> torch.Tensor:
        """Logits (seeds, batch, classes) of the system that is in charge of each x."""
        slow = self.cortex.answer(x)
        if "hippocampus" in self.lesions or not isinstance(self.fast, Episodes):
            return masked(slow, allowed)
        shares, known = self.fast.answer(x)
        known = known | ("neocortex" in self.lesions)
        return masked(torch.where(known[..., None], 10 * shares, slow), allowed)

    def lesion(self, part: str) -> TwoSystems:
        """A copy without "hippocampus" (no storing, recall or replay) or "neocortex"."""
        if part not in ("hippocampus", "neocortex"):
            raise CourseError(
                f"There is no part {part!r} to lesion; expected 'hippocampus' or 'neocortex'."
            )
        other = copy.deepcopy(self)
        other.lesions = self.lesions | {part}
        return other

    def consolidate(self, experience: Experience) -> None:
        """Nobody tells it where an experience ends."""

    def memory_bytes(self) -> int:
        """Bytes a lane of the fast store."""
        return self.fast.memory_bytes()
