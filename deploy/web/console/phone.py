"""The telephone of the contact centre: revokes the PIN of who has no health card (R21)."""

from starlette.requests import Request
from starlette.responses import Response

from deploy.web.answering import Command, message_id_of, shows
from deploy.web.asking import Reply
from deploy.web.console.desk import brought_back, desk, handed_out, operator_of, order
from deploy.web.console.fields import codice_fiscale_of
from deploy.web.console.settings import CONTACT_CENTRE
from deploy.web.forms import Faults, faults_in, faults_of
from deploy.web.pages import page
from shared.contract.revoker import RevokeByContactCentre

_CHECKED = "phone"
"""The kind of a revocation that was checked, and waits to be confirmed."""


async def phone(request: Request) -> Response:
    """Ask whose PIN ends, and why; then ask again, as nothing brings it back."""
    if request.method == "GET":
        return _form(request)
    form = await request.form()
    body = {"codice_fiscale": codice_fiscale_of(form), "reason": str(form.get("reason", "")).strip()}
    faults = faults_of(RevokeByContactCentre, {**body, "operator": operator_of(request)})
    if not body["reason"]:
        faults = {**faults, "reason": "missing"}
    if faults:
        return _form(request, body, faults)
    return page(request, "console/phone_sure.html", body=body, checked=handed_out(request, _CHECKED, body))


async def revoke(request: Request) -> Response:
    """End the PIN."""
    form = await request.form()
    body = brought_back(request, _CHECKED, form.get("checked"))
    return await order(
        request, "revoke.by_contact_centre", body, message_id_of(request, form), shown_by="phone.revoked"
    )


@shows("phone.revoked")
def revoked(request: Request, command: Command, reply: Reply) -> Response:
    """Show that the PIN has ended, or why not."""
    if reply["outcome"] == "accepted":
        return page(request, "console/revoked.html", codice_fiscale=command.body["codice_fiscale"])
    if reply["code"] == "invalid":
        typed = {name: str(command.body[name]) for name in ("codice_fiscale", "reason")}
        return _form(request, typed, faults_in(reply))
    return page(request, "console/refused.html", 409, code=reply["code"], again="phone")


def _form(request: Request, typed: dict[str, str] | None = None, faults: Faults | None = None) -> Response:
    return page(
        request,
        "console/phone.html",
        422 if faults else 200,
        typed=typed or {"codice_fiscale": "", "reason": ""},
        faults=faults or {},
    )


ROUTES = [
    desk("/phone", phone, name="phone", roles={CONTACT_CENTRE}, methods=("GET", "POST")),
    desk("/phone/revoke", revoke, name="phone.revoke", roles={CONTACT_CENTRE}, methods=("POST",)),
]
