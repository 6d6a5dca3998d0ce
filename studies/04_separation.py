"""How alike two episodes look in every region, by how alike they are: pattern separation.

    python studies/04_separation.py

makes clcourse/results/04_separation.json again (about a minute on one core). Twenty subjects with
wiring of their own; for each likeness a few hundred pairs. Beside the regions of the hippocampus
stand two dense codes of the same input: half of the units winning, and a ReLU layer.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

import clcourse as cl
from clcourse.results import store

SETTINGS = {
    "seeds": list(range(20)),
    "pairs": 200,
    "shared": [0, 2, 6, 12, 18, 22, 23],
    "active": 24,
    "units": 240,
    "dense_units": 480,
    "dg_active": [8, 16, 32, 80, 160, 400, 800],
    "shared_in_the_sweep": 12,
}


def some(patterns, count: int, random) -> torch.Tensor:
    """So many of each pattern's active units, drawn at random."""
    noise = 1 + random.uniform(patterns[0].numel()).reshape(patterns.shape)
    return cl.k_winners(patterns * noise, count).float() if count else torch.zeros_like(patterns)


def pairs(count: int, shared: int, random) -> tuple[torch.Tensor, torch.Tensor]:
    """Random patterns, and partners with which they share so many active units."""
    units, active = SETTINGS["units"], SETTINGS["active"]
    first = cl.k_winners(random.normal(count, units), active)
    rest = some(1 - first, active - shared, random)
    return first, some(first, shared, random) + rest


def likeness(one, other) -> list[float]:
    """Mean share of active units that are shared, a subject each."""
    return [round(value, 4) for value in cl.overlap(one, other).mean(dim=1).tolist()]


def regions(hippocampus, first, second, dense) -> dict[str, list[float]]:
    """The likeness of pairs in every region, and in two dense codes of the same input."""
    ones, others = hippocampus.encode(first), hippocampus.encode(second)
    direct = hippocampus.lesion("DG")
    found = {"DG": (ones.dg, others.dg), "CA3": (ones.ca3, others.ca3),
             "CA1": (ones.ca1, others.ca1),
             "CA3 without DG": (direct.encode(first).ca3, direct.encode(second).ca3)}
    half = [cl.k_winners(x @ dense, dense.shape[2] // 2) for x in (first, second)]
    found["half of the units win"] = tuple(half)
    shown = {name: likeness(*codes) for name, codes in found.items()}
    rectified = [F.relu(x @ dense) for x in (first, second)]
    cosine = F.cosine_similarity(*rectified, dim=2).mean(dim=1)
    return shown | {"ReLU, cosine": [round(value, 4) for value in cosine.tolist()]}


def study(seeds, count: int) -> dict:
    """{"by likeness": {region: {shared units: lanes}}, "by activity": {active in DG: lanes}}."""
    random = cl.LaneRandom(seeds, "pairs of episodes")
    hippocampus = cl.Hippocampus(seeds=seeds)
    dense = cl.LaneRandom(seeds, "dense code").normal(SETTINGS["units"], SETTINGS["dense_units"])
    by_likeness: dict = {}
    for shared in SETTINGS["shared"]:
        first, second = pairs(count, shared, random)
        for region, lanes in regions(hippocampus, first, second, dense).items():
            by_likeness.setdefault(region, {})[str(shared)] = lanes
    first, second = pairs(count, SETTINGS["shared_in_the_sweep"], random)
    drives = [x @ hippocampus.wired_ec_dg for x in (first, second)]
    by_activity = {str(k): likeness(*(cl.k_winners(drive, k) for drive in drives))
                   for k in SETTINGS["dg_active"]}
    return {"by likeness": by_likeness, "by activity": by_activity}


if __name__ == "__main__":
    results = study(SETTINGS["seeds"], SETTINGS["pairs"])
    print("written:", store("04_separation", SETTINGS, results).name)
