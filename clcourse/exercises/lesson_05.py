"""Lesson 05: what students are told about their own reservoirs, penalties, Fishers and sums."""

from __future__ import annotations

from collections.abc import Callable

from clcourse.exercises import Wrong, exercise
from clcourse.exercises.mistakes import call, expect

# n, capacity and u of the reservoir: filling, full, and far on.
DRAWS = [(n, 4, u) for n in (0, 2, 3, 4, 5, 9, 40) for u in (0.0, 0.05, 0.3, 0.62, 0.83, 0.99)]


def _numbers(purpose: str, *shape: int):
    """Normal numbers for two lanes, the same in every check: (2, *shape)."""
    from clcourse.seeds import LaneRandom

    return LaneRandom(2, f"exercise {purpose}").normal(*shape)


@exercise(
    "05.1",
    expects="a function of n, capacity and u that gives a place 0 … capacity-1, or -1",
    hints=[
        "While n is smaller than the capacity there is an empty place: number n.",
        "After that, draw one of the n + 1 examples seen so far: j = int(u * (n + 1)). If j is a "
        "place of the box, the new example takes it; if not, it is not kept: -1.",
    ],
)
def reservoir_rule(answer: Callable) -> str:
    """Vitter's rule, against boxes that forget the past or the present."""
    def rule(place: Callable) -> list[int]:
        return [n if n < size else place(n, size, u) for n, size, u in DRAWS]

    def inside(j: int, size: int) -> int:
        return j if j < size else -1

    got = [call(answer, *draw) for draw in DRAWS]
    if any(isinstance(one, bool) or not isinstance(one, int) for one in got):
        odd = next(one for one in got if isinstance(one, bool) or not isinstance(one, int))
        raise Wrong(f"a place is a whole number and you gave {str(odd)[:20]}: use int(…), and -1 "
                    "for an example that is not kept.")
    expect(
        got,
        rule(lambda n, size, u: inside(int(u * (n + 1)), size)),
        (rule(lambda n, size, u: int(u * size)), "every new example enters the full box: soon it "
         "holds only the recent past. Let it enter with probability capacity / (n + 1)."),
        (rule(lambda n, size, u: n % size), "this is a ring: it keeps the last examples only. "
         "Let chance decide, with u."),
        (rule(lambda n, size, u: -1), "nothing enters once the box is full: then it holds only "
         "the very first examples."),
        (rule(lambda n, size, u: inside(int(u * n), size)), "you draw among n examples, but with "
         "the new one there are n + 1."),
        ([inside(int(u * (n + 1)), size) for n, size, u in DRAWS], "the box is not full yet, and "
         "you draw already: while n < capacity the place is n."),
    )
    return "at every moment each example seen so far is in the box with the same probability."


@exercise(
    "05.2",
    expects="a function of theta, anchor, F (seeds, weights) and strength that gives (seeds,)",
    hints=[
        "The pull of one weight is F * (theta - anchor) ** 2. Add up the weights of a lane: "
        ".sum(dim=1).",
        "Do not forget the ½ in front: strength / 2 * (F * (theta - anchor) ** 2).sum(dim=1).",
    ],
)
def ewc_penalty(answer: Callable) -> str:
    """λ/2 Σ F (θ - θ*)², one number a lane."""
    theta, anchor, strength = _numbers("weights", 5), _numbers("anchor", 5), 3.0
    F = _numbers("stiffness", 5) ** 2
    each = strength / 2 * F * (theta - anchor) ** 2
    right = each.sum(dim=1)
    expect(
        call(answer, theta, anchor, F, strength),
        right,
        (2 * right, "the ½ is missing: strengths in papers differ by such factors."),
        (right.sum(), "you added up the lanes as well: keep one number for each lane, dim=1."),
        (each.mean(dim=1), "you took the mean over the weights: the formula has their sum."),
        ((strength / 2 * F * (theta - anchor)).sum(dim=1), "the distance is not squared: a weight "
         "could then lower the penalty by running away."),
        ((strength / 2 * (F * (theta - anchor)) ** 2).sum(dim=1), "F is squared as well: square "
         "the distance only."),
        ((strength / 2 * (theta - anchor) ** 2).sum(dim=1), "F is missing: all weights are "
         "equally stiff, which is plain L2 towards the old weights."),
        ((strength / 2 * F * theta**2).sum(dim=1), "the anchor is missing: this pulls towards "
         "zero, not towards the old weights."),
        (each, "these are the pulls of single weights: add them up, .sum(dim=1)."),
    )
    return "a spring on every weight, as stiff as the weight is important."


