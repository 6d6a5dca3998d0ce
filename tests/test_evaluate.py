"""run: the accuracy matrix, the first pass and the bill are what they say."""

from dataclasses import replace

import pytest
import torch

import clcourse as cl


class Diary:
    """A learner that writes down what happens to it and answers by a fixed rule."""

    accepts, needs_boundaries, changes = ("vectors",), False, ()

    def __init__(self, seeds, classes=10):
        self.seeds, self.classes, self.events = cl.lane_ids(seeds), classes, []

    def observe(self, x, y, allowed=None):
        self.events.append(("observe", x.clone(), y.clone(), allowed))
        return self.predict(x)

    def predict(self, x, allowed=None):
        """Always the class of the last batch's first example."""
        batches = [event for event in self.events if event[0] == "observe"]
        logits = torch.zeros(*x.shape[:2], self.classes)
        for lane in range(len(self.seeds)):
            logits[lane, :, batches[-1][2][lane, 0] if batches else 0] = 1
        return logits

    def consolidate(self, experience):
        self.events.append(("consolidate", experience))

    def rest(self, steps):
        self.events.append(("rest", steps))

    def memory_bytes(self):
        return 42


def test_every_example_is_shown_once_an_epoch_in_a_fresh_order():
    stream = cl.split_digits(seeds=2)
    history = cl.run(Diary(2), stream, epochs=3, batch_size=100)
    shown = [event for event in history.learner.events if event[0] == "observe"]
    assert len(shown) == 5 * 3 * 3 and history.cost.steps == 45
    assert history.cost.examples == 5 * 3 * 256 and history.cost.stored_bytes == 42
    for lane in range(2):
        epochs = [torch.cat([event[1][lane] for event in shown[i : i + 3]]) for i in (0, 3, 6)]
        for epoch in epochs:
            assert sorted(epoch.tolist()) == sorted(stream[0].x[lane].tolist())
        assert not torch.equal(epochs[0], epochs[1])


def test_the_matrix_says_what_was_right_after_each_experience():
    stream = cl.split_digits(seeds=3)
    history = cl.run(Diary(3), stream, epochs=1)
    events = [event for event in history.learner.events if event[0] == "observe"]
    for lane in range(3):
        for i in range(5):
            answer = events[8 * (i + 1) - 1][2][lane, 0]
            for j in range(5):
                right = (stream[j].y_test[lane] == answer).float().mean()
                assert history.accuracy[lane, i, j] == right
        assert history.before[lane, 0] == (stream[0].y_test[lane] == 0).float().mean()


def test_online_accuracy_covers_the_first_pass_only():
    history = cl.run(Diary(2), cl.split_digits(seeds=2), epochs=4, batch_size=64)
    assert history.online.shape == history.loss.shape == (2, 5 * 4)


def test_boundaries_and_rest():
    stream = cl.split_digits(seeds=2)
    told = cl.run(Diary(2), stream, epochs=1, rest=7)
    marks = [event for event in told.learner.events if event[0] != "observe"]
    assert [event[0] for event in marks] == ["consolidate", "rest"] * 5
    assert marks[1][1] == 7 and told.awake.shape == told.accuracy.shape
    lesson = marks[2][1]
    assert lesson.x_test is None and lesson.x_val is None and torch.equal(lesson.x, stream[1].x)
    untold = cl.run(Diary(2), stream, epochs=1, boundaries=False)
    assert untold.awake is None
    assert all(event[0] == "observe" for event in untold.learner.events)


def test_a_shared_stream_reaches_the_learner_with_its_lane_axis():
    history = cl.run(Diary(3), cl.split_digits("task"), epochs=1)
    first = history.learner.events[0]
    assert first[1].shape == (3, 32, 64) and first[3].shape == (3, 10)
    assert not torch.equal(first[1][0], first[1][1])  # each lane in its own order
    assert history.learner.events[8][1].x.shape == (3, 256, 64)


def test_validation_is_another_question_than_test():
    stream = cl.split_digits(seeds=2)
    wrong = [replace(one, y_val=(one.y_val + 1) % 10) for one in stream]
    learner = cl.GradientLearner(cl.mlp(64, 20, 10, seeds=2))
    assert cl.run(learner, wrong).accuracy[:, 0, 0].min() > 0.9
    assert cl.run(learner, wrong, held_out="validation").accuracy[:, 0, 0].max() < 0.1


