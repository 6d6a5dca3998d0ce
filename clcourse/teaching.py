"""Teach a network facts until it knows them, and stop each lane there.

Methods are compared fairly only at the same new knowledge: a rate that learns more forgets more.
So each lane stops as soon as it recalls the share `until` of its facts, and is left as it was then.
"""

from __future__ import annotations

from typing import NamedTuple

import torch

from clcourse.errors import CourseError
from clcourse.facts import Facts
from clcourse.learner import cross_entropy
from clcourse.pretraining import clip_each_lane
from clcourse.reading import recall
from clcourse.seeds import LaneRandom, progress


class Taught(NamedTuple):
    """What teaching gave.

    network  a taught copy;  recall (seeds,): share of the facts that it knows;
    steps (seeds,): how many it took, the limit where a lane never got there
    """

    network: torch.nn.Module
    recall: torch.Tensor
    steps: torch.Tensor


@torch.enable_grad()
def teach(
    network: torch.nn.Module,
    facts: Facts,
    lr: float,
    *,
    along: Facts | None = None,
    until: float = 0.99,
    steps: int = 600,
) -> Taught:
    """Descend on the facts, closed book, until each lane recalls `until` of them, at most `steps`.

    network  a tiny transformer, or one with notes: then the notes learn. along: other facts, as
    many in every batch, which are blended in (replay). AdamW without decay, batches of up to 64,
    gradients clipped to length 1 a lane; recall is looked at every 5 steps, where there are more
    than 500 facts every 25.
    """
    if not lr > 0 or not 0 < until <= 1 or steps < 1:
        raise CourseError(
            f"lr={lr!r}, until={until!r}, steps={steps!r}; expected a rate above 0, a share up to "
            "1 and at least one step: try lr=1e-3, until=0.99, steps=600."
        )
    network = network.copy()
    learning = [θ for θ in network.parameters() if θ.requires_grad]
    if not learning:
        raise CourseError(
            "Nothing in this network learns: no note is switched on; expected at least one, try "
            "network.only('note') before you teach."
        )
    random = LaneRandom(network.seeds, "teaching")
    optimiser = torch.optim.AdamW(learning, lr, weight_decay=0.0)
    best, took = recall(network, facts), torch.zeros(len(network.seeds))
    done, kept = best >= until, [θ.detach().clone() for θ in learning]
    every = 5 if len(facts) <= 500 else 25
    for step in progress(range(1, steps + 1), "teaching"):
        if bool(done.all()):
            break
        loss = _loss(network, facts, random)
        if along is not None:
            loss = (loss + _loss(network, along, random)) / 2
        optimiser.zero_grad()
        loss.sum().backward()
        clip_each_lane(network, 1.0)
        optimiser.step()
        if step % every == 0 or step == steps:
            best = torch.where(done, best, recall(network, facts))
            took[~done.cpu()] = step
            with torch.no_grad():
                for θ, was in zip(learning, kept, strict=True):
                    was[~done] = θ[~done]
            done = done | (best >= until)
    with torch.no_grad():
        for θ, was in zip(learning, kept, strict=True):
            θ.copy_(was)
    return Taught(network, best.cpu(), took)


def _loss(network: torch.nn.Module, facts: Facts, random: LaneRandom) -> torch.Tensor:
    """Cross-entropy of a batch of the facts: (seeds,)."""
    chosen = random.permutation(len(facts))[:, :64]
    lane = torch.arange(len(chosen))[:, None]
    return cross_entropy(network(facts.x[lane, chosen]), facts.y[lane, chosen])
