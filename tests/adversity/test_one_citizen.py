"""A damaged row of one citizen never delays another citizen."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import ClassVar
from uuid import uuid4

import asyncpg
import pytest

from deploy.local.client import Client
from deploy.local.postgres import SUPERUSER
from deploy.local.sealed import sealed
from deploy.local.stack import Stack
from deploy.pinctl.settings import BrokerSettings, LedgerSettings
from deploy.pinctl.status import status
from services.dispositivo.backfill import backfill_processor, settings_for
from services.issuer.pin_check import Verifiers
from shared.contract.delivery import Mail
from shared.contract.event import EventData
from shared.contract.examples import COMMAND_EXAMPLES
from shared.crypto.keys import Keys
from shared.crypto.sealing import Pseudonyms
from shared.crypto.secret import Secret
from shared.domain.account import Account, Attachment, DispositivoRequest, Document
from shared.domain.decision import Decision, Delivery, Event, LedgerEntry
from shared.domain.pin import Pepper
from shared.domain.policy import PinPolicy
from shared.ledger import Ledger
from shared.ledger.chain import GENESIS
from shared.worker.offline_message import offline_message
from tests.adversity.dead_letters import parked
from tests.kit.clients import operator, portal
from tests.kit.seeding import active_citizens
from tests.kit.steps import STEPS, Step

WORKERS = ("issuer", "issuer-access", "revoker", "dispositivo")
PIN = "A1B2C3D4"
OPERATOR = {"id": "op-0042", "office": "Contact Center"}


@asynccontextmanager
async def superuser(stack: Stack) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """Yield a connection with triggers and foreign keys disabled."""
    ledger = await asyncpg.connect(stack.postgres.dsn(SUPERUSER, stack.database))
    try:
        await ledger.execute("set session_replication_role = replica")
        yield ledger
    finally:
        await ledger.close()


def subject_of(stack: Stack, codice_fiscale: str) -> bytes:
    return Pseudonyms(Keys(stack.state / "keys").symmetric("subject")).of(codice_fiscale)


@asynccontextmanager
async def damaged(stack: Stack, codice_fiscale: str, change: str) -> AsyncIterator[None]:
    """Damage a citizen's row, and repair it at the end."""
    of_chain = change.startswith("entries")
    table, key = ("subject", "key") if of_chain else ("account", "subject")
    columns = ("entries", "head") if of_chain else ("state", "version", "schema")
    subject = subject_of(stack, codice_fiscale)
    async with superuser(stack) as ledger:
        row = await ledger.fetchrow(f"select {', '.join(columns)} from {table} where {key} = $1", subject)  # noqa: S608
        assert row
        await ledger.execute(f"update {table} set {change} where {key} = $1", subject)  # noqa: S608
        try:
            yield
        finally:
            mended = ", ".join(f"{column} = ${n}" for n, column in enumerate(columns, 2))
            await ledger.execute(f"update {table} set {mended} where {key} = $1", subject, *row)  # noqa: S608


UNREADABLE = {
    "a damaged row": "state = set_byte(state, 40, get_byte(state, 40) # 255)",
    "a cut row": "state = substr(state, 1, 10)",
    "a row of another citizen": "version = version + 7",
    "a form of a newer release": "schema = schema + 1",
}


@pytest.fixture
async def running(stack: Stack) -> Stack:
    """The servers with a fresh ledger, and the workers."""
    stack.start_workers(WORKERS)
    return stack


async def with_pin(stack: Stack, number: int) -> list[str]:
    """Insert citizens who log in with `PIN`; return their codici fiscali."""
    salt = bytes(16)
    pepper = Pepper(Keys(stack.state / "keys").symmetric("pepper"))
    verifier = await Verifiers(pepper, 1).make(salt, Secret(PIN))

    def change(account: Account) -> Account:
        assert account.pin
        return account.but(pin=account.pin.but(salt=salt, verifier=verifier))

    return await active_citizens(stack, number, change)


