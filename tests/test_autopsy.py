"""The autopsy names the cause that was planted, its parts add up, its probe is ridge regression."""

import importlib.util
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

import clcourse as cl
from clcourse.explore import lesson_02 as explore
from clcourse.plots import labels
from clcourse.plots import lesson_02 as plots
from clcourse.results import load

LANES = 20
DIGITS = cl.split_digits(seeds=LANES)
PARITY = cl.hidden_parity(seeds=LANES)
shares = st.floats(0, 1, width=32)


@pytest.fixture(scope="module")
def read():
    """Twenty networks that have just learnt the first pair of their own order, and the second."""
    return cl.life(cl.GradientLearner(cl.mlp(64, 100, 10, seeds=LANES)), DIGITS[:2])


@pytest.fixture(scope="module")
def solved():
    """Twenty networks that have just learnt one hidden parity: random features would not do."""
    learner = cl.GradientLearner(cl.mlp(15, 20, 10, seeds=LANES), lr=1.0)
    return cl.run(learner, PARITY[:1], epochs=30).learner


def share_of(found, cause: str) -> cl.Estimate:
    """How much of each lane's loss is put down to `cause`; what is too much counts as wrong."""
    return cl.estimate(1 - (found.lost - found.causes[cause]).abs() / found.lost)


@pytest.mark.parametrize("cause", ["access", "readout", "features"])
def test_planted_damage_is_attributed_to_its_cause(read, cause):
    found = cl.examine([read[0], cl.plant(read[0], DIGITS[0], cause)], DIGITS)
    assert found.lost.min() > 0.4, "nothing was broken"
    assert share_of(found, cause).low >= 0.95


@pytest.mark.parametrize("cause", ["readout", "features"])
def test_planted_damage_is_found_where_features_matter(solved, cause):
    assert cl.probe(solved, PARITY[0]).min() > 0.95
    found = cl.examine([solved, cl.plant(solved, PARITY[0], cause)], PARITY)
    assert found.lost.mean() > 0.4 and share_of(found, cause).value >= 0.95


def test_two_kinds_of_damage_at_once_fall_to_the_deeper_one(read):
    both = cl.plant(cl.plant(read[0], DIGITS[0], "access"), DIGITS[0], "readout")
    assert share_of(cl.examine([read[0], both], DIGITS), "readout").value > 0.95


@given(st.lists(shares, min_size=6, max_size=6))
def test_the_causes_sum_to_the_loss(six):
    U, T, P = (tuple(torch.tensor([one]) for one in six[k : k + 2]) for k in (0, 2, 4))
    found = cl.Autopsy(U, T, P)
    assert sum(found.causes.values()).item() == pytest.approx(found.lost.item(), abs=1e-6)


def test_the_causes_by_hand():
    pair = [tuple(torch.tensor([x]) for x in two) for two in ((0.9, 0.1), (0.95, 0.6), (0.97, 0.9))]
    causes = cl.Autopsy(*pair).causes
    assert [round(one.item(), 3) for one in causes.values()] == [0.45, 0.28, 0.07]


def test_examine_averages_over_all_but_the_last_experience(read):
    whole = cl.life(read[0], DIGITS[1:3])
    moments = [read[0], *whole]
    found = cl.examine(moments, DIGITS)
    each = [cl.examine([moments[j], moments[2]], DIGITS[j : j + 1]) for j in (0, 1)]
    torch.testing.assert_close(found.lost, (each[0].lost + each[1].lost) / 2)
    torch.testing.assert_close(found.probe[1], (each[0].probe[1] + each[1].probe[1]) / 2)
    for wrong in ([read[0]], [read[0]] * 7):
        with pytest.raises(cl.CourseError, match="moments"):
            cl.examine(wrong, DIGITS)


def test_a_mixture_is_split_and_nothing_is_left_over(read):
    """Half of the units carry two digits; nearly all stuck, the readout misfits what is left."""
    barred = cl.plant(read[0], DIGITS[0], "access")
    found = {share: cl.examine([read[0], cl.plant(barred, DIGITS[0], "features", share)], DIGITS)
             for share in (0.0, 0.5, 0.95)}
    for one in found.values():
        torch.testing.assert_close(sum(one.causes.values()), one.lost)
    assert share_of(found[0.0], "access").value > 0.99
    assert share_of(found[0.5], "access").value > 0.95
    mixed = found[0.95].causes
    assert mixed["access"].mean() > 0.5 > mixed["readout"].mean() > 0.1 > mixed["features"].mean()
    stuck = cl.plant(read[0], DIGITS[0], "features", 0.5).network.hidden(DIGITS[0].x_test)
    still = (stuck == stuck[:, :1]).all(dim=1)
    assert still[:, :50].all() and not still[:, 50:].all()


