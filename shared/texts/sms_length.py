"""How long a text is as an SMS: in the GSM 7-bit alphabet or UCS-2 (3GPP TS 23.038), in parts (TS 23.040)."""

import re
from typing import Final

from shared.texts.sms_alphabet import ESCAPE, ONE, TWO

_ONE: Final = frozenset(ONE) - {ESCAPE}
_TWO: Final = frozenset(TWO)
_ALL_ONE: Final = re.compile(f"[{re.escape(''.join(sorted(_ONE)))}]*")
_LARGEST_GSM7: Final = 160
_LARGEST_UCS2: Final = 70
# The header that joins the parts takes 7 septets, or 3 UCS-2 units, of each.
_PART_GSM7: Final = 153
_PART_UCS2: Final = 67


def beyond_gsm7(text: str) -> frozenset[str]:
    """The characters of a text that the GSM 7-bit alphabet lacks, such as È and À, but not è and à."""
    return frozenset(text) - _ONE - _TWO


def units(text: str) -> int:
    """The length of an SMS: septets if the alphabet allows it, else UCS-2 code units."""
    if _ALL_ONE.fullmatch(text):
        return len(text)
    if beyond_gsm7(text):
        return len(text.encode("utf-16-be")) // 2
    return sum(2 if character in _TWO else 1 for character in text)


def room(text: str) -> int:
    """The units that one segment holds for this text: 160 septets or 70 UCS-2 code units."""
    if _ALL_ONE.fullmatch(text):
        return _LARGEST_GSM7
    return _LARGEST_UCS2 if beyond_gsm7(text) else _LARGEST_GSM7


def segments(text: str) -> int:
    """Return how many SMS the text makes, at least 1.

    No character is split over two parts (a character of the extension table takes two septets, one
    beyond the basic plane two UCS-2 units), so a part may be one unit short.
    """
    if fits_one_segment(text):
        return 1
    if beyond_gsm7(text):
        return _parts([len(character.encode("utf-16-be")) // 2 for character in text], _PART_UCS2)
    return _parts([units(character) for character in text], _PART_GSM7)


def fits_one_segment(text: str) -> bool:
    """Return whether the text fits a single SMS, as every template must."""
    return units(text) <= room(text)


def _parts(widths: list[int], part: int) -> int:
    parts, room = 0, 0
    for width in widths:
        if width > room:
            parts, room = parts + 1, part
        room -= width
    return parts
