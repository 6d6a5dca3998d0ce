"""Memory transplant: it finds planted memories in any part, and says when it cannot."""

import copy

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

import clcourse as cl

PARTS = {"a": "a", "b": "b", "c": "c"}


class System:
    """Three parts, each a number a lane; it does the weighted sum of them."""

    def __init__(self, a, b, c):
        self.a, self.b, self.c = (torch.as_tensor(part, dtype=torch.float64) for part in (a, b, c))


def does(system):
    return system.a + 2 * system.b + 3 * system.c


NUMBERS = st.lists(st.floats(0.1, 1), min_size=3, max_size=3)


@given(NUMBERS, NUMBERS)
def test_shares_of_a_sum_are_known_in_closed_form(start, gain):
    naive = System(*([value] * 2 for value in start))
    taught = System(*([value + more] * 2 for value, more in zip(start, gain, strict=True)))
    moved = cl.memory_transplant(taught, naive, PARTS, does)
    whole = gain[0] + 2 * gain[1] + 3 * gain[2]
    for part, weight, more in zip("abc", (1, 2, 3), gain, strict=True):
        wanted = torch.full((2,), weight * more / whole, dtype=torch.float64)
        assert torch.allclose(moved.carried[part], wanted)
        assert torch.allclose(moved.needed[part], wanted)  # a sum: carried and needed agree


def test_two_parts_that_hold_the_same_memory_both_carry_it_and_neither_is_needed():
    naive, taught = System([0, 0], [0, 0], [0, 0]), System([1, 1], [0, 0], [1, 1])
    moved = cl.memory_transplant(taught, naive, PARTS, lambda one: torch.maximum(one.a, one.c))
    assert moved.carried["a"].tolist() == moved.carried["c"].tolist() == [1, 1]
    assert moved.needed["a"].tolist() == moved.needed["c"].tolist() == [0, 0]
    moved = cl.memory_transplant(taught, naive, PARTS, lambda one: one.a * one.c)
    assert moved.carried["a"].tolist() == moved.carried["c"].tolist() == [0, 0]
    assert moved.needed["a"].tolist() == moved.needed["c"].tolist() == [1, 1]  # only together


def test_parts_are_reached_by_functions_too_and_the_twins_stay_as_they_are():
    naive, taught = {"deep": {"M": torch.zeros(3)}}, {"deep": {"M": torch.ones(3)}}
    part = (lambda one: one["deep"]["M"], lambda one, value: one["deep"].update(M=value))
    moved = cl.memory_transplant(taught, naive, {"M": part}, lambda one: one["deep"]["M"])
    assert moved.carried["M"].tolist() == [1, 1, 1]
    assert naive["deep"]["M"].sum() == 0 and taught["deep"]["M"].sum() == 3


def test_even_a_measure_that_changes_what_it_measures_leaves_the_twins_alone():
    naive, taught = System([0.0], [0.0], [0.0]), System([1.0], [0.0], [0.0])

    def greedy(system):
        value = does(system).clone()
        system.a += 7
        return value

    moved = cl.memory_transplant(taught, naive, PARTS, greedy)
    assert [moved.carried[part].item() for part in "abc"] == [1, 0, 0]
    assert taught.a.item() == 1 and naive.a.item() == 0


def test_the_margin_and_the_table():
    naive, taught = System([0, 0], [0, 0], [0, 0]), System([1, 1], [0.05, 0.05], [0, 0])
    moved = cl.memory_transplant(taught, naive, PARTS, does)
    assert torch.allclose(moved.margin("a"), moved.carried["a"] - moved.carried["b"])
    assert "a     0.91 [0.91, 0.91]" in repr(moved) and "| b | 0.09" in moved._repr_markdown_()
    with pytest.raises(cl.CourseError, match="expected one of a, b, c"):
        moved.margin("d")


