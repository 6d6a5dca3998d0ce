"""Lesson 06: plausible wrong answers, and words that the reply to each must contain."""

import torch

import clcourse as cl


def back(length):
    at = torch.arange(length)
    return at[:, None] - at[None, :]


def state(q, k, v, keep=lambda M, new: M + new, late=False):
    M, answers = torch.zeros(len(q), 5, 5), []
    for t in range(q.shape[1]):
        new = keep(M, k[:, t, :, None] * v[:, t, None, :])
        answers.append(q[:, t, None] @ (M if late else new))
        M = new
    return torch.cat(answers, dim=1), M


WRONG = {
    "06.1": [
        (lambda q, k, v, b: (b * q @ k.mT) @ v, "linear attention"),
        (lambda q, k, v, b: (q @ k.mT) @ v, "softmax and beta"),
        (lambda q, k, v, b: (q @ k.mT).softmax(-1) @ v, "beta is missing"),
        (lambda q, k, v, b: b * (q @ k.mT).softmax(-1) @ v, "before the softmax"),
        (lambda q, k, v, b: (q @ k.mT / b).softmax(-1) @ v, "divide by beta"),
        (lambda q, k, v, b: (b * q @ k.mT).softmax(1) @ v, "over the queries"),
        (lambda q, k, v, b: (b * q @ k.mT).softmax(0) @ v, "over the lanes"),
        (lambda q, k, v, b: (b * k @ q.mT).softmax(-1) @ v, "swapped"),
        (lambda q, k, v, b: (b * q @ k).softmax(-1) @ v, "not turned"),
        (lambda q, k, v, b: (b * q @ k.mT).softmax(-1) @ k, "mix the keys"),
        (lambda q, k, v, b: (b * q @ k.mT).softmax(-1), "these are the shares"),
        (
            lambda q, k, v, b: torch.stack(
                [V[(Q @ K.T).argmax(-1)] for Q, K, V in zip(q, k, v, strict=True)]
            ),
            "hard lookup",
        ),
        (lambda q, k, v, b: (q @ k.mT / 2).softmax(-1) @ v, "not 1/√d"),
        (lambda q, k, v, b: (b * q @ k.mT / 2).softmax(-1) @ v, "do not divide again"),
        (lambda q, k, v, b: (0.7 * q @ k.mT).softmax(-1) @ v, "stays .7"),
        (
            lambda q, k, v, b: torch.nn.functional.scaled_dot_product_attention(
                q, k, v, scale=b, is_causal=True
            ),
            "hide the later pairs",
        ),
    ],
    "06.2": [
        (lambda q, k, v: state(q, k, v, late=True), "before its own pair"),
        (lambda q, k, v: (q @ (k.mT @ v), k.mT @ v), "what comes after"),
        (lambda q, k, v: state(q, k, v, keep=lambda M, new: new), "written anew"),
        (lambda q, k, v: ((q @ k.mT).softmax(-1) @ v, k.mT @ v), "with its softmax"),
        (lambda q, k, v: state(q, v, k), "swapped in the outer product"),
        (lambda q, k, v: (state(q, k, v)[0], state(q, k, v)[1].mT), "turned over"),
        (lambda q, k, v: (state(q, k, v)[0], 0 * state(q, k, v)[1]), "still empty"),
        (lambda q, k, v: state(q, k, v)[0], "two things"),
        (lambda q, k, v: (q @ torch.zeros(len(k), 5, 5), k.mT @ v), "an empty M"),
        (lambda q, k, v: state(q, k, v)[::-1], "M first"),
        (
            lambda q, k, v: (
                torch.cat(
                    [
                        q[:, t, None] @ sum(k[:, s].mT @ v[:, s] for s in range(t + 1))
                        for t in range(5)
                    ],
                    dim=1,
                ),
                k.mT @ v,
            ),
            "mixes the lanes",
        ),
        (lambda q, k, v: (list(state(q, k, v)[0].unbind(1)), k.mT @ v), "join the answers"),
        (cl.linear_attention_loop, "the state M itself"),
        (lambda q, k, v: ((q @ k.mT).triu() @ v, k.mT @ v), "what comes after it"),
        (
            lambda q, k, v: (state(q, k, v)[0] / torch.arange(1, 6)[:, None], k.mT @ v),
            "mean over the tokens",
        ),
    ],
    "06.3": [
        (lambda n, w: back(n) >= 0, "window is missing"),
        (lambda n, w: (back(n) >= 0) & (back(n) <= w), "not <="),
        (lambda n, w: (back(n) > 0) & (back(n) <= w), "back < window"),
        (lambda n, w: back(n) < w, "back >= 0 is missing"),
        (lambda n, w: back(n).abs() < w, "below zero"),
        (lambda n, w: (back(n) <= 0) & (back(n) > -w), "rows and columns"),
        (lambda n, w: ~((back(n) >= 0) & (back(n) < w)), "swapped: True"),
        (lambda n, w: back(n), "True and False only"),
        (lambda n, w: torch.ones(n, dtype=torch.bool), "has shape"),
    ],
    "06.4": [
        (lambda t, la, h, s, b: t * la * h * s * b, "times 2"),
        (lambda t, la, h, s, b: 2 * t * la * h * s, "not bytes"),
        (lambda t, la, h, s, b: 2 * t * h * s * b, "times layers"),
        (lambda t, la, h, s, b: 2 * t * la * s * b, "times heads"),
        (lambda t, la, h, s, b: 2 * la * h * s * b, "one token"),
        (lambda t, la, h, s, b: 2 * t * t * la * h * s * b, "square"),
        (lambda t, la, h, s, b: 2 * t * la * h * b, "times size"),
        (lambda t, la, h, s, b: t * la * h * s, "two things are missing"),
    ],
}
