"""Every number that a sentence of a lesson quotes comes out of the stored study or printed table.

A row is a piece of a sentence, with a hole for each number, and what computes these numbers.
"""

import re

import numpy as np
import pytest
from lessons import NOTEBOOKS, number, read

import clcourse as cl
from clcourse import results
from clcourse.explore import lesson_09 as explorer_09
from clcourse.plots import (
    adapter_effects,
    amnesia,
    chains,
    equal_bytes,
    fading,
    fast_and_slow,
    frequency,
    hope,
    in_context,
    lesson_05,
    lesson_07,
    lesson_09,
    lesson_10,
    memory_effects,
    nested_paper,
    workarounds,
)
from clcourse.plots import lesson_02 as plots
from clcourse.plots.reading import minus, whole


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


# -- lesson 03 --


def nights_lead(setting, than):
    """How far nights with a box are ahead of a control, at one setting of the shoebox."""
    found = results.load("03_shoebox")[setting]
    return cl.paired(found["nights"], found[than])


def ahead(setting):
    """How far a look-up in the box is ahead of the nights."""
    found = results.load("03_shoebox")[setting]
    return cl.paired(found["look-up"], found["nights"])


def finely(one):
    """With three decimals."""
    return f"{one.value:.3f} [{one.low:.3f}, {one.high:.3f}]"


def of_the_list(*keys, which="old list", trial=None):
    """The share of a list, as a mean with its interval; counts where a trial is named."""
    found = results.load("03_lists")
    for key in keys:
        found = found[key]
    lanes = found[which] if trial is None else np.array(found[which])[:, trial] / 8
    return cl.estimate(lanes)


def in_common():
    """Context units that the two lists share for the same cue, after the swap."""
    old, new = (one.x[..., 80:] for one in cl.sleep.drifting_lists(share=5, drift=2, seeds=20))
    return f"{(old * new).sum(dim=2).mean():.1f}"


def wings(name, when):
    """How active "has wings" is for the penguin, in subjects that were asked."""
    found = results.load("03_penguin")[name][when]
    return cl.estimate([one for one in found if one is not None])


def lead(decay, steps):
    """Memories two weeks old and older minus those of the last three days."""
    found = results.load("03_nights")["cortex alone"][str(decay)][str(steps)]
    return cl.estimate(amnesia.spared(amnesia.stored(found)))


def lead_in(setting):
    """The same for a panel of the figure."""
    (table,) = (one for name, one in amnesia.settings(results.load("03_nights")).items()
                if name.startswith(setting))
    return cl.estimate(amnesia.spared(table))


def shares_in(setting, *ages):
    """Mean shares right in a panel of the figure, by range of ages."""
    (table,) = (one for name, one in amnesia.settings(results.load("03_nights")).items()
                if name.startswith(setting))
    return [amnesia.by_age(table)[:, slice(*some)].mean() for some in ages]


def around(setting):
    """Old minus new in the grid."""
    found = results.load("03_nights")["grid"][setting]
    return cl.paired(found["older than two weeks"], found["last three days"])


def cost_of_sleep(count):
    """Error at the end of sleep minus that at the honest stop, with so many episodes."""
    found = results.load("03_teacher")["episodes"][str(count)]
    return cl.paired(found["to the end"], found["held out"])


def kept_list(name):
    """The share of the old list that each subject keeps after the last trial."""
    return np.array(results.load("03_lists")[name]["old list"])[:, -1] / 8


def bird(name, lr, way, what="base"):
    """A mean over lanes when the new bird is known."""
    mean = np.mean(results.load("03_penguin")[name][str(lr)][way][what])
    return round(mean) if what == "epochs" else mean


def remembered(decay, steps, ages, left="cortex alone"):
    """The mean share right on day 30, from the first age in days to before the second."""
    found = results.load("03_nights")[left][str(decay)]
    counts = found if left == "hippocampus alone" else found[str(steps)]
    return amnesia.by_age(amnesia.stored(counts))[:, slice(*ages)].mean()


def stopped(store, ratio, when):
    """The error on new episodes at a stopping point."""
    return cl.estimate(results.load("03_teacher")[store][ratio][when])


NEW, OLD = (0, 3), (14, 30)
BOX = "lanes {}, box {}, rate {}, 80 steps".format
LESSON_03 = [
    ("it is {} here and {} on 20 other lanes. With 50 pictures in the box there is none: {}. It is "
     "large only at a small learning rate: {} at 0.03, and {} at 0.3.",
     lambda: [finely(nights_lead(BOX(*one), "days")) for one in (
         ("0-19", 200, 0.1), ("200-219", 200, 0.1), ("0-19", 50, 0.1), ("0-19", 200, 0.03),
         ("0-19", 200, 0.3))]),
    ("mixed from the start, it reads {}.",
     lambda: [cl.estimate(results.load("03_shoebox")["all mixed"]["0.1"])]),
    ("and {} of the old list is left after five trials without a gate, {} after twenty.",
     lambda: [of_the_list("weights with limits, no gate", "unrelated contexts", trial=trial)
              for trial in (5, 20)]),
    ("of the old list {} is left after five trials and {} after twenty.",
     lambda: [of_the_list("redrawn", "0 1.0 5 0.9"),
              of_the_list("redrawn", "0 1.0 20 0.9").value]),
    ("with the swap drawn anew at each showing {} is left; with a gate that lets seven tenths pass "
     "for known, {}.", lambda: [of_the_list("redrawn", "5 0.5 20 0.9").value,
                                of_the_list("redrawn", "5 0.5 20 0.7")]),
    ("the cortex alone still knows all of it, and the hippocampus {}.",
     lambda: [of_the_list("list told").value]),
    ("ahead of the nights by {} here and by {} with 50 pictures",
     lambda: [ahead(BOX("0-19", 200, 0.1)), ahead(BOX("0-19", 50, 0.1))]),
    ("of {} settings (and", lambda: [len(results.load("03_lists")["grid"])]),
    ("on subjects {} to {}. It has", lambda: [setting("seeds_for_choosing", "03_lists")[k]
                                              for k in (0, -1)]),
    ("It has {} of 8 context units in common before the swap, {} after it, and a chance of {}.",
     lambda: [results.load("03_lists")["chosen"]["share"], in_common(),
              str(results.load("03_lists")["chosen"]["chance"])]),
    ("the hippocampus keeps, at the end, {}, and these 20",
     lambda: [cl.estimate(kept_list("gate"))]),
    ("Twenty further subjects keep {}; people kept {}.",
     lambda: [cl.estimate(kept_list("other subjects")), PEOPLE_LEFT[-1]]),
    ("{} of 20 keep nothing, {} keep seven or eight words of eight",
     lambda: [(kept_list("gate") == 0).sum(), (kept_list("gate") >= 7 / 8).sum()]),
    ("{} episodes, without any cue", lambda: [setting("dreams", "03_lists")]),
    ("focused teaching has left {} of the old facts exact, interleaved {}.",
     lambda: [bird("penguin", 0.1, way) for way in ("focused", "interleaved")]),
    ("thought to fly with {} only, interleaved with {}.",
     lambda: [bird("penguin", 0.1, way, "flies") for way in ("focused", "interleaved")]),
    ("{} epochs on average instead of {},",
     lambda: [bird("penguin", 0.1, way, "epochs") for way in ("interleaved", "focused")]),
    ("drawn at random, do as well: {}.", lambda: [bird("penguin", 0.1, "half of the base")]),
    ("at half the learning rate ({} against {}) and at twice ({} against {})",
     lambda: [bird("penguin", lr, way) for lr in (0.05, 0.2)
              for way in ("focused", "interleaved")]),
    ("Focused, it leaves {} of the old facts exact", lambda: [bird("sparrow", 0.1, "focused")]),
    ("about what things can do {} stay exact; of their names (ISA) only {}.",
     lambda: [bird("penguin", 0.1, "focused", what) for what in ("can", "ISA")]),
    ("as many names ({} stay: other birds are now called sparrows), and fewer of the things that "
     "others can do ({})",
     lambda: [bird("sparrow", 0.1, "focused", what) for what in ("ISA", "can")]),
    ("has wings, with {}; before, with {}.",
     lambda: [wings("a penguin is a bird", when) for when in ("wings", "before")]),
    ("(Above one half in {} of 20 subjects.", lambda: [
        sum(one > 0.5 for one in results.load("03_penguin")["a penguin is a bird"]["wings"])]),
    ("Of 20 others {} learnt the name in time: {}.)", lambda: [
        wings("a penguin is a bird, other subjects", "wings").n,
        wings("a penguin is a bird, other subjects", "wings")]),
    ("the robin still flies ({})", lambda: [bird("sparrow", 0.1, "focused", "flies")]),
    ("among {} that we tried", lambda: [setting("settings_tried", "03_nights")]),
    ("with a grid of {} settings", lambda: [len(results.load("03_nights")["grid"])]),
    ("its {} steps show {} replays of {} episodes", lambda: [
        setting("chosen", "03_nights")["steps"], 32 * setting("chosen", "03_nights")["steps"],
        setting("days", "03_nights") * setting("each", "03_nights")]),
    ("new memories are at {} and old ones at {}: a gradient, by {}, and by {} in 20 other "
     "subjects.",
     lambda: [*(remembered(0.005, 8, ages) for ages in (NEW, OLD)), lead(0.005, 8),
              amnesia.contrasts()["others"]]),
    ("the curve rises within four days to {},", lambda: shares_in("chosen", (4, 7))),
    ("Twice as fast is enough to remove it: {} (subjects 100 to 105)",
     lambda: [around("0.01 0.1 8")]),
    ("{} at the same rate, {} at a third of it, as in the panel.",
     lambda: [lead(0.005, 20), lead_in("rate 0.03")]),
    ("are well known (old {}, new {})", lambda: shares_in("rate 0.3", OLD, NEW)),
    ("old memories are at {} and new ones at {}.", lambda: shares_in("Adam", OLD, NEW)),
    ("On day 3 all is new: {} with slow fading", lambda: [amnesia.by_age(amnesia.stored(
        results.load("03_nights")["cortex alone"]["0.005"]["8"]), 2).mean()]),
    ("the last three days are at {}. With traces", lambda: [remembered(0.005, 20, NEW)]),
    ("oldest memories go as well ({}, after {} for the newest days)",
     lambda: [remembered(0.02, 8, ages) for ages in (OLD, NEW)]),
    ("{} for the last three days, {} from two weeks on",
     lambda: [remembered(0.0, 2, ages) for ages in (NEW, OLD)]),
    ("its traces fade fast, {} of those",
     lambda: [remembered(0.02, 0, OLD, left="hippocampus alone")]),
    ("{} to the end, {} when held-out episodes say stop, {} with the oracle",
     lambda: [stopped("shoebox", "1.0", one)
              for one in ("to the end", "held out", "best in hindsight")]),
    ("beside an honest stop (below), {} with 50 episodes, {} with 100, {} with 200, and nothing "
     "with 400: {}.", lambda: [cost_of_sleep(count) for count in (50, 100, 200, 400)]),
    ("the stored episodes err by {} (the most similar) and {} (the mean of ten).",
     lambda: [stopped("shoebox", "1.0", one) for one in ("look-up", "mean of ten")]),
    ("the honest error is {}. Replay all 125 to the end, and it is {}.",
     lambda: [stopped("shoebox", "1.0", one) for one in ("75, held out", "125 to the end")]),
    ("chosen with the 25) errs by {} at a ratio of 1.",
     lambda: [stopped("shoebox", "1.0", "ridge, held out")]),
    ("at a ratio of 16 the 125 win: {} against {}.",
     lambda: [stopped("shoebox", "16.0", one) for one in ("125 to the end", "held out")]),
    ("no better than never to have slept ({},", lambda: [stopped("shoebox", "0.05", "held out")]),
    ("gives the same picture ({} and {})",
     lambda: [stopped("notebook", "1.0", one) for one in ("to the end", "held out")]),
]


@pytest.mark.parametrize(("sentence", "numbers"), LESSON_03, ids=[row[0] for row in LESSON_03])
def test_lesson_03_quotes_what_was_stored(sentence, numbers):
    says("03", sentence, numbers())


# -- lesson 04 --


def completed(who, load, kept, measure):
    """What a cue of so many units brings back, or finds."""
    found = results.load("04_completion")["completion"]
    return np.mean(found[who][str(load)][str(kept)][measure])


def likened(shared, who):
    """Found from half a cue among variations that share so many units with a prototype."""
    similar = results.load("04_completion")["similar"]
    return np.mean(similar[str(shared)][who]["12"]["identified"])


def varied(shared, who, what, kept=None):
    """A measure of a store with variations of prototypes, or of what cues bring back."""
    one = results.load("04_completion")["similar"][str(shared)][who]
    return np.mean(one[what] if kept is None else one[str(kept)][what])


def shared_units():
    """How much two variations of a prototype have in common."""
    similar = results.load("04_completion")["similar"]
    return [np.mean(one["in common"]) for one in similar.values()]


def chosen_active():
    """How many CA3 units should be active without DG, chosen on other lanes: 480, then 1600."""
    chosen = results.load("04_completion")["chosen"]
    return [chosen[who]["best"] for who in ("no DG, 480", "no DG, 1600")]


def megabytes(units):
    """What the five matrices take with so many CA3 units."""
    bytes_ = cl.Hippocampus(ca3=(units, 16)).memory_bytes()
    return f"{bytes_ / 1e6:.1f}"


