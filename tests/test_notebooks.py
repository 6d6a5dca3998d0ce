"""Every notebook has the anatomy of a lesson, and stores nothing that differs from run to run."""

import ast
import re
import statistics
import subprocess
import sys
from types import SimpleNamespace

import nbformat
import pytest
from lessons import NOTEBOOKS, ROOT, STUB, read, tags

SLIDES = {"slide", "subslide", "fragment", "skip", "notes", "-"}
TAGS = {"import", "knobs", "setup", "exercise"}
VERDICTS = re.compile(r"\b(holds|holds in part|not in this toy|opinion)\b")
CHANGES_BY_RUN = {
    "a local path": re.compile(
        r"(?<![\w.~:/])/(?:home|root|tmp|Users|work|opt|usr|var|mnt)/|[A-Z]:\\|ipykernel_\d"
    ),
    "an address in memory": re.compile(r"\b0x[0-9a-f]{6,}"),
    "a time": re.compile(
        r"\b\d+\.\d+ ?(?:s|sec|seconds)\b|\b\d+ (?:s|sec)\b|\b\d+ ?(?:ms|µs)\b|\b\d+:\d\d:\d\d\b"
    ),
    "a progress bar": re.compile(r"[█▏▎▍▌▋▊▉]|\d+%\||\bit/s\b|\bs/it\b"),
    "a size of memory": re.compile(r"<Figure size"),
}
NOT_IN_A_LESSON = {
    "a shell command or magic": re.compile(r"^\s*[!%]", re.MULTILINE),
    "a download": re.compile(r"urlopen|urlretrieve|requests\.|fetch_\w+\(|load_dataset|https?://"),
    "what replays badly": re.compile(r"\binteract\(|clear_output|update_display|display_id"),
    "a mark that switches the comparison off": re.compile(r"NBVAL_|PYTEST_VALIDATE"),
    "a seed for everybody": re.compile(r"manual_seed\(|random\.seed\("),
}


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture
def cells(path):
    return read(path).cells


@pytest.fixture
def code(cells):
    return [cell for cell in cells if cell.cell_type == "code"]


@pytest.fixture
def markdown(cells):
    return [cell for cell in cells if cell.cell_type == "markdown"]


def outputs(code):
    """Each output with the number of its cell."""
    return [(number, out) for number, cell in enumerate(code, 1) for out in cell.outputs]


def headings(markdown) -> list[tuple[int, str]]:
    """Level and words of every heading, in order; code blocks do not count."""
    text = "\n".join(cell.source for cell in markdown)
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    found = re.findall(r"^(#{1,6}) +(.+)$", text, re.MULTILINE)
    return [(len(marks), words.strip()) for marks, words in found]


def lines(cell) -> int:
    return sum(bool(line.strip()) for line in cell.source.splitlines())


def test_the_lessons_are_there_in_order():
    numbers = [path.name[:3] for path in NOTEBOOKS]
    assert numbers and numbers == [f"{k:02d}_" for k in range(len(numbers))]


def test_ruff_has_nothing_to_say():
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--no-cache", "--quiet", "."],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_format(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor >= 5) == (4, True)
    assert "widgets" not in notebook.metadata, "widget state is stored"
    assert {cell.cell_type for cell in notebook.cells} == {"code", "markdown"}
    assert all(cell.source.strip() for cell in notebook.cells), "an empty cell"


def test_small_enough_to_take_in(path, cells, code):
    assert path.stat().st_size < 400_000
    assert len(cells) <= 60
    sizes = sorted(lines(cell) for cell in code)
    assert sizes[-1] <= 25
    assert statistics.median(sizes) <= 6
    assert sizes[round(0.9 * (len(sizes) - 1))] <= 15


def test_run_once_from_top_to_bottom(code):
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    numbered = [(cell, out) for cell in code for out in cell.outputs if "execution_count" in out]
    assert all(out.execution_count == cell.execution_count for cell, out in numbered)
    bad = [
        number
        for number, out in outputs(code)
        if out.output_type == "error" or out.get("name") == "stderr"
    ]
    assert not bad, f"errors or warnings stored in code cells {bad}"


def test_outputs_do_not_change_from_run_to_run(code):
    for number, out in outputs(code):
        texts = [out.get("text", "")] + [
            data
            for kind, data in out.get("data", {}).items()
            if isinstance(data, str) and not kind.startswith("image")
        ]
        text = re.sub(r"data:image/\w+;base64,[\w+/=\s]*", "", "\n".join(texts))
        for what, pattern in CHANGES_BY_RUN.items():
            found = pattern.search(text)
            assert not found, f"{what} stored in code cell {number}: {found[0]!r}"


def test_figures_speak(code):
    for number, out in outputs(code):
        data = out.get("data", {})
        if not any(kind.startswith("image/") for kind in data):
            continue
        where = f"the figure of code cell {number}"
        sentence = data.get("text/plain", "")
        assert len(sentence) >= 20 and not sentence.startswith("<"), f"{where} has no sentence"
        alt = re.search(
            r"<img\b[^>]*?\balt=(\"[^\"]{20,}\"|'[^']{20,}')", data.get("text/html", "")
        )
        assert alt, f"{where} has no alt text in its html"