def test_the_probe_is_ridge_regression_lane_by_lane(read):
    network, one = read[1].network, DIGITS[0]
    probe = cl.Probe(network, one)
    mine = probe.predict(one.x_test)
    with torch.no_grad():
        h, h_test = network.hidden(one.x).double(), network.hidden(one.x_test).double()
    for lane in (0, 7):
        strength = cl.Probe.ridge * h[lane].var(dim=0, correction=0).mean().item()
        oracle = Ridge(alpha=h.shape[1] * strength, solver="cholesky")
        targets = np.eye(mine.shape[2])[one.y[lane].numpy()]
        right = oracle.fit(h[lane].numpy(), targets).predict(h_test[lane].numpy())
        np.testing.assert_allclose(mine[lane].numpy(), right, atol=2e-3)


def test_the_probe_learns_from_training_data_and_leaves_the_network(read):
    learner = read[0]
    before = [one.clone() for one in learner.network.parameters()]
    blind = cl.Experience("blind", DIGITS[0].x, DIGITS[0].y.flip(1), x_test=DIGITS[0].x_test,
                          y_test=DIGITS[0].y_test)  # digits under the other's name
    assert cl.probe(learner, DIGITS[0]).min() > 0.9 and cl.probe(learner, blind).max() < 0.1
    for one, other in zip(before, learner.network.parameters(), strict=True):
        assert torch.equal(one, other)


def test_told_asks_only_among_the_classes_taught(read):
    last, one = read[1], DIGITS[0]
    logits = last.predict(one.x_test)
    for lane in (0, 11):
        own = one.y[lane].unique()
        right = (own[logits[lane][:, own].argmax(dim=1)] == one.y_test[lane]).float().mean()
        torch.testing.assert_close(cl.accuracy_told(last, one)[lane], right)
    shared = cl.split_digits()[1]
    assert cl.told(shared, 10).allowed.nonzero().flatten().tolist() == [2, 3]


def test_lane_seven_alone_is_lane_seven_among_twenty(read):
    stream = cl.split_digits(seeds=[7])
    alone = cl.life(cl.GradientLearner(cl.mlp(64, 100, 10, seeds=[7])), stream[:2])
    mine, theirs = cl.examine(alone, stream), cl.examine(read, DIGITS)
    for way in ("untold", "told", "probe"):
        for one, other in zip(getattr(mine, way), getattr(theirs, way), strict=True):
            torch.testing.assert_close(one, other[7:8])


def test_planting_copies_and_breaks_only_what_it_says(read):
    sound, x = read[0], DIGITS[0].x_test
    before = sound.predict(x)
    swapped = cl.plant(sound, DIGITS[0], "readout")
    assert torch.equal(swapped.network.hidden(x), sound.network.hidden(x))
    assert torch.equal(sound.predict(x), before)
    own = DIGITS[0].y[3].unique()
    torch.testing.assert_close(swapped.predict(x)[3][:, own], before[3][:, own.flip(0)])
    stuck = cl.plant(sound, DIGITS[0], "features").network.hidden(x)
    assert torch.equal(stuck, stuck[:, :1].expand_as(stuck))
    with pytest.raises(cl.CourseError, match="'access', 'readout' or 'features'"):
        cl.plant(sound, DIGITS[0], "soul")


def test_life_is_one_run_cut_into_experiences(read):
    again = cl.run(read[0], DIGITS[1:2]).learner
    for one, other in zip(again.network.parameters(), read[1].network.parameters(), strict=True):
        assert torch.equal(one, other)


def test_watch_asks_before_and_after_every_step():
    stream = cl.split_digits()
    learner = cl.GradientLearner(cl.mlp(64, 10, 10, seeds=2))
    ask = {"accuracy": lambda one: cl.accuracy(one, stream[0])}
    curve = cl.watch(learner, stream[0], ask, steps=17)["accuracy"]  # more than one pass of 8
    assert curve.shape == (2, 18)
    assert torch.equal(curve[:, 0], cl.accuracy(learner, stream[0])), "the learner was changed"
    end = cl.run(learner, stream[:1], epochs=2).accuracy[:, 0, 0]
    assert torch.equal(curve[:, 16], end)


def test_first_step_by_hand():
    curve = torch.tensor([[0.1, 0.5, 0.4, 0.9], [0.6, 0.2, 0.2, 0.2]])
    assert cl.first_step(curve, 0.5).tolist() == [1, 0]
    with pytest.raises(cl.CourseError, match="1 of 2 lanes never reach 0.7"):
        cl.first_step(curve, 0.7)


# -- figures, explorer and stored studies of lesson 02 --


