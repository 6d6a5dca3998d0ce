"""Figures say what the data say, are drawn the same every time, and nothing on them is cut."""

from __future__ import annotations

import base64
import functools
import html
import io
import re
import subprocess
import sys
from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.text import Text
from PIL import Image
from scipy import stats

from clcourse import plots
from clcourse.errors import CourseError
from clcourse.metrics import Estimate, estimate
from clcourse.plots import figure as drawing
from clcourse.plots.figure import COLOURS, DASHES, PAPER, number
from clcourse.plots.labels import (
    colliding_labels,
    cut_labels,
    luminance,
    readable,
    shortened,
    spread,
    widest,
    wrapped,
)

PAIRS = tuple(f"{2 * k} and {2 * k + 1}" for k in range(5))
LONG = "an uncommonly long name that nobody would give to a learner in earnest"


def forgetful(seeds=20, T=5, kept=0.0):
    """Accuracies such as class-incremental learning leaves: the newest .97, the older `kept`."""
    random = np.random.default_rng(T)
    R = np.zeros((seeds, T, T))
    for i, j in zip(*np.tril_indices(T), strict=True):
        R[:, i, j] = random.normal(0.97 if i == j else kept, 0.015, seeds)
    return R.clip(0, 1)


def lanes(mean, seeds=20, spread=0.02, key=0):
    return np.random.default_rng(key).normal(mean, spread, seeds).clip(0, 1)


def falling(seeds=20, steps=36, key=0):
    late = np.random.default_rng(key).normal(7, 1, (seeds, 1))
    return 1 / (1 + np.exp((np.arange(steps) - late) / 1.5))


def history(R, names=PAIRS):
    return SimpleNamespace(accuracy=torch.as_tensor(R), names=names)


X = np.arange(36)
GROUPS = {"fine-tuning": lanes(0.2), "EWC": lanes(0.21), "replay": lanes(0.87, key=1),
          "joint training": lanes(0.96, key=2)}

TYPICAL = {
    "one matrix": lambda: plots.accuracy_matrix(history(forgetful())),
    "two matrices": lambda: plots.accuracy_matrix(
        history(forgetful()), history(forgetful(kept=0.8)), names=["fine-tuning", "replay"],
        title="Only the last pair is left"),
    "three matrices": lambda: plots.accuracy_matrix(*[history(forgetful())] * 3),
    "ten experiences": lambda: plots.accuracy_matrix(forgetful(T=10), forgetful(T=10)),
    "curves": lambda: plots.curves(
        X, {"class-incremental": falling(), "told the task": 1 - 0.05 * falling(),
            "ten old examples": 1 - 0.07 * falling(key=3)},
        xlabel="steps on the second task", ylabel="test accuracy", guess=0.6,
        title="Gone after eighteen steps, unless it is asked in the right way"),
    "loss": lambda: plots.curves(X, {"loss": 5 * falling()}, xlabel="steps", ylabel="loss (nats)"),
    "bars": lambda: plots.bars(GROUPS, ylabel="test accuracy at the end", floor=0.1, guess=0.5,
                               title="Ten old examples a class beat the penalty"),
    "two bars": lambda: plots.bars({"a": estimate(lanes(0.4)), "b": lanes(0.6)}, ylabel="accuracy"),
    "transfer": lambda: plots.bars({"fine-tuning": lanes(0.1) - 1, "replay": lanes(0.9) - 1},
                                   ylabel="backward transfer", guess=-0.5),
    "paired": lambda: plots.paired(GROUPS["replay"], GROUPS["EWC"], ("replay", "EWC"), guess=0.3),
}  # fmt: skip



@functools.cache
def typical(name):
    return TYPICAL[name]()


LABELLED_AT_LENGTH = {
    "matrices": lambda: plots.accuracy_matrix(
        *[history(forgetful(), [f"{k} {LONG}" for k in range(5)])] * 2, names=[LONG, LONG],
        title=LONG * 3),
    "curves": lambda: plots.curves(
        X, {f"{k} {LONG}": falling(key=k) for k in range(6)}, xlabel=LONG * 2, ylabel=LONG,
        guess=9, title=LONG * 3),
    "bars": lambda: plots.bars({f"{k} {LONG}": lanes(0.5, key=k) for k in range(8)}, floor=0.1,
                               ylabel=LONG, guess=0.12, title=LONG * 3),
    "paired": lambda: plots.paired(lanes(0.5), lanes(0.6), (LONG, LONG + "!"), ylabel=LONG,
                                   guess=9, title=LONG * 3),
    "one word": lambda: plots.bars({"Donaudampfschifffahrtsgesellschaft": lanes(0.5)}, ylabel="x"),
}  # fmt: skip


