"""A matrix memory as a learner: what it is taught goes into M, and its core stays as it is.

    k = h W / |h W|,   h = ReLU(x A + b)      key: what the example looks like to the core
    v = onehot(y)                             value: its class
    θ, η, α = σ(h G + g)                      gates, one of each an example
    logits = s · k M                          s is learnt, too

The core (A, b, W, G, g, s) learns once, from an earlier stream, how to write: it reads little
streams of that data under made-up labels, is asked about other examples of them, and descends the
gradient of the answers through all that was written. After that only M and S move.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from clcourse.baselines import SIZES, UNSEEN, Floor
from clcourse.errors import CourseError, whole
from clcourse.learner import Change, cross_entropy
from clcourse.memory import State, linear_memory
from clcourse.memory.layer import GATES
from clcourse.pretraining import clip_each_lane, schedule
from clcourse.seeds import LaneRandom, Seeds, device, progress
from clcourse.streams import Stream, as_stream

TEXTS = 4  # little streams in a step


class MemoryCore(nn.Module):
    """x (seeds, …, inputs) → keys of length 1 (seeds, …, width) and the gates (seeds, …) each."""

    def __init__(self, inputs: int, *, hidden: int = 200, width: int = 64, seeds: Seeds) -> None:
        super().__init__()
        sizes = {"inputs": inputs, "hidden": hidden, "width": width}
        self.inputs, hidden, width = (whole(name, size, 1, SIZES) for name, size in sizes.items())
        random = LaneRandom(seeds, "memory core")
        self.seeds = random.seeds
        lanes = len(self.seeds)
        self.A = nn.Parameter(random.normal(inputs, hidden) * (2 / inputs) ** 0.5)
        self.b = nn.Parameter(torch.zeros(lanes, 1, hidden))
        self.W = nn.Parameter(random.normal(hidden, width) / hidden**0.5)
        self.G = nn.Parameter(torch.zeros(lanes, hidden, 3))
        self.g = nn.Parameter(torch.tensor(GATES).expand(lanes, 1, -1).clone())
        self.s = nn.Parameter(torch.full((lanes, 1), 10.0))
        self.to(device())

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Keys, θ, η and α."""
        lead = x.shape[1:-1]
        h = torch.relu(torch.baddbmm(self.b, x.flatten(1, -2), self.A))
        gates = torch.baddbmm(self.g, h, self.G).sigmoid().unflatten(1, lead)
        return F.normalize(h @ self.W, dim=-1).unflatten(1, lead), *gates.unbind(-1)

    def write(self, x, y, classes: int, state: State | None = None) -> State:
        """Read examples x (seeds, …, T, inputs), y (seeds, …, T), one after the other."""
        k, θ, η, α = self(x)
        v = F.one_hot(y, classes).to(k.dtype)
        return linear_memory(k, k, v, θ, η, α, state)[1]

    def answer(self, x, M: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        """Logits of x (seeds, …, T, inputs); seen (seeds, …, classes): classes with examples."""
        k, *_ = self(x)
        logits = (k @ M) * self.s.reshape(-1, *[1] * (M.dim() - 1))
        return logits.masked_fill(~seen.unsqueeze(-2), UNSEEN)


@torch.enable_grad()
def learn_to_write(
    core: MemoryCore,
    stream: Stream,
    *,
    classes: int = 10,
    shots: int = 16,
    steps: int = 600,
    lr: float = 1e-2,
) -> MemoryCore:
    """A copy of the core that has learnt to write from the training part of an earlier stream.

    Time and again every lane reads `shots` examples of each of some classes, one pair of classes
    after the other, under labels of its own; half of a class's examples are written, the others
    asked. AdamW, a tenth of the steps to warm up, then a cosine down to 0; gradients are clipped to
    length 1, a lane at a time.
    """
    x = _by_class(as_stream(stream), core)
    classes = min(whole("classes", classes, 2, SIZES), x.shape[1])
    core, random = _copied(core), LaneRandom(core.seeds, "little streams")
    optimiser = torch.optim.AdamW(core.parameters(), lr, betas=(0.9, 0.99), weight_decay=0.0)
    seen = torch.ones(len(core.seeds), TEXTS, classes, dtype=torch.bool, device=core.A.device)
    for step in progress(range(steps), "learning to write"):
        written, asked, y = _little_streams(random, x, classes, shots)
        state = core.write(written, y, classes)
        logits = core.answer(asked, state.M, seen)
        loss = cross_entropy(logits.flatten(1, 2), y.flatten(1))
        optimiser.zero_grad()
        loss.sum().backward()
        clip_each_lane(core, 1.0)
        optimiser.param_groups[0]["lr"] = lr * schedule(step, steps, max(1, steps // 10), 0.0)
        optimiser.step()
    return core


def _copied(core: MemoryCore) -> MemoryCore:
    fresh = MemoryCore(core.inputs, hidden=core.A.shape[2], width=core.W.shape[2], seeds=core.seeds)
    fresh.load_state_dict(core.state_dict())
    return fresh


def _by_class(stream: Stream, core: MemoryCore) -> torch.Tensor:
    """The training examples, sorted by class: (seeds, classes that occur, n, inputs)."""
    lanes, sorted_ = len(core.seeds), []
    for one in stream:
        x = one.x.expand(lanes, *one.x.shape[-2:])
        y = one.y.expand(lanes, one.y.shape[-1])
        counts = torch.stack([torch.bincount(lane, minlength=stream.classes) for lane in y])
        n = int(counts.max())
        if x.shape[-1] != core.inputs or bool(((counts != 0) & (counts != n)).any()) or n < 2:
            raise CourseError(
                f"{one.name!r} has {x.shape[-1]} features and {counts.tolist()[0]} examples a class"
                f"; expected {core.inputs} features and as many examples, at least two, of each: "
                "try cl.split_digits(seeds=…)[:3]."
            )
        order = y.argsort(dim=1, stable=True)[..., None].expand_as(x)
        sorted_.append(x.gather(1, order).unflatten(1, (-1, n)))
    return torch.cat(sorted_, dim=1).to(core.A.device)


def _little_streams(random: LaneRandom, x: torch.Tensor, classes: int, shots: int):
    """What is written and what is asked, (seeds, TEXTS, T, inputs) each, and the labels of both.

    Two classes come mixed, then the next two, as in a stream of new classes.
    """
    lanes, occurring, n, _ = x.shape
    half, T = n // 2, classes * shots

    def drawn(count: int) -> torch.Tensor:
        return random.uniform(TEXTS * count).reshape(lanes, TEXTS, count)

    turn = torch.arange(classes).repeat_interleave(shots).expand(lanes, TEXTS, T)
    turn = turn.gather(2, (torch.arange(T) // (2 * shots) + drawn(T)).argsort(-1))
    which = drawn(occurring).argsort(-1).gather(2, turn)
    lane = torch.arange(lanes)[:, None, None]
    written, asked = (x[lane, which, (drawn(T) * half).long() + start] for start in (0, half))
    return written, asked, turn.to(x.device)


class MemoryLearner(Floor):
    """Writes each example into a matrix memory as it comes; nothing else moves.

    core  a `MemoryCore`, taught by `learn_to_write` or not (a control); classes: the size of the
    logits. A class without an example never wins over one with.
    """

    changes = (Change("M and S", "until faded or overwritten", "whoever reads this memory"),)

    def __init__(self, core: MemoryCore, classes: int = 10) -> None:
        super().__init__(core.inputs, classes, core.seeds)
        self.core = core
        zero = core.W.detach().new_zeros(len(self.seeds), core.W.shape[2], self.classes)
        self.state, self.seen = State(zero, zero), zero[:, 0].bool()

    @torch.no_grad()
    def learn(self, x, y) -> None:
        """Write the batch, one example after the other."""
        self.state = self.core.write(x, y, self.classes, self.state)
        self.seen = self.seen | F.one_hot(y, self.classes).amax(dim=1).bool()

    @torch.no_grad()
    def scores(self, x) -> torch.Tensor:
        """Logits (seeds, batch, classes)."""
        return self.core.answer(x, self.state.M, self.seen)

    def memory_bytes(self) -> int:
        """M, S and which classes came."""
        parts = (*self.state, self.seen)
        return sum(part[0].numel() * part.element_size() for part in parts)
