"""Carrying an import out: in slices, over interruptions, until it is forgotten."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

from flask import Flask

from backend_services.fleet.commands import AddDriver
from backend_services.settings import load_settings
from eventstore.execute import Context
from tests.webapp.pages.browser import Browser
from tests.webapp.pages.conftest import PASSWORD, make_app
from tests.webapp.pages.importing import carry_out, driver_names, rows_of, send_file
from tests.webapp.pages.scene import Scene
from webapp import create_app
from webapp.accounts.models import create_account
from webapp.database import db
from webapp.imports.items import State, command_id
from webapp.imports.models import (
    Import,
    ImportItem,
    Result,
    forget_import,
    forget_old_imports,
    keep_results,
    list_items,
)


class TestAnImport:
    def test_is_offered_where_the_lists_are(self, dana: Browser) -> None:
        assert dana.get("/fleet").link("Import") == "/import/drivers"
        assert dana.get("/fleet?show=vehicles").link("Import") == "/import/vehicles"
        assert dana.get("/routes").link("Import") == "/import/routes"
        assert dana.get("/import").path == "/import/drivers"

    def test_of_many_rows_is_done_in_slices(self, dana: Browser, scene: Scene) -> None:
        rows = "".join(f"Many {number:03},M-{number}\n" for number in range(300))
        page = send_file(dana, "drivers", f"Name,Licence\n{rows}")
        assert "Row 302" not in page.text
        page = dana.send(page.form("Import"), button="Import 300")
        assert "0 of 300 done" in page.text
        page = dana.send(page.form("Go on"))
        done = re.search(r"(\d+) of 300 done", page.text)
        assert done is not None
        assert 0 < int(done[1]) <= 250
        while page.has_form("Go on"):
            page = dana.send(page.form("Go on"))
        assert "300 drivers imported." in page.text
        assert "/fleet/drivers/" in dana.get(page.link("Next page")).link("Many 050")

    def test_continues_where_an_interruption_left_it(self, app: Flask, dana: Browser, scene: Scene) -> None:
        preview = send_file(dana, "drivers", "Name,Licence\nBroken Britta,BB-1\nBroken Bruno,BB-2\n")
        result = carry_out(dana, preview)
        before = scene.count_events()
        with app.app_context():  # as if the process had died before it wrote down what it did
            db.session.query(Import).filter_by(id=result.path.rsplit("/", 1)[1]).update({"phase": "running"})
            db.session.query(ImportItem).filter_by(import_id=result.path.rsplit("/", 1)[1]).update(
                {"state": "ready"}
            )
            db.session.commit()
        page = dana.send(dana.get(result.path).form("Go on"))
        assert "2 drivers imported." in page.text
        assert scene.count_events() == before

    def test_tells_htmx_where_to_go_when_it_is_done(self, dana: Browser) -> None:
        preview = send_file(dana, "drivers", "Name,Licence\nHtmx Helmi,HH-1\n")
        page = dana.send(preview.form("Import"), button="Import")
        answer = dana.send(page.form("Go on"), htmx=True, follow=False)
        assert answer.response.headers["HX-Redirect"] == preview.path

    def test_can_be_deleted_before_it_is_done(self, dana: Browser, scene: Scene) -> None:
        before = scene.count_events()
        preview = send_file(dana, "drivers", "Name,Licence\nNever Niilo,NN-1\n")
        form = preview.form("Delete the upload")
        form.action = f"{preview.path}/forget"
        assert "The upload is deleted." in dana.send(form).text
        assert dana.get(preview.path).status == 404
        assert scene.count_events() == before

    def test_says_what_was_refused_and_goes_on_with_the_others(
        self, app: Flask, dana: Browser, scene: Scene
    ) -> None:
        preview = send_file(dana, "drivers", "Name,Licence\nRefused Rauno,RE-1\nNext Nelli,RE-2\n")
        with app.app_context():  # the first row's command id is used up by another command
            known = db.session.get_one(Import, preview.path.rsplit("/", 1)[1])
            (first, _) = list_items(known.id, [])
            other = AddDriver(driver_id=first.subject_id, name="Somebody", driver_license="RE-0")
            taken = Context(known.owner, "test", command_id(first.subject_id, known.owner))
        assert scene.waybill.wait_for(scene.waybill.fleet.add_driver(other, taken))
        result = carry_out(dana, preview)
        assert "1 driver imported. 1 driver could not be imported" in result.text
        assert "This row was imported before, when it was read in another way." in result.text
        (_, row) = rows_of(dana.get(result.link("Download what was not imported")))
        assert row[:2] == ["Refused Rauno", "RE-1"]
        assert row[2].startswith("This row was imported before")
        assert driver_names(scene, "RE-2") == ["Next Nelli"]

    def test_is_held_up_while_the_store_is_and_goes_on_afterwards(self, tmp_path: Path) -> None:
        app = make_app(tmp_path)
        dana = Browser(app)
        dana.sign_in("dispatcher", PASSWORD)
        preview = send_file(dana, "drivers", "Name,Licence\nHeld Heikki,HE-1\n")
        page = dana.send(preview.form("Import"), button="Import")
        with closing(sqlite3.connect(tmp_path / "events.db", isolation_level=None)) as somebody:
            somebody.execute("BEGIN IMMEDIATE")
            page = dana.send(page.form("Go on"))
            assert page.status == 200
            assert "It is held up" in page.text
        assert "1 driver imported." in dana.send(page.form("Go on")).text
        app.extensions["waybill"].stop()

    def test_that_is_deleted_while_it_runs_leaves_no_trace(self, app: Flask, dana: Browser) -> None:
        running = dana.send(
            send_file(dana, "drivers", "Name,Licence\nGone Gia,GG-1\n").form("Import"), "Import"
        )
        import_id = running.path.rsplit("/", 1)[1]
        with app.app_context():
            forget_import(import_id)
            keep_results(import_id, [Result(0, State.MADE)])
            assert list_items(import_id, []) == []
        assert dana.send(running.form("Go on")).status == 404

    def test_is_forgotten_after_its_time(self, app: Flask, dana: Browser) -> None:
        preview = send_file(dana, "drivers", "Name,Licence\nOld Otso,OO-1\n")
        import_id = preview.path.rsplit("/", 1)[1]
        with app.app_context():
            known = db.session.get_one(Import, import_id)
            known.expires_at = known.created_at
            db.session.commit()
        assert dana.get(preview.path).status == 404
        with app.app_context():
            forget_old_imports()
            assert db.session.get(Import, import_id) is None
            assert db.session.query(ImportItem).filter_by(import_id=import_id).count() == 0

    def test_only_the_latest_ten_are_kept(self, dana: Browser) -> None:
        first = send_file(dana, "vehicles", "Plate,Type\nTEN-0,Van\n", "first.csv")
        for number in range(1, 11):
            send_file(dana, "vehicles", f"Plate,Type\nTEN-{number},Van\n")
        assert dana.get(first.path).status == 404

    def test_survives_a_restart_between_preview_and_import(self, tmp_path: Path) -> None:
        app = make_app(tmp_path)
        dana = Browser(app)
        dana.sign_in("dispatcher", PASSWORD)
        preview = send_file(dana, "drivers", "Name,Licence\nRestart Reino,RR-1\n")
        app.extensions["waybill"].stop()
        again = create_app(load_settings({"WAYBILL_DATA_DIR": str(tmp_path), "WAYBILL_RATE_LIMIT": "off"}))
        again.extensions["waybill"].start()
        back = Browser(again)
        back.sign_in("dispatcher", PASSWORD)
        assert "1 driver imported." in carry_out(back, back.get(preview.path)).text
        again.extensions["waybill"].stop()

    def test_is_for_dispatchers(self, app: Flask, dana: Browser, scene: Scene) -> None:
        preview = send_file(dana, "drivers", "Name,Licence\nSecret Seppo,SE-1\n")
        with app.app_context():
            create_account("imports-none", PASSWORD, "driver", "D", scene.add_driver().driver_id)
        phone = Browser(app)
        phone.sign_in("imports-none", PASSWORD)
        for path in ("/import/drivers", preview.path, f"{preview.path}/rejected.csv"):
            assert phone.get(path).status == 403
            assert app.test_client().get(path).status_code == 302

    def test_pages_keep_the_rules_of_all_pages(self, dana: Browser) -> None:
        preview = send_file(dana, "drivers", "Name,Licence\nRules Raija,RU-1\nRules Raija,\n")
        running = dana.send(preview.form("Import"), button="Import")
        done = dana.send(running.form("Go on"))
        for page in (dana.get("/import/routes"), preview, running, done):
            assert len(page.ids) == len(set(page.ids)), page.path
            labelled = {given.get("for") for tag, given in page.tags if tag == "label"}
            for tag, given in page.tags:
                assert not [name for name in given if name == "style" or name.startswith("on")]
                if tag in ("input", "select") and given.get("type") not in ("hidden", "checkbox"):
                    assert given.get("id") in labelled, given
        for path in ("/import/routes", done.path):
            part = dana.get(path, htmx=True)
            assert "<html" not in part.html
            assert 'id="page"' in part.html
