"""The link of a mail, by which a citizen confirms that the PIN is to be restored or revoked (R15, R20).

Programs open links of mails too, to look for harm: opening one changes nothing. The citizen types the codice
fiscale and confirms.
"""

import re
from collections.abc import Mapping
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deploy.web.answering import Command, answer, message_id_of, shows, with_secret
from deploy.web.application import view
from deploy.web.asking import Reply
from deploy.web.forms import WRONG, Faults, faults_in, faults_of
from deploy.web.pages import page
from deploy.web.typed import typed
from shared.contract.citizen import CitizenCommand
from shared.italy.codice_fiscale import canonical

Flow = Literal["restore", "revoke"]
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,128}")


def routes(flow: Flow) -> list[Route]:
    """Return the routes of the confirmation of a flow."""

    async def opened(request: Request) -> Response:
        return _form(request, flow, request.query_params.get("token", ""), {}, {})

    async def confirmed(request: Request) -> Response:
        form = await request.form()
        values = typed(form, ("codice_fiscale", "token"))
        token = values.pop("token", "")
        if not _TOKEN.fullmatch(token):
            return _invalid(request, flow)
        if faults := faults_of(CitizenCommand, values):
            return _form(request, flow, token, values, faults)
        message_id = message_id_of(request, form)
        body = with_secret(
            request, {"codice_fiscale": canonical(values["codice_fiscale"])}, message_id, token=token
        )
        return await answer(
            request, Command(f"{flow}.confirm", body, message_id, shown_by=f"{flow}.confirmed")
        )

    def shown(request: Request, _: Command, reply: Reply) -> Response:
        if reply["outcome"] == "accepted":
            return page(request, "portal/link_confirmed.html", flow=flow)
        if reply["code"] == "link_invalid":
            return _invalid(request, flow)
        return page(request, "portal/refused.html", faults=faults_in(reply), again=flow)

    shows(f"{flow}.confirmed")(shown)
    return [
        view(f"/{flow}/confirm", opened, name=f"{flow}.opened"),
        view(f"/{flow}/confirm", confirmed, name=f"{flow}.confirm", methods=("POST",)),
    ]


def _form(request: Request, flow: Flow, token: str, values: Mapping[str, str], faults: Faults) -> Response:
    if not _TOKEN.fullmatch(token):
        return _invalid(request, flow)
    return page(
        request,
        "portal/link.html",
        WRONG if faults else 200,
        flow=flow,
        token=token,
        values=values,
        faults=faults,
    )


def _invalid(request: Request, flow: Flow) -> Response:
    return page(request, "portal/link_invalid.html", 400, flow=flow)
