"""Inserts citizens into the ledger without letters: with test decisions, in real transactions."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice

import asyncpg

from deploy.local.citizens import PLAIN, citizens
from deploy.local.postgres import SUPERUSER
from deploy.local.stack import Stack
from services.dispositivo.backfill import backfill_processor, settings_for
from shared.crypto.keys import Keys
from shared.crypto.sealing import Pseudonyms, StateSeal
from shared.domain.account import Account, Contacts, Holder, Pin
from shared.domain.decision import Decide, Decision
from shared.domain.policy import PinPolicy
from shared.ledger import Ledger
from shared.worker import account_codec
from shared.worker.offline_message import offline_message
from shared.worker.reading import ReceivedMessage
from tests.kit.steps import STEPS, Step

BATCH = 250
Change = Callable[[Account], Account]


async def active_citizens(stack: Stack, number: int, change: Change = lambda account: account) -> list[str]:
    """Insert citizens with an active, unknown PIN; return their codici fiscali.

    Args:
        stack: whose ledger, and whose keys.
        number: how many.
        change: what else their accounts have.
    """
    keys = Keys(stack.state / "keys")
    pseudonyms = Pseudonyms(keys.symmetric("subject"))
    bodies = (body for _, body in citizens(number, seed=7, kinds=(PLAIN,)))
    people = [
        Holder.model_validate({n: body[n] for n in Holder.model_fields if n in body}, strict=False)
        for body in bodies
    ]
    processor = backfill_processor(settings_for(stack.env), PinPolicy(), keys, STEPS)
    ledger = await Ledger.open(stack.postgres.dsn("dispositivo", stack.database), "seeding")
    try:
        waiting = iter(people)
        while part := list(islice(waiting, BATCH)):
            batch = [step for person in part for step in _steps(person, pseudonyms, change)]
            settled = await processor.settle(batch, ledger)
            assert {handled.outcome for handled in settled.handled} == {"done"}
    finally:
        await ledger.close()
    return [person.codice_fiscale for person in people]


def _steps(person: Holder, pseudonyms: Pseudonyms, change: Change) -> Iterator[ReceivedMessage]:
    """Yield the steps of a new citizen: the ledger accepts no active PIN that was not issued."""
    subject = pseudonyms.of(person.codice_fiscale)
    pin = Pin(id="seeded", issued_at=datetime.now(UTC), initial=False, salt=b"", verifier=b"")
    contacts = Contacts(email=f"{person.codice_fiscale.lower()}@example.it")

    def issue(account: Account, _: object, __: object) -> Decision:
        return Decision(
            account=account.but(status="issued", level="online", holder=person, contacts=contacts, pin=pin)
        )

    def activate(account: Account, _: object, __: object) -> Decision:
        return Decision(account=change(account.but(status="active")))

    deciding: tuple[Decide, ...] = (issue, activate)
    for decide in deciding:
        yield offline_message("tests", Step(decide), subject, "seeding")


async def accounts(stack: Stack) -> list[Account]:
    """Return every account of the ledger, opened."""
    seal = StateSeal(Keys(stack.state / "keys").symmetric("account"))
    ledger = await asyncpg.connect(stack.postgres.dsn(SUPERUSER, stack.database))
    try:
        return [account_codec.decode(row, seal) for row in await ledger.fetch("select * from account")]
    finally:
        await ledger.close()
