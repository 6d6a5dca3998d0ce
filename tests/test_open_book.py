"""Learners that write notes: what was taught is in them, the weights stay, the best are found."""

import copy

import pytest
import torch

import clcourse as cl
from clcourse.facts import WORDS, Facts, World, text
from clcourse.open_book import NotedExamples, OpenBook

WORLD = World(people=10, newcomers=10, seeds=2)


@pytest.fixture(name="reader", scope="module")
def _reader():
    """Two networks that have learnt to read, and little else."""
    world = World(people=1, newcomers=1, seeds=2)
    return cl.grow_up(cl.tiny_transformer(len(WORDS), seeds=2), world, steps=120, lr=8e-3)


def test_it_is_a_learner(reader):
    learner = OpenBook(reader)
    assert isinstance(learner, cl.Learner) and learner.accepts == ("tokens",)
    assert not learner.needs_boundaries and learner.changes[0].what == "notes"


def test_what_was_seen_is_answered_with_the_weights_unchanged(reader):
    before = copy.deepcopy(reader.state_dict())
    stream = WORLD.stream(first=WORLD.facts("newcomers"), second=WORLD.facts("strangers", 10))
    history = cl.run(OpenBook(reader), stream, epochs=1)
    assert (history.before < 0.4).all() and (history.accuracy[:, 1] > 0.9).all()
    assert all(torch.equal(reader.state_dict()[name], W) for name, W in before.items())
    assert history.cost.stored_bytes == history.learner.memory_bytes() > 0


def test_a_store_holds_each_fact_of_its_lane_once(reader):
    learner, facts = OpenBook(reader), WORLD.facts("newcomers")
    learner.observe(*facts)
    learner.observe(*facts)
    for lane, store in enumerate(learner.stores):
        assert sorted(store.notes.values()) == sorted(map(text, facts.notes()[lane]))


def test_a_changed_fact_takes_the_place_of_the_old_one_or_stands_beside_it(reader):
    facts, changed = WORLD.facts("newcomers"), WORLD.changed("newcomers")
    rewritten, piled = OpenBook(reader), OpenBook(reader, rewrite=False)
    for learner in (rewritten, piled):
        learner.observe(*facts)
        learner.observe(*changed)
    assert len(rewritten.stores[0]) == 30 and len(piled.stores[0]) == 60
    assert (rewritten.predict(changed.x).argmax(-1) == changed.y).float().mean() > 0.9
    assert (piled.found(changed.x)[:, :, :2, :3] == changed.notes()[:, :, None, :3]).all()


def test_the_right_note_comes_first(reader):
    learner, facts = OpenBook(reader, k=4), WORLD.facts("newcomers")
    learner.observe(*facts)
    found = learner.found(facts.x)
    assert found.shape == (2, 30, 4, 4) and torch.equal(found[:, :, 0], facts.notes())
    assert learner.found(facts.x[:, :3]).shape == (2, 3, 4, 4)


def test_with_fewer_notes_than_k_it_reads_them_all_and_with_none_its_weights(reader):
    learner, facts = OpenBook(reader, k=9), WORLD.facts("newcomers")
    assert torch.equal(learner.predict(facts.x), reader(facts.x))
    learner.observe(facts.x[:, :2], facts.y[:, :2])
    assert learner.found(facts.x).shape == (2, 30, 2, 4)


def test_what_no_note_is_about_is_answered_by_the_weights(reader):
    facts, strangers = WORLD.facts("newcomers"), WORLD.facts("strangers", 10)
    one, learner = facts.notes()[:, :1], OpenBook(reader)
    learner.write(one)
    shares = (strangers.x[:, :, 1:, None] == one[..., None, :3]).flatten(2).any(-1)
    same = (learner.predict(strangers.x) == reader(strangers.x)).all(-1)
    assert torch.equal(same, ~shares) and same.any() and not same.all()
    careful = OpenBook(reader, above=0.9)
    careful.write(facts.notes())
    assert torch.equal(careful.predict(strangers.x), reader(strangers.x))


