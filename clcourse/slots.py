"""A memory of many slots in place of the MLP, and teaching that writes to a few of them only.

An MLP can be read as a memory: column i of `up` is a key, row i of `down` is its value, and every
unit answers a little (Geva et al. 2021). In a memory layer only the k best keys answer:

    s = x up,    a_i = softmax over the k largest of s (0 elsewhere),    y = a down

(Lample et al. 2019; Berges et al. 2024). Theirs have a query x W_q and a million slots found by
product keys, and more than one reading head; here W_q is a part of `up`, and all keys are compared.

Sparse memory finetuning (Lin et al. 2025): on new data, change only the values of the t slots that
the new data use much and old data use rarely; all else is frozen.
"""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.func import functional_call

from clcourse.errors import CourseError
from clcourse.learner import Change
from clcourse.seeds import LaneRandom, Seeds, device
from clcourse.transformer import TinyTransformer

VALUES = "blocks.0.down"  # where the values stand, in either network: (seeds, slots, width)


class SlotTransformer(TinyTransformer):
    """A tiny transformer of one layer whose MLP is a memory: k of its slots answer each token."""

    def __init__(self, vocabulary, slots, k, width, heads, seeds) -> None:
        super().__init__(vocabulary, width, heads, 1, None, None, seeds)
        random, block = LaneRandom(seeds, "slots"), self.blocks[0]
        self.slots, self.k = slots, k
        del block["up_bias"]
        block["up"] = nn.Parameter(random.normal(width, slots) / width**0.5)
        block["down"] = nn.Parameter(random.normal(slots, width) / width**0.5)

    def _units(self, seen: torch.Tensor, block) -> torch.Tensor:
        """softmax over the k best slots, 0 elsewhere: (seeds, tokens, slots)."""
        scores = seen @ block["up"]
        best, which = scores.topk(self.k, dim=-1)
        return torch.zeros_like(scores).scatter(-1, which, best.softmax(dim=-1))

    def __repr__(self) -> str:
        return (
            f"SlotTransformer with {self.slots} slots, of which {self.k} answer each token, "
            f"width {self.width}, {self.vocabulary} tokens, with {len(self.seeds)} lanes"
        )


def slot_transformer(
    vocabulary: int,
    *,
    slots: int = 512,
    k: int = 8,
    width: int = 64,
    heads: int = 4,
    seeds: Seeds = 1,
) -> SlotTransformer:
    """Tiny transformers with a memory of `slots` slots, one a lane, on `cl.device()`."""
    sizes = {"vocabulary": vocabulary, "slots": slots, "k": k, "width": width, "heads": heads}
    for name, size in sizes.items():
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            raise CourseError(f"{name}={size!r}; expected a whole number of at least 1.")
    if k > slots or width % heads:
        raise CourseError(
            f"k={k}, slots={slots}, width={width}, heads={heads}; expected k of at most slots and "
            "a width that the heads can share: try slots=512, k=8, width=64, heads=4."
        )
    return SlotTransformer(vocabulary, slots, k, width, heads, seeds).to(device())


@torch.no_grad()
def slot_uses(network: TinyTransformer, texts: torch.Tensor, k: int = 8) -> torch.Tensor:
    """Which slots answer the last token of each text: True or False, (seeds, texts, slots).

    Of a plain tiny transformer, whose hidden units all answer: the k most active, up or down.
    """
    caught, units = [], network._units

    def watched(seen, block):
        caught.append(units(seen, block))
        return caught[-1]

    network._units = watched  # for this one reading
    try:
        network(texts)
    finally:
        del network._units
    active = caught[-1].unflatten(1, (texts.shape[1], -1))[:, :, -1].abs()
    k = getattr(network, "k", k)
    if not isinstance(k, int) or not 1 <= k <= active.shape[-1]:
        raise CourseError(
            f"k={k!r}; expected 1 to {active.shape[-1]}, the number of hidden units: try k=8."
        )
    best = active.topk(k, dim=-1).indices
    return torch.zeros_like(active, dtype=torch.bool).scatter(-1, best, True)


