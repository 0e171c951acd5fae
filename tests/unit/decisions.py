"""Helpers for tests of decisions: *given this account, when this message, then exactly this decision*.

    account("active", level="dispositivo")     a citizen, in any of the statuses
    read("restore.request", contacts={...})    a command of that citizen, read as the contract reads it
    moment(NOW + timedelta(hours=1))           the context of a decision
    told(decision), public(decision)           what the citizen reads, and what anybody may read

Nothing here stands in for our own code: box, pepper and contract are real, chance alone is repeatable.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import count
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import orjson
from argon2.low_level import Type, hash_secret_raw
from nacl.public import PrivateKey

from shared.contract import message as contract
from shared.contract.delivery import Mail, Post, Sms
from shared.contract.events import EVENTS
from shared.contract.examples import COMMAND_EXAMPLES
from shared.crypto.sealing import Pseudonyms, ServiceBox, seal_to
from shared.crypto.secret import Secret
from shared.domain import decision
from shared.domain.account import Account, Contacts, Half, HealthCard, Holder, Level, Pin, Residence, Status
from shared.domain.decision import ContextWith, Decision
from shared.domain.pin import Pepper
from shared.domain.policy import PinPolicy
from shared.italy.dates import end_of, in_days

NOW = datetime(2026, 11, 22, 13, 30, tzinfo=UTC)
POLICY = PinPolicy(portal_url="https://pin.example.it")
PEPPER = Pepper(b"the pepper of the tests.........")

CODICE_FISCALE = "RSSMRA85T10A562S"
"""Of the contract's examples, and so of every command that `read` makes."""
SUBJECT = Pseudonyms(b"the subject key of the tests....").of(CODICE_FISCALE)
INITIAL_PIN = Secret("7K3M9PQX4V8TN2WZ")
"""The 16 characters of an account that is `issued` or `restoring`."""
PIN = Secret("A1B2C3D4")
"""The 8 characters of an account that is `active`."""
CONTACTS = Contacts(
    home_phone="+390501234567",
    mobile="+393331234567",
    email="mario.rossi@example.com",
    pec="mario.rossi@pec.example.com",
)
CARD = HealthCard(number="80380000900012345678", expires_on=date(2029, 6, 30))

WORKER_KEY = PrivateKey(hashlib.sha256(b"worker").digest())
_PORTAL = PrivateKey(hashlib.sha256(b"portal").digest())
REPLY_KEY = base64.b64encode(bytes(_PORTAL.public_key)).decode()
"""What a command gives as `reply_key`; `opened` has the other half."""


def sealed(text: str) -> str:
    """Seal a PIN or a token to the worker, as a portal does."""
    return seal_to(bytes(WORKER_KEY.public_key), Secret(text))


def opened(text: str) -> str:
    """Open what a reply has sealed to `REPLY_KEY`."""
    inside = ServiceBox(_PORTAL).open(text)
    assert inside is not None
    return inside.reveal()


def moment(
    now: datetime = NOW,
    *,
    seed: int = 0,
    policy: PinPolicy = POLICY,
    known: Any = MappingProxyType({}),  # noqa: ANN401 - as the decision takes it
) -> ContextWith[Any]:
    """Return a decision's context; the same `now` and `seed` give the same random values."""
    chance = _chance(f"{now.isoformat()} {seed}")
    return ContextWith(now, chance, policy, PEPPER, ServiceBox(WORKER_KEY), known)


def _chance(seed: str) -> Callable[[int], bytes]:
    draws = count()
    return lambda size: hashlib.shake_256(f"{seed} {next(draws)}".encode()).digest(size)


def read(type_: str, **fields: Any) -> Any:  # noqa: ANN401 - any command
    """Return the contract's example of a command with some fields replaced; None leaves a field out."""
    body = {**COMMAND_EXAMPLES[type_], **fields}
    present = {name: value for name, value in body.items() if value is not None}
    return contract.read(type_, orjson.dumps(present, default=str))


def holder(language: Literal["it", "de"] = "it") -> Holder:
    """Return the personal data of the test citizen."""
    return Holder(
        codice_fiscale=CODICE_FISCALE,
        surname="Rossi",
        name="Mario",
        birth_date=date(1985, 12, 10),
        sex="M",
        birth_province="PI",
        birth_place="San Giuliano Terme",
        residence=Residence(
            country="IT",
            street="Via Giuseppe Mazzini",
            number="12/A",
            municipality="San Giuliano Terme",
            province="PI",
            postal_code="56017",
        ),
        preferred_phone="mobile",
        preferred_time="morning",
        language=language,
    )


