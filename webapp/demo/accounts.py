"""The demo's sign-ins: a dispatcher and the drivers, with a password made at the first start and kept private."""

import secrets
from pathlib import Path

from flask import Flask

from webapp.accounts.models import create_account, find_account_by_name
from webapp.database import init_database
from webapp.demo.day import DRIVERS
from webapp.demo.seed import driver_id
from webapp.settings import Settings, write_private

WORDS = [
    "amber",
    "birch",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "grove",
    "heron",
    "inlet",
    "kayak",
    "larch",
    "maple",
]
WORDS += [
    "north",
    "ocean",
    "pearl",
    "quill",
    "river",
    "stone",
    "umber",
    "vapor",
    "willow",
    "yarrow",
    "zephyr",
]


def ensure_demo_accounts(settings: Settings) -> str:
    """Make the accounts that are missing; the password they share."""
    path: Path = settings.data_dir / "demo_password"
    if not path.exists():
        words = [secrets.choice(WORDS) for _ in range(3)]
        write_private(path, "-".join([*words, str(secrets.randbelow(90) + 10)]))
    password = path.read_text().strip()
    app = Flask("demo")
    init_database(app, settings)
    with app.app_context():
        if find_account_by_name("dispatcher") is None:
            create_account("dispatcher", password, "admin", "Demo dispatcher")
        for number, (name, username) in enumerate(DRIVERS):
            if find_account_by_name(username) is None:
                create_account(username, password, "driver", name, driver_id(number))
    return password
