"""The pre-filled application for the PIN dispositivo (R23), in Italian or German (R33)."""

from functools import cache
from itertools import count, product
from pathlib import Path
from textwrap import wrap
from typing import Final

from services.dispositivo.application import Form
from shared.documents.characters import printable
from shared.documents.page_template import compile_template
from shared.documents.renderer import PageCopy, Renderer
from shared.italy.dates import day
from shared.italy.mailboxes import deliverable

_SOURCE: Final = Path(__file__).with_name("form.typ")
_PAGES: Final = {kind: page for page, kind in enumerate(product(("it", "de"), ("online", "fax", "branch")))}
_TITLES: Final = {"it": "Richiesta del PIN dispositivo", "de": "Antrag auf die dispositive PIN"}
_CONTACTS: Final = frozenset({"home_phone", "mobile", "email", "pec"})
_LONGEST_RESIDENCE: Final = 90  # fits its line in 10 point
_REQUESTED: Final = {"it": "{} del {}", "de": "{} vom {}"}


def typeset(form: Form) -> bytes:
    """Return the form as PDF/A-2b and PDF/UA-1 of one page; the same form gives the same bytes.

    Raises:
        ValueError: for a request id that is not 36 ASCII characters.
    """
    copy = PageCopy(page=_PAGES[form.language, form.submission], lines=_lines(form), symbol=form.request_id)
    return _press().render([copy], title=_TITLES[form.language], created=form.requested_on)


def prepare() -> None:
    """Initialise the typesetter. This takes 0.3 s: do it at start, not at the first form."""
    _press()


@cache
def _press() -> Renderer:
    return Renderer(compile_template(_SOURCE))


def _lines(form: Form) -> dict[str, tuple[str, ...]]:
    requested = _REQUESTED[form.language].format(form.request_id, day(form.requested_on, form.language))
    known = {
        "request": requested,
        "codice_fiscale": form.codice_fiscale,
        "surname": form.surname,
        "name": form.name,
        "birth_date": day(form.birth_date, form.language),
        "birth_place": form.birth_place,
        "birth_province": form.birth_province,
        "sex": form.sex,
    }
    contacts = {kind: _written(value) for kind, value in form.contacts if kind in _CONTACTS}
    lines = {slot: (text,) for slot, text in (known | contacts).items()}
    return {**lines, "residence": _on_two_lines(", ".join(form.residence))}


def _on_two_lines(residence: str) -> tuple[str, ...]:
    if len(residence) <= _LONGEST_RESIDENCE:
        return (residence,)
    return next(tuple(two) for width in count(len(residence) // 2) if len(two := wrap(residence, width)) <= 2)  # noqa: PLR2004


def _written(contact: str) -> str:
    """Return a contact as it can be typed: a domain in letters that the fonts lack is given in ASCII."""
    return contact if printable(contact, exact=True) == contact else deliverable(contact)
