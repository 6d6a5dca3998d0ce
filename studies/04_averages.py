"""Does a slow average of the weights remember better, or does it only lag behind the recency?

    python studies/04_averages.py

makes clcourse/results/04_averages.json again (about nine minutes on one core). Class-incremental
split digits, three lengths of training, two memories. Every way of learning is tuned: chosen on
validation data of seeds 100-109, reported on test data of seeds 0-19, each paired with plain replay
whose learning rate was tuned likewise. The horizon of an average, 1/(1 - α), is given in tasks.

Controls: an average that only looks on, the mean of the last weights, a learning rate that falls to
0 in each task, and answers corrected for recency by arithmetic alone: logits - τ log(how often each
class was shown in the last task), τ chosen on validation data too (logit adjustment, Menon et al.
2021).
"""

from __future__ import annotations

import itertools

import torch

import clcourse as cl
from clcourse.results import store

SETTINGS = {
    "seeds": list(range(20)),
    "choice_seeds": list(range(100, 110)),
    "stream": "split_digits('class')",
    "network": [64, 100, 10],
    "batch_size": 32,
    "memories": [50, 200],
    "epochs": [2, 10, 30],
    "learning_rates": [0.02, 0.05, 0.1, 0.2, 0.5, 1.0],
    "horizons_in_tasks": [0.125, 0.25, 0.5, 1.0, 2.0],
    "fixed_alphas": [0.99, 0.999],
    "tails_in_tasks": [0.25, 1.0],
    "falling_rates": [0.1, 0.2, 0.5, 1.0],
    "corrections": [0.25, 0.5, 0.75, 1.0],
    "teaching": {
        "lr": [0.1, 0.2, 0.5], "strength": [0.5, 2.0], "stable_horizon_in_tasks": [0.25, 1.0],
        "plastic_horizon": "a third of the stable one", "stable_rate": 0.9, "plastic_rate": 1.0,
    },
    "one_average": {"lr": [0.1, 0.2, 0.5], "strength": [1.0], "horizon_in_tasks": [0.25, 1.0]},
    "published": "strength 2, α .99 and .99, rates 1 and .9, lr .1: S-MNIST, 500 examples",
}
BATCHES = 8  # of 32 in the 256 examples of a task


class Watched(cl.GradientLearner):
    """Plain replay, with averages that only look on, and if wanted a falling learning rate."""

    def __init__(self, network, lr: float, memory: int, *, task: int, falls: bool = False) -> None:
        super().__init__(network, lr, replay=cl.Reservoir(memory))
        self.task, self.falls, self.steps, self.watching = task, falls, 0, {}
        if not falls:
            αs = {f"horizon {share}": alpha(share, task)
                  for share in SETTINGS["horizons_in_tasks"]}
            αs |= {f"α {α}": α for α in SETTINGS["fixed_alphas"]}
            self.watching = {name: (α, network.copy()) for name, α in αs.items()}
            self.watching |= {f"tail {share}": (share, network.copy())
                              for share in SETTINGS["tails_in_tasks"]}

    def observe(self, x, y, allowed=None) -> torch.Tensor:
        """A step of plain replay; then the averages follow."""
        if self.falls:
            self.optimiser.lr = self.lr * (1 - self.steps % self.task / self.task)
        before = super().observe(x, y, allowed)
        self.steps += 1
        for name, (setting, average) in self.watching.items():
            α = min(1 - 1 / (self.steps + 1), setting)
            if name.startswith("tail"):  # plain mean of the last part of the last task
                since = self.steps - (5 * self.task - round(setting * self.task))
                α = 1 - 1 / since if since > 0 else 0.0
            with torch.no_grad():
                for mean, θ in zip(average.parameters(), self.network.parameters(), strict=True):
                    mean.lerp_(θ, 1 - α)
        return before


def alpha(share: float, task: int) -> float:
    """α of the average whose horizon is that share of a task's steps."""
    return round(1 - 1 / max(share * task, 1), 5)


def asked(network, stream, held_out: str) -> list[tuple]:
    """Logits and right answers for every task."""
    with torch.no_grad():
        return [(network(x), y) for x, y in (one.held_out(held_out) for one in stream)]


def judge(answered, stream, correction: torch.Tensor | float = 0.0) -> dict:
    """How a network answers after the last task, its logits corrected: one number a lane each."""
    right, newest, latest = [], [], stream[-1].training().y
    pair = torch.zeros(len(latest), 10, dtype=torch.bool).scatter(1, latest, True)
    for logits, y in answered:
        answers = (logits - correction).argmax(dim=-1)
        right.append((answers == y).float().mean(dim=1))
        newest.append(pair.gather(1, answers).float().mean(dim=1))
    right = torch.stack(right, dim=1)
    return {"accuracy": right.mean(dim=1), "old": right[:, :-1].mean(dim=1),
            "newest": right[:, -1], "answers newest": torch.stack(newest, dim=1).mean(dim=1)}


def shown(learner, stream) -> torch.Tensor:
    """log of how often each class is shown in the last task: half new, half from the memory."""
    lanes = [torch.nn.functional.one_hot(y, 10).float().mean(dim=1)
             for y in (stream[-1].training().y, learner.replay.y)]
    return (sum(lanes) / 2).clamp(min=1e-3).log()[:, None]


def live(make, stream, epochs: int, held_out: str):
    """The learner after its life."""
    return cl.run(make(cl.mlp(*SETTINGS["network"], seeds=stream.seeds)), stream, epochs=epochs,
                  held_out=held_out).learner


