"""What is kept about a citizen ends: by an operator, or long after the PIN did (last rules)."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.issuer import endings, erasure, requests
from services.issuer.erasure import EndedLongAgo
from shared.contract.internal import Expire
from shared.contract.reply import accepted, rejected
from shared.domain.account import (
    LIVE,
    TRANSITIONS,
    Account,
    Attempts,
    Cancellation,
    DispositivoRequest,
    Istanza,
    Link,
    OperatorRevocation,
    Recognition,
    Status,
)
from shared.domain.decision import LedgerEntry
from tests.unit.decisions import (
    CARD,
    NOW,
    SUBJECT,
    Event,
    account,
    moment,
    personal,
    public,
    read,
    told,
)

REASON = "Mario Rossi asked for it, file 2026/118."
FULL: dict[str, Any] = {
    "attempts": Attempts(in_row=2, total=7, locks=1),
    "links_sent": (NOW,),
    "revocation": Link(digest=b"d", expires_at=NOW, address=("email", "mario.rossi@example.com")),
    "revoked_by_operators": (OperatorRevocation(at=NOW, operator="op-1", office="Pisa", reason="lost"),),
    "told_pin_exists_at": NOW,
    "recognition": Recognition(kind="de_visu", at=NOW, operator="op-1"),
    "recognised_before": (Recognition(kind="de_visu", at=NOW, operator="op-2"),),
    "dispositivo": DispositivoRequest(id="r-1", requested_at=NOW, submission="fax"),
    "cancelled": Cancellation(request_id="r-0", at=NOW, operator="op-1", reason="illegible", note="no"),
    "suspended": (Istanza(id="i-1", protocol="2026.0000000001", service="NASpI", submitted_at=NOW),),
    "istanze": (Istanza(id="i-1", protocol="2026.0000000001", service="NASpI", submitted_at=NOW),),
}
"""Something in every field that a citizen's life fills."""


def erased(before: Account, **fields: Any) -> Any:  # noqa: ANN401 - a decision
    return erasure.erase(before, read("citizen.erase", **fields), moment())


@pytest.mark.parametrize("status", TRANSITIONS)
def test_nothing_is_left_but_the_status_whatever_there_was(status: Status) -> None:
    before = account(status, **{**FULL, "health_card": CARD})
    decision = erased(before)
    after = "revoked" if status in LIVE else status
    assert decision.reply == accepted()
    assert decision.account == Account(subject=SUBJECT, version=before.version, status=after)
    assert decision.account.model_dump_json(exclude_defaults=True) == "{}"
    assert (decision.messages, decision.records, decision.sent_to) == ((), (), ())


def test_what_a_newer_release_kept_is_erased_as_well() -> None:
    before = Account.model_validate_json(
        account("active").model_dump_json()[:-1] + ',"nickname":"Mariuccio"}'
    )
    before = before.but(subject=SUBJECT, version=1, status="active", level="online")
    assert "Mariuccio" in before.model_dump_json()
    assert "Mariuccio" not in erased(before).account.model_dump_json()


@pytest.mark.parametrize("status", sorted(LIVE))
def test_a_live_pin_is_revoked_first_and_the_citizen_is_told_everywhere(status: Status) -> None:
    decision = erased(account(status))
    assert decision.entries == (
        LedgerEntry("pin.revoked", {"cause": "contact_centre"}),
        LedgerEntry("citizen.erased", {"cause": "operator"}),
    )
    assert decision.events == (
        Event("pin.revoked", {"cause": "contact_centre"}),
        Event("citizen.erased"),
    )
    assert [one.channel for one in told(decision)] == ["sms", "pec", "email"]


@pytest.mark.parametrize("status", ["none", "revoked", "expired"])
def test_who_has_no_live_pin_is_not_written_to(status: Status) -> None:
    """The contacts of a PIN that ended may be somebody else's by now."""
    decision = erased(account(status, health_card=CARD))
    assert [entry.kind for entry in decision.entries] == ["citizen.erased"]
    assert told(decision) == []


