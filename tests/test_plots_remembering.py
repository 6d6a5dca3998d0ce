"""The figure of what is answered after a change says what it was given, and cuts nothing."""

import numpy as np
import pytest

from clcourse import plots
from clcourse.errors import CourseError
from clcourse.plots import remembering
from clcourse.plots.labels import colliding_labels, cut_labels


def answers(new: float, old: float) -> dict:
    return {"new": np.array([new - 0.01, new + 0.01]), "old": np.array([old - 0.01, old + 0.01])}


FOUND = {
    "after one showing": {"MAG": answers(0.93, 0.05), "no error correction": answers(0.48, 0.40),
                          "full attention, no places": answers(0.49, 0.51)},
    "after seven": {"MAG": answers(0.31, 0.68), "no error correction": answers(0.01, 0.97),
                    "full attention, no places": answers(0.03, 0.97)},
}  # fmt: skip


@pytest.mark.parametrize("far", [False, True])
def test_no_label_is_cut_or_covered(far):
    with plots.talk(far):
        figure = remembering.after_a_change(FOUND, chance=0.0625, title="A value changes")
        assert not cut_labels(figure) and not colliding_labels(figure)


def test_it_says_both_shares_and_draws_them_in_their_row():
    figure = remembering.after_a_change(FOUND, chance=0.0625)
    assert "After seven: MAG 0.31 [0.18, 0.44] the new value and 0.68" in figure.sentence
    assert "of 2 seeds" in figure.sentence and "Chance is 0.06." in figure.sentence
    last = figure.picture.axes[1]
    marks = {kind: [float(line.get_xdata()[0]) for line in last.lines
                    if line.get_marker() == shape] for kind, shape in (("new", "o"), ("old", "s"))}
    assert marks["new"] == pytest.approx([0.31, 0.01, 0.03])
    assert marks["old"] == pytest.approx([0.68, 0.97, 0.97])


@pytest.mark.parametrize(
    ("found", "says"),
    [
        ({}, "0 entries"),
        ({"after": {"MAG": [0.5]}}, "has other answers"),
        ({"a": {"MAG": answers(1, 0)}, "b": {"MAL": answers(1, 0)}}, "other networks"),
    ],
)
def test_bad_input_gets_one_sentence(found, says):
    with pytest.raises(CourseError, match=says) as caught:
        remembering.after_a_change(found, chance=0.06)
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")
