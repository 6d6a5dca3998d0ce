"""Lesson 05: figures say their numbers and cut no label; studies are what their code makes."""

import importlib
import sys
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from lessons import ROOT

import clcourse as cl
from clcourse import results
from clcourse.explore import lesson_05 as explorer
from clcourse.plots import equal_bytes
from clcourse.plots import lesson_05 as plots
from clcourse.plots.figure import number
from clcourse.plots.labels import colliding_labels, cut_labels

SVG = "{http://www.w3.org/2000/svg}"
STUDIES = ("scenarios", "memory", "mix", "fisher", "floors", "features", "cost")


@pytest.fixture
def study(monkeypatch):
    """A function that gives the code of a study."""
    monkeypatch.setattr(sys, "path", [str(ROOT / "studies"), *sys.path])
    return lambda name: importlib.import_module(f"05_{name}")


def figures():
    boxed = cl.Reservoir(100, 2)
    for experience in cl.split_digits(seeds=2):
        boxed.add(experience.x, experience.y)
    return {
        "memory": plots.memory(guess=0.4, guess_at=20, title="a title"),
        "scenarios": plots.scenarios(title="a title"),
        "fisher": plots.fisher(title="a title"),
        "equal_bytes": equal_bytes.equal_bytes(title="a title"),
        "features": plots.features(title="a title"),
        "life": equal_bytes.life(guess=0.3, title="a title"),
        "update": equal_bytes.update(title="a title"),
        "mix": plots.mix(),
        "box": plots.box(boxed),
    }


@pytest.mark.parametrize("talk", [False, True])
def test_no_label_is_cut_or_covered(talk):
    with cl.plots.talk(talk):
        for name, figure in figures().items():
            assert not cut_labels(figure), name
            assert not colliding_labels(figure), name


def test_the_sentences_carry_the_stored_numbers():
    shown = figures()
    for scenario in plots.SCENARIOS:
        for method in plots.METHODS:
            lanes = results.load("05_scenarios")["found"][scenario][method]["accuracy"]
            assert f"{method} {cl.estimate(lanes)}" in shown["scenarios"].sentence
    for name, one in results.load("05_features")["found"].items():
        assert f"{name} {cl.estimate(one['accuracy'])}" in shown["features"].sentence
    for kind in ("reservoir", "equal shares"):
        mean = np.mean(results.load("05_memory")[kind]["100"]["accuracy"])
        assert f"{number(mean)} with 100" in shown["memory"].sentence
    held = [int(part.split()[0]) for part in shown["box"].sentence.split(": ")[1].split(", ")]
    assert len(held) == 10 and sum(held) == 100


def test_the_explorer_shows_what_is_stored_at_every_setting():
    one, study = explorer.memory_and_mix(), plots.mix_study()
    for size in study.sizes:
        one.widgets["size"].value = size
        for old in study.counts:
            one.widgets["old"].value = old
            drawing = ElementTree.fromstring(one.view.value)
            words = [text.text for text in drawing.iter(f"{SVG}text")]
            for part in ("old", "new"):
                assert f"{number(study.estimate(size, old, part).value)} right" in words
            assert f"a batch costs {32 + old} examples" in words


@pytest.mark.parametrize("name", STUDIES)
def test_every_stored_study_has_a_number_for_each_lane(name):
    def lanes(part):
        if isinstance(part, dict):
            for one in part.values():
                yield from lanes(one)
        elif isinstance(part, list) and len(part) == 20 and isinstance(part[0], float):
            yield part

    found = list(
        lanes(
            {
                key: part
                for key, part in results.load(f"05_{name}").items()
                if key not in ("settings", "versions")
            }
        )
    )
    assert len(found) > 5
    assert all(np.isfinite(one).all() for one in found)


