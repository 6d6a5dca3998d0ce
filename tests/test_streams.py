"""Streams: nothing leaks between the parts, lanes are independent, long streams stay small."""

import pytest
import torch
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from sklearn.datasets import load_digits

import clcourse as cl

PARTS = (("x", "y"), ("x_val", "y_val"), ("x_test", "y_test"))


def rows(x: torch.Tensor) -> set:
    return {tuple(row) for row in x.tolist()}


def test_split_digits_holds_every_chosen_image_once_with_its_own_label():
    data = load_digits()
    label = dict(zip(map(tuple, (data.data / 16).tolist()), data.target, strict=True))
    for lane in range(3):
        seen = []
        for experience in cl.split_digits(seeds=3):
            for x, y in PARTS:
                x, y = getattr(experience, x)[lane], getattr(experience, y)[lane]
                seen += [tuple(row) for row in x.double().tolist()]
                assert [label[tuple(row)] for row in x.double().tolist()] == y.tolist()
        assert len(seen) == 1740 == len(set(seen))


def test_train_validation_and_test_share_no_image():
    for stream in (cl.split_digits(seeds=2), cl.split_digits(), cl.permuted_digits(2, seeds=2)):
        for one in stream:
            lane = (lambda x: x) if stream.seeds is None else (lambda x: x[1])
            train, val, test = (rows(lane(getattr(one, x))) for x, _ in PARTS)
            assert not train & val and not train & test and not val & test


def test_scenarios_differ_in_labels_and_in_what_is_told():
    by_class, by_task, by_domain = (
        cl.split_digits(scenario, seeds=4)[2] for scenario in ("class", "task", "domain")
    )
    assert torch.equal(by_class.x, by_task.x) and torch.equal(by_class.x, by_domain.x)
    assert torch.equal(by_class.y, by_task.y)
    assert by_class.allowed is None and by_domain.allowed is None
    for lane in range(4):
        pair = by_class.y[lane].unique().tolist()
        assert torch.nonzero(by_task.allowed[lane]).flatten().tolist() == pair
        assert by_domain.y[lane].unique().tolist() == [0, 1]
        first = by_class.y[lane] == by_class.y[lane, 0]
        assert torch.equal(by_domain.y[lane] == by_domain.y[lane, 0], first)


def test_every_lane_has_all_ten_digits_in_its_own_order():
    stream = cl.split_digits(seeds=8)
    orders = [
        tuple(stream[i].y[lane].unique_consecutive().tolist() for i in range(5))
        for lane in range(8)
    ]
    assert all(sorted(sum(order, [])) == list(range(10)) for order in orders)
    assert len({str(order) for order in orders}) == 8


def test_the_shared_draw_has_no_lane_axis_and_the_natural_order():
    stream = cl.split_digits()
    assert stream.seeds is None and stream[0].x.shape == (256, 64)
    assert [one.name for one in stream] == ["0 and 1", "2 and 3", "4 and 5", "6 and 7", "8 and 9"]
    assert stream[-1].y.unique().tolist() == [8, 9]


@pytest.mark.parametrize(
    "make",
    [
        lambda seeds: cl.split_digits("class", seeds),
        lambda seeds: cl.split_digits("task", seeds),
        lambda seeds: cl.permuted_digits(3, seeds),
        lambda seeds: cl.paired_lists(5, seeds=seeds),
        lambda seeds: cl.hidden_parity(3, seeds=seeds),
        lambda seeds: cl.cumulative(cl.split_digits("task", seeds)),
    ],
)
def test_a_lane_sees_the_same_data_alone_and_in_company(make):
    alone, together = make([7]), make(list(range(9)))
    for one, many in zip(alone, together, strict=True):
        for name in ("x", "y", "x_val", "y_val", "x_test", "y_test", "allowed", "x_allowed"):
            if getattr(one, name) is not None:
                assert torch.equal(getattr(one, name)[0], getattr(many, name)[7]), name


def test_permuted_digits_permute_pixels_and_nothing_else():
    stream = cl.permuted_digits(3, seeds=2)
    known = {tuple(image) for image in (load_digits().data / 16).tolist()}
    assert rows(stream[0].x[1].double()) < known and not rows(stream[1].x[1].double()) < known
    for lane in range(2):
        assert not torch.equal(stream[1].x[lane], stream[2].x[lane])
        assert torch.equal(stream[1].x[lane].sort(1)[0], stream[0].x[lane].sort(1)[0])
    assert torch.equal(stream[0].x_test[0].sort(1)[0], stream[2].x_test[0].sort(1)[0])
    assert not torch.equal(
        (stream[1].x[0] == stream[0].x[0]).all(0), (stream[1].x[1] == stream[0].x[1]).all(0)
    )
    assert torch.equal(stream[1].x, stream[1].x)


def test_a_hundred_permuted_tasks_for_twenty_lanes_stay_far_below_a_gigabyte():
    psutil = pytest.importorskip("psutil")
    before = psutil.Process().memory_info().rss
    most = 0
    for experience in cl.permuted_digits(100, seeds=20):
        assert experience.x.shape == (20, 1280, 64)
        most = max(most, psutil.Process().memory_info().rss - before)
    assert most < 300e6


