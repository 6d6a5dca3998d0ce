"""A small HOPE against a transformer of equal size and equal tuning, and against its own parts.

    python studies/10_hope.py

makes clcourse/results/10_hope.json again (about half an hour on one core; what is done is kept
beside the practised networks, so it may be stopped and started again).

parity, modulo 3   the sum so far of 16 digits; asked up to 256
recall             6 symbols whose labels are dealt anew in mid-text, told or asked at random, in 32
                   tokens; asked up to 128, 2 regimes each

All have one mixer and MLPs with as many weights: two that learn online (a step in 4 and in 16
tokens) or three plain ones. The LSTM has no MLPs, and as many weights in all as the others. The
fair rivals of HOPE are its own mixer with plain MLPs, attention with places or a slope or both, the
same in two blocks (attention, an MLP, and both again: as many weights), and the LSTM. For
modulo 3 two more read every digit twice, so that a digit may turn the state by two reflections
(after DeltaProduct: Siems et al. 2025). For parity the self-modifying mixer is asked once more with
slow targets: its memories then aim at what they began with, not at what they hold by now.

Each has the rate of one grid that answers best on validation texts of lanes 100 and up, after 200
steps at the length practised; where that is the first or last, the next is tried. All are asked
once more after three times the practice, at the same rate. The length practised does not tell which
rate serves longer texts: so parity is asked of three models at every rate, too. Nor does a search
of 200 steps tell which rate serves 2,400: so those that learnt nothing, or slowly, are asked at
every rate after twelve times the practice.
"""

from __future__ import annotations

import copy
import time

import torch
import torch.nn.functional as F
from parts import Parts
from torch import nn

import clcourse as cl
from clcourse.nested.hope import Attention, Hope
from clcourse.nested.sequences import (
    Sequences,
    counted,
    practise_sequences,
    relabelled,
    share_right,
)
from clcourse.results import store

PLAIN, ONLINE = [None, None, None], [4, 16]
SETTINGS = {
    "seeds": list(range(10)),
    "other_seeds": list(range(200, 205)),
    "search_seeds": list(range(100, 108)),
    "rates": [3e-3, 1e-2, 3e-2],
    "all_rates": [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0, 3.0],
    "steps": 200,
    "batch": 8,
    "texts": 32,
    "practice": [1, 3],
    "by_rate": {"rates": [3e-3, 1e-2, 3e-2, 1e-1], "models": ["delta", "DGD", "self-modifying"]},
    "longer": {
        "times": 12, "rates": [1e-3, 3e-3, 1e-2, 3e-2],
        "parity": ["transformer, places", "transformer, places and slope", "two blocks, places",
                   "two blocks, places and slope"],
        "recall": ["LSTM"],
    },
    "cost": {"length": 64, "batch": 16, "rounds": 7},
    "lengths": {"parity": [16, 32, 64, 256], "modulo 3": [16, 32, 64, 256],
                "recall": [32, 64, 128]},
    "models": {
        "transformer": {"mixer": "attention", "periods": PLAIN},
        "transformer, slope": {"mixer": "attention", "periods": PLAIN, "slope": True},
        "gated": {"mixer": "gated", "periods": PLAIN},
        "delta": {"mixer": "delta", "periods": PLAIN},
        "DGD": {"mixer": "DGD", "periods": PLAIN},
        "self-modifying": {"mixer": "self-modifying", "periods": PLAIN},
        "HOPE": {"mixer": "self-modifying", "periods": ONLINE},
        "Hope-Attention, slope": {"mixer": "attention", "periods": ONLINE, "slope": True},
        "LSTM": {"hidden": 25},
        "transformer, places": {"mixer": "attention", "periods": PLAIN, "places": True},
        "transformer, places and slope":
            {"mixer": "attention", "periods": PLAIN, "places": True, "slope": True},
        "two blocks, places": {"blocks": 2, "places": True},
        "two blocks, places and slope": {"blocks": 2, "places": True, "slope": True},
    },
    "extra": {
        "parity": {"self-modifying, slow targets":
                   {"mixer": "self-modifying", "periods": PLAIN, "own": False}},
        "modulo 3": {"delta, read twice": {"mixer": "delta", "periods": PLAIN},
                     "DGD, read twice": {"mixer": "DGD", "periods": PLAIN}},
    },
}  # fmt: skip
KEYS = 6


