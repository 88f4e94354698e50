"""Deliveries: the list and one delivery (`pages`), creating one (`creating`), its next steps (`steps`)."""

from flask import Blueprint

deliveries = Blueprint("deliveries", __name__, url_prefix="/deliveries")

from webapp.blueprints.deliveries import creating, pages, steps  # noqa: E402, F401 - they add views to `deliveries`
