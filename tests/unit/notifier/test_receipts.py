"""Receipts: given a delivery's status and a receipt, then exactly this decision."""

from datetime import timedelta
from uuid import RFC_4122, UUID

import orjson
import pytest

from services.notifier.receipts import Receipt, receipt
from shared.contract.message import read
from shared.contract.notifier import DeliveryReceipt
from shared.contract.reply import accepted
from shared.domain.account import Account
from shared.domain.decision import Decision, DeliveryRecord
from shared.domain.policy import PinPolicy
from shared.errors import SettingsError
from tests.unit.decisions import NOW, POLICY, Event, moment

ID = UUID("5b8f6a0e-3c52-4c8e-8d5e-0f7a1c2b3d4e")


def told(status: str, record: DeliveryRecord | None, rounds: int = 0, delivery_id: UUID = ID) -> Decision:
    body = orjson.dumps({"delivery_id": str(delivery_id), "status": status, "provider": "gw", "detail": ""})
    message = read("delivery.receipt", body)
    assert isinstance(message, DeliveryReceipt)
    return receipt(Account(), Receipt(message, rounds), moment(known={ID: record} if record else {}))


def recorded(status: str = "sent", channel: str = "sms") -> DeliveryRecord:
    return DeliveryRecord(ID, bytes(16), channel, status, 1, "ref", "request-1")


def test_a_delivered_message_is_recorded_and_told() -> None:
    decision = told("delivered", recorded())
    assert [record.status for record in decision.records] == ["delivered"]
    data = {"delivery_id": str(ID), "channel": "sms", "attempt": 1}
    assert decision.events == (Event("delivery.delivered", data, correlation_id="request-1"),)
    assert decision.messages == ()


@pytest.mark.parametrize(
    ("status", "channel", "kind"),
    [
        ("failed", "sms", "internal.issuer.delivery_failed"),
        ("failed", "post", "internal.issuer.delivery_failed"),
        ("returned", "email", "internal.issuer.delivery_failed"),
        ("returned", "post", "internal.issuer.letter_returned"),
    ],
)
def test_what_did_not_arrive_is_the_issuer_s_to_judge(status: str, channel: str, kind: str) -> None:
    """A letter that comes back revokes the PIN."""
    decision = told(status, recorded(channel=channel))
    assert [message.key for message in decision.messages] == [kind]


@pytest.mark.parametrize(
    ("before", "status"), [("delivered", "delivered"), ("failed", "failed"), ("failed", "delivered")]
)
def test_a_receipt_told_again_or_too_late_changes_nothing(before: str, status: str) -> None:
    decision = told(status, recorded(before))
    assert (decision.records, decision.events, decision.messages) == ((), (), ())


def test_of_two_receipts_in_one_batch_the_second_sees_what_the_first_recorded() -> None:
    body = orjson.dumps({"delivery_id": str(ID), "status": "delivered", "provider": "gw", "detail": ""})
    message = read("delivery.receipt", body)
    assert isinstance(message, DeliveryReceipt)
    at = moment(known={ID: recorded("delivered")})
    assert receipt(Account(), Receipt(message), at).records == ()


def test_a_letter_that_was_delivered_can_still_come_back() -> None:
    assert told("returned", recorded("delivered", "post")).messages


def test_a_receipt_before_its_delivery_is_recorded_goes_round() -> None:
    """Gateways can be quicker than our own commit."""
    (message,) = told("delivered", None).messages
    assert message.due_at == NOW + timedelta(seconds=3)
    assert orjson.loads(message.body)["rounds"] == 1


def test_a_receipt_for_a_delivery_that_nobody_knows_ends_in_pin_dead() -> None:
    (message,) = told("delivered", None, rounds=10).messages
    assert (message.exchange, message.headers["x-reason"]) == ("pin.dead", "unknown_delivery")


def test_a_receipt_for_a_delivery_that_was_forgotten_is_neither_parked_nor_sent_round() -> None:
    retention = POLICY.delivery_retention
    forgotten = moment(NOW - retention - timedelta(days=1)).delivery_id()
    decision = told("returned", None, rounds=10, delivery_id=forgotten)
    assert decision == Decision(reply=accepted())
    kept = moment(NOW - retention + timedelta(days=1)).delivery_id()
    (message,) = told("returned", None, rounds=10, delivery_id=kept).messages
    assert message.exchange == "pin.dead"


def test_the_id_of_a_delivery_begins_with_the_time_and_is_random_otherwise() -> None:
    """RFC 9562, version 7."""
    ids = [moment(seed=seed).delivery_id() for seed in range(50)]
    assert {(one.version, one.variant) for one in ids} == {(7, RFC_4122)}
    assert {one.int >> 80 for one in ids} == {int(NOW.timestamp() * 1000)}
    assert len({one.int for one in ids}) == len(ids)


def test_deliveries_outlive_the_pins_that_they_carried() -> None:
    with pytest.raises(SettingsError, match=r"PIN_DELIVERY_RETENTION: .*30 days longer"):
        PinPolicy.load({"PIN_INITIAL_VALIDITY": "P340D"})
    with pytest.raises(SettingsError, match="PIN_DELIVERY_RETENTION"):
        PinPolicy.load({"PIN_DELIVERY_RETENTION": "P80D"})
    with pytest.raises(SettingsError, match="PIN_ENDED_RETENTION"):
        PinPolicy.load({"PIN_ENDED_RETENTION": "-P80D"})
    assert PinPolicy.load({"PIN_DELIVERY_RETENTION": "PT0S", "PIN_INITIAL_VALIDITY": "P340D"})
