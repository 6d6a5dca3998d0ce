"""What arrives, and in which order: streams of experiences.

A *stream* is a sequence of experiences; an *experience* is a chunk of data that arrives together.
`seeds=None` is one draw that all lanes share; with seeds, each lane has a draw of its own and the
data a leading seed axis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch

from clcourse.errors import CourseError
from clcourse.seeds import Seeds, lane_ids


@dataclass(frozen=True, eq=False)
class Experience:
    """A chunk of data that arrives together.

    x  (seeds, n, features) or, shared by all lanes, (n, features); y the same without features.
    allowed  (seeds, classes) or (classes,): the answers in question, where the learner is told the
    task; x_allowed  (seeds, n, classes): the same for each training example of a mixture of tasks.
    """

    name: str
    x: torch.Tensor
    y: torch.Tensor
    x_val: torch.Tensor | None = None
    y_val: torch.Tensor | None = None
    x_test: torch.Tensor | None = None
    y_test: torch.Tensor | None = None
    allowed: torch.Tensor | None = None
    x_allowed: torch.Tensor | None = None

    def __post_init__(self) -> None:
        for part, x, y in (
            ("training", self.x, self.y),
            ("validation", self.x_val, self.y_val),
            ("test", self.x_test, self.y_test),
        ):
            if x is not None or y is not None:
                _check_part(f"{self.name!r}, {part} part", x, y)

    def training(self) -> Experience:
        """The training part alone: all that a learner may look at."""
        return replace(self, x_val=None, y_val=None, x_test=None, y_test=None)

    def held_out(self, part: str) -> tuple[torch.Tensor, torch.Tensor]:
        """x and y of the "test" or the "validation" part."""
        parts = {"test": (self.x_test, self.y_test), "validation": (self.x_val, self.y_val)}
        if part not in parts or parts[part][0] is None:
            raise CourseError(
                f"{self.name!r} has no {part!r} part; expected 'test' or 'validation' with data: "
                "give the experience x_test and y_test, or x_val and y_val."
            )
        return parts[part]


def _check_part(where: str, x: torch.Tensor, y: torch.Tensor) -> None:
    """x and y of one part fit together, are not empty and hold numbers."""
    tensors = isinstance(x, torch.Tensor) and isinstance(y, torch.Tensor)
    if not tensors or x.shape[: y.dim()] != y.shape or y.dim() not in (1, 2) or 0 in x.shape:
        shapes = [tuple(part.shape) if isinstance(part, torch.Tensor) else part for part in (x, y)]
        raise CourseError(
            f"{where}: x {shapes[0]} and y {shapes[1]} do not fit; expected tensors "
            "x (seeds, n, features) and y (seeds, n) with n >= 1, or both without seeds."
        )
    if y.dtype != torch.long or bool((y < 0).any()):
        raise CourseError(
            f"{where}: y is of {y.dtype} and starts at {y.min().item()}; expected class numbers "
            "0, 1, 2 … of type torch.long: convert with y.long()."
        )
    if x.is_floating_point() and not bool(torch.isfinite(x).all()):
        raise CourseError(
            f"{where}: x holds NaN or infinity; expected finite numbers: clean the data first."
        )


class Stream(Sequence):
    """Experiences in order, each made when it is asked for, so that long streams stay small.

    make  a function from position 0 … length-1 to an Experience; classes: how many outputs a
    learner needs; seeds: None (one draw shared by all lanes), a number or a list of ids.
    """

    def __init__(
        self,
        make: Callable[[int], Experience],
        length: int,
        *,
        classes: int,
        scenario: str = "class",
        seeds: Seeds | None = None,
    ) -> None:
        if length < 1 or classes < 2:
            raise CourseError(
                f"A stream of {length} experiences and {classes} classes teaches nothing; expected "
                "at least 1 experience and 2 classes."
            )
        self.make, self.length, self.classes, self.scenario = make, length, classes, scenario
        self.seeds = None if seeds is None else lane_ids(seeds)

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, position: int | slice) -> Experience | Stream:
        if isinstance(position, slice):
            return self._part(range(self.length)[position])
        if not -self.length <= position < self.length:
            raise IndexError(f"experience {position} of a stream of {self.length}")
        return self.make(position % self.length)

    def _part(self, positions: range) -> Stream:
        """A shorter stream for the same lanes and answers, such as stream[1:]."""
        return Stream(
            lambda position: self.make(positions[position]),
            len(positions),
            classes=self.classes,
            scenario=self.scenario,
            seeds=self.seeds,
        )

    def __iter__(self) -> Iterator[Experience]:
        return (self.make(position) for position in range(self.length))

    def __repr__(self) -> str:
        lanes = "one draw for all lanes" if self.seeds is None else f"{len(self.seeds)} lanes"
        return (
            f"Stream of {self.length} experiences, {self.classes} classes, "
            f"{self.scenario}-incremental, {lanes}"
        )


def as_stream(experiences: Sequence[Experience]) -> Stream:
    """A Stream of experiences made elsewhere, checked: same lanes and features throughout."""
    if isinstance(experiences, Stream):
        return experiences
    experiences = list(experiences)
    if not experiences or not all(isinstance(one, Experience) for one in experiences):
        raise CourseError(
            "A stream needs at least one Experience and nothing else: try cl.split_digits()."
        )
    shapes = {
        (one.x.dim(), len(one.x) if one.y.dim() == 2 else 0, one.x.shape[-1]) for one in experiences
    }
    if len(shapes) > 1:
        raise CourseError(
            "The experiences of a stream differ in lanes or features; expected x (seeds, n, "
            f"features) with the same seeds and features, got {sorted(shapes)}."
        )
    labels = [y for one in experiences for y in (one.y, one.y_val, one.y_test) if y is not None]
    classes = max(int(y.max()) for y in labels) + 1
    seeds = len(experiences[0].y) if experiences[0].y.dim() == 2 else None
    return Stream(experiences.__getitem__, len(experiences), classes=classes, seeds=seeds)


def cumulative(experiences: Sequence[Experience]) -> Stream:
    """The stream of joint training: experience i teaches all up to i, and tests i alone."""
    stream = as_stream(experiences)

    def make(position: int) -> Experience:
        past = [stream[earlier] for earlier in range(position + 1)]
        masks = None
        if past[-1].allowed is not None:
            each = [one.allowed[..., None, :].expand(*one.y.shape, -1) for one in past]
            masks = torch.cat(each, dim=-2)
        x, y = torch.cat([one.x for one in past], -2), torch.cat([one.y for one in past], -1)
        return replace(past[-1], x=x, y=y, x_allowed=masks)

    return Stream(
        make, len(stream), classes=stream.classes, scenario=stream.scenario, seeds=stream.seeds
    )
