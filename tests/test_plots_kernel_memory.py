"""Lesson 09 without training: the stored studies are what their code makes, and figures say so."""

import importlib.util
import json

import pytest
import torch
import torch.nn.functional as F
from lessons import ROOT

import clcourse as cl
from clcourse import results
from clcourse.plots import deep_memory
from clcourse.plots import kernel_memory as plots
from clcourse.plots.labels import colliding_labels, cut_labels

FIGURES = {
    **{name: plots for name in ("forgetting", "stable", "step", "reading")},
    **{name: deep_memory for name in ("collapse", "fading", "depth")},
}


def module(name: str, folder: str = "studies"):
    """The code of a study or benchmark."""
    path = ROOT / folder / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"{folder}_{name}", path)
    code = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(code)
    return code


@pytest.fixture(scope="module", name="gates")
def _gates():
    return module("09_gates")


@pytest.fixture(scope="module", name="deep")
def _deep():
    yield module("09_deep")
    torch.set_flush_denormal(False)


@pytest.fixture(scope="module", name="cache")
def _cache():
    return module("cache", "benchmarks")


# -- figures --


@pytest.mark.parametrize("talk", [False, True])
@pytest.mark.parametrize("name", FIGURES)
def test_no_label_is_cut_or_covered(name, talk):
    with cl.plots.talk(talk):
        figure = getattr(FIGURES[name], name)(title="a title")
        assert not cut_labels(figure) and not colliding_labels(figure)
        assert figure.sentence.startswith("a title: ")


def test_figures_say_the_stored_numbers():
    def mean(lanes):
        return f"{sum(lanes) / len(lanes):.2f}"

    worlds, deep = results.load("09_gates")["worlds"], results.load("09_deep")
    said = plots.forgetting().sentence
    for kind, question, length in plots.CELLS:
        cell = worlds[kind]["16"]["recall"][question][length]
        for without, having, name in plots.WRITERS.values():
            pair = [mean(cell[one]["lanes"]) for one in (without, having)]
            assert f"{name} {pair[0]} to {pair[1]} [" in said
    by = deep["forgetting"]["linear"]
    said = deep_memory.fading().sentence
    for name, rows in (("MLP, to zero", by["MLP"]["zero"]), ("matrix", by["matrix"]["zero"]),
                       ("MLP, to its start", by["MLP"]["start"])):  # fmt: skip
        part = said.split(f"{name}: ")[1]
        for row in rows:
            assert f"α {row['α']:g} {mean(row['lanes']['error'])}" in part
    said = deep_memory.depth().sentence
    for rival, (name, _) in deep_memory.MEMORIES.items():
        assert f"shown 8x {mean(deep['pairs']['8'][rival]['64']['lanes'])}" in said.split(name)[1]
    said = deep_memory.collapse().sentence
    for (fade, α), (name, _) in deep_memory.FADES.items():
        late = deep["collapse"][fade][α]["seeds"]["error, last quarter"]
        assert f"{name} {mean(late)} [" in said
    fits = results.load("09_cost")["fits"]
    assert f"full attention {fits['power, full attention']['value']:.2f} (" in (
        plots.reading().sentence)  # fmt: skip
    assert "equal at 32 tokens" in plots.step().sentence
    stable = results.load("09_gates")["stable"]["random"]["0.0"]["0.9"]["seeds"]
    assert "α = 0: η 0 1.93" in plots.stable().sentence
    assert f"η 0.9 {mean(stable)}" in plots.stable().sentence.split("α = 0: ")[1]


# -- the studies --


def same(stored, made) -> bool:
    """Whether stored lanes come out again, one question more or less apart."""
    return stored == pytest.approx(made, abs=0.02)


def test_settings_are_those_of_the_code(gates, deep, cache):
    for name, wanted in (
        ("09_gates", gates.SETTINGS | {"cases": gates.CASES, "momentum": gates.MOMENTUM,
                                       "stable": gates.STABLE}),
        ("09_deep", deep.SETTINGS | {"rivals": deep.RIVALS, "collapse": deep.COLLAPSE,
                                     "pairs": deep.PAIRS}),
        ("09_cost", cache.SETTINGS),
    ):  # fmt: skip
        stored = results.load(name)["settings"]
        assert json.loads(json.dumps(wanted)) == stored
        if "search_seeds" in stored:
            assert not set(stored["search_seeds"]) & set(stored["seeds"] + stored["other_seeds"])


def test_recall_comes_out_again(gates):
    found = results.load("09_gates")["worlds"]
    for kind, rival in (("new", "slow, forgetting"), ("new", "Hebbian, forgetting"),
                        ("changing", "delta")):  # fmt: skip
        cell = found[kind]["16"]["recall"]
        one = cell["all"]["256"][rival]
        made = gates.recalled(kind, 16, [3], *one["θηα"])
        assert same(one["lanes"][3], made["all"]["256"][0])