def pixels(figure):
    return np.asarray(Image.open(io.BytesIO(figure.png)).convert("RGB"))


# What the sentence says


def test_matrix_sentence_has_the_numbers_of_the_matrix():
    R = np.random.default_rng(0).uniform(size=(4, 5, 5))
    just_learnt = [np.mean([lane[k][k] for k in range(5)]) for lane in R]
    all_at_end = [np.mean(lane[4]) for lane in R]
    earlier = [np.mean(lane[4][:4]) for lane in R]
    figure = plots.accuracy_matrix(history(R), names=["fine-tuning"])
    expected = [f"{np.mean(part):.2f} ({stats.tstd(part):.2f})"
                for part in (just_learnt, all_at_end, earlier)]  # fmt: skip
    assert repr(figure) == (
        f"Accuracy, mean (sd) over 4 seeds: fine-tuning just learnt {expected[0]}, "
        f"all at the end {expected[1]}, earlier ones at the end {expected[2]}."
    )


def test_matrix_cells_hold_the_mean_over_seeds_with_rows_learnt_and_columns_tested():
    R = np.zeros((2, 3, 3))
    R[:, 2, 0] = [0.1, 0.6]
    axes = plots.accuracy_matrix(R).picture.axes[0]
    cells = {t.get_position(): t.get_text() for t in axes.texts}
    assert cells[(0.5, 2.5)] == "0.35" and cells[(2.5, 0.5)] == "0.00"
    assert axes.get_xlabel() == "tested on" and axes.get_ylabel() == "after learning"
    assert axes.get_ylim() == (3, 0)  # the first experience on top


def test_curves_sentence_has_start_end_band_and_extremes():
    values = np.array([[0.9, 0.2, 0.5], [0.7, 0.4, 0.7], [0.8, 0.3, 0.9]])
    figure = plots.curves([1, 2, 4], {"replay": values}, xlabel="steps", ylabel="test accuracy")
    assert repr(figure) == (
        "Test accuracy against steps (1 to 4), mean of 3 seeds (and the middle 80 % of them at the "
        "end): replay from 0.80 to 0.70 (0.54 to 0.86), lowest 0.30, highest 0.80."
    )


def test_bars_sentence_has_the_t_interval_and_chance():
    values = lanes(0.5, seeds=7, spread=0.1)
    low, high = stats.t.interval(0.95, 6, values.mean(), stats.sem(values))
    given_as_estimate = Estimate(0.3, 0.25, 0.35, 7)
    figure = plots.bars({"a": values, "b": given_as_estimate}, ylabel="accuracy", floor=0.1)
    assert repr(figure) == (
        f"Accuracy, mean [95 % interval] over 7 seeds: a {values.mean():.2f} [{low:.2f}, "
        f"{high:.2f}]; b 0.30 [0.25, 0.35]; chance is 0.10."
    )


def test_paired_sentence_has_the_difference_seed_by_seed():
    a, b = lanes(0.8, key=1), lanes(0.5, key=2)
    difference = [one - other for one, other in zip(a, b, strict=True)]
    low, high = stats.t.interval(0.95, 19, np.mean(difference), stats.sem(difference))
    figure = plots.paired(torch.tensor(a, requires_grad=True), b, ("replay", "EWC"))
    assert repr(figure) == (
        f"Accuracy, mean over 20 seeds: replay {a.mean():.2f}, EWC {b.mean():.2f}; replay minus "
        f"EWC, seed by seed: {np.mean(difference):.2f} [{low:.2f}, {high:.2f}]."
    )


def test_a_line_that_rises_is_a_seed_on_which_a_is_higher():
    lines = plots.paired([0.9, 0.8], [0.1, 0.3], ("a", "b")).picture.axes[0].lines
    assert [list(line.get_ydata()) for line in lines[:2]] == [[0.1, 0.9], [0.3, 0.8]]


