"""Headers and cookies that keep a page to itself."""

from urllib.parse import urlsplit

from flask import Flask, Response, request

from backend_services.settings import Settings


def content_security_policy(map_style_url: str | None) -> str:
    """The policy of every page; a map may come from another origin where the settings name one."""
    parts = urlsplit(map_style_url or "")
    elsewhere = f" {parts.scheme}://{parts.netloc}" if parts.netloc else ""
    return "; ".join(
        [
            "default-src 'self'",
            "script-src 'self'",
            "style-src 'self'",
            f"img-src 'self' data: blob:{elsewhere}",
            f"connect-src 'self'{elsewhere}",
            "worker-src 'self'",
            "object-src 'none'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "form-action 'self'",
        ]
    )


CSP = content_security_policy(None)


def init_security(app: Flask, settings: Settings) -> None:
    """Set cookie flags, and headers on every answer."""
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SESSION_COOKIE_NAME="__Host-waybill" if settings.is_https else "waybill",
        SESSION_COOKIE_SECURE=settings.is_https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=30 * 24 * 3600,
        # A request that runs beside another would bring back the messages that the other one has shown.
        SESSION_REFRESH_EACH_REQUEST=False,
        MAX_CONTENT_LENGTH=10 * 1024 * 1024 + 64 * 1024,
        MAX_FORM_MEMORY_SIZE=2 * 1024 * 1024,
        MAX_FORM_PARTS=500,
    )

    csp = content_security_policy(settings.map_style_url)

    def add_headers(response: Response) -> Response:
        headers = response.headers
        headers.setdefault("Content-Security-Policy", csp)
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("Referrer-Policy", "same-origin")
        headers.setdefault("Permissions-Policy", "camera=(self), geolocation=(self), microphone=()")
        if settings.is_https:
            headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
        if request.endpoint == "static":
            if "v" in request.args or "@" in request.path:
                headers["Cache-Control"] = "public, max-age=31536000, immutable"
        else:
            headers.setdefault("Cache-Control", "no-store")
            headers.add("Vary", "HX-Request, Cookie")
        return response

    app.after_request(add_headers)
