"""The regions of a hippocampus: how large and how active, how they are wired, what they show."""

from __future__ import annotations

from typing import NamedTuple

import torch

from clcourse.errors import CourseError
from clcourse.seeds import LaneRandom, device


class Region(NamedTuple):
    """A population: how many units, and how many of them are active at a time."""

    units: int
    active: int

    @property
    def activity(self) -> float:
        """The share of units that is active, a."""
        return self.active / self.units


class Codes(NamedTuple):
    """What an episode looks like inside: (subjects, episodes, units) of 0 and 1 each."""

    dg: torch.Tensor
    ca3: torch.Tensor
    ca1: torch.Tensor


class Gauge(NamedTuple):
    """How full a store is, a subject each: (subjects,).

    load   episodes in it, each counted by what decay has left of it
    sound  share of spontaneous replays that are episodes and no mixtures
    """

    load: torch.Tensor
    sound: torch.Tensor

    def __str__(self) -> str:
        return (
            f"{self.load.mean():.0f} episodes a subject; {self.sound.mean():.0%} of what comes to "
            "mind is an episode"
        )


def region(name: str, units: int, active: int) -> Region:
    """A region whose size makes sense."""
    if not 1 <= active < units:
        raise CourseError(
            f"{name} has {active} of {units} units active; expected at least 1 and fewer than all."
        )
    return Region(units, active)


def projection(rows: Region, columns: Region, density: float, random: LaneRandom) -> torch.Tensor:
    """Fixed wiring: a share of all pairs is connected, with strengths uniform in 0 … 1."""
    lanes = []
    for one in random.generators:
        strength, chosen = torch.rand(2, rows.units, columns.units, generator=one)
        lanes.append(strength * (chosen < density))
    return torch.stack(lanes).to(device())


def check_patterns(patterns: torch.Tensor, subjects: int, ec: Region, exact: bool) -> None:
    """Patterns must be binary, of the right size, with the right number of active units."""
    shape = (subjects, "episodes", ec.units)
    if patterns.dim() != 3 or patterns.shape[::2] != shape[::2]:
        raise CourseError(
            f"Patterns have shape {tuple(patterns.shape)}; expected (subjects, episodes, "
            f"units) = ({shape[0]}, any, {shape[2]})."
        )
    if not bool(((patterns == 0) | (patterns == 1)).all()):
        raise CourseError(
            "Patterns must be binary, 0 or 1 everywhere: make them so with "
            f"cl.k_winners(x, {ec.active})."
        )
    active = patterns.sum(dim=-1)
    if exact and not bool((active == ec.active).all()):
        wrong = active[active != ec.active][0].item()
        raise CourseError(
            f"A pattern has {wrong:.0f} active units; expected {ec.active}: make it so "
            f"with cl.k_winners(x, {ec.active})."
        )
