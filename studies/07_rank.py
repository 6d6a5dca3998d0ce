"""How much a note holds: new facts against its rank, beside fine-tuning of everything.

    python studies/07_rank.py

makes clcourse/results/07_rank.json again (about a quarter of an hour on one core; what is done is
kept in the folder of grown-up networks, so it may be stopped and started again; `07_rank.py 300`
does the part of 300 facts beforehand).

Every method is taught until it recalls .99 of the new facts, at most `steps`, at each rate of one
grid, on lanes 100 and up. The rate that serves it best is chosen there: of those that reach .985
recall, the one that keeps most old facts; where none does, the one with the highest recall. If that
is the first or the last rate tried, the next one is tried, too, until the best has a neighbour on
both sides (or all rates have been tried). The results are those of other lanes, and again of more.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from statistics import mean

import clcourse as cl
from clcourse.pretraining import cache_folder
from clcourse.results import store

SETTINGS = {
    "seeds": {"30": list(range(10)), "300": list(range(10)), "900": list(range(5))},
    "other_seeds": {"30": list(range(200, 205)), "300": [], "900": []},
    "search_seeds": {"30": list(range(100, 105)), "300": list(range(100, 103)),
                     "900": list(range(100, 102))},
    "steps": {"30": 300, "300": 600, "900": 900},
    "until": 0.99,
    "reached": 0.985,
    "rates": {"30": [3e-4, 1e-3, 3e-3, 1e-2, 3e-2], "300": [3e-4, 1e-3, 3e-3, 1e-2],
              "900": [1e-3, 3e-3, 1e-2]},
    "all_rates": [3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1],
    "ranks": [1, 2, 4, 8, 16],
}  # fmt: skip
RANKS = [f"r{rank}" for rank in SETTINGS["ranks"]]
WITH_REPLAY = ["full + replay", "r4 + replay"]
PLAN = (
    [("30", name) for name in ("full", *RANKS, *WITH_REPLAY)]
    + [("300", name) for name in ("full", *RANKS)]
    + [("900", name) for name in ("full", "r16", "r1", "r4")]
)


def learner(base, method: str):
    """Everything may learn, or a note of this rank."""
    name = method.removesuffix(" + replay")
    if name == "full":
        return base.copy()
    return cl.add_lora(base, int(name[1:]))


def taught(seeds, count: str, method: str, lr: float) -> dict[str, list[float]]:
    """Teach, and see what was learnt and what was kept: lanes each."""
    world = cl.World(seeds=seeds)
    known, strangers = world.facts(), world.facts("strangers", 60)
    new = world.facts("newcomers", int(count) // 3)
    along = known if "replay" in method else None
    steps = SETTINGS["steps"][count]
    out = cl.teach(learner(cl.grown_up(world), method), new, lr, along=along, steps=steps)
    listed = cl.reading_list(strangers, 2, seeds=seeds)
    found = {
        "recall": out.recall,
        "steps": out.steps,
        "old": cl.recall(out.network, known),
        "reads": cl.reads(out.network, listed, strangers),
    }
    return {name: [round(one, 4) for one in lanes.tolist()] for name, lanes in found.items()}


def score(lanes: dict[str, list[float]]) -> float:
    """Recall; one more and the old facts kept where the recall was reached."""
    reached = mean(lanes["recall"]) >= SETTINGS["reached"]
    return 1 + mean(lanes["old"]) if reached else mean(lanes["recall"])


def searched(count: str, method: str, kept: dict) -> dict:
    """{rate: lanes}, with a neighbour on both sides of the best rate where the grids have one."""
    seeds, every = SETTINGS["search_seeds"][count], SETTINGS["all_rates"]
    wanted = list(SETTINGS["rates"][count])
    while True:
        for lr in wanted:
            part(kept, f"{count}|{method}|{lr}", lambda lr=lr: taught(seeds, count, method, lr))
        found = {lr: kept[f"{count}|{method}|{lr}"] for lr in sorted(wanted)}
        place = every.index(max(found, key=lambda lr: score(found[lr])))
        wanted = [lr for lr in every[max(0, place - 1) : place + 2] if lr not in found]
        if not wanted:
            return found
        wanted += found


def part(kept: dict, name: str, make) -> None:
    """Make a part of the study once; keep it on disk."""
    if name not in kept:
        kept[name] = make()
        path = place(name.split("|")[0])
        path.with_suffix(".unfinished").write_text(json.dumps(kept))
        path.with_suffix(".unfinished").replace(path)
        print(name, {key: round(mean(lanes), 3) for key, lanes in kept[name].items()}, flush=True)


def cell(count: str, method: str, kept: dict) -> dict:
    """The search, the rate chosen, and the result on lanes that had no part in it."""
    found = searched(count, method, kept)
    lr = max(found, key=lambda lr: score(found[lr]))
    for who in ("seeds", "other_seeds"):
        if seeds := SETTINGS[who][count]:
            part(kept, f"{count}|{method}|{who}",
                 lambda seeds=seeds: taught(seeds, count, method, lr))  # fmt: skip
    parameters = [θ for θ in learner(SHAPE, method).parameters() if θ.requires_grad]
    return {
        "lr": lr,
        "parameters": sum(θ.numel() for θ in parameters),
        "search": {str(lr): lanes for lr, lanes in found.items()},
        "lanes": kept[f"{count}|{method}|seeds"],
        "others": kept[f"{count}|{method}|other_seeds"] if SETTINGS["other_seeds"][count] else {},
    }


SHAPE = cl.tiny_transformer(len(cl.facts.WORDS))

def place(count: str) -> Path:
    """Where the parts for so many facts are kept."""
    return cache_folder() / f"07_rank_{count}_parts.json"


if __name__ == "__main__":
    counts = sys.argv[1:] or list(SETTINGS["seeds"])
    cells: dict[str, dict] = {}
    for count in counts:
        kept = json.loads(place(count).read_text()) if place(count).exists() else {}
        cells[count] = {method: cell(count, method, kept)
                        for wanted, method in PLAN if wanted == count}  # fmt: skip
    if not sys.argv[1:]:
        print("written:", store("07_rank", SETTINGS, {"facts": cells}).name)
