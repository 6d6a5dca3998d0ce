"""Sparsity, load and cue: what comes back, and what the gauge says. The explorer looks it up.

    python studies/04_sparsity.py

makes clcourse/results/04_sparsity.json again (about two minutes on one core). Ten subjects; in CA3
more or fewer of 480 units are active, all else stays. Of the first episode of the first subject
the whole pattern that came back is kept, as the places of its active units.
"""

from __future__ import annotations

import warnings

import torch

import clcourse as cl
from clcourse.results import store

UNITS, ACTIVE = 240, 24
SETTINGS = {
    "seeds": list(range(10)),
    "ca3_units": 480,
    "ca3_active": [4, 8, 16, 32, 64, 128, 240],
    "loads": [10, 25, 50, 100, 200, 400],
    "kept": [24, 18, 12, 6, 3],
    "dreams": 100,
}


def places(pattern) -> list[int]:
    """The units that are active."""
    return torch.nonzero(pattern).flatten().tolist()


def lanes(values) -> list[float]:
    return [round(value, 3) for value in values.tolist()]


def study(seeds, actives, loads) -> dict:
    """{"episode": places, "cues": {kept: places}, "found": {active: {load: …}}}."""
    random = cl.LaneRandom(seeds, "episodes and cues")
    patterns = cl.k_winners(random.normal(max(loads), UNITS), ACTIVE)
    order = 1 + random.uniform(patterns[0].numel()).reshape(patterns.shape)
    cues = {kept: cl.k_winners(patterns * order, kept).float() for kept in SETTINGS["kept"]}
    found: dict = {}
    for active in cl.progress(actives, "sparsity"):
        for load in loads:
            hippocampus = cl.Hippocampus(ca3=(SETTINGS["ca3_units"], active), seeds=seeds)
            hippocampus.store(patterns[:, :load], gate=False)
            here: dict = {"sound": lanes(hippocampus.gauge(SETTINGS["dreams"]).sound)}
            for kept, cue in cues.items():
                back = hippocampus.recall(cue[:, :load])
                fidelity = cl.overlap(back, patterns[:, :load]).mean(dim=1)
                here[str(kept)] = {"fidelity": lanes(fidelity), "back": places(back[0, 0])}
            found.setdefault(str(active), {})[str(load)] = here
    return {"episode": places(patterns[0, 0]),
            "cues": {str(kept): places(cue[0, 0]) for kept, cue in cues.items()}, "found": found}


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # over-full stores are what is studied here
    results = study(SETTINGS["seeds"], SETTINGS["ca3_active"], SETTINGS["loads"])
    print("written:", store("04_sparsity", SETTINGS, results).name)
