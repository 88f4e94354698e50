"""Signing in and out, and the session of each request. The cookie holds a random token, the database its hash."""

import hashlib
import secrets
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import cast

from flask import Flask, current_app, request, session
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from limits import RateLimitItemPerMinute
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from backend_services.settings import Settings
from webapp.accounts.models import Account, SignIn, find_account, find_account_by_name
from webapp.accounts.passwords import LONGEST, is_password
from webapp.database import db
from webapp.rate_limits import Throttle

IDLE_LIMIT = timedelta(hours=12)
ABSOLUTE_LIMIT = {"driver": timedelta(days=30)}
DEFAULT_ABSOLUTE_LIMIT = timedelta(days=7)
SEEN_EVERY = timedelta(minutes=5)
ASKED_AT_ONCE = 500
WRONG_TRIES = RateLimitItemPerMinute(10, 15)


class TooManyTries(Exception):
    """Too many wrong passwords for this name or from this address."""


class SignedInUser(UserMixin):  # type: ignore[misc]
    """What Flask-Login keeps: the account, and the session's token as its id."""

    def __init__(self, account: Account, token: str) -> None:
        self.account = account
        self._token = token

    def get_id(self) -> str:
        return self._token


def init_sign_in(app: Flask, settings: Settings) -> None:
    """Let Flask-Login load users from sessions."""
    manager = LoginManager()
    manager.session_protection = None
    manager.init_app(app, add_context_processor=False)  # pages know the actor; see access
    manager.user_loader(_load_user)
    app.extensions["sign_in_throttle"] = Throttle(settings, WRONG_TRIES)


def try_sign_in(username: str, password: str) -> Account | None:
    """Sign in; None for an unknown name, a wrong password or a disabled account alike. Raises `TooManyTries`."""
    throttle: Throttle = current_app.extensions["sign_in_throttle"]
    keys = (username.strip().casefold()[:LONGEST], request.remote_addr or "")
    if not all(throttle.allows("sign-in", kind, key) for kind, key in zip("na", keys, strict=True)):
        raise TooManyTries
    account = find_account_by_name(username)
    right = is_password(account.password_hash if account else None, password[: LONGEST + 1])
    if account is None or not right or account.disabled_at is not None:
        for kind, key in zip("na", keys, strict=True):
            throttle.count("sign-in", kind, key)
        return None
    start_session(account)
    return account


def start_session(account: Account) -> None:
    """Give this browser a new session of the account; whatever session it had is forgotten."""
    session.clear()
    session.permanent = True
    token = secrets.token_urlsafe(32)
    now = datetime.now(UTC)
    _forget_expired(now)
    db.session.add(SignIn(token_hash=_hash(token), account_id=account.id, created_at=now, last_seen_at=now))
    db.session.commit()
    login_user(SignedInUser(account, token))


def end_session() -> None:
    """Sign out: the token is worth nothing from now on, wherever it was copied to."""
    if current_user.is_authenticated:
        db.session.execute(delete(SignIn).where(SignIn.token_hash == _hash(current_user.get_id())))
        db.session.commit()
    logout_user()
    session.clear()


def end_sign_ins_of_driver(accounts: Session, driver_id: str) -> None:
    """End every session of a driver, in the caller's transaction on the accounts database."""
    theirs = select(Account.id).where(Account.driver_id == driver_id)
    accounts.execute(delete(SignIn).where(SignIn.account_id.in_(theirs)))


def current_account() -> Account | None:
    """The account signed in on this request, or None."""
    return cast(Account, current_user.account) if current_user.is_authenticated else None


def sessions_alive(tokens: Collection[str]) -> set[str]:
    """Those of the tokens whose sessions may go on. Asking doesn't count as use of them."""
    now = datetime.now(UTC)
    waiting = {_hash(token): token for token in tokens}
    alive = set()
    try:
        while waiting:
            some = dict(islice(waiting.items(), ASKED_AT_ONCE))
            found = select(SignIn, Account).join(Account).where(SignIn.token_hash.in_(some))
            for sign_in, account in db.session.execute(found):
                if account.disabled_at is None and not _is_over(sign_in, account, now):
                    alive.add(some[sign_in.token_hash])
            for token_hash in some:
                del waiting[token_hash]
        return alive
    finally:
        db.session.remove()


def _load_user(token: str) -> SignedInUser | None:
    now = datetime.now(UTC)
    found = _find_live(token, now)
    if found is None:
        return None
    sign_in, account = found
    if now - sign_in.last_seen_at > SEEN_EVERY:
        # Not through the object: another process may be ending this very session.
        db.session.execute(update(SignIn).where(SignIn.token_hash == _hash(token)).values(last_seen_at=now))
        db.session.commit()
    return SignedInUser(account, token)


def _find_live(token: str, now: datetime) -> tuple[SignIn, Account] | None:
    found = db.session.get(SignIn, _hash(token))
    account = find_account(found.account_id) if found else None
    if found is None or account is None or account.disabled_at is not None or _is_over(found, account, now):
        return None
    return found, account


def _is_over(found: SignIn, account: Account, now: datetime) -> bool:
    longest = ABSOLUTE_LIMIT.get(account.role, DEFAULT_ABSOLUTE_LIMIT)
    # A driver's phone lies in a drawer over a free weekend; only the absolute limit ends its session.
    idle = account.role != "driver" and now - found.last_seen_at > IDLE_LIMIT
    return idle or now - found.created_at > longest


def _forget_expired(now: datetime) -> None:
    db.session.execute(delete(SignIn).where(SignIn.created_at < now - ABSOLUTE_LIMIT["driver"]))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
