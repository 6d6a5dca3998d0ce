"""Lesson 08: what students are told about their own rare words, look-ups and hit rates."""

from __future__ import annotations

import math
from collections.abc import Callable

from clcourse.exercises import Wrong, exercise
from clcourse.exercises.mistakes import call, expect

# "an" is in one note as a word, twice, and in several inside a word; "Ada" is common.
NOTES = ("likes Ada Finch violins", "lives-in Ada Finch Nantes", "works-as Ada Berg dentist",
         "likes an an Unger chess", "lives-in Dan Tran Lima")
TRIED = ("violins", "Ada", "an", "Finch", "unheard-of")


@exercise(
    "08.1",
    expects="a function of a word and a list of notes that gives one number",
    hints=[
        "Count the notes that have the word: sum(word in note.split() for note in notes).",
        "ln of (1 + number of notes) / (1 + that count), plus 1: math.log(…) + 1.",
    ],
)
def rare_words_count(answer: Callable) -> str:
    """ln((1 + n) / (1 + notes with the word)) + 1."""
    got = [call(answer, word, list(NOTES)) for word in TRIED]
    if not all(isinstance(one, (int, float)) and not isinstance(one, bool)
               or hasattr(one, "__float__") for one in got):
        raise Wrong("a weight is one number: return math.log(…) + 1.")
    got = [float(one) for one in got]
    n, exact = len(NOTES), [sum(word in note.split() for note in NOTES) for word in TRIED]
    inside = [sum(word in note for note in NOTES) for word in TRIED]
    words = " ".join(NOTES).split()

    def right(counts):
        return [math.log((1 + n) / (1 + count)) + 1 for count in counts]

    if len(set(got)) == 1:
        raise Wrong("every word gets the same weight: count in how many notes the word stands.")
    expect(
        got,
        right(exact),
        (right(inside), "you count parts of words: “an” is in “Dan” as letters, not as a word. "
         "Use note.split()."),
        (right([words.count(word) for word in TRIED]), "you count how often the word stands: count "
         "the notes that have it."),
        ([math.log((1 + n) / (1 + count) + 1) for count in exact], "the last + 1 is inside the "
         "logarithm: it belongs behind it."),
        ([math.log(1 + n / 1 + count) + 1 for count in exact], "brackets: (1 + n) / (1 + count)."),
        ([count / n for count in exact], "this is the share of the notes that have the word."),
        ([one - 1 for one in right(exact)], "the + 1 behind the logarithm is missing: a word that "
         "is in all notes would count for nothing."),
        ([(1 + n) / (1 + count) + 1 for count in exact], "the logarithm is missing: math.log."),
        ([(1 + n) / (1 + count) for count in exact], "the logarithm is missing, and the + 1."),
        ([math.log10((1 + n) / (1 + count)) + 1 for count in exact], "this is the logarithm to "
         "base 10: take math.log."),
        ([math.log2((1 + n) / (1 + count)) + 1 for count in exact], "this is the logarithm to "
         "base 2: take math.log."),
        ([math.log((1 + count) / (1 + n)) + 1 for count in exact], "upside down: common words "
         "count for more. Divide the notes by the notes with the word."),
        ([1 + count for count in exact], "you give the count itself: then common words win."),
        (exact, "you give the count itself: then common words win."),
    )
    return "the rarer a word, the more it counts."


@exercise(
    "08.2",
    expects="a function of question (d,), notes (n, d) and k that gives the numbers of k notes",
    hints=[
        "Divide each vector by its length first: v / v.norm(dim=-1, keepdim=True).",
        "Then notes @ question are the cosines, and .argsort(descending=True)[:k] the best first.",
    ],
)
def nearest_notes(answer: Callable) -> str:
    """The k notes with the largest cosine, best first."""
    import torch

    question = torch.tensor([1.0, 2.0, 0.5])
    notes = torch.tensor([[9.0, 1.0, 0.0], [0.1, 0.2, 0.06], [1.0, 1.2, -0.2], [-1.0, -2.0, -0.5],
                          [0.0, 4.0, 0.2], [0.5, 2.0, 2.0]])  # fmt: skip
    for k in (3, 2):
        got = call(answer, question, notes, k)
        if isinstance(got, tuple) and hasattr(got, "indices"):
            raise Wrong("topk gives values and numbers: return its .indices.")
        if not isinstance(got, (list, tuple)) and not hasattr(got, "tolist"):
            raise Wrong(f"you gave {type(got).__name__}; expected {k} whole numbers, those of the "
                        "notes, the best first.")
        got = got.tolist() if hasattr(got, "tolist") else [int(one) for one in got]
        if not isinstance(got, list):
            raise Wrong(f"you gave one number; expected {k}: argmax is the best alone.")
        if any(isinstance(one, list) for one in got):
            raise Wrong("these are the notes; expected their numbers.")
        _ranked(got, question, notes, k)
    return "angles, not lengths: a long note does not win by being long."


