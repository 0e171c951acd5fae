"""Pages that came already, put where a browser finds them: with their addresses, headers and pictures."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.web.kit.visitor import Seen, Visitor


@dataclass
class Shelf:
    """One page at a time (ASGI). What else it shows comes from its own application, as its visitor sees it.

    Attributes:
        files: an application, for the files of `/static/`.
    """

    files: ASGIApp
    _seen: Seen | None = field(default=None, init=False)
    _visitor: Visitor | None = field(default=None, init=False)

    def put(self, seen: Seen, visitor: Visitor) -> str:
        """Put a page there; return its path, with the query."""
        self._seen, self._visitor = seen, visitor
        return _path(seen)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        assert scope["type"] == "http"
        if scope["path"].startswith("/static/"):
            await self.files(scope, receive, send)
        elif scope["method"] != "GET":
            # A page that waits asks again: it is looked at as it is, until the browser goes on.
            while (await receive())["type"] != "http.disconnect":
                pass
        else:
            await (await self._answer(scope))(scope, receive, send)

    async def _answer(self, scope: Scope) -> Response:
        assert self._seen
        assert self._visitor
        query = scope["query_string"].decode()
        wanted = scope["raw_path"].decode() + (f"?{query}" if query else "")
        answer = self._seen.answer if wanted == _path(self._seen) else await self._visitor.http.get(wanted)
        headers = {name: value for name, value in answer.headers.items() if name != "content-length"}
        return Response(answer.content, answer.status_code, headers)


def _path(seen: Seen) -> str:
    parts = urlsplit(str(seen.answer.url))
    return parts._replace(scheme="", netloc="").geturl()
