"""What a token costs the matrix memory, beside its token loop and beside bare matrix products.

    python benchmarks/memory.py      (one thread; about half a minute; prints a table)

All rows are measured in turns within one run: medians of `ROUNDS`, CPU time in microseconds a
token. The limit is the time that the arithmetic of the chunked form would take at the speed of one
large matrix product on the same core: 9 C d + 2 C² + 18 d² flop a token, projections included, so
the three projections are timed, too. Trust the ratios.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OMP_WAIT_POLICY="passive", CLCOURSE_PROGRESS="0")

import resource
import statistics
import time
from functools import partial

import torch
from torch.nn.functional import normalize

from clcourse.memory import linear_memory, token_loop

SHAPES = [(32, 1, 2048), (32, 8, 2048), (64, 1, 2048), (64, 8, 1024)]  # d, batch, tokens
LENGTHS = [256, 1024, 4096, 16384]
CHUNK, ROUNDS, LOOP = 32, 7, 256  # LOOP: tokens for the token loop, whose cost a token is constant


def sequence(d: int, batch: int, tokens: int) -> tuple[torch.Tensor, ...]:
    """Tokens and the three projections."""
    random = torch.Generator().manual_seed(0)
    x = torch.randn(batch, tokens, d, generator=random)
    return x, *(torch.randn(d, d, generator=random) / d**0.5 for _ in range(3))


def remembered(remember, x, K, V, Q, **more) -> torch.Tensor:
    """Project, write and read: the outputs."""
    gate = torch.sigmoid(x[..., :3])
    k, q = normalize(x @ K, dim=-1), normalize(x @ Q, dim=-1)
    return remember(q, k, x @ V, gate[..., 0], gate[..., 1], 0.1 * gate[..., 2], **more)[0]


def trained(remember, *leaves, **more) -> None:
    """The same, and the gradients of the tokens and the projections."""
    remembered(remember, *leaves, **more).sum().backward()


def microseconds(work) -> float:
    """CPU time of one call."""
    started = time.process_time()
    work()
    return (time.process_time() - started) * 1e6


def costs(d: int, batch: int, tokens: int) -> dict[str, float]:
    """Forward, and forward with backward, of both forms; and the limit."""
    spent = {}
    for name, remember, length, more in (
        ("chunks", linear_memory, tokens, {"chunk": CHUNK}),
        ("loop", token_loop, LOOP, {}),
    ):
        inputs = sequence(d, batch, length)
        with torch.no_grad():
            spent[name] = microseconds(partial(remembered, remember, *inputs, **more))
        leaves = [one.requires_grad_() for one in inputs]
        spent[name + " with gradient"] = microseconds(partial(trained, remember, *leaves, **more))
        for what in (name, name + " with gradient"):
            spent[what] /= batch * length
    return spent


def flop_a_microsecond() -> float:
    """What one large matrix product reaches."""
    square = torch.randn(1024, 1024)
    square @ square
    return 2 * 1024**3 / microseconds(partial(torch.matmul, square, square))


def main() -> None:
    """Print a row for each shape, then one for each length."""
    torch.set_num_threads(1)
    rows = [*SHAPES, *((32, 1, length) for length in LENGTHS)]
    kept: list[list[dict]] = [[] for _ in rows]
    for round_ in range(ROUNDS + 1):
        for row, times in zip(rows, kept, strict=True):
            d = row[0]
            limit = (9 * CHUNK * d + 2 * CHUNK**2 + 18 * d**2) / flop_a_microsecond()
            measured = costs(*row) | {"limit": limit}
            if round_:  # the first is to warm up
                times.append(measured)
    print(f"torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}, one thread\n")
    print(
        "| d | batch | tokens | forward | times the limit | with gradient | times forward | "
        "loop, forward | loop, with gradient | loop / chunks in training |"
    )
    print("|" + "---|" * 10)
    for (d, batch, tokens), times in zip(rows, kept, strict=True):
        m = {name: statistics.median(one[name] for one in times) for name in times[0]}
        print(
            f"| {d} | {batch} | {tokens} | {m['chunks']:.2f} | {m['chunks'] / m['limit']:.1f} | "
            f"{m['chunks with gradient']:.2f} | {m['chunks with gradient'] / m['chunks']:.1f} | "
            f"{m['loop']:.1f} | {m['loop with gradient']:.1f} | "
            f"{m['loop with gradient'] / m['chunks with gradient']:.0f} |"
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\npeak memory of the whole run: {peak:.0f} MB")


if __name__ == "__main__":
    main()
