"""Does frequency matter? A part that moves seldom against one that moves every step, but less.

    python studies/10_frequency.py

makes clcourse/results/10_frequency.json again (about twenty minutes on one core; what is done is
kept in the folder of kept weights, so it may be stopped and started again).

Digits under new pixel orders, 16 images a step. "long": 5 orders, 240 steps each. "short": the same
5 orders, 60 steps each, that come back four times, so that chunks of 64 and 128 steps span two or
three of them. A slow part moves once in C steps, by the mean of its C gradients; the rest moves at
every step. "layer": the first layer of an MLP is slow. "input": the input block of a chain of two
residual blocks. "output" and "second": the other way round, as the paper draws it, what is fast
comes first: the output layer of the MLP is slow, or the second of the two blocks. Three optimisers:
gradient descent, Adam, sign descent.

chunk        C = 1 (the control: every step) … 128
smooth       the second control: moves every step, and remembers gradients for as long as the chunk
             does: a running mean of keep 1 - 1/C; for Adam, both its keeps to the power 1/C
nested       on "input": the second block starts anew every C steps, from a state that is learnt
blocks       the control of nested: both blocks have the lower rate, every step
one rate     the same rate for all parts, every step
beside       replay of 50 and 200 images and EWC, on the MLP, one rate, every step, tuned

The rate of the slow part and of the rest are chosen together for each of these, by final accuracy
on validation images of lanes 100 and up. All share one grid, with 0 (frozen) in it, that grows
upwards where the best of any of them lies on its edge. Three rules: "free", the best; "as plastic",
the best among settings whose accuracy just after learning is at most .005 below that of the chosen
control, the "floor" (if there are none: the most plastic); "rate matched", the control's rates, the
slow one times C; "same rates", the control's rates as they are. The literal sum of the paper at the
control's rates is among them: for gradient descent it is "rate matched", since a sum is C times a
mean; for sign descent, and for Adam but for its ε, it is "same rates", since scale does not count.
Settings are lanes: one run holds the whole grid of all search lanes.

"comparisons" counts what is compared with the tuned control by the first two rules, and holds it to
Holm's correction (Holm 1979, Scand. J. Statist. 6) of paired t-tests; so too chunk - smooth, and
nested - blocks.
"""

from __future__ import annotations

import itertools
import json
from functools import cache
from itertools import islice, product
from typing import NamedTuple

import torch
from parts import Parts
from scipy.stats import ttest_1samp

import clcourse as cl
from clcourse.evaluate import batches
from clcourse.nested.continuum import ContinuumLearner, ContinuumMemory
from clcourse.nets import MLP
from clcourse.results import store

SETTINGS = {
    "seeds": list(range(10)),
    "other_seeds": list(range(200, 205)),
    "search_seeds": list(range(100, 105)),
    "blocks": 2,
    "hidden": 32,
    "layer": 64,
    "batch": 16,
    "orders": 5,
    "streams": {"long": (240, 1), "short": (60, 4)},
    "slow_parts": {
        "input": (True, False, False),
        "blocks": (True, True, False),
        "layer": (True, False),
        "output": (False, True),
        "second": (False, True, False),
    },
    "periods": {
        "long, layer": [1, 2, 4, 8, 16, 32, 64, 128],
        "short, layer": [1, 8, 64, 128],
        "long, input": [1, 8, 128],
        "long, output": [1, 8, 64],
        "long, second": [1, 64],
    },
    "smooth": {
        "long, layer": [8, 64],
        "short, layer": [64],
        "long, input": [64],
        "long, output": [64],
        "long, second": [],
    },
    "nested": [8, 64],
    "carry": [0.1, 0.5],
    "fast": {
        "gradient descent": [0.01, 0.03, 0.1],
        "Adam": [0.0003, 0.001, 0.003],
        "sign": [0.0003, 0.001, 0.003],
    },
    "fast_layer": {
        "gradient descent": [0.1, 0.3, 1.0],
        "Adam": [0.003, 0.01, 0.03],
        "sign": [0.001, 0.003, 0.01],
    },
    "slow": {
        "gradient descent": [0.0, 0.003, 0.01, 0.03, 0.1],
        "Adam": [0.0, 0.0003, 0.001, 0.003, 0.01],
        "sign": [0.0, 0.0001, 0.0003, 0.001, 0.003],
    },
    "slow_added": {"gradient descent": [0.001], "Adam": [0.0001], "sign": [0.00003]},
    "as_plastic": 0.005,
    "rates_beside": [0.03, 0.1, 0.3, 1.0],
    "rates_beside_added": [3.0],
    "strengths": [1.0, 10.0, 30.0, 100.0, 300.0, 1000.0],
    "strengths_added": [0.1, 0.3],
}
GROWTH, GROWN = 10**0.5, 5


