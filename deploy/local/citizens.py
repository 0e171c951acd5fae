"""Generates millions of valid citizens for demo, tests and bench; the same seed gives the same ones.

No two have the same codice fiscale: a running number is spread over all days of birth, both sexes and all
birthplaces, so no state is needed. Any match with a real person is by chance; the mail domains are
reserved for examples, the telephone numbers are not.
"""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import count
from random import Random
from typing import Any, NamedTuple

from deploy.local import people_names as given
from shared.italy import codice_fiscale as cf
from shared.italy.places import ABROAD, Place, by_code
from shared.italy.residence import current

PLAIN = "plain"
# Has a `recognition`, which only the broker user `operator` may send (R8).
DE_VISU = "de_visu"

EARLIEST, LATEST = date(1930, 1, 1), date(2007, 12, 31)
DAYS = (LATEST - EARLIEST).days + 1
STEP = 2_038_074_743  # a prime that divides none of the totals below: every number occurs once

Body = dict[str, Any]


class Birth(NamedTuple):
    """The data that makes a citizen unique."""

    day: date
    sex: str
    place: Place


_LASTING = [p for p in by_code().values() if p.first < EARLIEST.year and p.code in current()]
_TYROL = [p for p in _LASTING if p.provinces[-1] == "BZ" and len(p.names) == 2]  # noqa: PLR2004 - two languages
_ITALY = [p for p in _LASTING if p.provinces[-1] not in {"BZ", "TN"}]
_STATES = [
    p for p in by_code().values() if p.provinces[0] == ABROAD and p.last > LATEST.year and p.code < "Z7"
]


def citizens(
    number: int, seed: int = 1, *, first: int = 0, kinds: tuple[str, ...] | None = None
) -> Iterator[tuple[str, Body]]:
    """Generate citizens, each with the body of a valid `pin.request`.

    Args:
        number: how many; there are some millions of different ones of each kind.
        seed: other seeds give other citizens, though some may be in both.
        first: how many of this seed to skip because they were generated before.
        kinds: which kinds, in turn; `(PLAIN,)` for mobile, email and an Italian home alone. Default: every
            one of `KINDS` but `de_visu`.

    Yields:
        The kind and the body.
    """
    chance = Random(seed)  # noqa: S311 - nothing here is a secret
    births = {id(places): _births(places, chance, first) for places in (_ITALY, _TYROL, _STATES)}
    if first:
        chance.seed(f"{seed} from {first}")  # else the names of the first ones would repeat
    wanted = kinds or tuple(kind for kind in KINDS if kind != DE_VISU)
    for index in range(first, first + number):
        kind = wanted[index % len(wanted)]
        born_in, change = KINDS[kind]
        names = given.GERMAN if born_in is _TYROL else given.ITALIAN
        body = _somebody(index, chance, next(births[id(born_in)]), names)
        change(body, index, chance)
        yield kind, body


