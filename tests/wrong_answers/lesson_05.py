"""Lesson 05: plausible wrong answers, and words that the reply to each must contain."""


def kept(draw):
    return lambda n, capacity, u: n if n < capacity else draw(n, capacity, u)


def inside(j, capacity):
    return j if j < capacity else -1


WRONG = {
    "05.1": [
        (kept(lambda n, capacity, u: int(u * capacity)), "every new example enters"),
        (lambda n, capacity, u: n % capacity, "ring"),
        (kept(lambda n, capacity, u: -1), "nothing enters"),
        (kept(lambda n, capacity, u: inside(int(u * n), capacity)), "n + 1"),
        (lambda n, capacity, u: inside(int(u * (n + 1)), capacity), "not full yet"),
        (kept(lambda n, capacity, u: inside(u * (n + 1), capacity)), "whole number"),
        (
            lambda n, capacity, u: n if n <= capacity else inside(int(u * (n + 1)), capacity),
            "At n = capacity",
        ),
        (
            kept(lambda n, capacity, u: int(u * (n + 1)) if u * (n + 1) < capacity + 1 else -1),
            "not <=",
        ),
        (kept(lambda n, capacity, u: int(2 * u * capacity) if u < 0.5 else -1), "same probability"),
        (kept(lambda n, capacity, u: 0 if u < capacity / (n + 1) else -1), "equally often"),
        (kept(lambda n, capacity, u: inside(int(u * (n + 9)), capacity)), "of the new examples"),
        (kept(lambda n, capacity, u: -2), "place -2"),
    ],
    "05.2": [
        (lambda θ, a, F, s: (s * F * (θ - a) ** 2).sum(1), "½ is missing"),
        (lambda θ, a, F, s: (F * (θ - a) ** 2).sum(1) / 2, "strength is missing:"),
        (lambda θ, a, F, s: (F * (θ - a) ** 2).sum(1), "and the ½"),
        (lambda θ, a, F, s: (s / 2 * F * (θ - a) ** 2).sum(), "lanes"),
        (lambda θ, a, F, s: (s / 2 * F * (θ - a) ** 2).mean(1), "mean over the weights"),
        (lambda θ, a, F, s: (s / 2 * F * (θ - a)).sum(1), "not squared"),
        (lambda θ, a, F, s: (s / 2 * (F * (θ - a)) ** 2).sum(1), "F is squared"),
        (lambda θ, a, F, s: (s / 2 * (θ - a) ** 2).sum(1), "F is missing"),
        (lambda θ, a, F, s: (s / 2 * F * θ**2).sum(1), "anchor is missing"),
        (lambda θ, a, F, s: s / 2 * F * (θ - a) ** 2, "single weights"),
    ],
    "05.3": [
        (lambda g, p: (p[..., None] * g).sum(2).mean(1) ** 2, "all zeros"),
        (lambda g, p: ((g.mean(1) ** 2) * p.mean(1)[..., None]).sum(2), "over the pictures"),
        (lambda g, p: (g**2).sum(2).mean(1), "probability p"),
        (lambda g, p: (p[..., None] * g**2).sum(2).sum(1), "add up the pictures"),
        (lambda g, p: (p[..., None] * g**2).mean(2).mean(1), "mean over the classes"),
        (lambda g, p: ((p[..., None] * g) ** 2).sum(2).mean(1), "p is squared"),
        (lambda g, p: (p[..., None] * g**2).sum(2).mean((0, 1)), "lanes"),
    ],
    "05.4": [
        (lambda A, B, H, Y: (H.mT @ H, H.mT @ Y), "replace"),
        (lambda A, B, H, Y: (A + H.mT @ H / len(H[0]), B + H.mT @ Y / len(H[0])), "mean over"),
        (lambda A, B, H, Y: ((A + H.mT @ H) / 2, (B + H.mT @ Y) / 2), "halves"),
        (lambda A, B, H, Y: (A + H @ H.mT, B + H.mT @ Y), "not turned"),
        (lambda A, B, H, Y: (A + H.mT @ H, B), "your B has not changed"),
        (lambda A, B, H, Y: A + H.mT @ H, "two things"),
    ],
}
