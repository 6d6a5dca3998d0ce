"""A matrix memory that is taught new digits: does a core that has learnt to write help?

    python studies/09_stream.py

makes clcourse/results/09_stream.json again (about fifteen minutes on one core; what is done is kept
in the folder of kept weights, so it may be stopped and started again).

The core learns from the first three pairs of split digits (six digits in eight orientations each),
then stays as it is. What follows is a stream in one pass: the other four digits, two at a time, or
all ten. Chance is .25 and .10; whoever knows the last pair only gets .50 and .20.

memory            M and S, with the core that has learnt, with a random one, and with the learnt
                  core whose gates are held at one value for all examples
on its keys       class means and LDA of the learnt core's keys: the same view, other arithmetic
on pixels         class means, ridge on random features, fine-tuning, and replay of as many bytes
                  as M and S have (20 images) or of 200 images

Rates, gates and length of practice are chosen on lanes 100 and up, on validation images of the six
earlier digits alone.
"""

from __future__ import annotations

import torch

import clcourse as cl
from clcourse.pretraining import kept
from clcourse.results import store

SETTINGS = {
    "seeds": list(range(10)),
    "other_seeds": list(range(200, 205)),
    "search_seeds": list(range(100, 105)),
    "earlier": 3,
    "steps": 600,
    "practice": [(shots, lr) for shots in (16, 64) for lr in (3e-3, 1e-2, 3e-2)],
    "gates": [(θ, η) for θ in (0.003, 0.01, 0.03, 0.1, 0.3) for η in (0.0, 0.5, 0.9)],
    "rates": [0.003, 0.01, 0.03, 0.1, 0.3, 1.0],
    "replayed": [20, 200],
}
ROOMS = ("seeds", "worlds", "memory", "learner", "pretraining", "memory_learner")


def core(seeds, shots: int, lr: float) -> cl.MemoryCore:
    """A core that has learnt to write from the earlier digits."""
    fresh, steps = cl.MemoryCore(64, seeds=seeds), SETTINGS["steps"]
    settings = {"steps": steps, "shots": shots, "lr": lr, "seeds": list(seeds)}
    earlier = cl.turned(cl.split_digits(seeds=seeds)[: SETTINGS["earlier"]])
    return kept("core", fresh, settings, ROOMS, lambda: cl.learn_to_write(
        fresh, earlier, steps=steps, shots=shots, lr=lr))  # fmt: skip


class HeldGates(cl.MemoryCore):
    """A core whose θ and η are the same for every example, and which forgets nothing."""

    def forward(self, x):
        """Keys, and the gates that were given."""
        k, *_ = super().forward(x)
        gate = k.new_ones(k.shape[:-1])
        return k, self.θ * gate, self.η * gate, 0 * gate


def held(learnt: cl.MemoryCore, θ: float, η: float) -> cl.MemoryCore:
    """A copy of the core with held gates."""
    copy = HeldGates(64, seeds=learnt.seeds)
    copy.load_state_dict(learnt.state_dict())
    copy.θ, copy.η = θ, η
    return copy


@torch.no_grad()
def keys_of(learnt: cl.MemoryCore, stream: cl.Stream) -> cl.Stream:
    """The same stream as the core sees it."""

    def make(position: int) -> cl.Experience:
        one = stream[position]
        parts = [(learnt(x)[0], y) for x, y in ((one.x, one.y), (one.x_val, one.y_val),
                                                (one.x_test, one.y_test))]  # fmt: skip
        return cl.Experience(one.name, *(part for pair in parts for part in pair))

    return cl.Stream(make, len(stream), classes=10, seeds=stream.seeds)


def at_the_end(learner, stream, held_out: str = "test") -> list[float]:
    """Mean accuracy over all experiences after the last one, a lane each."""
    history = cl.run(learner, stream, epochs=1, held_out=held_out)
    return [round(value, 4) for value in history.accuracy[:, -1].mean(dim=1).tolist()]


def fine_tuned(seeds, lr: float, capacity: int = 0) -> cl.GradientLearner:
    """A network of the usual size, with or without replay."""
    replay = cl.Reservoir(capacity) if capacity else None
    return cl.GradientLearner(cl.mlp(64, 100, 10, seeds=seeds), lr=lr, replay=replay)


def search() -> dict:
    """The best of each grid, by validation images of the earlier digits."""
    seeds = SETTINGS["search_seeds"]
    earlier = cl.split_digits(seeds=seeds)[: SETTINGS["earlier"]]

    def best(learner_of, grid):
        scores = {}
        for one in grid:
            try:
                scores[one] = cl.estimate(torch.tensor(
                    at_the_end(learner_of(one), earlier, "validation"))).value  # fmt: skip
            except cl.CourseError:  # diverged
                scores[one] = 0.0
        chosen = max(scores, key=scores.get)
        return {"best": chosen, "scores": {str(one): round(s, 4) for one, s in scores.items()}}

    found = {"practice": best(
        lambda one: cl.MemoryLearner(core(seeds, *one)), SETTINGS["practice"])}  # fmt: skip
    learnt = core(seeds, *found["practice"]["best"])
    found["gates"] = best(lambda one: cl.MemoryLearner(held(learnt, *one)), SETTINGS["gates"])
    for capacity in (0, *SETTINGS["replayed"]):
        found[f"replay {capacity}"] = best(
            lambda lr, capacity=capacity: fine_tuned(seeds, lr, capacity), SETTINGS["rates"]
        )
    return found


def lanes(seeds, found: dict) -> dict:
    """Every rival on both streams."""
    learnt, random = core(seeds, *found["practice"]["best"]), cl.MemoryCore(64, seeds=seeds)
    rows = {}
    for name, start in (("four new digits", SETTINGS["earlier"]), ("all ten digits", 0)):
        stream = cl.split_digits(seeds=seeds)[start:]
        keys = keys_of(learnt, stream)
        memory = cl.MemoryLearner(learnt)
        rows[name] = {
            "memory, learnt core": at_the_end(memory, stream),
            "memory, random core": at_the_end(cl.MemoryLearner(random), stream),
            "memory, learnt core, held gates": at_the_end(
                cl.MemoryLearner(held(learnt, *found["gates"]["best"])), stream),
            "class means of its keys": at_the_end(cl.ClassMeans(64, 10, seeds=seeds), keys),
            "LDA of its keys": at_the_end(cl.StreamingLDA(64, 10, seeds=seeds), keys),
            "class means": at_the_end(cl.ClassMeans(64, 10, seeds=seeds), stream),
            "ridge": at_the_end(cl.StreamingRidge(64, 10, seeds=seeds), stream),
        }  # fmt: skip
        for capacity in (0, *SETTINGS["replayed"]):
            lr = found[f"replay {capacity}"]["best"]
            who = f"replay of {capacity}" if capacity else "fine-tuning"
            rows[name][who] = at_the_end(fine_tuned(seeds, lr, capacity), stream)
    rows["bytes"] = memory.memory_bytes()
    return rows


def main() -> None:
    """Search, then run the lanes that are reported and fresh ones."""
    found = search()
    results = {"search": found, "lanes": lanes(SETTINGS["seeds"], found)}
    results["other lanes"] = lanes(SETTINGS["other_seeds"], found)
    store("09_stream", settings=SETTINGS, results=results)


if __name__ == "__main__":
    main()
