"""The blueprints: one per page or area, each named for it."""

from flask import Blueprint


def all_blueprints() -> list[Blueprint]:
    """Every blueprint of the application."""
    from webapp.blueprints.api import api  # noqa: PLC0415
    from webapp.blueprints.auth import auth  # noqa: PLC0415 - blueprints import this package
    from webapp.blueprints.health import health  # noqa: PLC0415

    return [auth, health, api]
