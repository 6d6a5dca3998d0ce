"""Two systems: a night by hand, who answers, and what each lesion takes away."""

import copy

import pytest
import torch

import clcourse as cl
from clcourse.complementary import Episodes, Neocortex, TwoSystems, sparse_codes

CODES = 60, 12  # features, active


def codes(count: int, seeds=2, name: str = "seen") -> torch.Tensor:
    """Random sparse codes as inputs: (subjects, count, 60)."""
    draws = cl.LaneRandom(seeds, name).uniform(count * CODES[0])
    return cl.k_winners(draws.reshape(-1, count, CODES[0]).float(), CODES[1])


def labels(count: int, seeds=2, classes: int = 5) -> torch.Tensor:
    return cl.LaneRandom(seeds, "labels").integers(count, classes)


def episodes(seeds=2, chance: float = 1.0, **more) -> Episodes:
    """60 units of input beside 4 for each of 5 classes."""
    hippocampus = cl.Hippocampus(80, 16, seeds=seeds, **more)
    return Episodes(hippocampus, features=60, classes=5, chance=chance)


def cortex(seeds=2, **more) -> Neocortex:
    return Neocortex(60, 20, 5, seeds=seeds, **more)


def right(learner, x, y) -> float:
    return (learner.predict(x).argmax(-1) == y).float().mean().item()


# -- codes of a stream --


@pytest.mark.parametrize("seeds", [None, 3])
def test_codes_of_a_stream_by_hand(seeds):
    stream = cl.split_digits(seeds=seeds)
    coded = sparse_codes(stream, units=100, active=10)
    assert (coded.classes, coded.scenario, coded.seeds) == (10, "class", stream.seeds)
    W = cl.LaneRandom(1 if seeds is None else seeds, "sparse codes").normal(64, 100)
    mean = stream[0].x.mean(dim=-2, keepdim=True)
    for raw, new in zip(stream, coded, strict=True):
        for part in ("x", "x_val", "x_test"):
            drive = (getattr(raw, part) - mean) @ (W[0] if seeds is None else W)
            assert torch.equal(getattr(new, part), cl.k_winners(drive, 10))
        assert torch.equal(raw.y, new.y) and raw.name == new.name


def test_codes_keep_what_separates_the_digits():
    """One nearest neighbour on the codes stays within a few points of the pixels."""
    stream, found = cl.split_digits(seeds=5), []
    for inputs, shown in ((64, stream), (200, sparse_codes(stream))):
        nearest = cl.NearestNeighbour(inputs, 10, capacity=1280, seeds=5)
        found.append(cl.run(nearest, shown, epochs=1).accuracy[:, -1].mean().item())
    pixels, coded = found
    assert coded > pixels - 0.06 and coded > 0.85


# -- episodes --


def test_an_episode_holds_input_and_answer():
    store, x, y = episodes(), codes(10), labels(10)
    store.add(x, y)
    assert len(store) == 10
    shares, known = store.answer(x)
    assert known.all() and torch.equal(shares.argmax(-1), y)
    assert torch.allclose(shares, torch.nn.functional.one_hot(y, 5).float())


def test_an_input_never_seen_is_not_recognised():
    store = episodes()
    store.add(codes(10), labels(10))
    assert not store.answer(codes(10, name="unseen"))[1].any()


def test_what_is_replayed_was_lived():
    store, x, y = episodes(seeds=3), codes(12, 3), labels(12, 3)
    store.add(x, y)
    dreamt, named, mask = store.sample(100)
    near = dreamt @ x.transpose(1, 2) / CODES[1]
    assert mask.all() and (near.amax(-1) > 0.9).float().mean() > 0.95
    assert (named == y.gather(1, near.argmax(-1))).float().mean() > 0.95


def test_the_same_example_is_stored_once():
    store, x, y = episodes(), codes(5), labels(5)
    for _ in range(4):
        store.add(x, y)
    assert store.hippocampus.load.tolist() == [5, 5]
    store.add(x, (y + 1) % 5)
    assert store.hippocampus.load.tolist() == [10, 10]


