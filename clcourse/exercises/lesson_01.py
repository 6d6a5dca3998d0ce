"""Lesson 01: what students are told about a gradient step, the DPO loss, KL and transplants."""

from __future__ import annotations

from collections.abc import Callable

from clcourse.exercises import exercise
from clcourse.exercises.mistakes import call, expect

LANES_TOO = "you averaged over the lanes too: keep one number a lane, .mean(dim=1)."


@exercise(
    "01.1",
    expects="a function of weight, x, y and lr that gives the new weight",
    hints=[
        "The loss is (weight * x - y) ** 2. Its gradient has two factors: 2 * (weight * x - y), "
        "and how fast weight * x grows with the weight, which is x.",
        "A step goes against the gradient: weight - lr * gradient.",
    ],
)
def gradient_step(answer: Callable) -> str:
    """One step of gradient descent on a squared error."""
    for weight, x, y, lr in ((1.0, 3.0, -1.0, 0.02), (0.5, 2.0, 3.0, 0.05), (-0.3, 0.5, 2.0, 0.4)):
        error = weight * x - y
        gradient = 2 * error * x
        expect(
            call(answer, weight, x, y, lr),
            weight - lr * gradient,
            (weight + lr * gradient, "this step climbs: go against the gradient, with a minus."),
            (weight - lr * error * x, "the factor 2 is missing: the square has the slope 2 * "
             "error."),
            (weight - lr * 2 * error, "the chain rule stops half-way: times x, because weight * x "
             "grows x times as fast as the weight."),
            (weight - lr * error, "this moves by the error alone: the gradient is 2 * error * x."),
            (weight - gradient, "the learning rate is missing: move by lr * gradient."),
            (gradient, "this is the gradient: the answer is the weight after the step."),
            (-lr * gradient, "this is the change: add it to the weight."),
            (weight * x - lr * gradient, "this starts from the prediction: start from the weight."),
        )
    return "that line, for each of 7,510 weights at once, is how the networks of this lesson learn."


@exercise(
    "01.2",
    expects="a function of four tensors (seeds, pairs) and beta that gives a loss (seeds,)",
    hints=[
        "How much more often is the winner said than before? won - won_before is the log of that. "
        "Do the same for the loser.",
        "The loss is -log sigmoid(beta * (difference of the two)); torch.nn.functional.logsigmoid "
        "gives log sigmoid. Average over the pairs: .mean(dim=1).",
    ],
)
def dpo(answer: Callable) -> str:
    """DPO (Rafailov et al. 2023, eq. 7) from log-probabilities."""
    import torch
    import torch.nn.functional as F

    numbers = torch.arange(24, dtype=torch.float32).view(4, 3, 2)
    won, lost, won_before, lost_before = -0.2 - (numbers * 0.37).sin().abs() * 3
    beta = 0.5

    def loss(margin: torch.Tensor) -> torch.Tensor:
        return -F.logsigmoid(margin).mean(dim=1)

    margin = (won - won_before) - (lost - lost_before)
    each = -F.logsigmoid(beta * margin)
    expect(
        call(answer, won, lost, won_before, lost_before, beta),
        loss(beta * margin),
        (loss(-beta * margin), "this pushes the wrong way, towards the losers: the order is winner "
         "minus loser, and tuned minus reference."),
        (-loss(beta * margin), "the sign is wrong: log sigmoid is below zero and a loss is minus "
         "that."),
        (loss(beta * (won - lost)), "the reference is missing: compare with the policy before "
         "tuning, won - won_before and lost - lost_before."),
        (loss(margin), "beta is missing: it multiplies the whole difference."),
        (loss(beta * (won - won_before) - (lost - lost_before)), "beta stops half-way: it "
         "multiplies the whole bracket, the loser's change as well."),
        (loss(beta * ((won - won_before) + (lost - lost_before))), "winner and loser are added: "
         "subtract the loser's change from the winner's."),
        ((beta * margin).sigmoid().mean(dim=1), "this is the sigmoid itself: the loss is minus its "
         "logarithm."),
        (each, "this is one number a pair: average over the pairs, .mean(dim=1)."),
        (each.sum(dim=1), "this sums over the pairs: average them, .mean(dim=1)."),
        (each.mean(), LANES_TOO),
    )
    return "no reward model anywhere: the policy itself says what it takes people to like."


