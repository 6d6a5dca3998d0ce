"""Do workarounds suffice? Notes and context against weights as facts and the window grow.

    python studies/08_workarounds.py

makes clcourse/results/08_workarounds.json again (about five minutes on one core). One stream: facts
about newcomers arrive in parts, until 30, 90, 300 and 900 have been met. After each part all
ways are asked the same questions about what was met so far, and about people known by heart.
Weights learn each part until they know it, at most `steps`, at the rate that was best on lanes
100-102 at 300 facts; with replay as many old facts stand in every batch. The context holds the
newest notes that fit the window.
"""

from __future__ import annotations

import torch

import clcourse as cl
from clcourse.facts import NUMBER, START, Facts
from clcourse.results import store
from clcourse.transformer import Cache

SETTINGS = {
    "seeds": list(range(10)),
    "other_seeds": list(range(200, 205)),
    "search_seeds": list(range(100, 103)),
    "rules": 0.5,
    "counts": [30, 90, 300, 900],
    "search_counts": [30, 90, 300],
    "windows": [64, 128, 256, 512, 1024, 2048, 4096],
    "questions": 60,
    "steps": 1500,
    "rank": 4,
    "k": 3,
    "rates": {"FT": [1e-4, 3e-4, 1e-3, 3e-3], "FT + replay": [1e-4, 3e-4, 1e-3, 3e-3],
              "LoRA": [1e-3, 2e-3, 5e-3, 1e-2, 2e-2]},
}  # fmt: skip


def joined(*parts: Facts) -> Facts:
    """Facts one after the other."""
    return Facts(*(torch.cat(columns, dim=1) for columns in zip(*parts, strict=True)))


def part(facts: Facts, start: int, end: int, step: int = 1) -> Facts:
    """Some of the facts."""
    return Facts(facts.x[:, start:end:step], facts.y[:, start:end:step])


def sample(facts: Facts, count: int) -> Facts:
    """`SETTINGS["questions"]` of the first `count` facts, evenly; all if there are fewer."""
    places = torch.linspace(0, count - 1, min(count, SETTINGS["questions"])).round().long()
    return Facts(facts.x[:, places], facts.y[:, places])


def share(answers: torch.Tensor, right: torch.Tensor) -> list[float]:
    """The share of answers that are right, a lane each."""
    return [round(one, 4) for one in (answers == right).double().mean(dim=1).tolist()]


@torch.no_grad()
def in_context(network, notes: torch.Tensor, asked: Facts, at_once: int = 10) -> list[float]:
    """Read the notes (seeds, n, 4) once, keep the cache, and ask everything: share right."""
    start = torch.full_like(notes[:, :1, 0], NUMBER[START])
    text = torch.cat([start, notes.flatten(1)], dim=1)[:, None]
    cache, said = network.read(text)[1], []
    for first in range(0, len(asked), at_once):
        questions = asked.x[:, first : first + at_once].clone()
        questions[..., 0] = NUMBER["?"]
        count = questions.shape[1]
        many = Cache(cache.keys.repeat_interleave(count, dim=1),
                     cache.values.repeat_interleave(count, dim=1),
                     cache.last.expand(-1, count, -1), cache.read)
        said.append(network.read(questions, many)[0].argmax(dim=-1))
    return share(torch.cat(said, dim=1), asked.y)


def weights(world: cl.World, base, method: str, lr: float, counts) -> dict:
    """Teach the parts one after the other: {"30": {"new": lanes, "old": lanes, …}}."""
    network = cl.add_lora(base, SETTINGS["rank"]) if "LoRA" in method else base
    facts, people = world.facts("newcomers"), world.facts("people")
    results, before = {}, 0
    for count in counts:
        earlier = joined(people, part(facts, 0, before)) if before else people
        done = cl.teach(network, part(facts, before, count), lr, steps=SETTINGS["steps"],
                        along=earlier if "replay" in method else None)
        network, before = done.network, count
        results[str(count)] = asked(network, facts, people, count) | {
            "steps": done.steps.tolist(), "recall of the part": done.recall.tolist()}
    return results


def asked(ask, facts: Facts, people: Facts, count: int) -> dict[str, list[float]]:
    """Right about what was met so far, and about people known by heart."""
    with torch.no_grad():
        new, old = sample(facts, count), sample(people, len(people))
        return {"new": share(ask(new.x).argmax(-1), new.y),
                "old": share(ask(old.x).argmax(-1), old.y)}


def looked_up(world: cl.World, base, everything: bool) -> dict:
    """Notes that are looked up, of the newcomers alone or also of the people known by heart."""
    facts, people = world.facts("newcomers"), world.facts("people")
    book, results, before = cl.OpenBook(base, k=SETTINGS["k"]), {}, 0
    if everything:
        book.write(people.notes())
    for count in SETTINGS["counts"]:
        book.write(part(facts, before, count).notes())
        new = sample(facts, count)
        own = new.notes()[:, :, None]
        hits = (book.found(new.x) == own).all(dim=-1).any(dim=-1)
        results[str(count)] = asked(book.predict, facts, people, count) | {
            "hit": [round(one, 4) for one in hits.double().mean(dim=1).tolist()],
            "bytes": book.memory_bytes()}
        before = count
    return results


def windows(world: cl.World, base) -> dict:
    """{window or "all": {count: {"new": lanes, "old": lanes}}}: the newest notes that fit."""
    facts, people = world.facts("newcomers"), world.facts("people")
    results, read = {}, {}
    for window in [*SETTINGS["windows"], None]:
        results[str(window or "all")] = {}
        for count in SETTINGS["counts"]:
            fit = count if window is None else min(count, (window - 5) // 4)
            if (count, fit) not in read:
                notes = part(facts, count - fit, count).notes()
                read[count, fit] = {
                    "new": in_context(base, notes, sample(facts, count)),
                    "old": in_context(base, notes, sample(people, len(people))), "notes": fit}
            results[str(window or "all")][str(count)] = read[count, fit]
    return results


def mean(lanes) -> float:
    return sum(lanes) / len(lanes)


def search(seeds) -> dict:
    """{method: {rate: mean of new and old after the last part}}."""
    world = cl.World(seeds=seeds)
    base, found = cl.grown_up(world, rules=SETTINGS["rules"]), {}
    for method, rates in SETTINGS["rates"].items():
        found[method] = {}
        for lr in rates:
            last = weights(world, base, method, lr, SETTINGS["search_counts"])["300"]
            found[method][str(lr)] = {"new": round(mean(last["new"]), 4),
                                      "old": round(mean(last["old"]), 4)}
    return found


def best(rates: dict) -> float:
    """The rate with the highest mean of new and old."""
    return float(max(rates, key=lambda lr: rates[lr]["new"] + rates[lr]["old"]))


def study(seeds, found: dict) -> dict:
    """Every way at every number of facts, lanes each."""
    world = cl.World(seeds=seeds)
    base = cl.grown_up(world, rules=SETTINGS["rules"])
    results = {"looked up": looked_up(world, base, False),
               "looked up, all noted": looked_up(world, base, True),
               "context": windows(world, base)}
    for method, rates in found.items():
        results[method] = {"lr": best(rates)} | weights(world, base, method, best(rates),
                                                        SETTINGS["counts"])
    return results


if __name__ == "__main__":
    found = search(SETTINGS["search_seeds"])
    results = {"search": found, "found": study(SETTINGS["seeds"], found)}
    store("08_workarounds", SETTINGS, results)  # so that little is lost if it is stopped here
    results["other lanes"] = study(SETTINGS["other_seeds"], found)
    print("written:", store("08_workarounds", SETTINGS, results).name)