def test_the_settings_were_chosen_on_other_lanes(study):
    for name in ("scenarios", "memory", "fisher", "floors", "features", "cost"):
        code = study(name)
        assert not set(code.SETTINGS["seeds"]) & set(code.SETTINGS["seeds_for_choosing"])
        assert results.load(f"05_{name}")["settings"] == code.SETTINGS


def test_every_method_has_the_rates_of_the_plain_network_and_may_be_switched_off(study):
    grid = study("scenarios").SETTINGS["grid"]
    for method, values in grid.items():
        assert set(grid["naive"]["lr"]) <= set(values["lr"]), method
        assert 0 in values.get("strength", [0]), method
    features = study("features")
    grids = {name: one for name, (one, _) in features.networks().items()}
    for name, values in grids.items():
        assert values["lr"] == grids["network"]["lr"], name
        assert 0 in values.get("strength", [0]), name


def test_without_strength_a_penalty_is_the_plain_network():
    rows = results.load("05_scenarios")["sweep"]
    for scenario, methods in rows.items():
        plain_ones = {row["lr"]: row["accuracy"] for row in methods["naive"]}
        for method in ("EWC", "SI", "LwF"):
            off = {row["lr"]: row["accuracy"] for row in methods[method] if row["strength"] == 0}
            assert off == plain_ones, (scenario, method)


def test_strength_zero_changes_no_weight(study):
    code = study("scenarios")
    stream = code.world("class", [0])
    wanted = code.lived("naive", stream, "class", {"lr": 0.3}, "validation", 1).learner.network
    for method in ("EWC", "SI", "LwF"):
        setting = {"lr": 0.3, "strength": 0.0}
        got = code.lived(method, stream, "class", setting, "validation", 1).learner.network
        torch.testing.assert_close(got.weights[0], wanted.weights[0])


def test_the_best_penalty_is_the_best_of_the_sweep():
    for scenario, methods in results.load("05_scenarios")["sweep"].items():
        tops = {name: max(row["accuracy"] or 0 for row in methods[name])
                for name in ("EWC", "SI", "LwF")}  # fmt: skip
        assert tops[plots.best_penalty(scenario)] == max(tops.values())
    parity = results.load("05_features")["found"]
    tops = {name: max(row[-1] for row in parity[f"network, {name}"]["sweep"])
            for name in ("EWC", "SI", "LwF")}  # fmt: skip
    assert tops["EWC"] == max(tops.values())  # the claims of the lesson name it


def test_further_lanes_are_what_the_code_gives(study):
    code, stored = study("scenarios"), results.load("05_scenarios")
    found = code.again(stored["chosen"]["class"], [200, 201], 10)
    for method, lanes in found.items():
        same(stored["again"][method], [200, 201], lanes)


def test_a_rate_shrinks_at_each_boundary(study):
    learner = study("scenarios").learner("slowing", cl.split_digits(seeds=[0]), "class", 0.4,
                                         factor=0.5)  # fmt: skip
    after = cl.run(learner, cl.split_digits(seeds=[0]), epochs=1).learner
    assert after.optimiser.lr == pytest.approx(0.4 * 0.5**5)
    assert learner.optimiser.lr == 0.4


def test_the_chosen_setting_is_the_best_of_the_sweep(study):
    stored = results.load("05_scenarios")
    for scenario, methods in stored["sweep"].items():
        for method, rows in methods.items():
            assert stored["chosen"][scenario][method] == study("scenarios").chosen(method, rows)
            assert len(rows) == len(study("scenarios").settings_of(method))


def same(stored, seeds, lanes):
    """The first lanes of a stored list are what a run of these lanes alone gives."""
    first, lanes = torch.tensor(stored)[: len(seeds)], torch.as_tensor(lanes).float()
    torch.testing.assert_close(first, lanes, atol=0.02, rtol=0)


