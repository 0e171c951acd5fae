"""Documents as operators see them: drawn as pictures, in a frame beside the details.

Nothing of an uploaded file reaches a browser but pixels: no script of a PDF, no link, no second file hidden
behind a picture, no place or time that a camera has written into it.
"""

from collections.abc import Mapping
from typing import Any

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from deploy.web.console.desk import brought_back, desk, handed_out
from deploy.web.console.rendering import Renderer
from deploy.web.console.settings import CONTACT_CENTRE
from deploy.web.documents import Documents
from deploy.web.errors import DocumentError, UndrawableError
from deploy.web.pages import page

_SHOWN = "document"
"""The kind of the text in the address of a document: for one session, and for an hour."""


def frame(request: Request, attachment: Mapping[str, Any]) -> str:
    """Return the address at which this session sees a document."""
    token = handed_out(request, _SHOWN, attachment)
    return str(request.app.url_path_for("document", token=token))


async def document(request: Request) -> Response:
    """Show all pages of a document, or why it cannot be shown."""
    attachment = brought_back(request, _SHOWN, request.path_params["token"])
    try:
        pages = await _renderer(request).pages(await _read(request, attachment), attachment["media_type"])
    except (DocumentError, FileNotFoundError, UndrawableError) as fault:
        structlog.get_logger().warning("document.not_shown", fault=type(fault).__name__)
        return page(request, "console/document.html", 502, pages=[], fault=type(fault).__name__)
    numbered = [
        request.app.url_path_for("document.page", token=request.path_params["token"], number=number)
        for number in range(1, pages + 1)
    ]
    return page(request, "console/document.html", pages=numbered, fault="")


async def one_page(request: Request) -> Response:
    """Return one page as a picture."""
    attachment = brought_back(request, _SHOWN, request.path_params["token"])
    try:
        data = await _read(request, attachment)
        picture = await _renderer(request).page(data, attachment["media_type"], request.path_params["number"])
    except (DocumentError, FileNotFoundError, UndrawableError):
        raise HTTPException(404) from None
    return Response(picture, media_type="image/jpeg")


async def _read(request: Request, attachment: Mapping[str, Any]) -> bytes:
    documents: Documents | None = request.app.state.documents
    if documents is None:
        raise FileNotFoundError
    return await documents.read(attachment)


def _renderer(request: Request) -> Renderer:
    renderer: Renderer = request.app.state.renderer
    return renderer


ROUTES = [
    desk("/document/{token}", document, name="document", roles={CONTACT_CENTRE}),
    desk("/document/{token}/{number:int}.jpg", one_page, name="document.page", roles={CONTACT_CENTRE}),
]
