"""The load of each worker when it is killed: one `Scenario` per worker, with every message of its lane."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from deploy.local.inbox import Body
from deploy.local.sealed import ReplyKey
from shared.worker.crash import POINTS
from tests.kit.evidence import Evidence, gathered, subject_of
from tests.kit.harness import Harness
from tests.kit.invariants import Invariant
from tests.kit.person import Person

OPERATOR = {"id": "op-0042", "office": "Contact Center"}
DOCUMENT = {
    "kind": "identity_card",
    "number": "CA12345AA",
    "issued_by": "Comune di Pisa",
    "issued_on": "2021-03-15",
    "expires_on": "2031-12-10",
}
_SCAN = {
    "uri": "https://portal.example/documents/scan.pdf",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "media_type": "application/pdf",
}
DOCUMENTS = {"via": "online", "signed_form": _SCAN, "document": DOCUMENT, "document_scan": _SCAN}
Load = Callable[[], Awaitable[Invariant]]
"""Publishes the messages, and returns what must hold of them in the end beside the invariants of all."""


@dataclass(frozen=True)
class Scenario:
    """One worker and its messages.

    Attributes:
        worker: as in `deploy.local.workers.WORKERS`.
        prepare: runs before the messages are published, without crashes.
        performs: whether its lane has an effect, so that it passes the point `performed`.
    """

    worker: str
    prepare: Callable[[Harness], Awaitable[Load]]
    performs: bool = False

    @property
    def points(self) -> tuple[str, ...]:
        """Every crash point that the worker passes."""
        return tuple(point for point in POINTS if self.performs or point != "performed")


async def asking_for_pins(harness: Harness) -> Load:
    """Requests, one of them sent twice; a change of contacts; a health card."""

    async def load() -> Invariant:
        people, old = harness.newcomers(2), harness.active[0]
        first = [await harness.say("pin.request", person.body) for person in people]
        second = await harness.say("pin.request", people[0].body)
        mailbox = {"email": f"nuovo.{len(harness.asked)}@example.it"}
        changed = await harness.say("contacts.update", citizen(old.codice_fiscale, contacts=mailbox))
        card = {"number": f"80380000{len(harness.asked):012}", "expires_on": "2030-05-31"}
        carded = await harness.say(
            "registry.update", citizen(old.codice_fiscale, health_card=card), by=harness.registry
        )

        def proof(found: Evidence) -> None:
            issued = [e for id_ in (*first, second) for e in found.of_message(id_, "pin.issued")]
            assert len(issued) == len(people)
            assert len(found.of_message(changed, "contacts.updated")) == 1
            assert len(found.of_message(carded, "registry.updated")) == 1

        return proof

    return load


async def logging_in(harness: Harness) -> Load:
    """A first access, a log-in with the right PIN, and three guesses."""

    async def load() -> Invariant:
        newly, regular, clumsy = harness.issued.pop(), harness.active[0], harness.active.pop()
        regularly = subject_of(harness.stack, regular.codice_fiscale)
        before = (await gathered(harness.stack, (), ())).log_ins_of(regularly)
        key = ReplyKey()
        activated = await harness.say("pin.activate", harness.activation(newly, key))
        await harness.say("pin.verify", harness.log_in(regular))
        guesses = [await harness.say("pin.verify", harness.log_in(clumsy, f"0000000{n}")) for n in range(3)]

        def proof(found: Evidence) -> None:
            assert len(found.of_message(activated, "pin.activated")) == 1
            assert found.log_ins_of(regularly) == before + 1
            assert all(len(found.of_message(id_, "pin.attempt_failed")) == 1 for id_ in guesses)
            attempts = found.accounts[subject_of(harness.stack, clumsy.codice_fiscale)].attempts
            assert attempts.total == attempts.in_row == len(guesses)
            (new_pin,) = {key.open(pin) for pin in found.sealed_pins(activated)}
            assert len(new_pin) == 8

        return proof

    return load


async def sending_halves(harness: Harness) -> Load:
    """The halves of people with an email and with a PEC."""

    async def load() -> Invariant:
        requests = [await harness.say("pin.request", person.body) for person in harness.newcomers(2)]

        def proof(found: Evidence) -> None:
            for request in requests:
                (issued,) = found.of_message(request, "pin.issued")
                sent = [e.data["delivery_id"] for e in found.entries if e.kind == "delivery.sent"]
                assert all(sent.count(str(id_)) == 1 for id_ in issued.carriers.values())

        return proof

    return load


async def hearing_of_deliveries(harness: Harness) -> Load:
    """An SMS was delivered; a letter was returned, which revokes the PIN."""

    async def load() -> Invariant:
        person = harness.issued.pop()
        delivered = await harness.say("delivery.receipt", receipt(person.carriers["sms"]), by=harness.gateway)
        letter = receipt(person.carriers["post"], "returned")
        returned = await harness.say("delivery.receipt", letter, by=harness.gateway)

        def proof(found: Evidence) -> None:
            assert len(found.of_message(delivered, "delivery.delivered")) == 1
            assert len(found.of_message(returned, "delivery.returned")) == 1
            subject = subject_of(harness.stack, person.codice_fiscale)
            revocations = [e for e in found.chains()[subject] if e.kind == "pin.revoked"]
            assert [e.data["cause"] for e in revocations] == ["letter_returned"]

        return proof

    return load


async def losing_pins(harness: Harness) -> Load:
    """A restore and a revocation requested, one of each confirmed, and a revocation by the contact centre."""
    losing, lost, giving_up, given_up, phoning = (harness.active.pop() for _ in range(5))
    card = {"health_card": {"number": "80380000900012345678", "expires_on": "2030-05-31"}}
    address = {"email": "altrove@example.it"}
    for person in (giving_up, given_up):
        await harness.ask("registry.update", citizen(person.codice_fiscale, **card), by=harness.registry)
    restoring = await harness.say("restore.request", lost.with_contacts())
    revoking = await harness.say("revoke.request", citizen(given_up.codice_fiscale, **card, **address))
    found = await harness.all_is_well()
    (requested,) = found.of_message(restoring, "restore.requested")
    (begun,) = found.of_message(revoking, "revoke.requested")
    tokens = [harness.sealed(found.token_of(entry), to="revoker") for entry in (requested, begun)]

    async def load() -> Invariant:
        asked = await harness.say("restore.request", losing.with_contacts())
        restored = await harness.say("restore.confirm", citizen(lost.codice_fiscale, token_sealed=tokens[0]))
        begun = await harness.say("revoke.request", citizen(giving_up.codice_fiscale, **card, **address))
        revoked = await harness.say(
            "revoke.confirm", citizen(given_up.codice_fiscale, token_sealed=tokens[1])
        )
        phoned = await harness.say(
            "revoke.by_contact_centre",
            citizen(phoning.codice_fiscale, operator=OPERATOR, reason="Lost"),
            by=harness.operator,
        )

        def proof(found: Evidence) -> None:
            assert len(found.of_message(asked, "restore.requested")) == 1
            assert len(found.of_message(restored, "restore.confirmed")) == 1
            assert len(found.of_message(begun, "revoke.requested")) == 1
            assert len(found.of_message(revoked, "pin.revoked")) == 1
            assert len(found.of_message(phoned, "pin.revoked")) == 1

        return proof

    return load


async def becoming_dispositivo(harness: Harness) -> Load:
    """Every message of the profile's lane; an approval takes effect and releases an istanza."""
    asking, sending, approved, cancelled, visiting = (harness.active.pop() for _ in range(5))
    open_requests = {
        person.codice_fiscale: await _open_request(harness, person)
        for person in (sending, approved, cancelled)
    }
    for person in (approved, cancelled):
        await harness.ask("dispositivo.submit_documents", open_requests[person.codice_fiscale] | DOCUMENTS)
    await harness.ask("istanza.submit", istanza(approved, "2026-1"))

    async def load() -> Invariant:
        requested = await harness.say("dispositivo.request", ask_online(asking))
        sent = await harness.say(
            "dispositivo.submit_documents", open_requests[sending.codice_fiscale] | DOCUMENTS
        )
        approval = open_requests[approved.codice_fiscale] | {"operator": OPERATOR}
        agreed = await harness.say("dispositivo.approve", approval, by=harness.operator)
        refusal = open_requests[cancelled.codice_fiscale] | {"operator": OPERATOR, "reason": "illegible"}
        refused = await harness.say("dispositivo.cancel", refusal | {"note": "The scan"}, by=harness.operator)
        await harness.say(
            "dispositivo.review_queue", {"operator": OPERATOR, "limit": 20}, by=harness.operator
        )
        visit = citizen(visiting.codice_fiscale, operator=OPERATOR)
        await harness.say("branch.lookup", visit, by=harness.operator)
        visited = await harness.say("branch.activate", visit | {"document": DOCUMENT}, by=harness.operator)
        submitted = await harness.say(
            "istanza.submit", istanza(harness.active[0], f"2026-{len(harness.asked)}")
        )

        def proof(found: Evidence) -> None:
            assert len(found.of_message(requested, "dispositivo.requested")) == 1
            assert len(found.of_message(sent, "dispositivo.documents_received")) == 1
            assert len(found.of_message(agreed, "dispositivo.approved")) == 1
            assert len(found.of_message(refused, "dispositivo.cancelled")) == 1
            assert len(found.of_message(visited, "dispositivo.activated")) == 1
            assert len(found.of_message(submitted, "istanza.protocolled")) == 1
            chain = [e.kind for e in found.chains()[subject_of(harness.stack, approved.codice_fiscale)]]
            assert chain.count("dispositivo.activated") == chain.count("istanza.released") == 1

        return proof

    return load


