"""The command: copies are safe, lessons run and are stored, every failure is one sentence."""

from __future__ import annotations

import base64
import errno
import io
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

from clcourse import __main__ as command
from clcourse import execute, normalise, slides, workspace
from clcourse.errors import CourseError

ROOT = Path(command.__file__).resolve().parents[1]


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A small course in a checkout of its own; `course(name, cells)` writes a lesson."""
    for name in ("CLCOURSE_WORK", "CLCOURSE_PROGRESS", "CLCOURSE_DEVICE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("OMP_WAIT_POLICY", "passive")
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    return Course(tmp_path, monkeypatch)


class Course:
    def __init__(self, root: Path, monkeypatch) -> None:
        self.originals, self.work = root / "checkout/notebooks", root / "checkout/work"
        self.originals.mkdir(parents=True)
        (root / "checkout/clcourse").mkdir()
        monkeypatch.setattr(workspace, "PACKAGE", root / "checkout/clcourse")

    def lesson(self, name: str, *cells) -> Path:
        """Write an original whose cells are the given ones; a text is a code cell."""
        cells = [new_code_cell(cell) if isinstance(cell, str) else cell for cell in cells]
        for number, cell in enumerate(cells):
            cell["id"] = f"cell-{number}"
        path = self.originals / f"{name}.ipynb"
        nbformat.write(new_notebook(cells=cells), path)
        return path

    def copy(self, name: str) -> Path:
        return self.work / f"{name}.ipynb"


def write_into(path: Path, text: str) -> None:
    """What a student does: change the first cell and save."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].source = text
    nbformat.write(notebook, path)


def first_cell(path: Path) -> str:
    return nbformat.read(path, as_version=4).cells[0].source


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# Working copies


def test_every_lesson_is_copied_and_new_ones_appear(course):
    course.lesson("00_start", "1")
    before = contents(course.originals)
    assert workspace.update_copies(course.work) == []
    assert course.copy("00_start").read_bytes() == before["00_start.ipynb"]
    course.lesson("01_next", "2")
    workspace.update_copies(course.work)
    assert first_cell(course.copy("01_next")) == "2"
    assert contents(course.originals)["00_start.ipynb"] == before["00_start.ipynb"]


def test_a_changed_copy_is_never_overwritten(course):
    course.lesson("00_start", "1")
    workspace.update_copies(course.work)
    write_into(course.copy("00_start"), "mine")
    assert workspace.update_copies(course.work) == []
    course.lesson("00_start", "2")
    (said,) = workspace.update_copies(course.work)
    assert "yours stays" in said and "clcourse reset 00" in said
    assert workspace.update_copies(course.work) == [said]  # and every time
    assert first_cell(course.copy("00_start")) == "mine"
    assert workspace.copies(course.work) == {"00_start": "yours"}


def test_a_copy_in_which_nothing_was_written_follows_the_course(course):
    course.lesson("00_start", "1")
    workspace.update_copies(course.work)
    opened = nbformat.read(course.copy("00_start"), as_version=4)
    opened.metadata["language_info"] = {"name": "python", "version": "3.12.1"}  # as JupyterLab does
    opened.cells[0].outputs = [new_output("stream", text="run by the student")]
    nbformat.write(opened, course.copy("00_start"))
    assert workspace.copies(course.work) == {"00_start": "as the course has it"}
    course.lesson("00_start", "2")
    assert workspace.copies(course.work) == {"00_start": "older"}
    assert workspace.update_copies(course.work) == ["00_start follows the course again."]
    assert first_cell(course.copy("00_start")) == "2"


def test_marking_slides_is_a_change_too(course):
    course.lesson("00_start", "1")
    workspace.update_copies(course.work)
    marked = nbformat.read(course.copy("00_start"), as_version=4)
    marked.cells[0].metadata["slideshow"] = {"slide_type": "skip"}
    nbformat.write(marked, course.copy("00_start"))
    assert workspace.copies(course.work) == {"00_start": "yours"}


