"""One session with an SMSC: bound, watched, with a window of messages that are not answered yet."""

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

from services.notifier.channels.smpp.pdu import (
    INVALID_COMMAND,
    OK,
    RESPONSE,
    Command,
    Pdu,
    bind,
    read_pdu,
)
from services.notifier.outcome import Unreachable
from services.notifier.smpp_settings import SmppAccount
from shared.errors import GarbledError

_FAREWELL_SECONDS = 1.0
_PATIENCE = 6
"""How many times its limit an answer may take before its place in the window is given to others."""
_LAST_SEQUENCE = 0x7FFF_FFFF

Deliver = Callable[["Session", Pdu], Awaitable[None]]
"""Told of each deliver_sm; while it waits, nothing more is read from the SMSC."""


class Session:
    """A bind_transceiver (SMPP 3.4, 2.2).

    Args:
        account: at the SMSC.
        deliver: told of each deliver_sm, which it has to answer by `answer`.
        log: of the lane.
    """

    def __init__(self, account: SmppAccount, deliver: Deliver, log: Any) -> None:  # noqa: ANN401 - structlog's
        self._account, self._deliver, self._log = account, deliver, log
        self._window = asyncio.Semaphore(account.window)
        self._pending: dict[int, asyncio.Future[Pdu | None]] = {}
        self._sequence = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._writer: asyncio.StreamWriter | None = None
        self._doubt = asyncio.Event()
        self._heard_at = 0.0
        self._busy = False
        self.lost = ""

    async def open(self) -> Unreachable | None:
        """Connect and bind; a failure here is never caused by a message."""
        account, failure = self._account, ""
        try:
            async with asyncio.timeout(account.connect_limit.total_seconds()):
                reader, self._writer = await asyncio.open_connection(
                    account.host, account.port, ssl=account.context()
                )
                self._heard_at = _now()
                self._tasks.append(asyncio.create_task(self._read(reader)))
                bound = await self._ask(Command.BIND_TRANSCEIVER, self._credentials())
            if bound is None:
                failure = "smpp_bind_dropped"
            elif bound.status != OK:
                failure = f"smpp_bind_{bound.status:#04x}"
        except TimeoutError:
            failure = "smpp_connect_timeout"
        except ssl.SSLError:
            failure = "smpp_tls"
        except OSError:
            failure = "smpp_connect"
        except asyncio.CancelledError:
            self._end("closed")
            raise
        if failure:
            self._end("unbound")
            return Unreachable(failure)
        self._log.info("smpp.bound", provider=account.name)
        self._tasks.append(asyncio.create_task(self._watch()))
        return None

    async def room(self) -> bool:
        """Wait for a place in the window; return whether there is one.

        Messages whose time was up keep theirs for a while, as the SMSC may still be at them. A window that
        holds nothing else is of no use, and the session ends.
        """
        if not self.lost:
            try:
                async with asyncio.timeout(self._account.step_limit.total_seconds()):
                    await self._window.acquire()
            except TimeoutError:
                self.drop("window")
        return not self.lost

    def submit(self, body: bytes) -> "asyncio.Future[Pdu | None]":
        """Send a submit_sm in a place of the window, after `room`.

        Returns:
            The answer, some time; None once the session ended without one.
        """
        # Not drained: the window bounds what waits to be written.
        answer = self._ask(Command.SUBMIT_SM, body)
        answer.add_done_callback(lambda _: self._window.release())
        return answer

    def doubt(self, answer: "asyncio.Future[Pdu | None]") -> None:
        """Make sure that the SMSC is there, as it did not answer in time; later, wait for this no longer."""
        self._doubt.set()
        patience = _PATIENCE * self._account.step_limit.total_seconds()
        asyncio.get_running_loop().call_later(patience, self._give_up, answer)

    def answer(self, pdu: Pdu, status: int = OK) -> None:
        """Answer a PDU of the SMSC, if the session lasts."""
        body = b"\0" if pdu.command == Command.DELIVER_SM else b""
        command = pdu.command | RESPONSE if status != INVALID_COMMAND else Command.GENERIC_NACK | RESPONSE
        self._write(Pdu(command, status, pdu.sequence, body if command != RESPONSE else b""))

    def drop(self, reason: str) -> None:
        """End the session now: what is not answered ends without an answer."""
        if not self.lost:
            self._log.warning(
                "smpp.lost", provider=self._account.name, reason=reason, unanswered=len(self._pending)
            )
        self._end(reason)

    async def close(self) -> None:
        """Unbind, with a time limit."""
        if not self.lost:
            farewell = self._ask(Command.UNBIND)
            self.lost = "closed"
            await asyncio.wait([farewell], timeout=_FAREWELL_SECONDS)
        self._end("closed")
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _credentials(self) -> bytes:
        account = self._account
        return bind(account.system_id, account.password.reveal(), account.system_type)

    def _ask(self, command: Command, body: bytes = b"") -> "asyncio.Future[Pdu | None]":
        self._sequence = self._sequence % _LAST_SEQUENCE + 1
        answer = self._pending[self._sequence] = asyncio.get_running_loop().create_future()
        self._write(Pdu(command, OK, self._sequence, body))
        return answer

    def _write(self, pdu: Pdu) -> None:
        if self._writer and not self.lost:
            self._writer.write(pdu.encoded())

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                pdu = await read_pdu(reader)
                self._heard_at = _now()
                await self._take(pdu)
        except GarbledError:
            self.drop("garbled")
        except (asyncio.IncompleteReadError, OSError):
            self.drop("dropped")
        except Exception as error:  # noqa: BLE001 - an internal error must not leave a session that nobody reads
            self._log.error("channel.fault", error=type(error).__name__)
            self.drop("fault")

    async def _take(self, pdu: Pdu) -> None:
        if pdu.command & RESPONSE:
            answer = self._pending.pop(pdu.sequence, None)
            if answer and not answer.done():
                answer.set_result(pdu)
            return
        match pdu.command:
            case Command.DELIVER_SM:
                self._busy = True
                await self._deliver(self, pdu)
                self._busy = False
            case Command.ENQUIRE_LINK:
                self.answer(pdu)
            case Command.UNBIND:
                self.answer(pdu)
                self.drop("unbound")
            case _:
                self.answer(pdu, INVALID_COMMAND)

    async def _watch(self) -> None:
        """Ask whether the SMSC is there whenever it is silent for long, or an answer is overdue."""
        every, limit = self._account.enquire_interval, self._account.step_limit.total_seconds()
        while not self.lost:
            self._doubt.clear()
            rest = self._heard_at + every.total_seconds() - _now()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._doubt.wait(), max(rest, limit if self._busy else 0.0))
            quiet = _now() - self._heard_at >= every.total_seconds()
            if self._busy or not (quiet or self._doubt.is_set()):
                continue  # one that we do not listen to is not silent
            asked_at = _now()
            await asyncio.wait([self._ask(Command.ENQUIRE_LINK)], timeout=limit)
            if self._heard_at < asked_at and not self._busy:
                self.drop("silent")

    def _give_up(self, answer: "asyncio.Future[Pdu | None]") -> None:
        if not answer.done():
            self._pending = {sequence: one for sequence, one in self._pending.items() if one is not answer}
            answer.set_result(None)

    def _end(self, reason: str) -> None:
        self.lost = self.lost or reason
        pending, self._pending = self._pending, {}
        for answer in pending.values():
            if not answer.done():
                answer.set_result(None)
        if self._writer and reason in {"closed", "unbound"}:
            self._writer.close()
        elif self._writer:
            self._writer.transport.abort()
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()


def _now() -> float:
    return asyncio.get_running_loop().time()
