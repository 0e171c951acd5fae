"""What each response says to the browser, how large a request may be, and the line that is logged of it."""

import time
from collections.abc import Mapping

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POLICY = "; ".join(
    (
        "default-src 'none'",
        *(f"{kind}-src 'self'" for kind in ("script", "style", "media", "connect")),
        *(f"{kind}-src 'self' data:" for kind in ("img", "font")),  # the style sheet's own small ones
        "form-action 'self'",
        "frame-src 'self'",
        "frame-ancestors 'self'",
        "base-uri 'none'",
    )
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_YEAR = 365 * 86400
_TOO_LARGE = "Quello che ha inviato è troppo grande. – Was Sie gesendet haben, ist zu groß."


class Protection:
    """Adds the headers, and refuses bodies that are too large (ASGI).

    The query of an address may hold a token: it is never logged.

    Args:
        app: what is served.
        largest: bytes of a request's body.
        larger: those of the paths that take more.
        secure: whether people come by TLS.
    """

    def __init__(self, app: ASGIApp, largest: int, larger: Mapping[str, int], *, secure: bool) -> None:
        self._app, self._largest, self._larger = app, largest, larger
        self._always = _HEADERS | (
            {"strict-transport-security": f"max-age={_YEAR}; includeSubDomains"} if secure else {}
        )
        self._log = structlog.get_logger()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500
        is_static = scope["path"].startswith("/static/")

        async def protected(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in self._always.items():
                    headers.setdefault(name, value)
                headers["cache-control"] = (
                    f"public, max-age={_YEAR}, immutable" if is_static and status < 400 else "no-store"  # noqa: PLR2004 - HTTP
                )
            await send(message)

        try:
            largest = self._larger.get(scope["path"], self._largest)
            if _length(scope) > largest:
                await PlainTextResponse(_TOO_LARGE, 413)(scope, receive, protected)
            else:
                await self._app(scope, _counted(receive, largest), protected)
        finally:
            if not is_static:
                route = scope.get("route")
                self._log.info(
                    "page.served",
                    method=scope["method"],
                    # The pattern, not the path, in which a browser may have put anything.
                    page=getattr(route, "path", "") if status != 404 else "",  # noqa: PLR2004 - HTTP
                    status=status,
                    seconds=round(time.perf_counter() - began, 4),
                )


def _counted(receive: Receive, largest: int) -> Receive:
    left = largest

    async def counted() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            # As if the browser had gone: nothing more of it is read.
            return {"type": "http.disconnect"}
        return message

    return counted


def _length(scope: Scope) -> int:
    text = Headers(scope=scope).get("content-length", "0")
    return int(text) if text.isascii() and text.isdigit() else 0
