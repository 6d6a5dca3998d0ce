"""The simplest controls of lesson 08: what chance, a threshold, a vote or a count would do.

    python studies/08_controls.py

makes clcourse/results/08_controls.json again (about three minutes on one core). Worlds and lanes
are those of the studies that it stands beside; k, scores and rates are chosen on lanes 100-104
(100-102 for "depth").

"strangers": a rule is noted with two other notes; somebody else is asked about.
"votes": a rule by 15 examples among 300 old facts; 1 … 20 notes are read, or their last words vote.
"wordings": the threshold of 08_open_book in other words; a count of the words in common.
"random": the right note among others drawn at random, in place of those that look alike.
"written": two versions of each fact, written in either order: which has the best score?
"depth": two rules, and weights that were taught nothing but examples of the answer; two layers.
"""

from __future__ import annotations

import importlib

import torch

import clcourse as cl
from clcourse.results import store

books, finding, memento, depth = (
    importlib.import_module(f"08_{name}") for name in ("open_book", "finding", "memento", "depth"))

SETTINGS = {
    "seeds": list(range(20)),
    "seeds_of_votes_and_depth": list(range(10)),
    "seeds_for_choosing": list(range(100, 105)),
    "rules": 0.5,
    "scores": [0.0, 0.5, 0.6, 0.7],
    "rates": [1e-3, 1.5e-3, 3e-3, 6e-3],
    "k": [1, 3, 5, 10, 20],
    "random": [10, 20, 50],
    "above": 0.7,
}  # fmt: skip


def lanes(values: torch.Tensor) -> list[float]:
    """Lanes as they are stored."""
    return [round(float(one), 4) for one in values]


def share(answers: torch.Tensor, right: torch.Tensor) -> list[float]:
    """The share of answers that are right, a lane each."""
    return lanes((answers == right).double().mean(dim=1))


def strangers(network, world: cl.World, rates=()) -> dict:
    """Who gets the rule's answer: by chance, with notes only if they fit, at other rates."""
    cast, results = memento.Cast(world), {}
    for situation in ("rule", "examples"):
        notes = memento.contexts(cast, situation, cast.strangers)
        said = network(cl.with_context(notes, cast.strangers.x)).argmax(dim=-1)
        results[situation] = {
            "any note": lanes((notes[..., 3] == cast.rule.y[..., None]).double().mean((1, 2))),
            "one of them": lanes((notes[..., 3] == said[..., None]).any(-1).double().mean(1)),
        }  # fmt: skip
    book = cl.OpenBook(network, k=3)
    book.write(torch.cat([cast.rule.notes(), cast.noted[:, :2]], dim=1))
    for book.above in SETTINGS["scores"]:
        said = [book.predict(asked.x).argmax(dim=-1)
                for asked in (cast.unseen, cast.strangers, cast.people)]
        results[f"above {book.above}"] = {
            "unseen": share(said[0], cast.unseen.y), "false": share(said[1], cast.rule.y),
            "people": share(said[2], cast.people.y)}
    for lr in rates:
        found = memento.teach(network, world, cast, "FT + replay", "examples", lr)
        results[f"FT + replay {lr}"] = {what: found[what] for what in ("unseen", "false", "people")}
    return results


def votes(network, world: cl.World) -> dict:
    """The rule by examples among the old facts: {k: unseen and old, by reader and by vote}."""
    _, members, unseen = world.rule()
    old, book, results = world.facts(), cl.OpenBook(network), {}
    book.write(torch.cat([members.notes(), old.notes()], dim=1))
    for book.k in SETTINGS["k"]:
        rows = results[str(book.k)] = {}
        for name, facts in (("unseen", unseen), ("old", old)):
            notes = book.found(facts.x)
            vote = torch.nn.functional.one_hot(notes[..., 3], 200).sum(dim=2).argmax(dim=-1)
            rows |= {name: lanes(books.right(book, facts)), f"vote, {name}": share(vote, facts.y)}
    return results


