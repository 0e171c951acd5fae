"""«Converti PIN»: the form to sign, the three ways to hand it in, and what is uploaded (R22, R23, R24)."""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from deploy.web.answering import Command, answer, message_id_of, shows
from deploy.web.application import view
from deploy.web.asking import Reply
from deploy.web.documents import Attachment, Documents
from deploy.web.errors import DocumentRefusedError
from deploy.web.forms import Faults, faults_in, faults_of
from deploy.web.pages import page
from deploy.web.portal.access import of_citizen, refused
from deploy.web.sessions import current
from deploy.web.settings import WebSettings
from deploy.web.tokens import Tokens
from deploy.web.typed import day, typed
from shared.contract.dispositivo import DispositivoRequest, SubmitDocuments

UPLOADS = {"/me/convert/documents": 2}
"""How many files a page takes, by its path."""

_WAYS = ("online", "fax", "branch")
_FORM, _KEPT = "form", "attachment"
"""The kinds of the texts in which a page carries the form, and a document that is kept already."""
_LASTS = 3600
"""Seconds for which they are good."""
_FILES = ("signed_form", "document_scan")
_AT = {f"{file}.{part}": file for file in _FILES for part in ("uri", "sha256", "media_type", "size")}
"""What is wrong with the reference to a file is shown at the file."""
_DETAILS = ("kind", "number", "issued_by", "issued_on", "expires_on")
_ORDER = (*_FILES, *(f"document.{name}" for name in _DETAILS))
"""In which the page asks for them, and tells what is wrong with them."""
_DAYS = frozenset({"issued_on", "expires_on"})


async def _convert(request: Request) -> Response:
    """Show the ways to hand the form in, or ask for the form, for one of them."""
    if request.method == "GET":
        return _asked(request, {})
    form = await request.form()
    body = {
        "codice_fiscale": current(request).codice_fiscale,
        **typed(form, ("submission",)),
    }
    if faults := faults_of(DispositivoRequest, body):
        return _asked(request, faults)
    command = Command("dispositivo.request", body, message_id_of(request, form), "convert.requested")
    return await answer(request, command)


def _asked(request: Request, faults: Faults) -> Response:
    # Without a store nothing can be uploaded.
    ways = _WAYS if request.app.state.documents else _WAYS[1:]
    return page(request, "portal/account/convert.html", 422 if faults else 200, ways=ways, faults=faults)


@shows("convert.requested")
def _requested(request: Request, command: Command, reply: Reply) -> Response:
    if reply["outcome"] == "rejected":
        return refused(request, reply)
    given = reply["data"]["form"]
    if hashlib.sha256(base64.b64decode(given["content"])).hexdigest() != given["sha256"]:
        raise ValueError("the form is not the one that its digest names")
    # The page carries the form itself: any process can give it out, and nobody has to ask or to keep it.
    carried = _tokens(request).sign(
        _FORM, {"of": command.body["codice_fiscale"], "content": given["content"]}
    )
    return page(
        request,
        "portal/account/convert_form.html",
        way=command.body["submission"],
        form=carried,
        request_id=reply["data"]["request_id"],
        document={},
        kept={},
        faults={},
        **_limits(request),
    )


async def _form_pdf(request: Request) -> Response:
    """Give out the form that a page carries."""
    form = await request.form()
    carried = _carried(request, _FORM, form.get(_FORM))
    if carried is None:
        raise HTTPException(400, "form_expired")
    return Response(
        base64.b64decode(carried["content"]),
        media_type="application/pdf",
        headers={"content-disposition": 'attachment; filename="pin-dispositivo.pdf"'},
    )


