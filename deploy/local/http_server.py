"""A minimal HTTP/1.1 server for the sinks, fast enough for benchmarks; no framework.

Supports `Content-Length` and `chunked` bodies and keeps connections alive (RFC 9112).
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import cast


@dataclass(frozen=True, slots=True)
class Request:
    """One request; `path` without its query."""

    method: str
    path: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """The response: an HTTP answer, raw bytes, none (`hold`), or a closed connection (`drop`).

    It is sent `after` so many seconds; what else comes on the connection is answered meanwhile.
    """

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes = b""
    hold: bool = False
    drop: bool = False
    after: float = 0.0

    def encoded(self) -> bytes:
        """Return the answer's bytes."""
        if self.raw:
            return self.raw
        extra = "".join(f"{name}: {text}\r\n" for name, text in self.headers.items())
        head = (
            f"HTTP/1.1 {self.status} {_phrase(self.status)}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(self.body)}\r\n{extra}\r\n"
        )
        return head.encode() + self.body


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:  # a non-standard status, which clients must handle too
        return "Unknown"


class Http(asyncio.Protocol):
    """One connection; every request on it is handed to `handle`."""

    def __init__(self, handle: Callable[[Request], Answer]) -> None:
        self._handle = handle
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transports have no common class

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        self._received += data
        while self._transport and not self._transport.is_closing() and (request := self._next()):
            self._answer(self._handle(request), self._transport)

    def _answer(self, answer: Answer, transport: asyncio.Transport) -> None:
        if answer.drop:
            transport.abort()
        elif answer.after:
            asyncio.get_running_loop().call_later(answer.after, transport.write, answer.encoded())
        elif not answer.hold:
            transport.write(answer.encoded())

    def _next(self) -> Request | None:
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = bytes(self._received[:end])
        lowered = head.lower()
        start = end + 4
        if b"transfer-encoding: chunked" in lowered:
            found = _chunked(self._received, start)
        else:
            found = _counted(self._received, start, lowered)
        if found is None:
            return None
        body, after = found
        del self._received[:after]
        method, target, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
        return Request(method, target.partition("?")[0], body)


def _counted(received: bytearray, start: int, head: bytes) -> tuple[bytes, int] | None:
    _, found, rest = head.partition(b"content-length:")
    after = start + (int(rest.split(b"\r\n", 1)[0]) if found else 0)
    return (bytes(received[start:after]), after) if len(received) >= after else None


def _chunked(received: bytearray, start: int) -> tuple[bytes, int] | None:
    body, at = bytearray(), start
    while (line := received.find(b"\r\n", at)) >= 0:
        size = int(received[at:line].split(b";")[0], 16)
        at = line + 2 + size + 2
        if len(received) < at:
            return None
        if not size:
            return bytes(body), at
        body += received[line + 2 : at - 2]
    return None
