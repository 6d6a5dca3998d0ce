"""Where forgetting helps a memory that nobody trained, where it does not, and the same of momentum.

    python studies/09_gates.py

makes clcourse/results/09_gates.json again (about six minutes on one core; what is done is kept in
the folder of grown-up networks, so it may be stopped and started again).

A stream of 1024 pairs is written into a matrix memory: random keys of length 1, and one of 32
values, which are random directions. Asked for a key, the nearest value wins (chance 1/32). "new":
no key ever returns. "changing": as many keys as the memory is wide return again and again, each
time with a new value, and only the newest counts. Asked are, after N pairs, the last 16, the first
16 and all. Strength θ and forgetting α of each rival are chosen on lanes 100-109 for each N and
each question, from one grid; the results are those of lanes 0-19, and again of lanes 200-219.
"""

from __future__ import annotations

import functools
import itertools
import json

import torch
from torch.nn.functional import normalize

import clcourse as cl
from clcourse.pretraining import cache_folder
from clcourse.results import store

SETTINGS = {
    "seeds": list(range(20)),
    "other_seeds": list(range(200, 220)),
    "search_seeds": list(range(100, 110)),
    "streams": 4,  # of each lane
    "widths": [16, 32],
    "lengths": [16, 32, 64, 128, 256, 512, 1024],
    "asked": 16,
    "values": 32,
    "θ": [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.85, 1.0, 1.2, 1.5],
    "η": [0.0, 0.3, 0.6, 0.9],
    "α": [0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.7],
    "slow θ": 0.1,
}
RIVALS = {  # what is fixed; the search chooses the rest
    "delta": {"η": 0.0, "α": 0.0},
    "delta, forgetting": {"η": 0.0},
    "delta, α = 0.03": {"η": 0.0, "α": 0.03},
    "slow": {"η": 0.0, "α": 0.0, "θ": SETTINGS["slow θ"]},
    "slow, forgetting": {"η": 0.0, "θ": SETTINGS["slow θ"]},
    **{f"momentum {η}{more}": {"η": η, **fixed} for η in SETTINGS["η"][1:]
       for more, fixed in (("", {"α": 0.0}), (", forgetting", {}))},
    "Hebbian": {"η": None, "α": 0.0},
    "Hebbian, forgetting": {"η": None},
}  # fmt: skip
QUESTIONS = {"new": ("last", "first", "all"), "changing": ("last", "all")}


@functools.lru_cache(maxsize=4)
def drawn(kind: str, d: int, seeds: tuple[int, ...]):
    """Keys (lanes, streams, T, d), the number of each value (lanes, streams, T), the values, and
    which key it is (lanes, streams, T)."""
    random = cl.LaneRandom(seeds, f"gates {kind} {d}")
    B, T = SETTINGS["streams"], SETTINGS["lengths"][-1]
    table = normalize(random.normal(SETTINGS["values"], d), dim=-1)
    count = T if kind == "new" else d
    keys = normalize(random.normal(B, count, d), dim=-1)
    which = torch.arange(T).expand(len(seeds), B, T)
    if kind == "changing":
        which = random.integers(B * T, count).view(len(seeds), B, T)
        keys = keys.gather(2, which[..., None].expand(-1, -1, -1, d))
    values = random.integers(B * T, SETTINGS["values"]).view(len(seeds), B, T)
    return keys, values, table, which


def memories(keys, v, θ: float, η: float | None, α: float, lengths):
    """M after each of the lengths; η None: the Hebbian write, without the error."""
    if η is None:
        age = torch.arange(keys.shape[2]).flip(0).to(keys)
        for N in lengths:
            left = (1 - α) ** age[-N:, None]
            yield (keys[:, :, :N] * left).mT @ v[:, :, :N]
        return
    state, at = None, 0
    gates = [torch.full(keys.shape[:-1], gate) for gate in (θ, η, α)]
    for N in lengths:
        k, w, *some = (x[:, :, at:N] for x in (keys, v, *gates))
        state, at = cl.linear_memory(k, k, w, *some, state)[1], N
        yield state.M


def newest(which: torch.Tensor) -> torch.Tensor:
    """Of the tokens (lanes, streams, N): whether their key never comes again."""
    N, count = which.shape[-1], int(which.max()) + 1
    last = torch.zeros(*which.shape[:-1], count, dtype=torch.long)
    last.scatter_reduce_(-1, which, torch.arange(N).expand_as(which), "amax")
    return last.gather(-1, which) == torch.arange(N)


