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
