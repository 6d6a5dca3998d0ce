"""The package is one story: a module imports only what stands above it."""

import ast
import subprocess
import sys

import pytest
from lessons import ROOT

STORY = """
errors results seeds metrics streams worlds facts pairs nets transformer replay regularise
retrieval memory plots learner lora pretraining reading remembering teaching slots baselines
memory_learner open_book averages preferences assistant plasticity nested associative hopfield
attention regions hippocampus complementary sleep evaluate autopsy transplant feedback llm claims
exercises explore workspace contents normalise execute slides doctor __main__
""".split()
ONLY_IN = {"matplotlib": "plots", "ipywidgets": "explore"}
PACKAGE = ROOT / "clcourse"
FILES = sorted(PACKAGE.rglob("*.py"))


def room(path) -> str:
    """The place of a file in the story: a module, or the package that it is in."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path) -> set[str]:
    """Everything that a file imports, wherever in it, with full names."""
    names = set()
    package = list(path.relative_to(ROOT).parent.parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            base = ".".join([*base, *([node.module] if node.module else [])])
            names |= {f"{base}.{alias.name}" for alias in node.names}
    return names


def rooms_used(path) -> set[str]:
    """The rooms of the package that a file imports from."""
    parts = [name.split(".") for name in imported(path)]
    return {part[1] for part in parts if part[0] == "clcourse" and len(part) > 1}


def faults(path) -> list[str]:
    """What a file imports that it must not."""
    here = room(path)
    if here == "__init__":
        return sorted(f"imports {name} (it has to be lazy)" for name in rooms_used(path))
    below = [
        f"imports {name}, which stands below it"
        for name in sorted(rooms_used(path))
        if STORY.index(name) > STORY.index(here)
    ]
    tops = {name.split(".")[0] for name in imported(path)}
    return below + [
        f"imports {tool}, which belongs to {owner}"
        for tool, owner in ONLY_IN.items()
        if tool in tops and here != owner
    ]


def test_every_module_has_its_place_in_the_story():
    rooms = {room(path) for path in FILES} - {"__init__"}
    assert rooms and rooms <= set(STORY), f"not in the story: {sorted(rooms - set(STORY))}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path):
    assert faults(path) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_first_line_says_the_idea(path):
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert text and text.splitlines()[0].endswith((".", "?", "…", ":")), "no first sentence"


@pytest.mark.parametrize(
    ("where", "code", "fault"),
    [
        (
            "metrics.py",
            "from clcourse.learner import run",
            "imports learner, which stands below it",
        ),
        ("metrics.py", "from clcourse import learner", "imports learner, which stands below it"),
        (
            "metrics.py",
            "def f():\n    from . import learner",
            "imports learner, which stands below",
        ),
        ("plots/a.py", "from ..learner import x", "imports learner, which stands below it"),
        ("plots/a.py", "import matplotlib.figure\nfrom clcourse.metrics import a", None),
        ("learner.py", "import matplotlib.figure", "imports matplotlib, which belongs to plots"),
        (
            "claims.py",
            "from ipywidgets import HTML",
            "imports ipywidgets, which belongs to explore",
        ),
        ("__init__.py", "from clcourse.seeds import device", "imports seeds (it has to be lazy)"),
    ],
)
def test_faults_are_found(where, code, fault, tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path / "clcourse")
    path = tmp_path / "clcourse" / where
    path.parent.mkdir(parents=True)
    path.write_text(code)
    assert fault in faults(path)[0] if fault else faults(path) == []


LAZY = """
import sys
import clcourse as cl
heavy = {"torch", "numpy", "matplotlib", "ipywidgets", "sklearn", "scipy", "tqdm"}
assert not heavy & set(sys.modules), f"import clcourse brings in {heavy & set(sys.modules)}"
cl.guess("00.1", 0.5), dir(cl), cl.CourseError
heavy -= {"numpy"}
cl.check("00.1", 3), cl.hint("00.1")
assert not heavy & set(sys.modules), f"lesson 00 brings in {heavy & set(sys.modules)}"
"""


def test_the_first_90_seconds_need_no_torch():
    done = subprocess.run([sys.executable, "-c", LAZY], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_every_public_name_is_there():
    import clcourse as cl

    for name in cl.__all__:
        assert getattr(cl, name) is not None
    with pytest.raises(AttributeError, match="clcourse has no 'nonsense'"):
        cl.nonsense  # noqa: B018


def test_no_public_name_is_that_of_a_room():
    """Importing a room would put the module in the place of the function."""
    import clcourse as cl

    assert not set(cl._home) & set(cl._modules)