def recalled(kind: str, d: int, seeds, θ, η, α) -> dict:
    """{question: {N: lanes}}; None where the memory explodes."""
    keys, values, table, which = drawn(kind, d, tuple(seeds))
    v = table[:, None].expand(-1, keys.shape[1], -1, -1).gather(
        2, values[..., None].expand(-1, -1, -1, d))  # fmt: skip
    found: dict = {question: {} for question in QUESTIONS[kind]}
    try:
        for N, M in zip(SETTINGS["lengths"], memories(keys, v, θ, η, α, SETTINGS["lengths"]),
                        strict=True):  # fmt: skip
            said = keys[:, :, :N] @ M @ table[:, None].mT
            right = (said.argmax(dim=-1) == values[:, :, :N]).float()
            counts = newest(which[:, :, :N]).float()
            place = torch.arange(N)
            asked = {"last": place >= N - SETTINGS["asked"], "first": place < SETTINGS["asked"],
                     "all": place >= 0}  # fmt: skip
            for question in found:
                weight = counts * asked[question]
                share = (right * weight).sum(dim=(1, 2)) / weight.sum(dim=(1, 2))
                found[question][str(N)] = [round(one, 4) for one in share.tolist()]
    except cl.CourseError:
        return None
    return found


def settings_of(fixed: dict) -> list[tuple]:
    """The settings a rival may choose from. The Hebbian answer does not depend on θ."""
    free = {name: [fixed[name]] if name in fixed else SETTINGS[name] for name in "θηα"}
    if fixed["η"] is None:
        free["θ"] = [1.0]
    return list(itertools.product(free["θ"], free["η"], free["α"]))


def search(kind: str, d: int) -> dict[tuple, dict]:
    """What each setting of the grid recalls on the search lanes, in the mean."""
    seeds, found = SETTINGS["search_seeds"], {}
    for setting in dict.fromkeys(one for fixed in RIVALS.values() for one in settings_of(fixed)):
        each = recalled(kind, d, seeds, *setting)
        found[setting] = each and {
            question: {N: sum(lanes) / len(lanes) for N, lanes in by.items()}
            for question, by in each.items()}  # fmt: skip
    return found


def world(kind: str, d: int) -> dict:
    """{question: {N: {rival: chosen setting, lanes, others, edge}}} and the map of the search."""
    grid = search(kind, d)
    once = functools.cache(lambda name, setting: recalled(kind, d, SETTINGS[name], *setting))
    found: dict = {}
    for question, N, (rival, fixed) in itertools.product(
            QUESTIONS[kind], map(str, SETTINGS["lengths"]), RIVALS.items()):  # fmt: skip
        tried = {one: grid[one][question][N] for one in settings_of(fixed) if grid[one]}
        best = max(tried, key=tried.get)
        found.setdefault(question, {}).setdefault(N, {})[rival] = {
            "θηα": list(best),
            "lanes": once("seeds", best)[question][N],
            "others": once("other_seeds", best)[question][N],
        }
    shown = {question: {N: [[_mean(grid[θ, 0.0, α], question, N) for α in SETTINGS["α"]]
                            for θ in SETTINGS["θ"]] for N in ("64", "256", "1024")}
             for question in QUESTIONS[kind]}  # fmt: skip
    return {"recall": found, "search, η = 0 (θ by α)": shown}


def _mean(found, question: str, N: str):
    return found and round(found[question][N], 3)


# -- where momentum could help --

CASES = {
    "once": "32 pairs, each shown once",
    "noisy": "16 keys, each shown 8 times in random order; noise twice as long as the value",
    "blocks": "32 pairs, each shown 4 times in a row; noise twice as long as the value",
    "alike": "16 keys that share half of their direction, shown 16 times each, without noise",
    "late": "32 pairs whose value comes one token after its key, at another key",
    "late, mixed keys": "the same, but each key is the sum of a token's key and the one before",
}
MOMENTUM = {"η": [0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9], "α": [0.0, 0.003, 0.01, 0.03, 0.1], "d": 16}


@functools.lru_cache(maxsize=2)
def shown(case: str, seeds: tuple[int, ...]):
    """Keys and what is written (lanes, streams, T, d), the keys asked, their values, the table."""
    random, d, B = cl.LaneRandom(seeds, f"momentum {case}"), MOMENTUM["d"], SETTINGS["streams"]
    n = 16 if case in ("noisy", "alike") else 32
    table = normalize(random.normal(SETTINGS["values"], d), dim=-1)
    keys = random.normal(B, n, d)
    if case == "alike":
        keys = keys + random.normal(B, 1, d)
    keys = normalize(keys, dim=-1)
    values = random.integers(B * n, SETTINGS["values"]).view(len(seeds), B, n)
    v = table[:, None].expand(-1, B, -1, -1).gather(2, values[..., None].expand(-1, -1, -1, d))
    if case.startswith("late"):
        others = normalize(random.normal(B, n, d), dim=-1)
        k = torch.stack([keys, others], dim=3).flatten(2, 3)
        w = torch.stack([torch.zeros_like(v), v], dim=3).flatten(2, 3)
        if case.endswith("mixed keys"):
            before = torch.nn.functional.pad(k, (0, 0, 1, 0))[:, :, :-1]
            k = normalize(k + before, dim=-1)
        return k, w, keys, values, table
    times = {"once": 1, "noisy": 8, "blocks": 4, "alike": 16}[case]
    if case == "blocks":
        order = torch.arange(n).repeat_interleave(times).expand(len(seeds), B, -1)
    else:
        passes = [random.permutation(n) for _ in range(B * times)]
        order = torch.stack(passes, dim=1).view(len(seeds), B, times * n)
    k, w = (x.gather(2, order[..., None].expand(-1, -1, -1, d)) for x in (keys, v))
    if case in ("noisy", "blocks"):
        w = w + 2 * random.normal(B, order.shape[-1], d) / d**0.5
    return k, w, keys, values, table


