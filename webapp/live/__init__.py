"""The live board: one hub per process renders what changed once and sends it to every open board."""

from typing import cast

from flask import Flask, current_app

from webapp.live.hub import Hub
from webapp.live.past_rows import PastRows


def init_live(app: Flask) -> None:
    """Make the hub of this process; it runs as long as Waybill does."""
    app.extensions["past_rows"] = PastRows()
    hub = app.extensions["board_hub"] = Hub(app)
    app.extensions["waybill"].add_companion(hub)


def board_hub() -> Hub:
    """The hub of the current app."""
    return cast(Hub, current_app.extensions["board_hub"])
