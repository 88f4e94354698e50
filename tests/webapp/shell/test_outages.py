"""While an engine is away: when to come again, what health says of it, and a log that stays readable."""

import logging
import math

import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import OperationalError

from backend_services.command_bus import CommandBus
from backend_services.guarded import GuardedStore, guard_connections
from backend_services.resilience import DependencyDown, Policy, Remote
from eventstore.doors import Doors
from eventstore.kafka import Broker
from eventstore.mongodb import MongoEventStore
from eventstore.ports import StoreUnavailable, StoreUnreachable
from ops.processes import free_port
from tests.webapp.shell.conftest import Visitor
from webapp import problems
from webapp.access import public
from webapp.engine_health import EngineHealth
from webapp.probes import summed_up
from webapp.problems import Seldom


@pytest.fixture
def nobody() -> str:
    """An address of this machine at which nobody listens."""
    return f"127.0.0.1:{free_port()}"


@pytest.fixture
def guarded(nobody: str) -> Engine:
    """A PostgreSQL that was found unreachable."""
    engine = create_engine(f"postgresql+psycopg://{nobody}/waybill")
    guard_connections(engine)
    for _ in range(Policy().least_calls):
        with pytest.raises(OperationalError):
            engine.connect()
    return engine


def answering(app: Flask, error: Exception | Engine) -> Visitor:
    @public
    def broken() -> str:
        if isinstance(error, Exception):
            raise error
        error.connect()
        return "never"

    app.add_url_rule("/api/broken", "broken", broken)
    return Visitor(app)


@pytest.mark.parametrize(("known_s", "said"), [(13.2, "14"), (0.4, "2"), (None, "2")])
def test_a_503_says_when_the_breaker_will_ask_again(app: Flask, known_s: float | None, said: str) -> None:
    answer = answering(app, StoreUnavailable("away", known_s)).get("/api/broken")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, said)
    assert f"in {said} seconds" in answer.get_json()["detail"]


def test_a_503_for_want_of_postgresql_says_so_too(app: Flask, guarded: Engine) -> None:
    answer = answering(app, guarded).get("/api/broken")
    assert answer.status_code == 503
    assert 2 < int(answer.headers["Retry-After"]) <= math.ceil(Policy().break_s)


def test_a_store_that_was_not_asked_says_when_it_will_be(nobody: str) -> None:
    store = GuardedStore(MongoEventStore(f"mongodb://{nobody}/waybill?replicaSet=rs0"))

    def away() -> None:
        raise StoreUnreachable("no primary")

    for _ in range(Policy().least_calls):
        with pytest.raises(DependencyDown):
            store._remote.call_once(away)
    with pytest.raises(StoreUnavailable) as unasked:
        store.find_command("k")
    assert 2 < (unasked.value.retry_after_s or 0) <= Policy().break_s


def test_an_outage_is_one_line_in_the_log_not_one_for_each_request(
    app: Flask, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(problems, "_outages", Seldom(every_s=60.0))
    visitor = answering(app, StoreUnavailable("away"))
    with caplog.at_level(logging.ERROR):
        assert [visitor.get("/api/broken").status_code for _ in range(5)] == [503] * 5
    assert [record.getMessage() for record in caplog.records] == ["a store is unavailable: away"]


def test_the_next_line_counts_those_that_were_left_out(caplog: pytest.LogCaptureFixture) -> None:
    seldom = Seldom(every_s=60.0)
    for _ in range(3):
        seldom.say("away: %s", ConnectionError("x"))
    seldom._next_at = 0.0  # the time is over
    seldom.say("away: %s", ConnectionError("x"))
    assert caplog.messages == ["away: x", "away: x (2 more since the last time)"]


def test_health_names_the_breakers_that_refuse_calls(app: Flask, nobody: str) -> None:
    remote = Remote("an engine", (ConnectionError,), Policy(least_calls=1))

    def away() -> None:
        raise ConnectionError("away")

    with pytest.raises(DependencyDown):
        remote.call_once(away)
    store = MongoEventStore(f"mongodb://{nobody}/waybill?replicaSet=rs0")
    redis = Redis.from_url(f"redis://{nobody}")
    engine = create_engine(f"postgresql+psycopg://{nobody}/waybill")
    bus, broker = CommandBus(redis, redis, "t", Doors()), Broker(f"kafka://{nobody}", "t")
    health = EngineHealth(GuardedStore(store), engine, app.extensions["waybill"].rows, redis, bus, broker)
    states = health.ask()
    assert states["breakers"]["status"] == "open"
    assert "an engine" in states["breakers"]["open"]
    up = {"status": "up"}
    assert summed_up({"eventStore": up, "readModels": up, "breakers": states["breakers"]}) == "degraded"
