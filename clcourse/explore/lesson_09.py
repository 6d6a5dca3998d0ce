"""Lesson 09: a memory reads a stream. What do θ, η and α do to its surprise, to M, to recall?

All settings are read beforehand, side by side; a slider only looks something up.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import torch

from clcourse.explore.base import Explorer, Slider, Table
from clcourse.explore.drawing import Axes, box, card, dot, line, text
from clcourse.memory import State, linear_memory, token_loop
from clcourse.plots import one_memory as still
from clcourse.plots.figure import BLUE, FAINT, INK, PAPER, SOFT, VERMILLION, Figure, number
from clcourse.seeds import LaneRandom

WIDTH, HEIGHT = 900, 456
# A letter is a key, the digit its value; · is a filler: a key of its own that is never asked for.
STREAM = "A1 B2 C3 A1 B2 D4 A1 E5 C6 A1 ·8 ·3 F7 B2 A5 G8 ·1 A5 ·2 C6 H2 A5 D4 ·7".split()
KEYS, VALUES, LENGTH, DRAWS = "ABCDEFGH", 8, 12, 20
GATES = {"θ": (0.05, 0.1, 0.3, 0.6, 1.0, 1.5), "η": (0.0, 0.3, 0.6, 0.9),
         "α": (0.0, 0.01, 0.03, 0.1, 0.3)}  # fmt: skip
START = (0.3, 0.0, 0.0)
TOP = 2.5  # where the axis of surprise ends
FULL = 0.5  # an entry of M in full colour


class Readings(NamedTuple):
    """The stream as read with every setting (θ, η, α), in this order on the first axis.

    M (settings, T, d, p), of the first draw; surprise (settings, draws, T): |M(k) - v| before the
    token is written; says (settings, draws, T, keys): the value that M answers, from 0;
    away (settings,): in how many draws M would grow for ever, were the stream read again and again
    """

    M: torch.Tensor
    surprise: torch.Tensor
    says: torch.Tensor
    away: torch.Tensor


def kinds() -> list[str]:
    """What each token is to a memory that has read those before it."""
    found, values = [], {}
    for key, value in STREAM:
        if key == "·":
            found.append("filler")
        elif key not in values:
            found.append("new pair")
        else:
            found.append("seen again" if values[key] == value else "changed value")
        values[key] = value
    return found


def due(token: int) -> dict[str, tuple[int, int]]:
    """For each key read by `token` (from 1): its newest value, and how many tokens ago it stood."""
    return {key: (int(value), token - place) for place, (key, value) in
            enumerate(STREAM[:token], 1) if key != "·"}


def vectors() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Keys of the tokens (draws, T, d), their values (T, p), and the keys asked (draws, keys, d).

    A key is a random direction of length 1, drawn afresh in each draw; a value is one of 8 axes.
    """
    fillers = sum(token[0] == "·" for token in STREAM)
    shape = DRAWS, len(KEYS) + fillers, LENGTH
    found = LaneRandom(DRAWS, "keys of a stream").uniform(shape[1] * LENGTH).double().view(shape)
    found = torch.nn.functional.normalize(found - 0.5, dim=-1)
    new = iter(range(len(KEYS), shape[1]))
    which = [next(new) if key == "·" else KEYS.index(key) for key, _ in STREAM]
    values = torch.eye(VALUES, dtype=torch.float64)[[int(value) - 1 for _, value in STREAM]]
    return found[:, which], values, found[:, : len(KEYS)]


GROUP = 20  # settings whose growth is looked at together, for the sake of memory