def test_each_rival_kept_to_what_is_fixed(gates):
    for kind, by_width in results.load("09_gates")["worlds"].items():
        for world in by_width.values():
            assert set(world["recall"]) == set(gates.QUESTIONS[kind])
            for by_length in world["recall"].values():
                for rivals in by_length.values():
                    for rival, one in rivals.items():
                        assert tuple(one["θηα"]) in gates.settings_of(gates.RIVALS[rival])
                        assert len(one["lanes"]) == len(one["others"]) == 20


def test_newest_and_hebbian_are_what_they_say(gates):
    which = torch.tensor([[[0, 1, 0, 2, 1]]])
    assert gates.newest(which).tolist() == [[[False, False, True, True, True]]]
    k, v = (cl.LaneRandom(1, name).normal(1, 5, 4) for name in ("keys", "values"))
    [M] = gates.memories(k, v, 1.0, None, 0.1, [5])
    by_hand = torch.zeros(4, 4)
    for key, value in zip(k[0, 0], v[0, 0], strict=True):
        by_hand = 0.9 * by_hand + key[:, None] * value
    assert torch.allclose(M[0, 0], by_hand, atol=1e-5)


def test_momentum_and_stability_come_out_again(gates):
    found = results.load("09_gates")
    for case in gates.CASES:
        one = found["momentum"][case]["0.3"]
        assert same(one["lanes"][0], gates.recalled_in(case, [0], *one["θηα"])[0])
    stored = found["stable"]["random"]["0.05"]["0.9"]["seeds"][0]
    assert gates.largest_stable("random", 0.9, 0.05, [0])[0] == pytest.approx(stored, rel=0.08)
    one_key = found["stable"]["one key"]["0.0"]  # the law: θ < 2 (1 + η)
    assert all(one["seeds"][0] < 2 * (1 + float(η)) for η, one in one_key.items())


def test_depth_comes_out_again(deep):
    found = results.load("09_deep")
    for rival, fade in (("MLP", "start"), ("matrix, fixed features", "zero")):
        one = found["forgetting"]["bent"][rival][fade][2]
        [made] = deep.errors(rival, "bent", [0], (one["θ"], one["η"], [one["α"]]),
                             start=one["start"], fade=fade)  # fmt: skip
        assert same(one["lanes"]["error"][0], made["error"][0])
    one = found["pairs"]["8"]["MLP"]["32"]
    made = deep.recalled("MLP", 32, 8, [0], (one["start"], one["θ"], one["η"]))
    assert one["lanes"][0] == pytest.approx(made[0], abs=0.04)
    late = found["collapse"]["zero"]["0.01"]["seeds"]
    made = deep.collapse("zero", 0.01, [0])
    assert same(late["error, last quarter"][0], made["error, last quarter"][0])
    assert late["first layer"][0][-1] < 1e-7


# -- the two sides of the cost --


def test_a_step_of_the_memory_is_the_recurrence(cache):
    random = cl.LaneRandom(1, "steps")
    q, k, v = (random.normal(9, 32)[0] for _ in range(3))
    k, gates = F.normalize(k, dim=-1), random.uniform(27).view(9, 3).float()
    y, state, _ = cl.token_loop(q, k, v, *gates.T)
    memory = cache.Memory(32)
    steps = torch.stack([memory.step(*one) for one in zip(q, k, v, gates, strict=True)])
    assert torch.allclose(y, steps, atol=1e-5) and torch.allclose(state.M, memory.M, atol=1e-5)


def test_both_forms_of_attention_agree_and_the_window_is_one(cache):
    one, (q, k, v) = cache.Cache(50, 32), cl.LaneRandom(1, "attention").normal(3, 32)[0]
    assert torch.allclose(one.fused(q, k, v), one.plain(q, k, v), atol=1e-5)
    q, k, v = cl.LaneRandom(1, "window").normal(3, 24, 4)[0]
    place = torch.arange(24)
    back = place[:, None] - place
    wanted = F.scaled_dot_product_attention(q[None], k[None], v[None], (back >= 0) & (back < 8))[0]
    assert torch.allclose(cache.windowed(q, k, v, 8), wanted, atol=1e-5)


def test_fits_and_bytes_by_hand(cache):
    lengths = [10, 100, 1000]
    assert cache.line(lengths, [7, 25, 205]) == pytest.approx((5, 0.2))
    assert cache.crossing(lengths, [7, 25, 205], [45, 45, 45]) == pytest.approx(200)
    assert cache.meeting(lengths, [1, 10, 100], [10, 10, 50]) == pytest.approx(100, rel=1e-6)
    assert cache.slope([1, 2, 4, 8], [1, 4, 16, 64]) == pytest.approx(2)
    real = cache.kept_bytes(128, 2, 2)
    assert (real["memory"], real["token"], real["equal at"]) == (65_536, 512, 128)
    assert results.load("09_cost")["bytes"]["real"] == real
