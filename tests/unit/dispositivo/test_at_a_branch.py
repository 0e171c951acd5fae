"""A branch looks up, checks, corrects and activates (R26)."""

from datetime import timedelta

import pytest

from services.dispositivo import branch
from shared.contract.dispositivo import LookupData
from shared.domain.account import Account, Residence, Status
from shared.domain.decision import Decision
from tests.unit.decisions import NOW, POLICY, Event, account, holder, personal, public, read, told
from tests.unit.dispositivo.flow import (
    asked,
    changed,
    code,
    data,
    due,
    events,
    facing,
    kinds,
    submitted,
    take_effect,
    waiting,
)

CORRECTED = {
    "kind": "identity_card",
    "number": "CA99999AA",
    "issued_by": "Comune di San Giuliano Terme",
    "issued_on": "2021-03-15",
    "expires_on": "2031-12-10",
}
NOT_ACTIVE = ["none", "issued", "restoring", "revoked", "expired"]


def look_up(citizen: Account) -> Decision:
    return branch.look_up(citizen, read("branch.lookup"), facing())


def activate(citizen: Account, **fields: object) -> Decision:
    return branch.activate(citizen, read("branch.activate", **fields), facing())


def test_the_operator_sees_the_person_and_the_document_on_file() -> None:
    """R26."""
    decision = look_up(submitted())
    assert decision.reply is not None
    body = decision.reply.body()
    shown = LookupData.model_validate_json(body[body.index(b'"data":') + 7 : -1])
    assert (shown.surname, shown.birth_place) == ("Rossi", "San Giuliano Terme")
    assert shown.document is not None
    assert shown.document.number == "CA12345AA"


def test_no_document_on_file_shows_as_none() -> None:
    """R26."""
    assert data(look_up(account()))["document"] is None


def test_a_home_abroad_is_shown_as_the_contract_has_it() -> None:
    """R1, R26."""
    home = Residence(country="AT", municipality="Wien", postal_code="1010", lines=("Ring 1",))
    shown = data(look_up(account(holder=holder().but(residence=home))))
    assert shown["residence"] == {
        "country": "AT", "lines": ["Ring 1"], "municipality": "Wien", "postal_code": "1010",
    }  # fmt: skip


def test_the_look_is_on_record() -> None:
    """R26."""
    decision = look_up(account())
    (entry,) = decision.entries
    assert (entry.kind, entry.data["seen"]) == ("personal_data.seen", data(decision)["seen"])
    assert not [value for value in personal(account()) if value in public(decision.but(reply=None))]


@pytest.mark.parametrize("status", NOT_ACTIVE)
def test_without_an_active_pin_nothing_is_shown_or_done(status: Status) -> None:
    """R26."""
    for decision in (look_up(account(status)), activate(account(status))):
        assert code(decision) == "no_active_pin"
        assert not decision.entries


def test_the_pin_is_dispositivo_at_once() -> None:
    """R26, R27, R32."""
    decision = activate(waiting())
    assert code(decision) == "accepted"
    assert changed(decision).level == "dispositivo"
    assert decision.events[0] == Event("dispositivo.activated", {"channel": "branch"})
    assert events(decision)[1:] == ["istanza.released"] * 2
    assert [mail.subject for mail in told(decision)] == [
        "Il suo PIN è ora dispositivo",
        "Le sue istanze sospese sono state sbloccate",
    ]


def test_who_is_dispositivo_already_is_told_so() -> None:
    """R26."""
    assert code(activate(account(level="dispositivo"))) == "already_dispositivo"


def test_a_correction_is_on_record_with_what_was_there_and_by_whom() -> None:
    """R26: the values in the sealed state, the names of the fields in the ledger."""
    decision = activate(submitted(), document=CORRECTED)
    entry = next(entry for entry in decision.entries if entry.kind == "dispositivo.activated")
    assert entry.data["corrected"] == ["number"]
    assert "CA99999AA" not in public(decision)
    seen = changed(decision).recognition
    assert seen is not None
    assert seen.before is not None
    assert seen.document is not None
    assert (seen.before.number, seen.document.number) == ("CA12345AA", "CA99999AA")
    assert (seen.operator, seen.office) == ("op-0107", "Sede di Pisa")


def test_a_document_that_agrees_corrects_nothing() -> None:
    """R26."""
    decision = activate(submitted())
    entry = next(entry for entry in decision.entries if entry.kind == "dispositivo.activated")
    assert entry.data["corrected"] == []


def test_it_closes_an_open_online_request() -> None:
    """R26."""
    decision = activate(submitted())
    assert kinds(decision) == ["dispositivo.closed", "dispositivo.activated"]
    assert changed(decision).dispositivo is None
    assert changed(decision).review_since is None


def test_with_a_delay_it_takes_effect_later() -> None:
    """R26: the delay is a setting."""
    slow = facing(policy=POLICY.model_copy(update={"branch_delay": timedelta(hours=1)}))
    decision = branch.activate(asked(waiting()), read("branch.activate"), slow)
    assert code(decision) == "accepted"
    assert changed(decision).level == "online"
    assert due(decision).due_at == NOW + timedelta(hours=1)
    later = take_effect(changed(decision), due(decision), NOW + timedelta(hours=1))
    assert changed(later).level == "dispositivo"
    assert later.events[0] == Event("dispositivo.activated", {"channel": "branch"})
    assert changed(later).suspended == ()
