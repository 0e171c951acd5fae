"""The fax of the contact centre: a signed form and a document's copy come in on paper (R24, R25).

The form carries the id of its request as a Data Matrix: who takes a fax in copies no number.
"""

from contextlib import suppress
from typing import Any
from uuid import UUID

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response

from deploy.web.answering import Command, message_id_of, shows
from deploy.web.asking import Reply
from deploy.web.console.desk import brought_back, desk, handed_out, operator_of, order, settings_of
from deploy.web.console.fields import KINDS, codice_fiscale_of, nested, of_document, typed
from deploy.web.console.rendering import Renderer
from deploy.web.console.settings import CONTACT_CENTRE
from deploy.web.console.viewer import frame
from deploy.web.documents import Documents
from deploy.web.errors import DocumentRefusedError, UndrawableError
from deploy.web.forms import Faults, faults_in, faults_of
from deploy.web.pages import page
from shared.contract.dispositivo import SubmitDocuments

_SCANNED = "fax"
"""The kind of two scans that are kept, and wait for their details."""
_TIFF = (b"II*\0", b"MM\0*")
"""How a TIFF begins."""
_FIELDS = ("request_id", "codice_fiscale", *of_document())
FILES = 2
"""How many may be uploaded with it."""


async def fax(request: Request) -> Response:
    """Take the scans in: one file of all pages, or the form and the document apart."""
    if request.method == "GET":
        return _scans(request)
    documents: Documents | None = request.app.state.documents
    if documents is None:
        return _scans(request, {"": "no_store"})
    form = await request.form()
    field = "signed_form"
    try:
        form_scan = await _read(request, form, "signed_form")
        if form_scan is None:
            return _scans(request, {field: "file_missing"})
        signed_form = await documents.keep(*form_scan)
        field = "document_scan"
        document_scan = await _read(request, form, field)
        # A fax is usually one file: its pages show the form and the document.
        document = await documents.keep(*document_scan) if document_scan else signed_form
    except DocumentRefusedError as refusal:
        return _scans(request, {field: refusal.code})
    scans = {"signed_form": dict(signed_form), "document_scan": dict(document)}
    request_id = await _request_id(request, form_scan[0], signed_form["media_type"])
    fields = {**dict.fromkeys(_FIELDS, ""), "request_id": request_id}
    return _details(request, scans, fields, read=bool(request_id))


async def _read(request: Request, form: FormData, name: str) -> tuple[bytes, str] | None:
    """Return an uploaded file and the type that it was declared as; None if none was chosen.

    Fax servers write TIFF, which no browser shows and the store does not take: it becomes a PDF.

    Raises:
        DocumentRefusedError: it begins as a TIFF, and is none.
    """
    file = form.get(name)
    if not isinstance(file, UploadFile) or not file.filename:
        return None
    data = await file.read()
    if not data.startswith(_TIFF):
        return data, file.content_type or ""
    renderer: Renderer = request.app.state.renderer
    try:
        return await renderer.as_pdf(data), "application/pdf"
    except UndrawableError:
        raise DocumentRefusedError("file_of_other_type") from None


async def _request_id(request: Request, scan: bytes, media_type: str) -> str:
    """Return the id of the first code that is one; empty: none can be read."""
    renderer: Renderer = request.app.state.renderer
    with suppress(UndrawableError):
        for text in await renderer.codes(scan, media_type):
            with suppress(ValueError):
                return str(UUID(text))
    return ""


def _scans(request: Request, faults: Faults | None = None) -> Response:
    mebibytes = settings_of(request).web_upload_limit // 2**20
    return page(request, "console/fax.html", 422 if faults else 200, faults=faults or {}, mebibytes=mebibytes)


def _details(
    request: Request,
    scans: dict[str, Any],
    fields: dict[str, str],
    faults: Faults | None = None,
    *,
    read: bool = False,
) -> Response:
    names = ("signed_form",) if scans["document_scan"] == scans["signed_form"] else tuple(scans)
    return page(
        request,
        "console/fax_details.html",
        422 if faults else 200,
        fields=fields,
        kinds=KINDS,
        faults=faults or {},
        read=read,
        documents=[(name, frame(request, scans[name])) for name in names],
        scanned=handed_out(request, _SCANNED, scans),
    )


async def submit(request: Request) -> Response:
    """Enter the fax with its request: it takes its place in the queue."""
    form = await request.form()
    scans = brought_back(request, _SCANNED, form.get("scanned"))
    fields = {**typed(form, _FIELDS), "codice_fiscale": codice_fiscale_of(form)}
    body = {"document": {}, **nested(fields), **scans, "via": "fax"}
    if faults := faults_of(SubmitDocuments, {**body, "operator": operator_of(request)}):
        return _details(request, scans, fields, faults)
    message_id = message_id_of(request, form)
    return await order(
        request,
        "dispositivo.submit_documents",
        body,
        message_id,
        shown_by="fax.submitted",
        scans=scans,
        fields=fields,
    )


@shows("fax.submitted")
def submitted(request: Request, command: Command, reply: Reply) -> Response:
    """Show that the fax is in the queue, or what is wrong with it."""
    scans, fields = dict(command.context["scans"]), dict(command.context["fields"])
    if reply["outcome"] == "accepted":
        return page(request, "console/fax_submitted.html", codice_fiscale=fields["codice_fiscale"])
    if reply["code"] == "no_open_request":
        # The scans stay: a wrong digit of the id, or of the codice fiscale, is put right without the fax.
        return _details(request, scans, fields, {"request_id": "no_open_request"})
    return _details(request, scans, fields, faults_in(reply))


ROUTES = [
    desk("/fax", fax, name="fax", roles={CONTACT_CENTRE}, methods=("GET", "POST"), files=FILES),
    desk("/fax/submit", submit, name="fax.submit", roles={CONTACT_CENTRE}, methods=("POST",)),
]