def apart_in(region):
    """What two episodes that share half of their units share there."""
    return np.mean(results.load("04_separation")["by likeness"][region]["12"])


def beyond_chance():
    """Half shared: (shared - a)/(1 - a) for EC and each region."""
    active = {"half of the units win": 0.5, "CA1": 0.1, "CA3 without DG": 16 / 480,
              "DG": 0.01, "CA3": 16 / 480}
    return [(0.5 - 0.1) / 0.9] + [(apart_in(name) - a) / (1 - a) for name, a in active.items()]


def one_subject():
    """The most by which the gauge is off for a single subject."""
    found = results.load("04_completion")["gauge"].values()
    return max(np.abs(np.array(one["sound"]) - np.array(one["valid"])).max() for one in found)


def counted():
    """What a counter says at 100 episodes that was told the truth of other subjects."""
    return np.mean(results.load("04_completion")["other lanes"]["gauge"]["100"]["valid"])


def gauge_beats_counter(shared):
    """How much nearer to the truth the gauge is than the counter, with 100 variations."""
    one = results.load("04_completion")["similar"][str(shared)]["whole"]
    sound, valid = np.array(one["sound"]), np.array(one["valid"])
    return (np.abs(counted() - valid) - np.abs(sound - valid)).mean()


def two_minus_one(corrected=""):
    """Two averages minus one, lane by lane."""
    found = results.load("04_averages")["found"]["50"]["10"]
    return cl.paired(*(found[f"{one}{corrected}"]["accuracy"]
                       for one in ("two averages", "one average")))


def filled(load, measure):
    """What the gauge, the list, or half a cue says of a store with so many episodes."""
    return np.mean(results.load("04_completion")["gauge"][str(load)][measure])


def furthest():
    """The largest difference between the gauge and the truth, of means."""
    loads = results.load("04_completion")["settings"]["gauge_loads"]
    return max(abs(filled(load, "sound") - filled(load, "valid")) for load in loads)


def drowned(measure):
    """One of fifty episodes was stored thirty times."""
    return np.mean(results.load("04_completion")["one drowns the rest"][measure])


def held(share, measure):
    """Recurrence with that share of the cue's drive: 200 episodes, a quarter cue."""
    return np.mean(results.load("04_recurrence")["found"]["200"]["6"][share][measure])


def most_gained():
    """The most that recurrence ever adds to identification."""
    found = results.load("04_recurrence")["found"]
    return max(np.mean(one[share]["identified"]) - np.mean(one["none"]["identified"])
               for load in found.values() for one in load.values() for share in one)


def fits(what, size, measure):
    """The capacity of dense or sparse networks."""
    return np.mean(results.load("04_capacity")[what][str(size)][measure])


def sparsity():
    """The study behind the explorer."""
    return cl.plots.sparsity.sparsity_study()


def of_digits(use, M, one, what="right"):
    """A measure of the buffer or the hippocampus, one number a lane."""
    return np.array(results.load("04_digits")[use][str(M)][one][what])


def apart():
    """The largest difference of the means of the two stores with 50 or 100 episodes."""
    return max(abs(of_digits(use, M, "buffer").mean() - of_digits(use, M, "hippocampus").mean())
               for use in ("asleep", "awake") for M in (50, 100))


def averaged(name, memory=50, epochs=10):
    """The accuracy of a way of learning, with or without averages of the weights."""
    found = results.load("04_averages")["found"][str(memory)][str(epochs)]
    return np.mean(found[name]["accuracy"])


def thousandths(share):
    """ ".138". """
    return f"{share:.3f}".lstrip("0")


