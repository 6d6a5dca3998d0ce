"""Where frozen features fail: hidden parities, and many pixel orders.

    python studies/05_features.py

makes clcourse/results/05_features.json again (about three minutes on one core). A closed-form
readout is as good as its features. Here are streams on which features must be invented, with the
controls: as many random features as the network has hidden units, many more, a readout of its own
for every task, and a readout on features that somebody made by hand.
"""

from __future__ import annotations

from itertools import combinations

import torch

import clcourse as cl
from clcourse.results import store

SETTINGS = {
    "seeds": list(range(20)),
    "seeds_for_choosing": list(range(100, 106)),
    "streams": {"parity": "hidden_parity(tasks=5, each=3), told the task",
                "orders": "permuted_digits(tasks=10), not told the order"},
    "hidden": 100,
    "epochs": {"parity": 30, "orders": 5},
    "learning_rates": {"parity": [0.1, 0.3, 1.0], "orders": [0.1, 0.3, 1.0]},
    "stored": {"parity": 500, "orders": 1000},
    "features": {"parity": [100, 1000, 2000], "orders": [100, 1000]},
    "strengths": [1e-2, 1e-1, 1.0, 10.0],
    "batch_size": 32,
}
SIZES = {"parity": (15, 10), "orders": (64, 10)}


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

    def __init__(self, *sizes, **options) -> None:
        super().__init__(*sizes, **options)
        self.kept = torch.zeros_like(self.W)

    def consolidate(self, experience) -> None:
        """Keep the columns of the task's own answers, and forget the sums."""
        own = experience.allowed[:, None].to(self.W)
        self.kept = self.kept * (1 - own) + self.W * own
        self.A, self.B = torch.zeros_like(self.A), torch.zeros_like(self.B)
        self.W = self.kept.clone()


def world(name: str, seeds) -> cl.Stream:
    """The stream, each experience made once."""
    stream = (cl.hidden_parity(5, 3, seeds=seeds) if name == "parity"
              else cl.permuted_digits(10, seeds=seeds))
    made = list(stream)
    return cl.Stream(made.__getitem__, len(made), classes=stream.classes, scenario=stream.scenario,
                     seeds=seeds)


def networks(name: str) -> dict:
    """{name: (values of lr, a function (lr, stream) of the history's options)}."""
    buffer, epochs = SETTINGS["stored"][name], SETTINGS["epochs"][name]
    inputs, outputs = SIZES[name]

    def lived(lr, stream, held_out, replay=None, everything=False):
        network = cl.mlp(inputs, SETTINGS["hidden"], outputs, seeds=stream.seeds)
        learner = cl.GradientLearner(network, lr, replay=replay and cl.Reservoir(replay))
        return cl.run(learner, cl.cumulative(stream) if everything else stream,
                      epochs=epochs, held_out=held_out)

    return {
        "network": lambda lr, *rest: lived(lr, *rest),
        f"network, replay {buffer}": lambda lr, *rest: lived(lr, *rest, replay=buffer),
        "network, cumulative": lambda lr, *rest: lived(lr, *rest, everything=True),
    }


def formulas(name: str) -> dict:
    """{name: a function (strength, stream, held_out) of the history}."""

    def passed(make):
        def lived(strength, stream, held_out):
            learner = make(strength, stream.seeds)
            return cl.run(learner, stream, epochs=1, batch_size=10**6, held_out=held_out)
        return lived

    sizes = SIZES[name]
    made = {f"ridge {n}": passed(lambda strength, seeds, n=n: cl.StreamingRidge(
        *sizes, features=n, strength=strength, seeds=seeds)) for n in SETTINGS["features"][name]}
    if name == "parity":
        made |= {f"ridge {n}, one for each task": passed(lambda strength, seeds, n=n: OneEach(
            *sizes, features=n, strength=strength, seeds=seeds)) for n in (100, 1000)}
        made["ridge on all products of three"] = passed(
            lambda strength, seeds: Triples(*sizes, strength=strength, seeds=seeds))
    made["LDA"] = passed(lambda strength, seeds: cl.StreamingLDA(
        *sizes, shrinkage=min(1.0, strength), seeds=seeds))
    made["nearest of all"] = passed(lambda strength, seeds: cl.NearestNeighbour(
        *sizes, capacity=12800, seeds=seeds))
    return made


def measure(lived, values, sweep_on, report_on) -> dict:
    """Choose the knob on other lanes and validation data, then measure on test data."""
    sweep = {}
    for value in values:
        try:
            R = lived(value, sweep_on, "validation").accuracy
            sweep[value] = round(float(cl.average_accuracy(R).mean()), 4)
        except cl.CourseError:  # it diverged
            sweep[value] = -1.0
    best = max(sweep, key=sweep.get)
    R = lived(best, report_on, "test").accuracy
    lanes = {"accuracy": cl.average_accuracy(R), "learnt": cl.learning_accuracy(R)}
    return {"setting": best, "sweep": sweep, "at_the_edge": best in (values[0], values[-1])} | {
        name: [round(one, 4) for one in values.tolist()] for name, values in lanes.items()}


def study(names, seeds, others) -> dict:
    """{"found": {"parity": {"ridge 100": numbers}}}."""
    found = {}
    for name in names:
        sweep_on, report_on = world(name, others), world(name, seeds)
        found[name] = {one: measure(lived, SETTINGS["learning_rates"][name], sweep_on, report_on)
                       for one, lived in networks(name).items()}
        for one, lived in formulas(name).items():
            values = [1.0] if one.startswith("nearest") else SETTINGS["strengths"]
            found[name][one] = measure(lived, values, sweep_on, report_on)
    return {"found": found}


if __name__ == "__main__":
    results = study(list(SETTINGS["streams"]), SETTINGS["seeds"], SETTINGS["seeds_for_choosing"])
    print("written:", store("05_features", SETTINGS, results).name)
