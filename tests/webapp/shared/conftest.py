"""Web processes as they are in the distributed mode, in all but the event store and the read models."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from flask import Flask

from backend_services.settings import load_settings
from ops.engines import EngineUnavailable, RedisServer
from tests.engines import engine_url, own_database
from webapp import create_app
from webapp.database import db
from webapp.wiring import Waybill, build

KEY = "a-bearer-key-for-tests"
Start = Callable[..., Flask]


@pytest.fixture
def database_url() -> Iterator[str]:
    """A PostgreSQL database that no other test uses."""
    server, name = engine_url("DATABASE_URL"), f"t{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        yield urlsplit(server)._replace(path=f"/{name}").geturl()
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture
def environ(database_url: str, tmp_path: Path) -> dict[str, str]:
    """The settings of each web process."""
    return {
        "EVENT_STORE_URL": own_database(engine_url("EVENT_STORE_URL")),
        "DATABASE_URL": database_url,
        "REDIS_URL": engine_url("REDIS_URL"),
        "BROKER_URL": "kafka://127.0.0.1:9",  # nothing here asks it
        "SECRET_KEY": "the same in every web process, as it must",
        "WAYBILL_NAMESPACE": f"t{uuid4().hex}",
        "WAYBILL_DATA_DIR": str(tmp_path / "never-made"),
        "WAYBILL_RATE_LIMIT": "off",
        "WAYBILL_API_KEY": KEY,
    }


@pytest.fixture
def waybill(tmp_path: Path) -> Iterator[Waybill]:
    """What the web processes of a test have in common behind them: here one event store in a file."""
    made = build(load_settings({"WAYBILL_DATA_DIR": str(tmp_path / "events")}))
    yield made
    made.stop()


@pytest.fixture
def start(environ: dict[str, str], waybill: Waybill) -> Iterator[Start]:
    """Starts one more web process; settings may be given by name."""
    started: list[Flask] = []

    def start_one(**more: str) -> Flask:
        settings = load_settings(environ | more)
        waybill.settings = settings
        started.append(create_app(settings, waybill))
        return started[-1]

    yield start_one
    for app in started:
        with app.app_context():
            for engine in db.engines.values():
                engine.dispose()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis that the test may stop, start and freeze."""
    try:
        server = RedisServer(tmp_path / "redis").start()
    except EngineUnavailable as missing:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(missing))
    yield server
    server.stop()
