"""Importing CSV files on the pages, without JavaScript."""

import csv
import io
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from flask import Flask

from backend_services.fleet.commands import AddDriver
from backend_services.fleet.queries import list_drivers, list_vehicles
from backend_services.routes.queries import RouteView, list_routes
from backend_services.settings import load_settings
from eventstore.execute import Context
from tests.webapp.pages.browser import Browser, Page
from tests.webapp.pages.conftest import PASSWORD, make_app
from tests.webapp.pages.scene import HELSINKI, Scene
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


def send_file(
    browser: Browser, kind: str, content: str | bytes, name: str = "list.csv", **filled: str
) -> Page:
    """Upload a file; the page that follows."""
    raw = content if isinstance(content, bytes) else content.encode()
    form = browser.get(f"/import/{kind}").form("Show the preview")
    return browser.send(form, file=(io.BytesIO(raw), name), **filled)


def carry_out(browser: Browser, preview: Page, **filled: str) -> Page:
    """Confirm a preview and press the button until all is done."""
    page = browser.send(preview.form("Import"), button="Import", **filled)
    for _ in range(100):
        if not page.has_form("Go on"):
            return page
        page = browser.send(page.form("Go on"))
    raise AssertionError("the import doesn't end")


def driver_names(scene: Scene, q: str) -> list[str]:
    with scene.waybill.sessions() as session:
        return [view.name for view in list_drivers(session, q=q).items]


def imported_routes(scene: Scene, q: str) -> list[RouteView]:
    with scene.waybill.sessions() as session:
        return sorted(list_routes(session, q=q).items, key=lambda view: view.scheduled_start_at)


def rows_of(answer: Page, separator: str = ",") -> list[list[str]]:
    text = answer.response.get_data().decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))


class TestWhatSpreadsheetsWrite:
    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("commas", "name,driverLicense\nÄijä Comma,LC-1\n".encode()),
            ("semicolons and a BOM", "\ufeffLicence No.;DRIVER NAME\r\nLC-2;Äijä Semi\r\n".encode()),
            ("Windows-1252", "Driver's licence;Full name\r\nLC-3;Äijä Windows\r\n".encode("cp1252")),
            ("UTF-16 with tabs", "Name\tLicense number\r\nÄijä Tab\tLC-4\r\n".encode("utf-16")),
            ("two name columns", "First name,Last name,licence\n Äijä , Two ,LC-5\n".encode()),
            ("Excel's own line", "sep=;\r\nName;Licence\r\nÄijä Sep;LC-6\r\n".encode()),
            ("quoted", '"Name","Licence"\n"Äijä, the ""Quoted""","LC-7"\n'.encode()),
            ("old line ends", "Name,Licence\rÄijä Mac,LC-8\r".encode()),
            ("empty lines and columns", "\n\nName,,Licence,\n,,,\nÄijä Empty,,LC-9,\n\n,,,\n".encode()),
        ],
    )
    def test_is_understood(self, dana: Browser, scene: Scene, name: str, content: bytes) -> None:
        preview = send_file(dana, "drivers", content)
        assert "1 driver can be imported" in preview.text, name
        assert "1 driver imported." in carry_out(dana, preview).text
        licence = re.search(rb"LC-\d", content.replace(b"\x00", b""))
        assert licence is not None
        assert [found[:4] for found in driver_names(scene, licence.group().decode())] == ["Äijä"]

    def test_a_guessed_encoding_is_said(self, dana: Browser) -> None:
        content = "Name;Licence;Shoe size\nBjörn Guess;LG-1;44\n".encode("cp1252")
        preview = send_file(dana, "drivers", content)
        assert "read as Windows-1252" in preview.text
        assert "separated by semicolons" in preview.text
        assert "Not used: Shoe size." in preview.text
        assert "Björn Guess" in preview.text


