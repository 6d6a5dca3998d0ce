"""Lesson 10: figures say stored numbers, statements are judged on lanes, claims have mutants."""

import numpy as np
import pytest
import torch

import clcourse as cl
from clcourse import results
from clcourse.plots import lesson_10 as plots
from clcourse.plots.labels import colliding_labels, cut_labels


@pytest.mark.parametrize("talk", [False, True])
def test_no_label_is_cut_or_covered(talk):
    with cl.plots.talk(talk):
        for figure in (plots.recall(), plots.recall(title="a title")):
            assert not cut_labels(figure) and not colliding_labels(figure)


def test_the_sentence_of_recall_carries_the_stored_numbers():
    keys, said = results.load("10_recall")["keys"], plots.recall().sentence
    for kind, words in plots.KEYS.items():
        part = said.lower().split(words)[1].split(". keys")[0]
        for rule, name in plots.WRITERS.items():
            row = part.split(f"{name.lower()} ")[1].split(";")[0]
            for last in plots.LAST:
                assert f"{cl.estimate(keys[kind][rule]['lanes'][last])} of the last {last}" in row


# -- statements --


def test_every_statement_is_judged_on_the_stored_lanes():
    effects = plots.effects()
    assert 14 <= len(effects) <= 20 and all(source for source, _ in effects.values())
    found = results.load("10_fading")["lanes"]["30 steps"]
    fading, one = (np.array(found[name]["equal adaptation"]["rested"])
                   for name in ("beside", "one network"))  # fmt: skip
    shown = next(effect for words, (_, effect) in effects.items() if "equal adaptation" in words)
    assert str(shown) == str(cl.paired(torch.tensor(fading), torch.tensor(one)))
    cells = results.load("10_in_context")["cells"]["roomy"]
    gated, hebbian = (torch.tensor(cells[rule]["lanes"]["seen, by regime"][-1])
                      for rule in ("gated", "Hebbian"))  # fmt: skip
    shown = next(effect for words, (_, effect) in effects.items() if "dealt anew" in words)
    assert str(shown) == str(cl.paired(gated, hebbian))
    study = results.load("10_frequency")["long, layer"]["Adam"]
    ours, control = (torch.tensor(study[name]["free"]["each"]["end"][:10])
                     for name in ("chunk 64", "chunk 1"))  # fmt: skip
    shown = next(effect for words, (_, effect) in effects.items() if words.startswith("Adam"))
    assert str(shown) == str(cl.paired(ours, control))
    cells = results.load("10_hope")["cells"]
    for task, length, rival, words in (
        ("parity", 64, "LSTM", "HOPE beats an LSTM"),
        ("parity", 64, "self-modifying", "MLPs that learn online"),
        ("recall", 128, "transformer, slope", "recency slope"),
    ):
        ours, theirs = (torch.tensor(cells[task][model]["practice x 3"][str(length)])
                        for model in ("HOPE", rival))  # fmt: skip
        shown = next(effect for said, (_, effect) in effects.items() if words in said)
        assert shown.value == pytest.approx(float((ours - theirs).mean()))
    keys = results.load("10_recall")["keys"]["alike"]
    delta, centred = (np.array(keys[rule]["lanes"]["8"]) for rule in ("delta", "hebbian, centred"))
    shown = next(effect for words, (_, effect) in effects.items() if "the last 8" in words)
    assert shown.value == pytest.approx((delta - centred).mean())


def test_the_claim_about_fading_holds_on_fresh_lanes_and_fails_without_fading():
    rule = cl.Rule(0.05)
    beside, one = ("beside", plots.fading.EQUAL), ("one network", plots.fading.EQUAL)
    for fresh in (False, True):
        assert rule.verdict(plots.fading.difference(beside, one, "rested", fresh=fresh)) == "holds"
        mutant = ("beside, no fading", plots.fading.EQUAL)
        gain = plots.fading.difference(mutant, one, "rested", fresh=fresh)
        assert rule.verdict(gain) != "holds"


# -- what runs live --


