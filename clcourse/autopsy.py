"""What was lost? Ask a network in three ways, then and now: the loss splits into three causes.

Each way of asking forgives more than the one before:
  untold  as its stream asks: which of all classes?         accuracy U
  told    the same network, choosing among its task's own   accuracy T
  probe   a fresh readout on its last hidden layer, told    accuracy P
With "then" right after the task was learnt and "now" later, the loss splits without a rest:
  U_then - U_now = access + readout + features
  access   = (T_now - U_now) - (T_then - U_then)   the answer is there, the question is too wide
  readout  = (P_now - T_now) - (P_then - T_then)   the features are there, the readout misfits them
  features = P_then - P_now                        not even a fresh readout finds it
The split is one of mean accuracies, net: a gain on one picture hides a loss on another, and a part
may be negative. A readout misfits features when either of them has moved.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from clcourse.errors import CourseError
from clcourse.evaluate import accuracies, batches, estimate_or_value, on_lanes, run
from clcourse.learner import Learner, masked
from clcourse.seeds import LaneRandom
from clcourse.streams import Experience


def told(experience: Experience, classes: int) -> Experience:
    """The experience with its question narrowed to the classes that it teaches itself."""
    y = experience.y
    own = torch.zeros(*y.shape[:-1], classes, dtype=torch.bool, device=y.device)
    return replace(experience, allowed=own.scatter(-1, y, True))


def accuracy(learner: Learner, experience: Experience, held_out: str = "test") -> torch.Tensor:
    """Accuracy on one experience, asked as its stream asks: (seeds,)."""
    return accuracies(learner, [experience], held_out)[:, 0]


def accuracy_told(
    learner: Learner, experience: Experience, held_out: str = "test"
) -> torch.Tensor:
    """Accuracy of the same learner, asked only among the classes of the experience: (seeds,)."""
    x = on_lanes(experience, len(learner.seeds)).x[:, :1]
    return accuracy(learner, told(experience, learner.predict(x).shape[-1]), held_out)


class Probe:
    """A fresh readout on the last hidden layer h of a network, which stays as it is.

    Ridge regression of one-hot labels on the centred h of the *training* part, in closed form:
    W = (HᵀH/n + λ s² I)⁻¹ HᵀY/n, with s² the mean variance of a unit. Linear probes: Alain &
    Bengio 2016 (arXiv 1610.01644). λ = .1 to .0001 moves the digits' probes by less than .003.
    """

    ridge = 0.01

    @torch.no_grad()
    def __init__(self, network, experience: Experience) -> None:
        self.network, self.seeds = network, network.seeds
        taught = on_lanes(experience, len(self.seeds))
        h = network.hidden(taught.x)
        y = torch.nn.functional.one_hot(taught.y).to(h.dtype)
        self.h_mean, self.y_mean = h.mean(dim=1, keepdim=True), y.mean(dim=1, keepdim=True)
        h, y, n = h - self.h_mean, y - self.y_mean, h.shape[1]
        gram = h.transpose(1, 2) @ h / n
        variance = gram.diagonal(dim1=1, dim2=2).mean(dim=1)[:, None, None]
        penalty = (self.ridge * variance + 1e-8) * torch.eye(gram.shape[1], device=h.device)
        self.weights = torch.linalg.solve(gram + penalty, h.transpose(1, 2) @ y / n)

    @torch.no_grad()
    def predict(self, x: torch.Tensor, allowed: torch.Tensor | None = None) -> torch.Tensor:
        """Logits (seeds, batch, classes up to the last one taught)."""
        logits = (self.network.hidden(x) - self.h_mean) @ self.weights + self.y_mean
        return masked(logits, allowed)


def probe(learner: Learner, experience: Experience, held_out: str = "test") -> torch.Tensor:
    """Accuracy of a fresh readout on the learner's hidden layer, told the task: (seeds,)."""
    return accuracy_told(Probe(learner.network, experience), experience, held_out)


@dataclass(frozen=True)
class Autopsy:
    """Accuracy (then, now) for three ways of asking, and what follows; tensors are (seeds,)."""

    untold: tuple[torch.Tensor, torch.Tensor]
    told: tuple[torch.Tensor, torch.Tensor]
    probe: tuple[torch.Tensor, torch.Tensor]

    @property
    def lost(self) -> torch.Tensor:
        """U_then - U_now, which is access + readout + features."""
        return self.untold[0] - self.untold[1]

    @property
    def causes(self) -> dict[str, torch.Tensor]:
        """The three parts of the loss."""
        U, T, P = self.untold, self.told, self.probe
        return {
            "access": (T[1] - U[1]) - (T[0] - U[0]),
            "readout": (P[1] - T[1]) - (P[0] - T[0]),
            "features": P[0] - P[1],
        }

    def __repr__(self) -> str:
        parts = {"lost": self.lost} | self.causes
        return ", ".join(f"{name} {estimate_or_value(part)}" for name, part in parts.items())