def account(
    status: Status = "active",
    *,
    language: Literal["it", "de"] = "it",
    **changes: Any,  # noqa: ANN401 - any field of an account
) -> Account:
    """Return the citizen's account in a status; `changes` are fields of `Account` over the defaults.

    A live one is `online`; `issued` and `restoring` have `INITIAL_PIN`, `active` has `PIN`; whoever ever
    had a PIN has `CONTACTS` and `CARD`, and `none` is a citizen of whom nothing is known.
    """
    known: dict[str, Any] = {"subject": SUBJECT, "status": status}
    if status != "none":
        known |= {"version": 1, "holder": holder(language), "contacts": CONTACTS, "health_card": CARD}
    match status:
        case "issued" | "restoring":
            known |= {"level": _online(), "pin": initial_pin()}
        case "active":
            known |= {"level": _online(), "pin": active_pin()}
    return Account(**(known | changes))


def _online() -> Level:
    return "online"


def initial_pin(issued_at: datetime = NOW - timedelta(days=1)) -> Pin:
    """Return `INITIAL_PIN` as an account keeps it; its halves went to one delivery each."""
    salt, text = bytes(16), INITIAL_PIN.reveal()
    return Pin(
        id="0d1f9a52-6f0e-4b7e-9a53-6f0f3b8f2c11",
        issued_at=issued_at,
        initial=True,
        salt=salt,
        verifier=PEPPER.initial(salt, INITIAL_PIN),
        part_verifiers=tuple(PEPPER.tag(salt, Secret(half)) for half in (text[:8], text[8:])),
        expires_at=end_of(in_days(issued_at, POLICY.initial_validity)),
        halves=(
            Half(deliveries=("5b8f6a0e-3c52-4c8e-8d5e-0f7a1c2b3d4e",)),
            Half(deliveries=("6c907b1f-4d63-4d9f-9e6f-1a8b2d3c4e5f",)),
        ),
    )


@cache
def active_pin() -> Pin:
    """Return `PIN` as an account keeps it: Argon2id (19 MiB, t=2, p=1) over the keyed hash."""
    salt = bytes(16)
    keyed = PEPPER.keyed(b"pin-8", salt, PIN)
    verifier = hash_secret_raw(
        keyed, salt, time_cost=2, memory_cost=19 * 1024, parallelism=1, hash_len=32, type=Type.ID
    )
    return Pin(
        id="1e2a0b63-7a1f-4c8f-8b64-7a1a4c9a3d22",
        issued_at=NOW - timedelta(days=30),
        initial=False,
        salt=salt,
        verifier=verifier,
    )


def Event(  # noqa: N802 - tests read it as the event that it returns
    type_: str, data: Mapping[str, Any] = MappingProxyType({}), *, correlation_id: str | None = None
) -> decision.Event:
    """Return the event of this type that says this, as the contract's readers know it."""
    fact = EVENTS[type_].model_validate_json(orjson.dumps(dict(data)))
    return decision.Event(fact, correlation_id=correlation_id)


class Told(NamedTuple):
    """One message to the citizen, as it arrives."""

    channel: str
    to: str
    subject: str
    text: str


def told(decision: Decision) -> list[Told]:
    """Return a decision's messages to the citizen, in order; a letter's text is its half."""
    return [_told(delivery.channel, delivery.content) for delivery in decision.deliveries]


def _told(channel: str, content: Sms | Mail | Post) -> Told:
    match content:
        case Sms(to, text):
            return Told(channel, to, "", text.reveal())
        case Mail(to, subject, text, _):
            return Told(channel, to, subject, text.reveal())
        case Post(address, _, _, half, _, _):
            return Told(channel, "\n".join(address), "", half.reveal())


def public(decision: Decision) -> str:
    """Return the parts of a decision that others may read: ledger, events, messages, reply."""
    return orjson.dumps(
        {
            "entries": [(entry.kind, entry.data) for entry in decision.entries],
            "events": [(event.type, event.data) for event in decision.events],
            "messages": [(message.type, message.body.decode()) for message in decision.messages],
            "records": [(record.channel, record.reference) for record in decision.records],
            "reply": decision.reply.body().decode() if decision.reply else None,
        },
        default=str,
    ).decode()


def personal(account: Account) -> list[str]:
    """Return what of a citizen must not be in `public`: names, contacts, codice fiscale, card."""
    holder, card = account.holder, account.health_card
    contacts = [value for _, value in account.contacts if value]
    names = [holder.codice_fiscale, holder.surname, holder.name] if holder else []
    return [*contacts, *names, *([card.number] if card else [])]
