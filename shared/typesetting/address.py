"""Postal addresses by the rules of Poste Italiane («Composizione indirizzi», April 2009)."""

import re
from collections.abc import Mapping, Sequence
from itertools import count
from textwrap import wrap
from typing import Any, Final

from shared.italy.countries import COUNTRIES

_LONGEST: Final = 44  # what a line of the envelope's window holds in 10 point
_ADDRESSEE: Final = 2
_AT_HOME: Final = 5
_ABROAD: Final = 6

_punctuation = re.compile(r"[^\w\s'’-]+")
_like_a_half = re.compile(r"\b(?=\w*\d)([0-9A-HJKMNP-TV-Z]{5})([0-9A-HJKMNP-TV-Z]{3})\b", re.IGNORECASE)


def address_lines(name: str, surname: str, residence: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the address block, 3 to 5 lines at home and 3 to 6 abroad.

    At home it ends with CAP, municipality and province in capitals without punctuation; abroad with postal
    code and municipality, then the country in Italian, both in capitals. Long lines are broken where there
    is room for another; where there is none they stay long, and are set smaller. No word is left that could
    be taken for the half of a PIN: Brazil's eight-digit postal codes get their hyphen.

    Args:
        name: given names.
        surname: as registered.
        residence: as in the contract: `street`, `number`, `municipality`, `province`, `postal_code` where
            `country` is `IT`, else `lines`, `municipality`, `postal_code`.

    Raises:
        KeyError: for a field missing, or a country that ISO 3166-1 does not know.
    """
    addressee = _folded([f"{name} {surname}"], _ADDRESSEE)
    if residence["country"] == "IT":
        most, lines, last = _AT_HOME, *_at_home(residence)
    else:
        most, lines, last = _ABROAD, *_abroad(residence)
    lines = _folded(lines, most - len(addressee) - len(last))
    return tuple(_like_a_half.sub(r"\1-\2", line) for line in (*addressee, *lines, *last))


def _at_home(residence: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    place = f"{residence['postal_code']} {residence['municipality']} {residence['province']}"
    return [f"{residence['street']} {residence['number']}"], [_capitals(place)]


def _abroad(residence: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    place = f"{residence.get('postal_code') or ''} {residence['municipality']}"
    return list(residence["lines"]), [_capitals(place), COUNTRIES[residence["country"]]]


def _capitals(text: str) -> str:
    return " ".join(_punctuation.sub(" ", text).upper().split())


def _folded(lines: Sequence[str], room: int) -> list[str]:
    """Run the shortest neighbours together while there are too many, then break what is too long."""
    kept = [" ".join(line.split()) for line in lines]
    while len(kept) > room:
        at = min(range(len(kept) - 1), key=lambda row: len(kept[row]) + len(kept[row + 1]))
        kept[at : at + 2] = [f"{kept[at]}, {kept[at + 1]}"]
    return next(parts for width in count(_LONGEST) if len(parts := _broken(kept, width)) <= room)


def _broken(lines: Sequence[str], width: int) -> list[str]:
    return [
        part
        for line in lines
        for part in ([line] if 0 < len(line) <= width else wrap(line, width, break_on_hyphens=False))
    ]
