"""Two releases on one ledger: each preserves the fields of the other."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import Field

from services.dispositivo import queue
from services.issuer import registry
from shared.contract.issuer import ContactsUpdate
from shared.crypto.sealing import StateSeal
from shared.domain import account as today
from shared.domain.account import Account, Contacts, Holder
from shared.errors import UnsealableError
from shared.worker import account_codec
from tests.unit.decisions import NOW, account, moment, read

SEAL = StateSeal(bytes(32))


class NewerContacts(Contacts):
    """Contacts of a later release."""

    app: str | None = None


class NewerHolder(Holder):
    """A holder of a later release."""

    known_as: str = ""


class Newer(Account):
    """The account of a later release: a field of its own, and more in its parts."""

    holder: NewerHolder | None = None
    contacts: NewerContacts = NewerContacts()
    passkeys: tuple[dict[str, Any], ...] = ()
    score: float = Field(default=0.0)


def row(state: Account) -> dict[str, Any]:
    """Return the row of an account as the ledger has it."""
    return {
        "subject": state.subject,
        "version": state.version,
        "status": state.status,
        "level": state.level,
        "review_since": state.review_since,
        "schema": account_codec.SCHEMA,
        "state": account_codec.encode(state, SEAL),
    }


def by_newer(found: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Newer:
    """Open a row as the later release does."""
    with monkeypatch.context() as patch:
        patch.setattr(account_codec, "Account", Newer)
        opened = account_codec.decode(found, SEAL)
    assert isinstance(opened, Newer)
    return opened


def newer() -> Newer:
    """Return a citizen as the later release keeps one."""
    old = account("active").but(version=3)
    values = old.known()
    values["holder"] = NewerHolder(**old.holder.known(), known_as="Rò") if old.holder else None
    values["contacts"] = NewerContacts(**old.contacts.known(), app="token-7")
    return Newer(**values, passkeys=({"id": "k1", "at": 12, "keys": ["a", None, True]},), score=0.1)


def test_the_older_release_carries_what_it_does_not_know_through_a_change(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    there = newer()
    opened = account_codec.decode(row(there), SEAL)
    assert type(opened) is Account
    contacts = opened.contacts.but(mobile="+393331112222")
    back = by_newer(row(opened.but(contacts=contacts, version=4)), monkeypatch)
    assert back == there.but(version=4, contacts=there.contacts.but(mobile="+393331112222"))
    assert (back.passkeys, back.score, back.contacts.app) == (there.passkeys, 0.1, "token-7")
    assert back.holder is not None
    assert back.holder.known_as == "Rò"


def test_the_older_release_carries_it_through_its_decisions(monkeypatch: pytest.MonkeyPatch) -> None:
    there = newer()
    command = read("contacts.update", contacts={"mobile": "+393331112222"})
    assert isinstance(command, ContactsUpdate)
    decided = registry.contacts_update(
        account_codec.decode(row(there), SEAL), command, moment(NOW + timedelta(days=1))
    )
    assert decided.account is not None
    back = by_newer(row(decided.account.but(version=4)), monkeypatch)
    assert (back.passkeys, back.contacts.app, back.contacts.mobile) == (
        there.passkeys,
        "token-7",
        "+393331112222",
    )


def test_the_newer_release_reads_what_the_older_one_wrote(monkeypatch: pytest.MonkeyPatch) -> None:
    old = account("active").but(version=3)
    opened = by_newer(row(old), monkeypatch)
    assert (opened.passkeys, opened.score, opened.contacts.app) == ((), 0.0, None)
    again = account_codec.decode(row(opened.but(version=4)), SEAL)
    assert again == old.but(version=4)


def test_what_is_not_known_is_shown_to_nobody() -> None:
    """The contract has no field for it, so no reply, form or question may stumble over it."""
    opened = account_codec.decode(row(newer()), SEAL)
    assert "app" not in opened.contacts.known()
    document = today.Document.model_validate_json(
        b'{"kind": "passport", "number": "YA1", "issued_by": "Pisa", "issued_on": "2020-01-01",'
        b' "expires_on": "2030-01-01", "chip": true}'
    )
    assert queue.as_told(document).number == "YA1"


def test_a_form_that_is_newer_is_left_alone() -> None:
    found = row(account("active").but(version=3))
    with pytest.raises(UnsealableError):
        account_codec.decode(found | {"schema": account_codec.SCHEMA + 1}, SEAL)


def test_a_field_that_nobody_knows_cannot_be_set_by_mistake() -> None:
    with pytest.raises(TypeError, match="dispositvo"):
        account("active").but(dispositvo=None)


def test_an_account_of_before_opens_with_columns_that_were_not_sealed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    there = account("active").but(version=3)
    with monkeypatch.context() as patch:
        patch.setattr(account_codec, "SCHEMA", 1)
        old = row(there)
    assert account_codec.decode(old, SEAL) == there
    with pytest.raises(UnsealableError, match="older than is accepted"):
        account_codec.decode(old, SEAL, oldest=2)
    with pytest.raises(UnsealableError):
        account_codec.decode(old | {"schema": 2}, SEAL)


@pytest.mark.parametrize(
    "changed",
    [{"level": "dispositivo"}, {"status": "restoring"}, {"review_since": NOW}, {"version": 4}, {"schema": 1}],
)
def test_no_column_of_an_account_can_be_changed_beside_its_seal(changed: dict[str, Any]) -> None:
    there = row(account("active").but(version=3))
    with pytest.raises(UnsealableError):
        account_codec.decode(there | changed, SEAL)
