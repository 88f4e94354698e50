"""Which CSV files are understood, and what becomes of their rows, without JavaScript."""

import re

import pytest
from flask import Flask

from backend_services.fleet.queries import list_vehicles
from tests.webapp.pages.browser import Browser
from tests.webapp.pages.conftest import PASSWORD
from tests.webapp.pages.importing import carry_out, driver_names, rows_of, send_file
from tests.webapp.pages.scene import Scene
from webapp.accounts.models import create_account


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
