"""The PIN of a citizen who has died, as the registry says, is revoked; nobody is notified (last rules)."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.dispositivo import activation, branch, documents, istanze, review
from services.dispositivo.backfill_csv import Recognised
from services.dispositivo.backfill_rule import give
from services.issuer import access, endings, registry, requests
from services.issuer.attempts import Compared, admitted
from services.revoker import restore, revoke
from shared.contract.internal import Expire, FailedDelivery, ReturnedLetter, TakeEffect, TellSuspended
from shared.contract.reply import accepted, rejected
from shared.crypto.secret import Secret
from shared.domain.account import LIVE, TRANSITIONS, Account, Istanza, Link, Status, SuspendedTold
from shared.domain.decision import Decision, LedgerEntry
from shared.italy.dates import ROME
from tests.unit.contract.building import codes_of, drop, put
from tests.unit.decisions import (
    CARD,
    CODICE_FISCALE,
    NOW,
    PEPPER,
    POLICY,
    REPLY_KEY,
    SUBJECT,
    Event,
    account,
    moment,
    public,
    read,
    sealed,
)
from tests.unit.dispositivo.flow import ASKING, approved, asked, facing, submitted, waiting

DIED = "2024-05-17"
LATER = NOW + timedelta(days=400)
TOKEN = "0123456789abcdef0123456789abcdef01234567"
LINK = Link(
    digest=PEPPER.link(Secret(TOKEN)),
    expires_at=LATER + timedelta(days=1),
    contacts=(("mobile", "+393331234567"), ("email", "mario.rossi@example.com")),
)
SUSPENDED = Istanza(id="i-1", protocol="2026.0000000001", service="NASpI", submitted_at=NOW)
RECOGNITION = {
    "kind": "de_visu",
    "operator": {"id": "op-17", "office": "Pisa"},
    "document": {
        "kind": "passport",
        "number": "YA0000000",
        "issued_by": "Questura di Pisa",
        "issued_on": "2020-01-01",
        "expires_on": "2030-01-01",
    },
}
REQUEST_ID = UUID(int=7)


def told(citizen: Account, **fields: object) -> Decision:
    """Have the registry report something, by default a death."""
    return registry.registry_update(
        citizen, read("registry.update", **({"health_card": None, "deceased_on": DIED} | fields)), moment()
    )


def dead(citizen: Account) -> Account:
    """Return the account after the registry reported the death."""
    after = told(citizen).account
    assert after is not None
    return after


@pytest.mark.parametrize("status", sorted(LIVE))
def test_a_death_revokes_the_live_pin_and_tells_nobody(status: Status) -> None:
    decision = told(account(status))
    after = decision.account
    assert after is not None
    assert (after.status, after.level, after.pin, after.deceased_on) == (
        "revoked",
        None,
        None,
        date(2024, 5, 17),
    )
    assert decision.events == (Event("pin.revoked", {"cause": "deceased"}),)
    assert decision.entries == (
        LedgerEntry("death.recorded"),
        LedgerEntry("pin.revoked", {"cause": "deceased"}),
    )
    assert (decision.reply, decision.deliveries, decision.messages) == (accepted(), (), ())
    assert DIED not in public(decision)


@pytest.mark.parametrize("status", sorted(TRANSITIONS.keys() - LIVE))
def test_the_death_of_who_has_no_pin_is_kept(status: Status) -> None:
    """Also without any earlier PIN: none is issued in that name."""
    decision = told(account(status))
    assert decision.account == account(status).but(deceased_on=date(2024, 5, 17))
    assert (decision.entries, decision.events, decision.deliveries) == (
        (LedgerEntry("death.recorded"),),
        (),
        (),
    )


@pytest.mark.parametrize("open_one", [asked, submitted, approved])
def test_what_was_open_ends(open_one: Callable[[], Account]) -> None:
    """R14, R20, R22, R25: links, the request for the profile, its place in the queue."""
    after = dead(open_one().but(restore=LINK, revocation=LINK))
    assert (after.dispositivo, after.review_since, after.restore, after.revocation) == (None,) * 4


def test_suspended_istanze_stay_on_record() -> None:
    """R31."""
    before = waiting()
    after = dead(before)
    assert after.suspended == before.suspended
    assert len(after.suspended) == 2


def test_told_again_it_changes_nothing_and_another_date_corrects_it() -> None:
    after = dead(account("active"))
    assert told(after) == Decision(reply=accepted())
    corrected = told(after, deceased_on="2024-05-16")
    assert corrected.account == after.but(deceased_on=date(2024, 5, 16))
    assert corrected.events == ()


def test_card_and_death_may_come_together() -> None:
    """R19."""
    card = {"number": "80380000900000000001", "expires_on": "2031-01-31"}
    decision = told(account("active"), health_card=card)
    assert decision.account is not None
    assert decision.account.health_card is not None
    assert (decision.account.health_card.number, decision.account.status) == (card["number"], "revoked")
    assert [entry.kind for entry in decision.entries] == ["registry.updated", "death.recorded", "pin.revoked"]


def test_a_card_says_nothing_about_a_death() -> None:
    """Neither does a null beside it: a registry may write one wherever it has nothing to say."""
    card = {"number": "80380000900000000001", "expires_on": "2031-01-31"}
    from_registry = read("registry.update", health_card=card)
    with_null = type(from_registry).model_validate_json(
        f'{{"codice_fiscale": "{CODICE_FISCALE}", "deceased_on": null,'
        ' "health_card": {"number": "80380000900000000001", "expires_on": "2031-01-31"}}'
    )
    for command in (from_registry, with_null):
        after = registry.registry_update(dead(account("active")), command, moment()).account
        assert after is not None
        assert after.deceased_on == date(2024, 5, 17)


def test_a_death_that_was_recorded_by_mistake_is_taken_back() -> None:
    """R7: the PIN stays revoked; the citizen asks for another, and istanze can be released again."""
    back = read_null()
    after = dead(waiting())
    decision = registry.registry_update(after, back, moment())
    assert decision.account == after.but(deceased_on=None)
    assert (decision.entries, decision.deliveries) == ((LedgerEntry("death.taken_back"),), ())
    assert decision.account is not None
    again = requests.request(decision.account, read("pin.request", recognition=RECOGNITION), moment())
    assert [event.type for event in again.events] == ["pin.issued", "istanza.released", "istanza.released"]
    assert registry.registry_update(account("active"), back, moment()) == Decision(reply=accepted())


def read_null() -> Any:  # noqa: ANN401 - a command
    kind = type(read("registry.update"))
    return kind.model_validate_json(f'{{"codice_fiscale": "{CODICE_FISCALE}", "deceased_on": null}}')


def test_an_update_of_nothing_names_both() -> None:
    (fault,) = [(field, code) for field, code in codes_of("registry.update", drop("health_card")).items()]
    assert fault == ("health_card", "missing")
    nulls = put("health_card", None), put("deceased_on", None)
    assert codes_of("registry.update", *nulls) == {"health_card": "missing"}


def test_nobody_dies_in_the_future() -> None:
    """By Italy's calendar."""
    today = datetime.now(UTC).astimezone(ROME).date()
    assert read("registry.update", deceased_on=today).deceased_on == today
    for wrong, code in (
        ((today + timedelta(days=1)).isoformat(), "in_the_future"),
        ("2026-02-30", "not_a_date"),
        ("1850-01-01", "implausible_date"),
    ):
        assert codes_of("registry.update", put("deceased_on", wrong)) == {"deceased_on": code}