def test_a_forgotten_fact_was_never_there(reader):
    facts = WORLD.facts("newcomers")
    few = Facts(facts.x[:, 3:], facts.y[:, 3:])
    never, forgot = OpenBook(reader), OpenBook(reader, rewrite=False)
    never.write(few.notes())
    forgot.write(facts.notes())
    forgot.write(WORLD.changed("newcomers").notes()[:, :3])
    forgot.forget(facts.x[:, :3])
    assert torch.equal(never.predict(facts.x), forgot.predict(facts.x))
    again = OpenBook(reader)
    again.write(facts.notes())
    again.forget(facts.x[:, :3])
    again.write(facts.notes())
    assert sorted(again.stores[1].notes.values()) == sorted(map(text, facts.notes()[1]))


def test_a_copy_has_notes_of_its_own(reader):
    learner, facts = OpenBook(reader), WORLD.facts("newcomers")
    learner.observe(*facts)
    twin = learner.copy()
    twin.stores[0].forget(0)
    assert len(learner.stores[0]) == 30 and twin.network is reader


def test_notes_that_do_not_fit_the_window_are_told(reader):
    narrow = cl.tiny_transformer(len(WORDS), window=12, seeds=2)
    learner, facts = OpenBook(narrow), WORLD.facts("newcomers")
    learner.observe(*facts)
    with pytest.raises(cl.CourseError, match="17 tokens, and the reader sees 12.*lower k"):
        learner.predict(facts.x)


def test_noted_examples_vote_by_hand():
    """Two notes of one class a little off outvote one that fits exactly."""
    learner = NotedExamples(2, 3, k=3)
    x = torch.tensor([[[1.0, 0.0], [0.9, 0.1], [0.9, -0.1], [-1.0, 0.0]]])
    learner.observe(x, torch.tensor([[0, 1, 1, 2]]))
    votes = learner.predict(torch.tensor([[[2.0, 0.0]]]))[0, 0]
    near = 0.9 / (0.9**2 + 0.1**2) ** 0.5
    assert torch.allclose(votes, torch.tensor([1.0, 2 * near, 0.0]), atol=1e-6)
    assert learner.memory_bytes() == 4 * (2 * 4 + 1)


def test_the_encoder_makes_the_codes():
    stream = cl.split_digits("class", 3)
    frozen = cl.GradientLearner(cl.mlp(64, 50, 10, seeds=3))
    for _ in range(30):
        frozen.observe(stream[0].x, stream[0].y)
    plain = cl.run(NotedExamples(64, 10, seeds=3), stream, epochs=1)
    coded = NotedExamples(64, 10, encoder=frozen.network.hidden, seeds=3)
    assert (plain.accuracy[:, -1].mean(1) > 0.9).all()
    coded = cl.run(coded, stream, epochs=1)
    assert coded.learner.codes.shape[2] == 50 and (coded.accuracy[:, -1].mean(1) > 0.6).all()


@pytest.mark.parametrize("k", [0, -1, 1.5, True, None])
def test_bad_k_gets_one_sentence(reader, k):
    with pytest.raises(cl.CourseError, match="expected a whole number of notes"):
        OpenBook(reader, k)
    with pytest.raises(cl.CourseError, match="expected a whole number of notes"):
        NotedExamples(4, 2, k=k)


@pytest.mark.parametrize("above", [-0.1, 1.0, 2])
def test_a_score_out_of_reach_gets_one_sentence(reader, above):
    with pytest.raises(cl.CourseError, match="expected a score from 0 up to 1"):
        OpenBook(reader, above=above)


def test_questions_of_a_wrong_kind_get_one_sentence(reader):
    stream = cl.split_digits("class", 2)
    with pytest.raises(cl.CourseError, match="The stream is of vectors and the learner reads tok"):
        cl.run(OpenBook(reader), stream)
    with pytest.raises(cl.CourseError, match="The stream is of tokens"):
        cl.run(cl.GradientLearner(cl.mlp(4, 5, 117, seeds=2)), WORLD.stream(a=WORLD.facts()))
    with pytest.raises(cl.CourseError, match="outside 0 … 116"):
        OpenBook(reader).observe(*Facts(WORLD.facts().x + 200, WORLD.facts().y))
