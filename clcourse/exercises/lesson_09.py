"""Lesson 09: what students are told about their own memory: rule, surprise and bytes."""

from __future__ import annotations

from collections.abc import Callable

from clcourse.exercises import Wrong, exercise
from clcourse.exercises.mistakes import call, expect


def _numbers(purpose: str, *shape: int):
    """Normal numbers for two lanes, the same in every check: (2, *shape)."""
    from clcourse.seeds import LaneRandom

    return LaneRandom(2, f"exercise {purpose}").normal(*shape)


@exercise(
    "09.1",
    expects="a function of M, S (seeds, d, p), k (seeds, 1, d), v (seeds, 1, p) and the numbers "
            "theta, eta and alpha that gives the new M and S",
    hints=[
        "How wrong is the memory about this token? error = v - k @ M, with the old M.",
        "A write at key k is the outer product k.mT @ error, theta times. Some of the old S goes "
        "on: S = eta * S + theta * k.mT @ error.",
        "Then M = (1 - alpha) * M + S, with the new S; and return M, S.",
    ],
)
def one_token(answer: Callable) -> str:
    """S ← η S + θ k' (v - k M), M ← (1 - α) M + S: one turn of `cl.token_loop`."""
    for gates in ((0.4, 0.3, 0.2), (0.7, 0.6, 0.1)):
        _check_one_token(answer, *gates)
    return "three lines, and they are the whole memory: everything else makes them fast."


def _expect_named(name: str, got, wanted, *mistakes) -> None:
    """`expect`, whose every reply begins with what is wrong, S or M."""
    try:
        expect(got, wanted, *mistakes, tolerance=1e-4)
    except Wrong as wrong:
        raise Wrong(f"{name}: {wrong}") from None


def _check_one_token(answer: Callable, θ: float, η: float, α: float) -> None:
    """One draw, with these gates."""
    M, S = _numbers("M", 4, 3), _numbers("S", 4, 3)
    k, v = _numbers("k", 1, 4), _numbers("v", 1, 3)
    got = call(answer, M, S, k, v, θ, η, α)
    if not isinstance(got, (tuple, list)) or len(got) != 2:
        raise Wrong("give back two things, the new M and the new S: return M, S.")
    write = θ * k.mT @ (v - k @ M)
    new = η * S + write
    _expect_named(
        "S",
        got[1],
        new,
        ((1 - α) * M + new, "this is M: give back M first and S second."),
        (η * S - write, "the sign is turned: S moves against the gradient, which is "
         "-k.mT @ (v - k @ M), so the write is added."),
        (η * S + write / θ, "theta is missing: it says how strongly the error is written."),
        (write, "the past surprise is missing: eta * S goes on."),
        (S + write, "eta is missing: only eta times the past surprise goes on."),
        (η * (S + write), "eta is on the new error, too: it belongs to the past surprise alone."),
        (η * S + θ * k.mT @ v, "this writes v itself, as linear attention does: write the error, "
         "v - k @ M."),
        (η * S + θ * k.mT @ (v - k @ ((1 - α) * M)), "the error is taken after forgetting: take "
         "it at the memory as it was."),
        (η * S + (1 - η) * write, "there is no 1 - eta on the new error: this is no average."),
        (α * S + write, "alpha and eta are exchanged: eta is how much of S goes on."),
        (S, "S has not changed: what is written belongs to it."),
        (η * S + 2 * write, "there is a factor 2 too many: here the loss has a half in front."),
    )  # fmt: skip
    _expect_named(
        "M",
        got[0],
        (1 - α) * M + new,
        (M + new, "nothing is forgotten: M counts 1 - alpha times."),
        (α * M + new, "alpha is what is forgotten, so 1 - alpha is what stays."),
        ((1 - α) * (M + new), "the new S is forgotten, too: 1 - alpha belongs to the old M alone."),
        ((1 - α) * M + S, "this adds the old S: add the new one, or the write comes a token late."),
        ((1 - α) * M + write, "only the write of this token is added: add S, which holds it."),
        ((1 - α) * M - new, "S is taken away: add it."),
        ((1 - α) * M + η * new, "eta counts twice: it is in S already."),
        ((1 - η) * M + new, "alpha and eta are exchanged: alpha is what M forgets."),
        (M, "M has not changed: S is added to it."),
        (new, "M is missing: (1 - alpha) of it stays."),
        (new - (1 - α) * M, "the sign of M is turned."),
    )


