"""What surprises a memory that has practised, and what it then answers.

    python studies/09_surprise.py

makes clcourse/results/09_surprise.json again (about ten minutes on one core; what is done is kept
in the folder of practised networks, so it may be stopped and started again). Surprise is what
`watch=True` gives: |u|, what is written; the error |v - k M| is the same before the gate θ.

showings     16 pairs shown seven times, then once more with half of the values changed
answers      the questions after that; also after one showing, and for networks without surprise
others       the same seven showings, then 16 pairs never seen: is it the pairs that are known, or
             has M only grown? And 64 different pairs, once each
gates        gates, surprise and error by kind of token
changing     the answers of networks that practised with values that change, each with a rate
             searched on lanes 100 and up
distractors  fillers with random values, and such that always say the same: how large the error
             stays, what is written of it, and what is recalled when the gate is held open for them
"""

from __future__ import annotations

import importlib
from statistics import mean

import torch

import clcourse as cl
from clcourse.memory.titans import KINDS
from clcourse.pairs import KEYS, KIND
from clcourse.results import store

recall, controls = (importlib.import_module(name) for name in ("09_recall", "09_controls"))

SETTINGS = {
    "seeds": list(range(20)),
    "other_seeds": list(range(200, 205)),
    "steps": 400,
    "watched": {"MAG": 1e-2, "memory": 1e-2, "MAG, three times the rate": 3e-2, "untrained": None},
    "answering": {"no error correction": 1e-2, "full": 1e-2, "no forgetting": 1e-2},
    "changing": {"names": ["memory", "no error correction", "full"], "seeds": list(range(10)),
                 "search_seeds": list(range(100, 105))},
    "texts": 16,
    "pairs": 16,
    "showings": 7,
    "changed": 8,
    "gap": 32,
    "long_gap": 512,
}  # fmt: skip


def start(name: str, seeds):
    """A network of this kind, or a variant of the memory, before practice."""
    return recall.fresh(name, seeds) if name in KINDS else controls.variant(name, seeds)


def networks(name: str, seeds):
    """Networks of this name, practised with its rate."""
    kind, lr = name.split(",")[0], (SETTINGS["watched"] | SETTINGS["answering"])[name]
    if name == "untrained":
        return recall.fresh("memory", seeds)
    if name in ("no error correction", "no forgetting"):
        return cl.practise(start(name, seeds), steps=SETTINGS["steps"], lr=lr)
    return cl.practised(kind, steps=SETTINGS["steps"], lr=lr, seeds=seeds)


def texts(network, purpose: str, **settings) -> cl.Pairs:
    """16 pairs, in texts that no other part has."""
    random = cl.LaneRandom(network.seeds, f"surprise: {purpose}")
    settings = {"gap": 0} | settings
    return cl.draw_pairs(SETTINGS["pairs"], batch=SETTINGS["texts"], seeds=random, **settings)


def watched(network, x: torch.Tensor) -> dict[str, torch.Tensor]:
    """Surprise, error and gates of each token: (seeds, batch, T) each."""
    _, _, seen = network(x, watch=True)
    found = {"surprise": seen.surprise, "error": seen.surprise / seen.θ,
             "θ": seen.θ, "η": seen.η, "α": seen.α}  # fmt: skip
    return {name: part[:, :, 0] for name, part in found.items()}


def mean_over(part: torch.Tensor, where: torch.Tensor) -> torch.Tensor:
    """Mean over the tokens that are meant: lanes."""
    return (part * where).sum(dim=(1, 2)) / where.sum(dim=(1, 2))


