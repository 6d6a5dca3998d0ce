"""A teacher who errs: how much sleep is too much, from mostly noise to none?

    python studies/03_teacher.py

makes clcourse/results/03_teacher.json again (under a minute on one core). A student replays 100
episodes for 2000 epochs. Its error on new episodes at the end is set beside two stopping points:
the best in hindsight (an oracle: it looks at the test), and the best on 25 episodes kept out of
sleep. Controls: the stored episodes themselves, asked for the most similar one or for the mean of
the ten most similar; a ridge regression on them; stopping and not stopping with equal numbers of
episodes; a notebook with cross-talk for a store (Sun et al. 2023). At a ratio of 1 the number of
episodes is varied: fewer or more than the 100 inputs.
"""

from __future__ import annotations

import copy

import torch

import clcourse as cl
from clcourse.results import store
from clcourse.sleep import NoisyTeacher

SETTINGS = {
    "seeds": list(range(20)),
    "ratios": [0.05, 0.25, 1.0, 4.0, 16.0, float("inf")],
    "epochs": 2000,
    "moments": sorted({0, *(round(2000 * 2 ** (-k / 4)) for k in range(44))}),
    "index": [1000, 50],
    "similar": {"look-up": 1, "mean of ten": 10},
    "ridge": [2.0**k for k in range(-10, 8)],
    "counts": [50, 100, 200, 400],
}


def notebook(teacher: NoisyTeacher, seeds) -> tuple[torch.Tensor, torch.Tensor]:
    """The episodes as a Hebbian notebook gives them back: each mixed with a little of the others.

    Each episode has a random sparse index; the replay of one is the sum of all, weighted by how
    far their indices (centred, of unit length) agree.
    """
    units, active = SETTINGS["index"]
    x, y = teacher.episodes
    noise = cl.LaneRandom(seeds, "notebook").uniform(x.shape[1] * units)
    index = cl.k_winners(noise.reshape(-1, x.shape[1], units), active).float() - active / units
    index = index / index.norm(dim=2, keepdim=True)
    agree = index @ index.mT
    return agree @ x, agree @ y


def measure(teacher: NoisyTeacher, x, y) -> dict[str, list]:
    """One number a lane: the error at three stopping points, and when to stop."""
    moments = SETTINGS["moments"]
    errors = teacher.sleep(x, y, moments)
    tests, chosen = errors["test"], errors["held out"].argmin(dim=1)
    lanes = {"best in hindsight": tests.amin(dim=1), "to the end": tests[:, -1],
             "held out": tests.gather(1, chosen[:, None])[:, 0],
             "epochs held out": torch.tensor(moments)[chosen],
             "episodes at the end": errors["episodes"][:, -1]}
    return {name: [round(float(one), 4) for one in values] for name, values in lanes.items()}


def asked(teacher: NoisyTeacher) -> dict[str, list]:
    """The error of the box itself, which answers with the mean of the most similar episodes."""
    (x, y), (inputs, wanted) = teacher.episodes, teacher.tests
    nearest, lane = torch.cdist(inputs, x).argsort(dim=2), torch.arange(len(x))[:, None, None]
    found = {}
    for name, count in SETTINGS["similar"].items():
        said = y[lane, nearest[..., :count], 0].mean(dim=2, keepdim=True)
        found[name] = [round(float(one), 4)
                       for one in (said - wanted).square().mean(dim=(1, 2))]
    return found


def ridge(teacher: NoisyTeacher) -> dict[str, list]:
    """No sleep, but a formula: w = (XᵀX + λ)⁻¹ Xᵀy, with the λ that held-out episodes choose."""
    (x, y), one = teacher.episodes, torch.eye(teacher.episodes[0].shape[2])
    errors = {"held out": [], "test": []}
    for strength in SETTINGS["ridge"]:
        w = torch.linalg.solve(x.mT @ x + strength * one, x.mT @ y)
        for name, (inputs, wanted) in (("held out", teacher.held_out), ("test", teacher.tests)):
            errors[name].append((inputs @ w - wanted).square().mean(dim=(1, 2)))
    held_out, tests = (torch.stack(lanes, dim=1) for lanes in errors.values())
    found = tests.gather(1, held_out.argmin(dim=1)[:, None])[:, 0]
    return {"ridge, held out": [round(float(error), 4) for error in found]}


def equal(teacher: NoisyTeacher) -> dict[str, list]:
    """Equal episodes: 25 of the 100 kept out of sleep; or none kept out, and all 125 replayed."""
    (x, y), more, moments = teacher.episodes, teacher.held_out, SETTINGS["moments"]
    all_of_them = (torch.cat(pair, dim=1) for pair in ((x, more[0]), (y, more[1])))
    to_the_end = teacher.sleep(*all_of_them, moments)["test"][:, -1]
    fewer = copy.copy(teacher)
    fewer.episodes, fewer.held_out = (x[:, :75], y[:, :75]), (x[:, 75:], y[:, 75:])
    return {"125 to the end": [round(float(one), 4) for one in to_the_end],
            "75, held out": measure(fewer, *fewer.episodes)["held out"]}


def study(seeds) -> dict:
    """{"shoebox": {"1.0": measures}, "notebook": …, "episodes": {"50": measures}}."""
    results: dict = {"shoebox": {}, "notebook": {}, "episodes": {}}
    for count in SETTINGS["counts"]:
        teacher = NoisyTeacher(1.0, seeds=seeds, count=count)
        results["episodes"][str(count)] = measure(teacher, *teacher.episodes)
    for ratio in SETTINGS["ratios"]:
        teacher = NoisyTeacher(ratio, seeds=seeds)
        results["shoebox"][str(ratio)] = (
            measure(teacher, *teacher.episodes) | asked(teacher) | equal(teacher) | ridge(teacher))
        results["notebook"][str(ratio)] = measure(teacher, *notebook(teacher, seeds))
        print(ratio, flush=True)
    return results


if __name__ == "__main__":
    shown = SETTINGS | {"ratios": [str(one) for one in SETTINGS["ratios"]]}
    print("written:", store("03_teacher", shown, study(SETTINGS["seeds"])).name)
