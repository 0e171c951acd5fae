"""One SMTP connection, which sends mails one after the other (RFC 5321)."""

import asyncio
import contextlib
import re
import socket
import ssl
from collections.abc import Mapping
from typing import cast

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPException,
    SMTPResponse,
    SMTPResponseException,
    SMTPServerDisconnected,
)

from services.notifier.channels.answers import Stage, smtp_answer
from services.notifier.channels.smtp_wire import Wire
from services.notifier.envelope import Envelope
from services.notifier.outcome import Answer, Doubtful, Sent, Unreachable
from services.notifier.settings import Mailbox

_FAREWELL_SECONDS = 1.0
_HOSTNAME = re.compile(r"[a-zA-Z0-9-]+(\.[a-zA-Z0-9-]+)*")
# Parameters that are not known, not implemented, or not well-formed (RFC 5321, 4.2.4; RFC 3463, 3.6).
_UNKNOWN_PARAMETERS = frozenset({500, 501, 504, 555})
_GO_ON: Mapping[Stage, frozenset[int]] = {
    "mail": frozenset({250}),
    "rcpt": frozenset({250, 251}),
    "data": frozenset({354}),
}
"""The replies after which the next command makes sense (RFC 5321, 4.2)."""
_TAKEN = 250
_INVALID_ARGUMENTS = re.compile(r"5\.5\.4\b")
_QUEUE_ID = re.compile(r"(?:queued as|id=?)\s*([A-Za-z0-9-]{4,64})\b(?!@)", re.IGNORECASE)


