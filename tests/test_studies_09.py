"""Studies of lesson 09: their controls are what they say, and their results can be made again."""

import importlib
import sys
from pathlib import Path

import pytest
import torch

import clcourse as cl

ROOT = Path(__file__).parent.parent


@pytest.fixture
def study(monkeypatch):
    """A study by its name."""
    monkeypatch.setattr(sys, "path", [str(ROOT / "studies"), *sys.path])
    return importlib.import_module


def inputs(T: int, d: int = 5, p: int = 3, seed: int = 0):
    """q, k, v and gates of 2 lanes, 3 texts, one head."""
    one = torch.Generator().manual_seed(seed)
    shape = (2, 3, 1, T)
    rows = [torch.randn(*shape, size, generator=one, dtype=torch.float64) for size in (d, d, p)]
    return *rows, *torch.rand(3, *shape, generator=one, dtype=torch.float64)


@pytest.mark.parametrize(("T", "chunk"), [(1, 4), (7, 7), (23, 4), (12, 4), (5, 32)])
def test_writing_without_error_correction_equals_its_loop(study, T, chunk):
    q, k, v, θ, η, α = inputs(T)
    y, (M_T, S_T) = study("09_controls").hebbian(q, k, v, θ, η, α, chunk=chunk)
    M = S = torch.zeros(2, 3, 1, 5, 3, dtype=torch.float64)
    for t in range(T):
        S = η[..., t, None, None] * S
        S = S + θ[..., t, None, None] * k[..., t, :, None] * v[..., t, None, :]
        M = (1 - α[..., t, None, None]) * M + S
        torch.testing.assert_close(y[..., t, :], (q[..., t, None, :] @ M)[..., 0, :])
    torch.testing.assert_close(M_T, M)
    torch.testing.assert_close(S_T, S)


def test_writing_without_error_correction_can_go_on_from_a_state(study):
    hebbian, (q, k, v, θ, η, α) = study("09_controls").hebbian, inputs(11)
    whole, end = hebbian(q, k, v, θ, η, α, chunk=4)
    first, state = hebbian(*(x[:, :, :, :6] for x in (q, k, v, θ, η, α)), chunk=4)
    second, last = hebbian(*(x[:, :, :, 6:] for x in (q, k, v, θ, η, α)), state, chunk=4)
    torch.testing.assert_close(torch.cat([first, second], dim=-2), whole)
    torch.testing.assert_close(last.M, end.M)


def test_the_recurrent_rival_is_the_gru_of_torch(study):
    ours = study("09_controls").Gru(7, width=4, seeds=[3, 5])
    x = torch.randn(2, 3, 6, 4)
    states = ours.states(x)
    for lane in range(2):
        theirs = torch.nn.GRU(4, 7, batch_first=True)
        with torch.no_grad():
            theirs.weight_ih_l0.copy_(ours.W[lane].T)
            theirs.weight_hh_l0.copy_(ours.R[lane].T)
            theirs.bias_ih_l0.copy_(ours.b[lane, 0])
            theirs.bias_hh_l0.copy_(ours.c[lane, 0])
        torch.testing.assert_close(states[lane], theirs(x[lane])[0], atol=1e-6, rtol=1e-5)


def test_longer_gaps_are_the_only_difference_of_the_other_practice(study):
    network = study("09_recall").fresh("memory", [4])
    ours = study("09_controls").practise_far(network, steps=6, lr=1e-2, most=63)
    for one, other in zip(ours.parameters(), cl.practise(network, steps=6).parameters(),
                          strict=True):  # fmt: skip
        assert torch.equal(one, other)


@pytest.mark.parametrize(("shown", "changed"), [(1, 0), (3, 5)])
def test_a_look_up_needs_no_network(study, shown, changed):
    texts = cl.draw_pairs(16, 20, shown=shown, changed=changed, batch=4, seeds=2)
    assert torch.equal(study("09_controls").looked_up(texts), texts.y)


def test_the_commonest_value_is_counted_among_pairs_only(study):
    texts = cl.draw_pairs(7, 40, batch=5, seeds=2)
    said = study("09_controls").commonest(texts)
    for x, answer in zip(texts.x.flatten(0, 1), said.flatten(0, 1), strict=True):
        counts = torch.bincount(x[:7, 1] - 96, minlength=16)
        assert (counts[answer] == counts.max()).all()


