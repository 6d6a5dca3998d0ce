"""All figures of the course: each shows a picture and says its main numbers in one sentence.

Names are looked up when they are first used, so that a lesson's figures load without the others.
"""

from __future__ import annotations

import importlib

_home = {
    "Figure": "figure",
    "talk": "figure",
    "accuracy_matrix": "matrix",
    "bars": "general",
    "curves": "general",
    "paired": "general",
}

_themes = (
    "slots one_memory openings far_recall kernel_memory remembering fading fast_and_slow "
    "sparsity completion frequency rates amnesia memory_effects deep_memory "
    "in_context hope nested_paper equal_bytes window adapter_effects chains"
).split()

__all__ = list(_home)


def __getattr__(name: str):
    """A figure by its name, or a module of figures, such as `lesson_02` or `slots`."""
    if name in _home:
        return getattr(importlib.import_module(f"{__name__}.{_home[name]}"), name)
    if name.startswith("lesson_") or name in (*_home.values(), *_themes):
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"clcourse.plots has no {name!r}; it has {', '.join(_home)}")


def __dir__() -> list[str]:
    return sorted(__all__)
