"""A clock, chunks that equal what they should, and initial states that are learnt, by hand."""

import copy
import functools
import importlib
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

import clcourse as cl
from clcourse.learner import SGD
from clcourse.nested.continuum import ContinuumLearner, ContinuumMemory
from clcourse.nested.levels import Clock, Levels, SignDescent

LANES = [3, 5]
ROOT = Path(__file__).parent.parent
ADAM = functools.partial(torch.optim.Adam, foreach=False)


def network(double: bool = True, **more) -> ContinuumMemory:
    """Two blocks of six hidden units between five features and three classes."""
    one = ContinuumMemory(5, 3, **({"blocks": 2, "hidden": 6, "seeds": LANES} | more))
    return one.double() if double else one


def examples(steps: int, lanes: int = 2, double: bool = True, seed: int = 0):
    """x (steps, lanes, 4, 5) and y."""
    one = torch.Generator().manual_seed(seed)
    x = torch.randn(steps, lanes, 4, 5, generator=one, dtype=torch.float64)
    return x if double else x.float(), torch.randint(3, (steps, lanes, 4), generator=one)


def lived(learner, x, y):
    """The weights after all steps."""
    for one, label in zip(x, y, strict=True):
        learner.observe(one, label)
    return [θ.detach().clone() for θ in learner.network.parameters()]


@torch.no_grad()
def apart(these, those) -> float:
    """The largest difference of two lists of tensors."""
    return max(float((a - b).abs().max()) for a, b in zip(these, those, strict=True))


# --- the clock


def test_the_clock_by_hand():
    clock = Clock((4, 2, 1))
    assert [clock.due(step) for step in (1, 2, 3, 4)] == [
        (False, False, True), (False, True, True), (False, False, True), (True, True, True),
    ]  # fmt: skip
    assert [clock.slower(part) for part in range(3)] == [None, 4, 2]
    assert clock.rhythm(4).tolist() == [[False] * 3 + [True], [False, True] * 2, [True] * 4]


