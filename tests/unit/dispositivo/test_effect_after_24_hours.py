"""An approval takes effect 24 hours later, by injected time (R29, R32)."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.account import Account
from shared.italy.dates import ROME
from tests.unit.decisions import CONTACTS, NOW, Event, account, told
from tests.unit.dispositivo.flow import (
    approve,
    ask,
    asked,
    cancel,
    changed,
    due,
    ended,
    events,
    kinds,
    submitted,
    take_effect,
    waiting,
)

DAY = timedelta(hours=24)
SECOND = timedelta(seconds=1)
NOTHING_SAID = ((), (), (), None)


def test_after_24_hours_the_pin_is_dispositivo() -> None:
    """R29."""
    approval = approve(submitted())
    assert due(approval).due_at == NOW + DAY
    decision = take_effect(changed(approval), due(approval), NOW + DAY)
    assert changed(decision).level == "dispositivo"
    assert changed(decision).dispositivo is None
    assert decision.events == (Event("dispositivo.activated", {"channel": "online"}),)
    (mail,) = told(decision)
    assert (mail.channel, mail.to) == ("email", CONTACTS.email)


def test_a_second_before_it_is_not() -> None:
    """R29: a message that comes early, by a clock that is ahead, is retried at its time."""
    approval = approve(submitted())
    early = take_effect(changed(approval), due(approval), NOW + DAY - SECOND)
    assert early.account is None
    assert due(early) == due(approval)


def test_a_worker_that_was_down_at_the_time_makes_up_for_it() -> None:
    """R29."""
    approval = approve(submitted())
    decision = take_effect(changed(approval), due(approval), NOW + timedelta(days=9))
    assert changed(decision).level == "dispositivo"


def test_24_hours_are_24_hours_when_summer_time_ends() -> None:
    """R29: the clock on the wall shows an hour less."""
    eve = datetime(2026, 10, 24, 18, 0, tzinfo=ROME).astimezone(UTC)
    approval = approve(submitted(now=eve), eve)
    assert due(approval).due_at == datetime(2026, 10, 25, 17, 0, tzinfo=ROME)
    (mail,) = told(approval)
    assert "25/10/2026, ore 17:00" in mail.text
    early = take_effect(changed(approval), due(approval), eve + DAY - SECOND)
    assert early.account is None
    assert changed(take_effect(changed(approval), due(approval), eve + DAY)).level == "dispositivo"


def test_24_hours_are_24_hours_when_summer_time_begins() -> None:
    """R29."""
    eve = datetime(2026, 3, 28, 18, 0, tzinfo=ROME).astimezone(UTC)
    assert due(approve(submitted(now=eve), eve)).due_at == datetime(2026, 3, 29, 19, 0, tzinfo=ROME)


def test_a_fax_is_told_as_a_fax() -> None:
    """R24, R29."""
    approval = approve(submitted(via="fax"))
    decision = take_effect(changed(approval), due(approval), NOW + DAY)
    assert decision.events == (Event("dispositivo.activated", {"channel": "fax"}),)


def test_every_suspended_istanza_is_released_with_it() -> None:
    """R32: all of them, each with its event, in the same decision."""
    approval = approve(submitted(asked(waiting(many=3))))
    decision = take_effect(changed(approval), due(approval), NOW + DAY)
    assert events(decision) == ["dispositivo.activated"] + 3 * ["istanza.released"]
    assert kinds(decision) == events(decision)
    assert changed(decision).suspended == ()
    activated, released = told(decision)
    assert activated.subject == "Il suo PIN è ora dispositivo"
    assert "2026.0000000001, 2026.0000000002, 2026.0000000003" in released.text


def test_it_takes_effect_once() -> None:
    """R29, R32."""
    approval = approve(submitted(asked(waiting())))
    after = changed(take_effect(changed(approval), due(approval), NOW + DAY))
    again = take_effect(after, due(approval), NOW + DAY)
    assert (again.entries, again.events, again.messages, again.account) == NOTHING_SAID


@pytest.mark.parametrize(
    "end", [ended, lambda citizen: changed(cancel(citizen))], ids=["revoked", "cancelled"]
)
def test_what_ended_in_between_takes_no_effect(end: object) -> None:
    """R28, R29: nor on a PIN or a request that follows."""
    assert callable(end)
    approval = approve(submitted())
    after: Account = end(changed(approval))
    decision = take_effect(after, due(approval), NOW + DAY)
    assert (decision.entries, decision.events, decision.messages, decision.account) == NOTHING_SAID
    reissued = account("active", suspended=after.suspended)
    follower = changed(approve(submitted(changed(ask(reissued, NOW + SECOND)), NOW + SECOND), NOW + SECOND))
    assert take_effect(follower, due(approval), NOW + DAY).account is None


def test_a_pin_that_is_being_restored_becomes_dispositivo_all_the_same() -> None:
    """R29: the identity was established, and the restored PIN keeps the level."""
    approval = approve(submitted())
    restoring = changed(approval).but(status="restoring")
    decision = take_effect(restoring, due(approval), NOW + DAY)
    assert changed(decision).level == "dispositivo"
    assert changed(decision).status == "restoring"


def test_the_document_stays_on_record_with_who_approved() -> None:
    """R25, R26: a branch is shown it later."""
    approval = approve(submitted())
    recognition = changed(take_effect(changed(approval), due(approval), NOW + DAY)).recognition
    assert recognition is not None
    assert (recognition.kind, recognition.operator) == ("online", "op-0042")
    assert recognition.document is not None
