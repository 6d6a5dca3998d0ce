"""What slides out of the window is gone: accuracy by distance, number, place and window.

    python studies/06_window.py

makes clcourse/results/06_window.json again (about four minutes on one core). `cut`: networks that
grew up without a window, read with one. `trained`: grown up with the window. `edge`: a value at 20
tokens back from the end of the question, and windows that just reach it or just do not. `grid`: the
numbers of the explorer.
"""

from __future__ import annotations

import clcourse as cl
from clcourse.facts import Facts
from clcourse.results import store

SETTINGS = {
    "seeds": list(range(10)),
    "questions": 40,
    "notes": 20,
    "windows": [8, 16, 32, 64],
    "trained": [[16, 2, 200]],
    "edge": {"back": 20, "windows": list(range(14, 25))},
    "grid": {"windows": [16, 32, 64, 128, None], "notes": [1, 2, 5, 10, 20, 50, 100],
             "fractions": [0.0, 0.25, 0.5, 0.75, 1.0]},
}


def asked(world, count: int, at: int, questions: int):
    """Lists of so many notes with the right one at a place, and the facts that are asked."""
    strangers = world.facts("strangers", 40)
    listed = cl.reading_list(strangers, count - 1, at=at, seeds=world.seeds)[:, :questions]
    return listed, Facts(strangers.x[:, :questions], strangers.y[:, :questions])


def windowed(network, window: int | None):
    """A copy that sees so many tokens."""
    network = network.copy()
    network.window = window
    return network


def lanes(values) -> list[float]:
    """Rounded, to be stored."""
    return [round(one, 4) for one in values.tolist()]


def by_distance(network, world, settings) -> dict[str, list[float]]:
    """{tokens between the value and the end of the question: lanes}."""
    count, questions = settings["notes"], settings["questions"]
    return {str(4 * (count - at)): lanes(cl.reads(network, *asked(world, count, at, questions)))
            for at in range(count)}


def edge(network, world, settings) -> dict[str, list[float]]:
    """{window: lanes} for a value at one distance."""
    at = settings["notes"] - settings["edge"]["back"] // 4
    lists = asked(world, settings["notes"], at, settings["questions"])
    return {str(window): lanes(cl.reads(windowed(network, window), *lists))
            for window in settings["edge"]["windows"]}


def grid(network, world, settings) -> dict:
    """{window: {notes: [lanes for each fraction of the way]}}."""
    found: dict = {}
    for window in settings["grid"]["windows"]:
        one, found[str(window)] = windowed(network, window), {}
        for count in settings["grid"]["notes"]:
            found[str(window)][str(count)] = [
                lanes(cl.reads(one, *asked(world, count, round(share * (count - 1)),
                                           settings["questions"])))
                for share in settings["grid"]["fractions"]
            ]
    return found


if __name__ == "__main__":
    world = cl.World(seeds=SETTINGS["seeds"])
    plain = cl.grown_up(world)
    results = {
        "cut": {str(window): by_distance(windowed(plain, window), world, SETTINGS)
                for window in (*SETTINGS["windows"], None)},
        "edge": edge(plain, world, SETTINGS),
        "grid": grid(plain, world, SETTINGS),
        "trained": {},
    }
    store("06_window", SETTINGS, {"found": results})  # the rest takes longer
    for window, layers, steps in SETTINGS["trained"]:
        network = cl.grown_up(world, window=window, layers=layers, steps=steps)
        found = by_distance(network, world, SETTINGS)
        results["trained"][f"{window} {layers} {steps}"] = found
    print("written:", store("06_window", SETTINGS, {"found": results}).name)