class TestFilesThatAreNoCsv:
    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"", "The file is empty."),
            (b"\xef\xbb\xbf", "The file is empty."),
            (b"Name,Licence\n", "nothing below the header"),
            (b"PK\x03\x04rest of a workbook", "CSV UTF-8 (Comma delimited)"),
            (b"\xd0\xcf\x11\xe0rest", "old Excel workbook"),
            (b"%PDF-1.7", "This is a PDF"),
            (b"<html><body>", "web page"),
            (b"\x89PNG\r\n\x1a\n\x00\x00", "not a text file"),
            (b"\xff\xfe\x00", "not a text file"),
            (b"caf\x81", "neither UTF-8 nor Windows-1252"),
            (b"Aino,L-1\nOnni,L-2\n", "Missing: “Name”, “Licence”. It says “Aino”, “L-1”"),
            (
                b"Name,Driver name,Licence\nA,B,L\n",
                "Two columns mean the same (Name): “Name” and “Driver name”",
            ),
            (b'Name,Licence\nA,"never closed\nB,L\n', "a quotation mark is never closed"),
            (b"Name,Licence\n" + b"A,L\n" * 5_001, "more than 5,000 rows"),
            (b"Name,Licence\n" + b"A,L\n" * 600_000, "larger than 2 MB"),
        ],
    )
    def test_get_a_sentence_that_says_what_to_do(
        self, dana: Browser, scene: Scene, content: bytes, said: str
    ) -> None:
        before = scene.count_events()
        page = send_file(dana, "drivers", content, "staff.csv")
        assert page.status == 422
        assert said in page.text
        assert scene.count_events() == before

    def test_no_file_at_all(self, dana: Browser) -> None:
        page = dana.send(dana.get("/import/drivers").form("Show the preview"))
        assert page.status == 422
        assert "Please choose a file." in page.text


class TestRowsWithProblems:
    CONTENT = (
        f"Licence;Name\nB-1;Good Goran\n;No Licence\nB-3;\nB-4;{'x' * 201}\nB-5;Torn;apart\nB-6;Good Greta\n"
    )

    def test_do_not_stop_the_others_and_are_downloaded_with_the_reason(
        self, dana: Browser, scene: Scene
    ) -> None:
        before = scene.count_events()
        preview = send_file(dana, "drivers", self.CONTENT, "staff list.csv")
        assert scene.count_events() == before
        assert "2 drivers can be imported" in preview.text
        assert "4 drivers can't" in preview.text
        only_bad = dana.get(f"{preview.path}?show=problems")
        assert "The licence is missing." in only_bad.text
        assert "Good Goran" not in only_bad.text
        result = carry_out(dana, preview)
        assert "2 drivers imported." in result.text
        assert "4 drivers could not be imported" in result.text
        assert driver_names(scene, "Good G") == ["Good Goran", "Good Greta"]
        assert "Good Goran" in dana.get(result.link("Good Goran")).text
        answer = dana.get(result.link("Download what was not imported"))
        header, *rows = rows_of(answer, ";")
        assert "staff%20list%20-%20not%20imported.csv" in answer.response.headers["Content-Disposition"]
        assert header == ["Licence", "Name", "Problem"]
        assert [row[:2] for row in rows] == [
            ["", "No Licence"],
            ["B-3", ""],
            ["B-4", "x" * 201],
            ["B-5", "Torn"],
        ]
        assert [row[2][:22] for row in rows[:2]] == ["The licence is missing", "The name is missing."]
        assert "must stand in quotation marks" in rows[3][2]

    def test_corrected_in_the_download_are_imported_by_it(self, dana: Browser, scene: Scene) -> None:
        preview = send_file(dana, "drivers", "Name,Licence\nCorrected Carl,\n")
        assert not preview.has_form("Import")
        bad = dana.get(preview.link("Download the rows with problems")).response.get_data()
        corrected = send_file(dana, "drivers", bad.replace(b"Carl,,", b"Carl,C-77,"))
        assert "Not used" not in corrected.text
        assert "1 driver imported." in carry_out(dana, corrected).text
        assert driver_names(scene, "C-77") == ["Corrected Carl"]

    def test_refused_once_more_have_one_reason_column(self, dana: Browser) -> None:
        preview = send_file(dana, "drivers", "Name,Licence,Problem\nStill Sten,,The licence is missing.\n")
        assert rows_of(dana.get(preview.link("Download the rows"))) == [
            ["Name", "Licence", "Problem"],
            ["Still Sten", "", "The licence is missing."],
        ]

    def test_texts_of_a_file_are_escaped(self, dana: Browser) -> None:
        probe = "<img src=x onerror=alert(1)>"
        preview = send_file(dana, "drivers", f"Name,Licence,{probe}\n{probe},\n", f"{probe}.csv")
        assert "<img src=x" not in preview.html
        assert preview.html.count("&lt;img src=x") >= 3


