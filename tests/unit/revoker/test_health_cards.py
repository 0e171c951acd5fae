"""Wrong health cards are limited like wrong PINs (R19), and the reply tells nothing of it."""

from datetime import datetime, timedelta

import pytest

from services.revoker import revoke
from shared.contract.reply import accepted
from shared.domain.account import Account
from shared.domain.decision import Decision
from tests.unit.decisions import CARD, NOW, POLICY, account, moment, public, read
from tests.unit.revoker.asking import codes

RIGHT = {"number": CARD.number, "expires_on": CARD.expires_on}


def tried(citizen: Account, now: datetime = NOW, number: int = 0) -> Decision:
    """Ask to revoke with a card that is not the citizen's."""
    card = RIGHT | {"number": f"{80380000900000000000 + number}"}
    return revoke.request(citizen, read("revoke.request", health_card=card), moment(now))


def with_the_card(citizen: Account, now: datetime = NOW) -> Decision:
    return revoke.request(citizen, read("revoke.request", health_card=RIGHT), moment(now))


def guessed(times: int) -> Account:
    citizen = account("active")
    for number in range(times):
        citizen = tried(citizen, number=number).account or citizen
    return citizen


def test_after_five_wrong_cards_not_even_the_right_one_opens_a_revocation() -> None:
    decisions = [with_the_card(guessed(POLICY.cards_in_row)), tried(guessed(POLICY.cards_in_row))]
    for decision in decisions:
        assert decision == Decision(reply=accepted(), reason="health_card_locked")


def test_a_guesser_has_few_tries_a_day_for_ever() -> None:
    """Each lock is twice as long as the one before, up to a day: five a day from the second on."""
    citizen, now, compared = account("active"), NOW, 0
    while now < NOW + timedelta(days=30):
        decision = tried(citizen, now, compared)
        if decision.reason == "health_card_differs":
            compared += 1
        citizen = decision.account or citizen
        until = citizen.card_attempts.locked_until
        now = max(now, until) if until else now
    assert 100 < compared < 200
    assert citizen.card_attempts.total == compared


def test_the_owner_is_locked_out_for_a_day_at_most() -> None:
    """R21: the contact centre revokes meanwhile."""
    citizen = account("active", card_attempts={"in_row": 4, "total": 5000, "locks": 1000})
    locked = tried(citizen).account
    assert locked is not None
    assert locked.card_attempts.locked_until == NOW + POLICY.card_lock_limit
    assert with_the_card(locked, NOW + POLICY.card_lock_limit).deliveries
    ended = revoke.by_contact_centre(locked, read("revoke.by_contact_centre"), moment())
    assert ended.account is not None
    assert ended.account.status == "revoked"


def test_the_right_card_forgets_the_wrong_ones() -> None:
    decision = with_the_card(guessed(POLICY.cards_in_row - 1))
    assert decision.deliveries
    assert decision.account is not None
    assert decision.account.card_attempts == account("active").card_attempts


def test_the_ledger_has_each_attempt_and_each_lock_and_nothing_while_it_is_locked() -> None:
    decision = tried(guessed(POLICY.cards_in_row - 1))
    assert [(entry.kind, dict(entry.data)) for entry in decision.entries] == [
        ("revoke.refused", {"code": "health_card_differs"}),
        ("health_card.locked", {"until": NOW + POLICY.card_lock_time}),
    ]
    assert CARD.number not in public(decision)


def test_of_a_citizen_of_whom_nothing_is_known_nothing_is_kept() -> None:
    """R14: the reply is the same, and no row stays for ever."""
    assert tried(account("none")) == Decision(reply=accepted(), reason="no_live_pin")


@pytest.mark.parametrize("status", ["none", "revoked", "expired"])
def test_a_card_is_compared_only_where_a_pin_lives(status: str) -> None:
    decision = tried(account("none").but(status=status, health_card=CARD))
    assert (decision.reply, decision.account) == (accepted(), None)
    assert codes(decision) == [("revoke.refused", "no_live_pin")]
