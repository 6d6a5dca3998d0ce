"""Claims have verdicts: what somebody asserts, measured, and judged by a rule set beforehand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from clcourse.errors import CourseError
from clcourse.metrics import Estimate

LABELS = {
    "toy": "toy result",
    "paper": "paper result",
    "opinion": "opinion",
}


@dataclass(frozen=True)
class Rule:
    """The smallest effect of interest, written down before the experiment is run.

    "holds" where the whole 95 % interval lies at or above `smallest`; "holds in part" where it
    lies above zero but not wholly above `smallest`; "not in this toy" otherwise. A claim that
    something is small is put as its negative: measure limit - value.
    """

    smallest: float

    def __post_init__(self) -> None:
        if not self.smallest > 0:
            raise CourseError(
                f"The smallest effect of interest is {self.smallest!r}; expected a number above 0: "
                "say what would matter, such as 0.05 of accuracy."
            )

    def verdict(self, effect: Estimate) -> str:
        """The verdict on an estimated effect."""
        if effect.low >= self.smallest:
            return "holds"
        return "holds in part" if effect.low > 0 else "not in this toy"


@dataclass(frozen=True)
class Claim:
    """What an article, a paper or a lesson asserts, and how this course puts it to the test.

    measure  the Estimate of an effect, or a function of `seeds` that measures it; rule: a Rule;
    label: "toy", "paper" or "opinion". An opinion needs no measure and gets no verdict but that.
    """

    id: str
    source: str
    statement: str
    measure: Estimate | Callable[[object], Estimate] | None = None
    rule: Rule | None = None
    label: str = "toy"

    def __post_init__(self) -> None:
        if self.label not in LABELS:
            raise CourseError(
                f"Claim {self.id}: label {self.label!r}; expected one of {', '.join(LABELS)}."
            )
        if self.label == "toy" and (self.measure is None or self.rule is None):
            raise CourseError(
                f"Claim {self.id} is to be tested but has no measure or no rule; expected both: "
                "give measure= and rule=Rule(smallest), or label it 'opinion'."
            )

    def judge(self, seeds=None) -> Verdict:
        """Measure, on 20 lanes or on `seeds`, unless that is done, and apply the rule."""
        if self.label != "toy":
            return Verdict(self, None, LABELS[self.label])
        measured = isinstance(self.measure, Estimate)
        if measured and seeds is not None:
            raise CourseError(
                f"Claim {self.id} was measured already, so seeds={seeds!r} would change nothing; "
                "expected no seeds: give the claim a function of seeds to measure it again."
            )
        effect = self.measure if measured else self.measure(20 if seeds is None else seeds)
        return Verdict(self, effect, self.rule.verdict(effect))


@dataclass(frozen=True)
class Verdict:
    """A claim, the effect that was measured, and what follows from it."""

    claim: Claim
    effect: Estimate | None
    words: str

    def __repr__(self) -> str:
        effect = "" if self.effect is None else f" ({self.effect}, {self.effect.n} lanes)"
        return f"{self.claim.id} {self.claim.statement} [{self.claim.source}] {self.words}{effect}"


class Verdicts:
    """The closing table of a lesson: its claims and their verdicts."""

    def __init__(self, *verdicts: Verdict) -> None:
        self.verdicts = verdicts

    def __repr__(self) -> str:
        return "\n".join(map(repr, self.verdicts))

    def _repr_markdown_(self) -> str:
        lines = ["| | claim | who says so | what we measured | verdict |", "|---|---|---|---|---|"]
        for one in self.verdicts:
            effect = "–" if one.effect is None else f"{one.effect}, {one.effect.n} lanes"
            rule = one.claim.rule
            smallest = "" if rule is None else f"; matters from {rule.smallest:g}"
            lines.append(
                f"| {one.claim.id} | {one.claim.statement} | {one.claim.source} | "
                f"{effect}{smallest} | **{one.words}** |"
            )
        return "\n".join(lines)
