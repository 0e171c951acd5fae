"""Istanze are protocolled, and wait where the PIN is not dispositivo (R30-R32)."""

from datetime import datetime, timedelta

import pytest

from services.dispositivo import branch, istanze
from shared.contract import message as contract
from shared.contract.dispositivo import SubmittedData
from shared.contract.internal import TellSuspended
from shared.domain.account import Account, Status, SuspendedTold
from shared.domain.decision import Decision, WorkerMessage
from shared.domain.policy import PinPolicy
from shared.italy.dates import day_of, end_of
from tests.unit.decisions import CONTACTS, NOW, POLICY, Event, account, moment, read, told
from tests.unit.dispositivo.flow import FIRST_NUMBER, changed, code, data, ended, facing, send, waiting


def test_with_a_dispositivo_pin_it_is_in_progress() -> None:
    """R30."""
    decision = send(account(level="dispositivo"))
    assert data(decision) == {"protocol": "2026.0000000001", "status": "in_progress"}
    facts = {"istanza_id": "2026-000123", "protocol": "2026.0000000001", "status": "in_progress"}
    assert decision.events == (Event("istanza.protocolled", facts),)
    assert not decision.deliveries
    assert changed(decision).suspended == ()


def test_with_another_pin_it_is_suspended_and_the_citizen_told() -> None:
    """R31."""
    decision = send(account())
    answer = SubmittedData.model_validate(data(decision))
    assert answer.status == "suspended"
    assert answer.notice is not None
    assert "PIN dispositivo" in answer.notice
    (mail,) = told(decision)
    assert (mail.channel, mail.to) == ("email", CONTACTS.email)
    assert "2026.0000000001" in mail.text
    assert "Maternity allowance" in mail.text
    assert [istanza.protocol for istanza in changed(decision).suspended] == ["2026.0000000001"]


def test_the_notice_is_german_for_a_german_speaker() -> None:
    """R31, R33."""
    assert "Der Antrag" in data(send(account(language="de")))["notice"]


@pytest.mark.parametrize("status", ["none", "issued", "restoring", "revoked", "expired"])
def test_without_an_active_pin_nothing_is_accepted(status: Status) -> None:
    """R30."""
    decision = send(account(status))
    assert code(decision) == "no_active_pin"
    assert not decision.events


def test_the_same_istanza_sent_twice_has_one_protocol() -> None:
    """R30."""
    citizen = changed(send(account()))
    again = send(citizen, number=FIRST_NUMBER + 7)
    assert data(again)["protocol"] == "2026.0000000001"
    assert data(again)["status"] == "suspended"
    assert again == again.but(account=None, entries=(), events=(), deliveries=())


def test_sent_again_after_its_release_it_is_in_progress() -> None:
    """R30, R32."""
    citizen = changed(send(account())).but(level="dispositivo", suspended=())
    assert data(send(citizen))["status"] == "in_progress"


def test_the_same_id_for_another_service_is_another_istanza() -> None:
    """R30: two portals may choose the same id."""
    citizen = changed(send(account()))
    command = read("istanza.submit", service="Pension")
    decision = istanze.submit(citizen, command, moment(known=FIRST_NUMBER + 1))
    assert data(decision)["protocol"] == "2026.0000000002"


def test_what_waits_is_known_however_many_follow() -> None:
    """R30: of those in progress, the latest twenty are."""
    citizen = waiting(many=30)
    assert len(citizen.istanze) == 20
    assert data(send(citizen, "istanza-0"))["protocol"] == "2026.0000000001"


def test_a_revoked_pin_leaves_its_istanze_waiting() -> None:
    """R32."""
    assert len(ended(waiting()).suspended) == 2


def test_a_protocol_is_its_year_and_ten_digits() -> None:
    """R30."""
    assert istanze.protocol(2027_0000000001) == "2027.0000000001"
    with pytest.raises(ValueError, match="draws a number"):
        istanze.protocol(None)


def sent(citizen: Account, istanza_id: str, now: datetime, policy: PinPolicy = POLICY) -> Decision:
    command = read("istanza.submit", istanza_id=istanza_id)
    number = FIRST_NUMBER + len(citizen.suspended)
    return istanze.submit(citizen, command, moment(now, known=number, policy=policy))


def told_later(citizen: Account, message: WorkerMessage, now: datetime) -> Decision:
    """Let the message that a gathering left arrive."""
    command = contract.read(message.type, message.body)
    assert isinstance(command, TellSuspended)
    return istanze.notify_of_gathered(citizen, command, moment(now))


def day_of_many(citizen: Account, many: int) -> tuple[Account, list[Decision]]:
    decisions = []
    for turn in range(many):
        decisions.append(sent(citizen, f"istanza-{turn}", NOW + timedelta(minutes=turn)))
        citizen = changed(decisions[-1])
    return citizen, decisions


