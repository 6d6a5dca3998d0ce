"""Lesson 10: plausible wrong answers, and words that the reply to each must contain."""

import torch


def chunks(change):
    """A clock whose move at the end of a chunk is made of (all of g, start, end, lr)."""

    def moves(g, period, lr):
        out = torch.zeros_like(g)
        for end in range(period, g.shape[1] + 1, period):
            out[:, end - 1] = change(g, end - period, end, lr)
        return out

    return moves


def right(g, period, lr):
    return chunks(lambda g, start, end, lr: -lr * g[:, start:end].mean(1))(g, period, lr)


def unfinished(g, period, lr):
    out, left = right(g, period, lr), g.shape[1] % period
    if left:
        out[:, -1] = -lr * g[:, -left:].mean(1)
    return out


def running(g, period, lr):
    rows = [-lr * g[:, max(0, t + 1 - period) : t + 1].mean(1) for t in range(g.shape[1])]
    return torch.stack(rows, 1)


def from_zero(g, period, lr):
    out = torch.zeros_like(g)
    for row in range(0, g.shape[1], period):
        out[:, row] = -lr * g[:, max(0, row - period) : row + 1].mean(1)
    return out


def first(g, period, lr):
    out = torch.zeros_like(g)
    out[:, ::period] = -lr * g[:, ::period]
    return out


def begun(g, period, lr):
    """The right moves at the first row of each chunk."""
    out, moves = torch.zeros_like(g), right(g, period, lr)
    for end in range(period, g.shape[1] + 1, period):
        out[:, end - period] = moves[:, end - 1]
    return out


def written(new):
    """A write from what is made of (M, pair, eta, alpha)."""
    return lambda M, k, v, eta, alpha: new(M, k.mT @ v, eta, alpha)


def loss(of):
    """A loss from its two parts: the mean of <x m, delta>, and the sum of squares of m."""

    def inner(m, x, delta, lr, keep):
        return of(((x @ m) * delta).sum(-1).mean(-1), (m**2).sum((1, 2)), lr, keep)

    return inner


def error(sign, share):
    """The loss of an error that is corrected, in place of <x m, delta>."""

    def inner(m, x, delta, lr, keep):
        fit = (x @ m + sign * delta).square().sum(-1).mean(-1) / 2
        return fit + share * (1 - keep) / (2 * lr) * m.square().sum((1, 2))

    return inner


def target(m, x, delta, lr, keep):
    """Half the squared distance to what momentum would give, with that held fixed."""
    aim = (keep * m - lr * x.mT @ delta / x.shape[1]).detach()
    return (m - aim).square().sum((1, 2)) / (2 * lr)


WRONG = {
    "10.1": [
        (lambda g, period, lr: -right(g, period, lr), "sign is turned"),
        (lambda g, period, lr: right(g, period, 1.0), "lr is missing"),
        (chunks(lambda g, start, end, lr: -lr * g[:, start:end].sum(1)), "take the mean"),
        (chunks(lambda g, start, end, lr: -lr * g[:, max(0, start - 1):end].mean(1)), "period + 1"),
        (lambda g, period, lr: -lr * g, "waits"),
        (running, "running mean"),
        (chunks(lambda g, start, end, lr: -lr * g[:, end - 1]), "last gradient"),
        (first, "first step of each chunk"),
        (from_zero, "counted from 1"),
        (begun, "first step of a chunk"),
        (lambda g, period, lr: right(g, period, lr).roll(1, 1), "one step late"),
        (lambda g, period, lr: right(g, period, lr).cumsum(1), "positions"),
        (lambda g, period, lr: right(g, period, lr / period), "period twice"),
        (chunks(lambda g, start, end, lr: -lr * g[:, :end].sum(1) / (end - start)), "emptied"),
        (unfinished, "unfinished"),
        (lambda g, period, lr: right(g, period, lr).mean(0), "averaged over the lanes"),
    ],
    "10.2": [
        (written(lambda M, pair, η, α: M + pair), "Hebbian"),
        (written(lambda M, pair, η, α: M + η * pair), "nothing is forgotten"),
        (written(lambda M, pair, η, α: α * M + pair), "written whole"),
        (written(lambda M, pair, η, α: (1 - α) * M + η * pair), "what stays, here"),
        (written(lambda M, pair, η, α: α * (M + η * pair)), "on the new pair, too"),
        (written(lambda M, pair, η, α: η * M + α * pair), "exchanged"),
        (written(lambda M, pair, η, α: η * (α * M + pair)), "on the old M, too"),
        (written(lambda M, pair, η, α: (1 - η) * M + η * pair), "not 1 - eta"),
        (lambda M, k, v, eta, alpha: alpha * M + eta * v.mT @ k, "sizes do not fit"),
        (written(lambda M, pair, η, α: α * M - η * pair), "pair is added"),
        (written(lambda M, pair, η, α: α * M), "pair is missing"),
        (written(lambda M, pair, η, α: η * pair), "old M is missing"),
        (lambda M, k, v, eta, alpha: alpha * M + eta * k.mT @ (v - k @ M), "lesson 09"),
        (lambda M, k, v, eta, alpha: k @ M, "what M says"),
    ],
    "10.3": [
        (loss(lambda fit, size, lr, keep: fit), "for ever"),
        (loss(lambda fit, size, lr, keep: (1 - keep) / (2 * lr) * size), "is missing"),
        (loss(lambda fit, size, lr, keep: fit + (1 - keep) / 2 * size), "divided by lr"),
        (loss(lambda fit, size, lr, keep: fit + (1 - keep) / (4 * lr) * size), "too weak"),
        (loss(lambda fit, size, lr, keep: fit + (1 - keep) / lr * size), "too strong"),
        (loss(lambda fit, size, lr, keep: fit + keep / (2 * lr) * size), "what stays"),
        (loss(lambda fit, size, lr, keep: -fit + (1 - keep) / (2 * lr) * size), "sign of <x m"),
        (loss(lambda fit, size, lr, keep: fit - (1 - keep) / (2 * lr) * size), "sign of the pull"),
        (loss(lambda fit, size, lr, keep: -fit - (1 - keep) / (2 * lr) * size), "wrong way"),
        (loss(lambda fit, size, lr, keep: 4 * fit + (1 - keep) / (2 * lr) * size), "the batch"),
        (loss(lambda fit, size, lr, keep: fit / 2 + (1 - keep) / (2 * lr) * size), "outputs, too"),
        (loss(lambda fit, size, lr, keep: lr * fit + (1 - keep) / (2 * lr) * size), "no lr"),
        (loss(lambda fit, size, lr, keep: lr * fit + (1 - keep) / 2 * size), "both terms by lr"),
        (loss(lambda fit, size, lr, keep: fit + size / (2 * lr)), "all of m away"),
        (loss(lambda fit, size, lr, keep: fit / 2 + (1 - keep) / (12 * lr) * size), "everything"),
        (loss(lambda fit, size, lr, keep: fit + (1 - keep) / (2 * lr) * size.sqrt()), "length"),
        (error(-1, 1.0), "corrects the error"),
        (target, "detach"),
        (loss(lambda fit, size, lr, keep: fit + 3 * (1 - keep) / lr * size), "slope of your loss"),
        (loss(lambda fit, size, lr, keep: (fit + size).sum()), "one number for all lanes"),
        (lambda m, x, delta, lr, keep: (x @ m) * delta, "one number a lane"),
    ],
}  # fmt: skip
