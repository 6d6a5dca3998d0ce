"""One sentence for every system: `history = run(learner, stream)`."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import torch

from clcourse.errors import CourseError
from clcourse.learner import Learner, cross_entropy
from clcourse.metrics import average_accuracy, estimate, forgetting, learning_accuracy
from clcourse.seeds import LaneRandom, device, progress
from clcourse.streams import Experience, Stream, as_stream


class Cost(NamedTuple):
    """What a run took: optimiser steps, examples shown, seconds, bytes stored; all a lane."""

    steps: int
    examples: int
    seconds: float
    stored_bytes: int


@dataclass
class History:
    """What a learner went through, on the CPU.

    accuracy  (seeds, T, T): R[s, i, j] = accuracy on experience j after learning i
    before    (seeds, T): accuracy before any learning
    online    (seeds, steps): accuracy on each batch of the first pass, before learning it
    loss      (seeds, steps): the same for the loss
    awake     (seeds, T, T): accuracy before each rest; None where there was no rest
    """

    accuracy: torch.Tensor
    before: torch.Tensor
    online: torch.Tensor
    loss: torch.Tensor
    awake: torch.Tensor | None
    cost: Cost
    names: tuple[str, ...]
    seeds: tuple[int, ...]
    learner: Learner | None = None

    def table(self) -> Table:
        """The run in six rows: accuracy, forgetting and cost."""
        rows = {
            "average accuracy": estimate_or_value(average_accuracy(self.accuracy)),
            "accuracy when new": estimate_or_value(learning_accuracy(self.accuracy)),
        }
        if len(self.names) > 1:
            rows["forgetting"] = estimate_or_value(forgetting(self.accuracy))
        rows |= {
            "steps": f"{self.cost.steps}",
            "examples shown": f"{self.cost.examples}",
            "bytes stored": f"{self.cost.stored_bytes}",
        }
        return Table(rows)

    def __repr__(self) -> str:
        accuracy = estimate_or_value(average_accuracy(self.accuracy))
        return (
            f"History of {len(self.names)} experiences, {len(self.seeds)} lanes: average "
            f"accuracy {accuracy}"
        )

    def save(self, path: str | Path) -> None:
        """Write the numbers, not the learner, as safetensors; an old file stays until then."""
        from safetensors.torch import save

        tensors = {name: getattr(self, name) for name in ("accuracy", "before", "online", "loss")}
        if self.awake is not None:
            tensors["awake"] = self.awake
        facts = {"names": self.names, "seeds": self.seeds, "cost": self.cost}
        path = Path(path)
        unfinished = path.with_name(path.name + ".unfinished")
        unfinished.write_bytes(save(tensors, {key: json.dumps(facts[key]) for key in facts}))
        unfinished.replace(path)

    @classmethod
    def load(cls, path: str | Path) -> History:
        """Read what `save` wrote; the learner is None."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, framework="pt") as file:
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
                facts = {key: json.loads(value) for key, value in file.metadata().items()}
        except (SafetensorError, OSError, AttributeError, ValueError) as error:
            raise CourseError(
                f"{path} is not a saved history; expected a file written by history.save: "
                "run the experiment again."
            ) from error
        return cls(
            **{"awake": None} | tensors,
            cost=Cost(*facts["cost"]),
            names=tuple(facts["names"]),
            seeds=tuple(facts["seeds"]),
        )


class Table:
    """Rows of names and values, aligned as text and drawn as a table in a notebook."""

    def __init__(self, rows: dict[str, object]) -> None:
        self.rows = {name: str(value) for name, value in rows.items()}

    def __repr__(self) -> str:
        width = max(map(len, self.rows))
        return "\n".join(f"{name:<{width}}  {value}" for name, value in self.rows.items())

    def _repr_markdown_(self) -> str:
        lines = [f"| {name} | {value} |" for name, value in self.rows.items()]
        return "\n".join(["| | |", "|---|---|", *lines])


def estimate_or_value(values: torch.Tensor) -> str:
    """The estimate over lanes as text; one lane alone has no spread."""
    return str(estimate(values)) if len(values) > 1 else f"{values.item():.2f} (one lane)"


def run(
    learner: Learner,
    stream: Sequence[Experience],
    *,
    epochs: int = 10,
    batch_size: int = 32,
    boundaries: bool = True,
    rest: int = 0,
    held_out: str = "test",
) -> History:
    """Let a copy of the learner live through the stream; the original stays as it is.

    boundaries=False never tells the learner that an experience has ended; rest: steps without data
    after each experience; held_out: "test", or "validation" for choosing settings.
    """
    stream = as_stream(stream)
    _check(learner, stream, epochs, batch_size, boundaries, rest)
    learner = copy.deepcopy(learner)
    order = LaneRandom(learner.seeds, "batches")
    before = accuracies(learner, stream, held_out)
    awake, rested, online, loss = [], [], [], []
    steps = examples = 0
    seconds = 0.0
    for experience in progress(stream, "learning", total=len(stream)):
        started = time.perf_counter()
        for epoch in range(epochs):
            for x, y, allowed in batches(experience, order, batch_size):
                logits = learner.observe(x, y, allowed)
                steps, examples = steps + 1, examples + x.shape[1]
                if epoch == 0:
                    online.append(_hits(logits, y))
                    loss.append(cross_entropy(logits, y))
        if boundaries:
            learner.consolidate(on_lanes(experience, len(learner.seeds)))
        seconds += time.perf_counter() - started
        if rest:
            awake.append(accuracies(learner, stream, held_out))
            learner.rest(rest)
        rested.append(accuracies(learner, stream, held_out))
    return History(
        accuracy=torch.stack(rested, dim=1),
        before=before,
        online=torch.stack(online, dim=1).cpu(),
        loss=torch.stack(loss, dim=1).cpu(),
        awake=torch.stack(awake, dim=1) if rest else None,
        cost=Cost(steps, examples, seconds, learner.memory_bytes()),
        names=tuple(experience.name for experience in stream),
        seeds=tuple(learner.seeds),
        learner=learner,
    )