@given(some.lists(some.integers(1, 50), min_size=1, max_size=5), some.integers(1, 200))
def test_a_part_moves_once_a_period(periods, steps):
    rhythm = Clock(periods).rhythm(steps)
    assert rhythm.shape == (len(periods), steps)
    assert rhythm.sum(dim=1).tolist() == [steps // C for C in periods]


@pytest.mark.parametrize("periods", [(), (0,), (1, -2), (1.0, 2), (True, 1), 3, "12", (None,)])
def test_periods_must_be_positive_integers(periods):
    with pytest.raises(cl.CourseError, match="whole number of steps of at least 1"):
        Clock(periods)


# --- what a chunk equals


@pytest.mark.parametrize("optimiser", [SGD, SignDescent, ADAM])
@pytest.mark.parametrize("chunk", ["mean", "sum"])
def test_period_one_is_the_plain_optimiser_bit_for_bit(optimiser, chunk):
    x, y = examples(12, double=False)
    plain = cl.GradientLearner(network(double=False), lr=0.05, optimiser=optimiser)
    ours = ContinuumLearner(
        network(double=False), (1, 1, 1), lr=0.05, chunk=chunk, optimiser=optimiser
    )
    assert apart(lived(ours, x, y), lived(plain, x, y)) == 0


def test_a_chunk_mean_is_one_step_on_all_its_examples_at_once():
    x, y = examples(6)
    ours = lived(ContinuumLearner(network(), (6, 6, 6), lr=0.3), x, y)
    at_once = x.transpose(0, 1).flatten(1, 2), y.transpose(0, 1).flatten(1, 2)
    net = network()
    cl.learner.cross_entropy(net(at_once[0]), at_once[1]).sum().backward()
    by_autograd = [(θ - 0.3 * θ.grad).detach() for θ in net.parameters()]
    assert apart(ours, by_autograd) < 1e-12


def test_parts_of_unequal_periods_against_autograd_step_by_step():
    x, y = examples(12)
    periods, rates = (4, 2, 1), (0.3, 0.2, 0.1)
    ours = lived(ContinuumLearner(network(), periods, lr=rates), x, y)
    net = network()
    total = [[torch.zeros_like(θ) for θ in part] for part in net.parts]
    for step in range(12):
        loss = cl.learner.cross_entropy(net(x[step]), y[step]).sum()
        gradients = torch.autograd.grad(loss, [θ for part in net.parts for θ in part])
        gradients = iter(gradients)
        for place, part in enumerate(net.parts):
            for slot, θ in enumerate(part):
                total[place][slot] = total[place][slot] + next(gradients)
                if (step + 1) % periods[place] == 0:
                    θ.data -= rates[place] / periods[place] * total[place][slot]
                    total[place][slot] = torch.zeros_like(θ)
    assert apart(ours, [θ.detach() for θ in net.parameters()]) < 1e-12


@pytest.mark.parametrize("C", [2, 3, 8])
def test_a_sum_is_the_mean_at_a_rate_C_times_as_high(C):
    x, y = examples(4 * C)
    summed = lived(ContinuumLearner(network(), (C, 1, 1), lr=[0.01, 0.1, 0.1], chunk="sum"), x, y)
    mean = lived(ContinuumLearner(network(), (C, 1, 1), lr=[0.01 * C, 0.1, 0.1]), x, y)
    assert apart(summed, mean) < 1e-12


class Line(torch.nn.Module):
    """One block and a readout whose gradients do not depend on the weights."""

    blocks, variant, seeds = 1, "sequential", (0,)

    def __init__(self):
        super().__init__()
        self.a = torch.nn.Parameter(torch.zeros(1, 5, 3, dtype=torch.float64))
        self.b = torch.nn.Parameter(torch.zeros(1, 5, 3, dtype=torch.float64))
        self.parts = [(self.a,), (self.b,)]

    def forward(self, x):
        return x @ self.a + x @ self.b


def linear(logits, y):
    """A loss whose gradient is constant in the weights."""
    return logits.gather(2, y[..., None]).sum(dim=(1, 2))


def test_with_constant_gradients_frequency_is_rate_exactly():
    x, y = examples(24, lanes=1)
    ends = []
    for C in (1, 2, 8, 24):
        learner = ContinuumLearner(Line(), (C, 1), lr=[0.1 * C, 0.1])
        learner.loss = linear
        ends.append(lived(learner, x, y))
    assert all(apart(ends[0], other) < 1e-12 for other in ends[1:])
    assert float(ends[0][0].abs().max()) > 0.1  # it has moved


def test_with_sgd_frequency_is_rate_up_to_the_square_of_the_rate():
    x, y = examples(8)
    differences = []
    for η in (0.1, 0.05, 0.025, 0.0125):
        seldom = lived(ContinuumLearner(network(), (8, 1, 1), lr=[8 * η, η, η]), x, y)
        often = lived(ContinuumLearner(network(), (1, 1, 1), lr=η), x, y)
        differences.append(apart(seldom, often))
    shrinks = [a / b for a, b in zip(differences, differences[1:], strict=False)]
    assert differences[0] > 1e-4 and abs(shrinks[-1] - 4) < 0.4


def test_with_signs_frequency_is_not_rate():
    x, y = examples(8)
    seldom = lived(ContinuumLearner(network(), (8, 1, 1), lr=[8e-3, 1e-3, 1e-3],
                                    optimiser=SignDescent), x, y)  # fmt: skip
    often = lived(ContinuumLearner(network(), (1, 1, 1), lr=1e-3, optimiser=SignDescent), x, y)
    assert apart(seldom, often) > 1e-3


def test_an_unfinished_chunk_waits_and_survives_a_copy():
    x, y = examples(8)
    learner = ContinuumLearner(network(), (8, 8, 8))
    start = [θ.detach().clone() for θ in learner.network.parameters()]
    assert apart(lived(learner, x[:5], y[:5]), start) == 0
    learner.consolidate(None), learner.rest(100)
    other = copy.deepcopy(learner)
    whole = lived(ContinuumLearner(network(), (8, 8, 8)), x, y)
    assert apart(lived(other, x[5:], y[5:]), whole) == 0
    assert apart([θ.detach() for θ in learner.network.parameters()], start) == 0


# --- the variants


@pytest.mark.parametrize("carry", [0.0, 0.25, 0.7])
def test_nested_contexts_by_hand(carry):
    """Block 1 of period 4, block 2 of period 1: it lives in contexts of four steps."""
    x, y = examples(8)
    ours = ContinuumLearner(network(variant="nested"), (4, 1, 1), lr=0.2, carry=carry)
    net = network()
    begin, total = [θ.detach().clone() for θ in net.parts[1]], None
    for step in range(8):
        ours.observe(x[step], y[step])
        net.zero_grad()
        cl.learner.cross_entropy(net(x[step]), y[step]).sum().backward()
        slow = [θ.grad.clone() for θ in net.parts[0]]
        total = slow if total is None else [a + b for a, b in zip(total, slow, strict=True)]
        for θ in (*net.parts[1], *net.parts[2]):
            θ.data -= 0.2 * θ.grad
        if step in (3, 7):
            for θ, g in zip(net.parts[0], total, strict=True):
                θ.data -= 0.2 * g / 4
            begin = [s + carry * (θ.detach() - s)
                     for θ, s in zip(net.parts[1], begin, strict=True)]  # fmt: skip
            for θ, s in zip(net.parts[1], begin, strict=True):
                θ.data.copy_(s)
            total = None
        assert apart(ours.network.parameters(), net.parameters()) < 1e-12, f"step {step + 1}"
    if carry == 0:
        assert apart(ours.network.parts[1], network().parts[1]) == 0


def test_carrying_all_over_is_the_sequential_variant():
    x, y = examples(12)
    nested = ContinuumLearner(network(variant="nested"), (4, 2, 1), carry=1.0)
    sequential = ContinuumLearner(network(), (4, 2, 1))
    assert nested.contexts == {1: 4} and sequential.contexts == {}
    assert apart(lived(nested, x, y), lived(sequential, x, y)) == 0


def test_the_next_slower_block_gives_the_context_wherever_it_stands():
    three = network(variant="nested", blocks=3)
    assert ContinuumLearner(three, (1, 4, 8, 1)).contexts == {0: 4, 1: 8}
    assert ContinuumLearner(three, (4, 4, 4, 1)).contexts == {}


def test_the_chain_and_the_heads_by_hand():
    x = examples(1)[0][0]
    chain, heads = network(), network(variant="head-wise")
    for lane in range(2):
        h, changes = x[lane], []
        for W, b, V, c in chain.parts[:-1]:
            h = h + torch.relu(h @ W[lane] + b[lane]) @ V[lane] + c[lane]
            changes.append(torch.relu(x[lane] @ W[lane] + b[lane]) @ V[lane] + c[lane])
        W, b = chain.parts[-1]
        assert torch.allclose(chain(x)[lane], h @ W[lane] + b[lane], atol=1e-12)
        beside = x[lane] + torch.stack(changes).mean(dim=0)
        assert torch.allclose(heads(x)[lane], beside @ W[lane] + b[lane], atol=1e-12)
    one = [network(blocks=1, variant=variant)(x) for variant in ("sequential", "head-wise")]
    assert torch.equal(*one)


# --- as a learner


@settings(max_examples=15, deadline=None)
@given(some.integers(1, 3), some.integers(1, 9), some.integers(1, 3),
       some.sampled_from(["sequential", "nested", "head-wise"]))  # fmt: skip
def test_shapes_whatever_the_sizes(blocks, C, lanes, variant):
    net = ContinuumMemory(5, 3, blocks=blocks, hidden=2, variant=variant, seeds=lanes)
    learner = ContinuumLearner(net, (C,) + (1,) * blocks)
    x, y = examples(C, lanes, double=False)
    for one, label in zip(x, y, strict=True):
        assert learner.observe(one, label).shape == (lanes, 4, 3)
    assert len(learner.changes) == blocks + 1 and isinstance(learner, cl.learner.Learner)


def test_a_lane_alone_learns_as_among_others():
    x, y = examples(9)
    both = lived(ContinuumLearner(network(variant="nested"), (4, 2, 1), optimiser=ADAM), x, y)
    alone = ContinuumLearner(network(variant="nested", seeds=[5]), (4, 2, 1), optimiser=ADAM)
    assert apart([θ[1:] for θ in both], lived(alone, x[:, 1:], y[:, 1:])) < 1e-12


def test_it_lives_through_a_stream_and_learns():
    net = ContinuumMemory(64, 10, variant="nested", seeds=LANES)
    makers = [SGD, SignDescent, ADAM, SGD]
    learner = ContinuumLearner(net, (8, 4, 1, 1), lr=[0.1, 1e-4, 1e-3, 0.1], optimiser=makers)
    history = cl.run(learner, cl.permuted_digits(2, seeds=LANES), epochs=2, batch_size=16)
    assert (history.accuracy[:, 0, 0] > 0.7).all()
    start = net.parts[0][0]
    assert torch.equal(start, ContinuumMemory(64, 10, seeds=LANES).parts[0][0])


def test_bytes_by_hand():
    block, readout = 4 * (5 * 6 + 6 + 6 * 5 + 5), 4 * (5 * 3 + 3)
    net = network(double=False, variant="nested")
    assert ContinuumLearner(net, (1, 1, 1)).memory_bytes() == 0
    assert ContinuumLearner(net, (4, 1, 1)).memory_bytes() == 2 * block  # sums, an initial state
    assert ContinuumLearner(net, (4, 2, 2)).memory_bytes() == 3 * block + readout


def learner(periods=(4, 2, 1), **more) -> ContinuumLearner:
    return ContinuumLearner(network(double=False, variant="nested"), periods, **more)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: learner((4, 0, 1)), "periods="),
        (lambda: learner((4, 1)), "periods has 2 entries and the network 3 parts"),
        (lambda: learner((4, 3, 1)), "4 is no multiple of 3"),
        (lambda: learner(lr=[0.1, 0.1]), "lr has 2 entries"),
        (lambda: learner(lr=0.0), "lr=0.0"),
        (lambda: learner(lr=[0.1, float("nan"), 0.1]), "finite numbers above 0"),
        (lambda: learner(optimiser=[SGD]), "optimiser has 1 entries"),
        (lambda: learner(chunk="median"), "expected 'mean' or 'sum'"),
        (lambda: learner(carry=1.5), "share from 0 to 1"),
        (lambda: network(variant="parallel"), "expected one of sequential, nested, head-wise"),
        (lambda: network(blocks=0), "blocks=0"),
        (lambda: network(hidden=2.5), "hidden=2.5"),
    ],
)
def test_bad_input_gets_one_sentence(wrong, message):
    with pytest.raises(cl.CourseError, match=message) as error:
        wrong()
    assert "\n" not in str(error.value) and "try" in str(error.value)


