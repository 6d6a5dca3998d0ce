"""Fast weights that fade over slow weights that hold: what keeps the base, and what only seems to?

    python studies/10_fading.py

makes clcourse/results/10_fading.json again (about forty minutes on one core; what is done is kept
in the folder of kept weights, so it may be stopped and started again).

A network learns the digits, then lives through contexts without a signal, in each of which four
digits swap names. Every rival starts from the same trained network and sees the same batches of 8.

online   right before learning, mean over all steps in contexts; .60 is what the base itself gets
late     the same over the second half of the contexts
awake    base digits under their own names, mean over the ends of all contexts; who follows the
         context perfectly gets .60
rested   the same after the last context and 1000 steps without data

Settings are chosen on lanes 100 and up, on validation images, in two ways. "best sum": the greatest
online plus rested accuracy. "equal adaptation": the greatest rested accuracy among settings whose
online accuracy is at most .02 below the best of one network that nothing holds; who cannot get
there is given its highest.

"replay at rest" is the simplest rival that keeps images instead of weights: one network that lives
as if there were no past, and rehearses base images, 8 at a step, while it rests; how many steps of
the 1000, and at which rate, is chosen like the rest.
"""

from __future__ import annotations

import hashlib
import itertools
import json

import torch
from parts import Parts

import clcourse as cl
from clcourse.evaluate import batches
from clcourse.nested.fading import FadingWeights
from clcourse.results import store
from clcourse.worlds import relabelled_digits

RATES = [0.1, 0.2, 0.3, 0.5, 0.7]
KEEPS = [0.9, 0.97, 0.99, 0.997]
SLOW = [0.003, 0.01, 0.03, 0.1]
SETTINGS = {
    "seeds": list(range(20)),
    "other_seeds": list(range(200, 210)),
    "search_seeds": list(range(100, 110)),
    "network": [64, 48, 10],
    "base": {"epochs": 5, "lr": 0.1},
    "batch": 8,
    "rest": 1000,
    "worlds": {
        "30 steps": {"contexts": 24, "examples": 240},
        "30 steps, 3 that recur": {"contexts": 24, "examples": 240, "different": 3},
        "30 steps, no base": {"contexts": 24, "examples": 240},
        "100 steps": {"contexts": 12, "examples": 800},
        "100 steps, 3 that recur": {"contexts": 12, "examples": 800, "different": 3},
    },
    "rates": RATES,
    "keeps": KEEPS,
    "slow": SLOW,
    "strengths": [0.1, 1.0, 10.0, 100.0, 1000.0, 10000.0],
    "old in a batch": [1, 2, 4, 8, 16],
    "put back every": [11, 23, 47, 97, 197],  # no multiple of a context's length
    "rates at rest": [0.01, 0.03, 0.1, 0.3],
    "steps at rest": [30, 100, 300, 1000],
    "averages": [0.9, 0.97, 0.99, 0.997, 0.999, 0.9997],
    "periods": [1, 8, 30, 120],
    "watched at rest": [0, 1, 3, 10, 30, 100, 300, 1000],
    "margin": 0.02,
}


class PutBack(FadingWeights):
    """One network and a stored copy of the base: it goes back to it at a rest, or more often."""

    def __init__(self, network, lr: float, every: int = 0, told: bool = False) -> None:
        super().__init__(network, lr, keep=1.0, slow_lr=0.0, beside=False)
        self.every, self.age, self.needs_boundaries = every, 0, told

    def observe(self, x, y, allowed=None):
        """A step; every so many steps back to the copy."""
        logits = super().observe(x, y, allowed)
        self.age += 1
        if self.every and self.age % self.every == 0:
            self.rest(1)
        return logits

    def consolidate(self, experience) -> None:
        """Back to the copy where it is told that a context has ended."""
        self.rest(1)

    @torch.no_grad()
    def rest(self, steps: int) -> None:
        """Back to the copy at once."""
        for f in self.fast.parameters():
            f.zero_()