def figures(read):
    found = cl.examine(read, DIGITS)
    curve = torch.linspace(1, 0, 21).expand(LANES, -1)
    recall = {"old list": curve, "new list": 1 - curve, "old list, told": curve}
    study = load("02_scale")
    yield plots.autopsies({"digits": found, "a name that takes two lines": found}, "access", "Why")
    yield plots.lists(recall, guess=0.3)
    yield plots.curve()
    yield plots.scale(study, "width")
    yield plots.scale(study, "depth", title="Deeper")


@pytest.mark.parametrize("talking", [False, True])
def test_figures_are_readable_and_say_their_numbers(read, talking):
    with cl.plots.talk(talking):
        for figure in figures(read):
            assert labels.cut_labels(figure) == [] and labels.colliding_labels(figure) == []
            assert "0." in figure.sentence and figure.sentence.endswith(".")
            assert figure.png.startswith(b"\x89PNG")


def test_the_sentence_follows_the_numbers(read):
    found = cl.examine(read, DIGITS)
    words = plots.autopsies({"digits": found}).sentence
    for name, lanes in found.causes.items():
        assert f"{name} {lanes.mean().item() + 0:.2f}".replace("-0.00", "0.00") in words


def test_a_guess_changes_the_figures_and_never_their_sentences(read):
    found, curve = {"digits": cl.examine(read, DIGITS)}, torch.linspace(1, 0, 21).expand(LANES, -1)
    recall = {"old list": curve, "new list": 1 - curve, "old list, told": curve}
    draws = {
        "access": lambda guess: plots.autopsies(found, guess),
        0.3: lambda guess: plots.lists(recall, guess),
        0.4: lambda guess: cl.plots.curves(range(21), recall, xlabel="x", ylabel="accuracy",
                                           guess=guess, guess_at=7),
    }
    for guess, draw in draws.items():
        none, some = draw(None), draw(guess)
        assert none.sentence == some.sentence and none.png != some.png
        words = [text.get_text() for axes in some.picture.axes for text in axes.texts]
        words += [text.get_text() for text in some.picture.texts]
        assert any(one in (f"your guess {guess}0", f"you said: {guess}") for one in words)


def test_the_explorer_draws_every_setting():
    explorer = explore.curve()
    widgets = explorer.widgets
    seen = set()
    for lr in widgets["lr"].options:
        for width in widgets["width"].options:
            for asked in widgets["asked"].options:
                widgets["lr"].value, widgets["width"].value = lr, width
                widgets["asked"].value = asked
                ElementTree.fromstring(explorer.view.value)
                seen.add(explorer.view.value)
    assert len(seen) == 5 * 4 * 2
    study = plots.curve_study()
    widgets["step"].value = 7
    shown = study.estimate(width, lr, explore.QUESTIONS[asked], 7)
    assert f"{shown.value + 0:.2f} right" in explorer.view.value


def study(name: str):
    """The module studies/NAME.py."""
    path = Path(__file__).parents[1] / "studies" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def close(fresh, stored, lanes: int, tolerance: float) -> None:
    """Fresh numbers of the first lanes equal the stored ones, throughout a tree of dictionaries."""
    for name, part in fresh.items():
        if isinstance(part, dict):
            close(part, stored[name], lanes, tolerance)
        else:
            np.testing.assert_allclose(part, stored[name][:lanes], atol=tolerance, err_msg=name)


@pytest.mark.parametrize(
    ("name", "arguments", "tolerance"),
    [
        ("02_lists", ([0, 1], [0, 5], [0.3], 100), 0.13),
        ("02_parity", ([100, 101], [12], [1.0], 30), 0.2),
        ("02_scale", ([0, 1], [30], [2], [0.1], 5), 0.03),
    ],
)
@pytest.mark.slow
def test_stored_studies_come_out_again(name, arguments, tolerance):
    fresh = study(name).study(*arguments)
    close(fresh, load(name), 2, tolerance)


def test_the_stored_curve_comes_out_again():
    fresh, stored = study("02_curve").study([0, 1], [0.1], [10], 5), load("02_curve")
    for question, counts in fresh["right"]["10"]["0.1"].items():
        kept = [lane[:6] for lane in stored["right"]["10"]["0.1"][question][:2]]
        assert np.abs(np.subtract(counts, kept)).max() <= 1, question


def test_the_lesson_uses_the_narrowest_setting_that_qualifies():
    settings = load("02_parity")["width"]
    good = [
        int(width) for width, rates in settings.items() for one in rates.values()
        if np.mean(one["learnt"]) >= 0.99 and np.mean(one["joint"]) >= 0.95
    ]
    assert min(good) == 20 and settings["20"]["1.0"]["learnt"]