def batches(experience: Experience, order: LaneRandom, batch_size: int) -> Iterator[tuple]:
    """One pass over the training part in each lane's own order: x, y, allowed of each batch."""
    experience = on_lanes(experience, len(order.seeds))
    lane = torch.arange(len(order.seeds))[:, None]
    for chosen in order.permutation(experience.y.shape[1]).split(batch_size, dim=1):
        masks = experience.x_allowed
        masks = experience.allowed if masks is None else masks[lane, chosen]
        yield experience.x[lane, chosen], experience.y[lane, chosen], masks


def accuracies(learner: Learner, stream: Sequence[Experience], held_out: str) -> torch.Tensor:
    """Accuracy on every experience: (seeds, T)."""
    lanes, results = len(learner.seeds), []
    for experience in stream:
        x, y = experience.held_out(held_out)
        asked = on_lanes(replace(experience, x=x, y=y, x_allowed=None), lanes)
        results.append(_hits(learner.predict(asked.x, asked.allowed), asked.y))
    return torch.stack(results, dim=1).cpu()


def on_lanes(experience: Experience, lanes: int) -> Experience:
    """The training part with its seed axis, also where all lanes share one draw, on `device()`."""
    shared, where, spread = experience.y.dim() == 1, device(), {}
    for name in ("x", "y", "allowed", "x_allowed"):
        part = getattr(experience, name)
        if part is not None:
            part = part.to(where)
            spread[name] = part.expand(lanes, *part.shape) if shared else part
    return Experience(experience.name, **spread)


def _hits(logits: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Share of right answers, one number a lane."""
    return (logits.argmax(dim=-1) == y).float().mean(dim=1)


def _check(learner, stream: Stream, epochs, batch_size, boundaries, rest) -> None:
    """The run makes sense before it starts."""
    for name, value, least in (
        ("epochs", epochs, 1),
        ("batch_size", batch_size, 1),
        ("rest", rest, 0),
    ):
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise CourseError(
                f"{name}={value!r}; expected a whole number of at least {least}: "
                f"try {name}={max(least, 10)}."
            )
    if not isinstance(learner, Learner):
        raise CourseError(
            f"{type(learner).__name__} is no learner; expected observe, predict, consolidate and "
            "rest: wrap a network as cl.GradientLearner(network)."
        )
    if stream.seeds is not None and tuple(stream.seeds) != tuple(learner.seeds):
        raise CourseError(
            f"The stream has lanes {_few(stream.seeds)} and the learner {_few(learner.seeds)}; "
            "expected the same: give both the same seeds=."
        )
    if learner.needs_boundaries and not boundaries:
        raise CourseError(
            "This learner must be told where an experience ends, and boundaries=False never tells "
            "it; expected boundaries=True, or a learner without a penalty."
        )
    _check_sizes(learner, stream)


def _check_sizes(learner, stream: Stream) -> None:
    """The learner reads such x, and has as many inputs and outputs as the stream needs."""
    first = stream[0]
    kind = "vectors" if first.x.is_floating_point() else "tokens"
    if kind not in learner.accepts:
        raise CourseError(
            f"The stream is of {kind} and the learner reads {' or '.join(learner.accepts)}; "
            f"expected a learner of {kind}: try "
            + ("cl.mlp." if kind == "vectors" else "cl.tiny_transformer.")
        )
    try:
        logits = learner.predict(on_lanes(first, len(learner.seeds)).x[:, :1])
    except RuntimeError as error:
        raise CourseError(
            f"The learner cannot read x of {first.x.shape[-1]} features; expected a network with "
            f"as many inputs: try mlp({first.x.shape[-1]}, 100, {stream.classes})."
        ) from error
    if logits.shape[-1] < stream.classes:
        raise CourseError(
            f"The learner has {logits.shape[-1]} outputs and the stream {stream.classes} classes; "
            f"expected at least as many: try mlp({first.x.shape[-1]}, 100, {stream.classes})."
        )


def _few(ids: Sequence[int]) -> str:
    """Lane ids in a few words."""
    return str(list(ids)) if len(ids) < 5 else f"{ids[0]} … {ids[-1]} ({len(ids)})"
