"""An explorer: controls, one drawing that follows the hand, and what stands in for it.

The results are computed beforehand, so that a slider only looks something up: a key or a drag is
answered in tens of milliseconds. Where no kernel runs (a fresh notebook, a web page) the still
figure and its sentence are shown instead; a folded table has the same content in numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import NamedTuple

import ipywidgets

from clcourse.plots.figure import Figure

WIDGET = "application/vnd.jupyter.widget-view+json"
ROOM = {"description_width": "initial"}


class Slider(NamedTuple):
    """A control for values in order; arrow keys move it. It starts at `start`, or at the first."""

    label: str
    values: Sequence
    start: object = None

    def widget(self) -> ipywidgets.Widget:
        """The slider itself."""
        return ipywidgets.SelectionSlider(
            options=list(self.values),
            value=self.values[0] if self.start is None else self.start,
            description=self.label,
            style=ROOM,
            layout=ipywidgets.Layout(width="100%", max_width="640px"),
        )


class Choice(NamedTuple):
    """A control for a few named options, side by side. It starts at `start`, or at the first."""

    label: str
    options: Sequence[str]
    start: str | None = None

    def widget(self) -> ipywidgets.Widget:
        """The buttons themselves."""
        return ipywidgets.ToggleButtons(
            options=list(self.options),
            value=self.options[0] if self.start is None else self.start,
            description=self.label,
            style=ROOM | {"button_width": "auto"},
        )


class Table(NamedTuple):
    """The content of an explorer in numbers: the names of the columns, and the rows."""

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]

    def html(self) -> str:
        """The table, folded away until it is asked for."""
        head = "".join(f'<th scope="col" style="padding:0 1em">{escape(str(name))}</th>'
                       for name in self.columns)
        body = "".join(
            "<tr>" + "".join(f'<td style="padding:0 1em">{escape(str(cell))}</td>' for cell in row)
            + "</tr>"
            for row in self.rows
        )
        return ("<details><summary>The same in numbers</summary>"
                f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></details>")


class Explorer:
    """Controls above one drawing, and a folded table below it.

    controls  {name: Slider or Choice}; draw(**values) -> SVG text (see `drawing.card`), a look-up
    height    of the drawing in pixels, fixed so that nothing jumps
    fallback  the still figure that is stored with the notebook
    table     the same content in numbers
    """

    def __init__(
        self,
        controls: dict[str, Slider | Choice],
        draw: Callable[..., str],
        *,
        height: int,
        fallback: Figure,
        table: Table,
    ) -> None:
        self.draw, self.fallback, self.table = draw, fallback, table
        self.widgets = {name: control.widget() for name, control in controls.items()}
        self.view = ipywidgets.HTML(layout=ipywidgets.Layout(height=f"{height}px"))
        self.view.add_class("clcourse-drawing")
        for widget in self.widgets.values():
            widget.observe(self.redraw, "value")
        self.redraw()
        self.box = ipywidgets.VBox(
            [*self.widgets.values(), self.view, ipywidgets.HTML(table.html())]
        )
        self.box.add_class("clcourse-explorer")

    def redraw(self, change=None) -> None:
        """Draw what the controls now say."""
        self.view.value = self.draw(**{name: one.value for name, one in self.widgets.items()})

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        still = self.fallback._repr_mimebundle_()
        sentence = f"Interactive once its cell has run. {self.fallback.sentence}"
        return still | {"text/plain": sentence, WIDGET: self.box._repr_mimebundle_()[WIDGET]}

    def __repr__(self) -> str:
        return self.fallback.sentence
