"""Ways to teach one new skill: how far each drifts, and what each forgets on the way.

    python studies/01_drift.py

makes clcourse/results/01_drift.json again (some minutes). Networks that name digits learn to say,
of other pictures, any digit of the right kind (even or odd). "taught": supervised, a teacher gives
one arbitrary right answer a kind; "own": on-policy, the network's own answers, rewarded where
right; "nearest": supervised, right answers drawn as the network would have drawn them at the
start; "uniform": supervised, right answers drawn evenly; "least": supervised, the right answer
that the network found least likely at the start. Learning rates are chosen on validation pictures
and on other lanes (100 to 119): the one whose old skill is best where the new skill reaches the
target. The lanes 0 to 19 are then tested.
"""

from __future__ import annotations

from dataclasses import replace

import torch

import clcourse as cl
from clcourse.learner import masked
from clcourse.preferences import OddOrEven
from clcourse.results import store

SETTINGS = {
    "seeds": list(range(20)),
    "seeds_for_choosing": list(range(100, 120)),
    "network": [64, 100, 10],
    "batch_size": 32,
    "lr": [0.03, 0.1, 0.3],
    "steps": 400,
    "every": 5,
    "targets": [0.75, 0.8, 0.85, 0.9],
    "worlds": {"scrambled": 10, "scrambled, 100 shown": 100, "turned": 10},
    "explorer": {"target": 0.8, "steps": 240},
}
METHODS = ("taught", "own", "nearest", "uniform", "least")
SHOWN = METHODS[:4]  # in the explorer, and in the other worlds


def turned(experience):
    """The pictures of an experience mirrored along the diagonal."""
    def turn(x):
        return x.unflatten(-1, (8, 8)).transpose(-1, -2).flatten(-2)

    return replace(experience, **{part: turn(getattr(experience, part))
                                  for part in ("x", "x_val", "x_test")})


def world_of(name: str, seeds) -> OddOrEven:
    """The old skill's pictures, and those of the new one."""
    world = OddOrEven(seeds)
    if name == "turned":
        world.new = turned(world.old)
    return world


def loss_of(method: str, world: OddOrEven, base, random):
    """The loss of one way to teach: a function of the policy."""
    teacher = torch.stack([2 * random.integers(1, 5)[:, 0], 2 * random.integers(1, 5)[:, 0] + 1], 1)

    def loss(policy):
        x, y = world.batch(random)
        logits, right = policy(x), world.right_kind(y)
        if method == "taught":
            return cl.cross_entropy(logits, teacher.gather(1, y % 2))
        if method == "nearest":
            return cl.cross_entropy(logits, cl.draw(masked(base(x), right), random))
        if method == "uniform":
            return cl.cross_entropy(logits, 2 * random.integers(y.shape[1], 5) + y % 2)
        if method == "least":
            return cl.cross_entropy(logits, masked(-base(x), right).argmax(dim=-1))
        answers = cl.draw(logits, random)
        reward = right.gather(2, answers[..., None])[..., 0].float()
        return cl.policy_gradient_loss(logits, answers, reward)

    return loss


def curves(method: str, world: OddOrEven, base, lr: float) -> dict[str, torch.Tensor]:
    """What tuning does, every few steps: {measure: (seeds, moments)}, and pictures' answers."""
    moments: dict[str, list] = {}

    def look(policy) -> torch.Tensor:
        forward, reverse = world.drift(policy, base)
        now = {"new": world.new_skill(policy), "old": world.old_skill(policy),
               "new, validation": world.new_skill(policy, "validation"),
               "old, validation": world.old_skill(policy, "validation"),
               "sure, validation": most_probable(policy, world),
               "forward": forward, "reverse": reverse, "said": said(policy, world)}
        for name, value in now.items():
            moments.setdefault(name, []).append(value)
        return torch.zeros(len(world.seeds), dtype=torch.bool)

    look(base)
    random = cl.LaneRandom(world.seeds, f"study {method}")
    cl.tune_until(base, loss_of(method, world, base, random), steps=SETTINGS["steps"], lr=lr,
                  enough=look, every=SETTINGS["every"])
    return {name: torch.stack(values, dim=1) for name, values in moments.items()}


@torch.no_grad()
def most_probable(policy, world: OddOrEven) -> torch.Tensor:
    """Share of validation pictures whose most probable answer is of the right kind: (seeds,)."""
    x, y = world.new.held_out("validation")
    return (policy(x).argmax(dim=-1) % 2 == y % 2).float().mean(dim=1)


