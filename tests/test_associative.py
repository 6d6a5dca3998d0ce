"""Outer products, lookups and settling networks, against sums by hand and closed forms."""

import importlib

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from lessons import ROOT

import clcourse as cl


def random(*shape: int, seeds: int = 3) -> torch.Tensor:
    return cl.LaneRandom(seeds, "test").normal(*shape)


def test_two_pairs_by_hand():
    keys = torch.tensor([[[1.0, 0.0, 0.0], [0.6, 0.8, 0.0]]])
    values = torch.tensor([[[2.0], [5.0]]])
    W = cl.bind(keys, values)
    assert torch.allclose(W[0, :, 0], torch.tensor([2 + 3.0, 4.0, 0.0]))
    # the first key gets 2 and .6 of the 5, the second 5 and .6 of the 2
    assert torch.allclose(cl.unbind(keys, W)[0, :, 0], torch.tensor([5.0, 6.2]))


@pytest.mark.parametrize("pairs", [1, 4, 12])
def test_orthonormal_keys_are_read_exactly(pairs):
    keys = torch.linalg.qr(random(12, pairs))[0].transpose(1, 2)
    values = random(pairs, 5)
    assert torch.allclose(cl.unbind(keys, cl.bind(keys, values)), values, atol=1e-5)


def test_the_cross_talk_is_the_other_values_by_the_similarity_of_their_keys():
    keys, values = F.normalize(random(6, 9), dim=-1), random(6, 4)
    expected = torch.stack(
        [
            torch.stack([sum((q @ k) * v for k, v in zip(K, V, strict=True)) for q in K])
            for K, V in zip(keys, values, strict=True)
        ]
    )
    assert torch.allclose(cl.unbind(keys, cl.bind(keys, values)), expected, atol=1e-5)


def test_more_pairs_are_added_to_the_same_matrix():
    keys, values = random(7, 5), random(7, 2)
    together = cl.bind(keys, values)
    assert torch.allclose(
        together, cl.bind(keys[:, :3], values[:, :3]) + cl.bind(keys[:, 3:], values[:, 3:])
    )
    assert together.shape == (3, 5, 2)


def test_a_lookup_is_attention():
    q, k, v = random(4, 16), random(9, 16).flip(1), random(9, 3)
    expected = F.scaled_dot_product_attention(q, k, v)
    assert torch.allclose(cl.look_up(q, k, v, 16**-0.5), expected, atol=1e-6)


def test_a_sharp_lookup_is_the_nearest_key_and_a_blunt_one_the_mean():
    k, v = F.normalize(random(9, 16), dim=-1), random(9, 3)
    q = F.normalize(k + 0.1 * random(9, 16).flip(1), dim=-1)
    nearest = (q @ k.transpose(1, 2)).argmax(dim=-1)
    expected = v.gather(1, nearest[..., None].expand(-1, -1, 3))
    assert torch.allclose(cl.look_up(q, k, v, 1e4), expected, atol=1e-4)
    mean = v.mean(dim=1, keepdim=True).expand_as(v)
    assert torch.allclose(cl.look_up(q, k, v, 1e-7), mean, atol=1e-5)


def test_a_hopfield_network_of_three_units_by_hand():
    net = cl.HopfieldNetwork(torch.tensor([[[1.0, 1.0, -1.0], [1.0, -1.0, -1.0]]]))
    assert net.W[0].tolist() == [[0, 0, -2], [0, 0, 0], [-2, 0, 0]]
    # the first and the third unit keep each other opposite; the second hears nobody and stays
    for second in (1, -1):
        cue = torch.tensor([[[1.0, second, -1.0]]])
        assert torch.equal(net.recall(cue), cue) and torch.equal(net.sweep(cue), cue)
    energies = net.energy(torch.tensor([[[1.0, 1.0, -1.0], [1.0, 1.0, 1.0]]]))
    assert energies.flatten().tolist() == pytest.approx([-2 / 3, 2 / 3])
    # all at once from 1, 1, 1: both flip, and flip again, for ever
    start = torch.ones(1, 1, 3)
    assert net.recall(start, 1).flatten().tolist() == [-1, 1, -1]
    assert net.recall(start, 2).flatten().tolist() == [1, 1, 1]
    # one after the other: the first flips, and then the third has no reason to
    assert net.sweep(start).flatten().tolist() == [-1, 1, 1]


