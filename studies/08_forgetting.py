"""Forget on request: a note is thrown away, a weight must be trained to.

    python studies/08_forgetting.py

makes clcourse/results/08_forgetting.json again (about two minutes on one core). Networks that can
follow noted rules are taught 90 facts about 30 newcomers, old ones blended in. Then three of these
people (9 facts) ask to be forgotten.

weights  gradient ascent on the 9 facts until a lane answers at most one of them, alone or with
         batches of what is to stay; then: what stays, and how many steps the 9 facts take to learn
         again, beside 9 facts that were never taught. The rate is chosen on lanes 100-104 by what
         stays.
notes    the notes are thrown away; compared with a store that never had them, bit by bit.
"""

from __future__ import annotations

import torch

import clcourse as cl
from clcourse.facts import Facts
from clcourse.learner import cross_entropy
from clcourse.pretraining import clip_each_lane
from clcourse.results import store

SETTINGS = {
    "seeds": list(range(20)),
    "seeds_for_choosing": list(range(100, 105)),
    "rules": 0.5,
    "newcomers": 30,
    "forgotten": 3,
    "teaching_rate": 1e-3,
    "learning_rates": [1e-4, 3e-4, 1e-3, 3e-3],
    "until": 0.12,
    "steps": 300,
}


def loss(network, facts: Facts, random: cl.LaneRandom) -> torch.Tensor:
    """Cross-entropy of up to 64 of the facts: (seeds,)."""
    chosen = random.permutation(len(facts))[:, :64]
    lane = torch.arange(len(chosen))[:, None]
    return cross_entropy(network(facts.x[lane, chosen]), facts.y[lane, chosen])


def unlearnt(network, gone: Facts, kept: Facts | None, lr: float):
    """Climb until a lane no longer answers what should go; each lane stops there."""
    network = network.copy()
    learning, random = list(network.parameters()), cl.LaneRandom(network.seeds, "unlearning")
    optimiser = torch.optim.AdamW(learning, lr, weight_decay=0.0)
    done = cl.recall(network, gone) <= SETTINGS["until"]
    for _ in range(SETTINGS["steps"]):
        if bool(done.all()):
            break
        before = [θ.detach().clone() for θ in learning]
        step = -loss(network, gone, random)
        if kept is not None:
            step = step + loss(network, kept, random)
        optimiser.zero_grad()
        step.sum().backward()
        clip_each_lane(network, 1.0)
        optimiser.step()
        with torch.no_grad():
            for θ, was in zip(learning, before, strict=True):
                θ[done] = was[done]
        done = done | (cl.recall(network, gone) <= SETTINGS["until"])
    return network


def joined(*parts: Facts) -> Facts:
    """Facts one after the other."""
    return Facts(*(torch.cat([part[i] for part in parts], dim=1) for i in (0, 1)))


def by_weights(seeds, lr: float, blend: bool) -> dict[str, torch.Tensor]:
    """Teach, unlearn, ask, and teach again."""
    world, few = cl.World(seeds=seeds), 3 * SETTINGS["forgotten"]
    base, old = cl.grown_up(world, rules=SETTINGS["rules"]), world.facts()
    new = world.facts("newcomers", SETTINGS["newcomers"])
    gone, stays = Facts(new.x[:, :few], new.y[:, :few]), Facts(new.x[:, few:], new.y[:, few:])
    taught = cl.teach(base, new, SETTINGS["teaching_rate"], along=old).network
    after = unlearnt(taught, gone, joined(stays, old) if blend else None, lr)
    never = world.facts("strangers", SETTINGS["forgotten"])
    again, first = (cl.teach(after, facts, SETTINGS["teaching_rate"] / 5).steps
                    for facts in (gone, never))  # fmt: skip
    return {
        "gone": cl.recall(after, gone), "new": cl.recall(after, stays),
        "old": cl.recall(after, old), "new before": cl.recall(taught, stays),
        "old before": cl.recall(taught, old), "again": again, "never taught": first,
    }  # fmt: skip


def by_notes(seeds) -> dict[str, torch.Tensor]:
    """Write, throw away, compare."""
    world, few = cl.World(seeds=seeds), 3 * SETTINGS["forgotten"]
    base, old = cl.grown_up(world, rules=SETTINGS["rules"]), world.facts()
    new = world.facts("newcomers", SETTINGS["newcomers"])
    gone, stays = Facts(new.x[:, :few], new.y[:, :few]), Facts(new.x[:, few:], new.y[:, few:])
    book, never = cl.OpenBook(base), cl.OpenBook(base)
    book.write(joined(gone, stays, old).notes())
    never.write(joined(stays, old).notes())
    book.forget(gone.x)

    def right(facts):
        return (book.predict(facts.x).argmax(-1) == facts.y).float().mean(1)

    asked = joined(new, old).x
    same = (book.predict(asked) == never.predict(asked)).flatten(1).all(1)
    asked = {"gone": right(gone), "new": right(stays), "old": right(old)}
    return asked | {"as if never": same.float()}


if __name__ == "__main__":
    found, tried = {}, {}
    for name, blend in (("ascent", False), ("ascent, the rest blended in", True)):
        tried[name] = {}
        for lr in SETTINGS["learning_rates"]:
            one = by_weights(SETTINGS["seeds_for_choosing"], lr, blend)
            went = bool((one["gone"] <= SETTINGS["until"]).all())
            tried[name][str(lr)] = round(float((one["new"] + one["old"]).mean() / 2), 4) * went
        best = max(tried[name], key=tried[name].get)
        found[name] = by_weights(SETTINGS["seeds"], float(best), blend) | {"lr": float(best)}
    found["notes"] = by_notes(SETTINGS["seeds"])
    found = {name: {what: [round(float(one), 4) for one in lanes] if what != "lr" else lanes
                    for what, lanes in answers.items()} for name, answers in found.items()}
    print({n: {w: v if w == "lr" else sum(v) / len(v) for w, v in one.items()}
           for n, one in found.items()}, tried)  # fmt: skip
    print("written:", store("08_forgetting", SETTINGS, {"found": found, "chosen": tried}).name)
