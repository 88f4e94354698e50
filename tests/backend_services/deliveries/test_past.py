"""The past of a day equals what its rows were then, whatever happened since."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backend_services.deliveries import commands as deliveries
from backend_services.deliveries.commands import DeliveryStatus, FailureReason, IncidentType
from backend_services.deliveries.past_days import PastDay, PastDays
from backend_services.deliveries.queries import DeliveryView, find_delivery, list_day
from backend_services.fleet import commands as fleet
from backend_services.routes import commands as routes
from backend_services.routes.commands import Checkpoint, RouteStatus
from backend_services.settings import load_settings
from eventstore.doors import Doors
from eventstore.execute import Context, Refusal
from webapp.wiring import Waybill, build

MORNING = datetime(2026, 5, 4, 6, tzinfo=UTC)


@dataclass
class Clock:
    """The time of day, which stands still until it is set."""

    now: datetime = MORNING


@dataclass
class Days:
    """A Waybill whose clock we hold, and shortcuts over its services."""

    waybill: Waybill
    clock: Clock
    ids: dict[str, list[str]] = field(default_factory=dict)

    def context(self, claimed: datetime | None = None) -> Context:
        return Context("tester", "test", occurred_at=claimed)

    def bounds(self) -> tuple[datetime, datetime]:
        """The UTC day of the clock."""
        start = self.clock.now.replace(hour=0, minute=0, second=0, microsecond=0)
        return start, start + timedelta(days=1)

    def rows(self) -> dict[str, DeliveryView]:
        """Today's board as the read models have it now."""
        self.waybill.runner.catch_up()
        with self.waybill.sessions() as session:
            return {view.delivery_id: view for view in list_day(session, *self.bounds())}

    def past(self, days: PastDays, start: datetime) -> PastDay:
        self.waybill.runner.catch_up()
        with self.waybill.sessions() as session:
            return days.read(session, start, start + timedelta(days=1))

    def view(self, delivery_id: str) -> DeliveryView:
        self.waybill.runner.catch_up()
        with self.waybill.sessions() as session:
            found = find_delivery(session, delivery_id)
        assert found is not None
        return found

    def driver(self, name: str) -> str:
        command = fleet.AddDriver(driver_id=None, name=name, driver_license=f"L {name}")
        return str(self.waybill.fleet.add_driver(command, self.context()).result["id"])

    def rename(self, driver_id: str, name: str) -> None:
        command = fleet.UpdateDriver(driver_id=driver_id, name=name, driver_license="L")
        self.waybill.fleet.update_driver(command, self.context())

    def vehicle(self, registration: str) -> str:
        command = fleet.AddVehicle(vehicle_id=None, registration=registration, vehicle_type="Van")
        return str(self.waybill.fleet.add_vehicle(command, self.context()).result["id"])

    def route(self, start: datetime) -> str:
        stops = tuple(
            Checkpoint(
                sequence=number, location=f"P{number}", expected_time=start + timedelta(minutes=20 * number)
            )
            for number in (1, 2)
        )
        create = routes.CreateRoute(
            route_id=None,
            origin="Depot",
            destination="Harbour",
            scheduled_start_time=start,
            checkpoints=stops,
        )
        route_id = str(self.waybill.routes.create_route(create, self.context()).result["id"])
        activate = routes.ChangeRouteStatus(route_id=route_id, status=RouteStatus.ACTIVE)
        self.waybill.routes.change_route_status(activate, self.context())
        return route_id

    def delivery(self, route_id: str, driver_id: str | None = None, vehicle_id: str | None = None) -> str:
        command = deliveries.CreateDelivery(
            delivery_id=None, route_id=route_id, driver_id=driver_id, vehicle_id=vehicle_id
        )
        return str(self.waybill.deliveries.create_delivery(command, self.context()).result["id"])

    def move(self, delivery_id: str, status: DeliveryStatus, claimed: datetime | None = None) -> None:
        reason = FailureReason.NOT_HOME if status == DeliveryStatus.FAILED else None
        command = deliveries.ChangeDeliveryStatus(delivery_id=delivery_id, status=status, reason=reason)
        self.waybill.deliveries.change_status(command, self.context(claimed))

    def reach(self, delivery_id: str, number: int, claimed: datetime | None = None) -> None:
        command = deliveries.ReachCheckpoint(
            delivery_id=delivery_id,
            route_id=self.view(delivery_id).route_id,
            sequence=number,
            location=f"P{number}",
        )
        self.waybill.deliveries.reach_checkpoint(command, self.context(claimed))


@pytest.fixture
def days(tmp_path: Path) -> Iterator[Days]:
    clock = Clock()
    running = build(load_settings({"WAYBILL_DATA_DIR": str(tmp_path)}), Doors(now=lambda: clock.now))
    yield Days(running, clock)
    running.stop()