async def log_in(client: Client, stack: Stack, codice_fiscale: str, pin: str = PIN) -> str:
    body = {"codice_fiscale": codice_fiscale, "pin_sealed": sealed(stack.state, "issuer", pin)}
    return str((await client.ask("pin.verify", body))["code"])


def as_they_were(stack: Stack, pids: dict[str, int]) -> bool:
    """Return whether the workers are still the same processes."""
    return {n: p.pid for n, p in stack.workers.items() if p.alive()} == pids


@pytest.mark.parametrize("change", UNREADABLE.values(), ids=UNREADABLE.keys())
async def test_an_account_that_does_not_open_is_parked_and_everybody_else_goes_on(
    running: Stack, change: str
) -> None:
    victim, *others = await with_pin(running, 4)
    pids = {name: process.pid for name, process in running.workers.items()}
    async with portal(running) as client:
        async with damaged(running, victim, change):
            for _ in range(3):
                assert await log_in(client, running, victim) == "internal_error"
                assert [await log_in(client, running, other) for other in others] == ["accepted"] * 3
            # A blind command is answered as always: the damage is not visible to a portal.
            request = {**COMMAND_EXAMPLES["restore.request"], "codice_fiscale": victim}
            assert (await client.ask("restore.request", request))["code"] == "accepted"
            assert {reason for reason, _, _ in await parked(running)} == {"account_unreadable"}
            assert await noted(running, victim)
            said = await status(BrokerSettings.load(running.env), LedgerSettings.load(running.env))
            assert "1 citizen whose account does not open" in said.data["attention"]
        # A repaired row is served again.
        assert await log_in(client, running, victim) == "accepted"
    assert not await noted(running, victim)
    assert as_they_were(running, pids)


async def noted(stack: Stack, codice_fiscale: str) -> bool:
    async with superuser(stack) as ledger:
        query = "select exists (select from unreadable where subject = $1)"
        return bool(await ledger.fetchval(query, subject_of(stack, codice_fiscale)))


BROKEN_CHAINS = {
    "the count of entries set back": "entries = entries - 1",
    "the count of entries lost": f"entries = 0, head = '\\x{GENESIS.hex()}'",
}


@pytest.mark.parametrize("change", BROKEN_CHAINS.values(), ids=BROKEN_CHAINS.keys())
async def test_a_conflict_that_stays_parks_its_message_and_ends_no_worker(
    running: Stack, change: str
) -> None:
    victim, *others = await with_pin(running, 4)
    pids = {name: process.pid for name, process in running.workers.items()}
    async with portal(running) as client:
        for person in (victim, *others):
            assert await log_in(client, running, person) == "accepted"  # so that each has an entry
        async with damaged(running, victim, change):
            # All in one batch, so that the faulty message must be isolated.
            asked = {person: str(uuid4()) for person in (victim, *others)}
            for who, message_id in asked.items():
                body = {"codice_fiscale": who, "contacts": {"mobile": "+393476543210"}}
                await client.publish("contacts.update", body, message_id=message_id)
            codes = {who: (await client.reply(message_id))["code"] for who, message_id in asked.items()}
            assert codes.pop(victim) == "internal_error"
            assert set(codes.values()) == {"accepted"}
            assert await log_in(client, running, victim) == "accepted", "the count of log-ins is no entry"
            assert await log_in(client, running, victim, "00000000") == "internal_error"
            assert [await log_in(client, running, other) for other in others] == ["accepted"] * 3
            assert {reason for reason, _, _ in await parked(running)} == {"ledger_conflict"}
        assert await log_in(client, running, victim) == "accepted"
    assert as_they_were(running, pids)


