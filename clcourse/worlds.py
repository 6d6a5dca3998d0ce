"""The toy worlds of the course: digits in pairs, permuted or renamed, lists, hidden parities.

Three scenarios ask three questions (van de Ven, Tuytelaars & Tolias 2022): *task*-incremental
tells the learner which task it faces, *domain*-incremental keeps the answers and changes the
inputs, *class*-incremental adds classes and tells nothing.

`seeds=None` is one draw that all lanes share; `seeds=20` gives each lane its own split, class
order and permutation. Sizes are constants of the data set, never of the lanes present.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import torch

from clcourse.errors import CourseError
from clcourse.seeds import LaneRandom, Seeds
from clcourse.streams import Experience, Stream

TRAIN, VALIDATION, TEST = 128, 14, 32  # images a digit: 174, the size of the smallest class


@cache
def _digits() -> torch.Tensor:
    """scikit-learn's digits as (10 classes, 174 images, 64 pixels) in [0, 1].

    Grey levels are 0 … 16 by definition of the data set (Alpaydin & Kaynak 1998), so dividing by
    16 fits nothing to the data.
    """
    from sklearn.datasets import load_digits

    data = load_digits()
    images = torch.tensor(data.data / 16, dtype=torch.float32)
    labels = torch.tensor(data.target)
    size = TRAIN + VALIDATION + TEST
    return torch.stack([images[labels == digit][:size] for digit in range(10)])


def _digit_rows(seeds: Seeds | None) -> torch.Tensor:
    """Which of a class's 174 images come first: (lanes, 10, 174), an order a lane and a class."""
    random = LaneRandom(1 if seeds is None else seeds, "digits split")
    images = TRAIN + VALIDATION + TEST
    return torch.stack([random.permutation(images) for _ in range(10)], dim=1)


def _digit_parts(rows: torch.Tensor, classes: torch.Tensor) -> list[torch.Tensor]:
    """Train, validation and test images (lanes, chosen classes, images, 64) of the classes."""
    lane = torch.arange(len(rows))[:, None]
    chosen = _digits()[classes[..., None], rows[lane, classes]]
    return list(chosen.split((TRAIN, VALIDATION, TEST), dim=2))


def _experience(name: str, parts: list, labels: torch.Tensor, shared: bool, **more) -> Experience:
    """An Experience from image parts (lanes, classes, images, 64) and labels (lanes, classes)."""
    fields = []
    for part in parts:
        x, y = part.flatten(1, 2), labels.repeat_interleave(part.shape[2], dim=1)
        fields += [x[0], y[0]] if shared else [x, y]
    return Experience(name, *fields, **more)


def split_digits(scenario: str = "class", seeds: Seeds | None = None) -> Stream:
    """Ten handwritten digits in five experiences of two (8x8 pixels, 256 training images each).

    x  (seeds, 256, 64) in [0, 1]; y the digit, or 0/1 for first or second of the pair in the
    "domain" scenario. With `seeds` each lane draws its own pairs and its own split.
    """
    if scenario not in ("class", "task", "domain"):
        raise CourseError(
            f"Unknown scenario {scenario!r}; expected 'class', 'task' or 'domain': "
            "try split_digits('class')."
        )
    shared = seeds is None
    rows = _digit_rows(seeds)
    order = torch.arange(10)[None] if shared else LaneRandom(seeds, "class order").permutation(10)
    pairs = order.reshape(-1, 5, 2)

    def make(position: int) -> Experience:
        pair = pairs[:, position]
        labels = torch.arange(2).expand_as(pair) if scenario == "domain" else pair
        allowed = None
        if scenario == "task":
            allowed = torch.zeros(len(pair), 10, dtype=torch.bool).scatter(1, pair, True)
            allowed = allowed[0] if shared else allowed
        name = f"{2 * position} and {2 * position + 1}" if shared else f"pair {position + 1}"
        return _experience(name, _digit_parts(rows, pair), labels, shared, allowed=allowed)

    classes = 2 if scenario == "domain" else 10
    return Stream(make, 5, classes=classes, scenario=scenario, seeds=seeds)


