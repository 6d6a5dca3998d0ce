"""Every number that a sentence of a lesson quotes comes out of the stored study or printed table.

A row is a piece of a sentence, with a hole for each number, and what computes these numbers.
"""

import re

import numpy as np
import pytest
from lessons import NOTEBOOKS, number, read

import clcourse as cl
from clcourse import results
from clcourse.plots import lesson_02 as plots


def plain(text: str) -> str:
    """One line without emphasis, and .5 for 0.5: line breaks and habits of writing may differ."""
    return re.sub(r"(?<![\d.])0\.(?=\d)", ".", " ".join(text.replace("*", "").split()))


def prose(lesson: str) -> str:
    """The markdown of a lesson, as plain text."""
    (path,) = (one for one in NOTEBOOKS if number(one) == lesson)
    cells = read(path).cells
    return plain("\n".join(cell.source for cell in cells if cell.cell_type == "markdown"))


def says(lesson: str, sentence: str, numbers: list) -> None:
    """The lesson has the sentence, once, with these numbers in its holes."""
    expected = plain(sentence.format(*(worded(one) for one in numbers)))
    found = len(re.findall(rf"(?<![\w.]){re.escape(expected)}(?![\w\]])", prose(lesson)))
    assert found == 1, f"lesson {lesson} has {found} times: {expected}"


def worded(value) -> str:
    """As lessons write it: two decimals, counts as they are, "nothing" for what rounds to zero."""
    if isinstance(value, (float, np.floating)):
        return "nothing" if abs(value) < 0.005 else f"{value:.2f}"
    return str(value)


# -- lesson 01 --


def drift(target, way, what="old", world="scrambled"):
    """The measure of every lane where the new skill reaches the target, at the rate chosen."""
    found = results.load("01_drift")["worlds"][world][str(target)][way]
    return np.array(found["by lr"][str(found["lr"])][what])


def more(target, way, other, world="scrambled"):
    """How much more of the old skill one way keeps than another."""
    return cl.paired(drift(target, way, world=world), drift(target, other, world=world))


def base(what, world="scrambled"):
    """The mean of a skill before any tuning."""
    return np.mean(results.load("01_drift")["worlds"][world]["base"][what])


def arrived(target, way):
    """How many lanes reach the target, at the rate that brings most there."""
    rates = results.load("01_drift")["worlds"]["scrambled"][str(target)][way]["by lr"].values()
    return max(sum(lane is not None for lane in one["old"]) for one in rates)


def unmoved(target, world="scrambled"):
    """How many lanes are there before the first step: the same for every way."""
    (count,) = {int((drift(target, way, "step", world) == 0).sum()) for way in ("taught", "own")}
    return count


def setting(name, study="01_drift"):
    """What the study was made with."""
    return results.load(study)["settings"][name]


SURE, MANY = "0.8, most probable", "scrambled, 100 shown"
LESSON_01 = [
    ("The base names {} of the old digits", lambda: [base("old")]),
    ("best of {}, {} and {} that", lambda: [str(lr) for lr in setting("lr")]),
    ("within {} steps: the one that kept", lambda: [setting("steps")]),
    ("on other lanes ({} to {})", lambda: [setting("seeds_for_choosing")[k] for k in (0, -1)]),
    ("*least* likely for each picture leaves {} of", lambda: [cl.estimate(drift(0.8, "least"))]),
    ("the teacher leaves {} and own answers {} (stored study)",
     lambda: [drift(SURE, way).mean() for way in ("taught", "own")]),
    ("the gap is about half as large, {}, and", lambda: [more(SURE, "own", "taught")]),
    ("(At 0.75, {} of the 20 networks are there", lambda: [unmoved(0.75)]),
    ("At 0.85 its own answers, too, cost more than the nearest right ones, and they drift further: "
     "{} against {} nats", lambda: [drift(0.85, way, "forward").mean()
                                    for way in ("own", "nearest")]),
    ("at 0.80 they keep {} more on scrambled", lambda: [more(0.8, "uniform", "own")]),
    ("and {} less on mirrored", lambda: [more(0.8, "own", "uniform", "turned")]),
    ("At 0.90 its own answers bring {} of the 20", lambda: [arrived(0.9, "own")]),
    ("the nearest ones bring {}", lambda: [arrived(0.9, "nearest")]),
    ("has seen 100 scrambled pictures starts at {}", lambda: [base("new", MANY)]),
    ("At a target of 0.80, {} of 20 networks need no step", lambda: [unmoved(0.8, MANY)]),
    ("own answers keep {} more than the teacher's", lambda: [more(0.8, "own", "taught", MANY)]),
    ("At 0.85 it is {}", lambda: [more(0.85, "own", "taught", MANY)]),
]


@pytest.mark.parametrize(("sentence", "numbers"), LESSON_01, ids=[row[0] for row in LESSON_01])
def test_lesson_01_quotes_what_was_stored(sentence, numbers):
    says("01", sentence, numbers())


