"""A stream on which features are really lost: which width and learning rate, chosen beforehand.

    python studies/02_parity.py

makes clcourse/results/02_parity.json again (about a minute on one core). Everything here is
measured on validation data and on seeds that the lesson does not use. A setting qualifies where
every task is learnt when it is new, and where one network that sees all tasks together learns them
all: then this width can hold all tasks, and what is lost was written over.
"""

from __future__ import annotations

import torch

import clcourse as cl
from clcourse.results import store

SETTINGS = {
    "seeds": list(range(100, 108)),
    "stream": "hidden_parity(tasks=5, each=3)",
    "held_out": "validation",
    "epochs": 30,
    "batch_size": 32,
    "widths": [12, 16, 20, 24, 32],
    "learning_rates": [0.3, 1.0],
}


def measure(width: int, lr: float, stream, epochs: int) -> dict[str, list[float]]:
    """One setting: its numbers, one a lane."""
    learner = cl.GradientLearner(cl.mlp(15, width, 10, seeds=stream.seeds), lr)
    held_out = SETTINGS["held_out"]
    moments = cl.life(learner, stream, epochs=epochs)
    joint = cl.run(learner, cl.cumulative(stream)[-1:], epochs=epochs).learner
    found = cl.examine(moments, stream, held_out=held_out)
    lanes = {
        "learnt": [cl.accuracy(one, task, held_out)
                   for one, task in zip(moments, stream, strict=True)],
        "joint": [cl.accuracy(joint, task, held_out) for task in stream],
        "random": [cl.probe(learner, task, held_out) for task in stream[:-1]],
        "lost": [found.lost], "probe then": [found.probe[0]], "probe now": [found.probe[1]],
    }
    return {name: [round(one, 4) for one in torch.stack(values).mean(dim=0).tolist()]
            for name, values in lanes.items()}


def study(seeds, widths, rates, epochs: int) -> dict:
    """{"20": {"1.0": numbers}}."""
    stream = cl.hidden_parity(5, 3, seeds=seeds)
    return {"width": {str(width): {str(lr): measure(width, lr, stream, epochs) for lr in rates}
                      for width in widths}}


if __name__ == "__main__":
    results = study(SETTINGS["seeds"], SETTINGS["widths"], SETTINGS["learning_rates"],
                    SETTINGS["epochs"])
    print("written:", store("02_parity", SETTINGS, results).name)
