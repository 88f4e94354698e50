"""Planning on the pages: the list, a new route, the editor, activation and copies."""

from datetime import datetime, timedelta
from pathlib import Path

from tests.webapp.pages.browser import Browser, Page
from tests.webapp.pages.conftest import PASSWORD, make_app
from tests.webapp.pages.scene import HELSINKI, Scene, clock, local


def route_id_of(page: Page) -> str:
    return page.path.rsplit("/", 1)[1]


class TestTheList:
    def test_an_empty_list_says_what_a_route_is_and_offers_the_first(self, fresh_dana: Browser) -> None:
        page = fresh_dana.get("/routes")
        assert "No routes yet" in page.text
        assert page.link("Plan the first route") == "/routes/new"

    def test_a_row_shows_route_times_stops_status_and_who_uses_it(self, dana: Browser, scene: Scene) -> None:
        route = scene.add_route(stops=3, origin="Kiasma", destination="Kamppi")
        delivery = scene.add_delivery(route)
        page = dana.get("/routes?q=kiasma")
        row = page.text.split("Kiasma → Kamppi")[2].split("Create a delivery")[0]
        assert clock(scene) in row
        assert clock(scene, 60) in row
        assert "3" in row
        assert "Active" in row
        assert delivery.delivery_id[-6:] in row
        assert page.link("Kiasma → Kamppi") == f"/routes/{route.route_id}"

    def test_filters_by_status_word_and_day_combine_and_stay_in_the_links(
        self, dana: Browser, scene: Scene
    ) -> None:
        scene.add_route(active=False, origin="Linnanmäki", destination="Sörnäinen")
        day = scene.noon.astimezone(HELSINKI).date()
        assert "Linnanmäki" in dana.get(f"/routes?q=linnan&status=Planning&date={day}").text
        assert "Linnanmäki" not in dana.get("/routes?q=linnan&status=Active").text
        page = dana.get(f"/routes?q=linnan&date={day + timedelta(days=30)}")
        assert "No route matches" in page.text
        assert "q=linnan" in page.link("Planning")
        assert f"date={day + timedelta(days=30)}" in page.link("Planning")

    def test_the_chips_count_what_the_search_and_the_day_find(self, dana: Browser, scene: Scene) -> None:
        for active in (True, False, False):
            scene.add_route(active=active, origin="Chipway", destination="Harbour")
        day = scene.noon.astimezone(HELSINKI).date()
        page = dana.get(f"/routes?q=chipway&date={day}&status=Active")
        assert all(page.link(chip) for chip in ("All 3", "Planning 2", "Active 1", "Deactivated 0"))
        assert dana.get(f"/routes?q=chipway&date={day + timedelta(days=30)}").link("Planning 0")

    def test_pages_continue_where_the_last_one_ended(self, dana: Browser, scene: Scene) -> None:
        for _ in range(51):
            scene.add_route(active=False, stops=0, origin="Paging", destination="Away")
        first = dana.get("/routes?q=paging")
        assert first.text.count("Choose Paging → Away") == 50
        second = dana.get("/routes" + first.link("Next page"))
        assert second.text.count("Choose Paging → Away") == 1
        assert "last page" in second.text
        assert second.link("First page") == "/routes?q=paging"


