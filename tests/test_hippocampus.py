"""The hippocampus against itself written out: one episode, one tie, one winner at a time."""

import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import clcourse as cl

SMALL = {"dg": (300, 6), "ca3": (120, 8), "ca1": (120, 12)}


def small(seeds=2, **more) -> cl.Hippocampus:
    return cl.Hippocampus(60, 10, **SMALL, seeds=seeds, **more)


def patterns(count: int, seeds=2, units: int = 60, active: int = 10, name: str = "patterns"):
    """Random episodes: (subjects, count, units)."""
    draws = cl.LaneRandom(seeds, name).uniform(count * units)
    return cl.k_winners(draws.reshape(-1, count, units).float(), active)


def part_of(episodes: torch.Tensor, kept: int) -> torch.Tensor:
    """Cues that hold the first `kept` active units of each episode."""
    return episodes * (episodes.cumsum(-1) <= kept)


# -- winners --


@given(
    rows=st.lists(st.lists(st.integers(-3, 3), min_size=5, max_size=5), min_size=1, max_size=4),
    k=st.integers(1, 5),
)
def test_exactly_k_win_and_no_loser_is_larger(rows, k):
    x = torch.tensor(rows, dtype=torch.float32)
    code = cl.k_winners(x, k)
    assert set(code.unique().tolist()) <= {0.0, 1.0} and (code.sum(-1) == k).all()
    worst = x.masked_fill(code == 0, 99).amin(-1)
    best_loser = x.masked_fill(code == 1, -99).amax(-1)
    assert (worst >= best_loser).all()


@pytest.mark.parametrize("k", [0, 6])
def test_the_number_of_winners_must_make_sense(k):
    with pytest.raises(cl.CourseError, match="winners among 5 units"):
        cl.k_winners(torch.zeros(5), k)


def test_winners_of_nan_are_refused():
    with pytest.raises(cl.CourseError, match="NaN"):
        cl.k_winners(torch.tensor([1.0, float("nan")]), 1)


def test_overlap_by_hand():
    first, second = torch.tensor([1.0, 1, 0, 1]), torch.tensor([1.0, 0, 1, 1])
    assert cl.overlap(first, second).item() == pytest.approx(2 / 3)


# -- in --


def test_codes_are_the_winners_of_each_pathway():
    hippocampus, e = small(seeds=1), patterns(3, 1)
    codes = hippocampus.encode(e)
    for one in range(3):
        d = cl.k_winners(e[0, one] @ hippocampus.wired_ec_dg[0], 6)
        direct = e[0, one] @ hippocampus.wired_ec_ca3[0]
        c = cl.k_winners(d @ hippocampus.wired_dg_ca3[0] + 1e-4 * direct, 8)
        a = cl.k_winners(e[0, one] @ hippocampus.wired_ec_ca1[0], 12)
        for got, expected in zip(codes, (d, c, a), strict=True):
            assert torch.equal(got[0, one], expected)
        without = hippocampus.lesion("DG").encode(e)
        assert torch.equal(without.ca3[0, one], cl.k_winners(direct, 8))


def test_where_the_mossy_fibres_leave_ties_the_direct_path_breaks_them():
    """One active granule cell reaches fewer CA3 units than must win."""
    hippocampus = cl.Hippocampus(60, 10, dg=(300, 1), ca3=(120, 20), ca1=(120, 12))
    e = patterns(5, 1)
    codes = hippocampus.encode(e)
    reached = (codes.dg @ hippocampus.wired_dg_ca3) > 0
    direct = (e @ hippocampus.wired_ec_ca3).masked_fill(reached, -1)
    for one in range(5):
        rest = 20 - int(reached[0, one].sum())
        expected = reached[0, one] | (cl.k_winners(direct[0, one], rest) > 0)
        assert torch.equal(codes.ca3[0, one] > 0, expected)


def test_wiring_has_the_density_and_the_strengths_that_it_says():
    hippocampus = cl.Hippocampus()
    for wired, density in ((hippocampus.wired_ec_dg, 0.25), (hippocampus.wired_dg_ca3, 0.04)):
        assert (wired > 0).float().mean().item() == pytest.approx(density, abs=0.005)
        assert wired[wired > 0].mean().item() == pytest.approx(0.5, abs=0.01)


def test_similar_episodes_get_codes_that_differ_more():
    """Half of the units shared; of the codes far less, and least in the dentate gyrus."""
    hippocampus = cl.Hippocampus(seeds=5)
    first = patterns(40, 5, 240, 24)
    other = patterns(40, 5, 240, 24, name="other")
    free = cl.k_winners(other * (1 - first), 12)
    second = part_of(first, 12) + free
    mine, theirs = hippocampus.encode(first), hippocampus.encode(second)
    dg, ca3, ca1 = (cl.overlap(a, b).mean().item() for a, b in zip(mine, theirs, strict=True))
    assert cl.overlap(first, second).mean().item() == pytest.approx(0.5)
    assert dg < ca1 < 0.5 and ca3 < ca1 and dg < 0.2


