"""Is a small note full, or only slow? Rank 1 and 300 facts, with five times the steps.

    python studies/07_patience.py

makes clcourse/results/07_patience.json again (about two minutes on one core).
"""

from __future__ import annotations

import clcourse as cl
from clcourse.results import store

SETTINGS = {"seeds": list(range(3)), "rank": 1, "facts": 300, "rates": [3e-3, 1e-2],
            "steps": [600, 3000]}  # fmt: skip


def known(lr: float, steps: int) -> list[float]:
    """New facts known after at most so many steps: lanes."""
    world = cl.World(seeds=SETTINGS["seeds"])
    new = world.facts("newcomers", SETTINGS["facts"] // 3)
    noted = cl.add_lora(cl.grown_up(world), SETTINGS["rank"])
    return [round(one, 4) for one in cl.teach(noted, new, lr, steps=steps).recall.tolist()]


if __name__ == "__main__":
    found = {str(steps): {str(lr): known(lr, steps) for lr in SETTINGS["rates"]}
             for steps in SETTINGS["steps"]}  # fmt: skip
    print("written:", store("07_patience", SETTINGS, {"found": found}).name)
