"""Lesson 02: plausible wrong answers, and words that the reply to each must contain."""

import torch


def solved(H, Y, strength, *, gram=1.0, cross=1.0):
    n, unit = H.shape[1], torch.eye(H.shape[2])
    return torch.linalg.solve(H.mT @ H / n * gram + strength * unit, H.mT @ Y / n * cross)


WRONG = {
    "02.1": [
        (lambda R: (R.amax(1) - R[:, -1])[:, :-1].mean(1), "last row too"),
        (lambda R: (R[:, :-1].amax(1) - R[:, -1])[:, :-1].mean(1), "start at row j"),
        (lambda R: (R.diagonal(dim1=1, dim2=2) - R[:, -1])[:, :-1].mean(1), "diagonal"),
        (
            lambda R: torch.stack(
                [R[:, -1, j] - R[:, j:-1, j].amax(1) for j in range(R.shape[1] - 1)]
            ).mean(0),
            "sign",
        ),
        (
            lambda R: torch.stack(
                [R[:, j:-1, j].amax(1) - R[:, -1, j] for j in range(R.shape[1] - 1)]
            ).mean(),
            "over the lanes",
        ),
        (
            lambda R: torch.stack(
                [R[:, j:, j].amax(1) - R[:, -1, j] for j in range(R.shape[1])]
            ).mean(0),
            "last experience",
        ),
        (
            lambda R: torch.stack(
                [R[:, j:-1, j].amax(1) - R[:, -1, j] for j in range(R.shape[1] - 1)]
            ).sum(0) / R.shape[1],
            "divide by T-1",
        ),
        (lambda R: (R.diagonal(dim1=1, dim2=2) - R[:, -1]).mean(1), ["diagonal", "last exp"]),
        (lambda R: (R[:, :-1].amax(1) - R[:, -1]).mean(1), "leave its column out"),
        (
            lambda R: torch.stack(
                [R[:, j:, j].amax(1) - R[:, -1, j] for j in range(R.shape[1] - 1)]
            ).mean(0),
            "stop at row T-2",
        ),
        (lambda R: (R[:, :-1].amax(2) - R[:, -1, :-1]).mean(1), "along a row"),
        (lambda R: (R.amax(2) - R[:, -1]).mean(1), ["along a row", "last experience"]),
    ],
    "02.2": [
        (lambda logits, allowed: logits.argmax(2), "still compete"),
        (lambda logits, allowed: (logits * allowed[:, None]).argmax(2), "became 0"),
        (
            lambda logits, allowed: logits.masked_fill(allowed[:, None], -1e9).argmax(2),
            "turned round",
        ),
        (
            lambda logits, allowed: torch.stack(
                [one[:, mask] for one, mask in zip(logits, allowed, strict=True)]
            ).argmax(2),
            "place among",
        ),
        (lambda logits, allowed: logits.masked_fill(~allowed[0], -1e9).argmax(2), "first lane"),
        (
            lambda logits, allowed: logits.masked_fill(~allowed[:, None], -torch.inf).amax(2),
            "amax",
        ),
    ],
    "02.3": [
        (lambda H, Y, strength: solved(H, Y, strength, gram=H.shape[1], cross=H.shape[1]), "1/n"),
        (lambda H, Y, strength: solved(H, Y, 0.0), "no effect"),
        (
            lambda H, Y, strength: torch.linalg.solve(
                H.mT @ H / H.shape[1] + strength, H.mT @ Y / H.shape[1]
            ),
            "every entry",
        ),
        (lambda H, Y, strength: solved(H, Y, strength, cross=H.shape[1]), "divide both"),
        (
            lambda H, Y, strength: (
                (H.mT @ H / H.shape[1] + strength * torch.eye(H.shape[2])) @ (H.mT @ Y) / H.shape[1]
            ),
            "inverse",
        ),
    ],
    "02.4": [
        (lambda U, T, P: (T[1] - U[1], P[1] - T[1], P[0] - P[1]), "only at now"),
        (lambda U, T, P: (T[1] - U[1], P[1] - T[1], 1 - P[1]), "perfect score"),
        (lambda U, T, P: (U[0] - U[1], T[0] - T[1], P[0] - P[1]), "three ways of asking"),
        (
            lambda U, T, P: (
                T[1] - U[1] - T[0] + U[0], P[1] - T[1] - P[0] + T[0], P[1] - P[0],
            ),
            "features have the wrong sign",
        ),
    ],
}