class Averaged(cl.GradientLearner):
    """One network and a moving average of its weights, to which it goes back at a rest."""

    def __init__(self, network, lr: float, average: float) -> None:
        super().__init__(network, lr)
        self.average, self.mean = average, [θ.detach().clone() for θ in network.parameters()]

    def observe(self, x, y, allowed=None):
        """A step; the average follows."""
        logits = super().observe(x, y, allowed)
        with torch.no_grad():
            for mean, θ in zip(self.mean, self.network.parameters(), strict=True):
                mean.lerp_(θ, 1 - self.average)
        return logits

    @torch.no_grad()
    def rest(self, steps: int) -> None:
        """Back to the average at once."""
        for mean, θ in zip(self.mean, self.network.parameters(), strict=True):
            θ.copy_(mean)


class BaseOnly(cl.Reservoir):
    """Examples of the base, and never others."""

    def start(self, seeds):
        """Itself, filled."""
        return self

    def add(self, x, y, allowed=None) -> None:
        """What comes later is not kept."""


class Rehearsing(cl.GradientLearner):
    """Some old examples beside the new ones at every step; the loss is the mean over both."""

    old = 8

    def _with_replayed(self, x, y, allowed):
        old_x, old_y, _ = self.replay.sample(self.old)
        return torch.cat([x, old_x], dim=1), torch.cat([y, old_y], dim=1), None


def rehearsing(network, base, lr: float, kept: int, old: int) -> Rehearsing:
    """Replay of the first `kept` examples of the base."""
    box = BaseOnly(kept, network.seeds)
    cl.Reservoir.add(box, base.x[:, :kept], base.y[:, :kept])
    learner = Rehearsing(network.copy(), lr, replay=box)
    learner.old = old
    return learner


class AtRest(cl.GradientLearner):
    """One network that rehearses stored base images while it rests, and at no other time."""

    def __init__(self, network, lr: float, box: BaseOnly, rest_lr: float, steps: int) -> None:
        super().__init__(network, lr)
        self.box, self.rest_lr, self.steps = box, rest_lr, steps
        self.until_rest = lr  # who has the same rate lives the same life until then

    def rest(self, steps: int) -> None:
        """Steps on old images, at a rate of their own; when they are done, nothing."""
        asleep = cl.GradientLearner(self.network, self.rest_lr)
        for _ in range(min(steps, self.steps)):
            x, y, _ = self.box.sample(SETTINGS["batch"])
            asleep.observe(x, y)


def at_rest(kept: int):
    """A maker: the first `kept` examples of the base wait for the rest."""

    def make(network, base, lr: float, rest_lr: float, rest_steps: int) -> AtRest:
        box = BaseOnly(kept, network.seeds)
        cl.Reservoir.add(box, base.x[:, :kept], base.y[:, :kept])
        return AtRest(network.copy(), lr, box, rest_lr, rest_steps)

    return make


def stiff(network, base, lr: float, strength: float) -> cl.GradientLearner:
    """EWC that was told where the base ended."""
    learner = cl.GradientLearner(network.copy(), lr, penalty=cl.EWC(strength))
    learner.consolidate(base)
    return learner


def fading(beside: bool, keep: float | None = None, slow_lr: float | None = None):
    """A maker of fading weights, some of whose settings are given."""
    given = {"keep": keep, "slow_lr": slow_lr, "beside": beside}
    given = {name: value for name, value in given.items() if value is not None}
    return lambda net, base, lr, **chosen: FadingWeights(net, lr, **given, **chosen)


GRIDS = {"lr": RATES, "keep": KEEPS, "slow_lr": SLOW, "strength": SETTINGS["strengths"],
         "old": SETTINGS["old in a batch"], "every": SETTINGS["put back every"],
         "average": SETTINGS["averages"], "rest_lr": SETTINGS["rates at rest"],
         "rest_steps": SETTINGS["steps at rest"]}  # fmt: skip
