"""The services of one process, put together over their stores."""

from dataclasses import dataclass

from sqlalchemy.orm import Session, sessionmaker

from backend_services.deliveries.booking import BookingRules
from backend_services.deliveries.service import DeliveryService
from backend_services.fleet.service import FleetService
from backend_services.routes.service import RouteService
from backend_services.settings import Settings
from eventstore.execute import Executor
from eventstore.ports import ResourceLocks

NAMES = ("fleet", "routes", "deliveries")


@dataclass(frozen=True)
class Services:
    """One of each; the fields' names are the services' names."""

    fleet: FleetService
    routes: RouteService
    deliveries: DeliveryService


def build_services(
    settings: Settings, executor: Executor, locks: ResourceLocks, sessions: sessionmaker[Session]
) -> Services:
    """Services that do their commands in this process."""
    rules = BookingRules(settings.booking_minimum, settings.booking_buffer)
    return Services(
        fleet=FleetService(executor, locks, sessions),
        routes=RouteService(executor, locks),
        deliveries=DeliveryService(executor, locks, sessions, rules),
    )
