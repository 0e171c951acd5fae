"""PEC that was never accepted is reported as failed, in steps, by one message however often it is found."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson

from services.notifier.acceptance import Unaccepted
from services.notifier.receipts import NOT_ACCEPTED
from shared.config import logs
from shared.ledger import Ledger
from shared.worker.outbound import decode_row

LIMIT = timedelta(hours=24)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Waiting(Ledger):
    """The deliveries that are found, and the rows of the outbox that are written."""

    def __init__(self, ids: list[UUID]) -> None:
        self.ids, self.asked, self.handed = ids, list[tuple[Any, ...]](), list[bytes]()

    async def rows(self, query: str, *values: Any) -> Sequence[Any]:  # noqa: ANN401 - what Postgres takes
        """Return some of them."""
        assert query == "unaccepted_deliveries"
        self.asked.append(values)
        at = datetime.now(UTC) - LIMIT
        return [{"id": one, "awaits_since": at} for one in self.ids[: values[2]]]

    async def run(self, query: str, *values: Any) -> int:  # noqa: ANN401 - what Postgres takes
        """Keep what is handed in."""
        assert query == "add_outbox"
        self.handed += values[2]
        return 1


async def test_each_is_reported_by_a_message_of_its_own_and_the_same_the_next_time() -> None:
    ids = [uuid4(), uuid4()]
    found = []
    for _ in range(2):
        ledger = Waiting(ids)
        rest = await Unaccepted(LIMIT, logs.get()).step(ledger)
        assert 50 < rest <= 60
        assert ledger.asked == [(LIMIT, LONG_AGO, 100, UUID(int=0))]
        (row,) = ledger.handed
        found.append(decode_row(row))
    first, again = ([(m.message_id, m.type, m.user_id) for m in messages] for messages in found)
    assert first == again
    assert len({id_ for id_, _, _ in first}) == len(ids)
    told = [orjson.loads(m.body) for m in found[0]]
    assert [body["delivery_id"] for body in told] == [str(one) for one in ids]
    assert {(body["status"], body["evidence"]) for body in told} == {("failed", NOT_ACCEPTED)}


async def test_while_there_are_more_the_next_step_is_soon_and_goes_on_from_there() -> None:
    clock = [0.0]
    ledger = Waiting([uuid4() for _ in range(250)])
    upkeep = Unaccepted(LIMIT, logs.get(), lambda: clock[0])
    assert await upkeep.step(ledger) < 1
    await upkeep.step(ledger)
    # All that were sent in one batch wait since the same instant.
    assert [(since > LONG_AGO, after) for _, since, _, after in ledger.asked] == [
        (False, UUID(int=0)),
        (True, ledger.ids[99]),
    ]
    ledger.ids = []
    await upkeep.step(ledger)
    clock[0] += 30
    assert await upkeep.step(ledger) == 30
    assert len(ledger.asked) == 3
