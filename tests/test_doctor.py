"""The doctor: a sound environment passes, each broken one is named with what to do about it."""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
import types

import nbformat
import pytest

from clcourse import __main__ as command
from clcourse import doctor, workspace
from clcourse.doctor import FINE, NOTE, PROBLEM


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course of one lesson, with its copies in a folder that does not exist yet."""
    (tmp_path / "clcourse").mkdir()
    (tmp_path / "notebooks").mkdir()
    nbformat.write(nbformat.v4.new_notebook(), tmp_path / "notebooks/00_start.ipynb")
    monkeypatch.setattr(workspace, "PACKAGE", tmp_path / "clcourse")
    monkeypatch.delenv("CLCOURSE_WORK", raising=False)
    return tmp_path


def states(check) -> list[str]:
    return [finding.state for finding in check()]


def only(check) -> doctor.Finding:
    (finding,) = check()
    return finding


# The report


def test_the_report_has_a_line_a_finding_and_fails_if_something_is_broken(monkeypatch, capsys):
    def sound():
        yield doctor.Finding(FINE, "this is well")

    def odd():
        yield doctor.Finding(NOTE, "this is odd", "do that")

    def broken():
        yield doctor.Finding(PROBLEM, "this is broken", "mend it")

    def check_roof():
        raise OSError("it fell in\nand more")

    monkeypatch.setattr(doctor, "CHECKS", (sound, odd))
    assert command.main(["doctor"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "OK       this is well",
        "note     this is odd",
        "         -> do that",
        "",
        "All is well.",
    ]
    monkeypatch.setattr(doctor, "CHECKS", (broken, check_roof, sound))
    assert command.main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "problem  this is broken\n         -> mend it\n" in said
    assert "problem  roof could not be checked: it fell in\n" in said  # and the next check ran
    assert said.endswith("OK       this is well\n\nTo put right: 2.\n")


def test_the_command_runs_all_checks_on_this_machine(course, capsys, monkeypatch):
    monkeypatch.setattr(doctor, "try_kernel", lambda: (sys.prefix, ""))
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: ["nbformat>=5"])
    assert command.main(["doctor"]) == 0
    said = capsys.readouterr().out
    for words in ("Python 3.", "packages: all 1", "torch 2.", "cores", "memory: ", "kernel starts"):
        assert words in said
    for words in (
        "ipykernel ",
        "jupyterlab ",
        "ipywidgets ",
        "computes on",
        "1 lesson in",
        "1 missing",
    ):
        assert words in said


# Python and its packages


def test_an_old_python_is_a_problem(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 9, 1))
    assert only(doctor.check_python) == (PROBLEM, "Python 3.9.1", "install Python 3.11.5 or later")


def test_packages_that_are_missing_or_too_old_are_named(monkeypatch):
    wanted = ["nbformat>=5", "nbclient>=999", "no-such-thing", 'pywin; sys_platform == "amiga"']
    wanted.append('extra-thing; extra == "test"')
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: wanted)
    finding = only(doctor.check_packages)
    version = importlib.metadata.version("nbclient")
    assert finding.state == PROBLEM and "pip install" in finding.todo
    assert finding.text == (
        f"packages: nbclient is {version}, but the course needs >=999; no-such-thing is missing"
    )
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: wanted[:1])
    assert only(doctor.check_packages).state == FINE


def test_a_course_that_is_not_installed_is_a_problem(monkeypatch):
    def none(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "requires", none)
    assert only(doctor.check_packages).text == "clcourse itself is not installed"


@pytest.mark.parametrize("name", ["ipykernel", "jupyterlab", "ipywidgets"])
def test_a_part_of_jupyter_that_does_not_load_is_named(monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    broken = [one for one in doctor.check_jupyter() if one.state == PROBLEM]
    assert [one.text.split()[0] for one in broken] == [name]
    assert name in broken[0].todo


# PyTorch


def pretend_torch(monkeypatch, *, threads=1, gpu=False, right=True):
    class Ones:
        def __init__(self, *shape):
            pass

        def __matmul__(self, other):
            return self

        def sum(self):
            return 8.0 if right else 7.0

    torch = types.SimpleNamespace(
        __version__="2.99",
        ones=Ones,
        get_num_threads=lambda: threads,
        cuda=types.SimpleNamespace(is_available=lambda: gpu, get_device_name=lambda: "Big One"),
        backends=types.SimpleNamespace(mps=types.SimpleNamespace(is_available=lambda: False)),
    )
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.delenv("CLCOURSE_DEVICE", raising=False)


def test_a_torch_that_does_not_load_is_a_problem(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    finding = only(doctor.check_torch)
    assert finding.state == PROBLEM and "torch cannot be used" in finding.text


def test_a_torch_that_computes_wrongly_is_a_problem(monkeypatch):
    pretend_torch(monkeypatch, right=False)
    assert states(doctor.check_torch) == [PROBLEM]


def test_more_threads_than_cores_is_worth_a_note(monkeypatch):
    monkeypatch.setattr(doctor, "_cores", lambda: 2)
    for threads, state in [(1, FINE), (2, FINE), (3, NOTE)]:
        pretend_torch(monkeypatch, threads=threads)
        assert states(doctor.check_torch) == [FINE, state, FINE]


def test_the_device_is_told(monkeypatch):
    pretend_torch(monkeypatch)
    assert "on the CPU" in [*doctor.check_torch()][-1].text
    pretend_torch(monkeypatch, gpu=True)
    assert "the GPU Big One" in [*doctor.check_torch()][-1].text
    monkeypatch.setenv("CLCOURSE_DEVICE", "cpu")
    assert "as CLCOURSE_DEVICE says" in [*doctor.check_torch()][-1].text


# Memory


def test_little_memory_is_worth_a_note(monkeypatch):
    for free, state in [(0.99e9, NOTE), (1.01e9, FINE)]:
        monkeypatch.setattr(doctor, "memory", lambda free=free: (free, 2e9))
        assert states(doctor.check_memory) == [state]


def test_a_container_has_the_memory_that_it_may_use(tmp_path, monkeypatch):
    import psutil

    machine = types.SimpleNamespace(available=60e9, total=64e9)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: machine)
    assert doctor.memory(tmp_path) == (60e9, 64e9)
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("1500000000\n")
    (tmp_path / "memory.stat").write_text("anon 5\ninactive_file 400000000\nactive_file 7\n")
    assert doctor.memory(tmp_path) == (60e9, 64e9)
    (tmp_path / "memory.max").write_text("2000000000\n")
    assert doctor.memory(tmp_path) == (0.9e9, 2e9)  # what caches hold can be had
    old = tmp_path / "old/memory"
    old.mkdir(parents=True)
    (old / "memory.limit_in_bytes").write_text("1000000000\n")
    (old / "memory.usage_in_bytes").write_text("900000000\n")
    (old / "memory.stat").write_text("inactive_file 1\ntotal_inactive_file 100000000\n")
    assert doctor.memory(tmp_path / "old") == (0.2e9, 1e9)


# The kernel


def test_a_real_kernel_starts_with_this_python():
    prefix, _ = doctor.try_kernel()
    assert prefix == sys.prefix


def test_a_kernel_that_dies_is_told_in_its_own_last_words(tmp_path, monkeypatch):
    (tmp_path / "kernels/python3").mkdir(parents=True)
    argv = [sys.executable, "-c", "raise SystemExit('first\\nno module named kernel')"]
    specification = {"argv": argv, "display_name": "broken", "language": "python"}
    (tmp_path / "kernels/python3/kernel.json").write_text(json.dumps(specification))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    finding = only(doctor.check_kernel)
    assert finding.state == PROBLEM and "ipykernel" in finding.todo
    assert finding.text == "no kernel starts: no module named kernel"


@pytest.mark.parametrize(
    ("answers", "state", "text"),
    [
        (("2", repr(sys.prefix), "True"), FINE, "a kernel starts, computes 1 + 1"),
        (("3", repr(sys.prefix), "True"), PROBLEM, "no kernel starts: it says that 1 + 1 is 3"),
        (("2", "'/another'", "True"), PROBLEM, "notebooks run another Python, that of /another"),
        (("2", repr(sys.prefix), "False"), PROBLEM, "a kernel starts, but it does not find the"),
    ],
)
def test_what_the_kernel_answers_decides(monkeypatch, answers, state, text):
    def reply(code, **options):
        names = options["user_expressions"]
        told = {
            name: {"data": {"text/plain": answer}}
            for name, answer in zip(names, answers, strict=True)
        }
        return {"content": {"user_expressions": told}}

    client = types.SimpleNamespace(execute_interactive=reply)
    monkeypatch.setattr(doctor, "try_kernel", lambda: doctor._ask(client))
    finding = only(doctor.check_kernel)
    assert finding.state == state and finding.text.startswith(text)


# Lessons and copies


def test_the_states_of_the_copies_are_counted(course):
    assert only(doctor.check_copies).text.endswith("work: 1 missing")
    assert not (course / "work").exists()  # looking changes nothing
    workspace.update_copies(course / "work")
    assert only(doctor.check_copies).text.endswith("work: 1 as the course has it")
    (course / "work/00_start.ipynb").write_text("mine")
    assert only(doctor.check_copies).text.endswith("work: 1 yours")
    assert sorted(os.listdir(course / "work")) == [".clcourse.json", "00_start.ipynb"]


def test_missing_lessons_are_a_problem(course, capsys, monkeypatch):
    (course / "notebooks/00_start.ipynb").unlink()
    monkeypatch.setattr(doctor, "CHECKS", (doctor.check_lessons,))
    assert command.main(["doctor"]) == 1
    assert (
        "problem  lessons could not be checked: There are no lessons in" in capsys.readouterr().out
    )


@pytest.mark.parametrize("exists", [True, False])
def test_a_place_that_cannot_be_written_is_a_problem(course, monkeypatch, exists):
    if exists:
        (course / "work").mkdir()

    def denied(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(doctor, "write_whole", denied)
    monkeypatch.setattr(os, "access", lambda *_: False)
    finding = only(doctor.check_copies)
    assert finding.state == PROBLEM and "CLCOURSE_WORK" in finding.todo
    assert finding.text.endswith("Permission denied")


def test_little_disk_space_is_worth_a_note(course, monkeypatch):
    import shutil

    for free, expected in [(99e6, [NOTE, FINE]), (101e6, [FINE])]:
        usage = types.SimpleNamespace(free=free)
        monkeypatch.setattr(shutil, "disk_usage", lambda place, usage=usage: usage)
        assert states(doctor.check_copies) == expected
