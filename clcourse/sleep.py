"""Four small worlds in which two memory systems can be told apart: lists, facts, nights, a teacher.

Two lists whose context drifts; facts about animals and plants, and one that does not fit; a month
of episodes, replayed by night; a teacher who errs. Each is in the style of a published experiment,
which is named beside it. All have a leading axis of subjects, which are the lanes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F

from clcourse.complementary import Neocortex
from clcourse.errors import CourseError
from clcourse.hippocampus import Hippocampus, k_winners, overlap
from clcourse.replay import Reservoir
from clcourse.seeds import LaneRandom, Seeds, device, lane_ids
from clcourse.streams import Stream
from clcourse.worlds import paired_lists

# -- two lists --


def drifting_lists(
    pairs: int = 8, share: int = 5, drift: int = 2, seeds: Seeds = 20
) -> Stream:
    """The two lists of `paired_lists`, while the context drifts: no two pairs have quite the same.

    For each pair `drift` of the 8 active context units are swapped for others at random. So two
    pairs of a list share fewer than 8 - drift context units and a bit, instead of all 8. The swap
    is drawn once: whenever a pair is shown again, it looks the same.
    """
    if not 0 <= drift <= 8:
        raise CourseError(f"drift={drift!r}; expected 0 to 8 of the 8 context units: try 2.")
    stream = paired_lists(pairs, share, seeds=lane_ids(seeds))

    def make(position: int):
        old = stream[position]
        x = drifted(old.x, drift, LaneRandom(seeds, f"drifting context {position}"))
        return replace(old, x=x, x_val=x, x_test=x)

    return Stream(make, 2, classes=stream.classes, scenario="class", seeds=stream.seeds)


def drifted(x: torch.Tensor, drift: int, random: LaneRandom) -> torch.Tensor:
    """Cues of a list, each with `drift` of its 8 active context units swapped for others."""
    x, context = x.clone(), x[..., 80:]
    noise = random.uniform(2 * context[0].numel()).reshape(len(x), 2, *context.shape[1:])
    leave, come = noise.to(x).unbind(dim=1)
    kept = k_winners(context * (1 + leave), 8 - drift) if drift < 8 else 0 * context
    fresh = k_winners((1 - context) * (1 + come), drift) if drift else 0 * context
    x[..., 80:] = kept + fresh
    return x


# -- facts --

KINDS = {  # item: what it is, how it looks, what it can do, what it has
    "pine": ("living-thing plant tree pine", "big green", "grow", "bark leaves roots"),
    "oak": ("living-thing plant tree oak", "big", "grow", "bark leaves roots"),
    "rose": ("living-thing plant flower rose", "red", "grow", "petals leaves roots"),
    "daisy": ("living-thing plant flower daisy", "yellow", "grow", "petals leaves roots"),
    "robin": ("living-thing animal bird robin", "red", "grow move fly", "skin wings feathers"),
    "canary": ("living-thing animal bird canary", "yellow", "grow move fly sing",
               "skin wings feathers"),
    "sunfish": ("living-thing animal fish sunfish", "yellow", "grow move swim",
                "skin gills scales"),
    "salmon": ("living-thing animal fish salmon", "red", "grow move swim", "skin gills scales"),
    "penguin": ("living-thing animal bird penguin", "", "grow move swim", ""),
    "sparrow": ("living-thing animal bird sparrow", "", "grow move fly", ""),
}
RELATIONS = ("ISA", "is", "can", "has")
ATTRIBUTES = tuple(dict.fromkeys(
    word for relation in range(4) for facts in KINDS.values() for word in facts[relation].split()
))


class Facts:
    """A network that learns facts such as "a robin can: grow, move, fly" (after Rumelhart 1990).

    item → 8 units ↘
                     15 units → an output for each attribute        all units logistic
           relation ↗

    Learning is gradient descent on the summed squared error of all facts at once (an epoch).
    McClelland, McNaughton & O'Reilly (1995) teach such a network about the penguin.
    """

    def __init__(self, seeds: Seeds = 20, lr: float = 0.1) -> None:
        self.lr, random = lr, LaneRandom(seeds, "facts")
        self.seeds = random.seeds
        outputs, self.names = len(ATTRIBUTES), list(KINDS)

        def weights(rows: int, columns: int) -> torch.Tensor:
            uniform = random.uniform(rows * columns).reshape(-1, rows, columns).float()
            return (1.8 * uniform - 0.9).to(device()).requires_grad_()

        def bias(units: int, start: float) -> torch.Tensor:
            here = torch.full((len(self.seeds), 1, units), start, device=device())
            return here.requires_grad_()

        self.weights = [
            weights(len(KINDS), 8), weights(8, 15), weights(len(RELATIONS), 15), bias(15, 0.0),
            weights(15, outputs), bias(outputs, -2.0),
        ]

    def __call__(self, item: torch.Tensor, relation: torch.Tensor) -> torch.Tensor:
        """Attributes from 0 to 1: (seeds, facts, attributes), of one-hot rows (facts, …)."""
        of_item, of_code, of_relation, offset, out, floor = self.weights
        code = (item @ of_item).sigmoid()
        hidden = (code @ of_code + relation @ of_relation + offset).sigmoid()
        return (hidden @ out + floor).sigmoid()

    def learn(self, facts: tuple, only: torch.Tensor | None = None) -> None:
        """One epoch; only (seeds, facts) of 0 and 1 picks facts for each lane."""
        item, relation, target = facts
        error = (self(item, relation) - target).square().sum(dim=2)
        loss = (error if only is None else error * only).sum()
        gradients = torch.autograd.grad(loss, self.weights)
        with torch.no_grad():
            for θ, g in zip(self.weights, gradients, strict=True):
                θ.sub_(g, alpha=self.lr)

    @torch.no_grad()
    def exact(self, facts: tuple) -> torch.Tensor:
        """Share of facts of which every attribute is on the right side of one half: (seeds,)."""
        item, relation, target = facts
        right = (self(item, relation) > 0.5) == (target > 0.5)
        return right.all(dim=2).float().mean(dim=1)

    @torch.no_grad()
    def believes(self, item: str, relation: str, attribute: str) -> torch.Tensor:
        """How active one attribute is: (seeds,)."""
        one = facts_about([item], [relation])
        return self(*one[:2])[:, 0, ATTRIBUTES.index(attribute)]

    def copy(self) -> Facts:
        """An independent copy of the networks."""
        other = Facts(self.seeds, self.lr)
        other.weights = [θ.detach().clone().requires_grad_() for θ in self.weights]
        return other


def facts_about(items: Sequence[str], relations: Sequence[str] = RELATIONS) -> tuple:
    """Facts as (item, relation, attributes), one row for each item and relation."""
    unknown = [one for one in items if one not in KINDS]
    if unknown or not items:
        raise CourseError(f"No facts about {unknown}; expected some of {', '.join(KINDS)}.")
    rows = [(one, relation) for one in items for relation in relations]
    item = torch.tensor([list(KINDS).index(one) for one, _ in rows])
    relation = torch.tensor([RELATIONS.index(one) for _, one in rows])
    target = torch.zeros(len(rows), len(ATTRIBUTES))
    for row, (one, which) in enumerate(rows):
        for word in KINDS[one][RELATIONS.index(which)].split():
            target[row, ATTRIBUTES.index(word)] = 1.0
    parts = F.one_hot(item, len(KINDS)).float(), F.one_hot(relation, 4).float(), target
    return tuple(part.to(device()) for part in parts)


def together(*facts: tuple) -> tuple:
    """Several sets of facts as one."""
    return tuple(torch.cat(parts) for parts in zip(*facts, strict=True))


# -- a month of nights --


class Month:
    """Days with a few episodes each, cue → answer; by night replays teach a cortex.

    Cue and answer are random patterns, `active` of `units` units each. An answer is right when two
    thirds of its units are (the most active ones are said).
    """

    def __init__(
        self, days: int = 30, each: int = 5, units: int = 120, active: int = 12, seeds: Seeds = 10
    ) -> None:
        self.days, self.each, self.units, self.active = days, each, units, active
        noise = LaneRandom(seeds, "month").uniform(days * each * 2 * units)
        noise = noise.reshape(-1, days * each, 2, units).float().to(device())
        self.seeds = lane_ids(seeds)
        self.cues, self.answers = k_winners(noise, active).unbind(dim=2)

    def until(self, day: int) -> slice:
        """The episodes of days 1 … day."""
        return slice(0, day * self.each)

    def episodes(self, day: int) -> torch.Tensor:
        """Whole episodes of one day, cue beside answer: (seeds, each, 2 units)."""
        here = slice((day - 1) * self.each, day * self.each)
        return torch.cat([self.cues[:, here], self.answers[:, here]], dim=-1)

    def right(self, said: torch.Tensor) -> torch.Tensor:
        """Share right by day learnt: (seeds, days so far); said (seeds, episodes, units)."""
        answers = self.answers[:, : said.shape[1]]
        right = overlap(k_winners(said, self.active), answers) >= 2 / 3
        return right.float().unflatten(1, (-1, self.each)).mean(dim=2)

    def dreams(self, fast: Hippocampus | Reservoir, count: int = 150):
        """Night for night: (replays (seeds, count, 2 units), what the store itself recalls).

        A Hippocampus is asked by the cue; a shoebox (Reservoir) cannot be asked, and gives None.
        """
        for day in range(1, self.days + 1):
            today = self.episodes(day)
            if isinstance(fast, Reservoir):
                fast.add(today, today[..., 0].long())
                yield fast.sample(count)[0], None
            else:
                fast.store(today, F.pad(today[..., : self.units], (0, self.units)))
                cues = F.pad(self.cues[:, self.until(day)], (0, self.units))
                yield fast.replay(count), self.right(fast.recall(cues)[..., self.units :])

    def consolidate(
        self, cortex: Neocortex, nights, steps: int = 20, batch: int = 32
    ) -> torch.Tensor:
        """What the cortex alone can do after each night: (seeds, night, day learnt); NaN: not yet.

        nights  the replays of each night (seeds, count, 2 units); steps of learning a night
        """
        random = LaneRandom(self.seeds, "nights")
        table = torch.full((len(self.seeds), self.days, self.days), torch.nan)
        lane = torch.arange(len(self.seeds))[:, None]
        for night, replays in enumerate(nights):
            for _ in range(steps):
                some = replays[lane, random.integers(batch, replays.shape[1])]
                cortex.learn(some[..., : self.units], some[..., self.units :])
            said = cortex.answer(self.cues[:, self.until(night + 1)])
            table[:, night, : night + 1] = self.right(said).cpu()
        return table


# -- a teacher who errs --


class NoisyTeacher:
    """y = w·x + ε: episodes of which a part can be predicted, and a part is chance.

    x ~ N(0, 1/n), w ~ N(0, s/(s+1)), ε ~ N(0, 1/(s+1)), with s the signal-to-noise ratio: y has
    variance 1 at every s. Teacher, sizes and student as in Sun et al. (2023, Nat. Neurosci. 26):
    as many episodes (`count`) as inputs (`n`), where a student can overfit them worst.
    """

    def __init__(
        self, ratio: float, n: int = 100, tests: int = 1000, seeds: Seeds = 20,
        count: int | None = None,
    ) -> None:
        if not ratio > 0:
            raise CourseError(f"ratio={ratio!r}; expected signal to noise above 0: try 1.")
        random = LaneRandom(seeds, "noisy teacher")
        signal = 1.0 if ratio == float("inf") else ratio / (ratio + 1)
        w = random.normal(n, 1) * signal**0.5

        def drawn(count: int) -> tuple[torch.Tensor, torch.Tensor]:
            x = random.normal(count, n) / n**0.5
            return x, x @ w + random.normal(count, 1) * (1 - signal) ** 0.5

        self.episodes, self.held_out, self.tests = drawn(count or n), drawn(n // 4), drawn(tests)

    def sleep(self, x, y, moments: Sequence[int], lr: float = 0.015) -> dict[str, torch.Tensor]:
        """A linear student learns from replayed x, y; its errors: (seeds, moments) for each name.

        moments  after how many epochs to ask, rising: "test" new episodes, "held out" ones, which
        are not replayed, and the "episodes" themselves. The error is the mean square.
        """
        w = torch.zeros(len(x), x.shape[2], 1)
        gram, cross = x.mT @ x, x.mT @ y
        asked = {"test": self.tests, "held out": self.held_out, "episodes": self.episodes}
        errors = {name: [] for name in asked}
        for epoch in range(moments[-1] + 1):
            if epoch in moments:
                for name, (inputs, wanted) in asked.items():
                    errors[name].append((inputs @ w - wanted).square().mean(dim=(1, 2)))
            w = w + lr * (cross - gram @ w)
        return {name: torch.stack(lanes, dim=1) for name, lanes in errors.items()}
