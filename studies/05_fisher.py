"""One word, three computations: the Fisher information of EWC, and the strength that each needs.

    python studies/05_fisher.py

makes clcourse/results/05_fisher.json again (about two minutes on one core). "exact" takes every
answer that the network could give, weighted by its probability; "empirical" takes the label;
"batched" squares the mean gradient of each batch of 32. Domain-incremental digits, where EWC has
most to do. Validation pictures of other lanes, since strengths are chosen here.
"""

from __future__ import annotations

import torch

import clcourse as cl
from clcourse.results import store

SETTINGS = {
    "seeds": list(range(20)),
    "seeds_for_choosing": list(range(100, 120)),
    "stream": "split_digits('domain'), own pairs and own split for every lane",
    "network": [64, 100, 2],
    "epochs": 10,
    "batch_size": 32,
    "lr": 0.1,
    "strengths": [10.0**k for k in range(8)],
}


def batched_fisher(network, x, y, size: int = 32) -> list[torch.Tensor]:
    """The square of each batch's mean gradient, averaged over batches; size 1 is the empirical.

    In random order: sorted by class, the gradients of a batch would be too much alike.
    """
    lane = torch.arange(len(y))[:, None]
    order = cl.LaneRandom(network.seeds, "fisher batches").permutation(y.shape[1])
    x, y, weights, total = x[lane, order], y[lane, order], list(network.parameters()), None
    for part_x, part_y in zip(x.split(size, dim=1), y.split(size, dim=1), strict=True):
        loss = cl.cross_entropy(network(part_x), part_y).sum()
        squares = [g**2 * part_y.shape[1] / y.shape[1]
                   for g in torch.autograd.grad(loss, weights)]
        total = squares if total is None else [a + b for a, b in zip(total, squares, strict=True)]
    return total


class Empirical(cl.EWC):
    """EWC with the squared gradients of the true labels, one example at a time."""

    size = 1

    def consolidate(self, network, experience) -> None:
        """Anchor with these instead."""
        self.anchor(network, batched_fisher(network, experience.x, experience.y, self.size))


class Batched(Empirical):
    """EWC with the squared mean gradients of batches."""

    size = 32


KINDS = {"exact": cl.EWC, "empirical": Empirical, "batched": Batched}


def lived(kind: str, strength: float, stream, held_out: str, epochs: int) -> torch.Tensor:
    """Average accuracy at the end, (seeds,)."""
    learner = cl.GradientLearner(cl.mlp(64, 100, 2, seeds=stream.seeds), SETTINGS["lr"],
                                 penalty=KINDS[kind](strength))
    return cl.average_accuracy(cl.run(learner, stream, epochs=epochs, held_out=held_out).accuracy)


def world(seeds) -> cl.Stream:
    """The stream, each experience made once."""
    experiences = list(cl.split_digits("domain", seeds=seeds))
    return cl.Stream(experiences.__getitem__, 5, classes=2, scenario="domain", seeds=seeds)


def study(seeds, others, strengths, epochs: int) -> dict:
    """{"exact": {"sweep": {strength: lanes}, "best", "accuracy"}, …}; strength 0 is naive."""
    sweep_on, report_on = world(others), world(seeds)
    results = {}
    for kind in KINDS:
        sweep = {strength: lived(kind, strength, sweep_on, "validation", epochs)
                 for strength in [0.0, *strengths]}
        best = max(sweep, key=lambda one: float(sweep[one].mean()))
        found = lived(kind, best, report_on, "test", epochs)
        results[kind] = {
            "sweep": {f"{one:g}": [round(v, 4) for v in lanes.tolist()]
                      for one, lanes in sweep.items()},
            "best": best, "accuracy": [round(v, 4) for v in found.tolist()]}
    return {"found": results}


if __name__ == "__main__":
    results = study(SETTINGS["seeds"], SETTINGS["seeds_for_choosing"], SETTINGS["strengths"],
                    SETTINGS["epochs"])
    print("written:", store("05_fisher", SETTINGS, results).name)
