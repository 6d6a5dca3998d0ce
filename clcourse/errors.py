"""Bad input gets one sentence: what was wrong, what was expected, what to try. Needs no torch."""


class CourseError(ValueError):
    """Something the course cannot work with, told in one sentence."""
