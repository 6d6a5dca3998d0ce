"""What a part of an episode brings back, by load and damage; and whether the gauge tells the truth.

    python studies/04_completion.py

makes clcourse/results/04_completion.json again (about five minutes on one core). Twenty subjects
store random episodes, or variations of five prototypes; cues keep some of the 24 active units.
Fidelity is the overlap of what comes back with what was stored; an episode is identified when it
is the stored one that is nearest to what comes back.

Controls: the cue itself; one centred matrix from EC to EC, Hebbian or solved like CA1's way back; a
circuit whose way back from CA1 is not solved; and a CA3 without DG whose share of active units is
chosen on other lanes, as large as it is or as large as DG.
"""

from __future__ import annotations

import warnings

import torch

import clcourse as cl
from clcourse.results import store

UNITS, ACTIVE = 240, 24
SETTINGS = {
    "seeds": list(range(20)),
    "loads": [25, 50, 100, 200, 400],
    "kept": [24, 18, 12, 9, 6, 3],
    "gauge_loads": [10, 25, 50, 75, 100, 125, 150, 200, 300, 400],
    "larger": {"ca3": [800, 20]},
    "prototypes": 5,
    "shared_with_the_prototype": [0, 12, 18],
    "similar": 100,
    "dreams": 100,
    "choice_seeds": list(range(100, 120)),
    "ca3_active": [1, 2, 4, 8, 16, 32],
    "ca3_units": [480, 1600],
    "other_seeds": list(range(200, 220)),
}


def some(patterns, count: int, random) -> torch.Tensor:
    """So many of each pattern's active units, drawn at random."""
    noise = 1 + random.uniform(patterns[0].numel()).reshape(patterns.shape)
    return cl.k_winners(patterns * noise, count).float() if count else torch.zeros_like(patterns)