class TestPlanningANewRoute:
    def test_a_route_and_its_first_checkpoints_are_one_form(self, dana: Browser, scene: Scene) -> None:
        form = dana.get("/routes/new").form("Save the plan")
        page = dana.send(
            form,
            button="Save the plan",
            origin="Depot",
            destination="Port",
            start=local(scene),
            **{
                "stops-0-location": "First place",
                "stops-0-at": clock(scene, 30),
                "stops-1-location": "Second place",
                "stops-3-location": "Third place",
                "stops-3-at": clock(scene, 90),
            },
        )
        assert page.status == 200
        route = scene.route(route_id_of(page))
        assert [(stop.sequence, stop.location) for stop in route.checkpoints] == [
            (1, "First place"),
            (2, "Second place"),
            (3, "Third place"),
        ]
        assert [stop.expected_time for stop in route.checkpoints] == [
            scene.at(30),
            scene.at(45),
            scene.at(90),
        ]
        assert route.scheduled_start_at == scene.at(0)

    def test_a_time_of_the_day_is_the_next_time_the_clock_shows_it(self, dana: Browser, scene: Scene) -> None:
        evening = datetime.combine((scene.noon + timedelta(days=1)).date(), datetime.min.time()) + timedelta(
            hours=23
        )
        form = dana.get("/routes/new").form("Save the plan")
        page = dana.send(
            form,
            origin="Night",
            destination="Morning",
            start=evening.strftime("%Y-%m-%dT%H:%M"),
            **{"stops-0-location": "After midnight", "stops-0-at": "00:30"},
        )
        stop = scene.route(route_id_of(page)).checkpoints[0]
        assert stop.expected_time == (evening + timedelta(minutes=90)).replace(tzinfo=HELSINKI)

    def test_a_time_before_the_line_above_is_said_at_its_field(self, dana: Browser, scene: Scene) -> None:
        form = dana.get("/routes/new").form("Save the plan")
        page = dana.send(
            form,
            origin="A",
            destination="B",
            start=local(scene),
            **{
                "stops-0-location": "One",
                "stops-0-at": clock(scene, 60),
                "stops-1-location": "Two",
                "stops-1-at": clock(scene, 30),
            },
        )
        assert page.status == 422
        assert f"Must be after {clock(scene, 60)}, the line above." in page.text
        assert page.value("Save the plan", "stops-0-location") == "One"

    def test_a_time_without_a_place_asks_for_the_place(self, dana: Browser, scene: Scene) -> None:
        form = dana.get("/routes/new").form("Save the plan")
        page = dana.send(
            form, origin="A", destination="B", start=local(scene), **{"stops-2-at": clock(scene, 30)}
        )
        assert page.status == 422
        assert "Which place?" in page.text

    def test_more_lines_keep_what_was_typed(self, dana: Browser) -> None:
        page = dana.get("/routes/new")
        before = sum(name.endswith("-location") for name, _ in page.form("Save the plan").values)
        page = dana.send(page.form("More lines"), button="More lines", **{"stops-0-location": "Kept"})
        assert page.status == 200
        assert page.value("Save the plan", "stops-0-location") == "Kept"
        after = sum(name.endswith("-location") for name, _ in page.form("Save the plan").values)
        assert after == before + 5

    def test_nothing_typed_marks_the_fields(self, dana: Browser, scene: Scene) -> None:
        before = scene.count_events()
        page = dana.send(dana.get("/routes/new").form("Save the plan"), start="never")
        assert page.status == 422
        assert page.text.count("Please fill this in.") == 2
        assert "Please look at the fields marked below." in page.text
        assert scene.count_events() == before

    def test_sent_twice_it_is_one_route(self, dana: Browser, scene: Scene) -> None:
        form = dana.get("/routes/new").form("Save the plan")
        first = dana.send(form, origin="Once", destination="Only", start=local(scene))
        before = scene.count_events()
        second = dana.send(form, origin="Once", destination="Only", start=local(scene))
        assert second.path == first.path
        assert scene.count_events() == before

    def test_the_old_form_with_other_values_is_explained_not_lost(self, dana: Browser, scene: Scene) -> None:
        form = dana.get("/routes/new").form("Save the plan")
        dana.send(form, origin="Back", destination="Button", start=local(scene))
        page = dana.send(form, origin="Back", destination="Changed", start=local(scene))
        assert page.status == 422
        assert "This form was sent already, with other values." in page.text
        assert page.value("Save the plan", "destination") == "Changed"
        again = dana.send(page.form("Save the plan"))
        assert "Back → Changed" in again.text


