"""Practice: a Titan learns, once, how to remember; afterwards its weights stay as they are.

What belongs to a key is drawn anew in every text, so the weights can only learn how to write and
how to read. The texts come in turn: 4 pairs with a gap of at most 5, which attention alone can
answer (without them the controls fail for want of training); and 4 pairs, later 16, with a gap of
up to 15, later 63.
"""

from __future__ import annotations

import torch

from clcourse.errors import CourseError
from clcourse.learner import cross_entropy
from clcourse.memory import Titan
from clcourse.pairs import MOST, VALUES, WORDS, Pairs, draw_pairs
from clcourse.pretraining import clip_each_lane, kept, schedule
from clcourse.seeds import LaneRandom, Seeds, generator, progress

TEXTS = 16  # in a step


@torch.enable_grad()
def practise(network: Titan, *, steps: int = 400, lr: float = 1e-2) -> Titan:
    """A copy of the networks that has practised to answer from pairs of long ago.

    AdamW without decay, a tenth of the steps to warm up, then a cosine down to 0; gradients are
    clipped to length 1, a lane at a time.
    """
    if not isinstance(steps, int) or steps < 1 or not lr > 0:
        raise CourseError(
            f"steps={steps!r}, lr={lr!r}; expected a whole number of steps of at least 1 and a "
            "rate above 0: try steps=400, lr=1e-2."
        )
    network = network.copy()
    random, gaps = LaneRandom(network.seeds, "practice"), generator(0, "gaps")
    optimiser = torch.optim.AdamW(network.parameters(), lr, betas=(0.9, 0.99), weight_decay=0.0)
    for step in progress(range(steps), "practice"):
        count, gap = 4, step % 6
        if step % 2 == 0:
            done = step / steps
            count = 4 + int((MOST - 4) * min(1.0, 1.5 * done))
            gap = int(torch.randint(16 + int(48 * done), (), generator=gaps))
        texts = draw_pairs(count, gap, batch=TEXTS, seeds=random)
        logits = network(texts.x)[:, :, -texts.y.shape[-1] :]
        loss = cross_entropy(logits.flatten(1, 2), texts.y.flatten(1))
        optimiser.zero_grad()
        loss.sum().backward()
        clip_each_lane(network, 1.0)
        optimiser.param_groups[0]["lr"] = lr * schedule(step, steps, max(1, steps // 10), 0.0)
        optimiser.step()
    return network


def practised(
    kind: str = "MAG", *, steps: int = 400, lr: float = 1e-2, window: int = 16, seeds: Seeds = 1
) -> Titan:
    """`practise`, or what it gave before with the same settings: weights are kept on disk."""
    fresh = Titan(WORDS, VALUES, kind=kind, window=window, seeds=seeds)
    settings = {"kind": kind, "steps": steps, "lr": lr, "window": window, "seeds": fresh.seeds}
    rooms = ("seeds", "pairs", "memory", "learner", "pretraining", "remembering")
    return kept("practised", fresh, settings, rooms, lambda: practise(fresh, steps=steps, lr=lr))


@torch.no_grad()
def remembers(network: Titan, texts: Pairs) -> torch.Tensor:
    """Share of the questions answered right: (seeds,)."""
    answers = network(texts.x)[:, :, -texts.y.shape[-1] :].argmax(dim=-1)
    return (answers == texts.y).float().mean(dim=(1, 2))
