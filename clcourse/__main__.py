"""The command `clcourse`: open the lessons, run them, restore them, show them, find what is wrong.

What needs time to load is loaded by the part that needs it, so that `clcourse --help` answers at
once and `clcourse doctor` still speaks where PyTorch or Jupyter is broken.
"""

from __future__ import annotations

import argparse
import errno
import importlib.metadata
import os
import socket
import sys
import traceback
from pathlib import Path

from clcourse.errors import CourseError
from clcourse.workspace import PACKAGE, find, reset, update_copies, working_folder

ABOUT = """\
Teaching AI to Learn: a course in which every claim is an experiment.

  clcourse               open the first lesson in JupyterLab
  clcourse lab 02        open lesson 02; `2` or the beginning of its name will do as well
  clcourse run           run every lesson without a browser; say what each one costs
  clcourse reset 02      bring lesson 02 back as it was; your version is kept beside it
  clcourse slides 02     make a talk of lesson 02
  clcourse doctor        say what is wrong with this installation
"""
FOLDERS = """\
You work on copies, and the originals stay as they are. The copies are in the folder work/ of a
checkout, or in clcourse-work/ in your home where the course was installed without one; set
CLCOURSE_WORK to have them elsewhere. A copy that you changed is never overwritten.
"""
FAILED, STOPPED = 1, 130


def main(arguments: list[str] | None = None) -> int:
    """Carry out one command; whatever goes wrong ends in one sentence and an exit status."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a console that lacks a letter shows "?"
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch loads, here or in a kernel
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    chosen, for_jupyter = _parse(arguments)
    try:
        return COMMANDS[chosen.command](chosen, for_jupyter)
    except KeyboardInterrupt:
        return _give_up("Stopped; nothing is lost.", STOPPED, debug=chosen.debug)
    except (CourseError, ImportError, OSError) as error:
        return _give_up(in_words(error), FAILED, debug=chosen.debug)


def _give_up(sentence: str, status: int, *, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    print(f"clcourse: {sentence}", file=sys.stderr)
    return status


def in_words(error: Exception) -> str:
    """One sentence: what went wrong and what to do."""
    if isinstance(error, ImportError):
        return f"{error}: `clcourse doctor` says what is missing."
    if not isinstance(error, OSError):
        return str(error)
    place = error.filename or "a file"
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", None)):
        return (
            f"The disk is full, so {place} could not be written: free some space and try again; "
            "what was there before is unharmed."
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return (
            f"{place} may not be written: close what else uses it, or set CLCOURSE_WORK to a "
            "folder of yours."
        )
    return f"{error.strerror or error}: {place}."


def _parse(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """The command with its options, and what stands after `--`, which is for JupyterLab."""
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    own, for_jupyter = arguments[:cut], arguments[cut + 1 :]
    parser = _parser()
    if not any(one in COMMANDS or one in ("-h", "--help", "--version") for one in own):
        own = ["lab", *own] if not own or own[0].startswith("-") else own
    chosen = parser.parse_args(own)
    if for_jupyter and chosen.command != "lab":
        parser.error("only `clcourse lab` hands what follows -- to JupyterLab")
    return chosen, for_jupyter


def _parser() -> argparse.ArgumentParser:
    version = f"clcourse {_version()}"
    debug = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    debug.add_argument("--debug", action="store_true", help="show the traceback of an error")
    parser = argparse.ArgumentParser(
        prog="clcourse",
        description=ABOUT,
        epilog=FOLDERS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    parser.add_argument("--version", action="version", version=version)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, about: str, epilog: str = "") -> argparse.ArgumentParser:
        return commands.add_parser(
            name, help=about, description=about, epilog=epilog, parents=[debug]
        )

    lab = command(
        "lab",
        "open a lesson in JupyterLab, on your working copy",
        "What follows -- goes to JupyterLab: clcourse lab 02 -- --ip=0.0.0.0",
    )
    lab.add_argument("lesson", nargs="?", default="0", help="its number or name; the first if none")
    lab.add_argument("--port", type=int, help="this port and no other; a free one is found if none")
    lab.add_argument("--no-browser", action="store_true", help="print the address only")
    run = command("run", "run lessons without a browser, on the originals, which are only read")
    run.add_argument("lessons", nargs="*", metavar="lesson", help="numbers or names; all if none")
    run.add_argument("--save", action="store_true", help="for maintainers: store the new outputs")
    restore = command("reset", "bring lessons back as they were; your version is kept beside them")
    restore.add_argument("lessons", nargs="+", metavar="lesson", help="numbers or names")
    slides = command("slides", "make a talk of your working copy of a lesson: one HTML file")
    slides.add_argument("lesson", help="its number or name")
    slides.add_argument(
        "--reveal",
        type=Path,
        metavar="DIR",
        help="a copy of reveal.js 4, for rooms without network",
    )
    command("doctor", "say what is wrong with this installation")
    return parser


def _version() -> str:
    try:
        return importlib.metadata.version("clcourse")
    except importlib.metadata.PackageNotFoundError:
        return "(not installed)"


def _lab(chosen: argparse.Namespace, for_jupyter: list[str]) -> int:
    lesson, folder = find([chosen.lesson])[0], working_folder()
    options = [
        f"--ServerApp.root_dir={folder}",
        f"--LabApp.default_url=/lab/tree/{lesson.name}",
        *(["--no-browser"] if chosen.no_browser else []),
    ]
    if chosen.port is not None:
        _insist_on_free(chosen.port)
        options += [f"--ServerApp.port={chosen.port}", "--ServerApp.port_retries=0"]
    print(*update_copies(folder), f"Your copies of the lessons are in {folder}.", sep="\n")
    settings = [str(PACKAGE / "jupyter"), os.environ.get("JUPYTER_CONFIG_PATH", "")]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, settings))
    from jupyterlab.labapp import LabApp

    LabApp.launch_instance([*options, *for_jupyter])
    return 0


def _insist_on_free(port: int) -> None:
    try:
        if port not in range(1, 65536):
            raise OSError
        with socket.create_server(("localhost", port)):
            return
    except OSError as error:
        raise CourseError(
            f"Port {port} is in use or not allowed: choose another between 1024 and 65535, or "
            "leave --port out and a free one is found."
        ) from error


def _run(chosen: argparse.Namespace, _: list[str]) -> int:
    from clcourse.execute import run

    return run(find(chosen.lessons), save=chosen.save, debug=chosen.debug)


def _reset(chosen: argparse.Namespace, _: list[str]) -> int:
    for lesson in find(chosen.lessons):
        print(reset(lesson, working_folder()))
    return 0


def _slides(chosen: argparse.Namespace, _: list[str]) -> int:
    from clcourse.slides import export

    lesson, folder = find([chosen.lesson])[0], working_folder()
    print(*update_copies(folder), sep="\n", end="")
    talk = export(folder / lesson.name, reveal=chosen.reveal)
    print(f"The talk is {talk}: open it in a browser; the key S shows your notes.")
    if chosen.reveal is None:
        print("It loads reveal.js from the network; --reveal DIR takes it from a folder instead.")
    print("Formulas are drawn by MathJax, which always comes from the network.")
    return 0


def _doctor(chosen: argparse.Namespace, _: list[str]) -> int:
    from clcourse.doctor import doctor

    return doctor(debug=chosen.debug)


COMMANDS = {"lab": _lab, "run": _run, "reset": _reset, "slides": _slides, "doctor": _doctor}

if __name__ == "__main__":
    sys.exit(main())
