"""The Memento test: is a rule that was only noted followed, and a rule that was taught?

    python studies/08_memento.py

makes clcourse/results/08_memento.json again (about four minutes on one core). One family follows a
rule, "likes every Young chess". Two bases, never and once trained to follow noted rules, have in
their context the rule, or 15 members as examples; the weights of the second are taught the same by
full fine-tuning or by a LoRA note, until they know it, at the rate that was best on lanes 100-104.
Asked are ten members never seen, strangers of other families (who must not get the rule's answer)
and people known by heart.
"""

from __future__ import annotations

import torch

import clcourse as cl
from clcourse.facts import LAST, NUMBER, RULED, VALUES, Facts
from clcourse.results import store

SETTINGS = {
    "seeds": list(range(20)),
    "other_seeds": list(range(200, 205)),
    "search_seeds": list(range(100, 105)),
    "bases": {"never": 0.0, "trained": 0.5},
    "family": 3,
    "examples": 15,
    "unseen": 10,
    "rank": 4,
    "rates": {"FT": [3e-4, 1e-3, 3e-3], "FT + replay": [3e-4, 1e-3, 3e-3],
              "LoRA": [2e-3, 5e-3, 1e-2], "LoRA + replay": [2e-3, 5e-3, 1e-2]},
}  # fmt: skip
LIKES = NUMBER[VALUES[2][0]]  # the first of twenty values


class Cast:
    """Everybody who is asked or noted, for all lanes of a world."""

    def __init__(self, world: cl.World) -> None:
        self.rule, self.taught, self.unseen = world.rule(SETTINGS["family"], SETTINGS["examples"])
        strangers, people = world.facts("strangers"), world.facts("people")
        self.strangers = Facts(strangers.x[:, 2:120:3], strangers.y[:, 2:120:3])  # asked
        self.noted = Facts(strangers.x[:, 122:167:3], strangers.y[:, 122:167:3]).notes()
        self.people = Facts(people.x[:, 2::3], people.y[:, 2::3])
        random = cl.LaneRandom(world.seeds, "memento")
        first = self.unseen.x[:, :, 2]
        family = NUMBER[LAST[0]] + random.integers(10, len(LAST) - RULED).to(first)
        value = LIKES + random.integers(10, 20).to(first)
        attribute = self.unseen.x[:, :, 1]
        self.namesakes = torch.stack([attribute, first, family, value], dim=-1)
        odd = self.unseen.notes()[:, :1].clone()  # the first of the unseen is an exception
        odd[..., 3] = LIKES + (odd[..., 3] - LIKES + 1 + random.integers(1, 19).to(odd)) % 20
        self.exception = Facts(self.unseen.x[:, :1], odd[..., 3])
        self.random = random


def contexts(cast: Cast, situation: str, asked: Facts) -> torch.Tensor:
    """The notes that stand before each question, in random order: (seeds, questions, notes, 4)."""
    lanes, count = asked.y.shape
    parts = {
        "nothing": [cast.noted[:, :3]],
        "rule": [cast.rule.notes(), cast.noted[:, :2]],
        "examples": [cast.taught.notes(), cast.noted],
        "exception": [cast.rule.notes(), cast.exception.notes(), cast.noted[:, :1]],
        "namesake": [cast.rule.notes(), cast.noted[:, :1]],
    }[situation]
    notes = torch.cat(parts, dim=1)[:, None].expand(-1, count, -1, -1)
    if situation == "namesake":
        notes = torch.cat([notes, cast.namesakes[:, :, None]], dim=2)
    order = cast.random.uniform(count * notes.shape[2]).reshape(lanes, count, -1).argsort(-1)
    return notes.gather(2, order[..., None].expand_as(notes).to(notes.device))


