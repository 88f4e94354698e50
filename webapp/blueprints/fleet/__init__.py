"""Drivers and vehicles: the overview, and a page for each."""

from flask import Blueprint

fleet = Blueprint("fleet", __name__, url_prefix="/fleet")

from webapp.blueprints.fleet import drivers, overview, vehicles  # noqa: E402, F401 - they add their views to `fleet`