async def _documents(request: Request) -> Response:
    """Keep the signed form and the document's scan, and submit them with the document's details."""
    form = await request.form()
    message_id = message_id_of(request, form)
    kept, faults = await _kept(request, form)
    body = {
        "codice_fiscale": current(request).codice_fiscale,
        **typed(form, ("request_id",)),
        "via": "online",
        "document": _details(form),
        **kept,
    }
    # What is wrong with a file says more than that its reference is missing.
    if faults := faults_of(SubmitDocuments, body, _AT) | faults:
        return _upload_again(request, body, faults)
    command = Command("dispositivo.submit_documents", body, message_id, "convert.submitted")
    return await answer(request, command)


@shows("convert.submitted")
def _submitted(request: Request, command: Command, reply: Reply) -> Response:
    if reply["outcome"] == "accepted":
        return page(request, "portal/account/submitted.html")
    if reply["code"] == "invalid":
        return _upload_again(request, command.body, faults_in(reply, _AT))
    return refused(request, reply)


def _details(form: FormData) -> dict[str, str]:
    found = typed(form, (f"document.{name}" for name in _DETAILS))
    named = {name.removeprefix("document."): text for name, text in found.items()}
    return {name: day(text) if name in _DAYS else text for name, text in named.items()}


async def _kept(request: Request, form: FormData) -> tuple[dict[str, Attachment], Faults]:
    """Keep what was uploaded; return that, or what an earlier try uploaded, and what is wrong with it."""
    documents: Documents | None = request.app.state.documents
    if documents is None:
        raise HTTPException(404)
    kept: dict[str, Attachment] = {}
    faults: Faults = {}
    for name in _FILES:
        file = form.get(name)
        earlier = _carried(request, _KEPT, form.get(f"{name}.kept"))
        if isinstance(file, UploadFile) and file.filename:
            try:
                kept[name] = await documents.keep(await file.read(), file.content_type or "")
            except DocumentRefusedError as fault:
                faults[name] = fault.code
        elif earlier:
            kept[name] = earlier["attachment"]
        else:
            faults[name] = "file_missing"
    return kept, faults


def _upload_again(request: Request, body: Mapping[str, Any], faults: Faults) -> Response:
    """Show the form for the documents once more: files that were right need not be chosen again."""
    kept = {
        name: _tokens(request).sign(_KEPT, {"of": body["codice_fiscale"], "attachment": body[name]})
        for name in _FILES
        if name in body and name not in faults
    }
    return page(
        request,
        "portal/account/documents.html",
        422,
        request_id=body.get("request_id", ""),
        document=body["document"],
        kept=kept,
        faults={field: faults[field] for field in sorted(faults, key=_place)},
        **_limits(request),
    )


def _place(field: str) -> int:
    return _ORDER.index(field) if field in _ORDER else len(_ORDER)


def _limits(request: Request) -> dict[str, Any]:
    """Return what the pages say of how large a file may be, and how long the session lasts."""
    settings: WebSettings = request.app.state.settings
    return {
        "mebibytes": settings.web_upload_limit // (1024 * 1024),
        "minutes": int(settings.web_session.total_seconds() // 60),
    }


def _carried(request: Request, kind: str, text: object) -> Mapping[str, Any] | None:
    """Return what a page carries for who is logged in, if it is ours and theirs."""
    value = _tokens(request).read(kind, str(text or ""), _LASTS)
    return value if isinstance(value, dict) and value["of"] == current(request).codice_fiscale else None


def _tokens(request: Request) -> Tokens:
    tokens: Tokens = request.app.state.tokens
    return tokens


async def _begin(request: Request) -> Response:
    """Lead who comes back to an address of a posted page to where it began."""
    return RedirectResponse(request.app.url_path_for("convert"), 303)


ROUTES = [
    view("/me/convert", of_citizen(_convert, "convert"), name="convert", methods=("GET", "POST")),
    view("/me/convert/form.pdf", of_citizen(_form_pdf, "convert"), name="convert.form", methods=("POST",)),
    view(
        "/me/convert/documents",
        of_citizen(_documents, "convert"),
        name="convert.documents",
        methods=("POST",),
        files=2,
    ),
    view("/me/convert/{_:path}", _begin, name="convert.begin"),
]
