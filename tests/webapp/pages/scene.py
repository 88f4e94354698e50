"""Sets scenes through the services, as other dispatchers and drivers would have done."""

from datetime import UTC, datetime, time, timedelta
from itertools import count
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from flask import Flask

from backend_services.deliveries import commands as deliveries
from backend_services.deliveries.commands import DeliveryStatus
from backend_services.deliveries.queries import DeliveryView, find_delivery, list_incidents_of
from backend_services.fleet import commands as fleet
from backend_services.fleet.queries import DriverView, VehicleView, find_driver, find_vehicle
from backend_services.routes import commands as routes
from backend_services.routes.commands import Checkpoint, RouteStatus
from backend_services.routes.queries import RouteView, find_route
from eventstore.execute import Context, Outcome
from webapp.wiring import Waybill

HELSINKI = ZoneInfo("Europe/Helsinki")

_numbers = count(1)


class Scene:
    """What is there, and shortcuts to make more of it. Times are minutes from the module's noon."""

    def __init__(self, app: Flask) -> None:
        self.waybill: Waybill = app.extensions["waybill"]
        tomorrow = datetime.now(HELSINKI).date() + timedelta(days=1)
        self.noon = datetime.combine(tomorrow, time(12), UTC)

    def at(self, minutes: float) -> datetime:
        """An instant that many minutes after 12:00 UTC of tomorrow, as the pages count days."""
        return self.noon + timedelta(minutes=minutes)

    def add_driver(self, name: str | None = None, licence: str | None = None) -> DriverView:
        number = next(_numbers)
        command = fleet.AddDriver(
            driver_id=None, name=name or f"Driver {number}", driver_license=licence or f"L-{number}"
        )
        added = self.do(self.waybill.fleet.add_driver, command)
        return self.driver(added)

    def add_vehicle(self, registration: str | None = None) -> VehicleView:
        command = fleet.AddVehicle(
            vehicle_id=None, registration=registration or f"ABC-{next(_numbers)}", vehicle_type="Van"
        )
        return self.vehicle(self.do(self.waybill.fleet.add_vehicle, command))

    def add_route(
        self,
        start: float = 0,
        stops: int = 2,
        active: bool = True,
        origin: str = "Depot",
        destination: str = "Harbour",
    ) -> RouteView:
        """A route with stops called Stop 1, Stop 2, … every 20 minutes."""
        command = routes.CreateRoute(
            route_id=None,
            origin=origin,
            destination=destination,
            scheduled_start_time=self.at(start),
            checkpoints=tuple(
                Checkpoint(
                    sequence=number, location=f"Stop {number}", expected_time=self.at(start + 20 * number)
                )
                for number in range(1, stops + 1)
            ),
        )
        route_id = self.do(self.waybill.routes.create_route, command)
        if active:
            activate = routes.ChangeRouteStatus(route_id=route_id, status=RouteStatus.ACTIVE)
            self.do(self.waybill.routes.change_route_status, activate)
        return self.route(route_id)

    def add_delivery(
        self,
        route: RouteView | None = None,
        driver: DriverView | None = None,
        vehicle: VehicleView | None = None,
    ) -> DeliveryView:
        command = deliveries.CreateDelivery(
            delivery_id=None,
            route_id=(route or self.add_route()).route_id,
            driver_id=driver.driver_id if driver else None,
            vehicle_id=vehicle.vehicle_id if vehicle else None,
        )
        return self.delivery(self.do(self.waybill.deliveries.create_delivery, command))

    def add_running_delivery(self, stops: int = 2, reached: int = 0) -> DeliveryView:
        """A delivery on the road, with the first stops reached."""
        known = self.add_delivery(self.add_route(stops=stops), self.add_driver(), self.add_vehicle())
        self.move(known, DeliveryStatus.IN_TRANSIT)
        for stop in known.stops[:reached]:
            reach = deliveries.ReachCheckpoint(
                delivery_id=known.delivery_id,
                route_id=known.route_id,
                sequence=stop.sequence,
                location=stop.location,
            )
            self.do(self.waybill.deliveries.reach_checkpoint, reach)
        return self.delivery(known.delivery_id)

    def move(self, known: DeliveryView, status: DeliveryStatus, **more: Any) -> DeliveryView:
        command = deliveries.ChangeDeliveryStatus(delivery_id=known.delivery_id, status=status, **more)
        self.do(self.waybill.deliveries.change_status, command)
        return self.delivery(known.delivery_id)

    def add_incident(self, known: DeliveryView, description: str = "Standing in a jam") -> str:
        """Report an incident and answer its id."""
        command = deliveries.ReportIncident(
            delivery_id=known.delivery_id, type=deliveries.IncidentType.TRAFFIC, description=description
        )
        outcome = self.run(self.waybill.deliveries.report_incident, command)
        return str(outcome.result["incidentId"])

    def route(self, route_id: str) -> RouteView:
        with self.waybill.sessions() as session:
            found = find_route(session, route_id)
        assert found is not None
        return found

    def driver(self, driver_id: str) -> DriverView:
        with self.waybill.sessions() as session:
            found = find_driver(session, driver_id)
        assert found is not None
        return found

    def vehicle(self, vehicle_id: str) -> VehicleView:
        with self.waybill.sessions() as session:
            found = find_vehicle(session, vehicle_id)
        assert found is not None
        return found

    def delivery(self, delivery_id: str) -> DeliveryView:
        with self.waybill.sessions() as session:
            found = find_delivery(session, delivery_id)
        assert found is not None
        return found

    def open_incidents(self, known: DeliveryView) -> int:
        with self.waybill.sessions() as session:
            return sum(one.resolved_at is None for one in list_incidents_of(session, known.delivery_id))

    def count_events(self) -> int:
        """How many events there are: a command that is sent twice adds none."""
        return self.waybill.store.head()

    def run(self, send: Any, command: Any) -> Outcome:
        outcome: Outcome = send(command, Context(actor="system:scene", correlation_id=str(uuid4())))
        assert self.waybill.wait_for(outcome), "the rows are behind"
        return outcome

    def do(self, send: Any, command: Any) -> str:
        return str(self.run(send, command).result["id"])


def local(scene: Scene, minutes: float = 0) -> str:
    """An instant of the scene as one types it into a datetime-local input."""
    return scene.at(minutes).astimezone(HELSINKI).strftime("%Y-%m-%dT%H:%M")


def clock(scene: Scene, minutes: float = 0) -> str:
    """The time of the day of an instant of the scene, as pages show it."""
    return scene.at(minutes).astimezone(HELSINKI).strftime("%H:%M")
