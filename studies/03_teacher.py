"""A teacher who errs: how much sleep is too much, from mostly noise to none?

    python studies/03_teacher.py

makes clcourse/results/03_teacher.json again (under a minute on one core). A student replays 100
episodes for 2000 epochs. Its error on new episodes at the end is set beside two stopping points:
the best in hindsight (an oracle: it looks at the test), and the best on 25 episodes kept out of
sleep. Beside both stands a notebook with cross-talk for a store (Sun et al. 2023).
"""

from __future__ import annotations

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


def study(seeds) -> dict:
    """{"shoebox": {"1.0": measures}, "notebook": …, "curves": {"1.0": mean test errors}}."""
    results: dict = {"shoebox": {}, "notebook": {}}
    for ratio in SETTINGS["ratios"]:
        teacher = NoisyTeacher(ratio, seeds=seeds)
        results["shoebox"][str(ratio)] = measure(teacher, *teacher.episodes)
        results["notebook"][str(ratio)] = measure(teacher, *notebook(teacher, seeds))
        print(ratio, flush=True)
    return results


if __name__ == "__main__":
    shown = SETTINGS | {"ratios": [str(one) for one in SETTINGS["ratios"]]}
    print("written:", store("03_teacher", shown, study(SETTINGS["seeds"])).name)
