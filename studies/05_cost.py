"""What does an update cost? Retraining on everything, blending old into new, and neither.

    python studies/05_cost.py

makes clcourse/results/05_cost.json again (about ten minutes on one core).

"life": ten pixel orders come one after the other; after each the network must be up to date. One
bill for the whole life, in examples shown. The network that starts from scratch is trained once,
on all ten orders: its earlier versions would each have cost as much an order, and are charged.
"update": a network that knows five orders learns a sixth; the bill is that of this update alone.
"""

from __future__ import annotations

from dataclasses import replace

import torch

import clcourse as cl
from clcourse.results import store

SETTINGS = {
    "seeds": list(range(20)),
    "seeds_for_choosing": list(range(100, 105)),
    "stream": "permuted_digits(10), own split and own pixel orders for every lane",
    "network": [64, 100, 10],
    "batch_size": 32,
    "learning_rates": [0.1, 0.3, 1.0],
    "examples_of_an_order": 1280,
    "epochs": {"naive": [1, 5], "blend 1280": [1, 5, 15], "blend all": [1, 5, 15],
               "warm start": [1, 3, 5, 15], "scratch": [1, 5, 15, 40]},
    "update": {"lr": 0.3, "orders_known": 5, "epochs_before": 20, "epochs": 10,
               "old_in_a_batch": [0, 1, 2, 4, 8, 16, 32, 64], "scratch_epochs": [1, 3, 10, 30]},
}


class Shelf(cl.Reservoir):
    """Finished experiences, a uniform sample of them where there is no room for all."""

    def start(self, seeds) -> Shelf:
        """An empty one for these lanes."""
        return Shelf(self.capacity, seeds)

    def add(self, x, y, allowed=None) -> None:
        """Nothing: it waits until the experience is over."""


class Blend(cl.GradientLearner):
    """Each step has so many examples of finished experiences beside the new ones."""

    old, needs_boundaries = 32, True

    def consolidate(self, experience) -> None:
        """Put the experience on the shelf."""
        cl.Reservoir.add(self.replay, experience.x, experience.y)

    def _with_replayed(self, x, y, allowed):
        """The batch, followed by `old` examples from the shelf."""
        if not self.old or not len(self.replay):
            return x, y, allowed
        old_x, old_y, _ = self.replay.sample(self.old)
        return torch.cat([x, old_x], dim=1), torch.cat([y, old_y], dim=1), allowed


def world(seeds, orders: int) -> cl.Stream:
    """The stream, each experience made once."""
    made = list(cl.permuted_digits(orders, seeds=seeds))
    return cl.Stream(made.__getitem__, orders, classes=10, scenario="domain", seeds=seeds)


def new(stream, lr: float, shelf: int = 0):
    """A new network, with a shelf or without."""
    network = cl.mlp(*SETTINGS["network"], seeds=stream.seeds)
    return Blend(network, lr, replay=Shelf(shelf)) if shelf else cl.GradientLearner(network, lr)


def one_life(way: str, lr: float, epochs: int, stream, held_out: str):
    """Average accuracy after the last order (seeds,), and examples shown in the whole life."""
    orders, each = len(stream), SETTINGS["examples_of_an_order"] * epochs
    if way == "scratch":
        R = cl.run(new(stream, lr), cl.cumulative(stream)[-1:], epochs=epochs).learner
        asked = [cl.accuracy(R, one, held_out) for one in stream]
        return torch.stack(asked, dim=1).mean(dim=1), each * orders * (orders + 1) // 2
    if way == "warm start":
        history = cl.run(new(stream, lr), cl.cumulative(stream), epochs=epochs, held_out=held_out)
        return cl.average_accuracy(history.accuracy), history.cost.examples
    stored = {"naive": 0, "blend 1280": 1280, "blend all": 1280 * orders}[way]
    history = cl.run(new(stream, lr, stored), stream, epochs=epochs, held_out=held_out)
    return cl.average_accuracy(history.accuracy), each * (2 * orders - 1 if stored else orders)


def tuned(lived, rates, sweep_on, report_on) -> dict:
    """Choose the learning rate on other lanes, then measure: lived(lr, stream, held_out)."""
    sweep = {}
    for lr in rates:
        try:
            sweep[lr] = round(float(lived(lr, sweep_on, "validation")[0].mean()), 4)
        except cl.CourseError:  # it diverged
            sweep[lr] = -1.0
    best = max(sweep, key=sweep.get)
    lanes, bill = lived(best, report_on, "test")
    return {"lr": best, "sweep": sweep, "examples": bill,
            "accuracy": [round(one, 4) for one in lanes.tolist()]}


def lives(ways, seeds, others, orders: int) -> dict:
    """{"scratch": {"15": numbers}}."""
    sweep_on, report_on = world(others, orders), world(seeds, orders)
    return {way: {str(epochs): tuned(
        lambda lr, stream, part, way=way, epochs=epochs: one_life(way, lr, epochs, stream, part),
        SETTINGS["learning_rates"], sweep_on, report_on) for epochs in many}
        for way, many in ways.items()}


def update(seeds, counts, scratch_epochs) -> dict:
    """{"blend": {"8": {"old", "new", "examples"}}, "scratch": …, "before": …}, a lane each."""
    plan, stream = SETTINGS["update"], world(seeds, SETTINGS["update"]["orders_known"] + 1)
    known = cl.cumulative(stream)[-2]
    learner = new(stream, plan["lr"], shelf=known.y.shape[1])
    before = cl.run(learner, [replace(known, x_val=None, y_val=None)],
                    epochs=plan["epochs_before"]).learner  # its shelf is full now

    def asked(one) -> dict:
        old = torch.stack([cl.accuracy(one, order) for order in stream[:-1]]).mean(dim=0)
        lanes = {"old": old, "new": cl.accuracy(one, stream[-1])}
        return {name: [round(v, 4) for v in values.tolist()] for name, values in lanes.items()}

    found: dict = {"before": asked(before), "blend": {}, "scratch": {}}
    for old in counts:
        before.old = old
        after = cl.run(before, stream[-1:], epochs=plan["epochs"]).learner
        bill = SETTINGS["examples_of_an_order"] * plan["epochs"] * (32 + old) // 32
        found["blend"][str(old)] = asked(after) | {"examples": bill}
    for epochs in scratch_epochs:
        history = cl.run(new(stream, plan["lr"]), cl.cumulative(stream)[-1:], epochs=epochs)
        found["scratch"][str(epochs)] = asked(history.learner) | {"examples": history.cost.examples}
    return found


def study(ways, seeds, others, orders: int = 10) -> dict:
    """Both bills."""
    plan = SETTINGS["update"]
    return {"life": lives(ways, seeds, others, orders),
            "update": update(seeds, plan["old_in_a_batch"], plan["scratch_epochs"])}


if __name__ == "__main__":
    results = study(SETTINGS["epochs"], SETTINGS["seeds"], SETTINGS["seeds_for_choosing"])
    print("written:", store("05_cost", SETTINGS, results).name)