def test_units_that_no_class_needs_stay_silent():
    store = Episodes(cl.Hippocampus(80, 15, seeds=2), 60, 6)
    assert store.each == 3
    pattern = torch.cat([codes(4), store._name(labels(4))], dim=-1)
    assert (pattern.sum(-1) == 15).all() and (pattern[..., 78:] == 0).all()


def test_it_stands_in_for_a_reservoir():
    """The same gradient learner, with a hippocampus where the buffer was."""
    x, y = codes(8), labels(8)
    learner = cl.GradientLearner(cl.mlp(60, 20, 5, seeds=2), replay=episodes())
    for _ in range(200):
        learner.observe(x, y)
    assert right(learner, x, y) == 1.0
    assert learner.memory_bytes() == episodes().memory_bytes()


# -- the cortex --


@pytest.mark.parametrize("patterns", [False, True])
def test_a_step_of_the_cortex_is_torchs(patterns):
    slow, x = cortex(lr=0.05, momentum=0.9), codes(6)
    target = (codes(6, name="target")[..., :5]) if patterns else labels(6)
    twin = slow.network.copy()
    optimiser = torch.optim.SGD(twin.parameters(), lr=0.05, momentum=0.9)
    for _ in range(5):
        logits = slow.learn(x, target)
        answers = twin(x)
        assert torch.allclose(logits, answers, atol=1e-5)
        if patterns:
            each = torch.nn.functional.binary_cross_entropy_with_logits(
                answers, target, reduction="none"
            )
            loss = each.sum(dim=2).mean(dim=1).sum()
        else:
            loss = cl.cross_entropy(answers, target).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    for ours, theirs in zip(slow.network.parameters(), twin.parameters(), strict=True):
        assert torch.allclose(ours, theirs, atol=1e-5)


# -- wake, sleep, answers --


def test_a_day_changes_no_weight_and_a_night_no_episode():
    learner, x, y = TwoSystems(episodes(), cortex()), codes(8), labels(8)
    weights = [one.clone() for one in learner.network.parameters()]
    learner.observe(x, y)
    for now, then in zip(learner.network.parameters(), weights, strict=True):
        assert torch.equal(now, then)
    ties = learner.fast.hippocampus.ca3_ca3.clone()
    learner.rest(5)
    assert torch.equal(learner.fast.hippocampus.ca3_ca3, ties)
    assert not torch.equal(next(iter(learner.network.parameters())), weights[0])


@pytest.mark.parametrize("fast", [lambda: episodes(), lambda: cl.Reservoir(20)])
def test_a_night_is_the_same_steps_by_hand(fast):
    learner = TwoSystems(fast(), cortex(), batch=4, dreams=20)
    learner.observe(codes(8), labels(8))
    by_hand, dreamer = copy.deepcopy(learner.cortex), copy.deepcopy(learner.fast)
    x, y, _ = dreamer.sample(20)
    order = cl.LaneRandom(2, "sleep")
    for _ in range(6):
        chosen = order.integers(4, 20)
        batch = torch.stack([x[lane, chosen[lane]] for lane in range(2)])
        by_hand.learn(batch, y.gather(1, chosen))
    learner.rest(6)
    for ours, theirs in zip(
        learner.network.parameters(), by_hand.network.parameters(), strict=True
    ):
        assert torch.equal(ours, theirs)


def test_who_answers():
    """Known inputs get the hippocampus' answer, unknown ones the cortex'."""
    learner, x, y = TwoSystems(episodes(), cortex()), codes(8), labels(8)
    unseen = codes(8, name="unseen")
    learner.observe(x, y)
    assert right(learner, x, y) == 1.0
    assert torch.equal(learner.predict(unseen), learner.cortex.answer(unseen))
    both = learner.predict(torch.cat([x, unseen], dim=1))
    assert torch.equal(both, torch.cat([learner.predict(x), learner.predict(unseen)], dim=1))


