"""The map of the course says what stands in the lessons' first cells."""

import json

from clcourse import contents


def test_the_map_is_read_from_the_lessons(tmp_path, monkeypatch):
    for name, first in {
        "00_start.ipynb": "# It begins\n\n**15 minutes**, and more",
        "01_more.ipynb": "# 01 · It goes on\n\nabout 40 minutes",
        "02_raw.ipynb": "no title",
    }.items():
        cell = {"cell_type": "markdown", "source": first.splitlines(keepends=True)}
        (tmp_path / name).write_text(json.dumps({"cells": [cell]}), encoding="utf-8")
    monkeypatch.setattr(contents, "lessons", lambda: sorted(tmp_path.glob("*.ipynb")))
    shown = contents.course_map()
    assert repr(shown) == (
        "00  It begins (15 minutes)\n01  It goes on (40 minutes)\n02  02_raw (? minutes)"
    )
    assert "| 01 | [It goes on](01_more.ipynb) | 40 |" in shown._repr_markdown_()


def test_the_map_of_this_course_knows_every_title_and_time():
    assert all(one.minutes.isdigit() and "_" not in one.title for one in contents.course_map())
