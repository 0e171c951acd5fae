"""Telephone numbers: E.164 and in use by the numbering plan; for a mobile, of a kind that receives SMS."""

import re

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, PhoneNumberType

from shared.errors import Fault

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_RECEIVE_SMS = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})
# Somebody's own: a line, or a number of the internet's, such as 055 in Italy. Toll-free, premium-rate,
# shared-cost, personal (as they are called that follow whoever pays) and company-wide numbers are services'.
_SOMEBODYS = _RECEIVE_SMS | {PhoneNumberType.FIXED_LINE, PhoneNumberType.VOIP}


def _plain_italian(kind: str) -> re.Pattern[str]:
    """The library's own pattern for Italy, so that the fast path holds whatever version is installed.

    Numbers of the Vatican share the prefix and are left to the library.
    """
    italy = phonenumbers.PhoneMetadata.metadata_for_region("IT", None)
    described = getattr(italy, kind)
    lengths = "|".join(f"[0-9]{{{length}}}" for length in described.possible_length)
    return re.compile(rf"\+39(?!06698)(?=(?:{lengths})$)(?:{described.national_number_pattern})", re.ASCII)


_ITALIAN_MOBILE = _plain_italian("mobile")
_ITALIAN_FIXED = _plain_italian("fixed_line")


def fault_of_phone(field: str, value: str) -> Fault | None:
    """Say what keeps a text from being somebody's telephone number in E.164, such as `+390612345678`.

    Codes: `not_e164`, `not_in_use` (the country has no such numbers), `service_number` (premium-rate,
    shared-cost, toll-free, universal and the like).
    """
    if _ITALIAN_MOBILE.fullmatch(value) or _ITALIAN_FIXED.fullmatch(value):
        return None
    number = _parsed(value)
    fault = _fault(field, number)
    if fault or (number and phonenumbers.number_type(number) in _SOMEBODYS):
        return fault
    return Fault(field, "service_number", "A number of this kind is a service's, and nobody's home.")


def fault_of_mobile(field: str, value: str) -> Fault | None:
    """The same for a number that has to receive SMS; in North America no number shows which kind it is.

    Codes: those of `fault_of_phone` and `no_sms`.
    """
    if _ITALIAN_MOBILE.fullmatch(value):
        return None
    number = _parsed(value)
    fault = _fault(field, number)
    if fault or (number and phonenumbers.number_type(number) in _RECEIVE_SMS):
        return fault
    return Fault(field, "no_sms", "A number of this kind receives no SMS.")


def _parsed(value: str) -> PhoneNumber | None:
    """The number, or None where the text is not E.164 to the letter."""
    if not _E164.fullmatch(value):
        return None
    try:
        number = phonenumbers.parse(value)
    except NumberParseException:
        return None
    written = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    return number if written == value else None


def _fault(field: str, number: PhoneNumber | None) -> Fault | None:
    if number is None:
        return Fault(field, "not_e164", "Write + and the country code, then digits without spaces or signs.")
    if not phonenumbers.is_valid_number(number):
        return Fault(field, "not_in_use", "The numbering plan of the country has no such number.")
    return None