def test_divergence_names_the_lane():
    x, y = examples(1, double=False)
    x[0, 1, 0, 0] = torch.inf
    with pytest.raises(cl.CourseError, match="diverged in lane 5 "):
        learner().observe(x[0], y[0])


def test_levels_take_parts_of_any_network():
    net = cl.mlp(5, 4, 3, seeds=2)
    parts = [[net.weights[0], net.biases[0]], [net.weights[1], net.biases[1]]]
    levels = Levels(parts, [SGD(part, lr=0.1) for part in parts], Clock((2, 1)))
    x, y = examples(3, double=False)
    first, last = net.weights[0].detach().clone(), net.weights[1].detach().clone()
    for step, moved in enumerate((False, True)):
        levels.zero_grad()
        cl.learner.cross_entropy(net(x[step]), y[step]).sum().backward()
        levels.step()
        assert torch.equal(net.weights[0], first) is not moved
        assert not torch.equal(net.weights[1], last)


# --- the study


@pytest.fixture
def study(monkeypatch):
    """The study of frequency, made small."""
    monkeypatch.setattr(sys, "path", [str(ROOT / "studies"), *sys.path])
    one = importlib.import_module("10_frequency")
    monkeypatch.setattr(one, "SETTINGS", one.SETTINGS | {"orders": 2, "streams": {"long": (3, 2)}})
    return one


