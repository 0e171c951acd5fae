"""Nobody floods a stranger's phone or mailbox with requests in other people's names (R5, R7)."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import orjson
import pytest

from services.issuer.facts import RequestFacts
from services.issuer.floods import addresses
from services.issuer.requests import request
from shared.contract.examples import COMMAND_EXAMPLES
from shared.contract.reply import accepted
from shared.crypto.sealing import StateSeal
from shared.domain.account import Account
from shared.domain.decision import Decision, LedgerEntry
from shared.domain.policy import PinPolicy
from shared.worker.batch import BatchAttempt, BatchProcessor, WorkerKeys
from shared.worker.intake import parse
from shared.worker.reading import ReceivedMessage
from tests.unit.decisions import (
    CONTACTS,
    NOW,
    PEPPER,
    POLICY,
    Event,
    account,
    moment,
    personal,
    public,
    read,
    told,
)
from tests.unit.worker.test_intake import GOOD, LANE, SETTINGS

LIMIT = POLICY.first_halves_a_day
MOBILE, EMAIL, PEC = CONTACTS.mobile or "", CONTACTS.email or "", CONTACTS.pec or ""
FACTS = RequestFacts(PEPPER)
FEW = PinPolicy(first_halves_a_day=3)
PROCESSOR = BatchProcessor(
    replace(LANE, facts=FACTS),
    SETTINGS,
    FEW,
    WorkerKeys(PEPPER, state=StateSeal(bytes(32))),
    now=lambda: NOW,
)


def asked(citizen: Account, sent: dict[str, int], **contacts: str) -> Decision:
    command = read("pin.request", contacts=contacts or {"mobile": MOBILE, "email": EMAIL})
    counts = {PEPPER.place(address): many for address, many in sent.items()}
    return request(citizen, command, moment(known=counts))


@pytest.mark.parametrize("full", [MOBILE, EMAIL])
def test_above_the_limit_the_request_is_accepted_and_nothing_is_sent(full: str) -> None:
    """R5: nothing is sent or stored of the request; ledger and event give the reason."""
    facts = {"code": "address_flooded"}
    assert asked(account("none"), {full: LIMIT}) == Decision(
        reply=accepted(),
        entries=(LedgerEntry("pin.request_rejected", facts),),
        events=(Event("pin.request_rejected", facts),),
    )


def test_the_last_one_before_the_limit_is_issued_and_counted_at_both_places() -> None:
    """R5."""
    decision = asked(account("none"), {MOBILE: LIMIT - 1, EMAIL: LIMIT - 1})
    assert [event.type for event in decision.events] == ["pin.issued"]
    assert decision.sent_to == (PEPPER.place(MOBILE), PEPPER.place(EMAIL))


def test_an_address_that_gets_nothing_is_not_counted_and_does_not_count() -> None:
    """R5: with a PEC the email gets no half; a landline gets none ever."""
    contacts = {"mobile": MOBILE, "email": EMAIL, "pec": PEC}
    decision = asked(account("none"), {EMAIL: LIMIT}, **contacts)
    assert decision.sent_to == (PEPPER.place(MOBILE), PEPPER.place(PEC))


def test_one_mailbox_is_one_place_by_whatever_address() -> None:
    decision = asked(
        account("none"), {"annarossi@gmail.com": LIMIT}, mobile=MOBILE, email="Anna.Rossi+inps@googlemail.com"
    )
    assert decision.deliveries == ()


@pytest.mark.parametrize("full", [MOBILE, PEC])
def test_the_notice_that_a_pin_exists_is_counted_and_limited_too(full: str) -> None:
    """R7: else an attacker who had many PINs sent to a phone could trigger daily notices to it."""
    citizen = account("active")
    assert asked(citizen, {}).sent_to == (PEPPER.place(MOBILE), PEPPER.place(PEC))
    silent = asked(citizen, {full: LIMIT})
    assert (silent.deliveries, silent.account, silent.sent_to) == ((), None, ())
    assert silent.events == (Event("pin.request_rejected", {"code": "pin_exists"}),)


def test_a_notice_that_is_not_sent_is_not_counted() -> None:
    """R7: once a day at most."""
    recently = account("active", told_pin_exists_at=NOW - timedelta(hours=1))
    assert asked(recently, {}).sent_to == ()


def test_who_has_died_counts_nothing() -> None:
    assert asked(account("none", deceased_on=NOW.date()), {}).sent_to == ()


def test_a_place_does_not_show_whose_it_is() -> None:
    """The ledger has a keyed digest of 16 bytes, and entries and events have nothing of it."""
    decision = asked(account("none"), {})
    assert decision.account is not None
    for place in decision.sent_to:
        assert len(place) == 16
        assert place.hex() not in public(decision)
    assert not [datum for datum in personal(decision.account) if datum in public(decision)]


def message(number: int, **fields: object) -> ReceivedMessage:
    """Return a request of the nth citizen, all of them at one address."""
    body = {**COMMAND_EXAMPLES["pin.request"], **fields}
    arrived = replace(GOOD, body=orjson.dumps(body), message_id=str(UUID(int=number)))
    read_ = parse(arrived, PROCESSOR.lane, SETTINGS)
    assert isinstance(read_, ReceivedMessage)
    return replace(read_, subjects=(number.to_bytes(16),))


def test_within_a_batch_the_count_is_exact() -> None:
    """Of ten requests in one transaction three are issued, and three are counted in one row a place."""
    attempt = BatchAttempt(PROCESSOR, NOW)
    batch = [message(number) for number in range(1, 11)]
    for taken in batch:
        attempt.decide(taken)
    assert [handled.outcome for handled in attempt.handled] == ["accepted"] * 10
    issued = [entry[3] for entry in attempt.work.entries]
    assert issued == ["pin.issued"] * 3 + ["pin.request_rejected"] * 7
    assert sorted(attempt.work.sent_to.values()) == [3, 3]
    assert set(attempt.work.sent_to) == {
        place for taken in batch for place in FACTS.places(taken, attempt.work)
    }


def test_what_is_counted_is_known_before_it_is_decided() -> None:
    """The contacts given, and where a PIN lives those registered: what the ledger is asked for."""
    attempt = BatchAttempt(PROCESSOR, NOW)
    known = account("active").but(subject=(1).to_bytes(16))
    attempt.work.accounts[known.subject] = known
    asked_for = list(
        FACTS.places(message(1, contacts={"mobile": "+393409999999", "email": "x@example.it"}), attempt.work)
    )
    assert asked_for == [PEPPER.place(a) for a in ("+393409999999", "x@example.it", MOBILE, PEC)]
    attempt.work.unreadable.add((2).to_bytes(16))
    assert list(FACTS.places(message(2), attempt.work)) == []


def test_a_registered_address_that_is_no_longer_valid_ends_no_batch() -> None:
    """It was accepted by an earlier release."""
    odd = account("active", contacts=CONTACTS.but(pec="anna@città..it"))
    assert list(addresses(odd, read("pin.request")))[-1] == "anna@città..it"


def test_citizens_are_told_what_exists_at_their_places() -> None:
    """R7: under the limit nothing has changed."""
    assert {message.to for message in told(asked(account("active"), {}))} == {MOBILE, PEC}
