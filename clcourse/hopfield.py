"""Networks that settle into what they have stored, and how much that can be.

The patterns lie in one matrix, a sum of outer products; what is new is that the answer is asked
again, until it stays: s ← f(s W). The stored patterns are resting places, as long as they are few.
"""

from __future__ import annotations

import torch

from clcourse.associative import bind, k_winners, ones_at, overlap, sum_of_rows, winners
from clcourse.errors import CourseError
from clcourse.seeds import LaneRandom, Seeds, device


class HopfieldNetwork:
    """±1 patterns as resting places of a network that calls itself back (Hopfield 1982).

    W = Σ_i x_iᵀ x_i with nothing on the diagonal, and a unit takes the sign of its input. The
    customary factor 1/N changes no sign; without it all sums are whole numbers, and exact.

    patterns  (lanes, patterns, units); loads (lanes,): store only so many of each lane's patterns.
    About .138 N random patterns can be recalled (Amit, Gutfreund & Sompolinsky 1985).
    """

    def __init__(self, patterns: torch.Tensor, loads: torch.Tensor | None = None) -> None:
        _check_entries(patterns, (-1, 1))
        x = patterns * _stored(patterns, loads)
        self.W = bind(x, x)
        self.W.diagonal(dim1=1, dim2=2).zero_()

    def recall(self, cues: torch.Tensor, steps: int = 30) -> torch.Tensor:
        """Where cues (lanes, cues, units) lead if all units change at once: s ← sign(s W).

        As W is symmetric it comes to rest, or ends going to and fro between two states.
        """
        s = self._started(cues)
        for _ in range(steps):
            before, s = s, _sign(s @ self.W, s)
            if torch.equal(before, s):
                break
        return s

    def sweep(self, states: torch.Tensor) -> torch.Tensor:
        """One round in which the units change one after the other: the energy can only fall."""
        s = self._started(states).clone()
        for unit in range(s.shape[2]):
            s[..., unit] = _sign((s @ self.W[:, :, unit, None])[..., 0], s[..., unit])
        return s

    def energy(self, states: torch.Tensor) -> torch.Tensor:
        """E = -½ s W sᵀ / N of each state: (lanes, states)."""
        s = self._started(states)
        return -((s @ self.W) * s).sum(dim=-1) / 2 / s.shape[2]

    def _started(self, states: torch.Tensor) -> torch.Tensor:
        _check_entries(states, (-1, 1))
        return _fitting(states, self.W)

    @staticmethod
    def similarity(states: torch.Tensor, patterns: torch.Tensor) -> torch.Tensor:
        """Mean of s x over the units: 1 is the same pattern, 0 an unrelated one."""
        return (states * patterns).mean(dim=-1)


class SparseHopfield:
    """0/1 patterns of activity a, stored as covariance, recalled by k winners.

    W = Σ_i (x_i - a)ᵀ (x_i - a) with nothing on the diagonal; s ← k_winners(s W). It holds
    P ≈ c N / (a ln 1/a) patterns (Buhmann, Divko & Schulten 1989; Treves & Rolls 1991; here c is
    about .14 up to a = .05, less beyond): the sparser, the more.

    patterns  (lanes, patterns, units), all with the same number of ones; loads as above.
    """

    def __init__(self, patterns: torch.Tensor, loads: torch.Tensor | None = None) -> None:
        _check_entries(patterns, (0, 1))
        active = patterns.sum(dim=-1)
        self.active = int(active.flatten()[0])
        if not bool((active == self.active).all()) or not 0 < self.active < patterns.shape[2]:
            raise CourseError(
                f"Patterns have {int(active.min())} to {int(active.max())} of {patterns.shape[2]} "
                "units active; expected the same number in all, neither none nor every unit: make "
                "them with cl.k_winners(x, active)."
            )
        x = (patterns - self.active / patterns.shape[2]) * _stored(patterns, loads)
        self.W = bind(x, x)
        self.W.diagonal(dim1=1, dim2=2).zero_()

    def recall(self, cues: torch.Tensor, steps: int = 30) -> torch.Tensor:
        """Where cues (lanes, cues, units) lead: patterns with as many ones as those stored."""
        _check_entries(cues, (0, 1))
        s = winners(_fitting(cues, self.W) @ self.W, self.active)
        for _ in range(steps - 1):
            before, s = s, winners(sum_of_rows(s, self.W), self.active)
            if torch.equal(before.sort(dim=-1).values, s.sort(dim=-1).values):
                break
        return ones_at(s, cues.shape[2])

    similarity = staticmethod(overlap)