@exercise(
    "09.2",
    expects="a function of surprise (seeds, showings, pairs) and count that gives (seeds, pairs), "
            "True where a pair has changed",
    hints=[
        "Look at the last showing: surprise[:, -1]. A pair that is known surprises little.",
        "The count largest of each lane: places = surprise[:, -1].topk(count, dim=-1).indices.",
        "A mask from places: torch.zeros(len(surprise), surprise.shape[2]).scatter(1, places, 1) "
        "== 1.",
    ],
)
def which_changed(answer: Callable) -> str:
    """The pairs that surprise most at the last showing, from a memory that wrote them."""
    surprise, changed = _shown_four_times()
    _check_changed(surprise, changed, _mask(call(answer, surprise, 3), changed, 3), 3)
    uneven = surprise.clone()
    uneven[:, -1] *= 1 + surprise.new_tensor(range(8)) / 40
    two = _top(uneven[:, -1], 2)
    got = _mask(call(answer, uneven, 2), two, 2)
    if (got.sum(1) != 2).any():
        raise Wrong("right for count = 3, but with count = 2 you do not give 2 in each lane: use "
                    "count.")
    _check_changed(uneven, two, got, 2)
    moved, changed = _risen()
    _check_changed(moved, changed, _mask(call(answer, moved, 3), changed, 3), 3)
    return "the memory was not told that anything changed: its error says so."


def _top(values, count: int, largest: bool = True):
    """True at the `count` largest (or smallest) of each lane."""
    import torch

    places = values.topk(count, 1, largest).indices
    return torch.zeros_like(values).scatter(1, places, 1) == 1


def _mask(got, changed, count: int):
    """What was given as a mask (seeds, pairs); a list or a numpy array does as well."""
    import torch

    if hasattr(got, "indices") and not callable(got.indices):
        raise Wrong("topk gives values and places: take .indices, then make a mask of them.")
    try:
        mask = torch.as_tensor(got)
    except (TypeError, ValueError, RuntimeError):
        mask = None
    if mask is None or mask.shape != changed.shape:
        shape = () if mask is None else tuple(mask.shape)
        if shape == (2, count):
            raise Wrong("these are the places of the changed pairs: make a mask of them, True or "
                        "False for each pair.")
        raise Wrong(f"expected True or False for each lane and pair, {tuple(changed.shape)}; "
                    f"yours is {shape or type(got).__name__}.")
    return mask.bool()


def _check_changed(surprise, changed, got, count: int) -> None:
    """Which mistake it is, if any."""
    def top(values, largest: bool = True):
        return _top(values, count, largest).int()

    flat = surprise[:, -1].flatten()
    together = (flat >= flat.sort(descending=True).values[2 * count - 1]).reshape(changed.shape)
    mean = surprise[:, -1].mean(dim=0, keepdim=True).expand(2, -1)
    expect(
        got.int(),
        changed.int(),
        (top(surprise[:, 0]), "this is the first showing, when every pair was new: look at the "
         "last one."),
        (top(surprise[:, -1], False), "these surprise least: they have not changed."),
        (top(surprise.mean(dim=1)), "the mean over all showings mixes in the first, when every "
         "pair was new: look at the last one."),
        (top(surprise.sum(dim=1)), "the sum over all showings mixes in the first, when every "
         "pair was new: look at the last one."),
        (top(surprise.amax(dim=1)), "the largest of all showings may be the first, when every "
         "pair was new: look at the last one."),
        (top(mean), "you averaged over the lanes: every lane has its own changes."),
        (together.int(), "you compared the lanes with each other: choose within each lane."),
        (top(surprise[:, -2]), "this is the showing before the last: the change comes after it."),
        ((surprise[:, -1] > surprise[:, -2]).int(), "these rose since the showing before, however "
         "little: take the count that surprise most at the last one."),
        ((surprise[:, -1] > surprise[:, 0]).int(), "these surprise more than at first, however "
         "little: take the count that surprise most at the last showing."),
    )  # fmt: skip


def _risen():
    """Surprise (2, 4, 8) in which a pair that has not changed rises a little, too, at the last."""
    surprise, changed = _shown_four_times()
    moved = surprise.clone()
    for lane, place in enumerate((0, 1)):
        assert not changed[lane, place]
        moved[lane, -1, place] = 1.05 * moved[lane, -2, place]
    return moved, changed


