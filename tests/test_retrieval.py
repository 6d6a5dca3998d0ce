"""The note store against scikit-learn used by hand, and against damage."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.neighbors import NearestNeighbors

import clcourse as cl
from clcourse.retrieval import NoteStore

NOTES = [
    "lives-in Ada Finch Lima",
    "works-as Ada Finch baker",
    "lives-in Ben Moss Oslo",
    "likes Ben Moss chess",
    "likes every Young opera",
]


def filled() -> NoteStore:
    store = NoteStore()
    store.add(*NOTES)
    return store


def test_it_finds_what_nearest_neighbours_find():
    words = TfidfVectorizer(token_pattern=r"[^\s.?!,;:]+", sublinear_tf=True).fit(NOTES)
    nearest = NearestNeighbors(metric="cosine", algorithm="brute").fit(words.transform(NOTES))
    questions = ["lives-in Ada Finch", "likes Ben Moss", "likes Young"]
    far, places = nearest.kneighbors(words.transform(questions), n_neighbors=2)
    for hits, distance, place in zip(filled().look_up(*questions, k=2), far, places, strict=True):
        assert [hit.number for hit in hits] == place.tolist()
        assert [hit.score for hit in hits] == pytest.approx((1 - distance).tolist(), abs=1e-9)


def test_a_rare_word_counts_for_more():
    """In closed form: cosine of two notes that share one of two words, the rarer one wins."""
    store = NoteStore()
    store.add("common rare", "common other", "common third")
    (hits,) = store.look_up("rare", k=3)
    assert hits[0].text == "common rare" and hits[1].score == 0
    idf = {"common": np.log(4 / 4) + 1, "rare": np.log(4 / 2) + 1}
    expected = idf["rare"] / np.hypot(idf["common"], idf["rare"])
    assert hits[0].score == pytest.approx(expected)


def test_notes_change_and_go():
    store = filled()
    store.change(0, "lives-in Ada Finch Quito")
    assert store.look_up("lives-in Ada Finch", k=1)[0][0].text.endswith("Quito")
    store.forget(0)
    assert store.look_up("lives-in Ada Finch", k=1)[0][0].number != 0
    assert store.add("new") == [5] and len(store) == 5


def test_of_equals_the_newest_comes_first():
    store = NoteStore()
    store.add("likes Ada chess", "unrelated words", "likes Ada chess")
    assert [hit.number for hit in store.look_up("likes Ada", k=2)[0]] == [2, 0]


def test_words_that_no_note_has_find_nothing_certain():
    assert all(hit.score == 0 for hit in filled().look_up("unheard-of", k=2)[0])


def test_more_than_there_are_gives_all():
    assert len(filled().look_up("Ada", k=99)[0]) == 5 and filled().look_up() == []


def test_dense_vectors_take_the_place_of_words():
    def by_length(texts):
        return np.array([[len(text), 1.0] for text in texts])

    store = NoteStore(by_length)
    store.add("a", "abcdefghij")
    assert store.look_up("bcdefghijk", k=1)[0][0].number == 1


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n\x0b\x0c\x1c\x1d"
                                      "\x1e\x85\u2028\u2029"), min_size=1)
                .filter(str.strip), min_size=1, max_size=6))  # fmt: skip
@settings(max_examples=25, deadline=None)
def test_what_was_saved_comes_back(tmp_path_factory, texts):
    path = tmp_path_factory.mktemp("notes") / "notes.jsonl"
    store = NoteStore()
    store.add(*texts)
    store.forget(0)
    store.save(path)
    again = NoteStore.load(path)
    assert again.notes == store.notes and again.next == store.next
    assert not list(path.parent.glob("*.unfinished"))
    assert all(isinstance(json.loads(line), dict) for line in path.read_text("utf-8").splitlines())


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: text.replace('"text"', '"txet"'),
        lambda text: text.replace('{"next": 5}', '{"next": 1}'),
        lambda text: "not json\n" + text,
    ],
)
def test_a_damaged_file_is_told_and_left_alone(tmp_path, damage):
    path = tmp_path / "notes.jsonl"
    filled().save(path)
    path.write_text(damage(path.read_text()))
    before = path.read_bytes()
    with pytest.raises(cl.CourseError, match="damaged or no file of notes"):
        NoteStore.load(path)
    assert path.read_bytes() == before


def test_a_failed_save_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "notes.jsonl"
    filled().save(path)
    before = path.read_bytes()
    monkeypatch.setattr("pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError):
        NoteStore().save(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: NoteStore().look_up("Ada"), "no notes to look up"),
        (lambda: filled().look_up("Ada", k=0), "k=0"),
        (lambda: filled().look_up(""), "one line of words"),
        (lambda: filled().add("two\nlines"), "one line of words"),
        (lambda: filled().add(3), "3 is no note"),
        (lambda: filled().change(9, "new"), "no note 9"),
        (lambda: filled().forget(9), "no note 9"),
    ],
)
def test_bad_input_gets_one_sentence(wrong, message):
    with pytest.raises(cl.CourseError, match=message):
        wrong()
