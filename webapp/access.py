"""Who may call what. Every route declares it; the start fails if one doesn't."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Flask, current_app, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError, CSRFProtect

from webapp.accounts.models import has_accounts
from webapp.accounts.sign_in import current_account
from webapp.problems import problem, wants_problem

View = TypeVar("View", bound=Callable[..., Any])

EVERYBODY = frozenset({"anonymous", "admin", "dispatcher", "driver"})
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
csrf = CSRFProtect()


@dataclass(frozen=True)
class Actor:
    """Who acts on a request: an account, the API key, or nobody (`role` "anonymous").

    `driver_id` is the driver whose own deliveries alone a driver's account may touch.
    """

    kind: str
    id: str
    role: str
    display_name: str
    driver_id: str | None = None

    @property
    def event_name(self) -> str:
        """How events name the actor; no personal data."""
        return f"{self.kind}:{self.id}"


NOBODY = Actor("anonymous", "-", "anonymous", "")


def _allow(*roles: str) -> Callable[[View], View]:
    def declare(view: View) -> View:
        view.access = frozenset(roles)  # type: ignore[attr-defined]
        return view

    return declare


public = _allow(*EVERYBODY)
signed_in = _allow("admin", "dispatcher", "driver")
admin_only = _allow("admin")
dispatcher_only = _allow("admin", "dispatcher")
driver_only = _allow("driver")


def init_access(app: Flask) -> None:
    """Authenticate and authorise every request before its view runs."""
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False
    app.config["WTF_CSRF_TIME_LIMIT"] = None  # a form may stay open for a whole shift; the session bounds it
    csrf.init_app(app)
    app.before_request(_authorise)
    app.context_processor(lambda: {"actor": current_actor()})


def check_all_routes_declared(app: Flask) -> None:
    """Raise RuntimeError naming the endpoints that don't say who may call them."""
    silent = [
        name for name, view in app.view_functions.items() if name != "static" and not hasattr(view, "access")
    ]
    if silent:
        raise RuntimeError(f"these routes don't declare who may call them: {', '.join(sorted(silent))}")


def current_actor() -> Actor:
    """Who acts on the current request."""
    if "actor" not in g:
        header = request.headers.get("Authorization")
        g.actor = NOBODY  # for the page that says so, should the accounts not be found now
        g.actor = _actor_by_cookie() if header is None else _actor_by_key(header)
    actor: Actor = g.actor
    return actor


def _actor_by_cookie() -> Actor:
    account = current_account()
    if account is None:
        return NOBODY
    return Actor("account", account.id, account.role, account.display_name, account.driver_id)


def _authorise() -> ResponseReturnValue | None:
    if "Authorization" in request.headers:
        if current_actor() is NOBODY:
            return _unauthenticated("The bearer key is not valid.")
    elif request.method not in SAFE_METHODS and (current_actor() is not NOBODY or not wants_problem()):
        refused = _check_origin_and_token()
        if refused is not None:
            return refused
    if request.endpoint in (None, "static"):
        return None
    allowed: frozenset[str] = getattr(
        current_app.view_functions[str(request.endpoint)], "access", frozenset()
    )
    return None if current_actor().role in allowed else _refuse()


def _actor_by_key(header: str) -> Actor:
    key: str | None = current_app.extensions["waybill"].settings.api_key
    scheme, _, given = header.partition(" ")
    if scheme.lower() != "bearer" or key is None:
        return NOBODY
    digest = hashlib.sha256(given.strip().encode(errors="replace")).hexdigest()
    if not hmac.compare_digest(digest, hashlib.sha256(key.encode()).hexdigest()):
        return NOBODY
    return Actor("api-key", digest[:8], "admin", "API key")


def _check_origin_and_token() -> ResponseReturnValue | None:
    """A cookie is sent by any page; only our own pages know the token and come from our own origin."""
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        return problem(403, "wrong_origin", "Forbidden", "The request comes from another site.")
    try:
        csrf.protect()
    except CSRFError:
        detail = (
            "The form's token is missing or of another session. Load the page again and send it once more."
        )
        return problem(403, "csrf_token_invalid", "Forbidden", detail)
    return None


def _refuse() -> ResponseReturnValue:
    if current_actor() is not NOBODY:
        return problem(403, "not_allowed", "Forbidden", "Your account may not do this.")
    if wants_problem():
        return _unauthenticated("Send a bearer key, or sign in.")
    if not has_accounts():
        return redirect(url_for("auth.setup"))
    target = request.full_path.rstrip("?") if request.method == "GET" else "/"
    response = redirect(url_for("auth.sign_in", next=target))
    if request.headers.get("HX-Request"):  # a swapped-in sign-in page would look like a part of the page
        response.headers["HX-Redirect"] = url_for("auth.sign_in")
        response.status_code = 200
    return response


def _unauthenticated(detail: str) -> ResponseReturnValue:
    response = problem(401, "not_authenticated", "Unauthorized", detail)
    response.headers["WWW-Authenticate"] = 'Bearer realm="waybill"'
    return response