class TestWhatIsThereAlready:
    def test_is_left_out_unless_wanted(self, dana: Browser, scene: Scene) -> None:
        scene.add_driver("Known Kaisa", "K-1")
        content = (
            "Name,Licence\nOther Kaisa,K-1\nknown kaisa,K-2\nNew Nora,K-3\nTwin Nora,K-3\nnew nora,K-5\n"
        )
        preview = send_file(dana, "drivers", content)
        assert "1 driver can be imported" in preview.text
        assert "4 drivers seem to be there already, or twice in the file." in preview.text
        for said in (
            "A driver with this licence is there already.",
            "A driver of this name is there already.",
            "Row 4 has the same licence.",
            "Row 4 has the same name.",
        ):
            assert said in preview.text
        result = carry_out(dana, preview)
        assert "1 driver imported." in result.text
        assert "4 drivers left out as seemingly there already." in result.text
        assert len(rows_of(dana.get(result.link("Download what was not imported")))) == 5

    def test_is_imported_as_well_when_that_is_confirmed(self, dana: Browser, scene: Scene) -> None:
        scene.add_vehicle("DUP-1")
        preview = send_file(dana, "vehicles", "Plate;Category\ndup-1;Van\nDUP-2;Van\n")
        assert "A vehicle with this registration is there already." in preview.text
        assert "2 vehicles imported." in carry_out(dana, preview, with_alike="y").text
        with scene.waybill.sessions() as session:
            found = list_vehicles(session, q="dup-").items
        assert sorted(view.registration for view in found) == ["DUP-1", "DUP-2", "dup-1"]

    def test_the_same_file_again_makes_nothing(self, dana: Browser, scene: Scene) -> None:
        content = "Name,Licence\nOnce Olli,O-1\nOnce Oona,O-2\n"
        carry_out(dana, send_file(dana, "drivers", content))
        before = scene.count_events()
        again = send_file(dana, "drivers", content, "renamed.csv")
        assert "2 drivers of this file were imported before and are not made again." in again.text
        assert not again.has_form("Import")
        assert scene.count_events() == before

    def test_two_previews_of_one_file_make_its_rows_once(self, dana: Browser, scene: Scene) -> None:
        content = "Name,Licence\nDouble Dora,DD-1\n"
        first, second = send_file(dana, "drivers", content), send_file(dana, "drivers", content)
        before = scene.count_events()
        assert "1 driver imported." in carry_out(dana, first).text
        assert "1 driver imported." in carry_out(dana, second).text
        assert scene.count_events() == before + 1
        assert driver_names(scene, "DD-1") == ["Double Dora"]

    def test_somebody_else_with_the_same_file_makes_nothing_either(
        self, app: Flask, dana: Browser, scene: Scene
    ) -> None:
        with app.app_context():
            create_account("second", PASSWORD, "dispatcher", "Second Dispatcher")
        second = Browser(app)
        second.sign_in("second", PASSWORD)
        content = "Name,Licence\nShared Sulo,SS-1\n"
        mine, theirs = send_file(dana, "drivers", content), send_file(second, "drivers", content)
        carry_out(dana, mine)
        result = carry_out(second, theirs)
        assert "0 drivers imported." in result.text
        assert "1 driver was there from an earlier import of this file." in result.text
        assert driver_names(scene, "SS-1") == ["Shared Sulo"]
        assert second.get(mine.path).status == 404


