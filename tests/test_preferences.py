"""Preference tuning against closed forms, enumeration and published formulas; matched tuning."""

import importlib.util
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

import clcourse as cl
from clcourse.results import load

LOGITS = st.integers(0, 10**6).map(
    lambda seed: torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(seed))
)


class Tabular(torch.nn.Module):
    """A policy that is its own table of logits: (seeds, prompts, answers); prompts by number."""

    def __init__(self, logits):
        super().__init__()
        self.table = torch.nn.Parameter(logits.clone())
        self.seeds = tuple(range(len(logits)))

    def forward(self, prompts):
        return self.table.gather(1, prompts[..., None].expand(*prompts.shape, self.table.shape[2]))

    def copy(self):
        return Tabular(self.table.detach())


@pytest.fixture
def world():
    """Three lanes, four prompts, five answers: a reference and what people like."""
    random = cl.LaneRandom(3, "test world")
    return Tabular(random.normal(4, 5)), random.normal(4, 5)


PROMPTS = torch.arange(4).expand(3, 4)


def test_the_optimum_is_the_one_that_no_other_policy_beats(world):
    reference, reward = world
    before, beta = reference.table.detach(), 0.5
    best = cl.optimum(before, reward, beta)

    def worth(log_pi):
        pi = log_pi.exp()
        return (pi * reward).sum(-1) - beta * (pi * (log_pi - before.log_softmax(-1))).sum(-1)

    assert torch.allclose(best.exp().sum(-1), torch.ones(3, 4))
    for lane in range(20):
        other = best + 0.3 * cl.LaneRandom([lane, lane + 20, lane + 40], "other").normal(4, 5)
        assert (worth(other.log_softmax(-1)) < worth(best)).all()
    by_hand = before.softmax(-1) * (reward / beta).exp()
    assert torch.allclose(best.exp(), by_hand / by_hand.sum(-1, keepdim=True), atol=1e-6)


def test_dpo_on_every_possible_choice_ends_at_the_optimum(world):
    """All pairs of answers, weighted by how often people choose so: the minimum is eq. 4."""
    reference, reward = world
    before, beta = reference.table.detach(), 0.5
    pairs = torch.cartesian_prod(torch.arange(5), torch.arange(5))
    chosen, rejected = (part.repeat(12)[:, None] for part in pairs.T)  # one "lane" a choice
    share = (reward[..., pairs[:, 0]] - reward[..., pairs[:, 1]]).sigmoid().flatten()
    policy = reference.copy()
    optimiser = torch.optim.Adam(policy.parameters(), lr=0.05)
    for _ in range(600):
        logits, old = (table.reshape(12, 1, 5).repeat_interleave(25, 0)
                       for table in (policy.table, before))
        loss = cl.dpo_loss(logits, old, chosen=chosen, rejected=rejected, beta=beta)
        optimiser.zero_grad()
        (share * loss).sum().backward()
        optimiser.step()
    assert (cl.kl(policy.table, cl.optimum(before, reward, beta)) < 1e-5).all()


@settings(deadline=None, max_examples=25)
@given(LOGITS, st.floats(0.05, 5))
def test_dpo_is_its_formula_and_a_log_of_two_at_the_start(tables, beta):
    tuned, before = tables[0], tables[1]
    won, lost = torch.tensor([[0, 1, 2, 3]] * 3), torch.tensor([[4, 4, 0, 1]] * 3)
    for lane in range(3):
        terms = []
        for n in range(4):
            p, q = tuned[lane, n].softmax(0), before[lane, n].softmax(0)
            w, y = won[lane, n], lost[lane, n]
            margin = beta * (math.log(p[w] / q[w]) - math.log(p[y] / q[y]))
            terms.append(math.log1p(math.exp(-margin)))
        got = cl.dpo_loss(tuned, before, chosen=won, rejected=lost, beta=beta)[lane]
        assert got.item() == pytest.approx(sum(terms) / 4, rel=1e-4, abs=1e-5)
    start = cl.dpo_loss(before, before, chosen=won, rejected=lost, beta=beta)
    assert torch.allclose(start, torch.full((3,), math.log(2)))


