"""Fresh stores on both engines, and databases of a test's own on the real ones."""

import re
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine, create_engine, make_url, text

from eventstore.factory import open_event_store
from eventstore.mongodb import MongoEventStore
from eventstore.ports import EventStore
from tests.engines import engine_url, own_database
from tests.eventstore.projected_rows import prepared
from tests.eventstore.samples import SelfPlacingStore


@pytest.fixture
def mongo_url() -> Iterator[str]:
    """A MongoDB database of this test's own, dropped at its end."""
    own = own_database(engine_url("EVENT_STORE_URL"))
    yield own
    store = MongoEventStore(own)
    store.client.drop_database(store.database.name)
    store.close()


@pytest.fixture
def mongo(mongo_url: str) -> Iterator[MongoEventStore]:
    """An empty MongoDB store whose commits wait until somebody places them."""
    opened = MongoEventStore(mongo_url)
    assert opened.store_id
    yield opened
    opened.close()


@pytest.fixture(params=["sqlite", "mongodb"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EventStore]:
    """An empty store on either engine; on MongoDB commits are placed when the log is looked at."""
    if request.param == "sqlite":
        opened: EventStore = open_event_store(f"sqlite:///{tmp_path}/events.db")
    else:
        opened = SelfPlacingStore(request.getfixturevalue("mongo_url"))
        assert opened.store_id
    yield opened
    opened.close()


@pytest.fixture
def postgres() -> Iterator[Engine]:
    """A PostgreSQL schema of this test's own, dropped at its end."""
    url = make_url(re.sub(r"^postgresql:", "postgresql+psycopg:", engine_url("DATABASE_URL")))
    schema = f"t{uuid4().hex[:16]}"
    admin = create_engine(url)
    with admin.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    options = {"options": f"-csearch_path={schema}", "application_name": schema}
    engine = create_engine(url.update_query_dict(options), pool_size=10)
    yield engine
    engine.dispose()
    with admin.begin() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    admin.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """The tables of `projected_rows`, empty, on either engine."""
    if request.param == "postgresql":
        yield prepared(request.getfixturevalue("postgres"))
        return
    made = create_engine(f"sqlite:///{tmp_path}/rows.db")
    yield prepared(made)
    made.dispose()
