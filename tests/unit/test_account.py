"""What an account is made of is checked where it is made and where it is changed."""

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from shared.domain.account import Account, Contacts, HealthCard, Holder, Part
from tests.unit.decisions import CARD, CONTACTS, NOW, account, holder

WRONG = [
    (Account, {"status": "lost"}),
    (Account, {"level": "wizard"}),
    (Account, {"version": "1"}),
    (Account, {"review_since": NOW.date()}),
    (Account, {"contacts": CARD}),
    (Account, {"links_sent": [NOW]}),
    (Account, {"pin": "A1B2C3D4"}),
    (Contacts, {"email": 7}),
    (HealthCard, {"number": CARD.number, "expires_on": "2029-06-30"}),
    (Holder, holder().known() | {"language": "fr"}),
    (Holder, holder().known() | {"birth_date": "1985-12-10"}),
]
"""A value that is no status, or of another type than the field's, also where it could be read as one."""
VALID: dict[type[Part], Part] = {Account: account(), Contacts: CONTACTS, HealthCard: CARD, Holder: holder()}


@pytest.mark.parametrize(("kind", "values"), WRONG)
def test_nothing_is_made_of_a_wrong_value(kind: type[Part], values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        kind(**values)


@pytest.mark.parametrize(("kind", "values"), WRONG)
def test_nothing_is_changed_to_a_wrong_value(kind: type[Part], values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        VALID[kind].but(**values)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (Account, {"dispositvo": None}),
        (Contacts, {"emial": "mario.rossi@example.com"}),
        (HealthCard, {"number": CARD.number, "expires_on": CARD.expires_on, "expired": True}),
    ],
)
def test_a_misspelt_field_is_an_error_where_it_stands(kind: type[Part], values: dict[str, Any]) -> None:
    misspelt = list(values)[-1]
    with pytest.raises(ValidationError, match=rf"(?m)^{misspelt}\n.*there is no such field"):
        kind(**values)
    with pytest.raises(TypeError, match=misspelt):
        VALID[kind].but(**values)


def test_no_error_shows_what_the_value_was() -> None:
    """It may be a citizen's."""
    with pytest.raises(ValidationError) as raised:
        CONTACTS.but(email=7, pec=["anna@pec.example.it"])
    assert "anna" not in str(raised.value)


def test_a_required_field_is_an_error_where_it_is_missing() -> None:
    with pytest.raises(ValidationError, match="expires_on"):
        HealthCard.model_validate({"number": CARD.number})


def test_a_part_that_a_newer_release_wrote_can_be_changed_and_kept_in_an_account() -> None:
    """What is unknown was checked by whoever wrote it: it is carried, beside changes that are checked."""
    card = HealthCard.model_validate_json(
        '{"number": "1", "expires_on": "2029-06-30", "issuer": {"region": "Toscana", "codes": [1, null]}}'
    )
    changed = account().but(health_card=card.but(expires_on=date(2035, 6, 30))).health_card
    assert changed is not None
    assert changed.expires_on == date(2035, 6, 30)
    assert changed.model_extra == {"issuer": {"region": "Toscana", "codes": [1, None]}}
    assert card.expires_on == date(2029, 6, 30)
    with pytest.raises(TypeError, match="issuer"):
        card.but(issuer=None)
