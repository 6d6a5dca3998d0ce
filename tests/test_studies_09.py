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
