"""Each exercise: its solution passes, its stub is not yet right, wrong answers are told why.

The notebook owns stub and solution: they are taken out of it here. An exercise stands alone: it is
run below the cells of its notebook that are tagged import, knobs or setup, and no others.
Wrong answers are in wrong_answers/lesson_NN.py: WRONG = {"02.1": [(answer, words), …], …}, where
the words (a text, or a list of texts) are in the reply to that answer.
"""

import importlib.util
import math
import warnings
from pathlib import Path

import numpy
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from lessons import NOTEBOOKS, Exercise, exercises, number

import clcourse as cl
from clcourse import exercises as package
from clcourse.exercises import NotYet, Wrong, exercise, mistakes
from clcourse.exercises.mistakes import call, expect

STUB = "Not yet: replace the ... with your own code."
ALL = [one for path in NOTEBOOKS for one in exercises(path)]


def wrong_answers(lesson: str) -> dict:
    path = Path(__file__).parent / "wrong_answers" / f"lesson_{lesson}.py"
    spec = importlib.util.spec_from_file_location(f"wrong_answers_{lesson}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.WRONG


def is_one_sentence(text: str) -> bool:
    """Said in one breath: one line, an end, no address in memory."""
    return "\n" not in text and len(text) <= 340 and text[-1] in ".?" and " at 0x" not in text


def vandal(*arguments):
    """Student code that spoils whatever it is given."""
    for one in arguments:
        if hasattr(one, "zero_"):
            one.zero_()
        elif hasattr(one, "clear"):
            one.clear()
    return arguments[0] if arguments else 0


class Hostile:
    """Stops whatever is done with it."""

    def __init__(self, *arguments):
        pass

    def stop(self, *arguments):
        raise RuntimeError("no\nnot\tthis")

    __eq__ = __len__ = __iter__ = __getattr__ = __call__ = __float__ = __lt__ = __repr__ = stop
    __hash__ = None


class Mute(Exception):
    def __str__(self):
        raise ValueError


def raises(error):
    def student(*arguments):
        raise error

    return student


JUNK = [
    0, -1, 3, 10**400, math.nan, True, "text", "", b"", (), [], {}, [[1.0], [2.0, 3.0]], object(),
    torch.zeros(3, 0), torch.ones(2, requires_grad=True), numpy.array(["a"]), torch, int, print,
    lambda: 1, lambda *arguments: arguments, lambda *arguments: iter(()), Hostile(), Hostile,
    raises(Mute()), raises(SystemExit(1)), raises(KeyError("x")), lambda *a: student_recursion(*a),
]  # fmt: skip


def student_recursion(*arguments):
    return student_recursion(*arguments)


# Every exercise of every lesson


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_package_and_wrong_answers_have_the_same_exercises(path):
    names = [one.name for one in exercises(path)]
    assert len(names) >= 3
    assert names == [f"{number(path)}.{k}" for k in range(1, len(names) + 1)]
    assert sorted(package.known(number(path))) == names
    assert sorted(wrong_answers(number(path))) == names


@pytest.mark.parametrize("one", ALL, ids=lambda one: one.name)
class TestExercise:
    def test_the_solution_passes(self, one: Exercise):
        answer = one.answer(one.solution)
        reply = cl.check(one.name, answer)
        assert reply.right and repr(reply).startswith("Right"), reply
        assert is_one_sentence(repr(reply)), reply
        cl.check(one.name, vandal)
        assert repr(cl.check(one.name, answer)) == repr(reply), "the check does not repeat"

    def test_the_stub_is_not_yet_right(self, one: Exercise):
        assert repr(cl.check(one.name, one.answer(one.stub))) == STUB
        assert one.output == STUB, "what the notebook stores is not what a fresh copy says"

    def test_wrong_answers_are_told_what_is_wrong(self, one: Exercise):
        replies = []
        for answer, words in wrong_answers(one.name[:2])[one.name]:
            reply = cl.check(one.name, answer)
            text = repr(reply)
            assert not reply.right and text.startswith("Not quite: "), reply
            assert is_one_sentence(text), reply
            for word in [words] if isinstance(words, str) else words:
                assert word in text, f"{word!r} is not in: {text}"
            replies.append(text)
        assert len(replies) >= 2
        assert len(set(replies)) == len(replies), "two mistakes get the same reply"

    @pytest.mark.parametrize("junk", JUNK, ids=range(len(JUNK)))
    def test_whatever_comes_gets_a_sentence(self, one: Exercise, junk):
        assert is_one_sentence(repr(cl.check(one.name, junk)))

    @pytest.mark.parametrize("empty", [..., None, [...], lambda *a: 1 / 0, vandal], ids=range(5))
    def test_nothing_is_never_right(self, one: Exercise, empty):
        assert not cl.check(one.name, empty).right

    def test_hints_come_one_by_one(self, one: Exercise, fresh_kernel):
        many = len(package.known(one.name[:2])[one.name].hints)
        assert many >= 2
        hints = [repr(cl.hint(one.name)) for _ in range(many + 1)]
        assert hints[0].startswith(f"Hint 1 of {many}: ")
        assert all("\n" not in text and text[-1] == "." for text in hints), hints
        assert len(set(hints)) == many and hints[-1] == hints[-2]
        assert f"“Solution {one.name}”" in hints[-1]


# How check, hint and guess work, on exercises of a lesson that is not there


@pytest.fixture
def fresh_kernel(monkeypatch):
    """No hint given, no guess locked in."""
    monkeypatch.setattr(package, "_hints_given", {})
    monkeypatch.setattr(package, "_guesses", {})


@pytest.fixture
def double(fresh_kernel):
    """Exercise 99.1: twice its input."""

    @exercise("99.1", expects="a function of x (seeds,)", hints=["Look.", "Multiply."])
    def check_double(answer):
        x = torch.arange(3.0)
        expect(call(answer, x), 2 * x, (x**2, "you squared x: double it."))
        return "twice as much." if answer.__name__ == "praised" else None

    yield "99.1"
    del package._exercises["99.1"]


def told(name, answer):
    return repr(cl.check(name, answer))


def test_right_answers(double):
    def praised(x):
        print("thinking aloud")
        warnings.warn("loudly", stacklevel=1)
        return x + x

    assert told(double, praised) == "Right: twice as much."
    assert told(double, lambda x: [0, 2, 4]) == "Right."
    assert cl.check(double, lambda x: 2 * x.numpy()).right


def partial(x):
    best = ...
    return best + x


def documented(x):
    """x (seeds,) -> (seeds,)"""


@pytest.mark.parametrize(
    "stub",
    [..., None, (1, ...), [[...]], {"a": ...}, lambda x: ..., lambda x: None, documented, partial,
     lambda x: (x, ...)],
)  # fmt: skip
def test_stubs(double, stub):
    assert told(double, stub) == STUB


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (lambda x: x**2, "you squared x: double it."),
        (lambda x: x, "your answer is 1 at [1]; expected 2."),
        (lambda x: x.sum(), "your answer is a single number; expected of shape (3,)."),
        (lambda x: "many", "your answer is text; expected of shape (3,)."),
        (lambda x: {}, "your answer is of type dict; expected of shape (3,)."),
        (lambda x: x / 0, "your answer has numbers in it that are not finite (nan or inf)."),
        (lambda x: x.mul_(2), "your code changes its input in place: work on a copy, such as "
         "x.clone()."),
        (3, "your answer is of type int; expected something to call, such as a function."),
        (lambda x: 1 / 0, "your code stopped with ZeroDivisionError: division by zero; "
         "expected a function of x (seeds,)."),
        (raises(Mute()), "your code stopped with Mute; expected a function of x (seeds,)."),
        (raises(SystemExit()), "your code stopped with SystemExit; expected a function of "
         "x (seeds,)."),
    ],
)  # fmt: skip
def test_wrong_answers(double, answer, sentence):
    assert told(double, answer) == f"Not quite: {sentence}"


