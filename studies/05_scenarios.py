"""Three scenarios, and every method that learns by gradients, each tuned as hard as the others.

    python studies/05_scenarios.py

makes clcourse/results/05_scenarios.json again (about twelve minutes on one core). Settings are
chosen on the validation pictures of other lanes (100-109); reported are the test pictures of lanes
0-19. All methods have the same learning rates to choose from, and a penalty may be switched off
(strength 0: then it is the plain network), so none can lose for want of a setting. "slowing" is a
control: the plain network, its learning rate multiplied by a factor at each boundary. "class,
masked" is class-incremental learning in which the loss of each example runs over the classes of
its own experience only; the question at the end still has all ten answers.
"""

from __future__ import annotations

from dataclasses import replace

import torch

import clcourse as cl
from clcourse.results import store

LR, POWERS = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0], [10.0**k for k in range(7)]
SETTINGS = {
    "seeds": list(range(20)),
    "seeds_for_choosing": list(range(100, 110)),
    "seeds_again": list(range(200, 220)),
    "stream": "split_digits(scenario), own pairs and own split for every lane",
    "network": [64, 100, "10, or 2 in the domain scenario"],
    "epochs": 10,
    "batch_size": 32,
    "chosen": "highest mean accuracy over all experiences at the end, on validation pictures",
    "grid": {
        "naive": {"lr": LR},
        "slowing": {"lr": LR, "factor": [0.7, 0.5, 0.3, 0.2]},
        "EWC": {"lr": LR, "strength": [0.0, *POWERS]},
        "SI": {"lr": LR, "strength": [0.0, *(one / 1000 for one in POWERS)]},
        "LwF": {"lr": LR, "strength": [0.0, 0.01, 0.1, 0.3, 1.0, 3.0],
                "temperature": [2.0, 4.0, 8.0]},
        "replay 20": {"lr": LR},
        "replay 100": {"lr": LR},
        "replay 200": {"lr": LR},
        "cumulative": {"lr": LR},
    },
}
SCENARIOS = ("task", "domain", "class", "class, masked")
MASKED = ("naive", "EWC", "SI", "LwF")


class Slowing(cl.GradientLearner):
    """The plain network with a learning rate that shrinks at each boundary; nothing is stored."""

    needs_boundaries, factor = True, 1.0

    def consolidate(self, experience) -> None:
        """The next experience is learnt more slowly."""
        self.optimiser.lr *= self.factor


class MaskedEWC(cl.EWC):
    """EWC whose Fisher, too, runs over the classes of the experience only."""

    def consolidate(self, network, experience) -> None:
        """As EWC, with the mask of the examples."""
        self.anchor(network, cl.fisher(network, experience.x, experience.x_allowed[:, 0]))


def world(scenario: str, seeds) -> cl.Stream:
    """The stream of a scenario, each experience made once."""
    kind = scenario.split(",")[0]
    experiences = list(cl.split_digits(kind, seeds=seeds))
    if scenario.endswith("masked"):
        experiences = [masked(one) for one in experiences]
    classes = 2 if kind == "domain" else 10
    return cl.Stream(experiences.__getitem__, 5, classes=classes, scenario=kind, seeds=seeds)


def masked(experience: cl.Experience) -> cl.Experience:
    """Each training example competes among its experience's classes; tests stay as they are."""
    own = torch.zeros(len(experience.y), 10, dtype=torch.bool).scatter(1, experience.y, True)
    return replace(experience, x_allowed=own[:, None].expand(*experience.y.shape, -1))


def learner(method: str, stream: cl.Stream, scenario: str, lr: float, **options):
    """A new learner of that method and setting."""
    network = cl.mlp(64, 100, stream.classes, seeds=stream.seeds)
    if method.startswith("replay"):
        return cl.GradientLearner(network, lr, replay=cl.Reservoir(int(method.split()[1])))
    if method == "slowing":
        made = Slowing(network, lr)
        made.factor = options["factor"]
        return made
    kinds = {"EWC": MaskedEWC if "masked" in scenario else cl.EWC, "SI": cl.SI, "LwF": cl.LwF}
    penalty = kinds[method](**options) if method in kinds else None
    return cl.GradientLearner(network, lr, penalty=penalty)


