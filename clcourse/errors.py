"""Bad input gets one sentence: what was wrong, what was expected, what to try. Needs no torch."""


class CourseError(ValueError):
    """Something the course cannot work with, told in one sentence."""


def whole(name: str, value: int, least: int = 1, hint: str = "") -> int:
    """`value`, a whole number of at least `least`; hint: what to try, if there is more to say."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        more = f": {hint}" if hint else ""
        raise CourseError(f"{name}={value!r}; expected a whole number of at least {least}{more}.")
    return value