def something_happens(days: Days, chance: random.Random) -> None:
    """One random command; many of them are refused."""
    any_of = {kind: chance.choice(known) for kind, known in days.ids.items() if known}
    claimed = (
        days.clock.now - timedelta(minutes=chance.choice([2, 90, 2_000])) if chance.random() < 0.3 else None
    )
    delivery_id, service = any_of.get("delivery"), days.waybill.deliveries
    action = chance.randrange(10)
    if delivery_id is None or action == 0:
        parties = [any_of[kind] if chance.random() < 0.7 else None for kind in ("driver", "vehicle")]
        days.ids["delivery"].append(days.delivery(any_of["route"], *parties))
    elif action <= 3:
        days.move(delivery_id, chance.choice(list(DeliveryStatus)), claimed)
    elif action <= 5:
        days.reach(delivery_id, chance.randint(1, 2), claimed)
    elif action == 6:
        proof = deliveries.CaptureProof(delivery_id=delivery_id, receiver_name="R", signature_url="/s")
        service.capture_proof(proof, days.context(claimed))
    elif action == 7:
        driver = chance.choice([any_of["driver"], None])
        service.assign_driver(
            deliveries.AssignDriver(delivery_id=delivery_id, driver_id=driver), days.context()
        )
    elif action == 8:
        report = deliveries.ReportIncident(
            delivery_id=delivery_id, type=IncidentType.DELAY, description="slow"
        )
        incident_id = service.report_incident(report, days.context(claimed)).result["incidentId"]
        days.clock.now += timedelta(seconds=chance.randrange(90))
        resolve = deliveries.ResolveIncident(delivery_id=delivery_id, incident_id=incident_id)
        if chance.random() < 0.5:
            service.resolve_incident(resolve, days.context())
    elif chance.random() < 0.5:
        days.rename(any_of["driver"], f"Name {chance.randrange(1_000)}")
    else:
        days.ids["route"].append(
            days.route(days.clock.now + timedelta(minutes=chance.randrange(-600, 1_800)))
        )


@pytest.mark.parametrize("seed", range(4))
def test_the_board_at_an_instant_is_what_its_rows_were_then(days: Days, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    days.ids = {
        "driver": [days.driver(f"D{number}") for number in range(4)],
        "vehicle": [days.vehicle(f"V{number}") for number in range(4)],
        "route": [days.route(MORNING + timedelta(hours=hour)) for hour in (0, 2, 4, 20, 26)],
        "delivery": [],
    }
    remembered: dict[datetime, dict[str, DeliveryView]] = {}
    asked_along = PastDays(days.waybill.store, days.waybill.codec)
    for number in range(160):
        days.clock.now += timedelta(
            minutes=chance.randrange(40), microseconds=chance.randrange(1_000_000) + 1
        )
        try:
            something_happens(days, chance)
        except Refusal:
            continue
        remembered[days.clock.now] = days.rows()
        if number % 20 == 0:  # what was kept of a day must not hide what came later
            days.past(asked_along, days.bounds()[0])

    asked_at_the_end = PastDays(days.waybill.store, days.waybill.codec)
    assert len({at.date() for at in remembered}) >= 2
    for reader in (asked_at_the_end, asked_along):
        for at, rows in remembered.items():
            start = at.replace(hour=0, minute=0, second=0, microsecond=0)
            then = {each.view.delivery_id: each.view for each in days.past(reader, start).board_at(at)}
            assert then == rows


def test_what_was_sent_late_is_unknown_before_and_named_as_unheard(days: Days) -> None:
    delivery_id = days.delivery(days.route(MORNING), days.driver("Ana"), days.vehicle("V1"))
    days.move(delivery_id, DeliveryStatus.IN_TRANSIT)
    reached_at, sent_at = MORNING + timedelta(minutes=20), MORNING + timedelta(minutes=70)
    days.clock.now = sent_at
    days.reach(delivery_id, 1, claimed=reached_at)

    day = days.past(days.waybill.past_days, days.bounds()[0])

    [then] = day.board_at(MORNING + timedelta(minutes=30))
    assert then.view.reached_count == 0
    assert [fact.recorded.type for fact in then.unheard] == ["CheckpointReached"]
    [before] = day.board_at(MORNING + timedelta(minutes=19))
    assert before.unheard == ()
    [known] = day.board_at(sent_at)
    assert (known.view.reached_count, known.unheard) == (1, ())
    assert known.view.stops[0].reached_at == reached_at


def test_names_are_those_of_that_time(days: Days) -> None:
    ana = days.driver("Ana Old")
    delivery_id = days.delivery(days.route(MORNING), ana)
    days.clock.now += timedelta(hours=1)
    days.rename(ana, "Ana New")

    day = days.past(days.waybill.past_days, days.bounds()[0])

    names = [day.board_at(at)[0].view.driver_name for at in (MORNING, days.clock.now)]
    assert names == ["Ana Old", "Ana New"]
    assert days.view(delivery_id).driver_name == "Ana New"


def test_changes_are_found_before_and_after_an_instant(days: Days) -> None:
    delivery_id = days.delivery(days.route(MORNING), days.driver("Ana"), days.vehicle("V1"))
    later = days.clock.now = MORNING + timedelta(minutes=5)
    days.move(delivery_id, DeliveryStatus.IN_TRANSIT)

    day = days.past(days.waybill.past_days, days.bounds()[0])

    between = MORNING + timedelta(minutes=1)
    assert (day.change_before(between), day.change_after(between)) == (MORNING, later)
    assert (day.change_before(MORNING), day.change_after(later)) == (None, None)
    assert day.board_at(MORNING - timedelta(microseconds=1)) == []


def test_a_clock_that_went_back_does_not_change_the_order_of_a_stream(days: Days) -> None:
    delivery_id = days.delivery(days.route(MORNING), days.driver("Ana"), days.vehicle("V1"))
    days.clock.now = MORNING - timedelta(minutes=2)
    days.move(delivery_id, DeliveryStatus.IN_TRANSIT)

    day = days.past(days.waybill.past_days, days.bounds()[0])

    assert day.board_at(MORNING - timedelta(minutes=1)) == []
    assert [each.view.status for each in day.board_at(MORNING)] == ["InTransit"]
