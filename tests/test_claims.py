"""Verdicts follow from the rule that was written down, and from nothing else."""

import pytest

import clcourse as cl


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.10, 0.30, "holds"),
        (0.05, 0.30, "holds"),
        (0.04, 0.30, "holds in part"),
        (0.01, 0.03, "holds in part"),
        (0.00, 0.30, "not in this toy"),
        (-0.2, 0.30, "not in this toy"),
        (-0.3, -0.2, "not in this toy"),
    ],
)
def test_the_rule(low, high, verdict):
    effect = cl.Estimate((low + high) / 2, low, high, 20)
    assert cl.Rule(smallest=0.05).verdict(effect) == verdict


def test_a_claim_runs_its_measure_on_the_seeds_it_is_given():
    asked = []

    def measure(seeds):
        asked.append(seeds)
        return cl.estimate([0.2, 0.3, 0.25])

    claim = cl.Claim("02.a", "article", "It forgets.", measure, cl.Rule(0.1))
    verdict = claim.judge(seeds=3)
    assert asked == [3] and verdict.words == "holds"
    assert "It forgets. [article] holds (0.25 [" in repr(verdict)
    table = cl.Verdicts(verdict)._repr_markdown_()
    assert "| 02.a | It forgets. |" in table
    assert "matters from 0.1" in table and "**holds**" in table


def test_an_effect_that_was_measured_is_judged_as_it_is_and_on_no_other_seeds():
    effect = cl.estimate([0.2, 0.3, 0.25])
    claim = cl.Claim("02.a", "article", "It forgets.", effect, cl.Rule(0.1))
    assert claim.judge().effect is effect and claim.judge().words == "holds"
    with pytest.raises(cl.CourseError, match="measured already"):
        claim.judge(seeds=5)


def test_an_opinion_is_not_tested():
    verdict = cl.Claim("02.b", "article", "It matters.", label="opinion").judge()
    assert verdict.words == "opinion" and verdict.effect is None
    assert "**opinion**" in cl.Verdicts(verdict)._repr_markdown_()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: cl.Rule(0), "above 0"),
        (lambda: cl.Rule(-0.1), "above 0"),
        (lambda: cl.Claim("1", "s", "t", label="hunch"), "toy, paper, opinion"),
        (lambda: cl.Claim("1", "s", "t", rule=cl.Rule(0.1)), "no measure"),
        (lambda: cl.Claim("1", "s", "t", measure=lambda seeds: None), "no rule"),
    ],
)
def test_bad_claims_get_one_sentence(make, words):
    with pytest.raises(cl.CourseError, match="expected|label") as caught:
        make()
    assert words in str(caught.value)
