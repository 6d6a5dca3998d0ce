"""What an executed notebook stores: its results, and nothing that differs from run to run.

A diff of the originals then shows what moved in the results, not which machine ran them. Widget
views go too: their ids are random, their state is not stored, and a trusted notebook would show
"model not found" in place of the picture that stands beside the view in the same bundle.
"""

from __future__ import annotations

import base64
import io
import re

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
PASSING_CELL_METADATA = ("ExecuteTime", "collapsed", "editable", "execution", "scrolled")
PASSING_METADATA = ("colab", "signature", "toc", "vscode", "widgets")
PICTURES = ("image/png", "image/jpeg")
EMBEDDED = re.compile(r"data:image/(?:png|jpeg);base64,([A-Za-z0-9+/=\s]+)")


def normalise(notebook: dict) -> list[str]:
    """Keep the results of `notebook` and drop the rest, in place; return what went to stderr."""
    for name in PASSING_METADATA:
        notebook.metadata.pop(name, None)
    notebook.metadata["kernelspec"] = {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    }
    notebook.metadata["language_info"] = {"name": "python"}
    complaints = []
    for cell in notebook.cells:
        for name in PASSING_CELL_METADATA:
            cell.metadata.pop(name, None)
        if not cell.metadata.get("tags", True):
            del cell.metadata["tags"]
        if cell.cell_type == "code":
            complaints += _normalise_outputs(cell)
    return complaints


def _normalise_outputs(cell: dict) -> list[str]:
    complaints, kept = [], []
    for output in cell.outputs:
        if output.output_type == "stream" and output.name == "stderr":
            words = output.text.strip() or "blank lines"
            complaints.append(f"cell [{cell.execution_count}] wrote to stderr: {last_line(words)}")
            continue
        if "data" in output:
            output.data.pop(WIDGET_VIEW, None)
            if not output.data:
                continue
        if output.output_type == "execute_result":
            output.execution_count = cell.execution_count
        kept.append(output)
    cell.outputs = kept
    return complaints


def keep_old_pictures(new: dict, old: dict) -> None:
    """Where a cell's outputs say and show the same as before, keep the bytes that were stored.

    The same pixels compress to other bytes under another version of zlib or matplotlib.
    """
    before = {cell.get("id"): cell for cell in old.cells if cell.cell_type == "code"}
    for cell in new.cells:
        stored = before.get(cell.get("id"))
        if cell.cell_type != "code" or stored is None or stored.outputs == cell.outputs:
            continue
        text, pictures = _text_and_pictures(cell.outputs)
        old_text, old_pictures = _text_and_pictures(stored.outputs)
        if text != old_text or len(pictures) != len(old_pictures):
            continue
        if all(_same_pixels(*pair) for pair in zip(pictures, old_pictures, strict=True)):
            cell.outputs = stored.outputs
            for output in cell.outputs:
                if "execution_count" in output:
                    output["execution_count"] = cell.execution_count


def _text_and_pictures(outputs: list) -> tuple[list, list[str]]:
    """The outputs without their pictures, and the pictures in base64, in order."""
    text, pictures = [], []
    for output in outputs:
        bare = {name: output[name] for name in output if name not in ("data", "execution_count")}
        for kind, content in sorted(output.get("data", {}).items()):
            if kind in PICTURES:
                pictures.append(content)
                content = ""
            elif isinstance(content, str):
                pictures += EMBEDDED.findall(content)
                content = EMBEDDED.sub("", content)
            bare[f"data {kind}"] = content
        text.append(bare)
    return text, pictures


def _same_pixels(one: str, other: str) -> bool:
    if one == other:
        return True
    from PIL import Image, UnidentifiedImageError

    try:
        first, second = (
            Image.open(io.BytesIO(base64.b64decode(content))).convert("RGBA")
            for content in (one, other)
        )
    except (ValueError, OSError, UnidentifiedImageError):
        return False
    return first.size == second.size and first.tobytes() == second.tobytes()


def last_line(text: str) -> str:
    """The last line of `text`, without terminal colours: where Python says what went wrong."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text).strip()
    return plain.splitlines()[-1].strip() if plain else ""
