"""Growing up: a tiny transformer learns its people by heart, and learns to read.

Closed book, the answer must come from the weights: <start> lives-in Ada Finch → Lima. Open book, it
must come from the context, because every episode invents its own facts:

    <start> fact fact fact fact ? fact fact fact fact       the last four in another order

and each value after the question mark can be found before it. Both are trained together, once,
before any stream: pretraining.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import warnings
from importlib.metadata import version
from pathlib import Path

import torch

from clcourse.errors import CourseError
from clcourse.facts import (
    ASK,
    ATTRIBUTES,
    EVERY,
    FIRST,
    LAST,
    NUMBER,
    START,
    VALUES,
    WORDS,
    Facts,
    World,
)
from clcourse.learner import cross_entropy
from clcourse.seeds import LaneRandom, Seeds, device, progress
from clcourse.transformer import TinyTransformer, tiny_transformer

NOTES = 4  # facts in an episode
TEXTS = 32  # episodes in a step, beside twice as many questions without a book


def with_context(notes: torch.Tensor, questions: torch.Tensor) -> torch.Tensor:
    """Notes and one question as a text: (seeds, questions, 2 + 4 notes + 3).

    notes  (seeds, questions, notes, 4), one list for each question; questions (seeds, questions, 4)
    as in Facts.x. The text reads: <start> notes ? attribute first last
    """
    if notes.dim() != 4 or notes.shape[:2] != questions.shape[:2] or notes.shape[-1] != 4:
        raise CourseError(
            f"Notes {tuple(notes.shape)} and questions {tuple(questions.shape)} do not fit; "
            "expected (seeds, questions, notes, 4) and (seeds, questions, 4)."
        )
    ask = torch.full_like(questions[..., :1], NUMBER[ASK])
    return torch.cat([questions[..., :1], notes.flatten(2), ask, questions[..., 1:]], dim=-1)


def episodes(random: LaneRandom, count: int, rules: float = 0.0) -> torch.Tensor:
    """Texts of four invented facts, asked for in another order: (seeds, count, 34).

    The facts of a text share two first names and two family names, so that only all three words
    together tell which one is meant. With chance `rules` a fact about the first of the two is
    written for the whole family ("likes every Finch chess") and asked of somebody else; what is
    written about one member goes before the rule.
    """

    def drawn(among: int, size: int) -> torch.Tensor:
        """`size` different numbers below `among`, for each text."""
        return random.uniform(count * among).reshape(-1, count, among).argsort(-1)[..., :size]

    pair = drawn(4 * len(ATTRIBUTES), NOTES)
    which, one, family = pair // 4, pair // 2 % 2, pair % 2
    names = drawn(len(FIRST), 2 + NOTES)
    first = names[..., :2].gather(2, one)
    last = drawn(len(LAST), 2).gather(2, family)
    value = random.integers(count * NOTES, len(VALUES[0])).reshape(first.shape)
    facts = torch.stack(
        [
            NUMBER[ATTRIBUTES[0]] + which,
            NUMBER[FIRST[0]] + first,
            NUMBER[LAST[0]] + last,
            NUMBER[VALUES[0][0]] + len(VALUES[0]) * which + value,
        ],
        dim=-1,
    )
    written = facts.clone()
    ruled = (one == 0) & (random.uniform(count * NOTES).reshape(first.shape) < rules)
    written[..., 1] = torch.where(ruled, NUMBER[EVERY], facts[..., 1])
    facts[..., 1] = torch.where(ruled, NUMBER[FIRST[0]] + names[..., 2:], facts[..., 1])
    order = drawn(NOTES, NOTES)
    asked = facts.gather(2, order[..., None].expand_as(facts))
    start, ask = (torch.full_like(order[..., :1], NUMBER[word]) for word in (START, ASK))
    return torch.cat([start, written.flatten(2), ask, asked.flatten(2)], dim=-1).to(device())


def reading_loss(network: TinyTransformer, texts: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of the four values after the question mark: (seeds,)."""
    places = torch.arange(4 * NOTES + 5, 8 * NOTES + 2, 4, device=texts.device)
    logits = network(texts[..., :-1], everywhere=True)[:, :, places - 1]
    return cross_entropy(logits.flatten(1, 2), texts[..., places].flatten(1))


@torch.enable_grad()
def grow_up(
    network: TinyTransformer,
    world: World,
    *,
    steps: int = 200,
    lr: float = 5e-3,
    rules: float = 0.0,
) -> TinyTransformer:
    """A copy of the networks that knows its people by heart and can read.

    loss = closed book + open book, 64 questions and 32 texts a step. AdamW (Loshchilov & Hutter
    2019), 50 steps of warm-up, then a cosine down to a twentieth; gradients are clipped to length
    1, a lane at a time.
    """
    if network.seeds != world.seeds:
        raise CourseError(
            f"The networks have lanes {list(network.seeds)} and the world {list(world.seeds)}; "
            "expected the same: make both with the same seeds=."
        )
    network, known = network.copy(), world.facts("people")
    random = LaneRandom(world.seeds, "pretraining")
    optimiser = torch.optim.AdamW(network.parameters(), lr, betas=(0.9, 0.98), weight_decay=0.01)
    lane = torch.arange(len(world.seeds))[:, None]
    for step in progress(range(steps), "pretraining"):
        chosen = random.integers(2 * TEXTS, len(known))
        closed = cross_entropy(network(known.x[lane, chosen]), known.y[lane, chosen])
        loss = closed + reading_loss(network, episodes(random, TEXTS, rules))
        optimiser.zero_grad()
        loss.sum().backward()
        clip_each_lane(network, 1.0)
        optimiser.param_groups[0]["lr"] = lr * schedule(step, steps)
        optimiser.step()
    return network


