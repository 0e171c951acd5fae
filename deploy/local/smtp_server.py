"""The capturing SMTP server (RFC 5321), one instance per sink.

Accepts every mail and writes it, as received, to `<captured>/<sink>-<time>-<n>.eml`, atomically; and its
envelope, with what is asked about its bounce (RFC 3461), as a line of `envelopes.jsonl` beside it:
`{"mail": "<file>", "from": "MAIL FROM:…", "to": "RCPT TO:…"}`.
"""

import asyncio
import json
import ssl
import time
from pathlib import Path
from typing import cast

from deploy.local.sink_faults import Fault, Faults

_EXTENSIONS = b"250-pin\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-PIPELINING\r\n250-DSN\r\n250 SIZE 10485760\r\n"
_SIMPLE = {b"RSET": b"250 ok\r\n", b"NOOP": b"250 ok\r\n", b"HELO": b"250 pin\r\n", b"EHLO": _EXTENSIONS}
# After this reply the server closes the connection (RFC 5321, 3.8).
_LEAVING = 421


class Mailroom:
    """Stores the mails of one sink."""

    def __init__(self, sink: str, captured: Path, faults: Faults, counts: dict[str, int]) -> None:
        captured.mkdir(parents=True, exist_ok=True)
        self.sink = sink
        self._captured = captured
        self._faults = faults
        self._counts = counts
        self._number = 0

    @property
    def fault(self) -> Fault:
        """The current fault of this sink."""
        fault: Fault = getattr(self._faults, self.sink)
        return fault

    def take(self, text: bytes, recipient: str, envelope: tuple[bytes, bytes]) -> None:
        """Store one mail with the two commands of its envelope, unless mails are discarded."""
        self._counts[self.sink] += 1
        if self.fault.strikes({"discard"}, recipient):
            return
        self._number += 1
        name = f"{self.sink}-{time.time_ns()}-{self._number}"
        unfinished = self._captured / f".{name}"
        unfinished.write_bytes(text)
        sender, to = (command.decode(errors="replace") for command in envelope)
        with (self._captured / "envelopes.jsonl").open("a", encoding="utf-8") as envelopes:
            envelopes.write(json.dumps({"mail": f"{name}.eml", "from": sender, "to": to}) + "\n")
        unfinished.rename(self._captured / f"{name}.eml")


