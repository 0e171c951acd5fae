"""What the fonts of the project can print.

A character without a glyph would not print as a blank: PDF/A forbids it, and the whole document would
fail for one name. So every text from outside passes through `printable` first.
"""

import re
import unicodedata

ALPHABETS = (
    "\u0020-\u007e"  # Basic Latin
    "\u00a1-\u00ac\u00ae-\u017f"  # Latin-1 and Extended-A
    "\u0192\u01a0\u01a1\u01af\u01b0\u01cd-\u01dc\u01fa-\u01ff\u0218-\u021b\u0237\u0259"
    "\u1e80-\u1e85\u1e9e\u1ea0-\u1ef9"  # Vietnamese, Welsh, capital sharp s
    "\u0384-\u038a\u038c\u038e-\u03a1\u03a3-\u03ce"  # Greek
    "\u0400-\u045f\u0490-\u0491"  # Cyrillic
    "\u2010-\u2015\u2018-\u201a\u201c-\u201e\u2020-\u2022\u2026\u2030\u2039\u203a\u20ac\u2116\u2122"
)
"""The character class, as in a regular expression, of what can be printed."""

_unprintable = re.compile(f"[^{ALPHABETS}]")
_space = re.compile(r"\s+")


def alphabet() -> str:
    """Return every printable character once, in order of code point."""
    return re.sub(f"[^{ALPHABETS}]", "", "".join(map(chr, range(0x2200))))


def printable(text: str) -> str:
    """Return the text as the fonts can print it, on one line.

    Composed (NFC), runs of white space made one space, control characters and marks without a composed
    form dropped; a letter of an alphabet that the fonts lack becomes its plain letter, else `?`.
    """
    line = _space.sub(" ", unicodedata.normalize("NFC", text)).strip()
    return _unprintable.sub(_nearest, line)


def _nearest(match: re.Match[str]) -> str:
    character = match[0]
    if unicodedata.category(character)[0] in "CM":
        return ""
    plain = _unprintable.sub("", unicodedata.normalize("NFKD", character))
    return plain or "?"
