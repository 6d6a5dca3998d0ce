"""Lesson 02: what students are told about their own forgetting measures, masks, causes, probes."""

from __future__ import annotations

from collections.abc import Callable

from clcourse.exercises import exercise
from clcourse.exercises.mistakes import call, expect


def _matrix():
    """R (2, 4, 4), with an old experience that gets better later and one whose last row is best."""
    import torch

    first = [[0.9, 0.95, 0.0, 0.2], [0.95, 0.8, 0.1, 0.0], [0.6, 0.7, 1, 0.1], [0.3, 0.8, 0.5, 0.9]]
    second = [[1, 0.6, 0.0, 0.0], [0.5, 0.9, 0.0, 0.0], [0.4, 0.2, 0.8, 0.9], [0.1, 0.95, 0.2, 0.7]]
    return torch.tensor([first, second])


def _numbers(purpose: str, *shape: int):
    """Normal numbers for two lanes, the same in every check: (2, *shape)."""
    from clcourse.seeds import LaneRandom

    return LaneRandom(2, f"exercise {purpose}").normal(*shape)


@exercise(
    "02.1",
    expects="a function of R (seeds, T, T) that gives one number a lane, (seeds,)",
    hints=[
        "For one old experience j: its best accuracy in the rows j, j+1, … before the last, minus "
        "the last row. Then the mean over all j but the last.",
        "R[:, j:-1, j].amax(dim=1) is the best of experience j from when it was learnt until "
        "before the last lesson; R[:, -1, j] is what is left.",
        "Make a list of the losses for j in range(T - 1), then torch.stack(losses).mean(dim=0).",
    ],
)
def forgetting_of_each_lane(answer: Callable) -> str:
    """Chaudhry's forgetting, against the variants that other libraries call by the same name."""
    from clcourse import metrics

    R = _matrix().double()
    left, right = R[:, -1], metrics.forgetting(R)
    diagonal = R.diagonal(dim1=1, dim2=2)
    any_row = (R[:, :-1].amax(dim=1) - left)[:, :-1].mean(dim=1)
    along_rows = (R[:, :-1].amax(dim=2) - left[:, :-1]).mean(dim=1)
    since_learnt = R.masked_fill(R.new_ones(4, 4).tril() == 0, 0).amax(dim=1) - left
    expect(
        call(answer, R),
        right,
        (right.mean(), "you averaged over the lanes as well: keep one number for each lane."),
        (-right, "your sign is turned round: forgetting is the best minus what is left."),
        (metrics.forgetting_from_all_rows(R), "your best looks at the last row too, and at rows "
         "before the experience was learnt: look at rows j to T-2."),
        ((diagonal - left)[:, :-1].mean(dim=1), "you start from the diagonal, the accuracy when "
         "new: an old experience may have been better later, so take the best."),
        (any_row, "your best looks at rows before the experience was learnt: start at row j."),
        (since_learnt.mean(dim=1), "you count the last experience too: it had no time to be "
         "forgotten, so leave it out."),
        ((right * 3 / 4), "you count the last experience too, as a loss of 0: divide by T-1, the "
         "number of old experiences."),
        ((diagonal - left).mean(dim=1), "you start from the diagonal, and you count the last "
         "experience too: take the best of rows j to T-2, for j up to T-2."),
        ((R[:, :-1].amax(dim=1) - left).mean(dim=1), "you count the last experience too, with a "
         "best from before it was learnt: leave its column out."),
        (since_learnt[:, :-1].mean(dim=1), "your best looks at the last row too: stop at row T-2."),
        (along_rows, "you take the best along a row: an experience is a column, so its best is "
         "over dim=1."),
        ((R.amax(dim=2) - left)[:, :-1].mean(dim=1), "you take the best along a row: an experience "
         "is a column, so its best is over dim=1."),
        ((R.amax(dim=2) - left).mean(dim=1), "you take the best along a row, and count the last "
         "experience too: an experience is a column."),
        tolerance=1e-4,
    )
    return "this is the variant of Chaudhry et al. 2018; the last lesson is no old one yet."


