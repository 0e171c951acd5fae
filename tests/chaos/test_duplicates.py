"""100 copies of each message, shuffled, over two processes of each worker: one effect, one reply content."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from uuid import UUID, uuid4

import orjson
import pytest
import pytest_asyncio

from deploy.local.stack import Stack
from shared.delivery import Mail, Sms, to_bytes
from shared.sealing import BundleSeal, Keys
from shared.secret import Secret
from tests.chaos.evidence import Asked, Evidence, subject_of
from tests.chaos.invariants import ALL, Invariant
from tests.chaos.scenarios import citizen, receipt
from tests.kit.client import Body, Client, ReplyKey, portal
from tests.kit.harness import MAIN_WAY, Person, Town, founded

pytestmark = pytest.mark.asyncio(loop_scope="module")

COPIES = 100
WORKERS = (*MAIN_WAY, "issuer-access", "notifier-receipts")
PROCESSES = 2


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(servers: Stack) -> AsyncIterator[Town]:
    """A town with two processes of each worker."""
    async with founded(servers, "duplicates", {"PIN_BLIND_REPLY_AFTER": "PT0S"}, kinds=("plain",)) as town:
        town.start(WORKERS, copies=PROCESSES)
        await town.settle_in(issued=4, active=5)
        yield town


@dataclass(frozen=True)
class Sent:
    """One message, to be published many times."""

    by: Client
    type: str
    body: Body
    id: str


def of_the_lanes(town: Town) -> dict[str, Sent]:
    """One message of each type, about different citizens."""
    (newcomer,) = town.newcomers(1)
    newly, heard, returned = (town.issued.pop() for _ in range(3))
    mover, carded, regular, clumsy = (town.active.pop() for _ in range(4))
    card = {"number": "80380000900012345678", "expires_on": "2030-05-31"}
    bodies: dict[str, tuple[Client, str, Body]] = {
        "request": (town.portal, "pin.request", newcomer.body),
        "contacts": (town.portal, "contacts.update", _contacts(mover)),
        "card": (town.registry, "registry.update", citizen(carded.codice_fiscale, health_card=card)),
        "first access": (town.portal, "pin.activate", town.activation(newly, ReplyKey())),
        "log-in": (town.portal, "pin.verify", town.log_in(regular)),
        "guess": (town.portal, "pin.verify", town.log_in(clumsy, "00000000")),
        "delivered": (town.gateway, "delivery.receipt", receipt(heard.carriers["sms"])),
        "returned": (town.gateway, "delivery.receipt", receipt(returned.carriers["post"], "returned")),
    }
    return {name: Sent(*parts, id=str(uuid4())) for name, parts in bodies.items()}


def _contacts(person: Person) -> Body:
    return citizen(person.codice_fiscale, contacts={"email": "nuovo@example.it"})


async def publish_shuffled(town: Town, messages: Sequence[Sent]) -> None:
    """Publish every message as often as `COPIES`, all together and in no order."""
    town.asked += [Asked(m.id, m.type, answered=m.by.listens) for m in messages]
    copies = [message for message in messages for _ in range(COPIES)]
    Random(5).shuffle(copies)  # noqa: S311 - an order, not a secret
    await asyncio.gather(*(m.by.publish(m.type, m.body, message_id=m.id) for m in copies))


async def test_a_hundred_copies_have_one_effect_and_one_reply_content(town: Town) -> None:
    """The inbox absorbs them, whichever process each of them reaches."""
    messages = of_the_lanes(town)
    await publish_shuffled(town, list(messages.values()))
    found = await town.all_is_well((*ALL, _all_answered(messages.values())))
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
    guessed = found.accounts[subject_of(town.stack, str(messages["guess"].body["codice_fiscale"]))]
    assert (guessed.attempts.in_row, guessed.attempts.total) == (1, 1)


def _all_answered(messages: Iterable[Sent]) -> Invariant:
    answered = [message.id for message in messages if message.by.listens]

    def every_copy_is_answered(found: Evidence) -> None:
        assert {len(found.replies[id_]) for id_ in answered} == {COPIES}

    return every_copy_is_answered


async def test_another_body_under_the_same_id_is_rejected_and_has_no_effect(town: Town) -> None:
    """`message_id_reused`, and the ledger is as it was."""
    first, second = town.newcomers(2)
    message_id = await town.say("pin.request", first.body)
    before = await town.all_is_well()
    async with portal(town.stack) as window:
        again = await window.ask("pin.request", second.body, message_id=message_id)
        assert (again["outcome"], again["code"]) == ("rejected", "message_id_reused")
        assert (await window.ask("pin.request", first.body, message_id=message_id))["code"] == "accepted"
    after = await town.all_is_well()
    assert after.entries == before.entries
    assert subject_of(town.stack, second.codice_fiscale) not in after.accounts


async def test_a_guess_under_the_id_of_another_is_not_compared(town: Town) -> None:
    """Nobody gets a second guess by using a message id again."""
    person = town.active[-1]
    message_id = await town.say("pin.verify", town.log_in(person, "00000000"))
    assert (await town.portal.reply(message_id))["code"] == "wrong_pin"
    async with portal(town.stack) as window:
        right = await window.ask("pin.verify", town.log_in(person), message_id=message_id)
    assert right["code"] == "message_id_reused"
    found = await town.all_is_well()
    assert found.accounts[subject_of(town.stack, person.codice_fiscale)].attempts.total == 1


@pytest.mark.parametrize("channel", ["sms", "email"])
async def test_a_bundle_published_again_and_again_is_sent_once_a_process(town: Town, channel: str) -> None:
    """The relay and a worker may publish the same bundle: the citizen must not notice."""
    delivery, person = uuid4(), town.active[-1]
    body = _bundle(town, channel, delivery, subject_of(town.stack, person.codice_fiscale))
    message_id = str(uuid4())
    town.asked.append(Asked(message_id, "bundle", answered=False))
    async with Client(town.stack, "notifier") as notifier:
        await asyncio.gather(
            *(
                notifier.publish(
                    "bundle", body, message_id=message_id, exchange="pin.notifications", key=channel
                )
                for _ in range(COPIES)
            )
        )
    found = await town.all_is_well()
    sent = [e for e in found.entries if e.message_id == UUID(message_id)]
    assert [e.kind for e in sent] == ["delivery.sent"]
    # Two processes may be sending the same one at the same moment: neither can know yet.
    assert 1 <= len(found.copies[delivery]) <= PROCESSES


def _bundle(town: Town, channel: str, delivery: UUID, subject: bytes) -> bytes:
    seal = BundleSeal(Keys(town.stack.state / "keys").public(channel))
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
