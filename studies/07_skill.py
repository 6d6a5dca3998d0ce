"""Beyond single facts: a rule of a family, five rules, and a new way of reading.

    python studies/07_skill.py

makes clcourse/results/07_skill.json again (about ten minutes on one core; what is done is kept in
the folder of grown-up networks). A rule is taught by 15 members and asked of the other 10. The new
way of reading: the value that stands in the notes is no longer the answer; a code book, the same in
all texts, says which other value is. Rates are chosen on lanes 100 and up, among the same for all:
for rules the rate that reaches .985 recall and keeps most old facts, for reading the best reader.
"""

from __future__ import annotations

import json
from statistics import mean

import torch

import clcourse as cl
from clcourse.facts import NUMBER, VALUES
from clcourse.pretraining import cache_folder, clip_each_lane
from clcourse.reading import NOTES, episodes, reading_loss
from clcourse.results import store

SETTINGS = {
    "seeds": list(range(10)),
    "other_seeds": list(range(200, 205)),
    "search_seeds": list(range(100, 105)),
    "rates": [1e-4, 3e-4, 1e-3, 3e-3, 1e-2],
    "steps": 300,
    "methods": ["full", "r1", "r4", "r16"],
    "reading": {"seeds": list(range(5)), "search_seeds": [100, 101], "steps": 100,
                "rates": [1e-3, 3e-3, 1e-2, 3e-2], "methods": ["full", "r1", "r16"]},
}  # fmt: skip
FIRST_VALUE, SIZE = NUMBER[VALUES[0][0]], len(VALUES[0])


def learner(base, method: str):
    """Everything may learn, or a note of this rank."""
    return base.copy() if method == "full" else cl.add_lora(base, int(method[1:]))


def joined(parts) -> cl.Facts:
    """Several lists of facts as one."""
    return cl.Facts(*(torch.cat(columns, dim=1) for columns in zip(*parts, strict=True)))


@torch.no_grad()
def share_of(network, facts: cl.Facts, value: torch.Tensor) -> torch.Tensor:
    """How often the answer is this value (seeds, 1): (seeds,)."""
    return (network(facts.x).argmax(dim=-1) == value).float().mean(dim=1)


def ruled(seeds, rules: int, method: str, lr: float) -> dict[str, list[float]]:
    """Teach members of so many families until .99, and ask the others."""
    world = cl.World(seeds=seeds)
    each = [world.rule(family) for family in range(5)]
    taught, unseen = (joined([one[k] for one in each[:rules]]) for k in (1, 2))
    elsewhere = joined([one[1] for one in each[rules:]]) if rules < 5 else unseen
    strangers = world.facts("strangers", 60)
    likes = cl.Facts(strangers.x[:, 2::3], strangers.y[:, 2::3])
    out = cl.teach(learner(cl.grown_up(world), method), taught, lr, steps=SETTINGS["steps"])
    value = each[0][1].y[:, :1]
    found = {
        "recall": out.recall,
        "steps": out.steps,
        "unseen": cl.recall(out.network, unseen),
        "value elsewhere": share_of(out.network, elsewhere, value),
        "value for strangers": share_of(out.network, likes, value),
        "old": cl.recall(out.network, world.facts()),
    }
    return {name: [round(one, 4) for one in lanes.tolist()] for name, lanes in found.items()}


def coded(texts: torch.Tensor, book: torch.Tensor) -> torch.Tensor:
    """The same texts, but the answers after the question mark are those of the code book."""
    places = torch.arange(4 * NOTES + 5, 8 * NOTES + 2, 4)
    texts = texts.clone()
    read = texts[..., places] - FIRST_VALUE
    texts[..., places] = FIRST_VALUE + book.gather(1, read.flatten(1)).reshape(read.shape)
    return texts


