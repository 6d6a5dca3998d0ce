"""Three ways to put a memory beside a window of attention (sections 4.1-4.3), and their controls.

p are persistent tokens (19): learnt, the same before every sequence. x is what the layer reads.

    MAC   memory as context   h = M_{t-1}(q);  y = attention of [p ‖ h ‖ segment];  o = y ⊗ M_t(y)
    MAG   memory as gate      y = window attention of [p ‖ x];  o = y ⊗ M([p ‖ x])
    MAL   memory as layer     y = M([p ‖ x]);  o = window attention of y
"""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import nn

from clcourse.errors import CourseError
from clcourse.memory.layer import Carried, NeuralMemory, Seen
from clcourse.seeds import LaneRandom, Seeds, device

WITHOUT_MEMORY = ("window", "full")
KINDS = ("MAC", "MAG", "MAL", "memory", *WITHOUT_MEMORY)


class WindowAttention(nn.Module):
    """Causal attention of one head over the last `window` tokens (None: all of them)."""

    def __init__(self, width: int, window: int | None, random: LaneRandom) -> None:
        super().__init__()
        self.window = window
        self.query, self.key, self.value, self.output = (
            nn.Parameter(random.normal(width, width) / width**0.5) for _ in range(4)
        )

    def forward(
        self, x: torch.Tensor, before: torch.Tensor, beside: torch.Tensor | None = None
    ) -> torch.Tensor:
        """x (seeds, batch, T, width) → the same shape.

        before  tokens that everyone sees; beside: one for each of x, seen from its place on
        """
        lanes, batch, T, width = x.shape
        seen = torch.cat([before, x] if beside is None else [before, beside, x], dim=2)
        extra = seen.shape[2] - T
        q = (x.flatten(1, 2) @ self.query).reshape(lanes * batch, 1, T, width)
        k, v = (
            (seen.flatten(1, 2) @ W).reshape(lanes * batch, 1, extra + T, width)
            for W in (self.key, self.value)
        )
        place = torch.arange(T, device=x.device)
        back = place[:, None] - place
        visible = (back >= 0) & (back < (self.window or T + 1))
        visible = visible if beside is None else torch.cat([back >= 0, visible], dim=1)
        visible = F.pad(visible, (before.shape[2], 0), value=True)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=visible)
        return (y.reshape(lanes, batch * T, width) @ self.output).unflatten(1, (batch, T))