@given(pairs=st.integers(1, 12), share=st.integers(0, 8))
@limits(max_examples=20)
def test_paired_lists_share_their_cues_and_as_much_context_as_asked(pairs, share):
    first, second = cl.paired_lists(pairs, share, seeds=2)
    assert torch.equal(first.x[..., :80], second.x[..., :80])
    context = (first.x[..., 80:] * second.x[..., 80:]).sum(-1)
    assert (context == share).all() and (first.x.sum(-1) == 16).all()
    assert first.y[0].tolist() == list(range(pairs))
    assert second.y[0].tolist() == list(range(pairs, 2 * pairs))


@given(
    st.integers(1, 4),
    st.integers(1, 4),
    st.none() | st.lists(st.integers(0, 50), min_size=1, max_size=3, unique=True),
)
def test_hidden_parity_is_the_product_of_inputs_of_its_own(tasks, each, seeds):
    stream = cl.hidden_parity(tasks, each, seeds=seeds)
    used = []
    for position, task in enumerate(stream):
        x, y = (task.x, task.y) if seeds is None else (task.x[0], task.y[0])
        assert x.shape == (512, tasks * each) and set(x.unique().tolist()) <= {-1.0, 1.0}
        assert set(y.tolist()) <= {2 * position, 2 * position + 1}
        sign = 2.0 * (y - 2 * position) - 1
        agree = [
            places
            for places in torch.combinations(torch.arange(tasks * each), each)
            if torch.equal(x[:, places].prod(dim=1), sign)
        ]
        assert len(agree) == 1, "one set of inputs explains the answers, and no other"
        used += agree[0].tolist()
    assert sorted(used) == list(range(tasks * each)), "each input belongs to one task"


def test_hidden_parity_gives_away_nothing_by_single_inputs_or_pairs():
    for task in cl.hidden_parity(seeds=20):
        sign = task.y.float() % 2 * 2 - 1
        single = torch.einsum("lni,ln->li", task.x, sign) / 512
        double = torch.einsum("lni,lnj,ln->lij", task.x, task.x, sign) / 512
        assert single.abs().max() < 0.25 and double.abs().max() < 0.25  # chance: sd .044


def test_a_part_of_a_stream_is_a_stream():
    stream = cl.split_digits("task", seeds=2)
    part = stream[1:4]
    assert (len(part), part.seeds, part.scenario, part.classes) == (3, (0, 1), "task", 10)
    assert torch.equal(part[0].x, stream[1].x) and torch.equal(part[-1].x, stream[3].x)
    with pytest.raises(cl.CourseError, match="at least 1 experience"):
        stream[5:]


def test_cumulative_teaches_the_past_and_tests_the_present():
    stream = cl.split_digits("task", seeds=2)
    joint = cl.cumulative(stream)
    last = joint[4]
    assert last.x.shape == (2, 1280, 64) and torch.equal(last.x_test, stream[4].x_test)
    assert torch.equal(last.x[:, 256:512], stream[1].x)
    assert torch.equal(last.x_allowed[:, 300], stream[1].allowed)
    assert last.x_allowed.gather(2, last.y[..., None]).all()
    assert cl.cumulative(cl.split_digits())[1].x.shape == (512, 64)


def test_a_list_of_experiences_is_a_stream():
    data = [cl.Experience("one", torch.rand(2, 6, 3), torch.randint(0, 4, (2, 6)))]
    assert cl.cumulative(data).seeds == (0, 1)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: cl.split_digits("continual"), "Unknown scenario 'continual'"),
        (lambda: cl.split_digits(seeds=0), "seeds=20"),
        (lambda: cl.permuted_digits(0), "0 experiences"),
        (lambda: cl.paired_lists(0), "at least 1 pair"),
        (lambda: cl.hidden_parity(0), "at least 1 task"),
        (lambda: cl.paired_lists(3, share=9), "0 to 8"),
        (lambda: cl.cumulative([]), "at least one Experience"),
        (lambda: cl.Experience("e", torch.rand(5, 3), torch.zeros(4).long()), "do not fit"),
        (lambda: cl.Experience("e", torch.rand(0, 3), torch.zeros(0).long()), "do not fit"),
        (lambda: cl.Experience("e", [[1.0]], [0]), "do not fit"),
        (lambda: cl.Experience("e", torch.rand(4, 3), torch.zeros(4)), "y.long()"),
        (lambda: cl.Experience("e", torch.rand(4, 3), torch.full((4,), -1)), "class numbers"),
        (lambda: cl.Experience("e", torch.full((4, 3), torch.nan), torch.zeros(4).long()), "NaN"),
        (lambda: cl.split_digits()[0].held_out("train"), "'test' or 'validation'"),
        (lambda: cl.split_digits()[0].training().held_out("test"), "'test' or 'validation'"),
        (lambda: cl.Stream(lambda i: None, 3, classes=1), "2 classes"),
    ],
)
def test_bad_input_gets_one_sentence(make, words):
    with pytest.raises(cl.CourseError, match="expected|needs") as caught:
        make()
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_past_the_end_is_an_index_error():
    with pytest.raises(IndexError):
        cl.split_digits()[5]
