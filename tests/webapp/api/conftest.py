"""A program that calls the app's API with the key."""

from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.webapp.noon import API_KEY


class Program:
    """Somebody's program with the API key."""

    def __init__(self, app: Flask) -> None:
        self._client = app.test_client()

    def ask(self, method: str, path: str, **more: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {API_KEY}", **more.pop("headers", {})}
        return self._client.open(path, method=method, headers=headers, **more)

    def get(self, path: str) -> TestResponse:
        return self.ask("GET", f"/api{path}")

    def post(self, path: str, body: Any) -> TestResponse:
        return self.ask("POST", f"/api{path}", json=body)

    def refused(self, answer: TestResponse, field: str) -> str:
        """What a 400 says of a field, and as its detail."""
        problem = answer.get_json()
        assert answer.status_code == 400, problem
        text = str(problem["errors"][field])
        assert problem["detail"].startswith(f"{field}: {text}")
        return text


@pytest.fixture
def program(app: Flask) -> Program:
    return Program(app)