@pytest.mark.parametrize(
    "rule",
    [
        lambda n, size, u: int(u * (n + 1)) if u * (n + 1) < size else -1,
        lambda n, size, u: np.int64((1 - u) * (n + 1)) if (1 - u) * (n + 1) < size else -1,
        lambda n, size, u: int(u / (size / (n + 1)) * size) if u < size / (n + 1) else -1,
        lambda n, size, u: int((u * (n + 1)) % size) if u >= 1 - size / (n + 1) else -1,
    ],
)
def test_every_fair_reservoir_is_right(rule):
    reply = cl.check("05.1", lambda n, capacity, u: n if n < capacity else rule(n, capacity, u))
    assert "Right" in str(reply)


def test_the_scenarios_come_out_of_their_code(study):
    code, stored, seeds = study("scenarios"), results.load("05_scenarios"), [0, 1]
    for scenario, method in (
        ("domain", "SI"),
        ("class", "replay 20"),
        ("class", "SI"),
        ("class", "slowing"),
        ("task", "EWC"),
        ("class, masked", "naive"),
    ):
        setting = stored["chosen"][scenario][method]["setting"]
        history = code.lived(method, code.world(scenario, seeds), scenario, setting, "test", 10)
        found = stored["found"][scenario][method]
        same(found["accuracy"], seeds, code.measured(history)["accuracy"])
        assert found["bytes"] == history.cost.stored_bytes


def test_the_memories_come_out_of_their_code(study):
    code, stored, seeds = study("memory"), results.load("05_memory"), [0, 1]
    stream = cl.split_digits(seeds=seeds)
    for kind in code.KINDS:
        one = stored[kind]["50"]
        history = code.lived(kind, 50, one["lr"], stream, "test", epochs=10)
        same(one["accuracy"], seeds, code.lanes_of(history)["accuracy"])


def test_boxes_alone_and_small_networks_come_out_of_their_code(study):
    code, stored = study("memory"), results.load("05_memory")
    stream = cl.split_digits(seeds=[0, 1])
    one = stored["the box alone"]["20"]
    same(one["accuracy"], [0, 1], code.alone(20, one["passes"], one["lr"], stream, "test"))
    one = stored["small networks"]["10"]["20"]
    history = code.lived("reservoir", 20, one["lr"], stream, "test", epochs=10, hidden=10)
    same(one["accuracy"], [0, 1], code.lanes_of(history)["accuracy"])


def test_more_bytes_of_replay_are_shown_only_where_they_were_better_on_other_lanes():
    stored, shown = results.load("05_memory"), equal_bytes.replay_by_bytes()
    rest = {size: lanes for size, lanes in shown.items()}
    validation = []
    for hidden, sizes in ({"100": stored["reservoir"]} | stored["small networks"]).items():
        network = cl.GradientLearner(cl.mlp(64, int(hidden), 10, seeds=1)).network
        weights = sum(one.numel() * 4 for one in network.parameters())
        for one in sizes.values():
            if rest.get(weights + one["bytes"]) == one["accuracy"]:
                validation.append((weights + one["bytes"], max(one["by_lr"].values())))
    assert len(validation) == len(shown)
    assert [best for _, best in sorted(validation)] == sorted({best for _, best in validation})


