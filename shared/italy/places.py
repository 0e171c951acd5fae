"""Where people are born: Belfiore codes, the years in which each place existed, its names and provinces.

These rules ensure that no real person is rejected:

- A place is accepted under every name and province it ever had: a person born in Monza before 2009 writes MI
  or MB, and Fiume is FU.
- Codes were first made in 1973 for everybody alive, with municipalities that had long merged or split, and
  people write the present name of their birthplace. So a code may also be that of a municipality that took
  the territory over later, and a name that of a municipality before or after the one in the code. The same
  applies to states: Ucraina with the code of the Soviet Union, Fiume with that of Yugoslavia.
- Years, not days, decide whether a place existed. A place that had ceased before the year of birth is
  rejected, and so is one founded later on territory of no known earlier place.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from itertools import chain, permutations
from pathlib import Path
from sys import intern
from typing import NamedTuple

from shared.italy.alphabets import folded

ABROAD = "EE"
DATA = Path(__file__).parent / "data"
# No place has a longer one; a truncated name matches nothing and takes no memory.
LONGEST_NAME = 120

_WORD = re.compile(r"[a-z0-9]+")
# Text in brackets only explains the place and is not compared, unless it has a web address.
_BRACKETS = re.compile(r"\((?:[^().:/@\d]|\.(?![^\W\d_])){0,40}\)")
# Between the names of one place in two or three languages.
_BETWEEN = re.compile(r"[-‐‑‒–/]")
_MOST_JOINTS = 6
_SAINTS = frozenset(_WORD.findall("s ss san santo santa sant santi sante st ste sankt saint sainte sto sta"))
_SMALL = frozenset(
    _WORD.findall(
        "di del dello della dei degli delle dell d de da dal in nel nell nello nella nei su sul sull sulla"
        " sullo con e ed a al all alla allo l la lo le il i gli the of and"
    )
)
_OF_STATES = frozenset(_WORD.findall("repubblica republic republik isole isola islands ex"))


class Place(NamedTuple):
    """A municipality or a foreign state, present or past.

    Attributes:
        code: Belfiore code, such as `H501`; `Z` and three digits for a state.
        first: year in which it began; 0 for a state.
        last: year in which it ended; 9999 if it goes on.
        names: as in the registers, the latest last.
        keys: what `key_of` makes of the names.
        provinces: every one it belonged to, the latest last; `EE` for a state.
        heirs: Belfiore codes of places that may have taken its territory over.
    """

    code: str
    first: int
    last: int
    names: tuple[str, ...]
    keys: tuple[str, ...]
    provinces: tuple[str, ...]
    heirs: tuple[str, ...]


def key_of(name: str) -> str:
    """A municipality's name without common variations: case, accents, San or S., small words."""
    return _remembered_key(name[:LONGEST_NAME])


def key_of_state(name: str) -> str:
    """A state's name likewise, without Repubblica or Isole, and in any order of its words."""
    return _remembered_key_of_state(name[:LONGEST_NAME])


def _key(name: str) -> str:
    words = _words(name)
    kept = [word for word in words if word not in _SMALL] or words
    return " ".join("s" if word in _SAINTS else word for word in kept)


def _key_of_state(name: str) -> str:
    words = _words(name)
    kept = [word for word in words if word not in _SMALL and word not in _OF_STATES] or words
    return " ".join(sorted(kept))


_remembered_key = lru_cache(maxsize=4096)(_key)
_remembered_key_of_state = lru_cache(maxsize=512)(_key_of_state)


def _squeezed(name: str) -> str:
    return "".join(_words(name[:LONGEST_NAME]))


def _words(name: str) -> list[str]:
    if name.isascii() and name.replace(" ", "").isalpha():  # nearly every name, and quicker
        return name.lower().split()
    return _WORD.findall(folded(_BRACKETS.sub(" ", name) if "(" in name else name))


def _keys(names: str) -> Iterator[str]:
    """A name in several languages, `Bolzano=Bozen`, has a key for each, and for any two in any order."""
    for name in names.split("|"):
        languages = name.split("=")
        yield from map(_key, languages)
        if len(languages) > 1:
            yield from map(_key, map(" ".join, permutations(languages, 2)))


def _municipalities() -> Iterator[Place]:
    shared: dict[str, tuple[str, ...]] = {}
    for line in (DATA / "municipalities.tsv").read_text(encoding="utf-8").splitlines():
        code, first, last, names, sigle, heirs = line.split("\t")
        provinces = shared.setdefault(sigle, tuple(map(intern, sigle.split(","))))
        keys = tuple(dict.fromkeys(_keys(names)))
        known = tuple(names.replace("=", "|").split("|"))
        yield Place(code, int(first), int(last or 9999), known, keys, provinces, _codes(heirs))


def _states() -> Iterator[Place]:
    for line in (DATA / "states.tsv").read_text(encoding="utf-8").splitlines():
        code, last, text, heirs = line.split("\t")
        names = tuple(text.split("|"))
        keys = tuple(dict.fromkeys(map(_key_of_state, names)))
        yield Place(code, 0, int(last or 9999), names, keys, (ABROAD,), _codes(heirs))


