"""A memory of slots against a loop over tokens and slots; only the chosen slots move."""

import importlib
import json
import math
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lessons import ROOT

import clcourse as cl
from clcourse import results
from clcourse.facts import WORDS
from clcourse.plots import slots as plots
from clcourse.plots.labels import colliding_labels, cut_labels
from clcourse.slots import OnlySlots


def small(seeds=2, k=3, slots=9):
    return cl.slot_transformer(20, slots=slots, k=k, width=8, heads=2, seeds=seeds)


def texts(seeds=2, count=5, length=6):
    random = cl.LaneRandom(seeds, "texts")
    lanes = len(random.seeds)
    return random.integers(count * length, 20).reshape(lanes, count, length)


def all_slots(network):
    W = network.blocks[0]["down"]
    return torch.arange(W.shape[1]).expand(W.shape[0], -1)


def by_hand(x, up, down, bias, k):
    """One token: the k best keys, their softmax, the blend of their values."""
    scores = [sum(x[i].item() * up[i, s].item() for i in range(len(x))) for s in range(up.shape[1])]
    best = sorted(range(len(scores)), key=lambda s: -scores[s])[:k]
    total = sum(math.exp(scores[s]) for s in best)
    share = {s: math.exp(scores[s]) / total for s in best}
    value = [sum(share[s] * down[s, j].item() for s in best) for j in range(down.shape[1])]
    return share, torch.tensor(value) + bias


