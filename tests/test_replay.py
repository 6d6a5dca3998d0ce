"""The reservoir is what a one-by-one reservoir would be, and its sample is uniform."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import clcourse as cl


def fill(reservoir, batches: list[int], lanes: int) -> int:
    """Offer the numbers 0, 1, 2 … in batches; x carries the number, y its remainder."""
    seen = 0
    for batch in batches:
        number = torch.arange(seen, seen + batch).expand(lanes, batch)
        reservoir.add(number[..., None].float(), number % 10)
        seen += batch
    return seen


def one_by_one(capacity: int, lane: int, batches: list[int]) -> list[int]:
    """Vitter's algorithm R in plain Python, with the same random numbers."""
    random, slots, seen = cl.LaneRandom([lane], "reservoir"), [], 0
    for batch in batches:
        draws = random.uniform(batch)[0].tolist()
        for draw in draws:
            place = seen if seen < capacity else int(draw * (seen + 1))
            if seen < capacity:
                slots.append(seen)
            elif place < capacity:
                slots[place] = seen
            seen += 1
    return slots


@given(capacity=st.integers(1, 12), batches=st.lists(st.integers(1, 40), max_size=6))
def test_it_holds_what_a_plain_loop_would_hold(capacity, batches):
    reservoir = cl.Reservoir(capacity, seeds=3)
    seen = fill(reservoir, batches, 3)
    assert len(reservoir) == min(seen, capacity)
    for lane in range(3):
        if seen:
            kept = reservoir.x[lane, : len(reservoir), 0].long()
            assert kept.tolist() == one_by_one(capacity, lane, batches)
            assert torch.equal(reservoir.y[lane, : len(reservoir)], kept % 10)


def test_every_example_is_equally_likely_to_stay():
    lanes, capacity = 4000, 5
    reservoir = cl.Reservoir(capacity, seeds=lanes)
    seen = fill(reservoir, [7, 7, 7, 4], lanes)
    counts = torch.bincount(reservoir.x.flatten().long(), minlength=seen)
    expected = lanes * capacity / seen
    chi_squared = ((counts - expected) ** 2 / expected).sum().item()
    assert chi_squared < 51.2  # the 0.999 point of chi squared with 24 degrees of freedom


def test_a_sample_comes_from_the_store_and_keeps_x_y_and_mask_together():
    reservoir = cl.Reservoir(6, seeds=2)
    number = torch.arange(20).expand(2, 20)
    reservoir.add(
        number[..., None].float(), number % 10, (number % 10)[..., None] == torch.arange(10)
    )
    x, y, allowed = reservoir.sample(50)
    assert torch.equal(x[..., 0].long() % 10, y)
    assert allowed.gather(2, y[..., None]).all() and (allowed.sum(-1) == 1).all()
    for lane in range(2):
        stored = set(reservoir.x[lane].flatten().tolist())
        assert set(x[lane].flatten().tolist()) == stored


def test_sampling_is_uniform_over_the_store():
    reservoir = cl.Reservoir(8, seeds=500)
    fill(reservoir, [8], 500)
    counts = torch.bincount(reservoir.sample(40)[1].flatten(), minlength=8)
    assert ((counts - 2500) ** 2 / 2500).sum() < 24.3  # 0.999 point, 7 degrees of freedom


def test_bytes_are_those_of_the_stored_tensors():
    reservoir = cl.Reservoir(10, seeds=2)
    assert reservoir.memory_bytes() == 0
    reservoir.add(torch.zeros(2, 3, 64), torch.zeros(2, 3, dtype=torch.long))
    assert reservoir.memory_bytes() == 10 * (64 * 4 + 8)


@pytest.mark.parametrize("capacity", [0, -3, 1.5, True, None])
def test_a_capacity_that_holds_nothing_gets_one_sentence(capacity):
    with pytest.raises(cl.CourseError, match=r"try Reservoir\(200\)"):
        cl.Reservoir(capacity)


def test_an_empty_reservoir_and_foreign_lanes_are_told():
    with pytest.raises(cl.CourseError, match="empty"):
        cl.Reservoir(3).sample(2)
    with pytest.raises(cl.CourseError, match="5 lanes and the reservoir 1"):
        cl.Reservoir(3).add(torch.zeros(5, 2, 4), torch.zeros(5, 2, dtype=torch.long))