class Smtp(asyncio.Protocol):
    """One connection: commands by line, and after `DATA` a text up to the final dot."""

    def __init__(self, room: Mailroom, starttls: ssl.SSLContext | None = None) -> None:
        self._room = room
        self._starttls = starttls
        self._securing: asyncio.Task[None] | None = None
        self._received = bytearray()
        self._in_text = False
        self._recipient = ""
        self._envelope = (b"", b"")
        self._drips = False
        self._dripping: asyncio.Task[None] | None = None
        self._to_drip = bytearray()
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the greeting."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transports have no common class
        fault = self._room.fault
        if fault.strikes({"greet"}):
            self._say(b"%d not now\r\n" % fault.status)
            self._transport.close()
            return
        self._drips = fault.strikes({"drip"})
        self._say(b"220 pin ESMTP\r\n")

    def connection_lost(self, _: Exception | None) -> None:
        """Stop dripping."""
        if self._dripping:
            self._dripping.cancel()

    def data_received(self, data: bytes) -> None:
        """Handle every command and text that is complete."""
        self._received += data
        while not self._transport.is_closing() and (self._text() if self._in_text else self._line()):
            pass

    def _line(self) -> bool:
        end = self._received.find(b"\n")
        if end < 0:
            return False
        line = bytes(self._received[:end]).strip()
        del self._received[: end + 1]
        verb = line[:4].upper()
        if self._starttls:
            self._before_tls(verb, line, self._starttls)
        else:
            self._command(verb, line)
        return True

    def _before_tls(self, verb: bytes, line: bytes, context: ssl.SSLContext) -> None:
        match verb:
            case b"EHLO":
                self._say(_EXTENSIONS.replace(b"250-8BITMIME", b"250-STARTTLS\r\n250-8BITMIME"))
            case b"STAR":
                self._secure(context)
            case b"MAIL":
                self._say(b"530 STARTTLS first\r\n")
            case _:
                self._command(verb, line)

    def _command(self, verb: bytes, line: bytes) -> None:
        match verb:
            case b"MAIL":
                self._recipient = ""
                if not self._refused("mail", ""):
                    self._envelope = (line, b"")
                    self._say(b"250 ok\r\n")
            case b"RCPT":
                self._rcpt(line)
            case b"DATA" if self._recipient:
                if not self._refused("data", self._recipient):
                    self._in_text = True
                    self._say(b"354 go on\r\n")
            case b"DATA":
                self._say(b"503 no recipient\r\n")
            case b"QUIT":
                self._say(b"221 bye\r\n")
                if not self._dripping:
                    self._transport.close()
            case _:
                self._say(_SIMPLE.get(verb, b"502 not known here\r\n"))

    def _secure(self, context: ssl.SSLContext) -> None:
        """Go on by TLS; what came in the same packet is dropped (RFC 3207, 4.2; CVE-2011-0411)."""
        self._starttls = None
        self._transport.pause_reading()  # the handshake is not for this protocol
        self._transport.write(b"220 go on\r\n")
        self._received.clear()
        self._recipient = ""
        self._securing = asyncio.get_running_loop().create_task(self._handshake(context))

    async def _handshake(self, context: ssl.SSLContext) -> None:
        plain = self._transport
        try:
            secured = await asyncio.get_running_loop().start_tls(plain, self, context, server_side=True)
        except (OSError, RuntimeError):  # the client trusts somebody else, or is gone
            plain.abort()
            return
        self._transport = cast("asyncio.Transport", secured)

    def _rcpt(self, line: bytes) -> None:
        recipient = line.partition(b"<")[2].partition(b">")[0].decode(errors="replace")
        if not self._refused("rcpt", recipient):
            self._recipient = recipient
            self._envelope = (self._envelope[0], line)
            self._say(b"250 ok\r\n")

    def _refused(self, stage: str, recipient: str) -> bool:
        fault = self._room.fault
        if fault.stage != stage or not fault.strikes({"status"}, recipient):
            return False
        self._say(b"%d %s\r\n" % (fault.status, fault.text.encode()))
        if fault.status == _LEAVING:
            self._transport.close()
        return True

    def _text(self) -> bool:
        fault, recipient = self._room.fault, self._recipient
        if self._received and fault.strikes({"drop_after_data"}, recipient):
            self._transport.abort()
            return False
        end = 0 if self._received.startswith(b".\r\n") else self._received.find(b"\r\n.\r\n") + 2
        if end < 2 and not self._received.startswith(b".\r\n"):  # noqa: PLR2004 - not found
            return False
        text = bytes(self._received[:end])
        del self._received[: end + 3]
        self._in_text = False
        self._accept(_unstuffed(text))
        return True

    def _accept(self, text: bytes) -> None:
        fault, recipient = self._room.fault, self._recipient
        if self._refused("dot", recipient):
            return
        self._room.take(text, recipient, self._envelope)
        self._recipient = ""
        if fault.strikes({"drop_after_dot"}, recipient):
            self._transport.abort()
        elif not fault.strikes({"silence"}, recipient):
            self._say(b"250 taken\r\n")

    def _say(self, reply: bytes) -> None:
        if not self._drips:
            self._transport.write(reply)
            return
        self._to_drip += reply
        if self._dripping is None:
            self._dripping = asyncio.get_running_loop().create_task(self._drip())

    async def _drip(self) -> None:
        pause = self._room.fault.seconds
        while not self._transport.is_closing():
            await asyncio.sleep(pause)
            if self._to_drip:
                self._transport.write(self._to_drip[:1])
                del self._to_drip[:1]


def _unstuffed(text: bytes) -> bytes:
    """Undo dot-stuffing (RFC 5321, 4.5.2)."""
    if text.startswith(b".."):
        text = text[1:]
    return text.replace(b"\r\n..", b"\r\n.")
