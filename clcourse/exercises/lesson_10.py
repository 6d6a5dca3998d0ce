"""Lesson 10: what students are told about a part's own clock, a gated write, and momentum."""

from __future__ import annotations

from collections.abc import Callable

from clcourse.exercises import Wrong, exercise
from clcourse.exercises.mistakes import call, expect


def _numbers(purpose: str, *shape: int):
    """Normal numbers for two lanes, the same in every check: (2, *shape), float64."""
    from clcourse.seeds import LaneRandom

    return LaneRandom(2, f"exercise {purpose}").normal(*shape).double()


@exercise(
    "10.1",
    expects="a function of g (seeds, steps, n), period and lr that gives (seeds, steps, n)",
    hints=[
        "A part of period 4 stands still at steps 1, 2 and 3, and moves at step 4. Counted from 0, "
        "as Python does, that is row 3.",
        "Begin with zeros: moves = torch.zeros_like(g). Then for end in range(period, steps + 1, "
        "period): the rows end - period to end belong together.",
        "moves[:, end - 1] = -lr * g[:, end - period : end].mean(dim=1)",
    ],
)
def level_clock(answer: Callable) -> str:
    """-lr times the mean of a chunk at its last step, 0 at the others."""
    for steps, period, lr in ((11, 4, 0.5), (7, 1, 0.2), (3, 4, 0.5)):
        g = _numbers(f"clock {steps}", steps, 3)
        _check_clock(g, call(answer, g, period, lr), period, lr)
    return "one line of a loop: the slow part is the same rule with a larger period."


def _chunked(g, period: int, lr: float, *, first: int = 0, back: int | None = None):
    """-lr times the mean of the last `back` rows at rows period - 1 + first, …"""
    import torch

    moves, back = torch.zeros_like(g), back or period
    for row in range(period - 1 + first, g.shape[1], period):
        moves[:, row] = -lr * g[:, max(0, row + 1 - back) : row + 1].mean(dim=1)
    return moves


def _check_clock(g, got, period: int, lr: float) -> None:
    """One stream of gradients."""
    right = _chunked(g, period, lr)
    expect(
        got,
        right,
        (-right, "the sign is turned: a step goes against the gradient."),
        (right / lr, "lr is missing: it says how far a part moves."),
        (period * right, "this is the sum of the chunk, as the paper prints it: take the mean."),
        (right / period, "this divides by the period twice: the mean has done it already."),
        (_chunked(g, period, lr, back=period + 1), "these chunks have period + 1 rows (the "
         "paper's sum runs from i - C to i): take the last period rows."),
        (-lr * g, "this moves at every step: a part of period C waits, and moves once in C."),
        (right.roll(1, 1), "this is one step late: a part of period C moves *at* step C, which is "
         "row C - 1."),
        (right.cumsum(1), "these are positions: give the change at each step, 0 where it stands."),
        (right.mean(dim=0), "you averaged over the lanes: each has gradients of its own."),
        *_at_other_steps(g, right, period, lr),
        *_of_other_rows(g, right, period, lr),
    )  # fmt: skip


def _at_other_steps(g, right, period: int, lr: float) -> list:
    """Moves that come too early, too late or too often."""
    import torch

    steps = g.shape[1]
    chunks = steps // period * period  # rows that belong to whole chunks
    running = torch.stack(
        [-lr * g[:, max(0, t + 1 - period) : t + 1].mean(dim=1) for t in range(steps)], dim=1
    )
    begun, held, early = (torch.zeros_like(g) for _ in range(3))
    begun[:, :chunks:period] = right[:, period - 1 :: period]
    held[:, :chunks] = right[:, period - 1 :: period].repeat_interleave(period, dim=1)
    for row in range(0, steps, period):  # what stands before it is used
        early[:, row] = -lr * g[:, max(0, row - period) : row + 1].mean(dim=1)
    return [
        (running, "this moves at every step, by a running mean: it moves only at the end of a "
         "chunk, and stands still between."),
        (begun, "the right moves, but at the first step of a chunk, before its gradients are "
         "known: move at the last."),
        (early, "this moves one step late, or at step 1: steps are counted from 1, and a chunk "
         "ends in row period - 1."),
        (held, "the move is made at every step of the chunk: make it once, at the end."),
    ]  # fmt: skip


def _of_other_rows(g, right, period: int, lr: float) -> list:
    """Moves made of too few gradients, or of too many."""
    import torch

    last, first, whole = (torch.zeros_like(g) for _ in range(3))
    last[:, period - 1 :: period] = -lr * g[:, period - 1 :: period]
    first[:, ::period] = -lr * g[:, ::period]
    whole[:, period - 1 :: period] = -lr / period * g.cumsum(dim=1)[:, period - 1 :: period]
    unfinished = right.clone()
    if left := g.shape[1] % period:
        unfinished[:, -1] = -lr * g[:, -left:].mean(dim=1)
    return [
        (last, "this uses the last gradient of each chunk alone: take the mean of all of them."),
        (first, "this moves at the first step of each chunk, before its gradients are known: move "
         "at the last."),
        (whole, "what was gathered must be emptied after each move: take the last period rows."),
        (unfinished, "the last, unfinished chunk is used too early: what is left over waits."),
    ]  # fmt: skip


