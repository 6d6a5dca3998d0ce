"""How many patterns settling networks hold: .138 N of them if dense, many more if sparse.

    python studies/04_capacity.py

makes clcourse/results/04_capacity.json again (about two minutes on one core). The capacity is the
largest number of stored patterns at which cues, damaged copies of them, are on average recalled
with more than the criterion. Theory: .138 N for ±1 patterns in a large network (Amit, Gutfreund &
Sompolinsky 1985), c N / (a ln 1/a) for sparse ones (Buhmann, Divko & Schulten 1989; Treves & Rolls
1991); c is what is measured. How far the dense number depends on the damage and on the criterion
is measured too.
"""

from __future__ import annotations

import math

import clcourse as cl
from clcourse.results import store

SETTINGS = {
    "seeds": list(range(10)),
    "dense": {"units": [250, 500, 1000], "flipped": 0.05, "overlap above": 0.95},
    "sparse": {
        "units": 500, "activities": [0.02, 0.03, 0.04, 0.05, 0.1, 0.2, 0.35, 0.5],
        "active units moved": 0.1, "overlap above": 0.9,
    },
    "elsewhere": {
        "units": 500, "flipped": [0.0, 0.05, 0.1, 0.2], "overlap above": [0.9, 0.95, 0.97],
    },
    "offered": "a quarter of the units (dense); twice .14 N / (a ln 1/a) (sparse)",
}


def dense(units: int, seeds, flipped: float, criterion: float) -> dict:
    """Capacity of a Hopfield network, one number a lane, and as a share of the units."""
    patterns = cl.draw_patterns(units // 4, units, seeds=seeds)
    cues = cl.damaged(patterns, flipped, seeds)
    found = cl.capacity(cl.HopfieldNetwork, patterns, cues, criterion)
    return {"patterns": found.tolist(), "share": [round(one / units, 4) for one in found.tolist()]}


def elsewhere(units: int, seeds) -> dict:
    """The same with other damage and other criteria: {flipped: {criterion: numbers}}."""
    other = SETTINGS["elsewhere"]
    return {
        str(share): {str(above): dense(units, seeds, share, above)["share"]
                     for above in other["overlap above"]}
        for share in other["flipped"]
    }


def sparse(activity: float, units: int, seeds) -> dict:
    """Capacity of the covariance rule with k winners; c = P a ln(1/a) / N."""
    scale = units / (activity * math.log(1 / activity))
    patterns = cl.draw_patterns(round(0.28 * scale), units, active=round(activity * units),
                                seeds=seeds)
    cues = cl.damaged(patterns, SETTINGS["sparse"]["active units moved"], seeds)
    found = cl.capacity(cl.SparseHopfield, patterns, cues, SETTINGS["sparse"]["overlap above"])
    return {"patterns": found.tolist(), "c": [round(one / scale, 4) for one in found.tolist()]}


def study(units, activities, seeds) -> dict:
    """{"dense": {units: numbers}, "elsewhere": …, "sparse": {activity: numbers}}."""
    usual = SETTINGS["dense"]
    return {
        "dense": {str(one): dense(one, seeds, usual["flipped"], usual["overlap above"])
                  for one in units},
        "elsewhere": elsewhere(SETTINGS["elsewhere"]["units"], seeds),
        "sparse": {str(a): sparse(a, SETTINGS["sparse"]["units"], seeds) for a in activities},
    }


if __name__ == "__main__":
    results = study(SETTINGS["dense"]["units"], SETTINGS["sparse"]["activities"],
                    SETTINGS["seeds"])
    print("written:", store("04_capacity", SETTINGS, results).name)
