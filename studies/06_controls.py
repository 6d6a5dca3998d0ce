"""The simplest controls of lesson 06: rivals, names that were heard before, and depth.

    python studies/06_controls.py

makes clcourse/results/06_controls.json again (about ten minutes on one core; stored after each
part). `rivals`: which shared word hurts, and whether number does at a fixed number of near misses.
`people`: what notes in view do to what is known by heart. `heads`: how often each head looks most
at the right value. `top`: the same for the mean of all heads among near misses. `heard`: how often
the name of a stranger stood in a training text. `trained`: depth, window and steps, one at a time.
"""

from __future__ import annotations

import importlib

import torch

import clcourse as cl
from clcourse.facts import ATTRIBUTES, FIRST, LAST, NUMBER, VALUES, Facts
from clcourse.reading import TEXTS, episodes
from clcourse.results import store

SETTINGS = {
    "seeds": list(range(10)),
    "questions": 60,
    "notes": 20,
    "alike": {"attribute": [4], "first name": [2], "last name": [1]},
    "alike_notes": 48,
    "near_misses": 9,
    "unlike": [0, 40, 190],
    "other_notes": [0, 1, 3, 10],
    "trained": [[16, 1, 200], [None, 2, 200], [16, 2, 400], [16, 2, 800]],
}
NEAR = [5, 6]  # the attribute and one name: see `notes_like`


def lanes(values) -> list[float]:
    """Rounded, to be stored."""
    return [round(one, 4) for one in values.tolist()]


def notes_like(facts: Facts, groups, seeds) -> torch.Tensor:
    """Each fact's note in the middle of others: (seeds, facts, …, 4).

    groups  (kinds, how many) of others; a kind is the sum of 4 for the attribute, 2 for the first
            and 1 for the last name, where they are those of the question
    """
    random = cl.LaneRandom(seeds, f"notes like {groups}")
    places = (torch.arange(len(words)) + NUMBER[words[0]] for words in (ATTRIBUTES, FIRST, LAST))
    every = torch.cartesian_prod(*places)  # every question that can be asked
    kind = ((every == facts.x[:, :, None, 1:]) * torch.tensor([4, 2, 1])).sum(dim=-1)
    likes = random.uniform(kind[0].numel()).reshape(kind.shape)
    chosen = torch.cat([
        likes.masked_fill(~torch.isin(kind, torch.tensor(kinds)), 2.0).argsort(dim=-1)[..., :count]
        for kinds, count in groups
    ], dim=-1)
    order = random.uniform(chosen[0].numel()).reshape(chosen.shape).argsort(dim=-1)
    notes = every[chosen.gather(-1, order)]
    value = random.integers(chosen[0].numel(), len(VALUES[0])).reshape(chosen.shape)
    value = value + NUMBER[VALUES[0][0]] + len(VALUES[0]) * (notes[..., 0] - NUMBER[ATTRIBUTES[0]])
    notes = torch.cat([notes, value[..., None]], dim=-1)
    middle = notes.shape[2] // 2
    return torch.cat([notes[:, :, :middle], facts.notes()[:, :, None], notes[:, :, middle:]], dim=2)


def rivals(network, facts: Facts, settings) -> dict:
    """Lanes right: one shared word at a time; near misses amid unlike notes; another person."""
    seeds, others = network.seeds, settings["alike_notes"] - 1
    found = {f"{name} shared": lanes(cl.reads(
        network, notes_like(facts, [(kinds, others)], seeds), facts))
        for name, kinds in settings["alike"].items()}
    for unlike in settings["unlike"]:
        listed = notes_like(facts, [(NEAR, settings["near_misses"]), ([0], unlike)], seeds)
        found[f"near misses and {unlike}"] = lanes(cl.reads(network, listed, facts))
    another = facts.x.clone()
    for column, names in ((2, FIRST), (3, LAST)):
        another[..., column] = NUMBER[names[0]] + (another[..., column] - NUMBER[names[0]] + 7) % 25
    unlike = notes_like(facts, [([0], 199)], seeds)
    found["another person"] = lanes(cl.reads(network, unlike, Facts(another, facts.y)))
    return found


