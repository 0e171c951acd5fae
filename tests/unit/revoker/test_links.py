"""Confirming links of both flows: one use, one day, few a day, never closed by strangers (R14, R20)."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from services.revoker import restore, revoke
from shared.contract.reply import accepted
from shared.domain.account import TRANSITIONS, Account
from shared.domain.decision import Decision, DecisionContext
from tests.unit.decisions import CODICE_FISCALE, NOW, POLICY, account, moment, personal, public, read, told
from tests.unit.revoker.asking import (
    LINK_INVALID,
    MOBILE_AND_EMAIL,
    OWN_ADDRESS,
    asked_to_restore,
    asked_to_revoke,
    changed,
    codes,
    confirm_restore,
    confirm_revocation,
    token_of,
)

Ask = Callable[[Account | None, DecisionContext | None], tuple[Account, str]]
Confirm = Callable[[Account, str, DecisionContext | None], Decision]
FLOWS = pytest.mark.parametrize(
    ("ask", "confirm", "flow"),
    [
        (asked_to_restore, confirm_restore, "restore"),
        (asked_to_revoke, confirm_revocation, "revoke"),
    ],
    ids=["restore", "revoke"],
)
BOTH = pytest.mark.parametrize(
    ("ask", "confirm"),
    [(asked_to_restore, confirm_restore), (asked_to_revoke, confirm_revocation)],
    ids=["restore", "revoke"],
)
WRONG = "0" * 40


def after(elapsed: timedelta) -> DecisionContext:
    return moment(NOW + elapsed)


@BOTH
def test_a_link_works_once(ask: Ask, confirm: Confirm) -> None:
    citizen, token = ask(None, None)
    done = changed(confirm(citizen, token, None))
    again = confirm(done, token, None)
    assert (again.reply, again.account, again.deliveries, again.events) == (LINK_INVALID, None, (), ())
    assert (again.reason, again.entries) == ("no_link", ())


@FLOWS
def test_a_link_lives_a_day_to_the_second(ask: Ask, confirm: Confirm, flow: str) -> None:
    citizen, token = ask(None, None)
    late = confirm(citizen, token, after(POLICY.link_validity))
    assert (late.reply, late.deliveries) == (LINK_INVALID, ())
    assert codes(late) == [(f"{flow}.not_confirmed", "expired")]
    in_time = confirm(citizen, token, after(POLICY.link_validity - timedelta(seconds=1)))
    assert in_time.reply == accepted()


@FLOWS
def test_a_second_request_replaces_the_link(ask: Ask, confirm: Confirm, flow: str) -> None:
    """Two at once: the last link works, the other does not, and does not harm it."""
    once, old = ask(None, None)
    twice, new = ask(once, moment(seed=7))
    assert old != new
    refused = confirm(twice, old, None)
    assert codes(refused) == [(f"{flow}.not_confirmed", "wrong_token")]
    assert confirm(changed(refused), new, None).reply == accepted()


@FLOWS
def test_no_stranger_closes_a_link_with_wrong_tokens_nor_fills_the_ledger(
    ask: Ask, confirm: Confirm, flow: str
) -> None:
    """A thousand wrong ones, of which five are noted, and the right one still opens."""
    citizen, token = ask(None, None)
    noted = []
    for _ in range(1000):
        refused = confirm(citizen, WRONG, None)
        assert (refused.reply, refused.reason, refused.deliveries) == (LINK_INVALID, "wrong_token", ())
        noted += codes(refused)
        assert (refused.account is None) == (not refused.entries)
        citizen = refused.account or citizen
    assert noted == [(f"{flow}.not_confirmed", "wrong_token")] * 5
    assert confirm(citizen, token, None).reply == accepted()


@FLOWS
def test_a_link_that_the_release_before_had_closed_opens(ask: Ask, confirm: Confirm, flow: str) -> None:
    citizen, token = ask(None, None)
    kept = {"restore": "restore", "revoke": "revocation"}[flow]
    closed = citizen.but(**{kept: getattr(citizen, kept).but(tried=5)})
    assert confirm(closed, token, None).reply == accepted()


@pytest.mark.parametrize("confirm", [confirm_restore, confirm_revocation])
def test_who_has_no_link_or_is_unknown_gets_the_same_refusal(confirm: Confirm) -> None:
    for citizen in (account("none"), account("active")):
        refused = confirm(citizen, WRONG, None)
        assert refused == Decision(reply=LINK_INVALID, reason="no_link")


def test_a_token_sealed_for_another_worker_is_told_apart_in_the_ledger() -> None:
    """A portal with the wrong key is found, and costs no citizen the link."""
    citizen, token = asked_to_restore()
    refused = restore.confirm(citizen, read("restore.confirm"), moment())
    assert refused.reply == LINK_INVALID
    assert confirm_restore(changed(refused), token).reply == accepted()
    assert codes(refused) == [("restore.not_confirmed", "unreadable_token")]


def test_the_link_of_one_flow_confirms_nothing_of_the_other() -> None:
    citizen, token_to_restore = asked_to_restore()
    citizen, token_to_revoke = asked_to_revoke(citizen, moment(seed=7))
    assert confirm_revocation(citizen, token_to_restore).reply == LINK_INVALID
    assert confirm_restore(citizen, token_to_revoke).reply == LINK_INVALID


def test_three_links_a_day_for_both_flows_together() -> None:
    citizen, _ = asked_to_restore()
    citizen, _ = asked_to_revoke(citizen)
    citizen, token = asked_to_restore(citizen, after(timedelta(hours=1)))
    fourth = restore.request(
        citizen, read("restore.request", contacts=MOBILE_AND_EMAIL), after(timedelta(hours=23))
    )
    assert (fourth.reply, fourth.account, fourth.deliveries) == (accepted(), None, ())
    assert codes(fourth) == [("restore.refused", "too_many_links")]
    other = revoke.request(citizen, read("revoke.request"), after(timedelta(hours=23)))
    assert codes(other) == [("revoke.refused", "too_many_links")]
    assert confirm_restore(citizen, token, after(timedelta(hours=23))).reply == accepted()


def test_after_a_day_a_link_may_be_sent_again_and_the_old_ones_are_forgotten() -> None:
    citizen = account("active", links_sent=(NOW - timedelta(hours=24), NOW - timedelta(hours=23), NOW))
    asked, _ = asked_to_restore(citizen)
    assert asked.links_sent == (NOW - timedelta(hours=23), NOW, NOW)


@pytest.mark.parametrize("ask", [asked_to_restore, asked_to_revoke])
def test_a_token_has_128_bits_or_more_and_is_no_half(ask: Ask) -> None:
    _, token = ask(None, None)
    assert re.fullmatch(r"[0-9a-f]{40}", token)


def asked_for_everything() -> list[Decision]:
    restoring = restore.request(
        account("active"), read("restore.request", contacts=MOBILE_AND_EMAIL), moment()
    )
    revoking = revoke.request(account("active"), read("revoke.request", email=OWN_ADDRESS), moment(seed=7))
    return [
        restoring,
        confirm_restore(changed(restoring), WRONG),
        confirm_restore(changed(restoring), token_of(restoring)),
        revoking,
        confirm_revocation(changed(revoking), WRONG),
        confirm_revocation(changed(revoking), token_of(revoking)),
        restore.request(
            account("active"),
            read("restore.request", contacts=MOBILE_AND_EMAIL | {"email": OWN_ADDRESS}),
            moment(),
        ),
        revoke.request(account("none"), read("revoke.request"), moment()),
        revoke.by_contact_centre(account("active"), read("revoke.by_contact_centre"), moment()),
    ]


def test_what_others_may_read_holds_no_token_no_half_and_nothing_personal() -> None:
    """Entries, events, messages to workers and replies; and the account holds the digest of a token only."""
    decisions = asked_for_everything()
    secrets = {
        word
        for decision in decisions
        for message in told(decision)
        for word in re.findall(r"(?<=token=)[0-9a-f]{40}|\b(?=[A-Z]*[0-9])[0-9A-Z]{8}\b", message.text)
    }
    assert len(secrets) == 4
    hidden = secrets | {OWN_ADDRESS, CODICE_FISCALE, *personal(account("active"))}
    for decision in decisions:
        said = public(decision)
        assert [secret for secret in hidden if secret in said] == []
        kept = decision.account.model_dump_json() if decision.account else ""
        assert [secret for secret in secrets if secret in kept] == []


def test_the_blind_commands_answer_the_same_in_every_case() -> None:
    """R14: whether the citizen exists, has a PIN or gave the right data shows only to the citizen."""
    ours = read("restore.request", contacts=MOBILE_AND_EMAIL)
    card = read("revoke.request")
    decisions = [restore.request(account(status), ours, moment()) for status in TRANSITIONS]
    decisions += [revoke.request(account(status), card, moment()) for status in TRANSITIONS]
    assert [decision.reply for decision in decisions] == [accepted()] * len(decisions)
