"""The tables of accounts and sign-ins, and the verbs on them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal, cast

from sqlalchemy import ForeignKey, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from backend_services.read_models import Instant
from eventstore.doors import new_id
from webapp.accounts.passwords import hash_password
from webapp.database import db, lock_accounts

Role = Literal["admin", "dispatcher", "driver"]


class Account(db.Model):  # type: ignore[name-defined,misc]
    """A person who may sign in. A driver's account names its driver. Instants are UTC."""

    __tablename__ = "accounts"
    __bind_key__ = "accounts"

    id: Mapped[str] = mapped_column(primary_key=True)
    username: Mapped[str]
    username_key: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    role: Mapped[str]
    driver_id: Mapped[str | None] = mapped_column(unique=True)
    display_name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(Instant)
    disabled_at: Mapped[datetime | None] = mapped_column(Instant)


class SignIn(db.Model):  # type: ignore[name-defined,misc]
    """One session of an account. The cookie holds the token, the row only its SHA-256."""

    __tablename__ = "sign_ins"
    __bind_key__ = "accounts"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(Instant)
    last_seen_at: Mapped[datetime] = mapped_column(Instant)


class AccountExists(Exception):
    """The username, or the driver's sign-in, exists already."""


def create_account(
    username: str, password: str, role: Role, display_name: str, driver_id: str | None = None
) -> Account:
    """Add an account. Raises `AccountExists`."""
    account = Account(
        id=new_id(),
        username=username.strip(),
        username_key=username.strip().casefold(),
        password_hash=hash_password(password),
        role=role,
        driver_id=driver_id,
        display_name=display_name.strip(),
        created_at=datetime.now(UTC),
    )
    db.session.add(account)
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        raise AccountExists(
            f"There is a sign-in called {username} already, or one for this driver."
        ) from None
    return account


def create_first_account(username: str, password: str, display_name: str) -> Account:
    """Add the account of whoever sets Waybill up. Raises `AccountExists` when somebody else was faster."""
    lock_accounts()
    if has_accounts():
        raise AccountExists("The first account is made already.")
    return create_account(username, password, "admin", display_name)


def set_password(account: Account, password: str) -> None:
    """Another password; every present sign-in ends."""
    account.password_hash = hash_password(password)
    db.session.query(SignIn).filter_by(account_id=account.id).delete()
    db.session.commit()


def set_disabled(account: Account, disabled: bool) -> None:
    """Shut an account out (its sign-ins end), or let it in again."""
    account.disabled_at = datetime.now(UTC) if disabled else None
    if disabled:
        db.session.query(SignIn).filter_by(account_id=account.id).delete()
    db.session.commit()


def find_account(account_id: str) -> Account | None:
    return db.session.get(Account, account_id)


def find_account_by_name(username: str) -> Account | None:
    return cast(
        "Account | None",
        db.session.scalar(select(Account).where(Account.username_key == username.strip().casefold())),
    )


def find_account_of_driver(driver_id: str) -> Account | None:
    return cast("Account | None", db.session.scalar(select(Account).where(Account.driver_id == driver_id)))


def list_accounts() -> Sequence[Account]:
    """Every account, dispatchers first, by name."""
    order = (Account.role == "driver", Account.username_key)
    return db.session.scalars(select(Account).order_by(*order)).all()


def account_names(account_ids: set[str]) -> dict[str, str]:
    """The display names of accounts by id, for histories."""
    query = select(Account.id, Account.display_name).where(Account.id.in_(account_ids))
    return dict(db.session.execute(query).all())


def has_accounts() -> bool:
    """Whether anybody can sign in yet."""
    return bool(db.session.scalar(select(func.count()).select_from(Account)))


def count_active_admins() -> int:
    query = select(func.count()).select_from(Account)
    return db.session.scalar(query.where(Account.role == "admin", Account.disabled_at.is_(None))) or 0
