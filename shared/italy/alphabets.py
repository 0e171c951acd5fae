"""How letters outside A-Z are written within it, for the codice fiscale and for comparing names of places.

If several ways are customary, each is an option: registries and passports differ, and each occurs in real
codici fiscali. Latin after ICAO Doc 9303 part 3, with the plain letter beside it; Cyrillic
after ICAO and the scholarly and passport spellings before it; Greek after ELOT 743.
"""

import re
import unicodedata
from functools import lru_cache
from itertools import product

MOST_SPELLINGS = 64

_LATIN = (
    "Ä A AE|Ö O OE|Ü U UE|ß SS S|ẞ SS S|Å A AA|Ø O OE|Æ AE A E|Œ OE O|Þ TH|Ð D DH|Đ D DJ|Ł L|Ħ H|Ŧ T"
    "|İ I|I I|ı I|Ŋ N NG|Ə A E|ĸ K Q|Ñ N NN|Ĳ IJ|ĳ IJ|Ɖ D|Ɓ B|Ɗ D|Ƙ K|Ƴ Y|Ɛ E|Ɔ O|Ơ O|Ư U|ŉ N"
)
_CYRILLIC = (
    "А A|Б B|В V|Г G H|Ґ G|Д D|Ђ D DJ|Ѓ G GJ|Е E YE|Ё E YO IO|Є IE YE|Ж ZH Z J|З Z|И I Y|Ѝ I|І I|Ї I YI"
    "|Й I Y J|Ј J|К K|Ќ K KJ|Л L|Љ LJ|М M|Н N|Њ NJ|О O|П P|Р R|С S|Т T|Ћ C|У U|Ў U|Ф F|Х KH H|Ц TS C"
    "|Ч CH C|Џ DZ|Ш SH S|Щ SHCH SCH SHT|Ъ ~ IE A|Ы Y|Ь ~|Э E|Ю IU YU JU|Я IA YA JA|Ѕ DZ"
)
_GREEK = (
    "Α A|Β V B|Γ G|Δ D|Ε E|Ζ Z|Η I|Θ TH|Ι I|Κ K|Λ L|Μ M|Ν N|Ξ X KS|Ο O|Π P|Ρ R|Σ S|ς S|Τ T|Υ Y U V F"
    "|Φ F PH|Χ CH H|Ψ PS|Ω O"
)

# A letter with marks that have no composed character.
_BASE_AND_MARKS = re.compile("[A-Za-zÀ-ɏ][\u0300-\u036f]+")


def _options(table: str) -> dict[str, tuple[str, ...]]:
    """Rows such as `Ä A AE`; `~` is a letter left out."""
    rows = (row.split(" ") for row in table.split("|"))
    return {row[0]: tuple(option.replace("~", "") for option in row[1:]) for row in rows}


_TABLE = _options(_LATIN) | _options(_CYRILLIC) | _options(_GREEK)


def options_of(character: str) -> tuple[str, ...] | None:
    """The customary spellings of one character in A-Z, the commonest first.

    Returns `("",)` for a character that is not a letter, and None for a letter of another script.
    """
    upper = character.upper()
    listed = _TABLE.get(character) or _TABLE.get(upper)
    if listed:
        return listed
    if upper.isascii():
        return (upper if upper.isalpha() else "",)
    plain = unicodedata.normalize("NFKD", upper)
    if plain.isascii():
        return ("".join(filter(str.isalpha, plain.upper())),)
    if plain[0] != upper:
        return options_of(plain[0])
    return None if character.isalpha() else ("",)


def spellings(text: str) -> tuple[str, ...]:
    """Every customary spelling of a name in A-Z alone, spaces and signs left out, the commonest first.

    Letters of other scripts are left out; `shared.italy.names` rejects them first.
    """
    options = [options_of(character) or ("",) for character in unicodedata.normalize("NFC", text)]
    if _count(options) > MOST_SPELLINGS:
        longest = max(map(len, options))
        return tuple("".join(o[min(i, len(o) - 1)] for o in options) for i in range(longest))
    return tuple(dict.fromkeys(map("".join, product(*options))))


def without_marked(text: str) -> str:
    """The text without its Latin letters that carry a diacritic, as the first programs wrote names.

    Those read only A-Z and left out all else: `Alù` was AL. Plain letters stay, and so do Greek and Cyrillic
    ones, whose names were always transliterated by hand.
    """
    composed = _BASE_AND_MARKS.sub("", unicodedata.normalize("NFC", text))
    return "".join(c for c in composed if c.isascii() or not _marked(c))


@lru_cache(maxsize=1024)
def _marked(character: str) -> bool:
    name = unicodedata.name(character, "")
    return name.startswith("LATIN ") and " WITH " in name


def _count(options: list[tuple[str, ...]]) -> int:
    total = 1
    for option in options:
        total *= len(option)
    return total


def folded(text: str) -> str:
    """The text in lower-case ASCII, letter for letter, for comparing; other characters become spaces."""
    if text.isascii():
        return text.lower()
    characters = unicodedata.normalize("NFC", text)
    return "".join(c if c.isascii() else (options_of(c) or ("",))[0] or _gap(c) for c in characters).lower()


def _gap(character: str) -> str:
    return "" if unicodedata.combining(character) else " "
