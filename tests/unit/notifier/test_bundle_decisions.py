"""What follows from the outcome of a bundle: given these outcomes, then exactly these records."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import orjson
import pytest

from services.notifier.bundle import Bundle, BundleReader, Sealed
from services.notifier.decisions import BundleDecision
from services.notifier.outcome import Postponed, Refused, Result, Sent, Unopenable, Unreachable
from services.notifier.outgoing import Held
from services.notifier.settings import NotifierSettings
from shared.domain.account import Account
from shared.domain.decision import Decision, WorkerMessage
from shared.errors import UnreadableMessageError
from tests.unit.decisions import NOW, moment

SETTINGS = NotifierSettings()


def bundle(count: int = 1, attempt: int = 1) -> Bundle:
    return Bundle(
        key="key",
        deliveries=tuple(
            Sealed(
                id=UUID(int=n, version=4),
                subject=bytes([n]) * 16,
                correlation_id=f"request-{n}",
                attempt=attempt,
                created_at="2026-11-22T13:30:00.000Z",
                seal=f"seal-{n}",
            )
            for n in range(count)
        ),
    )


def decided(outcomes: Sequence[Result], attempt: int = 1) -> Decision:
    decide = BundleDecision("sms", SETTINGS)
    return decide(Account(), bundle(len(outcomes), attempt), moment(known=outcomes))


def returning(decision: Decision) -> WorkerMessage:
    (message,) = (m for m in decision.messages if m.exchange == "pin.notifications")
    return message


def test_what_was_sent_is_recorded_and_told() -> None:
    decision = decided([Sent("ref-1")])
    (record,) = decision.records
    assert (record.status, record.attempts, record.reference) == ("sent", 1, "ref-1")
    assert [event.type for event in decision.events] == ["delivery.sent"]
    assert decision.events[0].data == {"delivery_id": str(record.id), "channel": "sms", "attempt": 1}
    assert decision.messages == ()


def test_every_delivery_keeps_the_request_that_it_belongs_to() -> None:
    decision = decided([Sent(""), Sent("")])
    assert [entry.correlation_id for entry in decision.entries] == ["request-0", "request-1"]
    assert [event.correlation_id for event in decision.events] == ["request-0", "request-1"]
    assert [entry.subject for entry in decision.entries] == [bytes(16), bytes([1]) * 16]


def test_a_refused_delivery_ends_and_the_issuer_is_told() -> None:
    """A half that fails on all its channels revokes the PIN: the issuer knows what it carried."""
    decision = decided([Refused("smtp_550")])
    assert [event.type for event in decision.events] == ["delivery.failed"]
    (message,) = decision.messages
    assert message.key == "internal.issuer.delivery_failed"
    assert orjson.loads(message.body)["reason"] == "smtp_550"


def test_what_failed_for_now_comes_back_as_a_smaller_bundle_with_the_same_seals() -> None:
    decision = decided([Sent(""), Postponed("sms_500"), Sent("")])
    message = returning(decision)
    body = orjson.loads(message.body)
    assert body["key"] == "key"
    assert [(one["seal"], one["attempt"]) for one in body["deliveries"]] == [("seal-1", 2)]
    assert message.due_at is not None
    assert NOW < message.due_at <= NOW + SETTINGS.retry_base


def test_a_provider_s_wish_to_be_left_alone_is_honoured() -> None:
    message = returning(decided([Postponed("sms_408", retry_after=3600)]))
    assert message.due_at is not None
    assert message.due_at >= NOW + timedelta(hours=1)


def test_one_that_has_to_wait_long_keeps_no_other_of_its_bundle() -> None:
    decision = decided(
        [
            Postponed("sms_429", retry_after=3600),
            Postponed("sms_500"),
            Unreachable("not_tried"),
            Unreachable("sms_503", retry_after=29.2),
            Unreachable("sms_503", retry_after=29.7),
        ]
    )
    back = {
        tuple(one["seal"] for one in orjson.loads(message.body)["deliveries"]): message.due_at - NOW
        for message in decision.messages
        if message.due_at
    }
    assert back["seal-0",] == timedelta(hours=1)
    assert back["seal-1",] <= SETTINGS.retry_base
    assert back["seal-2",] <= 2 * SETTINGS.breaker_base
    assert back["seal-3", "seal-4"] == timedelta(seconds=30)


def test_the_last_try_ends_the_delivery() -> None:
    decision = decided([Postponed("sms_500")], attempt=SETTINGS.retry_limit)
    assert [event.type for event in decision.events] == ["delivery.failed"]


def test_a_provider_that_is_down_costs_no_try() -> None:
    decision = decided([Unreachable("sms_connect")], attempt=SETTINGS.retry_limit)
    assert decision.events == ()
    assert [one["attempt"] for one in orjson.loads(returning(decision).body)["deliveries"]] == [8]


def test_one_that_cannot_be_opened_is_parked_alone() -> None:
    decision = decided([Sent(""), Unopenable("unsealable")])
    (parked,) = decision.messages
    assert (parked.exchange, parked.headers["x-reason"]) == ("pin.dead", "unsealable")
    assert [one["seal"] for one in orjson.loads(parked.body)["deliveries"]] == ["seal-1"]


def test_what_a_provider_perhaps_has_comes_back_to_it_since_the_first_time() -> None:
    """Of several providers: it survives a retry, a requeue and a restart, as it travels with the bundle."""
    for held_by in (Postponed("sms_timeout", held_by="first"), Unreachable("breaker_open", held_by="first")):
        (message,) = (m for m in decided([held_by]).messages if m.exchange == "pin.notifications")
        (sealed,) = BundleReader()("bundle", message.body, "notifier").message.deliveries
        assert sealed.held == Held("first", NOW)
        later = NOW + timedelta(minutes=1)
        decide = BundleDecision("sms", SETTINGS)
        for again, wanted in (("first", Held("first", NOW)), ("second", Held("second", later)), ("", None)):
            outcome = Unreachable("under_way", held_by=again)
            decision = decide(Account(), Bundle("key", (sealed,)), moment(later, known=[outcome]))
            read = BundleReader()("bundle", returning(decision).body, "notifier").message
            assert read.deliveries[0].held == wanted


def test_a_bundle_of_a_channel_with_one_provider_says_nothing_of_it() -> None:
    """A worker of the release before reads it, and one of this release reads that worker's."""
    message = returning(decided([Postponed("sms_timeout")]))
    assert set(orjson.loads(message.body)["deliveries"][0]) == {
        "id",
        "subject",
        "correlation_id",
        "attempt",
        "created_at",
        "seal",
    }


