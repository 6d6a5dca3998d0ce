"""Studies of writing in context and of HOPE: rivals are what they say, results come out again."""

import importlib
import sys
from pathlib import Path

import pytest
import torch
from torch.nn.functional import rms_norm

import clcourse as cl
from clcourse.nested.sequences import share_right

ROOT = Path(__file__).parent.parent


@pytest.fixture
def study(monkeypatch):
    """A study by its name."""
    monkeypatch.setattr(sys, "path", [str(ROOT / "studies"), *sys.path])
    return importlib.import_module


def in_short(values) -> float:
    return sum(values) / len(values)


# Writing in context


def test_rules_are_compared_on_equal_terms(study):
    stored = cl.results.load("10_in_context")
    assert stored["settings"] == study("10_in_context").SETTINGS
    for task, rules in stored["cells"].items():
        assert list(rules) == stored["settings"]["rules"]
        assert len({one["parameters"] for one in rules.values()}) == 1, task
        for rule, one in rules.items():
            search = {float(lr): right for lr, right in one["search"].items()}
            assert search[one["lr"]] == max(search.values())
            assert set(stored["settings"]["rates"]) <= set(search)
            inside = min(search) < one["lr"] < max(search)
            assert inside or rule == "none", f"{task}, {rule}: best at the edge of its grid"
            assert (
                one["lanes"]["slow weights as before"] and one["others"]["slow weights as before"]
            )


@pytest.mark.parametrize(("task", "rule"), [("roomy", "Hebbian"), ("crowded", "delta")])
def test_one_lane_writes_as_is_stored(study, task, rule):
    module, stored = study("10_in_context"), cl.results.load("10_in_context")["cells"][task][rule]
    network = module.practised(rule, task, [0], stored["lr"])
    texts = module.texts_of(module.SETTINGS["tasks"][task], [0], "test")
    again = [share_right(network, texts, texts.regime == one).item() for one in (0, 1)]
    kept = [one[0] for one in stored["lanes"]["seen, by regime"]]
    assert again == pytest.approx(kept, abs=0.05)


def test_slow_targets_are_the_only_difference(study):
    module = study("10_in_context")
    own, slow = (module.fresh(rule, "crowded", 2)
                 for rule in ("self-modifying", "self-modifying, slow targets"))  # fmt: skip
    for one, other in zip(own.parameters(), slow.parameters(), strict=True):
        assert torch.equal(one, other)
    texts = cl.relabelled(20, symbols=12, batch=2, seeds=2)
    first, second = own.logits(texts.x), slow.logits(texts.x)
    assert torch.equal(first[:, :, :2], second[:, :, :2])  # one write, from targets of the start
    assert not torch.allclose(first[:, :, -1], second[:, :, -1])


def test_where_it_is_crowded_targets_of_its_own_are_what_fails():
    cells = cl.results.load("10_in_context")["cells"]["crowded"]
    for who in ("lanes", "others", "lanes, longer", "others, longer"):
        since = {rule: in_short(one[who]["seen, by regime"][-1])
                 for rule, one in cells.items() if who in one}  # fmt: skip
        assert since["self-modifying"] < since["gated"] - 0.2
        assert since["self-modifying, slow targets"] > since["self-modifying"] + 0.2


# HOPE


@pytest.mark.parametrize("width", [3, 25])
def test_the_oldest_rival_is_the_lstm_of_torch(study, width):
    ours = study("10_hope").Lstm(5, 3, hidden=width, seeds=[3, 5])
    x = torch.randint(5, (2, 4, 7), generator=torch.Generator().manual_seed(1))
    logits = ours.logits(x)
    for lane in range(2):
        theirs = torch.nn.LSTM(16, width, batch_first=True)
        with torch.no_grad():
            theirs.weight_ih_l0.copy_(ours.W[lane].T)
            theirs.weight_hh_l0.copy_(ours.R[lane].T)
            theirs.bias_ih_l0.copy_(ours.b[lane, 0])
            theirs.bias_hh_l0.copy_(ours.c[lane, 0])
            wanted = theirs(ours.E[lane, x[lane]])[0] @ ours.U[lane]
        torch.testing.assert_close(logits[lane], wanted, atol=1e-6, rtol=1e-5)


def test_a_digit_read_twice_is_asked_once(study):
    draw = study("10_hope").drawn
    once = draw("modulo 3", 9, 4, cl.LaneRandom(2, "here"))
    twice = draw("modulo 3", 9, 4, cl.LaneRandom(2, "here"), twice=True)
    assert torch.equal(twice.x[..., ::2], once.x) and torch.equal(twice.x[..., 1::2], once.x + 3)
    assert torch.equal(twice.y[twice.asked].reshape(once.y.shape), once.y)
    assert not twice.asked[..., ::2].any() and twice.asked[..., 1::2].all()


