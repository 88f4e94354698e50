"""Waybill's web application: pages, JSON API and the live board."""

from flask import Flask, request
from flask_limiter.util import get_remote_address
from werkzeug.middleware.proxy_fix import ProxyFix

from backend_services.settings import Settings
from webapp.access import check_all_routes_declared, current_actor, init_access
from webapp.accounts.sign_in import init_sign_in
from webapp.blob_stores import open_blob_store
from webapp.blueprints import all_blueprints
from webapp.blueprints.design import design
from webapp.correlation import init_correlation
from webapp.database import init_database
from webapp.imports import init_imports
from webapp.live import init_live
from webapp.places import init_places
from webapp.presentation import init_presentation
from webapp.problems import register_error_handlers
from webapp.rate_limits import init_rate_limit
from webapp.reactors import start_with
from webapp.security import init_security
from webapp.wiring import Waybill, build


def create_app(settings: Settings, waybill: Waybill | None = None) -> Flask:
    """The app over `waybill`, or a freshly built one; start its threads with `app.extensions["waybill"].start()`."""
    app = Flask(__name__)
    if settings.proxies:  # else whoever asks could write the address himself
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.proxies, x_proto=settings.proxies)  # type: ignore[method-assign]
    init_security(app, settings)
    waybill = app.extensions["waybill"] = waybill or build(settings)
    app.extensions["blobs"] = open_blob_store(settings)
    init_database(app, settings)
    init_correlation(app)
    init_sign_in(app, settings)
    init_rate_limit(app, settings, _client, _is_exempt)
    init_access(app)
    init_presentation(app)
    init_places(app, settings)
    register_error_handlers(app)
    init_live(app)
    init_imports(app)
    for blueprint in all_blueprints():
        app.register_blueprint(blueprint)
    if settings.is_development:
        app.register_blueprint(design)
    start_with(app, waybill)
    check_all_routes_declared(app)
    return app


def _is_exempt() -> bool:
    return request.endpoint == "static" or request.path.startswith("/health")


def _client() -> str:
    actor = current_actor()
    if actor.role == "anonymous":
        return get_remote_address()
    if request.endpoint == "api.report_location" and actor.driver_id is None:
        # One tracker reports for the whole fleet: each of its drivers may as often as if it had a key of its own.
        return f"{actor.event_name}/{(request.view_args or {}).get('driver_id')}"
    return actor.event_name
