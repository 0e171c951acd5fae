"""Citizens with unique data: none of it occurs elsewhere by chance."""

from collections.abc import Iterator
from datetime import date
from random import Random

from deploy.local.citizens import KINDS, Body, citizens
from shared.italy import codice_fiscale as cf

_CONSONANTS, _VOWELS = "bcdfglmnprstvz", "aeiou"
_TO_DIGITS = str.maketrans(cf.OMOCODIA, "0123456789")


def word(chance: Random, syllables: int = 6) -> str:
    """Return an invented word, two letters a syllable."""
    return "".join(chance.choice(_CONSONANTS) + chance.choice(_VOWELS) for _ in range(syllables)).capitalize()


def people(number: int, seed: int) -> Iterator[tuple[str, Body]]:
    """Generate citizens of every kind, in turn: German, with PEC, abroad, recognised in person."""
    chance = Random(seed)  # noqa: S311 - nothing here is a secret
    for kind, body in citizens(number, seed, kinds=tuple(KINDS)):
        home, contacts = body["residence"], body["contacts"]
        body["surname"], body["name"] = word(chance), word(chance)
        if "lines" in home:
            home["lines"] = [f"{word(chance)} 12"]
        else:
            home["street"] = f"Via {word(chance)}"
        for name in contacts:
            number_of_eight = chance.randrange(10**7, 10**8)
            contacts[name] = {
                "mobile": f"+3934{number_of_eight}",
                "home_phone": f"+3906{number_of_eight}",
                "email": f"{word(chance).lower()}@example.it",
                "pec": f"{word(chance).lower()}@pec.example.it",
            }[name]
        if len(body["codice_fiscale"]) == cf.LENGTH:
            _recode(body, kind)
        if "recognition" in body:
            body["recognition"]["document"]["number"] = word(chance).upper()
        yield kind, body


def _recode(body: Body, kind: str) -> None:
    belfiore = body["codice_fiscale"][11] + body["codice_fiscale"][12:15].translate(_TO_DIGITS)
    body["codice_fiscale"] = cf.encode_at(
        belfiore,
        surname=body["surname"],
        name=body["name"],
        birth_date=date.fromisoformat(body["birth_date"]),
        sex=body["sex"],
    )
    if kind == "omocodia":
        body["codice_fiscale"] = cf.omocode(body["codice_fiscale"], cf.DIGIT_POSITIONS[-2:])


def personal(body: Body) -> Iterator[str]:
    """Yield the personal data that must not be in a log or readable in the ledger."""
    yield body["codice_fiscale"]
    yield body["surname"]
    yield body["name"]
    home = body["residence"]
    yield home["lines"][0].partition(" ")[0] if "lines" in home else home["street"].removeprefix("Via ")
    for contact in body["contacts"].values():
        yield contact.partition("@")[0].removeprefix("+")
    if "recognition" in body:
        yield body["recognition"]["document"]["number"]