def permuted_digits(tasks: int = 5, seeds: Seeds | None = None) -> Stream:
    """All ten digits in each experience, under a pixel order of its own; the first is unpermuted.

    x  (seeds, 1280, 64) in [0, 1]; y the digit. An experience is made when it is asked for.
    """
    shared = seeds is None
    lanes = 1 if shared else seeds
    rows = _digit_rows(seeds)
    labels = torch.arange(10).expand(len(rows), 10)

    def make(position: int) -> Experience:
        parts = _digit_parts(rows, labels)
        if position > 0:
            order = LaneRandom(lanes, f"pixel order {position}").permutation(64)
            parts = [part.gather(3, order[:, None, None].expand_as(part)) for part in parts]
        return _experience(f"order {position + 1}", parts, labels, shared)

    return Stream(make, tasks, classes=10, scenario="domain", seeds=seeds)


def turned(stream: Stream) -> Stream:
    """The same images in eight orientations, each orientation of a class a class of its own.

    Quarter turns and mirror images make more classes of few, as Santoro et al. 2016 did with
    letters. x must be (…, n, 64), images of 8 x 8; class c in orientation o is o · classes + c.
    """
    if stream[0].x.shape[-1] != 64:
        raise CourseError(
            f"Images of {stream[0].x.shape[-1]} numbers cannot be turned; expected 8 x 8 = 64: "
            "try cl.turned(cl.split_digits(seeds=…))."
        )

    def make(position: int) -> Experience:
        one = stream[position]
        parts = []
        for x, y in ((one.x, one.y), (one.x_val, one.y_val), (one.x_test, one.y_test)):
            labels = [y + o * stream.classes for o in range(8)] if y is not None else None
            parts += (_orientations(x), torch.cat(labels, -1)) if labels else (None, None)
        return Experience(f"{one.name}, turned", *parts)

    return Stream(make, len(stream), classes=8 * stream.classes, seeds=stream.seeds)


def _orientations(x: torch.Tensor) -> torch.Tensor:
    """Images (…, n, 64) upright and turned, then the same mirrored: (…, 8 n, 64)."""
    image = x.unflatten(-1, (8, 8))
    both = (image, image.flip(-1))
    each = [torch.rot90(one, quarter, (-2, -1)) for one in both for quarter in range(4)]
    return torch.cat([one.flatten(-2) for one in each], dim=-2)


def paired_lists(pairs: int = 8, share: int = 5, seeds: Seeds | None = None) -> Stream:
    """Two lists over the same cues: learn cue → B, then cue → C (AB-AC; Barnes & Underwood 1959).

    x  (seeds, pairs, 160): 8 of 80 units for the cue, 8 of 80 for the list's context, of which
    `share` (0 … 8) are common to both lists; y: B is class i, C is class pairs + i. What is asked
    at the end is what was studied, so the three parts are the same.
    """
    if pairs < 1 or not 0 <= share <= 8:
        raise CourseError(
            f"pairs={pairs}, share={share}: expected at least 1 pair and 0 to 8 shared context "
            "units: try paired_lists(pairs=8, share=5)."
        )
    shared = seeds is None
    random = LaneRandom(1 if shared else seeds, "paired lists")
    cues = torch.stack([random.permutation(80)[:, :8] for _ in range(pairs)], dim=1)
    units = random.permutation(80)
    contexts = units[:, :8], torch.cat([units[:, :share], units[:, 8 : 16 - share]], dim=1)

    def make(position: int) -> Experience:
        x = torch.zeros(len(cues), pairs, 160)
        x.scatter_(2, cues, 1.0)
        x.scatter_(2, 80 + contexts[position][:, None].expand_as(cues), 1.0)
        y = (torch.arange(pairs) + pairs * position).expand(len(cues), pairs)
        x, y = (x[0], y[0]) if shared else (x, y)
        return Experience(("A-B list", "A-C list")[position], x, y, x, y, x, y)

    return Stream(make, 2, classes=2 * pairs, scenario="class", seeds=seeds)


