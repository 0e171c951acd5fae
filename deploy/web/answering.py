"""From a form to the page of its reply: one command under one `message_id`, however often it is sent.

Whoever waits for a reply gets a page after a few seconds that holds the command itself, signed, with its
secrets sealed. It asks again by itself, or by a button where there is no JavaScript, and any process can
serve it.
"""

import inspect
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from uuid import UUID

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from deploy.web.asking import Commands, Reply
from deploy.web.errors import NotTakenError
from deploy.web.pages import ONCE, page
from deploy.web.sealing import Seals
from deploy.web.sessions import current
from deploy.web.settings import WebSettings
from deploy.web.tokens import Tokens

_KIND = "pending"
_LASTS = 3600
"""Seconds for which a page may go on asking, and a form may be filled in."""
_SAFE_AFTER = 30.0
"""Seconds after which the page says that the request is safe, and that its answer may take longer."""


@dataclass(frozen=True)
class Command:
    """A command, ready to be published, and who shows its reply.

    Attributes:
        type: of the contract, such as `pin.request`.
        body: its fields; secrets only sealed.
        message_id: under which it is published each time.
        shown_by: a name registered with `shows`.
        context: what that needs beside the reply; it can be read by the person.
        of: the session that it belongs to.
        since: when it was first published, in seconds since 1970.
    """

    type: str
    body: Mapping[str, Any]
    message_id: str
    shown_by: str
    context: Mapping[str, Any] = field(default_factory=dict)
    of: str = ""
    since: float = 0.0


Shown = Callable[[Request, Command, Reply], Response | Awaitable[Response]]
_SHOWN: dict[str, Shown] = {}


def shows(name: str) -> Callable[[Shown], Shown]:
    """Register a function that makes the page of a reply, under a name that the waiting page carries."""

    def register(shown: Shown) -> Shown:
        _SHOWN[name] = shown
        return shown

    return register


def message_id_of(request: Request, form: FormData) -> str:
    """Return the `message_id` that a form carries since it was made.

    Raises:
        HTTPException: 400, the form is not ours, or too old.
    """
    tokens: Tokens = request.app.state.tokens
    value = tokens.read(ONCE, str(form.get(ONCE, "")), _LASTS)
    if not isinstance(value, str):
        raise HTTPException(400, "form_expired")
    return str(UUID(value))


def with_secret(
    request: Request, body: Mapping[str, Any], message_id: str, *, pin: str = "", token: str = ""
) -> dict[str, Any]:
    """Return a command's body with a PIN or a token sealed into it, bound to the rest."""
    seals: Seals = request.app.state.seals
    name, text = ("pin", pin) if pin else ("token", token)
    return {**body, f"{name}_sealed": seals.sealed(name, text, body, message_id)}


async def answer(request: Request, command: Command) -> Response:
    """Publish a command; return the page of its reply, or one that waits, or one that offers to try again."""
    commands: Commands = request.app.state.commands
    settings: WebSettings = request.app.state.settings
    if not command.since:
        command = replace(command, of=current(request).id, since=time.time())
    try:
        reply = await commands.ask(
            command.type, command.body, command.message_id, within=settings.web_patience.total_seconds()
        )
    except NotTakenError:
        return _again(request, command, "unavailable.html", 503)
    if reply is None:
        return _again(request, command, "waiting.html", 202)
    shown = _SHOWN[command.shown_by](request, command, reply)
    return await shown if inspect.isawaitable(shown) else shown


def _again(request: Request, command: Command, template: str, status: int) -> Response:
    tokens: Tokens = request.app.state.tokens
    safe = time.time() - command.since > _SAFE_AFTER
    return page(request, template, status, pending=tokens.sign(_KIND, asdict(command)), safe=safe)


async def waiting(request: Request) -> Response:
    """Ask again for what a page waits for."""
    tokens: Tokens = request.app.state.tokens
    form = await request.form()
    value = tokens.read(_KIND, str(form.get(_KIND, "")), _LASTS)
    # Of another session it would let its holder finish what another person began.
    if not isinstance(value, dict) or value["of"] != current(request).id:
        raise HTTPException(400, "form_expired")
    response = await answer(request, Command(**value))
    if request.headers.get("hx-request") and "location" in response.headers:
        # A script would follow by itself, and the address would stay that of the form.
        return Response(status_code=204, headers={"hx-redirect": response.headers["location"]})
    return response
