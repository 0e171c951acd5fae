"""What workers tell each other: old and new workers run side by side, so its bytes stay what they are."""

from uuid import UUID

import pytest

from services.notifier import reports
from services.notifier.receipts import Receipt, ReceiptReader
from shared.contract import internal
from shared.contract.command import InternalCommand, WorkerCommand
from shared.contract.internal import (
    INTERNAL,
    EarlyReceipt,
    Expire,
    FailedDelivery,
    ProviderReport,
    ReturnedLetter,
    TakeEffect,
    UnsuitableAddress,
)
from shared.contract.message import read
from shared.contract.notifier import DeliveryReceipt
from shared.crypto.sealing import Pseudonyms
from shared.errors import UnreadableMessageError
from shared.worker.command_reader import CommandReader

SUBJECT = "9c56cc51b374c3ba189210d5b6d4bf57"
ID = UUID("5b8f6a0e-3c52-4c8e-8d5e-0f7a1c2b3d4e")
ABOUT = f'"subject":"{SUBJECT}"'
BODIES: dict[InternalCommand, str] = {
    Expire(subject=SUBJECT, pin_id=ID): f'{{{ABOUT},"pin_id":"{ID}"}}',
    FailedDelivery(subject=SUBJECT, delivery_id=ID, reason="smtp_550"): (
        f'{{{ABOUT},"delivery_id":"{ID}","reason":"smtp_550"}}'
    ),
    ReturnedLetter(subject=SUBJECT, delivery_id=ID): f'{{{ABOUT},"delivery_id":"{ID}"}}',
    UnsuitableAddress(subject=SUBJECT, delivery_id=ID): f'{{{ABOUT},"delivery_id":"{ID}"}}',
    TakeEffect(subject=SUBJECT, request_id=ID): f'{{{ABOUT},"request_id":"{ID}"}}',
}
RECEIPT = DeliveryReceipt(delivery_id=ID, status="delivered", provider="gw", detail="perché")
TOLD = f'{{"delivery_id":"{ID}","status":"delivered","provider":"gw","detail":"perché"}}'
EARLY = f'{{"receipt":{TOLD},"rounds":2}}'
REPORT = ProviderReport(
    channel="pec",
    delivery_id=ID,
    status="delivered",
    evidence="pec_avvenuta_consegna",
    provider="pec.example.com",
    occurred_at="2026-11-27T13:00:00.000Z",
)
REPORTED = (
    f'{{"channel":"pec","delivery_id":"{ID}","reference":"","status":"delivered",'
    '"evidence":"pec_avvenuta_consegna","provider":"pec.example.com",'
    '"occurred_at":"2026-11-27T13:00:00.000Z","forgeable":false,"rounds":0}'
)
READER = ReceiptReader(CommandReader((DeliveryReceipt,), Pseudonyms(bytes(32))))


@pytest.mark.parametrize(("command", "body"), BODIES.items(), ids=lambda value: getattr(value, "type", ""))
def test_a_command_about_a_citizen_is_written_and_read_as_ever(command: InternalCommand, body: str) -> None:
    assert command.body().decode() == body
    assert read(command.type, body.encode()) == command


def test_a_receipt_that_goes_round_is_written_and_read_as_ever() -> None:
    early = EarlyReceipt(receipt=RECEIPT, rounds=2)
    assert early.body().decode() == EARLY
    assert READER(early.type, EARLY.encode(), "notifier").message == Receipt(RECEIPT, 2)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", EARLY.replace("gw", "").encode(), b'{"rounds": 1}'])
def test_what_is_no_receipt_does_not_go_round(body: bytes) -> None:
    with pytest.raises(UnreadableMessageError, match="not_a_receipt"):
        READER(EarlyReceipt.type, body, "notifier")


@pytest.mark.parametrize("role", ["issuer", "gateway"])
@pytest.mark.parametrize(("type_", "body"), [(EarlyReceipt.type, EARLY), (REPORT.type, REPORTED)])
def test_only_the_notifier_sends_a_receipt_round_or_reports(role: str, type_: str, body: str) -> None:
    with pytest.raises(UnreadableMessageError, match="forbidden_sender"):
        READER(type_, body.encode(), role)


def test_a_report_of_a_provider_is_written_as_ever() -> None:
    assert REPORT.body().decode() == REPORTED
    assert READER(REPORT.type, REPORTED.encode(), "notifier").message == Receipt(REPORT)
    before = REPORTED.replace('"forgeable":false,', "").encode()
    assert READER(REPORT.type, before, "notifier").message == Receipt(REPORT)
    round_ = REPORTED.replace('"rounds":0', '"rounds":2').encode()
    assert READER(REPORT.type, round_, "notifier").message == Receipt(
        REPORT.model_copy(update={"rounds": 2}), 2
    )


def test_evidence_that_is_read_twice_is_one_message() -> None:
    first, again, other = (reports.message(REPORT, name) for name in ("mail 1", "mail 1", "mail 2"))
    assert first == again
    assert first.message_id != other.message_id


def test_every_command_of_a_worker_is_listed() -> None:
    kinds = {kind for kind in vars(internal).values() if isinstance(kind, type) and "senders" in vars(kind)}
    assert set(INTERNAL) == {kind for kind in kinds if issubclass(kind, WorkerCommand)}


def test_where_a_command_goes_follows_from_it() -> None:
    commands: tuple[WorkerCommand, ...] = (*BODIES, EarlyReceipt(receipt=RECEIPT, rounds=1), REPORT)
    assert {(c.exchange, c.key == c.type, len(c.headers)) for c in commands} == {("pin.commands", True, 0)}