@exercise(
    "02.2",
    expects="a function of logits (seeds, images, classes) and allowed (seeds, classes) that gives "
            "the answers (seeds, images)",
    hints=[
        "A class that is out of the question must never have the largest logit: give it a number "
        "that is smaller than every logit.",
        "logits.masked_fill(~allowed[:, None], float('-inf')) puts it there: allowed[:, None] has "
        "the shape (seeds, 1, classes), one mask for all images of a lane. Then .argmax(dim=2).",
    ],
)
def answers_when_told(answer: Callable) -> str:
    """The best class among the allowed ones, for every image of every lane."""
    import torch

    logits = _numbers("told", 6, 5) - 3.0  # mostly negative: a mask of zeros would win
    allowed = torch.tensor([[1, 1, 0, 0, 0], [0, 0, 1, 0, 1]], dtype=torch.bool)
    masked = logits.masked_fill(~allowed[:, None], -torch.inf)
    other = logits.masked_fill(allowed[:, None], -torch.inf)
    among = torch.stack([logits[lane][:, mask] for lane, mask in enumerate(allowed)])
    first = logits.masked_fill(~allowed[0], -torch.inf)
    expect(
        call(answer, logits, allowed),
        masked.argmax(dim=2),
        (logits.argmax(dim=2), "all classes still compete: push the others out of reach first."),
        ((logits * allowed[:, None]).argmax(dim=2), "a masked logit became 0, and 0 beats a "
         "negative logit: put minus infinity there."),
        (other.argmax(dim=2), "your mask is turned round: keep the allowed classes."),
        (among.argmax(dim=2), "this is a place among the allowed classes: give the class itself."),
        (first.argmax(dim=2), "you use the mask of the first lane for all: each lane has its own."),
        (masked, "these are masked logits: the answer is the class of the largest, argmax."),
        (masked.amax(dim=2), "this is the largest logit: give its class, argmax instead of amax."),
    )
    return "no weight has changed, only the question; this is all that “task-incremental” means."


@exercise(
    "02.3",
    expects="a function of H (seeds, n, units), Y (seeds, n, classes) and a strength that gives "
            "weights (seeds, units, classes)",
    hints=[
        "The transpose of the last two axes is H.mT, and H.mT @ H is (seeds, units, units): one "
        "product a lane.",
        "torch.linalg.solve(A, B) gives A⁻¹B for each lane. A is H.mT @ H / n plus strength times "
        "torch.eye(units); B is H.mT @ Y / n, with n = H.shape[1].",
    ],
)
def ridge_in_closed_form(answer: Callable) -> str:
    """W = (HᵀH/n + λI)⁻¹HᵀY/n for each lane."""
    import torch

    H, Y, strength = _numbers("probe H", 30, 4), _numbers("probe Y", 30, 2), 0.3
    n, unit = H.shape[1], torch.eye(4)
    gram, cross = H.mT @ H, H.mT @ Y
    expect(
        call(answer, H, Y, strength),
        torch.linalg.solve(gram / n + strength * unit, cross / n),
        (torch.linalg.solve(gram + strength * unit, cross), "you left out 1/n: then the strength "
         "means something else for every number of examples; divide HᵀH and HᵀY by n."),
        (torch.linalg.solve(gram / n, cross / n), "the strength has no effect: add strength times "
         "the unit matrix to HᵀH/n."),
        (torch.linalg.solve(gram / n + strength, cross / n), "you add the strength to every entry "
         "of HᵀH/n: add it to the diagonal only, as strength * torch.eye(units)."),
        ((gram / n + strength * unit) @ (cross / n), "you multiply by the matrix: multiply by its "
         "inverse, with torch.linalg.solve."),
        (torch.linalg.solve(gram / n + strength * unit, cross), "HᵀH is divided by n and HᵀY is "
         "not: divide both."),
        tolerance=1e-4,
    )
    return "twenty probes in one solve, and no learning rate to choose."


@exercise(
    "02.4",
    expects="a function of the pairs U, T, P, each (then, now), that gives (access, readout, "
            "features)",
    hints=[
        "Features first: the probe asks only the hidden layer, so what the probe lost is "
        "P_then - P_now.",
        "What telling helps is T - U. It helped a little then, and more now: access is how much "
        "*more* it helps now, (T_now - U_now) - (T_then - U_then). The readout is the same with P "
        "and T.",
    ],
)
def causes_of_a_loss(answer: Callable) -> str:
    """Access, readout and features from six accuracies."""
    for U, T, P in (((0.9, 0.1), (0.95, 0.6), (0.97, 0.9)), ((0.8, 0.3), (0.8, 0.3), (1.0, 0.55))):
        access = (T[1] - U[1]) - (T[0] - U[0])
        readout = (P[1] - T[1]) - (P[0] - T[0])
        features = P[0] - P[1]
        expect(
            call(answer, U, T, P),
            (access, readout, features),
            ((T[1] - U[1], P[1] - T[1], features), "you look only at now: telling and probing "
             "helped a little before as well, so subtract what they gave then."),
            ((T[1] - U[1], P[1] - T[1], 1 - P[1]), "you look only at now, and compare with a "
             "perfect score: compare with what there was then."),
            ((-access, -readout, -features), "your signs are turned round: a cause of loss counts "
             "as positive."),
            ((access, readout, -features), "features have the wrong sign: then minus now."),
            ((U[0] - U[1], T[0] - T[1], P[0] - P[1]), "these are the losses of the three ways of "
             "asking: a cause is the difference between two of them."),
            ((features, readout, access), "the order is turned round: access, readout, features."),
        )
    return "and they add up: access + readout + features = U_then - U_now, with no rest."