@pytest.mark.parametrize(
    "before",
    [
        Account(subject=SUBJECT),
        account("none", attempts=Attempts(in_row=3, total=3)),
        Account(subject=SUBJECT, version=4, status="revoked"),
        Account(subject=SUBJECT, version=4, status="revoked", deceased_on=date(2024, 5, 17)),
    ],
    ids=["nobody", "guessed at", "erased before", "erased after a death"],
)
def test_of_somebody_unknown_nothing_is_written(before: Account) -> None:
    decision = erased(before)
    assert decision.reply == rejected("unknown_citizen")
    assert (decision.account, decision.entries, decision.events) == (None, (), ())


def test_the_reason_is_kept_nowhere_and_nothing_personal_is_said() -> None:
    before = account("active")
    decision = erased(before, reason=REASON)
    assert REASON not in public(decision) + decision.account.model_dump_json()
    assert [datum for datum in personal(before) if datum in public(decision)] == []


def test_an_operator_has_to_give_a_reason() -> None:
    with pytest.raises(Exception, match="faults"):
        read("citizen.erase", reason="")


def test_who_has_died_stays_dead_so_that_nobody_is_issued_a_pin_in_that_name() -> None:
    """R7 and last rules: the day of the death is all that stays."""
    before = account("revoked", deceased_on=date(2024, 5, 17))
    after = erased(before).account
    assert after == Account(subject=SUBJECT, version=1, status="revoked", deceased_on=date(2024, 5, 17))
    decision = requests.request(after, read("pin.request"), moment())
    assert [entry.data for entry in decision.entries] == [{"code": "deceased"}]


@pytest.mark.parametrize("status", ["none", "active", "revoked", "expired"])
def test_who_was_erased_asks_anew_and_gets_a_pin_of_its_own(status: Status) -> None:
    after = erased(account(status, health_card=CARD, suspended=FULL["suspended"])).account
    decision = requests.request(after, read("pin.request"), moment(seed=1))
    assert [entry.kind for entry in decision.entries] == ["pin.issued"]
    assert decision.account is not None
    assert (decision.account.status, decision.account.suspended) == ("issued", ())


def test_what_was_due_later_finds_nothing() -> None:
    before = account("issued")
    assert before.pin is not None
    after = erased(before).account
    expire = Expire(subject=SUBJECT.hex(), pin_id=UUID(before.pin.id))
    assert endings.expire(after, expire, moment(NOW + timedelta(days=61))).account is None


# Long after the PIN ended


def forgotten(before: Account, due: frozenset[bytes] = frozenset({SUBJECT})) -> Any:  # noqa: ANN401 - a decision
    return erasure.forget(before, EndedLongAgo(), moment(known=due))


@pytest.mark.parametrize("status", ["revoked", "expired"])
def test_a_citizen_whose_pin_ended_long_ago_is_forgotten_and_not_written_to(status: Status) -> None:
    decision = forgotten(account(status, **{**FULL, "deceased_on": date(2024, 5, 17)}))
    assert decision.account == Account(
        subject=SUBJECT, version=1, status=status, deceased_on=date(2024, 5, 17)
    )
    assert decision.entries == (LedgerEntry("citizen.erased", {"cause": "period"}),)
    assert decision.events == (Event("citizen.erased"),)
    assert (decision.deliveries, decision.messages) == ((), ())


@pytest.mark.parametrize("status", sorted(LIVE))
def test_who_asked_anew_meanwhile_is_not_forgotten(status: Status) -> None:
    assert forgotten(account(status)).account is None


def test_who_is_not_due_any_more_is_not_forgotten() -> None:
    assert forgotten(account("revoked"), frozenset()).account is None


def test_a_citizen_is_forgotten_once() -> None:
    after = forgotten(account("revoked")).account
    assert forgotten(after).entries == ()
