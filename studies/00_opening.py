"""What the opening of the course shows: 0 and 1 learnt, written over by 2 and 3, and called back.

    python studies/00_opening.py

makes clcourse/results/00_opening.json again (a minute). Twenty networks learn to read 0 and
1, take 18 small steps on 2 and 3 alone, then 18 more with ten old pictures in every batch. After
every step all test pictures of 0 and 1 are asked twice: which of ten digits, and "0 or 1?".
Two kinds of twins go through the same steps with the same ten pictures, and what they can is no
memory of 0 and 1: some were taught nothing before, some were taught 4 and 5 instead.

The variations repeat it with other settings and with two digits drawn for each network.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch.nn.functional import one_hot

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
VARIATIONS = {
    "other digits for each network": {},
    "twenty other networks": {"seeds": list(range(100, 120))},
    "steps half as large": {"lr": 0.05},
    "steps twice as large": {"lr": 0.2},
    "batches of 16": {"batch_size": 16},
    "networks half the size": {"network": [64, 50, 10]},
    "networks twice the size": {"network": [64, 200, 10]},
}
QUESTIONS = ("which of ten", "0 or 1")
ITSELF_OR = ("itself or the first new one", "itself or the second new one")


def on_lanes(experience, lanes: int):
    """Pictures and labels with a seed axis, also where all lanes share one draw."""
    if experience.y.dim() == 2:
        return experience
    parts = {name: getattr(experience, name) for name in ("x", "y", "x_test", "y_test")}
    return replace(experience, **{name: part.expand(lanes, *part.shape)
                                  for name, part in parts.items()})


def batches(experience, steps: int, size: int, random) -> Iterator[tuple[torch.Tensor, ...]]:
    """So many batches for every lane: x (seeds, size, 64), y (seeds, size); a new order a pass."""
    images = experience.y.shape[1]
    passes = -(-steps * size // images)
    order = torch.cat([random.permutation(images) for _ in range(passes)], dim=1)
    lane = torch.arange(len(order))[:, None]
    for step in range(steps):
        chosen = order[:, step * size : (step + 1) * size]
        yield experience.x[lane, chosen], experience.y[lane, chosen]


def kept(experience, count: int, random) -> tuple[torch.Tensor, torch.Tensor]:
    """So many old pictures a lane, half of each digit: x (seeds, count, 64), y (seeds, count).

    The pictures of the first digit come first in an experience, then those of the second.
    """
    half = experience.y.shape[1] // 2
    first, second = (random.permutation(half)[:, : count // 2] for _ in range(2))
    chosen, lane = torch.cat([first, half + second], dim=1), torch.arange(len(first))[:, None]
    return experience.x[lane, chosen], experience.y[lane, chosen]


def questions(old, new) -> dict[str, tuple[torch.Tensor, torch.Tensor | None]]:
    """By name: the pictures, and which answers count (None: all ten; else True where they do)."""
    lanes = len(old.y_test)
    in_question = torch.zeros(lanes, 10, dtype=torch.bool).scatter(1, old.y_test, True)
    asked = {"which of ten": (old.x_test, None), "0 or 1": (old.x_test, in_question),
             "2 and 3": (new.x_test, None)}
    for name, place in zip(ITSELF_OR, (0, -1), strict=True):
        rival = one_hot(new.y_test[:, place], 10).bool()[:, None]
        asked[name] = old.x_test, one_hot(old.y_test, 10).bool() | rival
    return asked


def live(learner, first, old, new, settings: dict) -> dict[str, torch.Tensor]:
    """The steps of the opening after the experience `first`, or after nothing where it is None;
    answers (seeds, steps + 1, images) to each question."""
    random = cl.LaneRandom(learner.seeds, "opening")
    old_x, old_y = kept(old, settings["old_pictures"], random)
    asked = questions(old, new)
    said = {name: [] for name in asked}

    def ask() -> None:
        for name, (x, allowed) in asked.items():
            said[name].append(learner.predict(x, allowed).argmax(dim=2))

    size = settings["batch_size"]
    before = list(batches(first or old, settings["steps_on_0_and_1"], size, random))
    for x, y in before if first else []:
        learner.observe(x, y)
    ask()
    for x, y in batches(new, settings["steps_on_2_and_3"], size, random):
        learner.observe(x, y)
        ask()
    for x, y in batches(new, settings["steps_with_old_pictures"], size, random):
        learner.observe(torch.cat([x, old_x], dim=1), torch.cat([y, old_y], dim=1))
        ask()
    return {name: torch.stack(steps, dim=1) for name, steps in said.items()}


def both(stream, settings: dict) -> tuple[dict, dict, object]:
    """Right answers (seeds, steps + 1) to every question; what was said; the old experience."""
    networks = cl.mlp(*settings["network"], seeds=settings["seeds"])
    old, new, other = (on_lanes(stream[place], len(networks.seeds)) for place in range(3))
    said, none, others = (live(cl.GradientLearner(networks.copy(), settings["lr"]), first, old,
                               new, settings) for first in (old, None, other))
    right = {name: (said[name] == old.y_test[:, None]).sum(dim=2) for name in QUESTIONS}
    right["2 and 3"] = (said["2 and 3"] == new.y_test[:, None]).sum(dim=2)
    for name in QUESTIONS:
        right[f"{name}, never taught"] = (none[name] == old.y_test[:, None]).sum(dim=2)
        right[f"{name}, taught others"] = (others[name] == old.y_test[:, None]).sum(dim=2)
    return right, said, old


def shares(counts: torch.Tensor, tested: int) -> list[list[float]]:
    """Mean over the lanes and its interval, for every step."""
    steps = (counts / tested).unbind(dim=1)
    return [[round(number, 6) for number in cl.estimate(step)[:3]] for step in steps]


def against_the_new(said: dict, old) -> dict[str, list[float]]:
    """After the steps on 2 and 3 alone: the share of 0s named rightly when asked "0 or 2?", …"""
    after = SETTINGS["steps_on_2_and_3"]
    right = {name: (said[name][:, after] == old.y_test).float() for name in ITSELF_OR}
    halves = {digit: old.y_test[0] == digit for digit in (0, 1)}
    return {f"{digit} or {new}": [round(number, 6) for number in
                                  cl.estimate(right[name][:, half].mean(dim=1))[:3]]
            for digit, half in halves.items() for new, name in zip((2, 3), ITSELF_OR, strict=True)}


def study(seeds) -> dict:
    """Right answers, (seeds, steps + 1); their share as (value, low, high) a step; the answers to
    the shown pictures, as text of one digit a picture; and 0 and 1 against 2 and 3."""
    right, said, old = both(cl.split_digits(), SETTINGS | {"seeds": seeds})
    tested, each = old.y_test.shape[1], SETTINGS["shown_pictures"] // 2
    shown = [*range(each), *range(tested // 2, tested // 2 + each)]

    def digits(given: torch.Tensor) -> list[list[str]]:
        return [["".join(map(str, step)) for step in lane] for lane in given[:, :, shown].tolist()]

    return {
        "tested": tested,
        "right": {name: counts.tolist() for name, counts in right.items()},
        "share": {name: shares(counts, tested) for name, counts in right.items()},
        "truth": "".join(map(str, old.y_test[0, shown].tolist())),
        "said": {name: digits(said[name]) for name in QUESTIONS},
        "against the new": against_the_new(said, old),
        "pictures": (old.x_test[0, shown] * 16).int().tolist(),
    }


def vary(change: dict) -> dict[str, list[float]]:
    """The five numbers of the story under other settings, each network with digits of its own."""
    settings = SETTINGS | change
    right, _, old = both(cl.split_digits(seeds=settings["seeds"]), settings)
    middle = settings["steps_on_2_and_3"]
    wanted = {"after 18 steps": ("which of ten", middle),
              "told which two": ("0 or 1", middle),
              "told which two, never taught": ("0 or 1, never taught", middle),
              "with ten old pictures": ("which of ten", -1),
              "with ten old pictures, never taught": ("which of ten, never taught", -1)}
    tested = old.y_test.shape[1]
    return {name: shares(right[question], tested)[step]
            for name, (question, step) in wanted.items()}


if __name__ == "__main__":
    results = study(SETTINGS["seeds"])
    results["variations"] = {name: vary(change) for name, change in VARIATIONS.items()}
    print("written:", store("00_opening", SETTINGS | {"variations": VARIATIONS}, results).name)
