"""Which characters the fonts of the project can print, and how the others are replaced.

PDF/A forbids a character without a glyph: one name would make the whole document fail. So every text from
outside passes through `printable` first, and an address with characters that `unprintable` finds is rejected
before a letter is promised to the citizen.
"""

import re
import unicodedata
from functools import lru_cache

from shared.italy.alphabets import options_of
from shared.italy.names import APOSTROPHES

ALPHABETS = (
    "\u0020-\u007e"  # Basic Latin
    "\u00a1-\u00ac\u00ae-\u017f"  # Latin-1 and Extended-A
    "\u018f\u0192\u01a0\u01a1\u01af\u01b0\u01cd-\u01dc\u01fa-\u01ff\u0218-\u021b\u0237\u0259"
    "\u1e80-\u1e85\u1e9e\u1ea0-\u1ef9"  # Vietnamese, Welsh, capital sharp s
    "\u0384-\u038a\u038c\u038e-\u03a1\u03a3-\u03ce"  # Greek
    "\u0400-\u045f\u0462\u0463\u046a\u046b\u0472-\u0475\u0490-\u04c2\u04cf-\u04d9\u04dc-\u04e9"  # Cyrillic
    "\u04ee-\u04f9\u0524\u0525"
    "\u2009"  # the thin space that splits a word that looks like a half: see address.py
    "\u2010-\u2015\u2018-\u201a\u201c-\u201e\u2020-\u2022\u2026\u2030\u2039\u203a\u20ac\u2116\u2122"
)
"""The printable characters, as a character class of a regular expression."""

APOSTROPHE = "\u2019"
THIN_SPACE = "\u2009"

# Marks that have a printable equivalent; spaced accents replace an apostrophe on some keyboards.
_LIKE = (
    dict.fromkeys("\u201b\u02b9\u02c8\u02ca\u02cb\u02ee\u05f3\u055a\ua78b\ua78c", APOSTROPHE)
    | dict.fromkeys("\u201f\u2033\u301d\u301e\u301f", "\u201d")
    | dict.fromkeys("\u2212\u02d7\u2043", "-")
    | dict.fromkeys("\u2044\u2215", "/")
    | dict.fromkeys("\u2219\u22c5\u30fb", "\u00b7")
)
_APOSTROPHES = str.maketrans(dict.fromkeys(APOSTROPHES, APOSTROPHE))
_NOTHING_BUT_ASCII = re.compile("[!-&(-_a-~]+(?: [!-&(-_a-~]+)*")
_lacking = re.compile(f"[^{ALPHABETS}]")
_space = re.compile(f"[^\\S{THIN_SPACE}]+")


def alphabet() -> str:
    """Return every printable character once, in order of code point."""
    return _lacking.sub("", "".join(map(chr, range(0x2200))))


def printable(text: str, *, exact: bool = False) -> str:
    """Return the text as the fonts can print it, on one line; the function is idempotent.

    Composed (NFC), runs of white space made one space, control characters and marks without a composed
    form dropped, every apostrophe a curly one; a letter that the fonts lack becomes its plain letter, or
    its first Latin spelling; a letter without either becomes `?`: see `unprintable`.

    Args:
        text: from outside.
        exact: for text that is typed exactly, such as a mail address: apostrophes stay.
    """
    if _NOTHING_BUT_ASCII.fullmatch(text):
        return text
    line = _space.sub(" ", unicodedata.normalize("NFC", text))
    if not exact:
        line = line.translate(_APOSTROPHES)
    return _lacking.sub(lambda found: "?" if (near := _nearest(found[0])) is None else near, line).strip()


def unprintable(text: str) -> bool:
    """Return whether `printable` would print `?` for a character of the text, or omit a letter."""
    if not _lacking.search(text):
        return False
    line = unicodedata.normalize("NFC", _space.sub(" ", text)).translate(_APOSTROPHES)
    return any(not _nearest(found) and not _drops(found) for found in _lacking.findall(line))


def _drops(character: str) -> bool:
    return unicodedata.category(character)[0] in "CM"


@lru_cache(maxsize=4096)
def _nearest(character: str) -> str | None:
    """Return the replacement of a character without a glyph: empty for a mark, None if there is none."""
    category = unicodedata.category(character)
    if _drops(character):
        return ""
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category == "Pd":
        return "-"
    if character in _LIKE:
        return _LIKE[character]
    plain = _plain(character)
    if plain is None and category[0] == "L" and (options := options_of(character)):
        return options[0] if character.isupper() else options[0].lower()
    return plain


def _plain(character: str) -> str | None:
    """Return the nearest printable form in Unicode: composed if possible, else without its marks."""
    for form in ("NFKC", "NFKD"):
        written = unicodedata.normalize(form, character).translate(_APOSTROPHES)
        kept = "".join(one for one in written if form == "NFKC" or not unicodedata.combining(one))
        if kept and not _lacking.search(kept):
            return kept
    return None
