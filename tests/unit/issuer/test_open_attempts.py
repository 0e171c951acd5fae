"""Attempts that are open, in the transactions that open and close them."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from services.issuer.attempts import Admission, Compared
from services.issuer.open_attempts import OpenAttempts
from shared.domain.account import Account, Attempts
from shared.worker.account_codec import decode
from shared.worker.reading import ReceivedMessage
from shared.worker.unit_of_work import UnitOfWork
from tests.unit.decisions import NOW, POLICY, account, read, sealed
from tests.unit.worker.rows import Rows
from tests.unit.worker.test_facts import ONE, SEAL, enter, lane, message, settled

LIMIT = POLICY.attempts_in_row


def attempt() -> ReceivedMessage:
    return message(read("pin.verify", pin_sealed=sealed("7K3M9PQX")), ONE)


async def admitted(rows: Rows, *batch: ReceivedMessage) -> list[Admission | None]:
    """Have the attempts of a batch opened, as the effect does in a transaction."""
    work = UnitOfWork(NOW, "issuer")
    async with rows.transaction():
        await work.read([ONE], rows, SEAL)
        attempts = OpenAttempts(work, POLICY)
        await attempts.read(batch, rows)
        found = [attempts.admit(received) for received in batch]
        await work.write(rows, SEAL)
        await attempts.write(rows)
    return found


def compared(found: list[Admission | None]) -> int:
    return sum(admission is not None and not admission.locked_for for admission in found)


@pytest.mark.parametrize("status", ["none", "active"])
async def test_of_many_attempts_at_once_as_many_are_admitted_as_may_fail_whichever_worker_has_them(
    status: str,
) -> None:
    rows = Rows()
    if status == "active":
        enter(rows, ONE, account("active"))
    batches = [[attempt() for _ in range(3)] for _ in range(4)]
    assert [compared(await admitted(rows, *batch)) for batch in batches] == [3, 2, 0, 0]
    assert len(rows.attempts) == LIMIT
    assert ONE in rows.subjects, "nobody is locked but by a row"
    assert rows.entries == []


async def test_every_body_under_one_message_id_is_an_attempt_of_its_own() -> None:
    """Else whoever publishes ten bodies at once under one id would have ten compared, and one counted."""
    rows, id_ = Rows(), uuid4()
    enter(rows, ONE, account("active"))
    bodies = [replace(attempt(), id=id_, digest=bytes([number]) * 32) for number in range(10)]
    assert sum([compared(await admitted(rows, body)) for body in bodies]) == LIMIT


async def test_an_attempt_that_comes_again_is_opened_once_and_admitted_also_when_others_lock() -> None:
    rows, first = Rows(), attempt()
    enter(rows, ONE, account("active"))
    await admitted(rows, first, *[attempt() for _ in range(LIMIT + 2)])
    assert compared(await admitted(rows, first)) == 1
    assert len(rows.attempts) == LIMIT


async def test_an_attempt_that_a_worker_of_an_earlier_release_counted_is_not_counted_again() -> None:
    rows, before, other = Rows(), attempt(), attempt()
    enter(rows, ONE, account("active", attempts=Attempts(in_row=1, total=1)))
    for received, digest in ((before, before.digest), (other, bytes(32))):
        rows.inbox[received.id] = {"message_id": received.id, "digest": digest, "done": False}
    mine, others = await admitted(rows, before, other)
    assert mine is not None
    assert mine.counted
    assert others is None, "another body under a message id that was used"
    assert rows.attempts == {}


def kept(rows: Rows) -> Account:
    return decode(rows.accounts[ONE] | {"pepper": None}, SEAL)


async def answered(rows: Rows, *matches: str) -> None:
    """Have attempts opened, compared with these results, and answered in one batch."""
    batch = [attempt() for _ in matches]
    for received, match, admission in zip(batch, matches, await admitted(rows, *batch), strict=True):
        assert admission is not None
        pin = admission.account.pin
        received.effect = Compared(admission, match, pin.id if pin else "")  # type: ignore[arg-type]
    await settled(replace(lane("issuer-access"), effect=None), rows, *batch)


async def test_log_ins_of_one_batch_leave_one_entry_and_a_count_and_no_attempt_stays_open() -> None:
    rows = Rows()
    enter(rows, ONE, account("active"))
    sealed_before = rows.accounts[ONE]["state"]
    await answered(rows, "yes", "yes", "yes")
    await answered(rows, "yes")
    assert [entry["kind"] for entry in rows.entries] == ["pin.verified"]
    assert rows.log_ins[ONE] == (3, NOW)
    assert rows.attempts == {}
    assert rows.accounts[ONE]["state"] == sealed_before


async def test_a_failure_closes_its_attempt_and_is_counted_once_with_one_entry() -> None:
    rows = Rows()
    enter(rows, ONE, account("active"))
    await answered(rows, "no", "no")
    assert [entry["kind"] for entry in rows.entries] == ["pin.attempt_failed"] * 2
    assert kept(rows).attempts == Attempts(in_row=2, total=2, last=NOW)
    assert rows.attempts == {}
    await answered(rows, "yes")
    assert kept(rows).attempts == Attempts()
    assert rows.entries[-1]["kind"] == "pin.verified"


async def test_an_attempt_that_was_not_decided_stays_open() -> None:
    """Its message is parked, and answered `internal_error`: it told its sender nothing."""
    rows, received = Rows(), attempt()
    enter(rows, ONE, account("active"))
    (admission,) = await admitted(rows, received)
    assert admission is not None
    received.effect, received.parked = Compared(admission, "no"), "out of memory"
    await settled(replace(lane("issuer-access"), effect=None), rows, received)
    assert list(rows.attempts.values()) == [NOW]


async def test_the_first_log_in_of_a_month_says_how_many_were_counted_before() -> None:
    rows, last = Rows(), NOW - timedelta(days=31)
    enter(rows, ONE, account("active"))
    rows.log_ins[ONE] = (7, last)
    await answered(rows, "yes", "yes")
    (entry,) = rows.entries
    assert (entry["data"]["counted"], entry["data"]["last"][:10]) == (7, last.date().isoformat())
    assert rows.log_ins[ONE] == (1, NOW)
