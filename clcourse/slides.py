"""A lesson as a talk: one HTML file with slides and speaker notes, shown by any browser.

The slides are those marked in the notebook (`slideshow.slide_type`). nbconvert's own page asks the
network for four scripts before it shows anything; this one needs reveal.js alone, which may lie in
a folder beside the talk. Formulas are drawn by MathJax, which comes from the network.
"""

from __future__ import annotations

import os
from pathlib import Path

from clcourse.errors import CourseError
from clcourse.execute import read
from clcourse.workspace import write_whole

PAGE = """
{%- extends 'reveal/index.html.j2' -%}
{%- block html_head_js -%}{%- endblock html_head_js -%}
{%- block html_head_css -%}
<style>.reveal .slides section { max-height: 100%; overflow-y: auto; }</style>
{%- endblock html_head_css -%}
{%- block footer_js -%}
<script src="{{ reveal_url_prefix }}/dist/reveal.js"></script>
<script src="{{ reveal_url_prefix }}/plugin/notes/notes.js"></script>
<script>
Reveal.initialize({
  hash: true, progress: true, slideNumber: true, transition: "none", plugins: [RevealNotes],
});
Reveal.on("slidechanged", function (event) {  // formulas of a hidden slide have no size yet
  if (window.MathJax && MathJax.Hub) { MathJax.Hub.Queue(["Rerender", MathJax.Hub]); }
});
</script>
{%- endblock footer_js -%}
"""
NEEDED = ("dist/reveal.js", "dist/reveal.css", "dist/theme/white.css", "plugin/notes/notes.js")


def export(notebook: Path, *, reveal: Path | None = None) -> Path:
    """Write the talk beside `notebook` as NAME.slides.html; `reveal` is a copy of reveal.js 4."""
    from nbconvert import SlidesExporter

    talk = notebook.with_suffix(".slides.html")
    exporter = SlidesExporter(
        raw_template=PAGE,
        reveal_theme="white",
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    exporter.log.setLevel("ERROR")
    if reveal is not None:
        exporter.reveal_url_prefix = _address(reveal, seen_from=talk.parent)
    page, _ = exporter.from_notebook_node(read(notebook), {"metadata": {"name": notebook.stem}})
    write_whole(talk, page.encode())
    return talk


def _address(reveal: Path, *, seen_from: Path) -> str:
    missing = [name for name in NEEDED if not (reveal / name).is_file()]
    if missing:
        raise CourseError(
            f"{reveal} is no copy of reveal.js 4: {missing[0]} is missing; give the folder of an "
            "unpacked release."
        )
    try:
        return Path(os.path.relpath(reveal.resolve(), seen_from.resolve())).as_posix()
    except ValueError:  # on another drive of Windows
        return reveal.resolve().as_uri()
