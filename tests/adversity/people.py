"""Citizens who request a PIN, and the ledger's record of their deliveries."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import count
from uuid import UUID

from deploy.local.citizens import PLAIN, Body, citizens
from deploy.local.client import Client
from deploy.local.stack import Stack
from tests.kit.evidence import Evidence, LedgerEntry, gathered
from tests.kit.waiting import LIMIT, until

REQUEST = "pin.request"
DONE = frozenset({"sent", "delivered", "failed", "returned"})
"""The statuses of a delivery that is no longer on its way."""
_seeds = count(50_000)


def citizen(kind: str = PLAIN, **changes: object) -> Body:
    """Return a valid request of a new citizen; `changes` replace its fields."""
    ((_, body),) = citizens(1, next(_seeds), kinds=(kind,))
    mailboxes = {
        name: f"{next(_seeds)}.{body['contacts'][name]}"
        for name in ("email", "pec")
        if name in body["contacts"]
    }
    body["contacts"] |= mailboxes
    if "mobile" in body["contacts"]:
        body["contacts"]["mobile"] = f"+39347{next(_seeds):07}"
    return {**body, **changes}


@dataclass(frozen=True)
class Issued:
    """A PIN that was issued.

    Attributes:
        message_id: of the request, and the correlation id of all its effects.
        subject: the citizen.
        carriers: the deliveries that carry its halves, by channel.
    """

    message_id: str
    subject: bytes
    carriers: dict[str, UUID]


async def issued(stack: Stack, client: Client, bodies: Iterable[Body]) -> list[Issued]:
    """Request a PIN for each, and return the PINs once they are in the ledger."""
    asked = [await client.publish(REQUEST, body) for body in bodies]
    found: list[LedgerEntry] = []

    async def all_issued() -> bool:
        evidence = await gathered(stack, (), ())
        found[:] = [entry for id_ in asked for entry in evidence.of_message(id_, "pin.issued")]
        return len(found) == len(asked)

    await until(all_issued, "the PINs", every=0.1)
    return [Issued(id_, e.subject, e.carriers) for id_, e in zip(asked, found, strict=True)]


async def standing(
    stack: Stack, deliveries: Collection[UUID], statuses: Collection[str] = DONE, *, limit: float = LIMIT
) -> Evidence:
    """Wait until the ledger has each of these deliveries in one of these statuses; return the evidence."""
    found: list[Evidence] = []

    async def all_stand() -> bool:
        found[:] = [await gathered(stack, (), ())]
        return all(found[0].deliveries.get(id_) in statuses for id_ in deliveries)

    await until(
        all_stand, f"{len(deliveries)} deliveries {'/'.join(sorted(statuses))}", limit=limit, every=0.1
    )
    return found[0]


async def ended(
    stack: Stack, subject: bytes, kind: str, *, limit: float = LIMIT
) -> tuple[LedgerEntry, Evidence]:
    """Wait for the first entry of a kind in one citizen's chain; return it, with the evidence."""
    found: list[tuple[LedgerEntry, Evidence]] = []

    async def there() -> bool:
        evidence = await gathered(stack, (), ())
        found[:] = [(e, evidence) for e in evidence.entries if e.subject == subject and e.kind == kind]
        return bool(found)

    await until(there, kind, limit=limit, every=0.1)
    return found[0]
