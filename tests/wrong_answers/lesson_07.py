"""Lesson 07: plausible wrong answers, and words that the reply to each must contain."""

import torch


def note(draw_a, draw_b):
    return lambda W, r: (draw_a(W.shape[0], W.shape[1], r), draw_b(W.shape[0], r, W.shape[2]))


WRONG = {
    "07.1": [
        (lambda x, W, A, B, alpha: x @ W, "note is missing"),
        (lambda x, W, A, B, alpha: x @ A @ B, "note alone: the frozen x @ W is missing."),
        (lambda x, W, A, B, alpha: x @ W + x @ A @ B, "strength is missing"),
        (lambda x, W, A, B, alpha: x @ W + alpha * (x @ A @ B), "divide by the rank"),
        (lambda x, W, A, B, alpha: x @ W + x @ A @ B / A.shape[-1], "leave out alpha"),
        (lambda x, W, A, B, alpha: x @ W + alpha / A.shape[-1] ** 0.5 * (x @ A @ B), "root"),
        (lambda x, W, A, B, alpha: x @ W + alpha / A.shape[1] * (x @ A @ B), "not the rank"),
        (lambda x, W, A, B, alpha: alpha / 3 * (x @ W + x @ A @ B), "frozen part is scaled"),
        (lambda x, W, A, B, alpha: x @ W + alpha / 3 * (x @ (A @ B).mT), "product A B is turned"),
        (lambda x, W, A, B, alpha: x @ W.mT + alpha / 3 * (x @ A @ B), "W is turned"),
    ],
    "07.2": [
        (note(torch.zeros, torch.zeros), "never learn"),
        (note(torch.randn, torch.randn), "before it has learnt"),
        (note(torch.ones, torch.zeros), "equal"),
        (note(lambda *shape: torch.full(shape, torch.nan), torch.zeros), "not finite"),
        (note(lambda *shape: 1e6 * torch.randn(shape), torch.zeros), "far too large"),
        (
            lambda W, r: (torch.randn(W.shape[1], r).expand(2, -1, -1), torch.zeros(2, r, 4)),
            "same numbers",
        ),
        (lambda W, r: (torch.randn(2, 4, r), torch.zeros(2, r, 6)), "in and out are swapped"),
        (lambda W, r: (torch.randn(6, r), torch.zeros(r, 4)), "axis of the lanes"),
        (lambda W, r: (torch.randn(2, r, 6), torch.zeros(2, 4, r)), "are turned"),
        (lambda W, r: torch.randn(2, 6, r), "two things"),
    ],
    "07.3": [
        (lambda shapes, r: r * sum(a + b for a, b in shapes), "not bytes"),
        (lambda shapes, r: 4 * sum(a + b for a, b in shapes), "rank is missing"),
        (lambda shapes, r: 4 * r * sum(a * b for a, b in shapes), "in + out, not"),
        (lambda shapes, r: 4 * sum(a * b for a, b in shapes), "large matrices"),
        (lambda shapes, r: 4 * r * sum(a for a, _ in shapes), "only A"),
        (lambda shapes, r: 4 * r * sum(b for _, b in shapes), "only B"),
        (lambda shapes, r: 4 * r * sum(shapes[0]), "only the first"),
        (lambda shapes, r: 32 * r * sum(a + b for a, b in shapes), "bits"),
    ],
}
