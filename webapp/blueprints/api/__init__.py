"""The JSON API. Every call is an `operation` that validates by the same models the OpenAPI document is made from."""

from flask import Blueprint

api = Blueprint("api", __name__, url_prefix="/api")

from webapp.blueprints.api import deliveries, docs, feed, fleet, positions, routes  # noqa: E402 - they use `api`

__all__ = ["api", "deliveries", "docs", "feed", "fleet", "positions", "routes"]