def test_one_seed_claims_no_spread():
    said = [
        repr(plots.accuracy_matrix(forgetful(seeds=1))),
        repr(plots.curves(X, {"a": falling(seeds=1)}, xlabel="x", ylabel="y")),
        repr(plots.bars({"a": [0.5]}, ylabel="y")),
        repr(plots.paired([0.5], [0.25])),
    ]
    assert all("1 seed" in one and "seeds" not in one for one in said)
    assert not any(re.search(r"interval|middle|sd\)|\[|\(0", one.replace(" (0 to 35)", ""))
                   for one in said)  # fmt: skip


def test_the_title_is_said_first_and_seeds_that_differ_are_told():
    figure = plots.bars({"a": lanes(0.5), "b": lanes(0.5, seeds=5)}, ylabel="y", title="Enough?")
    assert repr(figure).startswith("Enough?: y, mean [95 % interval] over 5 to 20 seeds: a 0.5")


@given(st.floats(-1e6, 1e6))
def test_number_rounds_to_two_decimals_without_minus_zero(value):
    assert abs(float(number(value)) - value) <= 0.005 + 1e-9 * abs(value)
    assert number(-0.004) == "0.00" and number(-0.0) == "0.00" and not number(value) == "-0.00"
    assert re.fullmatch(r"-?\d+\.\d\d", number(value))


# What the figure is


@pytest.mark.parametrize("name", TYPICAL)
def test_mime_bundle_shows_says_and_stores_the_same(name):
    figure = typical(name)
    bundle = figure._repr_mimebundle_()
    assert set(bundle) == {"text/html", "image/png", "text/plain"}
    alt, source = re.fullmatch(
        r'<img alt="([^"]*)" src="data:image/png;base64,([^"]*)" style="max-width:100%[^"]*">',
        bundle["text/html"],
    ).groups()
    assert html.unescape(alt) == bundle["text/plain"] == repr(figure) == figure.sentence
    assert source == bundle["image/png"] and base64.b64decode(source) == figure.png
    assert "\n" not in figure.sentence and figure.sentence.endswith(".")


def test_alt_text_is_escaped():
    figure = plots.bars({'a "<b>" & c': lanes(0.5)}, ylabel="y")
    shown = figure._repr_mimebundle_()["text/html"]
    assert 'a "<b>" & c' in figure.sentence and "a &quot;&lt;b&gt;&quot; &amp; c" in shown


@pytest.mark.parametrize("name", TYPICAL)
def test_png_is_small_opaque_and_has_a_palette(name):
    figure = typical(name)
    image = Image.open(io.BytesIO(figure.png))
    image.load()
    assert image.mode == "P" and image.info == {} and len(figure.png) < 20_000
    assert min(image.width, image.height) > 250 and image.width <= 1050
    corners = [image.convert("RGB").getpixel((x, y)) for x in (0, image.width - 1)
               for y in (0, image.height - 1)]  # fmt: skip
    assert corners == [tuple(bytes.fromhex(PAPER[1:]))] * 4


@pytest.mark.parametrize("name", TYPICAL)
def test_few_colours_are_enough_to_look_the_same(name):
    figure = typical(name)
    kept = pixels(figure).astype(int)
    drawn = np.asarray(figure.picture.canvas.buffer_rgba())[..., :3].astype(int)
    assert np.abs(kept - drawn).mean() < 1 and np.abs(kept - drawn).max() < 100


def test_every_line_keeps_its_own_colour():
    lines = {f"line {k}": falling(key=k) for k in range(6)}
    figure = plots.curves(X, lines, xlabel="x", ylabel="y", guess=0.5)
    found = {tuple(colour) for colour in pixels(figure).reshape(-1, 3)}
    assert {tuple(bytes.fromhex(colour[1:])) for colour in COLOURS} <= found


def test_few_colours_are_the_pictures_own_and_all_where_they_fit():
    random = np.random.default_rng(0)
    few = random.integers(0, 256, (drawing.PALETTE, 3), dtype=np.uint8)
    picture = few[random.integers(0, len(few), (40, 50))]
    assert (np.asarray(drawing.with_few_colours(picture).convert("RGB")) == picture).all()
    many = random.integers(0, 256, (40, 50, 3), dtype=np.uint8)
    chosen = np.asarray(drawing.with_few_colours(many).convert("RGB")).reshape(-1, 3)
    assert {*map(tuple, chosen)} <= {*map(tuple, many.reshape(-1, 3))}
    palette = np.unique(chosen, axis=0).astype(int)
    assert len(palette) == drawing.PALETTE
    distance = np.abs(((many.reshape(-1, 1, 3).astype(int) - palette) ** 2).sum(axis=2))
    served = ((many.reshape(-1, 3).astype(int) - chosen) ** 2).sum(axis=1)
    assert (served == distance.min(axis=1)).all()  # each pixel gets the nearest


