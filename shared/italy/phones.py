"""Telephone numbers: E.164 and in use in the numbering plan; a mobile number must receive SMS."""

import re

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, PhoneNumberType

from shared.errors import Fault

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_RECEIVE_SMS = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})
# Numbers of persons: a line, or an internet number (VoIP), such as 055 in Italy. Toll-free, premium-rate,
# shared-cost, personal (those that follow their subscriber) and company-wide numbers are services.
_SOMEBODYS = _RECEIVE_SMS | {PhoneNumberType.FIXED_LINE, PhoneNumberType.VOIP}


def _plain_italian(kind: str) -> re.Pattern[str]:
    """The library's own pattern for Italy, so that the fast path agrees with any installed version.

    Numbers of the Vatican share the prefix and are left to the library.
    """
    italy = phonenumbers.PhoneMetadata.metadata_for_region("IT", None)
    described = getattr(italy, kind)
    lengths = "|".join(f"[0-9]{{{length}}}" for length in described.possible_length)
    return re.compile(rf"\+39(?!06698)(?=(?:{lengths})$)(?:{described.national_number_pattern})", re.ASCII)


_ITALIAN_MOBILE = _plain_italian("mobile")
_ITALIAN_FIXED = _plain_italian("fixed_line")


def fault_of_phone(field: str, value: str) -> Fault | None:
    """Return the fault of a text as a person's telephone number in E.164, such as `+390612345678`.

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
    """The same for a number that must receive SMS; in North America a number does not show its kind.

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
    """The number, or None if the text is not exactly E.164."""
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
