"""The same facts by weights, in the context, and as notes: what each way knows, and what it keeps.

    python studies/08_open_book.py

makes clcourse/results/08_open_book.json again (about three minutes on one core). All rows start
from the same networks, which grew up with 100 people and learnt to follow noted rules (rules=0.5);
"plain" has the rows of notes for networks that never learnt to. Rates, and the score that a note
must exceed, are chosen on lanes 100-104: the best mean of what was asked
(new, changed or unseen) and old.
"""

from __future__ import annotations

import torch

import clcourse as cl
from clcourse.facts import Facts
from clcourse.results import store
from clcourse.transformer import Cache

SETTINGS = {
    "seeds": list(range(10)),
    "seeds_for_choosing": list(range(100, 105)),
    "newcomers": 30,
    "people_changed": 30,
    "rules": 0.5,
    "rule": {"family": 0, "taught": 15, "unseen": 10},
    "learning_rates": [3e-4, 1e-3, 3e-3, 1e-2],
    "scores": [0.0, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8],
    "rank": 4,
    "k": 3,
    "until": 0.99,
    "steps": 300,
}
WEIGHTS = ("fine-tuned", "fine-tuned + replay", "LoRA, rank 4")


def part(facts: Facts, start: int, stop: int | None = None) -> Facts:
    """Some of the facts."""
    return Facts(facts.x[:, start:stop], facts.y[:, start:stop])


def lessons(world: cl.World) -> dict[str, dict[str, Facts]]:
    """What is taught, what is asked then, and what old knowledge should be left, by lesson."""
    old, new = world.facts(), world.facts("newcomers", SETTINGS["newcomers"])
    moved = 3 * SETTINGS["people_changed"]
    changed, (rule, members, unseen) = part(world.changed(), 0, moved), world.rule()
    return {
        "new": {"taught": new, "asked": new, "old": old},
        "changed": {"taught": changed, "asked": changed, "old": part(old, moved)},
        "rule by examples": {"taught": members, "asked": unseen, "old": old},
        "rule as a sentence": {"taught": rule, "asked": unseen, "old": old},
    }


@torch.no_grad()
def in_context(network, notes: torch.Tensor, facts: Facts) -> torch.Tensor:
    """Share right with all notes (seeds, n, 4) in the context, which is read once: (seeds,)."""
    start = torch.full_like(notes[:, :1, 0], cl.facts.NUMBER[cl.facts.START])
    ask = torch.full_like(start, cl.facts.NUMBER[cl.facts.ASK])
    read = torch.cat([start, notes.flatten(1), ask], dim=1)[:, None]
    _, cache = network.read(read)
    right = []
    for x, y in zip(facts.x.split(30, 1), facts.y.split(30, 1), strict=True):
        n = x.shape[1]
        keys, values = (one.repeat_interleave(n, dim=1) for one in (cache.keys, cache.values))
        many = Cache(keys, values, cache.last.expand(-1, n, -1), cache.read)
        right.append(network.read(x[..., 1:], many)[0].argmax(-1) == y)
    return torch.cat(right, dim=1).float().mean(1)


def right(learner, facts: Facts) -> torch.Tensor:
    """Share right: (seeds,)."""
    return (learner.predict(facts.x).argmax(-1) == facts.y).float().mean(1)


def last_word(learner: cl.OpenBook, facts: Facts) -> torch.Tensor:
    """No network at all: the last word of the best note."""
    return (learner.found(facts.x)[:, :, 0, 3] == facts.y).float().mean(1)


def by_weights(base, lesson: dict, method: str, lr: float) -> dict:
    """Teach the weights or an adapter, and ask."""
    network = cl.add_lora(base, SETTINGS["rank"]) if method.startswith("LoRA") else base
    along = lesson["old"] if method.endswith("replay") else None
    taught = cl.teach(network, lesson["taught"], lr, along=along, until=SETTINGS["until"],
                      steps=SETTINGS["steps"])
    asked = {name: cl.recall(taught.network, lesson[name]) for name in ("taught", "asked", "old")}
    return asked | {"steps": taught.steps}


