"""Contacts are added or changed (R12): those given are set, the others stay."""

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from deploy.web.answering import Command, answer, message_id_of, shows
from deploy.web.application import view
from deploy.web.asking import Reply
from deploy.web.forms import faults_in, faults_of
from deploy.web.pages import page
from deploy.web.portal.access import of_citizen, refused
from deploy.web.sessions import current
from deploy.web.typed import phone, typed
from shared.contract.issuer import ContactsUpdate

_PHONES = ("contacts.home_phone", "contacts.mobile")
_MAILBOXES = ("contacts.email", "contacts.pec")
_AT = {"contacts": "contacts.mobile"}
"""That nothing was filled in is shown at the first field."""


async def _contacts(request: Request) -> Response:
    """Show the form, or submit what was filled in."""
    if request.method == "GET":
        return page(request, "portal/account/contacts.html", contacts={}, faults={})
    form = await request.form()
    contacts = _given(form)
    body = {"codice_fiscale": current(request).codice_fiscale, "contacts": contacts}
    if faults := faults_of(ContactsUpdate, body, _AT):
        return page(request, "portal/account/contacts.html", 422, contacts=contacts, faults=faults)
    command = Command("contacts.update", body, message_id_of(request, form), "contacts.updated")
    return await answer(request, command)


@shows("contacts.updated")
def _updated(request: Request, command: Command, reply: Reply) -> Response:
    contacts = command.body["contacts"]
    if reply["outcome"] == "accepted":
        return page(request, "portal/account/contacts_updated.html", contacts=contacts)
    if reply["code"] == "invalid":
        return page(
            request, "portal/account/contacts.html", 422, contacts=contacts, faults=faults_in(reply, _AT)
        )
    return refused(request, reply)


def _given(form: FormData) -> dict[str, str]:
    given = typed(form, (*_PHONES, *_MAILBOXES))
    return {
        name.removeprefix("contacts."): phone(text) if name in _PHONES else text
        for name, text in given.items()
    }


ROUTES = [view("/me/contacts", of_citizen(_contacts, "contacts"), name="contacts", methods=("GET", "POST"))]
