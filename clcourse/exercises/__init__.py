"""What students are told about their own work: check, hint and guess; a file a lesson.

A notebook owns the stub and the solution of an exercise; its lesson file here owns the check and
the hints; `tests/wrong_answers/` owns plausible wrong answers. The id joins them:

    from clcourse.exercises import Wrong, exercise
    from clcourse.exercises.mistakes import call, expect

    @exercise("02.1", expects="a function of R (seeds, T, T) that gives (seeds,)",
              hints=["Look at one column first.", "R.amax(1) is the best of each column."])
    def forgetting_by_lane(answer):
        got = call(answer, R)                          # copies of R go in
        expect(got, metrics.forgetting(R),             # right, or the first mistake that fits
               (metrics.forgetting(R).mean(), "you averaged over the lanes: keep one number each."))
        return "the last row is left out of the best."     # praise after "Right: ", or nothing

A check that finds something else wrong raises `Wrong("sentence.")`. Whatever student code does,
`check` answers with a sentence: exceptions are told, not raised. A lesson file is imported when
the first of its exercises is asked for, and nothing here needs torch.
"""

from __future__ import annotations

import importlib
import math
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType

from clcourse.errors import CourseError

__all__ = ["Wrong", "NotYet", "check", "exercise", "guess", "hint", "known"]

STUB = "replace the ... with your own code."


class Wrong(Exception):
    """Raised by a check: one sentence that names the likely mistake and what to do."""


class NotYet(Wrong):
    """Raised by a check: nothing to judge yet."""


@dataclass(frozen=True)
class Exercise:
    """One exercise: the check returns praise or None, or raises `Wrong`."""

    check: Callable[[object], str | None]
    expects: str
    hints: Sequence[str]


@dataclass(frozen=True, repr=False)
class Reply:
    """What `check` and `hint` answer: one sentence, and whether the answer was right."""

    text: str
    right: bool = False

    def __repr__(self) -> str:
        return self.text


@dataclass(frozen=True, repr=False)
class Guess:
    """A prediction, locked in before the run; `value` is None while there is none."""

    value: float | str | None
    text: str

    def __repr__(self) -> str:
        return self.text


_exercises: dict[str, Exercise] = {}
_hints_given: dict[str, int] = {}  # these two last as long as the kernel
_guesses: dict[str, float | str] = {}


def exercise(name: str, *, expects: str, hints: Sequence[str]) -> Callable:
    """Register the decorated function as the check of exercise `name`, such as "02.1"."""

    def register(function: Callable[[object], str | None]) -> Callable[[object], str | None]:
        if name in _exercises and _exercises[name].check.__qualname__ != function.__qualname__:
            raise ValueError(f"exercise {name} is checked twice")
        _exercises[name] = Exercise(function, expects, tuple(hints))
        return function

    return register


def known(lesson: str) -> dict[str, Exercise]:
    """The exercises of a lesson, such as "02", by their ids."""
    module = f"{__name__}.lesson_{lesson}"
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
    return {name: one for name, one in _exercises.items() if name.startswith(f"{lesson}.")}


def _find(name: object) -> Exercise:
    lesson = _lesson_of(name)
    exercises = known(lesson)
    if name not in exercises:
        has = "has " + ", ".join(exercises) if exercises else "has none"
        raise CourseError(f"There is no exercise {name!r}; lesson {lesson} {has}.")
    return exercises[name]


def _lesson_of(name: object) -> str:
    if not (isinstance(name, str) and re.fullmatch(r"[0-9]{2}\.[0-9]+", name)):
        raise CourseError(
            f'{name!r} is no exercise; expected a lesson and a number in quotes: try "00.1".'
        )
    return name[:2]