@pytest.mark.parametrize(
    ("name", "theirs"),
    [("gradient descent", SGD), ("sign", SignDescent), ("Adam", ADAM)],
)
def test_its_optimisers_are_the_known_ones_with_a_rate_a_lane(study, name, theirs):
    x, y = examples(10)
    rates = torch.tensor([0.01, 0.003], dtype=torch.float64)[:, None, None]
    ours = cl.GradientLearner(
        network(), optimiser=lambda part, lr: study.OPTIMISERS[name](part, rates)
    )
    ends = lived(ours, x, y)
    for lane, lr in enumerate((0.01, 0.003)):
        alone = cl.GradientLearner(network(seeds=[LANES[lane]]), lr=lr, optimiser=theirs)
        one = slice(lane, lane + 1)
        assert apart([θ[one] for θ in ends], lived(alone, x[:, one], y[:, one])) < 1e-7


def test_its_second_control_remembers_as_long_as_a_chunk(study):
    part = [torch.nn.Parameter(torch.zeros(1, 1, 1))]
    rate = torch.ones(1, 1, 1)
    known = {"gradient descent": -(1 - 0.75**3), "sign": -3.0}
    for name, expected in known.items():
        part[0].data.zero_()
        one = study.OPTIMISERS[name](part, rate, 4)
        moved = 0.0
        for _ in range(3):
            part[0].grad = torch.ones(1, 1, 1)
            before = part[0].item()
            one.step()
            moved = part[0].item() - before
        assert (part[0].item() if name == "sign" else moved) == pytest.approx(expected)
    assert study.OPTIMISERS["Adam"](part, rate, 4).keeps == pytest.approx((0.9**0.25, 0.999**0.25))