def test_pictures_in_the_text_have_alt_text(markdown):
    text = "\n".join(cell.source for cell in markdown)
    assert not re.findall(r"!\[\s*\]\(", text)
    assert all(re.search(r'\balt="[^"]+"', image) for image in re.findall(r"<img\b[^>]*>", text))


def test_every_cell_has_its_place_in_a_talk(cells):
    kinds = [cell.metadata.get("slideshow", {}).get("slide_type") for cell in cells]
    assert set(kinds) <= SLIDES, f"cell {[kind in SLIDES for kind in kinds].index(False)} has none"
    assert "notes" in kinds, "no speaker notes"


def test_title_minutes_and_outcomes(cells):
    first = cells[0]
    assert first.cell_type == "markdown" and first.source.startswith("# ")
    assert re.search(r"\b\d+ minutes\b", first.source)
    assert "you will be able to" in first.source


def test_headings_go_down_step_by_step(markdown):
    levels = [level for level, _ in headings(markdown)]
    assert levels.count(1) == 1 and levels[0] == 1
    assert all(below - above <= 1 for above, below in zip(levels, levels[1:], strict=False))


def test_imports_stand_in_one_cell(code):
    assert [lines(cell) <= 8 for cell in code if "import" in tags(cell)] == [True]
    for number, cell in enumerate(code, 1):
        imports = any(
            isinstance(node, ast.Import | ast.ImportFrom)
            for node in ast.walk(ast.parse(cell.source))
        )
        assert not imports or "import" in tags(cell), f"code cell {number} imports something"


def test_cells_use_known_tags_and_stay_on_this_machine(cells, code):
    assert {tag for cell in cells for tag in tags(cell)} <= TAGS
    for number, cell in enumerate(code, 1):
        for what, pattern in NOT_IN_A_LESSON.items():
            found = pattern.search(cell.source)
            assert not found, f"{what} in code cell {number}: {found[0]!r}"


def test_predict_comes_before_a_guess(cells):
    guesses = [k for k, cell in enumerate(cells) if re.search(r"^\w.*\bcl\.guess\(", cell.source)]
    assert guesses
    for place in guesses:
        before = [cell.source for cell in cells[:place] if cell.cell_type == "markdown"]
        assert re.search(r"\bpredict", before[-1], re.IGNORECASE), (
            f"nothing asks for a prediction just above cell {place}"
        )


def unanswered(code) -> list[str]:
    """Names of guesses that no later code cell reads: what was thought is lost.

    A guess in words (among=…) may be answered in words, below the next run.
    """
    asked = re.compile(r"^(\w+) *= *cl\.guess\((.*)\)", re.MULTILINE)
    lost, open_ = [], set()
    for cell in code:
        used = {
            node.id
            for node in ast.walk(ast.parse(cell.source))
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
        }
        new = {name for name, rest in asked.findall(cell.source) if "among=" not in rest}
        lost += sorted(new & open_)  # asked anew before it was read
        open_ = (open_ - used) | new
    return lost + sorted(open_)


def test_every_guess_is_answered_by_a_later_cell(code):
    assert not unanswered(code), "a later cell must use the guess, such as a figure: guess=…"


def test_a_guess_that_nobody_reads_is_found():
    def cells(*sources):
        return [SimpleNamespace(source=source) for source in sources]

    asked, answer = 'mine = cl.guess("10.4", ...)\nmine', "cl.plots.hope.lengths(guess=mine)"
    assert unanswered(cells(asked)) == ["mine"]
    assert unanswered(cells("f(mine)", asked, "other = 3", "g()  # mine")) == ["mine"]
    assert unanswered(cells(asked, asked, answer)) == ["mine"]
    assert unanswered(cells(asked, answer)) == unanswered(cells(asked, answer, asked, answer)) == []
    assert unanswered(cells('word = cl.guess("01.4", ..., among=("notes", "weights"))')) == []


def test_every_check_is_an_exercise(code):
    checks = [cell for cell in code if re.search(r"^cl\.check\(", cell.source, re.MULTILINE)]
    assert checks == [cell for cell in code if "exercise" in tags(cell)]
    assert all(STUB.match(cell.source) for cell in checks)


def test_closing(cells):
    places = {}
    for place, cell in enumerate(cells):
        if cell.cell_type == "markdown":
            for _, words in headings([cell]):
                places.setdefault(words.lower(), place)
    saw = [place for words, place in places.items() if "what we saw" in words]
    breaks = [place for words, place in places.items() if "what breaks next" in words]
    assert saw and breaks and saw[0] < breaks[0]
    said = [
        out.get("data", {}).get("text/plain", "") + out.get("text", "")
        for cell in cells[saw[0] : breaks[0]]
        if cell.cell_type == "code"
        for out in cell.outputs
    ]
    assert any(VERDICTS.search(text) for text in said), "no table of claims with their verdicts"
