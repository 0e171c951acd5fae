"""The connection to the broker: publishes commands, and gives each reply to whoever waits for it."""

import asyncio
import base64
import json
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from aio_pika.exceptions import DeliveryError
from nacl.signing import SigningKey, VerifyKey

from deploy.web.errors import NotTakenError
from deploy.web.settings import WebSettings
from shared.broker.connecting import FAULTS, close, connect
from shared.contract import topology
from shared.crypto.keys import SIGNERS
from shared.crypto.signing import SIGNATURE, SIGNED_AT, SenderKeys, Signed, Signer, signed_when

Reply = Mapping[str, Any]
"""A reply of the contract: `outcome`, `code`, `detail`, `errors`, `data`."""

_CONNECTS = 10.0
"""Seconds in which it is connected and consumes."""
_PUBLISHES = 5.0
"""Seconds for one publish with its confirm; a connection that takes longer is given up."""
_PAUSE = 1.0
"""Seconds between two tries to connect."""
_HEARTBEAT = "heartbeat=10"
_FRESH = timedelta(minutes=10)
"""How old a signature of a reply may be."""


class Commands:
    """The session of one process with the broker.

    A command is published under the `message_id` that it is given, as often as it is asked: it has one
    effect.

    Args:
        settings: the user, the address, and the keys where messages are signed.
    """

    def __init__(self, settings: WebSettings) -> None:
        self._settings = settings
        self._log = structlog.get_logger()
        self._waiting: defaultdict[str, set[asyncio.Future[Reply]]] = defaultdict(set)
        self._channel: AbstractChannel | None = None
        self._queue = ""
        self._ready = asyncio.Event()
        key = settings.web_signing_key
        self._signer = Signer(SigningKey(base64.b64decode(key.reveal()))) if key else None
        self._services = _service_keys(settings.keys_dir) if key else SenderKeys()

    @property
    def ready(self) -> bool:
        """Whether it is connected."""
        return self._ready.is_set()

    async def __aenter__(self) -> Self:
        self._staying = asyncio.create_task(self._stay_connected())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._staying.cancel()
        await asyncio.gather(self._staying, return_exceptions=True)

    async def ask(
        self, type_: str, body: Mapping[str, Any], message_id: str, *, within: float
    ) -> Reply | None:
        """Publish a command, and return its reply, or None if none came within so many seconds.

        Raises:
            NotTakenError: the broker has not confirmed it.
        """
        arrived: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[message_id].add(arrived)
        try:
            await self._publish(type_, body, message_id, within)
            with suppress(TimeoutError):
                async with asyncio.timeout(within):
                    return await arrived
            return None
        finally:
            self._waiting[message_id].discard(arrived)
            if not self._waiting[message_id]:
                del self._waiting[message_id]

    async def _publish(self, type_: str, body: Mapping[str, Any], message_id: str, patience: float) -> None:
        try:
            async with asyncio.timeout(patience):
                await self._ready.wait()
        except TimeoutError:
            raise NotTakenError from None
        channel = self._channel
        if channel is None:
            raise NotTakenError
        try:
            async with asyncio.timeout(_PUBLISHES):
                exchange = await channel.get_exchange(topology.COMMANDS, ensure=False)
                await exchange.publish(
                    self._message(type_, body, message_id), type_, mandatory=True, timeout=_PUBLISHES
                )
        except DeliveryError as refused:
            self._log.warning("command.refused", type=type_, correlation_id=message_id)
            raise NotTakenError from refused
        except FAULTS as lost:
            self._log.warning("command.unconfirmed", type=type_, correlation_id=message_id)
            if channel is self._channel:  # nobody else has connected anew meanwhile
                self._give_up()
            raise NotTakenError from lost
        self._log.info("command.published", type=type_, correlation_id=message_id)

    def _message(self, type_: str, body: Mapping[str, Any], message_id: str) -> aio_pika.Message:
        user = self._settings.user
        content = json.dumps(body, ensure_ascii=False, sort_keys=True).encode()
        signed = Signed(type_, message_id, message_id, user, self._queue, content)
        return aio_pika.Message(
            content,
            type=type_,
            message_id=message_id,
            correlation_id=message_id,
            user_id=user,
            reply_to=self._queue,
            content_type="application/json",
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            headers=dict(self._signer.headers(signed, datetime.now(UTC))) if self._signer else {},
        )

    async def _stay_connected(self) -> None:
        while True:
            try:
                async with asyncio.timeout(_CONNECTS):
                    connection = await self._connect()
            except FAULTS as fault:
                self._log.warning("broker.waiting", error=type(fault).__name__)
                await asyncio.sleep(_PAUSE)
                continue
            self._gone = asyncio.Event()
            connection.close_callbacks.add(self._give_up)
            self._ready.set()
            self._log.info("broker.connected")
            try:
                await self._gone.wait()
            finally:
                self._ready.clear()
                self._channel = None
                await close(connection, _PAUSE)

    async def _connect(self) -> AbstractConnection:
        url = self._settings.amqp_url.reveal()
        url += ("&" if "?" in url else "?") + _HEARTBEAT
        connection = await connect(url, self._settings.user, _CONNECTS, self._settings.amqp_tls)
        try:
            channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
            queue = await channel.declare_queue("", exclusive=True)
            await queue.consume(self._take, no_ack=True)
        except BaseException:
            await close(connection, _PAUSE)
            raise
        self._channel, self._queue = channel, queue.name
        return connection

    def _give_up(self, *_: object) -> None:
        self._ready.clear()
        self._gone.set()

    async def _take(self, message: AbstractIncomingMessage) -> None:
        message_id = message.correlation_id or ""
        if self._services.of and not self._is_of_a_service(message):
            self._log.warning("reply.not_signed", correlation_id=message_id)
            return
        for waiting in self._waiting.get(message_id, ()):
            if not waiting.done():  # a reply may come twice
                waiting.set_result(json.loads(message.body))

    def _is_of_a_service(self, message: AbstractIncomingMessage) -> bool:
        at = str(message.headers.get(SIGNED_AT, ""))
        when = signed_when(at)
        signed = Signed(
            message.type or "", message.message_id or "", message.correlation_id or "",
            message.user_id or "", self._queue, message.body,
        )  # fmt: skip
        if when is None or abs(datetime.now(UTC) - when) > _FRESH:
            return False
        return self._services.verify(signed, str(message.headers.get(SIGNATURE, "")), at)


def _service_keys(folder: Path) -> SenderKeys:
    """Read the keys by which the services sign: one a line, further ones while a key is being changed."""
    return SenderKeys(
        {
            service: tuple(
                VerifyKey(base64.b64decode(line.split()[0])) for line in file.read_text().splitlines()
            )
            for service in SIGNERS
            if (file := folder / f"{service}-signing.pub").exists()
        }
    )
