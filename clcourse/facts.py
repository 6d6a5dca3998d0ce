"""A toy world of people and facts, in words that can be read aloud.

    lives-in Ada Finch Lima      works-as Ada Finch baker      likes Ada Finch chess

Who lives where is drawn at random for each lane, so a fact can be known only by having met it. The
people are divided once: those the network grows up with, newcomers, and strangers, about whom
nothing is ever taught. So memory (a fact met before) and generalisation (a rule, or reading about a
stranger) cannot be mixed up.
"""

from __future__ import annotations

from typing import NamedTuple

import torch

from clcourse.errors import CourseError
from clcourse.seeds import LaneRandom, Seeds, device
from clcourse.streams import Experience, Stream

START, STOP, ASK, EVERY = "<start>", ".", "?", "every"
ATTRIBUTES = ("lives-in", "works-as", "likes")
FIRST = tuple(
    "Ada Ben Cleo Dan Eva Finn Gus Hana Ivan Jane Kofi Lena Max Nina Omar Pia Quinn Rosa Sam Tara "
    "Udo Vera Will Yara Zoe".split()
)
LAST = tuple(
    "Ash Berg Cruz Diaz East Finch Grey Hall Ito Jones Khan Lund Moss Nash Ochoa Park Quist Reed "
    "Shaw Tran Unger Vale West Young Zhou".split()
)
VALUES = (
    tuple(
        "Accra Bergen Cairo Dakar Essen Fes Genoa Hanoi Izmir Jaipur Kyiv Lima Malmo Nantes Osaka "
        "Porto Quito Riga Sofia Turin".split()
    ),
    tuple(
        "actor baker carpenter dentist editor farmer gardener hatter illustrator judge knitter "
        "lawyer miner nurse optician pilot roofer sailor tailor vet".split()
    ),
    tuple(
        "apples biking chess dancing embroidery fishing guitars hiking ice-cream jazz kites "
        "lemonade maps novels opera poetry rowing swimming tennis violins".split()
    ),
)
WORDS = (START, STOP, ASK, *ATTRIBUTES, EVERY, *FIRST, *LAST, *(v for part in VALUES for v in part))
NUMBER = {word: number for number, word in enumerate(WORDS)}
RULED = 5  # the last families follow rules; nobody else is of these names


class Facts(NamedTuple):
    """Facts as questions and answers, in numbers of words.

    x  (seeds, facts, 4): <start> attribute first last;  y (seeds, facts): the value
    """

    x: torch.Tensor
    y: torch.Tensor

    def notes(self) -> torch.Tensor:
        """The facts as they are written down: attribute first last value, (seeds, facts, 4)."""
        return torch.cat([self.x[..., 1:], self.y[..., None]], dim=-1)

    def __len__(self) -> int:
        return self.y.shape[1]


