"""Storing a pair is adding an outer product: one idea, here in the first of its costumes.

W = Σ_i k_iᵀ v_i keeps every pair in one matrix of fixed size, and q W reads it. Hebb's rule, a
hippocampus, LoRA's update and linear attention all write so. What they differ in is how they keep
pairs from getting in each other's way: by orthogonal keys, by a settling network, by sparseness,
or, in a softmax lookup, by keeping all pairs beside each other after all.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from clcourse.errors import CourseError
from clcourse.seeds import LaneRandom, Seeds, device

# -- pairs in one matrix, and pairs in a list --


def bind(keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """All pairs in one matrix, W = Kᵀ V: (lanes, d, out), however many pairs there are.

    keys  (lanes, pairs, d), values (lanes, pairs, out). The matrix of pairs added later is simply
    added to it: bind(k₁, v₁) + bind(k₂, v₂).
    """
    _check_sides(keys, values, "keys", "values", axis=1)
    return keys.transpose(1, 2) @ values


def unbind(queries: torch.Tensor, W: torch.Tensor) -> torch.Tensor:
    """What the matrix answers, q W = Σ_i (q · k_i) v_i: (lanes, queries, out).

    Exact where the keys are orthonormal; otherwise each value comes with cross-talk, the other
    values in proportion to how similar their keys are.
    """
    _check_sides(queries, W, "queries", "W", axis=None)
    if queries.shape[2] != W.shape[1]:
        raise CourseError(
            f"Queries have {queries.shape[2]} features and W {W.shape[1]} rows; expected the same: "
            "ask with keys like those that were bound."
        )
    return queries @ W


def look_up(
    queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, β: float
) -> torch.Tensor:
    """softmax(β Q Kᵀ) V: a lookup in a list of pairs, (lanes, queries, out).

    One update of a modern Hopfield network, and attention (Ramsauer et al. 2021, eqs 3 and 10; at
    β = 1/√d that of a transformer). A sharp β gives the value of the nearest key, β → 0 the mean
    of all values. The list grows by a key and a value with every pair; a matrix W does not.
    """
    if not 0 < β < float("inf"):
        raise CourseError(
            f"β={β!r}; expected a finite number above 0: try 1/√d, or more for a sharper lookup."
        )
    _check_sides(keys, values, "keys", "values", axis=1)
    _check_sides(queries, keys, "queries", "keys", axis=2)
    return (β * queries @ keys.transpose(1, 2)).softmax(dim=-1) @ values


# -- sparse codes --


def k_winners(x: torch.Tensor, k: int) -> torch.Tensor:
    """The k largest entries along the last axis become 1, the rest 0: k-winners-take-all.

    Exactly k win, also where entries are equal. What inhibition between neurons does is here cut
    short to its result.
    """
    if not 1 <= k <= x.shape[-1]:
        raise CourseError(
            f"{k} winners among {x.shape[-1]} units; expected at least 1 and at most all of them."
        )
    if not bool(torch.isfinite(x).all()):
        raise CourseError("k_winners got NaN or infinity; expected finite numbers to compare.")
    return ones_at(winners(x, k), x.shape[-1]).to(x.dtype)


def winners(x: torch.Tensor, k: int) -> torch.Tensor:
    """The places of the k largest entries along the last axis, in no order."""
    return x.topk(k, dim=-1, sorted=False).indices


def sum_of_rows(winners: torch.Tensor, W: torch.Tensor) -> torch.Tensor:
    """k-hot codes times a matrix, from the places of their ones: (subjects, episodes, out).

    winners  (subjects, episodes, k); W (subjects, units, out). A product with zeros and ones is a
    sum of k rows: of 480 x 480 weights a code with 16 active units touches one in thirty.
    """
    subjects, units, out = W.shape
    first = units * torch.arange(subjects, device=W.device)[:, None, None]
    rows = (winners + first).reshape(-1, winners.shape[-1])
    total = F.embedding_bag(rows, W.reshape(-1, out), mode="sum")
    return total.reshape(*winners.shape[:2], out)


def ones_at(places: torch.Tensor, units: int) -> torch.Tensor:
    """0 everywhere but 1 in the given places: (…, units)."""
    return torch.zeros(*places.shape[:-1], units, device=places.device).scatter_(-1, places, 1.0)


def overlap(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Shared active units as a share of the active units of the second: 1 is the same pattern."""
    return (first * second).sum(dim=-1) / second.sum(dim=-1).clamp(min=1)


# -- networks that settle into what they have stored --


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


def _check_sides(first, second, one: str, other: str, axis: int | None) -> None:
    """Two finite tensors (lanes, rows, columns) that agree in lanes and along an axis."""
    for name, x in ((one, first), (other, second)):
        if x.dim() != 3 or 0 in x.shape:
            raise CourseError(
                f"{name} has shape {tuple(x.shape)}; expected three axes of at least 1: lanes, "
                "rows, columns."
            )
        if not bool(torch.isfinite(x).all()):
            raise CourseError(f"{name} holds NaN or infinity; expected finite numbers.")
    same = first.shape[0] == second.shape[0]
    if not same or (axis is not None and first.shape[axis] != second.shape[axis]):
        what = "lanes" if not same else "pairs" if axis == 1 else "features"
        raise CourseError(
            f"{one} {tuple(first.shape)} and {other} {tuple(second.shape)} differ in {what}; "
            "expected the same number."
        )