def watched(setting, memory: int, task: int):
    lr, falls = setting
    return lambda network: Watched(network, lr, memory, task=task, falls=falls)


def teaching(setting, memory: int, task: int):
    """CLS-ER of a setting (lr, strength, horizon, both), or with the published constants."""
    if setting == "published":
        lr, strength, plastic, stable = 0.1, 2.0, (0.99, 1.0), (0.99, 0.9)
    else:
        lr, strength, share, both = setting
        plastic = stable = (alpha(share, task), 1.0)
        if both:
            plastic, stable = (alpha(share / 3, task), 1.0), (alpha(share, task), 0.9)
    return lambda network: cl.TwoAverages(network, lr, replay=cl.Reservoir(memory),
                                          strength=strength, plastic=plastic, stable=stable)


def families() -> dict[str, list]:
    """The settings that are tried for each way of learning that needs a life of its own."""
    two, one = SETTINGS["teaching"], SETTINGS["one_average"]
    return {
        "two averages": list(itertools.product(two["lr"], two["strength"],
                                               two["stable_horizon_in_tasks"], [True])),
        "one average": list(itertools.product(one["lr"], one["strength"],
                                              one["horizon_in_tasks"], [False])),
    }


def networks(family: str, learner) -> dict:
    """The networks of a learner that may answer: {(family, name): network}."""
    if not isinstance(learner, Watched):
        return {(family, "stable"): learner.networks["stable"],
                (f"{family}, working network", "working"): learner.networks["working"]}
    found = {(family, "working"): learner.network}
    for name, (_, average) in learner.watching.items():
        onlooker = "mean of the last weights" if name.startswith("tail") else "looking on"
        found[onlooker, name] = average
    return found


def ways(memory: int, epochs: int) -> dict:
    """All that is tried: {(family, setting): how to make it}."""
    task = BATCHES * epochs
    tried = {("plain replay", (lr, False)): watched for lr in SETTINGS["learning_rates"]}
    tried |= {("falling rate", (lr, True)): watched for lr in SETTINGS["falling_rates"]}
    tried |= {(family, one): teaching for family, some in families().items() for one in some}
    return {key: make(key[1], memory, task) for key, make in tried.items()}


def choose(memory: int, epochs: int, stream) -> dict[str, dict]:
    """The best setting of each family on validation data."""
    tried: dict[str, list] = {}
    for (family, setting), make in ways(memory, epochs).items():
        learner = live(make, stream, epochs, "validation")
        for (name, network), one in networks(family, learner).items():
            answered, prior = asked(one, stream, "validation"), shown(learner, stream)
            for τ in (0.0, *SETTINGS["corrections"]):
                value = judge(answered, stream, τ * prior)["accuracy"].mean().item()
                label = f"{name}, corrected" if τ else name
                tried.setdefault(label, []).append([round(value, 4), family, setting, network, τ])
    return {name: {"best": max(some, key=lambda one: one[0]), "tries": len(some)}
            for name, some in tried.items()}


def report(memory: int, epochs: int, chosen: dict, stream) -> dict:
    """The chosen settings on test data, one number a lane."""
    task, lives = BATCHES * epochs, {}
    needed = {tuple(one["best"][1:3]) for one in chosen.values()} | {("plain replay", (0.1, False))}
    for family, setting in needed:
        make = ways(memory, epochs)[family, setting]
        lives[family, setting] = live(make, stream, epochs, "test")
    found = {}
    for name, choice in chosen.items():
        _, family, setting, network, τ = choice["best"]
        learner = lives[family, setting]
        answering = {key[1]: one for key, one in networks(family, learner).items()}[network]
        found[name] = judged(answering, stream, τ * shown(learner, stream))
    published = live(teaching("published", memory, task), stream, epochs, "test")
    found["published constants"] = judged(published.networks["stable"], stream)
    at = networks("plain replay", lives["plain replay", (0.1, False)])
    found["looking on at lr 0.1"] = {
        name: judged(one, stream)["accuracy"] for (_, name), one in at.items()
    }
    nearest = cl.NearestNeighbour(64, 10, capacity=memory, seeds=stream.seeds)
    nearest = cl.run(nearest, stream, epochs=1).accuracy
    return found | {"nearest neighbour": {"accuracy": rounded(cl.average_accuracy(nearest))}}


def judged(network, stream, correction: torch.Tensor | float = 0.0) -> dict:
    """The verdict on test data, for storing."""
    verdict = judge(asked(network, stream, "test"), stream, correction)
    return {name: rounded(values) for name, values in verdict.items()}


def rounded(values: torch.Tensor) -> list[float]:
    return [round(value, 4) for value in values.tolist()]


def study(memories, epochs) -> dict:
    """{"chosen": {memory: {epochs: …}}, "found": {memory: {epochs: {family: numbers}}}}."""
    choice, stream = (cl.split_digits(seeds=SETTINGS[name]) for name in ("choice_seeds", "seeds"))
    results = {"chosen": {}, "found": {}}
    for memory, length in cl.progress(list(itertools.product(memories, epochs)), "averages"):
        chosen = choose(memory, length, choice)
        results["chosen"].setdefault(str(memory), {})[str(length)] = chosen
        results["found"].setdefault(str(memory), {})[str(length)] = report(
            memory, length, chosen, stream
        )
    return results


if __name__ == "__main__":
    print("written:", store("04_averages", SETTINGS,
                            study(SETTINGS["memories"], SETTINGS["epochs"])).name)