@exercise(
    "05.3",
    expects="a function of g (seeds, n, classes, weights) and p (seeds, n, classes) that gives "
            "(seeds, weights)",
    hints=[
        "Square first, average afterwards: g ** 2, weighted by p[..., None].",
        "Sum over the classes (dim=2) and take the mean over the pictures (dim=1): "
        "(p[..., None] * g ** 2).sum(dim=2).mean(dim=1).",
    ],
)
def fisher_from_gradients(answer: Callable) -> str:
    """Mean over pictures of Σ_c p_c g_c², against the square of the mean."""
    p = _numbers("p", 6, 3).softmax(dim=-1)
    g = _numbers("g", 6, 3, 4)
    g = g - (p[..., None] * g).sum(dim=2, keepdim=True)  # as scores do: their mean over p is zero
    weighted, square = p[..., None] * g, p[..., None] * g**2
    expect(
        call(answer, g, p),
        square.sum(dim=2).mean(dim=1),
        (weighted.sum(dim=2).mean(dim=1) ** 2, "all zeros: you average over the answers before "
         "you square, and the gradients cancel. Square each one first."),
        ((weighted.sum(dim=2) ** 2).mean(dim=1), "all zeros: for every picture the gradients of "
         "its answers cancel. Square before you sum over the classes."),
        ((g.mean(dim=1) ** 2 * p.mean(dim=1)[..., None]).sum(dim=2), "you square the mean over "
         "the pictures: single gradients cancel in it. Square first."),
        ((g**2).sum(dim=2).mean(dim=1), "every answer counts the same here: weight each with its "
         "probability p."),
        ((g**2).mean(dim=(1, 2)), "every answer counts the same here: weight each with its p."),
        (square.sum(dim=2).sum(dim=1), "you add up the pictures: take their mean, or the strength "
         "means something else for every size of data."),
        (square.mean(dim=2).mean(dim=1), "you take the mean over the classes: p adds up to one "
         "already, so sum."),
        ((weighted**2).sum(dim=2).mean(dim=1), "p is squared as well: p[..., None] * g ** 2."),
        (square.sum(dim=2).mean(dim=(0, 1)), "you averaged over the lanes too: one Fisher each."),
    )
    return "squared one by one; averaged before squaring, these very gradients give zero."


@exercise(
    "05.4",
    expects="a function of A (seeds, units, units), B (seeds, units, classes), H (seeds, n, units) "
            "and Y (seeds, n, classes) that gives the new A and B",
    hints=[
        "The products of a batch are H.mT @ H (units x units) and H.mT @ Y (units x classes).",
        "Add them to what is there: return A + H.mT @ H, B + H.mT @ Y.",
    ],
)
def running_sums(answer: Callable) -> str:
    """A + HᵀH and B + HᵀY."""
    A, B = _numbers("A", 3, 3), _numbers("B", 3, 2)
    H, Y = _numbers("H", 7, 3), _numbers("Y", 7, 2)
    got = call(answer, A, B, H, Y)
    if not isinstance(got, (tuple, list)) or len(got) != 2:
        raise Wrong("give back two things, the new A and the new B: return A_new, B_new.")
    products = ((A, H.mT @ H, "A"), (B, H.mT @ Y, "B"))
    for mine, (old, product, name) in zip(got, products, strict=True):
        expect(
            mine,
            old + product,
            (product, f"your {name} forgets: the products of this batch replace the old ones "
             "instead of being added."),
            (old, f"your {name} has not changed: add the products of the batch."),
            (old + product / 7, f"your {name} takes the mean over the batch: then a small batch "
             "counts as much as a large one. Add the plain products."),
            ((old + product) / 2, f"your {name} halves the past with every batch: that is "
             "forgetting. Only add."),
            (0.9 * old + 0.1 * product, f"your {name} is a fading average: it forgets. Only add."),
            (old - product, f"your {name} subtracts the products: add them."),
        )
    return "a sum does not know in which order its parts came: so it forgets nothing."