@pytest.mark.parametrize("record", ["damaged {", "[]", "{}"])
def test_a_copy_that_the_record_does_not_know_is_the_students(course, record):
    course.lesson("00_start", "1")
    workspace.update_copies(course.work)
    (course.work / workspace.RECORD).write_text(record)
    course.lesson("00_start", "2")
    assert workspace.update_copies(course.work) == []  # nobody knows who changed it
    assert first_cell(course.copy("00_start")) == "1"


def test_reset_keeps_every_version_beside_the_lesson(course, capsys):
    course.lesson("02_forgetting", "1")
    for text in ("mine", "mine too"):
        workspace.update_copies(course.work)
        write_into(course.copy("02_forgetting"), text)
        assert command.main(["reset", "2"]) == 0
        assert first_cell(course.copy("02_forgetting")) == "1"
    assert first_cell(course.work / "02_forgetting_yours_1.ipynb") == "mine"
    assert first_cell(course.work / "02_forgetting_yours_2.ipynb") == "mine too"
    assert "02_forgetting_yours_2.ipynb" in capsys.readouterr().out
    course.lesson("02_forgetting", "2")
    assert command.main(["reset", "2"]) == 0  # nothing of the student's is in it now
    assert first_cell(course.copy("02_forgetting")) == "2"
    assert not (course.work / "02_forgetting_yours_3.ipynb").exists()


def test_reset_brings_back_a_damaged_and_a_deleted_copy(course):
    course.lesson("00_start", "1")
    workspace.update_copies(course.work)
    course.copy("00_start").write_bytes(b"half a noteb")
    command.main(["reset", "0"])
    assert (course.work / "00_start_yours_1.ipynb").read_bytes() == b"half a noteb"
    course.copy("00_start").unlink()
    command.main(["reset", "0"])
    assert first_cell(course.copy("00_start")) == "1"


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    deeds=st.lists(
        st.tuples(
            st.sampled_from(["the course changes", "the student writes", "lab", "reset"]),
            st.integers(0, 3),
        ),
        max_size=12,
    )
)
def test_whatever_a_student_wrote_is_still_somewhere(course, deeds):
    for path in course.work.glob("*"):
        path.unlink()
    original, wrote, kept = course.lesson("00_start", "0"), None, set()
    workspace.update_copies(course.work)
    for deed, number in deeds:
        if deed == "the course changes":
            course.lesson("00_start", str(number))
        elif deed == "the student writes":
            wrote = f"mine {number}"
            write_into(course.copy("00_start"), wrote)
        elif deed == "lab":
            workspace.update_copies(course.work)
        else:
            workspace.reset(original, course.work)
            assert course.copy("00_start").read_bytes() == original.read_bytes()
            kept, wrote = kept | {wrote}, None
        there = {first_cell(one) for one in course.work.glob("*.ipynb")}
        assert (kept | {wrote}) - {None} <= there


@pytest.mark.parametrize("step", ["open", "fsync", "replace"])
@pytest.mark.parametrize("arguments", [["reset", "0"], ["slides", "1"]])
def test_a_full_disk_costs_nothing(course, monkeypatch, capsys, step, arguments):
    course.lesson("00_start", "1")
    workspace.update_copies(course.work)
    write_into(course.copy("00_start"), "mine")
    course.lesson("01_next", "2")  # not copied yet
    before = contents(course.work)
    fill_the_disk(monkeypatch, step)
    assert command.main(arguments) == 1
    monkeypatch.undo()
    said = capsys.readouterr().err
    assert said.startswith("clcourse: The disk is full, so ") and said.count("\n") == 1
    assert contents(course.work) == before


def fill_the_disk(monkeypatch, step: str) -> None:
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    if step == "open":

        def open_full(path, mode="r", *rest, **more):
            return full() if str(path).endswith(".part") else open(path, mode, *rest, **more)

        monkeypatch.setattr(workspace, "open", open_full, raising=False)
    else:
        monkeypatch.setattr(workspace.os, step, full)


