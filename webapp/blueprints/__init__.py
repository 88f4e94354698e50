"""The blueprints: one per page or area, each named for it."""

from flask import Blueprint


def all_blueprints() -> list[Blueprint]:
    """Every blueprint of the application."""
    from webapp.blueprints.api import api  # noqa: PLC0415
    from webapp.blueprints.auth import auth  # noqa: PLC0415 - blueprints import this package
    from webapp.blueprints.blobs import blobs  # noqa: PLC0415
    from webapp.blueprints.board_drawer import board_drawer  # noqa: PLC0415
    from webapp.blueprints.board_many import board_many  # noqa: PLC0415
    from webapp.blueprints.board_map import board  # noqa: PLC0415 - the board with its map
    from webapp.blueprints.deliveries import deliveries  # noqa: PLC0415
    from webapp.blueprints.driver import driver  # noqa: PLC0415
    from webapp.blueprints.fleet import fleet  # noqa: PLC0415
    from webapp.blueprints.health import health  # noqa: PLC0415
    from webapp.blueprints.history import history  # noqa: PLC0415
    from webapp.blueprints.imports import imports  # noqa: PLC0415
    from webapp.blueprints.incidents import incidents  # noqa: PLC0415
    from webapp.blueprints.routes import routes  # noqa: PLC0415
    from webapp.blueprints.system import system  # noqa: PLC0415

    return [
        auth,
        health,
        api,
        board,
        board_drawer,
        board_many,
        history,
        deliveries,
        routes,
        fleet,
        imports,
        incidents,
        driver,
        blobs,
        system,
    ]
