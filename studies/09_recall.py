"""How far a trained memory recalls: MAC, MAG, MAL, memory alone, and attention without memory.

    python studies/09_recall.py

makes clcourse/results/09_recall.json again (about half an hour on one core; what is done is kept
in the folder of practised networks, so it may be stopped and started again).

Each kind practises with the rates of one grid on lanes 100 and up, and is asked validation texts:
16 pairs over 32 and 64 fillers, lengths that it practised. Where no rate answers those better than
.15 (guessing: .0625), the one that answers 4 pairs over 2 fillers best is taken. If the best is the
first or the last rate tried, the next one is tried, too. The results are those of other lanes, and
again of more. "steps" are half, twice and four times the practice, at the rate chosen for 400; for
attention, of which one of the other lanes learns nothing in 400, also twice the steps there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import mean

import torch
from parts import Parts

import clcourse as cl
from clcourse.pairs import VALUES, WORDS
from clcourse.results import store

SETTINGS = {
    "seeds": list(range(10)),
    "other_seeds": list(range(200, 205)),
    "search_seeds": list(range(100, 105)),
    "kinds": ["MAG", "memory", "MAL", "window", "full", "MAC"],
    "steps": 400,
    "other_steps": {"200": ["MAG", "MAL", "memory", "window", "MAC"],
                    "800": ["MAG", "MAL", "memory", "window", "MAC"],
                    "1600": ["MAC", "MAG", "MAL"]},
    "others_longer": {"window": 800, "full": 800},
    "rates": [1e-2, 3e-3, 3e-2],
    "all_rates": [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1],
    "validation": [[16, 32], [16, 64], [4, 2]],
    "better_than_guessing": 0.15,
    "rows": [[4, 2], [4, 4], [4, 32], [16, 0], [16, 32], [16, 128], [16, 512], [16, 2048],
             [16, 8192], [32, 32], [64, 32]],
    "main_rows": [[4, 2], [16, 0], [16, 32], [16, 128], [16, 512], [16, 2048]],
    "texts": 32,
    "texts_at_8192": 8,
}  # fmt: skip


def lists(found: dict[str, torch.Tensor]) -> dict[str, list[float]]:
    """Lanes as they are stored."""
    return {name: [float(f"{one:.4g}") for one in lanes.tolist()] for name, lanes in found.items()}


@torch.no_grad()
def right(network, rows, purpose: str = "test pairs") -> dict[str, torch.Tensor]:
    """Share of the answers that are right for each number of pairs and gap: lanes each."""
    found = {}
    for count, gap in rows:
        texts = SETTINGS["texts_at_8192"] if gap > 4000 else SETTINGS["texts"]
        at_once = 1 if gap > 4000 else 4 if gap > 1000 else texts
        random = cl.LaneRandom(network.seeds, f"{purpose} {count} {gap}")
        found[f"{count} pairs, gap {gap}"] = torch.stack([
            cl.remembers(network, cl.draw_pairs(count, gap, batch=at_once, seeds=random))
            for _ in range(texts // at_once)]).mean(dim=0)  # fmt: skip
    return found


def score(found: dict[str, list[float]]) -> float:
    """Validation: what a gap within the practised ones lets it answer, else what is near."""
    far, farther, near = (mean(found[f"{n} pairs, gap {g}"]) for n, g in SETTINGS["validation"])
    both = (far + farther) / 2
    return 1 + both if both > SETTINGS["better_than_guessing"] else near


def searched(at: Callable[[float], dict], score: Callable = score) -> tuple[float, dict]:
    """The best rate, with a neighbour tried on both sides, and all that were tried."""
    every, wanted, found = SETTINGS["all_rates"], list(SETTINGS["rates"]), {}
    while wanted:
        found |= {lr: at(lr) for lr in wanted}
        best = max(found, key=lambda lr: score(found[lr]))
        place = every.index(best)
        wanted = [lr for lr in every[max(0, place - 1) : place + 2] if lr not in found]
    return best, {str(lr): found[lr] for lr in sorted(found)}


def fresh(kind: str, seeds) -> cl.Titan:
    """A network of this kind before practice."""
    return cl.Titan(WORDS, VALUES, kind=kind, seeds=seeds)


def closed(network: cl.Titan) -> cl.Titan:
    """The same network, except that it never writes: θ = 0."""
    network = network.copy()
    with torch.no_grad():
        network.memory.bias[..., 0] = -1e9
    return network


def tried(kind: str, lr: float) -> dict[str, list[float]]:
    """One rate on the lanes of the search."""
    network = cl.practise(fresh(kind, SETTINGS["search_seeds"]), steps=SETTINGS["steps"], lr=lr)
    return lists(right(network, SETTINGS["validation"], "validation pairs"))


def results(kind: str, lr: float, seeds, rows, steps: int) -> dict:
    """What trained networks answer; with a memory, also when nothing is written."""
    start = time.process_time()
    network = cl.practise(fresh(kind, seeds), steps=steps, lr=lr)
    seconds = time.process_time() - start
    found = lists(right(network, rows)) | {"seconds a lane": round(seconds / len(seeds), 2)}
    if network.memory is not None:
        shut = right(closed(network), [(4, 2), (16, 32)])
        found |= lists({f"{row}, writing closed": lanes for row, lanes in shut.items()})
    return found


def cell(kind: str, parts: Parts) -> dict:
    """The search, the rate chosen, and the results on lanes that had no part in it."""
    lr, search = searched(lambda lr: parts(f"{kind}|{lr}", lambda: tried(kind, lr)))

    def part(who: str, rows: str, steps: int) -> dict:
        return parts(f"{kind}|{who}|{steps}",
                     lambda: results(kind, lr, SETTINGS[who], SETTINGS[rows], steps))  # fmt: skip

    found = {
        "lr": lr,
        "parameters": sum(θ[0].numel() for θ in fresh(kind, 1).parameters()),
        "search": search,
        "lanes": part("seeds", "rows", SETTINGS["steps"]),
        "others": part("other_seeds", "main_rows", SETTINGS["steps"]),
    }
    for steps, kinds in SETTINGS["other_steps"].items():
        if kind in kinds:
            found[f"{steps} steps"] = part("seeds", "main_rows", int(steps))
    if longer := SETTINGS["others_longer"].get(kind):
        found[f"others, {longer} steps"] = part("other_seeds", "main_rows", longer)
    return found


if __name__ == "__main__":
    parts = Parts("09_recall")
    cells = {kind: cell(kind, parts) for kind in SETTINGS["kinds"]}
    print("written:", store("09_recall", SETTINGS, {"kinds": cells}).name)
