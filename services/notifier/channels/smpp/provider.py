"""SMS by SMPP 3.4: one account at an SMSC."""

import asyncio
from collections import OrderedDict
from typing import Any
from uuid import UUID

import structlog

from services.notifier.channels.answers import smpp_answer
from services.notifier.channels.smpp.pdu import (
    OK,
    RESPONSE,
    Address,
    Command,
    Pdu,
    message_id,
    read_deliver,
    submit,
)
from services.notifier.channels.smpp.receipts import (
    is_receipt,
    read_receipt,
    reference,
    same_id,
)
from services.notifier.channels.smpp.session import Session
from services.notifier.channels.smpp.upkeep import Arrived, ReceiptsUpkeep
from services.notifier.channels.sms_text import sms_of
from services.notifier.outcome import Answer, Doubtful, Sent, Unreachable
from services.notifier.outgoing import Outgoing
from services.notifier.smpp_settings import SmppAccount
from shared.errors import UnreadableReceiptError
from shared.texts.sms_alphabet import gsm7, ucs2
from shared.texts.sms_length import beyond_gsm7

_INTERNATIONAL, _ISDN = 1, 1
_DEFAULT_ALPHABET, _UCS2 = 0, 8
_UCS2_OCTETS = 140
_PERMANENT = 0x65
"""ESME_RX_P_APPN: it need not be sent again."""
_MOST_LATE = 1_000
"""Answers that came after their time, remembered for the retries of their deliveries."""
_SHORTEST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0


class SmppProvider:
    """Sends one SMS at a time, many concurrently, over one session that it opens and keeps.

    Attributes:
        name: of the provider, which begins each reference.
        concurrency: how many may be under way at once.
        upkeep: stores what the SMSC reports, and only then acknowledges it.
    """

    def __init__(self, account: SmppAccount, log: Any = None) -> None:  # noqa: ANN401 - structlog's
        self.name, self.concurrency = account.name, account.window
        self.upkeep = ReceiptsUpkeep(account.name, self._stay_bound)
        self._account, self._log = account, log or structlog.get_logger()
        self._session: Session | None = None
        self._opening: asyncio.Task[Session | Unreachable] | None = None
        self._binding: asyncio.Task[None] | None = None
        self._late = OrderedDict[UUID, str]()

    async def send(self, outgoing: Outgoing) -> Answer:
        """Send one SMS.

        SMPP has no key by which an SMSC knows a repeat: one after silence or a lost session may be a second
        copy, of the same text. An answer that came after its time is remembered, and saves that copy.
        """
        if known := self._late.pop(outgoing.id, None):
            return Sent(known)
        body = self._body(outgoing)
        session = await self.bound()
        if isinstance(session, Unreachable):
            return session
        if not await session.room():
            return Unreachable(f"smpp_{session.lost}")  # nothing was sent
        answer = session.submit(body)
        await asyncio.wait([answer], timeout=self._account.step_limit.total_seconds())
        if not answer.done():
            answer.add_done_callback(lambda late: self._remember(outgoing.id, late.result()))
            session.doubt(answer)
            return Doubtful("smpp_timeout", perhaps_taken=True)
        return self._meaning(answer.result(), session)

    async def bound(self) -> Session | Unreachable:
        """Return the session, opened if there is none; concurrent callers share one try."""
        if self._session and not self._session.lost:
            return self._session
        if self._opening is None or self._opening.done():
            self._opening = asyncio.create_task(self._open())
        return await asyncio.shield(self._opening)

    async def close(self) -> None:
        """Unbind. Receipts that are not stored come again, after the next bind."""
        for task in filter(None, (self._binding, self._opening)):
            task.cancel()
            await asyncio.wait([task])
        if self._session:
            await self._session.close()

    def _stay_bound(self) -> None:
        """Bind in the background, if there is no session: receipts come only by one."""
        if self._binding is None or self._binding.done():
            self._binding = asyncio.create_task(self._bind())

    async def _bind(self) -> None:
        pause = _SHORTEST_PAUSE
        while isinstance(failure := await self.bound(), Unreachable):
            self._log.warning("smpp.unbound", channel="sms", provider=self.name, reason=failure.reason)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _open(self) -> Session | Unreachable:
        session = Session(self._account, self._arrived, self._log)
        if failure := await session.open():
            return failure
        self._session = session
        return session

    def _meaning(self, answer: Pdu | None, session: Session) -> Answer:
        if answer is None:
            return Doubtful("smpp_dropped", perhaps_taken=True)
        if answer.status == OK and answer.command == Command.SUBMIT_SM | RESPONSE:
            return Sent(self._reference(message_id(answer.body)))
        meaning = smpp_answer(answer.status)
        if isinstance(meaning, Unreachable):
            session.drop("refused")
        return meaning

    def _remember(self, id_: UUID, answer: Pdu | None) -> None:
        if answer and answer.status == OK and (known := self._reference(message_id(answer.body))):
            self._late[id_] = known
            if len(self._late) > _MOST_LATE:
                self._late.popitem(last=False)

    def _reference(self, id_: str) -> str:
        return reference(self.name, same_id(id_, self._account.sent_ids)) if id_ else ""

    def _body(self, outgoing: Outgoing) -> bytes:
        sms, parts = sms_of(outgoing, self._log)
        account, text = self._account, sms.text.reveal()
        wide = account.alphabet == "ucs2" or bool(beyond_gsm7(text))
        encoded = ucs2(text) if wide else gsm7(text)
        return submit(
            Address(account.source_ton, account.source_npi, account.source),
            Address(_INTERNATIONAL, _ISDN, sms.to.removeprefix("+")),
            _UCS2 if wide else _DEFAULT_ALPHABET,
            encoded,
            {account.reference_tag: str(outgoing.id).encode()} if account.reference_tag else {},
            whole=parts == 1 and (not wide or len(encoded) <= _UCS2_OCTETS),
        )

    async def _arrived(self, session: Session, pdu: Pdu) -> None:
        """Keep a receipt until it is stored; answer all else at once, without a look at its text."""
        try:
            deliver = read_deliver(pdu.body)
        except ValueError:
            self._log.warning("smpp.unreadable", provider=self.name)
            session.answer(pdu, _PERMANENT)
            return
        if not is_receipt(deliver):
            self._log.info("smpp.incoming", provider=self.name)
            session.answer(pdu)
            return
        try:
            receipt = read_receipt(deliver, self._account.sent_ids, self._account.receipt_ids)
        except UnreadableReceiptError:
            self._log.warning("smpp.unreadable", provider=self.name)
            session.answer(pdu)
            return
        await self.upkeep.add(Arrived(session, pdu, receipt))
