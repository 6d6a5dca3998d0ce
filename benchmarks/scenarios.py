"""What each method of lesson 05 costs in CPU, and the table of three scenarios with 20 lanes.

    python benchmarks/scenarios.py        (one thread; about two minutes; prints a table)

Split digits, 64-100, 10 epochs, batches of 32, every experience tested after each. All methods take
turns within a round; the figures are medians of `ROUNDS`, and the ratio is to fine-tuning in the
same round.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OMP_WAIT_POLICY="passive", CLCOURSE_PROGRESS="0")

import statistics
import time

import clcourse as cl

LANES, ROUNDS, SCENARIOS = 20, 3, ("task", "domain", "class")


def learners(classes: int) -> dict:
    """Every method at settings of ordinary size; costs hardly depend on them."""

    def trained(**more) -> cl.GradientLearner:
        return cl.GradientLearner(cl.mlp(64, 100, classes, seeds=LANES), lr=0.1, **more)

    return {
        "fine-tuning": trained(),
        "EWC": trained(penalty=cl.EWC(100.0)),
        "SI": trained(penalty=cl.SI(0.1)),
        "LwF": trained(penalty=cl.LwF(1.0)),
        "replay 100": trained(replay=cl.Reservoir(100)),
        "class means": cl.ClassMeans(64, classes, seeds=LANES),
        "nearest of 100": cl.NearestNeighbour(64, classes, capacity=100, seeds=LANES),
        "LDA": cl.StreamingLDA(64, classes, seeds=LANES),
        "ridge 300": cl.StreamingRidge(64, classes, features=300, seeds=LANES),
    }


def cpu_seconds(learner, stream) -> float:
    """One run; the closed-form learners need one pass."""
    epochs = 10 if isinstance(learner, cl.GradientLearner) else 1
    started = time.process_time()
    cl.run(learner, stream, epochs=epochs)
    return time.process_time() - started


def joint(scenario: str, stream) -> float:
    """Training on everything so far after each experience: cumulative."""
    learner = cl.GradientLearner(cl.mlp(64, 100, stream.classes, seeds=LANES), lr=0.1)
    return cpu_seconds(learner, cl.cumulative(stream))


def main() -> None:
    """Print milliseconds of CPU a lane, the ratio to fine-tuning, and the whole table's seconds."""
    seconds: dict[str, dict[str, list]] = {scenario: {} for scenario in SCENARIOS}
    for _ in range(ROUNDS):
        for scenario in SCENARIOS:
            stream = cl.split_digits(scenario, seeds=LANES)
            for name, learner in learners(stream.classes).items():
                seconds[scenario].setdefault(name, []).append(cpu_seconds(learner, stream))
            seconds[scenario].setdefault("cumulative", []).append(joint(scenario, stream))
    print("| method | " + " | ".join(f"{one}, ms a lane (ratio)" for one in SCENARIOS) + " |")
    print("|---|---|---|---|")
    for name in seconds["class"]:
        cells = []
        for scenario in SCENARIOS:
            found = seconds[scenario]
            ratio = [a / b for a, b in zip(found[name], found["fine-tuning"], strict=True)]
            each = 1000 * statistics.median(found[name]) / LANES
            cells.append(f"{each:.0f} ({statistics.median(ratio):.1f})")
        print(f"| {name} | " + " | ".join(cells) + " |")
    whole = [
        sum(found[round_] for one in seconds.values() for found in one.values())
        for round_ in range(ROUNDS)
    ]
    print(f"\nThe whole table, {LANES} lanes: {statistics.median(whole):.0f} s of CPU.")


if __name__ == "__main__":
    main()
