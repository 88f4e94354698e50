"""A full day for measuring: written by the services themselves into a data folder, before the program starts on it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from backend_services.deliveries import commands as deliveries
from backend_services.deliveries.commands import DeliveryStatus
from backend_services.fleet import commands as fleet
from backend_services.fleet.positions import Fix
from backend_services.routes import commands as routes
from backend_services.routes.commands import Checkpoint, RouteStatus
from backend_services.settings import load_settings
from e2e.conftest import PASSWORD
from eventstore.execute import Context, Outcome
from ops.processes import wait_until
from webapp import create_app
from webapp.accounts.models import create_account
from webapp.demo.city import Address, load_addresses
from webapp.wiring import Waybill

STEP = 61  # from one checkpoint to the next in the list of addresses, so that they are all over the city
SHOWN_WITHIN_S = 120.0


def seed_full_day(folder: Path, environ: dict[str, str], count: int, drivers: int) -> None:
    """`count` deliveries round this minute: a fifth of each driver's over, one on the road, others to come; every
    20th without a driver. Every checkpoint is at an address of the demo city, every driver has reported a position."""
    app = create_app(load_settings({"WAYBILL_DATA_DIR": str(folder), **environ}))
    waybill: Waybill = app.extensions["waybill"]
    waybill.start()
    with app.app_context():
        create_account("dana", PASSWORD, "dispatcher", "Dana")
    crew = [_add_pair(waybill, number) for number in range(drivers)]
    last = None
    for number in range(count):
        turn, who = divmod(number, drivers)
        last = _add_delivery(waybill, number, turn, who, None if number % 20 == 19 else crew[who])
    for number, (driver_id, _) in enumerate(crew):
        waybill.positions.report(driver_id, [fix_of(number)])
    wait_until(lambda: last is None or waybill.rows.wait_for(last, 1), SHOWN_WITHIN_S, "rows of a full day")
    waybill.stop()


def fix_of(number: int, round_: int = 0) -> Fix:
    """Where this driver is at that report: an address of the demo city, and some metres further on at each next one."""
    place = _address(number * 3)
    return Fix(
        place.latitude + 0.00012 * (round_ % 8),
        place.longitude + 0.00009 * (number % 5) * (round_ % 8),
        datetime.now(UTC),
        heading_deg=float(number * 47 % 360),
    )


def _address(number: int) -> Address:
    addresses = load_addresses()
    return addresses[number * STEP % len(addresses)]


def _send(send: Any, command: Any) -> Outcome:
    outcome: Outcome = send(command, Context(actor="system:seed", correlation_id="seed"))
    return outcome


def _add_pair(waybill: Waybill, number: int) -> tuple[str, str]:
    add_driver = fleet.AddDriver(
        driver_id=None, name=f"Driver {number:03} Virtanen", driver_license=f"L-{number}"
    )
    add_vehicle = fleet.AddVehicle(vehicle_id=None, registration=f"VAN-{number:03}", vehicle_type="Van")
    driver, vehicle = (
        _send(waybill.fleet.add_driver, add_driver),
        _send(waybill.fleet.add_vehicle, add_vehicle),
    )
    return driver.result["id"], vehicle.result["id"]


def _add_delivery(
    waybill: Waybill, number: int, turn: int, who: int, pair: tuple[str, str] | None
) -> Outcome:
    start = datetime.now(UTC) + timedelta(minutes=(turn - 1) * 75 - who % 40)
    places = [_address(number * 3 + place) for place in (1, 2, 3)]
    stops = tuple(
        Checkpoint(
            sequence=place,
            location=address.text,
            expected_time=start + timedelta(minutes=20 * place),
            latitude=address.latitude,
            longitude=address.longitude,
        )
        for place, address in enumerate(places, 1)
    )
    plan = routes.CreateRoute(
        route_id=None,
        origin="Depot",
        destination=places[-1].text,
        scheduled_start_time=start,
        checkpoints=stops,
    )
    route_id = _send(waybill.routes.create_route, plan).result["id"]
    _send(
        waybill.routes.change_route_status,
        routes.ChangeRouteStatus(route_id=route_id, status=RouteStatus.ACTIVE),
    )
    driver_id, vehicle_id = pair or (None, None)
    create = deliveries.CreateDelivery(
        delivery_id=None, route_id=route_id, driver_id=driver_id, vehicle_id=vehicle_id
    )
    created = _send(waybill.deliveries.create_delivery, create)
    if pair is None or turn > 1:
        return created
    delivery_id = created.result["id"]
    last = _move(waybill, delivery_id, DeliveryStatus.IN_TRANSIT)
    if turn == 0:
        return _move(waybill, delivery_id, DeliveryStatus.FAILED, reason="not_home")
    if who % 2:
        reach = deliveries.ReachCheckpoint(
            delivery_id=delivery_id, route_id=route_id, sequence=1, location=stops[0].location
        )
        last = _send(waybill.deliveries.reach_checkpoint, reach)
    return last


def _move(waybill: Waybill, delivery_id: str, status: DeliveryStatus, reason: str | None = None) -> Outcome:
    command = deliveries.ChangeDeliveryStatus(delivery_id=delivery_id, status=status, reason=reason)
    return _send(waybill.deliveries.change_status, command)
