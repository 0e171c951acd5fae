"""Receipts: given a delivery's status and a receipt, then exactly this decision."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations, product
from uuid import RFC_4122, UUID

import orjson
import pytest

from services.notifier.receipts import NOT_ACCEPTED, Receipt, receipt
from shared.contract.internal import ProviderReport, ReportStatus
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
    return receipt(Account(), Receipt(message, rounds), moment(known=record))


def recorded(status: str = "sent", channel: str = "sms") -> DeliveryRecord:
    return DeliveryRecord(ID, bytes(16), channel, status, 1, "ref", "request-1")


def test_a_delivered_message_is_recorded_and_told() -> None:
    decision = told("delivered", recorded())
    assert [record.status for record in decision.records] == ["delivered"]
    data = {"delivery_id": str(ID), "channel": "sms", "attempt": 1, "evidence": "gateway_receipt"}
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
    at = moment(known=recorded("delivered"))
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


def reported(
    status: ReportStatus,
    record: DeliveryRecord | None,
    evidence: str = "pec_x",
    *,
    rounds: int = 0,
    **changes: object,
) -> Decision:
    """Decide about a report of PEC."""
    report = ProviderReport(
        channel="pec",
        delivery_id=ID,
        status=status,
        evidence=evidence,
        provider="pec.example.com",
        occurred_at="2026-11-27T13:00:00.000Z",
        rounds=rounds,
    ).model_copy(update=changes)
    return receipt(Account(), Receipt(report, rounds), moment(known=record))


def by_pec(status: str = "sent") -> DeliveryRecord:
    return replace(recorded(status, "pec"), awaits_since=NOW)


def test_what_arrived_is_told_with_the_evidence() -> None:
    decision = reported("delivered", by_pec(), "pec_avvenuta_consegna")
    data = {"delivery_id": str(ID), "channel": "pec", "attempt": 1, "evidence": "pec_avvenuta_consegna"}
    assert decision.events == (Event("delivery.delivered", data, correlation_id="request-1"),)
    (entry,) = decision.entries
    assert (entry.kind, entry.data["provider"]) == ("delivery.delivered", "pec.example.com")
    assert decision.records == (replace(by_pec("delivered"), awaits_since=None),)


@pytest.mark.parametrize("status", ["accepted", "posted", "delayed"])
def test_what_ends_nothing_is_entered_once_and_waited_for_no_more(status: ReportStatus) -> None:
    decision = reported(status, by_pec(), "pec_said")
    assert [entry.kind for entry in decision.entries] == [f"delivery.{status}"]
    assert (decision.events, decision.messages) == ((), ())
    (record,) = decision.records
    assert (record.status, record.reported, record.awaits_since) == ("sent", f"{status}/pec_said", None)
    assert reported(status, record, "pec_said").records == ()
    # The notice after 24 hours is not that after 12.
    (twice,) = reported(status, record, "pec_said_again").records
    assert twice.reported == f"{status}/pec_said {status}/pec_said_again"


def test_an_address_that_is_no_pec_is_told_and_the_issuer_too() -> None:
    decision = reported("unsuitable", by_pec(), "pec_accettazione")
    data = {"delivery_id": str(ID), "channel": "pec", "attempt": 1, "evidence": "pec_accettazione"}
    assert decision.events == (Event("delivery.unsuitable", data, correlation_id="request-1"),)
    assert [message.key for message in decision.messages] == ["internal.issuer.address_unsuitable"]
    (record,) = decision.records
    assert record.status == "sent"


def test_a_failure_is_told_to_the_issuer_with_its_evidence() -> None:
    (message,) = reported("failed", by_pec(), "pec_errore_consegna").messages
    assert message.key == "internal.issuer.delivery_failed"
    assert orjson.loads(message.body)["reason"] == "pec_errore_consegna"


@pytest.mark.parametrize(
    ("record", "ends"),
    [
        (by_pec(), ["failed"]),
        (replace(by_pec(), awaits_since=None), []),
        (by_pec("postponed"), []),
        (by_pec("delivered"), []),
        (by_pec("failed"), []),
    ],
)
def test_silence_fails_what_nothing_was_heard_of_and_nothing_else(
    record: DeliveryRecord, ends: list[str]
) -> None:
    """A receipt that came while the upkeep looked is decided first, or sees the failure."""
    assert [after.status for after in reported("failed", record, NOT_ACCEPTED).records] == ends


def test_evidence_of_another_channel_changes_nothing() -> None:
    """Who can forge a bounce ends no PEC with it."""
    decision = reported("failed", by_pec(), "dsn_5.1.1", channel="email")
    assert decision == Decision(reply=accepted(), reason="other_channel")


def bounced(record: DeliveryRecord | None, rounds: int = 0) -> Decision:
    return reported("failed", record, "dsn_5.1.1", rounds=rounds, channel="email", forgeable=True)


def test_a_bounce_fails_ordinary_mail_that_is_on_its_way() -> None:
    decision = bounced(recorded("sent", "email"))
    assert [record.status for record in decision.records] == ["failed"]
    (message,) = decision.messages
    assert message.key == "internal.issuer.delivery_failed"
    (event,) = decision.events
    assert event.data["evidence"] == "dsn_5.1.1"


@pytest.mark.parametrize("status", ["delivered", "postponed"])
def test_a_bounce_which_anybody_may_forge_ends_nothing_else(status: str) -> None:
    """One that arrived has arrived; one that is tried again says by itself how that ends."""
    assert bounced(recorded(status, "email")) == Decision(reply=accepted(), reason="known_better")


def test_bounces_with_invented_ids_fill_no_queue() -> None:
    """A bounce may be faster than our own commit, so it goes round; who invents ids leaves nothing behind."""
    (message,) = bounced(None).messages
    assert orjson.loads(message.body)["forgeable"]
    assert bounced(None, rounds=10) == Decision(reply=accepted(), reason="names_no_delivery")


def test_a_report_of_a_delivery_that_is_not_recorded_goes_round_and_then_is_parked() -> None:
    (message,) = reported("delivered", None).messages
    assert (message.key, message.due_at) == ("internal.notifier.report", NOW + timedelta(seconds=3))
    assert orjson.loads(message.body)["rounds"] == 1
    (message,) = reported("delivered", None, rounds=10).messages
    assert (message.exchange, message.type) == ("pin.dead", "internal.notifier.report")
    assert orjson.loads(message.body)["rounds"] == 0, "replayed, it goes round again"
    forgotten = moment(NOW - POLICY.delivery_retention - timedelta(days=1)).delivery_id()
    assert reported("delivered", None, delivery_id=forgotten) == Decision(reply=accepted())
    assert reported("delivered", None, delivery_id=None, reference="r-1").messages


def test_what_is_kept_of_reports_is_bounded() -> None:
    record = by_pec()
    for number in range(100):
        decision = reported("delayed", record, f"pec_{number:060}")
        record = decision.records[0] if decision.records else record
    assert 1400 < len(record.reported) <= 1500


ENDS: tuple[ReportStatus, ...] = ("delivered", "failed", "returned")
BOTH: tuple[tuple[ReportStatus, str], ...] = (
    *((status, "by report") for status in ("accepted", "delayed", "posted", "unsuitable")),
    *product(ENDS, ("by report", "by gateway")),
)


def after(record: DeliveryRecord, status: ReportStatus, way: str) -> tuple[DeliveryRecord, Decision]:
    decision = reported(status, record) if way == "by report" else told(status, record)
    return (decision.records[0] if decision.records else record), decision


@pytest.mark.parametrize("many", [2, 3])
def test_in_whatever_order_reports_come_and_however_often_they_mean_the_same(many: int) -> None:
    """A delivery that failed or came back has not arrived, whatever else is said; each is told once."""
    for reports in permutations(BOTH, many):
        record, decisions = by_pec(), list[Decision]()
        for status, way in (*reports, *reports):
            record, decision = after(record, status, way)
            decisions.append(decision)
        said = {status for status, _ in reports}
        bad = said & {"failed", "returned"}
        end = {record.status} & bad or record.status
        assert end == ({record.status} if bad else "delivered" if "delivered" in said else "sent")
        keys = [message.key for decision in decisions for message in decision.messages]
        assert keys.count("internal.issuer.delivery_failed") == bool(bad)
        assert keys.count("internal.issuer.address_unsuitable") == ("unsuitable" in said)
        events = [event.type for decision in decisions for event in decision.events]
        assert len(events) == len(set(events))
        entries = [entry.kind for decision in decisions for entry in decision.entries]
        assert len(entries) == len(set(entries))
        assert record.awaits_since is None


@pytest.mark.parametrize(
    ("first", "then", "ends"),
    [
        ("delivered", "failed", "failed"),
        ("failed", "delivered", "failed"),
        ("delivered", "returned", "returned"),
        ("returned", "delivered", "returned"),
        ("failed", "returned", "failed"),
        ("returned", "failed", "returned"),
        ("delivered", "accepted", "delivered"),
        ("failed", "accepted", "failed"),
        ("failed", "unsuitable", "failed"),
        ("unsuitable", "delivered", "delivered"),
        ("delayed", "failed", "failed"),
        ("delayed", "delivered", "delivered"),
    ],
)
def test_each_pair_is_decided_as_the_page_says(first: ReportStatus, then: ReportStatus, ends: str) -> None:
    record, _ = after(by_pec(), first, "by report")
    record, _ = after(record, then, "by report")
    assert record.status == ends
