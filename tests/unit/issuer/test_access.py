"""First access and log-in, the attempts already counted and compared."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from services.issuer.access import activate, verify
from services.issuer.attempts import Admission, Compared, admitted, counted_before, failed, resumed
from shared.contract.reply import rejected
from shared.crypto.secret import Secret
from shared.domain.account import Account, Attempts, Level, Status
from shared.domain.decision import Decision, LedgerEntry
from shared.domain.log_ins import NONE, LogIns
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


def test_a_log_in_that_changes_nothing_is_counted_and_the_first_of_a_month_says_how_many_there_were() -> None:
    """R11. What stays for ever is an entry a month, however often they log in; the chain has their number."""
    citizen, log_ins = account("active"), NONE
    entries: list[LedgerEntry] = []
    times = [NOW + timedelta(days=day) for day in range(100)]
    for now in times:
        compared = replace(matched(citizen), log_ins=log_ins)
        decision = verify(citizen, read("pin.verify", **TYPED), moment(now, known=compared))
        assert decision.account is None
        assert decision.log_ins is not None
        log_ins, entries = decision.log_ins, [*entries, *decision.entries]
    assert {entry.kind for entry in entries} == {"pin.verified"}
    assert len(entries) == len({(now.year, now.month) for now in times})
    assert log_ins.last == times[-1]
    assert sum(1 + entry.data.get("counted", 0) for entry in entries) + log_ins.times == len(times)
    assert [entry.data["last"].day > 27 for entry in entries[1:]] == [True] * (len(entries) - 1)


def test_a_log_in_that_changes_the_account_has_an_entry_whenever_it_is() -> None:
    """The chain vouches for every change of an account."""
    citizen = account("active", attempts=Attempts(in_row=1, total=1))
    before = LogIns(3, NOW - timedelta(minutes=1))
    compared = replace(matched(citizen), log_ins=before)
    decision = verify(citizen, read("pin.verify", **TYPED), moment(known=compared))
    assert decision.account is not None
    assert [(entry.kind, entry.data) for entry in decision.entries] == [
        ("pin.verified", {"counted": 3, "last": before.last})
    ]
    assert decision.log_ins == LogIns(0, NOW)


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
    nobody = account("none", attempts=Attempts(in_row=4, total=4))
    decision = verify(nobody, read("pin.verify", **TYPED), moment(known=Compared(Admission(nobody))))
    locked = nobody.but(attempts=failed(nobody.attempts, NOW, POLICY).attempts)
    assert decision == Decision(reply=rejected("wrong_pin"), account=locked, reason="pin_locked")
    known = account("none", health_card=CARD)
    decision = verify(known, read("pin.verify", **TYPED), moment(known=Compared(Admission(known))))
    assert [entry.kind for entry in decision.entries] == ["pin.attempt_failed"]


def test_what_shows_of_old_guesses_is_forgotten_for_all_alike_and_what_blocks_is_not() -> None:
    """Else the length of a lock a month later would tell who is known: that count is not deleted."""
    attempts = Attempts(in_row=4, total=19, locks=3, told=3, last=NOW - POLICY.nobody_retention)
    failure = failed(attempts, NOW, POLICY)
    assert (failure.locks, failure.attempts) == (
        False,
        Attempts(in_row=1, total=20, blocked=True, last=NOW),
    )
    lately = attempts.but(last=NOW - POLICY.nobody_retention + timedelta(seconds=1))
    assert failed(lately, NOW, POLICY).attempts.locked_until == NOW + POLICY.lock_time * 8


def test_a_lock_does_not_outlive_the_guesses_at_nobody() -> None:
    """Else it would tell that somebody is known: a nobody's lock is deleted with the count."""
    attempts = Attempts(in_row=4, locks=10)
    short = POLICY.model_copy(update={"nobody_retention": timedelta(days=2)})
    assert failed(attempts, NOW, short).attempts.locked_until == NOW + timedelta(days=2)


def test_the_fifth_failure_in_a_row_locks_for_a_quarter_of_an_hour_and_each_lock_doubles() -> None:
    attempts, now, waits = Attempts(), NOW, []
    for _ in range(15):
        failure = failed(attempts, now, POLICY)
        attempts = failure.attempts
        if failure.locks:
            assert attempts.locked_until is not None
            waits.append(attempts.locked_until - now)
            now = attempts.locked_until
    assert waits == [timedelta(minutes=15), timedelta(minutes=30), timedelta(minutes=60)]


def test_no_attempt_is_admitted_while_the_pin_is_locked() -> None:
    locked = account("active", attempts=Attempts(locked_until=NOW + timedelta(seconds=90)))
    admission = admitted(locked, (), NOW, POLICY)
    assert (admission.locked_for, admission.account) == (90, locked)
    assert admitted(locked, (), NOW + timedelta(seconds=90), POLICY).locked_for == 0


def test_the_twentieth_failure_blocks_and_what_comes_after_is_compared_with_nobody_s_pin() -> None:
    citizen = account("active", attempts=Attempts(total=19, in_row=1))
    assert admitted(citizen, (), NOW, POLICY).comparable
    twentieth = failed(citizen.attempts, NOW, POLICY)
    assert twentieth.blocks
    assert not admitted(citizen.but(attempts=twentieth.attempts), (), NOW, POLICY).comparable
    assert not failed(twentieth.attempts, NOW, POLICY).blocks


