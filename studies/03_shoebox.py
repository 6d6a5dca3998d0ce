"""The shoebox on other lanes, other rates and other sizes: does the opening depend on them?

    python studies/03_shoebox.py

makes clcourse/results/03_shoebox.json again (about three minutes on one core). At equal steps:
nights that replay the box, days that mix old pictures in, nights that replay only the day, and the
box itself, asked for its most similar picture. And what the same network reads after as many steps
on all pictures, mixed from the start.
"""

from __future__ import annotations

import torch

import clcourse as cl
from clcourse.results import store

SETTINGS = {
    "settings": [  # lanes, pictures in the box, learning rate, steps a night
        ["0-19", 200, 0.1, 80], ["200-219", 200, 0.1, 80], ["0-19", 50, 0.1, 80],
        ["0-19", 200, 0.03, 80], ["0-19", 200, 0.3, 80], ["0-19", 200, 0.1, 160],
    ],
}


def lookup(box, stream) -> torch.Tensor:
    """The answer of the most similar picture in the box: (seeds,)."""
    shares = []
    for one in stream:
        nearest = torch.cdist(one.x_test, box.x).argmin(dim=2)
        shares.append((box.y.gather(1, nearest) == one.y_test).float().mean(dim=1))
    return sum(shares) / len(shares)


def measure(seeds, size: int, lr: float, steps: int) -> dict[str, list]:
    """The final accuracy over ten digits, one a lane."""
    stream = cl.split_digits(seeds=seeds)
    two = cl.TwoSystems(cl.Reservoir(size), cl.Neocortex(64, 100, 10, lr=lr, seeds=seeds))
    nights = cl.run(two, stream, epochs=1, rest=steps)
    network = cl.mlp(64, 100, 10, seeds=seeds)
    days = cl.run(cl.GradientLearner(network, lr, replay=cl.Reservoir(size)), stream,
                  epochs=steps // 16, batch_size=16)
    today = two
    for one in range(len(stream)):
        today.fast = cl.Reservoir(size).start(seeds)
        today = cl.run(today, stream[one : one + 1], epochs=1, rest=steps).learner
    forgetful = sum(cl.accuracy(today, one) for one in stream) / len(stream)
    found = {"nights": cl.average_accuracy(nights.accuracy),
             "days": cl.average_accuracy(days.accuracy), "only today": forgetful,
             "look-up": lookup(nights.learner.fast, stream)}
    return {name: [round(float(one), 4) for one in lanes] for name, lanes in found.items()}


def mixed(seeds, lr: float) -> list[float]:
    """The same network after 400 steps on all five pairs at once."""
    stream = cl.split_digits(seeds=seeds)
    learner = cl.GradientLearner(cl.mlp(64, 100, 10, seeds=seeds), lr)
    learner = cl.run(learner, cl.cumulative(stream)[4:], epochs=10).learner
    accuracy = sum(cl.accuracy(learner, one) for one in stream) / len(stream)
    return [round(float(one), 4) for one in accuracy]


if __name__ == "__main__":
    seeds = list(range(20))
    results = {"all mixed": {str(lr): mixed(seeds, lr) for lr in (0.1, 0.3)}}
    for lanes, size, lr, steps in SETTINGS["settings"]:
        first, last = map(int, lanes.split("-"))
        name = f"lanes {lanes}, box {size}, rate {lr}, {steps} steps"
        results[name] = measure(list(range(first, last + 1)), size, lr, steps)
        print(name, flush=True)
    print("written:", store("03_shoebox", SETTINGS, results).name)