def _ranked(got: list, question, notes, k: int) -> None:
    """`got` are the best k by cosine, or the sentence that says what they are instead."""
    inner = notes @ question
    cosine = inner / (notes.norm(dim=1) * question.norm())
    order = {name: values.argsort(descending=down).tolist() for name, values, down in (
        ("right", cosine, True), ("worst", cosine, False), ("inner", inner, True),
        ("far", (notes - question).norm(dim=1), False), ("abs", cosine.abs(), True),
        ("twice", inner / (notes * notes).sum(dim=1), True))}  # fmt: skip
    if got == order["right"][:k]:
        return
    if got == order["right"]:
        raise Wrong(f"you gave all the notes; expected the best {k}: [:k].")
    if got == order["worst"][:k]:
        raise Wrong("the worst come first: argsort goes up. Use descending=True.")
    if got == order["inner"][:k]:
        raise Wrong("long notes win: this is the plain product. Divide every note by its length.")
    if got == order["abs"][:k]:
        raise Wrong("an opposite note is not near: leave abs out.")
    if got == order["twice"][:k]:
        raise Wrong("short notes win: you divided twice by the length (norm, not its square).")
    if got == order["far"][:k]:
        raise Wrong("these are the nearest by distance: a short note in the right direction "
                    "loses. Use the angle: divide by the lengths.")
    if sorted(got) == sorted(order["right"][:k]):
        raise Wrong("the right notes in another order; expected the best first.")
    if any(isinstance(one, float) and one != int(one) for one in got):
        raise Wrong("these are scores; expected the numbers of the notes: argsort, or topk(k)[1].")
    raise Wrong(f"k={k}: you gave {str(got)[:40]}; expected {order['right'][:k]}.")


@exercise(
    "08.3",
    expects="a function of found and right (seeds, questions), true or false, that gives (seeds,)",
    hints=[
        "Count the questions that were found and right: (found & right).sum(dim=1).",
        "Divide by the number that were found, lane by lane: found.sum(dim=1).",
    ],
)
def reading_accuracy(answer: Callable) -> str:
    """Share right among the questions whose note was found."""
    from clcourse.seeds import LaneRandom

    random = LaneRandom(3, "exercise found")
    found = random.uniform(23) < 0.6
    right = random.uniform(23) < 0.15 + 0.6 * found
    both = (found & right).sum(dim=1)
    wanted = both / found.sum(dim=1)
    expect(
        call(answer, found, right),
        wanted,
        (right.float().mean(dim=1), "this is the share right of all questions, whether the note "
         "was found or not."),
        (right.sum(dim=1) / found.sum(dim=1), "you count right answers whose note was not found, "
         "too: found & right."),
        (both / found.shape[1], "this is the share of all questions that were found and right: "
         "divide by the number found."),
        (both / right.sum(dim=1), "this is how many of the right answers had their note: divide "
         "by the number found, not by the number right."),
        (found.float().mean(dim=1), "this is the hit rate: how often the note was found."),
        ((found & ~right).sum(dim=1) / found.sum(dim=1), "this is the share that was found and "
         "not read: you want the share that was read."),
        (wanted.mean(), "you averaged over the lanes: keep one number a lane."),
        (both.sum() / found.sum(), "you added up the lanes: keep one number a lane, dim=1."),
        ((found == right).float().mean(dim=1), "this counts questions where both are false, too: "
         "use &, not ==."),
    )
    return "now a bad answer has an address: the look-up, or the reader."
