"""Canaries: what they say, what their course means, and that nobody else hears of them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from uuid import UUID

import pytest
from pypdf import PdfReader

from services.notifier.canary.course import CANARY, Course, Line, Plan, content, go_on, plans
from services.notifier.canary.quiet import Quiet
from services.notifier.canary.settings import CanarySettings
from services.notifier.channels.letter import typeset
from services.notifier.channels.letter.sound import letter_of
from shared.contract.delivery import Mail, Post, Sms, from_bytes, to_bytes
from shared.contract.delivery_events import DELIVERY_EVENTS
from shared.contract.internal import FailedDelivery
from shared.domain.account import Account
from shared.domain.decision import Decision, DeliveryRecord, Event, LedgerEntry, WorkerMessage
from shared.errors import SettingsError
from shared.texts.sms_length import segments
from tests.unit.decisions import moment
from tests.unit.documents.page import like_a_half, spaced_like_a_half

ALL = {
    "PIN_CANARY_MOBILE": "+393331234567",
    "PIN_CANARY_EMAIL": "canary@example.com",
    "PIN_CANARY_PEC": "canary@pec.example.com",
    "PIN_CANARY_ADDRESS": "Ufficio PIN; Via Roma 1; 00184 ROMA RM",
}
MADE_AT = datetime(2026, 11, 27, 14, 0, tzinfo=UTC)
ID = UUID("019ac2f0-0000-7000-8000-000000000001")
SMS = Plan(
    "sms", "+393331234567", timedelta(hours=1), timedelta(minutes=15), timedelta(hours=2), receipts=True
)
BLIND = replace(SMS, receipts=False)
POST = replace(SMS, channel="post")
NEW = Course(timedelta(minutes=5), timedelta(minutes=1), status="", posted=False, told="", late="")


def told(course: Course, plan: Plan = SMS, **changes: Any) -> tuple[list[Line], Course]:  # noqa: ANN401 - its fields
    now, lines = go_on(replace(course, **changes), plan)
    return lines, now


def test_none_is_sent_where_none_is_wanted() -> None:
    assert plans(CanarySettings.load({})) == ()
    assert [plan.channel for plan in plans(CanarySettings.load(ALL))] == ["sms", "email", "pec", "post"]


def test_a_canary_says_that_it_is_one_and_nothing_in_it_looks_like_a_half() -> None:
    for plan in plans(CanarySettings.load(ALL)):
        made = from_bytes(to_bytes(content(plan, MADE_AT)))
        match made:
            case Sms(to, text):
                assert (to, segments(text.reveal())) == (plan.to, 1)
                words = text.reveal()
            case Mail(to, subject, text):
                assert to == plan.to
                words = f"{subject} {text.reveal()}"
            case Post():
                page = PdfReader(BytesIO(typeset([letter_of(ID, made)]))).pages[0].extract_text()
                assert "Via Roma 1" in page
                words = page.replace("Lettera di prova", "messaggio di prova")
        assert "di prova" in words
        assert "canary" in words
        assert like_a_half(words) == spaced_like_a_half(words) == []


def test_each_outcome_is_told_once_in_its_order() -> None:
    assert told(NEW)[0] == []
    lines, sent = told(NEW, status="sent")
    assert lines == [Line("sent", 60)]
    assert told(sent)[0] == []
    lines, arrived = told(sent, status="delivered", took=timedelta(minutes=3))
    assert (lines, arrived.ended) == ([Line("delivered", 180)], True)
    lines, _ = told(NEW, status="delivered")
    assert lines == [Line("sent", 60), Line("delivered", 60)]


@pytest.mark.parametrize("status", ["failed", "returned"])
def test_a_canary_that_fails_before_or_after_it_was_sent_is_told(status: str) -> None:
    for before in (NEW, told(NEW, status="sent")[1]):
        lines, course = told(before, status=status)
        assert (lines, course.ended) == ([Line("failed", 60)], True)


def test_a_canary_that_is_late_is_told_once_a_reason_and_is_still_looked_after() -> None:
    lines, late = told(NEW, age=timedelta(minutes=16), status="postponed")
    assert (lines, late.ended) == ([Line("overdue", 960, "sent")], False)
    assert told(late)[0] == []
    lines, sent = told(late, status="sent")
    assert lines == [Line("sent", 60)]
    lines, silent = told(sent, age=timedelta(hours=3))
    assert (lines, silent.ended) == ([Line("overdue", 10_800, "delivered")], False)
    assert told(silent)[0] == []
    assert told(silent, status="delivered")[0] == [Line("delivered", 60)]


def test_without_receipts_a_canary_ends_once_no_failure_is_waited_for() -> None:
    _, sent = told(NEW, BLIND, status="sent")
    assert not sent.ended
    lines, over = told(sent, BLIND, age=timedelta(hours=3))
    assert (lines, over.ended) == ([], True)


def test_a_letter_has_arrived_when_the_shop_says_that_it_posted_it() -> None:
    assert told(NEW, POST, status="sent", posted=True)[0] == [Line("sent", 60), Line("delivered", 60)]
    assert told(NEW, SMS, status="sent", posted=True)[0] == [Line("sent", 60)]


def failed(*subjects: bytes, named: bool = True) -> Decision:
    facts: dict[str, Any] = {"delivery_id": ID, "channel": "sms", "attempt": 1}
    return Decision(
        entries=tuple(LedgerEntry("delivery.failed", facts, one if named else None) for one in subjects),
        events=tuple(Event(DELIVERY_EVENTS["failed"](**facts), one if named else None) for one in subjects),
        messages=tuple(
            WorkerMessage(FailedDelivery(subject=one.hex(), delivery_id=ID, reason="x")) for one in subjects
        ),
        records=tuple(DeliveryRecord(ID, one, "sms", "failed", 1) for one in subjects),
    )


CITIZEN = bytes(range(16))


@pytest.mark.parametrize("named", [True, False])
def test_of_a_canary_nothing_is_said_but_how_it_stands(named: bool) -> None:  # noqa: FBT001 - a case
    quiet = Quiet(lambda *_: failed(CANARY, named=named))
    decision = quiet(Account(), None, moment())
    assert decision == Decision(records=failed(CANARY).records)


def test_a_citizen_beside_it_is_told_of_as_ever() -> None:
    both = failed(CITIZEN, CANARY)
    decision = Quiet(lambda *_: both)(Account(), None, moment())
    assert decision == replace(failed(CITIZEN), records=both.records)
    alone = failed(CITIZEN, named=False)
    assert Quiet(lambda *_: alone)(Account(), None, moment()) is alone


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("PIN_CANARY_MOBILE", "3331234567"),
        ("PIN_CANARY_EMAIL", "canary"),
        ("PIN_CANARY_ADDRESS", "Via Roma 1"),
        ("PIN_CANARY_RECEIPTS", "fax"),
        ("PIN_CANARY_INTERVAL", "PT1S"),
        ("PIN_CANARY_RECEIPT_WITHIN", "PT1M"),
    ],
)
def test_a_setting_by_which_no_canary_could_arrive_is_refused(setting: str, value: str) -> None:
    with pytest.raises(SettingsError, match=setting):
        CanarySettings.load({**ALL, setting: value})