def test_a_folder_that_may_not_be_written_is_named_with_a_way_out(course, monkeypatch, capsys):
    course.lesson("00_start", "1")

    def denied(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(workspace.os, "replace", denied)
    assert command.main(["reset", "0"]) == 1
    said = capsys.readouterr().err
    assert str(course.copy("00_start")) in said and "set CLCOURSE_WORK" in said


def test_an_installed_course_has_its_lessons_inside_and_its_copies_at_home(
    course, tmp_path, monkeypatch
):
    package = tmp_path / "site-packages/clcourse"
    (package / "notebooks").mkdir(parents=True)
    (tmp_path / "site-packages/notebooks").mkdir()  # another package's
    course.lesson("00_start", "1").rename(package / "notebooks/00_start.ipynb")
    monkeypatch.setattr(workspace, "PACKAGE", package)
    assert workspace.find(["0"]) == [package / "notebooks/00_start.ipynb"]
    assert workspace.working_folder() == tmp_path / "home/clcourse-work"
    assert command.main(["reset", "0"]) == 0
    assert first_cell(tmp_path / "home/clcourse-work/00_start.ipynb") == "1"


def test_the_copies_can_be_elsewhere(course, tmp_path, monkeypatch):
    course.lesson("00_start", "1")
    assert workspace.working_folder() == course.work
    monkeypatch.setenv("CLCOURSE_WORK", str(tmp_path / "mine"))
    command.main(["reset", "0"])
    assert first_cell(tmp_path / "mine/00_start.ipynb") == "1"
    assert not course.work.exists()


# Which lesson


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("2", "02_forgetting"),
        ("02", "02_forgetting"),
        ("02_forg", "02_forgetting"),
        ("forg", "02_forgetting"),
        ("notebooks/02_forgetting.ipynb", "02_forgetting"),
        ("10", "10_forests"),
        ("fore", "10_forests"),
        ("10_forests", "10_forests"),  # although 10_forests_again begins like it
    ],
)
def test_a_lesson_is_found_by_number_and_by_name(course, text, name):
    for one in ("02_forgetting", "10_forests"):
        course.lesson(one, "1")
    assert [path.stem for path in workspace.find([text])] == [name]


def test_an_exact_name_wins_and_lessons_are_named_once(course):
    course.lesson("10_forests", "1")
    course.lesson("11_forests_again", "1")
    assert [path.stem for path in workspace.find(["forests"])] == ["10_forests"]
    assert [path.stem for path in workspace.find(["11", "10", "11"])] == [
        "11_forests_again",
        "10_forests",
    ]
    assert len(workspace.find([])) == 2


@pytest.mark.parametrize("text", ["7", "zzz", "", "-", "²"])
def test_an_unknown_lesson_is_told_in_one_sentence(course, capsys, text):
    course.lesson("00_start", "1")
    with pytest.raises(CourseError, match="There is no lesson .* 00_start"):
        workspace.find([text])
    assert command.main(["run", "7"]) == 1
    assert capsys.readouterr().err.startswith("clcourse: There is no lesson '7': choose one of")


def test_an_ambiguous_name_is_told_with_its_meanings(course, capsys):
    course.lesson("01_forests", "1")
    course.lesson("02_forgetting", "1")
    assert command.main(["run", "for"]) == 1
    assert "could mean any of 01_forests, 02_forgetting" in capsys.readouterr().err


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=12))
def test_any_text_finds_a_lesson_or_gets_a_sentence(course, text):
    if not any(course.originals.iterdir()):
        course.lesson("00_start", "1")
    try:
        assert len(workspace.find([text])) == 1
    except CourseError as error:
        assert str(error).endswith(".")


def test_a_course_without_lessons_says_so(course, capsys):
    assert command.main(["run"]) == 1
    assert "There are no lessons in" in capsys.readouterr().err


# Running


