"""A real JupyterLab in a real browser: open a notebook, run it, press keys, look, time the redraws.

Every start has private settings and a copy of the notebook, so nothing of the user's is touched.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Page, TimeoutError, sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER_FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run"]
BROWSER_FLAGS += ["--disable-background-networking"]

# In the page: note when a key goes down, and in each animation frame whether the drawing changed.
STOPWATCH = """selector => {
  const drawing = () => document.querySelector(selector + ' svg')?.outerHTML;
  const watch = window.stopwatch = {pressed: null, redraws: []};
  const note = () => { watch.pressed = performance.now(); };
  document.addEventListener('keydown', note, true);
  let last = drawing();
  const frame = () => {
    if (window.stopwatch !== watch) return document.removeEventListener('keydown', note, true);
    const now = drawing();
    if (now !== last && watch.pressed !== null)
      watch.redraws.push(performance.now() - watch.pressed);
    last = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}"""


def browser_path() -> str:
    """Where Chromium or Chrome is installed."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise FileNotFoundError(
            "No browser found (looked for chromium, chromium-browser and google-chrome): "
            "install one, on Debian or Ubuntu with `apt-get install chromium`."
        )
    return found


def free_port() -> int:
    """A port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def private_settings(folder: Path, dark: bool) -> dict[str, str]:
    """Environment variables that keep Lab away from the user's own settings."""
    names = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    names += ("JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR")
    for name in names:
        (folder / name).mkdir(parents=True)
    overrides = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}}
    if dark:
        overrides["@jupyterlab/apputils-extension:themes"] = {"theme": "JupyterLab Dark"}
    settings = folder / "JUPYTER_CONFIG_DIR" / "labconfig" / "default_setting_overrides.json"
    settings.parent.mkdir()
    settings.write_text(json.dumps(overrides), encoding="utf-8")
    return {name: str(folder / name) for name in names}


@contextlib.contextmanager
def server(notebooks: Path, dark: bool = False) -> Iterator[str]:
    """A JupyterLab that serves the folder; gives its address."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as private:
        port = free_port()
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}
        environment |= private_settings(Path(private), dark)
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip", "127.0.0.1"]
        command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0", "--allow-root"]
        command += ["--IdentityProvider.token=", "--LabApp.expose_app_in_browser=True"]
        command += ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
        command += ["--LabApp.news_url=None", f"--ServerApp.root_dir={notebooks}"]
        with open(Path(private) / "log", "w+b") as log:
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
            try:
                wait_until_up(f"http://127.0.0.1:{port}/api", process, Path(private) / "log")
                yield f"http://127.0.0.1:{port}"
            finally:
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(20)
                process.kill()


def wait_until_up(address: str, process: subprocess.Popen, log: Path) -> None:
    """Return when the server answers; say what it logged if it does not."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(address, timeout=5).close()
            return
        time.sleep(0.1)
    raise RuntimeError("JupyterLab did not start:\n" + log.read_text(errors="replace")[-3000:])