@pytest.mark.parametrize("parts, measure, words", [
    ({}, does, "dictionary"),
    ({"a": "nothing"}, does, "name of an attribute of System"),
    ({"a": "a"}, lambda one: does(one).sum(), "one finite number a lane"),
    ({"a": "a"}, lambda one: does(one) / 0, "one finite number a lane"),
    ({"a": "a"}, lambda one: one.b, "no memory to look for"),
])
def test_bad_input_gets_one_sentence(parts, measure, words):
    naive, taught = System([1, 1], [1, 1], [1, 1]), System([2, 2], [1, 1], [1, 1])
    with pytest.raises(cl.CourseError, match=words):
        cl.memory_transplant(taught, naive, parts, measure)


@pytest.fixture(scope="module")
def assistant():
    network, habit = cl.pretrained_assistant(4)
    return cl.Assistant(network, torch.arange(8).expand(4, 8)), habit


def test_the_assistant_answers_by_habit_reads_thumbs_and_reads_notes(assistant):
    naive, habit = copy.deepcopy(assistant[0]), assistant[1]
    wanted = (habit + 2) % 4
    assert torch.equal(naive.answers(), habit)
    for _ in range(3):
        said = naive.answers()
        naive.hear(said, liked=said == wanted)
    assert (naive.answers() == wanted).float().mean() > 0.9
    naive.new_conversation()
    assert torch.equal(naive.answers(), habit)
    naive.notes = F.one_hot(wanted, 4).float()
    assert (naive.answers() == wanted).float().mean() > 0.9


def test_the_crowd_mostly_wants_the_popular_answer_which_is_no_habit():
    habit = torch.arange(8).expand(20, 8) % 4
    asked, wanted = cl.crowd(20, habit)
    assert asked.shape == wanted.shape == (20, 64)
    assert torch.equal(asked[3].bincount(), torch.full((8,), 8))
    by_question = wanted.view(20, 8, 8).transpose(1, 2)  # (seeds, questions, 8 people)
    most = by_question.mode(dim=2)
    popular = (by_question == most.values[..., None]).float().mean()
    assert 0.7 < popular < 0.9  # 0.7 + 0.3 / 4, a little more as the mode is the largest
    habitual = (wanted == habit.gather(1, asked)).float().mean()
    assert abs(habitual - 0.075) < 0.03
    other = cl.crowd([5, 6], habit[:2])[1]
    assert torch.equal(other, cl.crowd(20, habit)[1][5:7])


def test_thumbs_for_every_answer_are_kept_and_the_last_one_counts(assistant):
    one = copy.deepcopy(assistant[0])
    first = torch.zeros_like(one.questions)
    one.hear(first, liked=torch.zeros_like(first, dtype=torch.bool))
    one.hear(first + 1, liked=torch.ones_like(first, dtype=torch.bool))
    assert one.context[0, 0].tolist() == [-1, 1, 0, 0]
    one.hear(first, liked=torch.zeros_like(first, dtype=torch.bool))
    assert one.context[0, 0].tolist() == [-1, 1, 0, 0]


@pytest.mark.parametrize("way", ["weights", "context", "notes"])
def test_the_part_that_was_taught_carries_nine_tenths_and_the_others_one_tenth(assistant, way):
    naive, habit = assistant
    wanted = (habit + 1) % 4
    taught = copy.deepcopy(naive)
    if way == "weights":
        taught.network = cl.tune(naive.network, lambda policy: cl.cross_entropy(
            policy(naive.reads()), wanted), steps=50, lr=0.5)
    elif way == "context":
        taught.hear(wanted, liked=torch.ones_like(wanted, dtype=torch.bool))
    else:
        taught.notes = F.one_hot(wanted, 4).float()
    moved = cl.memory_transplant(
        taught, naive, {"weights": "network", "context": "context", "notes": "notes"},
        lambda one: (one.answers() == wanted).float().mean(1))
    for part, share in moved.carried.items():
        assert (share >= 0.9).all() if part == way else (share <= 0.1).all()
