"""First access (R10, R16), log-in (R11), log-out, and the page of who is logged in."""

import math
from dataclasses import replace
from urllib.parse import urlencode

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from deploy.web.answering import Command, answer, message_id_of, shows, with_secret
from deploy.web.application import View, view
from deploy.web.asking import Reply
from deploy.web.forms import Faults, faults_in, faults_of
from deploy.web.pages import page
from deploy.web.sealing import Seals
from deploy.web.sessions import change, current, log_in, log_out
from shared.contract.issuer import PinActivate, PinVerify
from shared.contract.model import Model
from shared.crypto.secret import Secret
from shared.domain.pin import ALPHABET, normalised
from shared.italy.codice_fiscale import canonical

_INITIAL, _KEPT = 16, 8
"""Characters of the PIN before first access (R4) and from then on (R10)."""
_GOALS = frozenset({"convert", "istanza", "contacts"})
"""The pages to which a log-in may lead, by name: no address comes from outside."""
_EXPLAINED = frozenset(
    {
        "already_dispositivo",
        "first_access_needed",
        "message_id_reused",
        "no_active_pin",
        "no_open_request",
        "too_many_suspended",
    }
)
"""The refusals that have a text of their own, `refused.<code>`."""


def of_citizen(wanted: View, goal: str = "") -> View:
    """Return a view for who is logged in; others are asked to, and come to the page named `goal` then."""

    async def guarded(request: Request) -> Response:
        if current(request).codice_fiscale:
            return await wanted(request)
        address = str(request.app.url_path_for("log_in"))
        return RedirectResponse(f"{address}?{urlencode({'to': goal})}" if goal else address, 303)

    return guarded


def refused(request: Request, reply: Reply) -> Response:
    """Show a refusal that is about no field of a form; without an active PIN the session ends."""
    code = str(reply["code"])
    match code:
        case "no_active_pin":
            log_out(request)
        case "already_dispositivo":
            change(request, level="dispositivo")
    return page(request, "portal/account/refused.html", 409, code=code if code in _EXPLAINED else "failed")


async def _first_access(request: Request) -> Response:
    """Show the form for the 16 characters, in two halves as they came, or use it."""
    if request.method == "GET":
        return _asked(request, "portal/account/first_access.html")
    form = await request.form()
    message_id = message_id_of(request, form)
    seals: Seals = request.app.state.seals
    return await _tried(
        request,
        Command(
            "pin.activate",
            {"codice_fiscale": _text(form, "codice_fiscale"), "reply_key": seals.reply_key(message_id)},
            message_id,
            "access.activated",
        ),
        PinActivate,
        _pin(form, "pin", "second"),
        (_INITIAL,),
    )


async def _log_in(request: Request) -> Response:
    """Show the form for codice fiscale and PIN, or use it."""
    if request.method == "GET":
        if current(request).codice_fiscale:
            return RedirectResponse(request.app.url_path_for("me"), 303)
        return _asked(request, "portal/account/log_in.html", goal=_goal(request.query_params.get("to")))
    form = await request.form()
    return await _tried(
        request,
        Command(
            "pin.verify",
            {"codice_fiscale": _text(form, "codice_fiscale")},
            message_id_of(request, form),
            "access.verified",
            {"goal": _goal(form.get("to"))},
        ),
        PinVerify,
        _pin(form, "pin"),
        (_KEPT, _INITIAL),  # who has not been here yet is told so, by the reply
    )


async def _tried(
    request: Request, command: Command, kind: type[Model], pin: str, lengths: tuple[int, ...]
) -> Response:
    """Send a command with its PIN sealed, unless it is none: that would only cost an attempt."""
    body = with_secret(request, command.body, command.message_id, pin=pin or "-")
    faults = faults_of(kind, body)
    if not pin:
        faults["pin"] = "missing"
    elif len(pin) not in lengths or not set(pin) <= set(ALPHABET):
        faults["pin"] = f"no_pin_of_{lengths[0]}"
    if faults:
        return _once_more(request, command, faults)
    return await answer(request, replace(command, body=body))


@shows("access.activated")
def _activated(request: Request, command: Command, reply: Reply) -> Response:
    if reply["outcome"] == "rejected":
        return _not_opened(request, command, reply)
    seals: Seals = request.app.state.seals
    pin = seals.opened(reply["data"]["pin_sealed"], command.message_id)
    # The form that led here is of the session that ends now: whoever sends it again is shown no PIN.
    log_out(request)
    return page(request, "portal/account/new_pin.html", pin=pin, level=reply["data"]["level"])


@shows("access.verified")
def _verified(request: Request, command: Command, reply: Reply) -> Response:
    if reply["outcome"] == "rejected":
        return _not_opened(request, command, reply)
    codice_fiscale = canonical(command.body["codice_fiscale"]) or ""
    log_in(request, codice_fiscale=codice_fiscale, level=reply["data"]["level"])
    return RedirectResponse(request.app.url_path_for(_goal(command.context["goal"]) or "me"), 303)


def _not_opened(request: Request, command: Command, reply: Reply) -> Response:
    """Show why a PIN opens nothing: who is unknown reads the same as who typed a wrong one."""
    match reply["code"]:
        case "locked":
            minutes = math.ceil(reply["data"]["retry_after"] / 60)
            return page(request, "portal/account/locked.html", 429, minutes=max(1, minutes))
        case "wrong_pin" | "invalid":
            return _once_more(request, command, faults_in(reply))
        case _:
            return refused(request, reply)


def _once_more(request: Request, command: Command, faults: Faults) -> Response:
    template = (
        "portal/account/first_access.html" if command.type == "pin.activate" else "portal/account/log_in.html"
    )
    return _asked(request, template, command.body["codice_fiscale"], faults, **command.context)


def _asked(
    request: Request, template: str, codice_fiscale: str = "", faults: Faults | None = None, **context: str
) -> Response:
    # What was typed of a PIN never comes back.
    values = {"codice_fiscale": codice_fiscale, "faults": faults or {}, **context}
    return page(request, template, 422 if faults else 200, **values)


async def _log_out(request: Request) -> Response:
    log_out(request)
    return RedirectResponse(request.app.url_path_for("home"), 303)


async def _me(request: Request) -> Response:
    return page(request, "portal/account/me.html")


def _text(form: FormData, field: str) -> str:
    return str(form.get(field, "")).strip()


def _pin(form: FormData, *fields: str) -> str:
    return normalised(Secret("".join(str(form.get(field, "")) for field in fields))).reveal()


def _goal(name: object) -> str:
    return name if isinstance(name, str) and name in _GOALS else ""


ROUTES = [
    view("/first-access", _first_access, name="first_access", methods=("GET", "POST")),
    view("/log-in", _log_in, name="log_in", methods=("GET", "POST")),
    view("/log-out", _log_out, name="log_out", methods=("POST",)),
    view("/me", of_citizen(_me), name="me"),
]
