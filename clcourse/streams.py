"""What the world shows, and in which order: streams of experiences.

A *stream* is a sequence of experiences; an *experience* is a chunk of data that arrives together.
Three scenarios ask three questions (van de Ven, Tuytelaars & Tolias 2022): *task*-incremental
tells the learner which task it faces, *domain*-incremental keeps the answers and changes the
inputs, *class*-incremental adds classes and tells nothing.

`seeds=None` is one draw that all lanes share; `seeds=20` gives each lane its own split, class
order and permutation. Sizes are constants of the data set, never of the lanes present.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

import torch

from clcourse.errors import CourseError
from clcourse.seeds import LaneRandom, Seeds, lane_ids

TRAIN, VALIDATION, TEST = 128, 14, 32  # images a digit: 174, the size of the smallest class


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
            lambda position: self.make(positions[position]), len(positions),
            classes=self.classes, scenario=self.scenario, seeds=self.seeds,
        )

    def __iter__(self) -> Iterator[Experience]:
        return (self.make(position) for position in range(self.length))

    def __repr__(self) -> str:
        lanes = "one draw for all lanes" if self.seeds is None else f"{len(self.seeds)} lanes"
        return (
            f"Stream of {self.length} experiences, {self.classes} classes, "
            f"{self.scenario}-incremental, {lanes}"
        )


@cache
def _digits() -> torch.Tensor:
    """scikit-learn's digits as (10 classes, 174 images, 64 pixels) in [0, 1].

    Grey levels are 0 … 16 by definition of the data set (Alpaydin & Kaynak 1998), so dividing by
    16 fits nothing to the data.
    """
    from sklearn.datasets import load_digits

    data = load_digits()
    images = torch.tensor(data.data / 16, dtype=torch.float32)
    labels = torch.tensor(data.target)
    size = TRAIN + VALIDATION + TEST
    return torch.stack([images[labels == digit][:size] for digit in range(10)])


def _digit_rows(seeds: Seeds | None) -> torch.Tensor:
    """Which of a class's 174 images come first: (lanes, 10, 174), an order a lane and a class."""
    random = LaneRandom(1 if seeds is None else seeds, "digits split")
    images = TRAIN + VALIDATION + TEST
    return torch.stack([random.permutation(images) for _ in range(10)], dim=1)


def _digit_parts(rows: torch.Tensor, classes: torch.Tensor) -> list[torch.Tensor]:
    """Train, validation and test images (lanes, chosen classes, images, 64) of the classes."""
    lane = torch.arange(len(rows))[:, None]
    chosen = _digits()[classes[..., None], rows[lane, classes]]
    return list(chosen.split((TRAIN, VALIDATION, TEST), dim=2))


def _experience(name: str, parts: list, labels: torch.Tensor, shared: bool, **more) -> Experience:
    """An Experience from image parts (lanes, classes, images, 64) and labels (lanes, classes)."""
    fields = []
    for part in parts:
        x, y = part.flatten(1, 2), labels.repeat_interleave(part.shape[2], dim=1)
        fields += [x[0], y[0]] if shared else [x, y]
    return Experience(name, *fields, **more)


def split_digits(scenario: str = "class", seeds: Seeds | None = None) -> Stream:
    """Ten handwritten digits in five experiences of two (8x8 pixels, 256 training images each).

    x  (seeds, 256, 64) in [0, 1]; y the digit, or 0/1 for first or second of the pair in the
    "domain" scenario. With `seeds` each lane draws its own pairs and its own split.
    """
    if scenario not in ("class", "task", "domain"):
        raise CourseError(
            f"Unknown scenario {scenario!r}; expected 'class', 'task' or 'domain': "
            "try split_digits('class')."
        )
    shared = seeds is None
    rows = _digit_rows(seeds)
    order = torch.arange(10)[None] if shared else LaneRandom(seeds, "class order").permutation(10)
    pairs = order.reshape(-1, 5, 2)

    def make(position: int) -> Experience:
        pair = pairs[:, position]
        labels = torch.arange(2).expand_as(pair) if scenario == "domain" else pair
        allowed = None
        if scenario == "task":
            allowed = torch.zeros(len(pair), 10, dtype=torch.bool).scatter(1, pair, True)
            allowed = allowed[0] if shared else allowed
        name = f"{2 * position} and {2 * position + 1}" if shared else f"pair {position + 1}"
        return _experience(name, _digit_parts(rows, pair), labels, shared, allowed=allowed)

    classes = 2 if scenario == "domain" else 10
    return Stream(make, 5, classes=classes, scenario=scenario, seeds=seeds)