@pytest.mark.parametrize("beta", [0.0, 0.7])
def test_the_policy_gradient_is_the_gradient_of_reward_minus_drift(world, beta):
    """Over all pairs of answers, weighted by their probability: no sampling noise is left."""
    reference, reward = world
    logits = (reference.table.detach()[:, :1] + 0.5).requires_grad_()  # one prompt
    with torch.no_grad():
        logits += torch.tensor([0.0, 0.4, -0.3, 0.2, 0.1])
    before = reference.table.detach()[:, :1]
    pi = logits.softmax(-1)
    drift = (pi * (logits.log_softmax(-1) - before.log_softmax(-1))).sum(-1)
    exact = torch.autograd.grad(((pi * reward[:, :1]).sum(-1) - beta * drift).sum(), logits)[0]
    total = torch.zeros_like(logits)
    for a in range(5):
        for b in range(5):
            answers = torch.tensor([[a, b]] * 3)
            loss = cl.policy_gradient_loss(
                logits.expand(3, 2, 5), answers, reward[:, 0].gather(1, answers),
                reference=before.expand(3, 2, 5), beta=beta)
            weight = (pi[:, 0, a] * pi[:, 0, b]).detach()
            total -= torch.autograd.grad((weight * loss).sum(), logits)[0]
    assert torch.allclose(total, exact, atol=1e-5)


@settings(deadline=None, max_examples=25)
@given(LOGITS)
def test_kl_is_torchs_and_knows_its_direction(tables):
    first, second = tables
    wanted = F.kl_div(second.log_softmax(-1), first.log_softmax(-1), log_target=True,
                      reduction="none").sum(-1).mean(1)
    assert torch.allclose(cl.kl(first, second), wanted, atol=1e-5)
    assert (cl.kl(first, second) > 0).all() and torch.allclose(cl.kl(first, first),
                                                               torch.zeros(3), atol=1e-6)
    assert not torch.allclose(cl.kl(first, second), cl.kl(second, first))


def test_answers_are_drawn_as_often_as_the_policy_says():
    logits = cl.LaneRandom(2, "draws").normal(1, 4)
    drawn = cl.draw(logits.expand(2, 20000, 4), cl.LaneRandom(2, "answers"))
    shares = F.one_hot(drawn, 4).float().mean(1)
    assert torch.allclose(shares, logits.softmax(-1)[:, 0], atol=0.015)
    never = torch.tensor([[[-1e9, 0.0, -1e9]]]).expand(1, 500, 3)
    assert (cl.draw(never, cl.LaneRandom(1, "answers")) == 1).all()


def test_people_choose_as_bradley_and_terry_say():
    reward = torch.tensor([0.0, 1.5])
    policy = Tabular(torch.zeros(2, 1, 2))
    n = 20000
    seen = cl.ask_people(policy, torch.zeros(2, n, dtype=torch.long), reward.expand(2, n, 2),
                         cl.LaneRandom(2, "people"))
    differ = seen.chosen != seen.rejected
    won = ((seen.chosen == 1) & differ).sum(1) / differ.sum(1)
    assert torch.allclose(won, torch.tensor(1.5).sigmoid().expand(2), atol=0.02)
    scores = torch.tensor([[2.0, 0.5]]), torch.tensor([[0.5, 0.5]])
    wanted = (math.log1p(math.exp(-1.5)) + math.log(2)) / 2
    assert cl.bradley_terry_loss(*scores).item() == pytest.approx(wanted)


def test_win_rate_counts_every_pair(world):
    reference, reward = world
    even = cl.win_rate(reference.table, reference.table, reward)
    assert torch.allclose(even, torch.full((3,), 0.5), atol=1e-6)
    sure = torch.full((1, 1, 2), -1e9)
    first, second = sure.clone(), sure.clone()
    first[..., 0], second[..., 1] = 0, 0
    got = cl.win_rate(first, second, torch.tensor([[[2.0, 0.5]]]))
    assert got.item() == pytest.approx(1 / (1 + math.exp(-1.5)))


