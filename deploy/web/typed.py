"""What people type, as the contract wants it.

What cannot be understood stays as it is: the contract refuses it, and says why.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat
from starlette.datastructures import FormData

from shared.italy import dates

_DAY = re.compile(r"(\d{1,2})\s*[-/. ]\s*(\d{1,2})\s*[-/. ]\s*(\d{4})|(\d{2})(\d{2})(\d{4})", re.ASCII)
_SIGNS = re.compile(r"[\s./()-]")


def typed(form: FormData, names: Iterable[str]) -> dict[str, str]:
    """Return the fields of a form that are texts, without blanks around them; empty ones are left out."""
    found = {name: form.get(name) for name in names}
    return {name: text for name, value in found.items() if isinstance(value, str) and (text := value.strip())}


def nested(fields: Mapping[str, str]) -> dict[str, Any]:
    """Return fields with dotted names as the object that they mean: `{"a.b": "c"}` as `{"a": {"b": "c"}}`."""
    body: dict[str, Any] = {}
    for name, value in fields.items():
        *above, last = name.split(".")
        at = body
        for part in above:
            at = at.setdefault(part, {})
        at[last] = value
    return body


def flat(body: Mapping[str, object], above: str = "") -> Iterator[tuple[str, str]]:
    """Yield the fields of an object, lists included, with their dotted names: what `nested` began with."""
    for name, value in body.items():
        match value:
            case Mapping():
                yield from flat(value, f"{above}{name}.")
            case list() | tuple():
                yield from flat({str(at): each for at, each in enumerate(value)}, f"{above}{name}.")
            case _:
                yield f"{above}{name}", str(value)


def day(text: str) -> str:
    """Return a date as `YYYY-MM-DD`; `10/12/1985`, `10.12.1985`, `10121985` are understood."""
    if found := _DAY.fullmatch(text):
        day, month, year = filter(None, found.groups())
        return f"{year}-{month:>02}-{day:>02}"
    return text


def written_day(text: str, language: str) -> str:
    """Return a date of the contract as people write it; what is none as it is."""
    try:
        return dates.day(date.fromisoformat(text), language)
    except ValueError:
        return text


def phone(text: str) -> str:
    """Return a telephone number in E.164: without an international prefix it is one of Italy."""
    try:
        number = phonenumbers.parse(text, "IT")
    except NumberParseException:
        return text
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def number(text: str) -> str:
    """Return a number of a card without the blanks and signs between its digits."""
    return _SIGNS.sub("", text)
