"""Lesson 01: plausible wrong answers, and words that the reply to each must contain."""

import torch.nn.functional as F


def _dpo(margin):
    """A wrong DPO loss from a wrong margin."""

    def loss(won, lost, won_before, lost_before, beta):
        return -F.logsigmoid(margin(won, lost, won_before, lost_before, beta)).mean(dim=1)

    return loss


def _each_pair(won, lost, won_before, lost_before, beta):
    return -F.logsigmoid(beta * ((won - won_before) - (lost - lost_before)))


def _p(logits):
    return logits.softmax(-1)


def _log(logits):
    return logits.log_softmax(-1)


WRONG = {
    "01.1": [
        (lambda w, x, y, lr: w + lr * 2 * (w * x - y) * x, "climbs"),
        (lambda w, x, y, lr: w - lr * (w * x - y) * x, "factor 2"),
        (lambda w, x, y, lr: w - lr * 2 * (w * x - y), "chain rule"),
        (lambda w, x, y, lr: w - 2 * (w * x - y) * x, "learning rate is missing"),
        (lambda w, x, y, lr: 2 * (w * x - y) * x, "is the gradient"),
        (lambda w, x, y, lr: -lr * 2 * (w * x - y) * x, "is the change"),
        (lambda w, x, y, lr: w - lr * (w * x - y), "error alone"),
    ],
    "01.2": [
        (_dpo(lambda w, z, wb, zb, beta: beta * ((z - zb) - (w - wb))), "wrong way"),
        (_dpo(lambda w, z, wb, zb, beta: beta * (w - z)), "reference is missing"),
        (_dpo(lambda w, z, wb, zb, beta: (w - wb) - (z - zb)), "beta is missing"),
        (_dpo(lambda w, z, wb, zb, beta: beta * ((w - wb) + (z - zb))), "added"),
        (_dpo(lambda w, z, wb, zb, beta: beta * (w - wb) - z + zb), "whole bracket"),
        (lambda *one: -_each_pair(*one).mean(dim=1), "sign is wrong"),
        (_each_pair, "one number a pair"),
        (lambda *one: _each_pair(*one).sum(dim=1), "sums over the pairs"),
        (lambda *one: _each_pair(*one).mean(), ["lanes too", "one number a lane"]),
        (lambda w, z, wb, zb, beta: (beta * ((w - wb) - (z - zb))).sigmoid().mean(1), "sigmoid"),
    ],
    "01.3": [
        (lambda b, t: (_p(t) * (_log(t) - _log(b))).sum(-1).mean(1), "reverse KL"),
        (lambda b, t: (_p(b) * (_log(t) - _log(b))).sum(-1).mean(1), "sign is wrong"),
        (lambda b, t: (_p(b) * (b - t)).sum(-1).mean(1), "still logits"),
        (lambda b, t: -(_p(b) * _log(t)).sum(-1).mean(1), "cross-entropy"),
        (lambda b, t: (_p(b) * (_log(b) - _log(t))).sum(-1), "one number a picture"),
        (lambda b, t: (_p(b) * (_log(b) - _log(t))).sum(-1).mean(), ["lanes too", "a lane"]),
        (lambda b, t: F.kl_div(b, t, reduction="mean"), "F.kl_div"),
        (lambda b, t: (_p(b) * (_log(b) - _log(t))).sum(-1).sum(1), "sums over the pictures"),
        (lambda b, t: (_p(b) * (_log(b) - _log(t))).mean(-1).mean(1), "averages over the answers"),
        (lambda b, t: (_log(b) - _log(t)).sum(-1).mean(1), "weigh each"),
    ],
    "01.4": [
        (lambda naive, taught, swapped: swapped / taught, "not at zero"),
        (lambda naive, taught, swapped: swapped - naive, "gain itself"),
        (lambda naive, taught, swapped: (taught - swapped) / (taught - naive), "did not come"),
        (lambda naive, taught, swapped: (swapped - naive) / taught, "what it learnt"),
        (lambda naive, taught, swapped: (swapped - naive) / (naive - taught), "sign is wrong"),
        (lambda naive, taught, swapped: swapped - naive / taught - naive, "brackets"),
    ],
}