class Descent:
    """Gradient descent with a rate for each lane, on a running mean of the gradients."""

    def __init__(self, parameters, rate: torch.Tensor, window: int = 1) -> None:
        self.parameters, self.rate, self.keep = list(parameters), rate, 1 - 1 / window
        self.means = [torch.zeros_like(θ) for θ in self.parameters]

    @torch.no_grad()
    def step(self) -> None:
        """Move every parameter."""
        for θ, m in zip(self.parameters, self.means, strict=True):
            m.lerp_(θ.grad, 1 - self.keep)
            θ.addcmul_(self.rate, self.direction(m), value=-1)

    def direction(self, m: torch.Tensor) -> torch.Tensor:
        """Where a mean of gradients points."""
        return m

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for θ in self.parameters:
            θ.grad = None


class Sign(Descent):
    """Sign descent: every weight moves by the rate."""

    def direction(self, m: torch.Tensor) -> torch.Tensor:
        """Its sign."""
        return m.sign()


class Adam(Descent):
    """Adam (Kingma & Ba 2015); with a window of C, its keeps are .9^(1/C) and .999^(1/C)."""

    def __init__(self, parameters, rate: torch.Tensor, window: int = 1) -> None:
        super().__init__(parameters, rate)
        self.keeps, self.time = (0.9 ** (1 / window), 0.999 ** (1 / window)), 0
        self.squares = [torch.zeros_like(m) for m in self.means]

    @torch.no_grad()
    def step(self) -> None:
        """Move every parameter by its mean gradient over its root mean square."""
        self.time += 1
        shares = [1 - keep**self.time for keep in self.keeps]
        for θ, m, v in zip(self.parameters, self.means, self.squares, strict=True):
            m.lerp_(θ.grad, 1 - self.keeps[0])
            v.mul_(self.keeps[1]).addcmul_(θ.grad, θ.grad, value=1 - self.keeps[1])
            root = (v / shares[1]).sqrt_().add_(1e-8)
            θ.addcmul_(self.rate / shares[0], m / root, value=-1)


OPTIMISERS = {"gradient descent": Descent, "Adam": Adam, "sign": Sign}
MLPS = ("layer", "output")  # places in the network without blocks


class Side(ContinuumLearner):
    """A learner whose lanes may diverge side by side: a lost lane answers at chance."""

    def _check(self, loss) -> None:
        """Nothing: one setting that diverges must not stop the others."""


class Layers(MLP):
    """Without blocks: one layer and a readout, and nothing goes past them."""

    variant, blocks = "sequential", 1

    @property
    def parts(self) -> list[tuple]:
        """The parameters of each layer."""
        return list(zip(self.weights, self.biases, strict=True))


class Family(NamedTuple):
    """What is compared: all its settings (fast rate, slow rate) come from one grid."""

    world: str
    place: str
    optimiser: str
    kind: str
    C: int


def learner(family: Family, seeds, settings: list) -> Side:
    """One learner that holds all settings (fast, slow): lane = setting · seeds + seed."""
    nested = family.kind.startswith("nested")
    if family.place in MLPS:
        network = Layers((64, SETTINGS["layer"], 10), seeds)
    else:
        network = ContinuumMemory(64, 10, blocks=SETTINGS["blocks"], hidden=SETTINGS["hidden"],
                                  variant="nested" if nested else "sequential",
                                  seeds=seeds)  # fmt: skip
    for θ in network.parameters():
        θ.data = θ.data.repeat(len(settings), 1, 1)
    network.seeds = tuple(range(len(settings) * len(seeds)))
    fast, slow = (torch.tensor(rates).repeat_interleave(len(seeds))[:, None, None]
                  for rates in zip(*settings, strict=True))  # fmt: skip
    make, smooth = OPTIMISERS[family.optimiser], family.kind == "smooth"
    window = family.C if smooth else 1
    slowly = SETTINGS["slow_parts"][family.place]
    periods = [1 if smooth or not one else family.C for one in slowly]
    each = [lambda part, lr: make(part, fast), lambda part, lr: make(part, slow, window)]
    carry = float(family.kind.split()[1]) if nested else 1.0
    return Side(network, periods, optimiser=[each[one] for one in slowly], carry=carry)


