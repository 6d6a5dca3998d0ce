"""Lesson 05: what students are told about their own reservoirs, penalties, Fishers and sums."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from operator import index

from clcourse.exercises import Wrong, exercise
from clcourse.exercises.mistakes import call, expect

# The reservoir of the check: its capacity, numbers of pictures at which it is full, and how many
# u fall to each of the n + 1 pictures seen.
CAPACITY, FULL, EACH = 4, (4, 5, 9, 40), 20


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
    """Filling first; then any use of u with which each place is taken once in n + 1 times."""
    for n in range(CAPACITY):
        for u in (0.05, 0.3, 0.62, 0.83, 0.99):
            if (place := _place(answer, n, u)) != n:
                raise Wrong(f"n={n}, capacity={CAPACITY}, u={u}: you gave {place}, but the box is "
                            "not full yet: while n < capacity the place is n.")
    taken = {n: _taken(answer, n) for n in FULL}
    if taken[4][4] and not taken[5][4]:
        raise Wrong("n=4, capacity=4: you gave 4, and the places are 0 … 3. At n = capacity the "
                    "box is full: n < capacity, not <=.")
    _is_fair(taken)
    return "at every moment each example seen so far is in the box with the same probability."


def _place(answer: Callable, n: int, u: float) -> int:
    """What the student gives, as a whole number."""
    got = call(answer, n, CAPACITY, u)
    try:
        if isinstance(got, bool):
            raise TypeError
        return index(got)  # NumPy's whole numbers are welcome too
    except TypeError:
        raise Wrong(f"a place is a whole number and you gave {str(got)[:20]}: use int(…), and -1 "
                    "for an example that is not kept.") from None


def _taken(answer: Callable, n: int) -> Counter:
    """How often each place is taken while u runs evenly from 0 to 1."""
    draws = EACH * (n + 1)
    return Counter(_place(answer, n, (i + 0.5) / draws) for i in range(draws))


def _is_fair(taken: dict[int, Counter]) -> None:
    """Each place EACH times at every n (to one or two, for rounding); else what went wrong."""
    places, late = range(CAPACITY), taken[FULL[-1]]
    kept = {n: sum(counts[place] for place in places) / counts.total()
            for n, counts in taken.items()}
    odd = [(n, place) for n, counts in taken.items() for place in counts
           if not -1 <= place < CAPACITY]
    if any(place == CAPACITY for _, place in odd):
        raise Wrong("place 4 of a box of capacity 4: the places are 0 … 3. Is it < capacity, and "
                    "not <=?")
    if odd:
        raise Wrong(f"n={odd[0][0]}, capacity={CAPACITY}: you gave place {odd[0][1]}; expected "
                    f"0 … {CAPACITY - 1}, or -1.")
    if min(kept.values()) == 1 and all(len(counts) == 1 for counts in taken.values()):
        raise Wrong("this is a ring: it keeps the last examples only. Let chance decide, with u.")
    if min(kept.values()) == 1:
        raise Wrong("every new example enters the full box: soon it holds only the recent past. "
                    "Let it enter with probability capacity / (n + 1).")
    if max(kept.values()) == 0:
        raise Wrong("nothing enters once the box is full: then it holds only the very first "
                    "examples.")
    if max(kept.values()) - min(kept.values()) < 0.02:
        raise Wrong("an example enters with the same probability however many came before: then "
                    "the recent past wins. Let it be capacity / (n + 1).")
    if abs(kept[4] - 1) < 0.01 and abs(kept[9] - CAPACITY / 9) < 0.01:
        raise Wrong("you draw among n examples, but with the new one there are n + 1.")
    if abs(kept[40] - CAPACITY / 41) > 0.003 or abs(kept[4] - CAPACITY / 5) > 0.03:
        raise Wrong(f"n=40, capacity={CAPACITY}: {kept[40]:.3f} of the new examples enter; "
                    f"expected capacity / (n + 1), which is {CAPACITY / 41:.3f}.")
    if max(late[place] for place in places) - min(late[place] for place in places) > 2:
        raise Wrong("the new example comes in as often as it should, but it does not throw out "
                    "a random old one: each place must be taken equally often.")


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
        (right / strength, "the strength is missing: multiply by strength / 2."),
        (2 * right / strength, "the strength is missing, and the ½: multiply by strength / 2."),
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
    H, Y = _numbers("H", 3, 3), _numbers("Y", 3, 2)  # as many pictures as units: see `turned`
    got = call(answer, A, B, H, Y)
    if not isinstance(got, (tuple, list)) or len(got) != 2:
        raise Wrong("give back two things, the new A and the new B: return A_new, B_new.")
    products = ((A, H.mT @ H, H @ H.mT, "A"), (B, H.mT @ Y, H @ Y, "B"))
    for mine, (old, product, turned, name) in zip(got, products, strict=True):
        expect(
            mine,
            old + product,
            (product, f"your {name} forgets: the products of this batch replace the old ones "
             "instead of being added."),
            (old, f"your {name} has not changed: add the products of the batch."),
            (old + turned, f"in your {name} the first H is not turned: H.mT @ … sums over the "
             "pictures, H @ … over the units."),
            (old + product / 3, f"your {name} takes the mean over the batch: then a small batch "
             "counts as much as a large one. Add the plain products."),
            ((old + product) / 2, f"your {name} halves the past with every batch: that is "
             "forgetting. Only add."),
            (0.9 * old + 0.1 * product, f"your {name} is a fading average: it forgets. Only add."),
            (old - product, f"your {name} subtracts the products: add them."),
        )
    return "a sum does not know in which order its parts came: so it forgets nothing."