def test_the_memory_is_the_loop_over_its_slots():
    network = small()
    block = network.blocks[0]
    with torch.no_grad():
        block["down_bias"].copy_(cl.LaneRandom(2, "bias").normal(1, 8))
    x = cl.LaneRandom(2, "x").normal(4, 8)
    units, said = network._units(x, block), network._mlp(x, block)
    for lane in range(2):
        for token in range(4):
            weights = (block[name][lane] for name in ("up", "down", "down_bias"))
            up, down, bias = weights
            share, value = by_hand(x[lane, token], up, down, bias[0], k=3)
            expected = torch.tensor([share.get(slot, 0.0) for slot in range(9)])
            assert torch.allclose(units[lane, token], expected, atol=1e-6)
            assert torch.allclose(said[lane, token], value, atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(k=st.integers(1, 9))
def test_exactly_k_slots_answer_and_their_shares_sum_to_one(k):
    network = small(k=k)
    shares = network._units(cl.LaneRandom(2, "x").normal(7, 8), network.blocks[0])
    assert bool(((shares > 0).sum(dim=-1) == k).all())
    assert torch.allclose(shares.sum(dim=-1), torch.ones(2, 7))


def test_alone_as_in_company():
    company, alone = small(seeds=[3, 8, 5]), small(seeds=[8])
    x, own = texts([3, 8, 5]), texts([8])
    assert torch.allclose(company(x)[1:2], alone(own), atol=1e-6)
    rows = torch.tensor([[0, 1], [4, 2], [7, 8]])
    y = torch.ones(3, 5, dtype=torch.long)
    taught = [trained(cl.only_slots(company, rows), x, y),
              trained(cl.only_slots(alone, rows[1:2]), own, y[1:2])]  # fmt: skip
    assert torch.allclose(taught[0].values[1:2], taught[1].values, atol=1e-6)


def trained(network, x, y, steps=5):
    learner = cl.GradientLearner(network, lr=0.5)
    for _ in range(steps):
        learner.observe(x, y)
    return learner.network


def test_only_the_chosen_slots_move_and_the_rest_is_bit_equal():
    base, rows = small(), torch.tensor([[1, 4], [7, 0]])
    before = {name: θ.detach().clone() for name, θ in base.named_parameters()}
    network = trained(cl.only_slots(base, rows), texts(), torch.ones(2, 5, dtype=torch.long))
    for name, θ in network.written().named_parameters():
        same = (θ == before[name]).reshape(θ.shape[0], -1, θ.shape[-1]).all(dim=-1)
        if name == "blocks.0.down":
            moved = [set(torch.nonzero(~lane).flatten().tolist()) for lane in same]
            assert all(lane <= set(chosen) for lane, chosen in zip(moved, rows.tolist(),
                                                                   strict=True))  # fmt: skip
            assert any(moved)
        else:
            assert bool(same.all()), name
    for name, θ in base.named_parameters():
        assert torch.equal(θ, before[name])


def test_nothing_is_changed_before_teaching_and_written_says_the_same():
    base = small()
    network, x = cl.only_slots(base, torch.tensor([[1], [2]])), texts()
    assert torch.equal(network(x), base(x))
    assert torch.equal(network(x, everywhere=True), base(x, everywhere=True))
    trained(network, x, torch.ones(2, 5, dtype=torch.long))
    assert not torch.allclose(network(x), base(x))
    assert torch.equal(network.written()(x), network(x))


def test_the_gradient_is_that_of_these_rows():
    base, rows, x = small(), torch.tensor([[1, 4], [7, 0]]), texts()
    y = torch.ones(2, 5, dtype=torch.long)
    cl.cross_entropy(base(x), y).sum().backward()
    whole = base.blocks[0]["down"].grad
    network = cl.only_slots(base, rows)
    assert [name for name, _ in network.named_parameters()] == ["values"]
    cl.cross_entropy(network(x), y).sum().backward()
    for lane in range(2):
        assert torch.allclose(network.values.grad[lane], whole[lane, rows[lane]], atol=1e-7)


def test_slot_uses_are_those_of_the_last_token():
    network, x = small(), texts()
    used = cl.slot_uses(network, x)
    assert used.shape == (2, 5, 9) and bool((used.sum(dim=-1) == 3).all())
    caught = []
    plain = network._mlp
    network._mlp = lambda seen, block: (caught.append(seen), plain(seen, block))[1]
    network(x, everywhere=True)
    del network._mlp
    seen = caught[0].unflatten(1, (5, 6))[:, :, -1]
    assert torch.equal(used, network._units(seen, network.blocks[0]) > 0)
    assert "_units" not in vars(network)  # the watcher is gone


def test_hidden_units_of_an_mlp_are_used_when_most_active_up_or_down():
    network = cl.tiny_transformer(20, width=8, heads=2, seeds=2)
    used = cl.slot_uses(network, texts(), k=4)
    assert used.shape == (2, 5, 32) and bool((used.sum(dim=-1) == 4).all())
    assert set(cl.only_slots(network, used[:, 0].nonzero()[:, 1].reshape(2, 4)).values.shape) == {
        2, 4, 8}  # fmt: skip


def test_tf_idf_by_hand():
    """Two new texts, three old, four slots: 0 by all old, 1 by no old, 2 by one old, 3 by no new.

    counts 2, 1, 1, 0 of 4; idf log(4/4), log(4/1), log(4/2), log(4/1).
    """
    new = torch.tensor([[[1, 1, 0, 0], [1, 0, 1, 0]]]).bool()
    old = torch.tensor([[[1, 0, 0, 0], [1, 0, 1, 0], [1, 0, 0, 0]]]).bool()
    expected = torch.tensor([[0.0, math.log(4) / 4, math.log(2) / 4, 0.0]])
    assert torch.allclose(cl.tf_idf(new, old), expected)
    assert cl.top_slots(cl.tf_idf(new, old), 2).tolist() == [[1, 2]]


def test_lanes_are_ranked_apart():
    new = torch.tensor([[[1, 0]], [[0, 1]]]).bool()
    old = torch.zeros(2, 3, 2, dtype=torch.bool)
    assert cl.top_slots(cl.tf_idf(new, old), 1).tolist() == [[0], [1]]


def test_a_network_with_slots_can_be_taught_and_carries_notes():
    world = cl.World(people=4, newcomers=2, seeds=2)
    base = cl.slot_transformer(len(WORDS), slots=32, k=4, width=16, seeds=2)
    facts = world.facts("newcomers")
    taught = cl.teach(cl.only_slots(base, all_slots(base)), facts, 3e-2, until=0.9, steps=200)
    assert isinstance(taught.network, OnlySlots) and float(taught.recall.min()) >= 0.9
    noted = cl.add_lora(base, 2)
    assert {"blocks/0/up", "blocks/0/down"} <= set(noted.notes["note"])
    assert torch.equal(noted(facts.x), base(facts.x))


def test_a_copy_is_independent():
    network = cl.only_slots(small(), torch.tensor([[1], [2]]))
    other = network.copy()
    with torch.no_grad():
        other.values.add_(1.0)
    assert not torch.equal(network.values, other.values)
    assert network.accepts == ("tokens",) and network.seeds == (0, 1)


def test_reading_on_with_a_cache_is_the_same():
    network, x = small(), texts()
    logits, cache = network.read(x[..., :4])
    assert torch.allclose(network.read(x[..., 4:], cache)[0], network(x), atol=1e-5)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: small(k=0), "k=0; expected a whole number of at least 1"),
        (lambda: small(k=10), "k=10, slots=9"),
        (lambda: cl.slot_transformer(20, slots=2.5), "slots=2.5; expected a whole number"),
        (lambda: cl.slot_transformer(20, width=10, heads=4), "width=10, heads=4"),
        (lambda: cl.top_slots(torch.zeros(2, 9), 10), "t=10 of scores"),
        (lambda: cl.top_slots(torch.zeros(2, 9), 0), "t=0 of scores"),
        (lambda: cl.tf_idf(torch.zeros(2, 3, 9), torch.zeros(2, 3, 8)), "do not fit"),
        (lambda: cl.only_slots(small(), torch.tensor([[0], [9]])), "from 0 to 8"),
        (lambda: cl.only_slots(small(), torch.tensor([[0]])), "with 2 seeds"),
        (lambda: cl.only_slots(small(), torch.tensor([[1, 1], [0, 2]])), "names a slot twice"),
        (lambda: cl.slot_uses(cl.tiny_transformer(20, width=8, heads=2, seeds=2), texts(), k=99),
         "k=99; expected"),
    ],
)  # fmt: skip
def test_bad_input_is_told(call, words):
    with pytest.raises(cl.CourseError, match=words):
        call()


