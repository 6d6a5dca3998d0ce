"""Explorers: they draw what is stored, controls move them, and something stands in for them."""

import base64
import importlib.util
import io
import math
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.special import stdtrit

from clcourse.explore import drawing, lesson_00
from clcourse.explore.base import WIDGET, Choice, Explorer, Slider, Table
from clcourse.plots.figure import VERMILLION, Figure, sheet
from clcourse.results import load, store

ROOT = Path(__file__).parents[1]
SVG = "{http://www.w3.org/2000/svg}"
STUDY = load("00_opening")


ASKING = lesson_00.asking()


def words(svg: str) -> list[str]:
    """Every text of a drawing, in order; fails where the SVG is not well formed."""
    return [one.text for one in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def small_explorer() -> Explorer:
    """Two controls and a drawing that says what they are."""
    picture, _ = sheet(2, 1)

    def draw(step: int, told: str) -> str:
        return drawing.card("title", "sentence", drawing.text(10, 20, f"{step} {told}"))

    return Explorer(
        {"step": Slider("step", range(3)), "told": Choice("we ask", ["a", "b"], start="b")},
        draw,
        height=200,
        fallback=Figure(picture, "A figure with 3 steps."),
        table=Table(["step", "value"], [[0, "0.10"], [1, "<b>"]]),
    )


def test_a_control_moves_the_drawing():
    explorer = small_explorer()
    assert words(explorer.view.value) == ["0 b"]
    explorer.widgets["step"].value = 2
    explorer.widgets["told"].value = "a"
    assert words(explorer.view.value) == ["2 a"]


def test_the_drawing_has_a_fixed_height_and_the_table_says_it_all():
    explorer = small_explorer()
    assert explorer.view.layout.height == "200px"
    folded = explorer.box.children[-1].value
    assert re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", folded) == [
        "step", "value", "0", "0.10", "1", "&lt;b&gt;",
    ]


def test_a_picture_and_a_sentence_stand_in_where_no_widget_runs():
    explorer = small_explorer()
    bundle = explorer._repr_mimebundle_()
    assert set(bundle) == {"text/html", "image/png", "text/plain", WIDGET}
    assert bundle["text/plain"] == "Interactive once its cell has run. A figure with 3 steps."
    assert 'alt="A figure with 3 steps."' in bundle["text/html"]
    Image.open(io.BytesIO(base64.b64decode(bundle["image/png"]))).verify()
    assert bundle[WIDGET]["model_id"] == explorer.box.model_id


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"])), st.text("<>&\"'", min_size=1))
def test_any_words_make_a_well_formed_card(title, sentence):
    card = ElementTree.fromstring(drawing.card(title, sentence, drawing.text(0, 0, sentence)))
    assert (card.find(f"{SVG}title").text or "") == title
    assert card.find(f"{SVG}desc").text == sentence
    assert card.find(f"{SVG}text").text == sentence


@given(st.lists(st.integers(0, 16), min_size=64, max_size=64))
def test_a_digit_is_drawn_pixel_by_pixel(pixels):
    group = ElementTree.fromstring(drawing.digit(pixels, 0, 0, 8))
    seen = [0] * 64
    for path in group.iter("path"):
        for column, row in re.findall(r"M(\d) (\d)h1v1h-1z", path.get("d")):
            assert seen[int(row) * 8 + int(column)] == 0
            seen[int(row) * 8 + int(column)] = round(float(path.get("fill-opacity")) * 16)
    assert seen == pixels


def test_axes_place_their_corners():
    axes = drawing.Axes(100, 50, 200, 80, low=0, high=18)
    assert axes.place(0, 0) == (100, 130)
    assert axes.place(18, 1) == (300, 50)
    assert axes.place(9, 0.5) == (200, 90)


def boxed(svg: str) -> int:
    """How many answers are marked as wrong."""
    boxes = ElementTree.fromstring(svg).iter(f"{SVG}rect")
    return sum(one.get("fill") == VERMILLION for one in boxes)


def mistakes(question: str, lane: int, step: int) -> int:
    """How many of the shown answers are wrong in the stored study."""
    said = STUDY["said"][question][lane][step]
    return sum(one != other for one, other in zip(said, STUDY["truth"], strict=True))


def mean_and_interval(counts) -> str:
    """ "0.47 [0.45, 0.49]" from right answers of 64, computed here once more. """
    shares = np.array(counts) / STUDY["tested"]
    half = stdtrit(len(shares) - 1, 0.975) * shares.std(ddof=1) / math.sqrt(len(shares))
    value, low, high = (f"{one + 0.0:.2f}".replace("-0.00", "0.00")
                        for one in (shares.mean(), shares.mean() - half, shares.mean() + half))
    return f"{value} [{low}, {high}]"


@pytest.mark.parametrize("step", range(19))
def test_forgetting_shows_what_the_study_stored(step):
    explorer = lesson_00.forgetting()
    explorer.widgets["step"].value = step
    shown = words(explorer.view.value)
    wrong = mistakes("which of ten", 0, step)
    assert boxed(explorer.view.value) == wrong
    assert f"{20 - wrong} of these 20 right" in shown
    assert "".join(one for one in shown if one in list("0123456789"))[:20] == (
        STUDY["said"]["which of ten"][0][step]
    )
    counts = [lane[step] for lane in STUDY["right"]["which of ten"]]
    assert big_number(explorer.view.value) == mean_and_interval(counts)


def big_number(svg: str) -> str:
    """The mean and its interval, as they stand over the graph."""
    shown = " ".join(words(svg))
    value, low, high = re.search(r"(\d\.\d\d) right \[(.*?), (.*?)\]", shown).groups()
    return f"{value} [{low}, {high}]"


