"""Where frozen features fail: hidden parities.

    python studies/05_features.py

makes clcourse/results/05_features.json again (about eight minutes on one core). A closed-form
readout is as good as its features. Here is a stream on which features must be invented, with the
controls: as many random features as the network has hidden units, many more, readouts on features
that somebody made by hand, and each with a readout of its own for every task. And for the network:
penalties, which may be switched off, and a small network of its own for every task.
"""

from __future__ import annotations

from itertools import combinations, product
from types import SimpleNamespace

import torch

import clcourse as cl
from clcourse.results import store

SETTINGS = {
    "seeds": list(range(20)),
    "seeds_for_choosing": list(range(100, 110)),
    "stream": "hidden_parity(tasks=5, each=3), told the task",
    "hidden": 100,
    "epochs": 30,
    "hidden_of_each": 20,
    "learning_rates": [0.1, 0.3, 1.0, 2.0],
    "penalties": {"EWC": [0.0, 1.0, 10.0, 100.0, 1000.0], "SI": [0.0, 1e-4, 1e-3, 1e-2, 1e-1],
                  "LwF": [0.0, 0.1, 0.3, 1.0, 3.0]},
    "temperature": 2.0,
    "stored": 500,
    "nearest": 2560,
    "features": [100, 1000, 2000],
    "strengths": [1e-2, 1e-1, 1.0, 10.0, 100.0],
    "batch_size": 32,
}
SIZES = (15, 10)


class Triples(cl.StreamingRidge):
    """Ridge regression on the products of every three inputs: features made by hand."""

    def __init__(self, inputs, classes, *, strength, seeds) -> None:
        self.chosen = torch.tensor(list(combinations(range(inputs), 3)))
        super().__init__(inputs, classes, features=len(self.chosen), strength=strength,
                         seeds=seeds)

    def φ(self, x) -> torch.Tensor:
        """(seeds, batch, triples), of the same size as random features."""
        return x[..., self.chosen].prod(dim=-1).to(self.B) / len(self.chosen) ** 0.5


class OneEach(cl.StreamingRidge):
    """A ridge of its own for every task, which must be told: the sums start afresh."""

    needs_boundaries = True

    def __init__(self, *SIZES, **options) -> None:
        super().__init__(*SIZES, **options)
        self.kept = torch.zeros_like(self.W)

    def consolidate(self, experience) -> None:
        """Keep the columns of the task's own answers, and forget the sums."""
        own = experience.allowed[:, None].to(self.W)
        self.kept = self.kept * (1 - own) + self.W * own
        self.A, self.B = torch.zeros_like(self.A), torch.zeros_like(self.B)
        self.W = self.kept.clone()


class TriplesEach(Triples, OneEach):
    """The features made by hand, and a ridge of its own for every task."""


def world(seeds) -> cl.Stream:
    """The stream, each experience made once."""
    made = list(cl.hidden_parity(5, 3, seeds=seeds))
    return cl.Stream(made.__getitem__, 5, classes=10, scenario="task", seeds=seeds)


def boxed(stream, capacity: int) -> cl.Experience:
    """A reservoir of the whole stream, as one experience: each example with its task's mask."""
    box = cl.Reservoir(capacity, stream.seeds)
    for one in stream:
        masks = None if one.allowed is None else one.allowed[:, None].expand(*one.y.shape, -1)
        box.add(one.x, one.y, masks)
    return cl.Experience("the box", box.x, box.y, x_test=box.x, y_test=box.y, x_allowed=box.allowed)


def asked_at_the_end(learners, stream, held_out: str) -> SimpleNamespace:
    """A history of the last row only: learner k answers the questions of task k."""
    R = torch.stack([cl.accuracy(learner, one, held_out)
                     for learner, one in zip(learners, stream, strict=True)], dim=1)
    return SimpleNamespace(accuracy=R[:, None].expand(-1, len(stream), -1))


def new(lr: float, stream, hidden: int | None = None, **options):
    """A new network's learner."""
    sizes = (SIZES[0], hidden or SETTINGS["hidden"], SIZES[1])
    return cl.GradientLearner(cl.mlp(*sizes, seeds=stream.seeds), lr, **options)


def box_only(lr: float, stream, held_out: str) -> SimpleNamespace:
    """Train on the box alone, as long as on the stream, and ask about every task."""
    box = boxed(stream, SETTINGS["stored"])
    passes = SETTINGS["epochs"] * len(stream) * stream[0].y.shape[1] // box.y.shape[1]
    alone = cl.Stream([box].__getitem__, 1, classes=stream.classes, seeds=stream.seeds)
    after = cl.run(new(lr, stream), alone, epochs=passes).learner
    return asked_at_the_end([after] * len(stream), stream, held_out)