@functools.cache
def readings() -> Readings:
    """Read the stream with every setting at once, in float64, a token at a time to see each M."""
    k, v, asked = vectors()
    settings = torch.cartesian_prod(*(torch.tensor(one, dtype=k.dtype) for one in GATES.values()))
    k = k.expand(len(settings), -1, -1, -1)
    v = v.expand(*k.shape[:-1], -1)
    gates = [gate[:, None, None].expand(k.shape[:-1]) for gate in settings.unbind(-1)]
    state, M, surprise, says = None, [], [], []
    for here in (slice(t, t + 1) for t in range(len(STREAM))):
        inputs = k[:, :, here], k[:, :, here], v[:, :, here]
        _, state, watched = token_loop(*inputs, *(gate[..., here] for gate in gates), state)
        M.append(state.M[:, 0])
        surprise.append(watched.surprise / gates[0][..., here])
        says.append((asked @ state.M).argmax(dim=-1))
    return Readings(torch.stack(M, 1), torch.cat(surprise, -1), torch.stack(says, 2),
                    runs_away(k, gates))


def runs_away(k: torch.Tensor, gates: list[torch.Tensor]) -> torch.Tensor:
    """In how many draws M and S grow for ever when the stream is read again and again: exactly.

    One reading takes [M; S] to A [M; S] + what the values add. So hand in the axes of [M; S] and no
    values: out comes A, and whether its largest eigenvalue is beyond 1.
    """
    found = []
    for some, *few in zip(k.split(GROUP), *(gate.split(GROUP) for gate in gates), strict=True):
        axes = torch.eye(2 * LENGTH, dtype=k.dtype).expand(*some.shape[:2], -1, -1)
        state = State(*axes.split(LENGTH, dim=-2))
        nothing = k.new_zeros(*some.shape[:-1], 2 * LENGTH)
        _, state = linear_memory(some, some, nothing, *few, state)
        grows = torch.linalg.eigvals(torch.cat(state, dim=-2)).abs().amax(dim=-1) > 1 + 1e-9
        found.append(grows.sum(dim=-1))
    return torch.cat(found)


def place(θ: float, η: float, α: float) -> int:
    """Where a setting stands among the readings."""
    at = [values.index(one) for values, one in zip(GATES.values(), (θ, η, α), strict=True)]
    return (at[0] * len(GATES["η"]) + at[1]) * len(GATES["α"]) + at[2]


def recall(setting: int, token: int) -> dict[str, tuple[int, int]]:
    """For each key read: in how many draws M answers its newest value, and what the first says."""
    says = readings().says[setting, :, token - 1] + 1
    return {key: (int((says[:, KEYS.index(key)] == value).sum()), int(says[0, KEYS.index(key)]))
            for key, (value, _) in due(token).items()}


def stream() -> Explorer:
    """Four sliders: the token reached, θ, η and α."""

    def draw(token: int, θ: float, η: float, α: float) -> str:
        setting = place(θ, η, α)
        title = f"token {token} of {len(STREAM)}: {in_words(token)}"
        first, second, colour = verdict(setting, token)
        head = [text(24, 33, title, size=22, bold=True),
                text(876, 33, f"θ = {θ:g},  η = {η:g},  α = {α:g}", size=19, anchor="end"),
                text(24, 57, first, size=15), text(24, 77, second, size=15, colour=colour)]
        return card(f"{title}; θ = {θ:g}, η = {η:g}, α = {α:g}", f"{first} {second}", *head,
                    *_curve(setting, token), *_matrix(setting, token), *_bars(setting, token),
                    width=WIDTH, height=HEIGHT)

    controls = {
        "token": Slider("token reached", range(1, len(STREAM) + 1), start=len(STREAM)),
        "θ": Slider("θ, how strongly a surprise is written", GATES["θ"], start=START[0]),
        "η": Slider("η, how much of past surprise goes on", GATES["η"], start=START[1]),
        "α": Slider("α, how much is forgotten", GATES["α"], start=START[2]),
    }
    return Explorer(controls, draw, height=HEIGHT + 14, fallback=figure(), table=numbers())


def in_words(token: int) -> str:
    """ "C → 6, a changed value", of a token from 1."""
    key, value = STREAM[token - 1]
    kind = kinds()[token - 1]
    name = f"a filler → {value}" if key == "·" else f"{key} → {value}"
    return name if key == "·" else f"{name}, {'' if kind == 'seen again' else 'a '}{kind}"


