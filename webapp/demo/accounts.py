"""The demo's sign-ins: a dispatcher and the drivers, with a password made at the first start and kept private."""

import secrets
from pathlib import Path

from flask import Flask

from backend_services.settings import Settings, write_private
from webapp.accounts.models import create_account, find_account_by_name, set_password
from webapp.database import init_database
from webapp.demo.day import DRIVERS, VISITOR, driver_id

FILE = "demo_sign_ins.txt"
LABEL = "Password: "
WORDS = (
    "amber birch cedar delta ember fjord grove heron inlet kayak larch maple"
    " north ocean pearl quill river stone umber vapor willow yarrow zephyr"
)


def ensure_demo_accounts(settings: Settings) -> str:
    """Make the accounts that are missing; the password they share.

    It is kept in the data folder. Without that file all of them get a new password, so deleting it is a way back in.
    """
    path = settings.data_dir / FILE
    password, is_new = _kept_password(path), False
    if password is None:
        password, is_new = _new_password(), True
    app = Flask("demo")
    init_database(app, settings)
    with app.app_context():
        _ensure("dispatcher", password, None, "Demo dispatcher", is_new)
        for number, (name, username) in enumerate(DRIVERS):
            _ensure(username, password, driver_id(number), name, is_new)
    if is_new:
        write_private(path, sign_ins(password))
    return password


def sign_ins(password: str) -> str:
    """What a person needs to sign in, as text."""
    drivers = ", ".join(username for _, username in DRIVERS)
    visitor = DRIVERS[VISITOR][1]
    return (
        "Sign-ins of Waybill's demo. All have one password, made for this data folder only.\n"
        f"Dispatcher: dispatcher\nDrivers: {drivers}\n{LABEL}{password}\n"
        f"{visitor} is yours: give her a delivery as dispatcher, then drive it; the others drive by themselves."
    )


def _ensure(username: str, password: str, driver: str | None, display_name: str, is_new: bool) -> None:
    account = find_account_by_name(username)
    if account is None:
        create_account(username, password, "driver" if driver else "admin", display_name, driver)
    elif is_new and account.display_name == display_name and account.driver_id == driver:
        set_password(account, password)


def _kept_password(path: Path) -> str | None:
    if not path.exists():
        return None
    lines = path.read_text().splitlines()
    return next((line.removeprefix(LABEL).strip() for line in lines if line.startswith(LABEL)), None)


def _new_password() -> str:
    return "-".join([*(secrets.choice(WORDS.split()) for _ in range(4)), str(secrets.randbelow(90) + 10)])
