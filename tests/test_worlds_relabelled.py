"""Relabelled digits: four names go round, images come from the training part, lanes differ."""

import pytest
import torch
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

import clcourse as cl
from clcourse.worlds import SPREAD, relabelled_digits


def table(context, base, lane: int) -> dict[int, int]:
    """What each digit is called in a context: from its test images, which keep their order."""
    assert torch.equal(context.x_test, base.x_test)
    pairs = {(int(a), int(b)) for a, b in zip(base.y_test[lane], context.y_test[lane], strict=True)}
    assert len(pairs) == 10
    return dict(pairs)


def test_four_digits_swap_names_in_a_ring():
    base, *contexts = relabelled_digits(6, 40, seeds=3)
    for one in contexts:
        for lane in range(3):
            named = table(one, base, lane)
            moved = [digit for digit, name in named.items() if digit != name]
            assert len(moved) == 4 and sorted(named.values()) == list(range(10))
            ring = [moved[0]]
            while named[ring[-1]] != ring[0]:
                ring.append(named[ring[-1]])
            assert len(ring) == 4


def test_training_images_carry_the_names_of_their_context_and_no_test_image_is_among_them():
    stream = relabelled_digits(3, 90, base=1280, seeds=2)
    base = stream[0]
    for one in list(stream)[1:]:
        for lane in range(2):
            known = {tuple(x): int(y) for x, y in
                     zip(base.x[lane].tolist(), base.y[lane], strict=True)}  # fmt: skip
            assert len(known) == 1280
            named = table(one, base, lane)
            for x, y in zip(one.x[lane].tolist(), one.y[lane], strict=True):
                assert named[known[tuple(x)]] == int(y)
            held_out = torch.cat([base.x_test[lane], base.x_val[lane]]).tolist()
            assert not set(known) & {tuple(x) for x in held_out}


def test_images_are_digits_less_the_mean_training_image():
    base, plain = relabelled_digits(1, seeds=2)[0], cl.permuted_digits(1, seeds=2)[0]
    mean = plain.x.mean(dim=1, keepdim=True)
    assert torch.allclose(base.x_test, (plain.x_test - mean) / SPREAD, atol=1e-5)
    assert torch.equal(base.y_test, plain.y_test)
    assert float(base.x.mean(dim=1).abs().max()) < 1e-4


def test_contexts_come_back_in_turn_with_other_images():
    base, *contexts = relabelled_digits(6, 50, different=3, seeds=2)
    tables = [table(one, base, 0) for one in contexts]
    assert tables[:3] == tables[3:] and len({tuple(one.items()) for one in tables}) == 3
    assert not torch.equal(contexts[0].x, contexts[3].x)
    fresh = [table(one, base, 0) for one in relabelled_digits(6, 50, seeds=2)[1:]]
    assert len({tuple(one.items()) for one in fresh}) == 6 and fresh[:3] == tables[:3]


def test_lanes_draw_their_own_and_one_draw_can_be_shared():
    many, alone = relabelled_digits(2, 30, seeds=[1, 4]), relabelled_digits(2, 30, seeds=[4])
    for position in range(3):
        assert torch.equal(many[position].x[1], alone[position].x[0])
        assert torch.equal(many[position].y[1], alone[position].y[0])
    assert not torch.equal(many[1].y_test[0], many[1].y_test[1])
    shared = relabelled_digits(2, 30)
    assert shared.seeds is None and shared[1].x.shape == (30, 64) and shared[1].y.shape == (30,)


@limits(max_examples=10, deadline=None)
@given(st.integers(1, 4), st.integers(1, 1500), st.integers(1, 1500))
def test_sizes(contexts, examples, base):
    stream = relabelled_digits(contexts, examples, base=base, seeds=1)
    assert len(stream) == contexts + 1 and stream.classes == 10
    assert stream[0].x.shape == (1, base, 64) and stream[1].x.shape == (1, examples, 64)
    assert stream[0].x_val.shape == (1, 140, 64) and stream[1].x_test.shape == (1, 320, 64)


@pytest.mark.parametrize(
    "wrong", [{"contexts": 0}, {"examples": 2.5}, {"base": -1}, {"different": 0}, {"base": True}]
)
def test_bad_input_gets_one_sentence(wrong):
    with pytest.raises(cl.CourseError, match=f"{next(iter(wrong))}=") as caught:
        relabelled_digits(**wrong)
    assert "\n" not in str(caught.value)
