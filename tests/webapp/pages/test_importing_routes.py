"""Importing routes with their checkpoints, without JavaScript."""

import pytest

from tests.webapp.pages.browser import Browser
from tests.webapp.pages.importing import carry_out, imported_routes, rows_of, send_file
from tests.webapp.pages.scene import HELSINKI, Scene


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
