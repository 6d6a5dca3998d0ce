"""A layer whose slow weights say how to write; what it reads is in fast weights alone.

    k, q      x W_K, x W_Q, of length 1             v   x W_V, of length 1
    η, α      gates of x, one a token               y   norm(reading) ∘ scale, then W_O

With rule="self-modifying" W_K, W_V and the gates are no matrices but the first states of memories,
written by themselves as they read (`self_modifying`). Only W_Q stands still, as in the paper (84).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from clcourse.errors import CourseError, whole
from clcourse.nested.self_modifying import (
    RULES,
    Slow,
    at_once,
    check_rule,
    gates,
    self_modifying_loop,
)
from clcourse.seeds import LaneRandom, Seeds, device

WRITERS = (*RULES, "self-modifying")
BEGIN = (0.0, 3.0)  # η and α before the sigmoid
INNER = -2.0  # part of η with which memories other than the main one begin, before the sigmoid


class WritingLayer(nn.Module):
    """x (seeds, batch, T, width) → (y of the same shape, fast weights to carry on).

    values   what v is made of, if not of x itself; queries: what q is made of
    before   read before the token is written (eq. 83), else after it (eq. 82)
    own      (to be set) False: self-modifying memories aim at what they began with
    """

    own = True

    def __init__(
        self, width: int, *, rule: str = "self-modifying", before: bool = False, seeds: Seeds = 1
    ) -> None:
        super().__init__()
        check_rule(rule, WRITERS)
        random = LaneRandom(seeds, "writing layer")
        self.seeds, self.width = random.seeds, whole("width", width)
        self.rule, self.before = rule, before
        lanes = len(self.seeds)

        def matrix() -> torch.Tensor:
            return random.normal(width, width) / width**0.5

        K, V, self.O = matrix(), matrix(), nn.Parameter(matrix())
        self.Q = nn.Parameter(K.clone())
        one = torch.eye(width).expand(lanes, -1, -1)
        middle = one if rule == "self-modifying" else 0 * one
        self.start = nn.Parameter(torch.cat([K, V, middle, torch.zeros(lanes, width, 2)], dim=-1))
        self.bias = nn.Parameter(torch.tensor(BEGIN).expand(lanes, 1, 2).clone())
        self.share = nn.Parameter(torch.full((lanes, 1, 4), INNER))  # of key, value, η, α
        self.scale = nn.Parameter(torch.ones(lanes, 1, width))
        self.to(device())

    def forward(self, x, values=None, queries=None, state=None):
        """(y, state); state: fast weights (seeds, batch, width, columns), None at the beginning."""
        values = x if values is None else values
        queries = x if queries is None else queries
        if not x.shape == values.shape == queries.shape or x.shape[-1] != self.width:
            raise CourseError(
                f"x {tuple(x.shape)}, values {tuple(values.shape)} and queries "
                f"{tuple(queries.shape)} do not fit; expected three times (seeds, batch, T, "
                f"{self.width})."
            )
        q = F.normalize((queries.flatten(1, 2) @ self.Q).unflatten(1, x.shape[1:3]), dim=-1)
        first = self.start[:, None].expand(-1, x.shape[1], -1, -1)
        if self.rule == "self-modifying":
            said, state = self._modify(x, values, q, first, state)
        else:
            said, state = self._write(x, values, q, first, state)
        if not bool(torch.isfinite(state.detach()).all()):
            lost = [seed for seed, one in zip(self.seeds, state, strict=True)
                    if not bool(torch.isfinite(one).all())]  # fmt: skip
            raise CourseError(
                f"The fast weights of lane {lost[0]} are no longer finite; expected numbers: check "
                "its input, or lower the rate with which the slow weights learn."
            )
        y = F.rms_norm(said, said.shape[-1:], eps=1e-5) * self.scale[:, None]
        return (y.flatten(1, 2) @ self.O).unflatten(1, x.shape[1:3]), state

    def _write(self, x, values, q, first, state):
        """k, v and the gates from slow weights; M by one of the simple rules."""
        d = self.width
        k = F.normalize(x @ first[..., :d], dim=-1)
        v = F.normalize(values @ first[..., d : 2 * d], dim=-1)
        M_0 = first[..., 2 * d : 3 * d]
        logits = (x + values) / 2 @ first[..., 3 * d :]
        η, α = (gate[..., 0] for gate in gates(logits, self.bias[:, None]))
        state = M_0 if state is None else state
        if not self.before:
            return at_once(self.rule, q, k, v, η, α, state)
        later = torch.cat([q[..., 1:, :], q[..., :1, :]], dim=-2)  # token t answers query t + 1
        said, after = at_once(self.rule, later, k, v, η, α, state)
        return torch.cat([q[..., :1, :] @ state, said[..., :-1, :]], dim=-2), after

    def _modify(self, x, values, q, first, state):
        """The token loop of `self_modifying`, read before or after the write."""
        d, share = self.width, torch.sigmoid(self.share)
        key, value, η, α = share.split(1, dim=-1)
        wide = [key.expand(-1, -1, d), value.expand(-1, -1, d), torch.ones_like(self.scale), η, α]
        slow = Slow(first, torch.cat(wide, dim=-1)[:, None], self.bias[:, None], self.own)
        return self_modifying_loop(x, values, q, slow, B=state, before=self.before)[:2]