def test_each_lane_stops_where_it_first_is_good_enough():
    start = Tabular(torch.tensor([0.0, -2.0])[:, None, None] * torch.tensor([1.0, 0.0]))

    def loss(policy):
        return -policy.table.log_softmax(-1)[:, 0, 0]

    def likely(policy):
        return policy.table.detach().softmax(-1)[:, 0, 0]

    seen = []

    def enough(policy):
        seen.append(likely(policy))
        return seen[-1] > 0.8

    tuned = cl.tune_until(start, loss, steps=200, lr=0.1, enough=enough, every=2)
    chances = torch.stack(seen, dim=1)  # (seeds, moments)
    first = (chances > 0.8).int().argmax(dim=1)
    assert tuned.reached.all() and torch.equal(tuned.steps, 2 * (first + 1))
    assert torch.equal(likely(tuned.policy), chances.gather(1, first[:, None])[:, 0])
    assert tuned.steps[0] < tuned.steps[1] and torch.equal(likely(start), likely(start.copy()))
    short = cl.tune_until(start, loss, steps=4, lr=0.1, enough=enough, every=2)
    plain = cl.tune(start, loss, steps=4, lr=0.1)
    assert not short.reached.any() and torch.equal(likely(short.policy), likely(plain))


def test_lanes_are_independent():
    together, alone = cl.OddOrEven(4), cl.OddOrEven([2])
    networks = [world.base(steps=20) for world in (together, alone)]
    for many, one in zip(networks[0].parameters(), networks[1].parameters(), strict=True):
        assert torch.equal(many[2:3], one)


def test_any_answer_of_the_right_kind_counts():
    y = torch.tensor([[4, 7]])
    right = cl.OddOrEven.right_kind(y)[0].nonzero()[:, 1].reshape(2, 5).tolist()
    assert right == [[0, 2, 4, 6, 8], [1, 3, 5, 7, 9]]
    world = cl.OddOrEven(2)

    def evens(x):
        return torch.where(torch.arange(10) % 2 == 0, 0.0, -1e9).expand(*x.shape[:2], 10)

    assert torch.allclose(world.new_skill(evens), torch.full((2,), 0.5))
    assert torch.allclose(world.old_skill(evens), torch.full((2,), 0.1))  # it names all of them 0


def nearest(experience):
    """A policy that answers as the most similar training picture is labelled."""
    def policy(x):
        place = torch.cdist(x, experience.x).argmin(dim=-1)
        return 50.0 * F.one_hot(experience.y.gather(1, place), 10)

    return policy


@pytest.mark.parametrize("part, other, labels", [
    ("validation", "test", "y_val"), ("test", "validation", "y_test"),
])
@pytest.mark.parametrize("name", ["new", "old"])
def test_a_skill_is_measured_on_the_part_that_is_asked_for(name, part, other, labels):
    world = cl.OddOrEven(2)
    experience, skill = getattr(world, name), getattr(world, f"{name}_skill")
    policy = nearest(experience)
    before = skill(policy, other)
    assert (before > 0.8).all() and (skill(policy, part) > 0.8).all()
    setattr(world, name, replace(experience, **{labels: 9 - getattr(experience, labels)}))
    assert (skill(policy, part) < 0.5).all() and torch.equal(skill(policy, other), before)
    assert torch.equal(skill(policy), skill(policy, "test"))


def test_drift_is_forward_then_reverse_on_the_new_pictures():
    world = cl.OddOrEven(2)

    def base(x):
        return x[..., 20:30]

    def policy(x):
        return 4 * x[..., 30:40]

    first, second = base(world.new.x_test), policy(world.new.x_test)
    forward, reverse = world.drift(policy, base)
    assert torch.allclose(forward, cl.kl(first, second))
    assert torch.allclose(reverse, cl.kl(second, first))
    assert ((forward - reverse).abs() > 0.05).all()  # so that the order shows


@pytest.mark.parametrize("wrong, words", [
    (lambda: cl.optimum(torch.zeros(1, 1, 2), torch.zeros(1, 1, 2), 0), "beta"),
    (lambda: cl.kl(torch.zeros(1, 2, 3), torch.zeros(1, 2, 4)), "same prompts"),
    (lambda: cl.policy_gradient_loss(torch.zeros(1, 1, 2), torch.zeros(1, 1, dtype=torch.long),
                                     torch.zeros(1, 1)), "at least 2"),
    (lambda: cl.tune(Tabular(torch.zeros(1, 1, 2)), lambda p: p.table.sum((1, 2)) / 0,
                     steps=1, lr=1), "diverged"),
])
def test_bad_input_gets_one_sentence(wrong, words):
    with pytest.raises(cl.CourseError, match=words):
        wrong()


