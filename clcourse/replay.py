"""A fixed-size uniform sample of the past: the simplest memory that works.

Reservoir sampling (Vitter 1985, algorithm R): the n-th example seen enters with probability
capacity/n and takes the place of a random stored one. At every moment each example seen so far
is in the reservoir with the same probability, although nobody knows how many will come.
"""

from __future__ import annotations

import torch

from clcourse.errors import CourseError
from clcourse.seeds import LaneRandom, Seeds


class Reservoir:
    """A uniform sample of at most `capacity` examples a lane.

    add(x, y, allowed)  x (seeds, batch, …), y (seeds, batch), allowed (seeds, batch, classes) or
    None; sample(count) returns the same three, drawn with replacement.
    """

    def __init__(self, capacity: int, seeds: Seeds = 1) -> None:
        if not isinstance(capacity, int) or isinstance(capacity, bool) or capacity < 1:
            raise CourseError(
                f"A reservoir of capacity {capacity!r} holds nothing; expected a whole number of "
                "at least 1: try Reservoir(200)."
            )
        self.capacity = capacity
        self.random = LaneRandom(seeds, "reservoir")
        self.seen = 0
        self.x = self.y = self.allowed = None

    def start(self, seeds: Seeds) -> Reservoir:
        """An empty reservoir of the same capacity for the given lanes."""
        return Reservoir(self.capacity, seeds)

    def __len__(self) -> int:
        return min(self.seen, self.capacity)

    def add(self, x: torch.Tensor, y: torch.Tensor, allowed: torch.Tensor | None = None) -> None:
        """Offer a batch: each example is kept or not, as if they came one by one."""
        lanes, batch = y.shape
        if lanes != len(self.random.seeds):
            raise CourseError(
                f"The batch has {lanes} lanes and the reservoir {len(self.random.seeds)}; "
                "expected the same: make the reservoir with seeds= like the stream."
            )
        if self.x is None:
            self._make_room(x, y, allowed)
        number = torch.arange(self.seen, self.seen + batch)  # position of each example in the past
        slot = torch.where(
            number < self.capacity, number, self.random.integers(batch, (number + 1).double())
        )
        self.seen += batch
        # Of two examples that take the same slot the later one stays.
        last = torch.full((lanes, self.capacity + 1), -1)
        last.scatter_reduce_(
            1, slot.clamp(max=self.capacity), torch.arange(batch).expand_as(slot), "amax"
        )
        lane, kept = torch.nonzero(last[:, : self.capacity] >= 0, as_tuple=True)
        chosen = last[lane, kept]
        self.x[lane, kept] = x[lane, chosen]
        self.y[lane, kept] = y[lane, chosen]
        if self.allowed is not None:
            self.allowed[lane, kept] = allowed[lane, chosen]

    def sample(self, count: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """x, y and allowed of `count` stored examples a lane, with replacement."""
        if not len(self):
            raise CourseError("The reservoir is empty; expected at least one example: add first.")
        chosen = self.random.integers(count, len(self)).to(self.y.device)
        lane = torch.arange(len(chosen), device=chosen.device)[:, None]
        masks = None if self.allowed is None else self.allowed[lane, chosen]
        return self.x[lane, chosen], self.y[lane, chosen], masks

    def memory_bytes(self) -> int:
        """Bytes a lane when full, as stored here."""
        parts = [part for part in (self.x, self.y, self.allowed) if part is not None]
        return sum(part[0].numel() * part.element_size() for part in parts)

    def _make_room(self, x, y, allowed) -> None:
        lanes = len(y)
        self.x = x.new_zeros(lanes, self.capacity, *x.shape[2:])
        self.y = y.new_zeros(lanes, self.capacity)
        if allowed is not None:
            self.allowed = allowed.new_zeros(lanes, self.capacity, allowed.shape[-1])