@exercise(
    "10.2",
    expects="a function of M (seeds, d, p), k (seeds, 1, d), v (seeds, 1, p) and the numbers eta "
            "and alpha that gives the new M",
    hints=[
        "The pair itself is an outer product, as in lesson 04: k.mT @ v is (seeds, d, p).",
        "One gate says how much of the old M stays, the other how strongly the pair is written.",
        "return alpha * M + eta * k.mT @ v",
    ],
)  # fmt: skip
def gated_write(answer: Callable) -> str:
    """α M + η k'v."""
    for η, α in ((0.7, 0.6), (0.3, 0.9)):
        M, k, v = _numbers("M", 4, 3), _numbers("k", 1, 4), _numbers("v", 1, 3)
        pair = k.mT @ v
        expect(
            _written(answer, M, k, v, η, α),
            α * M + η * pair,
            (M + pair, "this is the Hebbian rule, without gates: alpha of M stays, eta of the pair "
             "is written."),
            (M + η * pair, "nothing is forgotten: only alpha of M stays."),
            (α * M + pair, "the pair is written whole: only eta of it is."),
            ((1 - α) * M + η * pair, "alpha is what stays, here, not what is forgotten."),
            (α * (M + η * pair), "alpha is on the new pair, too: it belongs to the old M alone."),
            (η * (α * M + pair), "eta is on the old M, too: it belongs to the new pair alone."),
            ((1 - η) * M + η * pair, "there are two gates: alpha of M stays, not 1 - eta."),
            (η * M + α * pair, "eta and alpha are exchanged."),
            (α * M + (1 - α) * pair, "there are two gates: the pair is written with eta, not 1 - "
             "alpha."),
            (α * M - η * pair, "the sign is turned: the pair is added."),
            (α * M + η * k.mT @ (v - k @ M), "this writes the error, as in lesson 09: here the "
             "value itself is written."),
            (α * M + η * (k.mT @ (v - 2 * (k @ M))), "this is DGD: here the value itself is "
             "written."),
            (η * pair, "the old M is missing: alpha of it stays."),
            (α * M, "the pair is missing: eta times it is added."),
            (k @ M, "this is what M says of k: give back the new M."),
            tolerance=1e-4,
        )  # fmt: skip
    return "with eta = alpha = 1 it is linear attention; the gates are all that is added."


def _written(answer: Callable, M, *more):
    """What the answer gives back; where sizes do not fit, what a column and a row are."""
    try:
        return call(answer, M, *more)
    except (RuntimeError, ValueError) as error:
        said = str(error).lower()
        if not isinstance(error, Wrong) and any(one in said for one in ("size", "shape", "mat")):
            raise Wrong(
                "the sizes do not fit: M is (seeds, d, p). k.mT is a column and v is a row, so "
                "k.mT @ v is the pair, (seeds, d, p)."
            ) from None
        raise