def schedule(step: int, steps: int, warm_up: int = 50, last: float = 0.05) -> float:
    """Share of the learning rate: up in a straight line, down along a cosine."""
    if step < warm_up:
        return (step + 1) / warm_up
    gone = (step - warm_up) / max(1, steps - warm_up)
    return last + (1 - last) * 0.5 * (1 + math.cos(math.pi * gone))


@torch.no_grad()
def clip_each_lane(network: torch.nn.Module, longest: float) -> None:
    """Shorten each lane's gradient to a length of at most `longest`."""
    gradients = [θ.grad for θ in network.parameters() if θ.grad is not None]
    length = sum(g.flatten(1).square().sum(dim=1) for g in gradients).sqrt()
    share = (longest / length.clamp(min=1e-12)).clamp(max=1.0)
    for g in gradients:
        g.mul_(share.reshape(-1, *[1] * (g.dim() - 1)))


# -- weights on disk --


def grown_up(
    world: World,
    *,
    layers: int = 1,
    window: int | None = None,
    places: int | None = None,
    steps: int = 200,
    rules: float = 0.0,
) -> TinyTransformer:
    """`grow_up`, or what it gave before with the same settings: weights are kept on disk.

    They lie in the folder CLCOURSE_CACHE, or in ~/.cache/clcourse, and may be deleted at any time.
    """
    shape = {"layers": layers, "window": window, "places": places}
    fresh = tiny_transformer(len(WORDS), **shape, seeds=world.seeds)
    settings = {
        "version": version("clcourse"),
        "code": _code(),
        "world": hashlib.sha256(world.facts("people").notes().cpu().numpy()).hexdigest(),
        "seeds": world.seeds,
        "steps": steps,
        "rules": rules,
    } | shape
    key = hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:16]
    path = cache_folder() / f"grown_up_{key}.safetensors"
    if path.exists() and _loaded(fresh, path):
        return fresh
    grown = grow_up(fresh, world, steps=steps, rules=rules)
    _save(grown, path)
    return grown


def _code() -> str:
    """A fingerprint of the code that the weights depend on: after a change they are made again."""
    rooms = ("seeds", "facts", "transformer", "learner", "reading")
    texts = [Path(__file__).with_name(f"{room}.py").read_bytes() for room in rooms]
    return hashlib.sha256(b"".join(texts)).hexdigest()


def cache_folder() -> Path:
    """Where weights are kept between runs."""
    return Path(os.environ.get("CLCOURSE_CACHE") or Path.home() / ".cache" / "clcourse")


def _save(network: TinyTransformer, path: Path) -> None:
    """Write the weights; the file is there whole or not at all."""
    from safetensors.torch import save

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f"{path.name}.{os.getpid()}.unfinished")
        unfinished.write_bytes(save({k: v.cpu() for k, v in network.state_dict().items()}))
        unfinished.replace(path)
    except OSError as error:
        warnings.warn(
            f"The weights could not be kept ({error}); they work all the same.", stacklevel=3
        )


def _loaded(network: TinyTransformer, path: Path) -> bool:
    """Fill the network from a file; say so and return False if the file is damaged."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        network.load_state_dict(load(path.read_bytes()))
        return all(bool(torch.isfinite(θ).all()) for θ in network.parameters())
    except (SafetensorError, RuntimeError, OSError, ValueError) as error:
        warnings.warn(
            f"The kept weights {path.name} are damaged ({type(error).__name__}); training again.",
            stacklevel=3,
        )
        return False


def reading_list(facts: Facts, others: int, *, at: int | None = None, seeds: Seeds) -> torch.Tensor:
    """For each fact its own note among `others` more of these facts: (seeds, facts, others + 1, 4).

    at  the place of the right note, 0 for the first (None: any); the others stand in random order.
    """
    count = len(facts)
    if not 0 <= others < count or not (at is None or 0 <= at <= others):
        raise CourseError(
            f"others={others!r}, at={at!r}; expected 0 to {count - 1} other notes and a place from "
            "0 to their number: try others=2, at=None."
        )
    random = LaneRandom(seeds, "reading list")
    likes = random.uniform(count * count).reshape(-1, count, count)
    own = torch.arange(count)
    likes[:, own, own] = -1.0  # the own note first, then the others in random order
    place = likes.argsort(-1)[..., : others + 1]
    spot = random.integers(count, others + 1) if at is None else torch.full(likes.shape[:2], at)
    order = torch.arange(others + 1).expand(place.shape)
    order = torch.where(order == spot[..., None], 0, order + (order < spot[..., None]))
    place = place.gather(2, order).to(facts.x.device)
    lane = torch.arange(len(place), device=place.device)[:, None, None]
    return facts.notes()[lane, place]


@torch.no_grad()
def recall(network: TinyTransformer, facts: Facts) -> torch.Tensor:
    """Share of closed-book questions answered right: (seeds,)."""
    return (network(facts.x).argmax(dim=-1) == facts.y).float().mean(dim=1)


@torch.no_grad()
def reads(network: TinyTransformer, notes: torch.Tensor, facts: Facts) -> torch.Tensor:
    """The same with notes in the context, (seeds, questions, notes, 4): (seeds,)."""
    answers = network(with_context(notes, facts.x)).argmax(dim=-1)
    return (answers == facts.y).float().mean(dim=1)
