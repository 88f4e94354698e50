"""Rows equal the fold of the log, whatever happened; queries filter, page and tell the time right."""

import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from backend_services.deliveries import commands as delivery_commands
from backend_services.deliveries import queries as deliveries
from backend_services.deliveries.commands import DeliveryStatus
from backend_services.deliveries.delivery import DELIVERY
from backend_services.fleet import commands as fleet_commands
from backend_services.fleet import queries as fleet
from backend_services.fleet.commands import DriverStatus
from backend_services.fleet.driver import DRIVER
from backend_services.paging import BadCursor
from backend_services.projecting import ReadModelVersion
from backend_services.read_models import BoardChange, board_head, list_board_changes
from backend_services.routes import commands as route_commands
from backend_services.routes import queries as routes
from backend_services.routes.commands import RouteStatus
from backend_services.routes.route import ROUTE
from eventstore.codec import personal_fields
from eventstore.doors import utc_now
from eventstore.execute import Executor, Refusal
from tests.backend_services.specification import at
from tests.backend_services.town import CONTEXT, Town, start
from webapp.wiring import Waybill


def live_a_while(town: Town, seed: int, steps: int) -> dict[str, list[str]]:
    """Random commands, many of them refused; the ids that came to be."""
    chance = random.Random(seed)  # noqa: S311
    ids: dict[str, list[str]] = {
        "driver": [town.driver(f"D{number}") for number in range(3)],
        "vehicle": [town.vehicle(f"V{number}") for number in range(3)],
        "route": [town.route(40 * number) for number in range(4)],
        "delivery": [],
    }

    def any_of(kind: str) -> str:
        return chance.choice(ids[kind])

    for _ in range(steps):
        try:
            if not ids["delivery"] or chance.random() < 0.2:
                ids["delivery"].append(town.delivery(any_of("route"), any_of("driver"), any_of("vehicle")))
                continue
            one_step(town, chance, any_of)
        except Refusal:
            pass
    return ids


def one_step(town: Town, chance: random.Random, any_of: Any) -> None:
    delivery_id = any_of("delivery")
    state = Executor(town.waybill.store, town.waybill.codec).load(DELIVERY, delivery_id)
    service = town.waybill.deliveries
    match chance.randrange(8):
        case 0 | 1:
            town.move(delivery_id, chance.choice(list(DeliveryStatus)), driver_id=any_of("driver"))
        case 2 | 3:
            town.reach(delivery_id, state.route_id, chance.randint(1, 2))
        case 4:
            proof = delivery_commands.CaptureProof(
                delivery_id=delivery_id, receiver_name="R", signature_url="/s"
            )
            service.capture_proof(proof, CONTEXT)
        case 5:
            command = delivery_commands.AssignDriver(delivery_id=delivery_id, driver_id=any_of("driver"))
            service.assign_driver(command, CONTEXT)
        case 6:
            report = delivery_commands.ReportIncident(
                delivery_id=delivery_id, type=delivery_commands.IncidentType.DELAY, description="slow"
            )
            incident_id = service.report_incident(report, CONTEXT).result["incidentId"]
            if chance.random() < 0.5:
                resolve = delivery_commands.ResolveIncident(delivery_id=delivery_id, incident_id=incident_id)
                service.resolve_incident(resolve, CONTEXT)
        case _:
            town.activate(any_of("route"), chance.choice(list(RouteStatus)))


@pytest.mark.parametrize("seed", range(6))
def test_rows_equal_the_fold_of_the_log(town: Town, seed: int) -> None:
    ids = live_a_while(town, seed, steps=150)
    fold = Executor(town.waybill.store, town.waybill.codec)
    with town.seen() as session:
        for driver_id in ids["driver"]:
            state, view = fold.load(DRIVER, driver_id), fleet.find_driver(session, driver_id)
            assert view is not None
            assert view.status == state.status
            assert {(b.delivery_id, b.start_at, b.end_at) for b in view.bookings} == {
                (b.delivery_id, b.start, b.end) for b in state.bookings
            }
        for route_id in ids["route"]:
            route, shown = fold.load(ROUTE, route_id), routes.find_route(session, route_id)
            assert shown is not None
            assert (shown.status, set(shown.used_by)) == (route.status, set(route.used_by))
            assert (shown.checkpoints, shown.scheduled_end_at) == (route.checkpoints, route.scheduled_end)
        for delivery_id in ids["delivery"]:
            known, row = fold.load(DELIVERY, delivery_id), deliveries.find_delivery(session, delivery_id)
            assert row is not None
            assert (row.status, row.driver_id, row.vehicle_id) == (
                known.status,
                known.driver_id,
                known.vehicle_id,
            )
            assert {(s.sequence, s.location) for s in row.stops if s.reached_at} == known.reached
            assert row.open_incidents == sum(not resolved for resolved in known.incidents.values())
        booked = sum(len(fold.load(DRIVER, driver_id).bookings) for driver_id in ids["driver"])
        unfinished = [fold.load(DELIVERY, delivery_id) for delivery_id in ids["delivery"]]
        on_the_road = [
            d for d in unfinished if d.status not in (DeliveryStatus.DELIVERED, DeliveryStatus.FAILED)
        ]
        assert booked == sum(delivery.driver_id is not None for delivery in on_the_road)