def _births(places: list[Place], chance: Random, first: int) -> Iterator[Birth]:
    """Yield every combination of day, sex and place once, in pseudo-random order, after the `first` ones."""
    total = DAYS * 2 * len(places)
    start = chance.randrange(total)
    for index in count(first):
        rest, day = divmod((start + index * STEP) % total, DAYS)
        yield Birth(EARLIEST + timedelta(days=day), "MF"[rest % 2], places[rest // 2])


def _somebody(index: int, chance: Random, birth: Birth, names: given.Names) -> Body:
    abroad = birth.place.provinces[0] == ABROAD
    body: Body = {
        "surname": chance.choice(names.surnames),
        "name": chance.choice(names.men if birth.sex == "M" else names.women),
        "birth_date": birth.day.isoformat(),
        "sex": birth.sex,
        "birth_province": birth.place.provinces[-1],
        "birth_place": birth.place.names[0 if abroad else -1],
        "residence": _home(chance, _ITALY, given.STREETS),
        "contacts": {
            "mobile": f"+3933{index % 10**8:08}",
            "email": f"cittadino.{index}@example.it",
        },
        "preferred_phone": "mobile",
        "preferred_time": chance.choice(("morning", "afternoon", "any")),
        "language": "it",
    }
    _code(body, birth.place.code)
    return body


def _code(body: Body, belfiore: str) -> None:
    born = date.fromisoformat(body["birth_date"])
    body["codice_fiscale"] = cf.encode_at(
        belfiore, surname=body["surname"], name=body["name"], birth_date=born, sex=body["sex"]
    )


def _renamed(body: Body, surname: str, name: str) -> None:
    body["surname"], body["name"] = surname, name
    _code(body, body["codice_fiscale"][11:15])


def _home(chance: Random, places: list[Place], streets: tuple[str, ...]) -> Body:
    place = chance.choice(places)
    provinces, caps = current()[place.code]
    return {
        "country": "IT",
        "street": chance.choice(streets),
        "number": str(chance.randint(1, 199)) + chance.choice(("", "", "", "/A", " bis")),
        "municipality": place.names[-1],
        "province": provinces[0],
        "postal_code": chance.choice(caps),
    }


def _as_is(_body: Body, _index: int, _chance: Random) -> None:
    """Leave the body unchanged."""


def _with_landline(body: Body, index: int, _chance: Random) -> None:
    body["contacts"] = {"home_phone": f"+39065{index % 10**7:07}", "email": body["contacts"]["email"]}
    body["preferred_phone"] = "home"


def _with_pec(body: Body, index: int, chance: Random) -> None:
    body["contacts"]["pec"] = f"cittadino.{index}@pec.example.it"
    if chance.random() < 0.5:  # noqa: PLR2004 - half of them have no email beside it
        del body["contacts"]["email"]


def _living_abroad(body: Body, _index: int, chance: Random) -> None:
    body["residence"] = dict(chance.choice(given.HOMES_ABROAD))


def _with_omocode(body: Body, _index: int, chance: Random) -> None:
    """Replace digits by letters from the right, as the registry does."""
    letters = cf.DIGIT_POSITIONS[-chance.randint(1, len(cf.DIGIT_POSITIONS)) :]
    body["codice_fiscale"] = cf.omocode(body["codice_fiscale"], letters)


def _speaking_german(body: Body, _index: int, chance: Random) -> None:
    body["language"] = "de"
    body["residence"] = _home(chance, _TYROL, given.GERMAN_STREETS)


def _with_two_surnames(body: Body, _index: int, chance: Random) -> None:
    joint = chance.choice((" ", " ", "-"))
    _renamed(body, joint.join(chance.sample(given.ITALIAN.surnames, 2)), body["name"])


def _with_apostrophe(body: Body, _index: int, chance: Random) -> None:
    _renamed(body, chance.choice(given.WITH_APOSTROPHE), body["name"])


def _with_foreign_name(body: Body, _index: int, chance: Random) -> None:
    names = given.FOREIGN.men if body["sex"] == "M" else given.FOREIGN.women
    _renamed(body, chance.choice(given.FOREIGN.surnames), chance.choice(names))


def _with_provisional_code(body: Body, index: int, _chance: Random) -> None:
    digits = f"{90_000_000_00 + index % 10**9:010}"
    body["codice_fiscale"] = digits + cf.check_digit(digits)


def _recognised(body: Body, index: int, _chance: Random) -> None:
    body["recognition"] = {
        "kind": "de_visu",
        "operator": {"id": "op.rossi", "office": "Roma Flaminio"},
        "document": {
            "kind": "identity_card",
            "number": f"CA{index % 10**5:05}AA",
            "issued_by": "Ministero dell'Interno",
            "issued_on": "2022-03-01",
            "expires_on": "2032-03-01",
        },
    }


# The birthplaces of each kind, and its difference from the plain one.
KINDS: dict[str, tuple[list[Place], Callable[[Body, int, Random], None]]] = {
    PLAIN: (_ITALY, _as_is),
    "landline": (_ITALY, _with_landline),
    "pec": (_ITALY, _with_pec),
    "abroad": (_ITALY, _living_abroad),
    "emigrant": (_STATES, _living_abroad),
    "omocodia": (_ITALY, _with_omocode),
    "german": (_TYROL, _speaking_german),
    "double_surname": (_ITALY, _with_two_surnames),
    "apostrophe": (_ITALY, _with_apostrophe),
    "foreign_birth": (_STATES, _with_foreign_name),
    "provisional": (_STATES, _with_provisional_code),
    DE_VISU: (_ITALY, _recognised),
}
