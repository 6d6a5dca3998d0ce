"""The small worlds of two memory systems: contents, closed forms, and lanes that never meet."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import clcourse as cl
from clcourse import sleep


@settings(max_examples=20, deadline=None)
@given(share=st.integers(0, 8), drift=st.integers(0, 8), seeds=st.integers(1, 3))
def test_a_drifting_list_keeps_its_cues_and_the_size_of_its_context(share, drift, seeds):
    lists = sleep.drifting_lists(6, share, drift, seeds)
    plain = cl.paired_lists(6, share, seeds=seeds)
    for one, old in zip(lists, plain, strict=True):
        assert torch.equal(one.x[..., :80], old.x[..., :80]) and torch.equal(one.y, old.y)
        assert (one.x[..., 80:].sum(dim=2) == 8).all()
        kept = (one.x * old.x)[..., 80:].sum(dim=2)
        assert (kept == 8 - drift).all()
        assert torch.equal(one.x, one.x_test)


def test_a_subject_has_the_same_world_alone_and_in_company():
    together, alone = (sleep.drifting_lists(seeds=seeds) for seeds in ([3, 7], [7]))
    assert torch.equal(together[1].x[1], alone[1].x[0])
    together, alone = (sleep.Month(4, 2, seeds=seeds) for seeds in ([3, 7], [7]))
    assert torch.equal(together.answers[1], alone.answers[0])
    together, alone = (sleep.NoisyTeacher(1, n=8, tests=4, seeds=one) for one in ([3, 7], [7]))
    assert torch.equal(together.tests[1][1], alone.tests[1][0])
    together, alone = (sleep.Facts(seeds) for seeds in ([3, 7], [7]))
    facts = sleep.facts_about(["robin", "oak"])
    for network in (together, alone):
        for _ in range(5):
            network.learn(facts)
    assert torch.allclose(together(*facts[:2])[1], alone(*facts[:2])[0], atol=1e-6)


def test_facts_say_what_the_table_says():
    item, relation, target = sleep.facts_about(["robin", "penguin"], ["can", "ISA"])
    said = [{word for word, on in zip(sleep.ATTRIBUTES, row, strict=True) if on} for row in target]
    assert said == [{"grow", "move", "fly"}, {"living-thing", "animal", "bird", "robin"},
                    {"grow", "move", "swim"}, {"living-thing", "animal", "bird", "penguin"}]
    assert (item.sum(1) == 1).all() and (relation.argmax(1) == torch.tensor([2, 0, 2, 0])).all()
    both = sleep.together((item, relation, target), sleep.facts_about(["oak"]))
    assert [len(part) for part in both] == [8, 8, 8]


def test_an_epoch_goes_down_the_summed_squared_error():
    facts = sleep.facts_about(["robin", "oak", "rose"])
    network = sleep.Facts(2, lr=1e-3)
    only = torch.ones(2, 12)
    only[1, 6:] = 0

    def error():
        square = (network(*facts[:2]) - facts[2]).square().sum(dim=2) * only
        return square.sum(dim=1)

    for θ in network.weights:  # the step is lr times the gradient, by finite differences
        θ.data = θ.data.double()
    facts = tuple(part.double() for part in facts)
    twin, start = network.copy(), network.weights[1][:, 2, 3].tolist()
    twin.learn(facts, only)
    for lane in (0, 1):  # in lane 1 half of the facts are left out
        slopes = []
        for change in (-1e-5, 1e-5):
            with torch.no_grad():
                network.weights[1][lane, 2, 3] = start[lane] + change
                slopes.append(error()[lane].item())
        slope = (slopes[1] - slopes[0]) / 2e-5
        moved = twin.weights[1][lane, 2, 3].item() - start[lane]
        assert moved == pytest.approx(-1e-3 * slope, rel=1e-4)


def test_exact_counts_whole_facts():
    facts = sleep.facts_about(["robin", "oak"])
    network = sleep.Facts(2, lr=0.1)
    assert (network.exact(facts) < 1).all()
    for _ in range(1500):
        network.learn(facts)
    assert network.exact(facts).tolist() == [1.0, 1.0]
    assert (network.believes("robin", "can", "fly") > 0.8).all()
    assert (network.believes("oak", "can", "fly") < 0.2).all()


def test_a_month_asks_only_what_was_lived():
    month = sleep.Month(days=3, each=2, units=20, active=4, seeds=2)
    assert month.right(month.answers).eq(1).all() and month.right(month.answers).shape == (2, 3)
    assert month.right(month.answers[:, :4]).shape == (2, 2)
    assert month.right(1 - month.answers).eq(0).all()
    nights = [replays for replays, _ in month.dreams(cl.Reservoir(6, seeds=2), count=40)]
    lived = [{tuple(one) for day in range(1, night + 1) for one in month.episodes(day)[0].tolist()}
             for night in (1, 2, 3)]
    for replays, known in zip(nights, lived, strict=True):
        assert {tuple(one) for one in replays[0].tolist()} == known
    table = month.consolidate(cl.Neocortex(20, 30, 20, lr=0.3, seeds=2), nights, steps=60)
    assert table.isnan().tolist()[0] == [[False, True, True], [False, False, True], [False] * 3]
    assert table[:, 2].mean() > 0.9
    still = month.consolidate(cl.Neocortex(20, 30, 20, seeds=2), nights, steps=0)
    assert still[:, 2].mean() < 0.2


def test_a_night_is_the_same_alone_and_in_company():
    def after(seeds):
        month = sleep.Month(days=3, each=2, units=20, active=4, seeds=seeds)
        replays = [night for night, _ in month.dreams(cl.Reservoir(6, seeds=seeds), count=9)]
        cortex = cl.Neocortex(20, 8, 20, lr=0.3, seeds=seeds)
        month.consolidate(cortex, replays, steps=9, batch=4)
        return cortex.answer(month.cues)

    assert torch.allclose(after([3, 7])[1], after([7])[0], atol=1e-4)


def test_a_hippocampus_can_be_asked_every_evening():
    month = sleep.Month(days=2, each=3, units=120, active=12, seeds=2)
    nights = list(month.dreams(cl.Hippocampus(seeds=2), count=20))
    assert [recalled.shape for _, recalled in nights] == [(2, 1), (2, 2)]
    assert nights[1][1].eq(1).all() and nights[1][0].shape == (2, 20, 240)


def test_the_student_follows_the_closed_form():
    teacher = sleep.NoisyTeacher(4.0, n=6, tests=50, seeds=3)
    x, y = (part.double() for part in teacher.episodes)
    teacher.tests = tuple(part.double() for part in teacher.tests)
    teacher.held_out = tuple(part.double() for part in teacher.held_out)
    teacher.episodes, lr = (x, y), 0.1
    real, torch_zeros = torch.float64, torch.zeros
    errors = None
    with pytest.MonkeyPatch.context() as patch:  # the student starts in double precision, too
        patch.setattr(torch, "zeros", lambda *size: torch_zeros(*size, dtype=real))
        errors = teacher.sleep(x, y, [0, 7, 40], lr=lr)
    values, vectors = torch.linalg.eigh(x.mT @ x)
    for place, epochs in enumerate((0, 7, 40)):
        gone = 1 - (1 - lr * values) ** epochs
        w = vectors @ ((gone / values)[..., None] * (vectors.mT @ x.mT @ y))
        expected = (teacher.tests[0] @ w - teacher.tests[1]).square().mean(dim=(1, 2))
        assert torch.allclose(errors["test"][:, place], expected, rtol=1e-6)


@pytest.mark.parametrize("ratio", [0.25, 4.0, float("inf")])
def test_what_the_teacher_says_has_variance_one(ratio):
    y = sleep.NoisyTeacher(ratio, seeds=30).tests[1]
    assert y.square().mean().item() == pytest.approx(1.0, abs=0.08)
    x, _ = sleep.NoisyTeacher(ratio, seeds=2).tests
    assert x.square().sum(dim=2).mean().item() == pytest.approx(1.0, abs=0.03)


def test_a_teacher_asks_about_episodes_that_nobody_replayed():
    teacher = sleep.NoisyTeacher(1, n=8, tests=40, seeds=2, count=20)
    assert [len(part[0][0]) for part in (teacher.episodes, teacher.held_out, teacher.tests)] == [
        20, 2, 40]
    parts = [{tuple(row) for row in part[0][0].tolist()}
             for part in (teacher.episodes, teacher.held_out, teacher.tests)]
    assert len(set.union(*parts)) == 62


def test_a_list_drifts_in_its_context_alone():
    x = cl.paired_lists(6, 4, seeds=2)[0].x
    new = sleep.drifted(x, 2, cl.LaneRandom(2, "a test"))
    assert torch.equal(new[..., :80], x[..., :80])
    assert ((new * x)[..., 80:].sum(dim=2) == 6).all() and (new[..., 80:].sum(dim=2) == 8).all()


def test_bad_input_is_told_in_one_sentence():
    for call in (lambda: sleep.drifting_lists(drift=9), lambda: sleep.facts_about(["unicorn"]),
                 lambda: sleep.facts_about([]), lambda: sleep.NoisyTeacher(0)):
        with pytest.raises(cl.CourseError, match="expected"):
            call()
