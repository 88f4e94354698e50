"""The live board: one hub per process renders what changed once and hands it to every open board."""

from flask import Flask


def init_live(app: Flask) -> None:
    """Make the hub and the WebSocket's route."""
