"""One check of whole numbers for all rooms, and its one sentence."""

import pytest

from clcourse.errors import CourseError, whole


@pytest.mark.parametrize(("value", "least"), [(1, 1), (0, 0), (7, 2), (10**12, 1)])
def test_a_whole_number_that_is_large_enough_comes_back(value, least):
    assert whole("size", value, least) is value


@pytest.mark.parametrize("value", [0, -3, 1.0, float("nan"), True, "3", None, [3]])
def test_anything_else_is_told_in_one_sentence(value):
    with pytest.raises(CourseError) as told:
        whole("size", value)
    assert str(told.value) == f"size={value!r}; expected a whole number of at least 1."


def test_it_says_what_to_try():
    with pytest.raises(CourseError, match=r"^steps=-1; expected .* at least 0: try steps=1000\.$"):
        whole("steps", -1, 0, "try steps=1000")
