"""The process that reads the mailboxes: a thread for each, and one session with the broker.

It is no lane: it has no queue, no ledger and no key. It reads mails that anybody may have written.
"""

import asyncio
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from services.notifier.mailbox.evidence import Classifier
from services.notifier.mailbox.reader import Reader
from services.notifier.mailbox.settings import BoxName, MailboxSettings
from shared.broker.message import Message
from shared.broker.session import Session
from shared.errors import BrokerLostError
from shared.worker.settings import ProcessSettings

_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.1, 1.0
_STOP_LIMIT, _CUT_LIMIT = 6.0, 1.0
"""Seconds for what is under way when it is to stop, and then for a server that does not answer."""


class MailboxProcess:
    """Reads every mailbox that is configured, until it is stopped.

    Args:
        name: of the process.
        settings: of the process.
        mailboxes: what to read.
        classifiers: what understands the mails of each.
        log: of the process.
    """

    def __init__(
        self,
        name: str,
        settings: ProcessSettings,
        mailboxes: MailboxSettings,
        classifiers: Mapping[BoxName, Classifier],
        log: Any,  # noqa: ANN401 - structlog's
    ) -> None:
        self._name, self._settings, self._log = name, settings, log
        self._limit = settings.publish_limit.total_seconds()
        self._loop = asyncio.get_running_loop()
        self._session: Session | None = None
        self._stop = asyncio.Event()
        self._ended = False
        self._stopping, self._there = threading.Event(), threading.Event()
        self._readers = [
            Reader(box, mailboxes, classifiers[box.name], self._publish, self._there, self._stopping, log)
            for box in mailboxes.boxes()
        ]

    def missing(self) -> list[str]:
        """Return what is missing to be ready: `broker`, and the mailboxes that are not being read."""
        there = self._session is not None and not self._session.lost.is_set()
        unread = [f"{reader.name} mailbox" for reader in self._readers if not reader.connected]
        return [*([] if there else ["broker"]), *unread]

    def stop(self) -> None:
        """Finish the mails under way, and return from `run`."""
        self._stopping.set()
        self._stop.set()

    async def run(self) -> None:
        """Read until stopped, reconnecting after every loss of a server."""
        for reader in self._readers:
            reader.start()
        pause = _SHORTEST_PAUSE
        while not self._stop.is_set():
            try:
                await self._connected()
                pause = _SHORTEST_PAUSE
            except BrokerLostError as loss:
                self._log.warning("worker.waiting", loss=loss.loss, detail=str(loss), pause=pause)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), pause)
                pause = min(_LONGEST_PAUSE, pause * 2)
        await asyncio.to_thread(self._end_readers)

    async def _connected(self) -> None:
        session = await Session.open(
            self._settings.amqp_url.reveal(), self._name, tls=self._settings.amqp_tls
        )
        self._session = session
        self._there.set()
        self._log.info("worker.ready", queue=None)
        try:
            await self._until_stopped_or(session)
            await asyncio.to_thread(self._end_readers)
        finally:
            self._there.clear()
            await session.close()

    async def _until_stopped_or(self, session: Session) -> None:
        stopped, lost = asyncio.ensure_future(self._stop.wait()), asyncio.ensure_future(session.lost.wait())
        try:
            await asyncio.wait((stopped, lost), return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            lost.cancel()
        if not self._stop.is_set():
            raise BrokerLostError("the session ended")

    def _end_readers(self) -> None:
        """Let the threads finish what they do; what they do not finish is done again by the next process.

        They are waited for once: while the session lasts, if there is one.
        """
        if self._ended:
            return
        self._ended = True
        end = time.monotonic() + _STOP_LIMIT
        late = [reader for reader in self._readers if not reader.ended(max(0.0, end - time.monotonic()))]
        for reader in late:
            reader.cut()
        if [reader for reader in late if not reader.ended(_CUT_LIMIT)]:
            self._log.warning("worker.stop_cut_short")

    def _publish(self, messages: Sequence[Message]) -> None:
        """Publish from a reader's thread; return when the broker has confirmed that they are in a queue."""
        if not messages:
            return
        future = asyncio.run_coroutine_threadsafe(self._hand_in(messages), self._loop)
        try:
            future.result(self._limit + _CUT_LIMIT)
        except TimeoutError:
            future.cancel()
            raise BrokerLostError("publish: TimeoutError") from None

    async def _hand_in(self, messages: Sequence[Message]) -> None:
        if self._session is None or self._session.lost.is_set():
            raise BrokerLostError("no session")
        if not all(await self._session.publish(messages, self._limit)):
            raise BrokerLostError("no queue takes reports")