RIVALS = {  # name: (settings to choose, maker)
    "one network": ("lr", lambda net, base, lr: cl.GradientLearner(net.copy(), lr)),
    "one network, slow": ("slow_lr", lambda net, base, slow_lr: cl.GradientLearner(
        net.copy(), slow_lr)),
    "one network, put back at rest": ("lr", lambda net, base, lr: PutBack(net, lr)),
    "put back every so often": ("lr every", lambda net, base, lr, every: PutBack(net, lr, every)),
    "put back when told": ("lr", lambda net, base, lr: PutBack(net, lr, told=True)),
    "average of its weights": ("lr average", lambda net, base, lr, average: Averaged(
        net.copy(), lr, average)),
    "beside": ("lr keep slow_lr", fading(True)),
    "beside, frozen": ("lr keep", fading(True, slow_lr=0.0)),
    "beside, no fading": ("lr slow_lr", fading(True, keep=1.0)),
    "beside, frozen, no fading": ("lr", fading(True, keep=1.0, slow_lr=0.0)),
    "two weights": ("lr keep slow_lr", fading(False)),
    "two weights, frozen": ("lr keep", fading(False, slow_lr=0.0)),
    "two weights, no fading": ("lr slow_lr", fading(False, keep=1.0)),
    "EWC": ("lr strength", stiff),
    "replay of 50": ("lr old", lambda net, base, lr, old: rehearsing(net, base, lr, 50, old)),
    "replay of 200": ("lr old", lambda net, base, lr, old: rehearsing(net, base, lr, 200, old)),
    "replay of 50 at rest": ("lr rest_lr rest_steps", at_rest(50)),
    "replay of 200 at rest": ("lr rest_lr rest_steps", at_rest(200)),
}  # fmt: skip
WITHOUT_BASE = ("one network", "one network, slow", "average of its weights", "beside",
                "beside, frozen", "beside, no fading", "two weights", "two weights, frozen",
                "two weights, no fading")  # fmt: skip
RECURRING = ("one network", "one network, put back at rest", "put back when told", "beside",
             "beside, frozen", "beside, no fading", "two weights", "two weights, frozen",
             "two weights, no fading", "average of its weights", "replay of 50 at rest",
             "replay of 200 at rest")  # fmt: skip