def _shown_four_times():
    """Surprise (2, 4, 8) as a matrix memory reads 8 pairs four times, and which 3 change at last.

    The values of the first lane are long, so that lanes cannot be compared; the unchanged ones
    among them are the longest, so that the first showing misleads.
    """
    import torch

    from clcourse.memory import token_loop

    size = torch.tensor([[45.0, 15, 45, 15, 45, 15, 45, 45], [1.0, 3, 3, 1, 3, 3, 1, 3]])
    changed = torch.tensor([[0, 1, 0, 1, 0, 1, 0, 0], [1, 0, 0, 1, 0, 0, 1, 0]]) == 1
    v = torch.nn.functional.normalize(_numbers("values", 8, 5), dim=-1) * size[..., None]
    later = torch.where(changed[..., None], -v, v)
    k = torch.eye(8).expand(2, 8, 8).repeat(1, 4, 1)
    gate = k.new_full(k.shape[:2], 0.6)
    values = torch.cat([v, v, v, later], dim=1)
    seen = token_loop(k, k, values, gate, 0 * gate, 0 * gate)[2]
    return seen.surprise.unflatten(1, (4, 8)), changed


@exercise(
    "09.3",
    expects="a function of tokens, d and heads that gives two numbers of bytes: cache, memory",
    hints=[
        "The cache keeps a key and a value, d numbers each, for every head and every token.",
        "The memory keeps M and S for every head, d times d numbers each: no tokens in it.",
        "return 4 * 2 * heads * d * tokens, 4 * 2 * heads * d * d",
    ],
)
def bytes_kept(answer: Callable) -> str:
    """8 h d T for keys and values, 8 h d² for M and S."""
    tokens, d, heads = 1000, 24, 3
    got = _two_numbers(call(answer, tokens, d, heads))
    cache, memory = 8 * heads * d * tokens, 8 * heads * d * d
    numbers = "these are numbers, not bytes: a float32 takes 4 bytes."
    expect(
        got[0],
        cache,
        (memory, "this is the memory: give back the cache first."),
        (cache / 4, f"cache: {numbers}"),
        (cache / 2, "cache: a value is kept beside each key, so twice as much."),
        (cache / 8, "cache: a value is kept beside each key, and each number takes 4 bytes."),
        (cache * 8, "cache: bytes, not bits."),
        (cache / 1024, "cache: bytes, not KB."),
        (cache / heads, "cache: the heads are missing, each keeps its own keys and values."),
        (cache * d, "cache: a key has d numbers, not d times d."),
        (8 * heads * tokens**2, "cache: what is kept grows with the tokens, not with their "
         "square (that is the table of likenesses, which is not kept)."),
        (8 * heads * tokens, "cache: a key has d numbers."),
    )  # fmt: skip
    expect(
        got[1],
        memory,
        (memory / 4, f"memory: {numbers}"),
        (memory / 2, "memory: S is kept as well as M, so twice as much."),
        (memory / 8, "memory: S is kept as well as M, and each number takes 4 bytes."),
        (memory * 8, "memory: bytes, not bits."),
        (memory / 1024, "memory: bytes, not KB."),
        (memory / heads, "memory: the heads are missing, each has its own M and S."),
        (8 * heads * d, "memory: M has d rows and d columns."),
        (memory * tokens, "memory: it does not grow with the tokens."),
        (8 * (heads * d) ** 2, "memory: each head has a matrix of d times d; (heads * d) squared "
         "would be one large matrix."),
    )  # fmt: skip
    for what, other in {"tokens": (7, d, heads), "d": (tokens, 5, heads),
                        "heads": (tokens, d, 2)}.items():  # fmt: skip
        tokens_, d_, heads_ = other
        wanted = [8.0 * heads_ * d_ * tokens_, 8.0 * heads_ * d_ * d_]
        if [float(one) for one in _two_numbers(call(answer, *other))] != wanted:
            raise Wrong(f"right for {tokens} tokens, d = {d} and {heads} heads, but not with "
                        f"another number for {what}: use {what}.")
    return "they are equal after d tokens, whatever the number of heads."


def _two_numbers(got) -> list:
    """Cache and memory, from a pair, a list, a tensor or an array."""
    try:
        two = [float(one) for one in got]
    except (TypeError, ValueError):
        two = []
    if len(two) != 2:
        raise Wrong("give back two numbers: return cache, memory.")
    return two
