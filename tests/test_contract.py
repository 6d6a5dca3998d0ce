"""What every learner of the course keeps to, whatever is inside it."""

import copy

import pytest
import torch

import clcourse as cl

LANES = 3


def memory(seeds) -> cl.Episodes:
    """A small hippocampus for episodes of coded digits."""
    small = {"dg": (300, 6), "ca3": (120, 8), "ca1": (120, 12)}
    return cl.Episodes(cl.Hippocampus(240, 24, **small, seeds=seeds), 200, 10, chance=0.005)


LEARNERS = {
    "fine-tuning": lambda seeds: cl.GradientLearner(cl.mlp(64, 12, 10, seeds=seeds)),
    "replay": lambda seeds: cl.GradientLearner(
        cl.mlp(64, 12, 10, seeds=seeds), replay=cl.Reservoir(20)
    ),
    "EWC": lambda seeds: cl.GradientLearner(cl.mlp(64, 12, 10, seeds=seeds), penalty=cl.EWC(10.0)),
    "SI": lambda seeds: cl.GradientLearner(cl.mlp(64, 12, 10, seeds=seeds), penalty=cl.SI(0.1)),
    "LwF": lambda seeds: cl.GradientLearner(cl.mlp(64, 12, 10, seeds=seeds), penalty=cl.LwF(0.5)),
    "Adam": lambda seeds: cl.GradientLearner(
        cl.mlp(64, 12, 10, seeds=seeds), 0.01, optimiser=torch.optim.Adam
    ),
    "shoebox": lambda seeds: cl.TwoSystems(
        cl.Reservoir(20), cl.Neocortex(64, 12, 10, seeds=seeds), awake=True, dreams=40
    ),
    "two systems": lambda seeds: cl.TwoSystems(
        memory(seeds), cl.Neocortex(200, 12, 10, seeds=seeds), dreams=40
    ),
    "hippocampal replay": lambda seeds: cl.GradientLearner(
        cl.mlp(200, 12, 10, seeds=seeds), replay=memory(seeds)
    ),
    "two averages": lambda seeds: cl.TwoAverages(
        cl.mlp(64, 12, 10, seeds=seeds), replay=cl.Reservoir(20), stable=(0.9, 0.8)
    ),
    "class means": lambda seeds: cl.ClassMeans(64, 10, seeds=seeds),
    "neighbour": lambda seeds: cl.NearestNeighbour(64, 10, capacity=30, seeds=seeds),
    "LDA": lambda seeds: cl.StreamingLDA(64, 10, seeds=seeds),
    "ridge": lambda seeds: cl.StreamingRidge(64, 10, features=40, seeds=seeds),
    "noted examples": lambda seeds: cl.NotedExamples(64, 10, k=3, seeds=seeds),
}


@pytest.fixture(params=LEARNERS, name="make")
def _make(request):
    return LEARNERS[request.param]


def digits(make, scenario: str = "class", seeds=LANES) -> cl.Stream:
    """Split digits: as sparse codes for those that have a hippocampus, else as pixels."""
    stream = cl.split_digits(scenario, seeds)
    coded = make in (LEARNERS["two systems"], LEARNERS["hippocampal replay"])
    return cl.sparse_codes(stream) if coded else stream


def batch(make, size: int = 8):
    experience = digits(make)[0]
    return experience.x[:, ::32][:, :size], experience.y[:, ::32][:, :size]


def state(learner) -> list[torch.Tensor]:
    """Everything that the learner keeps in tensors."""
    found, queue, known = [], [learner], set()
    while queue:
        thing = queue.pop()
        if id(thing) in known:
            continue
        known.add(id(thing))
        if isinstance(thing, torch.Tensor):
            found.append(thing.detach().clone())
        elif isinstance(thing, torch.Generator):
            found.append(thing.get_state())
        elif isinstance(thing, dict):
            queue += list(thing.values())
        elif isinstance(thing, (list, tuple)):
            queue += list(thing)
        elif hasattr(thing, "__dict__") and not isinstance(thing, type) and not callable(thing):
            queue += list(vars(thing).values())
        elif isinstance(thing, torch.nn.Module):
            queue += list(thing.state_dict().values())
    return found


def weights(learner) -> list[torch.Tensor]:
    """What the learner answers with, (seeds, …) each."""
    if hasattr(learner, "network"):
        return list(learner.network.parameters())
    if isinstance(learner, cl.NearestNeighbour):
        return [learner.stored.x, learner.stored.y]
    if isinstance(learner, cl.NotedExamples):
        return [] if learner.codes is None else [learner.codes, learner.answers]
    return [learner.n, learner.B, learner.W, learner.b]


def same(first: list[torch.Tensor], second: list[torch.Tensor]) -> bool:
    return len(first) == len(second) and all(map(torch.equal, first, second))


def test_it_is_a_learner_and_says_what_it_needs(make):
    learner = make(LANES)
    assert isinstance(learner, cl.Learner) and learner.seeds == (0, 1, 2)
    assert set(learner.accepts) <= {"vectors", "tokens"} and learner.accepts
    assert isinstance(learner.needs_boundaries, bool) and learner.memory_bytes() >= 0
    assert learner.changes and all(isinstance(one, cl.Change) for one in learner.changes)


