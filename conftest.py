"""How pytest replays the notebooks: the stored text must come back, decimals within a tolerance.

Text and whole numbers are compared exactly; a decimal may move by 0.02 up to 1 and by 5 % above,
because another processor adds in another order. Figures are compared by their sentence
(text/plain), never by their pixels. A failure says in one line what moved:

    02_catastrophic_forgetting.ipynb cell 7: 0.79 -> 0.84 (allowed 0.02)

where cell 7 is the seventh code cell, the one with [7] beside it.
"""

import atexit
import os
import re
import shutil
import tempfile
from collections import defaultdict

# Kernels and workers inherit this. It has to be there before torch loads; what is set by hand
# stays, so that `OMP_NUM_THREADS=2 python -m pytest -n 0` tests with two threads.
if "IPYTHONDIR" not in os.environ:  # a reader's own start-up files and history stay out of it
    os.environ["IPYTHONDIR"] = tempfile.mkdtemp(prefix="clcourse-ipython-")
    atexit.register(shutil.rmtree, os.environ["IPYTHONDIR"], ignore_errors=True)
for name, value in {
    "OMP_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "passive",
    "PYTHONHASHSEED": "0",
    "CLCOURSE_DEVICE": "cpu",
    "CLCOURSE_PROGRESS": "0",
}.items():
    os.environ.setdefault(name, value)

import pytest  # noqa: E402
from hypothesis import settings  # noqa: E402
from nbval import plugin as nbval  # noqa: E402

settings.register_profile("course", deadline=None, derandomize=True, database=None)
settings.load_profile("course")

# A decimal with its sign, an exponent if there is one, and the spaces that align it in a table.
# Version numbers (2.13.0) and whole numbers are text, to be met exactly.
DECIMAL = re.compile(r" *[-+−]?(?<![\d.])(?:\d+\.\d+(?:e[-+]?\d+)?|\d+e[-+]?\d+)(?!\d|\.\d)")
SKIPPED = {
    "text/html",
    "image/png",
    "image/jpeg",
    "image/svg+xml",
    "application/vnd.jupyter.widget-view+json",
}


def allowed(stored: float) -> float:
    """How far a stored decimal may move."""
    return 0.02 if abs(stored) <= 1 else 0.05 * abs(stored)


def moved(stored: str, fresh: str) -> list[str]:
    """What moved between a stored text and a fresh one, a line each; nothing if all is well."""
    before, after = stored.splitlines(), fresh.splitlines()
    changes = [
        change
        for old, new in zip(before, after, strict=False)
        for change in _moved_in_line(old, new)
    ]
    if len(before) != len(after):
        changes.append(f"{len(before)} lines -> {len(after)} lines")
    return changes


def _moved_in_line(stored: str, fresh: str) -> list[str]:
    if DECIMAL.split(stored) != DECIMAL.split(fresh):
        return [_text_change(stored, fresh)]
    changes = []
    for old, new in zip(DECIMAL.findall(stored), DECIMAL.findall(fresh), strict=True):
        before, after = (float(text.replace("−", "-")) for text in (old, new))
        if abs(after - before) > allowed(before) + 1e-9:
            changes.append(f"{old.strip()} -> {new.strip()} (allowed {allowed(before):.2g})")
    return changes


def _text_change(stored: str, fresh: str) -> str:
    """The words around the first difference."""
    start = len(os.path.commonprefix([stored, fresh]))
    start = max(stored.rfind(" ", 0, start) + 1, start - 30)
    old, new = (text[start : start + 60] for text in (stored, fresh))
    return f"{old!r} -> {new!r} (text and whole numbers must stay)"


class Cell(nbval.IPyNbCell):
    """A code cell of a notebook, run and compared; cells count from 1, as their [1] does."""

    def runtest(self):
        if self.cell.execution_count is None:  # nbval itself would let it pass uncompared
            self._note(["stored without having been run; `clcourse run --save` runs it"])
            self.raise_cell_error("Never run")
        super().runtest()

    def compare_outputs(self, test, ref, skip_compare=None):
        """Whether the fresh outputs `test` say what the stored `ref` say; notes what moved."""
        stored, fresh = _texts(ref), _texts(test)
        changes = []
        for kind in [*stored, *(kind for kind in fresh if kind not in stored)]:
            old, new = stored[kind], fresh[kind]
            if len(old) != len(new):
                changes.append(f"{len(old)} outputs of {kind} -> {len(new)}{_first(new)}")
                continue
            for one, other in zip(old, new, strict=True):
                changes += moved(one, other)
        self._note(changes)
        return not changes

    def _note(self, changes):
        where = f"{self.parent.path.name} cell {self.cell_num}"
        self.comparison_traceback = [f"{where}: {change}" for change in changes]

    def repr_failure(self, excinfo):
        changes = getattr(self, "comparison_traceback", None)
        return "\n".join(changes) if changes else super().repr_failure(excinfo)


def _texts(outputs) -> dict[str, list[str]]:
    """The compared texts of a cell by kind: stdout, text/plain, text/markdown, error …"""
    texts = defaultdict(list)
    for output in outputs:
        if output.output_type == "stream":
            texts[output.name].append(output.text)
        elif output.output_type == "error":
            texts["error"].append(f"{output.ename}: {output.evalue}")
        else:
            for kind, text in output.get("data", {}).items():
                if kind not in SKIPPED:
                    texts[kind].append(text if isinstance(text, str) else repr(text))
    return texts


def _first(texts: list[str]) -> str:
    return f": {texts[0].strip()[:60]!r}" if texts else ""


class Notebook(nbval.IPyNbFile):
    """A notebook whose cells are compared by the rules above."""

    def collect(self):
        for number, one in enumerate(super().collect(), 1):
            yield Cell.from_parent(
                self, name=f"cell {number}", cell_num=number, cell=one.cell, options=one.options
            )


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path, parent):
    """Notebooks of ours where nbval would collect its own."""
    return [
        Notebook.from_parent(parent, path=file_path) if isinstance(one, nbval.IPyNbFile) else one
        for one in (yield)
    ]


def pytest_collection_modifyitems(items):
    """What takes long comes first, so that no worker is left alone with it: browser, notebooks."""
    items.sort(key=lambda one: (not one.get_closest_marker("browser"), not isinstance(one, Cell)))
