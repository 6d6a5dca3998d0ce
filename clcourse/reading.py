"""Growing up: a tiny transformer learns its people by heart, and learns to read.

Closed book, the answer must come from the weights: <start> lives-in Ada Finch → Lima. Open book, it
must come from the context, because every episode invents its own facts:

    <start> fact fact fact fact ? fact fact fact fact       the last four in another order

and each value after the question mark can be found before it. Both are trained together, once,
before any stream: pretraining.
"""

from __future__ import annotations

import hashlib

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
from clcourse.pretraining import clip_each_lane, kept, schedule
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


def grown_up(
    world: World,
    *,
    layers: int = 1,
    window: int | None = None,
    places: int | None = None,
    steps: int = 200,
    rules: float = 0.0,
) -> TinyTransformer:
    """`grow_up`, or what it gave before with the same settings: weights are kept on disk."""
    shape = {"layers": layers, "window": window, "places": places}
    fresh = tiny_transformer(len(WORDS), **shape, seeds=world.seeds)
    settings = {
        "world": hashlib.sha256(world.facts("people").notes().cpu().numpy()).hexdigest(),
        "seeds": world.seeds,
        "steps": steps,
        "rules": rules,
    } | shape
    rooms = ("seeds", "facts", "transformer", "learner", "pretraining", "reading")
    return kept(
        "grown_up", fresh, settings, rooms, lambda: grow_up(fresh, world, steps=steps, rules=rules)
    )


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