# -- the ties --


def loop(hippocampus: cl.Hippocampus, episodes, keep: float):
    """Hebbian storage in plain Python: every old tie fades, then the new one is added."""
    ties = {}
    a_e, a_3, a_1 = 10 / 60, 8 / 120, 12 / 120
    for episode in episodes[0]:
        codes = hippocampus.encode(episode[None, None])
        e, c, a = episode - a_e, codes.ca3[0, 0] - a_3, codes.ca1[0, 0] - a_1
        pairs = {
            "ec_ca3": (e, c), "ca3_ca3": (c, c), "ca3_ca1": (c, a),
            "ca1_ca1": (a, a), "ca1_ec": (a, e),
        }  # fmt: skip
        for name, (pre, post) in pairs.items():
            ties[name] = keep * ties.get(name, 0) + torch.outer(pre, post)
    ties["ca3_ca3"].fill_diagonal_(0)
    return ties


@pytest.mark.parametrize("decay", [0.0, 0.3])
@pytest.mark.parametrize("batches", [[5], [2, 3], [1, 1, 1, 1, 1]])
def test_storage_is_one_outer_product_an_episode(decay, batches):
    hippocampus, episodes = small(seeds=1, decay=decay), patterns(5, 1)
    for batch in episodes.split(batches, dim=1):
        hippocampus.store(batch, gate=False)
    for name, expected in loop(hippocampus, episodes, 1 - decay).items():
        assert torch.allclose(getattr(hippocampus, name)[0], expected, atol=1e-5), name
    expected = sum((1 - decay) ** age for age in range(5))
    assert hippocampus.load.item() == pytest.approx(expected, rel=1e-5)


def test_an_episode_left_out_does_not_age_the_others():
    """Decay counts the episodes that a subject stores, not those that it is shown."""
    episodes = patterns(6, 1)
    chosen = torch.tensor([[1.0, 0, 1, 1, 0, 1]])
    some, all_of_them = small(seeds=1, decay=0.3), small(seeds=1, decay=0.3)
    some._write(episodes, chosen)
    all_of_them.store(episodes[:, chosen[0] == 1], gate=False)
    assert torch.allclose(some.ca3_ca3, all_of_them.ca3_ca3, atol=1e-5)
    assert torch.allclose(some.load, all_of_them.load)


def test_the_way_out_is_the_fixed_point_of_the_delta_rule():
    """D ← D + rate (Σ a (e - a D)ᵀ - D), over and over, ends at the closed form."""
    hippocampus, episodes = small(seeds=1), patterns(8, 1)
    hippocampus.store(episodes)
    hippocampus.recall(episodes)
    a = hippocampus.encode(episodes).ca1[0] - 12 / 120
    e = episodes[0] - 10 / 60
    D = torch.zeros(120, 60)
    for _ in range(4000):
        D += 0.02 * (a.T @ (e - a @ D) - D)
    assert torch.allclose(hippocampus.decoder[0], D, atol=1e-4)


# -- out --


def test_one_showing_is_enough_and_a_part_brings_back_the_whole():
    hippocampus = cl.Hippocampus(seeds=5)
    episodes = patterns(50, 5, 240, 24)
    hippocampus.store(episodes)
    assert torch.equal(hippocampus.recall(episodes), episodes)
    quarter = part_of(episodes, 6)
    assert cl.overlap(hippocampus.recall(quarter), episodes).mean() > 0.99


def test_recall_settles_by_hand():
    """With so many episodes and such small cues that it matters how they settle."""
    hippocampus, episodes = small(seeds=1), patterns(24, 1)
    hippocampus.store(episodes, gate=False)
    cue = part_of(episodes, 3)
    found = {steps: hippocampus.recall(cue, iterations=steps)[0] for steps in (0, 1, 3)}
    u = cue[0] @ hippocampus.ec_ca3[0]
    c = cl.k_winners(u, 8)
    for step in range(4):
        if step in found:
            a = cl.k_winners(c @ hippocampus.ca3_ca1[0], 12) - 12 / 120
            expected = cl.k_winners(a @ hippocampus.decoder[0], 10)
            assert (found[step] == expected).all(-1).float().mean() >= 0.9, step  # near-ties
        c = cl.k_winners(c @ hippocampus.ca3_ca3[0] + u / 2, 8)
    assert not torch.equal(found[0], found[3])


