"""Telephones: E.164, in use, and for a mobile of a kind that receives SMS (R2, R5)."""

import phonenumbers
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.italy.phones import fault_of_mobile, fault_of_phone


def phone(value: str) -> str | None:
    fault = fault_of_phone("home_phone", value)
    return fault.code if fault else None


def mobile(value: str) -> str | None:
    fault = fault_of_mobile("mobile", value)
    return fault.code if fault else None


@pytest.mark.parametrize(
    "value",
    ["+393331234567", "+39333123456", "+4915112345678", "+41791234567", "+12025550123", "+40721234567"],
)
def test_mobiles_receive_sms(value: str) -> None:
    """In North America a number does not show its kind, and is given the benefit."""
    assert mobile(value) is None
    assert phone(value) is None


@pytest.mark.parametrize(
    "value", ["+390612345678", "+39800123456", "+493012345", "+390669812345", "+39199123456"]
)
def test_landlines_and_special_numbers_receive_none(value: str) -> None:
    assert mobile(value) == "no_sms"
    assert phone(value) is None


@pytest.mark.parametrize(
    "value",
    ["", "+", "3331234567", "00393331234567", "+39 333 1234567", "+39-333-1234567", "+393331234567\n",
    "+39٣٣٣1234567",
     "+0393331234567", "tel:+393331234567", "+44(0)2079460958", "+4402079460958", "+999123456789"],
)  # fmt: skip
def test_what_is_not_e164_to_the_letter_is_refused(value: str) -> None:
    assert phone(value) == "not_e164"
    assert mobile(value) == "not_e164"


@pytest.mark.parametrize("value", ["+39333123", "+3939912345678", "+392012345678", "+4412345678"])
def test_numbers_that_no_plan_has_are_refused(value: str) -> None:
    assert phone(value) == "not_in_use"
    assert mobile(value) == "not_in_use"


NATIONAL = st.from_regex(r"\A(?:3|0|31|43|06698|0669|55|8|1)[0-9]{3,12}\Z")


@settings(max_examples=1500, deadline=None)
@given(NATIONAL)
@example("0669812345")
@example("3101234567")
@example("39012345678")
def test_the_fast_path_for_italy_agrees_with_the_library(national: str) -> None:
    value = f"+39{national}"
    number = phonenumbers.parse(value)
    valid = phonenumbers.is_valid_number(number) and len(value) <= 16
    kind = phonenumbers.number_type(number)
    assert (phone(value) is None) == valid
    assert (mobile(value) is None) == (valid and kind == phonenumbers.PhoneNumberType.MOBILE)
