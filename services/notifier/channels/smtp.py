"""Email and PEC, by SMTP over persistent connections."""

import asyncio
from collections.abc import Sequence

from services.notifier.channels.concurrency import ConcurrentSender
from services.notifier.channels.mail import Composer
from services.notifier.channels.smtp_connection import Connection
from services.notifier.envelope import Envelope, EnvelopeMaker
from services.notifier.outcome import Answer, Refused, Unreachable
from services.notifier.outgoing import Outgoing
from services.notifier.settings import Mailbox
from services.notifier.suspicion import Hearing
from shared.config import logs
from shared.config.tls import TlsFiles
from shared.contract.delivery import Mail
from shared.errors import AddressError


class SmtpChannel:
    """Sends mails from one account."""

    def __init__(self, name: str, box: Mailbox, provider: str = "") -> None:
        self.name = name
        self._box = box
        self._composer = Composer(box.sender, box.receipt)
        self._envelopes = EnvelopeMaker(
            box.bounces or self._composer.sender,
            verp=bool(box.bounces) and box.verp,
            certified=box.receipt is not None,
        )
        self._log = logs.get()
        self._logged_no_dsn = False
        # Created once, as it reads all certificates of the machine.
        self._context = None if box.tls == "none" else TlsFiles(box.ca).context()
        self._idle: list[Connection] = []
        self._concurrent = ConcurrentSender(box.connections, provider or name)

    async def send(self, batch: Sequence[Outgoing], hearing: Hearing) -> list[Answer]:
        """Send a batch; see `Channel.send`."""
        return await self._concurrent.send(batch, self._send_one, hearing)

    async def close(self) -> None:
        """Close the connections to the server."""
        idle, self._idle = self._idle, []
        await asyncio.gather(*(connection.farewell() for connection in idle))

    async def _send_one(self, outgoing: Outgoing) -> Answer:
        mail = outgoing.content
        if not isinstance(mail, Mail):
            raise TypeError("only a Mail goes by mail")
        try:
            to, message = self._composer.compose(outgoing.id, outgoing.created_at, mail)
        except AddressError:
            return Refused("bad_address", unasked=True)
        return await self._deliver(self._envelopes.envelope(outgoing.id, to), message)

    async def _deliver(self, envelope: Envelope, message: bytes) -> Answer:
        if connection := self._kept():
            answer = await self._carry(connection, envelope, message)
            # A kept connection that ended says nothing about the server: it may have been idle too long.
            # This holds only before the recipient is named: later failures concern the recipient.
            if not isinstance(answer, Unreachable):
                return answer
        connection = Connection(self._box, self._context)
        if failure := await connection.open():
            return failure
        self._log_no_dsn(connection)
        return await self._carry(connection, envelope, message)

    async def _carry(self, connection: Connection, envelope: Envelope, message: bytes) -> Answer:
        answer = await connection.carry(envelope, message)
        if connection.usable:
            self._idle.append(connection)
        else:
            await connection.farewell()
        return answer

    def _log_no_dsn(self, connection: Connection) -> None:
        if not connection.offers_dsn and not self._logged_no_dsn:
            self._logged_no_dsn = True
            self._log.warning("mail.no_dsn", channel=self.name)

    def _kept(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.usable:
                return connection
            connection.close()
        return None
