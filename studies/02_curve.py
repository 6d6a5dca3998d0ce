"""Forgetting, step by step, for other learning rates and widths: what the explorer looks up.

    python studies/02_curve.py

makes clcourse/results/02_curve.json again (about two minutes on one core). Twenty networks of each
width learn 0 and 1 as in the lesson; then 2 and 3 are taught at the chosen learning rate.
"""

from __future__ import annotations

import clcourse as cl
from clcourse.results import store

SETTINGS = {
    "seeds": list(range(20)),
    "stream": "split_digits(), one draw for all lanes: first 0 and 1, then 2 and 3",
    "first_lesson": "10 epochs (80 steps) at lr 0.1",
    "batch_size": 32,
    "steps": 40,
    "learning_rates": [0.01, 0.03, 0.1, 0.3, 1.0],
    "widths": [10, 30, 100, 300],
}


def study(seeds, rates, widths, steps: int) -> dict:
    """right[width][lr][question]: right answers of `tested`, (seeds, steps + 1)."""
    old, new = cl.split_digits()[0], cl.split_digits()[1]
    questions = {
        "untold": lambda learner: cl.accuracy(learner, old),
        "told": lambda learner: cl.accuracy_told(learner, old),
        "new": lambda learner: cl.accuracy(learner, new),
    }
    right: dict = {}
    for width in widths:
        learner = cl.GradientLearner(cl.mlp(64, width, 10, seeds=seeds))
        taught = cl.run(learner, cl.split_digits()[:1]).learner
        for lr in rates:
            taught.optimiser.lr = lr
            curves = cl.watch(taught, new, questions, steps=steps)
            counts = {name: (curve * len(old.y_test)).round().int().tolist()
                      for name, curve in curves.items()}
            right.setdefault(str(width), {})[str(lr)] = counts
    return {"tested": len(old.y_test), "right": right}


if __name__ == "__main__":
    results = study(SETTINGS["seeds"], SETTINGS["learning_rates"], SETTINGS["widths"],
                    SETTINGS["steps"])
    print("written:", store("02_curve", SETTINGS, results).name)
