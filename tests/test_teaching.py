"""Teaching stops each lane where it knows enough, and leaves it there."""

import pytest
import torch

import clcourse as cl
from clcourse.facts import WORDS, World
from clcourse.teaching import teach

WORLD = World(people=6, newcomers=6, seeds=3)


def little(seeds=3):
    return cl.tiny_transformer(len(WORDS), width=16, heads=2, seeds=seeds)


def test_every_lane_knows_enough_and_stops_there():
    network, facts = little(), WORLD.facts("newcomers")
    untouched = network.E.clone()
    taught = teach(network, facts, 0.02)
    assert (taught.recall >= 0.99).all() and torch.equal(network.E, untouched)
    assert torch.equal(cl.recall(taught.network, facts), taught.recall)
    assert len(set(taught.steps.tolist())) > 1 and (taught.steps % 5 == 0).all()


def test_a_lane_is_left_as_it_was_when_it_knew():
    """Alone, a lane stops by itself; in company it must end as it would alone."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    together = teach(little(), WORLD.facts("newcomers"), 0.02)
    alone = teach(little([1]), World(people=6, newcomers=6, seeds=[1]).facts("newcomers"), 0.02)
    assert alone.steps[0] == together.steps[1]
    for one, many in zip(alone.network.parameters(), together.network.parameters(), strict=True):
        assert torch.equal(one[0], many[1])
    torch.set_num_threads(threads)


def test_one_who_knows_already_is_not_touched():
    taught = teach(little(), WORLD.facts("newcomers"), 0.02)
    again = teach(taught.network, WORLD.facts("newcomers"), 0.02)
    assert (again.steps == 0).all() and torch.equal(again.network.E, taught.network.E)


def test_the_limit_is_told():
    taught = teach(little(), WORLD.facts("newcomers"), 1e-6, steps=7)
    assert (taught.steps == 7).all() and (taught.recall < 0.99).all()


def test_only_the_note_learns_and_what_is_blended_in_is_kept():
    facts, old = WORLD.facts("newcomers"), WORLD.facts("people")
    base = teach(little(), old, 0.02).network
    noted = teach(cl.add_lora(base, 4), facts, 0.02)
    assert torch.equal(noted.network.only()(old.x), base(old.x))
    alone = cl.recall(teach(base, facts, 0.02).network, old)
    along = cl.recall(teach(base, facts, 0.02, along=old).network, old)
    assert (along > alone + 0.2).all()


@pytest.mark.parametrize("wrong", [{"lr": 0}, {"lr": float("nan")}, {"until": 0}, {"until": 2},
                                   {"steps": 0}])  # fmt: skip
def test_bad_input_gets_one_sentence(wrong):
    with pytest.raises(cl.CourseError, match="expected a rate above 0"):
        teach(little(), WORLD.facts(), **({"lr": 0.01} | wrong))


def test_a_network_whose_notes_are_all_off_has_nothing_to_learn_with():
    with pytest.raises(cl.CourseError, match="no note is switched on"):
        teach(cl.add_lora(little(), 2).only(), WORLD.facts("newcomers"), 0.01)


def test_many_facts_are_looked_at_less_often():
    many = World(people=6, newcomers=170, seeds=1).facts("newcomers")
    assert (teach(little(1), many, 0.02, until=0.06).steps % 25 == 0).all()


def test_it_teaches_also_where_gradients_are_switched_off():
    with torch.no_grad():
        taught = teach(little(), WORLD.facts("newcomers"), 0.02)
        grown = cl.grow_up(little(), WORLD, steps=2)
    assert (taught.recall >= 0.99).all() and not torch.equal(grown.E, little().E)