@exercise(
    "10.3",
    expects="a function of m (seeds, in, out), x (seeds, batch, in), delta (seeds, batch, out) and "
    "the numbers lr and keep that gives one number a lane, (seeds,)",
    hints=[
        "The gradient of <x m, delta> with respect to m is x' delta: that writes the new gradient. "
        "((x @ m) * delta).sum(-1).mean(-1) is its mean over the batch, one number a lane.",
        "A step of length lr must also take (1 - keep) m away. So the second part has the slope "
        "(1 - keep) / lr times m: half of that, times the sum of the squares of m.",
        "return ((x @ m) * delta).sum(-1).mean(-1) + (1 - keep) / (2 * lr) * (m**2).sum((1, 2))",
    ],
)
def inner_loss(answer: Callable) -> str:
    """Its slope at m, times lr, must be what momentum takes away: (1-μ) m + η g.

    The slope is taken by central differences, exact for a loss of squares and products, so that
    the answer may be written in anything.
    """
    for lr, keep in ((0.4, 0.9), (0.2, 0.6)):
        m, x, δ = _numbers("m", 3, 2), _numbers("x", 4, 3), _numbers("δ", 4, 2)
        g = x.mT @ δ / 4
        slope = _slope(answer, m, x, δ, lr, keep)
        fade, wanted = (1 - keep) * m, (1 - keep) * m / lr + g
        _judge(slope, wanted, [
            (-wanted, "the sign is turned: a step *down* your loss goes the wrong way."),
            (g, "only the new gradient is stored: nothing pulls m towards zero, so all of it is "
             "kept for ever."),
            (fade / lr, "only the pull towards zero is there: <x m, delta> is missing."),
            (fade + g, "the pull must be divided by lr, because the step multiplies it by lr."),
            (fade + lr * g, "the step multiplies the whole loss by lr: divide both terms by lr."),
            (fade / (2 * lr) + g, "the pull is half too weak: |m|^2 has slope 2 m, so its factor "
             "is (1 - keep) / (2 lr)."),
            (2 * fade / lr + g, "the pull is twice too strong: |m|^2 has slope 2 m, so its factor "
             "is (1 - keep) / (2 lr)."),
            (keep * m / lr + g, "keep is what stays: the pull takes 1 - keep away."),
            (m / lr + g, "this pulls all of m away: the share that goes is 1 - keep."),
            (fade / lr - g, "the sign of <x m, delta> is turned."),
            (g - fade / lr, "the sign of the pull is turned: it makes m larger."),
            (fade / lr + 4 * g, "this is a sum over the batch: take the mean."),
            (fade / lr + g / 2, "this is a mean over the outputs, too: sum over them, and average "
             "over the batch alone."),
            (fade / (6 * lr) + g / 2, "these are means over everything: sum over inputs and "
             "outputs, and average over the batch alone."),
            (fade / lr + lr * g, "the step multiplies by lr already: <x m, delta> has no lr."),
            (fade / (6 * lr) + g, "you took the mean of the squares of m: take their sum."),
            ((1 - keep) * wanted, "the slope is 1 - keep times what it should be: did you hold a "
             "target fixed that is made of m? Write the loss without .detach()."),
            (0 * m, "your loss does not change with m."),
            *_other_losses(m, x, δ, lr, keep),
        ])  # fmt: skip
    return "one step of length lr down this loss is one step of momentum: exactly, not nearly."


def _judge(slope, wanted, mistakes: list) -> None:
    """The slope is compared, not what was given back: so that is what is spoken of."""
    try:
        expect(slope, wanted, *mistakes, tolerance=1e-3)
    except Wrong as told:
        if not str(told).startswith("your answer is"):
            raise
        lane, row, column = ((slope - wanted).abs() > 1e-3).nonzero()[0].tolist()
        raise Wrong(
            f"the slope of your loss at m[{lane}, {row}, {column}] is "
            f"{slope[lane, row, column]:.4g}; a step of momentum needs "
            f"{wanted[lane, row, column]:.4g}, that is (1 - keep) m / lr + g."
        ) from None


def _other_losses(m, x, δ, lr: float, keep: float) -> list:
    """Slopes of losses that come to mind first: of errors corrected, and of lengths."""
    fade = (1 - keep) * m / lr
    corrects = ("this loss corrects the error of m (delta momentum, below). Plain momentum only "
                "writes: its first term is linear in m, <x m, delta>.")  # fmt: skip
    length = "this is the length of m: take its square, the sum of the squares of m."
    found = [(size * x.mT @ (x @ m + sign * δ) / 4 + part, corrects)
             for sign in (-1, 1) for size in (1, 2) for part in (fade, 0 * fade)]  # fmt: skip
    for factor in (1, 2):

        def long(m, x, δ, lr, keep, factor=factor):
            fit = ((x @ m) * δ).sum(-1).mean(-1)
            return fit + (1 - keep) / (factor * lr) * m.square().sum((1, 2)).sqrt()

        found.append((_slope(long, m, x, δ, lr, keep), length))
    return found


def _slope(answer: Callable, m, x, δ, lr: float, keep: float):
    """The slope of each lane's loss at m by central differences, (seeds, in, out)."""
    import torch

    slope = torch.zeros_like(m)
    for row in range(m.shape[1]):
        for column in range(m.shape[2]):
            up, down = m.clone(), m.clone()
            up[:, row, column] += 0.5
            down[:, row, column] -= 0.5
            high, low = (_lanes(call(answer, one, x, δ, lr, keep)) for one in (up, down))
            slope[:, row, column] = high - low
    return slope


def _lanes(got):
    """One finite number a lane, from a tensor, an array or a list."""
    import torch

    try:
        lanes = torch.as_tensor(got if hasattr(got, "shape") else [float(one) for one in got])
        lanes = lanes.detach().double()
    except (TypeError, ValueError, RuntimeError):
        raise Wrong("give back one number a lane, of shape (2,) here: a loss for each.") from None
    if lanes.shape == ():
        raise Wrong(
            "this is one number for all lanes: give one for each, (seeds,), so sum over "
            "the axes after the first."
        )
    if lanes.shape != (2,):
        raise Wrong(
            f"your loss is of shape {tuple(lanes.shape)}; expected (2,), one number a "
            "lane: sum over outputs, average over the batch."
        )
    if not bool(torch.isfinite(lanes).all()):
        raise Wrong("your loss has numbers that are not finite (nan or inf).")
    return lanes
