"""Interactive explorers, a file a lesson: `cl.explore.lesson_00.forgetting()`.

The only place that imports ipywidgets. A lesson's module is loaded when it is first named.
"""

from __future__ import annotations

import importlib


def __getattr__(name: str):
    """The explorers of a lesson, such as `lesson_02`."""
    if name.startswith("lesson_"):
        try:
            return importlib.import_module(f"{__name__}.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"{__name__}.{name}":
                raise
    raise AttributeError(f"clcourse.explore has no {name!r}; it has a module for each lesson, such "
                         "as lesson_00")