def showings(network) -> dict[str, torch.Tensor]:
    """Mean surprise and error in each showing, and of changed and unchanged pairs in the last."""
    n, times = SETTINGS["pairs"], SETTINGS["showings"]
    some = texts(network, "showings", shown=times + 1, changed=SETTINGS["changed"])
    seen, found = watched(network, some.x), {}
    last = torch.arange(some.x.shape[2]) // n == times
    for name in ("surprise", "error"):
        for number, part in enumerate(seen[name][:, :, : n * times].split(n, dim=2), start=1):
            found[f"{name}, showing {number}"] = part.mean(dim=(1, 2))
        for kind in ("changed", "again"):
            found[f"{name}, then {kind}"] = mean_over(seen[name], some.where(kind) & last)
    return found


def answers(network) -> dict[str, torch.Tensor]:
    """What is answered once half of the values have changed, after one showing and after seven."""
    found = {}
    for times in (1, SETTINGS["showings"]):
        some = texts(network, f"answers {times}", shown=times + 1, changed=SETTINGS["changed"],
                     gap=SETTINGS["gap"])  # fmt: skip
        questions = some.where("question")[0, 0]
        said = network(some.x)[:, :, questions].argmax(dim=-1)
        begin = torch.arange(some.x.shape[2]) < SETTINGS["pairs"]
        part = cl.Pairs(some.x[:, :, begin | questions], some.y, some.kind[:, :, begin | questions])
        old = controls.looked_up(part)
        changed, after = old != some.y, f"after {times}"
        found[f"changed, {after}"] = mean_over(said == some.y, changed)
        found[f"unchanged, {after}"] = mean_over(said == some.y, ~changed)
        found[f"old value of the changed, {after}"] = mean_over(said == old, changed)
    return found


def strangers(x: torch.Tensor) -> torch.Tensor:
    """The same values with other keys, none of which stands among these: (seeds, batch, 16, 2)."""
    keys = x[..., 0]
    known = torch.zeros(*x.shape[:2], KEYS).scatter(2, keys, 1.0)
    free = known.argsort(dim=-1, stable=True)[..., : keys.shape[-1]]
    return torch.stack([free, x[..., 1]], dim=-1)


def others(network) -> dict[str, torch.Tensor]:
    """Surprise at pairs never seen, by a memory that knows others well; and the length of M."""
    n, times, found = SETTINGS["pairs"], SETTINGS["showings"], {}
    x = texts(network, "others", shown=times + 1).x[:, :, : n * (times + 1)]
    again = watched(network, x)
    new = watched(network, torch.cat([x[:, :, :-n], strangers(x[:, :, -n:])], dim=2))
    for name in ("surprise", "error"):
        found[f"{name}, first showing"] = again[name][:, :, :n].mean(dim=(1, 2))
        found[f"{name}, the same once more"] = again[name][:, :, -n:].mean(dim=(1, 2))
        found[f"{name}, pairs never seen"] = new[name][:, :, -n:].mean(dim=(1, 2))
    for times in (1, SETTINGS["showings"]):
        M = network(x[:, :, : n * times], watch=True)[1].memory.M
        found[f"length of M after {times}"] = M.norm(dim=(-2, -1)).mean(dim=(1, 2))
    random = cl.LaneRandom(network.seeds, "surprise: all keys")
    every = cl.draw_pairs(KEYS, 0, batch=SETTINGS["texts"], seeds=random).x[:, :, :KEYS]
    for number, part in enumerate(watched(network, every)["surprise"].split(n, dim=2)):
        found[f"surprise, pairs {number * n + 1} to {number * n + n}"] = part.mean(dim=(1, 2))
    return found


def gates(network) -> dict[str, torch.Tensor]:
    """What is seen by kind of token, and how much θ of a pair differs between two showings."""
    n = SETTINGS["pairs"]
    some = texts(network, "gates", shown=3, changed=SETTINGS["changed"], gap=SETTINGS["gap"])
    seen = watched(network, some.x)
    found = {f"{name} of {kind}": mean_over(part, some.where(kind))
             for name, part in seen.items() for kind in KIND}  # fmt: skip
    orders = (some.x[:, :, at : at + n, 0].argsort(dim=-1) for at in (0, n))
    first, second = (seen["θ"][:, :, at : at + n].gather(2, order)
                     for at, order in zip((0, n), orders, strict=True))  # fmt: skip
    found["θ, largest difference between showings"] = (first - second).abs().amax(dim=(1, 2))
    found["θ, spread among pairs"] = first.std(dim=2).mean(dim=1)
    return found


