"""A deployed assistant in small: weights that stand still, and two places beside them that do not.

An answer depends on three things: the *weights* of the network; the *context*, what was said in
this conversation, gone with the next one; and the *notes*, a store beside the network that is read
into its input. All three are inputs of one function: logits = network(question, context, notes).

Real assistants read their conversation as text, through attention. Here a conversation is its bare
minimum: a table of thumbs, +1 for an answer that was praised and -1 for one that was not.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from clcourse.learner import cross_entropy
from clcourse.nets import MLP, mlp
from clcourse.preferences import tune
from clcourse.seeds import LaneRandom, Seeds

QUESTIONS, ANSWERS = 8, 4


class Assistant:
    """One network that answers many people at once, each in a conversation of their own.

    network    from `pretrained_assistant`; its weights are never touched here
    questions  (seeds, people): what each of them asks, 0 to 7; answers are 0 to 3
    context, notes  (seeds, people, 4): thumbs in this conversation; what the store says
    """

    def __init__(self, network: MLP, questions: torch.Tensor) -> None:
        self.network, self.questions = network, questions
        self.notes = torch.zeros(*questions.shape, ANSWERS)
        self.new_conversation()

    def new_conversation(self) -> None:
        """Forget what was said; weights and notes stay."""
        self.context = torch.zeros(*self.questions.shape, ANSWERS)

    def reads(self) -> torch.Tensor:
        """All that the network is given: question, context and notes (seeds, people, 16)."""
        asked = F.one_hot(self.questions, QUESTIONS)
        return torch.cat([asked, self.context, self.notes], dim=2)

    @torch.no_grad()
    def answers(self) -> torch.Tensor:
        """The most probable answer to each person: (seeds, people)."""
        return self.network(self.reads()).argmax(dim=2)

    def hear(self, answers: torch.Tensor, liked: torch.Tensor) -> None:
        """Write thumbs for these answers into the conversation: liked (seeds, people) of bool."""
        thumbs = torch.where(liked, 1.0, -1.0)[..., None]
        self.context = (self.context + thumbs * F.one_hot(answers, ANSWERS)).clamp(-1, 1)


def crowd(seeds: Seeds, habit: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """64 people, 8 for each question: what they ask, and what they want, both (seeds, 64).

    7 in 10 want the popular answer, which is never the habit (seeds, 8); the others want any.
    """
    random = LaneRandom(seeds, "crowd")
    asked = torch.arange(QUESTIONS).repeat(8).expand(len(habit), -1)
    popular = (habit + 1 + random.integers(QUESTIONS, ANSWERS - 1)) % ANSWERS
    wanted = torch.where(random.uniform(64) < 0.7, popular.gather(1, asked),
                         random.integers(64, ANSWERS))
    return asked, wanted


def pretrained_assistant(seeds: Seeds, steps: int = 400) -> tuple[MLP, torch.Tensor]:
    """Networks that have read many conversations, and their habit for each question (seeds, 8).

    In training half of the people want the habitual answer and half want any; what they want is
    sometimes visible in thumbs, sometimes in a note, and the network learns to look there.
    """
    random = LaneRandom(seeds, "assistant")
    habit = random.integers(QUESTIONS, ANSWERS)

    def loss(network: MLP) -> torch.Tensor:
        asked = random.integers(64, QUESTIONS)
        wanted = torch.where(random.uniform(64) < 0.5, habit.gather(1, asked),
                             random.integers(64, ANSWERS))
        right = F.one_hot(wanted, ANSWERS).float()
        often = random.uniform(64) * (random.uniform(64) < 0.7)
        tried = random.uniform(64 * ANSWERS).view(-1, 64, ANSWERS) < often[..., None]
        noted = random.uniform(64) < 0.3
        reader = Assistant(network, asked)
        reader.context, reader.notes = tried * (2 * right - 1), noted[..., None] * right
        return cross_entropy(network(reader.reads()), wanted)

    start = mlp(QUESTIONS + 2 * ANSWERS, 64, ANSWERS, seeds=random.seeds)
    return tune(start, loss, steps=steps, lr=0.5), habit
