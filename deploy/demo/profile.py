"""The citizen's steps for the dispositivo profile, and the istanze that wait for it."""

import base64
import hashlib
from collections.abc import Mapping
from typing import Literal

from deploy.demo.citizen import Citizen
from deploy.errors import UnexpectedAnswerError

Way = Literal["online", "fax", "branch"]
OPERATOR = {"id": "op.verdi", "office": "Contact Center"}
COUNTER = {"id": "op.neri", "office": "Sede di Bolzano"}
DOCUMENT = {
    "kind": "identity_card",
    "number": "CA00000AA",
    "issued_by": "Ministero dell'Interno",
    "issued_on": "2023-05-02",
    "expires_on": "2033-05-02",
}


async def sends_istanza(citizen: Citizen, number: int, status: str) -> None:
    """Send an istanza; the PIN's level determines whether it is suspended or in progress (R30, R31)."""
    _, data = await citizen.says(
        "istanza.submit", istanza_id=f"{citizen.asked}/{number}", service="Domanda di prestazione"
    )
    if data["status"] != status or ("notice" in data) != (status == "suspended"):
        raise UnexpectedAnswerError(f"istanza.submit: {data['status']}, not {status}")


async def asks(citizen: Citizen, way: Way) -> str:
    """Request the profile and save the form (R22, R23); return the request's id."""
    _, data = await citizen.says("dispositivo.request", submission=way)
    request_id, form = str(data["request_id"]), data["form"]
    pdf = base64.b64decode(form["content"])
    if hashlib.sha256(pdf).hexdigest() != form["sha256"]:
        raise UnexpectedAnswerError("the form is not what its sum says")
    folder = citizen.session.forms
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{request_id}.pdf").write_bytes(pdf)
    return request_id


async def hands_in(citizen: Citizen, request_id: str, way: Literal["online", "fax"]) -> None:
    """Upload the signed form with the document's scan, or fax them to the contact centre (R24)."""
    await citizen.says(
        "dispositivo.submit_documents",
        by="operator" if way == "fax" else "portal",
        request_id=request_id,
        via=way,
        signed_form=_file(f"{request_id}/form"),
        document=DOCUMENT,
        document_scan=_file(f"{request_id}/document"),
    )


def _file(name: str) -> Mapping[str, str]:
    """Return a reference to a document; the demonstration has no document store."""
    return {
        "uri": f"https://documents.example.it/{name}.pdf",
        "sha256": hashlib.sha256(name.encode()).hexdigest(),
        "media_type": "application/pdf",
    }


async def becomes_dispositivo(citizen: Citizen) -> None:
    """Wait until it is in effect: suspended istanze are released (R29, R32), new ones are not suspended."""
    await citizen.hears("dispositivo.activated")
    await citizen.hears("istanza.released")
    await sends_istanza(citizen, 2, "in_progress")


async def goes_to_a_branch(citizen: Citizen) -> None:
    """Show the document at a branch: in effect at once (R26)."""
    _, shown = await citizen.says("branch.lookup", by="operator", operator=COUNTER)
    if shown["surname"] != citizen.body["surname"]:
        raise UnexpectedAnswerError("branch.lookup shows somebody else")
    await citizen.says(
        "branch.activate", by="operator", operator=COUNTER, document=DOCUMENT, seen=shown["seen"]
    )