def lived(method: str, stream: cl.Stream, scenario: str, setting: dict, held_out: str, epochs: int):
    """The history of a method; None where it diverged."""
    try:
        return cl.run(learner(method, stream, scenario, **setting),
                      cl.cumulative(stream) if method == "cumulative" else stream,
                      epochs=epochs, held_out=held_out)
    except cl.CourseError as error:
        if "diverged" not in str(error):
            raise
        return None


def settings_of(method: str) -> list[dict]:
    """Every combination of the grid; without a strength, one temperature is enough."""
    combined, grid = [{}], SETTINGS["grid"][method]
    for name, values in grid.items():
        combined = [one | {name: value} for one in combined for value in values]
    return [one for one in combined if one.get("strength") != 0
            or one.get("temperature") == grid.get("temperature", [None])[0]]


def swept(method: str, scenario: str, stream: cl.Stream, epochs: int) -> list[dict]:
    """Accuracy on validation pictures, for every setting."""
    rows = []
    for setting in settings_of(method):
        history = lived(method, stream, scenario, setting, "validation", epochs)
        mean = None if history is None else float(cl.average_accuracy(history.accuracy).mean())
        rows.append(setting | {"accuracy": None if mean is None else round(mean, 4)})
    return rows


def chosen(method: str, rows: list[dict]) -> dict:
    """The best setting, and where it stands at the edge of what was tried."""
    best = max(rows, key=lambda row: -1.0 if row["accuracy"] is None else row["accuracy"])
    grid = SETTINGS["grid"][method]
    edge = [name for name, values in grid.items() if best[name] in (values[0], values[-1])]
    return {"setting": {name: best[name] for name in grid}, "at_the_edge": edge}


def measured(history) -> dict:
    """One number a lane, and the bill."""
    R, cost = history.accuracy, history.cost
    lanes = {"accuracy": cl.average_accuracy(R), "forgetting": cl.forgetting(R),
             "learnt": cl.learning_accuracy(R)}
    numbers = {name: [round(one, 4) for one in values.tolist()] for name, values in lanes.items()}
    return numbers | {"bytes": cost.stored_bytes, "examples": cost.examples, "steps": cost.steps}


def study(scenarios, methods, seeds, others, epochs: int) -> dict:
    """{"sweep": …, "chosen": …, "found": …}, each by scenario and method."""
    results: dict = {"sweep": {}, "chosen": {}, "found": {}}
    for scenario in scenarios:
        sweep_on, report_on = world(scenario, others), world(scenario, seeds)
        for part in results.values():
            part[scenario] = {}
        for method in methods:
            if "masked" in scenario and method not in MASKED:
                continue
            rows = swept(method, scenario, sweep_on, epochs)
            best = chosen(method, rows)
            history = lived(method, report_on, scenario, best["setting"], "test", epochs)
            results["sweep"][scenario][method] = rows
            results["chosen"][scenario][method] = best
            results["found"][scenario][method] = measured(history)
    return results


def again(chosen: dict, seeds, epochs: int) -> dict:
    """{method: accuracy, a lane each}: class-incremental, the chosen settings on further lanes."""
    stream, found = world("class", seeds), {}
    for method in ("naive", "slowing", "EWC", "SI", "LwF"):
        history = lived(method, stream, "class", chosen[method]["setting"], "test", epochs)
        found[method] = measured(history)["accuracy"]
    return found


if __name__ == "__main__":
    results = study(SCENARIOS, list(SETTINGS["grid"]), SETTINGS["seeds"],
                    SETTINGS["seeds_for_choosing"], SETTINGS["epochs"])
    results["again"] = again(results["chosen"]["class"], SETTINGS["seeds_again"],
                             SETTINGS["epochs"])
    print("written:", store("05_scenarios", SETTINGS, results).name)