def attempt(citizen: Account) -> Compared:
    return Compared(
        admitted(citizen, (), LATER, POLICY), "yes", "x", (Secret("Z9Y8X7W6"), b"n" * 16, b"v" * 32)
    )


def at_late(citizen: Account) -> Any:  # noqa: ANN401 - a context
    return moment(LATER, known=attempt(citizen))


INTERNAL = {"subject": SUBJECT.hex()}
DAY = date(2026, 11, 22)
DELIVERY = UUID("5b8f6a0e-3c52-4c8e-8d5e-0f7a1c2b3d4e")
PIN_ID = UUID("0d1f9a52-6f0e-4b7e-9a53-6f0f3b8f2c11")
LATE: dict[str, Callable[[Account], Decision]] = {
    "pin.request": lambda c: requests.request(c, read("pin.request"), at_late(c)),
    "pin.request recognised": lambda c: requests.request(
        c, read("pin.request", recognition=RECOGNITION), at_late(c)
    ),
    "contacts.update": lambda c: registry.contacts_update(c, read("contacts.update"), at_late(c)),
    "pin.activate": lambda c: access.activate(
        c, read("pin.activate", pin_sealed=sealed("7K3M9PQX4V8TN2WZ"), reply_key=REPLY_KEY), at_late(c)
    ),
    "pin.verify": lambda c: access.verify(c, read("pin.verify", pin_sealed=sealed("A1B2C3D4")), at_late(c)),
    "restore.request": lambda c: restore.request(c, read("restore.request"), at_late(c)),
    "restore.confirm": lambda c: restore.confirm(
        c, read("restore.confirm", token_sealed=sealed(TOKEN)), at_late(c)
    ),
    "revoke.request": lambda c: revoke.request(c, read("revoke.request"), at_late(c)),
    "revoke.confirm": lambda c: revoke.confirm(
        c, read("revoke.confirm", token_sealed=sealed(TOKEN)), at_late(c)
    ),
    "revoke.by_contact_centre": lambda c: revoke.by_contact_centre(
        c, read("revoke.by_contact_centre"), at_late(c)
    ),
    "dispositivo.request": lambda c: ASKING(c, read("dispositivo.request"), at_late(c)),
    "dispositivo.submit_documents": lambda c: documents.submit(
        c, read("dispositivo.submit_documents"), at_late(c)
    ),
    "dispositivo.approve": lambda c: review.approve(c, read("dispositivo.approve"), facing(LATER)),
    "dispositivo.cancel": lambda c: review.cancel(c, read("dispositivo.cancel"), facing(LATER)),
    "branch.lookup": lambda c: branch.look_up(c, read("branch.lookup"), facing(LATER)),
    "branch.activate": lambda c: branch.activate(c, read("branch.activate"), facing(LATER)),
    "istanza.submit": lambda c: istanze.submit(c, read("istanza.submit"), at_late(c)),
    "backfill": lambda c: give(c, Recognised(1, CODICE_FISCALE, "de_visu", date(2010, 5, 4)), at_late(c)),
    "the expiry": lambda c: endings.expire(c, Expire(**INTERNAL, pin_id=PIN_ID), at_late(c)),
    "a failed delivery": lambda c: endings.delivery_failed(
        c, FailedDelivery(**INTERNAL, delivery_id=DELIVERY, reason="smtp_550"), at_late(c)
    ),
    "a letter that came back": lambda c: endings.letter_returned(
        c, ReturnedLetter(**INTERNAL, delivery_id=DELIVERY), at_late(c)
    ),
    "the effect of an approval": lambda c: activation.take_effect(
        c, TakeEffect(**INTERNAL, request_id=REQUEST_ID), at_late(c)
    ),
    "the end of a day": lambda c: istanze.notify_of_gathered(
        c.but(suspended_told=SuspendedTold(first_on=DAY, untold=(SUSPENDED.protocol,))),
        TellSuspended(**INTERNAL, day=DAY),
        at_late(c),
    ),
}
"""All that may still come, a year later or the next minute."""


