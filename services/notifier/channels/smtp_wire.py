"""Commands and replies of one SMTP connection that is open: one by one, or several in one write (RFC 2920).

aiosmtplib connects, starts TLS and logs in; it knows no pipelining, and passes over every reply that came
with another. So the open connection is taken over from it.
"""

import asyncio
from collections import deque

from aiosmtplib import SMTPResponse, SMTPResponseException, SMTPServerDisconnected

_LONGEST_REPLY = 64 * 1024
"""Bytes that wait for the end of a reply."""
_GARBLED = SMTPResponseException(-1, "not a reply of SMTP")


class Wire(asyncio.Protocol):
    """One open connection.

    Args:
        transport: of the connection, which this takes over.
        limit: seconds in which each reply has to come.
    """

    def __init__(self, transport: asyncio.Transport, limit: float) -> None:
        self._transport, self._limit = transport, limit
        self._coming = b""
        self._replies: deque[SMTPResponse] = deque()
        self._lines: list[str] = []
        """Of a reply that has more."""
        self._expected = 0
        """Replies to what was sent that nobody has read."""
        self._failure: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        transport.set_protocol(self)

    @property
    def open(self) -> bool:
        """Whether another command can be sent."""
        return self._failure is None and not self._transport.is_closing()

    @property
    def unread(self) -> int:
        """How many commands have a reply that nobody has read."""
        return self._expected

    def send(self, *commands: str) -> None:
        """Send commands in one write; each has a reply of its own."""
        if any("\r" in command or "\n" in command for command in commands):
            raise ValueError("a command is one line")
        self._write("".join([f"{command}\r\n" for command in commands]).encode("ascii"), len(commands))

    def send_text(self, message: bytes) -> None:
        """Send what follows DATA: lines that end in CRLF. A line's first dot is doubled (RFC 5321, 4.5.2)."""
        stuffed = message.replace(b"\r\n.", b"\r\n..")
        self._write((b"." if stuffed.startswith(b".") else b"") + stuffed + b".\r\n", 1)

    def _write(self, sent: bytes, replies: int) -> None:
        if not self.open:
            raise SMTPServerDisconnected("the connection is closed")
        self._expected += replies
        self._transport.write(sent)

    async def reply(self) -> SMTPResponse:
        """Return the reply to the first command that has none yet.

        Raises:
            TimeoutError: none came in time.
            SMTPServerDisconnected: the server has closed the connection.
            SMTPResponseException: what came is no reply.
        """
        if not self._replies:
            async with asyncio.timeout(self._limit):
                while not self._replies:
                    if self._failure:
                        raise self._failure
                    self._waiter = asyncio.get_running_loop().create_future()
                    await self._waiter
        self._expected -= 1
        return self._replies.popleft()

    def data_received(self, data: bytes) -> None:
        """Take what came from the server."""
        *lines, self._coming = (self._coming + data).split(b"\n")
        for line in lines:
            if self._failure is None:  # nothing is read on after what was no reply
                self._take(line)
        # What nobody asked for could be taken for the reply to what is sent next.
        if len(self._coming) > _LONGEST_REPLY or len(self._replies) > self._expected:
            self._fail(_GARBLED)
        if self._replies:
            self._wake()

    def _take(self, line: bytes) -> None:
        code, more = line[:3], line[3:4]
        if not code.isdigit() or len(code) < 3:  # noqa: PLR2004 - RFC 5321, 4.2
            self._fail(_GARBLED)
            return
        self._lines.append(line[4:].strip().decode("utf-8", "surrogateescape"))
        if more != b"-":
            self._replies.append(SMTPResponse(int(code), "\n".join(self._lines)))
            self._lines.clear()

    def connection_lost(self, _: Exception | None) -> None:
        """Tell who waits."""
        self._fail(SMTPServerDisconnected("the connection was lost"))

    def _fail(self, failure: Exception) -> None:
        self._failure = self._failure or failure
        self._transport.close()
        self._wake()

    def _wake(self) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)
