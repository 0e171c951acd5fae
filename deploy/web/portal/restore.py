"""Restoring a PIN that was lost after first access (figures 7 and 8; R13 to R15)."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from deploy.web.answering import Command, answer, message_id_of, shows
from deploy.web.application import view
from deploy.web.asking import Reply
from deploy.web.forms import WRONG, Faults, faults_in, faults_of
from deploy.web.pages import page
from deploy.web.portal import links
from deploy.web.typed import flat, nested, phone, typed
from shared.contract.revoker import RestoreRequest

FIELDS = ("codice_fiscale", "contacts.mobile", "contacts.email", "contacts.pec")
_SHOWN_AT = {"too_few_contacts": "contacts.mobile"}


def body_of(values: Mapping[str, str]) -> dict[str, Any]:
    """Return the command's body from what was typed."""
    fields = dict(values)
    if "contacts.mobile" in fields:
        fields["contacts.mobile"] = phone(fields["contacts.mobile"])
    return {"contacts": {}, **nested(fields)}


def _form(request: Request, values: Mapping[str, str], faults: Faults) -> Response:
    return page(request, "portal/restore.html", WRONG if faults else 200, values=values, faults=faults)


async def restore(request: Request) -> Response:
    """Ask for the codice fiscale and two registered contacts (R13)."""
    if request.method == "GET":
        return _form(request, {}, {})
    form = await request.form()
    values = typed(form, FIELDS)
    body = body_of(values)
    if faults := faults_of(RestoreRequest, body, _SHOWN_AT):
        return _form(request, values, faults)
    return await answer(
        request, Command("restore.request", body, message_id_of(request, form), shown_by="restore.requested")
    )


@shows("restore.requested")
def _requested(request: Request, command: Command, reply: Reply) -> Response:
    if reply["outcome"] == "rejected":
        return _form(request, dict(flat(command.body)), faults_in(reply, _SHOWN_AT))
    return page(request, "portal/restore_requested.html")


ROUTES = [
    view("/restore", restore, name="restore", methods=("GET", "POST")),
    *links.routes("restore"),
]
