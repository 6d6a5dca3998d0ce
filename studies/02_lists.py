"""Two lists, one after the other: does the fall depend on the learning rate or the shared context?

    python studies/02_lists.py

makes clcourse/results/02_lists.json again (under a minute on one core). For each setting: how much
of the old list is left on the first trial on which the new one is known as well as people knew it
after 20 trials (.92; Barnes & Underwood 1959), and after 100 trials.
"""

from __future__ import annotations

import torch

import clcourse as cl
from clcourse.results import store

SETTINGS = {
    "seeds": list(range(20)),
    "stream": "paired_lists(pairs=8, share): own cues and contexts for every lane",
    "network": [160, 50, 16],
    "trial": "one step on all 8 pairs",
    "trials_on_the_first_list": {  # as much learning for each rate
        "just learnt": {"0.1": 30, "0.3": 10, "1.0": 4},
        "overlearnt": {"0.1": 60, "0.3": 20, "1.0": 8},
    },
    "known": 0.92,
    "trials": 100,
    "shares": [0, 3, 5, 8],
    "learning_rates": [0.1, 0.3, 1.0],
}


def measure(lr: float, drill: int, stream, trials: int) -> dict[str, list[float]]:
    """One setting: trials to know the new list, and what is left of the old one; one a lane."""
    old, new = stream[0], stream[1]
    learner = cl.GradientLearner(cl.mlp(*SETTINGS["network"], seeds=stream.seeds), lr)
    learner = cl.run(learner, stream[:1], epochs=drill, batch_size=8).learner
    ask = {"old": lambda one: cl.accuracy(one, old), "new": lambda one: cl.accuracy(one, new),
           "old, told": lambda one: cl.accuracy_told(one, old)}
    curves = cl.watch(learner, new, ask, steps=trials, batch_size=8)
    known = cl.first_step(curves["new"], SETTINGS["known"])
    lane = torch.arange(len(known))
    lanes = {"old at the start": curves["old"][:, 0], "trials": known,
             "old when new is known": curves["old"][lane, known],
             "old, told, when new is known": curves["old, told"][lane, known],
             "old at the end": curves["old"][:, -1],
             "old, told, at the end": curves["old, told"][:, -1]}
    return {name: [round(float(one), 4) for one in values] for name, values in lanes.items()}


def study(seeds, shares, rates, trials: int) -> dict:
    """{"just learnt": {"5": {"0.3": numbers}}}."""
    streams = {share: cl.paired_lists(8, share, seeds=seeds) for share in shares}
    return {first: {str(share): {str(lr): measure(lr, drills[str(lr)], stream, trials)
                                 for lr in rates} for share, stream in streams.items()}
            for first, drills in SETTINGS["trials_on_the_first_list"].items()}


if __name__ == "__main__":
    results = study(SETTINGS["seeds"], SETTINGS["shares"], SETTINGS["learning_rates"],
                    SETTINGS["trials"])
    print("written:", store("02_lists", SETTINGS, results).name)