def variations(count: int, shared: int, random) -> torch.Tensor:
    """Episodes in turn around a few prototypes, each with so many of its prototype's units."""
    many = SETTINGS["prototypes"]
    prototypes = cl.k_winners(random.normal(many, UNITS), ACTIVE)
    each = prototypes.repeat(1, count // many, 1)
    return some(each, shared, random) + some(1 - each, ACTIVE - shared, random)


def identified(back, patterns) -> torch.Tensor:
    """Share of episodes that are the stored ones nearest to what came back: (seeds,)."""
    nearest = (back @ patterns.mT).argmax(dim=2)
    return (nearest == torch.arange(patterns.shape[1])).float().mean(dim=1)


def lanes(values) -> list[float]:
    return [round(value, 4) for value in values.tolist()]


def recalled(hippocampus, patterns, random) -> dict:
    """{kept units: {"fidelity": lanes, "identified": lanes}}."""
    found = {}
    for kept in SETTINGS["kept"]:
        back = hippocampus.recall(some(patterns, kept, random))
        found[str(kept)] = {"fidelity": lanes(cl.overlap(back, patterns).mean(dim=1)),
                            "identified": lanes(identified(back, patterns))}
    return found


def gauged(hippocampus, patterns, random) -> dict:
    """What the gauge says without a list, what a list says, and what half a cue brings back."""
    half = hippocampus.recall(some(patterns, ACTIVE // 2, random))
    dreams = hippocampus.replay(SETTINGS["dreams"])
    nearest = dreams @ patterns.mT / ACTIVE
    valid = nearest.amax(dim=2) > 0.9
    met = torch.zeros(patterns.shape[:2])
    met.scatter_add_(1, nearest.argmax(dim=2), valid.float())
    return {"sound": lanes(hippocampus.gauge(SETTINGS["dreams"]).sound),
            "valid": lanes(valid.float().mean(dim=1)),
            "met": lanes((met > 0).float().mean(dim=1)),
            "fidelity": lanes(cl.overlap(half, patterns).mean(dim=1))}


def filled(patterns, seeds, **sizes) -> cl.Hippocampus:
    """A hippocampus with those episodes in it, stored without a gate, so that all are in."""
    hippocampus = cl.Hippocampus(seeds=seeds, **sizes)
    hippocampus.store(patterns, gate=False)
    return hippocampus


def without_dg(patterns, seeds, **sizes) -> cl.Hippocampus:
    """The same, damaged before it stores."""
    hippocampus = cl.Hippocampus(seeds=seeds, **sizes).lesion("DG")
    hippocampus.store(patterns, gate=False)
    return hippocampus


class Itself:
    """No memory at all: what comes back is the cue."""

    def recall(self, cues: torch.Tensor) -> torch.Tensor:
        return cues


class OneMatrix:
    """Section 1 alone: one centred matrix from EC to EC; Hebbian, or the delta rule's end."""

    def __init__(self, patterns: torch.Tensor, solved: bool = False) -> None:
        e = patterns - ACTIVE / UNITS
        self.W = e.mT @ e
        if solved:  # (Σ eᵀe + 1)⁻¹ Σ eᵀe, as in CA1
            self.W = torch.linalg.solve(self.W + torch.eye(UNITS), self.W)
        else:
            self.W.diagonal(dim1=1, dim2=2).zero_()

    def recall(self, cues: torch.Tensor) -> torch.Tensor:
        return cl.k_winners(cues @ self.W, ACTIVE)


def unsolved(whole: cl.Hippocampus) -> cl.Hippocampus:
    """The same, but with a plain outer product from CA1 back to EC."""
    other = whole.lesion("recurrence")
    other.lesions, other.decoder = whole.lesions, whole.ca1_ec
    return other


def controls(patterns, whole) -> dict:
    """What stands beside the circuit, with the same episodes in it."""
    return {"the cue itself": Itself(), "one matrix": OneMatrix(patterns),
            "one matrix, solved": OneMatrix(patterns, solved=True), "not solved": unsolved(whole)}


def choose() -> dict:
    """On other lanes: how many CA3 units should be active for variations that share a half?"""
    seeds, half = SETTINGS["choice_seeds"], ACTIVE // 2
    random = cl.LaneRandom(seeds, "choice")
    patterns = variations(SETTINGS["similar"], half, random)
    cues = some(patterns, half, random)
    chosen = {}
    for who, units in [("whole", 480), *(("no DG", units) for units in SETTINGS["ca3_units"])]:
        make = filled if who == "whole" else without_dg
        tried = {active: identified(make(patterns, seeds, ca3=(units, active)).recall(cues),
                                    patterns).mean().item() for active in SETTINGS["ca3_active"]}
        chosen[f"{who}, {units}"] = {"best": max(tried, key=tried.get),
                                     "tried": {str(one): round(x, 4) for one, x in tried.items()}}
    return chosen


def alike(patterns) -> torch.Tensor:
    """The share of its units that an episode has in common with another one, on average."""
    both = patterns @ patterns.mT / ACTIVE
    count = patterns.shape[1]
    return (both.sum(dim=(1, 2)) - count) / (count * (count - 1))


def within(patterns) -> torch.Tensor:
    """The same for episodes around the same prototype."""
    many = SETTINGS["prototypes"]
    groups = patterns.unflatten(1, (-1, many)).transpose(1, 2)
    return torch.stack([alike(one) for one in groups.unbind(dim=1)]).mean(dim=0)


def sparser(patterns, seeds, chosen) -> dict:
    """The circuits whose CA3 was chosen on other lanes."""
    made = {}
    for name, choice in chosen.items():
        who, units = name.split(", ")
        make = filled if who == "whole" else without_dg
        made[name] = make(patterns, seeds, ca3=(int(units), choice["best"]))
    return made


def study(seeds, chosen) -> dict:
    """{"completion": {who: {load: …}}, "similar": {shared: {who: …}}, "gauge": {load: …}, …}."""
    random, beside = (cl.LaneRandom(seeds, what) for what in ("episodes and cues", "controls"))
    completion: dict = {}
    for load in SETTINGS["loads"]:
        patterns = cl.k_winners(random.normal(load, UNITS), ACTIVE)
        whole = filled(patterns, seeds)
        for who, one in {"whole": whole, "no recurrence": whole.lesion("recurrence"),
                         "no DG": without_dg(patterns, seeds),
                         "larger CA3": filled(patterns, seeds, **SETTINGS["larger"])}.items():
            completion.setdefault(who, {})[str(load)] = recalled(one, patterns, random)
        for who, one in controls(patterns, whole).items():
            completion.setdefault(who, {})[str(load)] = recalled(one, patterns, beside)
    similar, gauge = {}, {}
    for shared in SETTINGS["shared_with_the_prototype"]:
        patterns = variations(SETTINGS["similar"], shared, random)
        both = {"whole": filled(patterns, seeds), "no DG": without_dg(patterns, seeds)}
        similar[str(shared)] = {who: recalled(one, patterns, random) | gauged(one, patterns, random)
                                for who, one in both.items()}
        for who, one in controls(patterns, both["whole"]).items():
            similar[str(shared)][who] = recalled(one, patterns, beside)
        for who, one in sparser(patterns, seeds, chosen).items():
            similar[str(shared)][who] = (recalled(one, patterns, beside)
                                         | gauged(one, patterns, beside))
        similar[str(shared)]["in common"] = lanes(within(patterns))
    for load in SETTINGS["gauge_loads"]:
        patterns = cl.k_winners(random.normal(load, UNITS), ACTIVE)
        gauge[str(load)] = gauged(filled(patterns, seeds), patterns, random)
    return {"completion": completion, "similar": similar, "gauge": gauge,
            "one drowns the rest": drowned(seeds, random)}


def drowned(seeds, random) -> dict:
    """Fifty episodes, of which the first was stored thirty times over, with no gate."""
    patterns = cl.k_winners(random.normal(50, UNITS), ACTIVE)
    hippocampus = filled(patterns, seeds)
    for _ in range(29):
        hippocampus.store(patterns[:, :1], gate=False)
    return gauged(hippocampus, patterns, random)


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # over-full stores are what is studied here
    chosen = choose()
    results = study(SETTINGS["seeds"], chosen) | {
        "chosen": chosen, "other lanes": study(SETTINGS["other_seeds"], chosen)}
    print("written:", store("04_completion", SETTINGS, results).name)