def test_without_recurrence_recall_is_one_pass():
    hippocampus, episodes = small(), patterns(20)
    hippocampus.store(episodes)
    cue = part_of(episodes, 3)
    one_pass = hippocampus.recall(cue, iterations=0)
    assert torch.equal(hippocampus.lesion("recurrence").recall(cue), one_pass)
    assert not torch.equal(hippocampus.recall(cue), one_pass)


def test_recall_changes_nothing():
    hippocampus, episodes = small(), patterns(5)
    hippocampus.store(episodes)
    before = hippocampus.ca3_ca3.clone(), hippocampus.load.clone()
    first, second = hippocampus.recall(episodes), hippocampus.recall(episodes)
    assert torch.equal(first, second)
    assert torch.equal(before[0], hippocampus.ca3_ca3) and torch.equal(before[1], hippocampus.load)


def test_what_comes_to_mind_was_stored():
    hippocampus, episodes = cl.Hippocampus(seeds=3), patterns(15, 3, 240, 24)
    hippocampus.store(episodes)
    dreams = hippocampus.replay(200)
    best = (dreams @ episodes.transpose(1, 2) / 24).amax(-1)
    assert (best > 0.9).float().mean() > 0.97
    met = (dreams @ episodes.transpose(1, 2) / 24).amax(1) > 0.9
    assert met.float().mean() > 0.9


# -- the gate, decay, fullness --


def test_the_gate_stores_only_what_is_new():
    hippocampus, episodes = small(), patterns(6)
    assert hippocampus.store(episodes[:, :4]).all()
    ties = hippocampus.ca3_ca3.clone()
    assert not hippocampus.store(episodes[:, :4]).any()
    assert torch.equal(hippocampus.ca3_ca3, ties)
    assert hippocampus.store(episodes).tolist() == [[False] * 4 + [True] * 2] * 2
    assert hippocampus.load.tolist() == [6, 6]
    assert hippocampus.store(episodes, gate=False).all()


def test_the_gate_asks_the_cue():
    """An episode whose cue brings back another end is new, however well its cue is known."""
    cues, old, new = (patterns(3, 2, 30, 5, name) for name in ("cues", "old", "new"))
    first, second = torch.cat([cues, old], dim=-1), torch.cat([cues, new], dim=-1)
    cues = torch.cat([cues, torch.zeros_like(cues)], dim=-1)
    hippocampus = small()
    hippocampus.store(first)
    assert hippocampus.novelty(first, cues).max() == 0
    assert not hippocampus.store(first, cues).any() and hippocampus.store(second, cues).all()
    assert hippocampus.novelty(torch.cat([first, second], dim=1)).max() == 0
    one_end_each = hippocampus.novelty(torch.cat([first, second], dim=1), cues.repeat(1, 2, 1))
    assert (one_end_each > 0.1).sum(1).tolist() == [3, 3]
    assert hippocampus.store(first, cues).sum() + hippocampus.store(second, cues).sum() >= 3


def test_chance_stores_that_share():
    hippocampus = cl.Hippocampus(seeds=10)
    stored = hippocampus.store(patterns(60, 10, 240, 24), chance=0.3)
    assert stored.float().mean().item() == pytest.approx(0.3, abs=0.06)
    assert torch.equal(hippocampus.load, stored.sum(1).float())
    assert not hippocampus.store(patterns(5, 10, 240, 24, "more"), chance=0.0).any()


def test_an_empty_store_takes_the_first():
    """So that every subject has something to replay after its first moment."""
    hippocampus = small(seeds=20)
    assert hippocampus.store(patterns(3, 20), chance=0.01)[:, 0].all()
    assert not hippocampus.store(patterns(3, 20, name="more"), chance=0.01)[:, 0].all()


def test_with_decay_the_newest_are_kept_and_the_oldest_fade():
    hippocampus = cl.Hippocampus(decay=0.03, seeds=3)
    episodes = patterns(200, 3, 240, 24)
    for day in episodes.split(20, dim=1):
        hippocampus.store(day, gate=False)
    back = cl.overlap(hippocampus.recall(part_of(episodes, 18)), episodes)
    assert back[:, -20:].mean() > 0.98 and back[:, :20].mean() < 0.4
    assert (hippocampus.load < 1 / 0.03).all()


def test_the_gauge_agrees_with_the_list_that_it_does_not_have():
    for count in (20, 100, 200):
        hippocampus, episodes = cl.Hippocampus(seeds=5), patterns(count, 5, 240, 24)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            hippocampus.store(episodes, gate=False)
        dreams = hippocampus.replay(200)
        truth = ((dreams @ episodes.transpose(1, 2) / 24).amax(-1) > 0.9).float().mean()
        gauge = hippocampus.gauge(200)
        assert gauge.load.tolist() == [count] * 5
        assert gauge.sound.mean().item() == pytest.approx(truth.item(), abs=0.1)