@pytest.mark.parametrize("talk", [False, True])
def test_the_figure_cuts_no_label_and_says_its_numbers(talk):
    for count, networks in results.load("07_slots")["facts"].items():
        with cl.plots.talk(talk):
            figure = plots.kept(count, title="a title")
            assert not cut_labels(figure) and not colliding_labels(figure)
        for network, methods in networks.items():
            for method, one in methods.items():
                words = plots.ROWS[network, method][0]
                assert f"{words} {cl.estimate(one['lanes']['old'])}" in figure.sentence


def test_shared_slots_are_counted_over_all_pairs_of_questions(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(ROOT / "studies"), *sys.path])
    code = importlib.import_module("07_slots")
    new, old = (cl.LaneRandom(2, name).normal(count, 9).topk(3).indices
                for name, count in (("new", 4), ("old", 5)))  # fmt: skip
    used = [torch.zeros(2, len(one[0]), 9).scatter(-1, one, 1).bool() for one in (new, old)]
    for lane, share in enumerate(code.shared(*used).tolist()):
        pairs = [len(set(a) & set(b)) / 3
                 for a in new[lane].tolist() for b in old[lane].tolist()]  # fmt: skip
        assert share == pytest.approx(sum(pairs) / len(pairs), abs=1e-6)


def test_the_study_chose_on_other_lanes_and_never_at_the_edge():
    found = results.load("07_slots")
    was = found["settings"]
    rates = sorted(was["rates"] + was["further_rates"])
    assert not set(was["search_seeds"]) & set(was["seeds"] + was["other_seeds"])
    for count, networks in found["facts"].items():
        for network, methods in networks.items():
            for method, one in methods.items():
                tried = sorted(map(float, one["search"][one["variant"]]))
                inside = tried[0] < one["lr"] < tried[-1] or one["lr"] in (rates[0], rates[-1])
                assert len(tried) >= 5 and inside, (count, network, method)


def test_the_study_is_what_its_code_makes(monkeypatch):
    """The settings stored are those of the script; each method chooses the slots it names."""
    monkeypatch.setattr(sys, "path", [str(ROOT / "studies"), *sys.path])
    study = importlib.import_module("07_slots")
    found = results.load("07_slots")
    assert json.loads(json.dumps(study.SETTINGS)) == found["settings"]
    base = study.newborn("fixed keys", [0])
    assert not base.blocks[0]["up"].requires_grad and base.blocks[0]["down"].requires_grad
    world = cl.World(seeds=[0])
    new, base = world.facts("newcomers", 2), base.requires_grad_(True)
    sizes = {"all": 512, "tf-idf 32": 32, "random 128": 128, "rare 256": 256}
    for method, rows in sizes.items():
        assert study.learner(base, method, world, new).values.shape == (1, rows, 64)
    asked, old = study.uses(base, world, new)
    assert asked.shape == (1, 6, 512) and old.shape == (1, 600, 512)
    chosen = study.learner(base, "rare 256", world, new).rows[0, :, 0]
    left = [slot for slot in range(512) if slot not in set(chosen.tolist())]
    assert int(old.sum(dim=1)[0, chosen].max()) <= int(old.sum(dim=1)[0, left].min())
