"""One Waybill over real files, and shortcuts over its services that tests tell their stories with."""

from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from backend_services.deliveries import commands as delivery_commands
from backend_services.deliveries.commands import DeliveryStatus
from backend_services.fleet import commands as fleet_commands
from backend_services.routes import commands as route_commands
from backend_services.routes.commands import Checkpoint, RouteStatus
from backend_services.settings import load_settings
from eventstore.execute import Context, Outcome
from tests.backend_services.specification import at
from webapp.wiring import Waybill, build

CONTEXT = Context("tester", "test")


def start(data_dir: Path) -> Waybill:
    """Waybill on this data folder, its rows up to date; the projections run only when `Town.seen` is asked."""
    running = build(load_settings({"WAYBILL_DATA_DIR": str(data_dir)}))
    running.runner.catch_up()
    return running


class Town:
    """Shortcuts over the services of one Waybill."""

    def __init__(self, waybill: Waybill) -> None:
        self.waybill = waybill

    def seen(self) -> Session:
        """A session on rows that are up to date."""
        self.waybill.runner.catch_up()
        return self.waybill.sessions()

    def driver(self, name: str = "Aino") -> str:
        command = fleet_commands.AddDriver(driver_id=None, name=name, driver_license=f"L {name}")
        return str(self.waybill.fleet.add_driver(command, CONTEXT).result["id"])

    def vehicle(self, registration: str = "ABC-1") -> str:
        command = fleet_commands.AddVehicle(vehicle_id=None, registration=registration, vehicle_type="Van")
        return str(self.waybill.fleet.add_vehicle(command, CONTEXT).result["id"])

    def route(self, minutes: float = 0, stops: int = 2, origin: str = "Depot") -> str:
        checkpoints = tuple(
            Checkpoint(sequence=number, location=f"P{number}", expected_time=at(minutes + 20 * number))
            for number in range(1, stops + 1)
        )
        command = route_commands.CreateRoute(
            route_id=None,
            origin=origin,
            destination="Harbour",
            scheduled_start_time=at(minutes),
            checkpoints=checkpoints,
        )
        route_id = str(self.waybill.routes.create_route(command, CONTEXT).result["id"])
        self.activate(route_id, RouteStatus.ACTIVE)
        return route_id

    def activate(self, route_id: str, status: RouteStatus) -> Outcome:
        command = route_commands.ChangeRouteStatus(route_id=route_id, status=status)
        return self.waybill.routes.change_route_status(command, CONTEXT)

    def delivery(self, route_id: str, driver_id: str | None = None, vehicle_id: str | None = None) -> str:
        command = delivery_commands.CreateDelivery(
            delivery_id=None, route_id=route_id, driver_id=driver_id, vehicle_id=vehicle_id
        )
        return str(self.waybill.deliveries.create_delivery(command, CONTEXT).result["id"])

    def move(self, delivery_id: str, status: DeliveryStatus, **more: Any) -> Outcome:
        command = delivery_commands.ChangeDeliveryStatus(delivery_id=delivery_id, status=status, **more)
        return self.waybill.deliveries.change_status(command, CONTEXT)

    def reach(self, delivery_id: str, route_id: str, number: int) -> Outcome:
        command = delivery_commands.ReachCheckpoint(
            delivery_id=delivery_id, route_id=route_id, sequence=number, location=f"P{number}"
        )
        return self.waybill.deliveries.reach_checkpoint(command, CONTEXT)
