"""What the tables of Nested Learning print, version by version: single runs, none of them ours."""

from __future__ import annotations

from clcourse.plots.figure import (
    BLUE,
    FAINT,
    SOFT,
    VERMILLION,
    Figure,
    in_style,
    look,
    sheet,
)
from clcourse.plots.general import note
from clcourse.plots.labels import headline, readable, settle
from clcourse.plots.reading import said

# Behrouz, Razaviyayn, Zhong & Mirrokni 2025: the camera-ready of NeurIPS, and arXiv 2512.24695.
# Perplexity on WikiText and on LAMBADA (less is better), then mean accuracy in per cent.
VERSIONS = {
    "760M, NeurIPS": {
        "Transformer++": (25.21, 27.64, 48.69), "Samba (hybrid)": (20.63, 22.71, 51.08),
        "Titans (LMM)": (20.04, 21.96, 51.56), "HOPE": (20.53, 20.47, 52.26)},
    "760M, arXiv": {
        "Transformer++": (24.18, 24.27, 50.11), "Samba (hybrid)": (21.07, 22.85, 51.46),
        "Titans (LMM)": (20.08, 21.52, 51.68), "HOPE": (18.68, 20.07, 52.28)},
    "1.3B, NeurIPS": {
        "Transformer++": (18.53, 18.32, 52.25), "Samba (hybrid)": (16.13, 13.29, 54.00),
        "Titans (LMM)": (15.60, 11.41, 56.82), "HOPE": (15.11, 11.63, 57.23)},
    "1.3B, arXiv": {
        "Transformer++": (17.92, 17.73, 53.38), "Samba (hybrid)": (16.15, 13.21, 54.46),
        "Titans (LMM)": (15.60, 11.41, 56.82), "HOPE": (14.39, 10.08, 58.04)},
}  # fmt: skip
COLUMNS = ("WikiText\nperplexity", "LAMBADA\nperplexity", "mean acc.\nin %")
LESS_IS_BETTER = (True, True, False)


def gain(version: str, over: str = "Titans (LMM)") -> tuple[float, float, float]:
    """HOPE minus another model, as printed: two perplexities (below 0 is better) and accuracy."""
    ours, theirs = VERSIONS[version]["HOPE"], VERSIONS[version][over]
    return tuple(round(a - b, 2) for a, b in zip(ours, theirs, strict=True))


@in_style
def paper_tables(title: str | None = None) -> Figure:
    """The numbers by size and version, and HOPE minus Titans below each."""
    picture, grid = sheet(10.4, nrows=2, ncols=2)
    parts = []
    for panel, (version, models) in zip(grid.flat, VERSIONS.items(), strict=True):
        panel.set(xlim=(0, 10), ylim=(len(models) + 0.5, -1.2), xticks=[], yticks=[])
        panel.spines[:].set_visible(False)
        panel.set_title(version, loc="left", fontsize=look().type, fontweight="bold")
        for place, words in enumerate(COLUMNS):
            panel.text(_at(place), -0.75, words, ha="right", va="center", color=SOFT,
                       fontsize=0.8 * look().type, linespacing=1.0)
        for row, (model, values) in enumerate(models.items()):
            _row(panel, row, model, [f"{value:.2f}" for value in values])
        panel.plot([0, 10], [len(models) - 0.5] * 2, color=FAINT, linewidth=0.5 * look().line)
        parts.append(f"{version}: {_differences(panel, len(models), version)}")
    picture.text(0.99, 0.99, "paper results, not ours", ha="right", va="top", color=VERMILLION,
                 fontweight="bold", fontsize=look().type) if not title else None
    note(grid[0, 0], "paper results, single runs, no intervals: Behrouz and others 2025, two "
                     "versions of one paper;  ✓: HOPE is better, ✗: it is worse")
    headline(picture, title)
    settle(picture, 1.75 * look().size)
    return Figure(picture, said(title, (
        "Paper results, not ours, single runs without intervals (Behrouz and others 2025, the "
        "version of NeurIPS and that of arXiv). HOPE minus Titans, perplexity on WikiText and on "
        f"LAMBADA (less is better) and mean accuracy. {'. '.join(parts)}.")))


def _at(place: int) -> float:
    """Where a column ends."""
    return (5.6, 7.8, 10)[place]


def _row(panel, row: int, name: str, words: list[str], colours=(None,) * 3) -> None:
    """A name and three entries."""
    bold = "bold" if name.startswith("HOPE") else "normal"
    panel.text(0, row, name, va="center", fontweight=bold, fontsize=0.9 * look().type)
    for place, (entry, colour) in enumerate(zip(words, colours, strict=True)):
        panel.text(_at(place), row, entry, ha="right", va="center", fontweight=bold,
                   fontsize=0.9 * look().type, color=colour and readable(colour))


def _differences(panel, row: int, version: str) -> str:
    """HOPE minus Titans: better or worse."""
    words, colours, parts = [], [], []
    for one, less in zip(gain(version), LESS_IS_BETTER, strict=True):
        better = (one < 0) == less
        words.append(f"{'✓' if better else '✗'} {one:+.2f}")
        colours.append(BLUE if better else VERMILLION)
        parts.append(f"{one:+.2f} ({'better' if better else 'worse'})")
    _row(panel, row, "HOPE − Titans", words, colours)
    return ", ".join(parts)