class Titan(nn.Module):
    """One layer around a memory: tokens (seeds, batch, T) or vectors (…, T, width) → logits.

    Tokens of several parts, (seeds, batch, T, parts), are the sum of what stands for the parts.
    kind  MAC, MAG, MAL; "memory" alone; and, as controls, "window" and "full" attention without it.
    """

    accepts = ("tokens", "vectors")

    def __init__(
        self,
        vocabulary: int,
        classes: int,
        *,
        kind: str = "MAG",
        width: int = 32,
        window: int = 16,
        persistent: int = 4,
        seeds: Seeds = 1,
    ) -> None:
        super().__init__()
        if kind not in KINDS:
            raise CourseError(f"kind={kind!r}; expected one of {', '.join(KINDS)}.")
        sizes = {"vocabulary": vocabulary, "classes": classes, "window": window}
        for name, size in (sizes | {"persistent": persistent}).items():
            if not isinstance(size, int) or isinstance(size, bool) or size < (name != "persistent"):
                raise CourseError(f"{name}={size!r}; expected a whole number of at least 1.")
        random = LaneRandom(seeds, "titan")
        self.seeds, self.kind, self.window = random.seeds, kind, window
        self.E = nn.Parameter(random.normal(vocabulary, width) / width**0.5)
        self.U = nn.Parameter(random.normal(width, classes) / width**0.5)
        self.p = nn.Parameter(random.normal(persistent, width))
        self.before, self.after, self.of_y, self.of_m = (
            nn.Parameter(torch.ones(len(self.seeds), 1, width)) for _ in range(4)
        )
        if kind not in ("MAC", "MAG"):
            self.of_y = self.of_m = None  # nothing is multiplied
        within = None if kind in ("full", "MAC") else window
        self.attention = WindowAttention(width, within, random)
        self.memory = NeuralMemory(width, seeds=seeds)
        if kind in WITHOUT_MEMORY:
            self.memory = None
        if kind == "memory":
            self.attention = None
        self.to(device())

    def forward(self, x: torch.Tensor, carried: Carried | None = None, *, watch: bool = False):
        """Logits after every token (seeds, batch, T, classes); with `watch` also (carried, seen).

        carried  the memory after an earlier text; the window starts empty all the same.
        """
        if not x.is_floating_point():
            lane = torch.arange(len(x), device=x.device).reshape(-1, *[1] * (x.dim() - 1))
            x = self.E[lane, x]
            x = x.sum(dim=3) if x.dim() == 5 else x
        ways = {"MAC": self._as_context, "MAG": self._as_gate, "MAL": self._as_layer,
                "memory": self._remembered}  # fmt: skip
        way = ways.get(self.kind, self._without_memory)
        y, carried, seen = way(_norm(x, self.before), carried, watch)
        h = _norm(x + y, self.after)
        logits = (h.flatten(1, 2) @ self.U).unflatten(1, x.shape[1:3])
        return (logits, carried, seen) if watch else logits

    def copy(self) -> Titan:
        """The same network again, to be changed on its own."""
        return copy.deepcopy(self)

    def _as_context(self, x: torch.Tensor, carried: Carried | None, watch: bool):
        """Segment by segment: read the old memory (21), attend (22-23), write what came out (24).

        What is recalled for a token is hidden from those before it: it knows the token.
        """
        outputs, seen, p = [], [], self._persistent(x)
        for segment in x.split(self.window, dim=2):
            recalled = self.memory.read(segment, carried)
            y = self.attention(segment, p, recalled)
            said, carried, *watched = self.memory(y, carried, watch=watch)
            outputs.append(self._gated(y, said))
            seen += watched
        return torch.cat(outputs, dim=2), carried, Seen.joined(seen) if watch else None

    def _as_gate(self, x: torch.Tensor, carried: Carried | None, watch: bool):
        """Attention and memory side by side, multiplied (26-28)."""
        said, carried, seen = self._remembered(x, carried, watch)
        return self._gated(self._attended(x), said), carried, seen

    def _as_layer(self, x: torch.Tensor, carried: Carried | None, watch: bool):
        """First the memory, then attention to what it says (29-31)."""
        said, carried, seen = self._remembered(x, carried, watch)
        return self._attended(said), carried, seen

    def _remembered(self, x: torch.Tensor, carried: Carried | None, watch: bool):
        """What the memory says of x; a fresh memory reads the persistent tokens first."""
        p = self._persistent(x)[:, :, : None if carried is None else 0]
        said, carried, *seen = self.memory(torch.cat([p, x], dim=2), carried, watch=watch)
        first = p.shape[2]
        return said[:, :, first:], carried, seen[0].after(first) if watch else None

    def _without_memory(self, x: torch.Tensor, carried: Carried | None, watch: bool):
        if carried is not None:
            raise CourseError(
                f"A {self.kind!r} network has no memory to carry on; expected one of "
                f"{', '.join(KINDS[:4])}."
            )
        return self._attended(x), None, None

    def _attended(self, x: torch.Tensor) -> torch.Tensor:
        return self.attention(x, self._persistent(x))

    def _persistent(self, x: torch.Tensor) -> torch.Tensor:
        return self.p[:, None].expand(-1, x.shape[1], -1, -1)

    def _gated(self, y: torch.Tensor, said: torch.Tensor) -> torch.Tensor:
        """y ⊗ M(y): both normalised with learnt scales, and a SiLU, which the paper leaves open."""
        return F.silu(_norm(y, self.of_y)) * _norm(said, self.of_m)


def _norm(x: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """x divided by the root of its mean square, times a learnt scale a lane."""
    return F.rms_norm(x, x.shape[-1:]) * scale[:, None]