def live(one, seeds, world: str, copies: int, held_out: str) -> dict:
    """Accuracy just after learning and at the end, means over orders: (copies, seeds) lists."""
    steps, rounds = SETTINGS["streams"][world]
    stream = list(cl.permuted_digits(SETTINGS["orders"], seeds=seeds))
    order, new = cl.LaneRandom(seeds, "batches"), []

    def accuracy(experience) -> torch.Tensor:
        x, y = experience.held_out(held_out)
        hits = one.predict(x.repeat(copies, 1, 1)).argmax(-1) == y.repeat(copies, 1)
        return hits.float().mean(dim=1)

    for experience in stream * rounds:
        passes = itertools.chain.from_iterable(
            batches(experience, order, SETTINGS["batch"]) for _ in itertools.count())  # fmt: skip
        for x, y, _ in islice(passes, steps):
            one.observe(x.repeat(copies, 1, 1), y.repeat(copies, 1))
        spread = [
            part.repeat(copies, *[1] * (part.dim() - 1)) for part in (experience.x, experience.y)
        ]
        one.consolidate(cl.Experience(experience.name, *spread))
        new.append(accuracy(experience))
    results = {"new": sum(new) / len(new), "end": sum(map(accuracy, stream)) / len(stream)}
    return {name: [[round(v, 4) for v in row] for row in values.reshape(copies, -1).tolist()]
            for name, values in results.items()}  # fmt: skip


KEPT = None


def measured(family: Family, seeds, settings, held_out: str = "test") -> dict:
    """{setting: {"new": a lane each, "end": a lane each}}."""
    seeds, settings = list(seeds), [tuple(one) for one in settings]
    rows = KEPT(
        json.dumps((*family, held_out, seeds, settings)),
        lambda: live(
            learner(family, seeds, settings), seeds, family.world, len(settings), held_out
        ),  # fmt: skip
    )
    return {one: {"new": rows["new"][place], "end": rows["end"][place]}
            for place, one in enumerate(settings)}  # fmt: skip


def mean(values: list) -> float:
    """Of a list."""
    return sum(values) / len(values)


def grown(family: Family) -> dict:
    """All settings of a grid that has grown until its best is inside: {setting: (end, new)}.

    The fast rate grows upwards only: what moves every step is to stay fast.
    """
    around = "fast_layer" if family.place in MLPS else "fast"
    fast, slow = (SETTINGS[part][family.optimiser] for part in (around, "slow"))
    more, found = list(product(fast, slow)), {}
    for _ in range(GROWN):
        found |= validated(family, more)
        best = max(found, key=found.get)
        if best[0] == max(fast):
            fresh = best[0] * GROWTH
            fast, more = [*fast, fresh], [(fresh, rate) for rate in slow]
        elif best[1] == max(slow):
            fresh = best[1] * GROWTH
            slow, more = [*slow, fresh], [(rate, fresh) for rate in fast]
        else:
            break
    return found


def validated(family: Family, settings: list) -> dict:
    """{setting: (end, new)}, means over the search lanes on validation images."""
    rows = measured(family, SETTINGS["search_seeds"], settings, "validation") if settings else {}
    return {one: (mean(row["end"]), mean(row["new"])) for one, row in rows.items()}


@cache
def searched(world: str, place: str, optimiser: str) -> dict:
    """{family: {setting: (end, new)}}: where one family's grid has grown, all others' follow."""
    founds = {family: one_rate(family) if family.kind == "one rate" else grown(family)
              for family in families(world, place, optimiser)}  # fmt: skip
    wide = sorted(set().union(*(found for one, found in founds.items() if one.kind != "one rate")))
    for family, found in founds.items():
        if family.kind != "one rate":
            found |= validated(family, [one for one in wide if one not in found])
            found |= validated(
                family,
                [
                    (fast, slow)
                    for fast in sorted({one[0] for one in wide})
                    for slow in SETTINGS["slow_added"][optimiser]
                ],
            )
    return founds


def at_an_edge(found: dict, setting: tuple) -> list[str]:
    """Where a choice is the highest of its grid, or the lowest that is not 0."""
    edges = []
    for rates, rate, name in zip(zip(*found, strict=True), setting, ("fast", "slow"), strict=True):
        others = set(rates) - {0, rate}
        if others and rate and not min(others) < rate < max(others):
            edges.append(f"{name} {'low' if rate < min(others) else 'high'}")
    return edges


def one_rate(family: Family) -> dict:
    """The same rate for all parts."""
    around = "fast_layer" if family.place in MLPS else "fast"
    rates = {rate for part in (around, "slow") for rate in SETTINGS[part][family.optimiser]} - {0}
    return validated(family, [(rate, rate) for rate in sorted(rates)])