def hidden_parity(tasks: int = 5, each: int = 3, seeds: Seeds | None = None) -> Stream:
    """Tasks whose features have to be invented: is the product of `each` hidden inputs positive?

    x  (seeds, 512, tasks · each) of ±1, drawn afresh for every task; y: task t asks for the sign
    of the product of inputs of its own, and answers 2t (no) or 2t + 1 (yes); the learner is told
    the task. No single input says anything about y (Minsky & Papert 1969, chapter 3).
    """
    if tasks < 1 or each < 1:
        raise CourseError(
            f"tasks={tasks}, each={each}: expected at least 1 task of at least 1 input: "
            "try hidden_parity(tasks=5, each=3)."
        )
    shared, inputs, sizes = seeds is None, tasks * each, (512, 64, 256)
    random = LaneRandom(1 if shared else seeds, "parity inputs")
    places = random.permutation(inputs).reshape(-1, tasks, each)

    def make(position: int) -> Experience:
        drawn = LaneRandom(random.seeds, f"parity {position}").uniform(sum(sizes) * inputs)
        x = torch.where(drawn < 0.5, -1.0, 1.0).reshape(-1, sum(sizes), inputs)
        own = places[:, None, position].expand(*x.shape[:2], each)
        y = 2 * position + (x.gather(2, own).prod(dim=2) > 0).long()
        allowed = torch.zeros(len(x), 2 * tasks, dtype=torch.bool)
        allowed[:, 2 * position : 2 * position + 2] = True
        parts = [
            part[0] if shared else part
            for pair in zip(x.split(sizes, dim=1), y.split(sizes, dim=1), strict=True)
            for part in pair
        ]
        return Experience(
            f"parity {position + 1}", *parts, allowed=allowed[0] if shared else allowed
        )

    return Stream(make, tasks, classes=2 * tasks, scenario="task", seeds=seeds)


MOVED = 4  # digits that change their names in a context
SPREAD = 0.35  # about how far a pixel strays from its mean


def relabelled_digits(
    contexts: int = 20,
    examples: int = 240,
    *,
    base: int = 1280,
    different: int | None = None,
    seeds: Seeds | None = None,
) -> Stream:
    """The ten digits under their own names, then contexts in which four digits swap names.

    Experience 0, the base, has `base` training examples; each of the `contexts` that follow has
    `examples`. A context gives each of four random digits the name of the next of the four, and
    the last the name of the first; no image says which context it is from. With `different=3`
    only three relabellings are drawn, which come back in turn, each time with images drawn anew.

    x  (seeds, examples, 64), drawn from the same 1280 training images, less their mean image and
    divided by .35: as grey levels in [0, 1] no network adapts in 30 steps; y the name.
    """
    counts = {"contexts": contexts, "examples": examples, "base": base}
    counts |= {} if different is None else {"different": different}
    if any(not isinstance(n, int) or isinstance(n, bool) or n < 1 for n in counts.values()):
        raise CourseError(
            f"{', '.join(f'{name}={n!r}' for name, n in counts.items())}; expected whole numbers "
            "of at least 1: try relabelled_digits(contexts=20, examples=240, base=1280)."
        )
    shared = seeds is None
    lanes, rows = 1 if shared else seeds, _digit_rows(seeds)
    digits = torch.arange(10).expand(len(rows), 10)

    def make(position: int) -> Experience:
        count = examples if position else base
        named, name = digits, "the base"
        if position:
            which = (position - 1) % different + 1 if different else position
            four = LaneRandom(lanes, f"relabelling {which}").permutation(10)[:, :MOVED]
            named = digits.scatter(1, four, four.roll(-1, dims=1))
            name = f"context {position}"
        parts = _digit_parts(rows, digits)
        mean = parts[0].mean(dim=(1, 2), keepdim=True)
        centred = [(part - mean) / SPREAD for part in parts]
        one = _experience(name, centred, named, shared=False)
        random = LaneRandom(lanes, f"images of context {position}")
        passes = -(-count // one.y.shape[1])
        chosen = torch.cat([random.permutation(one.y.shape[1]) for _ in range(passes)], dim=1)
        lane, chosen = torch.arange(len(rows))[:, None], chosen[:, :count]
        one = replace(one, x=one.x[lane, chosen], y=one.y[lane, chosen])
        parts = (getattr(one, part) for part in ("x", "y", "x_val", "y_val", "x_test", "y_test"))
        return Experience(name, *(part[0] for part in parts)) if shared else one

    return Stream(make, contexts + 1, classes=10, scenario="context", seeds=seeds)
