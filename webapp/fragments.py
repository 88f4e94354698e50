"""The same address serves a whole page to a browser and one named block of it to htmx."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn, TypeVar

from flask import abort, flash, make_response, render_template, request
from jinja2_fragments.flask import render_block
from sqlalchemy.orm import Session

from webapp.acting import parse_uuid, waybill
from webapp.database import db

LONGEST_SEARCH = 200
MOST_EXPLAINED = 5

View = TypeVar("View")


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


def kept_filters(names: Iterable[str]) -> dict[str, Any]:
    """The list's filters of these names that the address has, to come back to them."""
    return {name: request.args[name] for name in names if request.args.get(name)}


def say_refused(texts: Sequence[str], others: str) -> None:
    """Say why some of several things were refused: the first five in full, of the rest how many, and that `others`."""
    for text in texts[:MOST_EXPLAINED]:
        flash(text, "warning")
    if len(texts) > MOST_EXPLAINED:
        flash(f"{len(texts) - MOST_EXPLAINED} others {others}.", "warning")


def offer_undo(text: str, url: str, values: dict[str, str], target: str | None = None) -> None:
    """Say what was done, with a button that sends `values` to `url` to take it back.

    The answer to the button is a page; with `target`, a selector, it is a block that becomes that element's content.
    """
    flash({"text": text, "url": url, "undo": values, "target": target}, "undo")  # type: ignore[arg-type]


def shown_or_404(kind: str, given_id: str, find: Callable[[Session, str], View | None]) -> View:
    """What `find` reads for the id of an address, which names a "driver", say; 404 where there is none."""
    known = parse_uuid(given_id) or "-"
    view = find(db.session(), known)
    if view is None:
        _not_shown(f"{kind}-{known}")
    return view


def _not_shown(stream: str) -> NoReturn:
    """Answer for something that no row shows: 404, or, where the log has it already, that the rows are behind."""
    if not waybill().store.read_stream(stream):
        abort(404)
    abort(make_response(render_template("catching_up.html"), 503, {"Retry-After": "2", "Refresh": "2"}))