def reading(seeds, method: str, lr: float, steps: int) -> dict[str, list[float]]:
    """Train on texts with coded answers; then read new texts, and recall the people."""
    world, random = cl.World(seeds=seeds), cl.LaneRandom(seeds, "code book")
    book = torch.cat([k * SIZE + random.permutation(SIZE) for k in range(len(VALUES))], dim=1)
    network = learner(cl.grown_up(world), method)
    learning = [θ for θ in network.parameters() if θ.requires_grad]
    optimiser = torch.optim.AdamW(learning, lr, weight_decay=0.0)
    random = cl.LaneRandom(seeds, "coded texts")
    for _ in range(steps):
        optimiser.zero_grad()
        reading_loss(network, coded(episodes(random, 32), book)).sum().backward()
        clip_each_lane(network, 1.0)
        optimiser.step()
    texts = coded(episodes(cl.LaneRandom(seeds, "coded examination"), 100), book)
    places = torch.arange(4 * NOTES + 5, 8 * NOTES + 2, 4)
    with torch.no_grad():
        logits = network(texts[..., :-1], everywhere=True)[:, :, places - 1]
    right = (logits.argmax(dim=-1) == texts[..., places]).float().flatten(1).mean(dim=1)
    found = {"reads coded": right, "old": cl.recall(network, world.facts())}
    return {name: [round(one, 4) for one in lanes.tolist()] for name, lanes in found.items()}


def part(kept: dict, name: str, make) -> dict:
    """Make a part of the study once; keep it on disk."""
    if name not in kept:
        kept[name] = make()
        path = cache_folder() / "07_skill_parts.json"
        path.with_suffix(".unfinished").write_text(json.dumps(kept))
        path.with_suffix(".unfinished").replace(path)
        print(name, {key: round(mean(lanes), 3) for key, lanes in kept[name].items()}, flush=True)
    return kept[name]


def rule_score(lanes: dict) -> float:
    """Recall; one more and the old facts kept where it was reached."""
    reached = mean(lanes["recall"]) >= 0.985
    return 1 + mean(lanes["old"]) if reached else mean(lanes["recall"])


def rules_of(kept: dict, rules: int, method: str) -> dict:
    """The search, the rate chosen, and the result on lanes that had no part in it."""
    seeds = SETTINGS["search_seeds"]
    search = {lr: part(kept, f"{rules}|{method}|{lr}",
                       lambda lr=lr: ruled(seeds, rules, method, lr)) for lr in SETTINGS["rates"]}
    lr = max(search, key=lambda lr: rule_score(search[lr]))
    return {"lr": lr, "search": {str(lr): lanes for lr, lanes in search.items()}} | {
        who: part(kept, f"{rules}|{method}|{who}",
                  lambda who=who: ruled(SETTINGS[who], rules, method, lr))
        for who in ("seeds", "other_seeds")}  # fmt: skip


def reading_of(kept: dict, method: str) -> dict:
    """The same for the new way of reading."""
    plan = SETTINGS["reading"]
    seeds, steps = plan["search_seeds"], plan["steps"]
    search = {lr: part(kept, f"reading|{method}|{lr}",
                       lambda lr=lr: reading(seeds, method, lr, steps))
              for lr in plan["rates"]}  # fmt: skip
    lr = max(search, key=lambda lr: mean(search[lr]["reads coded"]))
    return {"lr": lr, "search": {str(lr): lanes for lr, lanes in search.items()},
            "lanes": part(kept, f"reading|{method}|lanes",
                          lambda: reading(plan["seeds"], method, lr, steps))}  # fmt: skip


if __name__ == "__main__":
    path = cache_folder() / "07_skill_parts.json"
    kept = json.loads(path.read_text()) if path.exists() else {}
    found = {f"{rules} rules": {method: rules_of(kept, rules, method)
                                for method in SETTINGS["methods"]} for rules in (1, 5)}  # fmt: skip
    store("07_skill", SETTINGS, {"found": found})
    found["reading"] = {method: reading_of(kept, method)
                        for method in SETTINGS["reading"]["methods"]}  # fmt: skip
    print("written:", store("07_skill", SETTINGS, {"found": found}).name)
