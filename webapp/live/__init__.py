"""The live board: one hub per process renders what changed once and hands it to every open board."""

import threading
from typing import Any, cast

from flask import Flask, current_app

from webapp.live.hub import Hub


class SocketThread(threading.Thread):
    """The thread that listens to a browser; it must not keep a stopping process alive."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, daemon=True, **more)


def init_live(app: Flask) -> None:
    """Make the hub of this process; it runs as long as Waybill does."""
    app.config["SOCK_SERVER_OPTIONS"] = {
        "ping_interval": 25,
        "max_message_size": 1024,
        "thread_class": SocketThread,
    }
    hub = app.extensions["board_hub"] = Hub(app)
    app.extensions["waybill"].add_companion(hub)


def board_hub() -> Hub:
    """The hub of the current app."""
    return cast(Hub, current_app.extensions["board_hub"])