def by_notes(base, lesson: dict, above: float) -> dict[str, dict]:
    """Look up and read; with a score that must be exceeded; with the old facts noted as well."""
    book = cl.OpenBook(base, SETTINGS["k"])
    book.write(lesson["taught"].notes())
    careful, full = book.copy(), book.copy()
    careful.above = above
    full.write(lesson["old"].notes())
    kinds = ("taught", "asked", "old")
    return {
        "closed book": {name: cl.recall(base, lesson[name]) for name in kinds},
        "all in the context": {
            name: in_context(base, lesson["taught"].notes(), lesson[name]) for name in kinds},
        "notes": {name: right(book, lesson[name]) for name in kinds},
        "notes, if they fit": {name: right(careful, lesson[name]) for name in kinds},
        "notes, old ones too": {name: right(full, lesson[name]) for name in kinds},
        "last word of the best note": {name: last_word(book, lesson[name]) for name in kinds},
        "last word, old ones too": {name: last_word(full, lesson[name]) for name in kinds},
    }  # fmt: skip


def score(found: dict) -> float:
    """What settings are chosen by."""
    return float((found["asked"].mean() + found["old"].mean()) / 2)


def by_scores(book: cl.OpenBook, lesson: dict) -> dict[str, dict]:
    """The same look-up, at every score that the best note must exceed."""
    rows: dict[str, dict] = {str(above): {} for above in SETTINGS["scores"]}
    for kind in ("asked", "old"):
        facts = lesson[kind]
        read = book.predict(facts.x).argmax(-1) == facts.y
        closed = book.network(facts.x).argmax(-1) == facts.y
        best = torch.tensor([
            [hits[0].score for hits in one.look_up(*(cl.text(x[1:]) for x in lane), k=1)]
            for one, lane in zip(book.stores, facts.x, strict=True)])  # fmt: skip
        for above in SETTINGS["scores"]:
            answered = torch.where(best > above, read, closed)
            rows[str(above)][kind] = answered.float().mean(1)
    return rows


def chosen(rules: float) -> dict:
    """The rate of each method for each lesson, and the score for notes, with all that was tried."""
    world = cl.World(seeds=SETTINGS["seeds_for_choosing"])
    base, tried = cl.grown_up(world, rules=rules), {}
    for name, lesson in lessons(world).items():
        rows = {method: {str(lr): by_weights(base, lesson, method, lr)
                         for lr in SETTINGS["learning_rates"]} for method in WEIGHTS}
        book = cl.OpenBook(base, SETTINGS["k"])
        book.write(lesson["taught"].notes())
        rows["notes, if they fit"] = by_scores(book, lesson)
        tried[name] = {
            method: {"best": max(found, key=lambda one, found=found: score(found[one])),
                     "tried": {one: round(score(found[one]), 4) for one in found}}
            for method, found in rows.items()
        }  # fmt: skip
    return tried


def rounded(rows: dict) -> dict:
    """Lanes as they are stored, and their means on the screen."""
    found = {row: {what: [round(float(one), 4) for one in lanes] for what, lanes in answers.items()}
             for row, answers in rows.items()}
    print({row: {what: round(sum(lanes) / len(lanes), 3) for what, lanes in answers.items()}
           for row, answers in found.items()}, flush=True)  # fmt: skip
    return found


def table() -> dict:
    """Every way to every lesson, at the settings chosen: lanes."""
    world = cl.World(seeds=SETTINGS["seeds"])
    base, plain = (cl.grown_up(world, rules=rules) for rules in (SETTINGS["rules"], 0.0))
    results = {"chosen": chosen(SETTINGS["rules"]), "found": {}, "plain": {}}
    for name, lesson in lessons(world).items():
        best = {way: float(one["best"]) for way, one in results["chosen"][name].items()}
        rows = by_notes(base, lesson, best["notes, if they fit"])
        for method in WEIGHTS:
            rows[method] = by_weights(base, lesson, method, best[method])
        results["found"][name] = rounded(rows)
        results["plain"][name] = rounded(by_notes(plain, lesson, best["notes, if they fit"]))
    return results


if __name__ == "__main__":
    print("written:", store("08_open_book", SETTINGS, table()).name)
