"""How many rules must be combined: notes against weights, in one pass and step by step.

    python studies/08_depth.py

makes clcourse/results/08_depth.json again (about three minutes on one core). Depth 0 asks what was
noted or taught itself; 1 needs "likes every Young chess", 2 also "lives-in every chess Lima", 3
also "works-as every Lima baker". All five ruled families have such rules; asked are ten members of
each, never seen. Step by step, a program asks for the first link, puts the answer into the next
question, and so on: the order of the questions is the programmer's. How it words its questions, how
many notes are looked up, and every rate are chosen on lanes 100-102 at
depths 1 and 2.
"""

from __future__ import annotations

import torch

import clcourse as cl
from clcourse.facts import ATTRIBUTES, EVERY, NUMBER, RULED, VALUES, Facts
from clcourse.results import store

SETTINGS = {
    "seeds": list(range(10)),
    "other_seeds": list(range(200, 205)),
    "search_seeds": list(range(100, 103)),
    "search_depths": [1, 2],
    "rules": 0.5,
    "depths": [0, 1, 2, 3],
    "examples": 15,
    "noise": 30,
    "rank": 4,
    "k": [1, 3],
    "words": ["first name", "every"],
    "rates": {"FT": [3e-4, 1e-3, 3e-3], "FT + replay": [3e-4, 1e-3, 3e-3],
              "LoRA": [2e-3, 5e-3, 1e-2]},
}  # fmt: skip
LINKS = (2, 0, 1)  # likes, then lives-in, then works-as


def joined(parts) -> Facts:
    """Facts one after the other."""
    return Facts(*(torch.cat(columns, dim=1) for columns in zip(*parts, strict=True)))


