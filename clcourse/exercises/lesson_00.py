"""Lesson 00: three small exercises that show how check, hint and solution work; without torch."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real

from clcourse.exercises import Wrong, exercise
from clcourse.exercises.mistakes import call, expect
from clcourse.results import load


@exercise(
    "00.1",
    expects="the number of a step, from 0 to 18",
    hints=[
        "Drag the first slider until the large blue number is below 0.50 for the first time.",
        "Or unfold “The same in numbers” below the drawing and read down the second column.",
    ],
)
def first_step_below_half(answer: object) -> str:
    """The first step after which the mean of the networks is below one half."""
    mean = [value for value, _, _ in load("00_opening")["share"]["which of ten"]]
    first = next(step for step, value in enumerate(mean) if value < 0.5)
    if not isinstance(answer, Real) or isinstance(answer, bool):
        raise Wrong("this one wants the number of a step, such as 3.")
    if not 0 <= answer <= 18:
        raise Wrong("there is no such step: the slider goes from 0 to 18.")
    if answer != int(answer):
        raise Wrong("this looks like a share of pictures: wanted is the step at which it is read.")
    here = f"after step {int(answer)} the mean is {mean[int(answer)]:.2f}"
    if answer < first:
        raise Wrong(f"{here}, still half or more: drag further.")
    if answer > first:
        raise Wrong(f"{here}, but it was below 0.50 earlier: go back.")
    return f"{here}, and one step earlier it was {mean[first - 1]:.2f}."


@exercise(
    "00.2",
    expects="a function of two texts of equal length that gives a share from 0 to 1",
    hints=[
        "zip(said, truth) goes through both texts side by side, one letter of each at a time.",
        "True counts as 1: sum(one == other for one, other in zip(said, truth)) counts the hits.",
    ],
)
def share_right(answer: Callable) -> str:
    """The share of places at which two texts agree."""
    pairs = ("0033", "0011"), ("01234", "01239"), ("3322332", "0001111"), ("0011", "1100")
    for said, truth in pairs:
        hits = sum(one == other for one, other in zip(said, truth, strict=True))
        expect(
            call(answer, said, truth),
            hits / len(truth),
            (said == truth, "== compares the texts as a whole: compare them letter by letter."),
            (
                len(set(said) & set(truth)) / len(set(truth)),
                "this looks at which digits occur anywhere: compare them place by place.",
            ),
            (float(hits), "this is how many are right: divide by how many there are."),
            (1 - hits / len(truth), "this is the share that is wrong: count where they agree."),
            (hits / 10, "you divide by a fixed number: divide by len(truth)."),
            (hits / 20, "you divide by a fixed number: divide by len(truth)."),
        )
    return "that is accuracy, the number on almost every axis of this course."


@exercise(
    "00.3",
    expects="a function of ten scores and a list of digits that gives one of those digits",
    hints=[
        "Only the digits in `allowed` compete: look up the score of each of them, scores[digit].",
        "max(allowed, key=...) gives the digit for which the key is largest; the key of a digit "
        "is its score: key=lambda digit: scores[digit].",
    ],
)
def answer_among(answer: Callable) -> str:
    """The digit with the best score among those in question."""
    scores = [0.3, 1.2, 4.0, 2.5, -1.0, -3.0, 0.1, -2.0, 0.9, 1.1]
    for allowed in ([9, 3, 6], [7, 4, 5], [0, 1]):  # in the first two every mistake differs
        best = max(allowed, key=lambda digit: scores[digit])
        expect(
            call(answer, scores, allowed),
            best,
            (2, "this digit has the best score of all ten: let only the allowed ones compete."),
            (scores[best], "this is the best score: give the digit that has it."),
            (allowed.index(best), "this is a place in the list `allowed`: give the digit there."),
            (max(allowed), "this is the largest digit: compare scores, not digits."),
            (
                min(allowed, key=lambda digit: scores[digit]),
                "this is the allowed digit with the lowest score: take the highest.",
            ),
            (
                0,  # the first of the masked ones, where all allowed scores are negative
                "a masked score became 0, and 0 beats a negative score: let only the allowed "
                "digits compete.",
            ),
        )
    return "the scores never changed, only the question did."