def test_rows_of_another_version_are_built_anew(tmp_path: Path) -> None:
    first = start(tmp_path)
    driver_id = Town(first).driver()
    first.runner.catch_up()
    with first.sessions() as session, session.begin():
        session.execute(update(ReadModelVersion).values(version=0))
    first.stop()
    again = start(tmp_path)
    with again.sessions() as session:
        assert fleet.find_driver(session, driver_id) is not None
        assert board_head(session) == 1
    again.stop()


def test_a_retry_takes_the_plan_as_it_is_now(town: Town) -> None:
    route_id, driver_id, vehicle_id = town.route(), town.driver(), town.vehicle()
    delivery_id = town.delivery(route_id, driver_id, vehicle_id)
    town.move(delivery_id, DeliveryStatus.IN_TRANSIT)
    town.reach(delivery_id, route_id, 1)
    town.move(delivery_id, DeliveryStatus.FAILED)
    earlier = route_commands.UpdateRoute(
        route_id=route_id, origin="New depot", destination="Harbour", scheduled_start_time=at(-30)
    )
    town.waybill.routes.update_route(earlier, CONTEXT)
    town.move(delivery_id, DeliveryStatus.PICKED_UP)
    with town.seen() as session:
        view = deliveries.find_delivery(session, delivery_id)
    assert view is not None
    assert (view.origin, view.scheduled_start_at) == ("New depot", at(-30))
    assert [stop.reached_at is not None for stop in view.stops] == [True, False]
    assert view.failure_reason is None


class TestPaging:
    def test_namesakes_are_neither_lost_nor_repeated_though_others_arrive(self, town: Town) -> None:
        added = {town.driver("Äijä") for _ in range(7)}
        seen: list[str] = []
        cursor = None
        while True:
            with town.seen() as session:
                page = fleet.list_drivers(session, q="äIJÄ", limit=2, cursor=cursor)
            seen += [view.driver_id for view in page.items]
            town.driver("Aatu")  # sorts before all of them
            cursor = page.next_cursor
            if cursor is None:
                break
        assert sorted(seen) == sorted(added)

    def test_deliveries_created_at_one_instant_page_by_id(self, town: Town) -> None:
        route_id = town.route()
        now = utc_now()
        context = replace(CONTEXT, occurred_at=now)
        for _ in range(5):
            command = delivery_commands.CreateDelivery(delivery_id=None, route_id=route_id)
            town.waybill.deliveries.create_delivery(command, context)
        seen: list[str] = []
        cursor = None
        with town.seen() as session:
            while True:
                page = deliveries.list_deliveries(session, limit=2, cursor=cursor)
                seen += [view.delivery_id for view in page.items]
                cursor = page.next_cursor
                if cursor is None:
                    break
        assert len(seen) == len(set(seen)) == 5
        assert seen == sorted(seen, reverse=True)

    @pytest.mark.parametrize("cursor", ["", "x", "bnVsbA", "WyJhIl0", "WzEsMl0", "é", "W10" * 50])
    def test_a_foreign_cursor_is_refused(self, town: Town, cursor: str) -> None:
        with town.seen() as session, pytest.raises(BadCursor):
            fleet.list_drivers(session, cursor=cursor)


