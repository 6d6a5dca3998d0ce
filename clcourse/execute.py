"""Run notebooks from top to bottom without a browser, and say what each of them costs.

One after another, each in a fresh kernel: two at once would compete for one core and for memory.
"""

from __future__ import annotations

import ast
import os
import subprocess
from pathlib import Path
from typing import NamedTuple

from clcourse.errors import CourseError
from clcourse.normalise import keep_old_pictures, normalise
from clcourse.workspace import write_whole

CELL_SECONDS = 600  # a cell that takes longer is taken for an endless loop
BUDGET_SECONDS, BUDGET_MB = 60, 700  # of a whole notebook on one core
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}
STORED = {**ONE_THREAD, "CLCOURSE_DEVICE": "cpu"}  # under which the stored outputs are made

# Sent to the kernel after the last cell. It calls no builtin, which a lesson may have shadowed.
# Linux's ru_maxrss would not do: a process starts with the peak of the one that started it.
MEASURE = """
import json as _json, os as _os, pathlib as _pathlib, re as _re, sys as _sys
if _sys.platform == "linux":
    _status = _pathlib.Path("/proc/self/status").read_text()
    _peak = _json.loads(_re.search(r"VmHWM:\\s*([0-9]+) kB", _status)[1]) * 1024
elif _sys.platform == "darwin":
    import resource as _resource
    _peak = _resource.getrusage(_resource.RUSAGE_SELF).ru_maxrss
else:
    import psutil as _psutil
    _peak = _psutil.Process().memory_info().peak_wset
_times = _os.times()
"""
USAGE = "(_times[0] + _times[1] + _times[2] + _times[3], _peak)"


class Outcome(NamedTuple):
    """What became of one notebook: what it holds now, what it cost, why it stopped if it did.

    `cpu_seconds` and `peak_bytes` are the kernel's, None where it died before it could tell.
    """

    name: str
    notebook: dict
    cells: int
    cpu_seconds: float | None
    peak_bytes: int | None
    problem: str | None
    traceback: str | None


def run(lessons: list[Path], *, save: bool = False, debug: bool = False) -> int:
    """Run the lessons, store their outputs if asked, print the table; return the exit status."""
    environment = {**os.environ, "CLCOURSE_PROGRESS": "0", **(STORED if save else {})}
    outcomes = []
    try:
        for lesson in lessons:
            outcome = execute(lesson, environment)
            outcomes.append(outcome)
            if outcome.problem:
                print(outcome.problem, *([outcome.traceback] if debug else []), sep="\n")
            elif save:
                print(*store(lesson, outcome.notebook), sep="\n")
    finally:
        if outcomes:
            print(table(outcomes))
    return 1 if any(outcome.problem for outcome in outcomes) else 0


def execute(lesson: Path, environment: dict[str, str]) -> Outcome:
    """Execute one notebook in a fresh kernel; the file itself is only read."""
    from jupyter_client.kernelspec import NoSuchKernel
    from nbclient import NotebookClient

    notebook = read(lesson)
    cells = _clear(notebook)
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=CELL_SECONDS,
        record_timing=False,
        coalesce_streams=True,
    )
    client.log.setLevel("CRITICAL")  # what goes wrong is told once, in our words
    try:
        with client.setup_kernel(
            cwd=str(lesson.parent), env=environment, stderr=subprocess.DEVNULL
        ):
            problem, traceback, answers = _execute_cells(client, cells, lesson.stem)
            cpu_seconds, peak_bytes = _measure(client) if answers else (None, None)
    except (NoSuchKernel, RuntimeError) as error:
        raise CourseError(
            "The Python kernel that runs the lessons does not start: `clcourse doctor` says why."
        ) from error
    return Outcome(lesson.stem, notebook, len(cells), cpu_seconds, peak_bytes, problem, traceback)