def test_lesions_before_and_after_sleep():
    learner, x, y = TwoSystems(episodes(), cortex(lr=0.5)), codes(8), labels(8)
    learner.observe(x, y)
    alone = learner.lesion("hippocampus")
    assert torch.equal(alone.predict(x), alone.cortex.answer(x))
    assert right(learner.lesion("neocortex"), x, y) == 1.0
    before = [one.clone() for one in alone.network.parameters()]
    alone.observe(codes(3, name="later"), labels(3))
    alone.rest(50)
    for now, then in zip(alone.network.parameters(), before, strict=True):
        assert torch.equal(now, then)
    assert alone.fast.hippocampus.load.tolist() == [8, 8]
    learner.rest(200)
    assert right(learner.lesion("hippocampus"), x, y) == 1.0
    silent = learner.lesion("neocortex")
    assert (silent.predict(codes(4, name="unseen")) - 10 * silent.fast.answer(
        codes(4, name="unseen"))[0]).abs().max() == 0  # fmt: skip


def test_awake_the_cortex_learns_from_what_is_there():
    learner, x, y = TwoSystems(episodes(), cortex(), awake=True), codes(8), labels(8)
    slow = copy.deepcopy(learner.cortex)
    for _ in range(3):
        learner.observe(x, y)
        slow.learn(x, y)
    for ours, theirs in zip(learner.network.parameters(), slow.network.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_sleep_keeps_the_old_list_where_a_network_alone_loses_it():
    """The claim of the module, in small: A-B, then A-C, told by the list's context."""
    stream = cl.paired_lists(pairs=6, share=3, seeds=4)
    fast = Episodes(cl.Hippocampus(240, 22, seeds=4), 160, 12)
    learner = TwoSystems(fast, Neocortex(160, 50, 12, lr=0.3, seeds=4))
    kept = cl.run(learner, stream, epochs=1, rest=200).learner.lesion("hippocampus")
    alone = cl.run(cl.GradientLearner(cl.mlp(160, 50, 12, seeds=4), 0.3), stream, epochs=300)
    old = stream[0]
    assert right(kept, old.x, old.y) > 0.9
    assert right(alone.learner, old.x, old.y) < 0.3


def test_bytes_are_those_of_the_fast_store():
    assert TwoSystems(episodes(), cortex()).memory_bytes() == episodes().memory_bytes()


def taught_too_fast(slow: Neocortex) -> None:
    for _ in range(5):
        slow.learn(codes(3), labels(3))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: Episodes(cl.Hippocampus(80, 16), 60, 30), "60 features and 30 classes"),
        (lambda: Episodes(cl.Hippocampus(80, 16), 60, 0), "60 features and 0 classes"),
        (lambda: episodes().add(codes(3)[..., :59], labels(3)), "shape"),
        (lambda: episodes().add(codes(3) * 0.5, labels(3)), "binary"),
        (lambda: episodes().add(torch.rand(2, 3, 60), labels(3)), "binary"),
        (lambda: episodes().add(codes(3), labels(3) + 5), "Labels go.*0 to 4"),
        (lambda: episodes().sample(4), "nothing to replay"),
        (lambda: TwoSystems(episodes(), cortex()).rest(3), "nothing to replay"),
        (lambda: TwoSystems(cl.Reservoir(5), cortex()).rest(3), "empty"),
        (lambda: TwoSystems(episodes(), cortex(seeds=3)), r"subjects \[0, 1\].*\[0, 1, 2\]"),
        (lambda: TwoSystems(episodes(), cortex(), batch=0), "batch=0"),
        (lambda: TwoSystems(episodes(), cortex()).lesion("amygdala"), "no part 'amygdala'"),
        (lambda: cortex(lr=0), "lr=0"),
        (lambda: cortex(momentum=1.0), "momentum=1.0"),
        (lambda: taught_too_fast(cortex(lr=1e30)), "diverged"),
        (lambda: sparse_codes(cl.split_digits(seeds=1), units=10, active=11)[0], "11 winners"),
    ],
)
def test_bad_input_gets_one_sentence(wrong, message):
    with pytest.raises(cl.CourseError, match=message):
        wrong()
