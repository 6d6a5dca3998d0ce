"""Look at a notebook as a reader sees it: run it in JupyterLab and take a picture of every screen.

    python tests/browser/look.py NOTEBOOK OUTDIR [--dark] [--as-stored] [--sidebar]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from lab import open_notebook  # noqa: E402


def main() -> int:
    """Run the notebook in Lab and leave PNG files in OUTDIR."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebook", type=Path)
    parser.add_argument("outdir", type=Path)
    parser.add_argument("--dark", action="store_true", help="JupyterLab's dark theme")
    parser.add_argument("--as-stored", action="store_true", help="do not run: fresh and untrusted")
    parser.add_argument("--sidebar", action="store_true", help="leave the file browser open")
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=720)
    options = parser.parse_args()
    with open_notebook(options.notebook, options.dark, options.width, options.height) as notebook:
        if not options.sidebar:
            notebook.hide_sidebar()
        if not options.as_stored:
            notebook.run_all()
        prefix = options.notebook.stem + ("_dark" if options.dark else "")
        pictures = notebook.screenshots(options.outdir, prefix)
        errors = list(notebook.console_errors)
    print(f"{len(pictures)} screens in {options.outdir}")
    for line in errors:
        print("console:", line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