def test_wrong_arguments(double):
    def add(x, y):
        return x + y

    assert "add() missing 1 required positional argument: 'y'; expected a function of x" in told(
        double, add
    )


def test_a_forgotten_return(double):
    def sums(x):
        total = x + x  # noqa: F841

    assert told(double, sums) == "Not yet: your function gives back None; is its return missing?"


def test_the_line_where_student_code_stops(double):
    names = {"__name__": "__main__"}
    exec("\n\ndef mine(x):\n    return x @ x.T.nonsense", names)
    assert "(line 4 of its cell); expected" in told(double, names["mine"])


def test_long_errors_are_cut(double):
    text = told(double, raises(ValueError("words and\n" * 100)))
    assert text.endswith(" …; expected a function of x (seeds,).") and len(text) < 260


def test_an_interrupt_goes_through(double):
    with pytest.raises(KeyboardInterrupt):
        cl.check(double, raises(KeyboardInterrupt()))


VALUES = st.recursive(
    st.none() | st.just(...) | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.tuples(inner, inner),
    max_leaves=6,
)


@given(VALUES)
def test_no_answer_makes_a_check_raise(value):
    for answer in (value, lambda x: value):
        assert is_one_sentence(told("99.2", answer))


@exercise("99.2", expects="a function of x (seeds,)", hints=["Look.", "Multiply."])
def check_three(answer):
    expect(call(answer, torch.zeros(3)), torch.ones(3))


