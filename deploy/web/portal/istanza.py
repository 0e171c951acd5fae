"""Istanze: each is protocolled, and one that is suspended comes with its notice (R30, R31)."""

from starlette.requests import Request
from starlette.responses import Response

from deploy.web.answering import Command, answer, message_id_of, shows
from deploy.web.application import view
from deploy.web.asking import Reply
from deploy.web.forms import Faults, faults_in, faults_of
from deploy.web.pages import page
from deploy.web.portal.access import of_citizen, refused
from deploy.web.sessions import change, current
from shared.contract.dispositivo import IstanzaSubmit


async def _istanza(request: Request) -> Response:
    """Show the form, or submit what it says."""
    if request.method == "GET":
        return page(request, "portal/account/istanza.html", service="", faults={})
    form = await request.form()
    message_id = message_id_of(request, form)
    body = {
        "codice_fiscale": current(request).codice_fiscale,
        "istanza_id": message_id,
        "service": str(form.get("service", "")).strip(),
    }
    if faults := faults_of(IstanzaSubmit, body):
        return _again(request, body["service"], faults)
    return await answer(request, Command("istanza.submit", body, message_id, "istanza.submitted"))


@shows("istanza.submitted")
def _submitted(request: Request, command: Command, reply: Reply) -> Response:
    if reply["outcome"] == "accepted":
        if reply["data"]["status"] == "in_progress":
            change(request, level="dispositivo")  # it has become so since the log-in
        return page(
            request, "portal/account/protocolled.html", service=command.body["service"], istanza=reply["data"]
        )
    if reply["code"] == "invalid":
        return _again(request, command.body["service"], faults_in(reply))
    return refused(request, reply)


def _again(request: Request, service: str, faults: Faults) -> Response:
    return page(request, "portal/account/istanza.html", 422, service=service, faults=faults)


ROUTES = [view("/me/istanza", of_citizen(_istanza, "istanza"), name="istanza", methods=("GET", "POST"))]
