"""Lesson 03: plausible wrong answers, and words that the reply to each must contain."""

import torch

import clcourse as cl


def lanes(x):
    return torch.arange(len(x))[:, None]


def share(patterns, recalled):
    return (patterns * recalled).sum(2) / patterns.sum(2)


def night(loss, *, rows=slice(None), sign=1.0, first=False, lr=None):
    """A night with one mistake in it."""

    def slept(cortex, x, y, chosen):
        weights = list(cortex.network.parameters())
        for some in chosen[rows]:
            some = some[:1].expand(len(x), -1) if first else some
            logits = cortex.network(x[lanes(x), some])
            gradients = torch.autograd.grad(loss(logits, y[lanes(x), some]), weights)
            with torch.no_grad():
                for θ, g in zip(weights, gradients, strict=True):
                    θ.sub_(sign * (cortex.lr if lr is None else lr) * g)
        return cortex.answer(x)

    return slept


def by_the_course(cortex, x, y, chosen):
    for some in chosen:
        cortex.learn(x[lanes(x), some], y[lanes(x), some])
    return cortex.answer(x)


def right(logits, y):
    return cl.cross_entropy(logits, y).sum()


WRONG = {
    "03.1": [
        (lambda new, box, chosen: torch.cat([new, box[:, chosen[0]]], 1), "first lane"),
        (lambda new, box, chosen: torch.cat([new, box[:, : chosen.shape[1]]], 1), "first ones"),
        (lambda new, box, chosen: torch.cat([box[lanes(box), chosen], new], 1), "new ones first"),
        (lambda new, box, chosen: box[lanes(box), chosen], "missing"),
        (
            lambda new, box, chosen: torch.cat([new, box[:, chosen].flatten(1, 2)], 1),
            "in every lane",
        ),
        (lambda new, box, chosen: torch.cat([new, box[:, chosen]], 1), "four axes"),
    ],
    "03.3": [
        (lambda p, r, familiar: share(p, r) >= familiar, "turned round"),
        (lambda p, r, familiar: share(p, r), "share that came back"),
        (lambda p, r, familiar: 1 - share(p, r), "novelty"),
        (lambda p, r, familiar: (p == r).float().mean(2) < familiar, "0 in both"),
        (lambda p, r, familiar: (p * r).mean(2) < familiar, "all units"),
        (lambda p, r, familiar: (p * r).sum(2) < familiar, "number of units"),
        (lambda p, r, familiar: 1 - share(p, r) > familiar, "must exceed"),
        (lambda p, r, familiar: (p * r).sum(2) / r.sum(2) < familiar, "what came back"),
        (lambda p, r, familiar: (p * r).sum(2) / 4 < familiar, "by 4"),
        (lambda p, r, familiar: torch.cosine_similarity(p, r, 2) < familiar, "cosine"),
        (lambda p, r, familiar: (p * r).sum(2) / (p + r).clamp(max=1).sum(2) < familiar, "either"),
        (lambda p, r, familiar: share(p, r) < 1, "perfect copy"),
        (lambda p, r, familiar: (share(p, r) < familiar).all(1), "for each"),
    ],
    "03.4": [
        (lambda f, k, s: torch.where(k, s.argmax(2), f.argmax(2)), "turned round"),
        (lambda f, k, s: (f + s).argmax(2), "cannot be"),
        (lambda f, k, s: f.argmax(2), "fast store answers everything"),
        (lambda f, k, s: s.argmax(2), "cortex answers everything"),
        (lambda f, k, s: torch.where(k[..., None], f, s), "scores"),
        (lambda f, k, s: torch.where(f.amax(2) > 0.5, f.argmax(2), s.argmax(2)), "recognised"),
    ],
    "03.2": [
        (night(lambda z, y: cl.cross_entropy(z, y).mean()), "averaged over the lanes"),
        (night(lambda z, y: cl.cross_entropy(z, y).sum() * y.shape[1]), "summed over the batch"),
        (night(right, sign=-1.0), "climb"),
        (night(right, lr=1.0), "learning rate is missing"),
        (night(right, rows=slice(0, 0)), "nothing was learnt"),
        (night(right, rows=slice(0, 1)), "one step"),
        (night(right, rows=slice(-1, None)), "last row"),
        (night(right, first=True), "first lane chose"),
        (by_the_course, "cortex.learn"),
    ],
}
