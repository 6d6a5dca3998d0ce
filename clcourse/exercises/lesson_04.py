"""Lesson 04: what students are told about outer products, winners and a gauge."""

from __future__ import annotations

from collections.abc import Callable

from clcourse.exercises import Wrong, exercise
from clcourse.exercises.mistakes import call, expect


def _normal(purpose: str, *shape: int):
    """Normal numbers for two subjects, the same in every check: (2, *shape)."""
    from clcourse.seeds import LaneRandom

    return LaneRandom(2, f"exercise {purpose}").normal(*shape)


@exercise(
    "04.1",
    expects="a function of pre (subjects, pairs, d), post (subjects, pairs, out) and their shares "
            "active a, b that gives W (subjects, d, out)",
    hints=[
        "Centre first: pre - a and post - b. Then the outer products of all pairs, summed, are one "
        "matrix product a subject.",
        "The transpose of the last two axes is (pre - a).mT; it is (subjects, d, pairs).",
    ],
)
def hebbian_store(answer: Callable) -> str:
    """ΔW = Σ_i (pre_i - a)ᵀ (post_i - b), a matrix for each subject."""
    from clcourse.hippocampus import k_winners

    pre, post = k_winners(_normal("pre", 5, 8), 2), k_winners(_normal("post", 5, 6), 3)
    a, b = 0.25, 0.5
    right = (pre - a).mT @ (post - b)
    expect(
        call(answer, pre, post, a, b),
        right,
        (pre.mT @ post, "you stored the patterns as they are: take a and b away first, or a unit "
         "that is often active answers every cue."),
        ((pre - a).mT @ post, "post is not centred: take b away from it."),
        (pre.mT @ (post - b), "pre is not centred: take a away from it."),
        ((pre - b).mT @ (post - a), "you changed the shares: a belongs to pre, b to post."),
        (right.mT, "your matrix is transposed: its rows belong to pre, its columns to post."),
        (right / 5, "you averaged over the pairs: sum, or each new pair weakens the old ones."),
        (right.mean(dim=0), "you averaged over the subjects: each subject has a matrix of its "
         "own."),
        (right.sum(dim=0), "you summed over the subjects: each subject has a matrix of its own."),
        ((pre - a)[:, -1:].mT @ (post - b)[:, -1:], "only the last pair is in your matrix: add the "
         "outer products of all pairs."),
        tolerance=1e-4,
    )
    expect(
        call(answer, pre, post, 0.2, 0.4),
        (pre - 0.2).mT @ (post - 0.4),
        (right, "use the a and b that are given, not the means of the patterns: the store must "
         "not change with what happens to be in it."),
        tolerance=1e-4,
    )
    return "one product stores any number of pairs, and stores each at a single showing."


