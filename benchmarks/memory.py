"""What a token costs the matrix memory, beside its token loop and beside bare matrix products.

    python benchmarks/memory.py      (one thread; about three minutes; prints tables)

The sides of a row take turns within one run: medians of `ROUNDS`, CPU time in microseconds a token
(the forward alone: the median of three in a row, so the caches are warm).
The limit is the time that the arithmetic of the chunked form would take at the speed of one large
matrix product on the same core: 9 C d + 2 C² + 18 d² flop a token, projections included, so the
three projections are timed, too. Beside it, the same at the speed of many products of 32 by 32.
Memory is measured in a fresh process a row. Trust the ratios.
"""

from __future__ import annotations

import os

os.environ.update(OMP_NUM_THREADS="1", OMP_WAIT_POLICY="passive", CLCOURSE_PROGRESS="0")

import statistics
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import torch
from torch.nn.functional import normalize

from clcourse.memory import linear_memory, token_loop

LENGTHS = [256, 1024, 2048, 4096, 16384]
ROWS = [(d, batch, tokens) for d in (32, 64) for batch in (1, 8) for tokens in LENGTHS]
CHUNK, ROUNDS, LOOP = 32, 3, 256  # LOOP: tokens for the token loop, whose cost a token is constant


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


def costs(remember, name: str, shape: tuple[int, int, int], **more) -> dict[str, float]:
    """Microseconds a token: forward, and forward with backward."""
    d, batch, tokens = shape
    inputs = sequence(d, batch, tokens)
    with torch.no_grad():
        work = partial(remembered, remember, *inputs, **more)
        forward = statistics.median(microseconds(work) for _ in range(3))
    leaves = [one.requires_grad_() for one in inputs]
    both = microseconds(partial(trained, remember, *leaves, **more))
    return {name: forward / (batch * tokens), name + " with gradient": both / (batch * tokens)}


def limits(d: int) -> dict[str, float]:
    """The arithmetic of a token at the speed of one large product, and of many small ones."""
    flop = 9 * CHUNK * d + 2 * CHUNK**2 + 18 * d**2
    large, small = torch.randn(1024, 1024), torch.randn(64, CHUNK, CHUNK)
    kept = torch.empty_like(small)

    def many() -> None:
        for _ in range(50):
            torch.bmm(small, small, out=kept)

    return {
        "limit": flop / (2 * 1024**3) * microseconds(partial(torch.mm, large, large)),
        "limit, small": flop / (50 * 64 * 2 * CHUNK**3) * microseconds(many),
    }


def measured(shape: tuple[int, int, int]) -> dict[str, float]:
    """Medians over the rounds; the first is to warm up."""
    d, batch, _ = shape
    rounds = [
        limits(d)
        | costs(linear_memory, "chunks", shape, chunk=CHUNK)
        | costs(token_loop, "loop", (d, batch, LOOP))
        for _ in range(ROUNDS + 1)
    ]
    return {name: statistics.median(one[name] for one in rounds[1:]) for name in rounds[0]}


