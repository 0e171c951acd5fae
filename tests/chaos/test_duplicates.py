"""100 copies of each message, shuffled, to two processes of each worker: one effect, one reply content."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from uuid import UUID, uuid4

import orjson
import pytest
import pytest_asyncio

from deploy.local.client import Client
from deploy.local.inbox import Body
from deploy.local.sealed import ReplyKey
from deploy.local.stack import Stack
from shared.contract.delivery import Mail, Sms, to_bytes
from shared.crypto.keys import Keys
from shared.crypto.sealing import BundleSeal
from shared.crypto.secret import Secret
from tests.chaos.scenarios import citizen, receipt
from tests.kit.clients import client, portal
from tests.kit.evidence import Asked, Evidence, subject_of
from tests.kit.harness import MAIN_WAY, Harness, fresh_harness
from tests.kit.invariants import ALL, Invariant
from tests.kit.person import Person

pytestmark = pytest.mark.asyncio(loop_scope="module")

COPIES = 100
WORKERS = (*MAIN_WAY, "issuer-access", "notifier-receipts")
PROCESSES = 2


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def harness(servers: Stack) -> AsyncIterator[Harness]:
    """A harness with two processes of each worker."""
    async with fresh_harness(
        servers, "duplicates", {"PIN_BLIND_REPLY_AFTER": "PT0S"}, kinds=("plain",)
    ) as harness:
        harness.start(WORKERS, copies=PROCESSES)
        await harness.settle_in(issued=4, active=5)
        yield harness


@dataclass(frozen=True)
class Sent:
    """One message, to be published many times."""

    by: Client
    type: str
    body: Body
    id: str


def of_the_lanes(harness: Harness) -> dict[str, Sent]:
    """One message of each type, about different citizens."""
    (newcomer,) = harness.newcomers(1)
    newly, heard, returned = (harness.issued.pop() for _ in range(3))
    mover, carded, regular, clumsy = (harness.active.pop() for _ in range(4))
    card = {"number": "80380000900012345678", "expires_on": "2030-05-31"}
    bodies: dict[str, tuple[Client, str, Body]] = {
        "request": (harness.portal, "pin.request", newcomer.body),
        "contacts": (harness.portal, "contacts.update", _contacts(mover)),
        "card": (harness.registry, "registry.update", citizen(carded.codice_fiscale, health_card=card)),
        "first access": (harness.portal, "pin.activate", harness.activation(newly, ReplyKey())),
        "log-in": (harness.portal, "pin.verify", harness.log_in(regular)),
        "guess": (harness.portal, "pin.verify", harness.log_in(clumsy, "00000000")),
        "delivered": (harness.gateway, "delivery.receipt", receipt(heard.carriers["sms"])),
        "returned": (harness.gateway, "delivery.receipt", receipt(returned.carriers["post"], "returned")),
    }
    return {name: Sent(*parts, id=str(uuid4())) for name, parts in bodies.items()}


def _contacts(person: Person) -> Body:
    return citizen(person.codice_fiscale, contacts={"email": "nuovo@example.it"})


async def publish_shuffled(harness: Harness, messages: Sequence[Sent]) -> None:
    """Publish `COPIES` copies of every message, shuffled."""
    harness.asked += [Asked(m.id, m.type, answered=m.by.listens) for m in messages]
    copies = [message for message in messages for _ in range(COPIES)]
    Random(5).shuffle(copies)  # noqa: S311 - an order, not a secret
    await asyncio.gather(*(m.by.publish(m.type, m.body, message_id=m.id) for m in copies))


async def test_a_hundred_copies_have_one_effect_and_one_reply_content(harness: Harness) -> None:
    """The inbox deduplicates them, whichever process each of them reaches."""
    messages = of_the_lanes(harness)
    await publish_shuffled(harness, list(messages.values()))
    found = await harness.all_is_well((*ALL, _all_answered(messages.values())))
    effects = {
        "request": ["pin.issued"],
        "contacts": ["contacts.updated"],
        "card": ["registry.updated"],
        "first access": ["pin.activated"],
        "log-in": ["pin.verified"],
        "guess": ["pin.attempt_failed"],
        "delivered": ["delivery.delivered"],
        "returned": ["delivery.returned"],
    }
    written = {
        name: [e.kind for e in found.entries if e.message_id == UUID(message.id)]
        for name, message in messages.items()
    }
    assert written == effects
    guessed = found.accounts[subject_of(harness.stack, str(messages["guess"].body["codice_fiscale"]))]
    assert (guessed.attempts.in_row, guessed.attempts.total) == (1, 1)


def _all_answered(messages: Iterable[Sent]) -> Invariant:
    answered = [message.id for message in messages if message.by.listens]

    def every_copy_is_answered(found: Evidence) -> None:
        assert {len(found.replies[id_]) for id_ in answered} == {COPIES}

    return every_copy_is_answered


async def test_another_body_under_the_same_id_is_rejected_and_has_no_effect(harness: Harness) -> None:
    """`message_id_reused`, and the ledger is unchanged."""
    first, second = harness.newcomers(2)
    message_id = await harness.say("pin.request", first.body)
    before = await harness.all_is_well()
    async with portal(harness.stack) as window:
        again = await window.ask("pin.request", second.body, message_id=message_id)
        assert (again["outcome"], again["code"]) == ("rejected", "message_id_reused")
        assert (await window.ask("pin.request", first.body, message_id=message_id))["code"] == "accepted"
    after = await harness.all_is_well()
    assert after.entries == before.entries
    assert subject_of(harness.stack, second.codice_fiscale) not in after.accounts


async def test_a_guess_under_the_id_of_another_is_not_compared(harness: Harness) -> None:
    """Reusing a message id gives no second guess."""
    person = harness.active[-1]
    message_id = await harness.say("pin.verify", harness.log_in(person, "00000000"))
    assert (await harness.portal.reply(message_id))["code"] == "wrong_pin"
    async with portal(harness.stack) as window:
        right = await window.ask("pin.verify", harness.log_in(person), message_id=message_id)
    assert right["code"] == "message_id_reused"
    found = await harness.all_is_well()
    assert found.accounts[subject_of(harness.stack, person.codice_fiscale)].attempts.total == 1


@pytest.mark.parametrize("channel", ["sms", "email"])
async def test_a_bundle_published_again_and_again_is_sent_once_a_process(
    harness: Harness, channel: str
) -> None:
    """The relay and a worker may publish the same bundle: the citizen receives no duplicate."""
    delivery, person = uuid4(), harness.active[-1]
    body = _bundle(harness, channel, delivery, subject_of(harness.stack, person.codice_fiscale))
    message_id = str(uuid4())
    harness.asked.append(Asked(message_id, "bundle", answered=False))
    async with client(harness.stack, "notifier") as notifier:
        await asyncio.gather(
            *(
                notifier.publish(
                    "bundle", body, message_id=message_id, exchange="pin.notifications", key=channel
                )
                for _ in range(COPIES)
            )
        )
    found = await harness.all_is_well()
    sent = [e for e in found.entries if e.message_id == UUID(message_id)]
    assert [e.kind for e in sent] == ["delivery.sent"]
    # Two processes may be sending the same one concurrently: neither knows yet.
    assert 1 <= len(found.copies[delivery]) <= PROCESSES


def _bundle(harness: Harness, channel: str, delivery: UUID, subject: bytes) -> bytes:
    seal = BundleSeal(Keys(harness.stack.state / "keys").public(channel))
    text = Secret("Una prova senza segreti")
    mail = Mail("prova@example.it", "Prova", text, "it")
    content = Sms("+393331234567", text) if channel == "sms" else mail
    sealed = {
        "id": str(delivery),
        "subject": subject.hex(),
        "correlation_id": str(uuid4()),
        "attempt": 1,
        "created_at": datetime.now(UTC).isoformat(),
        "seal": seal.seal(to_bytes(content), delivery.bytes),
    }
    return orjson.dumps({"key": seal.key, "deliveries": [sealed]})
