"""How storing and recalling grow with patterns, units of CA3 and subjects.

    python benchmarks/hippocampus.py      (one thread; about a minute; prints a table)

Beside the hippocampus stands the plain way, a softmax lookup in a list of the same patterns. Every
row is measured in turns within one run: medians of `ROUNDS`, CPU time. Trust the ratios.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OMP_WAIT_POLICY="passive", CLCOURSE_PROGRESS="0")

import statistics
import time
import warnings

import torch

import clcourse as cl

BASE = {"patterns": 200, "units": 480, "subjects": 5}
GROWN = {"patterns": (50, 100, 200, 400, 800), "units": (240, 480, 960, 1920),
         "subjects": (1, 5, 20)}
CUES, ROUNDS = 200, 3


def made(units: int, subjects: int) -> cl.Hippocampus:
    """An empty hippocampus whose CA3 has so many units, one in thirty active."""
    return cl.Hippocampus(ca3=(units, units // 30), seeds=subjects)


def seconds(work) -> float:
    """CPU time of one call."""
    started = time.process_time()
    work()
    return time.process_time() - started


def measured(patterns: int, units: int, subjects: int) -> dict[str, float]:
    """Milliseconds a subject: storing all, recalling 200 cues, looking 200 cues up in a list."""
    empty = made(units, subjects)
    shown = cl.k_winners(cl.LaneRandom(subjects, "benchmark").normal(patterns, 240), 24)
    cues = shown[:, torch.arange(CUES) % patterns]
    full = made(units, subjects)
    full.store(shown, gate=False)
    full.recall(cues[:, :1])  # solves for the decoder, once
    spent = {"store": seconds(lambda: empty.store(shown, gate=False)),
             "recall": seconds(lambda: full.recall(cues)),
             "list": seconds(lambda: cl.look_up(cues, shown, shown, 4.0))}
    return {name: 1000 * one / subjects for name, one in spent.items()}


def main() -> None:
    """Print a row for each size; all else as in BASE."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # over-full stores are timed, too
    measured(**BASE)
    rows = [BASE | {what: size} for what, sizes in GROWN.items() for size in sizes]
    times: list[list[dict]] = [[] for _ in rows]
    for _ in cl.progress(range(ROUNDS), "rounds"):
        for row, kept in zip(rows, times, strict=True):
            kept.append(measured(**row))
    print(f"torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}, one thread\n")
    print("| patterns | CA3 units | subjects | store, ms a subject | recall of 200 cues | "
          "lookup of 200 cues |")
    print("|---|---|---|---|---|---|")
    for row, kept in zip(rows, times, strict=True):
        middle = [statistics.median(one[name] for one in kept) for name in kept[0]]
        print(f"| {row['patterns']} | {row['units']} | {row['subjects']} | "
              + " | ".join(f"{one:.1f}" for one in middle) + " |")


if __name__ == "__main__":
    main()
