"""Writing in context with slow weights frozen: which part of the rule does the work?

    python studies/10_in_context.py

makes clcourse/results/10_in_context.json again (about five minutes on one core). Symbols have
labels, and the labels are dealt anew in mid-sequence, unannounced; the label of a symbol is
answered before it is read. Rules: none, Hebbian, gated, delta, DGD, self-modifying.

roomy    6 symbols, 16 dimensions, 36 tokens; "long" asks the same networks 160 tokens, 4 regimes
crowded  12 symbols, 8 dimensions, 48 tokens: more symbols than keys that do not touch

Each rule has the rate of one grid that answers best on validation texts of lanes 100 and up; if it
is the first or the last, the next is tried. In the crowded task the rules that hold most are asked
once more after four times the practice, at the same rate. In "self-modifying, slow targets" the
memories aim at what they began with, not at what they hold by now. "shut" is the trained network
with α = 1 (it forgets nothing), "still" the self-modifying one whose own memories are not written,
main memory aside. Where the task is solved, all that is left to compare is what it costs.
"""

from __future__ import annotations

import time

import torch

import clcourse as cl
from clcourse.nested.in_context import InContext
from clcourse.nested.sequences import practise_sequences, relabelled, share_right
from clcourse.nested.writing import WRITERS
from clcourse.results import store

SETTINGS = {
    "seeds": list(range(10)),
    "other_seeds": list(range(200, 205)),
    "search_seeds": list(range(100, 103)),
    "rates": [3e-3, 1e-2, 3e-2],
    "all_rates": [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0, 3.0],
    "steps": 150,
    "longer": 4,
    "batch": 16,
    "texts": 64,
    "rules": [*WRITERS, "self-modifying, slow targets"],
    "tasks": {"roomy": {"symbols": 6, "length": 36, "width": 16},
              "crowded": {"symbols": 12, "length": 48, "width": 8}},
    "long": {"symbols": 6, "length": 160, "regimes": 4},
}  # fmt: skip


def fresh(rule: str, task: str, seeds) -> InContext:
    """A network that has practised nothing."""
    one, (rule, *slow) = SETTINGS["tasks"][task], rule.split(", ")
    network = InContext(one["symbols"], rule=rule, width=one["width"], seeds=seeds)
    network.layer.own = not slow
    return network


def practised(rule: str, task: str, seeds, lr: float, times: int = 1) -> InContext:
    """A network that has practised on changes of labels."""
    one = SETTINGS["tasks"][task]
    return practise_sequences(
        fresh(rule, task, seeds),
        lambda random: relabelled(one["length"], symbols=one["symbols"],
                                  batch=SETTINGS["batch"], seeds=random),
        steps=times * SETTINGS["steps"], lr=lr)  # fmt: skip


def texts_of(settings: dict, seeds, purpose: str):
    """Texts to ask, the same for all rules."""
    kept = {name: size for name, size in settings.items() if name != "width"}
    return relabelled(
        **kept, batch=SETTINGS["texts"], seeds=cl.LaneRandom(seeds, f"{purpose} texts")
    )


def lanes(values: torch.Tensor) -> list[float]:
    """As stored."""
    return [round(one, 4) for one in values.tolist()]


def by_regime(network: InContext, texts) -> list[list[float]]:
    """Share right in each regime: lanes each."""
    return [lanes(share_right(network, texts, texts.regime == one))
            for one in range(int(texts.regime.max()) + 1)]  # fmt: skip


def searched(rule: str, task: str) -> tuple[float, dict]:
    """The rate that answers validation texts best, with a neighbour tried on both sides."""
    texts = texts_of(SETTINGS["tasks"][task], SETTINGS["search_seeds"], "validation")
    every, wanted, found = SETTINGS["all_rates"], list(SETTINGS["rates"]), {}
    while wanted:
        for lr in wanted:
            network = practised(rule, task, SETTINGS["search_seeds"], lr)
            found[lr] = share_right(network, texts).mean().item()
        best = max(found, key=found.get)
        place = every.index(best)
        wanted = [lr for lr in every[max(0, place - 1) : place + 2] if lr not in found]
        if rule == "none":  # nothing to choose
            break
    return best, {str(lr): round(found[lr], 4) for lr in sorted(found)}


