"""Writing while reading, with slow weights that stay as they are; down to writing how to write.

Rows are vectors; k has length 1, M is (d, p) and says k M of k. Each rule is one step of gradient
descent on an objective of its own (`objective`), taken anew for every token:

    none        M
    Hebbian     M + k'v                          -⟨k M, v⟩
    gated       α M + η k'v                      -η ⟨k M, v⟩ + (1-α)/2 |M|²
    delta       α M + η k'(v - k M)              η/2 |k M - v|² + (1-α)/2 |M|²
    DGD         α M + η k'(v - 2 k M)            η/2 |k M - v|² + η/2 |k M|² + (1-α)/2 |M|²

DGD (Behrouz et al. 2025, eqs 57 and 93) is the delta rule at twice the rate towards *half* the
value. Along k it multiplies M by α - 2η, the delta rule by α - η. With α = 1 (else all the rest is
lost) and η ≤ 1 only the former comes to -1, a reflection: what counting modulo 2 needs. It is the
range that does it: the delta rule with η up to 2 comes there as well (Grazzi et al. 2024).

Self-modification (eqs 83-88): keys, values and the gates η, α come from memories that are written
as well, each towards a target that it makes itself from v. All share k, η and α, so they are
columns of one matrix B = [key | value | memory | η | α], written by DGD.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F

from clcourse.errors import CourseError
from clcourse.memory import State, linear_memory
from clcourse.memory.chunks import decays

RULES = ("none", "Hebbian", "gated", "delta", "DGD")
BOXES = ("key", "value", "memory", "η", "α")


def write(rule: str, M, k, v, η, α) -> torch.Tensor:
    """M after one token. M (…, d, p), k (…, 1, d), v (…, 1, p), η and α (…, 1, 1) or numbers."""
    check_rule(rule)
    if rule == "none":
        return M
    if rule == "Hebbian":
        return M + k.mT @ v
    held = {"gated": 0, "delta": 1, "DGD": 2}[rule]
    return α * M + η * k.mT @ (v - held * (k @ M))


def objective(rule: str, M, k, v, η, α) -> torch.Tensor:
    """What `write` descends, at rate 1: the sum over all leading axes, one number."""
    check_rule(rule)
    if rule == "none":
        return 0 * M.sum()
    said = k @ M
    if rule == "Hebbian":
        return -(said * v).sum()
    fit = {"gated": -said * v, "delta": (said - v).square() / 2,
           "DGD": ((said - v).square() + said.square()) / 2}[rule]  # fmt: skip
    return (η * fit).sum() + ((1 - α) * M.square()).sum() / 2


def rule_loop(rule: str, q, k, v, η, α, M=None) -> tuple[torch.Tensor, torch.Tensor]:
    """`write`, then read, one token after the other: (y (…, T, p), M).

    q, k (…, T, d), v (…, T, p), η, α (…, T): what `at_once` must equal.
    """
    _check(rule, q, k, v, η, α)
    M = k.new_zeros(*k.shape[:-2], k.shape[-1], v.shape[-1]) if M is None else M
    rows = (x.unsqueeze(-2).unbind(-3) for x in (q, k, v))
    gates = (gate[..., None, None].unbind(-3) for gate in (η, α))
    y = []
    for q_t, k_t, v_t, η_t, α_t in zip(*rows, *gates, strict=True):
        M = write(rule, M, k_t, v_t, η_t, α_t)
        y.append(q_t @ M)
    return (torch.cat(y, dim=-2) if y else v), M


def at_once(rule: str, q, k, v, η, α, M=None) -> tuple[torch.Tensor, torch.Tensor]:
    """The same for all tokens at once: attention without softmax, or the memory of lesson 09."""
    _check(rule, q, k, v, η, α)
    M = k.new_zeros(*k.shape[:-2], k.shape[-1], v.shape[-1]) if M is None else M
    if rule == "none":
        return q @ M, M
    if rule == "Hebbian":
        return q @ M + (q @ k.mT).tril() @ v, M + k.mT @ v
    if rule == "gated":
        D, ηv = decays(α), η[..., None] * v
        y = D[..., 1:, :1] * (q @ M) + (D[..., 1:, 1:] * (q @ k.mT)) @ ηv
        return y, D[..., -1:, :1] * M + k.mT @ (D[..., -1, 1:, None] * ηv)
    held = 2 if rule == "DGD" else 1
    state = State(M, torch.zeros_like(M))
    y, state = linear_memory(q, k, v / held, held * η, torch.zeros_like(η), 1 - α, state)
    return y, state.M


class Slow(NamedTuple):
    """What stays as it is while a self-modifying memory reads; leading axes (seeds, …) may be 1.

    start (…, d, 3d + 2): what B begins as and fades to; share (…, 1, 3d + 2): the part of η that a
    column is written with; bias (…, 1, 2): added to the logits of η and α
    own: targets are made by the memories as they are now (the paper); else as they began
    """

    start: torch.Tensor
    share: torch.Tensor
    bias: torch.Tensor
    own: bool = True


class SelfModified(NamedTuple):
    """What a self-modifying memory used at each token: k, v (…, T, d), η, α (…, T)."""

    k: torch.Tensor
    v: torch.Tensor
    η: torch.Tensor
    α: torch.Tensor


def self_modifying_loop(
    keys, values, q, slow: Slow, *, B=None, before: bool = False
) -> tuple[torch.Tensor, torch.Tensor, SelfModified]:
    """Make k, v, η, α with B, write all of B, read its memory: (y (…, T, d), B, used).

    keys, values, q  (seeds, …, T, d): what k and v are made of; q alone comes from elsewhere
    B       (seeds, …, d, 3d + 2): how it was left by the tokens before, if there were any
    before  read before writing (83), else after (82)
    """
    lead, d = keys.shape[:-2], keys.shape[-1]
    start, share, bias = (
        x.expand(*lead, *x.shape[-2:]).flatten(0, -3).contiguous() for x in slow[:3]
    )
    B = start if B is None else B.flatten(0, -3)
    rows = torch.stack([keys, values, (keys + values) / 2], dim=-2).flatten(0, -4)
    y, used = [], []
    for x_t, q_t in zip(rows.unbind(1), q.flatten(0, -3).split(1, dim=1), strict=True):
        made, old = x_t @ B, B
        kv = F.normalize(torch.stack([made[:, 0, :d], made[:, 1, d : 2 * d]], dim=1), dim=-1)
        η, α = gates(made[:, 2:, 3 * d :], bias)
        said, told = (kv @ B).split(1, dim=1)
        told = told if slow.own else kv[:, 1:] @ start
        change = η * share * (target(told, d) - 2 * said)
        B = torch.baddbmm(torch.lerp(start, B, α), kv[:, :1].mT, change)
        y.append(q_t @ (old if before else B)[..., 2 * d : 3 * d])
        used.append((kv[:, :1], kv[:, 1:], η, α))
    B = B.unflatten(0, lead)
    if not y:
        return q, B, SelfModified(keys, values, keys[..., 0], keys[..., 0])
    k, v, η, α = (torch.cat(part, dim=1).unflatten(0, lead) for part in zip(*used, strict=True))
    y = torch.cat(y, dim=1).unflatten(0, lead)
    return y, B, SelfModified(k, v, η[..., 0], α[..., 0])


def target(told: torch.Tensor, d: int) -> torch.Tensor:
    """The targets v B of the memories, held to length 1 (numbers: to ±1), or B could explode.

    The paper says only that the memories make them; a target that grows with what makes it does so
    without end.
    """
    boxes = F.normalize(told[..., : 3 * d].unflatten(-1, (3, d)), dim=-1).flatten(-2)
    return torch.cat([boxes, torch.tanh(told[..., 3 * d :])], dim=-1)


def gates(logits: torch.Tensor, bias: torch.Tensor | float) -> tuple[torch.Tensor, torch.Tensor]:
    """η and α from their logits (…, 2): (…, 1) each, α in 0 … 1, η in 0 … (1 + α)/2.

    So that α - 2η is never below -1: whatever is read, no write makes an old error larger.
    """
    η, α = torch.sigmoid(logits + bias).split(1, dim=-1)
    return η * (1 + α) / 2, α


def inner_objective(B, start, k, v_hat, rate, α) -> torch.Tensor:
    """What one write of `self_modifying_loop` descends in B, its targets held fixed: one number.

    rate (…, 1, 3d + 2): η times the share of each column
    """
    said = k @ B
    fit = ((said - v_hat).square() + said.square()) / 2
    return (rate * fit).sum() + ((1 - α) * (B - start).square()).sum() / 2


def check_rule(rule: str, known: tuple[str, ...] = RULES) -> None:
    """A rule that exists."""
    if rule not in known:
        raise CourseError(f"rule={rule!r}; expected one of {', '.join(known)}.")


def _check(rule: str, q, k, v, η, α) -> None:
    """Shapes fit, and α is a share."""
    check_rule(rule)
    shape = k.shape[:-1]
    if not (q.shape == k.shape and v.shape[:-1] == η.shape == α.shape == shape):
        raise CourseError(
            f"q {tuple(q.shape)}, k {tuple(k.shape)}, v {tuple(v.shape)}, η {tuple(η.shape)} and α "
            f"{tuple(α.shape)} do not fit; expected (…, T, d) twice, (…, T, p) and (…, T) twice."
        )
    for name, gate, most in (("η", η, torch.inf), ("α", α, 1.0)):
        if gate.numel() and not (gate.min() >= 0 and gate.max() <= most):
            raise CourseError(
                f"{name} runs from {gate.min():.3g} to {gate.max():.3g}; expected "
                + ("0 to 1" if most == 1.0 else "0 or more, and numbers")
                + ": try torch.sigmoid of it."
            )
