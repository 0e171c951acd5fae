"""The door of the console for people whom the organisation's identity provider knows."""

from dataclasses import asdict

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from deploy.web.application import view
from deploy.web.console.desk import settings_of
from deploy.web.console.provider import LogIn, Provider
from deploy.web.errors import LogInRefusedError, NoRoleError
from deploy.web.pages import page
from deploy.web.sessions import log_in as begin_session
from deploy.web.tokens import Tokens

_KIND = "oidc"
_LASTS = 600
"""Seconds that a log-in at the provider may take."""


async def go(request: Request) -> Response:
    """Send the browser to the provider."""
    try:
        address, log_in = await _provider(request).begin()
    except LogInRefusedError as refusal:
        return _refused(request, refusal, "console.log_in.refused", 502)
    tokens: Tokens = request.app.state.tokens
    response = RedirectResponse(address, 303)
    response.set_cookie(
        _cookie(request),
        tokens.sign(_KIND, asdict(log_in)),
        max_age=_LASTS,
        secure=settings_of(request).secure,
        httponly=True,
        samesite="lax",  # it comes back from another site
    )
    return response


async def back(request: Request) -> Response:
    """Log in who comes back from the provider; a log-in that this browser did not begin is none."""
    tokens: Tokens = request.app.state.tokens
    kept = tokens.read(_KIND, request.cookies.get(_cookie(request), ""), _LASTS)
    if not isinstance(kept, dict) or "error" in request.query_params:
        reason = "by_provider" if isinstance(kept, dict) else "not_begun"
        return _refused(request, LogInRefusedError(reason), "console.log_in.refused", 400)
    address = f"{settings_of(request).web_url.rstrip('/')}{request.url.path}?{request.url.query}"
    try:
        operator = await _provider(request).finish(address, LogIn(**kept))
    except LogInRefusedError as refusal:
        return _refused(request, refusal, "console.log_in.refused", 400)
    except NoRoleError as refusal:
        return _refused(request, refusal, "console.log_in.no_role", 403)
    begin_session(request, operator=operator)
    response = RedirectResponse(request.app.url_path_for("home"), 303)
    response.delete_cookie(
        _cookie(request), secure=settings_of(request).secure, httponly=True, samesite="lax"
    )
    return response


def back_address(web_url: str) -> str:
    """Return where people come back to, as it has to be registered with the provider."""
    return f"{web_url.rstrip('/')}/log-in/back"


def _provider(request: Request) -> Provider:
    people = request.app.state.people
    if not isinstance(people, Provider):
        raise HTTPException(404)
    return people


def _cookie(request: Request) -> str:
    return "__Host-pin-console-oidc" if settings_of(request).secure else "pin-console-oidc"


def _refused(request: Request, refusal: Exception, fault: str, status: int) -> Response:
    structlog.get_logger().warning("log_in.refused", reason=str(refusal))
    return page(request, "console/log_in.html", status, id="", fault=fault, seconds=0, by_provider=True)


ROUTES = [
    view("/log-in/provider", go, name="oidc"),
    view("/log-in/back", back, name="oidc.back"),
]
