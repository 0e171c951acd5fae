"""The facts that lanes read in the transaction, kept up to date with the batch's decisions."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson
import pytest

from services.issuer.facts import RequestFacts
from services.notifier.receipts import Receipt
from shared.contract.events import Event
from shared.contract.message import read as read_body
from shared.contract.notifier import DeliveryReceipt
from shared.crypto.sealing import StateSeal
from shared.domain.account import Account, Status
from shared.worker import account_codec
from shared.worker.batch import BatchProcessor, MessageResult, WorkerKeys
from shared.worker.lane import Lane
from shared.worker.offline_message import offline_message
from shared.worker.reading import ReceivedMessage
from tests.unit.decisions import NOW, PEPPER, POLICY, account, read
from tests.unit.dispositivo.flow import asked, submitted, waiting
from tests.unit.lanes import lanes
from tests.unit.worker.rows import Rows
from tests.unit.worker.test_intake import SETTINGS

SEAL = StateSeal(bytes(32))
DELIVERY = UUID("5b8f6a0e-3c52-4c8e-8d5e-0f7a1c2b3d4e")
ONE, TWO, THREE = (bytes([number]) * 16 for number in (1, 2, 3))

RECOGNITION = {
    "kind": "de_visu",
    "operator": {"id": "op-9", "office": "Pisa"},
    "document": {
        "kind": "passport",
        "number": "YA1234567",
        "issued_by": "Questura di Pisa",
        "issued_on": "2024-01-10",
        "expires_on": "2034-01-09",
    },
}


def lane(name: str) -> Lane:
    (found,) = (lane for lane in lanes() if lane.name == name)
    return found


def message(body: object, subject: bytes = ONE) -> ReceivedMessage:
    return offline_message("tests", body, subject, "t")


def enter(rows: Rows, subject: bytes, citizen: Account) -> None:
    """Let a citizen be in the ledger."""
    written = citizen.but(subject=subject, version=1)
    names = ("subject", "version", "status", "level", "review_since")
    row = {name: getattr(written, name) for name in names}
    rows.accounts[subject] = row | {
        "schema": account_codec.SCHEMA,
        "state": account_codec.encode(written, SEAL),
    }
    rows.subjects[subject] = (0, bytes(32), False)


async def settled(of: Lane, rows: Rows, *batch: ReceivedMessage) -> list[MessageResult]:
    """Have a batch performed and settled, as the shell does."""
    processor = BatchProcessor(of, SETTINGS, POLICY, WorkerKeys(PEPPER, state=SEAL), now=lambda: NOW)
    if of.effect:
        await of.effect(batch, rows)
    return (await processor.settle(batch, rows)).handled


def data(handled: MessageResult) -> Any:  # noqa: ANN401 - JSON
    assert handled.reply is not None
    return orjson.loads(handled.reply)["data"]


def receipt(status: str) -> ReceivedMessage:
    body = orjson.dumps({"delivery_id": str(DELIVERY), "status": status, "provider": "gw", "detail": ""})
    told = read_body("delivery.receipt", body)
    assert isinstance(told, DeliveryReceipt)
    return message(Receipt(told))


async def test_of_two_receipts_in_one_batch_the_second_knows_what_the_first_recorded() -> None:
    rows = Rows()
    rows.deliveries[DELIVERY] = {
        "id": DELIVERY,
        "subject": TWO,
        "channel": "sms",
        "status": "sent",
        "attempts": 1,
        "correlation_id": "request-1",
        "reported": "",
        "awaits_since": None,
    }
    handled = await settled(lane("notifier-receipts"), rows, receipt("delivered"), receipt("delivered"))
    assert [one.outcome for one in handled] == ["accepted", "accepted"]
    assert [(e["kind"], e["subject"]) for e in rows.entries] == [("delivery.delivered", TWO)]
    assert rows.deliveries[DELIVERY]["status"] == "delivered"


async def test_a_receipt_of_a_delivery_that_is_not_recorded_is_about_nobody_yet() -> None:
    rows = Rows()
    (handled,) = await settled(lane("notifier-receipts"), rows, receipt("delivered"))
    assert (handled.outcome, handled.received.subjects, rows.entries) == ("accepted", (), [])


async def test_istanze_get_their_numbers_in_order_of_arrival() -> None:
    """R30."""
    rows = Rows()
    enter(rows, ONE, account(level="dispositivo"))
    istanze = [message(read("istanza.submit", istanza_id=f"i-{number}")) for number in range(3)]
    handled = await settled(lane("dispositivo"), rows, *istanze)
    assert [data(one)["protocol"] for one in handled] == [f"2026.000000000{number}" for number in (1, 2, 3)]


async def test_documents_of_one_batch_are_reviewed_in_order_of_arrival() -> None:
    """R25."""
    rows, citizens = Rows(), {subject: asked() for subject in (THREE, ONE, TWO)}
    batch = []
    for subject, citizen in citizens.items():
        enter(rows, subject, citizen)
        request = citizen.dispositivo
        assert request is not None
        batch.append(message(read("dispositivo.submit_documents", request_id=request.id), subject))
    await settled(lane("dispositivo"), rows, *batch)
    assert sorted(citizens, key=lambda subject: rows.accounts[subject]["review_since"]) == list(citizens)


async def test_the_review_queue_is_shown_as_the_batch_has_left_it() -> None:
    """R25: without who was approved a moment ago, and without an account that does not open."""
    rows = Rows()
    for subject in (ONE, TWO, THREE):
        enter(rows, subject, submitted())
    rows.accounts[TWO]["state"] = bytes(60)
    approved, look = read("dispositivo.approve"), read("dispositivo.review_queue")
    request = account_codec.decode(rows.accounts[ONE], SEAL).dispositivo
    assert request is not None
    approve = message(approved.model_copy(update={"request_id": UUID(request.id)}))
    first, second = await settled(lane("dispositivo"), rows, approve, message(look, b"office".ljust(16)))
    assert (first.code, second.code) == ("accepted", "accepted")
    assert len(data(second)["requests"]) == 1
    assert [e["subject"] for e in rows.entries if e["kind"] == "personal_data.seen"] == [THREE]


def requests_lane() -> Lane:
    return replace(lane("issuer-requests"), facts=RequestFacts(PEPPER))


async def test_what_was_sent_to_an_address_before_is_counted_with_what_the_batch_sends() -> None:
    """R5."""
    rows, command = Rows(), read("pin.request")
    place = PEPPER.place(command.contacts.mobile)
    rows.sent_to[place] = POLICY.first_halves_a_day - 1
    await settled(requests_lane(), rows, message(command, ONE), message(command, TWO))
    assert [e["kind"] for e in rows.entries] == ["pin.issued", "pin.request_rejected"]
    assert rows.sent_to[place] == POLICY.first_halves_a_day


async def test_an_address_that_cannot_be_counted_parks_its_own_message_alone() -> None:
    good = read("pin.request")
    bad = good.model_copy(update={"contacts": good.contacts.model_copy(update={"mobile": "\ud800"})})
    rows = Rows()
    handled = await settled(requests_lane(), rows, message(bad, ONE), message(good, TWO))
    assert [one.outcome for one in handled] == ["parked", "accepted"]
    assert [e["subject"] for e in rows.entries] == [TWO]


def of_operator(type_: str, user: str = "console", **fields: Any) -> ReceivedMessage:  # noqa: ANN401
    """Return an operator's command as it comes from a broker user."""
    sent = message(read(type_, **fields), ONE)
    sent.actor = user
    return sent


