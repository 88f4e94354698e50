"""Flask-SQLAlchemy: `db.session` reads the read models; the bind "accounts" holds what is never rebuilt.

In the distributed mode both are in one PostgreSQL database, the accounts in a schema of their own.
"""

from typing import Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Engine, Select, event, func, inspect, select
from sqlalchemy.schema import CreateSchema

from backend_services.read_database import ANSWER_TIMEOUT_S, CONNECT_TIMEOUT_S, read_models_url
from backend_services.settings import Settings
from eventstore.projections import CheckpointModel

ACCOUNTS_SCHEMA = "accounts"
ACCOUNTS_LOCK = 7_243_001
"""The number of the PostgreSQL advisory lock that web processes hold while they make what must be there once."""
SERVER_OPTIONS: dict[str, Any] = {
    "pool_size": 10,
    "max_overflow": 30,
    "pool_timeout": 5,
    "pool_pre_ping": True,
    "connect_args": {"connect_timeout": CONNECT_TIMEOUT_S},
    "hide_parameters": True,
}
# Connections to a SQLite file are cheap and each request thread needs one; waiting for one would not be.
FILE_OPTIONS: dict[str, Any] = {"pool_size": 16, "max_overflow": -1, "hide_parameters": True}

db = SQLAlchemy()


def init_database(app: Flask, settings: Settings) -> None:
    """Bind the databases to the app and create the tables of the accounts."""
    app.config["SQLALCHEMY_DATABASE_URI"] = read_models_url(settings).render_as_string(hide_password=False)
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = SERVER_OPTIONS if settings.is_distributed else FILE_OPTIONS
    app.config["SQLALCHEMY_BINDS"] = {"accounts": _accounts(settings)}
    db.init_app(app)
    with app.app_context():
        if settings.is_distributed:
            from backend_services.guarded import guard_connections

            for engine in db.engines.values():
                guard_connections(engine, ANSWER_TIMEOUT_S)
            create_accounts(db.engines["accounts"])
        else:
            event.listen(db.engines["accounts"], "connect", _set_pragmas)
            db.create_all(bind_key="accounts")


def lock_accounts() -> None:
    """Let no other web process past this line until the session's transaction ends.

    In the embedded mode there is no other process, and this does nothing.
    """
    engine = db.engines["accounts"]
    if engine.dialect.name == "postgresql":
        db.session.execute(_lock(), bind_arguments={"bind": engine})


def _accounts(settings: Settings) -> dict[str, Any]:
    if not settings.is_distributed:
        return {"url": f"sqlite:///{settings.data_dir}/accounts.db"}
    return {
        **SERVER_OPTIONS,
        "url": settings.database_url,
        "pool_size": 5,
        "max_overflow": 15,
        "execution_options": {"schema_translate_map": {None: ACCOUNTS_SCHEMA}},
    }


def create_accounts(engine: Engine) -> None:
    """Create the schema, the tables and the reactors' checkpoints; of several processes that start, one does it."""
    with engine.begin() as connection:
        connection.execute(_lock())
        if not inspect(connection).has_schema(ACCOUNTS_SCHEMA):
            connection.execute(CreateSchema(ACCOUNTS_SCHEMA))
        db.metadatas["accounts"].create_all(connection)
        CheckpointModel.metadata.create_all(connection)


def _lock() -> Select[Any]:
    return select(func.pg_advisory_xact_lock(ACCOUNTS_LOCK))


def _set_pragmas(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA busy_timeout = 5000")
    connection.execute("PRAGMA foreign_keys = ON")
