"""Loads citizens into the ledger by COPY, before a measure starts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from deploy.local.citizens import PLAIN, citizens
from deploy.local.stack import Stack
from services.issuer.pin_check import Verifiers
from shared.crypto.keys import Keys
from shared.crypto.sealing import Pseudonyms, StateSeal
from shared.crypto.secret import Secret
from shared.domain.account import Account, Contacts, HealthCard, Holder, Istanza, Pin
from shared.domain.pin import Pepper
from shared.ledger.chain import GENESIS
from shared.worker import account_codec
from tests.bench.counting import Books, Connection

PIN = "7K2M9QXA"
"""Everybody's: comparing it costs what comparing any other does."""
CARD = HealthCard(number="80380000900012345678", expires_on=datetime(2029, 6, 30, tzinfo=UTC).date())
_AT_ONCE = 5000
_SALT = bytes(range(16))
Change = Callable[[Account], Account]


@dataclass(frozen=True)
class Citizen:
    """A citizen in the ledger, with the data that commands need."""

    codice_fiscale: str
    contacts: Contacts


def unchanged(account: Account) -> Account:
    """Leave an account as it is."""
    return account


def with_suspended(number: int) -> Change:
    """Return a change that gives a citizen `number` suspended istanze."""

    def change(account: Account) -> Account:
        now = datetime.now(UTC)
        waiting = tuple(
            Istanza(id=f"i{n}", protocol=f"2000.{n:010}", service="Pensione", submitted_at=now)
            for n in range(number)
        )
        return account.but(suspended=waiting, istanze=waiting[-20:])

    return change


async def load_citizens(
    stack: Stack, number: int, *, first: int = 0, level: str = "online", change: Change = unchanged
) -> list[Citizen]:
    """Insert citizens with an active PIN, mobile, email, PEC and a health card.

    Args:
        stack: whose ledger, and whose keys.
        number: how many.
        first: how many to skip because they were inserted before.
        level: of their PINs.
        change: what else their accounts have.
    """
    keys = Keys(stack.state / "keys")
    pseudonyms = Pseudonyms(keys.symmetric("subject"))
    seal, pin = StateSeal(keys.symmetric("account")), await _pin(keys)
    people = []
    async with Books(stack) as books:
        # Foreign keys and triggers are off: they forbid an active PIN that was not issued.
        await books.ledger.execute("set session_replication_role = replica")
        accounts = (change(a.but(level=level)) for a in _accounts(number, first, pseudonyms, pin))
        while part := list(islice(accounts, _AT_ONCE)):
            await _enter(part, seal, books.ledger)
            people += [Citizen(a.holder.codice_fiscale, a.contacts) for a in part if a.holder]
        await books.ledger.execute("reset session_replication_role; select recount()")
        await books.ledger.execute("analyze")
        await books.ledger.execute("checkpoint")
    return people


async def _pin(keys: Keys) -> Pin:
    verifiers = Verifiers(Pepper(keys.symmetric("pepper")), 1)
    verifier = await verifiers.make(_SALT, Secret(PIN))
    verifiers.close()
    return Pin(id="settled", issued_at=datetime.now(UTC), initial=False, salt=_SALT, verifier=verifier)


def _accounts(number: int, first: int, pseudonyms: Pseudonyms, pin: Pin) -> Iterator[Account]:
    for index, (_, body) in enumerate(citizens(number, seed=3, first=first, kinds=(PLAIN,)), first):
        yield Account(
            subject=pseudonyms.of(body["codice_fiscale"]),
            version=1,
            status="active",
            holder=Holder.model_validate(
                {n: body[n] for n in Holder.model_fields if n in body}, strict=False
            ),
            contacts=Contacts(**body["contacts"], pec=f"cittadino.{index}@pec.example.it"),
            pin=pin,
            health_card=CARD,
        )


async def _enter(part: list[Account], seal: StateSeal, ledger: Connection) -> None:
    await ledger.copy_records_to_table(
        "subject", records=[(a.subject, 0, GENESIS) for a in part], columns=["key", "entries", "head"]
    )
    columns = ["subject", "version", "before", "status", "level", "schema", "state"]
    rows = [
        (
            a.subject,
            a.version,
            a.status,
            a.status,
            a.level,
            account_codec.SCHEMA,
            account_codec.encode(a, seal),
        )
        for a in part
    ]
    await ledger.copy_records_to_table("account", records=rows, columns=columns)