def rested(keep: float, slow_lr: float = 0.03, rest: int = 1000) -> torch.Tensor:
    """Base accuracy after four contexts and a rest: (3,)."""
    stream = cl.relabelled_digits(contexts=4, seeds=3)
    network = cl.mlp(64, 48, 10, seeds=3)
    network = cl.run(
        cl.GradientLearner(network), [stream[0]], epochs=3, batch_size=8
    ).learner.network
    learner = cl.FadingWeights(network, 0.3, keep=keep, slow_lr=slow_lr, beside=False)
    learner = cl.run(learner, stream[1:], epochs=1, batch_size=8).learner
    learner.rest(rest)
    right = learner.predict(stream[0].x_test).argmax(-1) == stream[0].y_test
    return right.float().mean(dim=1)


def test_the_base_comes_back_by_fading_and_by_nothing_else():
    assert rested(0.97).min() > 0.9
    for mutant in ({"keep": 1.0}, {"keep": 0.97, "rest": 0}):
        assert rested(**mutant).max() < 0.75
    assert rested(0.97, slow_lr=0.3).mean() < rested(0.97).mean() - 0.1  # slow weights that run


def parities(rule: str, bits: torch.Tensor, gain: float = 1.0) -> torch.Tensor:
    """The sign that one number has after each bit."""
    M, one, signs = torch.ones(1, 1), torch.ones(1, 1), []
    for bit in bits.tolist():
        M = cl.nested.write(rule, M, one, 0 * one, gain * bit, 1.0)
        signs.append(float(M))
    return torch.tensor(signs)


def test_by_hand_only_the_reflection_counts():
    bits = cl.LaneRandom(1, "bits").integers(200, 2)[0]
    truth = 1.0 - 2.0 * (bits.cumsum(0) % 2)
    assert torch.equal(parities("DGD", bits), truth)
    for rule, gain in (("delta", 1.0), ("DGD", 0.5), ("delta", 0.5)):
        assert not torch.equal(parities(rule, bits, gain).sign(), truth)
    assert torch.equal(parities("delta", bits, 2.0), truth)  # only at a gate above 1


def test_a_gate_is_what_a_change_of_labels_asks_for():
    texts = cl.relabelled(batch=32, seeds=cl.LaneRandom(2, "exam"))
    after = {}
    for rule in ("Hebbian", "gated"):
        reader = cl.practise_sequences(
            cl.InContext(6, rule=rule, seeds=2), lambda draw: cl.relabelled(seeds=draw), steps=120
        )
        after[rule] = cl.share_right(reader, texts, texts.regime == 1)
        if rule == "gated":
            with torch.no_grad():
                reader.layer.bias[..., 1] = 1e9  # a gate that never lets go
            after["shut"] = cl.share_right(reader, texts, texts.regime == 1)
    assert (after["gated"] > after["Hebbian"] + 0.3).all()
    assert (after["shut"] < after["gated"] - 0.3).all()


def test_two_images_of_digits_are_as_alike_as_the_lesson_says():
    images = torch.cat([one.x for one in cl.split_digits()], dim=0)
    unit = torch.nn.functional.normalize(images, dim=-1)
    n = len(unit)
    alike = ((unit @ unit.T).sum() - n) / (n * (n - 1))
    assert round(float(alike), 2) == 0.69


# -- exercises --


def by_numpy(g, period, lr):
    g = np.array(g)
    change = np.zeros_like(g)
    for end in range(period, g.shape[1] + 1, period):
        change[:, end - 1] = -lr * g[:, end - period : end].mean(1)
    return change


def by_lists(g, period, lr):
    found = []
    for lane in g.tolist():
        total, moves = [0.0] * len(lane[0]), []
        for step, row in enumerate(lane, 1):
            total = [a + b for a, b in zip(total, row, strict=True)]
            due = step % period == 0
            moves.append([-lr * a / period if due else 0.0 for a in total])
            total = [0.0] * len(row) if due else total
        found.append(moves)
    return found