class TestTheEditor:
    def test_the_next_checkpoint_is_prefilled_with_number_and_time(self, dana: Browser, scene: Scene) -> None:
        route = scene.add_route(active=False, stops=2)
        form = dana.get(f"/routes/{route.route_id}").form("Add")
        assert dict(form.values)["sequence"] == "3"
        assert dict(form.values)["expected"] == local(scene, 60)
        page = dana.send(form, location="Third")
        assert page.status == 200
        added = scene.route(route.route_id).checkpoints[-1]
        assert (added.sequence, added.location, added.expected_time) == (3, "Third", scene.at(60))

    def test_a_wrong_time_is_said_at_the_field_in_local_time(self, dana: Browser, scene: Scene) -> None:
        route = scene.add_route(active=False, stops=1)
        page = dana.send(
            dana.get(f"/routes/{route.route_id}").form("Add"), location="Late", expected=local(scene, 5)
        )
        assert page.status == 422
        assert f"Must be after checkpoint 1 (Stop 1) at {scene.at(20).astimezone(HELSINKI):%a}" in page.text
        assert clock(scene, 20) in page.text
        assert "T12:20" not in page.text
        assert ("add-expected-error") in page.ids
        assert page.value("Add", "location") == "Late"

    def test_a_refused_form_brings_a_new_command_id(self, dana: Browser, scene: Scene) -> None:
        route = scene.add_route(active=False, stops=1)
        form = dana.get(f"/routes/{route.route_id}").form("Add")
        page = dana.send(form, location="Late", expected=local(scene, 5))
        assert page.value("Add", "command_id") != dict(form.values)["command_id"]
        assert dana.send(page.form("Add"), expected=local(scene, 45)).status == 200
        assert len(scene.route(route.route_id).checkpoints) == 2

    def test_a_checkpoint_is_changed_in_its_own_row(self, dana: Browser, scene: Scene) -> None:
        route = scene.add_route(active=False, stops=2)
        page = dana.get(f"/routes/{route.route_id}")
        opened = dana.get(page.link("Change checkpoint 1"))
        assert opened.value("Save", "location") == "Stop 1"
        page = dana.send(opened.form("Save"), location="Renamed", expected=local(scene, 25))
        assert "Checkpoint 1 saved." in page.text
        changed = scene.route(route.route_id).checkpoints[0]
        assert (changed.location, changed.expected_time) == ("Renamed", scene.at(25))

    def test_a_change_out_of_order_keeps_the_row_open_with_the_reason(
        self, dana: Browser, scene: Scene
    ) -> None:
        route = scene.add_route(active=False, stops=2)
        opened = dana.get(f"/routes/{route.route_id}?edit=1")
        page = dana.send(opened.form("Save"), expected=local(scene, 50))
        assert page.status == 422
        assert "Must be before checkpoint 2 (Stop 2)" in page.text
        assert page.has_form("Save")

    def test_a_renamed_place_does_not_keep_the_old_coordinates(self, dana: Browser, scene: Scene) -> None:
        route = scene.add_route(active=False, stops=0)
        form = dana.get(f"/routes/{route.route_id}").form("Add")
        dana.send(form, location="Old place", latitude="60.17", longitude="24.94")
        opened = dana.get(f"/routes/{route.route_id}?edit=1")
        dana.send(opened.form("Save"), location="A place nobody knows")
        assert scene.route(route.route_id).checkpoints[0].latitude is None
        opened = dana.get(f"/routes/{route.route_id}?edit=1")
        dana.send(opened.form("Save"), location="Old place")
        form = dana.get(f"/routes/{route.route_id}").form("Add")
        dana.send(form, location="Elsewhere", latitude="61.5", longitude="23.7")
        form = dana.get(f"/routes/{route.route_id}").form("Add")
        dana.send(form, location="Elsewhere")
        assert scene.route(route.route_id).checkpoints[-1].latitude == 61.5

    def test_one_coordinate_alone_is_an_error(self, dana: Browser, scene: Scene) -> None:
        route = scene.add_route(active=False, stops=0)
        page = dana.send(dana.get(f"/routes/{route.route_id}").form("Add"), location="Half", latitude="60.17")
        assert page.status == 422
        assert "Latitude and longitude go together." in page.text

    def test_places_move_up_and_down_between_the_times(self, dana: Browser, scene: Scene) -> None:
        route = scene.add_route(active=False, stops=3)
        page = dana.get(f"/routes/{route.route_id}")
        dana.send(page.form("Visit Stop 3 earlier"))
        places = [stop.location for stop in scene.route(route.route_id).checkpoints]
        assert places == ["Stop 1", "Stop 3", "Stop 2"]
        times = [stop.expected_time for stop in scene.route(route.route_id).checkpoints]
        assert times == [scene.at(20), scene.at(40), scene.at(60)]

    def test_a_double_click_on_an_arrow_moves_once(self, dana: Browser, scene: Scene) -> None:
        route = scene.add_route(active=False, stops=3)
        form = dana.get(f"/routes/{route.route_id}").form("Visit Stop 1 later")
        dana.send(form)
        assert dana.send(form).status == 200
        places = [stop.location for stop in scene.route(route.route_id).checkpoints]
        assert places == ["Stop 2", "Stop 1", "Stop 3"]

    def test_an_order_of_other_checkpoints_is_refused(self, dana: Browser, scene: Scene) -> None:
        route = scene.add_route(active=False, stops=2)
        form = dana.get(f"/routes/{route.route_id}").form("Visit Stop 2 earlier")
        assert dana.send(form, order="1,2,3").status == 422
        assert dana.send(form, order="one, two").status == 400

    def test_removing_the_last_checkpoint_can_be_undone(self, dana: Browser, scene: Scene) -> None:
        route = scene.add_route(active=False, stops=2)
        page = dana.send(dana.get(f"/routes/{route.route_id}").form("Remove checkpoint 2"))
        assert len(scene.route(route.route_id).checkpoints) == 1
        dana.send(page.form("Undo"))
        assert scene.route(route.route_id).checkpoints == route.checkpoints

    def test_removing_an_earlier_one_says_what_is_gone_and_offers_no_undo_that_would_lie(
        self, dana: Browser, scene: Scene
    ) -> None:
        route = scene.add_route(active=False, stops=2)
        page = dana.send(dana.get(f"/routes/{route.route_id}").form("Remove checkpoint 1"))
        assert f"Removed 1. Stop 1, {clock(scene, 20)}." in page.text
        assert not page.has_form("Undo")

    def test_details_are_changed(self, dana: Browser, scene: Scene) -> None:
        route = scene.add_route(active=False, stops=1)
        form = dana.get(f"/routes/{route.route_id}").form("Save details")
        page = dana.send(form, origin="Somewhere else", start=local(scene, 10))
        assert "Details saved." in page.text
        assert scene.route(route.route_id).scheduled_start_at == scene.at(10)

    def test_the_checkpoints_move_along_with_the_start_unless_told_not_to(
        self, dana: Browser, scene: Scene
    ) -> None:
        route = scene.add_route(active=False, stops=2)
        before = [stop.expected_time for stop in scene.route(route.route_id).checkpoints]
        dana.send(dana.get(f"/routes/{route.route_id}").form("Save details"), start=local(scene, 30))
        moved = scene.route(route.route_id)
        assert moved.scheduled_start_at == scene.at(30)
        assert [stop.expected_time - timedelta(minutes=30) for stop in moved.checkpoints] == before
        form = dana.get(f"/routes/{route.route_id}").form("Save details")
        dana.send(form, start=local(scene, 25), moves=[])
        assert scene.route(route.route_id).checkpoints == moved.checkpoints

    def test_a_start_after_the_first_checkpoint_is_said_at_the_field(
        self, dana: Browser, scene: Scene
    ) -> None:
        route = scene.add_route(active=False, stops=1)
        form = dana.get(f"/routes/{route.route_id}").form("Save details")
        page = dana.send(form, start=local(scene, 30), moves=[])
        assert page.status == 422
        assert "details-start-error" in page.ids
        assert scene.route(route.route_id).scheduled_start_at == scene.at(0)

    def test_a_route_in_use_names_its_deliveries_as_links(self, dana: Browser, scene: Scene) -> None:
        route = scene.add_route()
        form = dana.get(f"/routes/{route.route_id}").form("Save details")
        deactivate = dana.get(f"/routes/{route.route_id}").form("Deactivate")
        delivery = scene.add_delivery(route)
        for refused in (dana.send(form, start=local(scene, -10)), dana.send(deactivate)):
            assert refused.status == 422
            assert "unfinished deliveries use it" in refused.text
            assert delivery.delivery_id not in refused.text, "people read short ids"
            assert (
                refused.link(f"Delivery {delivery.delivery_id[-6:]}") == f"/deliveries/{delivery.delivery_id}"
            )
        page = dana.get(f"/routes/{route.route_id}")
        assert not page.has_form("Save details")
        assert "can't be changed while unfinished deliveries use the route" in page.text


