"""Do larger networks forget more? Width and depth on permuted digits, at several learning rates.

    python studies/02_scale.py

makes clcourse/results/02_scale.json again (about five minutes on one core). Beside forgetting it
keeps what could explain it: how well each task was learnt at all, how far the hidden weights
moved (the "laziness" of Graldi et al. 2025), and how alike two tasks look inside the network.
"""

from __future__ import annotations

import torch

import clcourse as cl
from clcourse.results import store

SETTINGS = {
    "seeds": list(range(20)),
    "stream": "permuted_digits(tasks=5), own split and own pixel orders for every lane",
    "batch_size": 32,
    "epochs": 5,
    "widths": [10, 30, 100, 300, 1000],
    "depths": [1, 2, 3, 4],
    "width_of_the_deep": 100,
    "learning_rates": [0.03, 0.1, 0.3],
}


def alike(network, first, second) -> torch.Tensor:
    """Mean cosine between the hidden activities of images of two tasks: (seeds,)."""
    directions = [
        torch.nn.functional.normalize(network.hidden(one.x_test), dim=2).mean(dim=1)
        for one in (first, second)
    ]
    return (directions[0] * directions[1]).sum(dim=1)


@torch.no_grad()
def moved(before, after) -> torch.Tensor:
    """How far the first layer went, in parts of its length at the start: (seeds,)."""
    change = (after.weights[0] - before.weights[0]).flatten(1).norm(dim=1)
    return change / before.weights[0].flatten(1).norm(dim=1)


def measure(hidden: list[int], lr: float, stream, epochs: int) -> dict[str, list[float]]:
    """One architecture: its numbers, one a lane."""
    network = cl.mlp(64, *hidden, 10, seeds=stream.seeds)
    moments = cl.life(cl.GradientLearner(network, lr), stream, epochs=epochs)
    R = torch.stack([torch.stack([cl.accuracy(one, task) for task in stream], dim=1)
                     for one in moments], dim=1)
    with torch.no_grad():
        lanes = {"forgetting": cl.forgetting(R), "learnt": cl.learning_accuracy(R),
                 "average": cl.average_accuracy(R), "moved": moved(network, moments[-1].network),
                 "alike": alike(moments[0].network, stream[0], stream[1])}
    return {name: [round(one, 4) for one in values.tolist()] for name, values in lanes.items()}


def study(seeds, widths, depths, rates, epochs: int) -> dict:
    """{"width": {"10": {"0.1": numbers}}, "depth": …}."""
    stream = cl.permuted_digits(5, seeds=seeds)
    stream = [stream[task] for task in range(5)]  # made once, used by every architecture
    stream = cl.Stream(stream.__getitem__, 5, classes=10, scenario="domain", seeds=seeds)
    deep = SETTINGS["width_of_the_deep"]
    shapes = {"width": {width: [width] for width in widths},
              "depth": {depth: [deep] * depth for depth in depths}}
    return {what: {str(size): {str(lr): measure(hidden, lr, stream, epochs) for lr in rates}
                   for size, hidden in sizes.items()}
            for what, sizes in shapes.items()}


if __name__ == "__main__":
    results = study(SETTINGS["seeds"], SETTINGS["widths"], SETTINGS["depths"],
                    SETTINGS["learning_rates"], SETTINGS["epochs"])
    print("written:", store("02_scale", SETTINGS, results).name)
