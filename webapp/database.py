"""Flask-SQLAlchemy: `db.session` reads the read models; the bind "accounts" holds what is never rebuilt."""

from typing import Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event

from backend_services.settings import Settings

db = SQLAlchemy()


def init_database(app: Flask, settings: Settings) -> None:
    """Bind the databases to the app and create the tables of the accounts."""
    app.config["SQLALCHEMY_DATABASE_URI"] = settings.database_url
    app.config["SQLALCHEMY_BINDS"] = {"accounts": f"sqlite:///{settings.data_dir}/accounts.db"}
    # Connections to a SQLite file are cheap and each request thread needs one; waiting for one would not be.
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
        "pool_size": 16,
        "max_overflow": -1,
        "hide_parameters": True,
    }
    db.init_app(app)
    with app.app_context():
        event.listen(db.engines["accounts"], "connect", _set_pragmas)
        db.create_all(bind_key="accounts")


def _set_pragmas(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA busy_timeout = 5000")
    connection.execute("PRAGMA foreign_keys = ON")