LESSON_04 = [
    ("In a code in which half of the units win they share more than they did, {}.",
     lambda: [apart_in("half of the units win")]),
    ("they share {} in EC, {} where half of the units win, {} in CA1, {} in CA3 without DG, {} in "
     "DG and {} in CA3", lambda: beyond_chance()),
    ("in the stored study these share {}",
     lambda: [np.mean(results.load("04_separation")["by activity"]["80"])]),
    ("half a cue brings back {} of an episode when 200 are in, not {}.",
     lambda: [completed(who, 200, 12, "fidelity") for who in ("not solved", "whole")]),
    ("a sixteenth of the bytes (230 KB against {} MB)", lambda: [megabytes(480)]),
    ("one matrix brings back {} of an episode with 100 stored, the circuit {}; with 200 {} against "
     "{}. With 400 it is the other way round, {} against {}",
     lambda: [completed(who, load, 6, "fidelity") for load in (100, 200, 400)
              for who in ("one matrix", "whole")]),
    ("one matrix identifies {}, the circuit {}.",
     lambda: [completed(who, 400, 6, "identified") for who in ("one matrix", "whole")]),
    ("as well or better from 200 on ({} against {})",
     lambda: [completed(who, 200, 6, "identified") for who in ("one matrix", "whole")]),
    ("Solved like CA1's way back it brings back {}, {} and {}.",
     lambda: [completed("one matrix, solved", load, 6, "fidelity") for load in (100, 200, 400)]),
    ("a little more from half ({} against {}), and less from a quarter ({} against {})",
     lambda: [completed(who, 400, kept, "fidelity") for kept in (12, 6)
              for who in ("whole", "no recurrence")]),
    ("even the whole episode does not bring back itself: {} of its units",
     lambda: [completed("whole", 400, 24, "fidelity")]),
    ("recurrence brings back more of it: {} against {}",
     lambda: [completed(who, 200, 6, "fidelity") for who in ("whole", "no recurrence")]),
    ("find the right one more often: {} against {}",
     lambda: [completed(who, 200, 6, "identified") for who in ("whole", "no recurrence")]),
    ("from half of the episode it identifies {}, without it {}",
     lambda: [completed(who, 400, 12, "identified") for who in ("whole", "no recurrence")]),
    ("give a fidelity of {} and identify {}; without recurrence it is {} and {}",
     lambda: [held(share, what) for share in ("3.0", "none")
              for what in ("fidelity", "identified")]),
    ("did recurrence identify more than {} more", lambda: [most_gained()]),
    ("at 100 half a cue identifies {} without DG. With 200 it is: {} against {} (and with 100 and "
     "a quarter, {} against {})",
     lambda: [completed("no DG", 100, 12, "identified")]
     + [completed(who, load, kept, "identified") for load, kept in ((200, 12), (100, 6))
        for who in ("no DG", "whole")]),
    ("then have {}, {} or {} of their units in common", shared_units),
    ("have {} in common: {} against {} identified",
     lambda: [shared_units()[1], *(likened(12, who) for who in ("whole", "no DG"))]),
    ("with {} of its 480 units active, CA3 reaches {}; as large as DG, with {} of 1600 active, {}.",
     lambda: [chosen_active()[0], likened(12, "no DG, 480"), chosen_active()[1],
              likened(12, "no DG, 1600")]),
    ("it needs {} MB of weights that learn, where the whole circuit has {}",
     lambda: [megabytes(1600), megabytes(480)]),
    ("With DG a sparser CA3 is better, too: {} with {} of 480",
     lambda: [likened(12, "whole, 480"),
              results.load("04_completion")["chosen"]["whole, 480"]["best"]]),
    ("With {} in common all of these fail ({} and {}",
     lambda: [shared_units()[2], *(likened(18, who) for who in ("whole", "no DG"))]),
    ("one matrix, solved, identifies {} of these and brings back {} of each (the circuit {})",
     lambda: [varied(18, "one matrix, solved", "identified", 12),
              varied(18, "one matrix, solved", "fidelity", 12),
              varied(18, "whole", "fidelity", 12)]),
    ("the gauge was off by up to {}", lambda: [one_subject()]),
    ("with 100 episodes 100 dreams visit {} of them, with 200 only {}",
     lambda: [filled(load, "met") for load in (100, 200)]),
    ("with their prototype it still says {}; {} are real, and the gauge says {}.",
     lambda: [counted(), varied(18, "whole", "valid"), varied(18, "whole", "sound")]),
    ("With 100 random episodes and no DG {} are real; the gauge says {}.",
     lambda: [varied(0, "no DG", "valid"), varied(0, "no DG", "sound")]),
    ("Row k falls to {} for variations", lambda: [gauge_beats_counter(12)]),
    ("half a cue still brings back {} of an episode", lambda: [filled(200, "fidelity")]),
    ("the largest difference of the means is {}", lambda: [furthest()]),
    ("With 100 episodes {} of the dreams are real, with 200 {}",
     lambda: [filled(load, "valid") for load in (100, 200)]),
    ("{} of the dreams stay sound; but half a cue now brings back only {} of an episode, where it "
     "was {}", lambda: [drowned("sound"), drowned("fidelity"), filled(50, "fidelity")]),
    ("holds {} of its units with 250, {} with 500 and {} with 1000",
     lambda: [thousandths(fits("dense", size, "share")) for size in (250, 500, 1000)]),
    ("{} patterns fit into 500 units where 2 % are active, and {} where half are",
     lambda: [round(fits("sparse", a, "patterns")) for a in (0.02, 0.5)]),
    ("constant is between {} and {}, then it falls, to {} at a half",
     lambda: [some(fits("sparse", a, "c") for a in (0.02, 0.03, 0.04, 0.05)) for some in (min, max)]
     + [fits("sparse", 0.5, "c")]),
    ("half a cue brings back {} with 4 active units, {} with 16 and {} with 64",
     lambda: [sparsity().fidelity(active, 400, 12) for active in (4, 16, 64)]),
    ("only {} of them are sound, with 16 it is {}, with 240 it is {}",
     lambda: [sparsity().sound(active, 10) for active in (4, 16, 240)]),
    ("the shoebox reaches about {} asleep", lambda: [of_digits("asleep", 200, "buffer").mean()]),
    ("With 50 or 100 episodes the means are within {} of each other", lambda: [apart()]),
    ("the shoebox is ahead, by {} asleep and {} awake",
     lambda: [cl.paired(*(of_digits(use, 200, one) for one in ("buffer", "hippocampus")))
              for use in ("asleep", "awake")]),
    ("It reaches {}, the shoebox {}.",
     lambda: [of_digits("asleep", 200, one).mean() for one in ("hippocampus", "buffer")]),
    ("After the last day only {} of its dreams are sound",
     lambda: [of_digits("asleep", 200, "hippocampus", "sound").mean()]),
    ("by recalling the label, it reaches {} with 50, {} with 100 and {} with 200",
     lambda: [of_digits("asleep", M, "hippocampus", "recall alone").mean()
              for M in (50, 100, 200)]),
    ("with all of them the shoebox reaches {}",
     lambda: [np.mean(results.load("04_digits")["equal bytes"]["asleep"]["right"])]),
    ("One bit a weight would not help: {} KB, where the examples take {} KB at",
     lambda: [results.load("04_digits")["hippocampus bytes"]["1000"] // 32000, 1280 * 200 // 8000]),
    ("Two averages beat plain replay: {} against {}",
     lambda: [averaged("two averages"), averaged("plain replay")]),
    ("bring plain replay to {}, and an average that only *looks on*, and teaches nothing, reaches "
     "{}", lambda: [averaged("plain replay, corrected"), averaged("looking on")]),
    ("Where both are corrected, {} is left",
     lambda: [cl.paired(*(results.load("04_averages")["found"]["50"]["10"][f"{one}, corrected"][
         "accuracy"] for one in ("two averages", "plain replay")))]),
    ("the same method reaches {} here, {} with 2 epochs a pair and {} with 30",
     lambda: [averaged("published constants", epochs=epochs) for epochs in (10, 2, 30)]),
    ("One average does as well as two ({} against {}; corrected {} and {})",
     lambda: [averaged(f"{one}{what}") for what in ("", ", corrected")
              for one in ("one average", "two averages")]),
    ("The gain of two over one is {}, corrected {}.",
     lambda: [two_minus_one(), two_minus_one(", corrected")]),
    ("The last beats what we tuned ({})", lambda: [averaged("two averages", epochs=30)]),
    ("nearest neighbour on the stored images has {} without any training, the averages {}, "
     "corrected {}; with 30 epochs {}.",
     lambda: [averaged(one, memory=200) for one in (
         "nearest neighbour", "two averages", "two averages, corrected")]
     + [averaged("two averages", memory=200, epochs=30)]),
]


@pytest.mark.parametrize(("sentence", "numbers"), LESSON_04, ids=[row[0] for row in LESSON_04])
def test_lesson_04_quotes_what_was_stored(sentence, numbers):
    says("04", sentence, numbers())


def test_lesson_04_names_controls_that_stand_or_fall():
    """The bare cue is always nearest; class means are no worse than the hippocampus."""
    cue = results.load("04_completion")["completion"]["the cue itself"]
    assert min(np.mean(load[kept]["identified"]) for load in cue.values()
               for kept in ("24", "12", "6")) > 0.995
    floors = results.load("04_digits")["floors"]
    for use in ("asleep", "awake"):
        for M, one in floors.items():
            assert np.mean(one["class means"]["right"]) >= of_digits(use, M, "hippocampus").mean()
    separation = results.load("04_separation")["by likeness"]
    below = {shared: np.mean(separation["CA3"][shared]) < np.mean(separation["DG"][shared])
             for shared in separation["DG"]}
    assert not below["0"] and not below["2"] and below["12"] and below["23"]


def test_lesson_04_holds_on_other_lanes():
    """Recurrence, similar episodes and the gauge, on 20 other subjects."""
    other = results.load("04_completion")["other lanes"]
    whole, without = (other["completion"][who]["200"]["6"] for who in ("whole", "no recurrence"))
    assert cl.paired(whole["fidelity"], without["fidelity"]).low > 0.05
    assert cl.paired(whole["identified"], without["identified"]).high < 0.05
    similar = (other["similar"]["12"][who]["12"]["identified"] for who in ("whole", "no DG"))
    assert cl.paired(*similar).low > 0.05
    for load, above in ((100, True), (200, True), (400, False)):
        whole, matrix = (other["completion"][who][str(load)]["6"]["fidelity"]
                         for who in ("whole", "one matrix"))
        gain = cl.paired(whole, matrix)
        assert gain.low > 0.05 if above else gain.high < -0.05
    sparse = {who: cl.paired(*(other["similar"]["12"][one]["12"]["identified"]
                               for one in ("whole", who))) for who in ("no DG, 480", "no DG, 1600")}
    assert sparse["no DG, 480"].low > 0 and sparse["no DG, 1600"].high < 0.05
    for one in other["gauge"].values():
        assert abs(np.mean(one["sound"]) - np.mean(one["valid"])) < 0.1


# -- lesson 05 --


def kept(study, *path, what="accuracy"):
    """The lanes of a stored study of lesson 05."""
    found = results.load(f"05_{study}")
    for step in path:
        found = found[step]
    return np.array(found[what])


def memory(size, kind="reservoir"):
    """The mean accuracy with a box of that size."""
    return kept("memory", kind, str(size)).mean()


def floor_of(name, scenario="class"):
    """The mean accuracy of a closed-form learner."""
    return kept("floors", "found", scenario, name).mean()


def size_of(name):
    """Kilobytes of everything that a closed-form learner stores."""
    return results.load("05_floors")["found"]["class"][name]["bytes"] / 1000


def ahead_of_its_box(size, sign=1):
    """Replay minus a fresh network on a box of that size alone, lane by lane."""
    return cl.paired(sign * kept("memory", "reservoir", str(size)),
                     sign * kept("memory", "the box alone", str(size)))


def best_replay_within(kilobytes):
    """Kilobytes and mean accuracy of the largest network with replay that is shown up to there."""
    shown = equal_bytes.replay_by_bytes()
    size = max(one for one in shown if one <= 1000 * kilobytes)
    return round(size / 1000), np.mean(shown[size])


def plain_or(method, scenario="class"):
    """The mean accuracy of a method at its own best setting."""
    return kept("scenarios", "found", scenario, method).mean()


def spaced(count):
    """A number with a thin gap from ten thousand on, as in prose: 10 000."""
    return f"{count:,.0f}".replace(",", " ") if count >= 10_000 else f"{count:g}"


def parity_of(name):
    """The mean accuracy of a learner on hidden parities."""
    return kept("features", "found", name).mean()


def life_of(way, epochs):
    """The mean accuracy on ten orders at the end of a life."""
    return kept("cost", "life", way, str(epochs)).mean()


def bill(way, epochs):
    """Thousands of pictures shown in that life."""
    return round(results.load("05_cost")["life"][way][str(epochs)]["examples"] / 1000)


def after(way, count, what="old"):
    """The mean accuracy on old or new orders after one update."""
    return kept("cost", "update", way, str(count), what=what).mean()


def of_fisher(kind, strength=None):
    """The mean validation accuracy of EWC with that Fisher, at its best strength or another."""
    found = results.load("05_fisher")["found"][kind]
    return np.mean(found["sweep"][f"{found['best'] if strength is None else strength:g}"])


def the_same(values):
    """The one value, in two decimals, that all have in common."""
    (value,) = {f"{one:.2f}" for one in values}
    return float(value)


def settings_in_words(scenario):
    """ "plain .1; EWC .1, 10; …": learning rate, strength, temperature, as chosen."""
    chosen = results.load("05_scenarios")["chosen"][scenario]
    parts = [f"{name} {', '.join(spaced(one) for one in chosen[key]['setting'].values())}"
             for name, key in (("plain", "naive"), ("EWC", "EWC"), ("SI", "SI"), ("LwF", "LwF"))]
    return "; ".join(parts)


def chosen_on_others(method, scenario):
    """The validation accuracy of the setting that was chosen, on the lanes where it was chosen."""
    return max(row["accuracy"] for row in results.load("05_scenarios")["sweep"][scenario][method])


MIX = lesson_05.Mix(results.load("05_mix"))
LESSON_05 = [
    ("5 pictures give {}, 20 give {}, 100 give {}, 1000 give {}.",
     lambda: [memory(size) for size in (5, 20, 100, 1000)]),
    ("while the box is small ({} with 20)", lambda: [memory(20, "equal shares")]),
    ("are enough: {} of the old digits with a box of 200",
     lambda: [MIX.estimate(200, 8, "old")]),
    ("On 20 further lanes they gain {} (SI) and {} (slowing)",
     lambda: [cl.paired(kept("scenarios", "again", what=name),
                        kept("scenarios", "again", what="naive")) for name in ("SI", "slowing")]),
    ("help from {} (one old) to {} (eight); eight times as many again bring only {} more",
     lambda: [*(MIX.estimate(5, old, "old")[0] for old in (1, 8)),
              MIX.estimate(5, 64, "old")[0] - MIX.estimate(5, 8, "old")[0]]),
    ("at least {} in every setting", lambda: [min(MIX.estimate(size, old, "new")[0]
                                                  for size in MIX.sizes for old in MIX.counts)]),
    ("LwF gains a little (+{})", lambda: [lesson_05.gain("domain", "LwF")]),
    ("SI gains {}, LwF {}, and EWC, the best of the three on validation, {}.",
     lambda: [lesson_05.gain("class", name) for name in ("SI", "LwF", "EWC")]),
    ("is halved at each boundary gains {}, and SI is not ahead of it (slowing minus SI: {})",
     lambda: [lesson_05.gain("class", "slowing"), lesson_05.gain("class", "slowing", "SI")]),
    ("About ten pictures a digit gain {}.", lambda: [lesson_05.gain("class", "replay 100")]),
    ("Why is naive at {} here", lambda: [plain_or("naive")]),
    ("it learns each pair badly ({} when new)",
     lambda: [kept("scenarios", "found", "class", "naive", what="learnt").mean()]),
    ("brings the plain network from {} to {}:",
     lambda: [plain_or("naive"), plain_or("naive", "class, masked")]),
    *((f"{name}: {{}}.", lambda scenario=scenario: [settings_in_words(scenario)])
      for name, scenario in (("Task", "task"), ("Domain", "domain"), ("Class", "class"))),
    ("With the mask: {}, which is the plain network",
     lambda: [settings_in_words("class, masked")]),
    ("Slowing (rate, factor): task {}, {}; domain {}, {}; class {}, {}.",
     lambda: [f"{one:g}" for scenario in ("task", "domain", "class") for one in
              results.load("05_scenarios")["chosen"][scenario]["slowing"]["setting"].values()]),
    ("class-incremental EWC scored {} on the lanes where it was chosen, and {} on",
     lambda: [chosen_on_others("EWC", "class"), plain_or("EWC")]),
    ("Three hills of the same height ({} on validation)",
     lambda: [the_same(of_fisher(kind) for kind in ("exact", "empirical", "batched"))]),
    ("the best strength is {} for the exact Fisher, {} for the empirical, {} for the batched one",
     lambda: [spaced(results.load("05_fisher")["found"][kind]["best"])
              for kind in ("exact", "empirical", "batched")]),
    ("program with the batched one gets {}, where no penalty gives {}, and",
     lambda: [f"{of_fisher('batched', 100):.3f}", f"{of_fisher('exact', 0):.3f}"]),
    ("replay minus box alone is {} at 100 pictures", lambda: [ahead_of_its_box(100)]),
    ("number of passes ({}, chosen", lambda: [results.load("05_memory")["the box alone"]["100"]
                                              ["passes"]]),
    ("At 20 pictures living through the stream is worth {}; at 500 the box alone is ahead by {}.",
     lambda: [ahead_of_its_box(20), ahead_of_its_box(500, -1)]),
    ("At no more than {} kB the best network with replay ({} kB) scores {} and LDA {}; the ridge "
     "needs {} kB (50 features) for {}.",
     lambda: [round(size_of("LDA")), *best_replay_within(size_of("LDA")), floor_of("LDA"),
              round(size_of("ridge 50")), floor_of("ridge 50")]),
    ("the ridge with 1000 features scores {}, but it stores {} MB",
     lambda: [floor_of("ridge 1000"), f"{size_of('ridge 1000') / 1000:.1f}"]),
    ("All the pictures take {} MB, and a nearest neighbour that keeps them scores {} as well",
     lambda: [size_of("nearest of 1280") / 1000, floor_of("nearest of 1280")]),
    ("on all digits together scores {}:", lambda: [kept("floors", "joint", "100").mean()]),
    ("the highest rate ({}) and the most passes ({})",
     lambda: [f"{results.load('05_floors')['joint']['100'][knob]:g}" for knob in ("lr", "epochs")]),
    ("The ridge is about as good: ahead by {}.",
     lambda: [cl.paired(kept("floors", "found", "class", "ridge 1000"),
                        kept("floors", "joint", "100"))]),
    ("coin ({}), 1000 score {}, 2000 score {}",
     lambda: [parity_of("ridge 100"), parity_of("ridge 1000"), parity_of("ridge 2000")]),
    ("does not save them ({} with 1000 features)", lambda: [parity_of("ridge 1000, one each")]),
    ("for a nearest neighbour ({})", lambda: [parity_of("nearest of 2560")]),
    ("the formula scores {} with one readout for all tasks, and {} with one for each",
     lambda: [parity_of(f"ridge on products of three{way}") for way in ("", ", one each")]),
    ("The network finds them: {} when it trains on everything so far, {} with a box of 500",
     lambda: [parity_of("network, cumulative"), parity_of("network, replay 500")]),
    ("that sees only those 500 examples scores {}",
     lambda: [parity_of("network, only the box of 500")]),
    ("told the task, keeps {}; with EWC it keeps {}, with LwF {}, with SI {}, and",
     lambda: [parity_of(f"network{way}") for way in ("", ", EWC", ", LwF", ", SI")]),
    ("one for each task, read {}.", lambda: [parity_of("networks of 20, one each")]),
    ("Training on the new order only keeps {}.", lambda: [life_of("naive", 5)]),
    ("reaches {} for a bill of {} thousand pictures",
     lambda: [life_of("blend all", 15), bill("blend all", 15)]),
    ("the same bill ({} thousand) buys {}", lambda: [bill("scratch", 5), life_of("scratch", 5)]),
    ("as much ({} thousand) it reaches {}", lambda: [bill("scratch", 40), life_of("scratch", 40)]),
    ("keep the weights gives {} for {} thousand, {} for {} and {} for {}.",
     lambda: [one for epochs in (3, 5, 15)
              for one in (life_of("warm start", epochs), bill("warm start", epochs))]),
    ("better than from scratch, by {}. Only scratch for {} thousand is above it, by {}:",
     lambda: [cl.paired(kept("cost", "life", "warm start", "5"),
                        kept("cost", "life", "scratch", "5")), bill("scratch", 40),
              cl.paired(kept("cost", "life", "scratch", "40"),
                        kept("cost", "life", "warm start", "15"))]),
    ("kept, blending stops at {}.", lambda: [life_of("blend 1280", 15)]),
    ("the old orders fall from {} to {}.",
     lambda: [np.mean(results.load("05_cost")["update"]["before"]["old"]), after("blend", 0)]),
    ("beside 32 new ones saves most: {}.", lambda: [after("blend", 1)]),
    ("Half and half gives {} on the old orders and {} on the new one",
     lambda: [after("blend", 32), after("blend", 32, "new")]),
    ("it is {} and {}, for", lambda: [after("scratch", 30), after("scratch", 30, "new")]),
    ("scratch reaches only {} here.", lambda: [after("scratch", 3)]),
]


@pytest.mark.parametrize(("sentence", "numbers"), LESSON_05, ids=[row[0] for row in LESSON_05])
def test_lesson_05_quotes_what_was_stored(sentence, numbers):
    says("05", sentence, numbers())


# -- lesson 07 --


def of_rank(count, method, what="old", lanes="lanes"):
    """Mean over the lanes of the study of ranks."""
    return lesson_07.found(count, method, what, lanes).mean()


def searched(method, lr, what):
    """The mean of the search lanes, 30 facts, at one rate."""
    return np.mean(results.load("07_rank")["facts"]["30"][method]["search"][str(lr)][what])


def took(method, lr):
    """Steps at one rate, on the search lanes."""
    return round(searched(method, lr, "steps"))


def more_kept(first, second, lanes="lanes"):
    """Old facts kept by one method beyond another, 30 facts."""
    return minus(*(lesson_07.found(30, one, "old", lanes) for one in (first, second)))


def of_topic(way, what, world="families"):
    """Mean over the lanes of the study of topics."""
    return lesson_07.topic(way, what, world).mean()


def of_skill(kind, method, what, lanes="seeds"):
    """Mean over the lanes of the study of skills."""
    return lesson_07.skill(kind, method, what, lanes).mean()


def patience(steps):
    """New facts known with a note of rank 1 at the better of two rates."""
    found = results.load("07_patience")["found"][str(steps)]
    return max(np.mean(lanes) for lanes in found.values())


def slots(network, method, what="old"):
    """Mean over the lanes of the study of slots."""
    return np.mean(results.load("07_slots")["facts"]["30"][network][method]["lanes"][what])


def of_control(which, method, what="old", lanes="lanes"):
    """Mean over the lanes of a control: places or unrelated."""
    return lesson_07.control(which, method, what, lanes).mean()


def note_control(which, method=None, what="old"):
    """The mean of a control without a search."""
    found = results.load("07_controls")["found"][which]
    return np.mean(found[what] if method is None else found[method][what])


def searched_skill(rules, method, lr, what="old"):
    """The mean of the search lanes of the study of rules."""
    return np.mean(results.load("07_skill")["found"][f"{rules} rules"][method]["search"][lr][what])


def before(network, what):
    """What the networks with slots were like before teaching."""
    return np.mean(results.load("07_slots")["before"][network]["seeds"][what])


def slower(network, what="old"):
    """Everything fine-tuned below the grid of rates."""
    return np.mean(results.load("07_slots")["slower"][network][what])


LESSON_07 = [
    ("At the rate of section 2, .003, a note of rank 4 knows them after {} steps and keeps {} of "
     "the old facts", lambda: [took("r4", 0.003), searched("r4", 0.003, "old")]),
    ("at .01 rank 4 keeps {} and all weights {}, but in {} steps against {}",
     lambda: [*(searched(one, 0.01, "old") for one in ("r4", "full")),
              *(took(one, 0.01) for one in ("r4", "full"))]),
    ("all weights keep {}, rank 16 {}, rank 4 {}, rank 1 {}.",
     lambda: [of_rank(30, one) for one in ("full", "r16", "r4", "r1")]),
    ("of these six matrices, and nothing else, keep {}, more than all weights.",
     lambda: [of_control("places", "six matrices")]),
    ("A note of rank 64, which can write any change of the six, keeps {}",
     lambda: [of_control("places", "r64")]),
    ("rank 4 comes from {} to {}, rank 16 from {} to {}, and rank 1 from {} to {}.",
     lambda: [one for method in ("r4", "r16", "r1")
              for one in (of_rank(30, method), note_control("patience", method))]),
    ("All weights, slower still, keep {} (section 8).", lambda: [slower("plain")]),
    ("With 300 it does: {} with rank 1, {} with rank 4, {} with rank 16, and {} with all weights.",
     lambda: [of_rank(300, one, "reads") for one in ("r1", "r4", "r16", "full")]),
    ("at the rate .001 they know .99 of the 300 facts after {} steps (search lanes). At the slower "
     "rate that keeps most, which the bars below show, they took {}.",
     lambda: [round(np.mean(results.load("07_rank")["facts"]["300"]["full"]["search"]["0.001"]
                            ["steps"])), round(of_rank(300, "full", "steps"))]),
    ("rank 1 comes to {}, so this is no hard limit. All weights, which suffice, hold {} of 900.",
     lambda: [lesson_07.bits_a_number(300, "r1", patience(3000)),
              lesson_07.bits_a_number(900, "full")]),
    ("Of the old facts {} are left there. It is {} with all weights, and {} in a note of rank 16; "
     "with 900, {} and {}.",
     lambda: [of_rank(300, "r4"), *(of_rank(count, one) for count in (300, 900)
                                    for one in ("full", "r16"))]),
    ("unseen members less other families is {} with rank 1 and {} with all weights; on fresh lanes "
     "{} and {}.",
     lambda: [whole(adapter_effects.less_leak(one, lanes))
              for lanes in ("seeds", "other_seeds") for one in ("r1", "full")]),
    ("rank 1 learns {} of them as well. But they cost much more: {} of the old facts are left, and "
     "{} with all weights.",
     lambda: [of_control("unrelated", "r1", "recall"),
              *(whole(lesson_07.control("unrelated", one, "old"))
                for one in ("r1", "full"))]),
    ("At this one rate (search lanes) it is {} against {} with five rules.",
     lambda: [np.mean(results.load("07_controls")["found"]["unrelated"]["r1"]["search"]["0.01"]
                      ["old"]), searched_skill(5, "r1", "0.01")]),
    ("(Rank 1 keeps {}, but it has learnt least",
     lambda: [of_skill("reading", "r1", "old", "lanes")]),
    ("rank 1 reads {} of the coded answers and rank 4 {}.",
     lambda: [note_control("code", one, "reads coded") for one in ("r1", "r4")]),
    ("Half as strong, the sum keeps {} of the old facts and knows {} of the new; at three quarters "
     "{} and {}, at a quarter {} and {}.",
     lambda: [note_control("strength", what=f"{what} at {strength}")
              for strength in (0.5, 0.75, 0.25) for what in ("old", "new")]),
    ("at .0001 and {} steps rank 16 keeps {}.",
     lambda: [round(note_control("slow", "r16", "steps")), note_control("slow", "r16")]),
    ("TF-IDF with fixed keys ends with {} of the new facts learnt, the note (rank 16) with {}",
     lambda: [slots("fixed keys", one, "recall") for one in ("by TF-IDF", "LoRA")]),
    ("Its values alone, all 256, keep {}, more than the 32 units chosen by TF-IDF ({}), and as "
     "much as fine-tuning everything ({}).",
     lambda: [slots("plain", one) for one in ("all values", "by TF-IDF", "everything")]),
    ("slot belong to new facts alone ({} of their uses, with fixed and with learnt keys)",
     lambda: [before("fixed keys", "uses of unused slots by 30 new")]),
    ("slot belong to new facts alone ({} of their uses",
     lambda: [before("learnt keys", "uses of unused slots by 30 new")]),
    ("old texts use {} of the 512 slots, with fixed keys {}.",
     lambda: [round(before(one, "slots used by old")) for one in ("learnt keys", "fixed keys")]),
    ("a new and an old question share {} of their 8 slots with learnt keys, {} with fixed ones",
     lambda: [before(one, "slots that one of 30 new shares with an old")
              for one in ("learnt keys", "fixed keys")]),
    ("On fresh lanes i and j are undecided: {} and {}.",
     lambda: [minus(*(adapter_effects.less_leak(one, "other_seeds")
                                for one in ("full", "r1"))),
              minus(*(lesson_07.skill("5 rules", one, "unseen", "other_seeds")
                                for one in ("full", "r1")))]),
    ("With all weights, {} of the old facts are left after {} steps at rate {}, {} after {} at {}, "
     "and {} after {} at {}.",
     lambda: [one for lr in (0.003, 0.0003, 3e-05)
              for one in (searched("full", lr, "old"), took("full", lr), f"{lr:f}".rstrip("0"))]),
    ("A note of rank 4 keeps {}, one of rank 16 {}, one of rank 1 {}, all weights {}.",
     lambda: [searched(one, lr, "old") for one, lr in (("r4", 3e-4), ("r16", 1e-4), ("r1", 1e-3),
                                                       ("full", 3e-5))]),
    ("All weights keep more than the note of rank 4, by {}; on fresh lanes by {}.",
     lambda: [more_kept("full", "r4"), more_kept("full", "r4", "others")]),
    ("With replay it is {} (all weights) and {} (rank 4)",
     lambda: [of_rank(30, "full + replay"), of_rank(30, "r4 + replay")]),
    ("{} of the answers can still be read from the context with all weights, {} with rank 4, {} "
     "with rank 1.",
     lambda: [of_rank(30, one, "reads") for one in ("full", "r4", "r1")]),
    ("With the right note, {} of the new and {} of the old facts are right",
     lambda: [of_topic("told", "new"), of_topic("told", "old")]),
    ("a list of names does as well ({}, {})",
     lambda: [of_topic("by list", what) for what in ("new", "old")]),
    ("so does counting words ({}, {})",
     lambda: [of_topic("by words", what) for what in ("new", "old")]),
    ("The note of another topic answers {} of the new facts and costs {} of the old ones.",
     lambda: [of_topic("another topic's note", "new"),
              1 - of_topic("another topic's note", "old")]),
    ("counting words sends only {} of the new questions to the right note (chance among four notes "
     "and none: .20), and {} of the new facts are right",
     lambda: [of_topic("by words", what, "anybody") for what in ("routed new", "new")]),
    ("All four at once get {} of the new facts and {} of the old ones right",
     lambda: [of_topic("all notes summed", what) for what in ("new", "old")]),
    ("One note of rank 16, as large as the four together, learns everything at once ({}), but "
     "keeps {} of the old facts; all weights keep {}.",
     lambda: [of_topic("one note of rank 16, at once", "new"),
              of_topic("one note of rank 16, at once", "old"), of_topic("full, at once", "old")]),
    ("One topic after the other, a single note of rank 4 knows {} of the last topic and {} of the "
     "first; all weights {} and {}.",
     lambda: [of_topic(f"{who}, one after the other", what)
              for who in ("one note of rank 4", "full") for what in ("last", "first")]),
    ("A note of rank 1 answers {} of the unseen members rightly, all weights {}",
     lambda: [of_skill("1 rules", one, "unseen") for one in ("r1", "full")]),
    ("In other families the same answer comes in {} of cases (rank 1) and {} (all weights), and "
     "for strangers in {} and {}",
     lambda: [of_skill("1 rules", one, what)
              for what in ("value elsewhere", "value for strangers") for one in ("r1", "full")]),
    ("(On fresh lanes {} and {}: which of the two is ahead is chance.)",
     lambda: [of_skill("1 rules", one, "unseen", "other_seeds") for one in ("r1", "full")]),
    ("At .01, where five steps are enough, all weights say it to {} of the strangers",
     lambda: [np.mean(results.load("07_skill")["found"]["1 rules"]["full"]["search"]["0.01"]
                      ["value for strangers"])]),
    ("Five rules fit on a note of rank 1, too: {} of the unseen members are right, with all "
     "weights {}.", lambda: [of_skill("5 rules", one, "unseen") for one in ("r1", "full")]),
    ("What differs is the price: {} of the old facts are left with rank 1, {} with rank 16, {} "
     "with all weights.",
     lambda: [of_skill("5 rules", one, "old") for one in ("r1", "r16", "full")]),
    ("to strangers rank 1 gives the first family's answer in {} of cases",
     lambda: [of_skill("5 rules", "r1", "value for strangers")]),
    ("Of 300 new facts rank 1 learns {}, rank 2 {}, rank 4 {}, rank 16 {}, and all weights {}.",
     lambda: [of_rank(300, one, "recall") for one in ("r1", "r2", "r4", "r16", "full")]),
    ("Of 900 they are {} (rank 1), {} (rank 4), {} (rank 16) and {} (all weights).",
     lambda: [of_rank(900, one, "recall") for one in ("r1", "r4", "r16", "full")]),
    ("With five times the steps rank 1 comes from {} to {} of the 300 facts",
     lambda: [patience(600), patience(3000)]),
    ("rank 1 holds {} bits a number of 300 facts and {} of 900, and rank 4 {} of 900.",
     lambda: [lesson_07.bits_a_number(*one)
              for one in ((300, "r1"), (900, "r1"), (900, "r4"))]),
    ("all weights read {} of the coded answers, a note of rank 16 {}, and a note of rank 1 {}",
     lambda: [of_skill("reading", one, "reads coded", "lanes") for one in ("full", "r16", "r1")]),
    ("But the old facts are gone: {} are left with all weights, {} with rank 16",
     lambda: [of_skill("reading", one, "old", "lanes") for one in ("full", "r16")]),
    ("{} of the old facts there, at its best rate", lambda: [slots("fixed keys", "everything")]),
    ("Slots whose keys were learnt keep {} with TF-IDF and {} when everything is fine-tuned, "
     "slowly.", lambda: [slots("learnt keys", one) for one in ("by TF-IDF", "everything")]),
    ("Writing only to values then keeps {}; fine-tuning everything in the same network {} ({} at a "
     "third of the rate, {} steps).",
     lambda: [*(slots("fixed keys", one) for one in ("all values", "everything")),
              slower("fixed keys"), round(slower("fixed keys", "steps"))]),
    ("With fixed keys its 128 slots keep {}, and so do all 512, {}.",
     lambda: [slots("fixed keys", one) for one in ("by TF-IDF", "all values")]),
    ("Replay keeps {}, with half of each batch old facts.",
     lambda: [slots("fixed keys", "replay")]),
    ("The plain network above fixed keys keeps {} with all its values.",
     lambda: [slots("plain, fixed keys", "all values")]),
    ("That note keeps {}.",
     lambda: [slots("fixed keys", "LoRA")]),
    ("128 slots drawn by chance learn only {}, and keep {}.",
     lambda: [slots("fixed keys", "at random", what) for what in ("recall", "old")]),
    ("(The grid of rates is coarse: rank 2 got there in {} steps, rank 1 needed {}.)",
     lambda: [round(of_rank(30, one, "steps")) for one in ("r2", "r1")]),
    ("The plain network, fine-tuned in everything at the rate .00001 ({} steps), keeps {}.",
     lambda: [round(slower("plain", "steps")), slower("plain")]),
]


@pytest.mark.parametrize(("sentence", "numbers"), LESSON_07, ids=[row[0] for row in LESSON_07])
def test_lesson_07_quotes_what_was_stored(sentence, numbers):
    says("07", sentence, numbers())


# -- lesson 08 --


def noted(lesson, way, what="asked", base="found"):
    """A mean of the table of lesson 08."""
    return float(np.mean(results.load("08_open_book")[base][lesson][way][what]))


def worded_as(wording, k, what, way="words"):
    """A mean of the study of questions in other words; k None: of the last word alone."""
    rows = results.load("08_finding")["wordings"][way][wording]
    return float(np.mean(rows[what] if k is None else rows[str(k)][what]))


def in_order(name):
    """A mean of the study of orders."""
    return float(np.mean(results.load("08_finding")["orders"][name]))


def piled(stale, size, k, what="right"):
    """A mean of the study behind the explorer of lesson 08."""
    return float(np.mean(results.load("08_finding")["grid"][str(stale)][str(size)][str(k)][what]))


def forgot(way, what):
    """A mean of the study of forgetting on request."""
    return float(np.mean(results.load("08_forgetting")["found"][way][what]))


def leonard(where, who, what, part):
    """A mean of the Memento test."""
    return float(np.mean(results.load("08_memento")["found"][where][who][what][part]))


def bet(way, at, part="new"):
    """A mean of the study of growing facts."""
    return float(workarounds.curve(way, part)[:, at].mean())


def controlled(*path):
    """A mean of the controls of lesson 08, as lesson 08's study of controls stores it."""
    found = results.load("08_controls")
    for one in path:
        found = found[one]
    return float(np.mean(found))


def fewer(way):
    """Steps that learning again what was unlearnt saves: the mean, and its interval."""
    found = results.load("08_forgetting")["found"][way]
    return exactly(cl.metrics.paired(found["never taught"], found["again"]))


def exactly(one):
    """A mean and the ends of its interval."""
    return [float(one.value), float(one.low), float(one.high)]


def fitted(above):
    """New and old together, on the lanes for choosing, if a note must score more than this."""
    tried = results.load("08_open_book")["chosen"]["new"]["notes, if they fit"]["tried"]
    return float(tried[str(above)])


def crossed(lanes):
    """Where a full context falls .1 behind fine-tuning with replay: the place, its interval."""
    found = chains.Crossing(
        workarounds.counts(), workarounds.curve("context", "new", lanes),
        workarounds.curve("FT + replay", "new", lanes), margin=0.1)  # fmt: skip
    one = found.estimate
    return [*(round(end) for end in (one.value, one.low, one.high)), len(found.at), found.never]


def taught_steps(count):
    """Steps that fine-tuning with replay took for the part that ends with so many facts."""
    taught = results.load("08_workarounds")["found"]["FT + replay"]
    return round(np.mean(taught[str(count)]["steps"]))


def deep_in(way, at):
    """A mean of the study of rules that must be combined."""
    return float(chains.by_depth(way)[:, at].mean())


MIXED = "ascent, the rest blended in"
LESSON_08 = [
    ("Closed book: new {}, old {}. Notes: new {}, and old only {}.",
     lambda: [noted("new", way, what) for way in ("closed book", "notes")
              for what in ("asked", "old")]),
    ("fine-tuning ({}), fine-tuning with replay ({}) or LoRA ({})",
     lambda: [noted("new", way, "old")
              for way in ("fine-tuned", "fine-tuned + replay", "LoRA, rank 4")]),
    ("at once do no better: new {}, old {}.",
     lambda: [noted("new", "all in the context", what) for what in ("asked", "old")]),
    ("else the weights answer: old {}, new {}.",
     lambda: [noted("new", "notes, if they fit", what) for what in ("old", "asked")]),
    ("Or note everything, old facts too: {} and {};",
     lambda: [noted("new", "notes, old ones too", what) for what in ("old", "asked")]),
    ("with no network at all: new {}; with the old facts noted as well, {} of those.",
     lambda: [noted("new", "last word of the best note"),
              noted("new", "last word, old ones too", "old")]),
    ("tell the same story: notes {}, old {}; fine-tuning with replay {}, old {}.",
     lambda: [noted("changed", way, what) for way in ("notes", "fine-tuned + replay")
              for what in ("asked", "old")]),
    ("fine-tuning {} with old {}, fine-tuning with replay {} with old {}, LoRA {}. Notes say {},",
     lambda: [noted("rule by examples", way, what) for way, what in (
         ("fine-tuned", "asked"), ("fine-tuned", "old"), ("fine-tuned + replay", "asked"),
         ("fine-tuned + replay", "old"), ("LoRA, rank 4", "asked"), ("notes", "asked"))]),
    ("old facts are drowned: {}; a threshold is no cure here, {})",
     lambda: [noted("rule by examples", way, "old") for way in ("notes", "notes, if they fit")]),
    ("read five, and it is {}; ten, {}; and the commonest last word of ten notes, without any "
     "network, gives {}. The price: of the old facts {} are answered with three, {} with five, "
     "{} with ten.",
     lambda: [*(controlled("votes", k, what) for k, what in (
                  ("5", "unseen"), ("10", "unseen"), ("10", "vote, unseen"))),
              *(controlled("votes", k, "old") for k in ("3", "5", "10"))]),
    ("another verb {} of the new facts are left, and with one name misspelt {}, for then no note "
     "scores enough (read whatever it scores: {}).",
     lambda: [controlled("wordings", "90", *path) for path in (
         ("another verb", "if it fits"), ("first name misspelt", "if it fits"),
         ("first name misspelt", "read"))]),
    ("new and old together are {} at .7, {} at .6 and {} at .75.",
     lambda: [fitted(above) for above in (0.7, 0.6, 0.75)]),
    ("as well it is {} with the network and {} without",
     lambda: [noted("rule by examples", f"{way}, old ones too") for way in ("notes", "last word")]),
    ("notes give {} to this network, and {} to networks",
     lambda: [noted("rule as a sentence", "notes, old ones too", base=base)
              for base in ("found", "plain")]),
    ("without any network, {}. Training",
     lambda: [noted("rule as a sentence", "last word, old ones too")]),
    ("the weights on the sentence alone gives {}.",
     lambda: [noted("rule as a sentence", "fine-tuned")]),
    ("the right one in all but {} of 1800 questions. But read with 3, {}; with 5, {}; with 10, {}; "
     "with 20, {}; with 50, {}.",
     lambda: [round(1800 * (1 - worded_as("as noted", 1, "found"))),
              *(worded_as("as noted", k, "right") for k in (3, 5, 10, 20, 50))]),
    ("19 drawn at random from the same store, {}.", lambda: [controlled("random", "20")]),
    ("best first {}, best last {}, shuffled {}.",
     lambda: [in_order("best first"), in_order("best last"), in_order("shuffled")]),
    ("the right one {} of the time, and the last word of the best note is right as often, {}.",
     lambda: [worded_as("another verb", 1, "found"),
              worded_as("another verb", None, "last word")]),
    ("always there ({}), and the network picks the right one: {}.",
     lambda: [worded_as("another verb", 3, what) for what in ("found", "right")]),
    ("picks the right one of the three as well ({}), and with one name misspelt better than the "
     "network ({} against {}).",
     lambda: [controlled("wordings", "300", *path) for path in (
         ("another verb", "count of words"), ("first name misspelt", "count of words"),
         ("first name misspelt", "read"))]),
    ("Right more often than found, {} against none",
     lambda: [worded_as("no word in common", 3, "right")]),
    ("by words {} are found with one name misspelt and {} with both; by letters {} and {}.",
     lambda: [worded_as(f"{which} misspelt", 3, "found", way) for way in ("words", "letters")
              for which in ("first name", "both names")]),
    ("By letters, names save it ({}).",
     lambda: [worded_as("no word in common", 3, "found", "letters")]),
    ("with three notes: {} read right, against {}.",
     lambda: [worded_as("as noted", 3, "right", way) for way in ("letters", "words")]),
    ("A coin toss: {} with the newest first, {} with the newest last.",
     lambda: [in_order(name) for name in ("newest first", "newest last")]),
    ("is the newest in {} if the newest was written last, and in {} if it was written first. (In "
     "{} of the pairs",
     lambda: [controlled("written", name)
              for name in ("newest last", "newest first", "of equal score")]),
    ("nearly all the old truth ({} with the newest last)",
     lambda: [in_order("newest last, outdated")]),
    ("a rule of the store, and it is {}.", lambda: [in_order("newest alone")]),
    ("one note gives {}, three give {}, ten {} (a blind",
     lambda: [piled(3, 300, k) for k in (1, 3, 10)]),
    ("With 30 facts, one note gives {}. Reading more finds the right note always ({} with",
     lambda: [piled(3, 30, 1), piled(3, 300, 10, "found")]),
    ("Of the other new facts {} remain, of the old {}; with all the rest blended in, {} and {} "
     "(before: {} and {});",
     lambda: [*(forgot(way, what) for way in ("ascent", MIXED) for what in ("new", "old")),
              *(forgot(MIXED, f"{what} before") for what in ("new", "old"))]),
    ("the nine again takes {} steps after blending, nine facts never taught {}, that is {} fewer "
     "[{}, {}]; after plain ascent {} fewer [{}, {}]",
     lambda: [*(round(forgot(MIXED, what)) for what in ("again", "never taught")),
              *fewer(MIXED), *fewer("ascent")]),
    ("{} by the reader that was taught to follow rules, and {} by the one that never was.",
     lambda: [leonard("notes", who, "rule", "unseen") for who in ("trained", "never")]),
    ("(So he can with 15 examples: {}; but the value noted most often, without a network, gives {}",
     lambda: [leonard("notes", "trained", "examples", what)
              for what in ("unseen", "most frequent")]),
    ("get the Youngs' answer in {} (taught) and {} (never taught) of the questions; copying any of "
     "the three notes would give it in {}",
     lambda: [leonard("notes", "trained", "rule", "false"),
              thousandths(leonard("notes", "never", "rule", "false")),
              controlled("strangers", "rule", "any note")]),
    ("the taught one does, by {} [{}, {}].",
     lambda: exactly(cl.metrics.paired(
         workarounds.asked("notes", "trained", "rule", "false"),
         results.load("08_controls")["strangers"]["rule"]["any note"]))),
    ("being taught helps: {} against {}.",
     lambda: [leonard("notes", who, "namesake", "unseen") for who in ("trained", "never")]),
    ("chosen for this (.003): {} of the unseen Youngs, and only {} of the strangers.",
     lambda: [leonard("weights", "FT + replay", "examples", part) for part in ("unseen", "false")]),
    ("at half that rate {} and {}; LoRA with replay {} and {}; without replay {} and {}.",
     lambda: [*(controlled("strangers", "FT + replay 0.0015", part)
                for part in ("unseen", "false")),
              leonard("weights", "LoRA + replay", "examples", "unseen"),
              thousandths(leonard("weights", "LoRA + replay", "examples", "false")),
              *(leonard("weights", "FT", "examples", part) for part in ("unseen", "false"))]),
    ("chosen in the same way) gives {} and {}, with {} of what is known by heart (those weights: "
     "{}).",
     lambda: [thousandths(controlled("strangers", "above 0.5", "unseen")),
              *(controlled("strangers", "above 0.5", part) for part in ("false", "people")),
              leonard("weights", "FT + replay", "examples", "people")]),
    ("Looked-up notes stay at {} up to 900 facts.",
     lambda: [min(bet("looked up, all noted", at) for at in range(4))]),
    ("fall: {} with 30 facts, {} with 90, {} with 300, {} with 900.",
     lambda: [bet("context", at) for at in range(4)]),
    ("Fine-tuning with replay does not: {} with 900,", lambda: [bet("FT + replay", 3)]),
    ("at {} [{}, {}] facts, in {} of 10 lanes ({} was behind",
     lambda: [*crossed("found")[:4], {1: "one"}[crossed("found")[4]]]),
    ("on five other lanes at {} [{}, {}]: not", lambda: crossed("other lanes")[:3]),
    ("Weights without replay end at {} (LoRA {}, unfinished).",
     lambda: [bet("FT", 3), bet("LoRA", 3)]),
    ("300 facts are answered {}, {} and {} with windows of 128, 512 and 4096 tokens",
     lambda: [bet(f"window {size}", 2) for size in (128, 512, 4096)]),
    ("Noted too, they stay at {}.", lambda: [bet("looked up, all noted", 2, "old")]),
    ("they are drowned: {} looked up, {} in the context, at 300",
     lambda: [bet(way, 2, "old") for way in ("looked up", "context")]),
    ("90 facts stand at {} and 300 at {}: each part is taught only until it is known, {} steps and "
     "{}.", lambda: [bet("FT + replay", 1), bet("FT + replay", 2), taught_steps(90),
                     taught_steps(300)]),
    ("One rule: notes {}. Two that must be put together: {}; naming any of the answers that occur "
     "would give {}. With two layers it is the same ({}, 5 lanes).",
     lambda: [deep_in("notes", 1), deep_in("notes", 2), deep_in("by chance", 2),
              controlled("two layers", "2", "notes")]),
    ("the examples alone give {}. Notes with the same examples do not catch up: {}, and they spoil "
     "even the single rule ({}).",
     lambda: [controlled("examples only"), *(deep_in("notes + examples", at) for at in (2, 1))]),
    ("with ten the difference is {} [{}, {}].",
     lambda: exactly(cl.metrics.paired(
         results.load("08_open_book")["found"]["rule by examples"]["fine-tuned + replay"]["asked"],
         results.load("08_controls")["votes"]["10"]["unseen"]))),
    ("again with the answer gets {};", lambda: [deep_in("notes, looped", 2)]),
    ("combine them either ({} with replay)", lambda: [deep_in("FT + replay", 2)]),
    ("for people never met: {}.", lambda: [deep_in("FT + replay + examples", 2)]),
]  # fmt: skip


@pytest.mark.parametrize(("sentence", "numbers"), LESSON_08, ids=[row[0] for row in LESSON_08])
def test_lesson_08_quotes_what_was_stored(sentence, numbers):
    says("08", sentence, numbers())


# -- lesson 06 --


def read_notes(kind, count, part="200"):
    """The mean share read, of a list of notes; part: steps of growing up, or other lanes."""
    return np.mean(results.load("06_notes")["found"][part][kind][str(count)])


def sharper(by, kind, count):
    """The same with sharper attention."""
    return np.mean(results.load("06_notes")["found"]["sharper"][str(by)][kind][str(count)])


def placed(kind, notes, at):
    """The mean share read with the right note at a place, of one kind of network."""
    return np.mean(results.load("06_places")["found"][kind]["reads"][str(notes)][str(at)])


def windowed(part, which, back):
    """The mean share read in a study of windows."""
    found = results.load("06_window")["found"][part]
    return np.mean(found[str(back)] if which is None else found[which][str(back)])


def control(part, which):
    """The mean of a control of lesson 06."""
    return np.mean(results.load("06_controls")["found"][part][which])


def beyond(window, layers, steps):
    """The shares read 12, 16, 20 and 80 tokens back by networks that grew up with a window."""
    name = f"{window} {layers} {steps}"
    found = results.load("06_window")["found"]["trained"]
    found = found | results.load("06_controls")["found"]["trained"]
    return [np.mean(found[name][str(back)]) for back in (12, 16, 20, 80)]


def depth_after_200_steps():
    """What two layers with a window of 16 read 20 tokens back, above their own floor."""
    found = results.load("06_window")["found"]["trained"]["16 2 200"]
    one = cl.estimate(np.array(found["20"]) - np.array(found["80"]))
    return one.value, one.low, one.high


def bill_of_reading():
    """The stored benchmark, with what follows from its fit."""
    found = results.load("06_cost")
    a, b, c = found["fit"]
    return found | {"a": a, "b": b, "equal": f"{round(b / c, -2):,.0f}"}


LESSON_06 = [
    ("among 200 notes that share no word with the question, {} are answered right",
     lambda: [read_notes("none", 200)]),
    ("One near miss does none either ({}).", lambda: [read_notes("two", 2)]),
    ("{} among 200 that share one word, and {} among 50 that share two,",
     lambda: [read_notes("one", 200), read_notes("two", 50)]),
    ("As they come lies between ({} among 200)", lambda: [read_notes("as they come", 200)]),
    ("each in about {} notes, and each time",
     lambda: [f"{control('heard', 'times'):.0f}"[0] + "0"]),
    ("its own people, {} with no notes, {} with one note about somebody else, {} with three, {} "
     "with ten", lambda: [control("people", f"{count} other notes") for count in (0, 1, 3, 10)]),
    ("each head of each network has the right value on top in {} to {} of them",
     lambda: [end(results.load("06_controls")["found"]["heads"]) for end in (np.min, np.max)]),
    ("A shared name alone does nothing ({} and {} among 48), a shared attribute does ({})",
     lambda: [control("rivals", f"{word} shared") for word in
              ("first name", "last name", "attribute")]),
    ("change nothing that we can measure ({} and {})",
     lambda: [control("rivals", f"near misses and {count}") for count in (0, 190)]),
    ("the only value of the right kind all the same, in {} of cases",
     lambda: [control("rivals", "another person")]),
    ("in {} of the questions among 50 near misses, the mean of the heads",
     lambda: [1 - control("top", "highest")]),
    ("helps where it was hard ({}, {}, {}), and the order stays",
     lambda: [read_notes("one", 200, "400"), read_notes("two", 50, "400"),
              read_notes("as they come", 200, "400")]),
    ("on 5 other lanes {}, {}, {} and {} after 200 steps",
     lambda: [read_notes(kind, count, "other lanes") for kind, count in
              (("none", 200), ("one", 200), ("two", 50), ("as they come", 200))]),
    ("twice: {} among 50 that share two words, {} among 200 that share one; four times: {} and {}.",
     lambda: [sharper(by, *what) for by in (2.0, 4.0) for what in (("two", 50), ("one", 200))]),
    ("Half as sharp does hurt: {} and {}.",
     lambda: [sharper(0.5, "two", 50), sharper(0.5, "one", 200)]),
    ("{} for the first of 50 notes, {} for the last",
     lambda: [placed("no table", 50, 0), placed("no table", 50, 49)]),
    ("all is well among four notes, as in training ({}). Among ten, the first is read ({}) and the "
     "middle one is not ({})",
     lambda: [placed("table", 4, 0), placed("table", 10, 0), placed("table", 10, 4)]),
    ("in a text shorter than those of training, is read in {}.", lambda: [placed("table", 5, 4)]),
    ("({} for the last of ten, {} to {} beyond the first of 50)",
     lambda: [placed("table", 10, 9), *(end(placed("table", 50, at) for at in (12, 24, 37, 49))
                                        for end in (min, max))]),
    ("our ten notes dip, too ({} first, {} middle, {} last)",
     lambda: [placed("table", 10, at) for at in (0, 4, 9)]),
    ("({} for the middle one of ten, {} for that of 50)",
     lambda: [placed("table, begun anywhere", 10, 4), placed("table, begun anywhere", 50, 24)]),
    ("a value 28 tokens back is read ({}); 36 back it is at chance ({})",
     lambda: [windowed("cut", "32", 28), windowed("cut", "32", 36)]),
    ("with a window of 16, a value 24 back is answered in {} of cases",
     lambda: [windowed("cut", "16", 24)]),
    ("a shorter one is a shade better ({} with 16, {} without any)",
     lambda: [windowed("cut", "16", 12), windowed("cut", "None", 12)]),
    ("A window of 21 just holds it: {}.", lambda: [windowed("edge", None, 21)]),
    ("carry its traces: {}, {}, {}.", lambda: [windowed("edge", None, at) for at in (18, 19, 20)]),
    *((f"| {layers} | {window or 'none'} | {steps} | " + " | ".join(["{}"] * 4) + " |",
       lambda window=window, layers=layers, steps=steps: beyond(window, layers, steps))
      for window, layers, steps in
      ((None, 2, 200), (16, 1, 200), (16, 2, 200), (16, 2, 400), (16, 2, 800))),
    ("adds next to nothing ({} [{}, {}] from 80 to 20 back)",
     lambda: [f"{one:.3f}" for one in depth_after_200_steps()]),
    ("(window 16, 5 notes, a quarter in: {})",
     lambda: [np.mean(results.load("06_window")["found"]["grid"]["16"]["5"][1])]),
    ("line and square are equal at about {} tokens ({} to {} from resampled rounds)",
     lambda: [bill_of_reading()["equal"], *(f"{round(one, -2):,.0f}" for one in (
         bill_of_reading()["low"][1] / bill_of_reading()["high"][2],
         bill_of_reading()["high"][1] / bill_of_reading()["low"][2]))]),
    ("Reading 8192 tokens costs {} times as much as 64",
     lambda: [f"{bill_of_reading()['ratios']['read'][-1]:.0f}"]),
    ("one new token costs {} times as much after 8192 tokens as after 64",
     lambda: [f"{times[-1] / times[0]:.0f}" for times in
              [bill_of_reading()["ratios"]["new, cached"]]]),
    ("Two million tokens by this fit: {} million times the cost of 64 ({} to {},",
     lambda: [f"{bill_of_reading()['two million'] / 1e6:.0f}",
              *(f"{bill_of_reading()[end][3] / 1e6:.0f}" for end in ("low", "high"))]),
    ("A straight line would have said {} thousand.",
     lambda: [f"{(bill_of_reading()['a'] + 2e6 * bill_of_reading()['b']) / 1000:.0f}"]),
]


@pytest.mark.parametrize(("sentence", "numbers"), LESSON_06, ids=[row[0] for row in LESSON_06])
def test_lesson_06_quotes_what_was_stored(sentence, numbers):
    says("06", sentence, numbers())


# -- lesson 09 --


def gated(rival, asked="last", world="new", pairs=1024):
    """A mean of the study of gates, of a memory 32 wide."""
    return float(lesson_09.gated(rival, pairs, asked, world).mean())


def gated_from(which):
    """The lowest and the highest mean of all rivals."""
    recall = results.load("09_gates")["worlds"]["new"]["32"]["recall"]
    means = [np.mean(rival["lanes"]) for name, rival in recall[which]["1024"].items()
             if name in lesson_09.RIVALS]  # fmt: skip
    return min(means), max(means)


def heavy(lanes="lanes"):
    """What momentum of .9 adds to the first 16 of 64 pairs, without forgetting."""
    found = results.load("09_gates")["worlds"]["new"]["32"]["recall"]["first"]["64"]
    return cl.paired(*(np.array(found[one][lanes]) for one in ("momentum 0.9", "delta")))


def momentum(task, η, lanes="lanes"):
    """What momentum adds in one of the tasks where it was looked for: the mean, its interval."""
    found = results.load("09_gates")["momentum"][task]
    return exactly(cl.paired(np.array(found[η][lanes]), np.array(found["0.0"][lanes])))


def stable(η, keys="random"):
    """The largest stable θ without forgetting."""
    return float(np.mean(results.load("09_gates")["stable"][keys]["0.0"][η]["seeds"]))


def explored(θ, η, α, what):
    """A mean that the explorer of lesson 09 shows."""
    columns, rows = explorer_09.numbers()
    (row,) = (row for row in rows if row[:3] == [θ, η, α])
    return row[columns.index(what)]


def reached(kind, gap, lanes="lanes", pairs=16):
    """A mean of the study of recall."""
    return float(lesson_09.recalled(kind, gap, lanes, pairs).mean())


def without(name, gap, pairs=16):
    """A mean of the study of controls of lesson 09."""
    return float(lesson_09.variant(name, gap, pairs).mean())


def patient(name, steps):
    """What a variant recalls over 2,048 fillers after more practice."""
    found = results.load("09_controls")["variants"][name][steps]
    return float(np.mean(found.get("lanes", found)["16 pairs, gap 2048"]))


def at_rate(name, rate):
    """What a memory recalls over 512 fillers after practice at a given rate."""
    found = results.load("09_controls")["same rate"][name][rate]
    return float(np.mean(found.get("lanes", found)["16 pairs, gap 512"]))


def watched(part, what):
    """A mean of what was watched of the memories of lesson 09."""
    return float(lesson_09.surprised(part, what).mean())


def said_after(what, kind="memory"):
    """A mean of what is answered after values changed."""
    return float(lesson_09.answered(what, kind).mean())


def said_after_practice(n, kind):
    """The same of the new value, of networks that practised changes."""
    return float(lesson_09.answered_after_practice(f"changed, after {n}", kind).mean())


def deep_error(rival, task, α=0, fade="zero"):
    """A mean error at the so manieth α."""
    return float(lesson_09.silent(rival, task, α, fade).mean())


def cost_of_memory(what):
    """A value that was fitted or divided in the study of costs."""
    return results.load("09_cost")["fits"][what]["value"]


def far_practised(kind, gap):
    """A mean of networks that practised at longer gaps."""
    found = results.load("09_controls")["long"][kind]["lanes"]
    return float(np.mean(found[f"16 pairs, gap {gap}"]))


def digits(learner, which="all ten digits"):
    """Accuracy on ten digits, or four, at the end of a stream."""
    return float(np.mean(results.load("09_stream")["lanes"][which][learner]))


def added(*where):
    """A part of what was added to the study of controls: fresh lanes, more practice."""
    found = results.load("09_controls")["added"]
    for one in where:
        found = found[one]
    return found


PLAIN = "no error correction"
SEEN = "surprise, seen again", "surprise, changed value", "recalled at the end"
FADING = {"MLP, to zero": ("MLP", "zero"), "MLP, to its start": ("MLP", "start"),
          "matrix": ("matrix", "zero"),
          "matrix on fixed features": ("matrix, fixed features", "zero")}  # fmt: skip
LESSON_09 = [
    ("{} where a pair returns, {} where its value has changed. $α = .1$ takes recall at the end "
     "from {} to {}. $θ = .05$ learns too slowly ({}), 1.5 overwrites ({}).",
     lambda: [explored("0.3", "0", "0", SEEN[0]), explored("0.3", "0", "0", SEEN[1]),
              *(explored(*gates, SEEN[2]) for gates in (
                  ("0.3", "0", "0"), ("0.3", "0", "0.1"), ("0.05", "0", "0"),
                  ("1.5", "0", "0")))]),
    ("with $θ = .05$ momentum helps ({})", lambda: [explored("0.05", "0.9", "0", SEEN[2])]),
    ("after 1024 pairs the plain sum knows {} of the last 16, with forgetting {}; the slow writer "
     "{} and {}. But the error rule, with a $θ$ that suits, knows {} *without* any forgetting, "
     "and {} with it",
     lambda: [gated(one) for one in ("Hebbian", "Hebbian, forgetting", "slow", "slow, forgetting",
                                     "delta", "delta, forgetting")]),
    ("of *all* 1024 pairs each knows at best between {} and {}.", lambda: [*gated_from("all")]),
    ("the error rule knows {} of all keys in the end, the plain sum {}, and with the best "
     "forgetting {}", lambda: [gated(one, "all", "changing") for one in (
         "delta", "Hebbian", "Hebbian, forgetting")]),
    ("the first 16 are known to {} with $η = .9$, to {} without",
     lambda: [gated(one, "first", pairs=64) for one in ("momentum 0.9", "delta")]),
    ("(a gain of {}; on fresh lanes {})", lambda: [heavy(one) for one in ("lanes", "others")]),
    ("of the last 16 it knows {} at best, without momentum {}",
     lambda: [gated(one, pairs=64) for one in ("momentum 0.9", "delta")]),
    ("was a hundredth, {} [{}, {}] (keys much alike, $η = .9$; on fresh lanes {} [{}, {}])",
     lambda: [f"{one:.2f}" for lanes in ("lanes", "others")
              for one in momentum("alike", "0.9", lanes)]),
    ("falls from {} at $η = 0$ to {} at $η = .9$", lambda: [stable("0.0"), stable("0.9")]),
    ("for a *single* key it rises, to {})", lambda: [stable("0.9", "one key")]),
    ("Window and memory recall {} over 32 fillers, {} over 128, {} over 512, and {} over 2,048",
     lambda: [reached("MAG", gap) for gap in (32, 128, 512, 2048)]),
    ("does as well ({}, {}, {}, then {})",
     lambda: [reached("memory", gap) for gap in (32, 128, 512, 2048)]),
    ("mends most of it: {} over 512 fillers, {} over 2,048",
     lambda: [far_practised("memory", gap) for gap in (512, 2048)]),
    ("are harder to learn ({} over 32 fillers) and reach farther ({} over 2,048)",
     lambda: [without("queries of its own", gap) for gap in (32, 2048)]),
    ("after 1,600 steps: {} over 2,048 fillers at a rate of .01, {} at .03",
     lambda: [patient("queries of its own", f"1600 steps at {rate}") for rate in ("0.01", "0.03")]),
    ("(MAG) it often fails: {} over 32", lambda: [without("MAG, queries of its own", 32)]),
    ("*A plain sum* recalls {} over 512 fillers and {} over 2,048",
     lambda: [without(PLAIN, gap) for gap in (512, 2048)]),
    ("recall {} over 512 fillers at their best rate (.03; at .01 only {}, where the memory recalls "
     "{}:", lambda: [without("constant gates", 512), *(at_rate(one, "0.01") for one in (
         "constant gates", "memory"))]),
    ("does not). Without momentum {}, without forgetting {}.",
     lambda: [without(one, 512) for one in ("no momentum", "no forgetting")]),
    ("A memory alone recalls {} over 2,048 fillers (other texts than in the figure); with both "
     "gates shut at fillers {}",
     lambda: [float(np.mean(results.load("09_controls")["why"]["memory"][f"{what}, gap 2048"]))
              for what in ("recall", "recall, both of fillers 0")]),
    ("with as many parameters recalls {}:", lambda: [without("GRU of 27", 32)]),
    ("the commonest value of the text does ({}).", lambda: [float(np.mean(
        results.load("09_controls")["commonest value without a network"]["16 pairs"]))]),
    ("not even with 4 pairs and 2 fillers ({})", lambda: [without("GRU of 27", 2, 4)]),
    ("of 64 pairs it recalls {}, the plain sum {}, full",
     lambda: [reached("MAG", 32, pairs=64), without(PLAIN, 32, 64)]),
    ("{} for pairs, whether new, seen or *changed*, {} for questions, {} for fillers",
     lambda: [watched("gates", f"θ of {kind}") for kind in ("new", "question", "filler")]),
    ("$η$ is {} at pairs, and $α$ {},", lambda: [
        watched("gates", "η of new"), f"{watched('gates', 'α of new'):.4f}".replace("0.", ".")]),
    ("Surprise falls from {} to {}, and not because $M$ has grown meanwhile: pairs never seen "
     "surprise as much as ever ({}). A changed value surprises even more ({})",
     lambda: [watched("showings", "error, showing 1"), watched("showings", "error, showing 7"),
              watched("others", "error, pairs never seen"),
              watched("showings", "error, then changed")]),
    ("surprise nearly as much as new pairs ({}), and still {} after 480 of them.",
     lambda: [watched("gates", "error of filler"),
              watched("distractors", "error, random, gate as it is: last 32")]),
    ("which could be foreseen, keep {}.",
     lambda: [watched("distractors", "error, the same, gate as it is: last 32")]),
    ("Held open as far as for pairs, it costs: {} instead of {} over 512 fillers",
     lambda: [watched("distractors", "recall, random, gate open"),
              watched("distractors", "recall, random, gate as it is")]),
    ("the error rule answers {} with the new value, the plain sum {}:",
     lambda: [said_after("changed, after 1", kind) for kind in ("memory", PLAIN)]),
    ("no sense of order: {} and {}; practised {}.)", lambda: [
        said_after("changed, after 1", "full"),
        said_after("old value of the changed, after 1", "full"), said_after_practice(1, "full")]),
    ("even the error rule says the new value only {} of the time",
     lambda: [said_after("changed, after 7")]),
    ("the error rule gives {} and {} new values, the plain sum {} and {}.",
     lambda: [said_after_practice(n, kind) for kind in ("memory", PLAIN) for n in (1, 7)]),
    ("with $η$ = {} at fillers", lambda: [watched("gates", "η of filler")]),
    ("after 400 steps it recalls {} over 32 fillers (three of ten lanes next to nothing), after "
     "800 steps {}. But far away it is ahead: {} over 2,048 fillers, MAG {}.",
     lambda: [reached("MAC", 32), reached("MAC", 32, "800 steps"),
              reached("MAC", 2048, "800 steps"), reached("MAG", 2048, "800 steps")]),
    ("catches up ({} and {} after 1,600 steps); far, MAC is ahead ({} and {})",
     lambda: [reached(kind, gap, "1600 steps") for kind, gap in (
         ("MAG", 32), ("MAC", 32), ("MAC", 2048), ("MAG", 2048))]),
    ("as many steps at .01, {}.", lambda: [float(np.mean(
        added("longer", "0.01")["16 pairs, gap 2048"]))]),
    ("MAG recalls {} over 2,048 fillers after 800 steps.",
     lambda: [float(memory_effects.slower("MAG", 2048).mean())]),
    ("fresh lanes MAC is ahead by {}: one of the five hardly learnt ({} over 32 fillers)",
     lambda: [cl.paired(*(memory_effects.slower(one, 2048, "others") for one in ("MAC", "MAG"))),
              float(memory_effects.slower("MAC", 32, "others").min())]),
    ("with *momentum* five fresh lanes gained {},", lambda: [cl.paired(*(np.array(
        added("other lanes", one, "0.01")["16 pairs, gap 512"])
        for one in ("memory", "no momentum")))]),
    *((f"| {words} | {{}} | {{}} | {{}} | {{}} | {{}} | {{}} |", lambda kind=words: [
        reached(kind, gap, steps) for gap in (32, 2048)
        for steps in ("lanes", "800 steps", "1600 steps")]) for words in ("MAC", "MAG", "MAL")),
    *((f"| {words} | {{}} | {{}} | {{}} | {{}} |", lambda which=which: [
        f"{deep_error(which[0], 'linear', α, which[1]):.2f}" for α in (0, 2, 3, 4)])
      for words, which in FADING.items()),
    ("the MLP ({}) beats a *matrix on fixed random features* of as many written numbers ({})",
     lambda: [deep_error(one, "linear") for one in ("MLP", "matrix, fixed features")]),
    ("it loses to it ({}, {}), and both beat the plain matrix ({})",
     lambda: [deep_error(one, "bent") for one in ("MLP", "matrix, fixed features", "matrix")]),
    ("after 65,536 tokens (in the stored run {} times)",
     lambda: [f"{cost_of_memory('attention, longest to memory'):.0f}"]),
    ("it pays only after about {} tokens",
     lambda: [f"{round(cost_of_memory('crossing, token loop'), -2):,.0f}"]),
    ("below some {} tokens it is the cheaper one; at 16,384 the memory costs {} times less.",
     lambda: [f"{round(cost_of_memory('reading, crossing'), -2):,.0f}",
              f"{cost_of_memory('reading, full attention to memory'):.1f}"]),
    ("four times at 256 tokens, {} times at 16,384",
     lambda: [f"{cost_of_memory('reading, memory to window'):.1f}"]),
    ("the memory keeps {} of ten digits", lambda: [digits("memory, random core")]),
    ("that it had never met it keeps {}, a random core {}.)",
     lambda: [digits(f"memory, {core} core", "four new digits") for core in ("learnt", "random")]),
    ("and so keeps {}; with weaker gates, held, {}. (Of",
     lambda: [digits(one) for one in ("memory, learnt core", "memory, learnt core, held gates")]),
    ("Replay of as many bytes keeps {}.", lambda: [digits("replay of 20")]),
    ("class means of the *same* keys {}, ridge regression on random features, with no practice at "
     "all, {}", lambda: [digits(one) for one in ("class means of its keys", "ridge")]),
]


@pytest.mark.parametrize(("sentence", "numbers"), LESSON_09, ids=[row[0] for row in LESSON_09])
def test_lesson_09_quotes_what_was_stored(sentence, numbers):
    says("09", sentence, numbers())


# -- lesson 10 --


def faded(rival, what, world="30 steps", rule="best sum"):
    """Mean over lanes of a rival's online, awake or rested accuracy."""
    return float(fading.lanes(rival, what, world=world, rule=rule).mean())


def equal_gain(what):
    """The fading network beside minus one network, at equal adaptation."""
    pair = (("beside", fading.EQUAL), ("one network", fading.EQUAL))
    return fading.difference(*pair, what)


def period(family, optimiser="gradient descent", where="long, layer", rule="free"):
    """Its final accuracy minus the control's, over lanes."""
    return frequency.gain(family, optimiser, where, rule)


def loss_of(one):
    """A loss as lessons write it: .07 [.04, .10]."""
    return f"{-one.value:.2f} [{-one.high:.2f}, {-one.low:.2f}]"


def ended(family, where="long, layer", rule="free"):
    """Mean final accuracy by gradient descent, or of replay and EWC."""
    return float(frequency.lanes_of(family, "gradient descent", where, rule).mean())


def all_periods(lanes="lanes"):
    """Every period minus its control: optimisers, set-ups, two ways to choose rates."""
    return [frequency.gain(f"chunk {C}", optimiser, where, rule, lanes=lanes)
            for where, periods in frequency.study()["settings"]["periods"].items()
            for optimiser in frequency.OPTIMISERS for rule in frequency.RULES
            for C in periods if C > 1]  # fmt: skip


def corrected(rival, gain=None):
    """How many comparisons there are; or how many gains or losses are clear after Holm."""
    rows = frequency.study()["comparisons"][rival].values()
    if gain is None:
        return len(rows)
    return sum(row["Holm"] < 0.05 and (row["lanes"][0] > 0) == gain for row in rows)


def keyed(kind, rule, last):
    """Mean cosine of the last so many pairs."""
    return float(lesson_10.recalled(kind, rule, last).mean())


def written(rule, task="roomy", asked="since"):
    """Mean share right of a rule that writes in context."""
    return float(in_context.lanes(rule, task, asked).mean())


def delta_ahead(asked):
    """Delta minus gated where memory is crowded."""
    return minus(*(in_context.lanes(rule, "crowded", asked) for rule in ("delta", "gated")))


def practised_long(rate, length, model="transformer, places"):
    """Parity after four times the practice at this rate: lanes."""
    return hope.at_rate(model, rate, length, task="parity")


def first_step(rival):
    """Online accuracy at the first step of a context, mean of 20 lanes."""
    return float(fast_and_slow.stored(rival, "by step")[0].value)


def over_average(fresh=False):
    """No base: two weights minus a moving average of one network's weights, after the rest."""
    pair = (("two weights", fading.SUM), ("average of its weights", fading.SUM))
    return fading.difference(*pair, "rested", world=BARE, fresh=fresh)


def added_by_mlps(fresh=False):
    """HOPE minus its memory with plain MLPs, parity of 64 bits."""
    return minus(*(hope.lanes("parity", one, 64, 3, fresh=fresh)
                   for one in ("HOPE", "self-modifying")))


def recurring_gain():
    """Three contexts that recur, second half of life: two weights, slow steps minus frozen."""
    pair = (("two weights", fading.SUM), ("two weights, frozen", fading.SUM))
    return fading.difference(*pair, "late", world="30 steps, 3 that recur")


def third(one):
    """With a third decimal: .004 [.003, .005]."""
    return f"{one.value:.3f} [{one.low:.3f}, {one.high:.3f}]"


def asked_of(task, model, length):
    """Mean share right after three times the practice."""
    return float(hope.lanes(task, model, length, 3).mean())


BARE = "30 steps, no base"

LESSON_10 = [
    ("have **all of it back**: {}, as before the contexts.",
     lambda: [faded("two weights", "rested")]),
    ("has the base after the rest: {}.", lambda: [faded("beside", "rested")]),
    ("at *equal adaptation* ({} online) the network beside keeps {} more of the base than one "
     "network after a rest, and {} more awake.",
     lambda: [faded("one network", "online", rule=fading.EQUAL),
              equal_gain("rested"), equal_gain("awake").value]),
    ("has as much ({}), and adapts as well as the network beside ({} online, both)",
     lambda: [faded("one network, put back at rest", what) for what in ("rested", "online")]),
    ("adapts as well as the network beside ({} online, both)",
     lambda: [faded("beside", "online")]),
    ("*Two weights* adapt better: {} online.",
     lambda: [faded("two weights", "online")]),
    ("hardly any difference to two weights ({} online, {} rested)",
     lambda: [faded("two weights, frozen", what) for what in ("online", "rested")]),
    ("*Copy put back when told* adapts best of all: {}.",
     lambda: [faded("put back when told", "online")]),
    ("set so weakly that they adapt as well, have {} and {} after the rest:", lambda: [
        faded(one, "rested", rule=fading.EQUAL) for one in ("EWC", "replay of 50")]),
    ("bring one ordinary network back to {} with 50 images (3,200 numbers; a copy of the weights "
     "has 3,610), to {} with 200.",
     lambda: [faded(f"replay of {n} at rest", "rested") for n in (50, 200)]),
    ("two weights {}, one network {}, *below* the .60 of who never adapts.",
     lambda: [first_step(one) for one in ("two weights", "one network")]),
    ("*keep* of the network beside ({}), and the average ({}, hardly more",
     lambda: [f"{fading.chosen('beside')['keep']:g}",
              f"{fading.chosen('average of its weights')['average']:g}"]),
    ("*Two weights* name {} of the digits by their own names, although no context ever showed all "
     "of these names. One network has {}; with small rates {}, but then it hardly adapts ({} "
     "online).",
     lambda: [*(faded(one, "rested", BARE)
                for one in ("two weights", "one network", "one network, slow")),
              faded("one network, slow", "online", BARE)]),
    ("*average put in at rest* has {}. That is {} less,",
     lambda: [faded("average of its weights", "rested", BARE), over_average()]),
    ("(Slow frozen has {} by construction:",
     lambda: [faded("two weights, frozen", "rested", BARE)]),
    ("The best slow rate without a base, {}, is the largest",
     lambda: [f"{fading.chosen('two weights', world=BARE)['slow_lr']:g}"]),
    ("at period 64 Adam loses {}, gradient descent {}.",
     lambda: [loss_of(period("chunk 64", one)) for one in ("Adam", "gradient descent")]),
    ("the control (gradient descent) ends at {}. Replay of 50 images ends at {}, of 200 at {}; EWC "
     "at {},", lambda: [ended("chunk 1"), *(ended(one, "long, beside")
                                            for one in ("replay 50", "replay 200", "EWC"))]),
    ("{} differences (three optimisers, five set-ups, two ways to choose rates, which often "
     "agree). No interval lies above zero, on ten lanes or on five fresh ones; {} lie below.",
     lambda: [len(all_periods()), sum(one.high < 0 for one in all_periods())]),
    ("where stays are short and come back: {}.",
     lambda: [period("smooth 64", "sign", "short, layer")]),
    ("the second block slow: gradient descent loses {} at period 64",
     lambda: [loss_of(period("chunk 64", where="long, second"))]),
    ("the losses are larger: Adam at period 64 loses {}.",
     lambda: [loss_of(period("chunk 64", "Adam", rule="as plastic"))]),
    ("Gradient descent loses {} at period 8 and {} at 128;",
     lambda: [-period(f"chunk {C}", where="short, layer").value for C in (8, 128)]),
    ("for Adam nothing is decided ({} behind at each period",
     lambda: [-period("chunk 64", "Adam", "short, layer").value]),
    ("at every step, {} differences: after Holm's correction for their number {} clear losses and "
     "no gain.",
     lambda: [corrected("minus blocks"), corrected("minus blocks", False)]),
    ("at the control's rates: {} at period 64 with gradient descent, where the control has {}; "
     "with short stays it ends at chance, {}.",
     lambda: [ended("chunk 64", rule="rate matched"), ended("chunk 1"),
              ended("chunk 64", "short, layer", "rate matched")]),
    ("every rule that can *let go* is right: gated {}, delta, DGD and self-modifying {}. The "
     "Hebbian rule has {}, after three changes {}.",
     lambda: [written("gated"), min(map(written, ("delta", "DGD", "self-modifying"))),
              written("Hebbian"), written("Hebbian", "roomy", "long")]),
    ("and the gated rule falls to {}.", lambda: [written("gated", "roomy", "shut")]),
    ("with $α$ held at 1 delta still has {}.", lambda: [written("delta", "roomy", "shut")]),
    ("delta is ahead of gated by {}; with four times the practice by {}.",
     lambda: [delta_ahead("since"), delta_ahead("longer")]),
    ("Crowded it knows {}, delta {}, and more practice does not mend that ({}).",
     lambda: [written("self-modifying", "crowded"), written("delta", "crowded"),
              written("self-modifying", "crowded", "longer")]),
    ("(*slow targets*), and it knows {}.",
     lambda: [written("self-modifying, slow targets", "crowded")]),
    ("HOPE has {} of 64 bits right and {} of 256.",
     lambda: [asked_of("parity", "HOPE", n) for n in (64, 256)]),
    ("With a slope alone 1 and 11 still are ({}). With places it could tell, and has not learnt "
     "it: {}, with places and slope in two blocks {}.",
     lambda: [asked_of("parity", one, 16) for one in (
         "transformer, slope", "transformer, places", "two blocks, places and slope")]),
    ("some lanes with places learn the 16 bits (four of ten; mean of all {}), and none goes on to "
     "32 ({}).", lambda: [float(practised_long(0.003, n).mean()) for n in (16, 32)]),
    ("HOPE is ahead of DGD by {} there, and its memory counts on at each of four rates ({} to {}),",
     lambda: [minus(*(hope.lanes("parity", one, 256, 3) for one in ("HOPE", "DGD"))),
              *(end(float(hope.at_rate("self-modifying", rate, 256).mean())
                    for rate in (0.003, 0.01, 0.03, 0.1)) for end in (min, max))]),
    ("the network beside earns nothing but {} awake.",
     lambda: [faded("beside", "awake") - faded("one network, put back at rest", "awake")]),
    ("on fresh lanes {}: nearly as good", lambda: [over_average(fresh=True)]),
    ("With places it has {} of the 32 practised (plain {}), and {} of 128:",
     lambda: [asked_of("recall", *one) for one in (
         ("transformer, places", 32), ("transformer", 32), ("transformer, places", 128))]),
    ("has {} at every length, in every lane.", lambda: [
        min(float(hope.lanes("parity", "LSTM", n, 3).min()) for n in (16, 32, 64, 256))]),
    ("DGD that reads each digit *twice* has {} at the length practised.",
     lambda: [asked_of("modulo 3", "DGD, read twice", 16)]),
    ("HOPE {} at four times the length practised; plain delta and plain DGD have it, too. A plain "
     "transformer has {}:",
     lambda: [asked_of("recall", one, 128) for one in ("HOPE", "transformer")]),
    ("by which attention fades with distance, and it has {}. Letting go, again. Here the LSTM "
     "is behind: {} ({} with four times the practice, at the best of four rates).",
     lambda: [*(asked_of("recall", one, 128) for one in ("transformer, slope", "LSTM")),
              max(float(hope.at_rate("LSTM", rate, 128, task="recall").mean())
                  for rate in (0.001, 0.003, 0.01, 0.03))]),
    ("(Delta has {} of the 16 bits practised, too. How, we did not look; of 64 it has {}.)",
     lambda: [asked_of("parity", "delta", n) for n in (16, 64)]),
    ("Ten lanes cannot say: {},", lambda: [added_by_mlps()]),
    ("HOPE's memory does as well on parity ({} at 64 bits)",
     lambda: [asked_of("parity", "self-modifying", 64)]),
    ("picked afterwards ({}, on fresh lanes {}; at the rate that 16 bits had chosen, {})",
     lambda: [float(hope.at_rate("DGD", rate, fresh=fresh).mean())
              for rate, fresh in ((0.1, False), (0.1, True), (0.003, False))]),
    ("it costs {} times the transformer's time a token",
     lambda: [f"{hope.study()['cost']['HOPE'] / hope.study()['cost']['transformer']:.0f}"]),
    ("of ten lanes HOPE solves {} at 64 bits.", lambda: [hope.solved("parity", "HOPE", 64, 3)]),
    ("at a rate of .003 it has {} there, DGD {}.",
     lambda: [float(hope.at_rate(one, 0.003).mean()) for one in ("self-modifying", "DGD")]),
    ("there HOPE has {} at 64 bits, its memory with plain MLPs {}.",
     lambda: [float(hope.lanes("parity", one, 64, 3, fresh=True).mean())
              for one in ("HOPE", "self-modifying")]),
    ("gains a little on the last 8 ({}, plain momentum {}), and *loses* over all 64 ({} and {}):",
     lambda: [keyed("independent", rule, last) for last in ("8", "64")
              for rule in ("delta", "hebbian")]),
    ("it is ahead from the last 8 on, {} and {} there.",
     lambda: [keyed("alike", rule, "8") for rule in ("delta", "hebbian")]),
    ("plain momentum has {} (delta momentum {}):",
     lambda: [keyed("alike", f"{rule}, centred", "8") for rule in ("hebbian", "delta")]),
    ("Of the last 32 all keep far less than one matrix could hold ({}).",
     lambda: [keyed("alike", "solved", "32")]),
    ("is next to nothing (10.g: {};", lambda: [third(recurring_gain())]),
    ("by {} and {} points in the first version, by {} and {} in the second",
     lambda: [f"{nested_paper.gain(version, 'Transformer++')[2]:.1f}" for version in (
         "760M, NeurIPS", "1.3B, NeurIPS", "760M, arXiv", "1.3B, arXiv")]),
]


@pytest.mark.parametrize(("sentence", "numbers"), LESSON_10, ids=[row[0] for row in LESSON_10])
def test_lesson_10_quotes_what_was_stored(sentence, numbers):
    says("10", sentence, numbers())


def test_lesson_10_says_cannot_tell_where_its_intervals_are_wide():
    for model in ("transformer, places", "transformer, places and slope", "two blocks, places",
                  "two blocks, places and slope"):  # fmt: skip
        for rate in (0.001, 0.003, 0.01, 0.03):
            assert max(practised_long(rate, 32, model)) < 0.65, (model, rate)
            assert practised_long(rate, 16, model).mean() < 0.685, (model, rate)
    for n, steps in ((50, 1000), (200, 300)):
        at_rest = fading.chosen(f"replay of {n} at rest")
        assert (at_rest["rest_lr"], at_rest["rest_steps"]) == (0.3, steps)
    assert over_average(fresh=True).low < 0 < over_average(fresh=True).high
    assert added_by_mlps().value < 0 < added_by_mlps(fresh=True).value
    for rival, step in (("two weights", 4), ("one network", 5)):
        online = [one.value for one in fast_and_slow.stored(rival, "by step")]
        assert next(n for n, one in enumerate(online, 1) if one > 0.6) == step
    for one in ("delta", "DGD"):
        assert asked_of("recall", one, 128) > 0.995
    effects = [one for _, one in lesson_10.effects().values()]
    zero = {letter: max(abs(one.low), abs(one.high))
            for letter, one in zip("abcdefghijklmnopqrst", effects, strict=True)
            if one.low <= 0 <= one.high}
    assert {letter for letter, most in zero.items() if most <= 0.05} == set("eikq")
    assert {letter for letter, most in zero.items() if most > 0.05} == set("op")


def test_lesson_10_counts_gains_and_recurring_contexts_as_they_are():
    assert not any(one.low > 0 for lanes in ("lanes", "other lanes") for one in all_periods(lanes))
    assert not corrected("minus blocks", True)
    for one in frequency.OPTIMISERS:
        slow_output = period("chunk 64", one, "long, output")
        assert max(-slow_output.low, slow_output.high) < 0.01
        if one != "gradient descent":
            assert abs(period("chunk 64", one, "long, second").value) < 0.005
    for C in (8, 64, 128):
        one = period(f"chunk {C}", "Adam", "short, layer")
        assert one.low < 0 < one.high and round(one.value, 2) == -0.01
    for world in ("30 steps, 3 that recur", "100 steps, 3 that recur"):
        for kind in ("two weights", "beside"):
            pair = ((kind, fading.SUM), (f"{kind}, frozen", fading.SUM))
            for what in ("online", "late"):
                one = fading.difference(*pair, what, world=world)
                assert max(abs(one.low), abs(one.high)) < 0.01
    told = ("transformer, slope", "transformer, places", "transformer, places and slope",
            "two blocks, places", "two blocks, places and slope")  # fmt: skip
    for task, models in {"parity": ("transformer", *told),
                         "modulo 3": ("HOPE", "transformer", "DGD", "delta", *told)}.items():
        for model in models:
            assert abs(asked_of(task, model, 64) - hope.TASKS[task]) < 0.03, (task, model)
    weights = hope.study()["weights"]["parity"]
    assert 0.925 < min(weights.values()) / max(weights.values()) < 0.935
    for row in in_context.study()["paired"].values():
        for more in ("", ", longer"):
            if f"lanes{more}" in row:
                assert abs(row[f"lanes{more}"][0] - row[f"others{more}"][0]) < 0.02