class TestActivation:
    def test_the_checklist_warns_but_forbids_nothing(self, dana: Browser, scene: Scene) -> None:
        route = scene.add_route(start=-3 * 24 * 60, stops=0, active=False)
        page = dana.get(f"/routes/{route.route_id}")
        assert "No checkpoints" in page.text
        assert "The start is in the past" in page.text
        page = dana.send(page.form("Activate"))
        assert scene.route(route.route_id).status == "Active"
        assert "Its checkpoints are fixed now." in page.text

    def test_leaving_planning_can_not_be_undone_and_no_button_says_so(
        self, dana: Browser, scene: Scene
    ) -> None:
        route = scene.add_route(active=False)
        page = dana.send(dana.get(f"/routes/{route.route_id}").form("Activate"))
        assert not page.has_form("Undo")
        assert not page.has_form("Add")

    def test_deactivation_and_activation_can_be_undone(self, dana: Browser, scene: Scene) -> None:
        route = scene.add_route()
        page = dana.send(dana.get(f"/routes/{route.route_id}").form("Deactivate"))
        assert scene.route(route.route_id).status == "Deactivated"
        page = dana.send(page.form("Undo"))
        assert scene.route(route.route_id).status == "Active"
        dana.send(page.form("Undo"))
        assert scene.route(route.route_id).status == "Deactivated"

    def test_a_made_up_status_is_a_bad_request(self, dana: Browser, scene: Scene) -> None:
        route = scene.add_route()
        form = dana.get(f"/routes/{route.route_id}").form("Deactivate")
        assert dana.send(form, status="Exploded").status == 400