def test_run_says_what_a_lesson_costs_and_writes_nothing(course, capsys, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")  # as the user wishes
    lesson = course.lesson(
        "00_start",
        new_markdown_cell("# Title"),
        "import os, time; waste = bytearray(60_000_000)",
        "start = time.process_time()\nwhile time.process_time() < start + 0.5: pass",
        "sum = len = print = None  # names that a lesson may shadow",
        "assert os.environ['CLCOURSE_PROGRESS'] == '0'",
        "assert os.environ['OMP_NUM_THREADS'] == '2'",
        "assert os.getcwd().endswith('notebooks')",
    )
    before = contents(course.originals)
    assert command.main(["run"]) == 0
    header, row = capsys.readouterr().out.splitlines()
    assert header.split() == ["lesson", "cells", "CPU", "s", "peak", "MB", "result"]
    name, cells, seconds, megabytes, result = row.split()
    assert (name, cells, result) == ("00_start", "6", "ok")
    assert 0.5 < float(seconds) < 60 and 60 < float(megabytes) < 700
    assert contents(course.originals) == before and lesson.parent.exists()
    assert not course.work.exists()


def test_a_cell_that_fails_is_named_and_the_others_still_run(course, capsys):
    course.lesson("00_start", "x = 1", "", "# why\ny = x / 0\n", "print('never')")
    course.lesson("01_next", "print(2)")
    before = contents(course.originals)
    assert command.main(["run", "--save", "0"]) == 1
    said = capsys.readouterr().out
    assert said.splitlines()[0] == (
        "00_start stopped in cell [2], which begins `y = x / 0`: "
        "ZeroDivisionError: division by zero"
    )
    assert "Traceback" not in said and contents(course.originals) == before
    assert command.main(["run", "--debug"]) == 1
    said = capsys.readouterr().out
    assert "Traceback" in said
    assert re.search(r"00_start .* stopped\n01_next .* ok$", said.strip())


def test_an_endless_cell_and_a_dead_kernel_are_told_apart(course, capsys, monkeypatch):
    course.lesson("00_endless", "import time; time.sleep(5)")
    course.lesson("01_dead", "import os; os._exit(1)")
    assert command.main(["run", "1"]) == 1
    dead, _, row = capsys.readouterr().out.splitlines()
    assert "`import os; os._exit(1)`: the kernel died, most often because the memory" in dead
    assert row.split()[2:] == ["?", "?", "stopped"]
    monkeypatch.setattr(execute, "CELL_SECONDS", 1)
    assert command.main(["run", "0"]) == 1
    endless, _, row = capsys.readouterr().out.splitlines()
    assert endless.endswith("`import time; time.sleep(5)`: no end in sight after 1 seconds.")
    assert row.split()[2:] == ["?", "?", "stopped"]


def test_ctrl_c_stops_the_kernel_and_loses_nothing(course, capsys, monkeypatch):
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient

    managers, run_cell = [], NotebookClient.execute_cell
    start = AsyncKernelManager.start_kernel

    async def started(self, **options):
        managers.append(self)
        return await start(self, **options)

    def pressed(self, cell, *rest, **more):
        if cell.source == "2":
            raise KeyboardInterrupt
        return run_cell(self, cell, *rest, **more)

    monkeypatch.setattr(AsyncKernelManager, "start_kernel", started)
    monkeypatch.setattr(NotebookClient, "execute_cell", pressed)
    course.lesson("00_start", "1")
    course.lesson("01_next", "1", "2")
    before = contents(course.originals)["01_next.ipynb"]
    assert command.main(["run", "--save"]) == 130
    captured = capsys.readouterr()
    assert captured.err == "clcourse: Stopped; nothing is lost.\n"
    assert "00_start" in captured.out.splitlines()[-1]  # what was done is told
    assert contents(course.originals)["01_next.ipynb"] == before
    assert len(managers) == 2 and not any(manager.has_kernel for manager in managers)


def test_a_kernel_that_does_not_start_sends_to_the_doctor(course, tmp_path, monkeypatch, capfd):
    broken_kernel(tmp_path, monkeypatch)
    course.lesson("00_start", "1")
    assert command.main(["run"]) == 1
    captured = capfd.readouterr()
    assert captured.err == (
        "clcourse: The Python kernel that runs the lessons does not start: "
        "`clcourse doctor` says why.\n"
    )
    assert "Traceback" not in captured.out
    assert command.main(["run", "--debug"]) == 1
    assert "Traceback" in capfd.readouterr().err


def broken_kernel(folder: Path, monkeypatch) -> None:
    """A kernel specification that comes first and whose process ends at once."""
    (folder / "kernels/python3").mkdir(parents=True)
    specification = {
        "argv": [sys.executable, "-c", "raise SystemExit('no module named kernel')"],
        "display_name": "broken",
        "language": "python",
    }
    (folder / "kernels/python3/kernel.json").write_text(json.dumps(specification))
    monkeypatch.setenv("JUPYTER_PATH", str(folder))


def test_a_missing_kernel_is_told_like_one_that_does_not_start(course, monkeypatch, capsys):
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    def none(self, name):
        raise NoSuchKernel(name)

    monkeypatch.setattr(KernelSpecManager, "get_kernel_spec", none)
    course.lesson("00_start", "1")
    assert command.main(["run"]) == 1
    assert "does not start" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"half a noteb", b"[]", b'{"nbformat": 4}', b"\xff\xfe"])
