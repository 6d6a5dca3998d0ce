"""What does the work in a trained memory, what would do without one, and why it breaks far out.

    python studies/09_controls.py

makes clcourse/results/09_controls.json again (about half an hour on one core; what is done is kept
in the folder of practised networks, so it may be stopped and started again).

variants  the network of kind "memory" with one thing taken away or made otherwise; windows and
          recurrent networks without a memory. The memory as it is stands in 09_recall.py, with the
          same lanes and texts. Rates are searched as there, for each variant on its own.
          A window of 32 keeps as many numbers as M and S (2,048); a GRU of 27 has as many
          parameters as the memory, one of 256 an eighth of its state and 28 times its parameters
          (with equal state it would have 12 million: not run)
patience  four times the steps, at the chosen rate and the next slower one
same rate the memory and three variants, each at both rates that the searches chose: gap 512 and
          farther were never searched, so a rate may favour one of them there
again     those three, and the memory without momentum, at both rates on lanes that no choice saw
longer    the memory as it is with four times the steps, as "queries of its own" have them
layouts   MAC and MAG with twice the steps, both at both of their rates, with other lanes, too
long      the same number of steps, with gaps that grow to 255 instead of 63
why       the trained networks over 512 and 2048 fillers: their gates there, what fillers do to M,
          and what is recalled when the gates are held at 0 while fillers pass, or when fillers
          come with no value, so that they only erase
"""

from __future__ import annotations

import copy
import importlib

import torch
import torch.nn.functional as F
from torch import nn

import clcourse as cl
from clcourse.learner import cross_entropy
from clcourse.memory.chunks import decays
from clcourse.memory.titans import KINDS
from clcourse.pairs import ASK, KIND, MOST, VALUES, WORDS
from clcourse.pretraining import clip_each_lane, schedule
from clcourse.remembering import TEXTS
from clcourse.results import load, store
from clcourse.seeds import generator

recall = importlib.import_module("09_recall")

SETTINGS = {
    "seeds": recall.SETTINGS["seeds"],
    "search_seeds": recall.SETTINGS["search_seeds"],
    "steps": 400,
    "rates": recall.SETTINGS["rates"],
    "all_rates": recall.SETTINGS["all_rates"],
    "variants": ["no error correction", "no momentum", "no forgetting", "constant gates",
                 "queries of its own", "no convolution", "no persistent tokens", "GRU of 27",
                 "window of 32", "window of 64", "window of 128", "MAG, queries of its own",
                 "queries of its own, no convolution", "GRU of 256"],
    "patience": {"queries of its own": 1600, "MAG, queries of its own": 1600, "GRU of 27": 1600},
    "same_rate": {"names": ["memory", "no error correction", "constant gates", "no forgetting",
                            "no momentum"],
                  "rates": [1e-2, 3e-2], "rows": [[16, 32], [16, 512], [16, 2048], [64, 32]]},
    "again": {"seeds": recall.SETTINGS["other_seeds"],
              "names": ["memory", "no error correction", "constant gates", "no momentum"]},
    "longer": {"steps": 1600, "rates": [1e-2]},
    "layouts": {"steps": 800, "lanes": {"MAG": [1e-2], "MAC": []},
                "others": {"MAG": [1e-2, 3e-2], "MAC": [1e-2]},
                "rows": [[16, 32], [16, 512], [16, 2048]]},
    "long": {"kinds": ["memory", "MAG"], "most": 255},
    "why": {"kinds": ["memory", "MAG"], "gaps": [512, 2048], "texts": 16},
    "rows": [[4, 2], [16, 0], [16, 32], [16, 128], [16, 512], [16, 2048], [32, 32], [64, 32]],
}  # fmt: skip


