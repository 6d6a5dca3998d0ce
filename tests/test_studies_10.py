"""Studies of lesson 10: fading weights. Rivals are what they say; stored numbers come back."""

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


@pytest.mark.parametrize("rival", ["two weights", "beside", "one network, put back at rest"])
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
