"""The door of the console: log-in with a password, log-out, and the first page."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from deploy.web.answering import waiting
from deploy.web.application import view
from deploy.web.console.desk import desk, person, settings_of
from deploy.web.console.settings import ROLES
from deploy.web.console.users import Passwords
from deploy.web.errors import TooSoonError
from deploy.web.pages import page
from deploy.web.sessions import log_in as begin_session
from deploy.web.sessions import log_out as end_session

_LONGEST_NAME = 64


async def home(request: Request) -> Response:
    """Show what this person can do here."""
    who = person(request)
    if who is None:
        return RedirectResponse(request.app.url_path_for("log_in"), 303)
    return page(request, "console/home.html", roles=who.roles)


async def log_in(request: Request) -> Response:
    """Show the form, or compare what was typed into it."""
    if request.method == "GET":
        return _form(request)
    passwords = request.app.state.people
    if not isinstance(passwords, Passwords):
        raise HTTPException(404)
    form = await request.form()
    name, password = str(form.get("id", "")).strip(), str(form.get("password", ""))
    if not name or len(name) > _LONGEST_NAME:
        return _form(request, status=422, fault="console.log_in.wrong")
    try:
        operator = await passwords.log_in(name, password)
    except TooSoonError as refusal:
        seconds = int(refusal.seconds) + 1
        response = _form(request, status=429, id_=name, fault="console.log_in.too_soon", seconds=seconds)
        response.headers["retry-after"] = str(seconds)
        return response
    if operator is None:
        return _form(request, status=422, id_=name, fault="console.log_in.wrong")
    begin_session(request, operator=operator)
    return RedirectResponse(request.app.url_path_for("home"), 303)


def _form(
    request: Request, *, status: int = 200, id_: str = "", fault: str = "", seconds: int = 0
) -> Response:
    by_provider = bool(settings_of(request).oidc_issuer)
    return page(
        request, "console/log_in.html", status, id=id_, fault=fault, seconds=seconds, by_provider=by_provider
    )


async def log_out(request: Request) -> Response:
    """End the session."""
    end_session(request)
    return RedirectResponse(request.app.url_path_for("log_in"), 303)


ROUTES = [
    # In the place of everybody's: who is no longer let in gets no answer either to what was asked before.
    desk("/waiting", waiting, name="waiting", roles=ROLES, methods=("POST",)),
    view("/", home, name="home"),
    view("/log-in", log_in, name="log_in", methods=("GET", "POST")),
    view("/log-out", log_out, name="log_out", methods=("POST",)),
]