def test_one_pattern_is_a_resting_place_and_so_is_its_mirror_image():
    x = cl.draw_patterns(1, 41, seeds=3)
    net = cl.HopfieldNetwork(x)
    cues = cl.damaged(x, 0.4, 3)
    assert torch.equal(net.recall(cues), x) and torch.equal(net.recall(-cues), -x)
    assert torch.equal(cues @ net.W, (cues * x).sum(-1, keepdim=True) * x - cues)


@given(st.integers(1, 12), st.integers(2, 30), st.integers(0, 10**6))
def test_unit_after_unit_the_energy_never_rises_and_comes_to_rest(patterns, units, lane):
    net = cl.HopfieldNetwork(cl.draw_patterns(patterns, units, seeds=[lane]))
    s = cl.draw_patterns(5, units, seeds=[lane + 1])
    for _ in range(100):
        before, s = s, net.sweep(s)
        assert (net.energy(s) <= net.energy(before) + 1e-4).all()
        if torch.equal(before, s):
            break
    assert torch.equal(before, s) and torch.equal(net.recall(s), s)


@given(st.integers(1, 12), st.integers(2, 30), st.integers(0, 10**6))
def test_all_at_once_it_ends_in_one_state_or_between_two(patterns, units, lane):
    net = cl.HopfieldNetwork(cl.draw_patterns(patterns, units, seeds=[lane]))
    s = cl.draw_patterns(5, units, seeds=[lane + 1])
    assert torch.equal(net.recall(s, 200), net.recall(s, 202))


def test_a_sparse_network_by_hand():
    """Two disjoint patterns of 1 in 4 units, a = 1/4: (x - a) is ¾ where active, -¼ elsewhere."""
    x = torch.tensor([[[1.0, 0, 0, 0], [0, 1.0, 0, 0]]])
    net = cl.SparseHopfield(x)
    assert torch.allclose(net.W[0, 0], torch.tensor([0.0, -6 / 16, -2 / 16, -2 / 16]))
    assert torch.allclose(net.W[0, 2], torch.tensor([-2 / 16, -2 / 16, 0.0, 2 / 16]))


def test_one_step_of_a_sparse_network_is_k_winners_of_its_covariance():
    x = cl.draw_patterns(30, 50, active=6, seeds=3)
    cues = cl.damaged(x, 0.34, 3)
    centred = x - 0.12
    W = torch.einsum("lpi,lpj->lij", centred, centred) * (1 - torch.eye(50))
    net = cl.SparseHopfield(x)
    assert torch.allclose(net.W, W, atol=1e-5)
    state = cues
    for steps in (1, 2, 3):
        drive = state @ W
        state = net.recall(cues, steps)
        best = drive.topk(6).values.sum(dim=-1)  # equal drives may win in either order
        assert torch.allclose((drive * state).sum(dim=-1), best, atol=1e-4)


def test_a_sparse_network_completes_what_it_has_stored():
    x = cl.draw_patterns(10, 200, active=10, seeds=3)
    cues = cl.damaged(x, 0.3, 3)
    assert torch.equal(cl.SparseHopfield(x).recall(cues), x) and not torch.equal(cues, x)


def test_damage_changes_exactly_the_share():
    signs, sparse = cl.draw_patterns(4, 100, seeds=3), cl.draw_patterns(4, 100, active=20, seeds=3)
    assert set(signs.unique().tolist()) == {-1, 1} and (sparse.sum(-1) == 20).all()
    for share in (0.0, 0.05, 0.5, 1.0):
        flipped, swapped = cl.damaged(signs, share, 3), cl.damaged(sparse, share, 3)
        assert ((flipped != signs).sum(-1) == round(100 * share)).all()
        assert ((swapped * sparse).sum(-1) == 20 - round(20 * share)).all()
        assert (swapped.sum(-1) == 20).all() and set(swapped.unique().tolist()) <= {0, 1}


def test_capacity_is_the_last_load_before_recall_fails():
    x = cl.draw_patterns(40, 60, seeds=5)
    cues = cl.damaged(x, 0.05, 5)
    found = cl.capacity(cl.HopfieldNetwork, x, cues, 0.95)

    def quality(lane: int, load: int) -> float:
        one, cue = x[lane : lane + 1, :load], cues[lane : lane + 1, :load]
        return (cl.HopfieldNetwork(one).recall(cue) * one).mean().item()

    for lane, load in enumerate(found.tolist()):
        assert quality(lane, load) > 0.95 >= quality(lane, load + 1)


