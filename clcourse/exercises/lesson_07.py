"""Lesson 07: what students are told about their own notes: forward, a new one, its bytes."""

from __future__ import annotations

from collections.abc import Callable

from clcourse.exercises import Wrong, exercise
from clcourse.exercises.mistakes import call, expect


def _numbers(purpose: str, *shape: int):
    """Normal numbers for two lanes, the same in every check: (2, *shape)."""
    from clcourse.seeds import LaneRandom

    return LaneRandom(2, f"exercise {purpose}").normal(*shape)


@exercise(
    "07.1",
    expects="a function of x (seeds, batch, in), W (seeds, in, out), A (seeds, in, r), "
            "B (seeds, r, out) and alpha that gives (seeds, batch, out)",
    hints=[
        "The rank r is the last size of A: A.shape[-1]. The frozen part is x @ W.",
        "Add the way through the note, alpha / r times: x @ W + alpha / r * (x @ A @ B).",
    ],
)
def forward_with_a_note(answer: Callable) -> str:
    """x W + (α / r) x A B, as in `cl.add_lora`."""
    x, W = _numbers("x", 5, 6), _numbers("W", 6, 6)
    A, B, alpha, r = _numbers("A", 6, 3), _numbers("B", 3, 6), 5.0, 3
    base, product = x @ W, x @ A @ B
    expect(
        call(answer, x, W, A, B, alpha),
        base + alpha / r * product,
        (base, "this is the base alone: the note is missing."),
        (product, "this is the note alone: the frozen x @ W is missing."),
        (alpha / r * product, "this is the note alone: the frozen x @ W is missing, too."),
        (base + product, "the strength is missing: the note counts alpha / r times."),
        (base + alpha * product, "you multiply by alpha alone: divide by the rank, or a larger "
         "rank would speak louder."),
        (base + alpha / r**0.5 * product, "you divide by the root of the rank, as a later paper "
         "does: here it is alpha / r."),
        (base + product / r, "you divide by the rank but leave out alpha."),
        *((base + alpha / size * product, f"you divide by {size}, which is not the rank: it is "
           "the last size of A.") for size in (2, 5, 6)),
        (alpha / r * (base + product), "the frozen part is scaled as well: only the note counts "
         "alpha / r times."),
        (base + alpha / r * (x @ (B.mT @ A.mT)), "the product A B is turned: x goes through A "
         "first, then through B, without a transpose."),
        (x @ W.mT + alpha / r * product, "W is turned: in this course x @ W, not x @ W.mT."),
        tolerance=1e-4,
    )
    return "and W is never touched: leave the second term out and the base is back."


@exercise(
    "07.2",
    expects="a function of W (seeds, in, out) and r that gives A (seeds, in, r) and "
            "B (seeds, r, out)",
    hints=[
        "A new note must change nothing: A B = 0. And it must be able to learn: not both zero.",
        "A is random, torch.randn(seeds, rows, r) / rows**0.5; B = torch.zeros(seeds, r, columns).",
    ],
)
def new_note(answer: Callable) -> str:
    """A random and B zero (or the other way round), in the shapes of the matrix."""
    W, r = _numbers("large matrix", 6, 4), 3
    got = call(answer, W, r)
    if not isinstance(got, (tuple, list)) or len(got) != 2:
        raise Wrong("give back two things, A and B: return A, B.")
    shapes = [tuple(getattr(part, "shape", ())) for part in got]
    if shapes == [(2, 6, r), (2, r, 4)]:
        return _is_new(*got)
    if shapes == [(2, 4, r), (2, r, 6)]:
        raise Wrong("in and out are swapped: W is (seeds, in, out), so A is (seeds, in, r).")
    if shapes == [(6, r), (r, 4)]:
        raise Wrong("the axis of the lanes is missing: every lane has its own note.")
    if shapes == [(2, r, 6), (2, 4, r)]:
        raise Wrong("A and B are turned: A is (seeds, in, r) and B is (seeds, r, out).")
    raise Wrong(f"your shapes are {shapes[0]} and {shapes[1]}; expected (2, 6, {r}) and "
                f"(2, {r}, 4) for a W of (2, 6, 4) and r={r}.")


def _is_new(A, B) -> str:
    """It changes nothing yet, and it can learn."""
    still_a, still_b = bool((A == 0).all()), bool((B == 0).all())
    if still_a and still_b:
        raise Wrong("both are zero, so the gradient of each is zero, too: this note can never "
                    "learn. Let one of them be random.")
    if not still_a and not still_b:
        raise Wrong("neither is zero, so a new note changes the answers before it has learnt "
                    "anything: start B at zero.")
    drawn = B if still_a else A
    if not bool(drawn.isfinite().all()):
        raise Wrong("some of the numbers are not finite: draw them at random, for example "
                    "torch.randn(seeds, rows, r) / rows**0.5.")
    if float(drawn.abs().max()) > 100:
        raise Wrong("some of the numbers are far too large, so the first steps would change far "
                    "too much: divide by the root of the rows.")
    if len(drawn.unique()) < drawn.numel() // 2:
        raise Wrong("many of the numbers are equal, so several ranks do the same thing for ever: "
                    "draw them at random.")
    if bool((drawn[0] == drawn[1]).all()):
        raise Wrong("both lanes got the same numbers: draw some for each lane.")
    return "it changes nothing until it has learnt something, and it can learn."


@exercise(
    "07.3",
    expects="a function of shapes, a list of (in, out), and r that gives a number of bytes",
    hints=[
        "For one matrix the note has in · r + r · out numbers, which is r · (in + out).",
        "Four bytes a number: 4 * r * sum(rows + columns for rows, columns in shapes).",
    ],
)
def bytes_of_a_note(answer: Callable) -> str:
    """4 r Σ (in + out)."""
    shapes, r = [(64, 64), (64, 256), (256, 10)], 3
    sides, whole = sum(a + b for a, b in shapes), sum(a * b for a, b in shapes)
    got = call(answer, shapes, r)
    expect(
        got,
        4 * r * sides,
        (r * sides, "these are numbers, not bytes: a float32 takes 4 bytes."),
        (4 * sides, "the rank is missing: A has in · r numbers and B has r · out."),
        (32 * r * sides, "these are bits: a float32 takes 4 bytes."),
        (4 * whole, "these are the bytes of the large matrices themselves."),
        (4 * r * whole, "in + out, not in · out: the note is thin, and that is the point."),
        (4 * r * sum(a for a, _ in shapes), "only A is counted: B has r · out numbers."),
        (4 * r * sum(b for _, b in shapes), "only B is counted: A has in · r numbers."),
        (4 * r * sum(shapes[0]), "only the first matrix is counted: every matrix has a note."),
        (4 * r * sum(shapes[-1]), "only the last matrix is counted: add up over all of them."),
    )
    expect(call(answer, [(3, 5)], 2), 64)
    return "it grows with the sides of the matrices, not with their areas."