class World:
    """People, and what is true of them, for each lane.

    people     with whom the network grows up; newcomers come later; the other strangers stay so
    facts(…)   the facts of a group; changed(…) the same questions with other answers; rule(…) what
               holds for every member of a family, split into members taught and never seen
    """

    def __init__(self, people: int = 100, newcomers: int = 300, seeds: Seeds = 1) -> None:
        free = len(FIRST) * (len(LAST) - RULED)
        if people < 1 or newcomers < 1 or people + newcomers >= free:
            raise CourseError(
                f"people={people}, newcomers={newcomers}; expected at least 1 of each and fewer "
                f"than {free} together: try 100 and 300."
            )
        random = LaneRandom(seeds, "world")
        self.seeds = random.seeds
        order = random.permutation(free).to(device())
        size = {"people": people, "newcomers": newcomers, "strangers": free - people - newcomers}
        self.groups = dict(zip(size, order.split(list(size.values()), dim=1), strict=True))
        drawn = random.integers(3 * len(FIRST) * len(LAST), len(VALUES[0]))
        self.value = drawn.reshape(len(order), -1, 3).to(device())
        self.other = 1 + random.integers(3 * free, len(VALUES[0]) - 1).to(device())

    @property
    def vocabulary(self) -> int:
        """How many words there are."""
        return len(WORDS)

    def facts(self, group: str = "people", count: int | None = None) -> Facts:
        """Three facts about each of the first `count` members of a group (None: all)."""
        return self._about(self._members(group, count), self.value)

    def changed(self, group: str = "people", count: int | None = None) -> Facts:
        """The same questions after the world has changed: every answer is another one."""
        moved = self.value.clone()
        free = self.other.shape[1] // 3
        moved[:, :free] = (moved[:, :free] + self.other.unflatten(1, (free, 3))) % len(VALUES[0])
        return self._about(self._members(group, count), moved)

    def rule(self, family: int = 0, taught: int = 15) -> tuple[Facts, Facts, Facts]:
        """What every member of a family likes: (the rule itself, members taught, members unseen).

        The rule reads "likes every Young chess". Only this attribute is ruled.
        """
        if not 0 <= family < RULED or not 1 <= taught < len(FIRST):
            raise CourseError(
                f"family={family}, taught={taught}; expected a family of 0 to {RULED - 1} and 1 to "
                f"{len(FIRST) - 1} of its members taught: try family=0, taught=15."
            )
        last = len(LAST) - RULED + family
        order = LaneRandom(self.seeds, f"family {family}").permutation(len(FIRST)).to(device())
        liked = self.value[:, last, 2:]  # one draw for the family
        whole = [NUMBER[word] for word in (START, ATTRIBUTES[2], EVERY, LAST[last])]
        rule = torch.tensor(whole, device=order.device).expand(len(order), 1, 4)
        members = rule.repeat(1, len(FIRST), 1)
        members[..., 2] = NUMBER[FIRST[0]] + order
        answer = NUMBER[VALUES[2][0]] + liked
        all_of_them = answer.expand(-1, len(FIRST))
        return (
            Facts(rule, answer),
            Facts(members[:, :taught], all_of_them[:, :taught]),
            Facts(members[:, taught:], all_of_them[:, taught:]),
        )

    def chain(
        self, family: int = 0, depth: int = 2, taught: int = 15
    ) -> tuple[Facts, Facts, Facts]:
        """Rules that answer only together: (the rules, members taught, members unseen).

        1 "likes every Young chess", 2 also "lives-in every chess Lima", 3 also "works-as every Lima
        baker". Of the members the last is asked. The rules are about the ruled families alone.
        """
        if depth not in (1, 2, 3):
            raise CourseError(f"depth={depth!r}; expected 1, 2 or 3 rules to combine: try depth=2.")
        parts = self.rule(family, taught)
        rules, lane = [parts[0]], torch.arange(len(self.seeds), device=device())[:, None]
        for which in (0, 1)[: depth - 1]:  # what is liked says where, and where says what work
            random = LaneRandom(self.seeds, f"all who share {ATTRIBUTES[which - 1]}")
            leads_to = random.permutation(len(VALUES[which])).to(device())
            before = rules[-1].y
            x = rules[-1].x.clone()
            x[..., 1], x[..., 3] = NUMBER[ATTRIBUTES[which]], before
            value = leads_to[lane, before - NUMBER[VALUES[which - 1][0]]]
            rules.append(Facts(x, NUMBER[VALUES[which][0]] + value))
        whole = Facts(*(torch.cat(columns, dim=1) for columns in zip(*rules, strict=True)))
        asked = (part.x.clone() for part in parts[1:])
        members = []
        for x in asked:
            x[..., 1] = rules[-1].x[..., 1]
            members.append(Facts(x, rules[-1].y.expand(-1, x.shape[1])))
        return (whole, *members)

    def stream(self, **parts: Facts | tuple[Facts, Facts]) -> Stream:
        """A stream of closed-book experiences: stream(base=facts, rule=(taught, unseen)).

        What is asked at the end is what was taught, unless a part brings questions of its own.
        """
        if not parts:
            raise CourseError("A stream of nothing; expected parts such as base=world.facts().")

        def make(position: int) -> Experience:
            name, facts = list(parts.items())[position]
            learnt, asked = (facts, facts) if isinstance(facts, Facts) else facts
            return Experience(name, *learnt, *asked, *asked)

        return Stream(make, len(parts), classes=len(WORDS), scenario="class", seeds=self.seeds)

    def _members(self, group: str, count: int | None) -> torch.Tensor:
        if group not in self.groups:
            raise CourseError(f"Unknown group {group!r}; expected one of {list(self.groups)}.")
        members = self.groups[group]
        if count is not None and not 1 <= count <= members.shape[1]:
            raise CourseError(
                f"count={count!r}; expected 1 to {members.shape[1]}, the size of {group!r}."
            )
        return members[:, :count]

    def _about(self, members: torch.Tensor, value: torch.Tensor) -> Facts:
        """Three facts for each member (seeds, n), given everybody's values (seeds, all, 3)."""
        lane = torch.arange(len(members), device=members.device)[:, None]
        first, last = members % len(FIRST), members // len(FIRST)
        which = torch.arange(3, device=members.device).expand(*members.shape, 3)
        names = [NUMBER[FIRST[0]] + first, NUMBER[LAST[0]] + last]
        x = torch.stack(
            [
                torch.full_like(which, NUMBER[START]),
                NUMBER[ATTRIBUTES[0]] + which,
                *(name[..., None].expand_as(which) for name in names),
            ],
            dim=-1,
        )
        y = NUMBER[VALUES[0][0]] + len(VALUES[0]) * which + value[lane, members]
        return Facts(x.flatten(1, 2), y.flatten(1, 2))


def tokens(text: str) -> torch.Tensor:
    """The numbers of the words of a text: (length,)."""
    unknown = [word for word in text.split() if word not in NUMBER]
    if unknown or not text.split():
        raise CourseError(
            f"{unknown[0] if unknown else 'an empty text'!r} is not in this small world; expected "
            "words of its vocabulary: look at cl.facts.WORDS."
        )
    return torch.tensor([NUMBER[word] for word in text.split()])


def text(tokens: torch.Tensor) -> str:
    """The words of numbers (length,), as a text."""
    numbers = tokens.tolist()
    if tokens.dim() != 1 or not all(0 <= number < len(WORDS) for number in numbers):
        raise CourseError(
            f"Tokens of shape {tuple(tokens.shape)}; expected (length,) of numbers from 0 to "
            f"{len(WORDS) - 1}."
        )
    return " ".join(WORDS[number] for number in numbers)
