"""What a learner kept and what it lost: numbers from the accuracy matrix, with their spread.

`R[s, i, j]` is the accuracy of lane s on experience j after learning experience i; i and j count
from 0 to T-1. Libraries use one name for different formulas, so each function names its variant.
Every function takes `R (seeds, T, T)`, or one matrix `(T, T)`, and returns one number a lane.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from scipy.special import stdtrit

from clcourse.errors import CourseError


def _matrix(R, least: int = 1) -> torch.Tensor:
    """`R` as a checked tensor (seeds, T, T), T >= least."""
    R = torch.as_tensor(R, dtype=torch.float64)
    R = R[None] if R.dim() == 2 else R
    if R.dim() != 3 or R.shape[1] != R.shape[2] or R.shape[1] < least or R.shape[0] < 1:
        raise CourseError(
            f"The accuracy matrix has shape {tuple(R.shape)}; expected (seeds, T, T) with T >= "
            f"{least}: pass history.accuracy."
        )
    if not bool(torch.isfinite(R).all()):
        raise CourseError(
            "The accuracy matrix holds NaN or infinity; expected accuracies: check the run that "
            "made it."
        )
    return R


def _untrained(before, R: torch.Tensor) -> torch.Tensor:
    """Accuracies before any learning as (seeds, T), or (1, T) for all lanes."""
    before = torch.as_tensor(before, dtype=torch.float64)
    before = before[None] if before.dim() == 1 else before
    if before.shape[-1] != R.shape[-1] or before.shape[0] not in (1, R.shape[0]):
        raise CourseError(
            f"`before` has shape {tuple(before.shape)}; expected (seeds, T) like the accuracy "
            f"matrix {tuple(R.shape)}: pass history.before."
        )
    return before


def average_accuracy(R) -> torch.Tensor:
    """Mean of the last row: accuracy over all experiences at the end (ACC, Lopez-Paz 2017)."""
    return _matrix(R)[:, -1].mean(dim=1)


def learning_accuracy(R) -> torch.Tensor:
    """Mean of the diagonal: how well each experience was learnt when it was new."""
    return _matrix(R).diagonal(dim1=1, dim2=2).mean(dim=1)


def lower_triangle_accuracy(R) -> torch.Tensor:
    """Mean of R[i, j] over all j <= i (A, Díaz-Rodríguez 2018)."""
    R = _matrix(R)
    rows, columns = torch.tril_indices(R.shape[1], R.shape[1])
    return R[:, rows, columns].mean(dim=1)


def backward_transfer(R) -> torch.Tensor:
    """Mean over j < T-1 of R[T-1, j] - R[j, j] (BWT, Lopez-Paz & Ranzato 2017, GEM).

    >>> R = [[.7, .1, .2], [.75, .9, .4], [.8, .6, .9]]
    >>> round(backward_transfer(R).item(), 3)
    -0.1
    """
    R = _matrix(R, least=2)
    return (R[:, -1] - R.diagonal(dim1=1, dim2=2))[:, :-1].mean(dim=1)


def backward_transfer_all(R) -> torch.Tensor:
    """Mean over all i > j of R[i, j] - R[j, j] (BWT, Díaz-Rodríguez 2018)."""
    R = _matrix(R, least=2)
    change = R - R.diagonal(dim1=1, dim2=2)[:, None, :]
    rows, columns = torch.tril_indices(R.shape[1], R.shape[1], offset=-1)
    return change[:, rows, columns].mean(dim=1)


def forgetting(R) -> torch.Tensor:
    """Mean over j < T-1 of max over j <= i < T-1 of R[i, j] - R[T-1, j] (Chaudhry 2018).

    Negative where the last experience made an old one better than it had ever been.

    >>> R = [[.7, .1, .2], [.75, .9, .4], [.8, .6, .9]]
    >>> round(forgetting(R).item(), 3)
    0.125
    """
    R = _matrix(R, least=2)
    learnt = torch.ones(R.shape[1:], dtype=torch.bool).tril()
    best = R.masked_fill(~learnt, -torch.inf)[:, :-1].amax(dim=1)
    return (best - R[:, -1])[:, :-1].mean(dim=1)


def forgetting_from_all_rows(R) -> torch.Tensor:
    """As `forgetting`, with the maximum over all rows, the last too (the mammoth library).

    Never negative, and it counts accuracy that an experience had before it was learnt.
    """
    R = _matrix(R, least=2)
    return (R.amax(dim=1) - R[:, -1])[:, :-1].mean(dim=1)


def forgetting_first_minus_last(R) -> torch.Tensor:
    """Mean over j < T-1 of R[j, j] - R[T-1, j] (the avalanche library): -backward_transfer."""
    return -backward_transfer(R)


def forward_transfer(R, before) -> torch.Tensor:
    """Mean over j >= 1 of R[j-1, j] - before[j] (FWT, Lopez-Paz & Ranzato 2017, GEM).

    Says little where classes accumulate: a class never seen is never answered.
    """
    R = _matrix(R, least=2)
    return (R.diagonal(offset=1, dim1=1, dim2=2) - _untrained(before, R)[:, 1:]).mean(dim=1)


def forward_accuracy(R) -> torch.Tensor:
    """Mean over j >= 1 of R[j-1, j]: forward transfer without the baseline (continuum's FWT)."""
    return _matrix(R, least=2).diagonal(offset=1, dim1=1, dim2=2).mean(dim=1)


def intransigence(R, joint) -> torch.Tensor:
    """Mean over k of joint[k] - R[k, k]: what could not be learnt any more (Chaudhry 2018).

    joint  (seeds, T) or (T,): accuracy on each experience of a model trained on all data so far.
    """
    R = _matrix(R)
    return (_untrained(joint, R) - R.diagonal(dim1=1, dim2=2)).mean(dim=1)


class Estimate(NamedTuple):
    """A mean over lanes with its 95 % interval: what one number a figure or claim rests on."""

    value: float
    low: float
    high: float
    n: int
    unit: str = ""

    def __str__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        numbers = [f"{number + 0.0:.2f}".replace("-0.00", "0.00") for number in self[:3]]
        return f"{numbers[0]} [{numbers[1]}, {numbers[2]}]{unit}"


def estimate(values, unit: str = "") -> Estimate:
    """Mean of one number a lane, with the 95 % t-interval: mean ± t(.975, n-1) · sd / sqrt(n).

    values  (seeds,). Resampling the lanes is what the interval stands for: other initial weights,
    other order, other split; it says nothing about other data sets.
    """
    values = torch.as_tensor(values, dtype=torch.float64).detach().cpu()
    broken = int((~torch.isfinite(values)).sum())
    if values.dim() != 1 or len(values) < 2 or broken:
        raise CourseError(
            f"An estimate needs one finite number a lane and at least 2 lanes; it got shape "
            f"{tuple(values.shape)} with {broken} not finite: use seeds=20."
        )
    n, mean = len(values), values.mean().item()
    half = float(stdtrit(n - 1, 0.975)) * values.std().item() / n**0.5
    return Estimate(mean, mean - half, mean + half, n, unit)


def paired(first, second, unit: str = "") -> Estimate:
    """Estimate of first - second, lane by lane: what the lanes share cancels."""
    first, second = (torch.as_tensor(one, dtype=torch.float64) for one in (first, second))
    if first.shape != second.shape:
        raise CourseError(
            f"Paired lanes must match; got {tuple(first.shape)} and {tuple(second.shape)}: "
            "run both methods with the same seeds."
        )
    return estimate(first - second, unit)
