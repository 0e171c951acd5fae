"""Municipalities, states and postal codes, found while they are typed, in the project's own data.

Only suggestions: a form takes any name, and the contract decides.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from starlette.requests import Request
from starlette.responses import Response

from deploy.web.application import view
from deploy.web.pages import language_of, page
from shared.italy.alphabets import folded
from shared.italy.places import ABROAD, DATA, Place, by_code, find, named
from shared.italy.residence import current

MOST = 20
"""Suggestions at once."""
_SHORTEST = 2
_LONGEST = 100
_ENDLESS = 9999
_FIELDS = {
    "birth": ("birth_place", "birth_province"),
    "residence": ("residence.municipality", "residence.province"),
}
"""The fields of a form with the name and the province, by what the place is for."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A place that may be meant.

    Attributes:
        name: what goes into the field.
        province: the latest; empty for a state.
        until: the year in which the place ended, 0 if it goes on.
    """

    name: str
    province: str
    until: int


def municipalities(
    typed: str, province: str = "", language: str = "it", *, present: bool = False
) -> list[Suggestion]:
    """Return the municipalities with a name that begins like this, those that go on first.

    Args:
        typed: two letters at least, in any case, with accents or without.
        province: to which they must have belonged at some time; empty: any.
        language: in German, South Tyrol has its German names where both begin like this.
        present: only those in which one can live today.
    """
    start = _start(typed)
    found = (
        place for place in _beginning(start, abroad=False) if not province or province in place.provinces
    )
    there = (place for place in found if not present or place.code in current())
    return _suggestions(start, there, language)


def states(typed: str) -> list[Suggestion]:
    """Return the foreign states with a name, in any language, that begins like this."""
    start = _start(typed)
    return _suggestions(start, _beginning(start, abroad=True), "")


def postal_codes(province: str, municipality: str) -> tuple[str, ...]:
    """Return the CAP of a municipality."""
    now, places = current(), find(province, municipality) if province else named(municipality)
    return tuple(dict.fromkeys(cap for place in places if place.code in now for cap in now[place.code][1]))


def _start(typed: str) -> str:
    return folded(typed.strip()[:_LONGEST])


def _beginning(start: str, *, abroad: bool) -> Iterable[Place]:
    if len(start) < _SHORTEST:
        return ()
    keys, places = _index(abroad=abroad)
    first = bisect_left(keys, start)
    codes: dict[str, None] = {}
    for at in range(first, len(keys)):
        if not keys[at].startswith(start):
            break
        codes.setdefault(places[at])
    return [by_code()[code] for code in codes]


@cache
def _index(*, abroad: bool) -> tuple[list[str], list[str]]:
    """Return all names, folded and sorted, and the code of the place of each."""
    pairs = sorted(
        {
            (folded(name), place.code)
            for place in by_code().values()
            for name in place.names
            if (place.provinces[0] == ABROAD) is abroad
        }
    )
    return [name for name, _ in pairs], [code for _, code in pairs]


@cache
def _present_names() -> dict[str, list[str]]:
    """Return the latest names of each municipality by its code, the Italian one first."""
    lines = (DATA / "municipalities.tsv").read_text(encoding="utf-8").splitlines()
    rows = (line.split("\t") for line in lines)
    return {row[0]: row[3].split("|")[-1].split("=") for row in rows}


def _names(place: Place, language: str) -> Iterator[str]:
    """Yield the names of a place, first that which a person would rather read."""
    present = _present_names().get(place.code, [])
    if language == "de" and "BZ" in place.provinces:
        yield from present[1:2]
    yield from present
    yield from place.names


def _suggestions(start: str, places: Iterable[Place], language: str) -> list[Suggestion]:
    found = {}
    for place in places:
        name = next(name for name in _names(place, language) if folded(name).startswith(start))
        province = "" if place.provinces[0] == ABROAD else place.provinces[-1]
        until = 0 if place.last == _ENDLESS else place.last
        found[name, province, until] = Suggestion(name, province, until)
    return sorted(found.values(), key=lambda one: (one.until > 0, folded(one.name)))[:MOST]


async def _municipalities(request: Request) -> Response:
    query = request.query_params
    of = query.get("of", "birth")
    name, province = (query.get(field, "") for field in _FIELDS.get(of, _FIELDS["birth"]))
    if province == ABROAD:
        return page(request, "portal/places.html", places=states(name))
    return page(
        request,
        "portal/places.html",
        places=municipalities(name, province, language_of(request), present=of == "residence"),
    )


async def _states(request: Request) -> Response:
    return page(request, "portal/places.html", places=states(request.query_params.get("name", "")))


async def _postal_codes(request: Request) -> Response:
    query = request.query_params
    name, province = (query.get(field, "") for field in _FIELDS["residence"])
    return page(request, "portal/postal_codes.html", postal_codes=postal_codes(province, name)[:MOST])


ROUTES = [
    view("/places/municipalities", _municipalities, name="places.municipalities"),
    view("/places/states", _states, name="places.states"),
    view("/places/postal-codes", _postal_codes, name="places.postal_codes"),
]
