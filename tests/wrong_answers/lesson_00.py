"""Lesson 00: plausible wrong answers, and words that the reply to each must contain."""

WRONG = {
    "00.1": [
        (6, "drag further"),
        (8, "earlier"),
        (0.47, "share"),
        (36, "no such step"),
        ("seven", "number of a step"),
    ],
    "00.2": [
        (lambda said, truth: said == truth, "letter by letter"),
        (lambda said, truth: sum(a == b for a, b in zip(said, truth, strict=True)), "divide"),
        (
            lambda said, truth: sum(a != b for a, b in zip(said, truth, strict=True)) / len(truth),
            "share that is wrong",
        ),
        (
            lambda said, truth: sum(a == b for a, b in zip(said, truth, strict=True)) / 20,
            "fixed number",
        ),
        (lambda said, truth: len(set(said) & set(truth)) / len(set(truth)), "place by place"),
    ],
    "00.3": [
        (lambda scores, allowed: scores.index(max(scores)), "all ten"),
        (lambda scores, allowed: max(scores[digit] for digit in allowed), "best score"),
        (lambda scores, allowed: max(allowed), "largest digit"),
        (
            lambda scores, allowed: max(range(len(allowed)), key=lambda i: scores[allowed[i]]),
            "place in the list",
        ),
        (lambda scores, allowed: min(allowed, key=lambda digit: scores[digit]), "lowest"),
        (
            lambda scores, allowed: max(
                range(10), key=lambda digit: scores[digit] if digit in allowed else 0
            ),
            ["masked score became 0", "only the allowed digits compete"],
        ),
    ],
}
