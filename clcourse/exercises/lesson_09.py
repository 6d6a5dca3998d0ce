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
    M, S = _numbers("M", 4, 3), _numbers("S", 4, 3)
    k, v = _numbers("k", 1, 4), _numbers("v", 1, 3)
    θ, η, α = 0.4, 0.3, 0.2
    got = call(answer, M, S, k, v, θ, η, α)
    if not isinstance(got, (tuple, list)) or len(got) != 2:
        raise Wrong("give back two things, the new M and the new S: return M, S.")
    write = θ * k.mT @ (v - k @ M)
    new = η * S + write
    expect(
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
        (η * S + 2 * write, "there is a factor 2 too many: here the loss has a half in front."),
        tolerance=1e-4,
    )  # fmt: skip
    expect(
        got[0],
        (1 - α) * M + new,
        (M + new, "nothing is forgotten: M counts 1 - alpha times."),
        (α * M + new, "alpha is what is forgotten, so 1 - alpha is what stays."),
        ((1 - α) * (M + new), "the new S is forgotten, too: 1 - alpha belongs to the old M alone."),
        ((1 - α) * M + S, "this adds the old S: add the new one, or the write comes a token late."),
        ((1 - α) * M + write, "only the write of this token is added: add S, which holds it."),
        ((1 - α) * M - new, "S is taken away: add it."),
        (new, "M is missing: (1 - alpha) of it stays."),
        (new - (1 - α) * M, "the sign of M is turned."),
        tolerance=1e-4,
    )
    return "three lines, and they are the whole memory: everything else makes them fast."


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
    count = 3
    got = call(answer, surprise, count)
    import torch

    if not isinstance(got, torch.Tensor) or got.shape != changed.shape:
        shape = tuple(getattr(got, "shape", ()))
        if isinstance(got, torch.Tensor) and shape == (2, count):
            raise Wrong("these are the places of the changed pairs: make a mask of them, True or "
                        "False for each pair.")
        raise Wrong(f"expected True or False for each lane and pair, {tuple(changed.shape)}; "
                    f"yours is {shape or type(got).__name__}.")

    def top(values, largest: bool = True):
        return torch.zeros_like(values).scatter(1, values.topk(count, 1, largest).indices, 1) == 1

    flat = surprise[:, -1].flatten()
    together = (flat >= flat.sort(descending=True).values[2 * count - 1]).reshape(changed.shape)
    mean = surprise[:, -1].mean(dim=0, keepdim=True).expand(2, -1)
    expect(
        got.bool().int(),
        changed.int(),
        (top(surprise[:, 0]).int(), "this is the first showing, when every pair was new: look at "
         "the last one."),
        (top(surprise[:, -1], False).int(), "these surprise least: they have not changed."),
        (top(surprise.mean(dim=1)).int(), "the mean over all showings mixes in the first, when "
         "every pair was new: look at the last one."),
        (top(surprise.sum(dim=1)).int(), "the sum over all showings mixes in the first, when "
         "every pair was new: look at the last one."),
        (top(surprise.amax(dim=1)).int(), "the largest of all showings may be the first, when "
         "every pair was new: look at the last one."),
        (top(mean).int(), "you averaged over the lanes: every lane has its own changes."),
        (together.int(), "you compared the lanes with each other: choose within each lane."),
        (top(surprise[:, -2]).int(), "this is the showing before the last: the change comes "
         "after it."),
    )  # fmt: skip
    return "the memory was not told that anything changed: its error says so."


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
    got = call(answer, tokens, d, heads)
    if not isinstance(got, (tuple, list)) or len(got) != 2:
        raise Wrong("give back two numbers: return cache, memory.")
    cache, memory = 8 * heads * d * tokens, 8 * heads * d * d
    numbers = "these are numbers, not bytes: a float32 takes 4 bytes."
    expect(
        got[0],
        cache,
        (memory, "this is the memory: give back the cache first."),
        (cache / 4, f"cache: {numbers}"),
        (cache / 2, "cache: a value is kept beside each key, so twice as much."),
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
        (memory / heads, "memory: the heads are missing, each has its own M and S."),
        (8 * heads * d, "memory: M has d rows and d columns."),
        (memory * tokens, "memory: it does not grow with the tokens."),
        (8 * (heads * d) ** 2, "memory: each head has a matrix of d times d; (heads * d) squared "
         "would be one large matrix."),
    )  # fmt: skip
    expect([float(one) for one in call(answer, 7, 5, 2)], [560.0, 400.0])
    return "they are equal after d tokens, whatever the number of heads."
