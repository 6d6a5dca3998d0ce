"""Two lists for a hippocampus: which shared context and which chance of storing look like people?

    python studies/03_lists.py

makes clcourse/results/03_lists.json again (about two minutes on one core). The setting whose mean
curves lie nearest to those of people (Barnes & Underwood 1959) is sought on subjects 100 to 119:
a fit, no prediction. It is then shown on subjects 0 to 19 and 200 to 219, with and without the
novelty gate, and after a night of replay.
"""

from __future__ import annotations

import warnings

import torch

import clcourse as cl
from clcourse.plots.lesson_02 import PEOPLE
from clcourse.results import store
from clcourse.sleep import drifting_lists

SETTINGS = {
    "seeds": list(range(20)),
    "seeds_for_choosing": list(range(100, 120)),
    "other_seeds": list(range(200, 220)),
    "pairs": 8,
    "shares": [0, 4, 5, 6, 8],
    "chances": [0.3, 0.4],
    "drifts": [1, 2],
    "trials": 20,
    "hippocampus": {"units": 240, "active": 21, "dg": [800, 8], "ca3": [300, 10],
                    "ca1": [300, 30]},
    "cortex": [160, 50, 16],
    "lr": 0.3,
    "night": 200,
    "dreams": 200,
}


class Ungated(cl.Hippocampus):
    """A hippocampus for which everything is new."""

    def novelty(self, patterns, cues=None):
        """All of it."""
        return torch.ones_like(patterns[..., 0])


def hippocampus(seeds, kind=cl.Hippocampus):
    """A small one: sixteen episodes need no more."""
    sizes = SETTINGS["hippocampus"]
    return kind(sizes["units"], sizes["active"], dg=tuple(sizes["dg"]), ca3=tuple(sizes["ca3"]),
                ca1=tuple(sizes["ca1"]), seeds=seeds)


def session(pairs, chance: float, kind=cl.Hippocampus) -> tuple[dict, cl.TwoSystems]:
    """The first list is stored, then the second, trial by trial; the hippocampus alone is asked."""
    seeds = pairs.seeds
    cortex = cl.Neocortex(*SETTINGS["cortex"], lr=SETTINGS["lr"], seeds=seeds)
    fast = cl.Episodes(hippocampus(seeds, kind), 160, 2 * SETTINGS["pairs"])
    subject = cl.TwoSystems(fast, cortex).lesion("neocortex")
    subject.observe(pairs[0].x, pairs[0].y)
    subject.fast.chance = chance
    curves = {"old list": [], "new list": []}
    for trial in range(SETTINGS["trials"] + 1):
        if trial:
            subject.observe(pairs[1].x, pairs[1].y)
        for name, one in zip(curves, pairs, strict=True):
            curves[name].append(cl.accuracy(subject, one))
    return {name: torch.stack(lanes, dim=1) for name, lanes in curves.items()}, subject


def listed(curves: dict) -> dict:
    """Counts of right answers: {list: (subjects, trials + 1)}."""
    return {name: (lanes * SETTINGS["pairs"]).round().int().tolist()
            for name, lanes in curves.items()}


def distance(curves: dict) -> float:
    """Root mean squared distance of the mean curves from those of people."""
    squares = [(curves[name].mean(dim=0)[trials] - torch.tensor(shares)) ** 2
               for name, (trials, shares) in PEOPLE.items()]
    return torch.cat(squares).mean().sqrt().item()


def dreamt(one, x, y) -> torch.Tensor:
    """Share of a list's pairs that are among the dreams, cue (nine tenths of it) and answer."""
    alike = one.x @ x.mT / one.x.sum(dim=2, keepdim=True) >= 0.9
    return (alike & (one.y[..., None] == y[:, None])).any(dim=2).float().mean(dim=1)


def night(subject, pairs, steps: int) -> dict:
    """The cortex forgets the old list by day and is then taught by replays, or by the new list."""
    day = cl.run(cl.GradientLearner(cl.mlp(*SETTINGS["cortex"], seeds=pairs.seeds),
                                    SETTINGS["lr"]), pairs, epochs=30, batch_size=8).learner
    told = {"evening": [cl.accuracy(day, one) for one in pairs]}
    dreams = subject.fast.sample(SETTINGS["dreams"])[:2]
    told["dreamt"] = [dreamt(one, *dreams) for one in pairs]
    for name, x, y in (("sleep", *dreams),
                       ("new list again", pairs[1].x, pairs[1].y)):
        cortex = cl.Neocortex(*SETTINGS["cortex"], lr=SETTINGS["lr"], seeds=pairs.seeds)
        cortex.network = day.network.copy()
        random, lane = cl.LaneRandom(pairs.seeds, name), torch.arange(len(x))[:, None]
        for _ in range(steps):
            some = random.integers(32, x.shape[1])
            cortex.learn(x[lane, some], y[lane, some])
        told[name] = [(cortex.answer(one.x).argmax(dim=2) == one.y).float().mean(dim=1)
                      for one in pairs]
    return {name: {which: lanes.tolist() for which, lanes in zip(PEOPLE, both, strict=True)}
            for name, both in told.items()}


def study() -> dict:
    """The search, and the setting found."""
    grid = {}
    for drift in SETTINGS["drifts"]:
        for share in SETTINGS["shares"]:
            lists = drifting_lists(share=share, drift=drift, seeds=SETTINGS["seeds_for_choosing"])
            for chance in SETTINGS["chances"]:
                curves, _ = session(lists, chance)
                grid[f"{share} {drift} {chance}"] = {
                    "distance": round(distance(curves), 4),
                    "left": curves["old list"][:, -1].tolist()}
                print(share, drift, chance, round(distance(curves), 3), flush=True)
    best = min(grid, key=lambda name: grid[name]["distance"])
    share, drift, chance = int(best[0]), int(best[2]), float(best[4:])
    found = {"grid": grid, "chosen": {"share": share, "drift": drift, "chance": chance}}
    lists = drifting_lists(share=share, drift=drift, seeds=SETTINGS["seeds"])
    curves, subject = session(lists, chance)
    found |= {"gate": listed(curves), "night": night(subject, lists, SETTINGS["night"])}
    found["no gate"] = listed(session(lists, chance, Ungated)[0])
    others = drifting_lists(share=share, drift=drift, seeds=SETTINGS["other_seeds"])
    found["other subjects"] = listed(session(others, chance)[0])
    unrelated = drifting_lists(share=0, drift=drift, seeds=SETTINGS["seeds"])
    return found | {"unrelated contexts": listed(session(unrelated, chance)[0])}


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # without the gate the store overflows, and says so
    print("written:", store("03_lists", SETTINGS, study()).name)
