"""Lesson 06: what students are told about their own lookup, running state, mask and cache."""

from __future__ import annotations

from collections.abc import Callable

from clcourse.exercises import Wrong, exercise
from clcourse.exercises.mistakes import call, expect


def _numbers(purpose: str, *shape: int):
    """Normal numbers for two lanes, the same in every check: (2, *shape)."""
    from clcourse.seeds import LaneRandom

    return LaneRandom(2, f"exercise {purpose}").normal(*shape)


@exercise(
    "06.1",
    expects="a function of q, keys, values and beta that gives (lanes, queries, out)",
    hints=[
        "The likeness of every query to every key is q @ keys.mT: (lanes, queries, pairs).",
        "A softmax over the pairs, the last axis, makes shares of it; then (…).softmax(dim=-1) @ "
        "values.",
    ],
)
def soft_lookup(answer: Callable) -> str:
    """softmax(β q Kᵀ) V, with as many queries as pairs and features, so that no shape tells."""
    q, k, v = _numbers("q", 4, 4), _numbers("k", 4, 4), _numbers("v", 4, 4)
    for β in (0.7, 2.0):
        _lookup(call(answer, q, k, v, β), q, k, v, β)
    return "a dictionary that mixes its entries by how well their keys fit."


def _lookup(got, q, k, v, β: float) -> None:
    """The lookup at one β, and what else it might have been."""
    import torch

    likeness, root = q @ k.mT, k.shape[-1] ** 0.5
    ahead = torch.ones(4, 4, dtype=torch.bool).triu(1)
    expect(
        got,
        (β * likeness).softmax(dim=-1) @ v,
        ((β * likeness) @ v, "the softmax is missing: this is linear attention, and comes later."),
        (likeness @ v, "softmax and beta are missing: (beta * q @ keys.mT).softmax(dim=-1)."),
        (likeness.softmax(dim=-1) @ v, "beta is missing: multiply the likeness by it first."),
        (β * likeness.softmax(dim=-1) @ v, "beta comes before the softmax, not after it."),
        ((likeness / β).softmax(dim=-1) @ v, "you divide by beta: it is a sharpness, so multiply."),
        ((likeness / root).softmax(dim=-1) @ v, "use the beta you are given, and not 1/√d."),
        ((β * likeness / root).softmax(dim=-1) @ v, "beta already holds the 1/√d: do not divide "
         "again."),
        ((0.7 * likeness).softmax(dim=-1) @ v, "your sharpness stays .7 when beta changes: use "
         "beta."),
        ((β * likeness).masked_fill(ahead, -torch.inf).softmax(dim=-1) @ v, "you hide the later "
         "pairs: here every query may see all of them."),
        ((β * likeness).softmax(dim=1) @ v, "your softmax runs over the queries: let it run over "
         "the pairs, the last axis."),
        ((β * likeness).softmax(dim=0) @ v, "your softmax runs over the lanes: let it run over the "
         "pairs, the last axis."),
        ((β * likeness.mT).softmax(dim=-1) @ v, "keys and queries are swapped: q @ keys.mT."),
        ((β * q @ k).softmax(dim=-1) @ v, "the keys are not turned: q @ keys.mT, with .mT."),
        ((β * likeness).softmax(dim=-1) @ k, "you mix the keys: the answer is made of the values."),
        ((β * likeness).softmax(dim=-1), "these are the shares: now mix the values by them, @ "
         "values."),
        (v.gather(1, likeness.argmax(dim=-1)[..., None].expand_as(v)), "this takes the value of "
         "the best key alone, a hard lookup: a soft one mixes by shares."),
    )  # fmt: skip


