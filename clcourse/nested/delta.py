"""Memories of gradients that make room for what they write: the delta rule inside an optimiser.

Behrouz et al. 2025 (arXiv 2512.24695), sections 4.3 and 4.5; shapes and letters as in `rules`.

    rule                                                  inner loss
    delta momentum  m ← (μ - g g') m - η g P    (46-49)   ½ |g'm + η P|² + ½ (1-μ) |m|², step 1
    delta descent   W ← W - η' x'(x W + δ)      (56-57)   ½ |x W + δ|² + |W - W_t|²/(2η), its
                                                          minimum: η' = η / (1 + η |x|²)

The paper prints η' = η / (1 + η), which is this for |x| = 1; here x may have any length. With a
squared loss δ = x W - y, so delta descent moves W by x (2 x W - y): it comes to rest at **half**
of y. It reaches y where the slope is -y, as for the loss -<x W, y>: then it is the delta rule.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from clcourse.errors import CourseError
from clcourse.nested.rules import each_lane, momentum


def delta_momentum(m, g, *, lr: float, keep: float, P=None) -> torch.Tensor:
    """m ← (μ - g g') m - η g P: what m holds in the direction of g makes room for the new.

    m (seeds, in, out); g (seeds, in, p); P (seeds, p, out), or the identity. With p = 1, g is one
    key and -η P the row to be recalled for it. Explodes where a singular value of g stays above
    √(1 + μ).
    """
    return keep * m - g @ (g.mT @ m) - lr * (g if P is None else g @ P)


def delta_momentum_loss(m, g, *, lr: float, keep: float, P=None) -> torch.Tensor:
    """What it descends, with step 1: ½ |g'm + η P|² + ½ (1-μ) |m|²; (seeds,)."""
    P = torch.eye(g.shape[-1], dtype=g.dtype, device=g.device) if P is None else P
    wrong = g.mT @ m + lr * P
    return 0.5 * each_lane(wrong.square()) + 0.5 * (1 - keep) * each_lane(m.square())


def delta_descent(W, x, g, *, lr: float) -> torch.Tensor:
    """Delta gradient descent: the W (seeds, in, out) at which `delta_descent_loss` is least.

    x (seeds, batch, in) is what the layer read, g (seeds, in, out) its gradient, the mean of x'δ.
    For one example W - η/(1 + η |x|²) (x'x W + g); for a batch, with S = x'x W / batch + g,
    W - η (S - η/batch x' (I + η/batch x x')⁻¹ x S).
    """
    if x.dim() != 3 or W.shape != g.shape or (x.shape[0], x.shape[2]) != W.shape[:2]:
        raise CourseError(
            f"x {tuple(x.shape)}, W {tuple(W.shape)} and g {tuple(g.shape)} do not fit; expected "
            "(seeds, batch, in) and twice (seeds, in, out)."
        )
    share = lr / x.shape[1]
    S = x.mT @ (x @ W) / x.shape[1] + g
    inner = torch.eye(x.shape[1], dtype=x.dtype, device=x.device) + share * (x @ x.mT)
    return W - lr * (S - share * (x.mT @ torch.linalg.solve(inner, x @ S)))


def delta_descent_loss(W, start, x, δ, *, lr: float) -> torch.Tensor:
    """What it minimises over W: the mean of ½ |x W + δ|², and |W - start|²/(2η); (seeds,)."""
    wrong = each_lane((x @ W + δ).square()) / x.shape[1]
    return 0.5 * wrong + each_lane((W - start).square()) / (2 * lr)


def recall_by_key(keys, values, *, keep: float, rule: str) -> torch.Tensor:
    """Write pairs one after the other, then ask for each: cosine by lag, (seeds, pairs).

    keys (seeds, pairs, in), values (seeds, pairs, out). Entry 0 is the last pair, entry i the one
    i steps before it. rule: "hebbian", which is momentum, or "delta", delta momentum.
    """
    if keys.dim() != 3 or values.dim() != 3 or keys.shape[:2] != values.shape[:2]:
        raise CourseError(
            f"keys {tuple(keys.shape)} and values {tuple(values.shape)} do not fit; expected "
            "(seeds, pairs, in) and (seeds, pairs, out)."
        )
    if not 0 <= keep <= 1:
        raise CourseError(f"keep={keep!r}; expected a number from 0 to 1: try keep=0.9.")
    if rule not in ("hebbian", "delta"):
        raise CourseError(f'rule={rule!r}; expected "hebbian" or "delta".')
    m = keys.new_zeros(keys.shape[0], keys.shape[2], values.shape[2])
    for k, v in zip(keys.unbind(1), values.unbind(1), strict=True):
        k, v = k[..., None], v[:, None]
        if rule == "delta":
            m = delta_momentum(m, k, lr=1.0, keep=keep, P=-v)
        else:
            m = momentum(m, -k @ v, lr=1.0, keep=keep)
    return F.cosine_similarity(keys @ m, values, dim=-1).flip(1)