async def _open_request(harness: Harness, person: Person) -> Body:
    reply = await harness.ask("dispositivo.request", ask_online(person))
    return citizen(person.codice_fiscale, request_id=reply["data"]["request_id"])


def ask_online(person: Person) -> Body:
    """Return the body of a person's `dispositivo.request`."""
    return citizen(person.codice_fiscale, submission="online")


def istanza(person: Person, istanza_id: str) -> Body:
    """Return the body of a person's `istanza.submit`."""
    return citizen(person.codice_fiscale, istanza_id=istanza_id, service="Maternity allowance")


def citizen(codice_fiscale: str, **fields: object) -> Body:
    """Return the body of a command about a citizen."""
    return {"codice_fiscale": codice_fiscale, **fields}


def receipt(delivery_id: object, status: str = "delivered") -> Body:
    """Return the body of a receipt for a delivery."""
    return {"delivery_id": str(delivery_id), "status": status, "provider": "test", "detail": ""}


SCENARIOS = (
    Scenario("issuer", asking_for_pins),
    Scenario("issuer-access", logging_in, performs=True),
    Scenario("notifier-sms", sending_halves, performs=True),
    Scenario("notifier-email", sending_halves, performs=True),
    Scenario("notifier-pec", sending_halves, performs=True),
    Scenario("notifier-post", sending_halves, performs=True),
    Scenario("notifier-receipts", hearing_of_deliveries, performs=True),
    Scenario("revoker", losing_pins),
    Scenario("dispositivo", becoming_dispositivo, performs=True),
)
