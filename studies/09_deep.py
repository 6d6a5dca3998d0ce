"""Does depth pay in a memory, and what does forgetting do to it?

    python studies/09_deep.py

makes clcourse/results/09_deep.json again (about ten minutes on one core; what is done is kept in
the folder of grown-up networks, so it may be stopped and started again).

A memory reads 1024 keys of length 1, each with its value, and says of every key, before it is told,
what the value will be. "linear": v is a fixed turn of k. "bent": v is what a fixed random network
of two layers makes of k. "changing": the turn is another one from the middle on. The error is that
of the last quarter, relative to the length of the values; 1 is what silence would get. Strength θ,
momentum η and the start are chosen on lanes 100-104 for each rival, α, fade and chunk, from one
grid; the results are those of lanes 0-19, and again of lanes 200-219.
"""

from __future__ import annotations

import functools
import itertools
import json
from statistics import mean

import torch
from torch.nn.functional import normalize, silu

import clcourse as cl
from clcourse.memory import DeepState, deep_memory
from clcourse.pretraining import cache_folder
from clcourse.results import store

torch.set_flush_denormal(True)  # a memory that vanishes would cost up to nine times as much
SETTINGS = {
    "seeds": list(range(20)),
    "other_seeds": list(range(200, 220)),
    "search_seeds": list(range(100, 105)),
    "d": 16,
    "T": 1024,
    "chunk": 32,
    "chunks": [1, 8, 32],
    "tasks": ["linear", "bent", "changing"],
    "bend": 32,
    "θ": [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 1.5],
    "η": [0.0, 0.5, 0.9],
    "η by chunk": [0.0, 0.5],
    "α": [0.0, 0.0003, 0.001, 0.003, 0.01, 0.03],
    "start": [0.25, 1.0],  # of the first layer's weights
}
RIVALS = {  # hidden units of an MLP, and features of a matrix; the weights that are written
    "MLP": {"hidden": 64, "weights": 2048},
    "matrix, fixed features": {"features": 128, "weights": 2048},
    "small MLP": {"hidden": 8, "weights": 256},
    "matrix": {"features": None, "weights": 256},
    "matrix, exact": {"features": None, "weights": 256},
}  # all but the last take the error of a whole chunk at its start
TASKS = ("linear", "bent")  # of the comparison of chunks


