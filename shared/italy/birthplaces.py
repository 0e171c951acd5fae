"""Checks that a birthplace exists, and that it is the one in a codice fiscale."""

from shared.errors import Fault
from shared.italy.places import (
    ABROAD,
    Place,
    by_code,
    family,
    find,
    forebears,
    goes_by,
    key_of,
    key_of_state,
    named,
    provinces,
)

PROVINCE, PLACE = "birth_province", "birth_place"
# By this year everybody alive had a first code, made with the municipalities of that time for any year of
# birth; since then, a code is made at birth.
EVERYBODY_CODED = 1977


def faults_of_birthplace(province: str, place: str, birth_year: int | None = None) -> list[Fault]:
    """Return the faults of a birthplace, without regard to a codice fiscale.

    Args:
        province: two letters, also of a province that has ceased, or `EE` for abroad.
        place: the municipality, or abroad the state, present or past.
        birth_year: None if it is not known to be valid.

    Codes: `unknown_province`, `unknown_place`, `not_in_province`, `did_not_exist`.
    """
    if province != ABROAD and province not in provinces():
        unknown = [] if named(place) else [_unknown(abroad=False)]
        return [Fault(PROVINCE, "unknown_province", "There is and was no such province."), *unknown]
    found = find(province, place)
    if not found:
        elsewhere = province != ABROAD and named(place)
        return [_elsewhere() if elsewhere else _unknown(abroad=province == ABROAD)]
    if birth_year is not None and not any(_existed(p, birth_year) for p in found):
        return [_never_at_once()]
    return []


def _unknown(*, abroad: bool) -> Fault:
    kind = "foreign state" if abroad else "Italian municipality"
    return Fault(PLACE, "unknown_place", f"No {kind} has or had this name.")


def _elsewhere() -> Fault:
    return Fault(PLACE, "not_in_province", "A municipality of this name was never in the birth province.")


def _never_at_once() -> Fault:
    return Fault(PLACE, "did_not_exist", "The place of birth did not exist in the year of birth.")


def _existed(place: Place, year: int) -> bool:
    """Return whether it existed: also earlier, if it had first codes or succeeds an older place."""
    if year > place.last:
        return False
    if place.first <= max(year, EVERYBODY_CODED):
        return True
    return any(forebear.first <= year <= forebear.last for forebear in forebears(place))


def disagreements(code: str, province: str | None, place: str | None, birth_year: int | None) -> list[Fault]:
    """Return where a birthplace disagrees with the Belfiore code of a codice fiscale.

    Args:
        code: four characters, digits restored from omocodia.
        province: None if not known to be valid, and so not compared; the same for place and birth_year.
        place: the municipality or state.
        birth_year: the year in which the place must have existed, unless it is exactly the one in the code:
            registries made codes for births long before a place had one, and after it had ceased.

    Codes: `disagrees_with_codice_fiscale`, `unknown_in_codice_fiscale`, `did_not_exist`.
    """
    written = by_code().get(code)
    if written is None:
        return [
            Fault(PLACE, "unknown_in_codice_fiscale", "The codice fiscale has a place of birth that is none.")
        ]
    if _is(written, province, place):
        return []
    faults = _named_otherwise(written, province, place)
    named_itself = place is None or goes_by(written, place)
    if not named_itself and birth_year is not None and not _existed(written, birth_year):
        faults.append(Fault(PLACE, "did_not_exist", "The place in the codice fiscale did not exist then."))
    return faults


def _named_otherwise(written: Place, province: str | None, place: str | None) -> list[Fault]:
    kin = family(written)
    faults = []
    if province is not None and not any(province in p.provinces for p in kin):
        faults.append(_disagreement(PROVINCE))
    if place is not None and not any(goes_by(p, place) for p in kin):
        faults.append(_disagreement(PLACE))
    return faults


def _is(written: Place, province: str | None, place: str | None) -> bool:
    """Return whether it is the place, without its family or other spellings of its name."""
    if province is not None and province not in written.provinces:
        return False
    key = key_of_state if written.provinces[0] == ABROAD else key_of
    return place is None or key(place) in written.keys


def _disagreement(field: str) -> Fault:
    return Fault(field, "disagrees_with_codice_fiscale", "The codice fiscale names another place.")


def belfiore(province: str, place: str, birth_year: int) -> str | None:
    """The Belfiore code of a birth in that place and year, the lasting one of several; None without any."""
    found = [p for p in find(province, place) if p.first <= birth_year <= p.last]
    return max(found, key=lambda place: place.last).code if found else None