@torch.no_grad()
def said(policy, world: OddOrEven) -> torch.Tensor:
    """Probabilities of the ten answers to one test picture of each lane: (seeds, 10)."""
    lane = torch.arange(len(world.seeds))
    x = world.new.x_test[lane, picture(world)]
    return policy(x[:, None]).softmax(dim=-1)[:, 0]


def picture(world: OddOrEven) -> torch.Tensor:
    """Which test picture stands for each lane: the first of class `lane modulo 10`."""
    digits = torch.arange(len(world.seeds)) % 10
    return (world.new.y_test == digits[:, None]).int().argmax(dim=1)


def at_target(curve: dict, target: float, skill: str = "new, validation") -> dict[str, list]:
    """Every measure at the first moment at which a lane reaches the target on validation."""
    there = curve[skill] >= target
    first = there.int().argmax(dim=1, keepdim=True)
    values = {name: curve[name].gather(1, first)[:, 0].tolist()
              for name in ("new", "old", "old, validation", "forward", "reverse")}
    values["step"] = (first[:, 0] * SETTINGS["every"]).tolist()
    return {name: [round(value, 4) if reached else None for value, reached
                   in zip(column, there.any(dim=1).tolist(), strict=True)]
            for name, column in values.items()}


def chosen_lr(runs: dict, method: str, target: float, skill: str) -> float | None:
    """The rate with the best old skill at the target among those that bring every lane there."""
    kept = {}
    for lr in SETTINGS["lr"]:
        old = at_target(runs[method, lr], target, skill)["old, validation"]
        if None not in old:
            kept[lr] = sum(old) / len(old)
    return max(kept, key=kept.get) if kept else None


def methods_of(name: str) -> tuple[str, ...]:
    """The ways that are tried in a world."""
    return METHODS if name == "scrambled" else SHOWN


def all_runs(name: str, seeds) -> tuple[OddOrEven, dict]:
    """Every way at every learning rate."""
    world = world_of(name, seeds)
    base = world.base(shown=SETTINGS["worlds"][name])
    return world, {(method, lr): curves(method, world, base, lr)
                   for method in methods_of(name) for lr in SETTINGS["lr"]}


def rounded(values: torch.Tensor) -> list:
    """Nested lists of numbers with three decimals."""
    return [[round(number, 3) for number in row] for row in values.tolist()]


def study(name: str) -> tuple[dict, dict | None]:
    """At every target: the chosen rates, and what each way and rate does; the explorer's curves."""
    _, other = all_runs(name, SETTINGS["seeds_for_choosing"])
    world, runs = all_runs(name, SETTINGS["seeds"])
    targets = {}
    matches = {f"{target}": (target, "new, validation") for target in SETTINGS["targets"]}
    if name == "scrambled":
        matches["0.8, most probable"] = (0.8, "sure, validation")
    for key, match in matches.items():
        targets[key] = {method: {
            "lr": chosen_lr(other, method, *match),
            "by lr": {f"{lr}": at_target(runs[method, lr], *match) for lr in SETTINGS["lr"]},
        } for method in methods_of(name)}
    start = {"new": world.new_skill, "old": world.old_skill}
    base = runs["taught", SETTINGS["lr"][0]]
    targets["base"] = {key: [round(v, 4) for v in base[key][:, 0].tolist()] for key in start}
    return targets, explorer(world, runs, targets) if name == "scrambled" else None


def explorer(world: OddOrEven, runs: dict, targets: dict) -> dict:
    """Curves of the ways at their chosen rates, for the explorer."""
    wanted = SETTINGS["explorer"]
    moments = wanted["steps"] // SETTINGS["every"] + 1
    shown = {}
    for method in SHOWN:
        lr = targets[f"{wanted['target']}"][method]["lr"]
        curve = runs[method, lr]
        shown[method] = {key: rounded(curve[key][:, :moments:2])
                         for key in ("new", "old", "forward", "reverse")}
        shown[method]["said"] = [rounded(lane) for lane in curve["said"][:, :moments:2]]
        shown[method]["lr"] = lr
    lane, place = torch.arange(len(world.seeds)), picture(world)
    shown["steps"] = list(range(0, wanted["steps"] + 1, 2 * SETTINGS["every"]))
    shown["pictures"] = (world.new.x_test[lane, place] * 16).int().tolist()
    shown["digits"] = world.new.y_test[lane, place].tolist()
    return shown


if __name__ == "__main__":
    results = {name: study(name) for name in SETTINGS["worlds"]}
    shown = next(part for _, part in results.values() if part)
    tables = {name: targets for name, (targets, _) in results.items()}
    print("written:", store("01_drift", SETTINGS, {"worlds": tables, "explorer": shown}).name)
