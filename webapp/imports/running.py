"""Carrying out a confirmed import, a slice per request, so that no request takes long however large the file is."""

import logging
import time
from dataclasses import dataclass
from uuid import UUID, uuid5

import msgspec

from backend_services.command_bus import CommandFailed, CommandPending
from backend_services.fleet.commands import AddDriver, AddVehicle
from backend_services.routes.commands import ChangeRouteStatus, CreateRoute, RouteStatus
from eventstore.execute import CommandReused, Contention, Context, Outcome, Refusal
from eventstore.ports import EventStoreError
from webapp.acting import acting, settle, waybill
from webapp.database import db
from webapp.imports.items import Kind, State, command_id
from webapp.imports.models import Import, ItemView, Result, end_import, keep_results, list_items
from webapp.presentation import in_plain_words

SLICE_S = 1.0
MOST_IN_A_SLICE = 250

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Slice:
    """What one request did. `is_held_up` when the store or the workers don't answer; the rest can be done later."""

    is_done: bool
    is_held_up: bool


def run_slice(known: Import) -> Slice:
    """Do the next commands for about a second.

    A command's id follows from the file, the row and who imports it: what was done before an interruption, or is done
    by another request at this moment, isn't done twice.
    """
    import_id, owner, kind, activates = known.id, known.owner, Kind(known.kind), known.activates
    items = list_items(import_id, [State.READY], limit=MOST_IN_A_SLICE)
    db.session.rollback()  # nothing is held while the commands run
    bound = time.monotonic() + SLICE_S
    results: list[Result] = []
    outcomes: list[Outcome] = []
    is_held_up = False
    for item in items:
        try:
            result, made = _do_one(kind, item, owner, activates)
        except (CommandPending, Contention, EventStoreError) as error:
            log.warning("an import is held up: %s", type(error).__name__)
            is_held_up = True
            break
        results.append(result)
        outcomes += made
        if time.monotonic() > bound:
            break
    keep_results(import_id, results)
    is_done = not is_held_up and len(results) == len(items) < MOST_IN_A_SLICE
    if is_done:
        settle(*outcomes)
        end_import(import_id)
    return Slice(is_done, is_held_up)


def _do_one(kind: Kind, item: ItemView, owner: str, activates: bool) -> tuple[Result, list[Outcome]]:
    context = acting(command_id(item.subject_id, owner))
    try:
        outcomes = _send(kind, item, context, activates)
    except Refusal as refusal:
        if refusal.kind == "exists":
            return Result(item.number, State.THERE, "Imported from this file before."), []
        return Result(item.number, State.REFUSED, in_plain_words(refusal.message)), []
    except CommandReused:
        said = "This row was imported before, when it was read in another way. Look at what is there."
        return Result(item.number, State.REFUSED, said), []
    except CommandFailed:
        said = "Something went wrong on our side with this row. It has been logged."
        return Result(item.number, State.REFUSED, said), []
    return Result(item.number, State.MADE), outcomes


def _send(kind: Kind, item: ItemView, context: Context, activates: bool) -> list[Outcome]:
    command = item.command or b""
    if kind is Kind.DRIVERS:
        return [waybill().fleet.add_driver(msgspec.json.decode(command, type=AddDriver), context)]
    if kind is Kind.VEHICLES:
        return [waybill().fleet.add_vehicle(msgspec.json.decode(command, type=AddVehicle), context)]
    created = waybill().routes.create_route(msgspec.json.decode(command, type=CreateRoute), context)
    if not activates:
        return [created]
    activation = ChangeRouteStatus(route_id=item.subject_id, status=RouteStatus.ACTIVE)
    activating = acting(str(uuid5(UUID(context.command_id), "activate")))
    return [created, waybill().routes.change_route_status(activation, activating)]
