"""Whether the process lives, and whether it can do its work."""

from flask import Blueprint, Response, jsonify

from webapp.access import public
from webapp.acting import waybill

health = Blueprint("health", __name__)


@health.get("/health/live")
@public
def live() -> Response:
    """The process answers."""
    return jsonify(status="alive")


@health.get("/health")
@health.get("/health/ready")
@public
def ready() -> Response:
    """Each dependency's state; 503 unless all are up."""
    state = waybill().health()
    response = jsonify(state)
    if state["status"] != "ready":
        response.status_code = 503
        response.headers["Retry-After"] = "2"
    return response
