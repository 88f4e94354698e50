"""Who gets in, how long, and what a stolen or forged request gets."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from backend_services.fleet.commands import ChangeDriverStatus, DriverStatus
from ops.processes import wait_until
from tests.webapp.shell.conftest import CONTEXT, DRIVER_ID, KEY, PASSWORD, Visitor
from webapp.accounts.models import SignIn, create_account, find_account_by_name, set_disabled
from webapp.database import db


class TestSigningIn:
    def test_each_role_comes_to_its_page(self, app: Flask) -> None:
        assert Visitor(app).sign_in("dana").location == "/board"
        assert Visitor(app).sign_in("aino").location == "/driver"
        assert Visitor(app).sign_in("DANA ").location == "/board"

    def test_unknown_wrong_and_disabled_look_alike(self, app: Flask) -> None:
        with app.app_context():
            account = find_account_by_name("aino")
            assert account is not None
            set_disabled(account, True)
        answers = {
            Visitor(app)
            .sign_in(name, password)
            .text.split("<form", 1)[1]
            .split('role="alert"', 1)[1]
            .split("</div>", 1)[0]
            for name, password in (("nobody", PASSWORD), ("dana", "wrong password"), ("aino", PASSWORD))
        }
        assert len(answers) == 1
        assert "go together" in answers.pop()

    def test_ten_wrong_tries_close_the_door_for_a_while(self, app: Flask, visitor: Visitor) -> None:
        for _ in range(10):
            assert visitor.sign_in("dana", "wrong password").status_code == 422
        answer = visitor.sign_in("dana", PASSWORD)
        assert answer.status_code == 429
        assert int(answer.headers["Retry-After"]) > 0

    @pytest.mark.parametrize(
        "target",
        [
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "javascript:alert(1)",
            "%2F%2Fevil.example",
        ],
    )
    def test_it_never_leads_to_another_site(self, visitor: Visitor, target: str) -> None:
        assert visitor.sign_in(next_page=target).location == "/board"

    def test_it_leads_back_to_where_one_wanted_to_go(self, visitor: Visitor) -> None:
        answer = visitor.get("/routes?q=x")
        assert answer.location == "/sign-in?next=/routes?q%3Dx"
        assert visitor.sign_in(next_page="/routes").location == "/routes"

    def test_the_session_is_a_new_one(self, visitor: Visitor) -> None:
        visitor.get("/sign-in")
        before = visitor.client.get_cookie("waybill")
        visitor.sign_in()
        after = visitor.client.get_cookie("waybill")
        assert before is not None
        assert after is not None
        assert before.value != after.value

    def test_only_a_hash_of_the_session_is_kept(self, app: Flask, visitor: Visitor) -> None:
        visitor.sign_in()
        with visitor.client.session_transaction() as session:
            token = session["_user_id"]
        with app.app_context():
            kept = db.session.query(SignIn).one()
        assert len(token) >= 43
        assert token not in kept.token_hash


class TestSessions:
    def age(self, app: Flask, **columns: datetime) -> None:
        with app.app_context():
            db.session.query(SignIn).update(columns)
            db.session.commit()

    def test_signing_out_ends_it_everywhere(self, visitor: Visitor) -> None:
        visitor.sign_in()
        cookie = visitor.client.get_cookie("waybill")
        assert cookie is not None
        visitor.post("/sign-out")
        visitor.client.set_cookie("waybill", cookie.value)
        assert visitor.get("/board").status_code == 302

    def test_a_dispatchers_idle_session_ends(self, app: Flask, visitor: Visitor) -> None:
        visitor.sign_in()
        self.age(app, last_seen_at=datetime.now(UTC) - timedelta(hours=13))
        assert visitor.get("/board").status_code == 302

    def test_a_drivers_phone_may_rest_but_not_for_ever(self, app: Flask, visitor: Visitor) -> None:
        visitor.sign_in("aino")
        self.age(app, last_seen_at=datetime.now(UTC) - timedelta(days=3))
        assert visitor.get("/driver").status_code == 200
        self.age(app, created_at=datetime.now(UTC) - timedelta(days=31))
        assert visitor.get("/driver").status_code == 302

    def test_a_suspended_driver_is_signed_out_and_stays_out(self, app: Flask, visitor: Visitor) -> None:
        visitor.sign_in("aino")
        waybill = app.extensions["waybill"]
        command = ChangeDriverStatus(driver_id=DRIVER_ID, status=DriverStatus.SUSPENDED)
        assert waybill.wait_for(waybill.fleet.change_driver_status(command, CONTEXT))
        wait_until(lambda: visitor.get("/driver").status_code == 302, what="the end of the session")
        answer = visitor.sign_in("aino")
        assert answer.status_code == 422
        assert "suspended" in answer.text

    def test_another_password_ends_the_other_sessions(self, app: Flask, visitor: Visitor) -> None:
        visitor.sign_in()
        other = Visitor(app)
        other.sign_in()
        with app.app_context():
            account = find_account_by_name("dana")
            assert account is not None
        answer = visitor.post(f"/people/{account.id}/password", {"password": "quite another password"})
        assert answer.status_code == 303
        assert visitor.get("/board").status_code == 200
        assert other.get("/board").status_code == 302


class TestForgery:
    def test_a_form_without_the_token_is_refused(self, visitor: Visitor) -> None:
        visitor.sign_in()
        answer = visitor.client.post("/fleet/drivers/new", data={"name": "A", "driver_license": "B"})
        assert answer.status_code == 403
        assert "token" in answer.text

    def test_a_form_of_another_site_is_refused(self, visitor: Visitor) -> None:
        visitor.sign_in()
        answer = visitor.post("/sign-out", headers={"Origin": "https://evil.example"})
        assert answer.status_code == 403

    def test_a_session_may_use_the_api_with_the_token_only(self, visitor: Visitor) -> None:
        visitor.sign_in()
        body = {"name": "A", "driverLicense": "B"}
        answer = visitor.client.post("/api/fleet/drivers", json=body)
        assert (answer.status_code, answer.content_type) == (403, "application/problem+json")
        headers = {"X-CSRFToken": visitor.token()}
        assert visitor.client.post("/api/fleet/drivers", json=body, headers=headers).status_code == 200

    def test_a_key_needs_no_token_and_a_wrong_one_is_refused_beside_a_session(self, visitor: Visitor) -> None:
        body = {"name": "A", "driverLicense": "B"}
        right = {"Authorization": f"Bearer {KEY}"}
        assert visitor.client.post("/api/fleet/drivers", json=body, headers=right).status_code == 200
        visitor.sign_in()
        assert visitor.get("/api/deliveries", headers={"Authorization": "Bearer wrong"}).status_code == 401


class TestDrivers:
    @pytest.mark.parametrize("path", ["/board", "/routes", "/fleet", "/people", "/deliveries", "/incidents"])
    def test_they_see_no_dispatchers_page(self, visitor: Visitor, path: str) -> None:
        visitor.sign_in("aino")
        assert visitor.get(path).status_code == 403

    @pytest.mark.parametrize(
        "path", ["/api/deliveries", "/api/fleet/overview", "/api/events", "/api/routes/overview"]
    )
    def test_they_see_no_dispatchers_call(self, visitor: Visitor, path: str) -> None:
        visitor.sign_in("aino")
        answer = visitor.get(path)
        assert (answer.status_code, answer.content_type) == (403, "application/problem+json")

    def test_another_driver_is_not_there_for_them(self, visitor: Visitor) -> None:
        visitor.sign_in("aino")
        assert visitor.get(f"/api/fleet/drivers/{DRIVER_ID}").status_code == 200
        assert visitor.get("/api/fleet/drivers/0196a1b2-c3d4-7e5f-8a9b-000000000000").status_code == 404


class TestPeople:
    def test_the_first_account_needs_the_code(self, app: Flask) -> None:
        assert Visitor(app).get("/setup").location == "/sign-in"

    def test_only_admins_add_people(self, app: Flask, visitor: Visitor) -> None:
        with app.app_context():
            create_account("dirk", PASSWORD, "dispatcher", "Dirk")
        visitor.sign_in("dirk")
        person = {"display_name": "X", "username": "xx", "role": "admin", "password": PASSWORD}
        assert visitor.post("/people", person).status_code == 403
        visitor.sign_in("dana")
        assert visitor.post("/people", person).status_code == 303
        assert visitor.post("/people", person).status_code == 422

    def test_nobody_shuts_oneself_out(self, app: Flask, visitor: Visitor) -> None:
        visitor.sign_in()
        with app.app_context():
            account = find_account_by_name("dana")
            assert account is not None
        visitor.post(f"/people/{account.id}/disable")
        assert visitor.get("/board").status_code == 200

    def test_a_short_password_is_refused(self, visitor: Visitor) -> None:
        visitor.sign_in()
        person = {"display_name": "X", "username": "xx", "role": "dispatcher", "password": "short"}
        answer = visitor.post("/people", person)
        assert answer.status_code == 422
        assert "At least 12 characters" in answer.text