def hebbian(q, k, v, θ, η, α, state=None, *, chunk: int = 32):
    """The same memory without error correction: u_t = θ_t v_t, so no system has to be solved.

    Gated linear attention, Y = (W ∘ Q K') Θ V within a chunk, with the decays of `linear_memory`.
    """
    M, S = state or [k.new_zeros(*k.shape[:-2], k.shape[-1], v.shape[-1])] * 2
    outputs, u = [], θ[..., None] * v
    for at in range(0, k.shape[-2], chunk):
        q_c, k_c, u_c, η_c, λ_c = (
            x.narrow(3, at, min(chunk, k.shape[-2] - at)) for x in (q, k, u, η, 1 - α)
        )
        D_λ, D_η = decays(λ_c), decays(η_c)
        W = D_λ @ D_η
        a, c = D_λ[..., 0, None], (W[..., 0] - D_λ[..., 0])[..., None]
        inside = (W[..., 1:, 1:] * (q_c @ k_c.mT)) @ u_c
        outputs.append(a[..., 1:, :] * (q_c @ M) + c[..., 1:, :] * (q_c @ S) + inside)
        M = a[..., -1:, :] * M + c[..., -1:, :] * S + (k_c * W[..., -1, 1:, None]).mT @ u_c
        S = D_η[..., -1, 0, None, None] * S + (k_c * D_η[..., -1, 1:, None]).mT @ u_c
    return torch.cat(outputs, dim=-2), cl.State(M, S)


class Hebbian(cl.NeuralMemory):
    """A layer that adds up what it reads, without asking first what it knows."""

    def forward(self, x, carried=None, *, watch: bool = False):
        """(y, carried)."""
        q, k, v, last = self.keys(x, carried)
        said, state = hebbian(q, k, v, *self.gates(x), carried and carried.memory)
        return self.spoken(said, x), cl.Carried(state, last)