def people(network, world, settings) -> dict:
    """Own people: by heart amid notes about others, and a lie about them (given, truth kept)."""
    known = world.facts("people")
    found = {}
    for count in settings["other_notes"]:
        right = cl.recall(network, known) if count == 0 else cl.reads(
            network, cl.reading_list(known, count, at=0, seeds=world.seeds)[:, :, 1:], known)
        found[f"{count} other notes"] = lanes(right)
    notes, first = cl.reading_list(known, 2, seeds=world.seeds), world.vocabulary - 60
    odd = (known.y - first) % 2
    lie = Facts(known.x, known.y + 1 - 2 * odd)
    same = (notes[..., :3] == known.x[:, :, None, 1:]).all(dim=-1)
    notes[..., 3] = torch.where(same, lie.y[..., None], notes[..., 3])
    return found | {"lie given": lanes(cl.reads(network, notes, lie)),
                    "truth kept": lanes(cl.reads(network, notes, known))}


def looked_at(network, notes, facts: Facts) -> tuple[torch.Tensor, torch.Tensor]:
    """The shares of the last word, (seeds, questions, heads, words), and where the value stands."""
    text = cl.with_context(notes, facts.x)
    shares = torch.cat([network.looks_at(text[:, at:at + 10])[:, :, :, -1]
                        for at in range(0, text.shape[1], 10)], dim=1)
    same = (notes[..., :3] == facts.x[:, :, None, 1:]).all(dim=-1)
    return shares, 4 + 4 * same.float().argmax(dim=-1)


def heads(network, facts: Facts) -> list[list[float]]:
    """Share of questions in which each head looks most at the right value: lanes of heads."""
    listed = cl.reading_list(facts, 2, seeds=network.seeds)
    shares, value = looked_at(network, listed, facts)
    return [lanes(one) for one in (shares.argmax(-1) == value[..., None]).float().mean(dim=1)]


def top(network, facts: Facts) -> dict:
    """Among 50 notes that share two words: the mean of the heads is highest at the right value."""
    listed = importlib.import_module("06_notes").invented(facts, 2, 49, network.seeds)
    shares, value = looked_at(network, listed, facts)
    return {"right": lanes(cl.reads(network, listed, facts)),
            "highest": lanes((shares.mean(dim=2).argmax(dim=-1) == value).float().mean(dim=1))}


def heard(world, steps: int = 200) -> dict:
    """How often the name of each stranger stood in a training text: the draws of `grow_up` again.

    Lanes: the share of strangers' names that did, and how many notes bore one, on average.
    """
    random = cl.LaneRandom(world.seeds, "pretraining")
    count = torch.zeros(len(world.seeds), len(FIRST), len(LAST), dtype=torch.long)
    for _ in range(steps):
        random.integers(2 * TEXTS, len(world.facts("people")))
        notes = episodes(random, TEXTS)[:, :, 1:17].reshape(len(world.seeds), -1, 4)
        first, last = notes[..., 1] - NUMBER[FIRST[0]], notes[..., 2] - NUMBER[LAST[0]]
        for lane, name in enumerate(len(LAST) * first + last):
            count[lane] += name.bincount(minlength=count[0].numel()).reshape(count[0].shape)
    x = world.facts("strangers").x
    lane = torch.arange(len(world.seeds))[:, None]
    of = count[lane, x[..., 2] - NUMBER[FIRST[0]], x[..., 3] - NUMBER[LAST[0]]].float()
    return {"share": lanes((of > 0).float().mean(dim=1)), "times": lanes(of.mean(dim=1))}


if __name__ == "__main__":
    world = cl.World(seeds=SETTINGS["seeds"])
    network = cl.grown_up(world)
    strangers = world.facts("strangers", 100)
    asked = Facts(strangers.x[:, :SETTINGS["questions"]], strangers.y[:, :SETTINGS["questions"]])
    with torch.no_grad():
        results = {"rivals": rivals(network, asked, SETTINGS),
                   "people": people(network, world, SETTINGS), "heads": heads(network, strangers),
                   "top": top(network, asked), "heard": heard(world), "trained": {}}
    store("06_controls", SETTINGS, {"found": results})  # the rest takes longer
    by_distance = importlib.import_module("06_window").by_distance
    for window, layers, steps in SETTINGS["trained"]:
        network = cl.grown_up(world, window=window, layers=layers, steps=steps)
        found = by_distance(network, world, {"notes": SETTINGS["notes"], "questions": 40})
        results["trained"][f"{window} {layers} {steps}"] = found
        print("written:", store("06_controls", SETTINGS, {"found": results}).name, window, layers,
              steps, flush=True)
