"""How many SMS a text makes (3GPP TS 23.038 for the alphabet, TS 23.040 for the parts)."""

from shared import gsm7

# The header that joins the parts takes 7 septets, or 3 UCS-2 units, of each.
_PART_GSM7, _PART_UCS2 = 153, 67


def segments(text: str) -> int:
    """Return how many SMS the text makes, at least 1.

    No character is split over two parts (a character of the extension table takes two septets, one
    beyond the basic plane two UCS-2 units), so a part may stay one short.
    """
    if fits_one_segment(text):
        return 1
    if gsm7.beyond_gsm7(text):
        return _parts([len(character.encode("utf-16-be")) // 2 for character in text], _PART_UCS2)
    return _parts([gsm7.units(character) for character in text], _PART_GSM7)


def fits_one_segment(text: str) -> bool:
    """Tell whether the text goes out as a single SMS; a template whose text does not is wrong."""
    return gsm7.units(text) <= gsm7.room(text)


def _parts(widths: list[int], part: int) -> int:
    parts, room = 0, 0
    for width in widths:
        if width > room:
            parts, room = parts + 1, part
        room -= width
    return parts
