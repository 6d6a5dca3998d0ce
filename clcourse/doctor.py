"""What an environment lacks, in words: each finding is fine, worth knowing, or broken.

Nothing here imports the rest of the course, which may be what is broken.
"""

from __future__ import annotations

import ast
import importlib.metadata
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from clcourse.workspace import copies, lessons, originals, working_folder, write_whole

FINE, NOTE, PROBLEM = "OK", "note", "problem"
LEAST_PYTHON = (3, 11, 5)
LEAST_MEMORY = 1e9  # one lesson with JupyterLab needs 0.4 to 0.7 GB
LEAST_DISK = 100e6
KERNEL_SECONDS = 60
INSTALL = "in the folder of the course: python -m pip install -c constraints.txt -e ."


class Finding(NamedTuple):
    """One line of the report; `todo` says what to do about it."""

    state: str
    text: str
    todo: str = ""

    def __str__(self) -> str:
        line = f"{self.state:8} {self.text}"
        return f"{line}\n{'':8} -> {self.todo}" if self.todo else line


def doctor(*, debug: bool = False) -> int:
    """Print one line a check; the exit status is 1 if something is broken."""
    states = []
    for check in CHECKS:
        try:
            for finding in check():
                states.append(finding.state)
                print(finding, flush=True)
        except Exception as error:  # a check that breaks down is a finding, not the end
            if debug:
                raise
            states.append(PROBLEM)
            subject = check.__name__.removeprefix("check_")
            print(Finding(PROBLEM, f"{subject} could not be checked: {_short(error)}"), flush=True)
    broken = states.count(PROBLEM)
    print("\nAll is well." if not broken else f"\nTo put right: {broken}.")
    return 1 if broken else 0


def check_python() -> Iterator[Finding]:
    """Is this Python new enough?"""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:3] < LEAST_PYTHON:
        least = ".".join(map(str, LEAST_PYTHON))
        yield Finding(PROBLEM, f"Python {version}", f"install Python {least} or later")
    else:
        yield Finding(FINE, f"Python {version} at {sys.executable}")


def check_packages() -> Iterator[Finding]:
    """Is everything here that the installed course declares?"""
    from packaging.requirements import Requirement

    try:
        wanted = importlib.metadata.requires("clcourse") or []
    except importlib.metadata.PackageNotFoundError:
        yield Finding(PROBLEM, "clcourse itself is not installed", INSTALL)
        return
    needed = [Requirement(text) for text in wanted]
    needed = [one for one in needed if one.marker is None or one.marker.evaluate({"extra": ""})]
    wrong = []
    for one in needed:
        try:
            version = importlib.metadata.version(one.name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{one.name} is missing")
            continue
        if not one.specifier.contains(version, prereleases=True):
            wrong.append(f"{one.name} is {version}, but the course needs {one.specifier}")
    if wrong:
        yield Finding(PROBLEM, "packages: " + "; ".join(wrong), INSTALL)
    else:
        yield Finding(FINE, f"packages: all {len(needed)} present in the versions needed")


def check_jupyter() -> Iterator[Finding]:
    """Do the parts of Jupyter load?"""
    for name in ("ipykernel", "jupyterlab", "ipywidgets", "nbclient"):
        try:
            module = __import__(name)
        except Exception as error:
            todo = f"python -m pip install --force-reinstall {name}"
            yield Finding(PROBLEM, f"{name} cannot be imported: {_short(error)}", todo)
        else:
            yield Finding(FINE, f"{name} {module.__version__}")


def check_torch() -> Iterator[Finding]:
    """Does PyTorch load and compute, and on what?"""
    try:
        import torch

        right = float((torch.ones(2, 2) @ torch.ones(2, 2)).sum()) == 8.0
    except Exception as error:  # a broken library of its own raises OSError
        todo = "install PyTorch again: https://pytorch.org/get-started/locally/"
        yield Finding(PROBLEM, f"torch cannot be used: {_short(error)}", todo)
        return
    if not right:
        yield Finding(PROBLEM, f"torch {torch.__version__} computes wrongly", "install it again")
        return
    yield Finding(FINE, f"torch {torch.__version__}")
    yield _threads(torch.get_num_threads(), _cores())
    chosen = os.environ.get("CLCOURSE_DEVICE")
    if chosen:
        yield Finding(FINE, f"computes on {chosen}, as CLCOURSE_DEVICE says")
    elif torch.cuda.is_available():
        yield Finding(FINE, f"computes on the GPU {torch.cuda.get_device_name()}")
    elif torch.backends.mps.is_available():
        yield Finding(FINE, "computes on the GPU of this Mac (mps)")
    else:
        yield Finding(FINE, "computes on the CPU; the lessons are made for that")


def _threads(threads: int, cores: int) -> Finding:
    if threads > cores:
        return Finding(
            NOTE,
            f"torch uses {threads} threads on {cores} cores, which makes it slow",
            "unset OMP_NUM_THREADS; the command then sets it to 1",
        )
    return Finding(FINE, f"torch uses {threads} of {cores} cores")


def check_memory() -> Iterator[Finding]:
    """Is there room for a lesson?"""
    free, total = memory()
    text = f"memory: {free / 1e9:.1f} GB free of {total / 1e9:.1f} GB"
    if free < LEAST_MEMORY:
        yield Finding(NOTE, text, "close other programs and shut down notebooks you are done with")
    else:
        yield Finding(FINE, text)


def memory(groups: Path = Path("/sys/fs/cgroup")) -> tuple[float, float]:
    """Bytes of memory free and in all: the machine's, or what a container may use of them."""
    import psutil

    machine = psutil.virtual_memory()
    free, total = machine.available, machine.total
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        try:
            allowed = int((groups / limit).read_text())  # "max" where there is no limit
            taken = int((groups / used).read_text())
            listed = (groups / used).with_name("memory.stat").read_text()
        except (OSError, ValueError):
            continue
        cached = re.findall(r"^(?:total_)?inactive_file (\d+)$", listed, re.MULTILINE)
        taken -= max(map(int, cached), default=0)  # files that it gives up when asked for memory
        total, free = min(total, allowed), min(free, max(0, allowed - taken))
    return free, total


def check_kernel() -> Iterator[Finding]:
    """Does a real kernel start, with this Python and this course?"""
    prefix, said = try_kernel()
    if prefix is None:
        todo = "python -m pip install --force-reinstall ipykernel"
        yield Finding(PROBLEM, f"no kernel starts: {said}", todo)
    elif prefix != sys.prefix:
        todo = "python -m ipykernel install --sys-prefix"
        yield Finding(PROBLEM, f"notebooks run another Python, that of {prefix}", todo)
    elif said:
        yield Finding(PROBLEM, f"a kernel starts, but {said}", INSTALL)
    else:
        yield Finding(FINE, "a kernel starts, computes 1 + 1 and finds the course")


def try_kernel() -> tuple[str | None, str]:
    """Start a real kernel: where its Python lives (None if it fails), and what is wrong."""
    import tempfile

    from jupyter_client.manager import start_new_kernel

    with tempfile.TemporaryFile() as errors:
        try:
            manager, client = start_new_kernel(
                startup_timeout=KERNEL_SECONDS,
                kernel_name="python3",
                cwd=tempfile.gettempdir(),  # where the course is found only if it is installed
                stderr=errors,
            )
        except Exception as error:
            errors.seek(0)
            last = errors.read().decode(errors="replace").strip().splitlines()[-1:]
            return None, last[0] if last else _short(error)
        try:
            return _ask(client)
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)