def one_for_each(lr: float, stream, held_out: str) -> SimpleNamespace:
    """A small network of its own for every task: nothing is shared, nothing can be forgotten."""
    made = [cl.run(new(lr, stream, SETTINGS["hidden_of_each"]), stream[k : k + 1],
                   epochs=SETTINGS["epochs"]).learner for k in range(len(stream))]
    return asked_at_the_end(made, stream, held_out)


def networks() -> dict:
    """{name: (the grid, a function (*setting, stream, held_out) of the history)}."""
    rates, epochs = {"lr": SETTINGS["learning_rates"]}, SETTINGS["epochs"]
    kinds = {"EWC": cl.EWC, "SI": cl.SI,
             "LwF": lambda strength: cl.LwF(strength, SETTINGS["temperature"])}

    def lived(lr, stream, held_out, everything=False, **options):
        return cl.run(new(lr, stream, **options), cl.cumulative(stream) if everything else stream,
                      epochs=epochs, held_out=held_out)

    def held(kind):
        return lambda lr, strength, stream, held_out: lived(
            lr, stream, held_out, penalty=kinds[kind](strength))

    replayed = SETTINGS["stored"]
    return {
        "network": (rates, lived),
        **{f"network, {kind}": (rates | {"strength": SETTINGS["penalties"][kind]}, held(kind))
           for kind in kinds},
        f"network, replay {replayed}": (rates, lambda *setting: lived(
            *setting, replay=cl.Reservoir(replayed))),
        f"network, only the box of {replayed}": (rates, box_only),
        f"networks of {SETTINGS['hidden_of_each']}, one each": (rates, one_for_each),
        "network, cumulative": (rates, lambda *setting: lived(*setting, everything=True)),
    }


def formulas() -> dict:
    """{name: (the grid, a function (strength, stream, held_out) of the history)}."""

    def passed(make):
        def lived(strength, stream, held_out):
            learner = make(strength, stream.seeds)
            return cl.run(learner, stream, epochs=1, batch_size=10**6, held_out=held_out)
        return lived

    made = {f"ridge {n}": passed(lambda strength, seeds, n=n: cl.StreamingRidge(
        *SIZES, features=n, strength=strength, seeds=seeds)) for n in SETTINGS["features"]}
    made |= {f"ridge {n}, one each": passed(lambda strength, seeds, n=n: OneEach(
        *SIZES, features=n, strength=strength, seeds=seeds)) for n in (100, 1000)}
    made["ridge on products of three"] = passed(
        lambda strength, seeds: Triples(*SIZES, strength=strength, seeds=seeds))
    made["ridge on products of three, one each"] = passed(
        lambda strength, seeds: TriplesEach(*SIZES, strength=strength, seeds=seeds))
    made["LDA"] = passed(lambda strength, seeds: cl.StreamingLDA(
        *SIZES, shrinkage=min(1.0, strength), seeds=seeds))
    stored = SETTINGS["nearest"]
    made[f"nearest of {stored}"] = passed(lambda strength, seeds: cl.NearestNeighbour(
        *SIZES, capacity=stored, seeds=seeds))
    strengths = {"strength": SETTINGS["strengths"]}
    return {name: ({"strength": [1.0]} if name.startswith("nearest") else strengths, lived)
            for name, lived in made.items()}


def measure(grid, lived, sweep_on, report_on) -> dict:
    """Choose the setting on other lanes and validation data, then measure on test data."""
    rows = []
    for setting in product(*grid.values()):
        try:
            R = lived(*setting, sweep_on, "validation").accuracy
            rows.append([*setting, round(float(cl.average_accuracy(R).mean()), 4)])
        except cl.CourseError as error:
            if "diverged" not in str(error):
                raise
            rows.append([*setting, -1.0])
    *best, _ = max(rows, key=lambda row: row[-1])
    R = lived(*best, report_on, "test").accuracy
    lanes = {"accuracy": cl.average_accuracy(R), "learnt": cl.learning_accuracy(R)}
    edge = [name for (name, values), one in zip(grid.items(), best, strict=True)
            if one in (values[0], values[-1])]
    return {"setting": best, "sweep": rows, "at_the_edge": edge} | {
        name: [round(one, 4) for one in values.tolist()] for name, values in lanes.items()}


def study(names, seeds, others) -> dict:
    """{"found": {"ridge 100": numbers}}; names of learners, or None for all."""
    sweep_on, report_on, found = world(others), world(seeds), {}
    for name, (grid, lived) in (networks() | formulas()).items():
        if names is None or name in names:
            found[name] = measure(grid, lived, sweep_on, report_on)
    return {"found": found}


if __name__ == "__main__":
    results = study(None, SETTINGS["seeds"], SETTINGS["seeds_for_choosing"])
    print("written:", store("05_features", SETTINGS, results).name)
