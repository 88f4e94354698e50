"""The first start: a one-time code lets whoever can read the server's output make the first account.

Embedded, it is a file in the data folder. Distributed, every web process derives the same one from the secret key,
and it is worth something only as long as there is no account.
"""

import base64
import hmac
import secrets
import sqlite3
from pathlib import Path

from flask import Flask

from backend_services.settings import Settings, write_private
from webapp.accounts.models import has_accounts
from webapp.database import db, init_database


def announce_setup(settings: Settings) -> None:
    """Print where to go: the board's address, or the one-time link while nobody can sign in.

    Raises SQLAlchemy's `OperationalError` when the accounts' database server doesn't answer.
    """
    host = settings.host if settings.host not in ("0.0.0.0", "::") else "localhost"  # noqa: S104
    address = settings.base_url or f"http://{host}:{settings.port}"
    if _has_shared_accounts(settings) if settings.is_distributed else _has_accounts(settings.data_dir):
        print(f"Waybill: {address}", flush=True)
        return
    code = _derived_code(settings) if settings.is_distributed else _kept_code(settings.data_dir)
    print(f"Waybill: make the first account at {address}/setup?code={code}", flush=True)


def is_setup_code(settings: Settings, code: str) -> bool:
    """Whether this is the one-time code. It must not be asked for once there is an account."""
    if settings.is_distributed:
        return hmac.compare_digest(_derived_code(settings).encode(), code.encode())
    path = settings.data_dir / "setup_code"
    return path.exists() and hmac.compare_digest(path.read_text().strip().encode(), code.encode())


def forget_setup_code(settings: Settings) -> None:
    """The code is used."""
    if not settings.is_distributed:
        (settings.data_dir / "setup_code").unlink(missing_ok=True)


def _kept_code(data_dir: Path) -> str:
    path = data_dir / "setup_code"
    if not path.exists():
        write_private(path, secrets.token_urlsafe(24))
    return path.read_text().strip()


def _derived_code(settings: Settings) -> str:
    digest = hmac.digest(settings.secret_key.encode(), b"waybill: the first account", "sha256")
    return base64.urlsafe_b64encode(digest[:24]).decode()


def _has_shared_accounts(settings: Settings) -> bool:
    """Asked before the server forks, so no connection stays open."""
    app = Flask("setup")
    init_database(app, settings)
    with app.app_context():
        try:
            return has_accounts()
        finally:
            db.session.remove()
            db.engines["accounts"].dispose()


def _has_accounts(data_dir: Path) -> bool:
    path = data_dir / "accounts.db"
    if not path.exists():
        return False
    with sqlite3.connect(path) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE name = 'accounts'").fetchall()
        return bool(tables and connection.execute("SELECT 1 FROM accounts LIMIT 1").fetchone())
