"""One more token, and a whole text: a memory of constant size against a cache that grows.

    python benchmarks/cache.py      (one thread; about half a minute; prints tables and fits)

One head of width 32 and one text; the projections, which all sides need alike, are left out.
A step of attention writes its key and value into a cache that was made beforehand, and reads it in
the faster of two forms. A step of the memory is the recurrence in four operations, in place; the
token loop of the course stands beside it. All lengths take turns within one run: medians of
`rounds`, CPU time. Only ratios travel to another machine. Bytes are arithmetic: exact, and also
for a head of a real model.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OMP_WAIT_POLICY="passive", CLCOURSE_PROGRESS="0")

import statistics
import time

import numpy as np
import torch
import torch.nn.functional as F

import clcourse as cl
from clcourse.memory import State
from clcourse.results import store

SETTINGS = {
    "machine": "one core of a laptop-class machine",
    "d": 32,
    "lengths": [16, 64, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536],
    "prefill": [256, 512, 1024, 2048, 4096, 8192, 16384],
    "rounds": 15,
    "prefill_rounds": 7,
    "window": 64,
    "repeats": 1000,
    "seed": 0,
    "heads": {"here": {"d": 32, "bytes": 4, "state_bytes": 4},
              "real": {"d": 128, "bytes": 2, "state_bytes": 2}},
}  # fmt: skip


def rows(*shape: int) -> torch.Tensor:
    """Random numbers in the shape."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(SETTINGS["seed"]))


def microseconds(work, times: int) -> float:
    """CPU time of one call, the mean of several."""
    started = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - started) * 1e6 / times


class Memory:
    """A memory of one head that reads token after token."""

    def __init__(self, d: int) -> None:
        self.M, self.S = torch.zeros(d, d), torch.zeros(d, d)

    def step(self, q, k, v, gates) -> torch.Tensor:
        """Write a token and read: q, k, v (d,), gates (3,) are θ, η, α."""
        θ, η, α = gates.tolist()
        u = torch.addmv(v, self.M.mT, k, beta=θ, alpha=-θ)  # θ (v - k M)
        self.S.addr_(k, u, beta=η)
        torch.add(self.S, self.M, alpha=1 - α, out=self.M)
        return torch.mv(self.M.mT, q)


class Cache:
    """Attention of one head with room for `length` tokens; a step is that of the last one."""

    def __init__(self, length: int, d: int) -> None:
        self.keys, self.values = rows(length, d), rows(length, d)

    def write(self, k, v) -> None:
        self.keys[-1], self.values[-1] = k, v

    def fused(self, q, k, v) -> torch.Tensor:
        """PyTorch's own attention."""
        self.write(k, v)
        one = F.scaled_dot_product_attention(q[None, None, None], self.keys[None, None],
                                             self.values[None, None])  # fmt: skip
        return one[0, 0, 0]

    def plain(self, q, k, v) -> torch.Tensor:
        """Two products and a softmax."""
        self.write(k, v)
        weights = torch.softmax(torch.mv(self.keys, q * len(q) ** -0.5), dim=0)
        return torch.mv(self.values.mT, weights)


def windowed(q, k, v, window: int) -> torch.Tensor:
    """Attention to the last `window` tokens, block by block: (T, d), T a multiple of it."""
    q, k, v = (x.unflatten(0, (-1, window)) for x in (q, k, v))
    before = [torch.cat([torch.zeros_like(x[:1]), x[:-1]]) for x in (k, v)]
    keys, values = (torch.cat([old, x], dim=1) for old, x in zip(before, (k, v), strict=True))
    back = torch.arange(window)[:, None] + window - torch.arange(2 * window)
    visible = ((back >= 0) & (back < window)).expand(len(q), -1, -1).clone()
    visible[0, :, :window] = False  # before the first block there is nothing
    y = F.scaled_dot_product_attention(*(x[:, None] for x in (q, keys, values)), visible[:, None])
    return y.flatten(0, 2)


