"""The attempts that are open in the ledger: from before the comparison until the answer is committed."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.issuer.attempts import Admission, admitted, counted_before, resumed
from shared.domain.policy import PinPolicy
from shared.ledger import Ledger
from shared.worker.reading import ReceivedMessage
from shared.worker.unit_of_work import UnitOfWork


class Opened(NamedTuple):
    """An attempt that is open in the ledger: one body of one message, so that another is another guess."""

    at: datetime
    message_id: UUID
    digest: bytes


class OpenAttempts:
    """The attempts of a batch, and those of its citizens that are open.

    Args:
        work: the batch's citizens, who are locked: nobody else opens or closes an attempt of theirs.
        policy: how many failures lock and block.
    """

    def __init__(self, work: UnitOfWork, policy: PinPolicy) -> None:
        self._work, self._policy = work, policy
        self._open: dict[bytes, list[Opened]] = defaultdict(list)
        self._claimed: dict[UUID, bytes | None] = {}
        self._fresh: list[tuple[bytes, UUID, bytes]] = []

    async def read(self, batch: Sequence[ReceivedMessage], ledger: Ledger) -> None:
        """Read the open attempts, in their order, and what the inbox knows of the batch."""
        for subject, at, message_id, digest in await ledger.rows("read_attempts", list(self._work.heads)):
            self._open[bytes(subject)].append(Opened(at, _plain(message_id), bytes(digest)))
        for row in await ledger.rows("read_inbox", list({received.id for received in batch})):
            self._claimed[_plain(row["message_id"])] = None if row["done"] else bytes(row["digest"])

    def admit(self, received: ReceivedMessage) -> Admission | None:
        """Open an attempt unless it is; None for a message that was handled, or whose id was used before."""
        subject, opened = received.subjects[0], self._open[received.subjects[0]]
        account, key = self._work.account(subject), (received.id, received.digest)
        for place, one in enumerate(opened):
            if one[1:] == key:
                return resumed(account, [before.at for before in opened[:place]], one.at, self._policy)
        if key[0] in self._claimed:
            return counted_before(account) if self._claimed[key[0]] == received.digest else None
        admission = admitted(account, [one.at for one in opened], self._work.now, self._policy)
        if not admission.locked_for:
            opened.append(Opened(self._work.now, *key))
            self._work.enter(subject)
            self._fresh.append((subject, *key))
        return admission

    async def write(self, ledger: Ledger) -> None:
        """Write those that were opened."""
        if self._fresh:
            columns = map(list, zip(*self._fresh, strict=True))
            await ledger.run("open_attempts", *columns, self._work.now)


def _plain(message_id: UUID) -> UUID:
    """Return an id that the driver read as the standard library's: the two have different hashes."""
    return UUID(bytes=message_id.bytes)
