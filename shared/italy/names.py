"""Names and surnames: which are plausible, and the three letters of each in a codice fiscale."""

import re
import unicodedata
from collections.abc import Iterator

from shared.errors import Fault
from shared.italy.alphabets import options_of, spellings, without_marked
from shared.texts.web_addresses import bait_in_name

LONGEST = 100
# Keyboards, phones and registries produce all of these.
APOSTROPHES = "'’‘ʼʹ`´ʻʽʾʿ′＇"
HYPHENS = "-‐‑‒–"
SIGNS = APOSTROPHES + HYPHENS + ".,· "

LONGEST_GREETING = 60

# Fast path: without signs that occur in a host name and without the beginning of an address.
_PLAIN = re.compile(r"(?!.*(?:[Ww]{3}|[Hh][Tt]{2}[Pp]))[A-Za-zÀ-ÖØ-öø-ÿ][A-Za-zÀ-ÖØ-öø-ÿ' ’-]*")
_NOT_LETTERS = {code: None for code in range(128) if not chr(code).isalpha()}
_NOT_CONSONANTS = str.maketrans("", "", "AEIOU")
_NOT_VOWELS = str.maketrans("", "", "BCDFGHJKLMNPQRSTVWXYZ")
_SEPARATOR = re.compile(r"[\s,]+")


def fault_of_name(field: str, value: str) -> Fault | None:
    """Return the fault of a text as a name or surname; None if it may be one.

    Letters of the Latin, Greek and Cyrillic alphabets, any diacritic, apostrophe or hyphen, a single letter
    and a name without vowels are accepted. So is a single hyphen: it stands for the missing name of a person
    with only one. Codes: `empty`, `too_long`, `control_character`, `digit`, `unsupported_script`,
    `invalid_character`, `web_address`.
    """
    if len(value) > LONGEST:
        return Fault(field, "too_long", f"A name has at most {LONGEST} characters.")
    if _PLAIN.fullmatch(value) or missing(value):
        return None
    faults = filter(None, map(_fault_of_character, value))
    code, detail = next(faults, ("", ""))
    if not code and not any(map(str.isalpha, value)):
        code, detail = "empty", "A name has at least one letter."
    if not code and bait_in_name(value):
        code, detail = "web_address", "A name has no web or mail address; leave a space after a point."
    return Fault(field, code, detail) if code else None


def _fault_of_character(character: str) -> tuple[str, str] | None:
    category = unicodedata.category(character)
    if category[0] == "C" or category in {"Zl", "Zp"}:
        return "control_character", "A name has no control or invisible characters."
    if category[0] == "N":
        return "digit", "A name has no digits."
    if category[0] == "L" and character not in SIGNS and options_of(character) is None:
        return "unsupported_script", "Write the name in Latin, Greek or Cyrillic letters."
    if category[0] in {"L", "M"} or category == "Zs" or character in SIGNS:
        return None
    return "invalid_character", "A name has letters, spaces, apostrophes, hyphens, points and commas only."


def missing(name: str) -> bool:
    """Return whether the name is the hyphen that stands for a missing name."""
    return len(name) == 1 and name in HYPHENS


def given(name: str) -> str:
    """A name or surname as printed in its own field: empty if the person has none."""
    return "" if missing(name) else name


def full_name(name: str, surname: str) -> str:
    """Name and surname as printed on letters, or the only one of them."""
    return " ".join(filter(None, (given(name), given(surname))))


def greeted(name: str, surname: str) -> str:
    """The full name for a greeting: a longer one is cut at the end of a word, if possible.

    No greeting needs more, and a message entered as a name is truncated.
    """
    whole = full_name(name, surname)
    if len(whole) <= LONGEST_GREETING:
        return whole
    return whole[: LONGEST_GREETING + 1].rpartition(" ")[0].rstrip(" ,-") or whole[:LONGEST_GREETING]


def letters_of_surname(surname: str) -> tuple[str, ...]:
    """The three letters of a surname in a codice fiscale, in each customary spelling.

    The spelling of old codes is last, without the letters that carry a diacritic (`Alù`, LAX).
    """
    return tuple(dict.fromkeys(_each_of_surname(surname)))


def letters_of_name(name: str) -> tuple[str, ...]:
    """The three letters of given names in a codice fiscale: of all of them, then of the first ones.

    Some municipalities register further names within the name, some after a comma, where they do not count,
    and people may omit them: the code may be that of any number of the first names. The spelling of old
    codes is last, as for a surname.
    """
    return tuple(dict.fromkeys(_each_of_name(name)))


def are_of_surname(letters: str, surname: str) -> bool:
    """Return whether the letters are among `letters_of_surname`; spellings are made only as needed."""
    return letters in _each_of_surname(surname)


def are_of_name(letters: str, name: str) -> bool:
    """The same for `letters_of_name`."""
    return letters in _each_of_name(name)


def _each_of_surname(surname: str) -> Iterator[str]:
    if surname.isascii():
        yield _surname_letters(_letters(surname))
        return
    yield from map(_surname_letters, spellings(surname))
    yield from map(_surname_letters, _spelled_of_old(surname))


def _each_of_name(name: str) -> Iterator[str]:
    given = _SEPARATOR.split(name.strip(" ,"))
    leading = [" ".join(given[:count]) for count in range(len(given), 0, -1)]
    if name.isascii():
        yield from map(_name_letters, map(_letters, leading))
        return
    for spell in (spellings, _spelled_of_old):
        for names in leading:
            yield from map(_name_letters, spell(names))


def _letters(text: str) -> str:
    return text.upper().translate(_NOT_LETTERS)


def _spelled_of_old(text: str) -> tuple[str, ...]:
    """One more spelling if some, but not all, letters carry a diacritic."""
    rest = without_marked(text)
    return spellings(rest)[:1] if len(rest) < len(text) and any(map(str.isalpha, rest)) else ()


def _surname_letters(letters: str) -> str:
    """Consonants first, then vowels, then X (decree of 23 December 1976, article 3)."""
    return (letters.translate(_NOT_CONSONANTS) + letters.translate(_NOT_VOWELS) + "XXX")[:3]


def _name_letters(letters: str) -> str:
    """As for a surname, but the second of four or more consonants is left out (article 4)."""
    consonants = letters.translate(_NOT_CONSONANTS)
    if len(consonants) > 3:  # noqa: PLR2004 - the decree's own figure
        return consonants[0] + consonants[2:4]
    return (consonants + letters.translate(_NOT_VOWELS) + "XXX")[:3]
