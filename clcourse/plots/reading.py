"""What figures are given, read into numpy arrays and checked: tensors, histories, estimates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from clcourse.errors import CourseError
from clcourse.metrics import Estimate, estimate, paired
from clcourse.plots.figure import number


def array(values, what: str, shape: str, axes: int) -> np.ndarray:
    """`values` as a checked float array of so many axes; `shape` says which, "(seeds, steps)".

    values  a torch tensor on any device, a numpy array or nested lists
    """
    if hasattr(values, "detach"):
        values = values.detach().cpu()
    try:
        numbers = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise CourseError(
            f"{what} is no array of numbers but {type(values).__name__}; expected {shape}: pass a "
            "tensor or an array."
        ) from None
    if numbers.ndim != axes or numbers.size == 0:
        raise CourseError(
            f"{what} has shape {numbers.shape}; expected {shape}, none of them 0: for a single "
            "seed add the first axis with values[None]."
        )
    if not np.isfinite(numbers).all():
        raise CourseError(
            f"{what} holds {int((~np.isfinite(numbers)).sum())} values that are NaN or infinite; "
            f"expected finite numbers {shape}: look at the run that made them."
        )
    return numbers


def matrices(thing, what: str) -> tuple[np.ndarray, list[str]]:
    """Accuracies (seeds, T, T) and the names of the T experiences, from a history or an array."""
    R = array(getattr(thing, "accuracy", thing), what, "(seeds, T, T)", axes=3)
    if R.shape[1] != R.shape[2] or R.min() < 0 or R.max() > 1:
        raise CourseError(
            f"{what} has shape {R.shape} and values from {number(R.min())} to {number(R.max())}; "
            "expected accuracies from 0 to 1, (seeds, T, T): pass a history or history.accuracy."
        )
    return R, list(getattr(thing, "names", None) or map(str, range(1, R.shape[1] + 1)))


def interval(values, what: str) -> tuple[Estimate, np.ndarray]:
    """An estimate and the lanes behind it; none where only the estimate was given.

    One lane alone has no interval: its low and high are its value.
    """
    if all(hasattr(values, field) for field in ("value", "low", "high", "n")):
        array([values.value, values.low, values.high], what, "(value, low, high)", axes=1)
        return values, np.empty(0)
    lanes = array(values, what, "(seeds,)", axes=1)
    if len(lanes) == 1:
        return Estimate(lanes[0], lanes[0], lanes[0], 1), lanes
    return estimate(lanes), lanes


def seeds_in_words(counts) -> str:
    """ "20 seeds", "1 seed", "5 to 20 seeds"."""
    fewest, most = min(counts), max(counts)
    if fewest == most:
        return f"{most} seed{'s' if most > 1 else ''}"
    return f"{fewest} to {most} seeds"


def estimate_in_words(one: Estimate) -> str:
    """ "0.50 [0.46, 0.54]", or the value alone where one lane has no interval."""
    if one.n == 1:
        return number(one.value)
    return f"{number(one.value)} [{number(one.low)}, {number(one.high)}]"


def said(title: str | None, sentence: str) -> str:
    """The sentence, with the title before it where there is one."""
    return f"{title.rstrip(' .:')}: {sentence}" if title else sentence[0].upper() + sentence[1:]


def whole(lanes) -> Estimate:
    """The estimate of stored values (seeds,)."""
    return estimate(np.asarray(lanes))


def share(lanes) -> Estimate:
    """The estimate of stored shares (seeds,); its interval ends where shares end, at 0 and 1."""
    one = whole(lanes)
    return one._replace(low=max(0.0, one.low), high=min(1.0, one.high))


def minus(first, second) -> Estimate:
    """Stored lanes minus stored lanes, one by one."""
    return paired(np.asarray(first), np.asarray(second))


def rows(values, what: str) -> np.ndarray:
    """`values` (steps,) or (seeds, steps) as (seeds, steps)."""
    if getattr(values, "ndim", 0) == 1:
        values = values[None]
    elif isinstance(values, (list, tuple)) and not any(hasattr(one, "__len__") for one in values):
        values = [values]
    return array(values, what, "(steps,) or (seeds, steps)", axes=2)


def along(values, steps: int, what: str) -> list[Estimate]:
    """An estimate for each of `steps` places: from (seeds, steps), or from estimates as such."""
    if isinstance(values, Sequence) and values and isinstance(values[0], Estimate):
        read = [interval(one, what)[0] for one in values]
    else:
        read = [interval(column, what)[0] for column in rows(values, what).T]
    if len(read) != steps:
        raise CourseError(
            f"{what} has {len(read)} values for {steps} places; expected one a place: try a "
            f"tensor (seeds, {steps}) or {steps} estimates."
        )
    return read


def entries(thing, what: str, most: int) -> dict:
    """`thing` if it is a dictionary of 1 to `most` entries."""
    if not isinstance(thing, Mapping) or not 1 <= len(thing) <= most:
        got = f"{len(thing)} entries" if isinstance(thing, Mapping) else type(thing).__name__
        raise CourseError(
            f"{what} is {got}; expected a dictionary of 1 to {most} names with their values: try "
            '{"memory": values}.'
        )
    return dict(thing)
