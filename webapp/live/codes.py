"""With which code a board's WebSocket is closed. Browsers show none of it; `board-live.js` acts on the code."""

GOING_AWAY = 1012
"""The server stops or restarts: come back in a moment."""
LISTENS_ONLY = 1003
"""A board sent something; it only listens."""
WRONG_ORIGIN = 1008
FULL = 1013
"""This process holds as many boards as it may."""
SIGNED_OUT = 4401
TOO_MANY = 4429
"""This account has as many boards open as it may."""