def families(world: str, place: str, optimiser: str) -> list[Family]:
    """The control, the chunks, the second control, the nested variant and what it is held to."""
    where = f"{world}, {place}"
    plain = [("chunk", C) for C in SETTINGS["periods"][where]]
    smooth = [("smooth", C) for C in SETTINGS["smooth"][where]]
    nested = [(f"nested {share}", C) for share in SETTINGS["carry"] for C in SETTINGS["nested"]]
    same = [] if place in ("output", "second") else [("one rate", 1)]  # there it is what it was
    here = [Family(world, place, optimiser, *one) for one in (*plain, *smooth, *same)]
    if where != "long, input":
        return here
    here += [Family(world, place, optimiser, *one) for one in nested]
    return [*here, Family(world, "blocks", optimiser, "chunk", 1)]


def chosen(found: dict, control: dict) -> dict:
    """The best setting by each rule, or the most plastic one where none is plastic enough."""
    free = max(control, key=control.get)
    floors = {
        "free": 0.0,
        "as plastic": control[free][1] - SETTINGS["as_plastic"],
    }
    best = {}
    for rule, floor in floors.items():
        enough = {one: row for one, row in found.items() if row[1] >= floor}
        most = max(found, key=lambda one: found[one][1])
        best[rule] = max(enough, key=enough.get) if enough else most
    return best


def interval(values: list) -> list:
    """Mean and 95 % interval over lanes."""
    one = cl.estimate(torch.tensor(values))
    return [round(one.value, 4), round(one.low, 4), round(one.high, 4)]


def against(row: dict, control: dict, found, setting) -> dict:
    """One setting on the lanes that are reported and on others, minus the control's, in pairs."""
    first = len(SETTINGS["seeds"])
    told = {"fast": round(setting[0], 6), "slow": round(setting[1], 6)}
    told["validation"] = [round(v, 4) for v in found[setting]] if setting in found else None
    told["edge"] = at_an_edge(found, setting)
    told["each"] = {"end": row["end"], "new": row["new"]}
    for name, cut in (("lanes", slice(0, first)), ("other lanes", slice(first, None))):
        told[name] = {}
        for what in ("end", "new"):
            ours, theirs = row[what][cut], control[what][cut]
            told[name] |= {what: interval(ours), f"{what} minus control": interval(
                [a - b for a, b in zip(ours, theirs, strict=True)])}  # fmt: skip
    return told


def compared(world: str, place: str, optimiser: str) -> dict:
    """All families at what each rule chooses, and chunks at the control's rate times C."""
    seeds = [*SETTINGS["seeds"], *SETTINGS["other_seeds"]]
    founds, controls = searched(world, place, optimiser), None
    control = next(iter(founds.values()))
    ours = chosen(control, control)
    table = {"floor": round(control[ours["free"]][1] - SETTINGS["as_plastic"], 4)}
    for family, found in founds.items():
        best = chosen(found, control)
        if family.kind == "chunk" and family.C > 1 and ours["free"][1] > 0:
            best["rate matched"] = (ours["free"][0], family.C * ours["free"][1])
            best["same rates"] = ours["free"]
        rows = measured(family, seeds, sorted(set(best.values())))
        controls = controls or rows
        name = f"{family.kind} {family.C}" + (" blocks" if family.place == "blocks" else "")
        table[name] = {
            rule: against(rows[one], controls[ours.get(rule, ours["free"])], found, one)
            for rule, one in best.items()
        }
    return table


def holm(values: dict) -> dict:
    """{name: p after Holm's correction} of paired t-tests; values: {name: differences}."""
    tests = {name: float(ttest_1samp(row, 0).pvalue) if any(row) else 1.0
             for name, row in values.items()}  # fmt: skip
    corrected, largest = {}, 0.0
    for place, name in enumerate(sorted(tests, key=tests.get)):
        largest = max(largest, min(1.0, tests[name] * (len(tests) - place)))
        corrected[name] = round(largest, 5)
    return corrected