def verdict(setting: int, token: int) -> tuple[str, str, str]:
    """How surprised, how much is recalled; whether M runs away; and the colour of that."""
    found, known = readings(), recall(setting, token)
    mean = found.surprise[setting, :, token - 1].mean()
    share = sum(right for right, _ in known.values()) / (DRAWS * len(known))
    first = (f"Surprise {number(mean)} (an empty memory: 1). Once it is written, {number(share)} "
             f"of the pairs so far are recalled; chance 1 in {VALUES}.")
    away = int(found.away[setting])
    if not away:
        return first, "M stays bounded, however often the stream is read.", SOFT
    return first, (f"Runs away: read over and over, M grows without end in {away} of {DRAWS} "
                   "draws. Lower θ or η."), VERMILLION


def _curve(setting: int, token: int) -> list[str]:
    """Surprise along the stream: what is to come is pale, the token reached stands in a circle."""
    axes = Axes(64, 128, 806, 84, 1, len(STREAM))
    means = readings().surprise[setting].mean(dim=0).tolist()
    points = [axes.place(t, min(mean, TOP) / TOP) for t, mean in enumerate(means, 1)]
    x = points[token - 1][0]
    parts = [text(24, 103, f"surprise, mean of {DRAWS} draws of the keys", size=15, colour=SOFT),
             box(x - 16, axes.y - 4, 32, axes.height + 30, FAINT, corner=6)]
    for level in (0, 1, 2):
        ends = [axes.place(t, level / TOP) for t in (1, len(STREAM))]
        parts.append(line(ends, SOFT if level == 1 else FAINT, width=1.5,
                          dashes="6 4" if level == 1 else ""))
        parts.append(text(axes.x - 16, ends[0][1] + 5, level, size=14, anchor="end"))
    parts.append(line(points, SOFT, width=1.5, opacity=0.35))
    parts.append(line(points[:token], INK, width=2.5))
    for t, (kind, (x, y), mean) in enumerate(zip(kinds(), points, means, strict=True), 1):
        inner = mark(kind, x, y, 9 if t == token else 6)
        parts.append(inner if t <= token else f'<g opacity=".35">{inner}</g>')
        if mean > TOP and t <= token:
            parts.append(text(x, axes.y - 9, f"{mean:.{int(mean < 10)}f}", size=12, anchor="middle",
                              colour=VERMILLION))
        parts.append(text(x, axes.y + axes.height + 20, STREAM[t - 1], size=15, anchor="middle",
                          bold=t == token, colour=INK if t <= token else SOFT))
    for x, kind in zip((440, 556, 680, 818), still.KINDS, strict=True):
        parts += [mark(kind, x, 98, 6), text(x + 11, 103, kind, size=14)]
    return parts


def mark(kind: str, x: float, y: float, size: float) -> str:
    """A dot, square, triangle or cross, as in the figures of the lesson."""
    colour = still.KINDS[kind].colour
    if kind == "new pair":
        return dot(x, y, size, colour)
    if kind == "seen again":
        return box(x - size, y - size, 2 * size, 2 * size, colour)
    if kind == "changed value":
        return (f'<polygon points="{x:.1f},{y - 1.2 * size:.1f} {x + 1.2 * size:.1f},{y + size:.1f}'
                f' {x - 1.2 * size:.1f},{y + size:.1f}" fill="{colour}"/>')
    near, far = (x - size * 0.8, x + size * 0.8), (y - size * 0.8, y + size * 0.8)
    return (line([(near[0], far[0]), (near[1], far[1])], colour)
            + line([(near[0], far[1]), (near[1], far[0])], colour))