def tf_idf(new: torch.Tensor, old: torch.Tensor) -> torch.Tensor:
    """How much a slot belongs to the new texts: (seeds, slots), from uses (seeds, texts, slots).

    TF-IDF_i = c_i / Σ_j c_j · log((B + 1) / (b_i + 1)) with c_i uses by the new texts, and b_i of
    the B old texts that use slot i (Lin et al. 2025; their old texts are batches).
    """
    if new.dim() != 3 or old.dim() != 3 or (len(new), new.shape[2]) != (len(old), old.shape[2]):
        raise CourseError(
            f"Uses {tuple(new.shape)} and {tuple(old.shape)} do not fit; expected (seeds, texts, "
            "slots) with the same seeds and slots: make both with cl.slot_uses."
        )
    count = new.sum(dim=1)
    rare = torch.log((old.shape[1] + 1) / (old.sum(dim=1) + 1))
    return count / count.sum(dim=-1, keepdim=True).clamp(min=1) * rare


def top_slots(scores: torch.Tensor, t: int) -> torch.Tensor:
    """The t slots with the highest scores, lane by lane: (seeds, t)."""
    whole = isinstance(t, int) and not isinstance(t, bool)
    if scores.dim() != 2 or not whole or not 1 <= t <= scores.shape[-1]:
        raise CourseError(
            f"t={t!r} of scores {tuple(scores.shape)}; expected scores (seeds, slots) and a whole "
            "number from 1 to the number of slots: try t=64."
        )
    return scores.topk(t, dim=-1).indices


class OnlySlots(nn.Module):
    """A frozen network of which only the values of chosen slots learn. Made by `only_slots`.

    It takes the place of the network: the same call, the same lanes. Its one parameter,
    `values` (seeds, t, width), is all that a learner can move.
    """

    change = Change("values of chosen slots", "until the next update", "every user")

    def __init__(self, base: TinyTransformer, rows: torch.Tensor) -> None:
        super().__init__()
        object.__setattr__(self, "base", base.requires_grad_(False))  # not a part that learns
        W = base.blocks[0]["down"]
        self.register_buffer("rows", rows[..., None].expand(-1, -1, W.shape[-1]).to(W.device))
        self.values = nn.Parameter(W.gather(1, self.rows))

    @property
    def seeds(self) -> tuple[int, ...]:
        """The ids of the lanes."""
        return self.base.seeds

    @property
    def accepts(self) -> tuple[str, ...]:
        """What the base reads."""
        return self.base.accepts

    def forward(self, tokens: torch.Tensor, **more):
        """What the base answers with these values in its slots."""
        W = self.base.blocks[0]["down"].scatter(1, self.rows, self.values)
        return functional_call(self.base, {VALUES: W}, (tokens,), more)

    @torch.no_grad()
    def written(self) -> TinyTransformer:
        """A plain copy of the network with the values written into its slots."""
        plain = self.base.copy()
        plain.blocks[0]["down"].scatter_(1, self.rows, self.values)
        return plain.requires_grad_(True)

    def copy(self) -> OnlySlots:
        """An independent copy."""
        return copy.deepcopy(self)


def only_slots(network: TinyTransformer, rows: torch.Tensor) -> OnlySlots:
    """A copy of the network, frozen but for the values of the slots `rows` (seeds, t).

    Of a plain tiny transformer with one layer the "slots" are the hidden units of its MLP.
    """
    slots = network.blocks[0]["down"].shape[1]
    fits = rows.dim() == 2 and len(rows) == len(network.seeds) and not rows.is_floating_point()
    if not fits or rows.shape[1] < 1 or int(rows.min()) < 0 or int(rows.max()) >= slots:
        raise CourseError(
            f"Slots {tuple(rows.shape)}; expected whole numbers (seeds, t) from 0 to {slots - 1}, "
            f"with {len(network.seeds)} seeds: try cl.top_slots(scores, t)."
        )
    if any(len(lane.unique()) < len(lane) for lane in rows):
        raise CourseError("A lane names a slot twice; expected different slots in each lane.")
    return OnlySlots(network.copy(), rows)