class Gru(nn.Module):
    """A gated recurrent network (Cho et al. 2014), lanes side by side; equal to torch.nn.GRU."""

    kind, memory = "GRU", None

    def __init__(self, size: int, width: int = 32, *, seeds) -> None:
        super().__init__()
        random = cl.LaneRandom(seeds, "gru")
        self.seeds, self.size = random.seeds, size

        def matrix(*shape: int) -> nn.Parameter:
            numbers = 2 * random.uniform(shape[0] * shape[1]) - 1
            return nn.Parameter(numbers.reshape(-1, *shape).float() / size**0.5)

        self.E = nn.Parameter(random.normal(WORDS, width) / width**0.5)
        self.W, self.R = matrix(width, 3 * size), matrix(size, 3 * size)
        self.b, self.c = matrix(1, 3 * size), matrix(1, 3 * size)
        self.U = nn.Parameter(random.normal(size, VALUES) / size**0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Tokens (seeds, batch, T, 2) → logits (seeds, batch, T, values)."""
        lane = torch.arange(len(x)).reshape(-1, 1, 1, 1)
        h = self.states(self.E[lane, x].sum(dim=3))
        h = F.rms_norm(h, h.shape[-1:])
        return (h.flatten(1, 2) @ self.U).unflatten(1, x.shape[1:3])

    def states(self, x: torch.Tensor) -> torch.Tensor:
        """Vectors (seeds, batch, T, width) → (seeds, batch, T, size)."""
        given = torch.baddbmm(self.b, x.flatten(1, 2), self.W).unflatten(1, x.shape[1:3])
        h, states = x.new_zeros(*x.shape[:2], self.size), []
        for given_t in given.unbind(dim=2):
            r, z, n = given_t.split(self.size, dim=-1)
            r_h, z_h, n_h = torch.baddbmm(self.c, h, self.R).split(self.size, dim=-1)
            new = torch.tanh(n + torch.sigmoid(r + r_h) * n_h)
            h = new + torch.sigmoid(z + z_h) * (h - new)
            states.append(h)
        return torch.stack(states, dim=2)

    def copy(self):
        """The same network again."""
        return copy.deepcopy(self)


def looked_up(texts: cl.Pairs) -> torch.Tensor:
    """Answers without a network: the last value that stood beside the key asked for."""
    asked = texts.where("question")
    keys, values = texts.x.unbind(dim=-1)
    first = int(asked[0, 0].long().argmax())
    same = (keys[..., first:, None] == keys[..., None, :first]).long()
    place = same.shape[-1] - 1 - same.flip(-1).argmax(dim=-1)
    return values.gather(2, place) - (ASK - VALUES)


def commonest(texts: cl.Pairs) -> torch.Tensor:
    """Answers without a network and without keys: the value that most pairs of the text have."""
    values = texts.x[..., 1] - (ASK - VALUES)
    counts = F.one_hot(values.where(texts.kind < KIND.index("filler"), VALUES)).sum(dim=2)
    return counts[..., :VALUES].argmax(dim=-1, keepdim=True).expand_as(texts.y)


def variant(name: str, seeds) -> nn.Module:
    """One thing made otherwise."""
    kind, _, rest = name.partition(", ")
    if kind == "MAG":
        network, name = recall.fresh("MAG", seeds), rest
    else:
        network = recall.fresh("memory", seeds)
    if name.startswith("GRU"):
        return Gru(int(name.removeprefix("GRU of ")), seeds=seeds)
    if name.startswith("window"):
        window = int(name.removeprefix("window of "))
        return cl.Titan(WORDS, VALUES, kind="window", window=window, seeds=seeds)
    if name == "no persistent tokens":
        return cl.Titan(WORDS, VALUES, kind="memory", persistent=0, seeds=seeds)
    tied = "queries of its own" not in name
    taps = 1 if "no convolution" in name else 4
    if not tied or taps == 1:
        network.memory = cl.NeuralMemory(32, tied=tied, taps=taps, seeds=seeds)
    if name == "no error correction":
        network.memory = Hebbian(32, seeds=seeds)
    if name == "constant gates":
        network.memory.gate.requires_grad_(False)  # it begins at 0; the biases learn
    if name in ("no momentum", "no forgetting"):
        with torch.no_grad():
            network.memory.bias[..., {"no momentum": 1, "no forgetting": 2}[name]] = -1e9
    return network


def practise_far(network, *, steps: int, lr: float, most: int = 63, changing: bool = False):
    """`cl.practise`, except that gaps grow until below `most` instead of 63.

    changing  the texts with longer gaps show their pairs twice, half of them with another value
    """
    network = network.copy()
    random, gaps = cl.LaneRandom(network.seeds, "practice"), generator(0, "gaps")
    optimiser = torch.optim.AdamW(network.parameters(), lr, betas=(0.9, 0.99), weight_decay=0.0)
    for step in range(steps):
        count, gap, twice = 4, step % 6, {}
        if step % 2 == 0:
            done = step / steps
            count = 4 + int((MOST - 4) * min(1.0, 1.5 * done))
            gap = int(torch.randint(16 + int((most - 15) * done), (), generator=gaps))
            twice = {"shown": 2, "changed": count // 2} if changing else {}
        texts = cl.draw_pairs(count, gap, batch=TEXTS, seeds=random, **twice)
        logits = network(texts.x)[:, :, -texts.y.shape[-1] :]
        optimiser.zero_grad()
        cross_entropy(logits.flatten(1, 2), texts.y.flatten(1)).sum().backward()
        clip_each_lane(network, 1.0)
        optimiser.param_groups[0]["lr"] = lr * schedule(step, steps, max(1, steps // 10), 0.0)
        optimiser.step()
    return network


def trained(name: str, lr: float, seeds, steps: int):
    """A variant that has practised."""
    if name.startswith("far "):
        network = recall.fresh(name.removeprefix("far "), seeds)
        return practise_far(network, steps=steps, lr=lr, most=SETTINGS["long"]["most"])
    return cl.practise(variant(name, seeds), steps=steps, lr=lr)


def cell(name: str, parts) -> dict:
    """The search, the rate chosen, and the results on lanes that had no part in it."""
    steps = SETTINGS["steps"]

    def tried(lr: float) -> dict:
        network = trained(name, lr, SETTINGS["search_seeds"], steps)
        rows = recall.SETTINGS["validation"]
        return recall.lists(recall.right(network, rows, "validation pairs"))

    def found(lr: float, steps: int) -> dict:
        network = trained(name, lr, SETTINGS["seeds"], steps)
        return recall.lists(recall.right(network, SETTINGS["rows"]))

    lr, search = recall.searched(lambda lr: parts(f"{name}|{lr}", lambda: tried(lr)))
    cell = {
        "lr": lr,
        "parameters": parameters(name),
        "search": search,
        "lanes": parts(f"{name}|lanes", lambda: found(lr, steps)),
    }
    if more := SETTINGS["patience"].get(name):
        slower = recall.SETTINGS["all_rates"][recall.SETTINGS["all_rates"].index(lr) - 1]
        for one in (lr, slower):
            cell[f"{more} steps at {one}"] = parts(f"{name}|{more}|{one}",
                                                   lambda one=one: found(one, more))  # fmt: skip
    return cell


def parameters(name: str) -> int:
    """How many numbers of one lane may learn."""
    kind = name.removeprefix("far ")
    network = recall.fresh(kind, 1) if kind in KINDS else variant(name, 1)
    return sum(θ.numel() for θ in network.parameters() if θ.requires_grad)


def held(network: cl.Titan, texts: cl.Pairs, kind: str, **gates: float) -> cl.Titan:
    """A copy for these texts in which gates are held at a value at tokens of one kind."""
    network = network.copy()
    usual, places = network.memory.gates, texts.where(kind)[:, :, None]

    def forced(x: torch.Tensor) -> list[torch.Tensor]:
        here = F.pad(places, (x.shape[2] - places.shape[-1], 0))
        return [torch.where(here, gates[name], gate) if name in gates else gate
                for name, gate in zip("θηα", usual(x), strict=True)]  # fmt: skip

    network.memory.gates = forced
    return network


def silent(network: cl.Titan, texts: cl.Pairs) -> cl.Titan:
    """A copy for these texts in which fillers say nothing: v = 0, so their writes only erase."""
    network = network.copy()
    usual, fillers = network.memory.keys, texts.where("filler")[:, :, None, :, None]

    def forced(x: torch.Tensor, carried=None) -> tuple[torch.Tensor, ...]:
        q, k, v, last = usual(x, carried)
        here = F.pad(fillers, (0, 0, x.shape[2] - fillers.shape[-2], 0))
        return q, k, v.masked_fill(here, 0.0), last

    network.memory.keys = forced
    return network


@torch.no_grad()
def why(network: cl.Titan, gap: int) -> dict[str, torch.Tensor]:
    """What 16 pairs suffer while `gap` fillers pass: lanes each."""
    random = cl.LaneRandom(network.seeds, f"why {gap}")
    texts = cl.draw_pairs(16, gap, batch=SETTINGS["why"]["texts"], seeds=random)
    _, begin, seen = network(texts.x[:, :, :16], watch=True)
    _, end, passed = network(texts.x[:, :, 16:-16], begin, watch=True)
    M, later = begin.memory.M.flatten(2), end.memory.M.flatten(2)
    found = {"recall": cl.remembers(network, texts)}
    for name, gates in {"θ": {"θ": 0.0}, "α": {"α": 0.0}, "both": {"θ": 0.0, "α": 0.0}}.items():
        kept = held(network, texts, "filler", **gates)
        found[f"recall, {name} of fillers 0"] = cl.remembers(kept, texts)
    found["recall, fillers only erase"] = cl.remembers(silent(network, texts), texts)
    for kind, part in {"pairs": seen, "fillers": passed}.items():
        found |= {f"{gate} of {kind}": getattr(part, gate).mean(dim=(1, 2, 3)) for gate in "θηα"}
    rest = (1 - passed.α).log().sum(dim=-1).exp().mean(dim=(1, 2))
    found["left by forgetting"] = rest
    found["cosine of M before and after"] = F.cosine_similarity(M, later, dim=-1).mean(dim=1)
    found["length of M after / before"] = (later.norm(dim=-1) / M.norm(dim=-1)).mean(dim=1)
    return found


def reasons(parts) -> dict:
    """`why` for networks as they practised, and for those that practised long gaps."""
    found, rates = {}, {}
    for kind in SETTINGS["why"]["kinds"]:
        rates[kind] = load("09_recall")["kinds"][kind]["lr"]
        rates[f"far {kind}"] = cell(f"far {kind}", parts)["lr"]

    def make(name: str) -> dict:
        lr, steps = rates[name], SETTINGS["steps"]
        if name in SETTINGS["why"]["kinds"]:
            network = cl.practised(name, steps=steps, lr=lr, seeds=SETTINGS["seeds"])
        else:
            network = trained(name, lr, SETTINGS["seeds"], steps)
        return {f"{what}, gap {gap}": lanes for gap in SETTINGS["why"]["gaps"]
                for what, lanes in recall.lists(why(network, gap)).items()}  # fmt: skip

    for name in rates:
        found[name] = parts(f"why|{name}", lambda name=name: make(name))
    return found


def added(parts) -> dict:
    """What readers missed: other lanes, more steps, and layouts at one rate."""
    again, longer, layouts = (SETTINGS[name] for name in ("again", "longer", "layouts"))
    rows, found = SETTINGS["same_rate"]["rows"], {"other lanes": {}, "longer": {}, "layouts": {}}

    def practised(name: str, lr: float, seeds, steps: int, rows) -> dict:
        def make() -> dict:
            new = recall.fresh(name, seeds) if name in KINDS else variant(name, seeds)
            return recall.lists(recall.right(cl.practise(new, steps=steps, lr=lr), rows))

        return parts(f"{name}|{lr}|{seeds[0]}|{steps}", make)

    for lr in longer["rates"]:
        found["longer"][str(lr)] = practised("memory", lr, SETTINGS["seeds"], longer["steps"],
                                             SETTINGS["rows"])  # fmt: skip
    for name in again["names"]:
        found["other lanes"][name] = {
            str(lr): practised(name, lr, again["seeds"], SETTINGS["steps"], rows)
            for lr in SETTINGS["same_rate"]["rates"]}  # fmt: skip
    for part, seeds in (("lanes", SETTINGS["seeds"]), ("others", again["seeds"])):
        found["layouts"][part] = {
            kind: {str(lr): practised(kind, lr, seeds, layouts["steps"], layouts["rows"])
                   for lr in rates} for kind, rates in layouts[part].items()}  # fmt: skip
    return found


def at_same_rate(parts) -> dict:
    """{name: {rate: lanes}}"""
    plan, found = SETTINGS["same_rate"], {}
    for name in plan["names"]:
        for lr in plan["rates"]:
            def make(name=name, lr=lr) -> dict[str, list[float]]:
                network = trained(name, lr, SETTINGS["seeds"], SETTINGS["steps"])
                return recall.lists(recall.right(network, plan["rows"]))

            found.setdefault(name, {})[str(lr)] = parts(f"{name}|{lr}", make)
    return found


if __name__ == "__main__":
    parts, rates = recall.Parts("09_controls"), recall.Parts("09_controls_rates")
    same_rate, extra = at_same_rate(rates), added(recall.Parts("09_controls_added"))
    long = {kind: cell(f"far {kind}", parts) for kind in SETTINGS["long"]["kinds"]}
    why_far = reasons(parts)
    found = {name: cell(name, parts) for name in SETTINGS["variants"]}
    texts = cl.draw_pairs(16, 512, shown=2, changed=8, seeds=SETTINGS["seeds"])
    alone = (looked_up(texts) == texts.y).float().mean(dim=(1, 2))
    blind = {}
    for count in (4, 16):
        texts = cl.draw_pairs(count, 32, batch=256, seeds=SETTINGS["seeds"])
        blind[f"{count} pairs"] = (commonest(texts) == texts.y).float().mean(dim=(1, 2))
    results = {"variants": found, "long": long, "why": why_far,
               "same rate": same_rate, "added": extra,
               "look-up without a network": alone.tolist(),
               "commonest value without a network": recall.lists(blind)}  # fmt: skip
    print("written:", store("09_controls", SETTINGS, results).name)
