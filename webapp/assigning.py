"""From forms that give a delivery a driver or vehicle to commands: its own page, the board's drawer, many at once."""

from collections.abc import Callable
from typing import Literal

from flask import abort, request

from backend_services.deliveries.commands import AssignDriver, AssignVehicle
from backend_services.deliveries.queries import DeliveryView
from eventstore.execute import Context, Outcome, Refusal
from webapp.acting import parse_uuid, waybill

What = Literal["driver", "vehicle"]
BOTH: tuple[What, What] = ("driver", "vehicle")


def chosen_in_form(what: str) -> str | None:
    """The driver or vehicle that the form names; None for nobody. What is no id at all is a forged form."""
    text = request.form.get(what, "")
    chosen = parse_uuid(text)
    if text and chosen is None:
        abort(400, f"Choose a {what} from the list.")
    return chosen


def assigned(view: DeliveryView, what: str) -> str | None:
    """The id of the driver or vehicle that the delivery has."""
    return view.driver_id if what == "driver" else view.vehicle_id


def assigned_name(view: DeliveryView, what: str) -> str | None:
    """The name of the driver or the registration of the vehicle that the delivery has."""
    return view.driver_name if what == "driver" else view.vehicle_registration


def assigning(delivery_id: str, what: str, chosen: str | None) -> Callable[[Context], Outcome]:
    """What sends the command that gives the delivery to the chosen driver or vehicle, or takes it away."""
    service = waybill().deliveries
    if what == "driver":
        to_driver = AssignDriver(delivery_id=delivery_id, driver_id=chosen)
        return lambda context: service.assign_driver(to_driver, context)
    to_vehicle = AssignVehicle(delivery_id=delivery_id, vehicle_id=chosen)
    return lambda context: service.assign_vehicle(to_vehicle, context)


def changed_since(view: DeliveryView, what: str, before: str | None, chosen: str | None) -> Refusal | None:
    """Why a form that replaces `before` by `chosen` must not be carried out: somebody else was faster, and its reader
    didn't see that. None where the delivery still has what the form shows."""
    if assigned(view, what) in (before, chosen):
        return None
    name = assigned_name(view, what)
    now = f"It has {name} now" if name else f"It has no {what} any more"
    return Refusal("changed_since", f"Somebody has changed the {what} since you looked. {now}. Choose again.")