class World:
    """A network that knows the base, and the batches of all contexts, the same for every rival."""

    def __init__(self, name: str, seeds) -> None:
        stream = relabelled_digits(**SETTINGS["worlds"][name], seeds=seeds)
        network = cl.mlp(*SETTINGS["network"], seeds=seeds)
        if "no base" not in name:
            learner = cl.GradientLearner(network, SETTINGS["base"]["lr"])
            network = cl.run(learner, stream[:1], epochs=SETTINGS["base"]["epochs"],
                             batch_size=SETTINGS["batch"]).learner.network  # fmt: skip
        order = cl.LaneRandom(seeds, "batches of contexts")
        self.network, self.base = network, stream[0]
        self.contexts = [[(x, y) for x, y, _ in batches(one, order, SETTINGS["batch"])]
                         for one in stream[1:]]  # fmt: skip
        self.until_rest = {}

    def base_accuracy(self, learner, part: str) -> torch.Tensor:
        """Digits under their own names: (seeds,)."""
        x, y = self.base.held_out(part)
        return (learner.predict(x).argmax(-1) == y).float().mean(dim=1)

    def live(self, learner, part: str) -> dict[str, torch.Tensor]:
        """A life through all contexts: online (seeds, contexts, steps), awake and rested."""
        online, awake = self.contexts_of(learner, part)
        learner.rest(SETTINGS["rest"])
        return {"online": online, "awake": awake, "rested": self.base_accuracy(learner, part)}

    def contexts_of(self, learner, part: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Until the rest: online and awake. Those who differ in the rest alone live it once."""
        same = getattr(learner, "until_rest", None), part
        if same in self.until_rest:
            online, awake, network = self.until_rest[same]
            learner.network = network.copy()
            return online, awake
        online, awake = [], []
        for context in self.contexts:
            right = [(learner.observe(x, y).argmax(-1) == y).float().mean(1) for x, y in context]
            online.append(torch.stack(right, dim=1))
            awake.append(self.base_accuracy(learner, part))
            if isinstance(learner, PutBack) and learner.needs_boundaries:
                learner.consolidate(None)
        online, awake = torch.stack(online, dim=1), torch.stack(awake, dim=1).mean(1)
        if same[0] is not None:
            self.until_rest[same] = online, awake, learner.network.copy()
        return online, awake


def numbers(life: dict[str, torch.Tensor]) -> dict[str, list[float]]:
    """One number a lane of each measure; the means over lanes by context, and by step in it."""
    contexts = life["online"].mean(dim=2)
    late = contexts[:, contexts.shape[1] // 2 :].mean(dim=1)
    rows = {"online": contexts.mean(dim=1), "late": late, "awake": life["awake"],
            "rested": life["rested"], "by context": contexts.mean(dim=0),
            "by step": life["online"].mean(dim=(0, 1))}  # fmt: skip
    return {name: [round(value, 4) for value in row.tolist()] for name, row in rows.items()}


def rivals(name: str) -> tuple[str, ...]:
    """Who lives in a world."""
    return WITHOUT_BASE if "no base" in name else RECURRING if "recur" in name else tuple(RIVALS)


def combinations(rival: str):
    """All settings of a rival's grid."""
    names = RIVALS[rival][0].split()
    for values in itertools.product(*(GRIDS[name] for name in names)):
        yield dict(zip(names, values, strict=True))


def lived(world: World, rival: str, setting: dict, part: str) -> dict[str, list[float]]:
    """What a rival with these settings measures."""
    return numbers(world.live(RIVALS[rival][1](world.network, world.base, **setting), part))


def tried(world: World, rival: str, setting: dict) -> dict[str, float]:
    """Mean online, late, awake and rested accuracy; nothing if it diverged."""
    try:
        measured = lived(world, rival, setting, "validation")
    except cl.CourseError:
        return {}
    return {name: round(sum(values) / len(values), 4) for name, values in measured.items()
            if not name.startswith("by")}  # fmt: skip


def chosen(rows: list[dict], free: float) -> dict[str, dict]:
    """The settings by the two rules; free: the best online accuracy of one network."""
    rows = [row for row in rows if "online" in row]
    fast = [row for row in rows if row["online"] >= free - SETTINGS["margin"]]
    near = max(fast, key=lambda row: row["rested"]) if fast else max(
        rows, key=lambda row: row["online"])  # fmt: skip
    both = max(rows, key=lambda row: row["online"] + row["rested"])
    return {"best sum": both["setting"], "equal adaptation": near["setting"]}


def search(name: str, notes: Parts) -> dict[str, list[dict]]:
    """Every setting of every rival in one world."""
    world, found = None, {}
    for rival in rivals(name):
        rows = []
        for setting in combinations(rival):
            key = f"search/{name}/{rival}/{setting}"
            if key not in notes.made and world is None:
                world = World(name, SETTINGS["search_seeds"])
            row = notes(key, lambda w=world, r=rival, s=setting: tried(w, r, s))
            rows.append({"setting": setting} | row)
        found[rival] = rows
        print(name, rival, flush=True)
    return found


def lanes(name: str, seeds, settings: dict, notes: Parts) -> dict:
    """The chosen settings on other lanes; what both rules choose is run once."""
    world, measured = World(name, seeds), {}
    for rival, rules in settings.items():
        measured[rival] = {rule: notes(
            f"lanes/{name}/{seeds}/{rival}/{setting}",
            lambda r=rival, s=setting: lived(world, r, s, "test"))
            for rule, setting in rules.items()}  # fmt: skip
    measured["base"] = [round(a, 4) for a in world.base_accuracy(
        cl.GradientLearner(world.network), "test").tolist()]  # fmt: skip
    return measured


def periods(name: str, settings: dict, notes: Parts) -> dict:
    """Slow steps once in C with the mean of C gradients, at the same rate and at C times it."""
    world, rows = World(name, SETTINGS["seeds"]), {}
    for kind in ("beside", "two weights"):
        given = settings[kind]["best sum"]
        for C, matched in itertools.product(SETTINGS["periods"], (True, False)):
            slow_lr = given["slow_lr"] * (C if matched else 1)
            rule = "C times the rate" if matched else "the same rate"
            rows.setdefault(kind, {}).setdefault(rule, {})[str(C)] = notes(
                f"periods/{name}/{kind}/{given}/{C}/{rule}",
                lambda k=kind, g=given, s=slow_lr, c=C: numbers(world.live(FadingWeights(
                    world.network, g["lr"], keep=g["keep"], slow_lr=s, period=c,
                    beside=k == "beside"), "test")))  # fmt: skip
    return rows


WATCHED = ("one network", "one network, put back at rest", "put back when told", "beside",
           "two weights", "two weights, no fading")  # fmt: skip


def with_intervals(lanes: torch.Tensor) -> list[list[float]]:
    """(seeds, places) as mean, low and high of each place."""
    read = (cl.estimate(column) for column in lanes.unbind(dim=1))
    return [[round(value, 4) for value in (one.value, one.low, one.high)] for one in read]


def watched(world: World, learner) -> dict[str, list]:
    """One life: right by step of a context, the base after each context, and through the rest."""
    online, base, resting, gone = [], [], [], 0
    for context in world.contexts:
        right = [(learner.observe(x, y).argmax(-1) == y).float().mean(1) for x, y in context]
        online.append(torch.stack(right, dim=1))
        base.append(world.base_accuracy(learner, "test"))
        if isinstance(learner, PutBack) and learner.needs_boundaries:
            learner.consolidate(None)
    for steps in SETTINGS["watched at rest"]:
        if steps > gone:
            learner.rest(steps - gone)
        gone = steps
        resting.append(world.base_accuracy(learner, "test"))
    rows = {"by step": torch.stack(online).mean(dim=0), "base by context": torch.stack(base, dim=1),
            "base at rest": torch.stack(resting, dim=1)}  # fmt: skip
    return {name: with_intervals(row) for name, row in rows.items()}


def lives(name: str, settings: dict, notes: Parts) -> dict[str, dict]:
    """The lives of some rivals with their best sum, step by step, with intervals over lanes."""
    world, rows = World(name, SETTINGS["seeds"]), {}
    for rival in WATCHED:
        given = settings[rival]["best sum"]
        rows[rival] = notes(
            f"lives/{name}/{rival}/{given}",
            lambda r=rival, g=given: watched(world, RIVALS[r][1](world.network, world.base, **g)),
        )
    return rows


def main() -> None:
    """Search every world, then run the lanes that are reported and fresh ones."""
    fixed = json.dumps([SETTINGS[name] for name in ("network", "base", "batch", "rest", "worlds")])
    notes = Parts(f"10_fading_{hashlib.sha256(fixed.encode()).hexdigest()[:12]}")
    results = {"search": {}, "chosen": {}, "lanes": {}, "other lanes": {}}
    for name in SETTINGS["worlds"]:
        found = search(name, notes)
        free = max(row.get("online", 0.0) for row in found["one network"])
        settings = {rival: chosen(rows, free) for rival, rows in found.items()}
        results["search"][name], results["chosen"][name] = found, settings
        results["lanes"][name] = lanes(name, SETTINGS["seeds"], settings, notes)
        results["other lanes"][name] = lanes(name, SETTINGS["other_seeds"], settings, notes)
        print(name, "done", flush=True)
    first = next(iter(SETTINGS["worlds"]))
    results["periods"] = periods(first, results["chosen"][first], notes)
    results["lives"] = {first: lives(first, results["chosen"][first], notes)}
    store("10_fading", settings=SETTINGS, results=results)


if __name__ == "__main__":
    main()