def permuted_digits(tasks: int = 5, seeds: Seeds | None = None) -> Stream:
    """All ten digits in each experience, under a pixel order of its own; the first is unpermuted.

    x  (seeds, 1280, 64) in [0, 1]; y the digit. An experience is made when it is asked for.
    """
    shared = seeds is None
    lanes = 1 if shared else seeds
    rows = _digit_rows(seeds)
    labels = torch.arange(10).expand(len(rows), 10)

    def make(position: int) -> Experience:
        parts = _digit_parts(rows, labels)
        if position > 0:
            order = LaneRandom(lanes, f"pixel order {position}").permutation(64)
            parts = [part.gather(3, order[:, None, None].expand_as(part)) for part in parts]
        return _experience(f"order {position + 1}", parts, labels, shared)

    return Stream(make, tasks, classes=10, scenario="domain", seeds=seeds)


def paired_lists(pairs: int = 8, share: int = 5, seeds: Seeds | None = None) -> Stream:
    """Two lists over the same cues: learn cue → B, then cue → C (AB-AC; Barnes & Underwood 1959).

    x  (seeds, pairs, 160): 8 of 80 units for the cue, 8 of 80 for the list's context, of which
    `share` (0 … 8) are common to both lists; y: B is class i, C is class pairs + i. What is asked
    at the end is what was studied, so the three parts are the same.
    """
    if pairs < 1 or not 0 <= share <= 8:
        raise CourseError(
            f"pairs={pairs}, share={share}: expected at least 1 pair and 0 to 8 shared context "
            "units: try paired_lists(pairs=8, share=5)."
        )
    shared = seeds is None
    random = LaneRandom(1 if shared else seeds, "paired lists")
    cues = torch.stack([random.permutation(80)[:, :8] for _ in range(pairs)], dim=1)
    units = random.permutation(80)
    contexts = units[:, :8], torch.cat([units[:, :share], units[:, 8 : 16 - share]], dim=1)

    def make(position: int) -> Experience:
        x = torch.zeros(len(cues), pairs, 160)
        x.scatter_(2, cues, 1.0)
        x.scatter_(2, 80 + contexts[position][:, None].expand_as(cues), 1.0)
        y = (torch.arange(pairs) + pairs * position).expand(len(cues), pairs)
        x, y = (x[0], y[0]) if shared else (x, y)
        return Experience(("A-B list", "A-C list")[position], x, y, x, y, x, y)

    return Stream(make, 2, classes=2 * pairs, scenario="class", seeds=seeds)


def hidden_parity(tasks: int = 5, each: int = 3, seeds: Seeds | None = None) -> Stream:
    """Tasks whose features have to be invented: is the product of `each` hidden inputs positive?

    x  (seeds, 512, tasks · each) of ±1, drawn afresh for every task; y: task t asks for the sign
    of the product of inputs of its own, and answers 2t (no) or 2t + 1 (yes); the learner is told
    the task. No single input says anything about y (Minsky & Papert 1969, chapter 3).
    """
    if tasks < 1 or each < 1:
        raise CourseError(
            f"tasks={tasks}, each={each}: expected at least 1 task of at least 1 input: "
            "try hidden_parity(tasks=5, each=3)."
        )
    shared, inputs, sizes = seeds is None, tasks * each, (512, 64, 256)
    random = LaneRandom(1 if shared else seeds, "parity inputs")
    places = random.permutation(inputs).reshape(-1, tasks, each)

    def make(position: int) -> Experience:
        drawn = LaneRandom(random.seeds, f"parity {position}").uniform(sum(sizes) * inputs)
        x = torch.where(drawn < 0.5, -1.0, 1.0).reshape(-1, sum(sizes), inputs)
        own = places[:, None, position].expand(*x.shape[:2], each)
        y = 2 * position + (x.gather(2, own).prod(dim=2) > 0).long()
        allowed = torch.zeros(len(x), 2 * tasks, dtype=torch.bool)
        allowed[:, 2 * position : 2 * position + 2] = True
        parts = [part[0] if shared else part
                 for pair in zip(x.split(sizes, dim=1), y.split(sizes, dim=1), strict=True)
                 for part in pair]
        return Experience(f"parity {position + 1}", *parts,
                          allowed=allowed[0] if shared else allowed)

    return Stream(make, tasks, classes=2 * tasks, scenario="task", seeds=seeds)


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
