"""Does recurrence hurt or help? It depends on how firmly the cue is held while CA3 settles.

    python studies/04_recurrence.py

makes clcourse/results/04_recurrence.json again (half a minute on one core). In the lesson CA3 adds
half of the cue's drive to what it tells itself, six times. Here this half is varied; "none" is CA3
without recurrence, which takes the winners of the cue's drive as they are.
"""

from __future__ import annotations

import torch

import clcourse as cl
from clcourse.associative import winners
from clcourse.results import store

UNITS, ACTIVE = 240, 24
SETTINGS = {
    "seeds": list(range(20)),
    "loads": [200, 400],
    "kept": [12, 6, 3],
    "shares_of_the_cue": ["none", 0.1, 0.5, 1.0, 3.0, 10.0],
    "iterations": 6,
}


def settled(hippocampus, cues, share) -> torch.Tensor:
    """What cues bring back when CA3 holds on to that share of their drive: `recall` has ½."""
    drive = cues @ hippocampus.ec_ca3
    first = winners(drive, hippocampus.ca3.active)
    if share != "none":
        first = hippocampus._settle(first, drive * share, SETTINGS["iterations"])
    return hippocampus._decode(first)


def lanes(values) -> list[float]:
    return [round(value, 4) for value in values.tolist()]


def study(seeds) -> dict:
    """{"found": {load: {kept: {share: {"fidelity": lanes, "identified": lanes}}}}}."""
    random = cl.LaneRandom(seeds, "episodes and cues")
    found: dict = {}
    for load in SETTINGS["loads"]:
        patterns = cl.k_winners(random.normal(load, UNITS), ACTIVE)
        order = 1 + random.uniform(patterns[0].numel()).reshape(patterns.shape)
        hippocampus = cl.Hippocampus(seeds=seeds)
        hippocampus.warned = True  # over-full stores are what is studied here
        hippocampus.store(patterns, gate=False)
        for kept in SETTINGS["kept"]:
            cues = cl.k_winners(patterns * order, kept).float()
            for share in SETTINGS["shares_of_the_cue"]:
                back = settled(hippocampus, cues, share)
                right = (back @ patterns.mT).argmax(dim=2) == torch.arange(load)
                found.setdefault(str(load), {}).setdefault(str(kept), {})[str(share)] = {
                    "fidelity": lanes(cl.overlap(back, patterns).mean(dim=1)),
                    "identified": lanes(right.float().mean(dim=1))}
    return {"found": found}


if __name__ == "__main__":
    print("written:", store("04_recurrence", SETTINGS, study(SETTINGS["seeds"])).name)