def check(name: str, answer: object) -> Reply:
    """Judge `answer` to exercise `name` in one sentence; student code cannot make it raise."""
    one = _find(name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if is_stub(answer):
                raise NotYet(STUB)
            praise = one.check(answer)
    except NotYet as sentence:
        return Reply(f"Not yet: {sentence}")
    except Wrong as sentence:
        return Reply(f"Not quite: {sentence}")
    except (Exception, SystemExit) as error:
        return Reply(_stopped(error, one.expects))
    return Reply(f"Right: {praise}" if praise else "Right.", right=True)


def is_stub(answer: object) -> bool:
    """Whether nothing has been filled in: `...`, None, or a collection with `...` in it."""
    if isinstance(answer, (tuple, list)):
        return any(
            part is ... or isinstance(part, (tuple, list)) and is_stub(part) for part in answer
        )
    if isinstance(answer, dict):
        return is_stub(list(answer.values()))
    return answer is None or answer is ...


def _stopped(error: BaseException, expects: str) -> str:
    """One sentence about an exception in student code."""
    try:
        message = " ".join(str(error).split())
    except Exception:
        message = ""
    if "ellipsis" in message:  # a stub with some code: 'ellipsis' and 'Tensor' do not add
        return f"Not yet: {STUB}"
    message = re.sub(r" at 0x[0-9a-fA-F]+", "", message).rstrip(".")
    if len(message) > 150:
        message = message[:150].rsplit(" ", 1)[0] + " …"
    message = f": {message}" if message else ""
    where = _line(error.__traceback__)
    return (
        f"Not quite: your code stopped with {type(error).__name__}{message}{where}; "
        f"expected {expects}."
    )


def _line(traceback: TracebackType | None) -> str:
    """Where in the notebook's own code an exception arose."""
    where = ""
    while traceback is not None:
        if traceback.tb_frame.f_globals.get("__name__") == "__main__":
            where = f" (line {traceback.tb_lineno} of its cell)"
        traceback = traceback.tb_next
    return where


def hint(name: str) -> Reply:
    """The next hint to exercise `name`; the last one also says where the solution is."""
    hints = _find(name).hints
    number = min(_hints_given.get(name, 0) + 1, len(hints))
    _hints_given[name] = number
    more = (
        ""
        if number < len(hints)
        else (f" The solution is folded below the exercise: click “Solution {name}”.")
    )
    return Reply(f"Hint {number} of {len(hints)}: {hints[number - 1]}{more}")


def guess(
    name: str,
    value: float | str,
    *,
    low: float = 0.0,
    high: float = 1.0,
    among: Sequence[str] = (),
    again: bool = False,
) -> Guess:
    """Lock in a prediction before the run: the first one counts, unless `again=True`.

    A number from `low` to `high`, or one of the words `among`; `...` means no guess yet.
    """
    _lesson_of(name)
    locked = _guesses.get(name)
    if value is ...:
        if locked is not None:
            return Guess(locked, f"locked in: {_show(locked)}")
        return Guess(None, "no guess yet: replace the ... with yours")
    value, problem = _read_guess(value, low, high, among)
    if problem:
        return Guess(locked, problem)
    if locked is not None and locked != value and not again:
        new = f'"{value}"' if among else _show(value)
        return Guess(
            locked,
            f"locked in: {_show(locked)}, and it stays; "
            f'cl.guess("{name}", {new}, again=True) changes it',
        )
    _guesses[name] = value
    return Guess(value, f"locked in: {_show(value)}")


def _show(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _read_guess(
    value: object, low: float, high: float, among: Sequence[str]
) -> tuple[float | str | None, str]:
    """The guess as a float or a word, and what is wrong with it in a sentence ("" if nothing)."""
    if among:
        right = isinstance(value, str) and value in among
        words = " or ".join(f'"{word}"' for word in among)
        return (value, "") if right else (None, f"a guess here is one of {words}")
    wanted = f"a guess here is a number from {low:g} to {high:g}"
    try:
        number = math.nan if isinstance(value, (bool, str)) else float(value)
    except Exception:
        number = math.nan
    if low <= number <= high:
        return number, ""
    if (low, high) == (0, 1) and 1 < number <= 100:
        wanted += f": for {number:g} % write {number / 100:g}"
    return None, wanted
