"""How many examples must be kept? Buffers of 5 to 1000, filled in two ways.

    python studies/05_memory.py

makes clcourse/results/05_memory.json again (about three minutes on one core). "reservoir" fills
while it learns and needs no boundary; "equal shares" waits for the boundary and gives every
experience capacity / experiences places. "the box alone" throws the network away and trains a fresh
one on nothing but a reservoir of the stream, with as many passes as serve it best. The settings of
every size and kind are chosen on the validation pictures of other lanes. "small networks" are
replay with fewer hidden units: bytes that are not spent on weights can be spent on pictures.
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
    "alone": {"sizes": [20, 100, 500], "passes": [30, 100, 300, 1000], "lr": [0.1, 0.3, 1.0]},
    "small": {"hidden": [10, 20, 50], "sizes": [20, 50, 100, 200, 500], "lr": [0.1, 0.3, 1.0]},
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


def lived(kind: str, size: int, lr: float, stream, held_out: str, *, epochs: int,
          hidden: int = 100):
    """The history of one buffer."""
    learner, buffer = KINDS[kind]
    network = cl.mlp(64, hidden, 10, seeds=stream.seeds)
    return cl.run(learner(network, lr, replay=buffer(size)), stream, epochs=epochs,
                  held_out=held_out)


def alone(size: int, passes: int, lr: float, stream, held_out: str) -> torch.Tensor:
    """Accuracy (seeds,) of a fresh network that saw a reservoir of the stream and nothing else."""
    box = cl.Reservoir(size, stream.seeds)
    for one in stream:
        box.add(one.x, one.y)
    only = cl.Experience("the box", box.x, box.y, x_test=box.x, y_test=box.y)
    learner = cl.GradientLearner(cl.mlp(64, 100, 10, seeds=stream.seeds), lr)
    once = cl.Stream([only].__getitem__, 1, classes=10, seeds=stream.seeds)
    after = cl.run(learner, once, epochs=passes).learner
    return torch.stack([cl.accuracy(after, one, held_out) for one in stream], dim=1).mean(dim=1)


def boxes_alone(sizes, sweep_on, report_on) -> dict:
    """{"20": {"lr", "passes", "sweep", "accuracy"}}."""
    grid, found = SETTINGS["alone"], {}
    for size in sizes:
        rows = [{"lr": lr, "passes": passes, "accuracy": round(float(
            alone(size, passes, lr, sweep_on, "validation").mean()), 4)}
            for lr in grid["lr"] for passes in grid["passes"]]
        best = max(rows, key=lambda row: row["accuracy"])
        lanes = alone(size, best["passes"], best["lr"], report_on, "test")
        found[str(size)] = {"lr": best["lr"], "passes": best["passes"], "sweep": rows,
                            "accuracy": [round(one, 4) for one in lanes.tolist()]}
    return found


def small_networks(hidden, sizes, sweep_on, report_on, epochs: int) -> dict:
    """{"20": {"100": {"lr", "by_lr", "accuracy", …, "bytes"}}}: hidden units, then size."""
    rates = SETTINGS["small"]["lr"]
    return {str(units): {str(size): tuned("reservoir", size, rates, sweep_on, report_on,
                                          epochs=epochs, hidden=units)
                         for size in sizes} for units in hidden}


def lanes_of(history) -> dict:
    """One number a lane, and what is stored."""
    R = history.accuracy
    found = {"accuracy": cl.average_accuracy(R), "forgetting": cl.forgetting(R),
             "learnt": cl.learning_accuracy(R)}
    numbers = {name: [round(one, 4) for one in values.tolist()] for name, values in found.items()}
    return numbers | {"bytes": history.cost.stored_bytes}


def tuned(kind: str, size: int, rates, sweep_on, report_on, **options) -> dict:
    """Choose the learning rate on other lanes, then measure; options: epochs, hidden."""
    by_lr = {lr: round(float(cl.average_accuracy(
        lived(kind, size, lr, sweep_on, "validation", **options).accuracy).mean()), 4)
        for lr in rates}
    best = max(by_lr, key=by_lr.get)
    found = lanes_of(lived(kind, size, best, report_on, "test", **options))
    return {"lr": best, "by_lr": by_lr} | found


def study(seeds, others, sizes, rates, epochs: int) -> dict:
    """{"reservoir": {"5": {"lr", "by_lr", "accuracy": …}}, "the box alone": …}."""
    sweep_on, report_on = (cl.Stream(list(cl.split_digits(seeds=one)).__getitem__, 5, classes=10,
                                     seeds=one) for one in (others, seeds))
    results = {kind: {str(size): tuned(kind, size, rates, sweep_on, report_on, epochs=epochs)
                      for size in sizes} for kind in KINDS}
    small = SETTINGS["small"]
    return results | {
        "the box alone": boxes_alone(SETTINGS["alone"]["sizes"], sweep_on, report_on),
        "small networks": small_networks(small["hidden"], small["sizes"], sweep_on, report_on,
                                         epochs)}


if __name__ == "__main__":
    results = study(SETTINGS["seeds"], SETTINGS["seeds_for_choosing"], SETTINGS["sizes"],
                    SETTINGS["learning_rates"], SETTINGS["epochs"])
    print("written:", store("05_memory", SETTINGS, results).name)