def seen(handled: MessageResult) -> str:
    return str(data(handled)["requests"][0]["seen"])


async def test_of_two_operators_in_one_batch_one_holds_and_the_other_is_told() -> None:
    """R25."""
    rows, citizen = Rows(), submitted()
    enter(rows, ONE, citizen)
    request = citizen.dispositivo
    assert request is not None
    (look,) = await settled(lane("dispositivo"), rows, of_operator("dispositivo.review_queue"))
    known = {"request_id": request.id, "seen": seen(look)}
    handled = await settled(
        lane("dispositivo"),
        rows,
        of_operator("dispositivo.approve", "console", **known),
        of_operator(
            "dispositivo.cancel", "console", **known, operator={"id": "op-2", "office": "Contact Center"}
        ),
    )
    assert [one.code for one in handled] == ["accepted", "changed_since_seen"]
    (decided,) = [e for e in rows.entries if e["kind"] == "dispositivo.approved"]
    assert decided["data"]["seen"] == known["seen"]


@pytest.mark.parametrize(
    ("name", "type_", "fields", "status"),
    [
        ("dispositivo", "branch.lookup", {}, "active"),
        ("dispositivo", "branch.activate", {}, "active"),
        ("dispositivo", "dispositivo.review_queue", {}, "active"),
        ("dispositivo", "dispositivo.approve", {}, "active"),
        ("dispositivo", "dispositivo.cancel", {}, "active"),
        ("dispositivo", "dispositivo.submit_documents", {"via": "fax"}, "active"),
        ("revoker", "revoke.by_contact_centre", {}, "active"),
        ("revoker", "revoke.by_contact_centre", {}, "revoked"),
        ("issuer-requests", "pin.request", {"recognition": RECOGNITION}, "none"),
        ("issuer-requests", "pin.request", {"recognition": RECOGNITION}, "active"),
    ],
)
async def test_whatever_an_operator_s_command_leads_to_names_the_user_and_the_person(
    name: str, type_: str, fields: dict[str, Any], status: Status
) -> None:
    """R8, R21, R24-R26: the broker vouches for the user, which declares the person."""
    rows = Rows()
    citizen = account(status) if status != "active" else submitted(asked(waiting()))
    enter(rows, ONE, citizen)
    request = citizen.dispositivo
    if type_.startswith("dispositivo.") and type_ != "dispositivo.review_queue" and request:
        fields = fields | {"request_id": request.id}
    operator = {"id": "op-9", "office": "Pisa"}
    vouched = {} if "recognition" in fields else {"operator": operator}
    await settled(lane(name), rows, of_operator(type_, "console", **fields, **vouched))
    assert rows.entries
    for entry in rows.entries:
        assert (entry["actor"], entry["data"]["office"], entry["data"]["user"]) == (
            "operator:op-9",
            "Pisa",
            "console",
        )


