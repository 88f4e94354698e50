"""Whose address counts when a proxy is in front."""

from pathlib import Path

import pytest
from flask import Flask, request

from backend_services.settings import load_settings
from webapp import create_app
from webapp.access import public

FORWARDED = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7"}


def app_behind(proxies: str, folder: Path) -> Flask:
    app = create_app(load_settings({"WAYBILL_DATA_DIR": str(folder), "WAYBILL_PROXIES": proxies}))
    app.add_url_rule("/address", "address", public(lambda: request.remote_addr or ""))
    return app


@pytest.mark.parametrize(
    ("proxies", "address"), [("0", "127.0.0.1"), ("1", "198.51.100.7"), ("2", "203.0.113.9")]
)
def test_the_address_is_the_one_that_the_outermost_own_proxy_saw(
    tmp_path: Path, proxies: str, address: str
) -> None:
    app = app_behind(proxies, tmp_path)
    try:
        assert app.test_client().get("/address", headers=FORWARDED).text == address
    finally:
        app.extensions["waybill"].stop()
