"""Look it up: notes beside a frozen network, found by their words and put into its context.

Retrieval-augmented generation (Lewis et al. 2020) in its plainest form: no weight moves, so nothing
is forgotten, and a note can be changed or thrown away. The words weigh by TF-IDF (Spärck Jones
1972): a word counts for more the rarer it is among the notes.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NamedTuple

from clcourse.errors import CourseError


class Hit(NamedTuple):
    """A note that was found: its number, its words, and how well it fits, from 0 to 1."""

    number: int
    text: str
    score: float


class NoteStore:
    """Notes in plain words: add, change, forget, look up, save and load.

    vectors  a function from a list of texts to an array (texts, d), to compare meanings instead of
    words; None: TF-IDF of the words. Scores are cosines.
    """

    def __init__(self, vectors=None) -> None:
        self.notes: dict[int, str] = {}
        self.next, self.vectors, self._index = 0, vectors, None

    def __len__(self) -> int:
        return len(self.notes)

    def add(self, *texts: str) -> list[int]:
        """Write notes down; return their numbers."""
        for text in texts:
            _check_text(text)
        numbers = list(range(self.next, self.next + len(texts)))
        self.notes |= dict(zip(numbers, texts, strict=True))
        self.next += len(texts)
        self._index = None
        return numbers

    def change(self, number: int, text: str) -> None:
        """Rewrite a note."""
        self._known(number)
        _check_text(text)
        self.notes[number], self._index = text, None

    def forget(self, number: int) -> None:
        """Throw a note away; its number is not given again."""
        self._known(number)
        del self.notes[number]
        self._index = None

    def look_up(self, *questions: str, k: int = 3) -> list[list[Hit]]:
        """The k notes that fit each question best, best first; of equals the newest first."""
        if not self.notes:
            raise CourseError("There are no notes to look up; expected at least one: add first.")
        if not isinstance(k, int) or isinstance(k, bool) or k < 1:
            raise CourseError(f"k={k!r}; expected a whole number of notes of at least 1: try k=3.")
        for question in questions:
            _check_text(question)
        if not questions:
            return []
        from sklearn.preprocessing import normalize

        if self._index is None:
            self._index = self._fitted()
        numbers, encode, encoded = self._index
        scores = normalize(encode(list(questions))) @ encoded.T
        scores = scores.toarray() if hasattr(scores, "toarray") else scores
        best = (-scores[:, ::-1]).argsort(axis=1, kind="stable")[:, :k]
        best = len(numbers) - 1 - best
        return [
            [Hit(numbers[place], self.notes[numbers[place]], float(row[place])) for place in places]
            for places, row in zip(best, scores, strict=True)
        ]

    def save(self, path: str | Path) -> None:
        """One note a line, as JSON; an old file stays until the new one is whole."""
        path = Path(path)
        lines = [json.dumps({"note": number, "text": text}, ensure_ascii=False)
                 for number, text in self.notes.items()]  # fmt: skip
        unfinished = path.with_name(f"{path.name}.{os.getpid()}.unfinished")
        unfinished.write_text("\n".join([json.dumps({"next": self.next}), *lines, ""]), "utf-8")
        unfinished.replace(path)

    @classmethod
    def load(cls, path: str | Path, vectors=None) -> NoteStore:
        """Read what `save` wrote."""
        store = cls(vectors)
        line = 0
        try:
            for line, text in enumerate(Path(path).read_text("utf-8").splitlines(), 1):
                entry = json.loads(text)
                if line == 1:
                    store.next = int(entry["next"])
                    continue
                _check_text(entry["text"])
                store.notes[int(entry["note"])] = entry["text"]
            if line == 0 or any(number >= store.next for number in store.notes):
                raise ValueError("numbers do not fit")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CourseError(
                f"{path} is damaged or no file of notes (line {line}); expected what store.save "
                "wrote: the file was left as it is, take an older copy."
            ) from error
        return store

    def _fitted(self):
        """Numbers of the notes, how to encode texts, and the notes encoded."""
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.preprocessing import normalize

        numbers, texts = list(self.notes), list(self.notes.values())
        encode = self.vectors
        if encode is None:
            words = TfidfVectorizer(token_pattern=r"[^\s.?!,;:]+").fit(texts)
            encode = words.transform
        return numbers, encode, normalize(encode(texts))

    def _known(self, number: int) -> None:
        if number not in self.notes:
            raise CourseError(f"There is no note {number!r}; expected one of the {len(self)} kept.")


def _check_text(text: str) -> None:
    if not isinstance(text, str) or not text.strip() or "\n" in text:
        raise CourseError(f"{text!r} is no note or question; expected one line of words.")
