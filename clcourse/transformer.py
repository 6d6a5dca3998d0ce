"""A tiny transformer with a seed axis: attention, a window, and a cache, all in view.

Pre-norm and causal (Vaswani et al. 2017; Radford et al. 2019), with two departures. Each token's
vector also holds traces of the tokens just before it, a short convolution (Poli et al. 2023), so
that a single layer can already find a fact by all of its words and copy its value, which otherwise
takes two layers (the induction head of Olsson et al. 2022). And there is no table of places unless
it is asked for: without one, a longer context is nothing strange (Kazemnejad et al. 2023). Keys
begin as queries, so that likeness attracts from the start (after Trockman & Kolter 2023): it learns
to read sooner (`studies/06_growing_up.py`).
"""

from __future__ import annotations

import copy
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from clcourse.errors import CourseError
from clcourse.seeds import LaneRandom, Seeds, device

TRACES = 3  # tokens whose traces each one carries: a fact has four words


class Cache(NamedTuple):
    """What is kept of the tokens read so far, so that none is read twice.

    keys, values  (layers, seeds · batch, heads, tokens, width / heads)
    last          (seeds, batch, up to 3): the last tokens, whose traces the next ones carry
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

    h_t = c_0 E[token_t] + c_1 E[token_{t-1}] + c_2 E[token_{t-2}] + c_3 E[token_{t-3}]   (+ P_t)
    h ← h + attention(norm(h)),  h ← h + MLP(norm(h))  in each layer,  logits = norm(h) U

    attention = softmax(q kᵀ / √(width / heads)) v over the tokens up to t; with `window` = w only
    over the last w of them. tokens (seeds, batch, length) → logits (seeds, batch, vocabulary) after
    the last token, or with everywhere=True (seeds, batch, length, vocabulary).
    """

    accepts = ("tokens",)

    def __init__(self, vocabulary, width, heads, layers, window, places, seeds) -> None:
        super().__init__()
        random = LaneRandom(seeds, "transformer weights")
        self.seeds, self.heads, self.layers = random.seeds, heads, layers
        self.vocabulary, self.width, self.window, self.places = vocabulary, width, window, places

        def normal(rows: int, columns: int, scale: float) -> nn.Parameter:
            return nn.Parameter(scale * random.normal(rows, columns))

        def matrix(rows: int, columns: int) -> nn.Parameter:
            return normal(rows, columns, rows**-0.5)

        def constant(value: float, columns: int = width) -> nn.Parameter:
            return nn.Parameter(torch.full((len(self.seeds), 1, columns), value))

        self.E, self.c = normal(vocabulary, width, 0.05), normal(TRACES + 1, width, 0.3)
        self.c.data += 1.0
        self.P = None if places is None else normal(places, width, 0.05)
        self.blocks = nn.ModuleList()
        for _ in range(layers):
            block = nn.ParameterDict(
                {name: matrix(width, width) for name in ("query", "key", "value", "output")}
                | {"up": matrix(width, 4 * width), "down": matrix(4 * width, width)}
                | {"up_bias": constant(0.0, 4 * width), "down_bias": constant(0.0)}
                | {f"{kind}_{place}": constant(float(kind == "scale"))
                   for place in ("attention", "mlp") for kind in ("scale", "shift")}
            )  # fmt: skip
            block["key"].data.copy_(block["query"].data)  # attention begins as likeness
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
            if layer == self.layers - 1 and not everywhere:  # nobody looks at the others now
                h, attended = h.unflatten(1, (batch, new))[:, :, -1], attended[:, :, -1:]
            h = h + attended.flatten(1, 2) @ block["output"]
            seen = _normalised(h, block["scale_mlp"], block["shift_mlp"])
            h = h + self._mlp(seen, block)
            keys.append(k)
            values.append(v)
        logits = _normalised(h, self.scale, self.shift) @ self.U
        if everywhere:
            logits = logits.unflatten(1, (batch, new))
        read = new + (0 if cache is None else cache.read)
        before = tokens if cache is None else torch.cat([cache.last, tokens], dim=-1)
        last = before[..., -TRACES:]
        return logits, Cache(torch.stack(keys), torch.stack(values), last, read)

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
        """Vectors of the tokens, with traces of those before: (seeds, batch · length, width)."""
        old = 0 if cache is None else cache.last.shape[2]
        known = tokens if cache is None else torch.cat([cache.last, tokens], dim=2)
        lanes, batch, length = known.shape
        lane = torch.arange(lanes, device=tokens.device)[:, None]
        e = self.E[lane, known.flatten(1)].unflatten(1, (batch, length))
        c = self.c[:, :, None, None]  # (seeds, traces, 1, 1, width)
        h = c[:, 0] * e
        for back in range(1, min(TRACES + 1, length)):
            h = h + c[:, back] * F.pad(e[:, :, :-back], (0, 0, back, 0))
        h = h[:, :, old:]
        if self.P is not None:
            start = 0 if cache is None else cache.read
            h = h + self.P[:, None, start : start + tokens.shape[2]]
        return h.flatten(1, 2)

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

    def _mlp(self, seen: torch.Tensor, block) -> torch.Tensor:
        """What the units say of each token by itself: (seeds, tokens, width)."""
        return torch.baddbmm(block["down_bias"], self._units(seen, block), block["down"])

    def _units(self, seen: torch.Tensor, block) -> torch.Tensor:
        """gelu(x up + bias), how active each hidden unit is: (seeds, tokens, 4 width)."""
        return F.gelu(torch.baddbmm(block["up_bias"], seen, block["up"]))

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
        if tokens.shape[2] < 1 or read + tokens.shape[2] > (self.places or torch.inf):
            raise CourseError(
                f"A text of {read + tokens.shape[2]} tokens does not fit; expected at least 1"
                f"{f' and at most {self.places}, one for each place' if self.places else ''}: "
                "shorten the context."
            )
        if bool(((tokens < 0) | (tokens >= self.vocabulary)).any()):
            raise CourseError(
                f"A token is outside 0 … {self.vocabulary - 1}; expected numbers of the "
                "vocabulary: make them with cl.tokens(text)."
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
    window: int | None = None,
    places: int | None = None,
    seeds: Seeds = 1,
) -> TinyTransformer:
    """Small transformers, one a lane, on `cl.device()`.

    window  how many tokens each one sees, itself and those just before it (None: all);
    places  the length of a table of places, and so of the longest text (None: no table, no limit).
    """
    sizes = {"vocabulary": vocabulary, "width": width, "heads": heads, "layers": layers}
    sizes |= {} if window is None else {"window": window}
    sizes |= {} if places is None else {"places": places}
    for name, size in sizes.items():
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            raise CourseError(f"{name}={size!r}; expected a whole number of at least 1.")
    if width % heads:
        raise CourseError(
            f"width={width} cannot be shared among heads={heads}; expected a multiple: try 64, 4."
        )
    return TinyTransformer(vocabulary, width, heads, layers, window, places, seeds).to(device())
