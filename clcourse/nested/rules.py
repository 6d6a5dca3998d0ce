"""What an optimiser remembers: each rule beside the inner loss that it descends.

Behrouz et al. 2025, section 4 and Appendix B (numbers in brackets: the equations of the arXiv
version, 2512.24695). Rows are vectors: a layer answers x W, with x (seeds, batch, in) and W, its
gradient g and what is remembered of it (seeds, in, out); δ (seeds, batch, out) is the slope of
each example's loss at its answer, so that g is the mean of x'δ.

    rule                                              inner loss                           step
    momentum       m ← μ m - η g              (33)    <x m, δ> + (1-μ)/(2η) |m|²           η
    second moment  v ← μ v + (1-μ) g²         (B)     ½ |v - g²|²                          1-μ
    Newton-Schulz  O ← 1.5 O - .5 O O'O       (43)    ¼ |O'O - I|²                         ½

The rules that first take away what is there, by the delta rule, are in `delta`.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

from clcourse.errors import CourseError

POLYNOMIALS = {"cubic": (1.5, -0.5, 0.0), "quintic": (3.4445, -4.7750, 2.0315)}


def each_lane(x: torch.Tensor) -> torch.Tensor:
    """Sum over all but the first axis: (seeds,)."""
    return x.flatten(1).sum(dim=1)


def momentum(m, g, *, lr: float, keep: float) -> torch.Tensor:
    """m ← μ m - η g, of the shape of g; then W ← W + m (33-34)."""
    return keep * m - lr * g


def momentum_loss(m, x, δ, *, lr: float, keep: float) -> torch.Tensor:
    """What momentum descends, with step η: the mean of <x m, δ>, and a pull to zero; (seeds,)."""
    stored = each_lane((x @ m) * δ) / x.shape[-2]
    return stored + (1 - keep) / (2 * lr) * each_lane(m.square())


def momentum_window(keep: float, share: float = 0.5) -> int:
    """How many of the last gradients carry this share of a momentum.

    The gradient of i steps ago weighs (1-μ) μ^i, the last n together 1 - μ^n: the first n with
    1 - μ^n ≥ share is ln(1 - share) / ln μ, rounded up.
    """
    if not 0 <= keep < 1:
        raise CourseError(f"keep={keep!r}; expected 0 or more and less than 1: try keep=0.9.")
    if not 0 < share < 1:
        raise CourseError(f"share={share!r}; expected a share between 0 and 1: try share=0.5.")
    if keep == 0:
        return 1
    return max(1, math.ceil(math.log1p(-share) / math.log(keep) - 1e-9))  # less rounding


def second_moment(v, g, *, keep: float) -> torch.Tensor:
    """v ← μ v + (1-μ) g²: Adam's memory of how large gradients are, entry by entry.

    After t steps from zero, v / (1 - μ^t) is the v with the least Σ_i μ^(t-i) (v - g_i²)².
    """
    return keep * v + (1 - keep) * g.square()


def second_moment_loss(v, g) -> torch.Tensor:
    """What it descends, with step 1-μ: ½ |v - g²|²; (seeds,)."""
    return 0.5 * each_lane((v - g.square()).square())


def newton_schulz(m, steps: int = 5, kind: str = "quintic") -> torch.Tensor:
    """Turn matrices (seeds, …, in, out) towards the nearest with all singular values 1.

    A matrix is brought to length 1; then each step takes every singular value s to
    a s + b s³ + c s⁵. "cubic" ends at 1 (Higham 2008, ch. 8); the "quintic" of Muon (Jordan et al.
    2024) is quicker and never settles: 1 is no resting place of it, and s goes on jumping.
    """
    if kind not in POLYNOMIALS:
        raise CourseError(f'kind={kind!r}; expected "cubic" or "quintic".')
    if not isinstance(steps, int) or isinstance(steps, bool) or steps < 0:
        raise CourseError(f"steps={steps!r}; expected a whole number from 0: try steps=5.")
    finite = torch.isfinite(m).flatten(1).all(dim=1)
    if not bool(finite.all()):
        raise CourseError(
            f"The matrix of lane {int((~finite).nonzero()[0])} (counted from 0) has entries that "
            "are no numbers; expected finite ones: lower lr."
        )
    a, b, c = POLYNOMIALS[kind]
    tall = m.shape[-2] > m.shape[-1]
    turned = F.normalize(m.flatten(-2), dim=-1).unflatten(-1, m.shape[-2:])
    turned = turned.mT if tall else turned
    for _ in range(steps):
        G = turned @ turned.mT  # the smaller of the two products
        turned = a * turned + (b * G + c * G @ G) @ turned
    return turned.mT if tall else turned


def newton_schulz_loss(m, kind: str = "quintic") -> torch.Tensor:
    """What it descends, with step 1: Σ_s ½ (1-a) s² - ¼ b s⁴ - c/6 s⁶; (seeds,).

    For "cubic" this is half of ¼ |m'm - I|² less a constant, so step 1 here is step ½ there.
    """
    a, b, c = POLYNOMIALS[kind]
    G = m.mT @ m
    powers = (G, G @ G, G @ G @ G)
    two, four, six = (x.diagonal(dim1=-2, dim2=-1).sum(dim=-1) for x in powers)
    return (1 - a) / 2 * two - b / 4 * four - c / 6 * six
