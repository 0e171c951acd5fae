"""How long a text is as an SMS: the GSM 7-bit default alphabet or UCS-2 (3GPP TS 23.038)."""

import re
from typing import Final

_ONE: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_TWO: Final = frozenset("\f^{}\\[~]|€")
_ALL_ONE: Final = re.compile(f"[{re.escape(''.join(sorted(_ONE)))}]*")
_LARGEST_GSM7: Final = 160
_LARGEST_UCS2: Final = 70


def beyond_gsm7(text: str) -> frozenset[str]:
    """The characters of a text that the GSM 7-bit alphabet lacks; È and À are such, è and à are not."""
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
