"""Learners that write notes instead of changing weights.

What they are taught is written down as it is. A question is answered by looking up the notes that
fit it best: a frozen network reads them (tokens), or they vote (vectors).
"""

from __future__ import annotations

import copy

import torch

from clcourse.baselines import Floor
from clcourse.errors import CourseError
from clcourse.facts import Facts, text, tokens
from clcourse.learner import Change, masked
from clcourse.reading import with_context
from clcourse.retrieval import NoteStore
from clcourse.seeds import Seeds


class OpenBook:
    """A frozen reader with a store of notes for each lane: retrieval-augmented generation.

    observe writes each fact as a note; predict looks up the k notes that fit the question best and
    reads them, the best one first. With no notes yet it answers from its weights.

    reader   a tiny transformer that was taught to read (`cl.grown_up`)
    rewrite  a fact about something noted before takes its place; False: both notes stay
    above    what the best note must score, or the weights answer (0: it shares a word, at least)
    """

    accepts, needs_boundaries = ("tokens",), False
    changes = (Change("notes", "until rewritten or forgotten", "whoever may see the notes"),)

    def __init__(
        self, reader, k: int = 3, *, rewrite: bool = True, above: float = 0.0
    ) -> None:
        if not isinstance(k, int) or isinstance(k, bool) or k < 1:
            raise CourseError(f"k={k!r}; expected a whole number of notes of at least 1: try k=3.")
        if not 0 <= above < 1:
            raise CourseError(f"above={above!r}; expected a score from 0 up to 1: try above=0.")
        self.network, self.k, self.rewrite, self.above = reader, k, rewrite, above
        self.stores = [NoteStore() for _ in reader.seeds]
        self.written: list[dict[str, int]] = [{} for _ in reader.seeds]  # question → note

    @property
    def seeds(self) -> tuple[int, ...]:
        """The ids of the lanes."""
        return self.network.seeds

    def observe(self, x, y, allowed=None) -> torch.Tensor:
        """Write the facts down; return the logits from before."""
        logits = self.predict(x, allowed)
        self.write(Facts(x, y).notes())
        return logits

    def write(self, notes: torch.Tensor) -> None:
        """Write notes (seeds, n, 4) into the stores, each into that of its lane."""
        for store, written, lane in zip(self.stores, self.written, notes, strict=True):
            for note in lane.cpu():
                question, whole = text(note[:3]), text(note)
                if self.rewrite and question in written:
                    store.change(written[question], whole)
                else:
                    (written[question],) = store.add(whole)

    def forget(self, x: torch.Tensor) -> None:
        """Throw away every note that answers these questions, (seeds, n, 4), lane by lane."""
        for store, written, lane in zip(self.stores, self.written, x.cpu(), strict=True):
            asked = {text(question[1:]) for question in lane}
            for number, note in list(store.notes.items()):
                if note.rpartition(" ")[0] in asked:
                    store.forget(number)
            for question in asked:
                written.pop(question, None)

    def found(self, x: torch.Tensor) -> torch.Tensor | None:
        """The notes that fit the questions best, best first: (seeds, questions, ≤ k, 4)."""
        return self._looked_up(x)[0] if all(map(len, self.stores)) else None

    def _looked_up(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The notes found, and the score of the best one for each question (seeds, questions)."""
        each, best = [], []
        for store, lane in zip(self.stores, x.cpu(), strict=True):
            hits = store.look_up(*(text(question[1:]) for question in lane), k=self.k)
            each.append(torch.stack([_stacked(found) for found in hits]))
            best.append(torch.tensor([found[0].score for found in hits]))
        fewest = min(notes.shape[1] for notes in each)
        notes = torch.stack([notes[:, :fewest] for notes in each])
        return notes.to(x.device), torch.stack(best).to(x.device)

    @torch.no_grad()
    def predict(self, x, allowed=None) -> torch.Tensor:
        """Logits (seeds, batch, vocabulary) after reading what was found."""
        if not all(map(len, self.stores)):
            return masked(self.network(x), allowed)
        notes, score = self._looked_up(x)
        read, window = with_context(notes, x), self.network.window
        if window is not None and read.shape[2] > window:
            raise CourseError(
                f"{notes.shape[2]} notes and the question are {read.shape[2]} tokens, and the "
                f"reader sees {window}; expected them to fit: lower k."
            )
        logits, strange = self.network(read), score <= self.above
        if bool(strange.any()):  # none of the notes is about this
            logits = torch.where(strange[..., None], self.network(x), logits)
        return masked(logits, allowed)

    def consolidate(self, experience) -> None:
        """Notes need no boundary."""

    def rest(self, steps: int) -> None:
        """Notes do not change overnight."""

    def memory_bytes(self) -> int:
        """Bytes a lane of the notes as text, in the fullest store."""
        return max(
            sum(len(note.encode()) for note in store.notes.values()) for store in self.stores
        )

    def copy(self) -> OpenBook:
        """The same reader with a copy of the notes."""
        twin = copy.copy(self)
        twin.stores, twin.written = copy.deepcopy((self.stores, self.written))
        return twin


def _stacked(hits) -> torch.Tensor:
    """Notes that were found, as tokens (k, 4)."""
    return torch.stack([tokens(hit.text) for hit in hits])


class NotedExamples(Floor):
    """Each example is noted as a code with its answer; the k notes most alike vote.

    logit_c = Σ cos(code of x, code of note) over the k nearest notes whose answer is c.
    encoder(x) (seeds, batch, inputs) → (seeds, batch, d), frozen; None: x as it is.
    """

    changes = (Change("notes", "for good", "whoever may see the notes"),)

    def __init__(
        self, inputs: int, classes: int, *, encoder=None, k: int = 5, seeds: Seeds = 1
    ) -> None:
        super().__init__(inputs, classes, seeds)
        if not isinstance(k, int) or isinstance(k, bool) or k < 1:
            raise CourseError(f"k={k!r}; expected a whole number of notes of at least 1: try k=5.")
        self.encoder, self.k = encoder, k
        self.codes = self.answers = None

    def _code(self, x: torch.Tensor) -> torch.Tensor:
        """The codes, each of length 1: their products are cosines."""
        with torch.no_grad():
            code = x if self.encoder is None else self.encoder(x)
        return torch.nn.functional.normalize(code, dim=-1)

    def learn(self, x, y) -> None:
        """Note the batch."""
        code = self._code(x)
        if self.codes is None:
            self.codes, self.answers = code[:, :0], y[:, :0]
        self.codes = torch.cat([self.codes, code], dim=1)
        self.answers = torch.cat([self.answers, y], dim=1)

    def scores(self, x) -> torch.Tensor:
        """The votes of the k nearest notes for each class."""
        votes = x.new_zeros(*x.shape[:2], self.classes)
        if self.codes is None:
            return votes
        near, which = (self._code(x) @ self.codes.mT).topk(min(self.k, self.codes.shape[1]))
        answers = self.answers[:, None].expand(-1, x.shape[1], -1).gather(2, which)
        return votes.scatter_add(2, answers, near)

    def memory_bytes(self) -> int:
        """Bytes a lane of the codes and their answers (one byte each)."""
        return 0 if self.codes is None else self.codes[0].nbytes + self.answers.shape[1]
