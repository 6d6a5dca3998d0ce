"""What a momentum recalls by key: Hebbian memory, delta memory, and the best that a matrix can do.

    python studies/10_recall.py

makes clcourse/results/10_recall.json again (a minute on one core).

64 pairs of a key and a value, both of length 1 in 32 dimensions, are written one after the other
into one matrix; then every key is asked for, and the answer compared with its value (cosine). Keys
are "independent", or "alike": half of the square of each is a direction that all of a lane share.
What was asked is i steps old: its lag. "hebbian" is momentum, "delta" is delta momentum, both with
a share μ of the memory that goes on; "solved" is the matrix with the least Σ μ^lag |k m - v|²:
it has seen everything at once, and no rule can do better by that measure.

"hebbian, centred" and "delta, centred" are the simplest control: the same two rules, but what is
written is the key less the mean of all keys so far (this one too, none to come), made of length 1;
who asks takes off the mean of all keys. What all keys share is gone before anything is written.

How well the last n pairs are recalled depends on μ, and each rule may want another. So μ is chosen
for each rule, each kind of keys and each n on lanes 100 and up, and the results are those of lanes
that had no part in it, and again of fresh ones.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

import clcourse as cl
from clcourse.nested.delta import delta_momentum, recall_by_key
from clcourse.nested.rules import momentum
from clcourse.results import store

SETTINGS = {
    "seeds": list(range(20)),
    "other_seeds": list(range(200, 220)),
    "search_seeds": list(range(100, 120)),
    "dimensions": 32,
    "pairs": 64,
    "shared": {"independent": 0.0, "alike": 0.5},
    "rules": ["hebbian", "delta", "solved", "hebbian, centred", "delta, centred"],
    "keeps": [0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 1.0],
    "shown_keeps": [0.9, 1.0],
    "lags": [0, 1, 3, 7, 15, 31, 63],
    "last": [1, 8, 16, 32, 64],
}


def pairs(shared: float, seeds) -> tuple[torch.Tensor, torch.Tensor]:
    """Keys and values (seeds, pairs, dimensions); `shared`: the part of |k|² that all share."""
    random, size = cl.LaneRandom(seeds, "recall by key"), SETTINGS["dimensions"]
    common, own, values = (
        F.normalize(random.normal(count, size), dim=-1)
        for count in (1, SETTINGS["pairs"], SETTINGS["pairs"])
    )
    if shared:  # what a key has of its own is at a right angle to what it shares
        own = F.normalize(own - (own @ common.mT) * common, dim=-1)
    return shared**0.5 * common + (1 - shared) ** 0.5 * own, values


def solved(keys, values, keep: float) -> torch.Tensor:
    """Cosine by lag of the matrix with the least Σ μ^lag |k m - v|²: (seeds, pairs)."""
    lag = torch.arange(keys.shape[1] - 1, -1, -1, dtype=torch.float64)
    root = (keep**lag).sqrt()[:, None]
    m = torch.linalg.lstsq(root * keys.double(), root * values.double()).solution.float()
    return F.cosine_similarity(keys @ m, values, dim=-1).flip(1)


def centred(keys, values, *, keep: float, rule: str) -> torch.Tensor:
    """As `recall_by_key`, of keys less their running mean: (seeds, pairs)."""
    count = torch.arange(1, keys.shape[1] + 1)[:, None]
    written = F.normalize(keys - keys.cumsum(dim=1) / count, dim=-1)
    m = keys.new_zeros(keys.shape[0], keys.shape[2], values.shape[2])
    for k, v in zip(written.unbind(1), values.unbind(1), strict=True):
        k, v = k[..., None], v[:, None]
        m = (delta_momentum(m, k, lr=1.0, keep=keep, P=-v) if rule == "delta"
             else momentum(m, -k @ v, lr=1.0, keep=keep))  # fmt: skip
    asked = keys - keys.mean(dim=1, keepdim=True)
    return F.cosine_similarity(asked @ m, values, dim=-1).flip(1)


def recalled(kind: str, rule: str, keep: float, seeds) -> torch.Tensor:
    """Cosine by lag: (seeds, pairs)."""
    keys, values = pairs(SETTINGS["shared"][kind], seeds)
    if rule == "solved":
        return solved(keys, values, keep)
    rule, *less_the_mean = rule.split(", ")
    recall = centred if less_the_mean else recall_by_key
    return recall(keys, values, keep=keep, rule=rule)


def lanes(x: torch.Tensor) -> list[float]:
    """Lanes as they are stored."""
    return [float(f"{one:.4g}") for one in x.tolist()]


def cell(kind: str, rule: str) -> dict:
    """By lag for some μ; and the mean of the last n at the μ that is best on other lanes."""
    found = {"by lag": {}, "search": {}, "chosen": {}, "lanes": {}, "others": {}}
    for keep in SETTINGS["shown_keeps"]:
        by_lag = recalled(kind, rule, keep, SETTINGS["seeds"])
        found["by lag"][str(keep)] = {str(lag): lanes(by_lag[:, lag]) for lag in SETTINGS["lags"]}
    tried = {keep: recalled(kind, rule, keep, SETTINGS["search_seeds"])
             for keep in SETTINGS["keeps"]}  # fmt: skip
    for n in map(str, SETTINGS["last"]):
        score = {keep: one[:, : int(n)].mean().item() for keep, one in tried.items()}
        best = max(score, key=score.get)
        found["search"][n] = {str(keep): round(one, 4) for keep, one in score.items()}
        found["chosen"][n] = best
        for who, seeds in (("lanes", "seeds"), ("others", "other_seeds")):
            by_lag = recalled(kind, rule, best, SETTINGS[seeds])
            found[who][n] = lanes(by_lag[:, : int(n)].mean(dim=1))
    return found


if __name__ == "__main__":
    results = {kind: {rule: cell(kind, rule) for rule in SETTINGS["rules"]}
               for kind in SETTINGS["shared"]}  # fmt: skip
    print("written:", store("10_recall", SETTINGS, {"keys": results}).name)