def test_what_is_taken_away_stays_away(study):
    controls = study("09_controls")
    texts = cl.draw_pairs(4, 6, batch=2, seeds=1)
    for name, gate in (("no momentum", 3), ("no forgetting", 4)):
        network = cl.practise(controls.variant(name, 1), steps=3)
        assert not network(texts.x, watch=True)[2][gate].any()
    network = cl.practise(controls.variant("constant gates", 1), steps=3)
    θ = network(texts.x, watch=True)[2].θ
    assert torch.equal(θ, θ[..., :1].expand_as(θ)) and θ[0, 0, 0, 0] != 0.5


def test_gates_are_held_at_tokens_of_one_kind_only(study):
    network, texts = study("09_recall").fresh("memory", 2), cl.draw_pairs(4, 6, batch=3, seeds=2)
    usual = network(texts.x, watch=True)[2]
    held = study("09_controls").held(network, texts, "filler", θ=0.0)
    forced = held(texts.x, watch=True)[2]
    fillers = texts.where("filler")[:, :, None]
    assert not forced.θ[fillers].any() and torch.equal(forced.α, usual.α)
    assert torch.equal(forced.θ[~fillers], usual.θ[~fillers])


def test_silent_fillers_have_no_value_and_all_else_is_as_before(study):
    network, texts = study("09_recall").fresh("memory", 2), cl.draw_pairs(4, 6, batch=3, seeds=2)
    x = first_layer(network, texts.x)
    before = network.memory.keys(x)
    after = study("09_controls").silent(network, texts).memory.keys(x)
    quiet = torch.cat([torch.zeros(2, 3, network.p.shape[1]), texts.where("filler")], 2).bool()
    assert not after[2][:, :, 0][quiet].any()
    assert torch.equal(after[2][:, :, 0][~quiet], before[2][:, :, 0][~quiet])
    assert torch.equal(after[1], before[1]) and torch.equal(after[0], before[0])


def test_practice_with_changes_shows_pairs_twice(study, monkeypatch):
    controls = study("09_controls")
    drawn, draw = [], controls.cl.draw_pairs
    monkeypatch.setattr(controls.cl, "draw_pairs",
                        lambda *a, **k: drawn.append(k) or draw(*a, **k))  # fmt: skip
    network = study("09_recall").fresh("window", 1)
    controls.practise_far(network, steps=2, lr=1e-2, changing=True)
    assert [k.get("shown", 1) for k in drawn] == [2, 1] and drawn[0]["changed"] == 2


@pytest.mark.parametrize(
    ("best", "tries"),
    [(1e-2, [1e-2, 3e-3, 3e-2]), (3e-2, [1e-2, 3e-3, 3e-2, 1e-1]),
     (1e-3, [1e-2, 3e-3, 3e-2, 1e-3, 3e-4]), (1e-1, [1e-2, 3e-3, 3e-2, 1e-1])],
)  # fmt: skip
def test_the_search_tries_a_rate_on_both_sides_of_the_best(study, best, tries):
    recall, tried = study("09_recall"), []

    def at(lr: float) -> dict:
        tried.append(lr)
        worth = 1 - abs(torch.tensor(lr / best).log10().item()) / 4
        return {f"{n} pairs, gap {g}": [worth] for n, g in recall.SETTINGS["validation"]}

    chosen, found = recall.searched(at)
    assert chosen == best and tried == tries and list(found) == sorted(map(str, tries), key=float)


def test_guessing_everywhere_is_decided_by_what_is_near(study):
    recall = study("09_recall")
    blind = {"16 pairs, gap 32": [0.07], "16 pairs, gap 64": [0.06], "4 pairs, gap 2": [0.9]}
    luckier = {"16 pairs, gap 32": [0.09], "16 pairs, gap 64": [0.08], "4 pairs, gap 2": [0.1]}
    sees = {"16 pairs, gap 32": [0.2], "16 pairs, gap 64": [0.2], "4 pairs, gap 2": [0.5]}
    assert recall.score(luckier) < recall.score(blind) < recall.score(sees)


def test_surprise_error_and_θ_belong_together(study):
    surprise, network = study("09_surprise"), study("09_recall").fresh("memory", 2)
    texts = cl.draw_pairs(4, 3, batch=2, seeds=2)
    with torch.no_grad():
        seen = surprise.watched(network, texts.x)
        q, k, v, _ = network.memory.keys(first_layer(network, texts.x))
        gates = network.memory.gates(first_layer(network, texts.x))
        _, _, watched = cl.token_loop(q, k, v, *gates)
    places = slice(network.p.shape[1], None)
    torch.testing.assert_close(seen["surprise"], watched.surprise[:, :, 0, places])
    error = watched.update.norm(dim=-1)[:, :, 0, places] / gates[0][:, :, 0, places]
    torch.testing.assert_close(seen["error"], error)


