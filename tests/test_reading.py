"""Growing up: the texts are what they say, the loss asks what it should, the weights come back."""

import math

import pytest
import torch

import clcourse as cl
from clcourse.facts import EVERY, NUMBER, WORDS, World, text
from clcourse.pretraining import cache_folder, clip_each_lane, schedule
from clcourse.reading import (
    episodes,
    grow_up,
    grown_up,
    reading_list,
    reading_loss,
    reads,
    recall,
    with_context,
)

LITTLE = {"people": 6, "newcomers": 6}


def little(**more):
    return cl.tiny_transformer(len(WORDS), **({"width": 16, "heads": 2, "seeds": 2} | more))


def test_an_episode_asks_what_it_says():
    for words in (text(one).split() for one in episodes(cl.LaneRandom(2, "t"), 50).flatten(0, 1)):
        assert words[0] == "<start>" and words[17] == "?" and len(words) == 34
        written = [tuple(words[at : at + 4]) for at in range(1, 17, 4)]
        asked = [tuple(words[at : at + 4]) for at in range(18, 34, 4)]
        assert sorted(written) == sorted(asked)
        assert len(set(written)) == 4 and len({fact[:3] for fact in written}) == 4
        assert len({fact[1] for fact in written}) <= 2 and len({fact[2] for fact in written}) <= 2


def test_no_two_words_are_enough_to_find_a_fact():
    texts = episodes(cl.LaneRandom(4, "t"), 500)[..., 1:17].unflatten(-1, (4, 4))[..., :3]
    for left_out in range(3):
        rest = texts[..., [word for word in range(3) if word != left_out]]
        alike = (rest[:, :, :, None] == rest[:, :, None]).all(-1).sum((-1, -2)) > 4
        assert 0.4 < alike.float().mean() < 0.9


def test_rules_are_written_for_all_and_asked_of_somebody_else():
    texts = episodes(cl.LaneRandom(3, "t"), 400, rules=1.0)
    written, asked = (texts[..., at : at + 16].unflatten(-1, (4, 4)) for at in (1, 18))
    ruled = written[..., 1] == NUMBER[EVERY]
    assert ruled.float().mean().item() == pytest.approx(0.5, abs=0.03)
    assert not (asked[..., 1] == NUMBER[EVERY]).any()
    for notes, questions in zip(written.flatten(0, 1), asked.flatten(0, 1), strict=True):
        notes, questions = notes.tolist(), questions.tolist()
        for kind, first, last, value in questions:
            named = [v for k, f, n, v in notes if (k, f, n) == (kind, first, last)]
            rules = [v for k, f, n, v in notes if (k, f, n) == (kind, NUMBER[EVERY], last)]
            assert (named or rules) == [value]
    share = episodes(cl.LaneRandom(3, "t"), 400, rules=0.3)[..., 2:17:4] == NUMBER[EVERY]
    assert share.float().mean().item() == pytest.approx(0.15, abs=0.02)


def test_the_loss_is_on_the_four_values():
    network, texts = little(), episodes(cl.LaneRandom(2, "t"), 7)
    logits = network(texts[..., :-1], everywhere=True).log_softmax(-1)
    for lane in range(2):
        each = [
            -logits[lane, one, place - 1, texts[lane, one, place]]
            for one in range(7) for place in (21, 25, 29, 33)
        ]  # fmt: skip
        assert reading_loss(network, texts)[lane].item() == pytest.approx(
            torch.stack(each).mean().item(), abs=1e-5
        )


def test_context_is_written_before_the_question():
    world = World(**LITTLE, seeds=2)
    facts = world.facts("people", 1)
    notes = facts.notes()[:, None].expand(2, 3, 3, 4)
    words = text(with_context(notes, facts.x)[0, 1]).split()
    note = text(facts.notes()[0, 0])
    assert words[0] == "<start>" and " ".join(words[1:5]) == note and words[13] == "?"
    assert words[14:] == text(facts.x[0, 1]).split()[1:]


def test_the_schedule_by_hand():
    assert schedule(0, 300) == pytest.approx(1 / 50) and schedule(49, 300) == 1.0
    assert schedule(175, 300) == pytest.approx(0.05 + 0.95 / 2)
    assert schedule(300, 300) == pytest.approx(0.05)
    assert schedule(100, 250) == pytest.approx(0.05 + 0.475 * (1 + math.cos(math.pi / 4)))


