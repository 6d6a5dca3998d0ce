"""A tiny transformer with a seed axis: attention, a window, and a cache, all in view.

Pre-norm and causal (Vaswani et al. 2017; Radford et al. 2019). One thing is added: each token's
vector also holds a trace of its left neighbour, so that a single layer can already copy from its
context, which otherwise takes two (the induction head of Olsson et al. 2022).
"""

from __future__ import annotations

import copy
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from clcourse.errors import CourseError
from clcourse.seeds import LaneRandom, Seeds, device


class Cache(NamedTuple):
    """What is kept of the tokens read so far, so that none is read twice.

    keys, values  (layers, seeds · batch, heads, tokens, width / heads)
    last          (seeds, batch): the last token, whose trace the next one carries
    read          how many tokens have been read, kept or not
    """

    keys: torch.Tensor
    values: torch.Tensor
    last: torch.Tensor
    read: int

    def bytes_a_text(self) -> int:
        """Bytes of keys and values for one text of one lane."""
        each = self.keys[:, 0].numel() + self.values[:, 0].numel()
        return each * self.keys.element_size()


class TinyTransformer(nn.Module):
    """Predicts the next token from those before it, once for each lane.

    h_t = E[token_t] + E[token_{t-1}] S + P_t
    h ← h + attention(norm(h)),  h ← h + MLP(norm(h))  in each layer,  logits = norm(h) U

    attention = softmax(q kᵀ / √(width / heads)) v over the tokens up to t; with `window` = w only
    over the last w of them. tokens (seeds, batch, length) → logits (seeds, batch, vocabulary) after
    the last token, or with everywhere=True (seeds, batch, length, vocabulary).
    """

    def __init__(self, vocabulary, width, heads, layers, length, window, seeds) -> None:
        super().__init__()
        random = LaneRandom(seeds, "transformer weights")
        self.seeds, self.heads, self.layers = random.seeds, heads, layers
        self.vocabulary, self.width, self.length, self.window = vocabulary, width, length, window

        def normal(rows: int, columns: int, scale: float) -> nn.Parameter:
            return nn.Parameter(scale * random.normal(rows, columns))

        def matrix(rows: int, columns: int) -> nn.Parameter:
            return normal(rows, columns, rows**-0.5)

        def constant(value: float, columns: int = width) -> nn.Parameter:
            return nn.Parameter(torch.full((len(self.seeds), 1, columns), value))

        self.E, self.P = normal(vocabulary, width, 0.05), normal(length, width, 0.05)
        self.S = matrix(width, width)
        self.blocks = nn.ModuleList()
        for _ in range(layers):
            block = nn.ParameterDict(
                {name: matrix(width, width) for name in ("query", "key", "value", "output")}
                | {"up": matrix(width, 4 * width), "down": matrix(4 * width, width)}
                | {"up_bias": constant(0.0, 4 * width), "down_bias": constant(0.0)}
                | {f"{kind}_{place}": constant(float(kind == "scale"))
                   for place in ("attention", "mlp") for kind in ("scale", "shift")}
            )  # fmt: skip
            self.blocks.append(block)
        self.scale, self.shift = constant(1.0), constant(0.0)
        self.U = matrix(width, vocabulary)

    def forward(self, tokens: torch.Tensor, everywhere: bool = False) -> torch.Tensor:
        """Logits after the last token, or after every token."""
        return self.read(tokens, None, everywhere)[0]

    def read(
        self, tokens: torch.Tensor, cache: Cache | None = None, everywhere: bool = False
    ) -> tuple[torch.Tensor, Cache]:
        """Read on from where the cache ends; return the logits and the longer cache."""
        self._check(tokens, 0 if cache is None else cache.read)
        lanes, batch, new = tokens.shape
        h = self._embed(tokens, cache)
        keys, values = [], []
        for layer, block in enumerate(self.blocks):
            old = None if cache is None else (cache.keys[layer], cache.values[layer])
            seen = _normalised(h, block["scale_attention"], block["shift_attention"])
            attended, k, v = self._attend(seen.unflatten(1, (batch, new)), block, old)
            h = h + attended.reshape(lanes, batch * new, -1) @ block["output"]
            seen = _normalised(h, block["scale_mlp"], block["shift_mlp"])
            inner = F.gelu(torch.baddbmm(block["up_bias"], seen, block["up"]))
            h = h + torch.baddbmm(block["down_bias"], inner, block["down"])
            keys.append(k)
            values.append(v)
        if not everywhere:
            h = h.unflatten(1, (batch, new))[:, :, -1]
        logits = _normalised(h, self.scale, self.shift) @ self.U
        if everywhere:
            logits = logits.unflatten(1, (batch, new))
        read = new + (0 if cache is None else cache.read)
        return logits, Cache(torch.stack(keys), torch.stack(values), tokens[..., -1], read)

    @torch.no_grad()
    def generate(self, tokens: torch.Tensor, count: int, cached: bool = True) -> torch.Tensor:
        """The `count` most probable next tokens, one after the other: (seeds, batch, count).

        Without the cache every step reads the whole text again; the answer is the same.
        """
        logits, cache = self.read(tokens)
        written = [logits.argmax(dim=-1)]
        for _ in range(count - 1):
            if cached:
                logits, cache = self.read(written[-1][..., None], cache)
            else:
                logits = self(torch.cat([tokens, torch.stack(written, dim=-1)], dim=-1))
            written.append(logits.argmax(dim=-1))
        return torch.stack(written, dim=-1)

    @torch.no_grad()
    def looks_at(self, tokens: torch.Tensor, layer: int = 0) -> torch.Tensor:
        """How much each token attends to each: (seeds, batch, heads, length, length)."""
        self._check(tokens, 0)
        if layer != 0:
            raise CourseError(f"layer={layer!r}; expected 0, the layer that reads the tokens.")
        lanes, batch, length = tokens.shape
        block = self.blocks[0]
        seen = _normalised(
            self._embed(tokens, None), block["scale_attention"], block["shift_attention"]
        ).unflatten(1, (batch, length))
        q, k = (self._split(seen, block[name]) for name in ("query", "key"))
        scores = q @ k.mT / q.shape[-1] ** 0.5
        scores = scores.masked_fill(~self._visible(length, length, q.device), -torch.inf)
        return scores.softmax(dim=-1).unflatten(0, (lanes, batch))

    def copy(self) -> TinyTransformer:
        """An independent copy of the networks."""
        return copy.deepcopy(self)

    def _embed(self, tokens: torch.Tensor, cache: Cache | None) -> torch.Tensor:
        """E[token] + E[left neighbour] S + P: (seeds, batch · length, width)."""
        lanes, batch, new = tokens.shape
        lane = torch.arange(lanes, device=tokens.device)[:, None]
        h = self.E[lane, tokens.flatten(1)].unflatten(1, (batch, new))
        first = 0 * h[:, :, :1]
        start = 0
        if cache is not None:
            first, start = self.E[lane, cache.last][:, :, None], cache.read
        left = torch.cat([first, h[:, :, :-1]], dim=2)
        h = h + (left.flatten(1, 2) @ self.S).unflatten(1, (batch, new))
        return (h + self.P[:, None, start : start + new]).flatten(1, 2)

    def _attend(self, seen: torch.Tensor, block, old) -> tuple[torch.Tensor, ...]:
        """softmax(q kᵀ / √d) v of the new tokens over the visible ones, and the k, v to keep."""
        lanes, batch, new, _ = seen.shape
        q, k, v = (self._split(seen, block[name]) for name in ("query", "key", "value"))
        if old is not None:
            k, v = torch.cat([old[0], k], dim=2), torch.cat([old[1], v], dim=2)
        if self.window is None and old is None:
            attended = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            visible = self._visible(new, k.shape[2], q.device)
            attended = F.scaled_dot_product_attention(q, k, v, attn_mask=visible)
        attended = attended.transpose(1, 2).flatten(2).unflatten(0, (lanes, batch))
        keep = k.shape[2] if self.window is None else self.window
        return attended, k[:, :, -keep:], v[:, :, -keep:]

    def _split(self, seen: torch.Tensor, W: torch.Tensor) -> torch.Tensor:
        """seen W, a head at a time: (seeds · batch, heads, length, width / heads)."""
        lanes, batch, length, _ = seen.shape
        heads = (seen.flatten(1, 2) @ W).reshape(lanes * batch, length, self.heads, -1)
        return heads.transpose(1, 2)

    def _visible(self, new: int, known: int, where: torch.device) -> torch.Tensor:
        """Which tokens each new one sees: itself and those before, within the window."""
        back = torch.arange(known - new, known, device=where)[:, None] - torch.arange(
            known, device=where
        )
        return (back >= 0) & (back < (known + 1 if self.window is None else self.window))

    def _check(self, tokens: torch.Tensor, read: int) -> None:
        """Tokens must be whole numbers of the vocabulary, and fit the length."""
        if tokens.dim() != 3 or len(tokens) != len(self.seeds) or tokens.is_floating_point():
            raise CourseError(
                f"Tokens have shape {tuple(tokens.shape)} and type {tokens.dtype}; expected whole "
                f"numbers (seeds, batch, length) with {len(self.seeds)} seeds."
            )
        if tokens.shape[2] < 1 or read + tokens.shape[2] > self.length:
            raise CourseError(
                f"A text of {read + tokens.shape[2]} tokens does not fit; expected 1 to "
                f"{self.length}, the length that the network was made for: shorten the context."
            )
        if bool(((tokens < 0) | (tokens >= self.vocabulary)).any()):
            raise CourseError(
                f"A token is outside 0 … {self.vocabulary - 1}; expected numbers of the "
                "vocabulary: make them with world.tokens(text)."
            )

    def __repr__(self) -> str:
        return (
            f"TinyTransformer of {self.layers} layer(s), width {self.width}, {self.heads} heads, "
            f"{self.vocabulary} tokens, with {len(self.seeds)} lanes"
        )


def _normalised(h: torch.Tensor, scale: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
    """(h - mean) / spread over the width of each token, then scaled and shifted."""
    return torch.addcmul(shift, F.layer_norm(h, h.shape[-1:]), scale)


def tiny_transformer(
    vocabulary: int,
    *,
    width: int = 64,
    heads: int = 4,
    layers: int = 1,
    length: int = 80,
    window: int | None = None,
    seeds: Seeds = 1,
) -> TinyTransformer:
    """Small transformers, one a lane, on `cl.device()`.

    length  the longest text; window: how many tokens back each one sees (None: all).
    """
    sizes = {"vocabulary": vocabulary, "width": width, "heads": heads, "layers": layers}
    sizes |= {"length": length} | ({} if window is None else {"window": window})
    for name, size in sizes.items():
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            raise CourseError(f"{name}={size!r}; expected a whole number of at least 1.")
    if width % heads:
        raise CourseError(
            f"width={width} cannot be shared among heads={heads}; expected a multiple: try 64, 4."
        )
    return TinyTransformer(vocabulary, width, heads, layers, length, window, seeds).to(device())