def test_a_box_of_equal_shares_holds_equal_shares(study):
    box = study("memory").EqualShares(20).start([3])
    stream = cl.split_digits(seeds=[3])
    for seen, experience in enumerate(stream, 1):
        box.fill(experience)
        held = [int(torch.isin(box.y, one.y.unique()).sum()) for one in stream]
        assert held == [20 // seen] * seen + [0] * (5 - seen)


def test_the_mix_comes_out_of_its_code(study):
    stream = cl.split_digits(seeds=[0, 1])
    found = study("mix").measure(100, 8, stream, 10)
    for part, lanes in found.items():
        same(results.load("05_mix")["right"]["100"]["8"][part], [0, 1], lanes)


def test_batches_of_one_are_the_empirical_fisher(study):
    net = cl.mlp(5, 4, 3, seeds=2)
    x, y = torch.rand(2, 12, 5), torch.randint(3, (2, 12), generator=cl.generator(0, "labels"))
    got = study("fisher").batched_fisher(net, x, y, size=1)
    wanted = [torch.zeros_like(one) for one in net.parameters()]
    for k in range(12):
        loss = cl.cross_entropy(net(x[:, k : k + 1]), y[:, k : k + 1]).sum()
        for total, g in zip(wanted, torch.autograd.grad(loss, list(net.parameters())), strict=True):
            total += g**2 / 12
    torch.testing.assert_close(got, wanted)


def test_the_fisher_study_comes_out_of_its_code(study):
    stored = results.load("05_fisher")["found"]["batched"]
    code = study("fisher")
    got = code.lived("batched", stored["best"], code.world([0, 1]), "test", 10)
    same(stored["accuracy"], [0, 1], got)


def test_the_floors_come_out_of_their_code(study):
    code, stored, seeds = study("floors"), results.load("05_floors")["found"]["class"], [0, 1]
    stream = code.world("class", seeds)
    for name in ("LDA", "ridge 100", "nearest of 100"):
        knob, _, make = code.floors(stream)[name]
        history = code.passed(make(stored[name][knob] if knob else 0), stream, "test")
        found = code.measured(history)
        same(stored[name]["accuracy"], seeds, found["accuracy"])
        assert stored[name]["bytes"] == found["bytes"]


def test_bytes_count_weights_sums_and_pictures(study):
    count = study("floors").bytes_in_all
    assert count(cl.NearestNeighbour(64, 10, capacity=3, seeds=2)) == 0  # nothing stored yet
    means = cl.ClassMeans(64, 10, seeds=2)
    assert count(means) == 8 * (10 + 640) + 8 * (640 + 10)  # n, B; W, b
    assert count(cl.GradientLearner(cl.mlp(64, 100, 10, seeds=2))) == 4 * 7510


def test_hand_made_features_are_all_products_of_three(study):
    learner = study("features").Triples(5, 4, strength=1.0, seeds=[0])
    x = torch.tensor([[[1.0, -1.0, 1.0, 1.0, -1.0]]])
    assert learner.φ(x).shape == (1, 1, 10)
    assert learner.φ(x)[0, 0, 0] == pytest.approx(-1 / 10**0.5)  # inputs 0, 1, 2


def test_the_features_come_out_of_their_code(study):
    code, stored, seeds = study("features"), results.load("05_features")["found"], [0, 1]
    stream = code.world(seeds)
    for name in (
        "ridge 100",
        "ridge 100, one each",
        "ridge on products of three",
        "ridge on products of three, one each",
        "networks of 20, one each",
    ):
        _, lived = (code.networks() | code.formulas())[name]
        R = lived(*stored[name]["setting"], stream, "test").accuracy
        same(stored[name]["accuracy"], seeds, cl.average_accuracy(R).float())


def test_the_bills_are_what_was_shown(study):
    life, code = results.load("05_cost")["life"], study("cost")
    each = code.SETTINGS["examples_of_an_order"]
    assert life["naive"]["1"]["examples"] == 10 * each
    assert life["blend all"]["1"]["examples"] == 19 * each  # nothing old beside the first
    assert life["scratch"]["1"]["examples"] == life["warm start"]["1"]["examples"] == 55 * each
    lanes, bill = code.one_life("naive", 0.1, 1, code.world([0, 1], 2), "test")
    assert lanes.shape == (2,) and bill == 2 * each


def test_a_shelf_waits_until_an_experience_is_over(study):
    code, stream = study("cost"), cl.split_digits(seeds=[0])
    learner = code.new(stream, 0.1, shelf=1000)
    learner.observe(stream[0].x, stream[0].y)
    assert len(learner.replay) == 0
    learner.consolidate(stream[0])
    assert len(learner.replay) == 256
    learner.old = 8
    x, _, _ = learner._with_replayed(stream[1].x, stream[1].y, None)
    assert x.shape[1] == 256 + 8
