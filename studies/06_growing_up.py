"""How long a tiny transformer takes to know its people by heart and to read.

    python studies/06_growing_up.py

makes clcourse/results/06_growing_up.json again (about four minutes on one core). The recipe is
chosen among the settings of `grid` on lanes 100-104; the result is that of other lanes, 0-19.
Reading is asked about strangers: the right note among so many in all.
"""

from __future__ import annotations

import torch

import clcourse as cl
from clcourse.facts import WORDS
from clcourse.results import store

SETTINGS = {
    "seeds": list(range(20)),
    "search_seeds": list(range(100, 105)),
    "people": 100,
    "notes": [1, 3, 10, 30, 100],
    "grid": {
        "keys": ["as queries", "apart"],
        "steps": [100, 200, 300],
        "lr": [0.0025, 0.005, 0.01],
    },
}


def newborn(seeds, keys: str) -> cl.TinyTransformer:
    """Networks whose keys begin as their queries, or are drawn apart from them."""
    network = cl.tiny_transformer(len(WORDS), seeds=seeds)
    if keys == "apart":
        drawn = cl.LaneRandom(seeds, "keys").normal(network.width, network.width)
        network.blocks[0]["key"].data.copy_(drawn / network.width**0.5)
    return network


@torch.no_grad()
def examined(network: cl.TinyTransformer, world: cl.World, notes) -> dict[str, list[float]]:
    """What it knows of its people and of strangers, and what it reads: lanes each."""
    strangers = world.facts("strangers", 60)
    results = {
        "people by heart": cl.recall(network, world.facts()),
        "strangers by heart": cl.recall(network, strangers),
    }
    for count in notes:
        listed = cl.reading_list(strangers, count - 1, seeds=world.seeds)
        results[f"reads {count}"] = cl.reads(network, listed, strangers)
    return {name: [round(one, 4) for one in lanes.tolist()] for name, lanes in results.items()}


def grown(seeds, keys: str, steps: int, lr: float, notes) -> dict[str, list[float]]:
    """Bring networks up and examine them."""
    world = cl.World(seeds=seeds)
    network = cl.grow_up(newborn(seeds, keys), world, steps=steps, lr=lr)
    return examined(network, world, notes)


def search(seeds, grid) -> dict:
    """{"as queries": {"200": {"0.005": {"reads 3": lanes, …}}}}."""
    return {
        keys: {
            str(steps): {str(lr): grown(seeds, keys, steps, lr, [3]) for lr in grid["lr"]}
            for steps in grid["steps"]
        }
        for keys in grid["keys"]
    }


if __name__ == "__main__":
    found = search(SETTINGS["search_seeds"], SETTINGS["grid"])
    result = grown(SETTINGS["seeds"], "as queries", 200, 0.005, SETTINGS["notes"])
    print("written:", store("06_growing_up", SETTINGS, {"search": found, "lanes": result}).name)