class Blocks(Hope):
    """A transformer of two blocks: attention and a plain MLP, then both once more."""

    def __init__(self, vocabulary: int, classes: int, *, blocks: int, seeds, **kind) -> None:
        super().__init__(vocabulary, classes, mixer="attention", periods=[None] * blocks,
                         seeds=seeds, **kind)  # fmt: skip
        width = self.E.shape[-1]
        self.mixers = nn.ModuleList(
            Attention(width, None, kind.get("slope", False), seeds, block)
            for block in range(1, blocks)
        )
        self.norms = nn.ParameterList(
            nn.Parameter(torch.ones_like(self.before)) for _ in range(1, blocks)
        )
        self.to(self.E.device)

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        """Of a text that begins here."""
        h = self.embedded(x)
        mixers, norms = [self.mixer, *self.mixers], [self.before, *self.norms]
        for mixer, norm, mlp in zip(mixers, norms, self.mlps, strict=True):
            h = h + mixer(F.rms_norm(h, h.shape[-1:], eps=1e-5) * norm)[0]
            h = mlp(h)[0]
        return self.said(h)


class Lstm(nn.Module):
    """A long short-term memory (Hochreiter & Schmidhuber 1997), lanes side by side; as in torch."""

    def __init__(self, vocabulary: int, classes: int, *, hidden: int, seeds) -> None:
        super().__init__()
        random, width = cl.LaneRandom(seeds, "lstm"), 16
        self.seeds, self.hidden = random.seeds, hidden

        def matrix(rows: int) -> nn.Parameter:
            numbers = 2 * random.uniform(rows * 4 * hidden) - 1
            return nn.Parameter(numbers.reshape(-1, rows, 4 * hidden).float() / hidden**0.5)

        self.E = nn.Parameter(random.normal(vocabulary, width))
        self.W, self.R, self.b, self.c = (matrix(rows) for rows in (width, hidden, 1, 1))
        self.U = nn.Parameter(random.normal(hidden, classes) / hidden**0.5)
        self.to(cl.seeds.device())

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        """Tokens (seeds, batch, T) or (…, T, parts) → logits after each of them."""
        lane = torch.arange(len(x), device=x.device).reshape(-1, *[1] * (x.dim() - 1))
        rows = self.E[lane, x]
        h = self.states(rows.sum(dim=3) if rows.dim() == 5 else rows)
        return (h.flatten(1, 2) @ self.U).unflatten(1, x.shape[1:3])

    def states(self, x: torch.Tensor) -> torch.Tensor:
        """Vectors (seeds, batch, T, width) → (seeds, batch, T, hidden)."""
        given = torch.baddbmm(self.b + self.c, x.flatten(1, 2), self.W).unflatten(1, x.shape[1:3])
        h = kept = x.new_zeros(*x.shape[:2], self.hidden)
        states = []
        for one in given.unbind(dim=2):
            i, f, g, o = torch.baddbmm(one, h, self.R).split(self.hidden, dim=-1)
            kept = torch.sigmoid(f) * kept + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(kept)
            states.append(h)
        return torch.stack(states, dim=2)

    def copy(self):
        """The same network again, to be practised on its own."""
        return copy.deepcopy(self)


def drawn(task: str, length: int, batch: int, random: cl.LaneRandom, twice: bool = False):
    """Texts of a task, as tokens of one vocabulary; twice: each digit once more, then asked."""
    if task == "recall":
        texts = relabelled(length, symbols=KEYS, told=0.5, batch=batch, seeds=random)
        return texts._replace(x=texts.x + torch.tensor([0, KEYS], device=texts.x.device))
    base = 2 if task == "parity" else 3
    texts = counted(length, base=base, batch=batch, seeds=random)
    if not twice:
        return texts
    x = torch.stack([texts.x, texts.x + base], dim=-1).flatten(-2)
    y, regime = (part.repeat_interleave(2, dim=-1) for part in (texts.y, texts.regime))
    return Sequences(x, y, (x >= base), regime)