class TestDuplicating:
    def test_a_copy_starts_a_day_later_and_all_times_move_along(self, dana: Browser, scene: Scene) -> None:
        route = scene.add_route(stops=2)
        page = dana.get(dana.get(f"/routes/{route.route_id}").link("Duplicate"))
        assert page.value("Duplicate", "start") == local(scene, 24 * 60)
        page = dana.send(page.form("Duplicate"), start=local(scene, 90))
        copy = scene.route(route_id_of(page))
        assert copy.route_id != route.route_id
        assert copy.status == "Planning"
        assert [stop.expected_time for stop in copy.checkpoints] == [scene.at(110), scene.at(130)]

    def test_sent_twice_it_is_one_active_copy(self, dana: Browser, scene: Scene) -> None:
        route = scene.add_route()
        form = dana.get(f"/routes/{route.route_id}/duplicate").form("Duplicate")
        first = dana.send(form, start=local(scene, 90), activate="y")
        before = scene.count_events()
        second = dana.send(form, start=local(scene, 90), activate="y")
        assert first.path == second.path
        assert scene.route(route_id_of(first)).status == "Active"
        assert scene.count_events() == before

    def test_a_copy_in_the_past_may_be_planned_but_not_activated_at_once(
        self, dana: Browser, scene: Scene
    ) -> None:
        route = scene.add_route()
        form = dana.get(f"/routes/{route.route_id}/duplicate").form("Duplicate")
        refused = dana.send(form, start="2020-01-01T10:00", activate="y")
        assert refused.status == 422
        assert "start-error" in refused.ids
        planned = dana.send(form, start="2020-01-01T10:00")
        assert "Wed 1 Jan 2020 10:00" in planned.text, "the year is said where it is another one"

    def test_a_start_that_is_no_time_is_an_error_at_the_field(self, dana: Browser, scene: Scene) -> None:
        route = scene.add_route()
        form = dana.get(f"/routes/{route.route_id}/duplicate").form("Duplicate")
        page = dana.send(form, start="soon")
        assert page.status == 422
        assert "start-error" in page.ids

    def test_absurd_suggestions_in_the_link_are_ignored(self, dana: Browser, scene: Scene) -> None:
        route = scene.add_route()
        for start in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00", "yesterday", "%00"):
            assert dana.get(f"/routes/{route.route_id}/duplicate?start={start}").status == 200


