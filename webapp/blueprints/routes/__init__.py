"""Planning: the list of routes (`planning`), several of them at once (`many`), and one route's editor (`editor`)."""

from flask import Blueprint

routes = Blueprint("routes", __name__, url_prefix="/routes")

from webapp.blueprints.routes import editor, many, planning  # noqa: E402, F401 - they add their views to `routes`