@exercise(
    "04.2",
    expects="a function of x (subjects, episodes, units) and k that gives 0 and 1, as large as x",
    hints=[
        "x.topk(k, dim=-1).indices are the places of the k largest entries of each episode.",
        "torch.zeros_like(x).scatter(-1, places, 1.0) puts a 1 at each of these places.",
    ],
)
def exactly_k_winners(answer: Callable) -> str:
    """k ones for every episode of every subject, also where entries are equal."""
    import torch

    from clcourse.hippocampus import k_winners

    x, k = _normal("winners", 3, 8), 3
    least = x.topk(k, dim=-1).values[..., -1:]
    got = call(answer, x, k)
    all_of_them = torch.zeros_like(x).flatten().scatter(0, x.flatten().topk(k).indices, 1.0)
    expect(
        got,
        k_winners(x, k),
        (k_winners(-x, k), "these are the k smallest: take the largest."),
        (k_winners(x, k) * x, "you kept the values of the winners: a winner is 1, whatever its "
         "value."),
        (x.topk(k, dim=-1).indices, "these are the places of the winners: put a 1 at each place of "
         "a row of zeros."),
        ((x > least).float(), "one winner is missing: the k-th largest wins, too."),
        (all_of_them.reshape(x.shape), "these are k winners among all episodes of all subjects: "
         "each episode has k of its own."),
        (k_winners(x.transpose(1, 2), k).transpose(1, 2), "your winners are taken over the "
         "episodes: let the units of one episode compete, the last axis."),
        (k_winners(x.transpose(0, 1).flatten(1), k).reshape(3, 2, 8).transpose(0, 1),
         "your subjects compete with each other: each has k winners of its own."),
    )
    ties = torch.tensor([[[1.0, 1, 1, 0, 0, 0]], [[0.0, 0, 0, 0, 0, 0]]])
    counts = call(answer, ties, 2).sum(dim=-1)
    if bool((counts > 2).any()):
        raise Wrong("where entries are equal you let more than k win: a threshold cannot tell them "
                    "apart, topk can.")
    if bool((counts < 2).any()):
        raise Wrong("where entries are equal fewer than k win: exactly k must win, whichever.")
    ties[0, 0, 3] = 2
    if not bool(call(answer, ties, 2)[0, 0, 3]):
        raise Wrong("where others are equal you let the largest lose: it wins first, and only the "
                    "place that is left goes to any of the equal ones.")
    return "exactly k, also with ties; in a brain, inhibition between neurons does this."


@exercise(
    "04.3",
    expects="a function of dreams and again (subjects, dreams, units), each 0 and 1, that gives "
            "(subjects,)",
    hints=[
        "First one number a dream: how many active units the two codes share, as a part of the "
        "active units of the dream.",
        "(dreams * again).sum(-1) / dreams.sum(-1) is the overlap. Then the share of dreams of at "
        "least 0.9, over dim=1 only.",
    ],
)
def soundness(answer: Callable) -> str:
    """The share of dreams that encode to themselves, a subject each."""
    import torch

    units, active = 800, 40
    dreams = torch.zeros(2, 4, units)
    dreams[..., :active] = 1
    again = torch.zeros(2, 4, units)
    kept = torch.tensor([[40, 38, 37, 36], [40, 36, 35, 3]])
    for subject, row in enumerate(kept.tolist()):
        for dream, count in enumerate(row):
            again[subject, dream, active - count : 2 * active - count] = 1
    share = kept / active
    right = (share >= 0.9).float().mean(dim=1)
    same = (dreams * again).sum(dim=-1)
    expect(
        call(answer, dreams, again),
        right,
        (right.mean(), "you averaged over the subjects: a store that is full in one and empty in "
         "another would look half full; keep one number a subject."),
        (share.mean(dim=1), "this is the mean overlap: count the dreams that reach 0.9, since half "
         "of one episode and half of another make no memory."),
        (share.mean(), "this is the mean overlap of all subjects: count the dreams that reach "
         "0.9, one number a subject."),
        ((share > 0.9).float().mean(dim=1), "an overlap of exactly 0.9 counts: use >=, and divide "
         "whole numbers, since roots are rounded."),
        ((same / (2 * active - same) >= 0.9).float().mean(dim=1), "you divided by the units active "
         "in either: divide by those of the dream."),
        ((share == 1).float().mean(dim=1), "you want all units again: nine in ten are enough."),
        ((share >= 0.8).float().mean(dim=1), "your threshold is lower than nine tenths of the "
         "active units, of which there are 40 here."),
        ((share >= 0.9).float(), "this is one number a dream: take the mean over dim=1."),
        ((share >= 0.9).float().sum(dim=1), "this is a count: divide by the number of dreams."),
        ((same / units >= 0.9).float().mean(dim=1), "you divided by all units: divide by the "
         "active ones, or no dream can ever be sound."),
        (((dreams == again).float().mean(dim=-1) >= 0.9).float().mean(dim=1), "you count units "
         "that are silent in both: nearly all are, so look at the active ones only."),
        (1 - right, "this is the share of mixtures: turn it round."),
        tolerance=1e-4,
    )
    return "and no list of what was stored was needed."