def test_clipping_is_torchs_a_lane_at_a_time():
    network = little()
    reading_loss(network, episodes(cl.LaneRandom(2, "t"), 3)).sum().backward()
    with torch.no_grad():
        for θ in network.parameters():
            θ.grad[0] *= 1e-3
    before = [θ.grad.clone() for θ in network.parameters()]
    clip_each_lane(network, 0.1)
    for lane in range(2):
        length = torch.cat([g[lane].flatten() for g in before]).norm()
        share = min(1.0, 0.1 / length.item())
        for θ, g in zip(network.parameters(), before, strict=True):
            assert torch.allclose(θ.grad[lane], g[lane] * share, rtol=1e-4)


def test_growing_up_teaches_the_people_and_leaves_the_newborn_alone():
    world, network = World(**LITTLE, seeds=2), little()
    before = recall(network, world.facts())
    grown = grow_up(network, world, steps=80, lr=0.01)
    assert (recall(grown, world.facts()) > 0.9).all()
    assert torch.equal(recall(network, world.facts()), before) and (before < 0.3).all()
    assert (recall(grown, world.facts("newcomers")) < 0.4).all()


def test_lanes_grow_up_alike_alone_and_in_company():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    alone, together = (
        grow_up(little(seeds=seeds), World(**LITTLE, seeds=seeds), steps=5) for seeds in ([1], 3)
    )
    for one, many in zip(alone.parameters(), together.parameters(), strict=True):
        assert torch.equal(one[0], many[1])
    torch.set_num_threads(threads)


@pytest.fixture(name="cache")
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CLCOURSE_CACHE", str(tmp_path / "kept"))
    return tmp_path / "kept"


def test_kept_weights_are_the_same_and_safe_to_delete(cache):
    world = World(**LITTLE, seeds=1)
    cold = grown_up(world, steps=3)
    (file,) = cache.iterdir()
    warm = grown_up(world, steps=3)
    for one, two in zip(cold.parameters(), warm.parameters(), strict=True):
        assert torch.equal(one, two)
    file.unlink()
    again = grown_up(world, steps=3)
    assert torch.equal(again.U, cold.U) and cache_folder() == cache


def test_other_settings_and_other_worlds_have_other_files(cache):
    grown_up(World(**LITTLE, seeds=1), steps=2)
    grown_up(World(**LITTLE, seeds=1), steps=3)
    grown_up(World(**LITTLE, seeds=[5]), steps=3)
    grown_up(World(people=7, newcomers=6, seeds=1), steps=3)
    assert len(list(cache.glob("*.safetensors"))) == 4 and not list(cache.glob("*.unfinished"))


@pytest.mark.parametrize("damage", [b"", b"nonsense", None])
def test_damaged_weights_are_told_and_made_again(cache, damage):
    world = World(**LITTLE, seeds=1)
    good = grown_up(world, steps=2)
    (file,) = cache.iterdir()
    file.write_bytes(file.read_bytes()[:-100] if damage is None else damage)
    with pytest.warns(UserWarning, match="damaged.*training again"):
        again = grown_up(world, steps=2)
    assert torch.equal(again.U, good.U)
    assert torch.equal(grown_up(world, steps=2).U, good.U)


def test_a_folder_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    monkeypatch.setenv("CLCOURSE_CACHE", str(blocked))
    with pytest.warns(UserWarning, match="could not be kept"):
        grown_up(World(**LITTLE, seeds=1), steps=1)


def test_bad_input_gets_one_sentence():
    world = World(**LITTLE, seeds=2)
    with pytest.raises(cl.CourseError, match=r"lanes \[0\] and the world \[0, 1\]"):
        grow_up(little(seeds=1), world)
    facts = world.facts()
    with pytest.raises(cl.CourseError, match="do not fit"):
        with_context(facts.notes(), facts.x)
    assert reads(little(), facts.notes()[:, :, None], facts).shape == (2,)


def test_a_reading_list_has_the_own_note_where_it_should_and_no_note_twice():
    facts = World(**LITTLE, seeds=2).facts()
    for at in (0, 2, 4, None):
        notes = reading_list(facts, 4, at=at, seeds=2)
        assert notes.shape == (2, 18, 5, 4)
        own = (notes == facts.notes()[:, :, None]).all(-1)
        assert (own.sum(-1) == 1).all() and (at is None or own[:, :, at].all())
        for one in notes.flatten(0, 1).tolist():
            assert len(set(map(tuple, one))) == 5
    where = (reading_list(facts, 4, seeds=2) == facts.notes()[:, :, None]).all(-1).float().mean(1)
    assert ((where > 0).sum(-1) >= 4).all()


@pytest.mark.parametrize("wrong", [{"others": 18}, {"others": -1}, {"others": 2, "at": 3}])
def test_a_reading_list_that_cannot_be_made_is_told(wrong):
    with pytest.raises(cl.CourseError, match="expected 0 to 17 other notes"):
        reading_list(World(**LITTLE, seeds=2).facts(), **wrong, seeds=2)