class Task:
    """What is stated, what examples there are and what is asked, at one depth, for all families."""

    def __init__(self, world: cl.World, depth: int) -> None:
        self.depth, self.world = depth, world
        chains = [world.chain(family, max(depth, 1), SETTINGS["examples"])
                  for family in range(RULED)]
        stated, taught, unseen = (joined(parts) for parts in zip(*chains, strict=True))
        self.asked, self.examples = unseen, taught
        self.stated = unseen if depth == 0 else stated
        self.noise = world.facts("strangers", SETTINGS["noise"] // 3).notes()
        self.people = world.facts("people", 20)

    def by_chance(self) -> list[float]:
        """Guessing among the values that the statements name for what is asked: (seeds,)."""
        first = NUMBER[VALUES[LINKS[max(self.depth, 1) - 1]][0]]
        named = [set(lane[(lane >= first) & (lane < first + 20)].tolist())
                 for lane in self.stated.y]
        return [1 / len(values) for values in named]


def step_by_step(ask, asked: torch.Tensor, depth: int, words: str) -> torch.Tensor:
    """Ask for each link with the answer before in place of the family: the programmer's chain."""
    x = asked.clone()
    if words == "every":
        x[..., 2] = NUMBER[EVERY]
    for which in LINKS[:depth]:
        x = x.clone()
        x[..., 1] = NUMBER[ATTRIBUTES[which]]
        answer = ask(x).argmax(dim=-1)
        x[..., 3] = answer
    return answer


def share(answers: torch.Tensor, right: torch.Tensor) -> list[float]:
    """The share of answers that are right, a lane each."""
    return [round(one, 4) for one in (answers == right).double().mean(dim=1).tolist()]


def asked_of(ask, task: Task, words: str | None = None) -> list[float]:
    """Share of the questions answered right, in one pass or step by step."""
    with torch.no_grad():
        if words is None or task.depth < 2:
            said = ask(task.asked.x).argmax(dim=-1)
        else:
            said = step_by_step(ask, task.asked.x, task.depth, words)
    return share(said, task.asked.y)


def everything(network, notes: torch.Tensor):
    """A reader with all notes in its context."""
    def ask(x: torch.Tensor) -> torch.Tensor:
        return network(cl.with_context(notes[:, None].expand(-1, x.shape[1], -1, -1), x))
    return ask


def book(network, notes: torch.Tensor, k: int):
    """A reader that looks up k notes for each question."""
    found = cl.OpenBook(network, k=k)
    found.write(notes)
    return found.predict


def noted(base, task: Task, k: int, loop: dict) -> dict[str, list[float]]:
    """Every use of notes at one depth: lanes each. loop: {"k": …, "words": …}."""
    stated = torch.cat([task.stated.notes(), task.noise], dim=1)
    more = torch.cat([stated, task.examples.notes()], dim=1)
    return {
        "notes": asked_of(book(base, stated, k), task),
        "all in context": asked_of(everything(base, stated), task),
        "notes, looped": asked_of(book(base, stated, loop["k"]), task, loop["words"]),
        "notes + examples": asked_of(book(base, more, k), task),
        "by chance": task.by_chance(),
    }


def taught(base, task: Task, method: str, more: bool, lr: float) -> dict:
    """Weights taught the statements, or also examples: in one pass and step by step."""
    facts = joined([task.stated, task.examples]) if more and task.depth else task.stated
    start = cl.add_lora(base, SETTINGS["rank"]) if method == "LoRA" else base
    along = task.world.facts("people") if "replay" in method else None
    done = cl.teach(start, facts, lr, along=along)
    return {"right": asked_of(done.network, task),
            "looped": asked_of(done.network, task, "every"),
            "people": [round(one, 4) for one in cl.recall(done.network, task.people).tolist()],
            "recall": done.recall.tolist(), "steps": done.steps.tolist()}


def mean(lanes) -> float:
    return sum(lanes) / len(lanes)


def search(seeds) -> dict:
    """The programmer's choices and the rates: means over lanes and depths."""
    world = cl.World(seeds=seeds)
    base = cl.grown_up(world, rules=SETTINGS["rules"])
    tasks = [Task(world, depth) for depth in SETTINGS["search_depths"]]
    stated = [torch.cat([task.stated.notes(), task.noise], dim=1) for task in tasks]
    looped = {f"{k} {words}": round(mean([mean(asked_of(book(base, notes, k), task, words))
                                          for task, notes in zip(tasks, stated, strict=True)]), 4)
              for k in SETTINGS["k"] for words in SETTINGS["words"]}
    one_pass = {str(k): round(mean([mean(asked_of(book(base, notes, k), task))
                                    for task, notes in zip(tasks, stated, strict=True)]), 4)
                for k in SETTINGS["k"]}
    rates = {f"{method}{' + examples' * more}": {
                 str(lr): round(mean([mean(taught(base, task, method, more, lr)["right"])
                                      for task in tasks]), 4)
                 for lr in SETTINGS["rates"][method]}
             for method in SETTINGS["rates"] for more in (False, True)}
    return {"looped": looped, "one pass": one_pass, "rates": rates}


def study(seeds, found: dict) -> dict:
    """{"2": {"notes": lanes, …, "FT + examples": {"right": lanes, …}}}."""
    world = cl.World(seeds=seeds)
    base = cl.grown_up(world, rules=SETTINGS["rules"])
    chosen = max(found["looped"], key=found["looped"].get)
    k, words = chosen.split(" ", 1)
    one_pass = int(max(found["one pass"], key=found["one pass"].get))
    results = {}
    for depth in SETTINGS["depths"]:
        task = Task(world, depth)
        results[str(depth)] = noted(base, task, one_pass, {"k": int(k), "words": words})
        for name, rates in found["rates"].items():
            lr = float(max(rates, key=rates.get))
            method, more = name.replace(" + examples", ""), "examples" in name
            results[str(depth)][name] = {"lr": lr} | taught(base, task, method, more, lr)
    return results


if __name__ == "__main__":
    found = search(SETTINGS["search_seeds"])
    results = {"search": found, "found": study(SETTINGS["seeds"], found)}
    store("08_depth", SETTINGS, results)  # so that little is lost if it is stopped here
    results["other lanes"] = study(SETTINGS["other_seeds"], found)
    print("written:", store("08_depth", SETTINGS, results).name)