# -- lesson 02 --


def curve(width, lr, question, step):
    """The share right, mean over the lanes, after so many steps on 2 and 3."""
    return plots.Curve(results.load("02_curve")).lanes(width, lr, question)[:, step].mean()


def when_new(share, lr, width=100):
    """What is left of the old on the first step on which the mean of the new reaches a share."""
    study = plots.Curve(results.load("02_curve"))
    step = (study.lanes(width, lr, "new").mean(axis=0) >= share).argmax()
    assert step > 0
    return curve(width, lr, "untold", step)


def left(first, lr, share=5):
    """What each lane has left of the old list once it knows the new one."""
    return results.load("02_lists")[first][str(share)][str(lr)]["old when new is known"]


def every(what):
    """The mean of a measure of the two lists, in every setting."""
    study = results.load("02_lists")
    return [np.mean(one[what]) for first in ("just learnt", "overlearnt")
            for rates in study[first].values() for one in rates.values()]


def told():
    """The lowest mean of the old list when the network is told, whenever it was asked."""
    return min(every("old, told, when new is known") + every("old, told, at the end"))


def wider(measure, lr, than):
    """1000 hidden units minus fewer."""
    study = results.load("02_scale")["width"]
    return cl.paired(study["1000"][str(lr)][measure], study[str(than)][str(lr)][measure])


def narrowest():
    """The first width that learns every task and all together at rate 1, on the lanes to choose."""
    return min(int(width) for width, rates in results.load("02_parity")["width"].items()
               if np.mean(rates["1.0"]["learnt"]) >= 0.99
               and np.mean(rates["1.0"]["joint"]) >= 0.95)


def percent(share):
    """A share in whole percent."""
    return round(100 * share)


PEOPLE_LEFT = plots.PEOPLE["old list"][1]
LESSON_02 = [
    ("0 and 1 keep {} at learning rate 0.03, {} at 0.1, and {} at 0.3",
     lambda: [when_new(0.9, lr) for lr in (0.03, 0.1, 0.3)]),
    ("300 units at 0.01, has {} of the old and {} of the new after 40 steps",
     lambda: [curve(300, 0.01, question, 40) for question in ("untold", "new")]),
    ("at 0.03 the old digits go on falling, to {} with 100 units",
     lambda: [curve(100, 0.03, "untold", 40)]),
    ("at learning rate 0.03 the first would hold in part only ({})",
     lambda: [curve(100, 0.03, "untold", 0) - curve(100, 0.03, "untold", 18)]),
    ("at 0.01 {} is lost in 18 steps",
     lambda: [curve(100, 0.01, "untold", 0) - curve(100, 0.01, "untold", 18)]),
    ("After 20 trials on the new list people still gave {} %", lambda: [percent(PEOPLE_LEFT[-1])]),
    ("people enter as one number, {},", lambda: [PEOPLE_LEFT[-1]]),
    ("in all {} settings that we tried", lambda: [len(every("trials"))]),
    ("at most {} % of the old list was left after {} trials",
     lambda: [percent(max(every("old at the end"))), setting("trials", "02_lists")]),
    ("knows {} % of the new list", lambda: [percent(setting("known", "02_lists"))]),
    ("With 5 shared units and learning rate 0.3 it is {} after a first list just learnt, and {} "
     "when", lambda: [cl.estimate(left(first, 0.3)) for first in ("just learnt", "overlearnt")]),
    ("at learning rate 1 it is {} in both cases",
     lambda: [max(np.mean(left(first, 1.0)) for first in ("just learnt", "overlearnt"))]),
    ("Told, at least {} was left", lambda: [told()]),
    ("the sign turns round (+{}:", lambda: [wider("forgetting", 0.03, than=10)]),
    ("at 0.3 between 30 and 1000 units ({} apart)", lambda: [wider("learnt", 0.3, than=30).value]),
    ("{} units at learning rate 1 were chosen on other seeds", lambda: [narrowest()]),
]


@pytest.mark.parametrize(("sentence", "numbers"), LESSON_02, ids=[row[0] for row in LESSON_02])
def test_lesson_02_quotes_what_was_stored(sentence, numbers):
    says("02", sentence, numbers())


def test_the_printed_curves_of_1959_and_1989_are_as_they_were_read_off():
    """In percent: trials on the second list, right on the first list, right on the second."""
    people = [(0, 100, 0), (1, 85, 41), (5, 67, 77), (10, 62, 90), (20, 52, 92)]
    network = [(0, 100, 0), (5, 0, 0), (10, 0, 17), (15, 0, 45), (20, 0, 52), (50, 0, 97)]
    for table, printed in ((plots.PEOPLE, people), (plots.FIRST_NETWORK, network)):
        trials, old, new = zip(*printed, strict=True)
        for name, shares in (("old list", old), ("new list", new)):
            assert table[name][0] == list(trials)
            assert table[name][1] == [share / 100 for share in shares]