def changed(network: InContext, **parts) -> InContext:
    """A copy with some numbers of its layer set."""
    copy = network.copy()
    with torch.no_grad():
        for name, (place, value) in parts.items():
            getattr(copy.layer, name)[..., place] = value
    return copy


def asked(rule: str, task: str, seeds, lr: float, times: int = 1) -> dict:
    """All that is asked of one rule."""
    start = time.process_time()
    network = practised(rule, task, seeds, lr, times)
    found = {"seconds a lane": round((time.process_time() - start) / len(seeds), 2)}
    slow = [part.clone() for part in network.parameters()]
    texts = texts_of(SETTINGS["tasks"][task], seeds, "test")
    found["seen, by regime"] = by_regime(network, texts)
    if rule not in ("none", "Hebbian"):
        found["shut"] = by_regime(changed(network, bias=(1, 1e9)), texts)
        η_α = network.layer.bias.sigmoid().mean(dim=(0, 1)).tolist()
        found["gates of an empty token"] = [round(one, 3) for one in η_α]
    if rule.startswith("self-modifying"):
        found["still"] = by_regime(changed(network, share=(slice(None), -1e9)), texts)
    if task == "roomy":
        found["long"] = by_regime(network, texts_of(SETTINGS["long"], seeds, "long"))
    one = texts_of(SETTINGS["tasks"][task], seeds, "cost")
    start = time.process_time()
    with torch.no_grad():
        network.logits(one.x)
    tokens = one.y[0].numel() * len(seeds)
    found["microseconds a token"] = round((time.process_time() - start) / tokens * 1e6, 2)
    found["slow weights as before"] = all(
        torch.equal(old, new) for old, new in zip(slow, network.parameters(), strict=True)
    )
    return found


def cell(rule: str, task: str) -> dict:
    """Search, the lanes reported, and others; where it is crowded, after more practice, too."""
    lr, search = searched(rule, task)
    found = {"lr": lr, "search": search,
             "parameters": sum(part[0].numel() for part in fresh(rule, task, 1).parameters()),
             "lanes": asked(rule, task, SETTINGS["seeds"], lr),
             "others": asked(rule, task, SETTINGS["other_seeds"], lr)}  # fmt: skip
    if task == "crowded" and rule not in ("none", "Hebbian"):
        found["lanes, longer"] = asked(rule, task, SETTINGS["seeds"], lr, SETTINGS["longer"])
        found["others, longer"] = asked(rule, task, SETTINGS["other_seeds"], lr, SETTINGS["longer"])
    last = torch.tensor(found["lanes"]["seen, by regime"][-1])
    print(task, rule, lr, "since the change", cl.estimate(last), flush=True)
    return found


PAIRS = (("gated", "Hebbian"), ("delta", "gated"), ("DGD", "delta"), ("self-modifying", "gated"),
         ("self-modifying", "DGD"), ("self-modifying, slow targets", "self-modifying"),
         ("self-modifying, slow targets", "DGD"))  # fmt: skip


def differences(cells: dict) -> dict:
    """Since the change, lane by lane: mean, low, high of each pair of rules, for each group."""
    found = {}
    for task, rules in cells.items():
        for a, b in PAIRS:
            groups = [who for who in rules[a] if who.startswith(("lanes", "others"))]
            found[f"{task}: {a} - {b}"] = {
                who: [round(x, 4) for x in
                      cl.paired(*(rules[rule][who]["seen, by regime"][-1] for rule in (a, b)))[:3]]
                for who in groups if who in rules[b]
            }  # fmt: skip
    return found


def main() -> None:
    """All cells; the differences that matter."""
    cells = {task: {rule: cell(rule, task) for rule in SETTINGS["rules"]}
             for task in SETTINGS["tasks"]}  # fmt: skip
    paired = differences(cells)
    store("10_in_context", settings=SETTINGS, results={"cells": cells, "paired": paired})
    print(*paired.items(), sep="\n")


if __name__ == "__main__":
    main()
