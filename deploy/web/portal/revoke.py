"""Revoking a PIN with the health card and a control code (figure 11; R18 to R20)."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from deploy.web.answering import Command, answer, shows
from deploy.web.application import view
from deploy.web.asking import Reply
from deploy.web.forms import WRONG, Faults, faults_in, faults_of
from deploy.web.pages import language_of, page
from deploy.web.portal import links
from deploy.web.portal.control_code import LENGTH, codes_of
from deploy.web.sessions import current
from deploy.web.typed import day, flat, nested, number, typed, written_day
from shared.contract.revoker import RevokeRequest

FIELDS = ("codice_fiscale", "health_card.number", "health_card.expires_on", "email", "pec")
ANSWER, SHOWN = "control_code", "control_code_shown"
"""The field with what was typed for the code, and the one with the code's token."""


def body_of(values: Mapping[str, str]) -> dict[str, Any]:
    """Return the command's body from what was typed."""
    fields = {name: values[name] for name in FIELDS if name in values}
    if "health_card.number" in fields:
        fields["health_card.number"] = number(fields["health_card.number"])
    if "health_card.expires_on" in fields:
        fields["health_card.expires_on"] = day(fields["health_card.expires_on"])
    return {"health_card": {}, **nested(fields)}


def _form(
    request: Request, values: Mapping[str, str], faults: Faults, *, is_another: bool = False
) -> Response:
    """Return the page, with the code that it had while that can be answered, else with a new one.

    If another one was asked for, it is what is read first.
    """
    codes, session = codes_of(request), current(request).id
    shown = values.get(SHOWN, "")
    if not codes.may_be_answered(shown, session):
        shown = codes.new(session)
        values = {name: value for name, value in values.items() if name != ANSWER}
    return page(
        request,
        "portal/revoke.html",
        WRONG if faults else 200,
        values=values,
        faults=faults,
        shown=shown,
        is_another=is_another,
        length=LENGTH,
    )


async def revoke(request: Request) -> Response:
    """Ask for the health card and a mailbox (R19); publish the request if the control code is right."""
    if request.method == "GET":
        return _form(request, {}, {})
    values = typed(await request.form(), (*FIELDS, ANSWER, SHOWN))
    codes, session, shown = codes_of(request), current(request).id, values.get(SHOWN, "")
    body = body_of(values)
    faults = faults_of(RevokeRequest, body)
    if ANSWER not in values:
        faults[ANSWER] = "missing"
    if faults:
        # The code is not looked at: what was typed for it counts at the next try.
        return _form(request, values, faults)
    outcome = codes.check(shown, session, values[ANSWER], body)
    if outcome != "right":
        return _form(request, values, {ANSWER: f"control_code_{outcome}"})
    message_id = codes.message_id(shown, session)
    return await answer(request, Command("revoke.request", body, message_id, shown_by="revoke.requested"))


async def another_code(request: Request) -> Response:
    """Show another code, with what was typed beside it."""
    if request.method == "GET":  # its address, opened by itself
        return RedirectResponse(request.app.url_path_for("revoke"), 303)
    values = typed(await request.form(), FIELDS)
    return _form(request, values, {}, is_another=True)


@shows("revoke.requested")
def _requested(request: Request, command: Command, reply: Reply) -> Response:
    if reply["outcome"] == "accepted":
        return page(request, "portal/revoke_requested.html")
    values = dict(flat(command.body))
    if "health_card.expires_on" in values:
        values["health_card.expires_on"] = written_day(values["health_card.expires_on"], language_of(request))
    # The code was used for another form, in another process.
    reused = reply["code"] == "message_id_reused"
    return _form(request, values, {ANSWER: "control_code_used"} if reused else faults_in(reply))


ROUTES = [
    view("/revoke", revoke, name="revoke", methods=("GET", "POST")),
    view("/revoke/control-code", another_code, name="revoke.another_code", methods=("GET", "POST")),
    *links.routes("revoke"),
]
