"""Every explorer in a real JupyterLab: it follows the keys, nothing jumps, nothing complains.

The time from a key to the changed drawing is reported, not asserted (aim: a median of 50 ms):
`pytest tests/browser -rP` prints it, and `--junit-xml` keeps it as a property.
"""

import statistics
from pathlib import Path

import pytest
from lab import OpenNotebook, open_notebook

pytestmark = pytest.mark.browser

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("[0-9][0-9]_*.ipynb"))


def work(notebook: OpenNotebook, explorer: str) -> list[float]:
    """Move every slider of an explorer and press its buttons; milliseconds from key to drawing."""
    height, times = notebook.height(explorer), []
    for slider in range(notebook.page.locator(f"{explorer} .noUi-handle").count()):
        moved = notebook.press(explorer, slider)
        assert moved, f"slider {slider + 1} of {explorer} does not move by the arrow key"
        times += moved
    buttons = notebook.page.locator(f"{explorer} .widget-toggle-buttons button").count()
    assert notebook.choose(explorer) == buttons, "two buttons show the same drawing"
    assert notebook.height(explorer) == height, "the explorer changed its height: the page jumps"
    return times


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_explorers_follow_the_keys(path, tmp_path, record_property):
    with open_notebook(path) as notebook:
        notebook.run_all()
        explorers, said = notebook.look_around()
        assert explorers, f"{path.stem} shows no explorer"
        times = []
        for explorer in explorers:
            times += work(notebook, explorer)
        pictures = notebook.screenshots(tmp_path)
    median = statistics.median(times)
    record_property("milliseconds from key to drawing, median", round(median, 1))
    print(f"{path.stem}: {median:.0f} ms from key to drawing (median of {len(times)} keys), "
          f"{len(explorers)} explorers, {len(pictures)} screens in {tmp_path}")
    assert "Error displaying widget" not in said and "model not found" not in said
    assert notebook.console_errors == []


def test_a_stranger_sees_pictures_before_anything_runs():
    with open_notebook(NOTEBOOKS[0]) as notebook:
        notebook.page.wait_for_selector(".jp-OutputArea-output img[alt]", timeout=30_000)
        explorers, said = notebook.look_around()
        assert not explorers and "Error displaying widget" not in said
        assert notebook.console_errors == []