def test_three_hundred_of_one_day_are_two_mails() -> None:
    """R31: the first at once, the others in one at the day's end; each reply says it."""
    citizen, decisions = day_of_many(account(), 300)
    assert [len(decision.deliveries) for decision in decisions] == [1, *[0] * 299]
    assert all(data(decision)["notice"] for decision in decisions)
    (message,) = [message for decision in decisions for message in decision.messages]
    assert message.due_at == end_of(day_of(NOW))
    decision = told_later(citizen, message, message.due_at)
    (mail,) = told(decision)
    assert (mail.channel, mail.to) == ("email", CONTACTS.email)
    assert [istanza.protocol in mail.text for istanza in citizen.suspended] == [False, *[True] * 299]
    assert [(entry.kind, entry.data) for entry in decision.entries] == [
        ("istanza.suspended_told", {"istanze": 299})
    ]
    again = told_later(changed(decision), message, message.due_at)
    assert again == Decision()


def test_the_mail_of_the_day_is_german_for_a_german_speaker() -> None:
    """R31, R33."""
    citizen, decisions = day_of_many(account(language="de"), 2)
    (mail,) = told(told_later(citizen, decisions[1].messages[0], NOW + timedelta(days=1)))
    assert mail.subject == "Ihre Anträge sind eingegangen, aber ausgesetzt"


def test_the_next_day_begins_with_a_mail_at_once() -> None:
    """R31: even before the mail about the day before went out, which loses nothing."""
    citizen, decisions = day_of_many(account(), 3)
    tomorrow = end_of(day_of(NOW))
    first = sent(citizen, "istanza-of-tomorrow", tomorrow)
    assert (len(first.deliveries), len(first.messages)) == (1, 0)
    late = told_later(changed(first), decisions[1].messages[0], tomorrow)
    (mail,) = told(late)
    assert [istanza.protocol in mail.text for istanza in changed(first).suspended] == [
        False,
        True,
        True,
        False,
    ]
    second = sent(changed(late), "another-of-tomorrow", tomorrow)
    assert (len(second.deliveries), len(second.messages)) == (0, 1)


def test_a_mail_that_was_lost_is_made_up_for_by_the_next() -> None:
    """R31: its message was parked, say."""
    citizen, _ = day_of_many(account(), 3)
    tomorrow = end_of(day_of(NOW))
    citizen = changed(sent(citizen, "istanza-of-tomorrow", tomorrow))
    second = sent(citizen, "another-of-tomorrow", tomorrow)
    (message,) = second.messages
    (mail,) = told(told_later(changed(second), message, tomorrow + timedelta(days=1)))
    assert sum(istanza.protocol in mail.text for istanza in changed(second).suspended) == 3


def test_the_message_of_the_day_waits_for_the_end_of_it() -> None:
    """R31: another machine's clock may be ahead."""
    citizen, decisions = day_of_many(account(), 2)
    (message,) = decisions[1].messages
    early = told_later(citizen, message, end_of(day_of(NOW)) - timedelta(seconds=1))
    assert early == Decision(messages=(message,))


def test_what_was_released_meanwhile_was_told_by_the_mail_about_the_release() -> None:
    """R31, R32: one mail names them all, and none calls them suspended afterwards."""
    citizen, decisions = day_of_many(account(), 3)
    activation = branch.activate(citizen, read("branch.activate"), facing())
    released = told(activation)[-1]
    assert [istanza.protocol in released.text for istanza in citizen.suspended] == [True] * 3
    after = told_later(changed(activation), decisions[1].messages[0], NOW + timedelta(days=1))
    assert (after.deliveries, after.entries) == ((), ())
    assert changed(after).suspended_told == SuspendedTold(first_on=day_of(NOW), gathered_on=day_of(NOW))


def test_an_account_that_fills_up_refuses_more_and_loses_nothing() -> None:
    """R31: a session that sends istanze without end; what is there keeps its protocol."""
    few = POLICY.model_copy(update={"suspended_istanze": 3})
    citizen, _ = day_of_many(account(), 3)
    refused = sent(citizen, "one-too-many", NOW, few)
    assert code(refused) == "too_many_suspended"
    assert refused == Decision(reply=refused.reply)
    again = sent(citizen, "istanza-0", NOW, few)
    assert data(again)["protocol"] == "2026.0000000001"
    assert data(again)["status"] == "suspended"
    # A dispositivo PIN suspends nothing, however many wait elsewhere.
    assert data(sent(citizen.but(level="dispositivo", suspended=()), "in-progress", NOW, few))["status"] == (
        "in_progress"
    )
