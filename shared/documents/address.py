"""Postal addresses by the rules of Poste Italiane («Composizione indirizzi», April 2009)."""

import re
from collections.abc import Mapping, Sequence
from itertools import count
from textwrap import wrap
from typing import Any, Final

from shared.documents.characters import THIN_SPACE, printable
from shared.italy.countries import COUNTRIES

_LONGEST: Final = 44  # what a line of the envelope's window holds in 10 point
_AT_HOME: Final = 5
_ABROAD: Final = 6
_MOST: Final = 8
_LONGEST_SMALL: Final = 56  # what it holds in 8 point, in which `_MOST` lines fit

_punctuation = re.compile(r"[^\w\s'’-]+")
_like_a_half = re.compile(
    r"(?<![0-9A-Z])(?=[A-Z]*[0-9])([0-9A-HJKMNP-TV-Z]{5})([0-9A-HJKMNP-TV-Z]{3})(?![0-9A-Z])",
    re.IGNORECASE | re.ASCII,
)


def address_lines(name: str, surname: str, residence: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the address block as printed: 3 to 5 lines at home, 3 to 6 abroad, up to 8 for a long one.

    At home it ends with CAP, municipality and province in capitals without punctuation; abroad with postal
    code and municipality, then the country in Italian, both in capitals. Long lines are broken, and short
    neighbours joined, to keep to the 5 and 6 lines of the rules; if that is not enough there are up to 8,
    set in 8 point.

    The contract forbids words that could be mistaken for a half of a PIN: eight characters of its alphabet,
    a digit among them. Eight digits are a postal code of Brazil, which is written with a hyphen:
    `01310-100`. Any other is split by a thin space, so that `C1425DKD`, a postal code of Argentina, still
    reads as given. Other words, such as `ME 04401-1234` or `L1425OIU`, are unchanged.

    Args:
        name: given names.
        surname: as registered.
        residence: as in the contract: `street`, `number`, `municipality`, `province`, `postal_code` where
            `country` is `IT`, else `lines`, `municipality`, `postal_code`.

    Raises:
        KeyError: for a missing field, or a country that is not in ISO 3166-1.
    """
    at_home = residence["country"] == "IT"
    lines, last = _at_home(residence) if at_home else _abroad(residence)
    kept = [" ".join(printable(line).split()) for line in (f"{name} {surname}", *lines)]
    block = _folded(kept, (_AT_HOME if at_home else _ABROAD) - 1, _MOST - 1)
    return tuple(_like_a_half.sub(_parted, line) for line in (*block, last))


def _parted(like_a_half: re.Match[str]) -> str:
    return ("-" if like_a_half[0].isdigit() else THIN_SPACE).join(like_a_half.groups())


def _at_home(residence: Mapping[str, Any]) -> tuple[list[str], str]:
    place = f"{residence['postal_code']} {residence['municipality']} {residence['province']}"
    return [f"{residence['street']} {residence['number']}"], _capitals(place)


def _abroad(residence: Mapping[str, Any]) -> tuple[list[str], str]:
    place = f"{residence.get('postal_code') or ''} {residence['municipality']}"
    return [*residence["lines"], _capitals(place)], COUNTRIES[residence["country"]]


def _capitals(text: str) -> str:
    return " ".join(_punctuation.sub(" ", printable(text)).upper().split())


def _folded(lines: Sequence[str], room: int, most: int) -> list[str]:
    """Break long lines so that their number fits the large type, or else the small type.

    The lines between the addressee and the place are joined if that allows the large type, and as a last
    resort.
    """
    for kept in range(len(lines), 2, -1):
        if len(found := _broken(_run_together(lines, kept), _LONGEST)) <= room:
            return found
    for width in range(_LONGEST, _LONGEST_SMALL + 1):
        if len(found := _broken(lines, width)) <= most:
            return found
    lines = _run_together(lines, 3)
    return next(found for width in count(_LONGEST) if len(found := _broken(lines, width)) <= most)


def _run_together(lines: Sequence[str], room: int) -> list[str]:
    """Join the shortest neighbours, the first and the last line excepted, while there are too many."""
    kept = list(lines)
    while len(kept) > max(room, 3):
        at = min(range(1, len(kept) - 2), key=lambda row: len(kept[row]) + len(kept[row + 1]))
        kept[at : at + 2] = [f"{kept[at]}, {kept[at + 1]}"]
    return kept


def _broken(lines: Sequence[str], width: int) -> list[str]:
    return [
        part
        for line in lines
        for part in ([line] if 0 < len(line) <= width else wrap(line, width, break_on_hyphens=False))
    ]