def waiting(account: Account) -> Account:
    """Return the account with documents that wait for an operator."""
    file = Attachment(uri="https://portal.example/1.pdf", sha256="0" * 64, media_type="application/pdf")
    day = datetime(2026, 1, 1, tzinfo=UTC).date()
    request = DispositivoRequest(
        id=str(uuid4()),
        requested_at=datetime.now(UTC),
        submission="online",
        via="online",
        signed_form=file,
        document=Document(kind="passport", number="YA1", issued_by="Pisa", issued_on=day, expires_on=day),
        document_scan=file,
        received_at=datetime.now(UTC),
    )
    return account.but(dispositivo=request, review_since=datetime.now(UTC))


async def test_accounts_that_do_not_open_keep_nobody_out_of_the_review_queue(running: Stack) -> None:
    people = await active_citizens(running, 40, waiting)
    async with AsyncExitStack() as damages, operator(running) as client:
        for person in people[:15]:
            await damages.enter_async_context(damaged(running, person, UNREADABLE["a damaged row"]))
        shown = await client.ask("dispositivo.review_queue", {"operator": OPERATOR, "limit": 100})
        assert shown["code"] == "accepted"
        assert [one["codice_fiscale"] for one in shown["data"]["requests"]] == people[15:]
        # The account that does not open is known now and skipped: the next one is shown first.
        first = await client.ask("dispositivo.review_queue", {"operator": OPERATOR, "limit": 1})
        assert [one["codice_fiscale"] for one in first["data"]["requests"]] == [people[15]]
    assert await parked(running) == []


async def test_a_decision_that_raises_is_answered_and_parked(running: Stack) -> None:
    (nobody,) = await active_citizens(running, 1, lambda account: account.but(holder=None))
    async with portal(running) as client:
        body = {"codice_fiscale": nobody, "submission": "online"}
        message_id = str(uuid4())
        reply = await client.ask("dispositivo.request", body, message_id=message_id)
        assert (reply["outcome"], reply["code"], reply["data"]) == ("rejected", "internal_error", {})
        ((reason, type_, kept),) = await parked(running)
        assert reason.startswith("ValueError: ")
        assert (type_, json.loads(kept)) == ("dispositivo.request", body)
        # It is not recorded as handled, so it can be replayed once the fault is repaired.
        again = await client.ask("dispositivo.request", body, message_id=message_id)
        assert again["code"] == "internal_error"
    assert len(await parked(running)) == 1


def unwritable(_: Account, __: object, ___: object) -> Decision:
    return Decision(entries=(LedgerEntry("pin.issued", {"number": 2**70}),))


def unsendable(account: Account, _: object, __: object) -> Decision:
    mail = Mail("rossi@example.it", "PIN", Secret("\ud800"), account.language)
    return Decision(deliveries=(Delivery(uuid4(), "email", mail),))


class TooLarge(EventData):
    """An event too large for any message."""

    type: ClassVar[str] = "pin.issued"

    number: int


def untold(_: Account, __: object, ___: object) -> Decision:
    return Decision(events=(Event(TooLarge(number=2**70)),))


async def test_what_cannot_be_written_down_parks_its_message_alone(stack: Stack) -> None:
    """A decision whose output no row or message can hold does not affect its neighbours in the batch."""

    def harmless(_: Account, __: object, ___: object) -> Decision:
        return Decision(entries=(LedgerEntry("personal_data.seen"),))

    decisions = (harmless, unwritable, harmless, unsendable, harmless, untold, harmless)
    batch = [
        offline_message("tests", Step(decide), bytes([i] * 16), "t") for i, decide in enumerate(decisions)
    ]
    processor = backfill_processor(settings_for(stack.env), PinPolicy(), Keys(stack.state / "keys"), STEPS)
    ledger = await Ledger.open(stack.postgres.dsn("dispositivo", stack.database), "tests")
    try:
        settled = await processor.settle(batch, ledger)
    finally:
        await ledger.close()
    outcomes = [handled.outcome for handled in settled.handled]
    assert outcomes == ["done" if decide is harmless else "parked" for decide in decisions]
    async with superuser(stack) as ledger_now:
        assert await ledger_now.fetchval("select count(*) from entry") == 4
        assert await ledger_now.fetchval("select count(*) from outbox") == 0
