"""Lesson 06: position, number and window. What is still read when the window is small?

Everything is looked up in the stored study `06_window`; nothing here trains.
"""

from __future__ import annotations

from clcourse.explore.base import Choice, Explorer, Slider, Table
from clcourse.explore.drawing import box, card, line, text
from clcourse.metrics import Estimate
from clcourse.plots import window
from clcourse.plots.figure import BLUE, FAINT, GREEN, PURPLE, SOFT, VERMILLION, number
from clcourse.plots.lesson_06 import study, whole
from clcourse.plots.reading import estimate_in_words
from clcourse.plots.window import grid

WIDTH, HEIGHT = 900, 330
PLACES = ("first", "a quarter in", "middle", "three quarters in", "last")
ALL = "no window"
TRACES = 3  # tokens that carry a trace of each one, as in `transformer`


def read(window: str, notes: int, place: str) -> Estimate:
    """How many questions are answered right, over the lanes."""
    name = "None" if window == ALL else window
    return whole(grid()[name][str(notes)][PLACES.index(place)])


def back(notes: int, place: str) -> int:
    """How many tokens back from the end of the question the right value stands."""
    share = study("window")["settings"]["grid"]["fractions"][PLACES.index(place)]
    return 4 * (notes - round(share * (notes - 1)))


def position_and_window() -> Explorer:
    """Three controls over 10 networks: notes in the context, place of the right one, window."""
    settings = study("window")["settings"]["grid"]
    windows = [ALL if window is None else str(window) for window in settings["windows"]]

    def draw(notes: int, place: str, window: str) -> str:
        right, far = read(window, notes, place), back(notes, place)
        seen = far + 1 if window == ALL else int(window)
        beyond = far + 1 - seen  # tokens between the window's edge and the value
        colour = BLUE if beyond <= 0 else PURPLE if beyond <= TRACES else VERMILLION
        title = (f"{notes} {'note' if notes == 1 else 'notes'}, the right one "
                 f"{'alone' if notes == 1 else _standing(place)}; {_named(window)}")
        what = ("in view" if beyond <= 0 else "just out of view, its traces are not"
                if beyond <= TRACES else "out of view")
        sentence = (f"{title}. The value stands {far} tokens back and is {what}: "
                    f"{number(right.value)} right, mean of {right.n} networks.")
        return card(title, sentence, text(24, 38, title, size=23, bold=True),
                    text(24, 68, f"the value stands {far} tokens back: {what}", colour=colour),
                    *_strip(notes, far, window),
                    text(24, 270, f"{number(right.value)} right", size=34, colour=colour,
                         bold=True),
                    text(230, 270, f"[{number(right.low)}, {number(right.high)}], "
                                   f"{right.n} networks; chance .05", colour=SOFT),
                    width=WIDTH, height=HEIGHT)

    controls = {
        "notes": Slider("notes in the context", settings["notes"], start=20),
        "place": Slider("the right one stands", PLACES, start="middle"),
        "window": Choice("window", windows, start=ALL),
    }
    return Explorer(controls, draw, height=HEIGHT + 28, fallback=window.window_and_number(),
                    table=numbers(windows))


def _standing(place: str) -> str:
    return "in the middle" if place == "middle" else place


def _named(window: str) -> str:
    return window if window == ALL else f"a window of {window} tokens"


def _strip(notes: int, far: int, window: str) -> list[str]:
    """The text as a strip of tokens, newest at the right: the window, the value, the question."""
    length = 4 * notes + 5
    each = 850 / length
    parts = [box(24, 120, 850, 46, FAINT)]
    seen = length if window == ALL else min(length, int(window))
    parts.append(box(24 + each * (length - seen), 120, each * seen, 46, "#CFE3EE"))
    parts.append(box(24 + each * (length - 4), 128, 4 * each, 30, SOFT))
    at = 24 + each * (length - 1 - far)
    parts.append(box(at, 112, max(3.0, each), 62, GREEN))
    late = at > 800
    parts.append(text(874 if late else max(at, 60), 100, "the value", size=15, colour=GREEN,
                      anchor="end" if late else "middle"))
    parts.append(text(874, 196, "the question", size=15, anchor="end", colour=SOFT))
    parts.append(line([(24 + each * (length - seen), 176), (874, 176)], BLUE, width=3))
    parts.append(text(24, 196, f"blue: the last {seen} of {length} tokens are in view", size=15,
                      colour=BLUE))
    return parts


def numbers(windows: list[str]) -> Table:
    """A row for each number of notes and window, a column for each place."""
    rows = [[notes, window, *(estimate_in_words(read(window, notes, place)) for place in PLACES)]
            for notes in study("window")["settings"]["grid"]["notes"] for window in windows]
    return Table(["notes", "window", *PLACES], rows)
