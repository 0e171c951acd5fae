"""How an application of pages is put together: routes, what every request passes through, and its end."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from deploy.web.answering import waiting
from deploy.web.asking import Commands
from deploy.web.documents import Documents
from deploy.web.pages import CSRF, LANGUAGES, STATIC, Pages, page
from deploy.web.protection import Protection
from deploy.web.sealing import Seals
from deploy.web.sessions import Sessions, change, is_ours
from deploy.web.settings import WebSettings
from deploy.web.tokens import Tokens
from shared.config import logs

View = Callable[[Request], Awaitable[Response]]
MOST_FIELDS = 200
"""Fields in one form."""
_LONGEST_FIELD = 256 * 1024
"""Bytes of one field that is no file."""
_SAID = frozenset({"not_found", "form_expired", "form_foreign"})
"""The details of refusals for which there is a text."""
_BODY = 1024 * 1024
"""Bytes of a request's body, where nothing is uploaded."""
_TOO_LARGE = 4
"""Times `PIN_WEB_UPLOAD_LIMIT` that a file may have to be refused with a page that says why."""


def view(path: str, answer: View, *, name: str, methods: Iterable[str] = ("GET",), files: int = 0) -> Route:
    """Return a route. What is posted must carry this session's mark, or it is answered with 403.

    Args:
        path: of the page.
        answer: the view; `await request.form()` costs nothing more there.
        name: by which templates link to it.
        methods: GET, POST or both.
        files: how many may be uploaded with it.
    """

    async def guarded(request: Request) -> Response:
        if request.method == "POST":
            form = await request.form(max_files=files, max_fields=MOST_FIELDS, max_part_size=_LONGEST_FIELD)
            if not is_ours(request, form.get(CSRF)):
                raise HTTPException(403, "form_foreign")
        return await answer(request)

    async def answered(request: Request) -> Response:
        try:
            return await guarded(request)
        except HTTPException:
            raise
        # Here, as Starlette's own place for it is outside of what adds the headers and the cookie.
        except Exception as fault:  # noqa: BLE001 - of the program: it is logged, and the person gets a page
            structlog.get_logger().error("page.failed", page=path, **logs.where(fault))
            return page(request, "error.html", 500, text="error.failed")
        finally:
            await request.close()  # what was uploaded is in open files

    return Route(path, answered, methods=list(methods), name=name)


def application(
    kind: str,
    settings: WebSettings,
    routes: Iterable[BaseRoute],
    *,
    largest: int = _BODY,
    uploads: Mapping[str, int] | None = None,
) -> Starlette:
    """Return an application.

    Args:
        kind: `portal` or `console`.
        settings: of both.
        routes: its own pages.
        largest: bytes of a request's body.
        uploads: how many files the pages take to which files are uploaded, by path.
    """
    tokens = Tokens(settings.secret)
    larger = {
        path: files * _TOO_LARGE * settings.web_upload_limit + largest
        for path, files in (uploads or {}).items()
    }

    @asynccontextmanager
    async def connected(app: Starlette) -> AsyncIterator[None]:
        async with Commands(settings) as commands:
            app.state.commands = commands
            yield

    app = Starlette(
        routes=[
            *routes,
            view("/waiting", waiting, name="waiting", methods=("POST",)),
            view("/language/{language}", _choose_language, name="language", methods=("POST",)),
            Mount("/static", StaticFiles(directory=STATIC), name="static"),
        ],
        middleware=[
            Middleware(Protection, largest=largest, larger=larger, secure=settings.secure),
            Middleware(Sessions, settings=settings, tokens=tokens, name=f"pin-{kind}"),
        ],
        exception_handlers={HTTPException: _refused},
        lifespan=connected,
    )
    app.state.settings, app.state.tokens = settings, tokens
    app.state.seals = Seals(settings.keys_dir, settings.secret)
    app.state.pages = Pages(kind)
    app.state.documents = Documents(settings) if settings.documents_url else None
    return app


async def _choose_language(request: Request) -> Response:
    language = request.path_params["language"]
    if language not in LANGUAGES:
        raise HTTPException(404)
    change(request, language=language)
    return RedirectResponse(request.app.url_path_for("home"), 303)


async def _refused(request: Request, refusal: Exception) -> Response:
    status = getattr(refusal, "status_code", 400)
    detail = "not_found" if status == 404 else getattr(refusal, "detail", "")  # noqa: PLR2004 - HTTP
    text = f"error.{detail}" if detail in _SAID else "error.other"
    return page(request, "error.html", status, text=text)
