"""A student works on copies: the originals stay clean, and no changed copy is ever overwritten.

The originals lie in `notebooks/` beside the package in a checkout, and inside the package where it
was installed as a wheel. The working copies lie in `work/` beside the originals, or in the folder
`clcourse-work` of the user's home. A hidden list in that folder remembers what each copy said when
it was made: a copy that still says so follows the course, any other is the student's.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from clcourse.errors import CourseError

PACKAGE = Path(__file__).resolve().parent
LESSONS = "[0-9][0-9]_*.ipynb"
RECORD = ".clcourse.json"


def originals() -> Path:
    """The folder of the original lessons: inside an installed package, beside it in a checkout."""
    installed = PACKAGE / "notebooks"
    return installed if installed.is_dir() else PACKAGE.parent / "notebooks"


def working_folder() -> Path:
    """Where a student's copies are: CLCOURSE_WORK, else work/ in a checkout, else the home."""
    if chosen := os.environ.get("CLCOURSE_WORK"):
        return Path(chosen).expanduser().absolute()
    folder = originals()
    if folder.parent == PACKAGE:
        return Path.home() / "clcourse-work"
    return folder.parent / "work"


def lessons() -> list[Path]:
    """The original lessons in the order of their numbers."""
    found = sorted(originals().glob(LESSONS))
    if not found:
        raise CourseError(
            f"There are no lessons in {originals()}: install the course again, or run this in a "
            "complete checkout."
        )
    return found


def find(wanted: list[str]) -> list[Path]:
    """The lessons meant by `wanted`, each a number (2, 02) or how its name begins; none is all."""
    everything = lessons()
    if not wanted:
        return everything
    return list(dict.fromkeys(_find_one(text, everything) for text in wanted))


def _find_one(text: str, everything: list[Path]) -> Path:
    name = Path(text).name.removesuffix(".ipynb")
    if name.isdecimal():
        fitting = [one for one in everything if int(one.name[:2]) == int(name)]
    else:
        starts = {one: (one.stem, one.stem[3:]) for one in everything}
        fitting = [one for one in everything if name in starts[one]] or [
            one for one in everything if name and any(s.startswith(name) for s in starts[one])
        ]
    if len(fitting) == 1:
        return fitting[0]
    names = ", ".join(one.stem for one in fitting or everything)
    if fitting:
        raise CourseError(f"{text!r} could mean any of {names}: type a little more of the name.")
    raise CourseError(f"There is no lesson {text!r}: choose one of {names}, by number or name.")


def update_copies(folder: Path) -> list[str]:
    """Bring missing lessons and unchanged copies up to date; say in words what was done."""
    folder.mkdir(parents=True, exist_ok=True)
    record = _read_record(folder)
    remembered, said = dict(record), []
    for original in lessons():
        copy, new = folder / original.name, original.read_bytes()
        has = _digest(copy.read_bytes()) if copy.exists() else None
        if has is None or (has == record.get(copy.name) and has != _digest(new)):
            write_whole(copy, new)
            said += [f"{copy.stem} follows the course again."] if has else []
        elif has != _digest(new):
            if record.get(copy.name) not in (None, _digest(new)):
                said.append(
                    f"{copy.stem} has changed in the course and in your copy: yours stays; "
                    f"`clcourse reset {copy.name[:2]}` brings the new one and keeps yours."
                )
            continue
        remembered[copy.name] = _digest(new)
    _write_record(folder, remembered, before=record)
    return said


def reset(original: Path, folder: Path) -> str:
    """Restore one lesson; what the student had is first copied beside it, under a free name."""
    folder.mkdir(parents=True, exist_ok=True)
    copy, new, record = folder / original.name, original.read_bytes(), _read_record(folder)
    kept = None
    old = copy.read_bytes() if copy.exists() else None
    if old is not None and _digest(old) not in (_digest(new), record.get(copy.name)):
        kept = _keep(copy, old)
    if old != new:
        write_whole(copy, new)
    _write_record(folder, {**record, copy.name: _digest(new)}, before=record)
    if kept is None:
        return f"{copy.stem} is as the course has it, in {folder}."
    return (
        f"{copy.stem} is as the course has it again, and what you had is in {kept}; "
        "if the lesson is open, choose File > Reload Notebook from Disk."
    )


def _keep(copy: Path, content: bytes) -> Path:
    """Store `content` as ..._yours_1.ipynb, or the first number that is free."""
    number = 1
    while True:
        kept = copy.with_name(f"{copy.stem}_yours_{number}.ipynb")
        try:
            with open(kept, "xb"):  # takes the name, or fails if it is taken
                pass
        except FileExistsError:
            number += 1
            continue
        try:
            write_whole(kept, content)
        except BaseException:
            kept.unlink(missing_ok=True)
            raise
        return kept


def copies(folder: Path) -> dict[str, str]:
    """What each lesson's copy is: "missing", "as the course has it", "older" or "yours"."""
    record, states = _read_record(folder), {}
    for original in lessons():
        copy = folder / original.name
        if not copy.exists():
            states[original.stem] = "missing"
        elif (has := _digest(copy.read_bytes())) == _digest(original.read_bytes()):
            states[original.stem] = "as the course has it"
        else:
            states[original.stem] = "older" if has == record.get(copy.name) else "yours"
    return states


def write_whole(path: Path, content: bytes) -> None:
    """Write all of `content` to `path` or leave it as it was: a file beside it takes its place."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(part, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException as error:
        part.unlink(missing_ok=True)
        if isinstance(error, OSError):
            error.filename, error.filename2 = str(path), None
        raise


def _digest(content: bytes) -> str:
    """What someone wrote into the notebook: JupyterLab changes the rest merely by opening it."""
    try:
        written = [
            [cell["cell_type"], "".join(cell["source"])]
            + [cell["metadata"].get(name) for name in ("slideshow", "tags")]
            for cell in json.loads(content)["cells"]
        ]
        content = json.dumps(written, sort_keys=True).encode()
    except (ValueError, LookupError, TypeError, AttributeError):
        pass  # no notebook: every byte counts
    return hashlib.sha256(content).hexdigest()


def _read_record(folder: Path) -> dict[str, str]:
    """The digests of the copies as they were made; an unreadable list counts as none."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _write_record(folder: Path, record: dict[str, str], *, before: dict[str, str]) -> None:
    if record != before:
        text = json.dumps(record, indent=1, sort_keys=True) + "\n"
        write_whole(folder / RECORD, text.encode())
