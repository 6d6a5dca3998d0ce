"""Does writing to a few chosen memory slots keep old facts, at the same new knowledge?

    python studies/07_slots.py

makes clcourse/results/07_slots.json again (about a quarter of an hour on one core; what is done is
kept in the folder of grown-up networks, so it may be stopped and started again).

Four networks grow up alike: with 512 slots of which 8 answer, or with the plain MLP; and in either
the keys are learnt, or fixed as they were drawn until they have grown up. Every method is taught
until it recalls .99 of the new facts, at most `steps`, at each rate of one grid, on lanes 100-102.
What serves it best is chosen there: of the settings that reach .985 recall, the one that keeps most
old facts; where none does, the one with the highest recall. If the best rate is the first or the
last of the grid, the grid grows on that side. The results are those of lanes 0-9, and again of
lanes 200-204.
"""

from __future__ import annotations

import functools
import json
from statistics import mean

import torch

import clcourse as cl
from clcourse.facts import WORDS
from clcourse.pretraining import cache_folder
from clcourse.results import store

SETTINGS = {
    "seeds": list(range(10)),
    "other_seeds": list(range(200, 205)),
    "search_seeds": list(range(100, 103)),
    "slots": 512,
    "k": 8,
    "steps": {"30": 400, "300": 600},
    "reached": 0.985,
    "rates": [3e-4, 1e-3, 3e-3, 1e-2, 3e-2],
    "further_rates": [3e-5, 1e-4, 1e-1, 3e-1],
    "slower": {"rate": 1e-5, "steps": 1500},
    "background": "the old facts, and as many questions about strangers with 3 notes",
}
PLAN = [  # new facts, network, method, and the variants among which the search chooses
    ("30", "fixed keys", "all values", ["all"]),
    ("30", "fixed keys", "everything", ["everything"]),
    ("30", "fixed keys", "by TF-IDF", ["tf-idf 32", "tf-idf 64", "tf-idf 128"]),
    ("30", "learnt keys", "everything", ["everything"]),
    ("30", "learnt keys", "by TF-IDF", ["tf-idf 128"]),
    ("30", "learnt keys", "all values", ["all"]),
    ("30", "plain", "everything", ["everything"]),
    ("30", "plain", "by TF-IDF", ["tf-idf 32"]),
    ("30", "plain", "all values", ["all"]),
    ("30", "plain, fixed keys", "all values", ["all"]),
    ("30", "fixed keys", "replay", ["everything + replay"]),
    ("30", "fixed keys", "LoRA", ["r1", "r4", "r16"]),
    ("30", "fixed keys", "at random", ["random 128"]),
    ("300", "fixed keys", "all values", ["all"]),
    ("300", "plain", "everything", ["everything"]),
    ("300", "fixed keys", "everything", ["everything"]),
]


@functools.cache
def grown(kind: str, seeds: tuple[int, ...]):
    """The networks of a kind, grown up; kept on disk."""
    world = cl.World(seeds=seeds)
    if kind == "plain":
        return cl.grown_up(world)
    network, name = newborn(kind, seeds), kind.replace(", ", "_").replace(" ", "_")
    path = cache_folder() / f"07_slots_{name}_{seeds[0]}_{len(seeds)}.pt"
    if path.exists():
        network.load_state_dict(torch.load(path))
    else:
        network = cl.grow_up(network, world)
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(network.state_dict(), path)
    return network.requires_grad_(True)


def newborn(kind: str, seeds):
    """Networks before they grow up; fixed keys stay as they were drawn."""
    if kind.startswith("plain"):
        network = cl.tiny_transformer(len(WORDS), seeds=seeds)
    else:
        slots, k = SETTINGS["slots"], SETTINGS["k"]
        network = cl.slot_transformer(len(WORDS), slots=slots, k=k, seeds=seeds)
    if kind.endswith("fixed keys"):
        network.blocks[0]["up"].requires_grad_(False)
    return network