def test_a_damaged_notebook_is_named(course, capsys, content):
    (course.originals / "00_start.ipynb").write_bytes(content)
    assert command.main(["run"]) == 1
    assert "00_start.ipynb is damaged" in capsys.readouterr().err


def test_the_table_marks_what_is_over_budget():
    def outcome(seconds, megabytes):
        return execute.Outcome("00", {}, 1, seconds, megabytes * 1e6, None, None)

    rows = execute.table([outcome(60.0, 700), outcome(61.0, 701)]).splitlines()[1:]
    assert rows[0].endswith(" ok") and rows[1].endswith(" ok, over 60 s, over 700 MB")


# Storing


def test_save_stores_results_and_nothing_else(course, capsys, monkeypatch):
    lesson = course.lesson(
        "00_start",
        new_markdown_cell("# Title", metadata={"slideshow": {"slide_type": "slide"}, "tags": []}),
        new_code_cell(
            "import os, sys, ipywidgets\nget_ipython().execution_count += 5\n"
            "print(1, flush=True)\nprint('oh', file=sys.stderr, flush=True)\nprint(2)",
            metadata={
                **dict.fromkeys(("collapsed", "scrolled", "editable"), True),
                "execution": {"iopub.execute_input": "2020-01-01T00:00:00Z"},
                "ExecuteTime": {},
                "tags": ["keep"],
            },
            outputs=[new_output("stream", text="old")],
        ),
        "",
        "captured = ipywidgets.Output()\nwith captured: print('inside')\ncaptured",
        "from IPython.display import display\n"
        "display({'application/vnd.jupyter.widget-view+json': {'model_id': 'x'}}, raw=True)",
        "[os.environ[name] for name in ('OMP_NUM_THREADS', 'OMP_WAIT_POLICY', "
        "'CLCOURSE_PROGRESS', 'CLCOURSE_DEVICE')]",
    )
    old = nbformat.read(lesson, as_version=4)
    old.cells[2].execution_count = 9  # as if something had been run there
    old.metadata.update(widgets={"a": 1}, vscode={}, title="Start", kernelspec={"name": "mine"})
    nbformat.write(old, lesson)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setenv("CLCOURSE_DEVICE", "cuda")
    assert command.main(["run", "--save", "0"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[:2] == ["cell [1] wrote to stderr: oh", "00_start: stored."]

    new = json.loads(lesson.read_text(encoding="utf-8"))
    assert new["metadata"] == {
        "kernelspec": {
            "display_name": "Python 3 (ipykernel)",
            "language": "python",
            "name": "python3",
        },
        "language_info": {"name": "python"},
        "title": "Start",
    }
    title, printing, blank, captured, bare_view, variables = new["cells"]
    assert title["metadata"] == {"slideshow": {"slide_type": "slide"}}
    assert printing["metadata"] == {"tags": ["keep"]}
    assert printing["outputs"] == [
        {"name": "stdout", "output_type": "stream", "text": ["1\n", "2\n"]}
    ]
    assert [cell["execution_count"] for cell in new["cells"][1:]] == [1, None, 2, 3, 4]
    assert blank["outputs"] == bare_view["outputs"] == []
    assert captured["outputs"][0]["data"] == {"text/plain": ["Output()"]}
    assert captured["outputs"][0]["execution_count"] == 2
    assert variables["outputs"][0]["data"]["text/plain"] == ["['1', 'passive', '0', 'cpu']"]
    assert [cell["id"] for cell in new["cells"]] == [f"cell-{number}" for number in range(6)]
    text = lesson.read_text(encoding="utf-8")
    assert text == json.dumps(new, indent=1, sort_keys=True, ensure_ascii=False) + "\n"

    stored = contents(course.originals)
    assert command.main(["run", "--save", "0"]) == 0
    assert "the stored outputs are as they were" in capsys.readouterr().out
    assert contents(course.originals) == stored


def test_nbval_agrees_with_what_was_stored(course, capsys):
    lesson = course.lesson(
        "00_start",
        "import base64, io, ipywidgets\nfrom IPython.display import display\nfrom PIL import Image",
        "slider = ipywidgets.IntSlider()\nbundle = slider._repr_mimebundle_()",
        "file = io.BytesIO()\nImage.new('RGB', (9, 9)).save(file, 'PNG')",
        "bundle['image/png'] = base64.b64encode(file.getvalue()).decode()\n"
        "bundle['text/plain'] = 'a slider'\ndisplay(bundle, raw=True)",
        "ipywidgets.VBox([slider])",
        "print('first')\ndisplay('between')\nprint('last')",
    )
    assert command.main(["run", "--save", "0"]) == 0
    bundle = nbformat.read(lesson, as_version=4).cells[3].outputs[0].data
    assert sorted(bundle) == ["image/png", "text/plain"]
    options = ["-p", "no:cacheprovider", "-c", os.devnull, "--nbval", "--nbval-current-env"]
    check = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "--rootdir", str(course.originals), str(lesson)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert check.returncode == 0, check.stdout
    assert "6 passed" in check.stdout


def test_a_full_disk_leaves_the_original_as_it_was(course, monkeypatch, capsys):
    course.lesson("00_start", "1")
    before = contents(course.originals)
    notebook = nbformat.read(course.originals / "00_start.ipynb", as_version=4)
    fill_the_disk(monkeypatch, "replace")
    with pytest.raises(OSError, match="00_start.ipynb"):
        execute.store(course.originals / "00_start.ipynb", notebook)
    assert contents(course.originals) == before


def test_storing_again_keeps_the_bytes_of_equal_pictures(course):
    lesson = course.originals / "00_start.ipynb"
    nbformat.write(figure(picture("red", level=0)), lesson)
    execute.store(lesson, nbformat.read(lesson, as_version=4))
    before = lesson.read_bytes()
    assert execute.store(lesson, figure(picture("red", level=9)))[-1].endswith("as they were.")
    assert lesson.read_bytes() == before


def picture(colour: str, *, level: int = 6, size=(4, 4)) -> str:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG", compress_level=level)
    return base64.b64encode(file.getvalue()).decode()


def figure(png: str, text: str = "a box", *, kind: str = "both"):
    data = {"text/plain": text}
    if kind == "both":
        data |= {"image/png": png, "text/html": f'<img src="data:image/png;base64,{png}">'}
    cell = new_code_cell("1", id="same", outputs=[new_output("display_data", data)])
    return new_notebook(cells=[cell])


def test_pictures_keep_their_bytes_only_while_they_look_the_same():
    assert picture("red", level=0) != picture("red", level=9)
    for new, keeps in [
        (figure(picture("red", level=9)), True),
        (figure(picture("blue")), False),  # the maintainer changed the palette
        (figure(picture("red", size=(2, 8))), False),
        (figure(picture("red", level=9), "a square"), False),
        (figure("", kind="text"), False),
        (figure("bm8gcGljdHVyZQ=="), False),
    ]:
        old = figure(picture("red", level=0))
        produced = json.dumps(new.cells[0].outputs)
        normalise.keep_old_pictures(new, old)
        expected = json.dumps(old.cells[0].outputs) if keeps else produced
        assert json.dumps(new.cells[0].outputs) == expected


def test_a_picture_that_is_kept_moves_with_its_cell():
    old, new = figure(picture("red", level=0)), figure(picture("red", level=9))
    for notebook, number in ((old, 3), (new, 4)):
        (cell,) = notebook.cells
        cell.execution_count = number
        cell.outputs[0].update(output_type="execute_result", execution_count=number)
    normalise.keep_old_pictures(new, old)
    assert new.cells[0].outputs[0]["data"] == old.cells[0].outputs[0]["data"]
    assert new.cells[0].outputs[0]["execution_count"] == 4


# The talk


def test_slides_make_a_talk_with_notes_beside_the_copy(course, tmp_path, capsys):
    png = picture("red")
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "x"}, "image/png": png}
    course.lesson(
        "00_start",
        new_markdown_cell("# A title", metadata={"slideshow": {"slide_type": "slide"}}),
        new_code_cell(
            "1",
            outputs=[new_output("display_data", {**view, "text/plain": "a box"})],
            metadata={"slideshow": {"slide_type": "fragment"}},
        ),
        new_markdown_cell("say this slowly", metadata={"slideshow": {"slide_type": "notes"}}),
    )
    workspace.update_copies(course.work)
    write_into(course.copy("00_start"), "# My title")
    copy = course.copy("00_start").read_bytes()
    assert command.main(["slides", "0"]) == 0
    said = capsys.readouterr().out
    assert "from the network; --reveal DIR" in said and "MathJax" in said
    talk = course.work / "00_start.slides.html"
    page = talk.read_text(encoding="utf-8")
    assert "My title" in page and png in page and "widget-view" not in page
    assert re.search(r'<aside class="notes">.*?say this slowly', page, re.DOTALL)
    assert course.copy("00_start").read_bytes() == copy

    reveal = tmp_path / "reveal"
    for name in slides.NEEDED:
        (reveal / name).parent.mkdir(parents=True, exist_ok=True)
        (reveal / name).write_text("")
    assert command.main(["slides", "0", "--reveal", str(reveal)]) == 0
    assert "--reveal" not in capsys.readouterr().out
    page = talk.read_text(encoding="utf-8")
    loaded = re.findall(r'<(?:script src|link href)="([^"]+)"', page)
    assert sorted(one for one in loaded if "mathjax" not in one) == sorted(
        f"../../reveal/{name}" for name in slides.NEEDED
    )


