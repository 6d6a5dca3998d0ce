"""Lesson 08: plausible wrong answers, and words that the reply to each must contain."""

import math


def having(word, notes):
    return sum(word in note.split() for note in notes)


def ratio(word, notes):
    return (1 + len(notes)) / (1 + having(word, notes))


def cosines(question, notes):
    return notes @ question / (notes.norm(dim=1) * question.norm())


WRONG = {
    "08.1": [
        (lambda w, n: math.log((1 + len(n)) / (1 + sum(w in one for one in n))) + 1, "parts of"),
        (lambda w, n: math.log((1 + len(n)) / (1 + " ".join(n).split().count(w))) + 1, "how often"),
        (lambda w, n: math.log(ratio(w, n) + 1), "inside the"),
        (lambda w, n: math.log(1 + len(n) / 1 + having(w, n)) + 1, "brackets"),
        (lambda w, n: having(w, n) / len(n), "share of the notes"),
        (lambda w, n: math.log(ratio(w, n)), "a word that is in all notes"),
        (lambda w, n: ratio(w, n) + 1, "logarithm is missing: math"),
        (lambda w, n: ratio(w, n), "logarithm is missing, and"),
        (lambda w, n: math.log10(ratio(w, n)) + 1, "base 10"),
        (lambda w, n: math.log2(ratio(w, n)) + 1, "base 2"),
        (lambda w, n: math.log(1 / ratio(w, n)) + 1, "upside down"),
        (lambda w, n: having(w, n), "common words win"),
        (lambda w, n: math.log(1 + len(n)) + 1, "the same weight"),
        (lambda w, n: [ratio(w, n)], "one number"),
    ],
    "08.2": [
        (lambda q, n, k: (n @ q).argsort(descending=True)[:k], "long notes win"),
        (lambda q, n, k: cosines(q, n).argsort()[:k], "worst come first"),
        (lambda q, n, k: cosines(q, n).argsort(descending=True), "all the notes"),
        (lambda q, n, k: (n - q).norm(dim=1).argsort()[:k], "distance"),
        (lambda q, n, k: cosines(q, n).topk(k)[0], "these are scores"),
        (lambda q, n, k: cosines(q, n).topk(k), ".indices"),
        (lambda q, n, k: cosines(q, n).argmax(), "one number"),
        (lambda q, n, k: n[cosines(q, n).topk(k).indices], "their numbers"),
        (lambda q, n, k: cosines(q, n).abs().topk(k)[1], "leave abs out"),
        (lambda q, n, k: (n @ q / n.norm(dim=1) ** 2).topk(k)[1], "divided twice"),
        (lambda q, n, k: cosines(q, n).topk(k)[1].flip(0), "another order"),
        (lambda q, n, k: cosines(q, n).argsort(descending=True)[1 : k + 1], "you gave ["),
    ],
    "08.3": [
        (lambda f, r: r.float().mean(1), "share right of all questions"),
        (lambda f, r: r.sum(1) / f.sum(1), "not found, too"),
        (lambda f, r: (f & r).float().mean(1), "found and right: divide"),
        (lambda f, r: (f & r).sum(1) / r.sum(1), "not by the number right"),
        (lambda f, r: f.float().mean(1), "hit rate"),
        (lambda f, r: (f & ~r).sum(1) / f.sum(1), "not read"),
        (lambda f, r: ((f & r).sum(1) / f.sum(1)).mean(), "averaged over the lanes"),
        (lambda f, r: (f & r).sum() / f.sum(), "added up the lanes"),
        (lambda f, r: (f == r).float().mean(1), "use &"),
    ],
}
