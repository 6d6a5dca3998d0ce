"""How many examples must be kept? Buffers of 5 to 1000, filled in two ways.

    python studies/05_memory.py

makes clcourse/results/05_memory.json again (about two minutes on one core). "reservoir" fills while
it learns and needs no boundary; "equal shares" waits for the boundary and gives every experience
capacity / experiences places. The learning rate of every size and kind is chosen on the validation
pictures of other lanes.
"""

from __future__ import annotations

import torch

import clcourse as cl
from clcourse.results import store

SETTINGS = {
    "seeds": list(range(20)),
    "seeds_for_choosing": list(range(100, 110)),
    "stream": "split_digits('class'), own pairs and own split for every lane",
    "network": [64, 100, 10],
    "epochs": 10,
    "batch_size": 32,
    "batch": "32 new and 32 stored examples, with replacement; mean over the 64",
    "sizes": [5, 10, 20, 50, 100, 200, 500, 1000],
    "learning_rates": [0.03, 0.1, 0.3, 1.0],
}


class EqualShares(cl.Reservoir):
    """A buffer that is filled at boundaries, in equal shares for the experiences so far."""

    def start(self, seeds) -> EqualShares:
        """An empty one for these lanes."""
        return EqualShares(self.capacity, seeds)

    def add(self, x, y, allowed=None) -> None:
        """Nothing: it waits for the boundary."""

    def fill(self, experience) -> None:
        """Take the experience in, and cut every share to its new size."""
        lanes, n = experience.y.shape
        lane = torch.arange(lanes)[:, None]
        drawn = self.random.permutation(n)[:, : self.capacity]
        self.shares = [*getattr(self, "shares", []),
                       (experience.x[lane, drawn], experience.y[lane, drawn])]
        each = max(1, self.capacity // len(self.shares))
        kept = [(x[:, :each], y[:, :each]) for x, y in self.shares][: self.capacity]
        self.x, self.y = (torch.cat(parts, dim=1) for parts in zip(*kept, strict=True))
        self.seen = self.y.shape[1]


class AtBoundaries(cl.GradientLearner):
    """Replay from a buffer that is filled at boundaries."""

    needs_boundaries = True

    def consolidate(self, experience) -> None:
        """Fill the buffer."""
        self.replay.fill(experience)


KINDS = {"reservoir": (cl.GradientLearner, cl.Reservoir),
         "equal shares": (AtBoundaries, EqualShares)}


def lived(kind: str, size: int, lr: float, stream, held_out: str, epochs: int):
    """The history of one buffer."""
    learner, buffer = KINDS[kind]
    network = cl.mlp(64, 100, 10, seeds=stream.seeds)
    return cl.run(learner(network, lr, replay=buffer(size)), stream, epochs=epochs,
                  held_out=held_out)


def lanes_of(history) -> dict:
    """One number a lane, and what is stored."""
    R = history.accuracy
    found = {"accuracy": cl.average_accuracy(R), "forgetting": cl.forgetting(R),
             "learnt": cl.learning_accuracy(R)}
    numbers = {name: [round(one, 4) for one in values.tolist()] for name, values in found.items()}
    return numbers | {"bytes": history.cost.stored_bytes}


def study(seeds, others, sizes, rates, epochs: int) -> dict:
    """{"reservoir": {"5": {"lr", "by_lr", "accuracy": …}}}."""
    sweep_on, report_on = (cl.Stream(list(cl.split_digits(seeds=one)).__getitem__, 5, classes=10,
                                     seeds=one) for one in (others, seeds))
    results: dict = {}
    for kind in KINDS:
        results[kind] = {}
        for size in sizes:
            by_lr = {lr: round(float(cl.average_accuracy(
                lived(kind, size, lr, sweep_on, "validation", epochs).accuracy).mean()), 4)
                for lr in rates}
            best = max(by_lr, key=by_lr.get)
            found = lanes_of(lived(kind, size, best, report_on, "test", epochs))
            results[kind][str(size)] = {"lr": best, "by_lr": by_lr} | found
    return results


if __name__ == "__main__":
    results = study(SETTINGS["seeds"], SETTINGS["seeds_for_choosing"], SETTINGS["sizes"],
                    SETTINGS["learning_rates"], SETTINGS["epochs"])
    print("written:", store("05_memory", SETTINGS, results).name)