def test_a_folder_without_reveal_is_told(course, tmp_path, capsys):
    course.lesson("00_start", "1")
    assert command.main(["slides", "0", "--reveal", str(tmp_path)]) == 1
    assert "is no copy of reveal.js 4: dist/reveal.js is missing" in capsys.readouterr().err


# Opening JupyterLab, and the command as such


@pytest.fixture
def launched(monkeypatch):
    """What JupyterLab was started with; it does not start."""
    from jupyterlab.labapp import LabApp

    calls = []
    monkeypatch.setattr(LabApp, "launch_instance", lambda options: calls.append(options))
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "/theirs")
    return calls


@pytest.mark.parametrize(
    ("arguments", "name"),
    [([], "00_start"), (["--no-browser"], "00_start"), (["lab", "1"], "01_next")],
)
def test_the_command_opens_the_working_copy(course, launched, capsys, arguments, name):
    course.lesson("00_start", "1")
    course.lesson("01_next", "2")
    assert command.main(arguments) == 0
    ((root, url, *rest),) = launched
    assert root == f"--ServerApp.root_dir={course.work}"
    assert url == f"--LabApp.default_url=/lab/tree/{name}.ipynb"
    assert rest == (["--no-browser"] if arguments == ["--no-browser"] else [])
    assert course.copy(name).exists()
    assert str(course.work) in capsys.readouterr().out


