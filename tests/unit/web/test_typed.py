"""What people type, as the contract wants it."""

import pytest

from deploy.web.typed import day, flat, nested, number, phone, written_day


@pytest.mark.parametrize(
    "text", ["10/12/1985", "10.12.1985", "10-12-1985", "10 12 1985", "10. 12. 1985", "10121985", "1985-12-10"]
)
def test_a_date_is_understood_as_people_write_it(text: str) -> None:
    assert day(text) == "1985-12-10"


@pytest.mark.parametrize("text", ["", "yesterday", "10/12/85", "1/2", "10/12/1985/"])
def test_what_is_no_date_stays_as_it_is_for_the_contract_to_refuse(text: str) -> None:
    assert day(text) == text


def test_a_date_is_shown_as_people_write_it() -> None:
    assert (written_day("1985-12-10", "it"), written_day("1985-12-10", "de")) == ("10/12/1985", "10.12.1985")
    assert written_day("31/2/1985", "it") == "31/2/1985"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("333 123 45 67", "+393331234567"),
        ("0039 333-1234567", "+393331234567"),
        ("+39 (06) 1234567", "+39061234567"),
        ("06 1234567", "+39061234567"),
        ("+43 512 123456", "+43512123456"),
        ("none", "none"),
        ("", ""),
    ],
)
def test_a_telephone_is_one_of_italy_unless_it_says_otherwise(text: str, written: str) -> None:
    assert phone(text) == written


def test_the_digits_of_a_card_may_be_set_apart() -> None:
    assert number("8038 0000-1234.5678/9012") == "80380000123456789012"


def test_dotted_fields_are_an_object_and_back() -> None:
    fields = {"a": "1", "b.c": "2", "b.d.e": "3"}
    assert nested(fields) == {"a": "1", "b": {"c": "2", "d": {"e": "3"}}}
    assert dict(flat(nested(fields))) == fields
    assert dict(flat({"lines": ["x", "y"]})) == {"lines.0": "x", "lines.1": "y"}
