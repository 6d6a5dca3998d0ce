"""The map of the course, read from the lessons themselves: number, title and minutes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import NamedTuple

from clcourse.workspace import lessons


class Lesson(NamedTuple):
    """One lesson: its file, what its title claims, and how many minutes it takes."""

    file: str
    title: str
    minutes: str

    @property
    def number(self) -> str:
        """The two digits that the file begins with."""
        return self.file[:2]


class CourseMap(list):
    """The lessons in order; a table of links in a notebook."""

    def __repr__(self) -> str:
        return "\n".join(f"{one.number}  {one.title} ({one.minutes} minutes)" for one in self)

    def _repr_markdown_(self) -> str:
        rows = [f"| {one.number} | [{one.title}]({one.file}) | {one.minutes} |" for one in self]
        return "\n".join(["| | lesson | minutes |", "|---|---|---|", *rows])


def course_map() -> CourseMap:
    """Every lesson that this installation has."""
    return CourseMap(_lesson(path) for path in lessons())


def _lesson(path: Path) -> Lesson:
    """Title and minutes stand in the first cell of a lesson."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    first = "".join(cells[0]["source"]) if cells else ""
    title = re.search(r"^# *(?:\d\d\W+)?(.+)$", first, re.MULTILINE)
    minutes = re.search(r"(\d+) minutes", first)
    name = title[1].strip() if title else path.stem
    return Lesson(path.name, name, minutes[1] if minutes else "?")