@exercise(
    "01.3",
    expects="a function of two tensors of logits (seeds, batch, answers) that gives (seeds,)",
    hints=[
        "Probabilities first: base.softmax(-1); logarithms of them: base.log_softmax(-1).",
        "Sum p_base * (log p_base - log p_tuned) over the answers, the last axis; then average "
        "over the pictures, axis 1.",
    ],
)
def forward_kl(answer: Callable) -> str:
    """KL(base || tuned), the forward KL of RL's Razor."""
    import torch

    from clcourse.preferences import kl

    base = (torch.arange(30, dtype=torch.float32).view(2, 3, 5) * 0.7).sin() * 2
    tuned = (torch.arange(30, dtype=torch.float32).view(2, 3, 5) * 1.3).cos() * 2
    p, q = base.log_softmax(-1), tuned.log_softmax(-1)
    each = (p.exp() * (p - q)).sum(-1)
    expect(
        call(answer, base, tuned),
        kl(base, tuned),
        (kl(tuned, base), "this is the reverse KL: weigh the logarithms with the probabilities of "
         "the base, not of the tuned policy."),
        (-kl(base, tuned), "the sign is wrong: it is log p_base - log p_tuned, and a KL is never "
         "below zero."),
        ((p.exp() * (base - tuned)).sum(-1).mean(1), "these are still logits: take log_softmax "
         "before you subtract."),
        (-(p.exp() * q).sum(-1).mean(1), "this is the cross-entropy: subtract the base's own "
         "entropy, or write log p_base - log p_tuned."),
        ((p - q).sum(-1).mean(1), "every answer counts the same here: weigh each by p_base."),
        (each, "this is one number a picture: average over the pictures, .mean(dim=1)."),
        (each.sum(1), "this sums over the pictures: average them, .mean(dim=1)."),
        (each.mean(1) / base.shape[-1], "this averages over the answers: sum over them."),
        (each.mean(), LANES_TOO),
        *((one, "F.kl_div takes log-probabilities first and probabilities second, and averages "
           "over everything: write p_base * (log p_base - log p_tuned) out.")
          for one in (torch.tensor(torch.nan), (p.exp() * (p - q)).mean(),
                      (q.exp() * (q - p)).mean())),
        tolerance=1e-4,
    )
    return "where the base was sure and the tuned policy is not, this number is large."


@exercise(
    "01.4",
    expects="a function of three numbers that gives the share carried",
    hints=[
        "What did the transplant add to the naive twin? swapped - naive.",
        "What is there to be explained in all? taught - naive. The share is the first divided by "
        "the second.",
    ],
)
def share_carried(answer: Callable) -> str:
    """The share of the new behaviour that came along with one part."""
    for naive, taught, swapped in ((0.2, 0.9, 0.55), (0.1, 0.6, 0.6), (0.5, 0.75, 0.5)):
        expect(
            call(answer, naive, taught, swapped),
            (swapped - naive) / (taught - naive),
            (swapped / taught, "the naive twin is not at zero: take its score from both."),
            (swapped - naive, "this is the gain itself: divide it by taught - naive, all there is "
             "to carry."),
            ((taught - swapped) / (taught - naive), "this is what did not come along: count from "
             "the naive twin up."),
            ((swapped - naive) / taught, "you divide by all that the taught twin can: divide by "
             "what it learnt, taught - naive."),
            ((swapped - naive) / (naive - taught), "the sign is wrong: below, too, it is taught "
             "minus naive."),
            *((value, "a division comes before a minus: put brackets around both differences.")
              for value in (swapped - naive / taught - naive, swapped - naive / (taught - naive),
                            (swapped - naive) / taught - naive)),
            (taught - naive, "this is what there is to carry: how much of it came along?"),
        )
    return "1 means that the whole memory came along, 0 means none of it."