def test_the_stored_study_says_what_the_lesson_says():
    """A teacher's one digit a kind costs most; own answers are no better than varied right ones."""
    study = load("01_drift")
    at = study["worlds"]["scrambled"]["0.8"]
    old = {way: torch.tensor(at[way]["by lr"][f"{at[way]['lr']}"]["old"]) for way in at}
    assert cl.paired(old["own"], old["taught"]).low > 0.05
    for control in ("nearest", "uniform"):
        assert cl.paired(old[control], old["own"]).low > -0.05
    assert cl.paired(old["least"], old["taught"]).low > 0.05
    drift = {way: sum(at[way]["by lr"][f"{at[way]['lr']}"]["forward"]) for way in at}
    assert sorted(drift, key=drift.get) == ["nearest", "uniform", "own", "least", "taught"]
    at = study["worlds"]["scrambled"]["0.8, most probable"]
    old = {way: torch.tensor(at[way]["by lr"][f"{at[way]['lr']}"]["old"]) for way in at}
    assert cl.paired(old["own"], old["taught"]).low > 0.05


@pytest.fixture(scope="module")
def study():
    """The module studies/01_drift.py."""
    path = Path(__file__).parents[1] / "studies" / "01_drift.py"
    spec = importlib.util.spec_from_file_location("study_01_drift", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_rate_is_the_one_that_keeps_most_where_every_lane_gets_there(study, monkeypatch):
    monkeypatch.setitem(study.SETTINGS, "lr", [0.03, 0.1, 0.3])

    def run(new, old, tested):
        """Two lanes, three moments; the test pictures would choose another rate."""
        zeros = torch.zeros(2, 3)
        return {"new, validation": torch.tensor(new), "old, validation": torch.tensor(old),
                "old": torch.full((2, 3), tested), "new": zeros, "forward": zeros, "reverse": zeros}

    there = [[0.5, 0.75, 0.9], [0.5, 0.6, 0.75]]  # at moments 1 and 2; exactly at 0.75 counts
    runs = {
        ("own", 0.03): run([[0.5, 0.75, 0.9], [0.5, 0.6, 0.7]], [[1.0] * 3] * 2, 0.7),  # one short
        ("own", 0.1): run(there, [[0.9, 0.9, 0.1], [0.9, 0.9, 0.7]], 0.6),  # (0.9 + 0.7) / 2
        ("own", 0.3): run(there, [[1.0, 0.6, 0.6], [1.0, 1.0, 0.8]], 0.9),  # (0.6 + 0.8) / 2
    }
    assert study.chosen_lr(runs, "own", 0.75, "new, validation") == 0.1
    assert study.chosen_lr(runs, "own", 0.95, "new, validation") is None
    assert study.at_target(runs["own", 0.1], 0.75)["step"] == [5, 10]


@pytest.mark.parametrize("way, skills, rest", [
    ("nearest", 0.02, 0.05),
    ("own", 0.1, 1.0),  # a last decimal changes which answer is drawn, and with it what follows
])
def test_the_stored_study_can_be_made_again(study, way, skills, rest):
    """Two lanes, live: skills within an absolute tolerance, KL and steps within a relative one."""
    stored = load("01_drift")["worlds"]["scrambled"]
    world = study.world_of("scrambled", [0, 1])
    base = world.base(shown=study.SETTINGS["worlds"]["scrambled"])
    assert world.new_skill(base).tolist() == pytest.approx(stored["base"]["new"][:2], abs=0.02)
    assert world.old_skill(base).tolist() == pytest.approx(stored["base"]["old"][:2], abs=0.02)
    lr = stored["0.8"][way]["lr"]
    again = study.at_target(study.curves(way, world, base, lr), 0.8)
    for measure, column in stored["0.8"][way]["by lr"][f"{lr}"].items():
        near = {"abs": skills} if measure.startswith(("new", "old")) else {"rel": rest}
        assert again[measure] == pytest.approx(column[:2], **near), measure
