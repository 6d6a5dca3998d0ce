"""A small world: who is in it, what changes, what a rule says, and nothing by accident."""

import pytest
import torch

import clcourse as cl
from clcourse.facts import (
    ATTRIBUTES,
    FIRST,
    LAST,
    NUMBER,
    RULED,
    VALUES,
    WORDS,
    World,
    text,
    tokens,
)

SEEDS = 4


@pytest.fixture(scope="module", name="world")
def _world() -> World:
    return World(seeds=SEEDS)


def people(facts, lane: int) -> set[str]:
    return {" ".join(text(note).split()[1:3]) for note in facts.notes()[lane]}


def test_every_word_has_one_number():
    assert len(set(WORDS)) == len(WORDS) == len(NUMBER)
    assert all(len(part) == 20 for part in VALUES) and len(FIRST) == len(LAST) == 25
    assert text(tokens("likes every Young chess .")) == "likes every Young chess ."


def test_the_groups_share_nobody(world):
    for lane in range(SEEDS):
        groups = [people(world.facts(name), lane) for name in world.groups]
        assert [len(one) for one in groups] == [100, 300, 100]
        assert not groups[0] & groups[1] and not groups[0] & groups[2] and not groups[1] & groups[2]
        families = {name.split()[1] for group in groups for name in group}
        assert not families & set(LAST[-RULED:])


def test_a_fact_reads_as_it_is_written(world):
    facts = world.facts("newcomers", 2)
    assert len(facts) == 6 and facts.x.shape == (SEEDS, 6, 4)
    for lane in range(SEEDS):
        for row, note in enumerate(facts.notes()[lane]):
            attribute, first, last, value = text(note).split()
            assert attribute == ATTRIBUTES[row % 3] and value in VALUES[row % 3]
            assert first in FIRST and last in LAST
            asked = f"<start> {attribute} {first} {last}"
            assert torch.equal(facts.x[lane, row], tokens(asked))


def test_nothing_but_chance_decides_a_value(world):
    """Values are uniform: a chi-squared statistic of 19 degrees of freedom, over 6000 facts."""
    facts = World(seeds=20).facts("newcomers")
    for which in range(3):
        drawn = facts.y[:, which::3].flatten() - NUMBER[VALUES[which][0]]
        counts = torch.bincount(drawn, minlength=20).double()
        assert ((counts - 300) ** 2 / 300).sum() < 43.8  # one in a thousand


def test_after_the_change_every_answer_is_another(world):
    before, after = world.facts("people", 10), world.changed("people", 10)
    assert torch.equal(before.x, after.x) and not (before.y == after.y).any()
    for which in range(3):
        first = NUMBER[VALUES[which][0]]
        assert ((after.y[:, which::3] >= first) & (after.y[:, which::3] < first + 20)).all()


def test_a_rule_holds_for_all_and_is_asked_of_others(world):
    for family in range(RULED):
        rule, taught, unseen = world.rule(family, taught=15)
        assert (len(rule), len(taught), len(unseen)) == (1, 15, 10)
        for lane in range(SEEDS):
            assert not people(taught, lane) & people(unseen, lane)
            _, every, last, liked = text(rule.notes()[lane, 0]).split()
            assert every == "every" and last == LAST[family - RULED]
            for part in (taught, unseen):
                for note in part.notes()[lane]:
                    words = text(note).split()
                    assert words[0] == "likes" and words[2:] == [last, liked]


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_chain_answers_only_link_by_link(world, depth):
    """Followed as it is read aloud: from the family to the last answer, one rule after another."""
    for family in range(RULED):
        rules, taught, unseen = world.chain(family, depth, taught=15)
        assert (len(rules), len(taught), len(unseen)) == (depth, 15, 10)
        for lane in range(SEEDS):
            word = LAST[family - RULED]
            for note in rules.notes()[lane]:
                attribute, every, about, value = text(note).split()
                assert every == "every" and about == word
                word = value
            for part in (taught, unseen):
                notes = [text(note).split() for note in part.notes()[lane]]
                assert {(a, last, v) for a, _, last, v in notes} == {
                    (attribute, LAST[family - RULED], word)
                }
            assert not people(taught, lane) & people(unseen, lane)


def test_rules_of_two_families_never_contradict_each_other(world):
    rules = [world.chain(family, 3)[0] for family in range(RULED)]
    for lane in range(SEEDS):
        said: dict[str, str] = {}
        for question, value in ((text(n[:3]), text(n[3:])) for r in rules for n in r.notes()[lane]):
            assert said.setdefault(question, value) == value
    assert all(map(torch.equal, world.chain(0, 1)[0], world.rule(0)[0]))


def test_a_stream_of_facts_runs():
    world = World(people=5, newcomers=5, seeds=2)
    _, taught, unseen = world.rule()
    stream = world.stream(base=world.facts(), new=world.facts("newcomers"), rule=(taught, unseen))
    assert [one.name for one in stream] == ["base", "new", "rule"] and stream.classes == len(WORDS)
    assert torch.equal(stream[2].x, taught.x) and torch.equal(stream[2].y_test, unseen.y)
    network = cl.tiny_transformer(len(WORDS), width=16, heads=2, seeds=2)
    learner = cl.GradientLearner(network, lr=0.5)
    history = cl.run(learner, stream, epochs=40)
    assert history.accuracy[:, 0, 0].mean() > 0.9 and history.accuracy[:, 2, 0].mean() < 0.7


def test_a_lane_lives_in_the_same_world_alone():
    alone, together = World(seeds=[2]), World(seeds=4)
    assert torch.equal(alone.facts("strangers").y[0], together.facts("strangers").y[2])
    assert torch.equal(alone.rule(1)[1].x[0], together.rule(1)[1].x[2])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda w: World(people=0), "people=0"),
        (lambda w: World(people=300, newcomers=200), "fewer than 500"),
        (lambda w: w.facts("robots"), "Unknown group 'robots'"),
        (lambda w: w.facts("people", 101), "1 to 100"),
        (lambda w: w.rule(5), "family of 0 to 4"),
        (lambda w: w.rule(0, taught=25), "1 to 24"),
        (lambda w: w.chain(0, 4), "depth=4; expected 1, 2 or 3"),
        (lambda w: w.chain(0, 0), "depth=0"),
        (lambda w: w.stream(), "stream of nothing"),
        (lambda w: tokens("lives-in Ada Finch Paris"), "'Paris' is not in this small world"),
        (lambda w: tokens(" "), "empty text"),
        (lambda w: text(torch.tensor([999])), "from 0 to"),
    ],
)
def test_bad_input_gets_one_sentence(world, wrong, message):
    with pytest.raises(cl.CourseError, match=message):
        wrong(world)
