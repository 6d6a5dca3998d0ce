"""Many notes: one a topic, and somebody who must choose among them.

    python studies/07_topics.py

makes clcourse/results/07_topics.json again (about four minutes on one core). Four topics of ten
newcomers each, 30 facts a topic. In one world a topic is a family, in the other any ten people. All
are taught until .99, notes at one rate and full fine-tuning at another, both fixed beforehand.
"""

from __future__ import annotations

import torch

import clcourse as cl
from clcourse.facts import FIRST, LAST, NUMBER
from clcourse.results import store

SETTINGS = {
    "seeds": list(range(10)),
    "other_seeds": list(range(200, 205)),
    "topics": 4,
    "members": 10,
    "rate": {"notes": 1e-3, "full": 1e-4},
    "until": 0.99,
    "steps": 600,
}


def topics(world: cl.World, alike: bool) -> list[cl.Facts]:
    """Ten newcomers a topic: of one family each (those with most newcomers), or the first forty."""
    new, count = world.facts("newcomers"), 3 * SETTINGS["members"]
    if not alike:
        return [cl.Facts(new.x[:, k * count :][:, :count], new.y[:, k * count :][:, :count])
                for k in range(SETTINGS["topics"])]  # fmt: skip
    family = new.x[..., 3] - NUMBER[LAST[0]]
    sizes = torch.nn.functional.one_hot(family, len(LAST)).sum(dim=1)
    large = sizes.argsort(dim=1, descending=True, stable=True)[:, : SETTINGS["topics"]]
    lane = torch.arange(len(family))[:, None]
    chosen = []
    for k in range(SETTINGS["topics"]):
        first = (family != large[:, k : k + 1]).int().argsort(dim=1, stable=True)[:, :count]
        chosen.append(cl.Facts(new.x[lane, first], new.y[lane, first]))
    return chosen


def together(parts: list[cl.Facts]) -> cl.Facts:
    """Several lists of facts as one."""
    return cl.Facts(*(torch.cat(columns, dim=1) for columns in zip(*parts, strict=True)))


def by_words(parts: list[cl.Facts], x: torch.Tensor) -> torch.Tensor:
    """Naive Bayes on the two names: which part each question sounds like (seeds, questions).

    parts[0] are the old facts. log p(part) + Σ log p(word | part), every count begins at one half.
    """
    scores, names = [], {2: (NUMBER[FIRST[0]], FIRST), 3: (NUMBER[LAST[0]], LAST)}
    for part in parts:
        score = torch.full(x.shape[:2], float(len(part))).log()
        for place, (start, words) in names.items():
            counts = torch.nn.functional.one_hot(part.x[..., place] - start, len(words)).sum(dim=1)
            chance = (counts + 0.5) / (counts.sum(dim=1, keepdim=True) + 0.5 * len(words))
            score = score + chance.log().gather(1, x[..., place] - start)
        scores.append(score)
    return torch.stack(scores).argmax(dim=0)


def by_list(parts: list[cl.Facts], x: torch.Tensor) -> torch.Tensor:
    """The part in whose list this very person stands; 0, no note, for anybody else."""
    found = torch.zeros(x.shape[:2], dtype=torch.long)
    for number, part in enumerate(parts[1:], start=1):
        same = (x[:, :, None, 2:] == part.x[:, None, :, 2:]).all(dim=-1).any(dim=-1)
        found[same] = number
    return found


@torch.no_grad()
def answered(notes, parts: list[cl.Facts], names: list[str]) -> dict[str, list[float]]:
    """Every way to choose a note: right answers on new and old facts, and right choices."""
    asked = together(parts)
    true = torch.cat([torch.full((len(part),), k) for k, part in enumerate(parts)])
    true = true.expand(asked.y.shape)

    def answers(*on: str) -> torch.Tensor:
        """1 where the answer is right with these notes on: (seeds, questions)."""
        return (notes.only(*on)(asked.x).argmax(dim=-1) == asked.y).float()

    right, summed = torch.stack([answers(), *map(answers, names)]), answers(*names)
    chosen = {"told": true, "by words": by_words(parts, asked.x),
              "by list": by_list(parts, asked.x)}  # fmt: skip
    old, result = len(parts[0]), {}
    for way, which in chosen.items():
        score = right.gather(0, which[None])[0]
        result[way] = {"new": score[:, old:], "old": score[:, :old],
                       "routed new": (which == true)[:, old:].float(),
                       "routed old": (which == true)[:, :old].float()}
    wrong = torch.stack([right[(1 + (k + 1) % len(names))] for k in range(len(names))])
    wrong = wrong.gather(0, (true - 1).clamp(min=0)[None])[0]
    result["another topic's note"] = {"new": wrong[:, old:], "old": right[1:].mean(0)[:, :old]}
    result["all notes summed"] = {"new": summed[:, old:], "old": summed[:, :old]}
    return {way: {name: values.mean(dim=1) for name, values in one.items()}
            for way, one in result.items()}  # fmt: skip


def lived(seeds, alike: bool) -> dict:
    """All ways, on the same lanes: {way: {"new": lanes, "old": lanes, …}}."""
    world = cl.World(seeds=seeds)
    base, parts = cl.grown_up(world), topics(world, alike)
    old, rate, limit = world.facts(), SETTINGS["rate"], SETTINGS["steps"]
    notes, names = base, [f"topic {k + 1}" for k in range(len(parts))]
    for name, part in zip(names, parts, strict=True):
        notes = cl.add_lora(notes, 4, name=name).only(name)
        notes = cl.teach(notes, part, rate["notes"], steps=limit).network
    found = answered(notes, [old, *parts], names)
    everything = together(parts)
    learners = {"one note of rank 4": (cl.add_lora(base, 4), rate["notes"]),
                "one note of rank 16": (cl.add_lora(base, 16), rate["notes"]),
                "full": (base, rate["full"])}  # fmt: skip
    for name, (network, lr) in learners.items():
        for way, lists in (("at once", [everything]), ("one after the other", parts)):
            taught = network
            for part in lists:
                taught = cl.teach(taught, part, lr, steps=limit).network
            each = [cl.recall(taught, part) for part in parts]
            found[f"{name}, {way}"] = {"new": torch.stack(each).mean(0), "first": each[0],
                                       "last": each[-1], "old": cl.recall(taught, old)}
    return {way: {name: [round(one, 4) for one in lanes.tolist()] for name, lanes in one.items()}
            for way, one in found.items()}  # fmt: skip


if __name__ == "__main__":
    results = {world: {who: lived(SETTINGS[who], alike) for who in ("seeds", "other_seeds")}
               for world, alike in (("families", True), ("anybody", False))}  # fmt: skip
    print("written:", store("07_topics", SETTINGS, {"found": results}).name)