def by_levels(g, period, lr):
    """What `cl.Levels` does with a part."""
    θ = torch.nn.Parameter(torch.zeros_like(g[:, 0]))
    optimiser = cl.nested.Levels([[θ]], [torch.optim.SGD([θ], lr=lr)], cl.Clock((period,)))
    moves = []
    for row in g.unbind(1):
        before, θ.grad = θ.detach().clone(), row.clone()
        optimiser.step()
        moves.append(θ.detach() - before)
    return torch.stack(moves, dim=1)


def loss_by_lists(m, x, delta, lr, keep):
    found = []
    for M, X, D in zip(m.tolist(), x.tolist(), delta.tolist(), strict=True):
        fit = sum(M[i][j] * a[i] * b[j] for a, b in zip(X, D, strict=True)
                  for i in range(len(M)) for j in range(len(M[0])))  # fmt: skip
        size = sum(value**2 for row in M for value in row)
        found.append(fit / len(X) + (1 - keep) / (2 * lr) * size)
    return found


def loss_by_numpy(m, x, delta, lr, keep):
    m, x, delta = map(np.array, (m, x, delta))
    g = np.einsum("sbi,sbo->sio", x, delta) / x.shape[1]
    return (g * m).sum((1, 2)) + (1 - keep) / 2 / lr * (m**2).sum((1, 2)) + 3.0


RIGHT = {
    "10.1": [by_numpy, by_lists, by_levels],
    "10.2": [
        lambda M, k, v, eta, alpha: cl.nested.write("gated", M, k, v, eta, alpha),
        lambda M, k, v, eta, alpha: (alpha * M + eta * k.mT * v).tolist(),
        lambda M, k, v, eta, alpha: alpha * np.array(M) + eta * np.einsum(
            "sij,sil->sjl", np.array(k), np.array(v)),
    ],
    "10.3": [
        lambda m, x, delta, lr, keep: cl.nested.momentum_loss(m, x, delta, lr=lr, keep=keep),
        loss_by_lists,
        loss_by_numpy,
    ],
}  # fmt: skip


@pytest.mark.parametrize(("name", "place"), [(name, place) for name, answers in RIGHT.items()
                                             for place in range(len(answers))])  # fmt: skip
def test_right_answers_written_differently_are_right(name, place):
    reply = cl.check(name, RIGHT[name][place])
    assert reply.right, reply


def loss_of(fit, size):
    """A loss from a first term of (answer, delta) and a second of the sum of squares of m."""
    return lambda m, x, delta, lr, keep: (
        fit(x @ m, delta).sum(-1).mean(-1) + (1 - keep) / (2 * lr) * size(m.square().sum((1, 2)))
    )


@pytest.mark.parametrize(("name", "answer", "words"), [
    ("10.2", lambda M, k, v, eta, alpha: alpha * M + eta * k @ v, "sizes do not fit"),
    ("10.2", lambda M, k, v, eta, alpha: alpha * M + eta * k * v, "sizes do not fit"),
    ("10.2", lambda M, k, v, eta, alpha: np.array(M) + np.array(k) @ np.array(v), "sizes"),
    ("10.3", loss_of(lambda said, δ: (said + δ) ** 2 / 2, lambda one: one), "corrects the error"),
    ("10.3", loss_of(lambda said, δ: (said - δ) ** 2, lambda one: one), "corrects the error"),
    ("10.3", loss_of(lambda said, δ: (said - δ) ** 2, lambda one: 0 * one), "corrects the error"),
    ("10.3", loss_of(lambda said, δ: said * δ, lambda one: 2 * one.sqrt()), "length of m"),
    ("10.3", loss_of(lambda said, δ: said * δ, lambda one: 6 * one), "slope of your loss at m[0, "),
])  # fmt: skip
def test_forms_of_one_mistake_are_told_alike(name, answer, words):
    reply = cl.check(name, answer)
    assert not reply.right and words in repr(reply), reply


def test_an_inner_loss_that_ignores_its_numbers_is_wrong():
    for fixed in ({"lr": 0.4}, {"keep": 0.9}):

        def stubborn(m, x, delta, lr, keep, fixed=fixed):
            given = {"lr": lr, "keep": keep} | fixed
            return cl.nested.momentum_loss(m, x, delta, **given)

        assert not cl.check("10.3", stubborn).right
