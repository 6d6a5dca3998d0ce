"""How many notes can it read, and is it their number or their likeness that counts?

    python studies/06_notes.py

makes clcourse/results/06_notes.json again (about four minutes on one core). The right note stands
in the middle of others that share no word with the question, exactly one, or exactly two; or of
notes about strangers as they come. Twice: after 200 steps of growing up, as in the lesson, and
after 400. Sharper: the queries are multiplied while it reads, which makes the softmax sharper.
"""

from __future__ import annotations

import torch

import clcourse as cl
from clcourse.facts import ATTRIBUTES, FIRST, LAST, NUMBER, VALUES, Facts
from clcourse.results import store

SETTINGS = {
    "seeds": list(range(10)),
    "other_seeds": list(range(200, 205)),
    "questions": 60,
    "notes": {"none": [2, 5, 10, 20, 50, 100, 200], "one": [2, 5, 10, 20, 50, 100, 200],
              "two": [2, 5, 10, 20, 50], "as they come": [1, 2, 5, 10, 20, 50, 100, 200]},
    "steps": [200, 400],
    "sharper": [0.5, 2.0, 4.0],
}
SHARED = {"none": 0, "one": 1, "two": 2}


def invented(facts: Facts, shared: int, others: int, seeds) -> torch.Tensor:
    """Each fact's note amid others that share so many of its three words, (seeds, facts, …, 4)."""
    random = cl.LaneRandom(seeds, f"notes that share {shared}")
    places = (torch.arange(len(words)) + NUMBER[words[0]] for words in (ATTRIBUTES, FIRST, LAST))
    all_of_them = torch.cartesian_prod(*places)  # every question that can be asked
    same = (all_of_them == facts.x[:, :, None, 1:]).sum(dim=-1)
    likes = random.uniform(same[0].numel()).reshape(same.shape)
    chosen = likes.masked_fill(same != shared, 2.0).argsort(dim=-1)[..., :others]
    notes = all_of_them[chosen]
    value = random.integers(chosen[0].numel(), len(VALUES[0])).reshape(chosen.shape)
    value = value + NUMBER[VALUES[0][0]] + len(VALUES[0]) * (notes[..., 0] - NUMBER[ATTRIBUTES[0]])
    notes = torch.cat([notes, value[..., None]], dim=-1)
    middle = (others + 1) // 2
    return torch.cat([notes[:, :, :middle], facts.notes()[:, :, None], notes[:, :, middle:]], dim=2)


def lists(world, kind: str, count: int, questions: int) -> tuple[torch.Tensor, Facts]:
    """Notes of a kind, and the facts that are asked."""
    strangers = world.facts("strangers", 100)
    facts = Facts(strangers.x[:, :questions], strangers.y[:, :questions])
    if kind in SHARED:
        return invented(facts, SHARED[kind], count - 1, world.seeds), facts
    listed = cl.reading_list(strangers, count - 1, at=count // 2, seeds=world.seeds)
    return listed[:, :questions], facts


def read(network, world, settings, numbers=None) -> dict:
    """{kind: {notes: lanes}}."""
    return {
        kind: {str(count): [round(one, 4) for one in cl.reads(
            network, *lists(world, kind, count, settings["questions"])).tolist()]
            for count in counts}
        for kind, counts in (numbers or settings["notes"]).items()
    }


def sharpened(network, factor: float):
    """A copy whose attention is sharper."""
    network = network.copy()
    network.blocks[0]["query"].data.mul_(factor)
    return network


if __name__ == "__main__":
    results: dict = {}
    most = {kind: counts[-1:] for kind, counts in SETTINGS["notes"].items()}
    world, other = (cl.World(seeds=SETTINGS[which]) for which in ("seeds", "other_seeds"))
    for steps in SETTINGS["steps"]:
        network = cl.grown_up(world, steps=steps)
        results[str(steps)] = read(network, world, SETTINGS)
        if steps == SETTINGS["steps"][0]:
            results["sharper"] = {
                str(by): read(sharpened(network, by), world, SETTINGS, most)
                for by in SETTINGS["sharper"]
            }
    results["other lanes"] = read(cl.grown_up(other), other, SETTINGS, most)
    print("written:", store("06_notes", SETTINGS, {"found": results}).name)
