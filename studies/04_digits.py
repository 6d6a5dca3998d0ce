"""A hippocampus against a plain buffer on split digits: equal episodes, and equal bytes.

    python studies/04_digits.py

makes clcourse/results/04_digits.json again (eight minutes on one core). Class-incremental, the
digits as sparse codes. Both stores are given the very same examples, M/10 of each class when the
class comes. Two uses: *asleep*, the network learns from replay only; *awake*, it learns from all
new examples, and half of each step is replay. Every setting, the size of the hippocampus and the
share of its episodes that it keeps included, is chosen on validation images of lanes 100 to 104
for each store, use and M; the table is on test images of lanes 0 to 19.
"""

from __future__ import annotations

import itertools
import warnings
from dataclasses import replace

import torch

import clcourse as cl
from clcourse.evaluate import batches
from clcourse.results import store

FEATURES, CLASSES, TRAIN = 200, 10, 128
SIZES = {"480": {}, "1000": {"dg": (3000, 15), "ca3": (1000, 20), "ca1": (800, 60)}}
SETTINGS = {
    "seeds": list(range(20)),
    "seeds_for_choosing": list(range(100, 105)),
    "code": "sparse_codes(split_digits(seeds=…), 200, 20)",
    "network": [FEATURES, 100, CLASSES],
    "batch_size": 32,
    "batch_asleep": 64,
    "episodes": [50, 100, 200],
    "lr": [0.1, 0.3],
    "steps": {"asleep": [150, 400], "awake": [150]},
    "sizes": {name: {part: list(size) for part, size in one.items()}
              for name, one in SIZES.items()},
    "chance": [1.0, 0.5],
    "dreams": 800,
}


class Dreams:
    """What a store brought back last night, as something that learners replay from."""

    def __init__(self) -> None:
        self.x = self.y = self.random = None

    def start(self, seeds) -> Dreams:
        """Itself, for those lanes."""
        self.random = cl.LaneRandom(seeds, "which dream")
        return self

    def __len__(self) -> int:
        return 0 if self.x is None else self.x.shape[1]

    def add(self, x, y, allowed=None) -> None:
        """What the learner offers is not taken: only the study fills the store."""

    def sample(self, count: int):
        """So many of the dreams."""
        chosen = self.random.integers(count, len(self))
        lane = torch.arange(len(chosen))[:, None]
        return self.x[lane, chosen], self.y[lane, chosen], None


def box(kind: dict, M: int, seeds):
    """An empty store: a buffer with room for M, or a hippocampus of some size."""
    if kind["store"] == "buffer":
        return cl.Reservoir(M, seeds)
    hippocampus = cl.Hippocampus(seeds=seeds, **SIZES[kind["size"]])
    return cl.Episodes(hippocampus, FEATURES, CLASSES, chance=kind["chance"])