@pytest.mark.parametrize("step", [0, 6, 18])
def test_recovery_goes_on_where_forgetting_ended(step):
    explorer = lesson_00.recovery()
    explorer.widgets["step"].value = step
    assert boxed(explorer.view.value) == mistakes("which of ten", 0, 18 + step)
    counts = [lane[18 + step] for lane in STUDY["right"]["which of ten"]]
    assert big_number(explorer.view.value) == mean_and_interval(counts)
    twins = np.mean([lane[18 + step] for lane in STUDY["right"]["which of ten, never taught"]])
    assert f"never taught 0 and 1: {twins / 64:.2f}" in words(explorer.view.value)


@settings(max_examples=30)
@given(st.sampled_from(list(lesson_00.QUESTIONS)), st.integers(0, 18), st.integers(1, 20))
def test_asking_shows_each_network_and_question(question, step, network):
    explorer = ASKING  # made once: hypothesis comes here a hundred times
    for name, value in {"question": question, "step": step, "network": network}.items():
        explorer.widgets[name].value = value
    asked = lesson_00.QUESTIONS[question]
    assert boxed(explorer.view.value) == mistakes(asked, network - 1, step)
    counts = [lane[step] for lane in STUDY["right"][asked]]
    assert big_number(explorer.view.value) == mean_and_interval(counts)


@pytest.mark.parametrize(
    ("make", "columns", "first"),
    [
        (lesson_00.forgetting, ["which of ten", "2 and 3"], 0),
        (lesson_00.recovery, ["which of ten", "which of ten, never taught", "2 and 3"], 18),
        (lesson_00.asking, ["which of ten", "0 or 1", "0 or 1, never taught"], 0),
    ],
)
def test_the_table_and_the_still_figure_say_the_same(make, columns, first):
    explorer = make()
    assert [row[0] for row in explorer.table.rows] == list(range(first, first + 19))
    for row in explorer.table.rows:
        for name, cell in zip(columns, row[1:], strict=True):
            assert cell == mean_and_interval([lane[row[0]] for lane in STUDY["right"][name]])
    assert explorer.table.rows[-1][1] in explorer.fallback.sentence
    assert len(explorer.fallback.png) < 40_000


@pytest.mark.parametrize("step", [0, 5, 18])
def test_the_graph_ends_at_the_mean_and_follows_the_chosen_network(step):
    svg = ASKING.draw("Which digit, 0 to 9?", step, 3)
    root, axes = ElementTree.fromstring(svg), lesson_00.graph_frame(0, 18)
    counts = np.array(STUDY["right"]["which of ten"])[:, step] / 64
    end = root.find(f"{SVG}circle")
    x, y = axes.place(step, counts.mean())
    assert float(end.get("cx")) == pytest.approx(x, abs=0.06)
    assert float(end.get("cy")) == pytest.approx(y, abs=0.06)
    dashed = [one for one in root.iter(f"{SVG}polyline") if one.get("stroke-dasharray") == "6 3"]
    x, y = map(float, dashed[0].get("points").split()[-1].split(","))
    assert y == pytest.approx(axes.place(step, counts[2])[1], abs=0.06)


def test_a_guess_is_drawn_where_there_is_one():
    class Guess:
        value = None

    assert "your guess" not in lesson_00.forgetting(Guess()).view.value
    for value in (0.25, 0.0):
        Guess.value = value
        for explorer in (lesson_00.forgetting(Guess()), lesson_00.recovery(Guess())):
            assert f"your guess {value:.2f}" in explorer.view.value


def test_the_opening_needs_no_torch():
    program = (
        "import sys, clcourse as cl\n"
        "guess = cl.guess('00.1', 0.5)\n"
        "for one in (cl.explore.lesson_00.forgetting(guess), cl.explore.lesson_00.recovery(),\n"
        "            cl.explore.lesson_00.asking()):\n"
        "    one._repr_mimebundle_()\n"
        "cl.check('00.1', 7), cl.check('00.3', lambda scores, allowed: 0), cl.hint('00.2')\n"
        "print([name for name in ('torch', 'sklearn', 'pandas') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "[]", done.stderr


@pytest.fixture(scope="module")
def opening():
    """The program of the study."""
    path = ROOT / "studies" / "00_opening.py"
    specification = importlib.util.spec_from_file_location("opening", path)
    program = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(program)
    return program


def test_the_study_makes_the_stored_numbers_again(opening):
    again = opening.study([0, 7])
    assert opening.SETTINGS | {"variations": opening.VARIATIONS} == STUDY["settings"]
    assert again["pictures"] == STUDY["pictures"] and again["truth"] == STUDY["truth"]
    for name, counts in again["right"].items():
        stored = np.array(STUDY["right"][name])[[0, 7]] / STUDY["tested"]
        moved = np.abs(np.array(counts) / STUDY["tested"] - stored)
        assert moved.mean() < 0.01, f"{name}: moved by {moved.mean():.3f} on average"
    for name, said in STUDY["said"].items():
        pairs = zip("".join(said[7]), "".join(again["said"][name][1]), strict=True)
        assert np.mean([one != other for one, other in pairs]) < 0.02


@pytest.mark.slow
def test_a_variation_gives_the_stored_numbers_again(opening):
    name = "steps twice as large"
    again = opening.vary(opening.VARIATIONS[name])
    for number, stored in STUDY["variations"][name].items():
        assert again[number] == pytest.approx(stored, abs=0.03), number


def test_a_stored_study_reads_back(tmp_path):
    path = store("99_nothing", {"seeds": [0]}, {"value": [0.5, "x"]}, folder=tmp_path)
    text = path.read_text()
    assert '"seeds": [0]' in text and '"torch"' in text and not list(tmp_path.glob("*.unfinished"))
    with pytest.raises(ValueError, match="No stored result is called '99_nothing'; expected"):
        load("99_nothing")
