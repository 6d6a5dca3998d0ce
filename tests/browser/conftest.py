"""What the browser tests share: a missing browser fails with one sentence that says what to do."""

import pytest
from lab import browser_path


@pytest.fixture(scope="session", autouse=True)
def _browser():
    try:
        browser_path()
    except FileNotFoundError as error:
        pytest.fail(str(error), pytrace=False)