@contextlib.contextmanager
def page(width: int = 1280, height: int = 720) -> Iterator[Page]:
    """One empty page of a headless browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=BROWSER_FLAGS)
        try:
            yield browser.new_page(viewport={"width": width, "height": height})
        finally:
            browser.close()


class OpenNotebook:
    """A notebook in a browser page, with the errors that the page's console has shown."""

    def __init__(self, page: Page, address: str, name: str) -> None:
        self.page = page
        self.console_errors: list[str] = []
        page.on("pageerror", lambda error: self.console_errors.append(str(error)))
        page.on("console", self.note_console)
        page.goto(f"{address}/lab/tree/{name}?reset", timeout=120_000)
        page.wait_for_selector(".jp-NotebookPanel .jp-Notebook .jp-Cell", timeout=120_000)
        page.wait_for_selector("#jupyterlab-splash", state="detached", timeout=60_000)
        with contextlib.suppress(TimeoutError):  # "Select Kernel", for a notebook that names none
            page.click(".jp-Dialog .jp-mod-accept", timeout=1000)
        page.wait_for_function(
            "() => jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status"
            " === 'idle'",
            timeout=120_000,
        )

    def note_console(self, message) -> None:
        """Keep what the console reports as an error of a script.

        A request that JupyterLab's server could not answer at once, and that Lab asks again, is
        reported there too. It says nothing about the lesson: its pictures load no resource.
        """
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.console_errors.append(message.text)

    def run_all(self, seconds: float = 300) -> None:
        """Run > Run All Cells, and wait until the last one has ended."""
        self.page.set_default_timeout(seconds * 1000)
        self.page.evaluate("() => jupyterapp.commands.execute('notebook:run-all-cells')")
        self.page.wait_for_timeout(1000)  # widgets draw after their cell has ended

    def hide_sidebar(self) -> None:
        """Close the file browser, as one does to read."""
        self.page.evaluate("() => jupyterapp.commands.execute('application:toggle-left-area')")

    def run_cell(self, number: int) -> None:
        """Run the cell at this place (from 0) and wait for its end."""
        self.show_cell(number)
        self.page.evaluate("() => jupyterapp.commands.execute('notebook:run-cell')")

    def show_cell(self, number: int) -> None:
        """Make the cell at this place (from 0) the active one and bring it into view."""
        self.page.evaluate(
            """async number => {
              const notebook = jupyterapp.shell.currentWidget.content;
              notebook.activeCellIndex = number;
              notebook.deselectAll();
              await notebook.scrollToItem(number, 'start');
            }""",
            number,
        )
        self.page.wait_for_timeout(200)

    def sources(self) -> list[str]:
        """The source of every cell."""
        return self.page.evaluate(
            "() => jupyterapp.shell.currentWidget.content.widgets"
            ".map(cell => cell.model.sharedModel.getSource())"
        )

    def look_around(self) -> tuple[list[str], str]:
        """Bring every cell into view: a selector for each explorer, and all text in outputs."""
        explorers, said = [], ""
        for number in range(len(self.sources())):
            self.show_cell(number)
            there, text = self.page.evaluate(
                """number => {
                  const cell = jupyterapp.shell.currentWidget.content.widgets[number].node;
                  const explorer = cell.querySelector('.clcourse-explorer');
                  if (explorer) explorer.id = 'explorer-' + number;
                  return [explorer !== null, cell.querySelector('.jp-OutputArea')?.innerText ?? ''];
                }""",
                number,
            )
            explorers += [f"#explorer-{number}"] if there else []
            said += text
        return explorers, said

    def drawing(self, explorer: str) -> str:
        """The SVG that an explorer shows now."""
        return self.page.eval_on_selector(f"{explorer} svg", "one => one.outerHTML")

    def height(self, explorer: str) -> float:
        """How many pixels an explorer takes."""
        return self.page.eval_on_selector(explorer, "one => one.getBoundingClientRect().height")

    def press(self, explorer: str, slider: int, most: int = 8) -> list[float]:
        """Move one slider from its beginning by the arrow key; milliseconds from key to drawing."""
        handle = self.page.locator(f"{explorer} .noUi-handle").nth(slider)
        handle.scroll_into_view_if_needed()
        handle.focus()
        self.page.keyboard.press("Home")
        self.page.wait_for_timeout(500)
        self.page.evaluate(STOPWATCH, explorer)
        for number in range(1, most + 1):
            if handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemax"):
                break
            self.page.wait_for_timeout(100)
            self.page.keyboard.press("ArrowRight")
            self.page.wait_for_function(f"() => stopwatch.redraws.length >= {number}")
        return self.page.evaluate("() => stopwatch.redraws")

    def choose(self, explorer: str) -> int:
        """Press every button of an explorer with the keyboard; how many drawings differ."""
        buttons = self.page.locator(f"{explorer} .widget-toggle-buttons button")
        seen = set()
        for number in range(buttons.count()):
            buttons.nth(number).focus()
            self.page.keyboard.press("Space")
            self.page.wait_for_timeout(500)
            seen.add(self.drawing(explorer))
        return len(seen)

    def screenshots(self, folder: Path, prefix: str = "page") -> list[Path]:
        """The whole notebook, one picture a screen, from top to bottom."""
        folder.mkdir(parents=True, exist_ok=True)
        area = ".jp-WindowedPanel-outer"
        self.page.evaluate("a => { document.querySelector(a).scrollTop = 0; }", area)
        pictures: list[Path] = []
        while len(pictures) < 200:
            self.page.wait_for_timeout(400)
            pictures.append(folder / f"{prefix}_{len(pictures) + 1:02d}.png")
            self.page.screenshot(path=pictures[-1])
            at_the_end = self.page.evaluate(
                """area => {
                  const box = document.querySelector(area), before = box.scrollTop;
                  const end = jupyterapp.shell.currentWidget.content.widgets.at(-1).node;
                  const seen = end.isConnected &&
                    end.getBoundingClientRect().bottom <= box.getBoundingClientRect().bottom + 2;
                  box.scrollTop = before + box.clientHeight * 0.92;
                  return seen || box.scrollTop - before < 2;
                }""",
                area,
            )
            if at_the_end:
                break
        return pictures


@contextlib.contextmanager
def open_notebook(
    notebook: Path, dark: bool = False, width: int = 1280, height: int = 720
) -> Iterator[OpenNotebook]:
    """A copy of the notebook in a fresh Lab and a fresh browser page."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        shutil.copy(notebook, folder)
        with server(Path(folder), dark) as address, page(width, height) as sheet:
            yield OpenNotebook(sheet, address, Path(notebook).name)
