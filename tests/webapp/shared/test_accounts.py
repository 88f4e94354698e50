"""Accounts and sign-ins are the same for every web process."""

import logging
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import psycopg
import pytest
from flask import Flask, session
from sqlalchemy import create_engine, inspect, select
from sqlalchemy.orm import Session

from backend_services.fleet.commands import AddDriver, ChangeDriverStatus, DriverStatus
from eventstore.doors import new_id
from eventstore.projections import Checkpoint
from ops.processes import wait_until
from tests.webapp.shared.conftest import Start
from tests.webapp.shell.conftest import CONTEXT, PASSWORD, Visitor
from webapp.accounts.models import SignIn, create_account, list_accounts
from webapp.accounts.setup import announce_setup
from webapp.accounts.sign_in import start_session
from webapp.database import create_accounts, db
from webapp.wiring import Waybill


def test_a_session_is_good_at_every_process_and_ends_at_every_process(start: Start) -> None:
    first, second = start(), start()
    with first.app_context():
        dana = create_account("dana", PASSWORD, "admin", "Dana").id
    own_page = f"/people/{dana}/password"
    visitor = Visitor(first)
    assert visitor.sign_in("dana").location == "/board"
    same_browser = at_other_process(visitor, second)
    assert visitor.get(own_page).status_code == 200
    assert same_browser.get(own_page).status_code == 200

    assert same_browser.post("/sign-out").status_code == 303

    assert visitor.get(own_page).location.startswith("/sign-in")


def test_a_password_changed_at_one_process_is_changed_at_the_other(start: Start) -> None:
    first, second = start(), start()
    with first.app_context():
        dana = create_account("dana", PASSWORD, "admin", "Dana").id
    visitor, elsewhere = Visitor(first), Visitor(second)
    visitor.sign_in("dana")
    elsewhere.sign_in("dana")

    visitor.post(f"/people/{dana}/password", {"password": "quite another password"})

    assert elsewhere.get("/people").status_code == 302
    assert elsewhere.sign_in("dana", PASSWORD).status_code == 422
    assert elsewhere.sign_in("dana", "quite another password").status_code == 303


def test_suspended_drivers_are_signed_out_by_whichever_process_comes_first(
    start: Start, waybill: Waybill, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = start(), start()
    visitors = [signed_in_driver(first, waybill, number) for number in range(12)]
    everywhere = [visitor for visitor, _, _ in visitors]
    everywhere += [at_other_process(visitor, second) for visitor in everywhere]
    pages = [page for _, page, _ in visitors] * 2
    caplog.set_level(logging.WARNING)

    waybill.start()  # both reactors, which have all events before them
    for _, _, driver_id in visitors[:-1]:
        command = ChangeDriverStatus(driver_id=driver_id, status=DriverStatus.SUSPENDED)
        waybill.fleet.change_driver_status(command, CONTEXT)

    with first.app_context():
        wait_until(lambda: count_sign_ins() == 1, what="the end of the sessions")
        wait_until(lambda: checkpoint() == waybill.store.head(), what="the reactors at the head")
    statuses = [visitor.get(page).status_code for visitor, page in zip(everywhere, pages, strict=True)]
    assert statuses == ([302] * 11 + [200]) * 2
    assert caplog.messages == []


def test_processes_that_start_at_once_make_the_tables_once(database_url: str) -> None:
    url = database_url.replace("postgresql://", "postgresql+psycopg://")
    together = Barrier(6)
    wanted = ["accounts", "checkpoints", "import_items", "imports", "sign_ins"]

    def start_one(_number: int) -> list[str]:
        engine = create_engine(url, execution_options={"schema_translate_map": {None: "accounts"}})
        with engine.connect():
            together.wait(20)
        create_accounts(engine)
        tables = inspect(engine).get_table_names("accounts")
        others = inspect(engine).get_table_names("public")
        engine.dispose()
        assert others == []
        return sorted(tables)

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(start_one, range(6))) == [wanted] * 6


def test_of_many_who_make_the_first_account_one_succeeds(
    start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    apps = [start(), start()]
    code = setup_code(apps[0], capsys)
    visitors = [Visitor(apps[number % 2]) for number in range(6)]
    forms = [
        {
            "csrf_token": visitor.token("/setup"),
            "code": code,
            "display_name": "X",
            "username": f"user{number}",
            "password": PASSWORD,
        }
        for number, visitor in enumerate(visitors)
    ]
    together = Barrier(len(visitors))

    def send(number: int) -> str:
        together.wait(20)
        return str(visitors[number].client.post("/setup", data=forms[number]).location)

    with ThreadPoolExecutor(len(visitors)) as pool:
        answers = sorted(pool.map(send, range(len(visitors))))

    assert answers == ["/", *["/sign-in"] * 5]
    with apps[1].app_context():
        assert [account.role for account in list_accounts()] == ["admin"]
    assert Visitor(apps[1]).get(f"/setup?code={code}").location == "/sign-in"


def test_a_wrong_setup_code_makes_no_account(start: Start, capsys: pytest.CaptureFixture[str]) -> None:
    app = start()
    visitor = Visitor(app)
    form = {
        "csrf_token": visitor.token("/setup"),
        "code": setup_code(app, capsys)[:-1] + "!",
        "display_name": "X",
        "username": "eve",
        "password": PASSWORD,
    }
    assert visitor.client.post("/setup", data=form).status_code == 422
    with app.app_context():
        assert list_accounts() == []


def test_without_the_database_one_is_asked_to_come_again(start: Start, database_url: str) -> None:
    app = start()
    with app.app_context():
        create_account("dana", PASSWORD, "admin", "Dana")
    visitor = Visitor(app)
    visitor.sign_in("dana")
    name = database_url.rpartition("/")[2]
    with psycopg.connect(database_url.removesuffix(name) + "postgres", autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    answer = visitor.get("/people")

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")


def at_other_process(visitor: Visitor, app: Flask) -> Visitor:
    """The same browser, whose requests now reach another process."""
    moved = Visitor(app)
    cookie = visitor.client.get_cookie("waybill")
    assert cookie is not None
    moved.client.set_cookie("waybill", cookie.value)
    return moved


def signed_in_driver(app: Flask, waybill: Waybill, number: int) -> tuple[Visitor, str, str]:
    """A driver with a session; the address of the one page that needs no read model; the driver's id."""
    driver_id, visitor = new_id(), Visitor(app)
    waybill.fleet.add_driver(
        AddDriver(driver_id=driver_id, name=f"D{number}", driver_license=f"L{number}"), CONTEXT
    )
    with app.test_request_context():
        account = create_account(f"driver{number}", PASSWORD, "driver", f"D{number}", driver_id)
        start_session(account)
        page, token = f"/people/{account.id}/password", session["_user_id"]
    with visitor.client.session_transaction() as kept:
        kept["_user_id"] = token
    assert visitor.get(page).status_code == 200
    return visitor, page, driver_id


def count_sign_ins() -> int:
    db.session.rollback()
    return int(db.session.query(SignIn).count())


def checkpoint() -> int:
    with Session(db.engines["accounts"]) as accounts:
        return accounts.scalars(select(Checkpoint.log_position)).one()


def setup_code(app: Flask, capsys: pytest.CaptureFixture[str]) -> str:
    """The code in the link that is printed at the start."""
    announce_setup(app.extensions["waybill"].settings)
    return capsys.readouterr().out.strip().rpartition("/setup?code=")[2]
