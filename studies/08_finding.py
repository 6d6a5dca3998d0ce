"""Found is not read: how a question is worded, how many notes are read, and notes that are stale.

    python studies/08_finding.py

makes clcourse/results/08_finding.json again (about four minutes on one core). Networks that learnt
to follow noted rules (rules=0.5) read about newcomers.

"wordings": 90 questions to 300 notes, in other words, by words and by letters.
"grid": 30 questions to 30 … 900 notes, each with 0, 1 or 3 outdated versions, 1 … 20 are read.
"orders": 10 notes read in another order; the newest of two versions first, last or alone.
"""

from __future__ import annotations

import torch
from sklearn.feature_extraction.text import HashingVectorizer

import clcourse as cl
from clcourse.facts import NUMBER, VALUES, Facts, text
from clcourse.results import store

SETTINGS = {
    "seeds": list(range(20)),
    "rules": 0.5,
    "wordings": {"newcomers": 100, "questions": 90, "k": [1, 2, 3, 5, 10, 20, 50]},
    "grid": {"newcomers": [10, 30, 100, 300], "questions": 30, "stale": [0, 1, 3],
             "k": [1, 2, 3, 5, 10, 20]},
    "orders": {"newcomers": 100, "questions": 90, "k": 10},
}
OTHER_WORDS = {"lives-in": "home-of", "works-as": "job-of", "likes": "loves"}


def in_letters():
    """Texts as counts of three letters in a row: a name that is spelt wrong still looks alike."""
    return HashingVectorizer(analyzer="char_wb", ngram_range=(3, 3), norm=None,
                             alternate_sign=False).transform  # fmt: skip


def misspelt(name: str) -> str:
    """The second letter twice: Adda, Fiinch."""
    return name[:2] + name[1:]


def worded(question: str) -> dict[str, str]:
    """One question in five wordings."""
    what, first, last = question.split()
    other = OTHER_WORDS[what]
    return {
        "as noted": question,
        "another verb": f"{other} {first} {last}",
        "first name misspelt": f"{what} {misspelt(first)} {last}",
        "both names misspelt": f"{what} {misspelt(first)} {misspelt(last)}",
        "no word in common": f"{other} {misspelt(first)} {misspelt(last)}",
    }


def part(facts: Facts, stop: int) -> Facts:
    """The first of the facts."""
    return Facts(facts.x[:, :stop], facts.y[:, :stop])


def stores_of(notes: torch.Tensor, vectors=None) -> list[cl.NoteStore]:
    """A store for each lane, filled with notes (seeds, n, 4)."""
    stores = [cl.NoteStore(vectors) for _ in notes]
    for one, lane in zip(stores, notes, strict=True):
        one.add(*(text(note) for note in lane))
    return stores


