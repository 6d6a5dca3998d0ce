"""Lanes: each has generators of its own, whoever runs beside it."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import clcourse as cl


def test_a_number_and_a_list_of_lanes_are_the_same():
    assert cl.lane_ids(3) == cl.lane_ids([0, 1, 2]) == (0, 1, 2)
    assert cl.lane_ids([7]) == (7,)


@pytest.mark.parametrize("seeds", [0, -1, True, 2.0, "20", None, [], [1, 1], [-1], [0.5], [True]])
def test_unusable_seeds_get_one_sentence(seeds):
    with pytest.raises(cl.CourseError, match="expected .*seeds=20"):
        cl.lane_ids(seeds)


@given(lanes=st.lists(st.integers(0, 999), min_size=1, max_size=5, unique=True), data=st.data())
def test_a_lane_draws_the_same_numbers_alone_and_in_company(lanes, data):
    lane = data.draw(st.sampled_from(lanes))
    row = lanes.index(lane)
    alone, together = cl.LaneRandom([lane], "test"), cl.LaneRandom(lanes, "test")
    for count in data.draw(st.lists(st.integers(1, 6000), min_size=1, max_size=4)):
        assert torch.equal(alone.uniform(count)[0], together.uniform(count)[row])
    assert torch.equal(alone.permutation(9)[0], together.permutation(9)[row])
    assert torch.equal(alone.normal(2, 3)[0], together.normal(2, 3)[row])


def test_uniform_numbers_are_handed_out_in_order_whatever_the_portions():
    portions, whole = cl.LaneRandom(2, "test"), cl.LaneRandom(2, "test")
    parts = [portions.uniform(count) for count in (1, 5000, 10, 4000)]
    assert torch.equal(torch.cat(parts, dim=1), whole.uniform(9011))


def test_lanes_and_purposes_differ():
    numbers = torch.cat([cl.LaneRandom(50, "a").uniform(20), cl.LaneRandom(50, "b").uniform(20)])
    assert len(torch.unique(numbers)) == numbers.numel()


def test_integers_are_uniform():
    counts = torch.bincount(cl.LaneRandom(20, "dice").integers(6000, 6).flatten(), minlength=6)
    expected = 20 * 6000 / 6
    chi_squared = ((counts - expected) ** 2 / expected).sum().item()
    assert counts.numel() == 6 and chi_squared < 20.5  # the 0.999 point of chi squared, 5 d.o.f.


def test_the_global_generator_is_left_alone():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    stream = cl.split_digits(seeds=2)
    cl.run(
        cl.GradientLearner(cl.mlp(64, 10, 10, seeds=2), replay=cl.Reservoir(9)), stream, epochs=1
    )
    assert torch.equal(torch.rand(3), expected)


def test_device_follows_the_environment(monkeypatch):
    monkeypatch.setenv("CLCOURSE_DEVICE", "meta")
    assert cl.device() == torch.device("meta")
    monkeypatch.setenv("CLCOURSE_DEVICE", "toaster")
    with pytest.raises(cl.CourseError, match="toaster.*expected cpu"):
        cl.device()


def test_source_shows_the_code_and_says_when_there_is_none():
    assert "class Reservoir" in repr(cl.source(cl.Reservoir))
    assert cl.source(cl.Reservoir)._repr_markdown_().startswith("```python\nclass Reservoir")
    with pytest.raises(cl.CourseError, match="no source to show"):
        cl.source(3)


def test_progress_passes_everything_on(monkeypatch, capsys):
    for value in ("0", "1"):
        monkeypatch.setenv("CLCOURSE_PROGRESS", value)
        assert list(cl.progress(range(5), "counting")) == [0, 1, 2, 3, 4]
    assert capsys.readouterr().err == ""
