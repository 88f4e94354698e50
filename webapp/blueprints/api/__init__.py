"""The JSON API. Every call is an `operation` that validates by the same models the OpenAPI document is made from."""

from flask import Blueprint
from flask.blueprints import BlueprintSetupState

from webapp.blueprints.api.operations import IdConverter

api = Blueprint("api", __name__, url_prefix="/api")


@api.record_once
def know_ids(state: BlueprintSetupState) -> None:
    """Let the API's rules say `<id:…>`."""
    state.app.url_map.converters["id"] = IdConverter


from webapp.blueprints.api import deliveries, docs, feed, fleet, positions, routes  # noqa: E402 - they use `api`

__all__ = ["api", "deliveries", "docs", "feed", "fleet", "positions", "routes"]