def _matrix(setting: int, token: int) -> list[str]:
    """M as a heat map on one fixed scale: a row for each part of a key, a column for each value."""
    x0, y0, wide, tall = 64, 282, 21, 12
    parts = [text(24, 258, "M after this token, draw 1", size=15, colour=SOFT)]
    parts += [text(x0 + wide * (p + 0.5), y0 - 6, p + 1, size=13, anchor="middle")
              for p in range(VALUES)]
    parts.append(box(x0 - 1, y0 - 1, wide * VALUES + 1, tall * LENGTH + 1, FAINT))
    for d, row in enumerate(readings().M[setting, token - 1].tolist()):
        for p, entry in enumerate(row):
            x, y = x0 + wide * p, y0 + tall * d
            parts.append(box(x, y, wide - 1, tall - 1, still.signed(entry, FULL)))
            if entry < -0.15 * FULL:
                middle = y + tall / 2 - 0.5
                parts.append(line([(x + 7, middle), (x + wide - 8, middle)], INK, width=1))
    parts.append(text(24, 444, f"blue +   orange – (a dash);   full at ±{FULL:g}", size=13,
                      colour=SOFT))
    parts += [text(56, y0 - 6, "value", size=13, anchor="end"),
              text(56, y0 + 77, "key", size=13, anchor="end")]
    return parts


def _bars(setting: int, token: int) -> list[str]:
    """A bar for each pair so far, the newest at the left: in how many draws it is recalled."""
    x0, bottom, high, step = 342, 390, 98, 67
    known, pairs, labels = recall(setting, token), due(token), []
    up = bottom - high / VALUES
    parts = [text(296, 258, f"recalled right, share of {DRAWS} draws; the newest pair at the left",
                  size=15, colour=SOFT)]
    for level in (0, 0.5, 1):
        y = bottom - high * level
        parts.append(line([(x0 - 10, y), (876, y)], FAINT, width=1.5))
        if level:  # 0 has no room beside the chance
            parts.append(text(x0 - 16, y + 5, level, size=14, anchor="end"))
    for n, key in enumerate(sorted(pairs, key=lambda key: pairs[key][1])):
        (value, age), (right, says) = pairs[key], known[key]
        x, tall = x0 + step * n, high * right / DRAWS
        good = says == value
        parts.append(box(x + 8, bottom - max(2, tall), 46, max(2, tall), BLUE))
        labels += [box(x + 14, bottom - tall - 18, 34, 14, PAPER),
                   text(x + 31, bottom - tall - 6, number(right / DRAWS), size=14,
                        anchor="middle")]
        parts.append(text(x + 31, 408, f"{key} → {value}", size=15, anchor="middle", bold=True))
        parts.append(text(x + 31, 426, "✓" if good else f"✗ {says}", size=15, anchor="middle",
                          colour=INK if good else VERMILLION))
        parts.append(text(x + 31, 444, "now" if not age else f"{age} ago", size=13,
                          anchor="middle", colour=SOFT))
    parts.append(line([(x0 - 10, up), (876, up)], INK, width=1.5, dashes="6 4"))
    return [*parts, *labels, text(x0 - 16, up + 4, "chance", size=13, anchor="end"),
            text(x0 - 16, 426, "draw 1", size=13, anchor="end", colour=SOFT)]


def figure() -> Figure:
    """The still figure: surprise with the setting that the sliders start at."""
    θ, η, α = START
    found = readings().surprise[place(*START)]
    return still.surprise_curve(found, kinds(), STREAM, empty=1.0,
                                title=f"Surprise over a stream, θ = {θ:g}, η = {η:g}, α = {α:g}")


def numbers() -> Table:
    """A row for each setting: surprise by kind of token, recall at the end, and who runs away."""
    found, each, rows = readings(), kinds(), []
    for setting, gates in enumerate((θ, η, α) for θ in GATES["θ"] for η in GATES["η"]
                                    for α in GATES["α"]):  # fmt: skip
        means = found.surprise[setting].mean(dim=0).tolist()
        by_kind = {kind: [mean for mean, one in zip(means, each, strict=True) if one == kind]
                   for kind in still.KINDS}
        known = recall(setting, len(STREAM))
        share = sum(right for right, _ in known.values()) / (DRAWS * len(known))
        rows.append([*(f"{gate:g}" for gate in gates),
                     *(number(sum(one) / len(one)) for one in by_kind.values()), number(share),
                     f"in {int(found.away[setting])} of {DRAWS} draws"])
    return Table(["θ", "η", "α", *(f"surprise, {kind}" for kind in still.KINDS),
                  "recalled at the end", "runs away"], rows)
