"""Letters: the second half of a PIN on paper (R6), in Italian or German (R33)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Final, Literal

from shared.documents.page_template import compile_template
from shared.documents.renderer import PageCopy, Renderer
from shared.italy.dates import day

_SOURCE: Final = Path(__file__).with_name("letter.typ")
_PAGES: Final = {"it": 0, "de": 1}
_CANARY: Final = 2
_TITLE: Final = "Lettere al cittadino"


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter to print.

    Attributes:
        id: UUID, as text; in the Data Matrix only: in the text, its first eight characters could be
            mistaken for the half.
        language: of all text but the address.
        address: 3 to 8 lines, from `address_lines`.
        name: given name and surname, for the salutation.
        half: the eight characters (R4); empty on a canary, whose page has no other words for a citizen.
        expires_on: the last day of the initial PIN.
        written_on: the date of the letter.
    """

    id: str
    language: Literal["it", "de"]
    address: tuple[str, ...]
    name: str
    half: str
    expires_on: date
    written_on: date


def typeset(letters: Sequence[Letter]) -> bytes:
    """Return one document, PDF/A-2b and PDF/UA-1, one page per letter, in order.

    The same letters give the same bytes. The document's metadata carry no name and no secret.

    Raises:
        ValueError: for no letters, or an id that is not 36 ASCII characters.
    """
    if not letters:
        raise ValueError("a document has at least one letter")
    created = max(letter.written_on for letter in letters)
    return _press().render(map(_copy, letters), title=_TITLE, created=created)


def prepare() -> None:
    """Initialise the typesetter. This takes 0.3 s: do it at start, not at the first letter."""
    _press()


@cache
def _press() -> Renderer:
    return Renderer(compile_template(_SOURCE))


def _copy(letter: Letter) -> PageCopy:
    lines = {"address": letter.address, "written_on": (day(letter.written_on, letter.language),)}
    if not letter.half:
        return PageCopy(page=_CANARY, lines=lines, symbol=letter.id)
    lines |= {
        "salutation": (letter.name,),
        "half": (letter.half,),
        "expires_on": (day(letter.expires_on, letter.language),),
    }
    return PageCopy(page=_PAGES[letter.language], lines=lines, symbol=letter.id)
