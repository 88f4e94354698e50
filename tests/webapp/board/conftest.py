"""A dispatcher at a browser."""

import pytest
from flask import Flask

from tests.webapp.noon import sign_in
from tests.webapp.pages.browser import Browser


@pytest.fixture
def dana(app: Flask) -> Browser:
    return sign_in(app)
