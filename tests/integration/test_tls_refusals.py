"""A server that cannot prove its name gets nothing from us: no password, no message, no half of a PIN."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from deploy.local.authority import Authority, Credential
from services.notifier.channels import open_channel
from services.notifier.outcome import Unreachable
from services.notifier.outgoing import Outgoing
from services.notifier.settings import NotifierSettings
from services.notifier.suspicion import Hearing
from shared.broker.admin import BrokerAdmin
from shared.broker.session import Session
from shared.config.tls import TlsFiles
from shared.contract.delivery import Content, Mail, Sms
from shared.crypto.secret import Secret
from shared.errors import BrokerLostError, LedgerLostError
from shared.ledger import Ledger

HOST = "localhost"
Opening = Callable[[int, Path], Awaitable[str]]
"""Connects to a port, trusting an authority; returns what it complains of."""


class Impostor:
    """A TLS server that counts the connections that trusted it.

    Args:
        own: its certificate.
        before: what it says in the clear to each line or packet, before TLS begins.
    """

    def __init__(self, own: Credential, before: tuple[bytes, ...]) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(own.cert, own.key)
        self._before = before
        self.trusted = 0
        self.port = 0
        self._sessions: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator["Impostor"]:
        """Listen until the block ends."""
        context = None if self._before else self._context
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self
            for session in self._sessions:
                session.cancel()
            await asyncio.gather(*self._sessions, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._sessions.add(task)
        with contextlib.suppress(OSError):
            try:
                greeting, *answers = self._before or (b"",)
                writer.write(greeting)
                for answer in answers:
                    await reader.read(1000)
                    writer.write(answer)
                    await writer.drain()
                if self._before:
                    await writer.start_tls(self._context)
                self.trusted += 1
            finally:
                writer.close()


async def broker(port: int, ca: Path) -> str:
    with pytest.raises(BrokerLostError) as loss:
        await Session.open(f"amqps://issuer:s3cret@{HOST}:{port}/", "test", 2, TlsFiles(str(ca)))
    return str(loss.value)


async def broker_by_url(port: int, ca: Path) -> str:
    with pytest.raises(BrokerLostError) as loss:
        await Session.open(f"amqps://issuer:s3cret@{HOST}:{port}/?cafile={ca}", "test", 2)
    return str(loss.value)


async def broker_of_pinctl(port: int, ca: Path) -> str:
    with pytest.raises(BrokerLostError) as loss:
        async with BrokerAdmin.open(f"amqps://pinctl:s3cret@{HOST}:{port}/", TlsFiles(str(ca))):
            pass
    return str(loss.value)


async def ledger(port: int, ca: Path) -> str:
    dsn = f"postgresql://issuer:s3cret@{HOST}:{port}/ledger?sslmode=verify-full&sslrootcert={ca}"
    with pytest.raises(LedgerLostError) as loss:
        await Ledger.open(dsn, "test", 2)
    return str(loss.value)


async def gateway(port: int, ca: Path) -> str:
    content = Sms("+393331234567", Secret("ABCD2345"))
    return await offered("sms", content, sms_url=f"https://{HOST}:{port}/sms", sms_ca=str(ca))


async def relay(port: int, ca: Path) -> str:
    account = {"smtp_host": HOST, "smtp_port": port, "smtp_tls": "starttls", "smtp_ca": str(ca)}
    return await offered("email", LETTER, **account)


async def pec(port: int, ca: Path) -> str:
    account = {"pec_smtp_host": HOST, "pec_smtp_port": port, "pec_smtp_tls": "implicit"}
    return await offered("pec", LETTER, **account, pec_smtp_ca=str(ca))


LETTER = Mail("one@example.it", "Il PIN", Secret("ABCD2345"), "it")


async def offered(name: str, content: Content, **settings: object) -> str:
    limits = {"sms_timeout": timedelta(seconds=2), "smtp_connect_timeout": timedelta(seconds=2)}
    channel = open_channel(name, NotifierSettings.model_validate(limits | settings))
    batch = [Outgoing(uuid4(), datetime(2026, 3, 1, 12, tzinfo=UTC), 1, content)]
    try:
        [answer] = await channel.send(batch, Hearing())
    finally:
        await channel.close()
    return answer.reason if isinstance(answer, Unreachable) else "trusted"


BEFORE: dict[Opening, tuple[bytes, ...]] = {
    ledger: (b"", b"S"),  # Postgres answers the request for TLS
    relay: (b"220 here\r\n", b"250-here\r\n250 STARTTLS\r\n", b"220 go on\r\n"),
}
"""What each kind of server says before TLS begins."""
KINDS = [broker, broker_by_url, broker_of_pinctl, ledger, gateway, relay, pec]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


def own_certificate(fault: str, authority: Authority, elsewhere: Path) -> Credential:
    match fault:
        case "wrong name":
            return authority.server("elsewhere", ["elsewhere.example", "127.0.0.2"])
        case "wrong authority":
            return Authority(elsewhere, "PIN local authority").server("right")
        case "expired":
            return authority.expired("right")
        case "for clients only":
            return authority.client("right")
        case _:
            return authority.server("right")


SAID = {
    "wrong name": "Hostname mismatch",
    "wrong authority": "unable to get local issuer certificate",
    "expired": "certificate has expired",
    "for clients only": "unsuitable certificate purpose",
}


@pytest.mark.parametrize("fault", SAID)
@pytest.mark.parametrize("opened", KINDS)
async def test_a_server_with_a_certificate_that_is_not_its_own_is_told_nothing(
    opened: Opening, fault: str, authority: Authority, tmp_path: Path
) -> None:
    own = own_certificate(fault, authority, tmp_path)
    async with Impostor(own, BEFORE.get(opened, ())).listening() as impostor:
        said = await opened(impostor.port, authority.ca)
        assert impostor.trusted == 0
    if opened in {gateway, relay, pec}:
        assert said in {"sms_tls", "smtp_tls", "smtp_connect"}
    else:
        assert SAID[fault] in said


@pytest.mark.parametrize("opened", KINDS)
async def test_the_right_certificate_is_trusted(
    opened: Opening, authority: Authority, tmp_path: Path
) -> None:
    """Without this, the refusals above could have any other cause."""
    own = own_certificate("", authority, tmp_path)
    async with Impostor(own, BEFORE.get(opened, ())).listening() as server:
        await opened(server.port, authority.ca)
        assert server.trusted > 0


@pytest.mark.parametrize("opened", [broker, ledger])
async def test_an_older_tls_than_1_2_is_refused(
    opened: Opening, authority: Authority, tmp_path: Path
) -> None:
    server = Impostor(own_certificate("", authority, tmp_path), BEFORE.get(opened, ()))
    server._context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        server._context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        server._context.maximum_version = ssl.TLSVersion.TLSv1_1
    async with server.listening():
        await opened(server.port, authority.ca)
        assert server.trusted == 0