async def test_what_a_portal_sends_is_entered_under_its_user_alone() -> None:
    rows = Rows()
    enter(rows, ONE, account())
    await settled(lane("dispositivo"), rows, of_operator("dispositivo.request", user="portal"))
    assert [(e["actor"], "user" in e["data"]) for e in rows.entries] == [("portal", False)]


async def test_looks_are_counted_by_person_and_hour_over_batches_and_workers() -> None:
    """R25, R26: of two workers on one ledger; a user with another operator is another person."""
    rows = Rows()
    enter(rows, ONE, submitted())
    other = {"id": "op-2", "office": "Pisa"}
    batch = [
        of_operator("branch.lookup"),
        of_operator("branch.lookup", operator=other),
        of_operator("branch.lookup", user="another"),
        of_operator("branch.lookup"),
    ]
    await settled(lane("dispositivo"), rows, *batch)
    assert [one.effect.count for one in batch] == [1, 1, 1, 2]
    (again, queue) = batch = [of_operator("branch.lookup"), of_operator("dispositivo.review_queue")]
    queue.handled = True
    await settled(lane("dispositivo"), rows, *batch)
    assert (again.effect.count, queue.effect) == (3, None)
    assert sum(rows.lookups.values()) == 5


async def test_the_look_that_passes_the_limit_is_published_about_nobody_and_logged() -> None:
    rows = Rows()
    enter(rows, ONE, submitted())
    hour = NOW.replace(minute=0)
    rows.lookups[hour, "console", "op-0107"] = POLICY.lookups_an_hour
    processor = BatchProcessor(
        lane("dispositivo"), SETTINGS, POLICY, WorkerKeys(PEPPER, state=SEAL), now=lambda: NOW
    )
    batch = [of_operator("branch.lookup"), of_operator("branch.lookup")]
    committed = await processor.settle(batch, rows)
    said = [m for _, messages in committed.outgoing for m in messages if m.type == "operator.looked_often"]
    (body,) = [orjson.loads(one.body) for one in said]
    assert (body["subject"], body["data"]["lookups"]) == (None, POLICY.lookups_an_hour + 1)
    assert Event.model_validate_json(said[0].body).subject is None
    assert [alarm.type for alarm in committed.alarms] == ["operator.looked_often"]
