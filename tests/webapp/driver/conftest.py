"""A running app with two drivers at their phones, without JavaScript."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import pytest
from flask import Flask

from backend_services.deliveries.commands import AssignDriver, DeliveryStatus, ReachCheckpoint
from backend_services.deliveries.queries import DeliveryView
from tests.webapp.noon import add_driver_account, scene_of_now, sign_in, start_app, stop_app
from tests.webapp.pages.browser import Browser
from tests.webapp.pages.scene import Scene

_numbers = count(1)


@dataclass
class Phone:
    """A driver, the browser, and shortcuts to what a dispatcher would do for them."""

    driver_id: str
    browser: Browser
    scene: Scene

    def add_delivery(self, minutes: float = 0, stops: int = 2, vehicle: bool = True) -> DeliveryView:
        """A delivery for this driver, `minutes` from now."""
        scene = self.scene
        route = scene.add_route(minutes, stops=stops)
        return scene.add_delivery(
            route, scene.driver(self.driver_id), scene.add_vehicle() if vehicle else None
        )

    def add_started(self, minutes: float = 0, stops: int = 2, reached: int = 0) -> DeliveryView:
        """A delivery on the road with its first stops reached."""
        view = self.add_delivery(minutes, stops)
        self.scene.move(view, DeliveryStatus.IN_TRANSIT)
        for stop in view.stops[:reached]:
            reach = ReachCheckpoint(
                delivery_id=view.delivery_id,
                route_id=view.route_id,
                sequence=stop.sequence,
                location=stop.location,
            )
            self.scene.do(self.scene.waybill.deliveries.reach_checkpoint, reach)
        return self.scene.delivery(view.delivery_id)

    def give_away(self, view: DeliveryView, driver_id: str | None) -> None:
        """The dispatcher gives it to somebody else, or to nobody."""
        command = AssignDriver(delivery_id=view.delivery_id, driver_id=driver_id)
        self.scene.do(self.scene.waybill.deliveries.assign_driver, command)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """One app per module; every test has drivers of its own."""
    running = start_app(tmp_path_factory.mktemp("driver"))
    yield running
    stop_app(running)


def phone_of(app: Flask, name: str) -> Phone:
    scene = scene_of_now(app)
    driver_id = add_driver_account(app, scene, name)
    return Phone(driver_id, sign_in(app, name.split(maxsplit=1)[0].lower()), scene)


@pytest.fixture
def aino(app: Flask) -> Phone:
    return phone_of(app, f"Aino{next(_numbers)} Lehto")


@pytest.fixture
def mikko(app: Flask) -> Phone:
    return phone_of(app, f"Mikko{next(_numbers)} Rinne")
