"""The codice fiscale: is one well formed, and is it the person's (decree of 23 December 1976)?

Sixteen characters: surname, name, year, month, day with sex, birthplace, check character. If two people
would have the same, the seven digits are replaced by letters one by one from the right (omocodia); all 128
variants occur. A provisional code has eleven digits and contains no personal data.
"""

import re
from datetime import date

from shared.errors import Fault
from shared.italy import birthplaces
from shared.italy.names import are_of_name, are_of_surname, letters_of_name, letters_of_surname

LENGTH, PROVISIONAL_LENGTH = 16, 11
MONTHS = "ABCDEHLMPRST"
OMOCODIA = "LMNPQRSTUV"
DIGIT_POSITIONS = (6, 7, 9, 10, 12, 13, 14)
WOMEN = 40

_DIGIT = f"[0-9{OMOCODIA}]"
_STRUCTURE = re.compile(f"[A-Z]{{6}}{_DIGIT}{{2}}[{MONTHS}]{_DIGIT}{{2}}[A-Z]{_DIGIT}{{3}}[A-Z]")
_PROVISIONAL = re.compile(r"[0-9]{11}")
_LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_DAYS = {
    f"{month}{day + offset:02}"
    for month, length in zip(MONTHS, _LONGEST_MONTHS, strict=True)
    for day in range(1, length + 1)
    for offset in (0, WOMEN)
}
_TO_DIGITS = str.maketrans(OMOCODIA, "0123456789")
_ODD_ORDER = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)
_ODD = {chr(65 + i): value for i, value in enumerate(_ODD_ORDER)}
_ODD |= {str(i): value for i, value in enumerate(_ODD_ORDER[:10])}
_EVEN = {chr(65 + i): i for i in range(26)} | {str(i): i for i in range(10)}


def canonical(text: str) -> str | None:
    """The codice fiscale in upper case without spaces, or None if it is not well formed.

    Letters of omocodia stay: an omocode belongs to another person than the code with digits.
    """
    code = _upright(text)
    return None if _flaw(code) else code


def why_not(text: str) -> tuple[str, str]:
    """Code and detail of the fault if `canonical` returns None.

    Codes: `wrong_length`, `wrong_structure`, `wrong_check_character`.
    """
    return _flaw(_upright(text)) or ("valid", "The codice fiscale is well made.")


def _upright(text: str) -> str:
    """The code without spaces, in upper case; ASCII only, as `upper` changes ß and ı into other letters."""
    code = text if text.isalnum() else "".join(text.split())
    return code.upper() if code.isascii() else code


def _flaw(code: str) -> tuple[str, str] | None:
    if _STRUCTURE.fullmatch(code):
        if _digits(code)[8:11] not in _DAYS:
            return "wrong_structure", "The codice fiscale has a date of birth that no year has."
        right = code[15] == check_character(code)
    elif _PROVISIONAL.fullmatch(code):
        right = code[10] == check_digit(code)
    elif len(code) in {LENGTH, PROVISIONAL_LENGTH}:
        return "wrong_structure", "The codice fiscale has a letter or digit where it cannot be."
    else:
        return "wrong_length", "A codice fiscale has 16 characters, or 11 digits if it is provisional."
    return None if right else ("wrong_check_character", "The last character does not fit the others.")


def check_character(code: str) -> str:
    """The sixteenth character that belongs to the first fifteen, as they are written."""
    total = sum(map(_ODD.__getitem__, code[0:15:2])) + sum(map(_EVEN.__getitem__, code[1:15:2]))
    return chr(65 + total % 26)


def check_digit(code: str) -> str:
    """The eleventh digit that belongs to the first ten, as for a partita IVA."""
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in code[1:10:2])
    return str(-(doubled + sum(map(int, code[0:10:2]))) % 10)


def _digits(code: str) -> str:
    """The code with its digits restored from omocodia: positions and last character unchanged."""
    restored = code[6:].translate(_TO_DIGITS)
    return f"{code[:6]}{restored[:2]}{code[8]}{restored[3:5]}{code[11]}{restored[6:9]}{code[15]}"


def disagreements(  # noqa: PLR0913 - a person's data are these
    codice_fiscale: str,
    *,
    surname: str | None,
    name: str | None,
    birth_date: date | None,
    sex: str | None,
    birth_province: str | None,
    birth_place: str | None,
) -> list[Fault]:
    """Return all personal data that disagree with a canonical codice fiscale.

    A value that is None is not known to be valid and not compared. A provisional code agrees with anything.

    Codes: `disagrees_with_codice_fiscale`; for the place also `unknown_in_codice_fiscale`, `did_not_exist`.
    """
    if len(codice_fiscale) == PROVISIONAL_LENGTH:
        return []
    code = _digits(codice_fiscale)
    fields = []
    if surname is not None and not are_of_surname(code[:3], surname):
        fields.append("surname")
    if name is not None and not are_of_name(code[3:6], name):
        fields.append("name")
    day = int(code[9:11])
    if birth_date is not None and code[6:9] + f"{day % WOMEN:02}" != _date_part(birth_date):
        fields.append("birth_date")
    if sex is not None and sex != ("F" if day > WOMEN else "M"):
        fields.append("sex")
    year = None if birth_date is None or "birth_date" in fields else birth_date.year
    faults = list(map(_disagreement, fields))
    return faults + birthplaces.disagreements(code[11:15], birth_province, birth_place, year)


def _date_part(birth_date: date) -> str:
    return f"{birth_date.year % 100:02}{MONTHS[birth_date.month - 1]}{birth_date.day:02}"


def _disagreement(field: str) -> Fault:
    subject = field.replace("_", " ")
    return Fault(field, "disagrees_with_codice_fiscale", f"This is not the {subject} in the codice fiscale.")


def encode(  # noqa: PLR0913 - a person's data are these
    *, surname: str, name: str, birth_date: date, sex: str, birth_province: str, birth_place: str
) -> str:
    """Make the codice fiscale of a person, in the commonest spelling of the names.

    Raises:
        LookupError: there was no such place in the year of birth.
    """
    place = birthplaces.belfiore(birth_province, birth_place, birth_date.year)
    if place is None:
        raise LookupError(f"no {birth_place} in {birth_province} in {birth_date.year}")
    return encode_at(place, surname=surname, name=name, birth_date=birth_date, sex=sex)


def encode_at(belfiore: str, *, surname: str, name: str, birth_date: date, sex: str) -> str:
    """Make the codice fiscale of a person whose birthplace is known by its Belfiore code."""
    born = _date_part(birth_date)
    day = birth_date.day + (WOMEN if sex == "F" else 0)
    body = f"{letters_of_surname(surname)[0]}{letters_of_name(name)[0]}{born[:3]}{day:02}{belfiore}"
    return body + check_character(body)


def omocode(code: str, positions: tuple[int, ...]) -> str:
    """The code with the digits at some of the `DIGIT_POSITIONS` turned into letters, check included."""
    characters = list(code[:15])
    for position in positions:
        characters[position] = OMOCODIA[int(characters[position])]
    body = "".join(characters)
    return body + check_character(body)
