"""A day's deliveries and the drivers, read once for each state of the rows, however many boards ask."""

from datetime import date

from flask import current_app
from sqlalchemy.orm import Session

from backend_services.deliveries.queries import DeliveryView, list_day
from backend_services.fleet.queries import DriverView, list_drivers
from backend_services.read_models import rows_version
from webapp.live.kept import Kept
from webapp.presentation import day_bounds

MOST_DAYS, MOST_DRIVERS = 4, 500
_views: Kept[tuple[int, str, date], list[DeliveryView]] = Kept(MOST_DAYS)
_drivers: Kept[tuple[int, str], list[DriverView]] = Kept(1)


def views_of_day(session: Session, day: date) -> list[DeliveryView]:
    """What `list_day` answers for a local day. The list is shared: nobody may change it."""
    # The version is read first: what is read after it may be newer than it says, never older.
    key = (id(current_app.extensions["waybill"]), rows_version(session), day)
    return _views.get(key, lambda: list_day(session, *day_bounds(day)))


def drivers_of_timeline(session: Session) -> list[DriverView]:
    """The first `MOST_DRIVERS` drivers. The list is shared: nobody may change it."""
    key = (id(current_app.extensions["waybill"]), rows_version(session))
    return _drivers.get(key, lambda: list_drivers(session, limit=MOST_DRIVERS).items)