def test_a_history_comes_back_from_disk(tmp_path):
    history = cl.run(
        cl.GradientLearner(cl.mlp(64, 5, 10, seeds=[3, 8])),
        cl.split_digits(seeds=[3, 8]),
        epochs=1,
        rest=1,
    )
    history.save(tmp_path / "a.safetensors")
    back = cl.History.load(tmp_path / "a.safetensors")
    for name in ("accuracy", "before", "online", "loss", "awake"):
        assert torch.equal(getattr(history, name), getattr(back, name))
    assert (back.names, back.seeds, back.cost) == (history.names, history.seeds, history.cost)
    assert back.learner is None and list(tmp_path.iterdir()) == [tmp_path / "a.safetensors"]
    (tmp_path / "b").write_bytes(b"something else")
    for missing in ("b", "c"):
        with pytest.raises(cl.CourseError, match="run the experiment again"):
            cl.History.load(tmp_path / missing)


def test_the_table_shows_accuracy_forgetting_and_cost():
    history = cl.run(cl.GradientLearner(cl.mlp(64, 20, 10, seeds=2)), cl.split_digits(seeds=2))
    rows = history.table().rows
    assert rows["average accuracy"] == str(cl.estimate(cl.average_accuracy(history.accuracy)))
    assert rows["forgetting"] == str(cl.estimate(cl.forgetting(history.accuracy)))
    assert rows["steps"] == "400" and rows["examples shown"] == "12800"
    assert "| steps | 400 |" in history.table()._repr_markdown_()
    alone = cl.run(Diary([4]), cl.split_digits(seeds=[4])).table().rows
    assert alone["average accuracy"].endswith("(one lane)")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"epochs": 0}, "epochs=0"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"batch_size": 2.5}, "batch_size=2.5"),
        ({"rest": -1}, "rest=-1"),
        ({"held_out": "train"}, "'test' or 'validation'"),
        ({"learner": cl.mlp(64, 10)}, "cl.GradientLearner(network)"),
        ({"learner": cl.GradientLearner(cl.mlp(64, 10, seeds=3))}, "same seeds="),
        ({"learner": cl.GradientLearner(cl.mlp(32, 10, seeds=2))}, "try mlp(64, 100, 10)"),
        ({"learner": cl.GradientLearner(cl.mlp(64, 4, seeds=2))}, "4 outputs"),
        ({"stream": []}, "at least one Experience"),
    ],
)
def test_bad_input_gets_one_sentence_before_anything_runs(change, words):
    arguments = {
        "learner": cl.GradientLearner(cl.mlp(64, 10, seeds=2)),
        "stream": cl.split_digits(seeds=2),
    } | change
    with pytest.raises(cl.CourseError) as caught:
        cl.run(**arguments)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_a_learner_that_needs_boundaries_says_so():
    learner = Diary(2)
    learner.needs_boundaries = True
    with pytest.raises(cl.CourseError, match="boundaries=True"):
        cl.run(learner, cl.split_digits(seeds=2), boundaries=False)


def test_one_class_is_no_stream():
    lonely = [cl.Experience("e", torch.rand(2, 5, 3), torch.zeros(2, 5).long())]
    with pytest.raises(cl.CourseError, match="2 classes"):
        cl.run(Diary(2), lonely)


def test_the_ten_lines_of_the_readme_forget_and_remember():
    stream = cl.split_digits(seeds=20)
    forgetful = cl.GradientLearner(cl.mlp(64, 100, 10, seeds=20), lr=0.1)
    rehearsing = cl.GradientLearner(cl.mlp(64, 100, 10, seeds=20), lr=0.1, replay=cl.Reservoir(200))
    before, after = cl.run(forgetful, stream), cl.run(rehearsing, stream)
    assert cl.estimate(cl.average_accuracy(before.accuracy)).high < 0.25
    assert cl.estimate(cl.backward_transfer(before.accuracy)).high < -0.95
    gain = cl.paired(cl.average_accuracy(after.accuracy), cl.average_accuracy(before.accuracy))
    assert gain.low > 0.5