def looked_up(stores, questions: list[list[str]], k: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Notes (seeds, questions, k, 4) as tokens, and the best score (seeds, questions)."""
    notes, best = [], []
    for one, asked in zip(stores, questions, strict=True):
        hits = one.look_up(*asked, k=k)
        notes.append(torch.stack([torch.stack([cl.tokens(hit.text) for hit in found])
                                  for found in hits]))  # fmt: skip
        best.append(torch.tensor([found[0].score for found in hits]))
    return torch.stack(notes), torch.stack(best)


@torch.no_grad()
def answers(network, notes: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """The words answered after reading: (seeds, questions)."""
    return network(cl.with_context(notes, x)).argmax(-1)


def lanes(values: torch.Tensor) -> list[float]:
    """A mean for each lane, as it is stored."""
    return [round(float(one), 4) for one in values.float().mean(1)]


def wordings(network, world: cl.World) -> dict:
    """Found and read, in every wording, by words and by letters."""
    settings = SETTINGS["wordings"]
    facts = world.facts("newcomers", settings["newcomers"])
    asked, results = part(facts, settings["questions"]), {}
    own = asked.notes()[:, :, None]
    plain = [[text(q[1:]) for q in lane] for lane in asked.x]
    for way, vectors in (("words", None), ("letters", in_letters())):
        stores, results[way] = stores_of(facts.notes(), vectors), {}
        for wording in worded(plain[0][0]):
            questions = [[worded(q)[wording] for q in lane] for lane in plain]
            notes, best = looked_up(stores, questions, max(settings["k"]))
            rows = results[way][wording] = {}
            for k in settings["k"]:
                found = (notes[:, :, :k] == own).all(-1).any(-1)
                read = answers(network, notes[:, :, :k], asked.x) == asked.y
                rows[str(k)] = {
                    "found": lanes(found), "right": lanes(read),
                    "found, not read": lanes(found & ~read),
                    "right, not found": lanes(read & ~found),
                }  # fmt: skip
            rows["last word"] = lanes(notes[:, :, 0, 3] == asked.y)
            rows["score zero"] = lanes(best <= 0)
    return results


def versions(facts: Facts, stale: int, seeds) -> torch.Tensor:
    """Every fact as noted `stale` times before, oldest first, and as it is: (seeds, n …, 4)."""
    start = cl.LaneRandom(seeds, "stale").integers(len(facts), 19)
    size = len(VALUES[0])
    kind = (facts.y - NUMBER[VALUES[0][0]]) // size * size + NUMBER[VALUES[0][0]]
    old = []
    for back in range(stale):
        moved = (facts.y - kind + 1 + (start + 6 * back) % 19) % size + kind
        old.append(Facts(facts.x, moved).notes())
    return torch.cat([*old, facts.notes()], dim=1)


def grid(network, world: cl.World) -> dict:
    """{stale: {notes: {k: found, right, outdated}}}."""
    settings, results = SETTINGS["grid"], {}
    for stale in settings["stale"]:
        results[str(stale)] = {}
        for people in settings["newcomers"]:
            facts = world.facts("newcomers", people)
            asked = part(facts, settings["questions"])
            piled = versions(facts, stale, world.seeds)
            questions = [[text(q[1:]) for q in lane] for lane in asked.x]
            notes, _ = looked_up(stores_of(piled), questions, max(settings["k"]))
            rows = results[str(stale)][str(3 * people)] = {}
            same = (notes[..., :3] == asked.notes()[:, :, None, :3]).all(-1)
            for k in settings["k"]:
                told = answers(network, notes[:, :, :k], asked.x)
                old = (same & (notes[..., 3] == told[..., None]))[:, :, :k].any(-1)
                now = (notes[:, :, :k] == asked.notes()[:, :, None]).all(-1).any(-1)
                rows[str(k)] = {"found": lanes(now), "right": lanes(told == asked.y),
                                "outdated": lanes(old & (told != asked.y))}  # fmt: skip
    return results


def orders(network, world: cl.World) -> dict:
    """Does it matter in which order the notes are read?"""
    settings = SETTINGS["orders"]
    facts = world.facts("newcomers", settings["newcomers"])
    asked = part(facts, settings["questions"])
    questions = [[text(q[1:]) for q in lane] for lane in asked.x]
    notes, _ = looked_up(stores_of(facts.notes()), questions, settings["k"])
    shuffle = cl.LaneRandom(world.seeds, "order").permutation(settings["k"])
    lane = torch.arange(len(shuffle))[:, None]
    results = {name: answers(network, read, asked.x) == asked.y for name, read in {
        "best first": notes, "best last": notes.flip(2),
        "shuffled": notes.transpose(1, 2)[lane, shuffle].transpose(1, 2)}.items()}  # fmt: skip
    old, new = (versions(asked, 1, world.seeds).unflatten(1, (2, -1))[:, which]
                for which in (0, 1))  # fmt: skip
    pair = torch.stack([new, old], dim=2)
    for name, read in {"newest first": pair, "newest last": pair.flip(2),
                       "newest alone": pair[:, :, :1]}.items():  # fmt: skip
        results[name] = answers(network, read, asked.x) == asked.y
    last = answers(network, pair.flip(2), asked.x)
    results["newest last, outdated"] = last == old[..., 3]
    piled = stores_of(versions(asked, 1, world.seeds))
    results["best of both is the newest"] = (
        looked_up(piled, questions, 1)[0][:, :, 0, 3] == asked.y)  # fmt: skip
    return {name: lanes(one) for name, one in results.items()}


if __name__ == "__main__":
    world = cl.World(seeds=SETTINGS["seeds"])
    network = cl.grown_up(world, rules=SETTINGS["rules"])
    results = {}
    for make in (orders, wordings, grid):
        results[make.__name__] = make(network, world)
        print(make.__name__, "done", flush=True)
    print("written:", store("08_finding", SETTINGS, results).name)