def most_frequent(notes: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """The simplest reader: the value noted most often (of equals, any): share right, (seeds,)."""
    counts = torch.nn.functional.one_hot(notes[..., 3], 200).sum(dim=2)
    top = (counts == counts.amax(dim=-1, keepdim=True)).double()
    chance = top / top.sum(dim=-1, keepdim=True)
    return chance.gather(2, right[..., None])[..., 0].mean(dim=1)


def share(answers: torch.Tensor, right: torch.Tensor) -> list[float]:
    """The share of answers that are right, a lane each."""
    return [round(one, 4) for one in (answers == right).double().mean(dim=1).tolist()]


@torch.no_grad()
def read(network, cast: Cast, situation: str) -> dict[str, list[float]]:
    """What a reader does with the notes of a situation."""

    def answers(asked: Facts) -> torch.Tensor:
        return network(cl.with_context(contexts(cast, situation, asked), asked.x)).argmax(dim=-1)

    if situation == "namesake":
        said = answers(cast.unseen)
        return {"unseen": share(said, cast.unseen.y),
                "namesake's": share(said, cast.namesakes[..., 3])}
    if situation == "exception":
        said = answers(cast.unseen)
        return {"unseen": share(said[:, 1:], cast.unseen.y[:, 1:]),
                "exception": share(said[:, :1], cast.exception.y)}
    frequent = most_frequent(contexts(cast, situation, cast.unseen), cast.unseen.y)
    people = answers(cast.people)
    return {"unseen": share(answers(cast.unseen), cast.unseen.y),
            "false": share(answers(cast.strangers), cast.rule.y),
            "people": share(people, cast.people.y),
            "most frequent": [round(one, 4) for one in frequent.tolist()]}


def lesson(cast: Cast, taught: str) -> Facts:
    """What the weights are taught."""
    parts = {"rule": [cast.rule], "examples": [cast.taught],
             "exception": [cast.taught, cast.exception]}[taught]
    return Facts(*(torch.cat(columns, dim=1) for columns in zip(*parts, strict=True)))


def teach(base, world, cast: Cast, method: str, taught: str, lr: float) -> dict[str, list[float]]:
    """What weights do, closed book, after they were taught."""
    start = cl.add_lora(base, SETTINGS["rank"]) if "LoRA" in method else base
    along = world.facts("people") if "replay" in method else None
    done = cl.teach(start, lesson(cast, taught), lr, along=along)
    with torch.no_grad():
        unseen, people, strangers = (done.network(asked.x).argmax(dim=-1) for asked in
                                     (cast.unseen, cast.people, cast.strangers))
    first = 1 if taught == "exception" else 0
    return {"unseen": share(unseen[:, first:], cast.unseen.y[:, first:]),
            "exception": share(unseen[:, :1], cast.exception.y),
            "false": share(strangers, cast.rule.y), "people": share(people, cast.people.y),
            "recall": done.recall.tolist(), "steps": done.steps.tolist()}


def mean(lanes) -> float:
    return sum(lanes) / len(lanes)


def search(seeds) -> dict:
    """{method: {taught: {rate: {"unseen": mean, "false": mean, "people": mean}}}}."""
    world = cl.World(seeds=seeds)
    base, cast = cl.grown_up(world, rules=SETTINGS["bases"]["trained"]), Cast(world)
    return {method: {taught: {str(lr): {what: round(mean(lanes), 4) for what, lanes in
                                        teach(base, world, cast, method, taught, lr).items()}
                              for lr in rates}
                     for taught in ("examples", "rule", "exception")}
            for method, rates in SETTINGS["rates"].items()}


def best(rates: dict) -> float:
    """The rate with most of the rule used where it holds, less its use elsewhere."""
    return float(max(rates, key=lambda lr: rates[lr]["unseen"] - rates[lr]["false"]))


def study(seeds, found: dict) -> dict:
    """{"notes": {base: {situation: …}}, "weights": {method: {taught: …}}}, lanes each."""
    world, notes, weights = cl.World(seeds=seeds), {}, {}
    for name, rules in SETTINGS["bases"].items():
        base, cast = cl.grown_up(world, rules=rules), Cast(world)
        notes[name] = {situation: read(base, cast, situation) for situation in
                       ("nothing", "rule", "namesake", "examples", "exception")}
        listed = cl.reading_list(cast.strangers, 2, seeds=world.seeds)
        notes[name]["own note"] = {"strangers": share(
            base(cl.with_context(listed, cast.strangers.x)).argmax(-1), cast.strangers.y)}
    for method in found:
        weights[method] = {taught: {"lr": best(rates)} | teach(base, world, cast, method, taught,
                                                               best(rates))
                           for taught, rates in found[method].items()}
    return {"notes": notes, "weights": weights}


if __name__ == "__main__":
    found = search(SETTINGS["search_seeds"])
    results = {"search": found, "found": study(SETTINGS["seeds"], found)}
    store("08_memento", SETTINGS, results)  # so that little is lost if it is stopped here
    results["other lanes"] = study(SETTINGS["other_seeds"], found)
    print("written:", store("08_memento", SETTINGS, results).name)
