"""The floors: learners whose readout is a formula, in the three scenarios and at equal bytes.

    python studies/05_floors.py

makes clcourse/results/05_floors.json again (about three minutes on one core). One pass, no replay
of gradients, no boundaries. Strengths are chosen on the validation pictures of other lanes. Beside
them stands the network that learns everything at once, at two widths, tuned in the same way:
"joint training", which is often called the ceiling.
"""

from __future__ import annotations

import torch

import clcourse as cl
from clcourse.results import store

SETTINGS = {
    "seeds": list(range(20)),
    "seeds_for_choosing": list(range(100, 110)),
    "stream": "split_digits(scenario), own pairs and own split for every lane",
    "strengths": [10.0**k for k in range(-5, 2)],
    "shrinkages": [1e-4, 1e-3, 1e-2, 1e-1, 0.3, 1.0],
    "features": [10, 20, 50, 100, 200, 500, 1000],
    "stored": [5, 10, 20, 50, 100, 200, 500, 1000, 1280],
    "joint": {"lr": [0.1, 0.3, 1.0], "epochs": {"100": [10, 50, 200], "1000": [10, 50]}},
    "batch_size": "the whole experience for the floors, 32 for joint training",
}


def world(scenario: str, seeds) -> cl.Stream:
    """The stream, each experience made once."""
    experiences = list(cl.split_digits(scenario, seeds=seeds))
    classes = 2 if scenario == "domain" else 10
    return cl.Stream(experiences.__getitem__, 5, classes=classes, scenario=scenario, seeds=seeds)


def bytes_in_all(learner) -> int:
    """Bytes a lane of everything that is needed to answer and to go on learning, as stored."""
    if isinstance(learner, cl.GradientLearner):
        own = list(learner.network.parameters())
    else:  # sums and stored examples are memory; the readout and random features its network
        own = [getattr(learner, name) for name in ("W", "b", "R") if hasattr(learner, name)]
    return learner.memory_bytes() + sum(one[0].numel() * one.element_size() for one in own)


def floors(stream) -> dict:
    """{name: (knob, values, a function of the value that makes the learner)}."""
    sizes, seeds = (64, stream.classes), {"seeds": stream.seeds}
    made = {
        "class means": (None, [0], lambda _: cl.ClassMeans(*sizes, **seeds)),
        "LDA": ("shrinkage", SETTINGS["shrinkages"],
                lambda value: cl.StreamingLDA(*sizes, shrinkage=value, **seeds)),
    }
    for features in SETTINGS["features"]:
        made[f"ridge {features}"] = (
            "strength", SETTINGS["strengths"],
            lambda value, n=features: cl.StreamingRidge(*sizes, features=n, strength=value,
                                                        **seeds))
    for stored in SETTINGS["stored"]:
        made[f"nearest of {stored}"] = (
            None, [0], lambda _, n=stored: cl.NearestNeighbour(*sizes, capacity=n, **seeds))
    return made


def passed(learner, stream, held_out: str):
    """One pass, a whole experience at a time."""
    return cl.run(learner, stream, epochs=1, batch_size=10**6, held_out=held_out)


def measured(history) -> dict:
    """One number a lane, and the bytes."""
    R = history.accuracy
    lanes = {"accuracy": cl.average_accuracy(R), "learnt": cl.learning_accuracy(R)}
    if R.shape[1] > 1:
        lanes["forgetting"] = cl.forgetting(R)
    numbers = {name: [round(one, 4) for one in values.tolist()] for name, values in lanes.items()}
    return numbers | {"bytes": bytes_in_all(history.learner)}


def floor(kind, sweep_on, report_on, name: str) -> dict:
    """Choose the knob on other lanes, then measure."""
    knob, values, make = kind(sweep_on)[name]
    sweep = {value: round(float(cl.average_accuracy(
        passed(make(value), sweep_on, "validation").accuracy).mean()), 4) for value in values}
    best = max(sweep, key=sweep.get)
    found = measured(passed(kind(report_on)[name][2](best), report_on, "test"))
    if knob is not None:
        found |= {knob: best, "sweep": sweep, "at_the_edge": best in (values[0], values[-1])}
    return found


def together(stream) -> cl.Stream:
    """Everything at once, tested on all ten classes."""
    last, every = cl.cumulative(stream)[4], list(stream)
    parts = {part: torch.cat([getattr(one, part) for one in every], dim=1)
             for part in ("x_val", "y_val", "x_test", "y_test")}
    whole = cl.Experience("all ten", last.x, last.y, **parts)
    return cl.Stream([whole].__getitem__, 1, classes=10, seeds=stream.seeds)


def joint(width: int, sweep_on, report_on) -> dict:
    """A network trained on everything at once: learning rate and epochs chosen on other lanes."""
    sweep_on, report_on = together(sweep_on), together(report_on)
    grid = SETTINGS["joint"]

    def lived(stream, lr, epochs, held_out):
        network = cl.mlp(64, width, 10, seeds=stream.seeds)
        return cl.run(cl.GradientLearner(network, lr), stream, epochs=epochs, held_out=held_out)

    sweep = {(lr, epochs): round(
        float(lived(sweep_on, lr, epochs, "validation").accuracy.mean()), 4)
        for lr in grid["lr"] for epochs in grid["epochs"][str(width)]}
    lr, epochs = max(sweep, key=sweep.get)
    found = measured(lived(report_on, lr, epochs, "test"))
    rows = [{"lr": one, "epochs": many, "accuracy": value} for (one, many), value in sweep.items()]
    return found | {"lr": lr, "epochs": epochs, "sweep": rows}


def study(scenarios, names, widths, seeds, others) -> dict:
    """{"found": {scenario: {name: numbers}}, "joint": {width: numbers}}."""
    found = {}
    for scenario in scenarios:
        sweep_on, report_on = world(scenario, others), world(scenario, seeds)
        found[scenario] = {name: floor(floors, sweep_on, report_on, name)
                           for name in names or floors(sweep_on)}
    sweep_on, report_on = world("class", others), world("class", seeds)
    return {"found": found,
            "joint": {str(width): joint(int(width), sweep_on, report_on) for width in widths}}


if __name__ == "__main__":
    results = study(("task", "domain", "class"), None, list(SETTINGS["joint"]["epochs"]),
                    SETTINGS["seeds"], SETTINGS["seeds_for_choosing"])
    print("written:", store("05_floors", SETTINGS, results).name)
