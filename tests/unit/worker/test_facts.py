"""The facts that lanes read in the transaction, kept up to date with the batch's decisions."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson

from services.issuer.facts import RequestFacts
from services.notifier.receipts import Receipt
from shared.contract.message import read as read_body
from shared.contract.notifier import DeliveryReceipt
from shared.crypto.sealing import StateSeal
from shared.domain.account import Account
from shared.worker import account_codec
from shared.worker.batch import BatchProcessor, MessageResult, WorkerKeys
from shared.worker.lane import Lane
from shared.worker.offline_message import offline_message
from shared.worker.reading import ReceivedMessage
from tests.unit.decisions import NOW, PEPPER, POLICY, account, moment, read
from tests.unit.dispositivo.flow import asked, submitted
from tests.unit.lanes import lanes
from tests.unit.worker.rows import Rows
from tests.unit.worker.test_intake import SETTINGS

SEAL = StateSeal(bytes(32))
DELIVERY = UUID("5b8f6a0e-3c52-4c8e-8d5e-0f7a1c2b3d4e")
ONE, TWO, THREE = (bytes([number]) * 16 for number in (1, 2, 3))


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
    processor = BatchProcessor(of, SETTINGS, POLICY, WorkerKeys(PEPPER, moment().box, SEAL), now=lambda: NOW)
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
