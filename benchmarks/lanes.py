"""CPU time of one lane, against a plain one-network loop and against its matrix products alone.

    python benchmarks/lanes.py            (one thread; about a minute; prints a table)

Class-incremental split digits, 64-100-10, 10 epochs, batches of 32: 400 steps. The plain loop is
an nn.Sequential with torch.optim.SGD over the same batches. The floor is the five batched matrix
products that a step cannot do without. All sides take turns within one run; medians of `ROUNDS`.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OMP_WAIT_POLICY="passive", CLCOURSE_PROGRESS="0")

import statistics
import time

import torch
from torch import nn

import clcourse as cl
from clcourse.evaluate import batches, run

LANES, ROUNDS, EPOCHS, BATCH = (1, 8, 20, 64), 5, 10, 32


def stream_batches(seeds: int) -> list:
    """All batches of the stream, drawn beforehand so that both sides only train."""
    order = cl.LaneRandom(seeds, "batches")
    return [
        one
        for experience in cl.split_digits(seeds=seeds)
        for _ in range(EPOCHS)
        for one in batches(experience, order, BATCH)
    ]


def plain(shown: list) -> None:
    """One network in ordinary PyTorch."""
    network = nn.Sequential(nn.Linear(64, 100), nn.ReLU(), nn.Linear(100, 10))
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1)
    for x, y, _ in shown:
        optimiser.zero_grad()
        nn.functional.cross_entropy(network(x[0]), y[0]).backward()
        optimiser.step()


def lanes(shown: list, seeds: int) -> None:
    """The course's learner over the same batches, training only."""
    learner = cl.GradientLearner(cl.mlp(64, 100, 10, seeds=seeds))
    for x, y, allowed in shown:
        learner.observe(x, y, allowed)


def floor(shown: list, seeds: int) -> None:
    """The five matrix products of a step: two forward, three backward."""
    first, second = torch.rand(seeds, 64, 100), torch.rand(seeds, 100, 10)
    error = torch.rand(seeds, BATCH, 10)
    for x, _, _ in shown:
        hidden = x @ first
        hidden @ second
        hidden.transpose(1, 2) @ error
        back = error @ second.transpose(1, 2)
        x.transpose(1, 2) @ back


def evaluated(seeds: int) -> None:
    """A whole run, with batches drawn and every experience tested after each."""
    run(cl.GradientLearner(cl.mlp(64, 100, 10, seeds=seeds)), cl.split_digits(seeds=seeds))


def cpu_seconds(work, *arguments) -> float:
    started = time.process_time()
    work(*arguments)
    return time.process_time() - started


def main() -> None:
    """Print milliseconds of CPU a lane and the ratios to the plain loop."""
    torch.set_num_threads(1)
    shown = {seeds: stream_batches(seeds) for seeds in LANES}
    plain(shown[1])
    times: dict = {}
    for _ in cl.progress(range(ROUNDS), "rounds"):
        times.setdefault("plain", []).append(cpu_seconds(plain, shown[1]))
        for seeds in LANES:
            for name, work, arguments in (
                ("train", lanes, (shown[seeds], seeds)),
                ("floor", floor, (shown[seeds], seeds)),
                ("run", evaluated, (seeds,)),
            ):
                spent = cpu_seconds(work, *arguments) / seeds
                times.setdefault((name, seeds), []).append(spent)
    median = {key: 1000 * statistics.median(values) for key, values in times.items()}
    print(f"torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}, one thread")
    print(f"plain loop, one network: {median['plain']:.0f} ms\n")
    print("| lanes | training, ms a lane | plain / lane | floor, ms a lane | run, ms a lane |")
    print("|---|---|---|---|---|")
    for seeds in LANES:
        train, least, whole = (median[name, seeds] for name in ("train", "floor", "run"))
        print(
            f"| {seeds} | {train:.1f} | {median['plain'] / train:.1f} | {least:.1f} | {whole:.1f} |"
        )


if __name__ == "__main__":
    main()
