"""Lesson 04: plausible wrong answers, and words that the reply to each must contain."""

import torch


def top(x, k):
    return torch.zeros_like(x).scatter(-1, x.topk(k, dim=-1).indices, 1.0)


def dropping_the_largest(x, k):
    """A threshold, of whose winners the first k of each episode are kept."""
    over = x >= x.topk(k, dim=-1).values[..., -1:]
    return (over & (over.cumsum(-1) <= k)).float()


def share(dreams, again):
    return (dreams * again).sum(-1) / dreams.sum(-1)


WRONG = {
    "04.1": [
        (lambda pre, post, a, b: pre.mT @ post, "as they are"),
        (lambda pre, post, a, b: (pre - a).mT @ post, "post is not centred"),
        (lambda pre, post, a, b: pre.mT @ (post - b), "pre is not centred"),
        (lambda pre, post, a, b: (pre - b).mT @ (post - a), "changed the shares"),
        (lambda pre, post, a, b: (post - b).mT @ (pre - a), "transposed"),
        (lambda pre, post, a, b: (pre - a).mT @ (post - b) / pre.shape[1], "over the pairs"),
        (lambda pre, post, a, b: ((pre - a).mT @ (post - b)).mean(0), "averaged over the subjects"),
        (lambda pre, post, a, b: ((pre - a).mT @ (post - b)).sum(0), "summed over the subjects"),
        (
            lambda pre, post, a, b: (pre - a)[:, -1:].mT @ (post - b)[:, -1:],
            "only the last pair",
        ),
        (
            lambda pre, post, a, b: (
                (pre - pre.mean(-1, keepdim=True)).mT @ (post - post.mean(-1, keepdim=True))
            ),
            "that are given",
        ),
    ],
    "04.2": [
        (lambda x, k: (x >= x.topk(k, dim=-1).values[..., -1:]).float(), "more than k win"),
        (lambda x, k: (x > x.topk(k + 1, dim=-1).values[..., -1:]).float(), "fewer than k win"),
        (lambda x, k: (x > x.topk(k, dim=-1).values[..., -1:]).float(), "one winner is missing"),
        (dropping_the_largest, "the largest lose"),
        (lambda x, k: top(-x, k), "smallest"),
        (lambda x, k: top(x, k) * x, "values of the winners"),
        (lambda x, k: x.topk(k, dim=-1).indices, "places of the winners"),
        (
            lambda x, k: top(x.flatten(), k).reshape(x.shape),
            "among all episodes",
        ),
        (lambda x, k: top(x.transpose(1, 2), k).transpose(1, 2), "over the episodes"),
        (
            lambda x, k: (
                top(x.transpose(0, 1).flatten(1), k)
                .reshape(x.shape[1], x.shape[0], x.shape[2])
                .transpose(0, 1)
            ),
            "subjects compete",
        ),
    ],
    "04.3": [
        (lambda d, a: (share(d, a) >= 0.9).float().mean(), "averaged over the subjects"),
        (lambda d, a: share(d, a).mean(1), "this is the mean overlap: "),
        (lambda d, a: share(d, a).mean(), "mean overlap of all subjects"),
        (lambda d, a: (share(d, a) > 0.9).float().mean(1), "exactly 0.9"),
        (
            lambda d, a: ((d * a).sum(-1) / (d + a).clamp(max=1).sum(-1) >= 0.9).float().mean(1),
            "either",
        ),
        (lambda d, a: (d == a).all(-1).float().mean(1), "all units again"),
        (lambda d, a: ((d * a).sum(-1) >= 9).float().mean(1), "lower than nine tenths"),
        (lambda d, a: (share(d, a) >= 0.9).float(), "one number a dream"),
        (lambda d, a: (share(d, a) >= 0.9).float().sum(1), "a count"),
        (
            lambda d, a: ((d * a).sum(-1) / d.shape[-1] >= 0.9).float().mean(1),
            "divided by all units",
        ),
        (lambda d, a: ((d == a).float().mean(-1) >= 0.9).float().mean(1), "silent in both"),
        (lambda d, a: (share(d, a) < 0.9).float().mean(1), "turn it round"),
    ],
}