@functools.lru_cache(maxsize=4)
def stream(task: str, seeds: tuple[int, ...]):
    """Keys and values (lanes, T + 1, d)."""
    d, T = SETTINGS["d"], SETTINGS["T"]
    random = cl.LaneRandom(seeds, f"deep {task}")
    k = normalize(random.normal(T + 1, d), dim=-1)
    if task == "bent":
        v = torch.relu(k @ random.normal(d, SETTINGS["bend"])) @ random.normal(SETTINGS["bend"], d)
        return k, v / v.square().sum(dim=-1).mean(dim=1).sqrt()[:, None, None]
    turns = [torch.linalg.qr(random.normal(d, d))[0] for _ in range(2)]
    v = k @ turns[0]
    if task == "changing":
        v[:, T // 2 :] = k[:, T // 2 :] @ turns[1]
    return k, v


@functools.lru_cache(maxsize=8)
def weights(rival: str, start: float, seeds: tuple[int, ...], d: int) -> tuple[torch.Tensor, ...]:
    """The weights of an MLP when it begins; the fixed features of a matrix."""
    random = cl.LaneRandom(seeds, f"deep {rival}")
    if "MLP" in rival:
        h = RIVALS[rival]["hidden"]
        return start * random.normal(d, h), random.normal(h, d) / h**0.5
    return (random.normal(d, RIVALS[rival]["features"]),)


def told(rival: str, q, k, v, gates, *, start, seeds, chunk, fade):
    """What the memory says of q after each token (α, lanes, T, d); None if it explodes.

    gates: θ, η, and the α of each row; all rows share the lanes' streams.
    """
    θ, η, α = gates
    d = k.shape[-1]
    if "features" in rival:
        F = weights(rival, 1.0, seeds, d)[0]
        q, k = (normalize(silu(x @ F), dim=-1) for x in (q, k))
    shape = (len(α), *k.shape[:-1])
    q, k, v = (x.expand(len(α), *x.shape) for x in (q, k, v))
    gates = [torch.full(shape, one) for one in (θ, η)]
    gates.append(torch.tensor(α)[:, None, None].expand(shape))
    try:
        if rival == "matrix, exact":
            return cl.linear_memory(q, k, v, *gates)[0]
        first = (torch.zeros(len(seeds), k.shape[-1], d),)
        if "MLP" in rival:
            first = weights(rival, start, seeds, d)
        first = [R.expand(len(α), *R.shape) for R in first]
        return deep_memory(q, k, v, *gates, DeepState.of(*first), chunk=chunk, fade=fade)[0]
    except cl.CourseError:
        return None


def errors(rival, task, seeds, gates, *, start=1.0, chunk=None, fade="zero") -> list[dict | None]:
    """For each α: {"error": lanes, "cosine": lanes} in the last quarter; None if it explodes."""
    θ, η, α = gates
    k, v = stream(task, tuple(seeds))
    chunk = chunk or SETTINGS["chunk"]
    y = told(rival, k[:, 1:], k[:, :-1], v[:, :-1], gates, start=start, seeds=tuple(seeds),
             chunk=chunk, fade=fade)  # fmt: skip
    if y is None and len(α) > 1:  # the smaller α, the sooner it explodes
        last = errors(rival, task, seeds, (θ, η, α[-1:]), start=start, chunk=chunk, fade=fade)
        if last == [None]:
            return [None] * len(α)
        return errors(rival, task, seeds, (θ, η, α[:-1]), start=start, chunk=chunk,
                      fade=fade) + last  # fmt: skip
    if y is None:
        return [None]
    late = slice(-SETTINGS["T"] // 4, None)
    y, v = y[:, :, late], v[:, late]
    error = ((y - v).square().sum(dim=(-1, -2)) / v.square().sum(dim=(-1, -2))).sqrt()
    cosine = torch.cosine_similarity(y, v.expand_as(y), dim=-1).mean(dim=-1)
    return [{"error": lanes(e), "cosine": lanes(c)} for e, c in zip(error, cosine, strict=True)]


def lanes(values: torch.Tensor) -> list[float]:
    return [round(one, 4) for one in values.tolist()]


def grid(rival: str, which: str = "η"):
    """The settings to choose from; a matrix begins at zero, and has no start."""
    starts = SETTINGS["start"] if "MLP" in rival else [1.0]
    return list(itertools.product(starts, SETTINGS["θ"], SETTINGS[which]))


def searched(rival: str, task: str, *, chunk: int, fade: str, α, which="η") -> list[dict]:
    """For each α the best setting on the search lanes, and what it gets on the others."""
    tried = {(start, θ, η): errors(rival, task, SETTINGS["search_seeds"], (θ, η, list(α)),
                                   start=start, chunk=chunk, fade=fade)
             for start, θ, η in grid(rival, which)}  # fmt: skip
    found = []
    for row, one in enumerate(α):
        able = {setting: mean(each[row]["error"]) for setting, each in tried.items() if each[row]}
        start, θ, η = min(able, key=able.get)
        more = {to: errors(rival, task, SETTINGS[name], (θ, η, [one]), start=start, chunk=chunk,
                           fade=fade)[0]
                for to, name in (("lanes", "seeds"), ("others", "other_seeds"))}  # fmt: skip
        found.append({"α": one, "θ": θ, "η": η, "start": start,
                      "search": round(able[start, θ, η], 4)} | more)  # fmt: skip
    return found


def forgetting(kept: dict) -> dict:
    """{task: {rival: {fade: one entry for each α}}}."""
    return {task: {rival: {fade: part(kept, f"{task} {rival} {fade}", functools.partial(
        searched, rival, task, chunk=SETTINGS["chunk"], fade=fade, α=SETTINGS["α"]))
        for fade in (("zero", "start") if "MLP" in rival else ("zero",))}
        for rival in RIVALS} for task in SETTINGS["tasks"]}  # fmt: skip


def by_chunk(kept: dict) -> dict:
    """{task: {rival: {chunk: one entry}}}, without forgetting."""
    found: dict = {}
    chunked = ((rival, chunk) for rival in ("matrix", "matrix, fixed features", "MLP")
               for chunk in reversed(SETTINGS["chunks"]))  # fmt: skip
    for (rival, chunk), task in itertools.product((("matrix, exact", 32), *chunked), TASKS):
        make = functools.partial(searched, rival, task, chunk=chunk, fade="zero", α=[0.0],
                                 which="η by chunk")  # fmt: skip
        [one] = part(kept, f"chunk {chunk} {task} {rival}", make)
        found.setdefault(task, {}).setdefault(rival, {})[str(chunk)] = one
    return found


def best_linear(task: str, name: str) -> list[float]:
    """The error of the best fixed matrix, fitted to the last quarter itself."""
    k, v = (x[:, -SETTINGS["T"] // 4 :] for x in stream(task, tuple(SETTINGS[name])))
    rest = v - k @ torch.linalg.lstsq(k, v).solution
    return lanes((rest.square().sum(dim=(1, 2)) / v.square().sum(dim=(1, 2))).sqrt())


# -- as the weights vanish --

COLLAPSE = {"d": 64, "hidden": 256, "chunk": 32, "θ": 0.05, "η": 0.5, "T": 2048,
            "α": [0.0, 0.001, 0.01], "every": 2}  # fmt: skip


def collapse(fade: str, α: float, seeds) -> dict:
    """Weights, relative to their start, and errors of a linear task, chunk by chunk."""
    d, h, T, C = (COLLAPSE[name] for name in ("d", "hidden", "T", "chunk"))
    random = cl.LaneRandom(seeds, "collapse")
    k = normalize(random.normal(T + 1, d), dim=-1)
    v = k @ torch.linalg.qr(random.normal(d, d))[0]
    state = DeepState.of(random.normal(d, h) / d**0.5, random.normal(h, d) / h**0.5)
    start = [R.square().sum(dim=(1, 2)).sqrt() for R in state.R]
    found: dict = {"first layer": [], "second layer": [], "error": [], "error after writing": []}
    for at in range(0, T, C):
        piece = slice(at, at + C)
        gates = [torch.full((len(seeds), C), gate) for gate in (COLLAPSE["θ"], COLLAPSE["η"], α)]
        old, target = state, v[:, at + 1 : at + C + 1]
        y, state = deep_memory(k[:, at + 1 : at + C + 1], k[:, piece], v[:, piece], *gates, old,
                               chunk=C, fade=fade)  # fmt: skip
        same, _ = deep_memory(k[:, piece], k[:, piece], v[:, piece], *gates, old, chunk=C,
                              fade=fade)  # fmt: skip
        for name, R, first in zip(found, state.R, start, strict=False):
            found[name].append(R.square().sum(dim=(1, 2)).sqrt() / first)
        found["error"].append((y - target).norm(dim=-1).square().mean(dim=1))
        found["error after writing"].append((same - v[:, piece]).norm(dim=-1).square().mean(dim=1))
    rows = {name: torch.stack(each, dim=1) for name, each in found.items()}
    last = {f"{name}, last quarter": lanes(rows[name][:, -T // C // 4 :].mean(dim=1).sqrt())
            for name in ("error", "error after writing")}  # fmt: skip
    rows["error"] = rows["error"].sqrt()
    few = {name: [[float(f"{x:.3g}") for x in lane[1 :: COLLAPSE["every"]]]
                  for lane in rows[name].tolist()]
           for name in ("first layer", "second layer", "error")}  # fmt: skip
    return few | last


# -- how many pairs fit --

PAIRS = {"pairs": [8, 16, 32, 64, 128], "passes": [1, 8], "values": 32, "chunk": 8}


def recalled(rival: str, n: int, passes: int, seeds, setting) -> list[float] | None:
    """The share of n pairs whose value, one of 32, is nearest after so many passes."""
    start, θ, η = setting
    d, random = SETTINGS["d"], cl.LaneRandom(seeds, f"pairs {n}")
    table = normalize(random.normal(PAIRS["values"], d), dim=-1)
    keys, values = normalize(random.normal(n, d), dim=-1), random.integers(n, PAIRS["values"])
    v = table.gather(1, values[..., None].expand(-1, -1, d))
    order = torch.cat([random.permutation(n) for _ in range(passes)], dim=1)
    k, w = (x.gather(1, order[..., None].expand(-1, -1, d)) for x in (keys, v))
    y = answered(rival, keys, k, w, (θ, η), start, tuple(seeds))
    if y is None:
        return None
    right = (y @ table.mT).argmax(dim=-1) == values
    return lanes(right.float().mean(dim=1))


def answered(rival, asked, k, v, gates, start, seeds):
    """What a memory that has read k and v says of the keys asked, while nothing is written."""
    d = k.shape[-1]
    if "features" in rival:
        F = weights(rival, 1.0, seeds, d)[0]
        asked, k = (normalize(silu(x @ F), dim=-1) for x in (asked, k))
    θ, η = (torch.full(k.shape[:-1], gate) for gate in gates)
    try:
        if rival == "matrix, exact":
            return asked @ cl.linear_memory(k, k, v, θ, η, 0 * θ)[1].M
        first = (torch.zeros(len(seeds), k.shape[-1], d),)
        if "MLP" in rival:
            first = weights(rival, start, seeds, d)
        R = deep_memory(k, k, v, θ, η, 0 * θ, DeepState.of(*first), chunk=PAIRS["chunk"])[1].R
    except cl.CourseError:
        return None
    for layer in R[:-1]:
        asked = silu(asked @ layer)
    return asked @ R[-1]


def capacity(rival: str, passes: int) -> dict:
    """{pairs: the setting chosen on the search lanes, and its recall on others}."""
    found = {}
    for n in PAIRS["pairs"]:
        tried = {one: recalled(rival, n, passes, SETTINGS["search_seeds"], one)
                 for one in grid(rival)}  # fmt: skip
        best = max((one for one in tried if tried[one]), key=lambda one: mean(tried[one]))
        found[str(n)] = dict(zip(("start", "θ", "η"), best, strict=True)) | {
            to: recalled(rival, n, passes, SETTINGS[name], best)
            for to, name in (("lanes", "seeds"), ("others", "other_seeds"))}  # fmt: skip
    return found


def part(kept: dict, name: str, make):
    """Make a part of the study once, and keep it on disk."""
    if name not in kept:
        kept[name] = make()
        path = cache_folder() / "09_deep_parts.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".unfinished").write_text(json.dumps(kept))
        path.with_suffix(".unfinished").replace(path)
        print(name, flush=True)
    return kept[name]


if __name__ == "__main__":
    path = cache_folder() / "09_deep_parts.json"
    kept = json.loads(path.read_text()) if path.exists() else {}
    shown = {fade: {str(α): {name: part(kept, f"collapse {fade} {α} {name}", functools.partial(
        collapse, fade, α, SETTINGS[name])) for name in ("seeds", "other_seeds")}
        for α in COLLAPSE["α"]} for fade in ("zero", "start")}  # fmt: skip
    pairs = {str(passes): {rival: part(kept, f"pairs {passes} {rival}", functools.partial(
        capacity, rival, passes)) for rival in RIVALS} for passes in PAIRS["passes"]}  # fmt: skip
    found = {
        "collapse": shown,
        "forgetting": forgetting(kept),
        "pairs": pairs,
        "chunks": by_chunk(kept),
        "best fixed matrix": {task: {name: best_linear(task, name)
                                     for name in ("seeds", "other_seeds")}
                              for task in SETTINGS["tasks"]},
    }  # fmt: skip
    settings = SETTINGS | {"rivals": RIVALS, "collapse": COLLAPSE, "pairs": PAIRS}
    store("09_deep", settings, found)
