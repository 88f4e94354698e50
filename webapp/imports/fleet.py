"""Rows of drivers and vehicles."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from sqlalchemy.orm import Session

from backend_services.fleet.commands import AddDriver, AddVehicle
from backend_services.fleet.driver import Driver, add_driver
from backend_services.fleet.queries import (
    find_same_drivers,
    find_same_vehicles,
    list_known_drivers,
    list_known_vehicles,
)
from backend_services.fleet.vehicle import Vehicle, add_vehicle
from eventstore.execute import Refusal
from webapp.imports.columns import DRIVERS, VEHICLES, Column, Found
from webapp.imports.items import Item, Kind, State, subject_id
from webapp.imports.reading import Row, Sheet
from webapp.imports.values import Unclear, text_value
from webapp.presentation import in_plain_words


def plan_drivers(session: Session, sheet: Sheet, found: Found, file_sha256: str) -> list[Item]:
    """A driver per row; warned when name or licence is that of another one, there or further up in the file."""
    items = []
    for row in sheet.rows:
        values = _all_values(DRIVERS, found, row)
        name = values["name"] or f"{values['first_name']} {values['last_name']}".strip()
        new_id = subject_id(Kind.DRIVERS, file_sha256, row.number)
        command = AddDriver(driver_id=new_id, name=name, driver_license=values["driver_license"])
        item = Item(new_id, (name, command.driver_license), [row], command)
        _check(item, row, found, {"The name": name, "The licence": command.driver_license})
        if item.is_ready:
            _check_rules(item, row, partial(add_driver, Driver(), command, new_id))
        items.append(item)
    _mark_known(items, list_known_drivers(session, [item.subject_id for item in items]))
    _warn_of_alike_drivers(session, [item for item in items if item.is_ready])
    return items


def plan_vehicles(session: Session, sheet: Sheet, found: Found, file_sha256: str) -> list[Item]:
    """A vehicle per row; warned when the registration is that of another one, there or further up in the file."""
    items = []
    for row in sheet.rows:
        values = _all_values(VEHICLES, found, row)
        new_id = subject_id(Kind.VEHICLES, file_sha256, row.number)
        command = AddVehicle(
            vehicle_id=new_id, registration=values["registration"], vehicle_type=values["vehicle_type"]
        )
        item = Item(new_id, (command.registration, command.vehicle_type), [row], command)
        _check(item, row, found, {"The registration": command.registration, "The type": command.vehicle_type})
        if item.is_ready:
            _check_rules(item, row, partial(add_vehicle, Vehicle(), command, new_id))
        items.append(item)
    _mark_known(items, list_known_vehicles(session, [item.subject_id for item in items]))
    ready = [item for item in items if item.is_ready]
    present = find_same_vehicles(session, [item.shown[0] for item in ready])
    earlier: dict[str, int] = {}
    for item in ready:
        key = item.shown[0].casefold()
        if key in present:
            item.warn("A vehicle with this registration is there already.")
        elif key in earlier:
            item.warn(f"Row {earlier[key]} has the same registration.")
        earlier.setdefault(key, item.rows[0].number)
    return items


def _all_values(columns: Sequence[Column], found: Found, row: Row) -> dict[str, str]:
    empty = {column.field: "" for column in columns}
    return empty | found.values(row)


def _check(item: Item, row: Row, found: Found, texts: dict[str, str]) -> None:
    item.check_width(row, found.width)
    for what, text in texts.items():
        try:
            if not text_value(text, what):
                item.refuse(row, f"{what} is missing.")
        except Unclear as unclear:
            item.refuse(row, str(unclear))


def _check_rules(item: Item, row: Row, decide: Callable[[], object]) -> None:
    """What the service itself would refuse is said before."""
    try:
        decide()
    except Refusal as refusal:
        item.refuse(row, in_plain_words(refusal.message))


def _mark_known(items: Sequence[Item], known: Iterable[str]) -> None:
    there = set(known)
    for item in items:
        if item.subject_id in there and item.is_ready:
            item.state, item.remark = State.THERE, "Imported from this file before."


def _warn_of_alike_drivers(session: Session, ready: Sequence[Item]) -> None:
    names, licences = [item.shown[0] for item in ready], [item.shown[1] for item in ready]
    present_names, present_licences = find_same_drivers(session, names, licences)
    by_name: dict[str, int] = {}
    by_licence: dict[str, int] = {}
    for item in ready:
        name, licence, number = item.shown[0].casefold(), item.shown[1], item.rows[0].number
        if licence in present_licences:
            item.warn("A driver with this licence is there already.")
        elif licence in by_licence:
            item.warn(f"Row {by_licence[licence]} has the same licence.")
        elif name in present_names:
            item.warn("A driver of this name is there already.")
        elif name in by_name:
            item.warn(f"Row {by_name[name]} has the same name.")
        by_name.setdefault(name, number)
        by_licence.setdefault(licence, number)
