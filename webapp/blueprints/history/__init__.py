"""History: the board as it was at any instant. `/board?at=` is its page; its steps and its forms lead here."""

from flask import Blueprint

history = Blueprint("history", __name__, url_prefix="/board/history")

from webapp.blueprints.history import pages  # noqa: E402, F401 - it adds views to `history`
