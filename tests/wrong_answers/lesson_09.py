"""Lesson 09: plausible wrong answers, and words that the reply to each must contain."""

import torch


def rule(new_S, new_M):
    """A step from what is made of (M, S, write, θ, η, α), and from (M, S, new S, write, α)."""

    def step(M, S, k, v, theta, eta, alpha):
        write = theta * k.mT @ (v - k @ M)
        new = new_S(M, S, k, v, write, theta, eta, alpha)
        return new_M(M, S, new, write, alpha), new

    return step


def right_S(M, S, k, v, write, theta, eta, alpha):
    return eta * S + write


def right_M(M, S, new, write, alpha):
    return (1 - alpha) * M + new


def top(values, count, largest=True):
    return torch.zeros_like(values).scatter(1, values.topk(count, 1, largest).indices, 1) == 1


WRONG = {
    "09.1": [
        (lambda M, S, k, v, theta, eta, alpha: M, "two things"),
        (rule(lambda M, S, k, v, w, θ, η, α: η * S - w, right_M), "sign is turned: S moves"),
        (rule(lambda M, S, k, v, w, θ, η, α: η * S + w / θ, right_M), "theta is missing"),
        (rule(lambda M, S, k, v, w, θ, η, α: w, right_M), "past surprise is missing"),
        (rule(lambda M, S, k, v, w, θ, η, α: S + w, right_M), "eta is missing"),
        (rule(lambda M, S, k, v, w, θ, η, α: η * (S + w), right_M), "eta is on the new error"),
        (rule(lambda M, S, k, v, w, θ, η, α: η * S + θ * k.mT @ v, right_M), "linear attention"),
        (rule(lambda M, S, k, v, w, θ, η, α: η * S + θ * k.mT @ (v - k @ ((1 - α) * M)), right_M),
         "after forgetting"),
        (rule(lambda M, S, k, v, w, θ, η, α: η * S + 2 * w, right_M), "factor 2"),
        (lambda *given: rule(right_S, right_M)(*given)[::-1], "M first and S second"),
        (rule(right_S, lambda M, S, new, w, α: M + new), "nothing is forgotten"),
        (rule(right_S, lambda M, S, new, w, α: α * M + new), "what stays"),
        (rule(right_S, lambda M, S, new, w, α: (1 - α) * (M + new)), "forgotten, too"),
        (rule(right_S, lambda M, S, new, w, α: (1 - α) * M + S), "a token late"),
        (rule(right_S, lambda M, S, new, w, α: (1 - α) * M + w), "which holds it"),
        (rule(lambda M, S, k, v, w, θ, η, α: η * S + (1 - η) * w, right_M), "S: there is no 1"),
        (rule(lambda M, S, k, v, w, θ, η, α: α * S + w, right_M), "S: alpha and eta are"),
        (rule(lambda M, S, k, v, w, θ, η, α: S, lambda M, S, new, w, α: M + w), "S: S has not"),
        (lambda M, S, k, v, theta, eta, alpha: rule(
            right_S, lambda M, S, new, w, α: (1 - α) * M + eta * new)(
                M, S, k, v, theta, eta, alpha), "M: eta counts twice"),
        (rule(right_S, lambda M, S, new, w, α: M), "M: M has not changed"),
        (lambda M, S, k, v, theta, eta, alpha: rule(right_S, right_M)(
            M, S, k, v, 0.4, 0.3, 0.2), "S: your answer"),
    ],
    "09.2": [
        (lambda surprise, count: top(surprise[:, 0], count), "first showing"),
        (lambda surprise, count: top(surprise[:, -1], count, False), "surprise least"),
        (lambda surprise, count: top(surprise[:, -1], count).double().topk(count).indices,
         "make a mask"),
        (lambda surprise, count: top(surprise[:, -1], count)[0], "for each lane and pair"),
        (lambda surprise, count: surprise[:, -1]
         >= surprise[:, -1].flatten().topk(2 * count).values[-1], "compared the lanes"),
        (lambda surprise, count: top(surprise[:, -1].mean(0, keepdim=True).expand(2, -1), count),
         "averaged over the lanes"),
        (lambda surprise, count: top(surprise[:, -1], 3), "use count"),
        (lambda surprise, count: surprise[:, -1].topk(count), "take .indices"),
    ],
    "09.3": [
        (lambda tokens, d, heads: 8 * heads * d * tokens, "two numbers"),
        (lambda tokens, d, heads: (8 * heads * d * d, 8 * heads * d * tokens), "cache first"),
        (lambda tokens, d, heads: (2 * heads * d * tokens, 2 * heads * d * d), "cache: these are"),
        (lambda tokens, d, heads: (4 * heads * d * tokens, 8 * heads * d * d), "beside each key"),
        (lambda tokens, d, heads: (8 * d * tokens, 8 * d * d), "cache: the heads"),
        (lambda tokens, d, heads: (8 * heads * tokens**2, 8 * heads * d * d), "square"),
        (lambda tokens, d, heads: (8 * heads * d * tokens, 4 * heads * d * d), "S is kept"),
        (lambda tokens, d, heads: (8 * heads * d * tokens, 8 * d * d), "memory: the heads"),
        (lambda tokens, d, heads: (8 * heads * d * tokens, 8 * (heads * d) ** 2), "one large"),
        (lambda tokens, d, heads: (8 * heads * d * tokens, 8 * heads * d), "rows and d columns"),
        (lambda tokens, d, heads: (heads * d * tokens, heads * d * d), "cache: a value is kept"),
        (lambda tokens, d, heads: (64 * heads * d * tokens, 64 * heads * d * d), "not bits"),
        (lambda tokens, d, heads: (heads * d * tokens / 128, heads * d * d / 128), "not KB"),
        (lambda tokens, d, heads: (24 * d * tokens, 24 * d * d), "use heads"),
        (lambda tokens, d, heads: (8000 * heads * d, 8 * heads * d * d), "use tokens"),
    ],
}  # fmt: skip