def _codes(text: str) -> tuple[str, ...]:
    return tuple(text.split(",")) if text else ()


class _Register(NamedTuple):
    """Every place, and the ways to find it.

    Attributes:
        by_code: by its Belfiore code.
        by_key: by the key of each of its names.
        forebears: the codes of the places that had its territory before, by its own code.
        provinces: the two letters of every province, also of those that have ceased.
    """

    by_code: dict[str, Place]
    by_key: dict[str, tuple[Place, ...]]
    forebears: dict[str, tuple[str, ...]]
    provinces: frozenset[str]


@cache
def _register() -> _Register:
    by_code = {place.code: place for place in chain(_municipalities(), _states())}
    by_key: dict[str, tuple[Place, ...]] = {}
    forebears_of: dict[str, tuple[str, ...]] = {}
    for place in by_code.values():
        for key in place.keys:
            by_key[key] = (*by_key.get(key, ()), place)
        for heir in place.heirs:
            forebears_of[heir] = (*forebears_of.get(heir, ()), place.code)
    in_italy = frozenset(p for place in by_code.values() for p in place.provinces) - {ABROAD}
    return _Register(by_code, by_key, forebears_of, in_italy)


def by_code() -> Mapping[str, Place]:
    """Return every place by its Belfiore code.

    They are read on first use, which takes a tenth of a second: most workers never ask for one.
    """
    return _register().by_code


def provinces() -> frozenset[str]:
    """Return the two letters of every province there ever was."""
    return _register().provinces


def named(name: str, *, abroad: bool = False) -> tuple[Place, ...]:
    """All places that ever had this name in any spelling, homonyms included.

    Several names of one place, joined by a hyphen or a slash, are also its name.
    """
    places = _register().by_key.get(key_of_state(name) if abroad else key_of(name), ())
    found = tuple(place for place in places if (place.provinces[0] == ABROAD) is abroad)
    return found or _named_together(name[:LONGEST_NAME], abroad=abroad)


def _named_together(name: str, *, abroad: bool) -> tuple[Place, ...]:
    joints = list(_BETWEEN.finditer(name))
    if not joints or len(joints) > _MOST_JOINTS:
        return ()
    halves = ((name[: joint.start()], name[joint.end() :]) for joint in joints)
    pairs = ((named(one, abroad=abroad), other) for one, other in halves if _words(one) and _words(other))
    found = (p for places, other in pairs if places for p in named(other, abroad=abroad) if p in places)
    return tuple(dict.fromkeys(found))


def goes_by(place: Place, name: str) -> bool:
    """Return whether the place has this name, also without spaces (San Remo) or cut (Castelnuovo Gar.)."""
    abroad = place.provinces[0] == ABROAD
    if (key_of_state if abroad else key_of)(name) in place.keys:
        return True
    if place in _named_together(name[:LONGEST_NAME], abroad=abroad):
        return True
    if abroad:
        return False
    if _squeezed(name) in map(_squeezed, place.names):
        return True
    return "." in name and any(_cut_from(key_of(name).split(), key.split()) for key in place.keys)


def _cut_from(given: list[str], known: list[str]) -> bool:
    """Return whether each word begins the matching word of the name, and a long one is complete."""
    whole = any(len(word) > len("san") for word in set(given) & set(known))
    return whole and len(given) == len(known) and all(map(str.startswith, known, given))


def find(province: str, name: str) -> tuple[Place, ...]:
    """The places of that name that ever belonged to that province; for `EE`, the foreign states."""
    found = tuple(place for place in named(name, abroad=province == ABROAD) if province in place.provinces)
    if found or province == ABROAD:
        return found
    squeezed = _by_squeezed_name().get(_squeezed(name), ())
    candidates = by_code().values() if "." in name else squeezed
    return tuple(place for place in candidates if province in place.provinces and goes_by(place, name))


@cache
def _by_squeezed_name() -> dict[str, tuple[Place, ...]]:
    """Built on first use, which is rare: it holds every name a second time."""
    places: dict[str, tuple[Place, ...]] = {}
    for place in by_code().values():
        for squeezed in set(map(_squeezed, place.names)):
            places[squeezed] = (*places.get(squeezed, ()), place)
    return places


def family(place: Place) -> list[Place]:
    """The place first, then all that took its territory over, and all that had it before."""
    return list({p.code: p for p in (place, *_heirs_of(place), *forebears(place))}.values())


def _heirs_of(place: Place) -> list[Place]:
    return _reached(place, lambda current: current.heirs)


def forebears(place: Place) -> list[Place]:
    """All places that had its territory, or part of it, before."""
    return _reached(place, lambda current: _register().forebears.get(current.code, ()))


def _reached(start: Place, onward: Callable[[Place], tuple[str, ...]]) -> list[Place]:
    everywhere, reached = by_code(), dict[str, Place]()
    waiting = [start]
    while waiting:
        found = [everywhere[code] for code in onward(waiting.pop()) if code not in reached]
        reached.update({place.code: place for place in found})
        waiting += found
    return list(reached.values())
