"""What a context costs: time to read it, time for a new token, and bytes that are kept.

    python benchmarks/context.py      (one thread; two to three minutes; prints a table and the fit)

One transformer of a middling size (width 256, one layer, one text; no window), in the code of the
lesson. All lengths take turns within one run: medians of `ROUNDS`, CPU time. Only the ratios travel
to another machine. The fit a + bL + cL² weighs every length by its own time.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OMP_WAIT_POLICY="passive", CLCOURSE_PROGRESS="0")

import statistics
import time

import numpy as np
import torch

import clcourse as cl
from clcourse.facts import WORDS
from clcourse.results import store

SETTINGS = {
    "machine": "one core of a laptop-class machine",
    "width": 256, "heads": 4, "layers": 1, "seeds": [0],
    "lengths": [64, 128, 256, 512, 1024, 2048, 4096, 8192], "rounds": 5, "repeats": 1000,
}


def texts(length: int) -> torch.Tensor:
    """A text of random words: (1, 1, length)."""
    return cl.LaneRandom(1, "benchmark").integers(length, len(WORDS))[:, None]


def seconds(work, times: int = 1) -> float:
    """CPU time of one call, the mean of several."""
    started = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - started) / times


@torch.no_grad()
def measured(network, length: int) -> dict[str, float]:
    """Milliseconds to read a text, for one more token with its cache, and without; bytes kept."""
    read = texts(length)
    _, cache = network.read(read)
    one = read[..., -1:]
    few = max(1, 2048 // length)
    return {
        "read": 1000 * seconds(lambda: network(read), few),
        "new, cached": 1000 * seconds(lambda: network.read(one, cache), 20),
        "new, not cached": 1000 * seconds(lambda: network(torch.cat([read, one], dim=2)), few),
        "bytes": cache.bytes_a_text(),
    }


def fitted(lengths, times) -> tuple[np.ndarray, np.ndarray]:
    """a, b, c of a + bL + cL² by least squares of the relative error, none below zero."""
    from scipy.optimize import nnls

    lengths, times = np.asarray(lengths, float), np.asarray(times, float)
    powers = np.stack([np.ones_like(lengths), lengths, lengths**2], axis=1)
    scale = powers.max(axis=0)
    found, _ = nnls(powers / scale / times[:, None], np.ones_like(times))
    return found / scale, powers @ (found / scale)


def resampled(lengths, rounds, target: float, repeats: int) -> np.ndarray:
    """(a, b, c, time at the target) for rounds drawn again with replacement: (repeats, 4)."""
    random = np.random.default_rng(0)
    found = []
    for _ in range(repeats):
        drawn = [np.median(random.choice(times, len(times))) for times in rounds]
        fit = fitted(lengths, drawn)[0]
        found.append([*fit, fit @ [1, target, target**2]])
    return np.array(found)


def main() -> None:
    """Measure, print, and store."""
    torch.set_num_threads(1)
    network = cl.tiny_transformer(len(WORDS), width=SETTINGS["width"], heads=SETTINGS["heads"],
                                  layers=SETTINGS["layers"])
    lengths = SETTINGS["lengths"]
    measured(network, 512)
    kept: list[list[dict]] = [[] for _ in lengths]
    for _ in cl.progress(range(SETTINGS["rounds"]), "rounds"):
        for length, rows in zip(lengths, kept, strict=True):
            rows.append(measured(network, length))
    what = ("read", "new, cached", "new, not cached", "bytes")
    medians = {name: [statistics.median(row[name] for row in rows) for rows in kept]
               for name in what}
    unit = medians["read"][0]
    ratios = {name: [one / unit for one in medians[name]] for name in what[:3]}
    rounds = [[row["read"] / unit for row in rows] for rows in kept]
    fit, predicted = fitted(lengths, ratios["read"])
    drawn = resampled(lengths, rounds, 2e6, SETTINGS["repeats"])
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    results = {"study": "benchmarks/context.py", "ratios": ratios,
               "bytes": medians["bytes"], "rounds": rounds,
               "fit": fit.tolist(), "low": low.tolist(), "high": high.tolist(),
               "predicted": predicted.tolist(),
               "two million": float(fit @ [1, 2e6, 4e12])}
    print(f"torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}, one thread\n")
    print("| tokens | reading | one new token, cached | not cached | bytes kept |")
    print("|---|---|---|---|---|")
    for row, length in enumerate(lengths):
        print(f"| {length} | " + " | ".join(f"{ratios[name][row]:.2f}" for name in what[:3])
              + f" | {medians['bytes'][row]:,} |")
    a, b, c = fit
    print(f"\nreading = {a:.3g} + {b:.3g} L + {c:.3g} L²; the square equals the line at "
          f"L = {b / c:,.0f} ({low[1] / high[2]:,.0f} to {high[1] / low[2]:,.0f})")
    print(f"2 million tokens: {results['two million']:,.0f} times 64 tokens "
          f"({low[3]:,.0f} to {high[3]:,.0f})")
    print("written:", store("06_cost", SETTINGS, results).name)


if __name__ == "__main__":
    main()