def first_layer(network, x: torch.Tensor) -> torch.Tensor:
    """What the memory of a network reads: persistent tokens, then normalised embeddings."""
    lane = torch.arange(len(x)).reshape(-1, 1, 1, 1)
    rows = torch.nn.functional.rms_norm(network.E[lane, x].sum(3), (32,))
    return torch.cat([network.p[:, None].expand(-1, x.shape[1], -1, -1), rows], dim=2)


def test_strangers_have_other_keys_and_the_same_values(study):
    x = cl.draw_pairs(16, 0, batch=3, seeds=2).x[:, :, :16]
    other = study("09_surprise").strangers(x)
    assert torch.equal(other[..., 1], x[..., 1])
    for ours, theirs in zip(x[..., 0].flatten(0, 1), other[..., 0].flatten(0, 1), strict=True):
        assert len({*ours.tolist(), *theirs.tolist()}) == 32 and max(theirs) < 64


def test_old_and_new_values_are_told_apart(study):
    surprise = study("09_surprise")

    class Oracle(torch.nn.Module):
        """Says the first value of a key."""

        seeds = (0, 1)

        def forward(self, x):
            last = x[:, :, -16:, 0]
            first = (last[..., :, None] == x[:, :, None, :16, 0]).long().argmax(-1)
            value = x[:, :, :16, 1].gather(2, first) - 96
            told = torch.nn.functional.one_hot(value, 16).float()
            return torch.nn.functional.pad(told, (0, 0, x.shape[2] - 16, 0))

    found = surprise.answers(Oracle())
    for after in ("after 1", "after 7"):
        assert not found[f"changed, {after}"].any()
        assert (found[f"unchanged, {after}"] == 1).all()
        assert (found[f"old value of the changed, {after}"] == 1).all()


def test_fillers_that_always_say_the_same_do(study, monkeypatch):
    surprise, seen = study("09_surprise"), []
    usual = surprise.watched
    monkeypatch.setattr(surprise, "watched", lambda n, x: seen.append(x) or usual(n, x))
    network = study("09_recall").fresh("memory", 1)
    with torch.no_grad():
        surprise.distractors(network)
    x = seen[0][0, 0, 16:-16]
    said = {}
    assert all(said.setdefault(int(key), int(value)) == int(value) for key, value in x)
    assert {int(key) for key in x[:, 0]} <= set(range(64, 96)) and len(set(said.values())) > 8


@pytest.mark.parametrize("kind", ["memory", "window"])
def test_one_lane_practises_and_recalls_as_is_stored(study, kind):
    recall, stored = study("09_recall"), cl.results.load("09_recall")
    assert stored["settings"] == recall.SETTINGS
    cell = stored["kinds"][kind]
    again = recall.results(kind, cell["lr"], [0], [(4, 2), (16, 32)], stored["settings"]["steps"])
    for row in ("4 pairs, gap 2", "16 pairs, gap 32"):
        assert again[row][0] == pytest.approx(cell["lanes"][row][0], abs=0.03)


def test_a_control_practises_and_recalls_as_is_stored(study):
    controls, stored = study("09_controls"), cl.results.load("09_controls")
    assert stored["settings"] == controls.SETTINGS
    cell = stored["variants"]["no error correction"]
    network = controls.trained("no error correction", cell["lr"], [3], stored["settings"]["steps"])
    again = controls.recall.right(network, [(16, 32)])["16 pairs, gap 32"].item()
    assert again == pytest.approx(cell["lanes"]["16 pairs, gap 32"][3], abs=0.03)
    assert stored["look-up without a network"] == [1.0] * len(stored["settings"]["seeds"])


def test_an_untrained_memory_is_surprised_as_is_stored(study):
    surprise, stored = study("09_surprise"), cl.results.load("09_surprise")
    assert stored["settings"] == surprise.SETTINGS
    with torch.no_grad():
        again = surprise.showings(surprise.networks("untrained", [0, 19]))
    for name, lanes in again.items():
        kept = stored["lanes"]["untrained"]["showings"][name]
        assert lanes.tolist() == pytest.approx([kept[0], kept[19]], abs=2e-3)
