"""Pairs to remember: keys with values, a gap of fillers, then the keys alone.

    (key 7, value 3) (key 41, value 9) …  (filler 12, value 5) …  (key 41, ?) (key 7, ?)

Which value belongs to a key is drawn anew for every text, so no weights can know it: whoever
answers must have kept it while reading. With 16 values, guessing is right once in 16.
"""

from __future__ import annotations

from typing import NamedTuple

import torch

from clcourse.errors import CourseError
from clcourse.seeds import LaneRandom, Seeds, device

KEYS, FILLERS, VALUES = 64, 32, 16
KIND = ("new", "again", "changed", "filler", "question")  # of a token
WORDS = KEYS + FILLERS + VALUES + 1  # the numbers of keys, fillers, values and "?", in this order
ASK = WORDS - 1
MOST = 16  # questions in a text


class Pairs(NamedTuple):
    """Texts and the answers to their last tokens.

    x (seeds, batch, T, 2): key and value of each token; y (seeds, batch, questions): values
    0 … 15; kind (seeds, batch, T): what each token is, a place in KIND
    """

    x: torch.Tensor
    y: torch.Tensor
    kind: torch.Tensor

    def where(self, kind: str) -> torch.Tensor:
        """Which tokens are of this kind: (seeds, batch, T), True or False."""
        if kind not in KIND:
            raise CourseError(f"kind={kind!r}; expected one of {', '.join(KIND)}.")
        return self.kind == KIND.index(kind)


def draw_pairs(
    count: int = 16,
    gap: int = 32,
    *,
    shown: int = 1,
    changed: int = 0,
    batch: int = 32,
    seeds: Seeds | LaneRandom = 1,
) -> Pairs:
    """Texts of `count` pairs and `gap` fillers, with up to 16 questions at the end.

    shown  how often the pairs come, each time in another order; changed: how many of them have
    another value from the last showing on; seeds: lanes, or random numbers to draw on with.
    """
    _check(count, gap, shown, changed, batch)
    random = seeds if isinstance(seeds, LaneRandom) else LaneRandom(seeds, "pairs")
    lanes = len(random.seeds)

    def order(among: int) -> torch.Tensor:
        """0 … among - 1 in an order of its own for each text."""
        return random.uniform(batch * among).reshape(lanes, batch, among).argsort(-1)

    def numbers(size: int, high: int) -> torch.Tensor:
        return random.integers(batch * size, high).reshape(lanes, batch, size)

    keys, values = order(KEYS)[..., :count], numbers(count, VALUES)
    later = values.clone()
    later[..., :changed] = (values[..., :changed] + 1 + numbers(changed, VALUES - 1)) % VALUES
    tokens, kinds = [], []
    for showing in range(shown):
        last = showing == shown - 1 and showing > 0
        kind = torch.full_like(keys, KIND.index("again" if showing else "new"))
        kind[..., : changed * last] = KIND.index("changed")
        turn = order(count)
        pair = torch.stack([keys, KEYS + FILLERS + (later if last else values)], dim=-1)
        tokens.append(pair.gather(2, turn[..., None].expand_as(pair)))
        kinds.append(kind.gather(2, turn))
    fillers = [KEYS + numbers(gap, FILLERS), KEYS + FILLERS + numbers(gap, VALUES)]
    asked = order(count)[..., :MOST]
    questions = keys.gather(2, asked)
    tokens += [torch.stack(fillers, -1), torch.stack([questions, torch.full_like(asked, ASK)], -1)]
    kinds += [torch.full_like(fillers[0], KIND.index("filler")),
              torch.full_like(asked, KIND.index("question"))]  # fmt: skip
    x, y, kind = torch.cat(tokens, 2), later.gather(2, asked), torch.cat(kinds, 2)
    return Pairs(*(part.to(device()) for part in (x, y, kind)))


def _check(count, gap, shown, changed, batch) -> None:
    """Whole numbers, and as many keys as there are."""
    limits = {
        "count": (count, 1, KEYS),
        "gap": (gap, 0, None),
        "shown": (shown, 1, None),
        "batch": (batch, 1, None),
        "changed": (changed, 0, count if shown != 1 else 0),
    }
    for name, (value, low, high) in limits.items():
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole or value < low or (high is not None and value > high):
            until = f"{low} to {high}" if high is not None else f"at least {low}"
            more = ", and shown=2 or more to change values" if name == "changed" else ""
            raise CourseError(f"{name}={value!r}; expected a whole number of {until}{more}.")
