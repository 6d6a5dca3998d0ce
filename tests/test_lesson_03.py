"""Lesson 03: its figures say their numbers and cut no label; its explorer shows what is stored."""

from xml.etree import ElementTree

import numpy as np
import pytest
import torch

import clcourse as cl
from clcourse.explore import lesson_03 as explorer
from clcourse.plots import amnesia
from clcourse.plots import lesson_03 as plots
from clcourse.plots.figure import number
from clcourse.plots.labels import colliding_labels, cut_labels

SVG = "{http://www.w3.org/2000/svg}"


def counted(name, study="03_lists"):
    return {one: torch.tensor(right) / 8 for one, right in cl.results.load(study)[name].items()}


def table(right=1.0, days=30):
    """(seeds, night, day learnt): days that are one week old or more are right."""
    values = torch.full((4, days, days), torch.nan)
    for night in range(days):
        age = night - torch.arange(night + 1)
        values[:, night, : night + 1] = right * (age >= 7).float()
    return values


def figures():
    lists = {name: counted(name) for name in ("no gate", "gate", "unrelated contexts")}
    moments = [0, 1, 10, 100]
    errors = {f"signal to noise {k}": torch.rand(5, 4, generator=cl.generator(k, "errors")) + k
              for k in (1, 4, 16)}
    return {
        "systems": plots.two_systems(),
        "lists": plots.side_by_side(range(21), lists, xlabel="trials on the new list",
                                    ylabel="share recalled", subjects=True, guess=0.4),
        "facts": plots.side_by_side(range(21), {"focused": lists["gate"]}, xlabel="epochs",
                                    ylabel="share exact", title="a title"),
        "one": amnesia.amnesia({"a shoebox": table()}, columns=1, guess=0.3),
        "six": amnesia.amnesia_study(title="a title"),
        "long": plots.long_sleep(moments, errors, guess=2.0),
        "stopping": plots.stopping(title="a title"),
    }


@pytest.mark.parametrize("talk", [False, True])
def test_no_label_is_cut_or_covered(talk):
    with cl.plots.talk(talk):
        for name, figure in figures().items():
            assert not cut_labels(figure), name
            assert not colliding_labels(figure), name


def test_the_sentences_carry_the_numbers():
    shown, old = figures(), counted("gate")["old list"]
    assert f"gate, old list: from 1.00 to {old[:, -1].mean():.2f}" in shown["lists"].sentence
    assert "0.00 at 0 days, 0.00 at 4–6 days, 1.00 at 11–15 days" in shown["one"].sentence
    study = cl.results.load("03_teacher")["shoebox"]
    for ratio, named in (("0.05", "0.05"), ("1.0", "1"), ("inf", "∞")):
        for stop in plots.STOPS:
            assert f"{cl.estimate(study[ratio][stop])} at {named}" in shown["stopping"].sentence


def test_ages_count_backwards_from_the_lesion():
    lanes = amnesia.by_age(table())
    assert lanes.shape == (4, 30) and (lanes[:, :7] == 0).all() and (lanes[:, 7:] == 1).all()
    assert amnesia.by_age(table(), day=9).shape == (4, 10)
    assert np.allclose(amnesia.grouped(lanes)[0], [0, 0, 0, 0, 1, 1, 1, 1])


def test_old_minus_new_takes_two_weeks_and_three_days():
    one = torch.full((2, 30, 30), torch.nan)
    one[:, 29] = 0.0
    one[:, 29, :16] = 0.75  # days 1 to 16: two weeks old and older
    one[:, 29, 27:] = torch.tensor([[0.5], [0.25]])  # the last three days
    assert amnesia.spared(one).tolist() == [0.25, 0.5]


def test_stored_counts_become_shares():
    back = amnesia.stored([[[5], [0, 1]], [[2], [5, 5]]])
    assert np.isnan(back[:, 0, 1]).all()
    assert back[0, 1].tolist() == [0, 0.2] and back[1].tolist()[1] == [1, 1]


def test_the_live_shoebox_is_the_stored_one():
    month = cl.sleep.Month(seeds=2)
    replays = [night for night, _ in month.dreams(cl.Reservoir(150, seeds=2), count=150)]
    cortex = cl.Neocortex(120, 400, 120, lr=0.1, momentum=0.9, seeds=2)
    live = amnesia.by_age(month.consolidate(cortex, replays, steps=8))
    nights = amnesia.settings(cl.results.load("03_nights"))
    kept = amnesia.by_age(nights["a shoebox that never fades"])
    assert np.abs(amnesia.grouped(live) - amnesia.grouped(kept)[:2]).max() <= 0.25


def test_the_explorer_shows_what_is_stored_at_every_setting():
    one, study = explorer.lesion(), explorer.nights()
    for removed in explorer.LEFT:
        for fades in explorer.FADES:
            for steps in (0, 8):
                for day in (1, 15, 30):
                    values = {"removed": removed, "fades": fades, "steps": steps, "day": day}
                    for name, value in values.items():
                        one.widgets[name].value = value
                    lanes = study.ages(removed, fades, steps, day)
                    assert lanes.shape == (10, day)
                    drawing = ElementTree.fromstring(one.view.value)
                    words = [text.text for text in drawing.iter(f"{SVG}text")]
                    assert f"{number(lanes[:, :3].mean(axis=1).mean())} right" in words
                    assert ("nothing yet" in words) == (day < 15)


def test_the_cortex_knows_nothing_without_nights():
    study = explorer.nights()
    for fades in explorer.FADES:
        assert (study.ages("hippocampus", fades, 0, 30) == 0).all()
