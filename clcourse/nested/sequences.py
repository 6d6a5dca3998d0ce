"""Sequences whose answer must be worked out while reading: counting, and labels that change.

parity, modulo 3   how many so far, modulo 2 or 3: a state that every token turns
relabelled         which label has this symbol *now*? The labels are dealt anew from time to time
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F

from clcourse.errors import CourseError, whole
from clcourse.pretraining import clip_each_lane, schedule
from clcourse.seeds import LaneRandom, Seeds, device


class Sequences(NamedTuple):
    """x (seeds, batch, T) or (…, T, parts), answers y and which are asked (seeds, batch, T).

    regime (seeds, batch, T): how often the rule has changed before
    """

    x: torch.Tensor
    y: torch.Tensor
    asked: torch.Tensor
    regime: torch.Tensor


def counted(
    length: int, *, base: int = 2, batch: int = 16, seeds: Seeds | LaneRandom = 1
) -> Sequences:
    """Digits 0 … base - 1 and, after each, their sum so far modulo base."""
    whole("length", length), whole("base", base, 2), whole("batch", batch)
    random = seeds if isinstance(seeds, LaneRandom) else LaneRandom(seeds, "counted")
    x = random.integers(batch * length, base).reshape(-1, batch, length)
    y = x.cumsum(dim=-1) % base
    asked, regime = torch.ones_like(x, dtype=torch.bool), torch.zeros_like(x)
    return Sequences(*(part.to(device()) for part in (x, y, asked, regime)))


def relabelled(
    length: int = 36,
    *,
    symbols: int = 6,
    regimes: int = 2,
    told: float = 1.0,
    batch: int = 16,
    seeds: Seeds | LaneRandom = 1,
) -> Sequences:
    """Symbols and their labels (parts 0 and 1); who belongs to whom is dealt anew in each regime.

    told  share of the tokens that say the label; the others say "?" (the number `symbols`). Asked
    are symbols whose label was told before, in this regime: with told=1 at every token (to be
    answered before its label is read), else at "?". A regime lasts length/regimes tokens, ± half.
    """
    for name, size in {"length": length, "symbols": symbols, "regimes": regimes,
                       "batch": batch}.items():  # fmt: skip
        whole(name, size)
    if not 0 < told <= 1 or regimes > length:
        raise CourseError(
            f"told={told!r}, regimes={regimes!r} of {length} tokens; expected a share above 0, up "
            "to 1, and no more regimes than tokens."
        )
    random = seeds if isinstance(seeds, LaneRandom) else LaneRandom(seeds, "relabelled")
    lanes, n, T, R = len(random.seeds), symbols, length, regimes

    def uniform(*shape: int) -> torch.Tensor:
        return random.uniform(torch.Size(shape).numel()).reshape(lanes, *shape)

    labels = uniform(batch, R, n).argsort(dim=-1)
    edges = (torch.arange(1, R) + uniform(batch, R - 1) - 0.5) * T / R
    regime = (torch.arange(T)[:, None] >= edges[..., None, :]).sum(dim=-1)
    key = (uniform(batch, T) * n).long()
    y = labels.gather(2, regime[..., None].expand(-1, -1, -1, n)).gather(3, key[..., None])[..., 0]
    says = uniform(batch, T) < told
    word = F.one_hot(regime * n + key, R * n) * says[..., None]
    known = (word.cumsum(2) - word).gather(3, (regime * n + key)[..., None])[..., 0] > 0
    asked = known if told == 1 else known & ~says
    x = torch.stack([key, torch.where(says, y, n)], dim=-1)
    return Sequences(*(part.to(device()) for part in (x, y, asked, regime)))


@torch.enable_grad()
def practise_sequences(network, draw, *, steps: int = 300, lr: float = 1e-2):
    """A copy of `network` after `steps` of Adam on the answers that are asked.

    draw(random) → Sequences of its lanes; network.logits(x) → (seeds, batch, T, classes). A tenth
    of the steps to warm up, then a cosine down to 0; gradients clipped to length 1 in each lane.
    """
    if not lr > 0:
        raise CourseError(f"lr={lr!r}; expected a rate above 0: try 1e-2.")
    whole("steps", steps)
    network = network.copy()
    random = LaneRandom(network.seeds, "sequences to practise")
    optimiser = torch.optim.Adam(network.parameters(), lr, betas=(0.9, 0.99))
    for step in range(steps):
        texts = draw(random)
        loss = asked_loss(network.logits(texts.x), texts)
        optimiser.zero_grad()
        loss.sum().backward()
        clip_each_lane(network, 1.0)
        optimiser.param_groups[0]["lr"] = lr * schedule(step, steps, max(1, steps // 10), 0.0)
        optimiser.step()
    return network


def asked_loss(logits: torch.Tensor, texts: Sequences) -> torch.Tensor:
    """Cross-entropy of the answers that are asked, a mean in each lane: (seeds,)."""
    each = F.cross_entropy(logits.movedim(-1, 1), texts.y, reduction="none")
    return (each * texts.asked).flatten(1).sum(1) / texts.asked.flatten(1).sum(1).clamp(min=1)


@torch.no_grad()
def share_right(network, texts: Sequences, where: torch.Tensor | None = None) -> torch.Tensor:
    """Share of the answers asked (and in `where`) that are right: (seeds,)."""
    asked = texts.asked if where is None else texts.asked & where
    right = (network.logits(texts.x).argmax(dim=-1) == texts.y) & asked
    return right.flatten(1).sum(1) / asked.flatten(1).sum(1).clamp(min=1)