@torch.no_grad()
def wordings(network, world: cl.World) -> dict:
    """{wording: the answers with a threshold, and of a count of common words}."""
    results = {}
    for people in (30, 100):
        facts = world.facts("newcomers", people)
        asked, stores = finding.part(facts, 90), finding.stores_of(facts.notes())
        plain = [[cl.text(q[1:]) for q in lane] for lane in asked.x]
        for wording in finding.worded(plain[0][0]):
            questions = [[finding.worded(q)[wording] for q in lane] for lane in plain]
            notes, best = finding.looked_up(stores, questions, 3)
            read = finding.answers(network, notes, asked.x)
            fits = torch.where(best > SETTINGS["above"], read, network(asked.x).argmax(dim=-1))
            common = (notes[..., :3] == asked.x[:, :, None, 1:]).sum(-1).argmax(-1)
            counted = notes[..., 3].gather(2, common[..., None])[..., 0]
            results.setdefault(str(3 * people), {})[wording] = {
                "read": share(read, asked.y), "if it fits": share(fits, asked.y),
                "count of words": share(counted, asked.y)}
    return results


@torch.no_grad()
def random_others(network, world: cl.World) -> dict:
    """The right note among others drawn at random: {notes: right}."""
    facts = world.facts("newcomers", 100)
    asked = finding.part(facts, 90)
    listed = {str(count): cl.reading_list(facts, count - 1, seeds=world.seeds)[:, :90]
              for count in SETTINGS["random"]}
    return {count: share(finding.answers(network, notes, asked.x), asked.y)
            for count, notes in listed.items()}


def written(world: cl.World) -> dict:
    """The best score of two versions is the newest: the newest written last, or first."""
    asked = finding.part(world.facts("newcomers", 100), 90)
    questions = [[cl.text(q[1:]) for q in lane] for lane in asked.x]
    piled = finding.versions(asked, 1, world.seeds)
    results = {}
    for name, notes in (("newest last", piled), ("newest first", piled.flip(1))):
        stores = finding.stores_of(notes)
        found, _ = finding.looked_up(stores, questions, 1)
        results[name] = share(found[:, :, 0, 3], asked.y)
    results["of equal score"] = [
        round(sum(abs(two[0].score - two[1].score) < 1e-9 for two in one.look_up(*asked_, k=2))
              / len(asked_), 4) for one, asked_ in zip(stores, questions, strict=True)]
    return results


def examples_only(network, world: cl.World, lr: float) -> list[float]:
    """Two rules that nobody stated: weights taught 15 examples of the answer, with replay."""
    task = depth.Task(world, 2)
    done = cl.teach(network, task.examples, lr, along=world.facts("people"))
    return depth.asked_of(done.network, task)


def two_layers(seeds) -> dict:
    """Notes read by networks of two layers, at one and at two rules."""
    world = cl.World(seeds=seeds)
    network = cl.grown_up(world, layers=2, rules=SETTINGS["rules"])
    return {str(rules): depth.noted(network, depth.Task(world, rules), 3,
                                    {"k": 1, "words": "every"}) for rules in (1, 2)}


def mean(values) -> float:
    """The mean of some lanes."""
    return round(sum(values) / len(values), 4)


def chosen() -> dict:
    """What was tried on other lanes: k of "votes", the score and the rate of "strangers"."""
    world = cl.World(seeds=SETTINGS["seeds_for_choosing"])
    network = cl.grown_up(world, rules=SETTINGS["rules"])
    tried = {
        "k": {k: {what: mean(found) for what, found in one.items()}
              for k, one in votes(network, world).items()},
        "strangers": {name: {what: mean(found) for what, found in one.items()} for name, one in
                      strangers(network, world, SETTINGS["rates"]).items() if "unseen" in one},
    }  # fmt: skip
    few = cl.World(seeds=SETTINGS["seeds_for_choosing"][:3])
    reader = cl.grown_up(few, rules=SETTINGS["rules"])
    tried["depth"] = {str(lr): mean(examples_only(reader, few, lr)) for lr in (3e-4, 1e-3, 3e-3)}
    return tried


if __name__ == "__main__":
    results = {}
    world, ten = (cl.World(seeds=SETTINGS[name]) for name in ("seeds", "seeds_of_votes_and_depth"))
    network, reader = (cl.grown_up(one, rules=SETTINGS["rules"]) for one in (world, ten))
    results |= {"votes": votes(reader, ten), "written": written(world),
                "wordings": wordings(network, world), "random": random_others(network, world)}
    store("08_controls", SETTINGS, results)  # so that little is lost if it is stopped here
    print("look-ups done", flush=True)
    results["strangers"] = strangers(network, world, (1.5e-3,))
    results["chosen"] = chosen()
    store("08_controls", SETTINGS, results)
    print("strangers done", flush=True)
    tried = results["chosen"]["depth"]
    results["examples only"] = examples_only(reader, ten, float(max(tried, key=tried.get)))
    results["two layers"] = two_layers(list(range(5)))
    print("written:", store("08_controls", SETTINGS, results).name)
