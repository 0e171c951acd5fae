"""Whoever holds one role on the ledger, or administers it, cannot change unseen what it says."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from deploy.local.postgres import SUPERUSER
from deploy.local.sealed import sealed
from deploy.local.stack import Stack
from deploy.pinctl.answer import Answer
from deploy.pinctl.commands import parser, run
from tests.adversity.people import REQUEST, citizen, issued
from tests.kit.clients import operator, portal
from tests.kit.evidence import subject_of

WORKERS = ("issuer", "issuer-access", "revoker")
SETTINGS: dict[str, str] = {}
OPERATOR = {"id": "op-1", "office": "contact_centre"}
pytestmark = pytest.mark.asyncio(loop_scope="module")


@asynccontextmanager
async def role(stack: Stack, name: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """Yield a connection of a role, as who has stolen its password."""
    ledger = await asyncpg.connect(stack.postgres.dsn(name, stack.database))
    try:
        if name == SUPERUSER:
            await ledger.execute("set session_replication_role = replica")  # no triggers, no foreign keys
        yield ledger
    finally:
        await ledger.close()


async def tried(ledger: "asyncpg.Connection[asyncpg.Record]", statement: str, *values: object) -> int:
    """Run a statement; return how many rows it wrote, none if it was refused."""
    try:
        tag = await ledger.execute(statement, *values)
    except asyncpg.PostgresError:
        return 0
    return int(tag.rpartition(" ")[2])


async def verified(stack: Stack, subject: bytes) -> Answer:
    return await run(parser().parse_args(["ledger", "verify", "--subject", subject.hex()]), stack.env)


def kinds(answer: Answer) -> list[str]:
    return [found["kind"] for found in answer.data["breaks"]]


async def entries(stack: Stack, subject: bytes) -> list[str]:
    async with role(stack, SUPERUSER) as admin:
        rows = await admin.fetch("select kind from entry where subject = $1 order by seq", subject)
    return [row["kind"] for row in rows]


@dataclass(frozen=True)
class Victim:
    """A citizen with an initial PIN."""

    codice_fiscale: str
    subject: bytes


async def one_issued(stack: Stack) -> Victim:
    body = citizen()
    async with portal(stack) as client:
        (pin,) = await issued(stack, client, [body])
    return Victim(body["codice_fiscale"], pin.subject)


async def appended(stack: Stack, pin: Victim, kind: str, *, hashed: bool) -> int:
    """Append an entry to a citizen's chain as the notifier; return how many were written.

    `hashed`: with the hash it should have, in each form that there is.
    """
    at = datetime.now(UTC).replace(microsecond=0)
    async with role(stack, SUPERUSER) as admin:
        ((seq, head),) = await admin.fetch(
            "select entries + 1, head from subject where key = $1", pin.subject
        )
        micros = int(at.timestamp()) * 1_000_000
        fields = [pin.subject.hex(), str(seq), str(micros), kind, "", "operator", "c", "{}"]
        texts = ["\x1f".join(fields), "\x1f".join(["2", *fields, "notifier", ""])]
        hashes = [hashlib.sha256(bytes(head) + text.encode()).digest() for text in texts]
    written = 0
    async with role(stack, "notifier") as ledger:
        for digest in hashes if hashed else [bytes(32)]:
            written += await tried(
                ledger,
                "insert into entry (subject, seq, at, kind, actor, correlation_id, data, hash)"
                " values ($1, $2, $3, $4, 'operator', 'c', '{}', $5)",
                *(pin.subject, seq, at, kind, digest),
            )
    return written


# the notifier's role


async def test_a_notifier_writes_nobodys_history_but_what_became_of_deliveries(running: Stack) -> None:
    pin = await one_issued(running)
    for kind in ("pin.revoked", "dispositivo.activated", "pin.issued"):
        assert await appended(running, pin, kind, hashed=True) == 0
    assert await entries(running, pin.subject) == ["pin.issued"]


async def test_a_notifier_breaks_no_chain(running: Stack) -> None:
    pin = await one_issued(running)
    assert await appended(running, pin, "delivery.sent", hashed=False) == 0
    assert (await verified(running, pin.subject)).status == 0


async def test_a_notifier_moves_no_head(running: Stack) -> None:
    pin = await one_issued(running)
    async with role(running, "notifier") as ledger:
        assert await tried(ledger, "update subject set head = sha256(head) where key = $1", pin.subject) == 0
        assert await tried(ledger, "update subject set entries = 0 where key = $1", pin.subject) == 0
    assert (await verified(running, pin.subject)).status == 0


async def test_nobody_writes_in_anothers_name(running: Stack) -> None:
    pin = await one_issued(running)
    async with role(running, "notifier") as ledger:
        named = "insert into entry (subject, seq, at, kind, actor, correlation_id, data, hash, writer)"
        values = " values ($1, 2, now(), 'pin.revoked', 'portal', 'c', '{}', $2, 'issuer')"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await ledger.execute(named + values, pin.subject, bytes(32))


async def test_a_notifier_that_empties_the_inbox_makes_nothing_happen_twice(running: Stack) -> None:
    body = citizen()
    async with portal(running) as client:
        message_id = await client.publish(REQUEST, body)
        first = await client.reply(message_id)
        async with role(running, "notifier") as ledger:
            assert await tried(ledger, "delete from inbox") == 0
            assert await tried(ledger, "update inbox set done = false") == 0
            assert await ledger.fetch("select message_id, digest, reply from inbox") == []
        client.replies.pop(message_id)
        await client.publish(REQUEST, body, message_id=message_id)
        assert await client.reply(message_id) == first
    subject = subject_of(running, body["codice_fiscale"])
    assert await entries(running, subject) == ["pin.issued"]


async def test_a_notifier_keeps_no_message_from_being_handled(running: Stack) -> None:
    """It enters the id of a message that is still to come, as one that was done and accepted."""
    body, message_id = citizen(), str(uuid4())
    async with role(running, "notifier") as ledger:
        for digest in (bytes(32), b""):
            await tried(
                ledger,
                "insert into inbox (message_id, digest, done, correlation_id, at)"
                " values ($1, $2, true, 'c', now())",
                *(message_id, digest),
            )
            await tried(
                ledger,
                "insert into inbox (message_id, digest, done, correlation_id, answer, at)"
                " values ($1, $2, true, 'c', 'accepted', now())",
                *(message_id, digest),
            )
        await tried(ledger, "insert into suspect (message_id, tries, at) values ($1, 100, now())", message_id)
    async with portal(running) as client:
        await client.publish(REQUEST, body, message_id=message_id)
        assert (await client.reply(message_id))["code"] == "accepted"
    assert await entries(running, subject_of(running, body["codice_fiscale"])) == ["pin.issued"]
    async with role(running, "issuer") as ledger:
        tries = "select coalesce(max(tries), 0) from suspect where message_id = $1"
        assert await ledger.fetchval(tries, message_id) == 0


async def test_a_notifier_does_not_forget_what_was_sent_today(running: Stack) -> None:
    await one_issued(running)
    async with role(running, SUPERUSER) as admin:
        before = await admin.fetchval("select sum(messages) from sent_to")
        async with role(running, "notifier") as ledger:
            assert await tried(ledger, "delete from sent_to") == 0
        assert await admin.fetchval("select sum(messages) from sent_to") == before > 0


# who administers the ledger


async def test_a_kept_reply_that_is_gone_is_never_an_acceptance(running: Stack) -> None:
    body = {"codice_fiscale": citizen()["codice_fiscale"], "contacts": {"mobile": "+393471234567"}}
    async with portal(running) as client:
        message_id = await client.publish("contacts.update", body)
        assert (await client.reply(message_id))["code"] == "no_active_pin"
        async with role(running, SUPERUSER) as admin:
            assert await tried(admin, "update inbox set reply = null where message_id = $1", message_id) == 1
        client.replies.pop(message_id)
        await client.publish("contacts.update", body, message_id=message_id)
        assert (await client.reply(message_id))["outcome"] == "rejected"


CHANGES = {
    "level": "update account set level = 'dispositivo' where subject = $1",
    "status": "update account set status = 'active' where subject = $1",
    "place in the review queue": "update account set review_since = now() where subject = $1",
    "schema": "update account set schema = 1 where subject = $1",
    "version": "update account set version = version + 1 where subject = $1",
}
KEEP = "create temp table kept as select * from account where subject = $1"


@pytest.mark.parametrize("column", CHANGES)
async def test_a_column_that_was_changed_by_hand_opens_no_account_and_shows(
    running: Stack, column: str
) -> None:
    pin = await one_issued(running)
    async with role(running, SUPERUSER) as admin:
        await admin.execute(KEEP, pin.subject)
        assert await tried(admin, CHANGES[column], pin.subject) == 1
        try:
            assert kinds(await verified(running, pin.subject)) == ["account_changed"]
            await revoked_by_contact_centre(running, pin, "internal_error")
            assert await entries(running, pin.subject) == ["pin.issued"]
        finally:
            await admin.execute("delete from account where subject = $1", pin.subject)
            await admin.execute("insert into account select * from kept")
    assert (await verified(running, pin.subject)).status == 0


async def revoked_by_contact_centre(stack: Stack, pin: Victim, code: str) -> None:
    """Have an operator revoke a PIN, and expect this reply."""
    body: dict[str, Any] = {"codice_fiscale": pin.codice_fiscale, "operator": OPERATOR, "reason": "lost"}
    async with operator(stack) as console:
        reply = await console.reply(await console.publish("revoke.by_contact_centre", body))
    assert reply["code"] == code


async def test_a_revoked_pin_that_is_put_back_shows(running: Stack) -> None:
    pin = await one_issued(running)
    async with role(running, SUPERUSER) as admin:
        await admin.execute(KEEP, pin.subject)
        await revoked_by_contact_centre(running, pin, "accepted")
        assert (await verified(running, pin.subject)).status == 0
        await admin.execute("delete from account where subject = $1", pin.subject)
        assert kinds(await verified(running, pin.subject)) == ["account_missing"]
        await admin.execute("insert into account select * from kept")
    answer = await verified(running, pin.subject)
    assert kinds(answer) == ["account_changed"]
    assert (answer.status, answer.data["breaks"][0]["subject"]) == (1, pin.subject.hex())


async def test_a_guess_at_who_has_a_pin_is_in_the_chain_and_one_at_nobody_needs_no_digest(
    running: Stack,
) -> None:
    pin, nobody = await one_issued(running), citizen()["codice_fiscale"]
    async with portal(running) as client:
        for codice_fiscale in (pin.codice_fiscale, nobody):
            body = {
                "codice_fiscale": codice_fiscale,
                "pin_sealed": sealed(running.state, "issuer", "A1B2C3D4"),
            }
            for _ in range(2):
                assert (await client.reply(await client.publish("pin.verify", body)))["code"] == "wrong_pin"
    assert await entries(running, pin.subject) == ["pin.issued", "pin.attempt_failed", "pin.attempt_failed"]
    assert await entries(running, subject_of(running, nobody)) == []
    for subject in (pin.subject, subject_of(running, nobody)):
        answer = await verified(running, subject)
        assert (answer.status, answer.data["breaks"]) == (0, [])
