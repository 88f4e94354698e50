"""Where the read models are: a SQLite file, or PostgreSQL with a schema per version of the tables, so that versions can
live beside each other."""

from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, make_url

from backend_services.read_models import READ_MODEL_VERSION
from backend_services.settings import Settings

CONNECT_TIMEOUT_S = 5
"""To PostgreSQL, in whole seconds."""
ANSWER_TIMEOUT_S = 5.0
"""For each thing that a request asks PostgreSQL over a connection."""
HINT_TIMEOUT_S = 1.0
"""The same for a command, which reads rows only for a warning or an alternative and goes on without."""


def schema_name(settings: Settings) -> str:
    """The schema of this release's read models."""
    return f"{settings.namespace.replace('-', '_')}_read_v{READ_MODEL_VERSION}"


def read_models_url(settings: Settings, schema: str | None = None) -> URL:
    """Where the read models are; PostgreSQL's URL names the schema, so that the tables need not."""
    url = make_url(settings.database_url)
    if url.get_backend_name() != "postgresql":
        return url
    options = {
        "options": f"-csearch_path={schema or schema_name(settings)}",
        "connect_timeout": str(CONNECT_TIMEOUT_S),
        "application_name": "waybill",
    }
    return url.update_query_dict(options)


def open_read_models(
    settings: Settings, schema: str | None = None, answers_within_s: float | None = None
) -> Engine:
    """The engine of the read models; nothing is connected yet. See `guard_connections` for `answers_within_s`."""
    url = read_models_url(settings, schema)
    if url.get_backend_name() == "postgresql":
        from backend_services.guarded import guard_connections

        engine = create_engine(url, pool_size=5, max_overflow=15, pool_pre_ping=True, hide_parameters=True)
        guard_connections(engine, answers_within_s)
        return engine
    # They can be built again, so a SQLite file needn't be synced at each commit.
    engine = create_engine(url, pool_size=16, max_overflow=-1, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA busy_timeout = 5000")

    return engine