class TestQueries:
    def test_search_finds_places_people_plates_and_ids(self, town: Town) -> None:
        route_id = town.route(origin="Käpylä")
        delivery_id = town.delivery(route_id, town.driver("Örjan Åke"), town.vehicle("ZZZ-999"))
        town.delivery(town.route(600))
        with town.seen() as session:
            for q in ("KÄPYLÄ", "örjan", "zzz-9", delivery_id[-8:].upper(), "p2"):
                found = [view.delivery_id for view in deliveries.list_deliveries(session, q=q).items]
                assert delivery_id in found, q
                assert q == "p2" or len(found) == 1, q
            assert deliveries.list_deliveries(session, q="100%").items == []
            assert deliveries.list_deliveries(session, q="_").items == []

    def test_shown_status_filters(self, town: Town) -> None:
        free, booked = town.driver("Free"), town.driver("Booked")
        town.delivery(town.route(), booked)
        off = fleet_commands.ChangeDriverStatus(
            driver_id=town.driver("Off"), status=DriverStatus.UNAVAILABLE, reason="ill"
        )
        town.waybill.fleet.change_driver_status(off, CONTEXT)
        with town.seen() as session:
            names = {
                status.value: [view.name for view in fleet.list_drivers(session, status=status).items]
                for status in DriverStatus
            }
            counts = fleet.count_drivers_by_status(session)
        assert names == {
            "Available": ["Free"],
            "Assigned": ["Booked"],
            "Unavailable": ["Off"],
            "Suspended": [],
        }
        assert counts == {"Available": 1, "Assigned": 1, "Unavailable": 1, "Suspended": 0}
        assert free

    def test_who_is_free_minds_edges_buffer_and_own_booking(self, town: Town) -> None:
        driver_id = town.driver()
        delivery_id = town.delivery(town.route(), driver_id)  # booked 0–40
        with town.seen() as session:

            def is_free(start: float, end: float, **more: Any) -> bool:
                return bool(fleet.list_free_drivers(session, at(start), at(end), **more))

            assert is_free(40, 60)
            assert is_free(-20, 0)
            assert not is_free(39, 60)
            assert not is_free(45, 60, buffer=timedelta(minutes=6))
            assert is_free(46, 60, buffer=timedelta(minutes=6))
            assert is_free(0, 40, not_counting=delivery_id)

    def test_a_day_holds_its_own_and_what_is_left_over(self, town: Town) -> None:
        yesterday, today, tomorrow = (town.delivery(town.route(1440 * day)) for day in (-1, 0, 1))
        done = town.delivery(town.route(-1440))
        town.move(done, DeliveryStatus.FAILED)  # failed now, which is another day than noon of the plan
        with town.seen() as session:
            shown = {view.delivery_id for view in deliveries.list_day(session, at(-60), at(60))}
        assert shown == {yesterday, today}
        assert tomorrow not in shown

    def test_lateness_is_carried_on_and_grows_when_overdue(self, town: Town) -> None:
        route_id = town.route()
        delivery_id = town.delivery(route_id, town.driver(), town.vehicle())
        with town.seen() as session:
            view = deliveries.find_delivery(session, delivery_id)
        assert view is not None
        assert view.predicted_delay(at(0)) == timedelta(0)
        assert view.predicted_delay(at(27)) == timedelta(minutes=7)
        assert not view.is_late(at(24))
        assert view.is_late(at(25))
        first = replace(view.stops[0], reached_at=at(32))
        late = replace(view, stops=(first, *view.stops[1:]))
        assert late.predicted_delay(at(33)) == timedelta(minutes=12)
        assert late.predicted_delay(at(60)) == timedelta(minutes=20)
        assert replace(late, status="Delivered").predicted_delay(at(600)) == timedelta(0)


def test_the_boards_log_is_gapless_and_says_when_it_forgot(town: Town) -> None:
    for number in range(5):
        town.driver(f"D{number}")
    with town.seen() as session:
        changes = list_board_changes(session, 0, 3)
        assert changes is not None
        assert [change.seq for change in changes] == [1, 2, 3]
        assert list_board_changes(session, 5, 10) == []
        assert list_board_changes(session, 6, 10) is None
        session.query(BoardChange).filter(BoardChange.seq <= 2).delete()
        assert list_board_changes(session, 0, 10) is None
        assert [change.seq for change in list_board_changes(session, 2, 10) or []] == [3, 4, 5]


def test_names_licences_and_receivers_are_marked_as_personal(waybill: Waybill) -> None:
    marked = {name: set(personal_fields(cls)) for name, cls in waybill.codec.classes.items()}
    assert {"name", "driver_license"} <= marked["DriverAdded"] & marked["DriverUpdated"]
    assert {"receiver_name", "signature_url", "note"} <= marked["ProofOfDeliveryCaptured"]
    assert "description" in marked["IncidentReported"]