def test_observe_returns_the_logits_from_before_learning(make):
    learner, (x, y) = make(LANES), batch(make)
    before = learner.predict(x)
    assert torch.allclose(learner.observe(x, y), before, atol=1e-6)
    assert before.shape == (LANES, 8, 10) and not before.requires_grad
    assert not torch.allclose(learner.predict(x), before)


def test_predict_changes_nothing(make):
    learner, (x, y) = make(LANES), batch(make)
    learner.observe(x, y)
    untouched = state(learner)
    first, second = learner.predict(x), learner.predict(x)
    assert torch.equal(first, second) and same(state(learner), untouched)


def test_it_learns(make):
    learner, (x, y) = make(LANES), batch(make, size=4)
    for _ in range(300):
        learner.observe(x, y)
    assert (learner.predict(x).argmax(-1) == y).all()


def test_told_the_task_it_answers_within_it(make):
    learner, (x, _) = make(LANES), batch(make)
    allowed = torch.zeros(LANES, 10, dtype=torch.bool)
    allowed[:, [2, 5]] = True
    answers = learner.predict(x, allowed).argmax(-1)
    assert set(answers.unique().tolist()) <= {2, 5}


def test_the_same_run_twice_gives_the_same_history_and_leaves_the_original_alone(make):
    learner, stream = make(LANES), digits(make, "task")
    untouched = state(learner)
    first, second = cl.run(learner, stream, epochs=1), cl.run(learner, stream, epochs=1)
    assert same(state(learner), untouched)
    assert torch.equal(first.loss, second.loss) and torch.equal(first.accuracy, second.accuracy)
    assert same(state(first.learner), state(second.learner))


def test_a_lane_learns_the_same_alone_and_in_company(make, one_thread):
    for scenario in ("class", "task"):
        alone, together = (
            cl.run(make(seeds), digits(make, scenario, seeds), epochs=1, rest=3)
            for seeds in ([7], list(range(9)))
        )
        assert torch.equal(alone.accuracy[0], together.accuracy[7])
        assert torch.equal(alone.loss[0], together.loss[7])
        for one, many in zip(weights(alone.learner), weights(together.learner), strict=True):
            assert torch.equal(one[0], many[7])


@pytest.fixture(name="one_thread")
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_it_survives_boundaries_rest_and_deepcopy(make):
    learner, (x, y) = make(LANES), batch(make)
    learner.observe(x, y)
    learner.consolidate(digits(make)[0].training())
    learner.rest(3)
    twin = copy.deepcopy(learner)
    learner.observe(x, y)
    twin.observe(x, y)
    assert torch.equal(learner.predict(x), twin.predict(x))


@pytest.mark.parametrize("where", ["cpu", *["cuda"] * torch.cuda.is_available()])
def test_every_device_learns_the_same_within_tolerance(make, monkeypatch, where):
    stream = digits(make)
    monkeypatch.setenv("CLCOURSE_DEVICE", "cpu")
    expected = cl.run(make(LANES), stream, epochs=1).loss
    monkeypatch.setenv("CLCOURSE_DEVICE", where)
    history = cl.run(make(LANES), stream, epochs=1)
    assert {part.device.type for part in weights(history.learner)} == {where}
    assert torch.allclose(history.loss[:, :8], expected[:, :8], atol=1e-3)


# What one pass without boundaries or replay may claim, a little below what nine lanes reach.
CLAIMS = {
    "class means": {"task": 0.94, "domain": 0.7, "class": 0.86},
    "neighbour": {"task": 0.84, "domain": 0.8, "class": 0.7},
    "LDA": {"task": 0.96, "domain": 0.82, "class": 0.92},
    "ridge": {"task": 0.94, "domain": 0.8, "class": 0.85},
}


@pytest.mark.parametrize("scenario", ["task", "domain", "class"])
@pytest.mark.parametrize("name", CLAIMS)
def test_a_floor_keeps_what_it_claims_in_each_scenario(name, scenario):
    stream = cl.split_digits(scenario, LANES)
    history = cl.run(LEARNERS[name](LANES), stream, epochs=1, boundaries=False)
    assert cl.average_accuracy(history.accuracy).mean() > CLAIMS[name][scenario]


# What a penalty may claim, told where an experience ends: less forgetting where the same answers
# return or the task is named. In the class scenario it may claim nothing at an ordinary rate.
PENALTIES = {"EWC": cl.EWC(10.0), "SI": cl.SI(0.1), "LwF": cl.LwF(0.5)}


@pytest.mark.parametrize("scenario", ["task", "domain", "class"])
@pytest.mark.parametrize("name", PENALTIES)
def test_a_penalty_holds_what_it_claims_in_each_scenario(name, scenario):
    stream, lost = cl.split_digits(scenario, 9), []
    for penalty in (None, PENALTIES[name]):
        learner = cl.GradientLearner(cl.mlp(64, 30, stream.classes, seeds=9), penalty=penalty)
        history = cl.run(learner, stream, epochs=5)
        lost.append(cl.forgetting(history.accuracy).mean().item())
    alone, held = lost
    assert held < 0.9 * alone if scenario != "class" else abs(held - alone) < 0.05