@torch.no_grad()
def one_step() -> dict[str, list[list[float]]]:
    """Microseconds of a step: {side: rounds of each length}; the memory takes its turn with all."""
    d, lengths = SETTINGS["d"], SETTINGS["lengths"]
    q, k, v, gates = rows(d), F.normalize(rows(d), dim=0), rows(d), torch.tensor([0.5, 0.5, 0.01])
    caches, memory = [Cache(length, d) for length in lengths], Memory(d)
    sides = {"memory": [], "token loop": [], "fused": [], "plain": []}
    inputs = [*(x[None] for x in (q, k, v)), *gates[:, None].unbind(0)]
    state = State(memory.M.clone(), memory.S.clone())
    for round_ in range(SETTINGS["rounds"] + 1):
        taken = {side: [] for side in sides}
        for cache, length in zip(caches, lengths, strict=True):
            times = min(500, max(20, 200_000 // length))
            taken["memory"].append(microseconds(lambda: memory.step(q, k, v, gates), 500))
            taken["token loop"].append(microseconds(
                lambda: cl.token_loop(*inputs, state), 200))  # fmt: skip
            for side in ("fused", "plain"):
                step = getattr(cache, side)
                taken[side].append(microseconds(lambda step=step: step(q, k, v), times))
        if round_:  # the first is to warm up
            for side in sides:
                sides[side].append(taken[side])
    return {side: np.array(each).T.tolist() for side, each in sides.items()}


@torch.no_grad()
def whole_text() -> dict[str, list[list[float]]]:
    """Microseconds a text: {side: rounds of each length}."""
    d, lengths = SETTINGS["d"], SETTINGS["prefill"]
    sides = {"full attention": [], "window": [], "memory": []}
    for round_ in range(SETTINGS["prefill_rounds"] + 1):
        taken = {side: [] for side in sides}
        for length in lengths:
            q, k, v = rows(length, d), F.normalize(rows(length, d), dim=-1), rows(length, d)
            gate = torch.full((1, length), 0.1)
            one = [x[None, None] for x in (q, k, v)]
            works = {
                "full attention": lambda one=one: F.scaled_dot_product_attention(
                    *one, is_causal=True),
                "window": lambda q=q, k=k, v=v: windowed(q, k, v, SETTINGS["window"]),
                "memory": lambda q=q, k=k, v=v, gate=gate: cl.linear_memory(
                    q[None], k[None], v[None], gate, gate, gate),
            }  # fmt: skip
            for side, work in works.items():
                taken[side].append(microseconds(work, max(1, 4096 // length)))
        if round_:
            for side in sides:
                sides[side].append(taken[side])
    return {side: np.array(each).T.tolist() for side, each in sides.items()}


def line(lengths, times) -> tuple[float, float]:
    """a and b of a + bL, by least squares of the relative error."""
    lengths, times = np.asarray(lengths, float), np.asarray(times, float)
    design = np.stack([np.ones_like(lengths), lengths], axis=1) / times[:, None]
    a, b = np.linalg.lstsq(design, np.ones_like(times), rcond=None)[0]
    return float(a), float(b)


def crossing(lengths, attention, memory) -> float:
    """Where a + bL reaches the memory's step; below 0 if attention is dearer from the start."""
    a, b = line(lengths, attention)
    return (float(np.median(memory)) - a) / b


def meeting(lengths, first, second) -> float:
    """The length at which the first gets as dear as the second, between two by their logs."""
    gap = np.log(first) - np.log(second)
    at = int(np.argmax(gap > 0))
    share = -gap[at - 1] / (gap[at] - gap[at - 1])
    return float(lengths[at - 1] * (lengths[at] / lengths[at - 1]) ** share)


def slope(lengths, times) -> float:
    """The power of the length with which a time grows, from the middle of the lengths on."""
    half = len(lengths) // 2
    return float(np.polyfit(np.log(lengths[half:]), np.log(times[half:]), 1)[0])


def over_rounds(measure, *rounds) -> dict[str, float]:
    """A measure of the medians over rounds, and its 95 % interval over rounds drawn again."""
    arrays = [np.array(each) for each in rounds]  # (lengths, rounds)
    random, found = np.random.default_rng(0), []
    for _ in range(SETTINGS["repeats"]):
        pick = random.integers(0, arrays[0].shape[1], arrays[0].shape[1])
        found.append(measure(*(np.median(each[:, pick], axis=1) for each in arrays)))
    low, high = np.quantile(found, [0.025, 0.975])
    value = measure(*(np.median(each, axis=1) for each in arrays))
    return {"value": round(value, 4), "low": round(float(low), 4), "high": round(float(high), 4)}


def kept_bytes(d: int, bytes: int, state_bytes: int) -> dict:
    """What is kept: M and S, always; a key and a value for every token; where they are equal."""
    memory, token = 2 * d * d * state_bytes, 2 * d * bytes
    return {"memory": memory, "token": token, "equal at": memory / token,
            "cache": [token * length for length in SETTINGS["lengths"]]}  # fmt: skip


def main() -> None:
    """Measure, print, and store."""
    torch.set_num_threads(1)
    steps, texts = one_step(), whole_text()
    lengths, prefill = SETTINGS["lengths"], SETTINGS["prefill"]
    best = np.minimum(steps["fused"], steps["plain"]).tolist()
    fits = {
        "crossing": over_rounds(lambda a, m: crossing(lengths, a, m), best, steps["memory"]),
        "crossing, fused": over_rounds(lambda a, m: crossing(lengths, a, m), steps["fused"],
                                       steps["memory"]),
        "crossing, token loop": over_rounds(lambda a, m: crossing(lengths, a, m), best,
                                            steps["token loop"]),
        "attention, shortest to memory": over_rounds(lambda a, m: a[0] / np.median(m), best,
                                                     steps["memory"]),
        "reading, crossing": over_rounds(lambda a, m: meeting(prefill, a, m),
                                         texts["full attention"], texts["memory"]),
        "reading, memory to window": over_rounds(lambda m, w: m[-1] / w[-1], texts["memory"],
                                                 texts["window"]),
        "memory, longest to shortest": over_rounds(lambda m: m[-1] / m[0], steps["memory"]),
        "attention, longest to memory": over_rounds(lambda a, m: a[-1] / np.median(m), best,
                                                    steps["memory"]),
        **{f"power, {side}": over_rounds(lambda t: slope(prefill, t), each)
           for side, each in texts.items()},
        "reading, full attention to memory": over_rounds(lambda a, m: a[-1] / m[-1],
                                                         texts["full attention"], texts["memory"]),
    }  # fmt: skip
    tidy = {name: {side: [[round(one, 3) for one in each] for each in rounds]
                   for side, rounds in both.items()}
            for name, both in (("steps", steps), ("texts", texts))}  # fmt: skip
    results = {"study": "benchmarks/cache.py", **tidy, "fits": fits,
               "bytes": {name: kept_bytes(**head) for name, head in SETTINGS["heads"].items()}}
    show(results)
    print("written:", store("09_cost", SETTINGS, results).name)


def show(results: dict) -> None:
    """Print the tables and the fits."""
    print(f"torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}, one thread\n")
    for name, lengths in (("steps", SETTINGS["lengths"]), ("texts", SETTINGS["prefill"])):
        print("| tokens | " + " | ".join(results[name]) + " |")
        print("|---" * (1 + len(results[name])) + "|")
        for row, length in enumerate(lengths):
            print(f"| {length} | " + " | ".join(
                f"{statistics.median(each[row]):.1f}" for each in results[name].values()) + " |")
        print()
    for name, one in results["fits"].items():
        print(f"{name}: {one['value']:.4g} ({one['low']:.4g} to {one['high']:.4g})")
    print(results["bytes"])


if __name__ == "__main__":
    main()