def test_only_as_many_patterns_as_the_load_says_are_stored():
    for network, active in ((cl.HopfieldNetwork, None), (cl.SparseHopfield, 5)):
        x = cl.draw_patterns(9, 30, active=active, seeds=3)
        some = network(x, torch.tensor([2, 9, 0])).W
        assert torch.allclose(some[0], network(x[:1, :2]).W[0])
        assert torch.allclose(some[1], network(x).W[1]) and not some[2].any()


@pytest.mark.parametrize("active", [None, 8])
def test_a_lane_is_the_same_alone_and_in_company(active):
    network = cl.HopfieldNetwork if active is None else cl.SparseHopfield
    found = []
    for seeds in ([7], list(range(9))):
        x = cl.draw_patterns(60, 80, active=active, seeds=seeds)
        cues = cl.damaged(x, 0.1, seeds)
        recalled = network(x[:, :10]).recall(cues[:, :10])
        found.append((x[-2:][0], recalled[-2:][0], cl.capacity(network, x, cues, 0.9)[-2:][0]))
    assert all(map(torch.equal, *found))


signs, sparse = cl.draw_patterns(3, 8, seeds=2), cl.draw_patterns(3, 8, active=2, seeds=2)
x = torch.ones(2, 3, 4)


@pytest.mark.parametrize(
    ("do", "words"),
    [
        (lambda: cl.bind(x[0], x), "keys has shape .* lanes, rows, columns"),
        (lambda: cl.bind(x, x[:, :2]), "differ in pairs"),
        (lambda: cl.bind(x[:1], x), "differ in lanes"),
        (lambda: cl.bind(x / 0, x), "keys holds NaN or infinity"),
        (lambda: cl.bind(x[:, :0], x[:, :0]), "at least 1"),
        (lambda: cl.unbind(x, torch.ones(2, 3, 4)), "4 features and W 3 rows"),
        (lambda: cl.look_up(x, x, x, 0), "above 0"),
        (lambda: cl.look_up(x, x, x, float("nan")), "above 0"),
        (lambda: cl.look_up(x[..., :2], x, x, 1), "differ in features"),
        (lambda: cl.HopfieldNetwork(sparse), "-1 or 1 everywhere"),
        (lambda: cl.HopfieldNetwork(signs * float("nan")), "-1 or 1 everywhere"),
        (lambda: cl.HopfieldNetwork(signs[:, :0]), "at least one of each"),
        (lambda: cl.HopfieldNetwork(signs).recall(signs[..., :5]), "as the stored patterns"),
        (lambda: cl.HopfieldNetwork(signs).sweep(sparse), "-1 or 1 everywhere"),
        (lambda: cl.SparseHopfield(signs), "0 or 1 everywhere"),
        (lambda: cl.SparseHopfield((signs + 1) / 2), "the same number in all"),
        (lambda: cl.SparseHopfield(torch.zeros(2, 3, 4)), "neither none nor every"),
        (lambda: cl.SparseHopfield(sparse).recall(sparse[:1]), "as the stored patterns"),
        (lambda: cl.damaged(signs, 1.5, 2), "from 0 to 1"),
        (lambda: cl.damaged(signs, 0.1, 3), "expected the same number"),
        (lambda: cl.draw_patterns(0, 5), "at least 1 of each"),
        (lambda: cl.draw_patterns(2, 5, active=6), "at most all"),
        (lambda: cl.capacity(cl.HopfieldNetwork, signs[:, :1], signs[:, :1], 0.9), "twice as many"),
    ],
)
def test_bad_input_gets_one_sentence(do, words):
    with pytest.raises(cl.CourseError, match=words):
        do()


def test_the_stored_capacities_come_out_again(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "studies"))
    study, stored = importlib.import_module("04_capacity"), cl.results.load("04_capacity")
    usual = study.SETTINGS["dense"]
    assert stored["settings"] == study.SETTINGS
    assert stored["dense"]["250"] == study.dense(
        250, study.SETTINGS["seeds"], usual["flipped"], usual["overlap above"]
    )