def comparisons(results: dict) -> dict:
    """Chunks, running means and nested blocks minus what they are held to, by Holm."""
    end = {(where, optimiser, name, rule): row["each"]["end"]
           for where in SETTINGS["periods"] for optimiser, table in results[where].items()
           for name, rules in table.items() if name != "floor"
           for rule, row in rules.items() if rule in ("free", "as plastic")}  # fmt: skip
    pairs = {"minus control": {}, "minus smooth": {}, "minus blocks": {}}
    for (where, optimiser, name, rule), ours in end.items():
        kind, *_, C = name.split()
        if name in ("chunk 1", "one rate 1", "chunk 1 blocks"):
            continue
        rivals = {"minus control": (where, optimiser, "chunk 1", rule)}
        if kind == "chunk" and (where, optimiser, f"smooth {C}", rule) in end:
            rivals["minus smooth"] = (where, optimiser, f"smooth {C}", rule)
        if kind == "nested":
            rivals["minus blocks"] = (where, optimiser, "chunk 1 blocks", rule)
        for rival, key in rivals.items():
            told = ", ".join((where, optimiser, name, rule))
            pairs[rival][told] = [a - b for a, b in zip(ours, end[key], strict=True)]
    first, told = len(SETTINGS["seeds"]), {}
    for rival, rows in pairs.items():
        corrected = holm({name: row[:first] for name, row in rows.items()})
        told[rival] = {name: {"lanes": interval(row[:first]), "other lanes": interval(row[first:]),
                              "Holm": corrected[name]} for name, row in rows.items()}  # fmt: skip
    return told


class StiffEWC(cl.EWC):
    """EWC with a rate and a strength for each lane."""

    def __init__(self, rate: torch.Tensor, strength: torch.Tensor) -> None:
        super().__init__(1.0)
        self.rate = rate * strength

    @torch.no_grad()
    def step(self, network, lr: float) -> None:
        """The implicit step of the pull."""
        for θ, S, M in zip(network.parameters(), self.stiffness, self.pull, strict=False):
            θ.add_(self.rate * M).div_(1 + self.rate * S)


class Beside(cl.GradientLearner):
    """Replay or EWC whose lanes may diverge side by side."""

    def _check(self, loss) -> None:
        """Nothing."""


def rival(what: str, seeds, settings: list) -> Beside:
    """All settings (rate, strength) in one learner."""
    network = Layers((64, SETTINGS["layer"], 10), seeds)
    for θ in network.parameters():
        θ.data = θ.data.repeat(len(settings), 1, 1)
    network.seeds = tuple(range(len(settings) * len(seeds)))
    rate, strength = (torch.tensor(each).repeat_interleave(len(seeds))[:, None, None]
                      for each in zip(*settings, strict=True))  # fmt: skip
    replay = cl.Reservoir(int(what.split()[1])) if what.startswith("replay") else None
    penalty = StiffEWC(rate, strength) if what == "EWC" else None
    return Beside(network, replay=replay, penalty=penalty,
                  optimiser=lambda parameters, lr: Descent(parameters, rate))  # fmt: skip


def grids_beside(what: str) -> list:
    """Two grids of (rate, strength): the first, and what was added at its edges."""
    rates, more = SETTINGS["rates_beside"], SETTINGS["rates_beside_added"]
    if what != "EWC":
        return [[(rate, 0.0) for rate in part] for part in (rates, more)]
    strengths = SETTINGS["strengths"]
    return [list(product(rates, strengths)), list(product(rates, SETTINGS["strengths_added"]))]


def beside(world: str) -> dict:
    """Replay and EWC on the network of two layers, held to the same control and rules."""
    first, control = next(iter(searched(world, "layer", "gradient descent").items()))
    ours, table = chosen(control, control), {}
    seeds = [*SETTINGS["seeds"], *SETTINGS["other_seeds"]]
    controls = measured(first, seeds, sorted(set(ours.values())))

    def rows_of(what, seeds, settings, part):
        rows = KEPT(json.dumps((world, "beside", what, part, seeds, settings)), lambda: live(
            rival(what, seeds, settings), seeds, world, len(settings), part))  # fmt: skip
        return {one: {name: rows[name][place] for name in rows}
                for place, one in enumerate(settings)}  # fmt: skip

    for what in ("replay 50", "replay 200", "EWC"):
        rows = {}
        for grid in grids_beside(what):
            rows |= rows_of(what, SETTINGS["search_seeds"], grid, "validation")
        found = {one: (mean(row["end"]), mean(row["new"])) for one, row in rows.items()}
        best = chosen(found, control)
        rows = rows_of(what, seeds, sorted(set(best.values())), "test")
        table[what] = {rule: against(rows[one], controls[ours[rule]], found, one)
                       for rule, one in best.items()}  # fmt: skip
    return table


def main() -> None:
    """Every comparison, then replay and EWC."""
    global KEPT
    KEPT, results = Parts("10_frequency"), {}
    for world in SETTINGS["streams"]:
        results[f"{world}, beside"] = beside(world)
    for where in SETTINGS["periods"]:
        results[where] = {
            optimiser: compared(*where.split(", "), optimiser) for optimiser in OPTIMISERS
        }
    results["comparisons"] = comparisons(results)
    store("10_frequency", settings=SETTINGS, results=results)


if __name__ == "__main__":
    main()