class TestRoutes:
    def test_are_made_of_their_rows_with_times_of_the_display_zone(self, dana: Browser, scene: Scene) -> None:
        content = (
            "Tour;Depot;Start time;Seq;Stop;ETA;Lat;Lng;Street;Service time\n"
            "N1;Tour depot;23.11.2026 8.00;2;Second place;23.11.2026 9.15;60,1716;24,9440;;\n"
            "N1;;;1;First place;23.11.2026 8.30;60,1675;24,9525;First street 1;5\n"
            "S2;Tour depot;2026-11-23T08:00:00Z;1;Only place;2026-11-23 10:45;;;;\n"
        )
        preview = send_file(dana, "routes", content)
        assert "2 routes can be imported" in preview.text
        assert "Tour depot → Second place" in preview.text
        assert "Mon 23 Nov 2026 08:00" in preview.text
        assert "The routes are in Planning" in carry_out(dana, preview).text
        first, second = imported_routes(scene, "Tour depot")
        assert first.status == "Planning"
        assert [stop.location for stop in first.checkpoints] == ["First place", "Second place"]
        assert [f"{stop.expected_time.astimezone(HELSINKI):%H:%M}" for stop in first.checkpoints] == [
            "08:30",
            "09:15",
        ]
        stop = first.checkpoints[0]
        assert (stop.latitude, stop.longitude) == (60.1675, 24.9525)
        assert (stop.address, stop.service_minutes) == ("First street 1", 5)
        assert f"{second.scheduled_start_at:%H:%M}" == "08:00"

    def test_times_alone_follow_each_other_over_midnight(self, dana: Browser, scene: Scene) -> None:
        content = (
            "route,date,from,to,start,place,time\n"
            "Night,24.12.2026,Night depot,Far,10:30 PM,A,11:15 pm\n"
            "Night,,,,,B,12:05 AM\n"
            "Night,,,,,C,0:50\n"
        )
        # the date is for the row that has it; the others follow the row above
        result = carry_out(dana, send_file(dana, "routes", content))
        assert "1 route imported." in result.text
        (route,) = imported_routes(scene, "Night depot")
        local = [f"{stop.expected_time.astimezone(HELSINKI):%d %H:%M}" for stop in route.checkpoints]
        assert local == ["24 23:15", "25 00:05", "25 00:50"]

    def test_months_come_first_when_one_says_so(self, dana: Browser, scene: Scene) -> None:
        content = "Route,From,Start,Place,ETA\nUS,US depot,12/31/2026 8:00 AM,A,12/31/2026 9:00 AM\n"
        assert "is no date" in send_file(dana, "routes", content).text
        carry_out(dana, send_file(dana, "routes", content, dates="month"))
        (route,) = imported_routes(scene, "US depot")
        assert f"{route.scheduled_start_at.astimezone(HELSINKI):%Y-%m-%d %H:%M}" == "2026-12-31 08:00"

    def test_are_imported_whole_or_not_at_all(self, dana: Browser, scene: Scene) -> None:
        content = (
            "Route,From,Start,Sequence,Place,Expected,Latitude,Longitude\n"
            "W,Whole depot,2026-11-23 08:00,1,A,2026-11-23 08:30,60,\n"
            "W,,,2,B,2026-11-23 09:00,,\n"
            "X,Whole depot,2026-11-23 08:00,1,A,2026-11-23 08:30,,\n"
            "X,,,2,B,2026-11-23 08:10,,\n"
            "X,,,3,C,2026-11-23 10:00,,\n"
            "Y,Whole depot,2026-11-23 08:00,1,A,2026-11-23 08:30,,\n"
        )
        preview = send_file(dana, "routes", content)
        assert "1 route can be imported" in preview.text
        assert "Row 2: Latitude and longitude go together." in preview.text
        assert "Row 5: The expected time must be after checkpoint 1 (A)" in preview.text
        result = carry_out(dana, preview)
        assert len(imported_routes(scene, "Whole depot")) == 1
        _, *rows = rows_of(dana.get(result.link("Download what was not imported")))
        assert [row[3] for row in rows] == ["1", "2", "1", "2", "3"]
        assert (
            rows[1][-1] == "Another row of this route has a problem; a route is imported whole or not at all."
        )

    @pytest.mark.parametrize(
        ("row", "said"),
        [
            ("R,D,2026-11-23 08:00,1,A,", "The expected time is missing."),
            ("R,D,2026-11-23 08:00,1,,2026-11-23 08:30", "The place is missing."),
            ("R,,2026-11-23 08:00,1,A,2026-11-23 08:30", "where the route starts, is missing"),
            ("R,D,,1,A,2026-11-23 08:30", "The start is missing."),
            (",D,2026-11-23 08:00,1,A,2026-11-23 08:30", "name or number is missing"),
            ("R,D,2026-11-23 08:00,one,A,2026-11-23 08:30", "The sequence “one” is not a number."),
            ("R,D,2026-11-23 08:00,0,A,2026-11-23 08:30", "must be from 1"),
            ("R,D,2026-11-23 08:00,1.5,A,2026-11-23 08:30", "not a whole number"),
            ("R,D,soon,1,A,2026-11-23 08:30", "The start “soon” is not a date and time"),
            ("R,D,08:00,1,A,2026-11-23 08:30", "The start has no date"),
            ("R,D,2026-11-23,1,A,2026-11-23 08:30", "The start has no time of the day"),
            ("R,D,2026-02-30 08:00,1,A,2026-11-23 08:30", "is no date"),
            ("R,D,1926-11-23 08:00,1,A,2026-11-23 08:30", "2000 to 2099"),
            ("R,D,2026-11-23 25:00,1,A,2026-11-23 08:30", "no time of the day"),
            ("R,D,2027-03-28 03:30,1,A,2027-03-28 08:30", "the clocks skip 03:30"),
            ("R,D,2026-11-23 08:00,1,A,2026-11-23 08:00", "must be after the route's start at"),
            ("R,D,2026-11-23 08:00,1,A,07:59", "must be after 08:00"),
        ],
    )
    def test_say_at_each_row_what_is_wrong(self, dana: Browser, scene: Scene, row: str, said: str) -> None:
        preview = send_file(dana, "routes", f"Route,From,Start,Sequence,Place,Expected\n{row}\n")
        assert said in preview.text
        assert not preview.has_form("Import")

    def test_rows_of_one_route_may_not_contradict_each_other(self, dana: Browser) -> None:
        content = (
            "Route,From,Start,Sequence,Place,Expected\n"
            "R,Here,2026-11-23 08:00,1,A,2026-11-23 08:30\n"
            "r,There,2026-11-23 08:05,1,B,2026-11-23 09:30\n"
        )
        preview = send_file(dana, "routes", content)
        assert "From is “There” here and “Here” on row 2" in preview.text
        assert "The start is another one on row 2" in preview.text
        assert "Row 2 has the same sequence 1." in preview.text

    def test_can_be_active_at_once(self, dana: Browser, scene: Scene) -> None:
        content = "Route,From,Start,Place,ETA\nA,Active depot,2026-11-23 08:00,A,2026-11-23 09:00\n"
        result = carry_out(dana, send_file(dana, "routes", content), activates="y")
        assert "The routes are active" in result.text
        assert [route.status for route in imported_routes(scene, "Active depot")] == ["Active"]

    def test_that_are_there_already_are_left_out(self, dana: Browser, scene: Scene) -> None:
        content = "Route,From,Start,Place,ETA\nA,Twin depot,2026-11-23 08:00,A,2026-11-23 09:00\n"
        carry_out(dana, send_file(dana, "routes", content))
        again = send_file(dana, "routes", content + "B,Twin depot,2026-11-23 09:00,A,2026-11-23 10:00\n")
        assert "A route with the same way and start is there already." in again.text
        assert "1 route can be imported" in again.text

    def test_with_too_many_checkpoints_are_refused(self, dana: Browser) -> None:
        rows = "".join(
            f"A,Long depot,2026-11-23 00:00,P{n},2026-11-24 {n // 60:02}:{n % 60:02}\n" for n in range(201)
        )
        preview = send_file(dana, "routes", f"Route,From,Start,Place,ETA\n{rows}")
        assert "A route has 200 checkpoints at most; this one has 201." in preview.text


class TestTheTemplates:
    @pytest.mark.parametrize("kind", ["drivers", "vehicles", "routes"])
    @pytest.mark.parametrize("which", ["commas", "semicolons"])
    def test_can_be_imported_as_they_are(self, fresh_dana: Browser, kind: str, which: str) -> None:
        answer = fresh_dana.get(fresh_dana.get(f"/import/{kind}").link(f"Template with {which}"))
        content = answer.response.get_data()
        assert content.startswith(b"\xef\xbb\xbf")
        preview = send_file(fresh_dana, kind, content)
        assert f"1 {kind[:-1]} can be imported" in preview.text
        assert "Not used" not in preview.text


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