@pytest.mark.parametrize("name", ["99.9", "2.1", "", None, 99.1, "99", "٩٩.1"])
def test_unknown_exercises(double, name):
    for ask in (lambda: cl.check(name, 1), lambda: cl.hint(name)):
        with pytest.raises(cl.CourseError, match="no exercise"):
            ask()


def test_known_exercises_are_named(double):
    with pytest.raises(cl.CourseError, match="lesson 99 has 99.2, 99.1"):
        cl.check("99.3", 1)


def test_two_checks_of_one_exercise(double):
    with pytest.raises(ValueError, match="twice"):

        @exercise(double, expects="", hints=[])
        def another(answer):
            pass


def test_hints(double):
    assert repr(cl.hint(double)) == "Hint 1 of 2: Look."
    last = (
        "Hint 2 of 2: Multiply. The solution is folded below the exercise: click “Solution 99.1”."
    )
    assert repr(cl.hint(double)) == repr(cl.hint(double)) == last


# Guesses


def test_the_first_guess_counts(fresh_kernel):
    nothing = cl.guess("02.1", ...)
    assert nothing.value is None and repr(nothing) == "no guess yet: replace the ... with yours"
    first = cl.guess("02.1", 0.8)
    assert first.value == 0.8 and repr(first) == "locked in: 0.8"
    assert cl.guess("02.1", 0.8) == cl.guess("02.1", ...) == first
    second = cl.guess("02.1", 0.5)
    assert second.value == 0.8
    assert repr(second) == (
        'locked in: 0.8, and it stays; cl.guess("02.1", 0.5, again=True) changes it'
    )
    assert cl.guess("02.1", 0.5, again=True).value == 0.5
    assert cl.guess("02.1", 0.8).value == 0.5
    assert cl.guess("02.2", 0.1).value == 0.1


def test_a_guess_outside_is_not_locked_in(fresh_kernel):
    percent = cl.guess("02.1", 80)
    assert percent.value is None
    assert repr(percent) == "a guess here is a number from 0 to 1: for 80 % write 0.8"
    for value in (-0.1, 1.5, math.nan, math.inf, "0.8", True, None, [1, 2], 1j, 10**400, Hostile()):
        guess = cl.guess("02.1", value)
        assert guess.value is None and repr(guess).startswith("a guess here is a number from 0 to")
    assert cl.guess("02.1", torch.tensor(0.3)).value == pytest.approx(0.3)
    assert cl.guess("02.3", 18, high=18).value == 18
    assert repr(cl.guess("02.4", 19, high=18)) == "a guess here is a number from 0 to 18"


