"""Who gets which random numbers: every lane has generators of its own.

A *lane* is one independent repetition of an experiment. Twenty lanes run side by side in one
tensor; lane 7 draws the same numbers whether it runs alone or among thirty-two, because each of
its generators is seeded from two things only: the lane's id and what the numbers are for.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import textwrap
from collections.abc import Iterable, Sequence

import torch

from clcourse.errors import CourseError

Seeds = int | Sequence[int]


def lane_ids(seeds: Seeds) -> tuple[int, ...]:
    """The ids of the lanes: an int n means lanes 0 … n-1, a list names its lanes."""
    if isinstance(seeds, bool) or not isinstance(seeds, (int, Sequence)) or isinstance(seeds, str):
        raise CourseError(
            f"seeds is {seeds!r}; expected a number of lanes or a list of ids: try seeds=20."
        )
    ids = tuple(range(seeds)) if isinstance(seeds, int) else tuple(seeds)
    whole = all(isinstance(lane, int) and not isinstance(lane, bool) and lane >= 0 for lane in ids)
    if not ids or not whole or len(set(ids)) < len(ids):
        raise CourseError(
            f"seeds={seeds!r} names no usable lanes; expected a number of at least 1 "
            "or a list of different whole numbers from 0: try seeds=20 or seeds=[7]."
        )
    return ids


def generator(lane: int, purpose: str) -> torch.Generator:
    """The random numbers of one lane for one purpose, such as "batches" or "mlp weights"."""
    digest = hashlib.blake2b(f"{purpose}/{lane}".encode(), digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "little") >> 1)


class LaneRandom:
    """Random numbers for all lanes at once, each lane from its own generator.

    Every method returns a tensor whose first axis is the lane. Uniform numbers are drawn in blocks
    and handed out in order: twenty small draws would cost more than the step that needs them.
    """

    block = 4096

    def __init__(self, seeds: Seeds, purpose: str) -> None:
        self.seeds = lane_ids(seeds)
        self.purpose = purpose
        self.generators = [generator(lane, purpose) for lane in self.seeds]
        self.unused = torch.empty(len(self.seeds), 0, dtype=torch.float64)

    def uniform(self, count: int) -> torch.Tensor:
        """Numbers in [0, 1): (seeds, count), float64."""
        missing = count - self.unused.shape[1]
        if missing > 0:
            size = self.block * -(-missing // self.block)
            fresh = [
                torch.rand(size, generator=one, dtype=torch.float64) for one in self.generators
            ]
            self.unused = torch.cat([self.unused, torch.stack(fresh)], dim=1)
        numbers, self.unused = self.unused[:, :count], self.unused[:, count:]
        return numbers

    def integers(self, count: int, high: int | torch.Tensor) -> torch.Tensor:
        """Whole numbers in [0, high): (seeds, count); `high` may differ from number to number."""
        return (self.uniform(count) * high).long()

    def permutation(self, count: int) -> torch.Tensor:
        """An order of 0 … count-1 for each lane: (seeds, count)."""
        return torch.stack([torch.randperm(count, generator=one) for one in self.generators])

    def normal(self, *shape: int) -> torch.Tensor:
        """Standard normal numbers: (seeds, *shape), float32."""
        return torch.stack([torch.randn(*shape, generator=one) for one in self.generators])


def device() -> torch.device:
    """Where to compute: CLCOURSE_DEVICE if it is set, else a GPU if there is one, else the CPU."""
    wanted = os.environ.get("CLCOURSE_DEVICE")
    if wanted:
        try:
            return torch.device(wanted)
        except RuntimeError as error:
            raise CourseError(
                f"CLCOURSE_DEVICE={wanted!r} is no device; expected cpu, cuda or mps: "
                "set it to cpu or unset it."
            ) from error
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def progress(items: Iterable, description: str, total: int | None = None) -> Iterable:
    """Go through `items` with a progress bar on screen; CLCOURSE_PROGRESS=0 silences it.

    The bar shows only for work of more than half a second and leaves nothing behind.
    """
    if os.environ.get("CLCOURSE_PROGRESS") == "0":
        return items
    from tqdm.auto import tqdm

    return tqdm(items, desc=description, total=total, leave=False, delay=0.5)


class Source:
    """The code of a function or class, coloured in a notebook and plain elsewhere."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text

    def _repr_markdown_(self) -> str:
        return f"```python\n{self.text}\n```"


def source(thing: object) -> Source:
    """Show the code behind `thing`: a function, class, method or module of the course."""
    try:
        return Source(textwrap.dedent(inspect.getsource(thing)).rstrip())
    except (TypeError, OSError) as error:
        raise CourseError(
            f"{thing!r} has no source to show; expected a function, class or module: "
            "try cl.source(cl.Reservoir)."
        ) from error
