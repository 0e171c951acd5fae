"""Who may see a page of the console, and in whose name its commands are sent."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from deploy.web.answering import Command, answer
from deploy.web.application import View, view
from deploy.web.console.settings import ConsoleSettings
from deploy.web.sessions import Operator, current, log_out
from deploy.web.tokens import Tokens

_LASTS = 3600
"""Seconds for which what a page showed may be decided."""


class People(Protocol):
    """Knows whether who is logged in still may be."""

    def still(self, operator: Operator) -> Operator | None:
        """Return a person as known now, or None if not any more."""


class Desk(Route):
    """A page for people of these roles alone."""

    def __init__(self, guarded: Route, roles: frozenset[str]) -> None:
        super().__init__(guarded.path, self._admit, methods=sorted(guarded.methods or ()), name=guarded.name)
        self.roles = roles
        self._guarded = guarded.endpoint

    async def _admit(self, request: Request) -> Response:
        """Answer who has one of the roles. Who has not is turned away before the form is even read."""
        who = person(request)
        if who is None:
            log_out(request)
            return RedirectResponse(request.app.url_path_for("log_in"), 303)
        if not self.roles & set(who.roles):
            raise HTTPException(403, "not_your_desk")
        response: Response = await self._guarded(request)
        return response


def desk(  # noqa: PLR0913 - as `view`
    path: str,
    answered: View,
    *,
    name: str,
    roles: Iterable[str],
    methods: Iterable[str] = ("GET",),
    files: int = 0,
) -> Desk:
    """Return a route as `view` does, for people who have one of these roles."""
    return Desk(view(path, answered, name=name, methods=methods, files=files), frozenset(roles))


def person(request: Request) -> Operator | None:
    """Return who is logged in, with the roles that this console serves, as they are at this moment."""
    operator, settings = current(request).operator, settings_of(request)
    people: People = request.app.state.people
    if operator is None or (now := people.still(operator)) is None:
        return None
    return replace(now, roles=tuple(role for role in now.roles if role in settings.console_roles))


def settings_of(request: Request) -> ConsoleSettings:
    """Return the console's settings."""
    settings: ConsoleSettings = request.app.state.settings
    return settings


def operator_of(request: Request) -> dict[str, str]:
    """Return the `operator` of a command: who is logged in, whatever a form says."""
    who = person(request)
    if who is None:
        raise HTTPException(403, "not_your_desk")
    return {"id": who.id, "office": who.office}


async def order(
    request: Request,
    type_: str,
    body: Mapping[str, Any],
    message_id: str,
    *,
    shown_by: str,
    **context: Any,  # noqa: ANN401 - JSON
) -> Response:
    """Send a command in the name of who is logged in, and return the page of its reply."""
    command = {**body, "operator": operator_of(request)}
    return await answer(request, Command(type_, command, message_id, shown_by, context))


def handed_out(request: Request, kind: str, value: Mapping[str, Any]) -> str:
    """Return what a page shows as a text that comes back with the decision, in this session alone."""
    tokens: Tokens = request.app.state.tokens
    return tokens.sign(kind, {"of": current(request).id, "value": value})


def brought_back(request: Request, kind: str, text: object) -> dict[str, Any]:
    """Return what was handed out.

    Raises:
        HTTPException: 400, it is none of ours, another session's, or too old.
    """
    tokens: Tokens = request.app.state.tokens
    found = tokens.read(kind, str(text), _LASTS)
    if not isinstance(found, dict) or found["of"] != current(request).id:
        raise HTTPException(400, "form_expired")
    value: dict[str, Any] = found["value"]
    return value
