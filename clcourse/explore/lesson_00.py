"""Lesson 00: twenty pictures, what a network says to each, and how twenty networks fare.

Everything is looked up in the stored study `00_opening`; nothing here trains or imports torch.
"""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets

from clcourse.explore.base import Choice, Explorer, Slider, Table
from clcourse.explore.drawing import Axes, box, card, digit, dot, line, text
from clcourse.plots import lesson_00 as still
from clcourse.plots.figure import BLUE, GREEN, GUESS, INK, PAPER, SOFT, VERMILLION, number
from clcourse.plots.lesson_00 import LAST, Opening, opening

WIDTH, HEIGHT = 900, 372
QUESTIONS = {"Which digit, 0 to 9?": "which of ten", "Is it a 0 or a 1?": "0 or 1"}


def forgetting(guess=None) -> Explorer:
    """Drag through 18 small steps on 2s and 3s, and watch 0 and 1 go; guess: from cl.guess."""
    story = opening()

    def draw(step: int) -> str:
        now = story.estimate("which of ten", step)
        title = f"After {step} of {LAST} small steps on 2s and 3s"
        axes = graph_frame(0, LAST)
        graph = [axes.frame("steps on 2s and 3s", (0, 6, 12, 18)), guess_line(axes, guess),
                 lanes(axes, story, "which of ten", range(step + 1)), big(now)]
        said = story.said["which of ten"][0][step]
        return card(title, in_words(story, title, said, now), headline(title),
                    *pictures(story, said, "Network 1 of 20 says"), *graph,
                    width=WIDTH, height=HEIGHT)

    return Explorer({"step": Slider("small steps", range(LAST + 1))}, draw, height=HEIGHT,
                    fallback=still.forgetting(guess),
                    table=numbers(story, {"0s and 1s read": "which of ten", "2s and 3s read":
                                          "2 and 3"}, range(LAST + 1)))


def recovery(guess=None) -> Explorer:
    """Drag through 18 more steps, with ten old pictures in every batch; guess: from cl.guess."""
    story = opening()

    def draw(step: int) -> str:
        at = LAST + step
        now = story.estimate("which of ten", at)
        title = f"{step} of {LAST} more steps, now with ten old pictures"
        axes = graph_frame(0, 2 * LAST)
        middle = [axes.place(LAST, up) for up in (0, 1)]
        graph = [axes.frame("steps", (0, 18, 36)), line(middle, SOFT, width=1.5, dashes="3 3"),
                 guess_line(axes, guess), lanes(axes, story, "which of ten", range(at + 1)),
                 never_taught(axes, story, "which of ten", range(at + 1)), big(now)]
        said = story.said["which of ten"][0][at]
        return card(title, in_words(story, title, said, now), headline(title),
                    *pictures(story, said, "Network 1 of 20 says"), *graph,
                    width=WIDTH, height=HEIGHT)

    columns = {"0s and 1s read": "which of ten", "by networks never taught them":
               "which of ten, never taught", "2s and 3s read": "2 and 3"}
    return Explorer({"step": Slider("steps with ten old pictures", range(LAST + 1))}, draw,
                    height=HEIGHT, fallback=still.recovery(guess),
                    table=numbers(story, columns, range(LAST, 2 * LAST + 1)))


def asking(guess=None) -> Explorer:
    """The forgetful networks, step by step and one by one, asked in two ways; guess: in words."""
    story = opening()
    word = getattr(guess, "value", guess)

    def draw(question: str, step: int, network: int) -> str:
        asked = QUESTIONS[question]
        now = story.estimate(asked, step)
        title = f"“{question}” after {step} small steps on 2s and 3s"
        axes = graph_frame(0, LAST)
        graph = [axes.frame("steps on 2s and 3s", (0, 6, 12, 18)),
                 lanes(axes, story, asked, range(step + 1), network - 1), big(now)]
        if asked == "0 or 1":
            graph += [never_taught(axes, story, asked, range(step + 1)), guess_word(word)]
        said = story.said[asked][network - 1][step]
        return card(title, in_words(story, title, said, now), headline(title),
                    *pictures(story, said, f"Network {network} of 20 (dashed) says"), *graph,
                    width=WIDTH, height=HEIGHT)

    columns = {"which digit, 0 to 9": "which of ten", "0 or 1": "0 or 1",
               "0 or 1, by networks never taught them": "0 or 1, never taught"}
    controls = {"question": Choice("We ask", list(QUESTIONS)),
                "step": Slider("small steps", range(LAST + 1), start=LAST),
                "network": Slider("network", range(1, 21))}
    explorer = Explorer(controls, draw, height=HEIGHT, fallback=still.asking(),
                        table=numbers(story, columns, range(LAST + 1)))
    question, *sliders = explorer.widgets.values()
    row = ipywidgets.HBox(sliders, layout=ipywidgets.Layout(max_width="900px"))
    explorer.box.children = [question, row, *explorer.box.children[-2:]]  # fits a projector
    return explorer


