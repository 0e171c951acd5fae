"""The types of single fields, each with the check that its value alone can answer.

Those about a person, for which Italy's tables are needed, are in `citizen.py`: a channel never loads them.
"""

import binascii
import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from nacl import bindings
from nacl.exceptions import CryptoError
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from shared.contract.instants import rfc3339
from shared.italy.dates import day_of

EARLIEST = date(1900, 1, 1)
LATEST = date(2199, 12, 31)

# Beside the control characters (Postgres stores no U+0000): line separators, and the marks
# that turn the direction of text, with which a name could misrepresent a letter or a form.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_LONGEST_SEALED = 1024
_SEAL = bindings.crypto_box_SEALBYTES


def fault(code: str, detail: str) -> PydanticCustomError:
    """Return the error that becomes a `Fault` with this code and detail at the field's own path."""
    return PydanticCustomError(code, "{detail}", {"detail": detail})


def printable(text: str) -> str:
    """Return a text of one line as it is.

    Raises:
        PydanticCustomError: it has control characters, or marks that turn its direction.
    """
    if not text.isprintable() and _UNPRINTABLE.search(text):
        raise fault("control_character", "Control characters are not allowed.")
    return text


def _printable_lines(text: str) -> str:
    for line in text.replace("\r\n", "\n").split("\n"):
        printable(line)
    return text


def _plausible(day: date) -> date:
    if not EARLIEST <= day <= LATEST:
        raise fault("implausible_date", "The date is not a plausible one.")
    return day


def _past(day: date) -> date:
    # The latest date on Earth: in Rome the day begins before it does in UTC.
    if day > (datetime.now(UTC) + timedelta(hours=14)).date():
        raise fault("in_the_future", "The date lies in the future.")
    return _plausible(day)


def _past_in_italy(day: date) -> date:
    if day > day_of(datetime.now(UTC)):
        raise fault("in_the_future", "The date lies in the future.")
    return _plausible(day)


def _day(value: object) -> object:
    if isinstance(value, date):
        return value
    if not isinstance(value, str):
        raise fault("wrong_type", "Must be a text of the form YYYY-MM-DD.")
    if not _DAY.fullmatch(value):
        raise fault("not_a_date", "Must be a date of the form YYYY-MM-DD.")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise fault("not_a_date", "The calendar has no such day.") from None


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def _exact(moment: datetime) -> str:
    return rfc3339(moment, to="auto")


def _decoded(text: str) -> bytes:
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        raise fault("not_base64", "Must be standard base64.") from None


def _sealed(text: str) -> str:
    if len(_decoded(text)) <= _SEAL:
        raise fault("not_sealed", "Must be a libsodium sealed box with something in it.")
    return text


def _public_key(text: str) -> str:
    try:
        bindings.crypto_box_seal(b"", _decoded(text))
    except (CryptoError, ValueError):
        raise fault("not_a_public_key", "Must be an X25519 public key of 32 bytes in base64.") from None
    return text


def _digits_of_card(text: str) -> str:
    if not re.fullmatch(r"[0-9]{20}", text):
        raise fault("not_a_card_number", "The number of a health card has 20 digits.")
    return text


def text(longest: int, shortest: int = 1) -> StringConstraints:
    """Return the bounds of a text, in characters."""
    return StringConstraints(min_length=shortest, max_length=longest)


Line = Annotated[str, text(200), AfterValidator(printable)]
"""One line of text."""
Word = Annotated[str, text(64), AfterValidator(printable)]
"""A short designation."""
Note = Annotated[str, text(2000, shortest=0), AfterValidator(_printable_lines)]
"""A text of several lines."""
ProvinceCode = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2}$", to_upper=True)]
CountryCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Day = Annotated[date, BeforeValidator(_day), AfterValidator(_plausible)]
PastDay = Annotated[date, BeforeValidator(_day), AfterValidator(_past)]
PastDayInItaly = Annotated[date, BeforeValidator(_day), AfterValidator(_past_in_italy)]
"""A day that has begun in Italy."""
Instant = Annotated[
    AwareDatetime,
    AfterValidator(_in_utc),
    PlainSerializer(_exact, return_type=str, when_used="json"),
    Field(json_schema_extra={"format": "date-time"}),
]
"""An RFC 3339 instant in UTC."""
WrittenInstant = Annotated[
    str,
    StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""An RFC 3339 instant in UTC, as `rfc3339` writes it: the same text in reply, event and entry."""
Sealed = Annotated[str, text(_LONGEST_SEALED), AfterValidator(_sealed)]
"""A sealed box in base64: opened by the worker, never by the contract."""
PublicKey = Annotated[str, text(44), AfterValidator(_public_key)]
CardNumber = Annotated[str, text(32), AfterValidator(_digits_of_card), Field(description="20 digits.")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Uri = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9+.-]*:[!-~]+$", max_length=2048)]
Subject = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16,128}$")]
"""The pseudonym of a citizen: a keyed hash of the codice fiscale, in hex."""
Identifier = UUID
Reference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]*$", max_length=64)]
"""An identifier that its sender chose."""
Seen = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
"""What a reply gives for what it shows, to be given back as it is: it tells nothing."""

Correlation = Annotated[str, text(255), AfterValidator(printable)]
Protocol = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}\.[0-9]{10}$")]
"""The number of an istanza: the year and a number that rises within it."""

Level = Literal["online", "dispositivo"]
