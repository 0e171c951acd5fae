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
    "value", ["+390612345678", "+493012345", "+390669812345", "+395512345678", "+33970123456"]
)
def test_landlines_and_numbers_of_the_internet_receive_none(value: str) -> None:
    assert mobile(value) == "no_sms"
    assert phone(value) is None


@pytest.mark.parametrize(
    "value",
    [
        "+39899876543", "+39895123", "+39166987654", "+39144987654",  # premium-rate
        "+39848987654", "+39840987654", "+39847123",  # shared-cost
        "+39800987654", "+39803001", "+39803164",  # toll-free
        "+39199987654", "+391789876543",  # universal, personal
        "+449098765432", "+448081570111", "+448451234567", "+443009876543", "+447098765432",
        "+49180987654", "+41900987654", "+33810987654", "+18005550199", "+19005550199",
        "+80098765432", "+80898765432", "+979987654321",
    ],
)  # fmt: skip
def test_a_number_of_a_service_is_nobodys_home_nor_mobile(value: str) -> None:
    """Whoever is called back there pays, or is nobody."""
    assert phone(value) in {"service_number", "not_in_use"}
    assert mobile(value) in {"no_sms", "not_in_use"}


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


KINDS = phonenumbers.PhoneNumberType
SOMEBODYS = {KINDS.FIXED_LINE, KINDS.MOBILE, KINDS.FIXED_LINE_OR_MOBILE, KINDS.VOIP}
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
    assert (phone(value) is None) == (valid and kind in SOMEBODYS)
    assert (mobile(value) is None) == (valid and kind == phonenumbers.PhoneNumberType.MOBILE)