def headline(title: str) -> str:
    """What the drawing shows now."""
    return text(24, 38, title, size=23, bold=True)


def pictures(story: Opening, said: str, who: str) -> list[str]:
    """Ten 0s above ten 1s, each with the answer below: plain where right, boxed where wrong."""
    right = sum(one == truth for one, truth in zip(said, story.truth, strict=True))
    parts = [text(24, 72, f"{who}:", colour=SOFT)]
    for place, (pixels, answer, truth) in enumerate(
        zip(story.pictures, said, story.truth, strict=True)
    ):
        row, column = divmod(place, 10)
        x, y = 24 + 52 * column, 86 + 98 * row
        parts.append(digit(pixels, x, y, 46))
        if answer != truth:
            parts.append(box(x + 8, y + 51, 30, 29, VERMILLION, corner=5))
        colour = INK if answer == truth else PAPER
        parts.append(text(x + 23, y + 74, answer, size=23, colour=colour, anchor="middle",
                          bold=True))
    length = 514 * right / len(said)
    return [*parts, box(24, 296, 514, 24, "#E8E8E8", corner=4), box(24, 296, length, 24, BLUE,
            corner=4), text(24, 348, f"{right} of these {len(said)} right", size=20, bold=True)]


def graph_frame(low: float, high: float) -> Axes:
    """Where the graph of all networks stands."""
    return Axes(610, 144, 262, 168, low, high)


def big(now: Sequence[float]) -> str:
    """The share of 0s and 1s that the twenty networks read, with its interval."""
    return (text(576, 72, "20 networks, all test pictures:", colour=SOFT)
            + text(576, 104, f"{number(now[0])} right", size=25, colour=BLUE, bold=True)
            + text(736, 104, f"[{number(now[1])}, {number(now[2])}]", colour=SOFT))


def lanes(axes: Axes, story: Opening, asked: str, steps: range, own: int | None = None) -> str:
    """A thin line for each network, a thick one for their mean, a dark one for network `own`."""
    thin = [axes.curve(steps, story.share(asked)[lane][: len(steps)], BLUE, width=1, opacity=0.35)
            for lane in range(20)]
    mean = [value for value, _, _ in story.estimates[asked][: len(steps)]]
    thick = axes.curve(steps, mean, BLUE, width=4)
    parts = [*thin, thick, dot(*axes.place(steps[-1], mean[-1]), 7, BLUE)]
    if own is not None:
        parts.append(axes.curve(steps, story.share(asked)[own][: len(steps)], INK, width=2,
                                dashes="6 3"))
    return "".join(parts)


def never_taught(axes: Axes, story: Opening, asked: str, steps: range) -> str:
    """The mean of the twins that never saw a 0 or a 1 before."""
    mean = [value for value, _, _ in story.estimates[f"{asked}, never taught"][: len(steps)]]
    key = line([(576, 122), (604, 122)], GREEN, width=3, dashes="7 4")
    words = text(612, 127, f"never taught 0 and 1: {number(mean[-1])}", size=15)
    return axes.curve(steps, mean, GREEN, width=3, dashes="7 4") + key + words


def guess_line(axes: Axes, guess) -> str:
    """A dashed line at the reader's own guess, if there is one."""
    height = getattr(guess, "value", guess)
    if height is None:
        return ""
    ends = axes.place(axes.low, height), axes.place(axes.high, height)
    return line(ends, GUESS, width=2.5, dashes="9 5") + text(
        axes.x + axes.width, ends[0][1] - 7, f"your guess {number(height)}", size=15,
        colour=GUESS, anchor="end")


def guess_word(word: str | None) -> str:
    """The reader's own guess in words, if there is one, in line with the count below the bar."""
    return "" if word is None else text(538, 348, f"you said: {word}", colour=GUESS,
                                        anchor="end")


def in_words(story: Opening, title: str, said: str, now: Sequence[float]) -> str:
    """What the drawing shows, for those who listen."""
    right = sum(one == truth for one, truth in zip(said, story.truth, strict=True))
    return (f"{title}: this network reads {right} of {len(said)} pictures of 0 and 1 rightly; it "
            f"says {', '.join(said)} where {', '.join(story.truth)} is right. Mean of 20 networks "
            f"over all test pictures: {number(now[0])} [{number(now[1])}, {number(now[2])}].")


def numbers(story: Opening, columns: dict[str, str], steps: range) -> Table:
    """Mean of the twenty networks and its interval, a row a step."""
    def cell(asked: str, step: int) -> str:
        value, low, high = map(number, story.estimates[asked][step])
        return f"{value} [{low}, {high}]"

    rows = [[step, *(cell(asked, step) for asked in columns.values())] for step in steps]
    return Table(["step", *columns], rows)