def _ask(client) -> tuple[str | None, str]:
    expressions = {
        "sum": "1 + 1",
        "prefix": "__import__('sys').prefix",
        "course": "__import__('importlib').util.find_spec('clcourse') is not None",
    }
    reply = client.execute_interactive(
        "import importlib.util",
        silent=True,
        user_expressions=expressions,
        timeout=KERNEL_SECONDS,
        output_hook=lambda message: None,
    )
    answers = {
        name: answer.get("data", {}).get("text/plain", "?")
        for name, answer in reply["content"]["user_expressions"].items()
    }
    if answers["sum"] != "2":
        return None, f"it says that 1 + 1 is {answers['sum']}"
    finds = answers["course"] == "True"
    return ast.literal_eval(answers["prefix"]), "" if finds else "it does not find the course"


def check_lessons() -> Iterator[Finding]:
    """Are the lessons where they should be?"""
    found = lessons()
    yield Finding(
        FINE, f"{len(found)} {'lesson' if len(found) == 1 else 'lessons'} in {originals()}"
    )


def check_copies() -> Iterator[Finding]:
    """Can copies be written, and what do they look like?"""
    folder = working_folder()
    place = next(one for one in (folder, *folder.parents) if one.exists())
    try:
        if place == folder:
            probe = folder / ".clcourse-doctor"
            write_whole(probe, b"1 + 1 = 2\n")
            probe.unlink()
        elif not os.access(place, os.W_OK):
            raise PermissionError(None, "Permission denied", str(place))
    except OSError as error:
        todo = "set CLCOURSE_WORK to a folder of yours with some free space"
        yield Finding(PROBLEM, f"cannot write in {place}: {error.strerror}", todo)
        return
    free = shutil.disk_usage(place).free
    if free < LEAST_DISK:
        yield Finding(NOTE, f"only {free / 1e6:.0f} MB free for {folder}", "free some disk space")
    states = list(copies(folder).values())
    counts = [f"{states.count(one)} {one}" for one in dict.fromkeys(states)]
    yield Finding(FINE, f"working copies in {folder}: {', '.join(counts)}")


def _cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _short(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


CHECKS = (
    check_python,
    check_packages,
    check_jupyter,
    check_torch,
    check_memory,
    check_kernel,
    check_lessons,
    check_copies,
)
