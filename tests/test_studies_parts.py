"""A study that is stopped goes on where it was: what it has made is on disk, whole."""

import importlib
import json
import sys
from pathlib import Path

import pytest


@pytest.fixture
def parts(monkeypatch, tmp_path):
    """studies/parts.py, with a folder of its own."""
    monkeypatch.setattr(sys, "path", [str(Path(__file__).parents[1] / "studies"), *sys.path])
    monkeypatch.setenv("CLCOURSE_CACHE", str(tmp_path / "new"))
    return importlib.import_module("parts")


def test_a_part_is_made_once_and_found_again(parts, capsys):
    made = []
    first = parts.Parts("a study")
    assert first("one", lambda: made.append(1) or {"right": 0.5}) == {"right": 0.5}
    assert capsys.readouterr().out == 'one {"right": 0.5}\n'
    again = parts.Parts("a study")
    assert again("one", lambda: made.append(2)) == {"right": 0.5} and made == [1]
    assert parts.Parts("another")("one", lambda: 3) == 3
    assert capsys.readouterr().out == "one 3\n"


def test_what_fails_is_not_kept(parts):
    study = parts.Parts("a study")
    study("one", lambda: 1)
    with pytest.raises(ZeroDivisionError):
        study("two", lambda: 1 / 0)
    assert json.loads(study.path.read_text()) == {"one": 1}
    assert [file.name for file in study.path.parent.iterdir()] == ["a study_parts.json"]