def test_a_citizen_without_a_pin_is_counted_and_locked_just_the_same() -> None:
    """The reply does not reveal whether the citizen exists."""
    nobody = account("none")
    for _ in range(5):
        nobody = wrong(nobody, admitted(nobody, (), NOW, POLICY)).account or nobody
    assert admitted(nobody, (), NOW, POLICY).locked_for == 15 * 60


def wrong(citizen: Account, admission: Admission) -> Decision:
    """Return what comes of a wrong PIN."""
    return verify(citizen, read("pin.verify", **TYPED), moment(known=Compared(admission, "no", "x")))


@pytest.mark.parametrize("status", ["none", "active"])
def test_whoever_comes_next_takes_open_attempts_for_failures_and_no_more_are_compared_than_may_fail(
    status: Status,
) -> None:
    """However many come at once, to however many workers; nothing of it is in the account yet."""
    citizen = account(status, attempts=Attempts(in_row=1, total=1))
    opened: list[datetime] = []
    refused: list[int] = []
    for _ in range(50):
        admission = admitted(citizen, opened, NOW, POLICY)
        opened += [] if admission.locked_for else [NOW]
        refused += [admission.locked_for] if admission.locked_for else []
    assert (len(opened), refused) == (4, 46 * [15 * 60])
    assert admitted(citizen, opened[1:], NOW, POLICY).locked_for == 0, (
        "one of them succeeded, or was forgotten"
    )


def test_of_the_attempts_open_at_once_none_past_the_one_that_may_block_is_compared() -> None:
    citizen = account("active", attempts=Attempts(total=18))
    opened = [NOW] * 2
    assert [admitted(citizen, opened[:n], NOW, POLICY).comparable for n in range(3)] == [True, True, False]


def test_an_attempt_whose_worker_died_goes_on_in_its_place_and_counts_once() -> None:
    """Also the one that may block, which has the limit's last comparison, and not the one after it."""
    citizen = account("active", attempts=Attempts(in_row=2, total=18))
    last, beyond = resumed(citizen, [NOW], NOW, POLICY), resumed(citizen, [NOW, NOW], NOW, POLICY)
    assert (last.comparable, beyond.comparable) == (True, False)
    decided = wrong(citizen, last).account
    assert decided is not None
    assert (decided.attempts.in_row, decided.attempts.total) == (3, 19)
    locked = resumed(account("active", attempts=Attempts(in_row=4)), [NOW], NOW, POLICY)
    assert locked.locked_for == 0, "it was admitted before"


def test_a_failure_leaves_the_lock_that_another_brought_meanwhile() -> None:
    until = NOW + timedelta(minutes=15)
    locked = Attempts(total=5, locks=1, locked_until=until)
    failure = failed(locked, NOW, POLICY)
    assert (failure.locks, failure.attempts.locked_until, failure.attempts.in_row) == (False, until, 1)
    assert failed(locked, until, POLICY).attempts.locked_until is None


def test_an_attempt_counted_by_an_earlier_release_is_not_counted_again() -> None:
    citizen = account("active", attempts=Attempts(in_row=2, total=2))
    admission = counted_before(citizen)
    assert admission.account == citizen
    assert wrong(citizen, admission).account == citizen


def test_a_guess_counted_by_an_earlier_release_is_not_compared_with_a_blocked_pin() -> None:
    blocked = account("active", attempts=Attempts(total=21, blocked=True))
    assert not counted_before(blocked).comparable


@pytest.mark.parametrize(
    "attempts",
    [Attempts(total=5, locks=1, locked_until=NOW + timedelta(minutes=15)), Attempts(total=20, blocked=True)],
)
def test_of_several_guesses_that_an_earlier_release_counted_one_tells_the_citizen(attempts: Attempts) -> None:
    citizen, notices = account("active", attempts=attempts), 0
    for _ in range(5):
        compared = Compared(counted_before(citizen), "no", "x")
        decision = verify(citizen, read("pin.verify", **TYPED), moment(known=compared))
        citizen = decision.account or citizen
        notices += len(decision.events)
    assert notices == 1


def test_the_citizen_is_told_of_a_lock_at_the_registered_contacts() -> None:
    citizen = account("active", attempts=Attempts(in_row=4, total=4))
    decision = wrong(citizen, admitted(citizen, (), NOW, POLICY))
    assert decision.events == (Event("pin.locked", {"until": NOW + timedelta(minutes=15)}),)
    assert {message.channel for message in told(decision)} == {"sms", "pec"}


def test_the_citizen_is_told_of_a_block() -> None:
    citizen = account("active", attempts=Attempts(in_row=1, total=19))
    decision = wrong(citizen, admitted(citizen, (), NOW, POLICY))
    assert decision.events == (Event("pin.blocked", {}),)
    assert len(told(decision)) == 2


@pytest.mark.parametrize("typed", ["7k3m9pqx4v8tn2wz", "7K3M-9PQX-4V8T-N2WZ", " 7K3M 9PQX 4V8T N2WZ "])
def test_what_is_typed_is_normalised(typed: str) -> None:
    """R4: case, spaces, hyphens."""
    assert normalised(Secret(typed)) == Secret("7K3M9PQX4V8TN2WZ")


def test_letters_that_look_like_digits_are_read_as_digits() -> None:
    assert normalised(Secret("oOiIlL12")) == Secret("00111112")