def test_jupyterlab_gets_our_settings_under_theirs_and_the_rest_of_the_line(
    course, launched, monkeypatch
):
    monkeypatch.setattr(command, "PACKAGE", ROOT / "clcourse")
    course.lesson("00_start", "1")
    with socket.create_server(("localhost", 0)) as free:
        port = free.getsockname()[1]
    assert command.main(["lab", "--port", str(port), "--", "--ip=0.0.0.0", "lab"]) == 0
    assert launched[0][2:] == [
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        "--ip=0.0.0.0",
        "lab",
    ]
    ours, theirs = os.environ["JUPYTER_CONFIG_PATH"].split(os.pathsep)
    assert theirs == "/theirs"
    shown = json.loads((Path(ours) / "labconfig/default_setting_overrides.json").read_text())
    assert shown["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"


def test_a_port_in_use_is_told_before_anything_starts(course, launched, capsys):
    course.lesson("00_start", "1")
    with socket.create_server(("localhost", 0)) as busy:
        port = busy.getsockname()[1]
        assert command.main(["lab", "--port", str(port)]) == 1
    assert f"Port {port} is in use" in capsys.readouterr().err
    assert command.main(["lab", "--port", "70000"]) == 1
    assert launched == []


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (KeyboardInterrupt(), 130, "Stopped; nothing is lost."),
        (ImportError("No module named 'jupyterlab'"), 1, "No module named 'jupyterlab': `clcourse"),
        (OSError(errno.EIO, "Input/output error", "x.ipynb"), 1, "Input/output error: x.ipynb."),
        (OSError("no number"), 1, "no number: a file."),
    ],
)
def test_every_failure_is_one_sentence(monkeypatch, capsys, error, status, said):
    def failing(*_):
        raise error

    monkeypatch.setitem(command.COMMANDS, "run", failing)
    assert command.main(["run"]) == status
    captured = capsys.readouterr().err
    assert captured.startswith(f"clcourse: {said}") and captured.count("\n") == 1
    for arguments in (["run", "--debug"], ["--debug", "run"]):
        assert command.main(arguments) == status
        assert "Traceback" in capsys.readouterr().err


def test_the_environment_asks_for_one_thread_unless_the_user_chose(course, launched, monkeypatch):
    course.lesson("00_start", "1")
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    command.main([])
    assert (os.environ["OMP_NUM_THREADS"], os.environ["OMP_WAIT_POLICY"]) == ("1", "active")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    command.main([])
    assert os.environ["OMP_NUM_THREADS"] == "3"


def test_only_lab_hands_arguments_on(capsys):
    with pytest.raises(SystemExit) as stopped:
        command.main(["run", "--", "--ip=0.0.0.0"])
    assert stopped.value.code == 2


def test_help_and_version_answer_without_loading_anything_heavy():
    heavy = ["torch", "numpy", "nbformat", "nbclient", "nbconvert", "jupyter_client", "jupyterlab"]
    code = (
        "import sys\nfrom clcourse.__main__ import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        f"print('loaded:', [name for name in {heavy} if name in sys.modules])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert "loaded: []" in shown
    for word in ("lab", "run", "reset", "slides", "doctor", "work/", "CLCOURSE_WORK"):
        assert word in shown
    version = subprocess.run(
        [sys.executable, "-m", "clcourse", "--version"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert re.fullmatch(r"clcourse (\d+\.\d+\.\d+|\(not installed\))\s*", version)