def peak() -> float:
    """The most memory this program has held, in MB (Linux; ru_maxrss would count its parent's)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def held(*shape: int) -> None:
    """In a process of its own, MB above imports: forward, with gradient; and kept between them."""
    costs(linear_memory, "", (shape[0], 1, CHUNK), chunk=CHUNK)  # load the libraries first
    inputs, before, kept = sequence(*shape), peak(), {}

    def keep(one: torch.Tensor) -> torch.Tensor:
        kept[one.untyped_storage().data_ptr()] = one.untyped_storage().nbytes()
        return one

    with torch.no_grad():
        remembered(linear_memory, *inputs, chunk=CHUNK)
    forward = peak() - before
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda one: one):
        y = remembered(linear_memory, *(x.requires_grad_() for x in inputs), chunk=CHUNK)
    y.sum().backward()
    print(forward, peak() - before, sum(kept.values()) / 2**20)


def memory_of(*shape: int) -> list[float]:
    """What `held` prints."""
    command = [sys.executable, __file__, *map(str, shape)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [float(one) for one in printed.split()]


def table(*columns: str) -> None:
    """The head of a table."""
    print("\n| " + " | ".join(columns) + " |\n|" + "---|" * len(columns))


def on_a_gpu() -> None:
    """Tokens a second; and no wait for the device inside the walk (its setting would raise)."""
    device = torch.device("cuda")
    table("d", "batch", "tokens", "type", "forward, tokens/s", "with gradient", "share of peak")
    for d, batch, tokens, dtype in (
        (d, 8, tokens, dtype) for d in (32, 64) for tokens in (4096, 16384)
        for dtype in (torch.float32, torch.bfloat16)
    ):  # fmt: skip
        inputs = [one.to(device, dtype) for one in sequence(d, batch, tokens)]
        square = torch.randn(4096, 4096, device=device, dtype=dtype)
        leaves = [one.clone().requires_grad_() for one in inputs]
        works = [
            (partial(torch.mm, square, square), False),
            (partial(remembered, linear_memory, *inputs, chunk=CHUNK), False),
            (partial(trained, linear_memory, *leaves, chunk=CHUNK), True),
        ]
        large, forward, both = (seconds_on_a_gpu(*work) for work in works)
        flop = (9 * CHUNK * d + 2 * CHUNK**2 + 18 * d**2) * batch * tokens
        share = (flop / forward) / (2 * 4096**3 / large)
        print(
            f"| {d} | {batch} | {tokens} | {str(dtype)[6:]} | {batch * tokens / forward:.3g} | "
            f"{batch * tokens / both:.3g} | {share:.2%} |"
        )
    without_waiting(device)


def seconds_on_a_gpu(work, gradient: bool) -> float:
    """The median of seven, each waited for, after one to warm up."""
    spent = []
    for _ in range(8):
        torch.cuda.synchronize()
        started = time.perf_counter()
        with torch.set_grad_enabled(gradient):
            work()
        torch.cuda.synchronize()
        spent.append(time.perf_counter() - started)
    return statistics.median(spent[1:])


def without_waiting(device: torch.device) -> None:
    """Raises if the walk from chunk to chunk, or its backward, ever waits for the device."""
    from clcourse.memory.chunks import _Chunks

    rows = torch.rand(16, 4, CHUNK, 32, device=device)
    gate = torch.rand(16, 4, CHUNK, device=device)
    Z = torch.zeros(4, 64, 32, device=device)
    given = [x.clone().requires_grad_() for x in (rows / 32, rows / 32, rows, gate, gate, gate, Z)]
    told = torch.ones_like(rows)
    _Chunks.apply(*given)[0].backward(told)  # load the libraries first
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        _Chunks.apply(*given)[0].backward(told)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    print("\nno wait for the device inside the chunks, forward or backward")


def compiled() -> None:
    """What torch.compile gains, where there is a compiler."""
    faster = torch.compile(linear_memory)
    shape = (32, 1, 2048)
    sides = {"as written": linear_memory, "compiled": faster}
    try:
        with torch.no_grad():
            remembered(faster, *sequence(*shape), chunk=CHUNK)
    except Exception as error:  # no compiler, or one that gives up: say so
        print(f"\ntorch.compile did not work here: {type(error).__name__}")
        return
    spent: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(ROUNDS + 1):
        for name, remember in sides.items():
            with torch.no_grad():
                work = partial(remembered, remember, *sequence(*shape), chunk=CHUNK)
                spent[name].append(microseconds(work) / shape[2])
    figures = (f"{name} {statistics.median(times[1:]):.2f}" for name, times in spent.items())
    print("\nforward at d = 32, batch 1, 2048 tokens: " + ", ".join(figures))


def main() -> None:
    """Times, memory, and a GPU's and a compiler's part where there is one."""
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}, one thread")
    table(
        "d", "batch", "tokens", "forward", "times the limit", "times that of small products",
        "with gradient", "times forward", "loop, forward", "loop, with gradient",
        "loop / chunks in training", "MB, forward", "MB, with gradient", "of it kept",
    )  # fmt: skip
    for row in ROWS:
        m = measured(row)
        forward, both = m["chunks"], m["chunks with gradient"]
        alone, most, kept = memory_of(*row)
        cells = [
            *row, f"{forward:.2f}", f"{forward / m['limit']:.1f}",
            f"{forward / m['limit, small']:.1f}", f"{both:.2f}", f"{both / forward:.1f}",
            f"{m['loop']:.1f}", f"{m['loop with gradient']:.1f}",
            f"{m['loop with gradient'] / both:.0f}", f"{alone:.0f}", f"{most:.0f}", f"{kept:.0f}",
        ]  # fmt: skip
        print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)
    if torch.cuda.is_available():
        on_a_gpu()
    if "--compile" in sys.argv:
        compiled()


if __name__ == "__main__":
    if len(sys.argv) == 4:
        held(*(int(one) for one in sys.argv[1:]))
    else:
        main()