def recalled_in(case: str, seeds, θ, η, α) -> list[float] | None:
    """The share of the keys whose value is nearest at the end, for each lane."""
    k, w, asked, values, table = shown(case, tuple(seeds))
    gates = [torch.full(k.shape[:-1], gate) for gate in (θ, η, α)]
    try:
        _, state = cl.linear_memory(k, k, w, *gates)
    except cl.CourseError:
        return None
    right = (asked @ state.M @ table[:, None].mT).argmax(dim=-1) == values
    return [round(one, 4) for one in right.float().mean(dim=(1, 2)).tolist()]


def momentum(case: str) -> dict:
    """For each η the best θ and α on the search lanes, and what they recall on others."""
    found = {}
    for η in MOMENTUM["η"]:
        grid = {one: recalled_in(case, SETTINGS["search_seeds"], *one)
                for one in itertools.product(SETTINGS["θ"], [η], MOMENTUM["α"])}  # fmt: skip
        best = max((one for one in grid if grid[one]), key=lambda one: sum(grid[one]))
        found[str(η)] = {"θηα": list(best), "search": grid[best]} | {
            to: recalled_in(case, SETTINGS[name], *best)
            for to, name in (("lanes", "seeds"), ("others", "other_seeds"))}  # fmt: skip
    return found


# -- up to which θ the memory stays finite --

STABLE = {
    "η": [0.0, 0.3, 0.5, 0.7, 0.9, 0.95],
    "α": [0.0, 0.05],
    "θ": [round(0.005 * 1.07**n, 5) for n in range(101)],
    "keys": ["random", "alike", "one key"],
    "T": 512,
    "bound": 10.0,
    "d": 16,
}


def largest_stable(kind: str, η: float, α: float, seeds) -> list[float]:
    """For each lane the largest θ up to which no reading gets longer than the bound."""
    random, d, T = cl.LaneRandom(seeds, f"stable {kind}"), STABLE["d"], STABLE["T"]
    keys, v = (random.normal(T, d) for _ in range(2))
    if kind == "alike":
        keys = keys + random.normal(1, d)
    if kind == "one key":
        keys = keys[:, :1].expand(-1, T, -1)
    keys, v = (normalize(x.double(), dim=-1) for x in (keys, v))
    if kind == "one key":
        v = v[:, :1].expand(-1, T, -1)  # one pair, shown again and again
    best, going = torch.zeros(len(seeds)), torch.ones(len(seeds), dtype=torch.bool)
    for θ in STABLE["θ"]:
        going = going & bounded(keys, v, θ, η, α)
        best[going] = θ
        if not going.any():
            break
    return [round(one, 5) for one in best.tolist()]


def bounded(keys, v, θ, η, α) -> torch.Tensor:
    """Whether every reading of a lane stays below the bound."""
    gates = [torch.full(keys.shape[:-1], gate, dtype=keys.dtype) for gate in (θ, η, α)]
    try:
        y, _ = cl.linear_memory(keys, keys, v, *gates)
    except cl.CourseError:
        if len(keys) == 1:
            return torch.tensor([False])
        return torch.cat([bounded(k[None], w[None], θ, η, α)
                          for k, w in zip(keys, v, strict=True)])  # fmt: skip
    return y.norm(dim=-1).amax(dim=1) < STABLE["bound"]


def part(kept: dict, name: str, make):
    """Make a part of the study once, and keep it on disk."""
    if name not in kept:
        kept[name] = make()
        path = cache_folder() / "09_gates_parts.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".unfinished").write_text(json.dumps(kept))
        path.with_suffix(".unfinished").replace(path)
        print(name, flush=True)
    return kept[name]


if __name__ == "__main__":
    path = cache_folder() / "09_gates_parts.json"
    kept = json.loads(path.read_text()) if path.exists() else {}
    stable = {kind: {str(α): {str(η): {name: part(
        kept, f"stable {kind} {α} {η} {name}",
        functools.partial(largest_stable, kind, η, α, SETTINGS[name]))
        for name in ("seeds", "other_seeds")} for η in STABLE["η"]} for α in STABLE["α"]}
        for kind in STABLE["keys"]}  # fmt: skip
    cases = {case: part(kept, case, functools.partial(momentum, case)) for case in CASES}
    worlds = {kind: {str(d): part(kept, f"{kind} {d}", functools.partial(world, kind, d))
                     for d in SETTINGS["widths"]} for kind in QUESTIONS}  # fmt: skip
    settings = SETTINGS | {"cases": CASES, "momentum": MOMENTUM, "stable": STABLE}
    store("09_gates", settings, {"worlds": worlds, "momentum": cases, "stable": stable})
