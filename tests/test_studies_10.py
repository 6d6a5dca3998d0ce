"""Studies of lesson 10: fading weights, recall. Rivals are what they say; numbers come back."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import clcourse as cl
from clcourse.results import load

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def study():
    """studies/10_fading.py."""
    sys.path.insert(0, str(ROOT / "studies"))
    yield importlib.import_module("10_fading")
    sys.path.remove(str(ROOT / "studies"))


@pytest.fixture(scope="module")
def stored():
    return load("10_fading")


@pytest.fixture(scope="module")
def world(study):
    """Lane 3 of the first world."""
    return study.World("30 steps", [3])


def row(setting, online, rested):
    return {"setting": setting, "online": online, "rested": rested}


def test_settings_are_stored_with_the_results(study, stored):
    assert stored["settings"] == study.SETTINGS
    assert set(stored["lanes"]) == set(stored["other lanes"]) == set(study.SETTINGS["worlds"])
    lanes = {len(numbers["online"]) for rivals in stored["lanes"].values()
             for name, rules in rivals.items() if name != "base" for numbers in rules.values()}
    assert lanes == {20}


def test_the_two_rules_choose_as_they_say(study):
    rows = [row("a", 0.60, 0.97), row("b", 0.80, 0.90), row("c", 0.79, 0.95),
            row("d", 0.85, 0.60), {"setting": "diverged"}]  # fmt: skip
    assert study.chosen(rows, free=0.81) == {"best sum": "c", "equal adaptation": "c"}
    assert study.chosen(rows, free=0.82) == {"best sum": "c", "equal adaptation": "b"}
    assert study.chosen(rows, free=0.86) == {"best sum": "c", "equal adaptation": "d"}


def test_who_cannot_adapt_enough_is_given_its_highest(study):
    rows = [row("a", 0.60, 0.97), row("b", 0.70, 0.50), row("c", 0.65, 0.90)]
    assert study.chosen(rows, free=0.81) == {"best sum": "a", "equal adaptation": "b"}


def test_the_stored_choices_follow_from_the_stored_search(stored):
    for name, rivals in stored["search"].items():
        free = max(one["online"] for one in rivals["one network"] if "online" in one)
        for rival, rows in rivals.items():
            table = np.array([(one.get("online", -9), one.get("rested", -9)) for one in rows])
            sums = table.sum(axis=1)
            near = np.where(table[:, 0] >= free - 0.02, table[:, 1], -9)
            near = near if near.max() > 0 else table[:, 0]
            chosen = stored["chosen"][name][rival]
            for rule, worth in (("best sum", sums), ("equal adaptation", near)):
                place = [one["setting"] for one in rows].index(chosen[rule])
                assert worth[place] == pytest.approx(worth.max(), abs=1e-9), (name, rival, rule)


@pytest.mark.parametrize("rival", [
    "two weights", "beside", "one network, put back at rest", "replay of 50 at rest"])  # fmt: skip
def test_a_lane_alone_gives_what_is_stored(study, stored, world, rival):
    setting = stored["chosen"]["30 steps"][rival]["best sum"]
    alone = study.lived(world, rival, setting, "test")
    kept = stored["lanes"]["30 steps"][rival]["best sum"]
    for measure in ("online", "late", "awake", "rested"):
        assert alone[measure][0] == pytest.approx(kept[measure][3], abs=0.02), measure


def test_a_copy_put_back_adapts_like_one_network_and_comes_home(study, stored, world):
    free = study.lived(world, "one network", {"lr": 0.3}, "test")
    back = study.lived(world, "one network, put back at rest", {"lr": 0.3}, "test")
    assert back["online"][0] == pytest.approx(free["online"][0], abs=0.005)
    base = world.base_accuracy(cl.GradientLearner(world.network), "test")
    assert back["rested"][0] == pytest.approx(float(base), abs=1e-4)
    for part in ("lanes", "other lanes"):
        rivals = stored[part]["30 steps"]
        assert rivals["one network, put back at rest"]["best sum"]["rested"] == rivals["base"]


def test_put_back_comes_home_when_it_is_due_and_when_told(study, world):
    x, y = world.contexts[0][0]
    for often, told, steps in ((3, False, 3), (0, True, 1)):
        learner = study.PutBack(world.network, 0.3, often, told)
        for step in range(1, steps + 1):
            learner.observe(x, y)
            moved = any(bool(f.any()) for f in learner.fast.parameters())
            assert moved == (step != often)
        learner.consolidate(None)
        assert not any(bool(f.any()) for f in learner.fast.parameters())


def test_the_average_follows_by_hand(study, world):
    learner = study.Averaged(world.network.copy(), 0.3, average=0.9)
    mean = [θ.detach().clone() for θ in learner.network.parameters()]
    for x, y in world.contexts[0][:5]:
        learner.observe(x, y)
        mean = [0.9 * m + 0.1 * θ.detach() for m, θ in
                zip(mean, learner.network.parameters(), strict=True)]  # fmt: skip
    learner.rest(1)
    for m, θ in zip(mean, learner.network.parameters(), strict=True):
        torch.testing.assert_close(m, θ.detach())


def test_replay_holds_base_examples_only(study, world):
    learner = study.rehearsing(world.network, world.base, 0.3, kept=50, old=4)
    x, y = world.contexts[0][0]
    old = {tuple(image.tolist()) for image in world.base.x[0, :50]}
    for _ in range(3):
        learner.observe(x, y)
        both, _, _ = learner._with_replayed(x, y, None)
        assert both.shape[1] == x.shape[1] + 4
        assert all(tuple(image.tolist()) in old for image in both[0, x.shape[1] :])


def test_at_rest_it_goes_through_old_images_and_no_others(study, world):
    made = study.RIVALS["replay of 50 at rest"][1]
    learner = made(world.network, world.base, lr=0.3, rest_lr=0.1, rest_steps=3)
    old = world.base.x[0, :50]
    assert torch.equal(learner.box.x[0], old) and learner.network is not world.network
    for x, y in world.contexts[0][:4]:
        learner.observe(x, y)
    assert torch.equal(learner.box.x[0], old), "what comes later is not kept"
    expected, box = learner.network.copy(), cl.Reservoir(50, world.network.seeds)
    cl.Reservoir.add(box, world.base.x[:, :50], world.base.y[:, :50])
    learner.rest(1000)
    for _ in range(3):  # written out
        x, y, _ = box.sample(8)
        loss = torch.nn.functional.cross_entropy(expected(x)[0], y[0])
        moved = torch.autograd.grad(loss, list(expected.parameters()))
        for θ, g in zip(expected.parameters(), moved, strict=True):
            θ.data -= 0.1 * g
    for θ, wanted in zip(learner.network.parameters(), expected.parameters(), strict=True):
        torch.testing.assert_close(θ, wanted)


def test_until_the_rest_it_is_one_network_and_who_shares_a_life_changes_nothing(study, world):
    setting = {"lr": 0.3, "rest_lr": 0.1, "rest_steps": 100}
    first = study.lived(world, "replay of 50 at rest", setting, "test")
    free = study.lived(world, "one network", {"lr": 0.3}, "test")
    more = study.lived(world, "replay of 200 at rest", setting, "test")
    for measure in ("online", "late", "awake", "by step"):
        assert first[measure] == free[measure] == more[measure]
    assert free["rested"][0] + 0.1 < first["rested"][0] < more["rested"][0]
    faster = study.lived(world, "replay of 50 at rest", setting | {"lr": 0.7}, "test")
    alone = study.lived(world, "one network", {"lr": 0.7}, "test")
    assert faster["by step"] == alone["by step"] != first["by step"]
    fresh = study.World("30 steps", [3])  # where nobody has lived before
    assert study.lived(fresh, "replay of 200 at rest", setting, "test") == more


def test_replay_at_rest_lives_wherever_there_is_a_base(study, stored):
    for name, rivals in stored["lanes"].items():
        for kept in (50, 200):
            assert (f"replay of {kept} at rest" in rivals) == (name != "30 steps, no base")


def test_who_was_watched_lives_the_same_life(stored):
    for rival, life in stored["lives"]["30 steps"].items():
        kept = stored["lanes"]["30 steps"][rival]["best sum"]
        by_step = [mean for mean, _, _ in life["by step"]]
        assert by_step == pytest.approx(kept["by step"], abs=0.005)
        assert life["base at rest"][-1][0] == pytest.approx(np.mean(kept["rested"]), abs=0.005)
        awake = np.mean([mean for mean, _, _ in life["base by context"]])
        assert awake == pytest.approx(np.mean(kept["awake"]), abs=0.005)


def test_without_fading_the_claim_fails_on_every_set_of_lanes(stored):
    for part in ("lanes", "other lanes"):
        rivals = stored[part]["30 steps"]
        for kind in ("beside", "two weights"):
            fades, never = (np.array(rivals[name]["best sum"]["rested"])
                            for name in (kind, f"{kind}, no fading"))  # fmt: skip
            assert (fades - never).min() > 0.3


# -- recall by key, of keys less their mean --


@pytest.fixture(scope="module")
def recall(study):
    """studies/10_recall.py."""
    return importlib.import_module("10_recall")


@pytest.mark.parametrize("rule", ["hebbian", "delta"])
def test_what_all_keys_share_is_gone_before_it_is_written(recall, rule):
    keys, values = recall.pairs(0.5, 3)
    plain = recall.centred(keys, values, keep=0.9, rule=rule)
    shifted = recall.centred(keys + 5 * values[:, :1], values, keep=0.9, rule=rule)
    torch.testing.assert_close(plain, shifted, rtol=0, atol=1e-3)
    assert (plain[:, :8].mean() - recall.recall_by_key(
        keys, values, keep=0.9, rule=rule)[:, :8].mean()) > 0.2  # fmt: skip


def test_centred_momentum_by_hand_from_keys_so_far(recall):
    keys, values = (one[:, :6] for one in recall.pairs(0.5, 2))
    m = torch.zeros(2, 32, 32)
    for now in range(6):
        k = keys[:, now] - keys[:, : now + 1].mean(dim=1)
        k = k / k.norm(dim=1, keepdim=True) if now else k
        m = 0.8 * m + k[:, :, None] * values[:, now, None]
    asked = keys - keys.mean(dim=1, keepdim=True)
    wanted = torch.cosine_similarity(asked @ m, values, dim=-1).flip(1)
    ours = recall.centred(keys, values, keep=0.8, rule="hebbian")
    torch.testing.assert_close(ours, wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize("rule", ["hebbian, centred", "delta, centred"])
@pytest.mark.parametrize("kind", ["independent", "alike"])
def test_the_stored_centred_recall_can_be_made_again(recall, kind, rule):
    stored, again = load("10_recall")["keys"][kind][rule], recall.cell(kind, rule)
    assert stored["chosen"] == again["chosen"]
    for who in ("lanes", "others"):
        for n, lanes in stored[who].items():
            assert again[who][n] == pytest.approx(lanes, abs=2e-3)


def test_with_keys_alike_momentum_less_the_mean_recalls_more_than_delta_momentum():
    for who in ("lanes", "others"):
        alike = load("10_recall")["keys"]["alike"]
        for n in ("8", "16", "32", "64"):
            ours, theirs = (np.array(alike[rule][who][n]) for rule in ("hebbian, centred", "delta"))
            assert (ours - theirs).min() > 0.1
