"""Where frozen features fail: hidden parities.

    python studies/05_features.py

makes clcourse/results/05_features.json again (about three minutes on one core). A closed-form
readout is as good as its features. Here is a stream on which features must be invented, with the
controls: as many random features as the network has hidden units, many more, a readout of its own
for every task, and a readout on features that somebody made by hand.
"""

from __future__ import annotations

from itertools import combinations
from types import SimpleNamespace

import torch

import clcourse as cl
from clcourse.results import store

SETTINGS = {
    "seeds": list(range(20)),
    "seeds_for_choosing": list(range(100, 104)),
    "stream": "hidden_parity(tasks=5, each=3), told the task",
    "hidden": 100,
    "epochs": 30,
    "learning_rates": [0.1, 0.3, 1.0],
    "stored": 500,
    "nearest": 2560,
    "features": [100, 1000, 2000],
    "strengths": [1e-2, 1e-1, 1.0, 10.0],
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


def from_the_box(learner, box, stream, held_out: str, epochs: int) -> SimpleNamespace:
    """Train on the box alone, as long as on the stream, and ask about every task."""
    passes = epochs * len(stream) * stream[0].y.shape[1] // box.y.shape[1]
    alone = cl.Stream([box].__getitem__, 1, classes=stream.classes, seeds=stream.seeds)
    after = cl.run(learner, alone, epochs=passes).learner
    R = torch.stack([cl.accuracy(after, one, held_out) for one in stream], dim=1)
    return SimpleNamespace(accuracy=R[:, None].expand(-1, len(stream), -1))


def networks() -> dict:
    """{name: (values of lr, a function (lr, stream) of the history's options)}."""
    buffer, epochs = SETTINGS["stored"], SETTINGS["epochs"]

    def lived(lr, stream, held_out, replay=None, everything=False):
        network = cl.mlp(SIZES[0], SETTINGS["hidden"], SIZES[1], seeds=stream.seeds)
        learner = cl.GradientLearner(network, lr, replay=replay and cl.Reservoir(replay))
        return cl.run(learner, cl.cumulative(stream) if everything else stream,
                      epochs=epochs, held_out=held_out)

    def box_only(lr, stream, held_out):
        network = cl.mlp(SIZES[0], SETTINGS["hidden"], SIZES[1], seeds=stream.seeds)
        box = boxed(stream, buffer)
        return from_the_box(cl.GradientLearner(network, lr), box, stream, held_out, epochs)

    return {
        "network": lambda lr, *rest: lived(lr, *rest),
        f"network, replay {buffer}": lambda lr, *rest: lived(lr, *rest, replay=buffer),
        f"network, only the box of {buffer}": box_only,
        "network, cumulative": lambda lr, *rest: lived(lr, *rest, everything=True),
    }


def formulas() -> dict:
    """{name: a function (strength, stream, held_out) of the history}."""

    def passed(make):
        def lived(strength, stream, held_out):
            learner = make(strength, stream.seeds)
            return cl.run(learner, stream, epochs=1, batch_size=10**6, held_out=held_out)
        return lived

    made = {f"ridge {n}": passed(lambda strength, seeds, n=n: cl.StreamingRidge(
        *SIZES, features=n, strength=strength, seeds=seeds)) for n in SETTINGS["features"]}
    made |= {f"ridge {n}, one for each task": passed(lambda strength, seeds, n=n: OneEach(
        *SIZES, features=n, strength=strength, seeds=seeds)) for n in (100, 1000)}
    made["ridge on all products of three"] = passed(
        lambda strength, seeds: Triples(*SIZES, strength=strength, seeds=seeds))
    made["LDA"] = passed(lambda strength, seeds: cl.StreamingLDA(
        *SIZES, shrinkage=min(1.0, strength), seeds=seeds))
    stored = SETTINGS["nearest"]
    made[f"nearest of {stored}"] = passed(lambda strength, seeds: cl.NearestNeighbour(
        *SIZES, capacity=stored, seeds=seeds))
    return made


def measure(lived, values, sweep_on, report_on) -> dict:
    """Choose the knob on other lanes and validation data, then measure on test data."""
    sweep = {}
    for value in values:
        try:
            R = lived(value, sweep_on, "validation").accuracy
            sweep[value] = round(float(cl.average_accuracy(R).mean()), 4)
        except cl.CourseError as error:
            if "diverged" not in str(error):
                raise
            sweep[value] = -1.0
    best = max(sweep, key=sweep.get)
    R = lived(best, report_on, "test").accuracy
    lanes = {"accuracy": cl.average_accuracy(R), "learnt": cl.learning_accuracy(R)}
    return {"setting": best, "sweep": sweep, "at_the_edge": best in (values[0], values[-1])} | {
        name: [round(one, 4) for one in values.tolist()] for name, values in lanes.items()}


def study(names, seeds, others) -> dict:
    """{"found": {"ridge 100": numbers}}; names of learners, or None for all."""
    sweep_on, report_on, found = world(others), world(seeds), {}
    for name, lived in (networks() | formulas()).items():
        if names is None or name in names:
            values = SETTINGS["learning_rates"] if "network" in name else SETTINGS["strengths"]
            values = [1.0] if name.startswith("nearest") else values
            found[name] = measure(lived, values, sweep_on, report_on)
    return {"found": found}


if __name__ == "__main__":
    results = study(None, SETTINGS["seeds"], SETTINGS["seeds_for_choosing"])
    print("written:", store("05_features", SETTINGS, results).name)