FRESH = """
import sys
import numpy as np, hashlib
from clcourse import plots
if {strange}:
    import matplotlib
    matplotlib.rcParams.update({{"font.size": 30, "axes.grid": True, "lines.linewidth": 9,
                                "figure.facecolor": "red", "font.family": "serif"}})
figure = plots.bars({{"a": np.arange(5) / 9, "b": np.arange(5) / 7}}, ylabel="accuracy", floor=0.1)
print(hashlib.sha256(figure.png).hexdigest(), "matplotlib.pyplot" in sys.modules)
"""


def fresh_process(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_bytes_are_the_same_in_every_process_and_under_every_setting_without_pyplot():
    plain, strange = (fresh_process(FRESH.format(strange=strange)) for strange in (False, True))
    assert plain == strange and plain[1] == "False"


def test_a_figure_needs_no_torch():
    code = """import sys
from clcourse.plots import Figure
from clcourse.plots.figure import sheet
picture, axes = sheet(); Figure(picture, "Nothing.").png
print("torch" in sys.modules, "matplotlib.pyplot" in sys.modules)"""
    assert fresh_process(code) == ["False", "False"]


def test_drawing_leaves_the_readers_settings_alone():
    before = dict(matplotlib.rcParams)
    TYPICAL["bars"]()._repr_mimebundle_()
    assert dict(matplotlib.rcParams) == before


def test_save_writes_the_picture_and_only_as_png(tmp_path):
    figure = TYPICAL["two bars"]()
    figure.save(tmp_path / "bars.png")
    assert (tmp_path / "bars.png").read_bytes() == figure.png
    with pytest.raises(CourseError, match="ends in .png"):
        figure.save(tmp_path / "bars.pdf")


def test_the_package_offers_its_figures_by_name():
    assert plots.Figure is drawing.Figure and plots.talk is drawing.talk
    assert set(plots.__all__) <= set(dir(plots))
    with pytest.raises(AttributeError, match="no 'histogram'; it has .*bars"):
        _ = plots.histogram


# What can be read on it


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("name", TYPICAL)
def test_no_label_is_cut_or_covered(name, large):
    with plots.talk(large):
        figure = TYPICAL[name]() if large else typical(name)
        assert cut_labels(figure) == [] and colliding_labels(figure) == []


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("name", LABELLED_AT_LENGTH)
def test_no_long_label_is_cut_or_covered(name, large):
    with plots.talk(large):
        figure = LABELLED_AT_LENGTH[name]()
        assert cut_labels(figure) == [] and colliding_labels(figure) == []


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("name", ["loss", "curves", "bars", "two bars", "transfer", "paired"])
def test_words_take_nothing_from_the_axes(name, large):
    with plots.talk(large):
        picture = TYPICAL[name]().picture
        picture.draw_without_rendering()
        scale = drawing.look().size
        assert picture.axes[0].bbox.height / picture.dpi == pytest.approx(2.4 * scale, abs=0.15)
        assert picture.get_figheight() < 4.2 * scale
        assert picture.axes[0].bbox.x0 / picture.dpi < 1.1 * scale


def test_names_of_bars_shrink_before_a_word_is_broken():
    with plots.talk():
        figure = plots.bars({f"streaming {k}": lanes(0.5) for k in range(8)}, ylabel="y", floor=0)
    assert "streaming\n7" in [text.get_text() for text in figure.picture.findobj(Text)]


def test_matrices_are_square():
    for name in ("one matrix", "two matrices", "three matrices"):
        picture = typical(name).picture
        picture.draw_without_rendering()
        for axes in picture.axes:
            assert axes.bbox.width == pytest.approx(axes.bbox.height, rel=0.01)


def test_the_guards_see_what_is_cut_and_what_collides():
    figure = TYPICAL["bars"]()
    axes = figure.picture.axes[0]
    figure.picture.draw_without_rendering()
    axes.text(0.9, 0.8, "over the edge and away", transform=figure.picture.transFigure)
    axes.text(0.5, 0.5, "below", transform=axes.transAxes)
    axes.text(0.5, 0.5, "above", transform=axes.transAxes)
    figure.picture.set_layout_engine("none")
    assert cut_labels(figure) == ["over the edge and away"]
    assert colliding_labels(figure) == [("below", "above")]


def test_talk_enlarges_type_and_lines_and_goes_back():
    def sizes():
        axes = TYPICAL["curves"]().picture.axes[0]
        return axes.xaxis.label.get_size(), axes.lines[0].get_linewidth()

    small = sizes()
    with plots.talk() as switch:
        assert repr(switch) == "figures for the projector: on"
        # 24 pixels are 1/30 of the height of a 1280 x 720 projector
        assert sizes()[0] * 100 / 72 >= 24 and sizes()[1] >= 1.9 * small[1]
        for name in ("two matrices", "three matrices", "curves", "bars", "paired"):
            picture = TYPICAL[name]().picture
            assert picture.get_figwidth() * 100 <= 1150 and picture.get_figheight() * 100 <= 600
        with plots.talk(False):
            assert sizes() == small
        assert sizes() != small
    assert sizes() == small
    plots.talk()
    assert sizes() != small
    plots.talk(False)
    assert sizes() == small


def test_lines_differ_in_grey():
    level = np.repeat(np.linspace(0.1, 0.9, 6)[:, None], 2, axis=1)
    figure = plots.curves([0, 1], {str(k): line[None] for k, line in enumerate(level)},
                          xlabel="x", ylabel="accuracy")  # fmt: skip
    grey = pixels(figure).astype(float) @ [0.2126, 0.7152, 0.0722]
    axes = figure.picture.axes[0]
    (left, right), height = axes.get_window_extent().intervalx.astype(int), len(grey)
    marks = []
    for y in level[:, 0]:
        row = grey[height - round(axes.transData.transform((0, y))[1]), left + 20 : right - 20]
        inked = row < 180
        marks.append((inked.mean(), np.abs(np.diff(inked.astype(int))).sum()))
    for first in range(6):
        assert marks[first][0] > 0.4
        for second in range(first):
            solid, breaks = np.abs(np.subtract(marks[first], marks[second]))
            assert solid > 0.15 or breaks > 8, (first, second, marks)


def test_a_sample_of_each_line_stands_before_its_label():
    axes = TYPICAL["curves"]().picture.axes[0]
    curves = [line for line in axes.lines if len(line.get_xdata()) == len(X)]
    samples = [line for line in axes.lines if line.get_xdata()[0] > 1]
    for curve in curves:
        same = [line for line in samples if line._dash_pattern == curve._dash_pattern
                and line.get_linewidth() == curve.get_linewidth()]  # fmt: skip
        assert [line.get_color() for line in same] == [curve.get_color()]


def test_colours_are_okabe_and_ito_and_readable_on_paper():
    # Okabe & Ito (2008) give the eight colours in 0-255 RGB.
    published = {(0, 0, 0), (230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66),
                 (0, 114, 178), (213, 94, 0), (204, 121, 167)}  # fmt: skip
    assert {tuple(bytes.fromhex(colour[1:])) for colour in COLOURS} < published
    assert len(set(COLOURS)) == len(set(DASHES)) == 6
    assert luminance("#FFFFFF") == pytest.approx(1) and luminance("#777777") == pytest.approx(
        0.1845, abs=1e-3
    )
    assert all(1.05 / (luminance(readable(colour)) + 0.05) >= 4.5 for colour in COLOURS)


def test_numbers_in_cells_stand_out_from_them():
    T = 10
    R = np.linspace(0, 1, T * T).reshape(1, T, T)
    axes = plots.accuracy_matrix(R).picture.axes[0]
    shades = matplotlib.colormaps["cividis"](R.ravel())
    for text, shade in zip(axes.texts, shades, strict=True):
        cell = luminance(matplotlib.colors.to_hex(shade))
        ink = luminance(matplotlib.colors.to_hex(text.get_color()))
        assert (max(cell, ink) + 0.05) / (min(cell, ink) + 0.05) > 4
    light = [luminance(matplotlib.colors.to_hex(shade)) for shade in shades]
    assert (np.diff(light) > 0).all()  # more is lighter, in grey too


def test_accuracy_is_drawn_from_0_to_1_and_nothing_else_is():
    assert typical("curves").picture.axes[0].get_ylim() == (0, 1)
    assert typical("bars").picture.axes[0].get_ylim() == (0, 1)
    assert typical("paired").picture.axes[0].get_ylim() == (0, 1)
    percent = plots.curves(X, {"a": 90 * falling()}, xlabel="x", ylabel="accuracy in %")
    assert percent.picture.axes[0].get_ylim()[1] > 80
    assert typical("loss").picture.axes[0].get_ylim()[1] > 4


def test_the_band_holds_the_middle_80_percent_of_the_seeds():
    values = np.random.default_rng(0).uniform(size=(101, 3))
    axes = plots.curves([1, 2, 3], {"a": values}, xlabel="x", ylabel="y").picture.axes[0]
    corners = axes.collections[0].get_paths()[0].vertices
    at_2 = corners[corners[:, 0] == 2][:, 1]
    assert at_2.min() == pytest.approx(np.sort(values[:, 1])[10])
    assert at_2.max() == pytest.approx(np.sort(values[:, 1])[90])


# The reader's guess

GUESSABLE = {
    "curves": lambda guess: plots.curves(X, {"a": falling()}, xlabel="x", ylabel="accuracy",
                                         guess=guess),
    "bars": lambda guess: plots.bars(GROUPS, ylabel="accuracy", guess=guess),
    "paired": lambda guess: plots.paired(GROUPS["replay"], GROUPS["EWC"], guess=guess),
}  # fmt: skip


@pytest.mark.parametrize("name", GUESSABLE)
def test_a_guess_changes_the_picture_and_never_the_sentence(name):
    draw = GUESSABLE[name]
    none, unlocked = draw(None), draw(SimpleNamespace(value=None))
    number, locked, wild = draw(0.3), draw(SimpleNamespace(value=0.3)), draw(80)
    assert none.png == unlocked.png and number.png == locked.png and number.png != none.png
    assert none.sentence == number.sentence == locked.sentence == wild.sentence
    words = [[text.get_text().replace("\n", " ") for text in figure.picture.axes[-1].texts]
             for figure in (none, number, wild)]  # fmt: skip
    assert not any("guess" in word for word in words[0])
    assert "your guess 0.30" in words[1] and "your guess 80.00 (off the scale)" in words[2]
    limits = [figure.picture.axes[-1].get_ylim() for figure in (none, number, wild)]
    assert limits[0] == limits[1] == limits[2]


@pytest.mark.parametrize("guess", ["a lot", float("nan"), True, [0.5]])
def test_a_guess_that_is_no_number_is_refused(guess):
    with pytest.raises(CourseError, match="cannot be drawn"):
        plots.bars(GROUPS, ylabel="accuracy", guess=guess)


# Bad input

EMPTY, NAN = np.empty((0, 5, 5)), np.full((3, 4), np.nan)
BAD = {
    "no history": (lambda: plots.accuracy_matrix(), "0 histories"),
    "names": (lambda: plots.accuracy_matrix(forgetful(), names=["a", "b"]), "1 histories and 2"),
    "no lanes axis": (lambda: plots.accuracy_matrix(forgetful()[0]), r"\(5, 5\).*\(seeds, T, T\)"),
    "no lanes": (lambda: plots.accuracy_matrix(EMPTY), r"\(0, 5, 5\)"),
    "not square": (lambda: plots.accuracy_matrix(forgetful()[:, :3]), r"\(20, 3, 5\)"),
    "percent": (lambda: plots.accuracy_matrix(100 * forgetful()), "from 0 to 1"),
    "text": (lambda: plots.accuracy_matrix("history"), "no array of numbers but str"),
    "nan": (lambda: plots.curves(range(4), {"a": NAN}, xlabel="x", ylabel="y"), "12 values"),
    "one axis": (lambda: plots.curves(X, {"a": falling()[0]}, xlabel="x", ylabel="y"), r"None\]"),
    "lengths": (lambda: plots.curves([1, 2], {"a": falling()}, xlabel="x", ylabel="y"), "36 steps"),
    "falling x": (lambda: plots.curves(-X, {"a": falling()}, xlabel="x", ylabel="y"), "rising"),
    "no dictionary": (lambda: plots.curves(X, falling(), xlabel="x", ylabel="y"), "got ndarray"),
    "no curves": (lambda: plots.curves(X, {}, xlabel="x", ylabel="y"), "0 entries"),
    "many": (lambda: plots.curves(X, dict.fromkeys(range(7)), xlabel="x", ylabel="y"), "1 to 6"),
    "many bars": (lambda: plots.bars(dict.fromkeys(range(9)), ylabel="y"), "9 entries.*1 to 8"),
    "a number": (lambda: plots.bars({"a": 0.5}, ylabel="y"), r"shape \(\); expected \(seeds,\)"),
    "nan estimate": (lambda: plots.bars({"a": Estimate(np.nan, 0, 1, 5)}, ylabel="y"), "1 values"),
    "floor": (lambda: plots.bars(GROUPS, ylabel="y", floor=np.inf), "floor"),
    "unequal": (lambda: plots.paired([1, 2], [1, 2, 3]), "2 seeds, b has 3"),
    "three labels": (lambda: plots.paired([1, 2], [1, 2], ("a", "b", "c")), "3 labels"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_gets_one_sentence(name):
    draw, words = BAD[name]
    with pytest.raises(CourseError, match=words) as error:
        draw()
    message = str(error.value)
    assert message.endswith(".") and not re.search(r"[.!?] [A-Z]", message)


# Any shape


@settings(max_examples=5, deadline=None)
@given(st.integers(1, 4), st.integers(1, 12), st.integers(1, 4), st.booleans())
def test_any_matrices_can_be_drawn(seeds, T, learners, large):
    R = np.random.default_rng(seeds * T).uniform(size=(learners, seeds, T, T))
    with plots.talk(large):
        figure = plots.accuracy_matrix(*R)
        assert cut_labels(figure) == [] and colliding_labels(figure) == []
    assert all(number(one[:, -1].mean()) in figure.sentence for one in R)


@settings(max_examples=5, deadline=None)
@given(
    st.integers(1, 5), st.integers(2, 60), st.integers(1, 6), st.floats(1e-3, 1e4), st.booleans()
)
def test_any_curves_can_be_drawn(seeds, steps, count, scale, large):
    values = np.random.default_rng(steps).normal(size=(count, seeds, steps)) * scale
    with plots.talk(large):
        figure = plots.curves(range(steps), {f"line {k}": one for k, one in enumerate(values)},
                              xlabel="steps", ylabel="loss")  # fmt: skip
        assert cut_labels(figure) == []
    assert all(number(one[:, -1].mean()) in figure.sentence for one in values)


@settings(max_examples=5, deadline=None)
@given(st.integers(2, 6), st.integers(1, 8), st.floats(-1e4, 1e4), st.booleans())
def test_any_bars_and_pairs_can_be_drawn(seeds, count, middle, large):
    values = np.random.default_rng(seeds).normal(middle, 1, size=(count, seeds))
    with plots.talk(large):
        groups = {f"method {k}": torch.tensor(one) for k, one in enumerate(values)}
        figure = plots.bars(groups, ylabel="score", floor=middle)
        assert cut_labels(figure) == []
        assert cut_labels(plots.paired(values[0], values[-1])) == []
    assert all(number(one.mean()) in figure.sentence for one in values)


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(1, 30)), min_size=1, max_size=8))
def test_spread_keeps_order_distance_and_bounds(labels):
    wanted, gaps = map(list, zip(*labels, strict=True))
    placed = spread(wanted, gaps, 0, 100)
    order = np.argsort(wanted, kind="stable")
    between = np.diff(placed[order])
    needed = (np.take(gaps, order)[1:] + np.take(gaps, order)[:-1]) / 2
    assert (between >= needed - 1e-6).all()
    if needed.sum() <= 100:
        assert placed.min() >= -1e-6 and placed.max() <= 100 + 1e-6
    if len(labels) == 1 or (np.diff(np.take(wanted, order)) >= needed).all():
        assert placed == pytest.approx(np.array(wanted), abs=1e-6)


def test_spread_moves_labels_no_further_than_it_must():
    assert list(spread([50, 50, 50], [10, 10, 10], 0, 100)) == [40, 50, 60]
    assert list(spread([0, 0], [10, 10], 0, 100)) == [0, 10]
    assert list(spread([5, 0, 5], [10, 10, 10], 0, 10)) == [5, -5, 15]


@settings(max_examples=30, deadline=None)
@given(st.text(st.characters(max_codepoint=0x17F, categories=("L", "N", "P", "Zs")), max_size=40))
def test_wrapped_keeps_every_letter_and_the_width(text):
    lines = wrapped(text, 1.0, 10).split("\n")
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(len(line) <= 1 or widest([line], 10) <= 1.0 for line in lines)
    short = shortened(text, 1.0, 10)
    assert widest([short], 10) <= 1.0 and (short == text or text.startswith(short[:-1]))
