"""Memory transplant: which part of a system carries what it was taught?

Take two twins and teach one of them something: by its weights, in its context, in its notes. Then
give the naive twin one part of the taught twin, and measure: whatever part brings the new
behaviour along carries the memory. The other way round, take the part away from the taught twin.

    carried = (m(naive with the taught part) - m(naive)) / (m(taught) - m(naive))
    needed  = (m(taught) - m(taught with the naive part)) / (m(taught) - m(naive))

A part that is sufficient carries 1; a part that is necessary is needed 1. Where two parts hold
the same memory each carries all of it and none is needed: shares need not sum to 1.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from clcourse.errors import CourseError
from clcourse.metrics import estimate

Part = str | tuple[Callable, Callable]


@dataclass(frozen=True)
class Transplant:
    """Shares of a memory, one number a lane.

    carried, needed  {part: (seeds,)}; taught, naive  (seeds,): what the two twins do themselves.
    """

    carried: dict[str, torch.Tensor]
    needed: dict[str, torch.Tensor]
    taught: torch.Tensor
    naive: torch.Tensor

    def margin(self, part: str) -> torch.Tensor:
        """What this part carried beyond the best of the others: (seeds,); 1 for a clear answer."""
        others = [share for name, share in self.carried.items() if name != part]
        if part not in self.carried or not others:
            raise CourseError(
                f"{part!r} cannot be compared; expected one of {', '.join(self.carried)}, and at "
                "least one other part."
            )
        return self.carried[part] - torch.stack(others, dim=1).amax(dim=1)

    def __repr__(self) -> str:
        width = max(len("part"), *map(len, self.carried))
        rows = [f"{'part':{width}}  carried             needed"]
        rows += [f"{part:{width}}  {_told(self.carried[part]):18}  {_told(self.needed[part])}"
                 for part in self.carried]
        return "\n".join(rows)

    def _repr_markdown_(self) -> str:
        rows = ["| part | carried | needed |", "|---|---|---|"]
        rows += [f"| {part} | {_told(self.carried[part])} | {_told(self.needed[part])} |"
                 for part in self.carried]
        return "\n".join(rows)


def memory_transplant(
    taught: object, naive: object, parts: Mapping[str, Part], measure: Callable
) -> Transplant:
    """Exchange one part at a time between a taught and a naive twin, and measure what comes along.

    parts    {name: part}; a part is the name of an attribute, or a pair (get, set) with
             get(system) → value and set(system, value), for anything deeper.
    measure  measure(system) → (seeds,), higher where the system does what was taught.
    Both twins stay as they are: the exchange happens in copies.
    """
    reach = {name: _reach(name, part, taught) for name, part in parts.items()}
    if not reach:
        raise CourseError("No part to exchange; expected a dictionary: try {'weights': 'network'}.")
    high, low = _measured(measure, taught), _measured(measure, naive)
    gain = high - low
    if bool((gain.abs() < 0.05).any()):
        raise CourseError(
            f"In {int((gain.abs() < 0.05).sum())} of {len(gain)} lanes the taught twin does as the "
            "naive one, so there is no memory to look for; expected a difference of 0.05 or more: "
            "teach it longer, or measure what was taught."
        )
    carried = {name: (_measured(measure, _with(naive, taught, *way)) - low) / gain
               for name, way in reach.items()}
    needed = {name: (high - _measured(measure, _with(taught, naive, *way))) / gain
              for name, way in reach.items()}
    return Transplant(carried, needed, high, low)


def _with(receiver: object, donor: object, get: Callable, put: Callable) -> object:
    """The receiver with one part of the donor: a copy."""
    changed = copy.deepcopy(receiver)
    put(changed, copy.deepcopy(get(donor)))
    return changed


def _reach(name: str, part: Part, system: object) -> tuple[Callable, Callable]:
    """How to get and set a part."""
    if isinstance(part, tuple) and len(part) == 2 and all(map(callable, part)):
        return part
    if not isinstance(part, str) or not hasattr(system, part):
        raise CourseError(
            f"The part {name!r} is {part!r}; expected the name of an attribute of "
            f"{type(system).__name__}, or a pair of functions (get, set)."
        )
    return (lambda one: getattr(one, part)), (lambda one, value: setattr(one, part, value))


def _measured(measure: Callable, system: object) -> torch.Tensor:
    """One finite number a lane."""
    values = torch.as_tensor(measure(copy.deepcopy(system))).detach().cpu().double()
    if values.dim() != 1 or not bool(torch.isfinite(values).all()):
        raise CourseError(
            f"measure gave shape {tuple(values.shape)}; expected one finite number a lane, "
            "(seeds,): average over everything but the lanes."
        )
    return values


def _told(values: torch.Tensor) -> str:
    return str(estimate(values)) if len(values) > 1 else f"{values.item():.2f}"