@pytest.mark.parametrize("since", [None, 7, "soon", "2026-11-22T13:30:00"])
def test_a_provider_since_no_instant_makes_no_bundle(since: object) -> None:
    body = orjson.loads(bundle().only(bundle().deliveries))
    body["deliveries"][0] |= {"provider": "first", "since": since}
    with pytest.raises(UnreadableMessageError):
        BundleReader()("bundle", orjson.dumps(body), "notifier")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"key": "k", "deliveries": [{}]}',
        b'{"key": "k", "deliveries": [{"id": "x"}]}',
        b"\xff",
    ],
)
def test_what_is_no_bundle_is_unreadable(body: bytes) -> None:
    reader = BundleReader()
    with pytest.raises(UnreadableMessageError, match="not_a_bundle"):
        reader("bundle", body, "issuer")


@pytest.mark.parametrize(
    ("type_", "role", "reason"),
    [("bundle", "portal", "forbidden_sender"), ("pin.request", "issuer", "unknown_type")],
)
def test_bundles_come_from_workers_alone(type_: str, role: str, reason: str) -> None:
    reader = BundleReader()
    with pytest.raises(UnreadableMessageError, match=reason):
        reader(type_, b"{}", role)


def test_a_bundle_survives_its_own_writing() -> None:
    one = bundle(3)
    reader = BundleReader()
    assert reader("bundle", one.only(one.deliveries), "issuer").message == one
