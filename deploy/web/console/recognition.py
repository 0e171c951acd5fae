"""A PIN for who was recognised: in person at a branch, or by a signed request at the contact centre (R8)."""

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from deploy.web.answering import Command, answer, message_id_of, shows
from deploy.web.asking import Reply
from deploy.web.console.desk import desk, operator_of, person
from deploy.web.console.fields import KINDS, codice_fiscale_of, nested, of_document, typed
from deploy.web.console.settings import BRANCH, CONTACT_CENTRE
from deploy.web.forms import Faults, faults_in, faults_of
from deploy.web.pages import page
from shared.contract.issuer import PinRequest

_ROLE_OF = {"de_visu": BRANCH, "signed_request": CONTACT_CENTRE}
"""Which desk recognises in which way."""
_DOCUMENT = of_document("recognition.document")
_AT_HOME = ("street", "number", "municipality", "province", "postal_code")
_LINES = 4
_ABROAD = ("country", *(f"line_{number}" for number in range(1, _LINES + 1)), "municipality", "postal_code")
_CITIZEN = (
    "codice_fiscale", "surname", "name", "birth_date", "sex", "birth_province", "birth_place", "lives",
    *(f"residence.{name}" for name in _AT_HOME), "residence.country",
    *(f"residence.line_{number}" for number in range(1, _LINES + 1)),
    "contacts.home_phone", "contacts.mobile", "contacts.email", "contacts.pec",
    "preferred_phone", "preferred_time", "language",
)  # fmt: skip
_FIELDS = (*_CITIZEN, "recognition.kind", *_DOCUMENT)
_USUAL = {"lives": "italy", "preferred_phone": "mobile", "preferred_time": "any", "language": "it"}


async def recognition(request: Request) -> Response:
    """Show the form, check it, and ask for the PIN."""
    if request.method == "GET":
        return _form(request, dict.fromkeys(_FIELDS, "") | _USUAL)
    form = await request.form()
    fields = {**typed(form, _FIELDS), "codice_fiscale": codice_fiscale_of(form)}
    kind = fields["recognition.kind"] or next(iter(_kinds(request)))
    if kind not in _kinds(request):
        raise HTTPException(403, "not_your_desk")
    body = _body({**fields, "recognition.kind": kind}, operator_of(request))
    faults = faults_of(PinRequest, body)
    if not form.get("recognised"):
        faults = {**faults, "recognised": "missing"}
    if faults:
        return _form(request, fields, faults)
    command = Command(PinRequest.type, body, message_id_of(request, form), "recognition.sent", fields)
    return await answer(request, command)


@shows("recognition.sent")
def sent(request: Request, command: Command, reply: Reply) -> Response:
    """Show that the request is in: whether a PIN is issued is told to the citizen alone (R14)."""
    if reply["outcome"] == "rejected":
        return _form(request, dict(command.context), faults_in(reply))
    return page(request, "console/recognised.html", codice_fiscale=command.body["codice_fiscale"])


def _kinds(request: Request) -> list[str]:
    """Return in which ways this person may recognise a citizen."""
    who = person(request)
    return [kind for kind, role in _ROLE_OF.items() if who and role in who.roles]


def _body(fields: dict[str, str], operator: dict[str, str]) -> dict[str, Any]:
    given = {name: value for name, value in fields.items() if name != "lives"}
    body = {"residence": {}, "contacts": {}, **nested(given)}
    body["residence"] = _residence(body["residence"], abroad=fields["lives"] == "abroad")
    if "birth_province" in body:
        body["birth_province"] = body["birth_province"].upper()
    body["recognition"] = {"document": {}, **body["recognition"], "operator": operator}
    return body


def _residence(given: dict[str, str], *, abroad: bool) -> dict[str, Any]:
    """Return the fields of a residence in Italy or abroad; those of the other are from a change of mind."""
    if not abroad:
        known = {name: given[name] for name in _AT_HOME if name in given}
        if "province" in known:
            known["province"] = known["province"].upper()
        return {"country": "IT", **known}
    lines = [given[name] for name in _ABROAD if name.startswith("line_") and name in given]
    known = {name: given[name] for name in ("municipality", "postal_code") if name in given}
    return {"country": given.get("country", "").upper(), "lines": lines, **known}


def _form(request: Request, fields: dict[str, str], faults: Faults | None = None) -> Response:
    return page(
        request,
        "console/recognition.html",
        422 if faults else 200,
        fields=dict.fromkeys(_FIELDS, "") | fields,
        faults=faults or {},
        kinds=KINDS,
        ways=_kinds(request),
    )


ROUTES = [
    desk(
        "/recognition",
        recognition,
        name="recognition",
        roles={BRANCH, CONTACT_CENTRE},
        methods=("GET", "POST"),
    ),
]