class TestSuggestedPlaces:
    def test_asking_for_them_leaves_alone_what_a_page_is_about_to_say(self, dana: Browser) -> None:
        """An answer that sets the session's cookie anew brings back messages that were shown meanwhile."""
        assert "Set-Cookie" not in dana.get("/routes/places?q=a").response.headers

    def test_places_used_before_are_suggested(self, dana: Browser, scene: Scene) -> None:
        route = scene.add_route(active=False, stops=0)
        form = dana.get(f"/routes/{route.route_id}").form("Add")
        dana.send(form, location="Observatory Hill")
        assert 'value="Observatory Hill"' in dana.get("/routes/places?q=observ").html
        assert "Observatory" not in dana.get("/routes/places?q=%25").html

    def test_a_point_on_the_map_has_the_name_of_the_known_place_that_is_there(
        self, dana: Browser, scene: Scene
    ) -> None:
        route = scene.add_route(active=False, stops=0)
        for name, latitude in (("Buoy", "59.90000"), ("Far Buoy", "59.90100")):
            form = dana.get(f"/routes/{route.route_id}").form("Add")
            dana.send(form, location=name, latitude=latitude, longitude="24.80000")

        def name_at(latitude: float, longitude: float) -> object:
            page = dana.get(f"/routes/places/near?latitude={latitude}&longitude={longitude}")
            return page.response.get_json()["name"]

        assert name_at(59.9001, 24.8) == "Buoy"  # 11 m from it
        assert name_at(59.9009, 24.8002) == "Far Buoy"
        assert name_at(59.9, 24.8005) is None  # 28 m
        for nowhere in ("", "?latitude=59.9", "?latitude=91&longitude=0", "?latitude=nan&longitude=1"):
            assert dana.get(f"/routes/places/near{nowhere}").status == 400

    def test_the_city_of_the_built_in_map_is_suggested_to_who_types_and_located(
        self, fresh_dana: Browser
    ) -> None:
        assert fresh_dana.get("/routes/places?q=").html.strip() == ""
        assert 'value="Aleksanterinkatu 46"' in fresh_dana.get("/routes/places?q=katu%2046").html
        planned = fresh_dana.get("/routes/new").form("Save the plan")
        page = fresh_dana.send(planned, origin="Depot", destination="Harbour")
        page = fresh_dana.send(page.form("Add"), location="Aleksanterinkatu 46")
        assert "no coordinates" not in page.text
        assert "Every checkpoint has coordinates" in page.text

    def test_with_another_map_that_city_is_not_suggested(self, tmp_path: Path) -> None:
        app = make_app(tmp_path, WAYBILL_MAP_STYLE_URL="https://tiles.example/{z}/{x}/{y}.png")
        elsewhere = Browser(app)
        elsewhere.sign_in("dispatcher", PASSWORD)
        assert elsewhere.get("/routes/places?q=Aleksanterinkatu").html.strip() == ""
        app.extensions["waybill"].stop()
