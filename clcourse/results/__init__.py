"""Results of the longer studies, stored with the settings, seeds and versions that made them.

A lesson reads them with `load("00_opening")`; the study of the same name in `studies/` makes them
again in one command. Needs no torch, so that a stored result shows at once.
"""

from __future__ import annotations

import importlib.metadata
import json
import platform
from pathlib import Path

from clcourse.errors import CourseError

HOME = Path(__file__).parent


def load(name: str) -> dict:
    """The stored study of that name, such as "00_opening"."""
    path = HOME / f"{name}.json"
    if not path.exists():
        known = ", ".join(sorted(one.stem for one in HOME.glob("*.json")))
        raise CourseError(
            f"No stored result is called {name!r}; expected one of {known}: "
            f"or make it with `python studies/{name}.py`."
        )
    return json.loads(path.read_text(encoding="utf-8"))


def store(name: str, settings: dict, results: dict, folder: Path = HOME) -> Path:
    """Write a study with its settings and the versions it ran with; one line for each entry."""
    versions = {"python": platform.python_version()}
    versions |= {one: importlib.metadata.version(one) for one in ("torch", "numpy", "scikit-learn")}
    study = {"study": f"studies/{name}.py", "settings": settings, "versions": versions} | results
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in study.items()]
    path = Path(folder) / f"{name}.json"
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    unfinished.replace(path)
    return path
