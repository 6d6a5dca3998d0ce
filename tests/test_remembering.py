"""Practice teaches how to remember; watching changes nothing; M can be handed on."""

import pytest
import torch

import clcourse as cl
from clcourse.memory.titans import KINDS
from clcourse.pairs import VALUES, WORDS
from clcourse.remembering import practise, practised, remembers

WITH_MEMORY = KINDS[:4]


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CLCOURSE_CACHE", str(tmp_path / "kept"))


def titan(kind="MAG", seeds=2, **more) -> cl.Titan:
    return cl.Titan(WORDS, VALUES, kind=kind, width=8, window=4, seeds=seeds, **more)


def test_tokens_of_two_parts_are_sums():
    network, texts = titan(), cl.draw_pairs(3, 2, batch=2, seeds=2)
    lane = torch.arange(2)[:, None, None]
    summed = network.E[lane, texts.x[..., 0]] + network.E[lane, texts.x[..., 1]]
    assert torch.allclose(network(texts.x), network(summed), atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_watching_changes_nothing(kind):
    network, texts = titan(kind), cl.draw_pairs(3, 6, batch=2, seeds=2)
    logits, carried, seen = network(texts.x, watch=True)
    assert torch.equal(logits, network(texts.x))
    if kind not in WITH_MEMORY:
        assert carried is None and seen is None
        return
    T = texts.x.shape[2]
    assert all(part.shape == (2, 2, 1, T) for part in seen[1:])
    assert torch.allclose(seen.update.norm(dim=-1), seen.surprise)
    last = texts.x[:, :, -1:]
    moved = network(last, carried, watch=True)[1].memory.M - carried.memory.M
    assert moved.abs().amax() > 0


@pytest.mark.parametrize("kind", ["memory", "MAL", "MAG"])
def test_a_memory_is_handed_on_and_the_window_is_not(kind):
    network = titan(kind, persistent=2)
    first, second = (cl.draw_pairs(3, 4, batch=2, seeds=cl.LaneRandom(2, n)).x for n in "ab")
    _, carried, seen = network(first, watch=True)
    resumed = network(second, carried)
    if kind == "memory":  # no window: in pieces as at once
        whole = network(torch.cat([first, second], 2))
        assert torch.allclose(resumed, whole[:, :, first.shape[2] :], atol=1e-5)
    assert not torch.allclose(resumed, network(second), atol=1e-4)
    emptied = cl.Carried(cl.State(*(0 * part for part in carried.memory)), carried.last)
    assert not torch.allclose(resumed, network(second, emptied), atol=1e-4)


def test_a_network_without_memory_carries_nothing():
    _, carried, _ = titan()(cl.draw_pairs(3, 4, batch=2, seeds=2).x, watch=True)
    with pytest.raises(cl.CourseError, match="'window' network has no memory to carry on"):
        titan("window")(cl.draw_pairs(3, 4, batch=2, seeds=2).x, carried)


def test_practice_teaches_what_chance_cannot():
    fresh = cl.Titan(WORDS, VALUES, kind="memory", seeds=[0])
    before = {name: W.clone() for name, W in fresh.state_dict().items()}
    grown, texts = practise(fresh, steps=120), cl.draw_pairs(4, 4, seeds=[0])
    assert remembers(fresh, texts).item() < 0.3 and remembers(grown, texts).item() > 0.5
    assert all(torch.equal(W, before[name]) for name, W in fresh.state_dict().items())
    deaf = grown.copy()
    deaf.memory.bias.data[..., 0] = -1e9  # θ = 0: nothing is written
    assert remembers(deaf, texts).item() < 0.3


def test_a_lane_practises_alone_as_in_company():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    alone, together = (practise(titan(seeds=seeds), steps=4) for seeds in ([1], 3))
    torch.set_num_threads(threads)
    assert torch.allclose(alone.U[0], together.U[1], atol=1e-6)


def test_weights_are_kept_and_found_again():
    first = practised("window", steps=2, seeds=2)
    again = practised("window", steps=2, seeds=2)
    other = practised("window", steps=3, seeds=2)
    assert torch.equal(first.U, again.U) and not torch.equal(first.U, other.U)
    assert len(list(cl.pretraining.cache_folder().glob("practised_*"))) == 2


def test_what_is_remembered_is_counted_by_hand():
    texts = cl.draw_pairs(4, 2, batch=5, seeds=2)

    def oracle(x):
        logits = torch.zeros(*x.shape[:3], VALUES)
        logits[:, :, -4:].scatter_(3, texts.y[..., None], 1.0)
        logits[1, 0, -1] = 0.0
        logits[1, 0, -1, (texts.y[1, 0, -1] + 1) % VALUES] = 1.0
        return logits

    assert remembers(oracle, texts).tolist() == pytest.approx([1.0, 19 / 20])


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"steps": 1.5}, {"lr": 0.0}, {"lr": float("nan")}])
def test_bad_input_gets_one_sentence(wrong):
    with pytest.raises(cl.CourseError, match="expected a whole number of steps"):
        practise(titan(), **wrong)