def draw_patterns(
    count: int, units: int, *, active: int | None = None, seeds: Seeds = 1
) -> torch.Tensor:
    """Random patterns (lanes, count, units): ±1, or 0/1 with so many active units."""
    if count < 1 or units < 1:
        raise CourseError(f"{count} patterns of {units} units; expected at least 1 of each.")
    noise = LaneRandom(seeds, "patterns").uniform(count * units).reshape(-1, count, units)
    noise = noise.float().to(device())
    return (noise >= 0.5) * 2.0 - 1 if active is None else k_winners(noise, active)


def damaged(patterns: torch.Tensor, share: float, seeds: Seeds) -> torch.Tensor:
    """Cues: patterns with a share of their units changed, drawn for each lane and pattern.

    Of ±1 patterns the share of all units is flipped. Of 0/1 patterns the share of the active units
    falls silent, and as many silent ones become active.
    """
    if not 0 <= share <= 1:
        raise CourseError(f"share={share!r}; expected a share from 0 to 1: try 0.05.")
    signs = bool((patterns < 0).any())
    _check_entries(patterns, (-1, 1) if signs else (0, 1))
    lanes, count, units = patterns.shape
    noise = LaneRandom(seeds, "damage").uniform(count * units).reshape(-1, count, units)
    if len(noise) != lanes:
        raise CourseError(
            f"Patterns have {lanes} lanes and seeds {len(noise)}; expected the same number."
        )
    noise = noise.to(patterns)
    if signs:
        return patterns * (1 - 2 * _top(noise, round(share * units)))
    active = int(patterns[0, 0].sum())
    moved = round(share * active)
    return patterns - _top(noise + patterns, moved) + _top(noise - patterns, moved)


def capacity(network: type, patterns: torch.Tensor, cues: torch.Tensor, criterion: float):
    """How many patterns a network holds: the largest load at which recall is good enough, (lanes,).

    network   HopfieldNetwork or SparseHopfield; at a load P it stores the first P patterns and gets
              their cues, and what it recalls must on average be more similar than the criterion

    All lanes halve their own interval at once. Where the recall of P + 1 patterns happens to be
    better than that of P, this finds one of several borders; they lie close together.
    """
    lanes, most, _ = patterns.shape
    low, high = torch.zeros(lanes, dtype=torch.long), torch.full((lanes,), most)
    for _ in range(most.bit_length()):
        loads = (low + high + 1) // 2
        used = int(loads.max())
        recalled = network(patterns[:, :used], loads).recall(cues[:, :used])
        similar = network.similarity(recalled, patterns[:, :used])
        stored = _stored(similar[..., None], loads)[..., 0]
        good = ((similar * stored).sum(dim=1) / stored.sum(dim=1)).cpu() > criterion
        low, high = torch.where(good, loads, low), torch.where(good, high, loads - 1)
        high = torch.maximum(low, high)
    if bool((low == most).any()):
        raise CourseError(
            f"All {most} patterns are recalled; expected more of them than the network holds: "
            "offer twice as many."
        )
    return low


def _sign(x: torch.Tensor, otherwise: torch.Tensor) -> torch.Tensor:
    """The sign of x; where x is exactly 0 things stay as they were."""
    return torch.where(x == 0, otherwise, x.sign())


def _top(x: torch.Tensor, k: int) -> torch.Tensor:
    """1 at the k largest entries, where k may be 0."""
    return k_winners(x, k) if k else torch.zeros_like(x)


def _stored(patterns: torch.Tensor, loads: torch.Tensor | None) -> torch.Tensor:
    """1 for each pattern that is to be stored: (lanes, patterns, 1)."""
    number = torch.arange(patterns.shape[1], device=patterns.device)
    loads = number.new_full((len(patterns),), len(number)) if loads is None else loads.to(number)
    return (number < loads[:, None])[..., None].to(patterns.dtype)


def _fitting(states: torch.Tensor, W: torch.Tensor) -> torch.Tensor:
    """States of the lanes and units of W."""
    if states.shape[::2] != W.shape[:2]:
        raise CourseError(
            f"States have shape {tuple(states.shape)}; expected (lanes, any, units) = "
            f"({W.shape[0]}, any, {W.shape[1]}), as the stored patterns."
        )
    return states


def _check_entries(patterns: torch.Tensor, allowed: tuple[int, int]) -> None:
    """Patterns (lanes, patterns, units), none of the three 0, of the two allowed values."""
    if patterns.dim() != 3 or 0 in patterns.shape:
        raise CourseError(
            f"Patterns have shape {tuple(patterns.shape)}; expected (lanes, patterns, units), "
            "at least one of each."
        )
    low, high = allowed
    if not bool(((patterns == low) | (patterns == high)).all()):
        how = "2.0 * (x > 0) - 1" if low else "cl.k_winners(x, active)"
        raise CourseError(f"Patterns must be {low} or {high} everywhere: make them so with {how}.")
