"""The replay of notebooks lets through what another processor does, and nothing else."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from conftest import allowed, moved

ROOT = Path(__file__).parent.parent
WORDS = st.text("abc xyz:,|[]()%=", max_size=12)
DECIMALS = st.floats(-500, 500).map(lambda value: f"{value:.2f}")
PIECES = st.lists(st.tuples(WORDS, DECIMALS), min_size=1, max_size=5)


def line(pieces):
    return "".join(f"{words} {number}" for words, number in pieces)


@given(st.text())
def test_the_same_text_passes(text):
    assert moved(text, text) == []


@given(PIECES, st.data())
def test_a_decimal_may_move_as_far_as_allowed_and_no_further(pieces, data):
    place = data.draw(st.integers(0, len(pieces) - 1))
    direction = data.draw(st.sampled_from([-1, 1]))
    words, number = pieces[place]
    reach = allowed(float(number))
    near, far = (
        pieces[:place]
        + [(words, f"{float(number) + direction * step * reach:.6f}")]
        + pieces[place + 1 :]
        for step in (0.99, 1.01)
    )
    assert moved(line(pieces), line(near)) == []
    assert len(moved(line(pieces), line(far))) == 1


@given(WORDS, st.integers(0, 10**6), st.integers(0, 10**6), st.sampled_from(["", ".", ",", " of"]))
def test_a_whole_number_must_stay(words, before, after, end):
    assume(before != after)
    assert len(moved(f"{words} {before}{end}", f"{words} {after}{end}")) == 1


@given(PIECES, st.data())
def test_words_must_stay(pieces, data):
    text = line(pieces)
    place = data.draw(st.integers(0, len(text)))
    assert len(moved(text, text[:place] + "Q" + text[place:])) == 1
    assert len(moved(text, text + "\n" + text)) == 1


@pytest.mark.parametrize(
    ("stored", "fresh"),
    [
        ("0.79", "0.81"),  # 0.02, although 0.81 - 0.79 is a little more in floating point
        ("0.790", "0.775"),
        ("change -0.00", "change 0.00"),
        ("change +0.01", "change -0.01"),
        ("loss −0.01", "loss 0.00"),
        ("| -0.01 |  9.99 |", "|  0.01 | 10.02 |"),  # a table stays aligned
        ("0.50 [0.46, 0.54]", "0.51 [0.45, 0.55]"),
        ("error 1e-17", "error 3.1e-16"),
        ("4.10x faster.", "4.20x faster."),
    ],
)
def test_passes(stored, fresh):
    assert moved(stored, fresh) == []


@pytest.mark.parametrize(
    ("stored", "fresh", "told"),
    [
        ("ACC 0.79", "ACC 0.84", "0.79 -> 0.84 (allowed 0.02)"),
        ("ACC 0.79.", "ACC 0.74.", "0.79 -> 0.74 (allowed 0.02)"),
        ("12.0 MB", "12.7 MB", "12.0 -> 12.7 (allowed 0.6)"),
        ("20 seeds", "21 seeds", "'20 seeds' -> '21 seeds' (text and whole numbers must stay)"),
        ("2.13.0", "2.13.1", "'2.13.0' -> '2.13.1' (text and whole numbers must stay)"),
        ("0.50", "1", "'0.50' -> '1' (text and whole numbers must stay)"),
        ("0.50", "nan", "'0.50' -> 'nan' (text and whole numbers must stay)"),
        ("same: True", "same: False", "'True' -> 'False' (text and whole numbers must stay)"),
    ],
)
def test_fails_and_says_what_moved(stored, fresh, told):
    assert moved(stored, fresh) == [told]


def code(source, number, *, text=None, data=None):
    """A code cell as if it had been run."""
    outputs = []
    if text is not None:
        outputs.append(nbformat.v4.new_output("stream", name="stdout", text=text))
    if data is not None:
        outputs.append(nbformat.v4.new_output("execute_result", data=data, execution_count=number))
    return nbformat.v4.new_code_cell(source, execution_count=number, outputs=outputs)


def figure(sentence, pixels):
    return {"text/plain": sentence, "text/html": f"<img alt='{sentence}' src='{pixels}'>"}


SHOW = """
class Figure:
    def _repr_mimebundle_(self, **_):
        return {"text/plain": "Accuracy falls to 0.51.", "text/html": "<img src='fresh'>"}
Figure()"""


@pytest.fixture(scope="module")
def replayed(tmp_path_factory):
    """What the project's own pytest settings say about two planted notebooks."""
    root = tmp_path_factory.mktemp("planted")
    (root / "notebooks").mkdir()
    (root / "tests").mkdir()
    for name in ("conftest.py", "pyproject.toml"):
        shutil.copy(ROOT / name, root)
    good = [
        code(
            "import os\nprint('threads', os.environ['OMP_NUM_THREADS'])",
            1,
            text=f"threads {os.environ['OMP_NUM_THREADS']}\n",
        ),
        nbformat.v4.new_markdown_cell("Words between."),
        code("accuracy = 0.80\nprint(f'ACC {accuracy:.2f}')", 2, text="ACC 0.79\n"),
        code(SHOW, 3, data=figure("Accuracy falls to 0.50.", "stored")),
        code("accuracy", 4, data={"text/plain": "0.8"}),
    ]
    bad = [
        code("count, accuracy = 20, 0.84", 1),
        code("print('ACC', accuracy, 'of', count)", 2, text="ACC 0.79 of 20\n"),
        code("count", 3, data={"text/plain": "21"}),
        code(SHOW, 4, data=figure("Accuracy falls to 0.56.", "stored")),
        code("import sys; print('careful', file=sys.stderr)", 5),
        code("count", None),
        code("1 / 0", 7),
    ]  # fmt: skip
    for name, cells in {"01_good": good, "02_bad": bad}.items():
        notebook = nbformat.v4.new_notebook(cells=cells)
        nbformat.write(notebook, root / "notebooks" / f"{name}.ipynb")
    environment = {key: value for key, value in os.environ.items() if "PYTEST" not in key}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "--color=no", "-p", "no:cacheprovider"],
        cwd=root, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert not done.stderr, done.stderr
    return done.stdout.splitlines()


def test_what_may_move_passes(replayed):
    for number in range(1, 5):
        assert any(f"PASSED notebooks/01_good.ipynb::cell {number}" in row for row in replayed)
    assert "6 failed, 5 passed" in replayed[-1]  # the first cell of 02 has nothing to compare


@pytest.mark.parametrize(
    "told",
    [
        "02_bad.ipynb cell 2: 0.79 -> 0.84 (allowed 0.02)",
        "02_bad.ipynb cell 3: '21' -> '20' (text and whole numbers must stay)",
        "02_bad.ipynb cell 4: 0.56 -> 0.51 (allowed 0.02)",
        "02_bad.ipynb cell 5: 0 outputs of stderr -> 1: 'careful'",
        "02_bad.ipynb cell 6: stored without having been run; `clcourse run --save` runs it",
    ],
)
def test_a_planted_change_fails_with_one_line(replayed, told):
    assert replayed.count(told) == 1
    number = told.split(":")[0][-1]
    assert any(f"FAILED notebooks/02_bad.ipynb::cell {number}" in row for row in replayed)


def test_a_cell_that_stops_fails(replayed):
    assert any("ZeroDivisionError" in row for row in replayed)
