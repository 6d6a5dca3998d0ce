"""The README keeps its word: its lines print what it says, its map is the course."""

import re
from pathlib import Path

from clcourse.contents import course_map
from conftest import moved

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_ten_lines_print_what_stands_below_them(capsys):
    code, printed = re.search(r"```python\n(.*?)```\n+```\n(.*?)```", README, re.DOTALL).groups()
    exec(code, {})
    assert moved(printed, capsys.readouterr().out) == []


def test_the_map_is_the_course():
    rows = re.findall(
        r"^\| (\d\d) \| \[(.+)\]\(notebooks/(.+)\) \| (\d+) \|$", README, re.MULTILINE
    )
    assert rows == [(one.number, one.title, one.file, one.minutes) for one in course_map()]


def test_the_tree_names_every_room():
    tree = README.split("## What is where")[1]
    rooms = {path.name for path in (ROOT / "clcourse").iterdir() if not path.name.startswith("__")}
    command = {
        "contents.py",
        "doctor.py",
        "execute.py",
        "normalise.py",
        "slides.py",
        "workspace.py",
    }
    for room in rooms - command - {"jupyter"}:
        assert f"  {room}{'/' * ('.' not in room)} " in tree, room


def test_links_and_pictures_exist():
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert target.startswith("https://") or (ROOT / target).exists(), target
