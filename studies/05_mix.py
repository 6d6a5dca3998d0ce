"""Memory and mix: how many examples are kept, and how many of them join each batch.

    python studies/05_mix.py

makes clcourse/results/05_mix.json again (about a minute on one core): what the explorer of lesson
05 looks up. Every step has 32 new examples and so many old ones; the loss is the mean over both.
"""

from __future__ import annotations

import torch

import clcourse as cl
from clcourse.results import store

SETTINGS = {
    "seeds": list(range(20)),
    "stream": "split_digits('class'), own pairs and own split for every lane",
    "network": [64, 100, 10],
    "epochs": 10,
    "new_in_a_batch": 32,
    "lr": 0.3,
    "sizes": [5, 10, 20, 50, 100, 200, 500, 1000],
    "old_in_a_batch": [0, 1, 2, 4, 8, 16, 32, 64],
}


class Blend(cl.GradientLearner):
    """Replay with so many old examples a step, whatever the number of new ones."""

    old = 32

    def _with_replayed(self, x, y, allowed):
        """The batch, followed by `old` examples from the buffer."""
        if not self.old or not len(self.replay):
            return x, y, allowed
        old_x, old_y, _ = self.replay.sample(self.old)
        return torch.cat([x, old_x], dim=1), torch.cat([y, old_y], dim=1), allowed


def measure(size: int, old: int, stream, epochs: int) -> dict[str, list[float]]:
    """Accuracy at the end on the four old pairs and on the last one, a lane each."""
    learner = Blend(cl.mlp(64, 100, 10, seeds=stream.seeds), SETTINGS["lr"],
                    replay=cl.Reservoir(size))
    learner.old = old
    last = cl.run(learner, stream, epochs=epochs).accuracy[:, -1].double()
    lanes = {"old": last[:, :-1].mean(dim=1), "new": last[:, -1]}
    return {name: [round(one, 4) for one in values.tolist()] for name, values in lanes.items()}


def study(seeds, sizes, counts, epochs: int) -> dict:
    """{"right": {"200": {"32": {"old": lanes, "new": lanes}}}}."""
    stream = cl.Stream(list(cl.split_digits(seeds=seeds)).__getitem__, 5, classes=10, seeds=seeds)
    return {"right": {str(size): {str(old): measure(size, old, stream, epochs) for old in counts}
                      for size in sizes}}


if __name__ == "__main__":
    results = study(SETTINGS["seeds"], SETTINGS["sizes"], SETTINGS["old_in_a_batch"],
                    SETTINGS["epochs"])
    print("written:", store("05_mix", SETTINGS, results).name)
