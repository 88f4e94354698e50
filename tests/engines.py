"""Where the real engines are, for the tests that need them: `make test` starts them and gives their URLs."""

import os
import re
from uuid import uuid4

import pytest


def engine_url(name: str) -> str:
    """The URL in the environment variable `name`. Without one the test fails in CI, and is skipped elsewhere."""
    url = os.environ.get(name)
    if url:
        return url
    reason = f"{name} is not set: run the tests by `make test`, or within `make engines`"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def own_database(url: str) -> str:
    """The MongoDB URL with a database that no other test uses."""
    return re.sub(r"/\w+\?", f"/t{uuid4().hex[:20]}?", url)
