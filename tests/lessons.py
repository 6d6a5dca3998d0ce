"""What the tests read out of the notebooks: cells by tag, and each exercise with its solution."""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

import nbformat

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
STUB = re.compile(r"# exercise (\d\d\.\d+)\b")
SOLUTION = re.compile(
    r"<details>\s*<summary>Solution (\d\d\.\d+)</summary>\s*```python\n(.*?)\n```.*</details>",
    re.DOTALL,
)


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def tags(cell) -> list[str]:
    return cell.metadata.get("tags", [])


def number(path: Path) -> str:
    """The lesson of a notebook: "02" of 02_catastrophic_forgetting.ipynb."""
    return path.name[:2]


@dataclass
class Exercise:
    """One exercise as a notebook has it; it stands alone, above the cells tagged for it."""

    name: str
    above: list[str]  # the code of the cells tagged import, knobs or setup that come before
    stub: str  # the cell tagged exercise, which ends in cl.check(name, answer)
    output: str  # what the stub cell says when the notebook is run as it is
    solution: str  # the python block of the <details> cell

    def answer(self, code: str) -> object:
        """What the stub cell hands to cl.check once `code` has been run instead of the stub."""
        names = {"__name__": "__main__"}
        for source in [*self.above, code]:
            exec(compile(source, f"<exercise {self.name}>", "exec"), names)
        return eval(compile(ast.Expression(self.checked()), "<checked>", "eval"), names)

    def checked(self) -> ast.expr:
        """The expression that the stub cell hands to cl.check."""
        last = ast.parse(self.stub).body[-1]
        call = last.value if isinstance(last, ast.Expr) else None
        right = isinstance(call, ast.Call) and ast.unparse(call.func) == "cl.check"
        assert right and len(call.args) == 2 and ast.literal_eval(call.args[0]) == self.name, (
            f'the last line of exercise {self.name} is not cl.check("{self.name}", …)'
        )
        return call.args[1]


def exercises(path: Path) -> list[Exercise]:
    """The exercises of a notebook, each joined with its solution by its id."""
    above, found = [], []
    cells = read(path).cells
    solutions = dict(
        match.groups()
        for cell in cells
        if cell.cell_type == "markdown"
        for match in SOLUTION.finditer(cell.source)
    )
    for cell in cells:
        if {"import", "knobs", "setup"} & set(tags(cell)):
            above.append(cell.source)
        if "exercise" in tags(cell):
            match = STUB.match(cell.source)
            assert match, f"{path.name}: an exercise cell begins with '# exercise NN.k'"
            name = match[1]
            assert name in solutions, f"{path.name}: exercise {name} has no solution below it"
            said = [out.data["text/plain"] for out in cell.outputs if "data" in out]
            found.append(
                Exercise(name, above.copy(), cell.source, "\n".join(said), solutions.pop(name))
            )
    assert not solutions, f"{path.name}: solutions without an exercise: {sorted(solutions)}"
    return found