@exercise(
    "06.2",
    expects="a function of q, k and v (lanes, tokens, d) that gives y (lanes, tokens, d) and M",
    hints=[
        "Start with M = torch.zeros(lanes, d, d). For each token t add its outer product: "
        "k[:, t, :, None] * v[:, t, None, :].",
        "After adding token t, its answer is q[:, t, None] @ M. Collect the answers: "
        "torch.cat(answers, dim=1).",
    ],
)
def running_state(answer: Callable) -> str:
    """y_t = q_t M_t with M_t = M_{t-1} + k_tᵀ v_t, and the state at the end."""
    import torch

    q, k, v = (_numbers(f"state {name}", 5, 5) for name in "qkv")
    got = call(answer, q, k, v)
    if not isinstance(got, (tuple, list)) or len(got) != 2:
        raise Wrong("give back two things, the answers of all tokens and the last state: y, M.")
    y, M = got
    if isinstance(y, (tuple, list)):
        raise Wrong("join the answers to one tensor: torch.cat(answers, dim=1).")
    if isinstance(M, (tuple, list)):
        raise Wrong("give back the state M itself, a tensor (lanes, d, d), as the second thing.")
    causal, state = (q @ k.mT).tril(), k.mT @ v
    mixed = torch.stack([(k[:, t].mT @ v[:, t]).expand_as(state) for t in range(5)], dim=1)
    expect(
        y,
        causal @ v,
        (torch.zeros_like(v), "you read an empty M: add each token's outer product to it, inside a "
         "loop, then read."),
        (state, "you gave M first: give back y, M."),
        ((q[:, :, None] @ mixed.cumsum(dim=1))[:, :, 0], "your outer product mixes the lanes: "
         "k[:, t, :, None] * v[:, t, None, :]."),
        ((q @ k.mT).triu() @ v, "each token reads what comes after it: it may read itself and "
         "those before."),
        ((q @ k.mT).tril(-1) @ v, "each token reads before its own pair is added: add first, then "
         "read."),
        (q @ k.mT @ v, "every token reads the last state: it would see what comes after it. Read "
         "inside the loop."),
        ((q * k).sum(dim=-1, keepdim=True) * v,
         "the state is written anew at every token: add to it, M = M + …."),
        ((q @ k.mT).softmax(dim=-1) @ v, "this is attention with its softmax: here the plain "
         "likeness weighs."),
        ((q @ v.mT).tril() @ k, "keys and values are swapped in the outer product: k has the rows, "
         "v the columns."),
        (causal @ v / torch.arange(1, 6)[:, None], "you take the mean over the tokens so far: the "
         "state is a plain sum."),
    )  # fmt: skip
    expect(
        M,
        state,
        (state.mT, "your M is turned over: k has the rows, v the columns."),
        (k[:, -1, :, None] * v[:, -1, None], "your M holds the last pair only: add to it."),
        (k[:, :-1].mT @ v[:, :-1], "the last pair is missing in your M."),
        (torch.zeros_like(state), "your M is still empty: give back the one at the end."),
    )
    return "the past of any length, in one matrix of constant size."


@exercise(
    "06.3",
    expects="a function of length and window that gives a mask (length, length) of True and False",
    hints=[
        "at = torch.arange(length) numbers the tokens; at[:, None] - at[None, :] says how far back "
        "each token (column) lies from each other one (row).",
        "A token sees what lies 0 to window - 1 back: (back >= 0) & (back < window). With tensors "
        "`and` and 0 <= back < window do not work.",
    ],
)
def window_mask(answer: Callable) -> str:
    """Row t may look at columns t - window + 1 … t."""
    import torch

    for length, window in ((6, 3), (5, 1), (4, 9)):
        at = torch.arange(length)
        back = at[:, None] - at[None, :]
        seen = (back >= 0) & (back < window)
        got = call(answer, length, window)
        _true_or_false(got, length)
        expect(
            got,
            seen,
            (~seen, "True and False are swapped: True is what may be seen."),
            (seen.mT, "rows and columns are swapped: row t is the token that looks, and it looks "
             "back."),
            ((back >= 0) & (back <= window), f"with window={window} your tokens see {window + 1}: "
             "themselves and window - 1 before, so < and not <=."),
            ((back > 0) & (back < window), "your tokens do not see themselves: back >= 0."),
            ((back > 0) & (back <= window), "your tokens do not see themselves: back >= 0 and "
             "back < window."),
            (back >= 0, "the window is missing: this sees the whole past (if you wrote it, put "
             "each comparison in brackets, (…) & (…), for & binds first)."),
            (back < window, "your tokens see what comes after them: back >= 0 is missing."),
            (back.abs() < window, "your tokens see what comes after them: the distance must not be "
             "below zero."),
        )  # fmt: skip
    return "each token sees itself and the window - 1 tokens before it."


def _true_or_false(got, length: int) -> None:
    """A square of truth values."""
    import torch

    mask = torch.as_tensor(got) if not isinstance(got, (str, type(None))) else None
    if mask is None or mask.shape != (length, length):
        shape = None if mask is None else tuple(mask.shape)
        raise Wrong(f"for length {length} your mask has shape {shape}; expected {length, length}.")
    if not bool(((mask == 0) | (mask == 1)).all()):
        raise Wrong("a mask holds True and False only: (back >= 0) & (back < window).")


@exercise(
    "06.4",
    expects="a function of tokens, layers, heads, size and bytes_a_number that gives a number",
    hints=[
        "For every token, every layer and every head a key and a value of `size` numbers are kept.",
        "2 * tokens * layers * heads * size * bytes_a_number.",
    ],
)
def cache_bytes(answer: Callable) -> str:
    """2 · tokens · layers · heads · size · bytes."""
    for shape in ((7, 3, 5, 11, 4), (1, 30, 6, 64, 8)):
        tokens, layers, heads, size, each = shape
        right = 2 * tokens * layers * heads * size * each
        expect(
            call(answer, *shape),
            right,
            (right / 2, "keys and values are two things: times 2."),
            (right / size, "each key and each value is `size` numbers: times size."),
            (right / 2 / each, "two things are missing: keys and values (2), and bytes_a_number."),
            (right / each, "these are numbers, not bytes: times bytes_a_number."),
            (right / layers, "every layer keeps keys and values of its own: times layers."),
            (right / heads, "every head keeps keys and values of its own: times heads."),
            (right / tokens, "these are the bytes of one token: times tokens."),
            (right * tokens, "the cache grows with the tokens, not with their square."),
            (right * 8, "these are bits: bytes_a_number already counts bytes."),
            tolerance=1e-9,
        )
    return "linear in the tokens: no square in the bytes."
