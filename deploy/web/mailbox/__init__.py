"""The page of the SMS, mails and letters that the far ends of a local stack captured.

It shows halves of PINs and links to anybody who asks: so it is for the machine that it runs on. It answers to
no other name than this machine's own, `python -m deploy.web` does not know it, and no image has it.
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from deploy.web.mailbox.messages import Message, as_picture, as_sheet, messages, of_key
from deploy.web.pages import STATIC, Pages, page
from deploy.web.protection import Protection
from deploy.web.sessions import Session
from deploy.web.tokens import Tokens

NAMES = ("127.0.0.1", "localhost")
"""By which it is asked: another name would be another site's, which had it resolve to this machine."""
_AT_ONCE = 50
"""Messages on one page."""
_NO_BODY = 1024
# Mails have their style in them; their links open, as in any reader of mail.
_MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "sandbox allow-popups allow-popups-to-escape-sandbox; frame-ancestors 'self'"
)
_SHEET_POLICY = "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'"


def application(state: Path, others: Mapping[str, str] | None = None) -> Starlette:
    """Return the page.

    Args:
        state: the stack's `.local`.
        others: addresses of `portal` and `console`, to which it leads.
    """
    app = Starlette(
        routes=[
            Route("/", _list, name="home"),
            Route("/messages/{key}", _message, name="message"),
            Route("/messages/{key}/mail.html", _mail, name="mail"),
            Route("/messages/{key}/letter.png", partial(_drawn, as_picture, "image/png"), name="picture"),
            Route("/messages/{key}/letter.pdf", partial(_drawn, as_sheet, "application/pdf"), name="sheet"),
            Mount("/static", StaticFiles(directory=STATIC), name="static"),
        ],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=list(NAMES), www_redirect=False),
            Middleware(Protection, largest=_NO_BODY, larger={}, secure=False),
        ],
        exception_handlers={HTTPException: _refused},
    )
    app.state.folder, app.state.others = state, others or {}
    app.state.pages = Pages("mailbox")
    app.state.tokens = Tokens(secrets.token_bytes(32))
    app.state.drawing = asyncio.Lock()
    return app


def _page(request: Request, name: str, status: int = 200, **values: object) -> Response:
    request.state.session = Session()  # nobody logs in
    return page(request, name, status, others=request.app.state.others, **values)


async def _list(request: Request) -> Response:
    to, text = request.query_params.get("to", "").strip(), request.query_params.get("page", "")
    number = max(1, int(text)) if text.isascii() and text.isdigit() else 1
    found = await run_in_threadpool(messages, request.app.state.folder, to)
    start = (number - 1) * _AT_ONCE
    return _page(
        request,
        "mailbox/list.html",
        shown=found[start : start + _AT_ONCE],
        total=len(found),
        to=to,
        number=number,
        more=len(found) > start + _AT_ONCE,
    )


async def _one(request: Request) -> Message:
    found = await run_in_threadpool(of_key, request.app.state.folder, request.path_params["key"])
    if found is None:
        raise HTTPException(404)
    return found


async def _message(request: Request) -> Response:
    return _page(request, "mailbox/message.html", message=await _one(request))


async def _mail(request: Request) -> Response:
    html = (await _one(request)).html
    if not html:
        raise HTTPException(404)
    return Response(html, media_type="text/html", headers={"content-security-policy": _MAIL_POLICY})


async def _drawn(draw: Callable[[Message], bytes], media_type: str, request: Request) -> Response:
    message = await _one(request)
    if message.kind != "letter":
        raise HTTPException(404)
    async with request.app.state.drawing:  # PDFium draws one at a time
        content = await run_in_threadpool(draw, message)
    return Response(content, media_type=media_type, headers={"content-security-policy": _SHEET_POLICY})


async def _refused(request: Request, refusal: Exception) -> Response:
    status = getattr(refusal, "status_code", 400)
    text = "error.not_found" if status == 404 else "error.other"  # noqa: PLR2004 - HTTP
    return _page(request, "error.html", status, text=text)