@pytest.mark.parametrize("place", ["input", "blocks", "layer", "output", "second"])
@pytest.mark.parametrize("kind", ["chunk", "smooth", "nested 0.5"])
def test_its_settings_do_not_meet_although_they_are_lanes_of_one_run(study, place, kind):
    if place not in ("input", "blocks") and kind == "nested 0.5":
        kind = "chunk"
    family = study.Family("long", place, "Adam", kind, 2)
    grid = [(0.01, 0.0), (0.003, 0.03)]
    together = study.live(study.learner(family, LANES, grid), LANES, "long", 2, "validation")
    for place_of, one in enumerate(grid):
        alone = study.live(study.learner(family, LANES, [one]), LANES, "long", 1, "validation")
        for what in ("new", "end"):
            assert together[what][place_of] == pytest.approx(alone[what][0], abs=0.011)
    frozen = study.learner(family, LANES, grid)
    starts = [part[0].detach().clone() for part in frozen.network.parts]
    study.live(frozen, LANES, "long", 2, "test")
    slowly = study.SETTINGS["slow_parts"][place]
    for part, start, slow in zip(frozen.network.parts, starts, slowly, strict=True):
        end = part[0].detach()
        assert torch.equal(end[:2], start[:2]) == slow and not torch.equal(end[2:], start[2:])


def test_its_rules_choose_what_they_say(study):
    control = {(1, 0): (0.6, 0.80), (1, 1): (0.5, 0.90)}
    found = {(2, 0): (0.7, 0.70), (2, 1): (0.6, 0.797), (2, 2): (0.4, 0.895), (2, 3): (0.65, 0.79)}
    assert study.chosen(found, control) == {"free": (2, 0), "as plastic": (2, 1)}
    assert study.chosen({(2, 0): (0.7, 0.6), (2, 1): (0.1, 0.7)}, control)["as plastic"] == (2, 1)


def test_it_says_where_a_choice_lies_at_an_edge(study):
    grid = dict.fromkeys([(1, 0), (1, 2), (1, 3), (5, 0), (5, 2), (5, 3)])
    assert study.at_an_edge(grid, (1, 3)) == ["fast low", "slow high"]
    assert study.at_an_edge(grid, (5, 2)) == ["fast high", "slow low"]
    assert study.at_an_edge(grid, (1, 0)) == ["fast low"]  # frozen is no edge
    assert study.at_an_edge({(1, 0): None, (2, 0): None}, (1, 0)) == ["fast low"]


def test_its_correction_is_that_of_holm(study):
    """Against the definition: the smallest p times n, the next times n - 1, never falling."""
    draw = torch.Generator().manual_seed(0)
    rows = {str(k): (torch.randn(8, generator=draw) + k / 2).tolist() for k in range(5)}
    rows["none"] = [0.0] * 8
    ours, plain = study.holm(rows), {name: study.holm({name: row})[name]
                                     for name, row in rows.items()}  # fmt: skip
    ranked = sorted(plain.values())
    steps = [min(1.0, p * (6 - place)) for place, p in enumerate(ranked)]
    expected = [max(steps[: place + 1]) for place in range(6)]
    assert sorted(ours.values()) == pytest.approx(expected, abs=1e-4)
    assert ours["none"] == plain["none"] == 1.0 and plain["4"] < 0.05


def test_its_comparisons_are_of_stored_lanes_and_all_are_counted(study):
    stored = cl.results.load("10_frequency")
    made = study.comparisons(stored)
    assert made == stored["comparisons"]
    counted = {rival: len(rows) for rival, rows in made.items()}
    assert counted == {"minus control": 144, "minus smooth": 24, "minus blocks": 24}


@pytest.mark.parametrize(
    ("place", "optimiser", "name"),
    [("layer", "sign", "chunk 8"), ("layer", "Adam", "smooth 8"), ("output", "sign", "chunk 64"),
     ("second", "Adam", "chunk 64")],
)  # fmt: skip
def test_a_row_of_it_made_again(study, place, optimiser, name):
    """Two lanes alone, at what was chosen, as they were among all: within an image or two."""
    stored = cl.results.load("10_frequency")
    row = stored[f"long, {place}"][optimiser][name]["free"]
    kind, C = name.split()
    study.SETTINGS["orders"], study.SETTINGS["streams"] = 5, {"long": (240, 1)}
    family = study.Family("long", place, optimiser, kind, int(C))
    setting = row["fast"], row["slow"]
    again = study.live(study.learner(family, [0, 1], [setting]), [0, 1], "long", 1, "test")
    for what in ("new", "end"):
        assert again[what][0] == pytest.approx(row["each"][what][:2], abs=0.01)
