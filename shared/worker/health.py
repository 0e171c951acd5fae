"""Liveness and readiness over HTTP: `/live` and `/ready`.

This is not done with a web framework: every worker would load it, at 0.14 s and 13 MB each, for two fixed
responses.
"""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress

_LIMIT = 5.0
_PHRASES = {200: "OK", 404: "Not Found", 503: "Service Unavailable"}


class Health:
    """Answers 200 or 503 on `/live` and `/ready` (HTTP/1.1, RFC 9112; one request a connection).

    `/live` is 200 while the event loop runs. `/ready` is 200 while the worker holds a ledger, a broker
    session and a consumer that the broker has confirmed; its body says which of them is missing.
    """

    def __init__(self, missing: Callable[[], list[str]]) -> None:
        self._missing = missing
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> None:
        """Listen, unless the port is 0."""
        if port:
            self._server = await asyncio.start_server(self._answer, host, port, limit=4096)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, ValueError, EOFError, IndexError, asyncio.LimitOverrunError):
            async with asyncio.timeout(_LIMIT):
                request = await reader.readuntil(b"\r\n\r\n")
                writer.write(_response(*self._say(request.split(maxsplit=2)[1])))
                await writer.drain()
        writer.close()

    def _say(self, path: bytes) -> tuple[int, dict[str, object]]:
        match path:
            case b"/live":
                return 200, {"live": True}
            case b"/ready":
                missing = self._missing()
                return (503 if missing else 200), {"ready": not missing, "missing": missing}
            case _:
                return 404, {}

    async def stop(self) -> None:
        """Stop listening."""
        if self._server:
            self._server.close()


def _response(status: int, body: dict[str, object]) -> bytes:
    content = json.dumps(body).encode()
    head = (
        f"HTTP/1.1 {status} {_PHRASES[status]}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + content
