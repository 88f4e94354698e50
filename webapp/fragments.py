"""The same address serves a whole page to a browser and one named block of it to htmx."""

from typing import Any

from flask import flash, render_template, request
from jinja2_fragments.flask import render_block

LONGEST_SEARCH = 200


def wants_block() -> bool:
    """Whether htmx asks for a part; when it restores a page of the history it needs the whole."""
    return "HX-Request" in request.headers and "HX-History-Restore-Request" not in request.headers


def page_or_block(template: str, block: str, **shown: Any) -> str:
    """The page, or only its block followed by the messages that the page would have shown."""
    if not wants_block():
        return render_template(template, **shown)
    return str(render_block(template, block, **shown)) + render_template("_messages.html")


def searched_text() -> str:
    """What the search field `q` asks for."""
    return request.args.get("q", "").strip()[:LONGEST_SEARCH]


def offer_undo(text: str, url: str, values: dict[str, str]) -> None:
    """Say what was done, with a button that sends `values` to `url` to take it back."""
    flash({"text": text, "url": url, "undo": values}, "undo")  # type: ignore[arg-type]
