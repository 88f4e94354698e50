"""Whether the process lives, whether it can do its work, and its figures."""

from flask import Blueprint, Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from backend_services.lag import BEHIND, LAG
from webapp.access import admin_only, public
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
    """Each dependency's state; 503 unless requests can be answered rightly."""
    state = waybill().health()
    response = jsonify(state)
    if state["status"] not in ("ready", "degraded"):
        response.status_code = 503
        response.headers["Retry-After"] = "2"
    return response


@health.get("/metrics")
@admin_only
def metrics() -> Response:
    """The figures of this process in Prometheus' text format; for the API key, or an admin."""
    rows = waybill().rows
    LAG.set(rows.lag_s)
    BEHIND.set(rows.events_behind)
    return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)