def test_only_the_end_of_a_count_is_scored(study, monkeypatch):
    hope, seen = study("10_hope"), []
    monkeypatch.setattr(
        hope, "share_right", lambda n, t, late: seen.append((t, late)) or late[:, 0, 0]
    )
    network = hope.fresh("parity", "DGD", 1)
    hope.right(network, "parity", "DGD", 16)
    hope.right(network, "modulo 3", "DGD, read twice", 16)
    assert [int(late[0, 0].sum()) for _, late in seen] == [4, 8]
    assert all(
        late[..., -1].all() and not late[..., : late.shape[-1] // 2].any() for _, late in seen
    )


def test_models_are_of_one_size_and_searched_alike(study):
    hope, stored = study("10_hope"), cl.results.load("10_hope")
    assert stored["settings"] == hope.SETTINGS
    for task, sizes in stored["weights"].items():
        assert max(sizes.values()) < 1.15 * min(sizes.values()), task
        assert sizes["HOPE"] == hope.weights(task, "HOPE")
    for task, models in stored["cells"].items():
        for model, one in models.items():
            search = {float(lr): right for lr, right in one["search"].items()}
            assert search[one["lr"]] == max(search.values())
            assert set(stored["settings"]["rates"]) <= set(search)
            assert min(search) < one["lr"] < max(search), f"{task}, {model}: best at an edge"


def test_two_blocks_are_one_after_the_other_and_as_large_as_one(study):
    hope = study("10_hope")
    network = hope.fresh("parity", "two blocks, places and slope", 2).double()
    first, second = network.mixer, network.mixers[0]
    assert not torch.allclose(first.V, second.V) and second.slope is not None
    x = torch.randint(2, (2, 3, 9), generator=torch.Generator().manual_seed(0))
    h = network.embedded(x)
    h = h + first(rms_norm(h, (16,), eps=1e-5) * network.before)[0]
    h = network.mlps[0](h)[0]
    h = h + second(rms_norm(h, (16,), eps=1e-5) * network.norms[0])[0]
    wanted = network.said(network.mlps[1](h)[0])
    assert torch.equal(network(x), wanted)
    other = x.clone()
    other[..., 5] = 1 - x[..., 5]
    assert torch.equal(network(other)[:, :, :5], wanted[:, :, :5])  # and it is causal
    assert not torch.allclose(network(other)[:, :, 5:], wanted[:, :, 5:])
    for task in hope.SETTINGS["lengths"]:
        one, two = (hope.weights(task, name) for name in ("transformer", "two blocks, places"))
        assert one == two == hope.weights(task, "transformer, places")


def test_places_are_what_attention_lacked_for_recall_and_no_transformer_counts_on():
    cells = cl.results.load("10_hope")["cells"]
    recall = {model: one["practice x 3"] for model, one in cells["recall"].items()}
    assert in_short(recall["transformer"]["32"]) < 0.8
    assert in_short(recall["transformer, places"]["32"]) > 0.95
    assert in_short(recall["transformer, places"]["128"]) < 0.8  # ... but not for longer texts
    for model, one in cells["parity"].items():
        if model.startswith(("transformer", "two blocks")):
            for length in ("16", "64", "256"):
                assert abs(in_short(one["practice x 3"][length]) - 0.5) < 0.06, (model, length)


def test_with_more_practice_some_transformers_learn_sixteen_bits_and_none_more():
    longer = cl.results.load("10_hope")["longer"]
    parity = [one for rates in longer["parity"].values() for one in rates.values()]
    assert len(parity) == 16
    assert max(max(one["16"]) for one in parity) > 0.9
    for length, most in (("32", 0.65), ("64", 0.6), ("256", 0.55)):
        assert max(max(one[length] + one[f"{length}, others"]) for one in parity) < most
    lstm = longer["recall"]["LSTM"]
    best = max(lstm, key=lambda lr: in_short(lstm[lr]["32"]))
    assert min(map(float, lstm)) < float(best) < max(map(float, lstm))
    assert in_short(lstm[best]["128"]) > 0.7


def test_one_lane_counts_as_is_stored(study):
    hope, stored = study("10_hope"), cl.results.load("10_hope")["cells"]["parity"]["DGD"]
    network = hope.practised("parity", "DGD", [0], stored["lr"])
    again = hope.right(network, "parity", "DGD", 16)[0]
    assert again == pytest.approx(stored["practice x 1"]["16"][0], abs=0.1)


def test_at_a_larger_rate_a_reflection_counts_on():
    """Which rate is best at 16 tokens does not say which is best at 256: so all are shown."""
    found = cl.results.load("10_hope")["by rate"]
    late = {model: {float(lr): in_short(one["256"]) for lr, one in rates.items()}
            for model, rates in found.items()}  # fmt: skip
    assert late["DGD"][0.003] < 0.6 and late["DGD"][0.1] > 0.75
    assert max(late["delta"].values()) < 0.6


def test_the_rates_on_both_sides_of_the_best_are_tried(study):
    hope = study("10_hope")
    for best in (1e-3, 1e-2, 1e-1):

        def parts(name, make, best=best):
            lr = float(name.rsplit("|", 1)[-1])
            return {"right": 1 - abs(torch.tensor(lr / best).log10().item()) / 4}

        chosen, found = hope.searched("parity", "DGD", parts)
        tried = sorted(map(float, found))
        assert chosen == best and tried[0] < best < tried[-1]