def kinds(task: str) -> dict[str, dict]:
    """The models that are asked in a task."""
    return SETTINGS["models"] | SETTINGS["extra"].get(task, {})


def fresh(task: str, model: str, seeds) -> Hope | Lstm:
    """A network that has practised nothing."""
    kind = dict(kinds(task)[model])
    own = kind.pop("own", True)
    words, classes = {"parity": (2, 2), "modulo 3": (3, 3)}.get(task, (2 * KEYS + 1, KEYS))
    words = 2 * words if "twice" in model else words
    make = Lstm if "hidden" in kind else Blocks if "blocks" in kind else Hope
    network = make(words, classes, seeds=seeds, **kind)
    if not own:
        network.mixer.own = False
    return network


def practised(task: str, model: str, seeds, lr: float, times: int = 1) -> Hope | Lstm:
    """A network of this kind that has practised this task."""
    length, batch = SETTINGS["lengths"][task][0], SETTINGS["batch"]
    return practise_sequences(
        fresh(task, model, seeds),
        lambda random: drawn(task, length, batch, random, "twice" in model),
        steps=times * SETTINGS["steps"], lr=lr)  # fmt: skip


def right(network, task: str, model: str, length: int, purpose: str = "test") -> list[float]:
    """Share right, lanes each: of recall after the labels were dealt anew, of counts at the end.

    The end: the last quarter, so that an early answer, which is easy, does not count.
    """
    random = cl.LaneRandom(network.seeds, f"{purpose} {task} {length}")
    texts = drawn(task, length, SETTINGS["texts"], random, "twice" in model)
    place, tokens = torch.arange(texts.y.shape[-1], device=texts.x.device), texts.y.shape[-1]
    late = texts.regime == 1 if task == "recall" else (place >= 3 * tokens // 4).expand_as(texts.y)
    return [round(one, 4) for one in share_right(network, texts, late).tolist()]


def tried(task: str, model: str, lr: float) -> dict:
    """One rate on the lanes of the search; a network that bursts is right nowhere."""
    try:
        network = practised(task, model, SETTINGS["search_seeds"], lr)
    except cl.CourseError:
        return {"right": 0.0}
    lanes = right(network, task, model, SETTINGS["lengths"][task][0], "validation")
    return {"right": sum(lanes) / len(lanes)}


def asked(task: str, model: str, lr: float, times: int) -> dict:
    """All lengths, and what practising and reading cost: the lanes reported, then fresh ones."""
    seeds = SETTINGS["seeds"] + SETTINGS["other_seeds"]
    count = len(SETTINGS["seeds"])
    start = time.process_time()
    network = practised(task, model, seeds, lr, times)
    found = {"seconds a lane": round((time.process_time() - start) / len(seeds), 2)}
    for length in SETTINGS["lengths"][task]:
        start = time.process_time()
        lanes = right(network, task, model, length)
        tokens = len(seeds) * SETTINGS["texts"] * length
        found |= {
            str(length): lanes[:count],
            f"{length}, others": lanes[count:],
            f"{length}, microseconds a token": round(
                (time.process_time() - start) / tokens * 1e6, 1
            ),
        }
    return found


def searched(task: str, model: str, parts: Parts) -> tuple[float, dict]:
    """The rate that answers validation texts best, with a neighbour tried on both sides."""
    every, wanted, search = SETTINGS["all_rates"], list(SETTINGS["rates"]), {}
    while wanted:
        for lr in wanted:
            part = parts(f"{task}|{model}|{lr}", lambda lr=lr: tried(task, model, lr))
            search[lr] = part["right"]
        best = max(search, key=search.get)
        place = every.index(best)
        wanted = [one for one in every[max(0, place - 1) : place + 2] if one not in search]
    return best, {str(one): round(search[one], 4) for one in sorted(search)}


def cell(task: str, model: str, times: int, parts: Parts) -> dict:
    """The search, the rate chosen, and the results on lanes that had no part in it."""
    lr, search = searched(task, model, parts)
    found = {"lr": lr, "search": search}
    for one in SETTINGS["practice"]:
        if one <= times:
            found[f"practice x {one}"] = parts(
                f"{task}|{model}|{lr}|x{one}",
                lambda one=one: asked(task, model, lr, one),
            )
    return found


def weights(task: str, model: str) -> int:
    """Parameters of one network."""
    return sum(θ[0].numel() for θ in fresh(task, model, 1).parameters())


def cost() -> dict:
    """Microseconds a token and lane to read modulo 3, best of interleaved rounds; not practised."""
    one, best = SETTINGS["cost"], {}
    seeds = SETTINGS["seeds"]
    models = {model: fresh("modulo 3", model, seeds)
              for model in kinds("modulo 3")}  # fmt: skip
    for _ in range(one["rounds"]):
        for model, network in models.items():
            random = cl.LaneRandom(seeds, "cost")
            texts = drawn("modulo 3", one["length"], one["batch"], random, "twice" in model)
            start = time.process_time()
            with torch.no_grad():
                network.logits(texts.x)
            took = (time.process_time() - start) / (len(seeds) * one["batch"] * one["length"])
            best[model] = min(best.get(model, took), took)
    return {model: round(took * 1e6, 2) for model, took in best.items()}


def differences(cells: dict, times: int) -> dict:
    """HOPE, or its mixer with plain MLPs, minus each other model after equal practice.

    Lane by lane: mean, low, high; then the same for fresh lanes.
    """
    found, practice = {}, f"practice x {times}"
    for task, models in cells.items():
        for length in SETTINGS["lengths"][task]:
            for mine in ("HOPE", "self-modifying"):
                for model, one in models.items():
                    if model not in (mine, "HOPE") and practice in one:
                        found[f"{task} {length}: {mine} - {model}, {practice}"] = [
                            [round(x, 4) for x in
                             cl.paired(models[mine][practice][name], one[practice][name])[:3]]
                            for name in (f"{length}", f"{length}, others")
                        ]  # fmt: skip
    return found


def by_rate(parts: Parts) -> dict:
    """Parity after the longer practice at every rate, whichever the search chose."""
    one, most = SETTINGS["by_rate"], SETTINGS["practice"][-1]
    return {model: {str(lr): parts(f"parity|{model}|{lr}|x{most}",
                                   lambda model=model, lr=lr: asked("parity", model, lr, most))
                    for lr in one["rates"]} for model in one["models"]}  # fmt: skip


def longer(parts: Parts) -> dict:
    """Twelve times the practice, at every rate: what the rate of a short search cannot tell."""
    one = SETTINGS["longer"]
    return {task: {model: {str(lr): parts(f"{task}|{model}|{lr}|x{one['times']}",
                                          lambda task=task, model=model, lr=lr:
                                          asked(task, model, lr, one["times"]))
                           for lr in one["rates"]} for model in one[task]}
            for task in ("parity", "recall")}  # fmt: skip


def main() -> None:
    """All cells with little practice, then with more; stored before the longest, and after it."""
    parts, cells = Parts("10_hope"), {}
    sizes = {task: {model: weights(task, model) for model in kinds(task)}
             for task in SETTINGS["lengths"]}  # fmt: skip
    for times in SETTINGS["practice"]:
        for task in sizes:
            cells[task] = {model: cell(task, model, times, parts) for model in kinds(task)}
    paired = {name: one for times in SETTINGS["practice"]
              for name, one in differences(cells, times).items()}  # fmt: skip
    results = {"weights": sizes, "cost": parts("cost", cost), "cells": cells, "paired": paired,
               "by rate": by_rate(parts)}  # fmt: skip
    print("written:", store("10_hope", SETTINGS, results).name, flush=True)
    print("written:", store("10_hope", SETTINGS, results | {"longer": longer(parts)}).name)


if __name__ == "__main__":
    main()
