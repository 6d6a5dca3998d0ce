"""The texts are what they say, the questions can be answered from them, and from nothing else."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

import clcourse as cl
from clcourse.pairs import ASK, FILLERS, KEYS, KIND, MOST, VALUES, WORDS


def looked_up(texts: cl.Pairs) -> torch.Tensor:
    """What a reader with a notebook answers: the newest value of the key, token by token."""
    answers = torch.full_like(texts.y, -1)
    for lane, batch in ((lane, b) for lane in range(len(texts.x)) for b in range(texts.x.shape[1])):
        known, first = {}, texts.x.shape[2] - texts.y.shape[2]
        for place, (key, value) in enumerate(texts.x[lane, batch].tolist()):
            if value == ASK:
                answers[lane, batch, place - first] = known[key]
            else:
                known[key] = value - KEYS - FILLERS
    return answers


@settings(max_examples=25, deadline=None)
@given(
    count=some.integers(1, KEYS),
    gap=some.integers(0, 40),
    shown=some.integers(2, 3),
    share=some.floats(0, 1),
)
def test_whoever_writes_everything_down_answers_everything(count, gap, shown, share):
    texts = cl.draw_pairs(count, gap, shown=shown, changed=int(share * count), batch=3, seeds=2)
    assert texts.x.shape == (2, 3, shown * count + gap + min(count, MOST), 2)
    assert torch.equal(looked_up(texts), texts.y)
    assert 0 <= int(texts.x.min()) and int(texts.x.max()) < WORDS
    assert 0 <= int(texts.y.min()) and int(texts.y.max()) < VALUES


def test_kinds_by_hand():
    texts = cl.draw_pairs(4, 3, shown=3, changed=1, batch=2, seeds=2)
    counts = [int(texts.where(kind)[1, 0].sum()) for kind in KIND]
    assert counts == [4, 7, 1, 3, 4]
    kind = texts.kind[0, 0].tolist()
    assert kind[:4] == [0] * 4 and kind[4:8] == [1] * 4 and sorted(kind[8:12]) == [1, 1, 1, 2]
    assert kind[12:15] == [3] * 3 and kind[15:] == [4] * 4
    for lane in range(2):
        for b in range(2):
            x, where = texts.x[lane, b], texts.where("changed")[lane, b]
            key, value = x[where][0].tolist()
            earlier = {pair[1] for pair in x[:8].tolist() if pair[0] == key}
            assert len(earlier) == 1 and value not in earlier


def test_keys_are_different_and_fillers_are_no_keys():
    texts = cl.draw_pairs(KEYS, 50, batch=2, seeds=1)
    keys = texts.x[0, :, :KEYS, 0]
    assert all(len(set(row.tolist())) == KEYS for row in keys)
    fillers = texts.x[..., 0][texts.where("filler")]
    assert fillers.min() >= KEYS and fillers.max() < KEYS + FILLERS


def test_values_say_nothing_about_keys():
    texts = cl.draw_pairs(1, 0, batch=20_000, seeds=1)
    key, value = texts.x[0, :, 0, 0], texts.x[0, :, 0, 1] - KEYS - FILLERS
    seen = torch.zeros(KEYS, VALUES).index_put((key, value), torch.tensor(1.0), accumulate=True)
    expected = 20_000 / KEYS / VALUES
    assert ((seen - expected).abs() < 6 * expected**0.5).all()


def test_a_lane_is_the_same_alone_and_each_draw_another():
    alone, together = (cl.draw_pairs(5, 4, batch=2, seeds=seeds) for seeds in ([2], 3))
    assert torch.equal(alone.x[0], together.x[2])
    random = cl.LaneRandom(2, "texts")
    first, second = (cl.draw_pairs(5, 4, batch=2, seeds=random) for _ in range(2))
    assert not torch.equal(first.x, second.x)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"count": 0}, "count=0; expected a whole number of 1 to 64"),
        ({"count": 65}, "count=65"),
        ({"count": 2.0}, "count=2.0"),
        ({"gap": -1}, "gap=-1; expected a whole number of at least 0"),
        ({"batch": True}, "batch=True"),
        ({"shown": 0}, "shown=0"),
        ({"changed": 1}, "changed=1; expected a whole number of 0 to 0, and shown=2"),
        ({"changed": 17, "shown": 2}, "changed=17; expected a whole number of 0 to 16"),
    ],
)
def test_bad_input_gets_one_sentence(wrong, message):
    with pytest.raises(cl.CourseError, match=message):
        cl.draw_pairs(**wrong)
    with pytest.raises(cl.CourseError, match="kind='old'"):
        cl.draw_pairs(batch=1).where("old")