def distractors(network) -> dict[str, torch.Tensor]:
    """Fillers with random values, and fillers that always say the same."""
    gap, found = SETTINGS["long_gap"], {}
    some = texts(network, "distractors", gap=gap)
    fillers, pairs = some.where("filler"), some.where("new")
    x = some.x.clone()
    first = x[:, :, 16 : 16 + 1, 1]  # any value will do: shifted by the number of the filler
    values = KEYS + 32 + (first - KEYS - 32 + x[..., 0] - KEYS) % 16
    x[..., 1] = torch.where(fillers, values, x[..., 1])
    open_ = mean_over(watched(network, x)["θ"], pairs)[:, None, None, None]
    for values, x_ in {"random": x * 0 + some.x, "the same": x}.items():
        for gate in ("as it is", "open"):
            net = network if gate == "as it is" else controls.held(network, some, "filler", θ=open_)
            seen, name = watched(net, x_), f"{values}, gate {gate}"
            for what in ("error", "surprise"):
                part = seen[what][:, :, 16 : 16 + gap]
                found[f"{what}, {name}: first 32"] = part[:, :, :32].mean(dim=(1, 2))
                found[f"{what}, {name}: last 32"] = part[:, :, -32:].mean(dim=(1, 2))
            found[f"recall, {name}"] = cl.remembers(net, some._replace(x=x_))
    short = texts(network, "distractors, few", gap=32)
    net = controls.held(network, short, "filler", θ=open_)
    found["recall, gap 32, gate as it is"] = cl.remembers(network, short)
    found["recall, gap 32, gate open"] = cl.remembers(net, short)
    return found


@torch.no_grad()
def everything(name: str, seeds) -> dict[str, dict[str, list[float]]]:
    """All parts for networks of one name."""
    network = networks(name, seeds)
    parts = (showings, answers, others, gates, distractors)
    parts = (answers,) if name in SETTINGS["answering"] else parts
    return {one.__name__: recall.lists(one(network)) for one in parts}


def changing(name: str, kept) -> dict:
    """What is answered after a change by networks that have practised changes."""
    plan = SETTINGS["changing"]

    def part(lr: float, who: str) -> dict:
        def make() -> dict[str, list[float]]:
            network = controls.practise_far(start(name, plan[who]), steps=SETTINGS["steps"], lr=lr,
                                            changing=True)  # fmt: skip
            with torch.no_grad():
                rows = recall.SETTINGS["validation"]
                return recall.lists(answers(network) | recall.right(network, rows))

        return kept(f"changing|{name}|{lr}|{who}", make)

    def score(found: dict) -> float:
        return mean(found["changed, after 1"]) + mean(found["unchanged, after 1"])

    lr, search = recall.searched(lambda lr: part(lr, "search_seeds"), score)
    return {"lr": lr, "search": search, "lanes": part(lr, "seeds")}


if __name__ == "__main__":
    kept, found, again = recall.Parts("09_surprise"), {}, {}
    for name in SETTINGS["watched"] | SETTINGS["answering"]:
        found[name] = kept(name, lambda name=name: everything(name, SETTINGS["seeds"]))
    for name in ("MAG", "memory"):
        again[name] = kept(f"{name}|others",
                           lambda name=name: everything(name, SETTINGS["other_seeds"]))  # fmt: skip
    changes = {name: changing(name, kept) for name in SETTINGS["changing"]["names"]}
    results = {"lanes": found, "others": again, "changing": changes}
    print("written:", store("09_surprise", SETTINGS, results).name)
