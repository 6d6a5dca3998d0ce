"""What the opening of the course shows: 0 and 1 learnt, written over by 2 and 3, and called back.

    python studies/00_opening.py

makes clcourse/results/00_opening.json again (a few seconds). Twenty networks learn to read 0 and
1, take 18 small steps on 2 and 3 alone, then 18 more with ten old pictures in every batch. After
every step all test pictures of 0 and 1 are asked twice: which of ten digits, and "0 or 1?".
Twins that were never taught 0 and 1 go through the same steps: what they can is no memory.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch

import clcourse as cl
from clcourse.results import store

SETTINGS = {
    "seeds": list(range(20)),
    "stream": "split_digits(), one draw of training and test pictures for all networks",
    "differs": "the networks' first weights, the order of the pictures, the ten old pictures",
    "network": [64, 100, 10],
    "lr": 0.1,
    "batch_size": 32,
    "steps_on_0_and_1": 80,
    "steps_on_2_and_3": 18,
    "steps_with_old_pictures": 18,
    "old_pictures": 10,
    "shown_pictures": 20,
}


def batches(experience, steps: int, random) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """So many batches for every lane: x (seeds, 32, 64), y (seeds, 32); a new order each pass."""
    size, images = SETTINGS["batch_size"], len(experience.y)
    passes = -(-steps * size // images)
    order = torch.cat([random.permutation(images) for _ in range(passes)], dim=1)
    for step in range(steps):
        chosen = order[:, step * size : (step + 1) * size]
        yield experience.x[chosen], experience.y[chosen]


def kept(experience, random) -> tuple[torch.Tensor, torch.Tensor]:
    """The old pictures of every lane, as many of each digit: x (seeds, 10, 64), y (seeds, 10)."""
    digits = experience.y.unique().tolist()
    each = SETTINGS["old_pictures"] // len(digits)
    places = []
    for digit in digits:
        images = torch.nonzero(experience.y == digit)[:, 0]
        places.append(images[random.permutation(len(images))[:, :each]])
    chosen = torch.cat(places, dim=1)
    return experience.x[chosen], experience.y[chosen]


def answers(learner, experience, among) -> torch.Tensor:
    """What each lane says to every test picture, choosing among these digits: (seeds, images)."""
    lanes = len(learner.seeds)
    allowed = torch.zeros(lanes, 10, dtype=torch.bool)
    allowed[:, among] = True
    return learner.predict(experience.x_test.expand(lanes, -1, -1), allowed).argmax(dim=2)


def live(learner, old, new, taught: bool) -> dict[str, torch.Tensor]:
    """The steps of the opening; answers (seeds, steps + 1, images) to each question."""
    random = cl.seeds.LaneRandom(learner.seeds, "opening")
    old_x, old_y = kept(old, random)
    questions = {"which of ten": (old, range(10)), "0 or 1": (old, [0, 1]), "new": (new, range(10))}
    said = {name: [] for name in questions}

    def ask() -> None:
        for name, (experience, among) in questions.items():
            said[name].append(answers(learner, experience, list(among)))

    lessons = list(batches(old, SETTINGS["steps_on_0_and_1"], random))
    for x, y in lessons if taught else []:
        learner.observe(x, y)
    ask()
    for x, y in batches(new, SETTINGS["steps_on_2_and_3"], random):
        learner.observe(x, y)
        ask()
    for x, y in batches(new, SETTINGS["steps_with_old_pictures"], random):
        learner.observe(torch.cat([x, old_x], dim=1), torch.cat([y, old_y], dim=1))
        ask()
    return {name: torch.stack(steps, dim=1) for name, steps in said.items()}


def study(seeds) -> dict:
    """Right answers of 64, (seeds, steps + 1); their share as (value, low, high) a step; and the
    answers to the shown pictures, as text of one digit a picture."""
    old, new = list(cl.split_digits())[:2]
    networks = cl.mlp(*SETTINGS["network"], seeds=seeds)
    said, twin = (live(cl.GradientLearner(networks.copy(), SETTINGS["lr"]), old, new, taught)
                  for taught in (True, False))
    each = SETTINGS["shown_pictures"] // 2
    shown = torch.cat([torch.nonzero(old.y_test == digit)[:each, 0] for digit in (0, 1)])

    right = {name: (said[name] == old.y_test).sum(dim=2) for name in ("which of ten", "0 or 1")}
    right["2 and 3"] = (said["new"] == new.y_test).sum(dim=2)
    for name in ("which of ten", "0 or 1"):
        right[f"{name}, never taught"] = (twin[name] == old.y_test).sum(dim=2)

    def shares(counts: torch.Tensor) -> list[list[float]]:
        steps = (counts / len(old.y_test)).unbind(dim=1)
        return [[round(number, 6) for number in cl.estimate(step)[:3]] for step in steps]

    def digits(given: torch.Tensor) -> list[list[str]]:
        return [["".join(map(str, step)) for step in lane] for lane in given[:, :, shown].tolist()]

    return {
        "tested": len(old.y_test),
        "right": {name: counts.tolist() for name, counts in right.items()},
        "share": {name: shares(counts) for name, counts in right.items()},
        "truth": "".join(map(str, old.y_test[shown].tolist())),
        "said": {name: digits(said[name]) for name in ("which of ten", "0 or 1")},
        "pictures": (old.x_test[shown] * 16).int().tolist(),
    }


if __name__ == "__main__":
    print("written:", store("00_opening", SETTINGS, study(SETTINGS["seeds"])).name)
