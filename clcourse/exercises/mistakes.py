"""The mistakes that return in every lesson, known by name, and how a check meets student code.

A *mistake* is a pair: the value a wrong answer would have, and the sentence that names what led to
it. Values are tensors, arrays or numbers. None of this imports torch.
"""

from __future__ import annotations

import copy
import dis
from collections.abc import Callable

import numpy

from clcourse.exercises import STUB, NotYet, Wrong, is_stub

Mistake = tuple[object, str]


def call(answer: Callable, *arguments: object) -> object:
    """What student code makes of copies of `arguments`; says so if it changes them in place."""
    if not callable(answer):
        raise Wrong(f"your answer is {_a(answer)}; expected something to call, such as a function.")
    copies = copy.deepcopy(arguments)
    got = answer(*copies)
    for given, after in zip(arguments, copies, strict=True):
        if _is_data(given) and not _equal(given, after, tolerance=0.0):
            raise Wrong("your code changes its input in place: work on a copy, such as x.clone().")
    if got is None and _does_something(answer):
        raise NotYet("your function gives back None; is its return missing?")
    if is_stub(got):
        raise NotYet(STUB)
    return got


def expect(got: object, wanted: object, *mistakes: Mistake, tolerance: float = 1e-5) -> None:
    """Accept `got` if it equals `wanted`; else tell the first mistake that it equals, or where."""
    if _equal(wanted, got, tolerance):
        return
    for value, sentence in mistakes:
        if _equal(value, got, tolerance):
            raise Wrong(sentence)
    mine, right = _array(got), _array(wanted)
    if right is None:
        raise Wrong(f"{str(got)[:40]!r} is not the answer.")
    if mine is None:
        raise Wrong(f"your answer is {_a(got)}; expected {_kind(right)}.")
    if mine.shape != right.shape:
        raise Wrong(f"your answer is {_kind(mine)}; expected {_kind(right)}.")
    if not numpy.isfinite(mine).all() and numpy.isfinite(right).all():
        raise Wrong("your answer has numbers in it that are not finite (nan or inf).")
    place = tuple(numpy.argwhere(~numpy.isclose(mine, right, tolerance, tolerance))[0].tolist())
    at = f" at {list(place)}" if place else ""
    raise Wrong(f"your answer is {mine[place]:.4g}{at}; expected {right[place]:.4g}.")


def averaged_over_lanes(per_lane) -> Mistake:
    """A loss that is averaged over lanes: its gradient shrinks as lanes are added."""
    return per_lane.mean(), (
        "your loss is averaged over the lanes, which divides the learning rate by their number: "
        "average over the batch, then sum over the lanes."
    )


def summed_over_batch(per_example) -> Mistake:
    """A loss that is summed over the batch: per_example (seeds, batch)."""
    return per_example.sum(), (
        "your loss is summed over the batch as well: average over the batch, sum over the lanes."
    )


def one_norm_for_all(values) -> Mistake:
    """One norm over all lanes instead of one a lane: values (seeds, …)."""
    return (values**2).sum() ** 0.5, (
        "you took one norm over all lanes: take a norm lane by lane, over every axis but the first."
    )


def softmax_forgotten(logits) -> Mistake:
    """Logits where probabilities are wanted."""
    return logits, "these are still logits: the softmax is missing."


def softmax_twice(logits) -> Mistake:
    """Probabilities that went through the softmax again."""
    return logits.softmax(-1).softmax(-1), (
        "the softmax is taken twice: the second one flattens the probabilities."
    )


def softmax_over(logits, axis: int, name: str) -> Mistake:
    """A softmax over the wrong axis."""
    return logits.softmax(axis), (
        f"your softmax runs over the {name}: let it run over the classes, the last axis."
    )


def labels_shifted(labels, by: int = 1) -> Mistake:
    """Labels that begin at 1 (or elsewhere) where the course counts from 0."""
    return labels + by, f"your labels are shifted by {by}: classes are counted from 0."


def _array(value: object) -> numpy.ndarray | None:
    """Numbers as float64 on the CPU, or None where `value` holds no numbers."""
    try:
        value = value.detach().cpu() if hasattr(value, "detach") else value
        if isinstance(value, (list, tuple)):
            value = [_array(part) for part in value]
        array = numpy.asarray(value)
        return array.astype(numpy.float64) if array.dtype.kind in "bifu" else None
    except Exception:
        return None


def _equal(wanted: object, got: object, tolerance: float) -> bool:
    right, mine = _array(wanted), _array(got)
    if right is None or mine is None:
        return right is None and mine is None and type(wanted) is type(got) and wanted == got
    return right.shape == mine.shape and bool(
        numpy.allclose(mine, right, rtol=tolerance, atol=tolerance, equal_nan=True)
    )


def _is_data(value: object) -> bool:
    return _array(value) is not None


def _does_something(answer: Callable) -> bool:
    """Whether a function has code beyond a docstring, `pass`, `...` or `return ...`."""
    code = getattr(answer, "__code__", None)
    idle = {"RESUME", "NOP", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE"}
    return code is None or not {step.opname for step in dis.get_instructions(code)} <= idle


def _a(value: object) -> str:
    return "text" if isinstance(value, str) else f"of type {type(value).__name__}"


def _kind(array: numpy.ndarray) -> str:
    return f"of shape {array.shape}" if array.ndim else "a single number"
