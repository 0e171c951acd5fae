"""The counter of a branch: person, document and what is registered are held against each other (R26)."""

from datetime import date
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from deploy.web.answering import Command, message_id_of, shows
from deploy.web.asking import Reply
from deploy.web.console.desk import brought_back, desk, handed_out, operator_of, order
from deploy.web.console.fields import DOCUMENT, KINDS, codice_fiscale_of, nested, of_document, typed
from deploy.web.console.settings import BRANCH
from deploy.web.forms import Faults, faults_in, faults_of
from deploy.web.pages import page
from shared.contract.dispositivo import BranchActivate, BranchLookup
from shared.italy import dates

_SHOWN = "branch"
"""The kind of what was shown of a citizen."""
_LANGUAGE = "it"


async def branch(request: Request) -> Response:
    """Ask whom to look up, and look up: each look is on record."""
    if request.method == "GET":
        return _ask(request)
    form = await request.form()
    body = {"codice_fiscale": codice_fiscale_of(form)}
    if faults := faults_of(BranchLookup, {**body, "operator": operator_of(request)}):
        return _ask(request, body["codice_fiscale"], faults)
    return await order(request, "branch.lookup", body, message_id_of(request, form), shown_by="branch.found")


def _ask(request: Request, codice_fiscale: str = "", faults: Faults | None = None) -> Response:
    return page(
        request,
        "console/branch.html",
        422 if faults else 200,
        codice_fiscale=codice_fiscale,
        faults=faults or {},
    )


@shows("branch.found")
def found(request: Request, command: Command, reply: Reply) -> Response:
    """Show the person as registered, with the details of the document to be checked and corrected."""
    codice_fiscale = command.body["codice_fiscale"]
    if reply["outcome"] == "accepted":
        return _person(request, {**reply["data"], "codice_fiscale": codice_fiscale})
    if reply["code"] == "invalid":
        return _ask(request, codice_fiscale, faults_in(reply))
    return page(request, "console/refused.html", 409, code=reply["code"], again="branch")


def _person(
    request: Request,
    person: dict[str, Any],
    fields: dict[str, str] | None = None,
    faults: Faults | None = None,
) -> Response:
    known = person["document"] or {}
    return page(
        request,
        "console/person.html",
        422 if faults else 200,
        person={**person, "birth_date": dates.day(date.fromisoformat(person["birth_date"]), _LANGUAGE)},
        kinds=KINDS,
        fields=fields or {f"document.{name}": str(known.get(name, "")) for name in DOCUMENT},
        shown=handed_out(request, _SHOWN, person),
        faults=faults or {},
    )


async def activate(request: Request) -> Response:
    """Make the PIN dispositivo: the person was there, and the document has these details."""
    form = await request.form()
    person = brought_back(request, _SHOWN, form.get("shown"))
    fields = typed(form, of_document())
    body = {"codice_fiscale": person["codice_fiscale"], "document": {}, **nested(fields)}
    if person.get("seen"):
        body["seen"] = person["seen"]
    faults = faults_of(BranchActivate, {**body, "operator": operator_of(request)})
    if not form.get("recognised"):
        faults = {**faults, "recognised": "missing"}
    if faults:
        return _person(request, person, fields, faults)
    message_id = message_id_of(request, form)
    return await order(
        request, "branch.activate", body, message_id, shown_by="branch.activated", person=person
    )


@shows("branch.activated")
def activated(request: Request, command: Command, reply: Reply) -> Response:
    """Show that the PIN is dispositivo, and what was corrected."""
    person, document = command.context["person"], command.body["document"]
    if reply["outcome"] == "accepted":
        known = person["document"]
        corrected = [name for name in DOCUMENT if known and known[name] != document[name]]
        return page(request, "console/activated.html", person=person, corrected=corrected)
    if reply["code"] == "invalid":
        fields = {f"document.{name}": str(document.get(name, "")) for name in DOCUMENT}
        return _person(request, person, fields, faults_in(reply))
    return page(request, "console/refused.html", 409, code=reply["code"], again="branch")


ROUTES = [
    desk("/branch", branch, name="branch", roles={BRANCH}, methods=("GET", "POST")),
    desk("/branch/activate", activate, name="branch.activate", roles={BRANCH}, methods=("POST",)),
]
