"""One SMTP connection, which sends mails one after the other (RFC 5321)."""

import asyncio
import contextlib
import re
import socket
import ssl

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPDataError,
    SMTPException,
    SMTPResponse,
    SMTPResponseException,
    SMTPServerDisconnected,
)

from services.notifier.channels.answers import Stage, smtp_answer
from services.notifier.envelope import Envelope
from services.notifier.outcome import Answer, Doubtful, Sent, Unreachable
from services.notifier.settings import Mailbox

_FAREWELL_SECONDS = 1.0
_HOSTNAME = re.compile(r"[a-zA-Z0-9-]+(\.[a-zA-Z0-9-]+)*")
# Parameters that are not known, not implemented, or not well-formed (RFC 5321, 4.2.4; RFC 3463, 3.6).
_UNKNOWN_PARAMETERS = frozenset({500, 501, 504, 555})
_INVALID_ARGUMENTS = re.compile(r"5\.5\.4\b")
_QUEUE_ID = re.compile(r"(?:queued as|id=?)\s*([A-Za-z0-9-]{4,64})\b(?!@)", re.IGNORECASE)


class Connection:
    """An SMTP connection of one account."""

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
        self.carried = 0
        self._asks: set[Stage] = set()

    @property
    def offers_dsn(self) -> bool:
        """Whether the server offers to be told what a bounce shall contain (RFC 3461)."""
        return self._client.supports_extension("dsn")

    @property
    def usable(self) -> bool:
        """Whether it is open and not due for renewal."""
        return self._client.is_connected and self.carried < self._box.mails_a_connection

    async def open(self) -> Unreachable | None:
        """Connect, start TLS and log in, as configured; a failure here is never caused by a mail."""
        try:
            async with asyncio.timeout(self._box.connect_limit.total_seconds()):
                await self._client.connect()
                if self._client.is_ehlo_or_helo_needed:
                    await self._client.ehlo()
            if self.offers_dsn:
                self._asks = {"mail", "rcpt"}
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
            message: the complete mail.
        """
        self.carried += 1
        stage: Stage = "mail"
        try:
            async with asyncio.timeout(self._box.mail_limit.total_seconds()):
                reply = await self._ask(stage, f"MAIL FROM:<{envelope.sender}>", envelope.mail_parameters)
                if reply.code == 250:  # noqa: PLR2004 - RFC 5321, 4.2
                    stage = "rcpt"
                    reply = await self._ask(
                        stage, f"RCPT TO:<{envelope.recipient}>", envelope.rcpt_parameters
                    )
                if stage == "rcpt" and reply.code in {250, 251}:
                    stage = "data"
                    return Sent(_reference((await self._client.data(message)).message))
            code, text = reply
        except SMTPDataError as error:
            code, text = error.code, error.message
        except SMTPResponseException:
            return self._lost(stage, "smtp_garbled")
        except TimeoutError:
            return self._lost(stage, f"smtp_timeout_{stage}")
        except (SMTPServerDisconnected, OSError):
            return self._lost(stage, f"smtp_dropped_{stage}")
        except asyncio.CancelledError:
            self.close()
            raise
        await self._reset(code)
        return smtp_answer(stage, code, text)

    async def farewell(self) -> None:
        """Send QUIT, with a time limit."""
        with contextlib.suppress(SMTPException, OSError):
            await self._client.quit(timeout=_FAREWELL_SECONDS)
        self.close()

    def close(self) -> None:
        """Drop the connection."""
        self._client.close()

    async def _ask(self, stage: Stage, command: str, parameters: str) -> SMTPResponse:
        """Send a command, with its parameters if the server offers DSN.

        One that refuses what it offers is asked again without, and only that answer counts: no mail is lost
        by what we ask about its bounce. The connection remembers it.
        """
        if stage not in self._asks or not parameters:
            return await self._client.execute_command(command.encode("ascii"))
        reply = await self._client.execute_command(f"{command}{parameters}".encode("ascii"))
        if reply.code in _UNKNOWN_PARAMETERS or _INVALID_ARGUMENTS.match(reply.message):
            reply = await self._client.execute_command(command.encode("ascii"))
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

    async def _reset(self, code: int) -> None:
        if code == 421 or not self._client.is_connected:  # noqa: PLR2004 - the server is closing
            self.close()
            return
        try:
            await self._client.rset()
        except (SMTPException, OSError):
            self.close()


def _reference(text: str) -> str:
    # Only a certain queue id: the rest of the reply may quote the address.
    found = _QUEUE_ID.search(text)
    return found[1] if found else ""


def _own_name() -> str:
    # Not the full name, which would need a DNS lookup at every connection.
    name = socket.gethostname()
    return name if _HOSTNAME.fullmatch(name) else "[127.0.0.1]"