def uses(network, world, new) -> tuple[torch.Tensor, torch.Tensor]:
    """Which slots the new facts use, and which the background does."""
    strangers = world.facts("strangers", 100)
    listed = cl.reading_list(strangers, 2, seeds=world.seeds)
    background = [world.facts().x, cl.with_context(listed, strangers.x)]
    old = torch.cat([cl.slot_uses(network, texts) for texts in background], dim=1)
    return cl.slot_uses(network, new.x), old


def learner(base, method: str, world, new):
    """A copy of the base in which only what the method trains can learn."""
    name, _, t = method.removesuffix(" + replay").partition(" ")
    if name == "everything":
        return base.copy()
    if name.startswith("r") and name[1:].isdigit():
        return cl.add_lora(base, int(name[1:]))
    asked, old = uses(base, world, new)
    slots = asked.shape[-1]
    by_chance = cl.LaneRandom(world.seeds, "random slots").uniform(slots)
    scores = {
        "all": by_chance,
        "tf-idf": cl.tf_idf(asked, old) + 1e-9 * by_chance,
        "random": by_chance,
        "rare": -old.sum(dim=1) + 0.5 * by_chance,
    }[name]
    return cl.only_slots(base, cl.top_slots(scores, int(t) if t else slots))


def taught(seeds, kind: str, count: str, method: str, lr: float, steps: int | None = None) -> dict:
    """Teach, and see what was learnt and what was kept: {measure: lanes}."""
    world, base = cl.World(seeds=seeds), grown(kind, tuple(seeds))
    strangers = world.facts("strangers", 60)
    new = world.facts("newcomers", int(count) // 3)
    along = world.facts() if "replay" in method else None
    student = learner(base, method, world, new)
    out = cl.teach(student, new, lr, along=along, steps=steps or SETTINGS["steps"][count])
    listed = cl.reading_list(strangers, 2, seeds=seeds)
    found = {
        "recall": out.recall,
        "steps": out.steps,
        "old": cl.recall(out.network, world.facts()),
        "reads": cl.reads(out.network, listed, strangers),
    }
    return {name: [round(one, 4) for one in lanes.tolist()] for name, lanes in found.items()}


def shared(new: torch.Tensor, old: torch.Tensor) -> torch.Tensor:
    """Of the slots that a new question uses, the share that an old one uses, too: (seeds,).

    The mean over all pairs of a question of new (seeds, n, slots) and one of old (seeds, m, slots).
    """
    new, old = new.float(), old.float()
    together = new.sum(dim=1)[:, None] @ old.sum(dim=1)[:, :, None]
    return together[:, 0, 0] / (new.sum(dim=(1, 2)) * old.shape[1])


def before(kind: str, seeds) -> dict:
    """What the networks know before teaching, and how far new facts meet slots in use."""
    world, network = cl.World(seeds=seeds), grown(kind, tuple(seeds))
    strangers = world.facts("strangers", 60)
    listed = cl.reading_list(strangers, 2, seeds=seeds)
    found = {"old": cl.recall(network, world.facts()),
             "reads": cl.reads(network, listed, strangers)}  # fmt: skip
    for count in ("30", "300"):
        new, old = uses(network, world, world.facts("newcomers", int(count) // 3))
        in_use = old.any(dim=1, keepdim=True)
        found[f"slots used by {count} new"] = new.any(dim=1).sum(dim=-1)
        share = (new & ~in_use).sum(dim=(1, 2)) / new.sum(dim=(1, 2))
        found[f"uses of unused slots by {count} new"] = share
        known = cl.slot_uses(network, world.facts().x)
        found[f"slots that one of {count} new shares with an old"] = shared(new, known)
    found["slots used by old"] = old.any(dim=1).sum(dim=-1)
    return {name: [round(one, 4) for one in lanes.tolist()] for name, lanes in found.items()}


def slower(kept: dict) -> dict:
    """Fine-tuning everything at a rate below the grid, with time enough: {network: lanes}."""
    found, (lr, steps) = {}, SETTINGS["slower"].values()
    for kind in ("plain", "fixed keys"):
        make = functools.partial(taught, SETTINGS["seeds"], kind, "30", "everything", lr, steps)
        found[kind] = part(kept, f"{kind}|30|everything|slower", make)
    return found


def score(lanes: dict[str, list[float]]) -> float:
    """Recall; one more and the old facts kept where the recall was reached."""
    reached = mean(lanes["recall"]) >= SETTINGS["reached"]
    return 1 + mean(lanes["old"]) if reached else mean(lanes["recall"])


def searched(kind: str, count: str, variant: str, kept: dict) -> dict:
    """{rate: lanes}, with a neighbour on both sides of the best rate where the grids have one."""
    seeds, wanted = SETTINGS["search_seeds"], list(SETTINGS["rates"])
    every = sorted([*SETTINGS["rates"], *SETTINGS["further_rates"]])
    while True:
        for lr in wanted:
            part(kept, f"{kind}|{count}|{variant}|{lr}",
                 lambda lr=lr: taught(seeds, kind, count, variant, lr))  # fmt: skip
        found = {lr: kept[f"{kind}|{count}|{variant}|{lr}"] for lr in sorted(wanted)}
        place = every.index(max(found, key=lambda lr: score(found[lr])))
        wanted = [lr for lr in every[max(0, place - 1) : place + 2] if lr not in found]
        if not wanted:
            return found
        wanted += found


def part(kept: dict, name: str, make) -> dict[str, list[float]]:
    """Make a part of the study once, and keep it on disk."""
    if name not in kept:
        kept[name] = make()
        path = cache_folder() / "07_slots_parts.json"
        path.with_suffix(".unfinished").write_text(json.dumps(kept))
        path.with_suffix(".unfinished").replace(path)
        print(name, {key: round(mean(lanes), 3) for key, lanes in kept[name].items()}, flush=True)
    return kept[name]


def chosen(kind: str, count: str, variants: list[str], kept: dict) -> tuple[dict, str, float]:
    """What was found on the search lanes, and the variant and rate that serve best."""
    found = {variant: searched(kind, count, variant, kept) for variant in variants}
    settings = [(variant, lr) for variant in found for lr in found[variant]]
    return found, *max(settings, key=lambda one: score(found[one[0]][one[1]]))


def cell(count: str, kind: str, variants: list[str], kept: dict) -> dict:
    """The search, the setting chosen, and the result on lanes that had no part in it."""
    found, variant, lr = chosen(kind, count, variants, kept)
    results = {}
    for name in ("seeds", "other_seeds"):
        make = functools.partial(taught, SETTINGS[name], kind, count, variant, lr)
        results[name] = part(kept, f"{kind}|{count}|{variant}|{lr}|{name}", make)
    world, one = cl.World(seeds=[0]), newborn(kind, [0]).requires_grad_(True)
    student = learner(one, variant, world, world.facts("newcomers", 1))
    return {
        "variant": variant,
        "lr": lr,
        "parameters": sum(θ.numel() for θ in student.parameters() if θ.requires_grad),
        "search": {name: {str(lr): lanes for lr, lanes in rates.items()}
                   for name, rates in found.items()},
        "lanes": results["seeds"],
        "others": results["other_seeds"],
    }  # fmt: skip


if __name__ == "__main__":
    path = cache_folder() / "07_slots_parts.json"
    kept = json.loads(path.read_text()) if path.exists() else {}
    cells: dict[str, dict] = {}
    for count in ("30", "300"):
        planned = [one for one in PLAN if one[0] == count]
        for _, kind, _, variants in planned:
            chosen(kind, count, variants, kept)
        for _, kind, method, variants in planned:
            cells.setdefault(count, {}).setdefault(kind, {})[method] = cell(
                count, kind, variants, kept
            )
            store("07_slots", SETTINGS, {"facts": cells})
    kinds = dict.fromkeys(kind for _, kind, _, _ in PLAN)
    start = {kind: {name: before(kind, SETTINGS[name]) for name in ("seeds", "other_seeds")}
             for kind in kinds}  # fmt: skip
    store("07_slots", SETTINGS, {"before": start, "facts": cells, "slower": slower(kept)})