def few(experience, M: int):
    """The experience with the first M/10 training examples of each of its two classes."""
    part = torch.cat([torch.arange(M // 10), TRAIN + torch.arange(M // 10)])
    return replace(experience, x=experience.x[:, part], y=experience.y[:, part])


def nights(kind: dict, M: int, stream) -> tuple[list, object]:
    """What the store brings back after each day, (x, y) a night; and the store at the end."""
    held, brought = box(kind, M, stream.seeds), []
    for experience in stream:
        today = few(experience, M)
        held.add(today.x, today.y)
        brought.append(held.sample(SETTINGS["dreams"])[:2])
    return brought, held


def asleep(brought: list, lr: float, steps: int, seeds):
    """A network that learns from the dreams of every night, and from nothing else."""
    cortex = cl.Neocortex(*SETTINGS["network"], lr=lr, seeds=seeds)
    random, lane = cl.LaneRandom(seeds, "sleep"), torch.arange(len(seeds))[:, None]
    for x, y in brought:
        for _ in range(steps):
            chosen = random.integers(SETTINGS["batch_asleep"], x.shape[1])
            cortex.learn(x[lane, chosen], y[lane, chosen])
    return cortex.network


def awake(brought: list, lr: float, steps: int, stream):
    """A network that learns from everything new, with half of each step replayed."""
    network = cl.mlp(*SETTINGS["network"], seeds=stream.seeds)
    learner = cl.GradientLearner(network, lr, replay=Dreams())
    order = cl.LaneRandom(stream.seeds, "batches")
    for experience, (learner.replay.x, learner.replay.y) in zip(stream, brought, strict=True):
        shown = itertools.chain.from_iterable(
            batches(experience, order, SETTINGS["batch_size"]) for _ in itertools.count())
        for x, y, _ in itertools.islice(shown, steps):
            learner.observe(x, y)
    return learner.network


def taught(use: str, brought: list, lr: float, steps: int, stream):
    """A network that learnt in one of the two ways."""
    if use == "awake":
        return awake(brought, lr, steps, stream)
    return asleep(brought, lr, steps, stream.seeds)


def right(answer, stream, part: str) -> torch.Tensor:
    """Share of right answers over all ten digits: (seeds,)."""
    hits = [(answer(x).argmax(dim=2) == y).float().mean(dim=1)
            for x, y in (one.held_out(part) for one in stream)]
    return torch.stack(hits).mean(dim=0).detach()


def kinds() -> dict[str, list[dict]]:
    """The stores, with every setting of the hippocampus that is tried."""
    return {"buffer": [{"store": "buffer"}],
            "hippocampus": [{"store": "hippocampus", "size": size, "chance": chance}
                            for size, chance in itertools.product(SIZES, SETTINGS["chance"])]}


def chosen(M: int, stream, every: dict[str, list[dict]]) -> dict[str, dict[str, dict]]:
    """{use: {store: the setting that is best on validation images}}."""
    best: dict = {use: {} for use in SETTINGS["steps"]}
    for name, kind in ((name, kind) for name, some in every.items() for kind in some):
        brought, _ = nights(kind, M, stream)
        for use, lengths in SETTINGS["steps"].items():
            for lr, steps in itertools.product(SETTINGS["lr"], lengths):
                network = taught(use, brought, lr, steps, stream)
                score = right(network, stream, "validation").mean().item()
                if score > best[use].get(name, {"validation": 0.0})["validation"]:
                    best[use][name] = kind | {"lr": lr, "steps": steps,
                                              "validation": round(score, 4)}
    return best


def tested(use: str, setting: dict, M: int, stream) -> dict:
    """Test accuracy, a lane each; of a hippocampus also what the gauge and recall say."""
    brought, held = nights(setting, M, stream)
    network = taught(use, brought, setting["lr"], setting["steps"], stream)
    found = {"setting": setting, "bytes": held.memory_bytes(),
             "right": lanes(right(network, stream, "test"))}
    if setting["store"] == "hippocampus":
        found["sound"] = lanes(held.gauge().sound)
        found["load"] = lanes(held.gauge().load)
        found["recall alone"] = lanes(right(lambda x: held.answer(x)[0], stream, "test"))
    return found


def floors(M: int, stream) -> dict:
    """Nearest neighbour and class means on the same M examples."""
    shown = [few(experience, M) for experience in stream]
    size = (FEATURES, CLASSES)
    ways = {"nearest neighbour": cl.NearestNeighbour(*size, capacity=M, seeds=stream.seeds),
            "class means": cl.ClassMeans(*size, seeds=stream.seeds)}
    for learner in ways.values():
        for one in shown:
            learner.observe(one.x, one.y)
    return {name: {"right": lanes(right(one.predict, stream, "test")), "bytes": one.memory_bytes()}
            for name, one in ways.items()}


def lanes(values) -> list[float]:
    return [round(value, 4) for value in values.tolist()]


def held_in_memory(seeds):
    """The coded stream, made once."""
    stream = cl.sparse_codes(cl.split_digits(seeds=seeds), FEATURES, 20)
    each = list(stream)
    return cl.Stream(each.__getitem__, len(each), classes=CLASSES, seeds=seeds)


def study(seeds, seeds_for_choosing, episodes) -> dict:
    """{"asleep": {M: {store: …}}, "awake": …, "floors": {M: …}, "equal bytes": …}."""
    choosing, stream = held_in_memory(seeds_for_choosing), held_in_memory(seeds)
    results: dict = {"asleep": {}, "awake": {}, "floors": {}}
    for M in cl.progress(episodes, "episodes"):
        for use, best in chosen(M, choosing, kinds()).items():
            results[use][str(M)] = {name: tested(use, setting, M, stream)
                                    for name, setting in best.items()}
        results["floors"][str(M)] = floors(M, stream)
    everything = 10 * TRAIN  # all training examples: far fewer bytes than a hippocampus
    best = chosen(everything, choosing, {"buffer": kinds()["buffer"]})
    results["equal bytes"] = {use: tested(use, one["buffer"], everything, stream)
                              for use, one in best.items()}
    results["equal bytes"]["floors"] = floors(everything, stream)
    results["hippocampus bytes"] = {
        size: cl.Hippocampus(**one).memory_bytes() for size, one in SIZES.items()}
    return results


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # over-full stores are what is studied here
    results = study(SETTINGS["seeds"], SETTINGS["seeds_for_choosing"], SETTINGS["episodes"])
    print("written:", store("04_digits", SETTINGS, results).name)