def read(path: Path) -> dict:
    """The notebook in the file `path`."""
    import nbformat

    try:
        return nbformat.read(path, as_version=4)
    except (ValueError, AttributeError, nbformat.ValidationError) as error:
        raise CourseError(
            f"{path} is damaged and no longer a notebook: `clcourse reset {path.name[:2]}` "
            "restores your copy; git restores an original."
        ) from error


def _clear(notebook: dict) -> list[dict]:
    """Forget all earlier outputs; return the cells that will run."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell in code:
        cell.outputs, cell.execution_count = [], None
    return [
        cell
        for cell in code
        if cell.source.strip() and "skip-execution" not in cell.metadata.get("tags", [])
    ]


def _execute_cells(client, cells: list[dict], name: str) -> tuple[str | None, str | None, bool]:
    """Run the cells: one sentence if one stops, its traceback, whether the kernel still answers."""
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
    from tqdm import tqdm

    silent = True if os.environ.get("CLCOURSE_PROGRESS") == "0" else None  # None: not a terminal
    positions = {id(cell): index for index, cell in enumerate(client.nb.cells)}
    with tqdm(cells, desc=name, unit="cell", leave=False, mininterval=0, disable=silent) as bar:
        for number, cell in enumerate(bar, start=1):
            try:
                client.execute_cell(cell, positions[id(cell)], execution_count=number)
                continue
            except CellExecutionError as error:
                said = error.evalue.strip().splitlines()[:1]
                why, traceback, answers = ": ".join([error.ename, *said]), error.traceback, True
            except CellTimeoutError as error:
                why = f"no end in sight after {CELL_SECONDS} seconds."
                traceback, answers = str(error), False
            except DeadKernelError as error:
                why = "the kernel died, most often because the memory was used up."
                traceback, answers = str(error), False
            lines = [line.strip() for line in cell.source.strip().splitlines()]
            line = next((line for line in lines if line and line[0] not in "#%"), lines[0])
            problem = f"{name} stopped in cell [{number}], which begins `{line}`: {why}"
            return problem, traceback, answers
    return None, None, True


def _measure(client) -> tuple[float | None, int | None]:
    """CPU seconds and peak memory in bytes of the kernel, asked of itself."""
    request = client.kc.execute(MEASURE, silent=True, user_expressions={"usage": USAGE})
    reply = client.wait_for_reply(request) or {"content": {}}
    usage = reply["content"].get("user_expressions", {}).get("usage", {})
    if usage.get("status") != "ok":
        return None, None
    return ast.literal_eval(usage["data"]["text/plain"])


def store(lesson: Path, notebook: dict) -> list[str]:
    """Write the executed notebook over the original, normalised; say in words what was done."""
    import nbformat

    complaints = normalise(notebook)
    keep_old_pictures(notebook, read(lesson))
    content = (nbformat.writes(notebook, indent=1, sort_keys=True).rstrip("\n") + "\n").encode()
    if content == lesson.read_bytes():
        return [*complaints, f"{lesson.stem}: the stored outputs are as they were."]
    write_whole(lesson, content)
    return [*complaints, f"{lesson.stem}: stored."]


def table(outcomes: list[Outcome]) -> str:
    """What each notebook cost, beside the budget."""
    width = max(len(outcome.name) for outcome in outcomes)
    lines = [f"{'lesson':{width}}  cells  CPU s  peak MB  result"]
    for one in outcomes:
        seconds = "?" if one.cpu_seconds is None else f"{one.cpu_seconds:.1f}"
        memory = "?" if one.peak_bytes is None else f"{one.peak_bytes / 1e6:.0f}"
        over = [
            *([f"over {BUDGET_SECONDS} s"] if (one.cpu_seconds or 0) > BUDGET_SECONDS else []),
            *([f"over {BUDGET_MB} MB"] if (one.peak_bytes or 0) > BUDGET_MB * 1e6 else []),
        ]
        result = "stopped" if one.problem else ", ".join(["ok", *over])
        lines.append(f"{one.name:{width}}  {one.cells:5}  {seconds:>5}  {memory:>7}  {result}")
    return "\n".join(lines)
