"""Controls of lesson 07: where a note sits, its strength, patience, and facts without a rule.

    python studies/07_controls.py

makes clcourse/results/07_controls.json again (about ten minutes on one core; what is done is kept
in the folder of grown-up networks, so it may be stopped and started again).

places     30 facts: all numbers of the six matrices that notes sit on, and notes of rank 64
unrelated  75 facts that no rule joins, as many as five rules teach
strength   the four notes of 07_topics.py, summed, and each counted less than once
slow       one note of rank 16, taught those 120 facts at the rate that all weights had there
patience   30 facts, five times the steps, at the next slower rate of the grid of 07_rank.py
code       the new way to read of 07_skill.py, with four times the steps

Where a rate is searched, that is done as in 07_rank.py, on lanes 100 and up.
"""

from __future__ import annotations

import importlib
import json
from statistics import mean

import torch

import clcourse as cl
from clcourse.lora import matrices
from clcourse.pretraining import cache_folder
from clcourse.results import store

SETTINGS = {
    "seeds": list(range(10)),
    "search_seeds": list(range(100, 105)),
    "places": {"facts": 30, "steps": 300,
               "rates": {"six matrices": [1e-5, 3e-5, 1e-4, 3e-4],
                         "r64": [1e-5, 3e-5, 1e-4, 3e-4]}},
    "unrelated": {"facts": 75, "steps": 300,
                  "rates": {"r1": [3e-3, 1e-2, 3e-2], "full": [3e-5, 1e-4, 3e-4]}},
    "strength": [1.0, 0.75, 0.5, 0.25],
    "slow": {"rate": {"r16": 1e-4}, "steps": 1500},
    "patience": {"rate": {"r4": 1e-4, "r16": 3e-5, "r1": 3e-4}, "facts": 30, "steps": 1500},
    "code": {"seeds": list(range(5)), "steps": 400, "rate": {"r1": 1e-2, "r4": 1e-2}},
}  # fmt: skip


def learner(base, method: str):
    """Everything may learn, the six large matrices, or a note of this rank."""
    if method.startswith("r"):
        return cl.add_lora(base, int(method[1:]))
    student = base.copy()
    if method == "six matrices":
        student.requires_grad_(False)
        for W in matrices(student).values():
            W.requires_grad_(True)
    return student


def lists(found: dict[str, torch.Tensor]) -> dict[str, list[float]]:
    """Lanes as they are stored."""
    return {name: [round(one, 4) for one in lanes.tolist()] for name, lanes in found.items()}


def taught(seeds, facts: int, method: str, lr: float, steps: int) -> dict[str, list[float]]:
    """Teach the first newcomers' facts, and see what was learnt and what was kept."""
    world = cl.World(seeds=seeds)
    new = world.facts("newcomers", facts // 3)
    out = cl.teach(learner(cl.grown_up(world), method), new, lr, steps=steps)
    old = cl.recall(out.network, world.facts())
    return lists({"recall": out.recall, "steps": out.steps, "old": old})


def part(kept: dict, name: str, make) -> dict:
    """Make a part of the study once; keep it on disk."""
    if name not in kept:
        kept[name] = make()
        path = cache_folder() / "07_controls_parts.json"
        path.with_suffix(".unfinished").write_text(json.dumps(kept))
        path.with_suffix(".unfinished").replace(path)
        print(name, {key: round(mean(lanes), 3) for key, lanes in kept[name].items()}, flush=True)
    return kept[name]


def searched(kept: dict, which: str, method: str) -> dict:
    """The search over the rates, the rate chosen, and the result on other lanes."""
    plan = SETTINGS[which]

    def at(lr: float, seeds: str) -> dict:
        return part(kept, f"{which}|{method}|{lr}|{seeds}",
                    lambda: taught(SETTINGS[seeds], plan["facts"], method, lr,
                                   plan["steps"]))  # fmt: skip

    search = {lr: at(lr, "search_seeds") for lr in plan["rates"][method]}
    score = importlib.import_module("07_rank").score
    lr = max(search, key=lambda lr: score(search[lr]))
    return {"lr": lr, "search": {str(lr): lanes for lr, lanes in search.items()},
            "lanes": at(lr, "seeds")}  # fmt: skip


def strengths() -> dict[str, list[float]]:
    """New and old facts right with all four notes on, each counted so many times."""
    study, world = importlib.import_module("07_topics"), cl.World(seeds=SETTINGS["seeds"])
    parts, notes = study.topics(world, alike=True), cl.grown_up(world)
    for number, one in enumerate(parts):
        notes = cl.add_lora(notes, 4, name=f"topic {number + 1}").only(f"topic {number + 1}")
        notes = cl.teach(notes, one, study.SETTINGS["rate"]["notes"],
                         steps=study.SETTINGS["steps"]).network  # fmt: skip
    notes.only(*notes.notes)
    found = {}
    for strength in SETTINGS["strength"]:
        notes.scale = dict.fromkeys(notes.notes, strength)
        found[f"new at {strength}"] = cl.recall(notes, study.together(parts))
        found[f"old at {strength}"] = cl.recall(notes, world.facts())
    return lists(found)


def slowly(method: str, lr: float) -> dict[str, list[float]]:
    """The 120 facts of four topics at once, slowly."""
    study, world = importlib.import_module("07_topics"), cl.World(seeds=SETTINGS["seeds"])
    everything = study.together(study.topics(world, alike=True))
    student = learner(cl.grown_up(world), method)
    out = cl.teach(student, everything, lr, steps=SETTINGS["slow"]["steps"])
    old = cl.recall(out.network, world.facts())
    return lists({"recall": out.recall, "steps": out.steps, "old": old})


if __name__ == "__main__":
    path = cache_folder() / "07_controls_parts.json"
    kept = json.loads(path.read_text()) if path.exists() else {}
    found = {which: {method: searched(kept, which, method)
                     for method in SETTINGS[which]["rates"]}
             for which in ("places", "unrelated")}  # fmt: skip
    found["strength"] = part(kept, "strength", strengths)
    found["slow"] = {method: part(kept, f"slow|{method}",
                                  lambda method=method, lr=lr: slowly(method, lr))
                     for method, lr in SETTINGS["slow"]["rate"].items()}  # fmt: skip
    plan = SETTINGS["patience"]
    found["patience"] = {
        method: part(kept, f"patience|{method}", lambda method=method, lr=lr: taught(
            SETTINGS["seeds"], plan["facts"], method, lr, plan["steps"]))
        for method, lr in plan["rate"].items()}  # fmt: skip
    plan, reading = SETTINGS["code"], importlib.import_module("07_skill").reading
    found["code"] = {
        method: part(kept, f"code|{method}", lambda method=method, lr=lr: reading(
            plan["seeds"], method, lr, plan["steps"]))
        for method, lr in plan["rate"].items()}  # fmt: skip
    print("written:", store("07_controls", SETTINGS, {"found": found}).name)
