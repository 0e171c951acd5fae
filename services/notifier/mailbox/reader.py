"""Reads one mailbox in a thread: each mail is understood, reported, and only then filed.

A crash leaves a mail in the inbox that was reported, which is then reported once more under the same message
id, or one that lies in its folder already, which is found there. None is lost, none counts twice, and none is
deleted.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import accumulate, takewhile
from threading import Event, Thread
from typing import Any

from services.notifier import reports
from services.notifier.mailbox.evidence import Classifier, Understood
from services.notifier.mailbox.imap import Connection
from services.notifier.mailbox.settings import Box, MailboxSettings
from services.notifier.mailbox.triage import Triage
from shared.broker.message import Message
from shared.config.logs import where
from shared.errors import BrokerLostError, MailboxLostError, MailRefusedError
from shared.worker.crash import crash_point

Publish = Callable[[Sequence[Message]], None]
"""Publishes messages, and returns when the broker has them; raises `BrokerLostError`."""

_MAILS, _BYTES = 50, 4 * 1024 * 1024
"""What is read, published and filed together, at most: a mail of any size alone."""
_SHORTEST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
_GLANCE = 1.0
"""Seconds between two looks at whether to stop."""
_LOSSES = 2
"""Connections lost over one mail, asked for alone, after which it is left aside."""
_ASIDE = 600.0
"""Seconds."""


@dataclass(frozen=True, slots=True)
class _Mail:
    """One mail, as it was read and understood."""

    uid: int
    raw: bytes
    evidence: str
    understood: Understood

    def messages(self) -> list[Message]:
        """Return its reports; their ids follow from its bytes, wherever it lies and whenever it is read."""
        found = enumerate(self.understood.reports)
        return [reports.message(report, f"{self.evidence}/{number}") for number, report in found]


class Aside:
    """Mails that are not asked for, or asked for alone, as the server did not give or file them."""

    def __init__(self) -> None:
        self._until: dict[int, float] = {}
        self._losses: Counter[int] = Counter()

    def put(self, uid: int) -> None:
        """Leave a mail aside for some time."""
        self._until[uid] = time.monotonic() + _ASIDE
        self._losses.pop(uid, None)

    def __contains__(self, uid: object) -> bool:
        """Return whether a mail is left aside now."""
        return isinstance(uid, int) and self._until.get(uid, 0.0) > time.monotonic()

    def lost(self, uids: Sequence[int]) -> int | None:
        """Count a connection that ended over these; return one of them if it was alone, and too often."""
        self._losses.update(uids)
        return uids[0] if len(uids) == 1 and self._losses[uids[0]] > _LOSSES else None

    def settled(self, uids: Iterable[int]) -> None:
        """Forget what was counted of these."""
        for uid in uids:
            self._losses.pop(uid, None)

    def alone(self, uid: int) -> bool:
        """Return whether a mail is asked for by itself."""
        return uid in self._losses


class Reader:
    """The thread that reads one mailbox until it is stopped.

    Args:
        box: the mailbox.
        settings: of how to read.
        classifier: understands its mails.
        publish: hands reports to the broker.
        broker: set while there is one to publish to.
        stopping: set to make it stop, within a second where nobody is waited for.
        log: of the process.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - each is one thing that it needs
        self,
        box: Box,
        settings: MailboxSettings,
        classifier: Classifier,
        publish: Publish,
        broker: Event,
        stopping: Event,
        log: Any,  # noqa: ANN401 - structlog's
    ) -> None:
        self._box, self._settings, self._publish = box, settings, publish
        self._broker, self._stopping = broker, stopping
        self._log = log.bind(mailbox=box.name)
        limit = settings.mailbox_mail_timeout.total_seconds()
        self._triage = Triage(classifier, settings.mailbox_largest, limit, self._log)
        self._aside = Aside()
        self._asked: Sequence[int] = ()
        self._connection: Connection | None = None
        self._pause = _SHORTEST_PAUSE
        self._thread = Thread(target=self._run, name=f"{box.name}-mailbox", daemon=True)

    @property
    def name(self) -> str:
        """The mailbox's."""
        return self._box.name

    @property
    def connected(self) -> bool:
        """Whether the mailbox is being read now."""
        return self._connection is not None

    def start(self) -> None:
        """Start to read."""
        self._thread.start()

    def ended(self, limit: float) -> bool:
        """Wait until it has stopped, at most `limit` seconds; return whether it has."""
        self._thread.join(limit)
        return not self._thread.is_alive()

    def cut(self) -> None:
        """Disconnect from a server that does not answer: nothing is lost by it."""
        if connection := self._connection:
            connection.cut()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._read()
            except MailboxLostError as loss:
                self._wait(loss.reason, loss.detail)
            except BrokerLostError as loss:
                self._wait("broker", str(loss))
            except Exception as error:  # noqa: BLE001 - a server may say anything; the thread never ends by it
                self._wait("fault", ": ".join(where(error).values()))

    def _wait(self, reason: str, detail: str) -> None:
        if self._asked and (stuck := self._aside.lost(self._asked)) is not None:
            self._leave(stuck, "connection_lost")
            self._pause = _SHORTEST_PAUSE
        self._asked = ()
        if self._stopping.is_set():
            return
        # A provider that counts wrong passwords locks the account sooner or later.
        pause = _LONGEST_PAUSE if reason == "login_refused" else self._pause
        self._log.warning("mailbox.waiting", reason=reason, detail=detail, pause=pause)
        self._stopping.wait(pause)
        self._pause = min(_LONGEST_PAUSE, self._pause * 2)

    def _read(self) -> None:
        connection = Connection.open(self._box, self._settings)
        self._connection = connection
        self._log.info("mailbox.ready", idle=connection.idles)
        try:
            while self._broker_is_there() and not self._stopping.is_set():
                if uids := connection.unread(self._aside):
                    self._settle_all(connection, uids)
                else:
                    self._listen(connection)
                self._pause = _SHORTEST_PAUSE
        finally:
            self._connection = None
            connection.close()

    def _broker_is_there(self) -> bool:
        while not self._broker.wait(_GLANCE):
            if self._stopping.is_set():
                return False
        return True

    def _listen(self, connection: Connection) -> None:
        if connection.idles:
            connection.listen(self._settings.mailbox_idle.total_seconds(), self._stopping)
        else:
            self._stopping.wait(self._settings.mailbox_poll.total_seconds())

    def _settle_all(self, connection: Connection, uids: Sequence[int]) -> None:
        while uids and not self._stopping.is_set():
            chunk = self._chunk(connection, uids[:_MAILS])
            try:
                self._settle(connection, chunk)
            except MailRefusedError as refusal:
                self._one_by_one(connection, chunk, str(refusal))
            self._aside.settled(chunk)
            self._asked = ()
            uids = uids[len(chunk) :]

    def _chunk(self, connection: Connection, uids: Sequence[int]) -> Sequence[int]:
        """Return how many of these, from the first, are settled together."""
        if self._aside.alone(uids[0]):
            return uids[:1]
        uids = list(takewhile(lambda uid: not self._aside.alone(uid), uids))
        try:
            sizes = connection.sizes(uids)
        except MailRefusedError:
            return uids[:1]
        total = accumulate(min(sizes.get(uid, 0), self._settings.mailbox_largest) for uid in uids)
        return uids[: max(1, sum(1 for so_far in total if so_far <= _BYTES))]

    def _one_by_one(self, connection: Connection, uids: Sequence[int], refused: str) -> None:
        for uid in uids:
            if len(uids) == 1:
                self._leave(uid, refused)
                return
            try:
                self._settle(connection, [uid])
            except MailRefusedError as refusal:
                self._leave(uid, str(refusal))

    def _leave(self, uid: int, reason: str) -> None:
        self._aside.put(uid)
        self._log.warning("mailbox.stuck", uid=uid, reason=reason)

    def _settle(self, connection: Connection, uids: Sequence[int]) -> None:
        """Read, understand, report and file some mails, in this order."""
        self._asked = uids
        found = connection.mails(uids)
        self._asked = ()
        crash_point("mailbox.fetched")
        mails = [self._understood(uid, raw) for uid, raw in sorted(found.items())]
        self._publish([message for mail in mails for message in mail.messages()])
        crash_point("mailbox.published")
        for folder in (self._box.processed, self._box.unknown):
            filed = [mail for mail in mails if self._folder(mail) == folder]
            if whole := {mail.uid: mail.raw for mail in filed if mail.understood.kept is None}:
                connection.file(whole, folder)
            for mail in filed:
                if mail.understood.kept is not None:
                    connection.replace(mail.uid, mail.understood.kept, folder)
                self._log_filed(mail)
        crash_point("mailbox.filed")

    def _understood(self, uid: int, raw: bytes) -> _Mail:
        return _Mail(uid, raw, sha256(raw).hexdigest(), self._triage.understand(raw))

    def _folder(self, mail: _Mail) -> str:
        return self._box.unknown if mail.understood.unknown else self._box.processed

    def _log_filed(self, mail: _Mail) -> None:
        understood = mail.understood
        say = self._log.warning if understood.unknown else self._log.info
        say(
            "mailbox.unknown" if understood.unknown else "mailbox.read",
            reason=understood.reason,
            reports=[message.message_id for message in mail.messages()],
            evidence=mail.evidence,
            reduced=understood.kept is not None,
        )