@pytest.mark.parametrize("late", LATE)
@pytest.mark.parametrize("status", sorted(TRANSITIONS))
def test_whatever_comes_later_gives_no_pin_and_tells_nobody(status: Status, late: str) -> None:
    """R5, R14, R20, R27, R29, R32: no delivery, no release, nothing for later."""
    more: dict[str, Any] = (
        {"restore": LINK, "revocation": LINK, "suspended": (SUSPENDED,)} if status in LIVE else {}
    )
    after = dead(account(status, **more))
    decision = LATE[late](after)
    assert (decision.deliveries, decision.messages) == ((), ())
    assert {event.type for event in decision.events} <= {"pin.request_rejected"}
    last = decision.account or after
    assert (last.status, last.level, last.suspended) == (after.status, None, after.suspended)
    assert last.deceased_on


def test_an_approval_on_its_way_to_its_effect_makes_nothing_dispositivo() -> None:
    """R29, R32."""
    before = approved(submitted(asked(waiting())))
    assert before.dispositivo is not None
    effect = TakeEffect(**INTERNAL, request_id=UUID(before.dispositivo.id))
    assert activation.take_effect(dead(before), effect, moment(LATER)) == Decision()


@pytest.mark.parametrize("late", ["pin.request", "pin.request recognised"])
def test_a_request_for_who_has_died_is_accepted_blindly(late: str) -> None:
    """R7: only the ledger and the event say why nothing came of it."""
    decision = LATE[late](dead(account("active")))
    assert decision == Decision(
        reply=accepted(),
        entries=(LedgerEntry("pin.request_rejected", {"code": "deceased"}),),
        events=(Event("pin.request_rejected", {"code": "deceased"}),),
    )


@pytest.mark.parametrize(
    ("late", "reply"),
    [
        ("contacts.update", rejected("no_active_pin")),
        ("restore.request", accepted()),
        ("restore.confirm", rejected("link_invalid")),
        ("revoke.request", accepted()),
        ("branch.lookup", rejected("no_active_pin")),
        ("branch.activate", rejected("no_active_pin")),
        ("istanza.submit", rejected("no_active_pin")),
        ("pin.verify", rejected("wrong_pin")),
    ],
)
def test_the_replies_are_those_to_who_has_no_pin(late: str, reply: object) -> None:
    """R14: a death is not revealed either."""
    assert LATE[late](dead(account("active", restore=LINK))).reply == reply


def test_the_card_of_the_dead_still_revokes_nothing() -> None:
    """R19."""
    assert dead(account("active")).health_card == CARD
    assert LATE["revoke.request"](dead(account("active"))).entries == (
        LedgerEntry("revoke.refused", {"code": "no_live_pin"}),
    )