def test_a_guess_among_words(fresh_kernel):
    among = ("weights", "context")
    assert repr(cl.guess("01.1", "notes", among=among)) == (
        'a guess here is one of "weights" or "context"'
    )
    assert cl.guess("01.1", "weights", among=among).value == "weights"
    again = cl.guess("01.1", "context", among=among)
    assert 'locked in: weights, and it stays; cl.guess("01.1", "context", again=True)' in repr(
        again
    )


@pytest.mark.parametrize("name", ["2", 2.1, None])
def test_guesses_have_ids(name):
    with pytest.raises(cl.CourseError, match="expected a lesson and a number"):
        cl.guess(name, 0.5)


# Mistakes known by name


LANES = st.lists(st.floats(0.125, 9, width=32), min_size=2, max_size=5).map(torch.tensor)


@given(LANES)
def test_a_loss_averaged_over_lanes_is_told(per_lane):
    with pytest.raises(Wrong, match="averaged over the lanes"):
        expect(per_lane.mean(), per_lane.sum(), mistakes.averaged_over_lanes(per_lane))


@given(LANES)
def test_right_goes_before_any_mistake(values):
    expect(values, values.clone(), (values, "never said."))
    expect(values.tolist(), values, (values, "never said."))


@given(LANES, st.integers(0, 1), st.floats(0.01, 5))
def test_a_different_number_is_found(values, place, change):
    other = values.clone()
    other[place] += change
    with pytest.raises(Wrong, match=rf"your answer is .* at \[{place}\]; expected"):
        expect(other, values)


def test_named_mistakes():
    logits = torch.randn(4, 5, 3, generator=torch.Generator().manual_seed(0))
    right = logits.softmax(-1)
    per_example = logits.logsumexp(-1)
    norms = logits.flatten(1).norm(dim=1)
    labels = torch.tensor([[0, 2, 1]])
    for got, wanted, mistake, words in [
        (logits, right, mistakes.softmax_forgotten(logits), "still logits"),
        (right.softmax(-1), right, mistakes.softmax_twice(logits), "twice"),
        (logits.softmax(1), right, mistakes.softmax_over(logits, 1, "batch"), "over the batch"),
        (logits.norm(), norms, mistakes.one_norm_for_all(logits), "lane by lane"),
        (labels + 1, labels, mistakes.labels_shifted(labels), "shifted by 1"),
        (
            per_example.sum(),
            per_example.mean(1).sum(),
            mistakes.summed_over_batch(per_example),
            "summed over the batch",
        ),
    ]:
        with pytest.raises(Wrong, match=words):
            expect(got, wanted, mistake)


def test_words_are_compared_too():
    expect("readout", "readout")
    with pytest.raises(Wrong, match="'features' is not the answer"):
        expect("features", "readout")


def test_call_hands_over_copies_and_knows_what_came_back():
    x, items = torch.ones(3), [1, 2]
    assert call(lambda x, items: items, x, items) == [1, 2]
    for spoil in (vandal, lambda x, items: items.append(3) or 1):
        with pytest.raises(Wrong, match="in place"):
            call(spoil, x, items)
    assert torch.equal(x, torch.ones(3)) and items == [1, 2]
    with pytest.raises(NotYet):
        call(lambda x: ..., x)
    assert call(lambda x: 1, torch.tensor([math.nan])) == 1  # nan is no change
    network = torch.nn.Linear(1, 1)
    before = network.weight.item()
    with torch.no_grad():
        call(lambda net: net.weight.zero_(), network)  # a network may be trained: it is a copy
    assert network.weight.item() == before
