"""First access and log-in, the attempts already counted and compared."""

from datetime import timedelta

import pytest

from services.issuer.access import activate, verify
from services.issuer.attempts import Admission, Compared, admitted, counted_before
from shared.contract.reply import rejected
from shared.crypto.secret import Secret
from shared.domain.account import Account, Attempts, Level, Status
from shared.domain.decision import Decision
from shared.domain.pin import normalised
from tests.unit.decisions import (
    CARD,
    NOW,
    POLICY,
    REPLY_KEY,
    Event,
    account,
    moment,
    opened,
    public,
    read,
    sealed,
    told,
)

NEW = (Secret("Z9Y8X7W6"), b"n" * 16, b"v" * 32)
TYPED = {"pin_sealed": sealed("7K3M9PQX4V8TN2WZ")}


def matched(citizen: Account, **more: object) -> Compared:
    assert citizen.pin is not None
    return Compared(Admission(citizen), "yes", citizen.pin.id, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(("status", "level"), [("issued", "online"), ("restoring", "dispositivo")])
def test_the_sixteen_characters_become_eight_new_ones_and_the_level_stays(
    status: Status, level: Level
) -> None:
    """R10, R16."""
    citizen = account(status, level=level)
    decision = activate(
        citizen,
        read("pin.activate", reply_key=REPLY_KEY, **TYPED),
        moment(known=matched(citizen, new=NEW)),
    )
    assert decision.reply is not None
    assert opened(decision.reply.data["pin_sealed"]) == NEW[0].reveal()
    assert decision.account is not None
    assert decision.account.pin is not None
    assert (decision.account.status, decision.account.level) == ("active", level)
    assert (decision.account.pin.initial, decision.account.pin.verifier) == (False, NEW[2])
    assert decision.events == (Event("pin.activated"),)
    assert NEW[0].reveal() not in public(decision)


def test_a_pin_that_ended_while_it_was_compared_opens_nothing() -> None:
    """R15, R20: what was compared is no longer the citizen's."""
    issued = account("issued")
    revoked = account("revoked")
    decision = activate(
        revoked, read("pin.activate", reply_key=REPLY_KEY, **TYPED), moment(known=matched(issued, new=NEW))
    )
    assert decision.reply == rejected("wrong_pin")


@pytest.mark.parametrize("status", ["issued", "restoring"])
def test_a_pin_whose_time_has_passed_opens_nothing_before_it_is_ended_either(status: Status) -> None:
    """R10, R16: the message that ends it may be late, the PIN is not."""
    citizen = account(status)
    assert citizen.pin is not None
    assert citizen.pin.expires_at is not None
    command = read("pin.activate", reply_key=REPLY_KEY, **TYPED)
    at = moment(citizen.pin.expires_at, known=matched(citizen, new=NEW))
    assert activate(citizen, command, at).reply == rejected("wrong_pin")
    compared = Compared(Admission(citizen), "initial", citizen.pin.id)
    late = moment(citizen.pin.expires_at, known=compared)
    assert verify(citizen, read("pin.verify", **TYPED), late).reply == rejected("wrong_pin")
    just = moment(citizen.pin.expires_at - timedelta(seconds=1), known=matched(citizen, new=NEW))
    assert activate(citizen, command, just).account is not None


def test_a_right_pin_opens_and_takes_the_attempts_back() -> None:
    """R11."""
    citizen = account("active", attempts=Attempts(in_row=3, total=7, locks=1))
    decision = verify(citizen, read("pin.verify", **TYPED), moment(known=matched(citizen)))
    assert decision.reply is not None
    assert decision.reply.data == {"level": "online"}
    assert decision.account is not None
    assert decision.account.attempts == Attempts()


def test_the_initial_pin_at_log_in_is_told_to_come_to_first_access() -> None:
    """R10."""
    citizen = account("issued")
    assert citizen.pin is not None
    compared = Compared(Admission(citizen), "initial", citizen.pin.id)
    decision = verify(citizen, read("pin.verify", **TYPED), moment(known=compared))
    assert decision.reply == rejected("first_access_needed")


@pytest.mark.parametrize("status", ["none", "issued", "active", "revoked"])
def test_a_wrong_pin_is_answered_alike_for_everybody(status: Status) -> None:
    """R11: unknown, wrong and blocked cannot be told apart."""
    blocked = account(status, attempts=Attempts(total=30, blocked=True))
    for citizen in (account(status), blocked):
        compared = Compared(Admission(citizen), "no")
        decision = verify(citizen, read("pin.verify", **TYPED), moment(known=compared))
        assert decision.reply == rejected("wrong_pin")
        written = [entry.kind for entry in decision.entries]
        assert written == ([] if status == "none" else ["pin.attempt_failed"])


def test_guesses_at_nobody_leave_no_entry_but_the_row_is_written_so_that_both_take_as_long() -> None:
    """An entry stays for ever, and anybody can name any number of citizens."""
    nobody = account("none", attempts=Attempts(in_row=1, total=1))
    decision = verify(
        nobody, read("pin.verify", **TYPED), moment(known=Compared(Admission(nobody, locks=True)))
    )
    assert decision == Decision(reply=rejected("wrong_pin"), account=nobody, reason="pin_locked")
    known = account("none", health_card=CARD)
    decision = verify(known, read("pin.verify", **TYPED), moment(known=Compared(Admission(known))))
    assert [entry.kind for entry in decision.entries] == ["pin.attempt_failed"]


def test_what_shows_of_old_guesses_is_forgotten_for_all_alike_and_what_blocks_is_not() -> None:
    """Else the length of a lock a month later would tell who is known: that count is not deleted."""
    attempts = Attempts(in_row=4, total=19, locks=3, told=3, last=NOW - POLICY.nobody_retention)
    admission = admitted(account("active", attempts=attempts), NOW, POLICY)
    assert (admission.locks, admission.account.attempts) == (
        False,
        Attempts(in_row=1, total=20, blocked=True, last=NOW),
    )
    lately = attempts.but(last=NOW - POLICY.nobody_retention + timedelta(seconds=1))
    admission = admitted(account("active", attempts=lately), NOW, POLICY)
    assert admission.account.attempts.locked_until == NOW + POLICY.lock_time * 8


def test_a_lock_does_not_outlive_the_guesses_at_nobody() -> None:
    """Else it would tell that somebody is known: a nobody's lock is deleted with the count."""
    attempts = Attempts(in_row=4, locks=10)
    short = POLICY.model_copy(update={"nobody_retention": timedelta(days=2)})
    admission = admitted(account("active", attempts=attempts), NOW, short)
    assert admission.account.attempts.locked_until == NOW + timedelta(days=2)


def test_the_fifth_failure_in_a_row_locks_for_a_quarter_of_an_hour_and_each_lock_doubles() -> None:
    citizen, now, waits = account("active"), NOW, []
    for _ in range(15):
        admission = admitted(citizen, now, POLICY)
        citizen = admission.account
        if admission.locks:
            assert citizen.attempts.locked_until is not None
            waits.append(citizen.attempts.locked_until - now)
            now = citizen.attempts.locked_until
    assert waits == [timedelta(minutes=15), timedelta(minutes=30), timedelta(minutes=60)]


def test_no_attempt_is_admitted_while_the_pin_is_locked() -> None:
    locked = account("active", attempts=Attempts(locked_until=NOW + timedelta(seconds=90)))
    admission = admitted(locked, NOW, POLICY)
    assert (admission.locked_for, admission.account) == (90, locked)
    assert admitted(locked, NOW + timedelta(seconds=90), POLICY).locked_for == 0


def test_the_twentieth_failure_blocks_and_what_comes_after_is_compared_with_nobody_s_pin() -> None:
    citizen = account("active", attempts=Attempts(total=19, in_row=1))
    twentieth = admitted(citizen, NOW, POLICY)
    assert (twentieth.blocks, twentieth.comparable) == (True, True)
    after = admitted(twentieth.account, NOW, POLICY)
    assert (after.blocks, after.comparable) == (False, False)


def test_a_citizen_without_a_pin_is_counted_and_locked_just_the_same() -> None:
    """The reply does not reveal whether the citizen exists."""
    nobody = account("none")
    for _ in range(5):
        nobody = admitted(nobody, NOW, POLICY).account
    assert admitted(nobody, NOW, POLICY).locked_for == 15 * 60


def test_an_attempt_counted_before_a_crash_is_not_counted_again() -> None:
    citizen = account("active", attempts=Attempts(in_row=2, total=2))
    assert counted_before(citizen, NOW).account == citizen


def test_a_guess_compared_again_after_a_crash_is_not_compared_with_a_blocked_pin() -> None:
    blocked = account("active", attempts=Attempts(total=21, blocked=True))
    assert not counted_before(blocked, NOW).comparable


@pytest.mark.parametrize(
    "attempts",
    [Attempts(total=5, locks=1, locked_until=NOW + timedelta(minutes=15)), Attempts(total=20, blocked=True)],
)
def test_of_several_guesses_compared_again_after_a_crash_one_tells_the_citizen(attempts: Attempts) -> None:
    citizen, notices = account("active", attempts=attempts), 0
    for _ in range(5):
        compared = Compared(counted_before(citizen, NOW), "no", "x")
        decision = verify(citizen, read("pin.verify", **TYPED), moment(known=compared))
        citizen = decision.account or citizen
        notices += len(decision.events)
    assert notices == 1


def test_the_citizen_is_told_of_a_lock_at_the_registered_contacts() -> None:
    admission = admitted(account("active", attempts=Attempts(in_row=4, total=4)), NOW, POLICY)
    decision = verify(
        admission.account, read("pin.verify", **TYPED), moment(known=Compared(admission, "no", "x"))
    )
    assert decision.events == (Event("pin.locked", {"until": NOW + timedelta(minutes=15)}),)
    assert {message.channel for message in told(decision)} == {"sms", "pec"}


def test_the_citizen_is_told_of_a_block() -> None:
    admission = admitted(account("active", attempts=Attempts(in_row=1, total=19)), NOW, POLICY)
    decision = verify(
        admission.account, read("pin.verify", **TYPED), moment(known=Compared(admission, "no", "x"))
    )
    assert decision.events == (Event("pin.blocked", {}),)
    assert len(told(decision)) == 2


@pytest.mark.parametrize("typed", ["7k3m9pqx4v8tn2wz", "7K3M-9PQX-4V8T-N2WZ", " 7K3M 9PQX 4V8T N2WZ "])
def test_what_is_typed_is_normalised(typed: str) -> None:
    """R4: case, spaces, hyphens."""
    assert normalised(Secret(typed)) == Secret("7K3M9PQX4V8TN2WZ")


def test_letters_that_look_like_digits_are_read_as_digits() -> None:
    assert normalised(Secret("oOiIlL12")) == Secret("00111112")
