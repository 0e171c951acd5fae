"""The GSM 7-bit default alphabet and its extension table (3GPP TS 23.038, 6.2.1), and UCS-2."""

from typing import Final

ESCAPE: Final = "\x1b"
"""Not a character: what follows is of the extension table."""
ONE: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The characters of one septet, each at its code."""
TWO: Final = {
    "\f": 0x0A,
    "^": 0x14,
    "{": 0x28,
    "}": 0x29,
    "\\": 0x2F,
    "[": 0x3C,
    "~": 0x3D,
    "]": 0x3E,
    "|": 0x40,
    "€": 0x65,
}
"""The characters that follow an escape, with their codes."""
_CODES: Final = {character: bytes([code]) for code, character in enumerate(ONE) if character != ESCAPE} | {
    character: bytes([ONE.index(ESCAPE), code]) for character, code in TWO.items()
}


def gsm7(text: str) -> bytes:
    """Return a text in the GSM 7-bit alphabet, one septet an octet, as SMPP carries it.

    Raises:
        ValueError: the alphabet lacks a character.
    """
    try:
        return b"".join([_CODES[character] for character in text])
    except KeyError:
        raise ValueError("not all in the GSM 7-bit alphabet") from None


def ucs2(text: str) -> bytes:
    """Return a text in UCS-2, big-endian; a character beyond the basic plane takes two units."""
    return text.encode("utf-16-be")
