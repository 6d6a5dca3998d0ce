"""The penguin: taught alone or among old facts, at three learning rates; a bird that fits; wings.

    python studies/03_penguin.py

makes clcourse/results/03_penguin.json again (about two minutes on one core). A network that knows
eight animals and plants learns two facts about a new bird until it has both right (asked every
tenth epoch). Then: how many of the old facts are still exact, and does a robin still fly? Another
network is told, among the old facts, only that a penguin is a bird: has it wings?
"""

from __future__ import annotations

import torch

import clcourse as cl
from clcourse.results import store
from clcourse.sleep import KINDS, RELATIONS, Facts, facts_about, together

SETTINGS = {
    "seeds": list(range(20)),
    "other_seeds": list(range(200, 220)),
    "learning_rates": [0.05, 0.1, 0.2],
    "epochs_before": {"0.05": 3000, "0.1": 1500, "0.2": 750},
    "asked_every": 10,
    "most_epochs": {"0.05": 4000, "0.1": 2000, "0.2": 1000},
    "ways": {"focused": 0, "interleaved": 32, "half of the base": 16},
}
BASE = [name for name in KINDS if name not in ("penguin", "sparrow")]


def taught(network: Facts, new: tuple, among: int, most: int) -> dict[str, list]:
    """Teach the new facts among so many old ones; all measures when a lane has the new exact.

    A lane that never has them exact keeps None.
    """
    base, here = facts_about(BASE), network.copy()
    both, random = together(base, new), cl.LaneRandom(here.seeds, "half of the base")
    found = {name: [None] * len(here.seeds) for name in ("epochs", "base", "flies", *RELATIONS)}
    about = {relation: facts_about(BASE, [relation]) for relation in RELATIONS}
    for epoch in range(1, most + 1):
        only = None
        if 0 < among < len(base[0]):
            some = cl.k_winners(random.uniform(len(base[0])), among).float()
            only = torch.cat([some, torch.ones(len(some), len(new[0]))], dim=1)
        here.learn(both if among else new, only)
        if epoch % SETTINGS["asked_every"]:
            continue
        known, kept = here.exact(new), here.exact(base)
        flies = here.believes("robin", "can", "fly")
        for lane in torch.nonzero(known == 1)[:, 0].tolist():
            if found["epochs"][lane] is None:
                found["epochs"][lane] = epoch
                found["base"][lane] = round(kept[lane].item(), 4)
                found["flies"][lane] = round(flies[lane].item(), 4)
                for relation, facts in about.items():
                    found[relation][lane] = round(here.exact(facts)[lane].item(), 4)
        if None not in found["epochs"]:
            break
    return found


def grown_up(seeds, lr: float) -> Facts:
    """A network that knows the eight."""
    network, base = Facts(seeds, lr), facts_about(BASE)
    for _ in range(SETTINGS["epochs_before"][str(lr)]):
        network.learn(base)
    return network


def inferred(seeds, lr: float = 0.1) -> dict[str, list]:
    """Told among the old facts only that a penguin is a bird: how active is "has wings"?

    Asked before, and when the fact and its name are exact (every tenth epoch).
    """
    network, told = grown_up(seeds, lr), facts_about(["penguin"], ["ISA"])
    both = together(facts_about(BASE), told)
    found = {"before": network.believes("penguin", "has", "wings").tolist(),
             "wings": [None] * len(network.seeds), "epochs": [None] * len(network.seeds)}
    for epoch in range(1, SETTINGS["most_epochs"][str(lr)] + 1):
        network.learn(both)
        if epoch % SETTINGS["asked_every"]:
            continue
        known, wings = network.exact(told), network.believes("penguin", "has", "wings")
        for lane in torch.nonzero(known == 1)[:, 0].tolist():
            if found["epochs"][lane] is None:
                found["epochs"][lane], found["wings"][lane] = epoch, wings[lane].item()
    return {name: [None if one is None else round(one, 4) for one in lanes]
            for name, lanes in found.items()}


def study(seeds) -> dict:
    """{"penguin": {"0.1": {"focused": measures}}}, and the base before."""
    results: dict = {"before": {}, "penguin": {}, "sparrow": {}}
    for lr in SETTINGS["learning_rates"]:
        network = grown_up(seeds, lr)
        results["before"][str(lr)] = network.exact(facts_about(BASE)).tolist()
        for bird in ("penguin", "sparrow"):
            if bird == "sparrow" and lr != 0.1:
                continue
            new = facts_about([bird], ["ISA", "can"])
            results[bird][str(lr)] = {
                way: taught(network, new, among, SETTINGS["most_epochs"][str(lr)])
                for way, among in SETTINGS["ways"].items()}
        print(lr, flush=True)
    results["a penguin is a bird"] = inferred(seeds)
    results["a penguin is a bird, other subjects"] = inferred(SETTINGS["other_seeds"])
    return results


if __name__ == "__main__":
    print("written:", store("03_penguin", SETTINGS, study(SETTINGS["seeds"])).name)