def examine(
    moments: Sequence[Learner], stream: Sequence[Experience], *, held_out: str = "test"
) -> Autopsy:
    """Why the last of `moments` fails on what it had learnt; the mean over all earlier ones.

    moments[j] is the learner right after experience j of the stream, as `life` gives them.
    """
    if not 2 <= len(moments) <= len(stream) + 1:
        raise CourseError(
            f"{len(moments)} moments and {len(stream)} experiences; expected the learner after "
            "each of them: pass cl.life(learner, stream) and the same stream."
        )
    after, mean = moments[-1], [torch.zeros(len(moments[-1].seeds)) for _ in range(6)]
    for before, experience in zip(moments[:-1], stream, strict=False):
        for way, answers in enumerate((accuracy, accuracy_told, probe)):
            for when, learner in enumerate((before, after)):
                mean[2 * way + when] += answers(learner, experience, held_out) / (len(moments) - 1)
    return Autopsy(tuple(mean[0:2]), tuple(mean[2:4]), tuple(mean[4:6]))


def plant(learner: Learner, experience: Experience, cause: str, share: float = 1.0) -> Learner:
    """A copy with damage of one known kind, to hold the autopsy to.

    access    a bias keeps the task's own outputs from ever being the largest
    readout   the task's own outputs exchange their weights; the hidden layer is untouched
    features  a `share` of the hidden units is stuck, each at its mean activity on the task
    """
    learner = copy.deepcopy(learner)
    network, taught = learner.network, on_lanes(experience, len(learner.seeds))
    own = told(taught, network.sizes[-1]).allowed[:, None]
    with torch.no_grad():
        if cause == "access":
            network.biases[-1][own] -= 100.0
        elif cause == "readout":
            for part in (network.weights[-1], network.biases[-1]):
                columns = own.expand_as(part).nonzero()[:, 2].reshape(*part.shape[:2], -1)
                part.scatter_(2, columns, part.gather(2, columns).roll(1, dims=2))
        elif cause == "features":
            stuck = round(share * network.sizes[-2])
            mean = network.hidden(taught.x).mean(dim=1, keepdim=True)
            network.biases[-2][..., :stuck] = mean[..., :stuck]
            network.weights[-2][..., :stuck] = 0.0
        else:
            raise CourseError(
                f"Unknown damage {cause!r}; expected 'access', 'readout' or 'features'."
            )
    return learner


def life(learner: Learner, stream: Sequence[Experience], **options) -> list[Learner]:
    """The learner right after each experience, as copies; options as in `run`."""
    moments = []
    for position in range(len(stream)):
        learner = run(learner, stream[position : position + 1], **options).learner
        moments.append(learner)
    return moments


def watch(
    learner: Learner,
    lesson: Experience,
    ask: dict[str, Callable[[Learner], torch.Tensor]],
    *,
    steps: int,
    batch_size: int = 32,
) -> dict[str, torch.Tensor]:
    """Teach a copy of the learner a lesson; put each question before it and after every step.

    ask  {name: a function of the learner that gives (seeds,)} → {name: (seeds, steps + 1)}
    """
    learner = copy.deepcopy(learner)
    order = LaneRandom(learner.seeds, "batches")
    endless = itertools.chain.from_iterable(
        batches(lesson, order, batch_size) for _ in itertools.count()
    )
    answers = {name: [question(learner)] for name, question in ask.items()}
    for x, y, allowed in itertools.islice(endless, steps):
        learner.observe(x, y, allowed)
        for name, question in ask.items():
            answers[name].append(question(learner))
    return {name: torch.stack(one, dim=1) for name, one in answers.items()}


def first_step(curve: torch.Tensor, least: float) -> torch.Tensor:
    """The first step at which a curve (seeds, steps + 1) is at least so high: (seeds,)."""
    reached = curve >= least
    never = int((~reached.any(dim=1)).sum())
    if never:
        raise CourseError(
            f"{never} of {len(curve)} lanes never reach {least:g}; expected all to: watch them "
            "for more steps."
        )
    return reached.int().argmax(dim=1)