def test_the_gauge_reads_without_touching():
    """Nine tenths of the CA3 units, not fewer; the same reading twice; the next dream unmoved."""
    hippocampus = small(seeds=3)
    hippocampus.store(patterns(24, 3), gate=False)
    twin = cl.Hippocampus(60, 10, **SMALL, seeds=3)
    twin.store(patterns(24, 3), gate=False)
    first, second = hippocampus.gauge(60), hippocampus.gauge(60)
    assert torch.equal(first.sound, second.sound)
    assert torch.equal(hippocampus.replay(5), twin.replay(5))
    places = hippocampus._dream(60, 15, cl.LaneRandom(3, "gauge"))
    state = torch.zeros(3, 60, 120).scatter_(2, places, 1.0)
    again = hippocampus.encode(hippocampus._decode(places)).ca3
    shared = (state * again).sum(-1)
    assert ((shared < 7.2) & (shared > 3)).any(), "some states are in between"
    assert torch.allclose(first.sound, (shared >= 7.2).float().mean(1), atol=0.02)


def test_an_over_full_store_says_so_once():
    hippocampus = small()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hippocampus.store(patterns(20), gate=False)
    with pytest.warns(UserWarning, match=r"over-full: 40 episodes.*% of what comes to mind"):
        hippocampus.store(patterns(20, name="more"), gate=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hippocampus.store(patterns(5, name="still more"), gate=False)


def test_an_empty_store_is_sound_and_knows_nothing():
    hippocampus = small()
    assert hippocampus.gauge().load.tolist() == [0, 0]
    assert hippocampus.novelty(patterns(3)).tolist() == [[1, 1, 1]] * 2


# -- lanes, sizes, bad input --


@given(count=st.integers(1, 12), lane=st.integers(0, 3))
@settings(max_examples=10, deadline=None)
def test_a_subject_is_the_same_alone_and_in_company(count, lane):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    found = []
    for seeds in ([lane], [0, 1, 2, 3]):
        hippocampus, episodes = small(seeds=seeds, decay=0.01), patterns(count, seeds)
        hippocampus.store(episodes, chance=0.8)
        if not bool(hippocampus.load.all()):
            hippocampus.store(episodes)
        dreams = hippocampus.replay(5)
        found.append((hippocampus.recall(part_of(episodes, 5)), dreams, hippocampus.ca3_ca3))
    for alone, together in zip(*found, strict=True):
        assert torch.equal(alone[0], together[lane if len(together) > 1 else 0])
    torch.set_num_threads(threads)


def test_a_copy_shares_the_wiring_and_nothing_that_learns():
    hippocampus = small()
    hippocampus.store(patterns(3))
    other = hippocampus.lesion("recurrence")
    assert other.wired_dg_ca3 is hippocampus.wired_dg_ca3
    ties = hippocampus.ca3_ca3.clone()
    other.store(patterns(3, name="more"))
    assert torch.equal(hippocampus.ca3_ca3, ties) and hippocampus.load.tolist() == [3, 3]
    assert torch.equal(hippocampus.replay(2), small_with(patterns(3)).replay(2))


def small_with(episodes) -> cl.Hippocampus:
    hippocampus = small()
    hippocampus.store(episodes)
    return hippocampus


def test_bytes_are_those_of_what_learning_changes():
    ties = 60 * 120 + 120 * 120 + 120 * 120 + 120 * 120 + 120 * 60
    assert small().memory_bytes() == 4 * ties


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda h: h.store(patterns(3) * 0.5), "binary"),
        (lambda h: h.store(patterns(3, active=9)), "9 active units; expected 10"),
        (lambda h: h.store(patterns(3) * float("nan")), "binary"),
        (lambda h: h.store(patterns(3)[0]), r"shape \(3, 60\)"),
        (lambda h: h.store(patterns(3, seeds=3)), r"shape \(3, 3, 60\)"),
        (lambda h: h.store(patterns(3, units=50)), "expected .*60"),
        (lambda h: h.store(patterns(3), chance=1.5), "chance=1.5"),
        (lambda h: h.recall(patterns(3) * 2), "binary"),
        (lambda h: h.replay(3), "Subject 0 has nothing to replay"),
        (lambda h: (h.store(patterns(3)), h.replay(0)), "0 replays"),
        (lambda h: h.lesion("amygdala"), "no part 'amygdala'"),
        (lambda h: small(decay=1.0), "decay=1.0"),
        (lambda h: small(familiar=0), "familiar=0"),
        (lambda h: cl.Hippocampus(60, 60), "EC has 60 of 60"),
        (lambda h: cl.Hippocampus(60, 6, ca3=(10, 0)), "CA3 has 0 of 10"),
    ],
)
def test_bad_input_gets_one_sentence(wrong, message):
    with pytest.raises(cl.CourseError, match=message):
        wrong(small())