class Connection:
    """An SMTP connection of one account.

    Its first mail goes command by command, and shows which parameters the server takes. Where the server
    offers pipelining, all commands before the text of any other go in one write; the outcomes are the same.
    """

    def __init__(self, box: Mailbox, context: ssl.SSLContext | None) -> None:
        self._box = box
        self._client = SMTP(
            hostname=box.host,
            port=box.port,
            username=box.user or None,
            password=box.password.reveal() or None,
            local_hostname=_own_name(),
            timeout=box.step_limit.total_seconds(),
            use_tls=box.tls == "implicit",
            start_tls=box.tls == "starttls",
            tls_context=context,
        )
        self._wire: Wire | None = None
        self.carried = 0
        self._asks: set[Stage] = set()
        """The commands that are sent with their parameters."""
        self._ahead = False
        """Whether commands are sent before the one before them is answered."""

    @property
    def offers_dsn(self) -> bool:
        """Whether the server offers to be told what a bounce shall contain (RFC 3461)."""
        return self._client.supports_extension("dsn")

    @property
    def usable(self) -> bool:
        """Whether it is open and not due for renewal."""
        return bool(self._wire and self._wire.open) and self.carried < self._box.mails_a_connection

    async def open(self) -> Unreachable | None:
        """Connect, start TLS and log in, as configured; a failure here is never caused by a mail."""
        try:
            async with asyncio.timeout(self._box.connect_limit.total_seconds()):
                await self._client.connect()
                if self._client.is_ehlo_or_helo_needed:
                    await self._client.ehlo()
            if self.offers_dsn:
                self._asks = {"mail", "rcpt"}
            transport = cast("asyncio.Transport", self._client.transport)
            self._wire = Wire(transport, self._box.step_limit.total_seconds())
        except SMTPAuthenticationError as error:
            return self._failed(f"smtp_auth_{error.code}")
        except SMTPResponseException as error:
            return self._failed(f"smtp_connect_{max(error.code, 0)}")
        except TimeoutError:
            return self._failed("smtp_connect_timeout")
        except ssl.SSLError:
            return self._failed("smtp_tls")
        except (SMTPException, OSError):
            return self._failed("smtp_connect")
        except asyncio.CancelledError:
            self.close()
            raise
        return None

    async def carry(self, envelope: Envelope, message: bytes) -> Answer:
        """Send one mail; afterwards the connection is ready for the next one, or closed.

        Args:
            envelope: whose parameters are for a server that offers DSN.
            message: the complete mail, in lines that end in CRLF.
        """
        if self._wire is None:
            raise RuntimeError("open it first")
        self.carried += 1
        while True:
            ahead = self._ahead
            answer, refusal = await self._try(self._wire, envelope, message)
            if not (ahead and refusal and _about_parameters(refusal) and self._asks and self._wire.open):
                return answer
            # Asked one by one, it says which command's parameters it does not take of this mail.
            self._ahead = False

    async def _try(
        self, wire: Wire, envelope: Envelope, message: bytes
    ) -> tuple[Answer, SMTPResponse | None]:
        """Send one mail; return the answer, and the reply that refused it, if one did."""
        commands: tuple[tuple[Stage, str, str], ...] = (
            ("mail", f"MAIL FROM:<{envelope.sender}>", envelope.mail_parameters),
            ("rcpt", f"RCPT TO:<{envelope.recipient}>", envelope.rcpt_parameters),
            ("data", "DATA", ""),
        )
        stage: Stage = "mail"
        try:
            async with asyncio.timeout(self._box.mail_limit.total_seconds()):
                if self._ahead:
                    wire.send(*[c + (ps if of in self._asks else "") for of, c, ps in commands])
                for stage, command, parameters in commands:
                    reply = await (
                        wire.reply() if self._ahead else self._ask(wire, stage, command, parameters)
                    )
                    if reply.code not in _GO_ON[stage]:
                        break
                else:
                    wire.send_text(message)
                    reply = await wire.reply()
                    if reply.code == _TAKEN:
                        self._ahead = self._client.supports_extension("pipelining")
                        return Sent(_reference(reply.message)), None
        except SMTPResponseException:
            return self._lost(stage, "smtp_garbled"), None
        except TimeoutError:
            return self._lost(stage, f"smtp_timeout_{stage}"), None
        except (SMTPServerDisconnected, OSError):
            return self._lost(stage, f"smtp_dropped_{stage}"), None
        except asyncio.CancelledError:
            self.close()
            raise
        await self._reset(wire, reply.code)
        return smtp_answer(stage, reply.code, reply.message), reply

    async def farewell(self) -> None:
        """Send QUIT, with a time limit."""
        if self._wire:
            with contextlib.suppress(SMTPException, OSError):
                async with asyncio.timeout(_FAREWELL_SECONDS):
                    self._wire.send("QUIT")
                    await self._wire.reply()
        self.close()

    def close(self) -> None:
        """Drop the connection; its transport is the client's still."""
        self._client.close()

    async def _ask(self, wire: Wire, stage: Stage, command: str, parameters: str) -> SMTPResponse:
        """Send a command, with its parameters if the server offers DSN.

        One that refuses what it offers is asked again without, and only that answer counts: no mail is lost
        by what we ask about its bounce. The connection remembers it.
        """
        if stage not in self._asks or not parameters:
            wire.send(command)
            return await wire.reply()
        wire.send(f"{command}{parameters}")
        reply = await wire.reply()
        if _about_parameters(reply):
            wire.send(command)
            reply = await wire.reply()
            if reply.code // 100 == 2:  # noqa: PLR2004 - so it was the parameters
                self._asks.discard(stage)
        return reply

    def _failed(self, reason: str) -> Unreachable:
        self.close()
        return Unreachable(reason)

    def _lost(self, stage: Stage, reason: str) -> Answer:
        # After the recipient is named this mail may be the cause, and after the text is sent it may have
        # been accepted: the retry is the same bytes under the same Message-ID.
        self.close()
        return Unreachable(reason) if stage == "mail" else Doubtful(reason, perhaps_taken=stage == "data")

    async def _reset(self, wire: Wire, code: int) -> None:
        """End the transaction of a mail that was refused, and read what was sent ahead of the refusal."""
        if code == 421 or not wire.open:  # noqa: PLR2004 - the server is closing
            self.close()
            return
        try:
            while wire.unread:
                if (await wire.reply()).code in _GO_ON["data"]:
                    wire.send_text(b"")  # for nobody (RFC 2920, 3.1)
            wire.send("RSET")
            await wire.reply()
        except (SMTPException, OSError):
            self.close()


def _about_parameters(reply: SMTPResponse) -> bool:
    return reply.code in _UNKNOWN_PARAMETERS or bool(_INVALID_ARGUMENTS.match(reply.message))


def _reference(text: str) -> str:
    # Only a certain queue id: the rest of the reply may quote the address.
    found = _QUEUE_ID.search(text)
    return found[1] if found else ""


def _own_name() -> str:
    # Not the full name, which would need a DNS lookup at every connection.
    name = socket.gethostname()
    return name if _HOSTNAME.fullmatch(name) else "[127.0.0.1]"
