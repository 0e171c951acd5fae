"""Residences: in Italy, municipality, province and CAP must match; abroad, lines for an envelope."""

import re
import unicodedata
from collections.abc import Mapping
from functools import cache

from shared.documents.characters import unprintable
from shared.errors import Fault
from shared.italy.countries import COUNTRIES
from shared.italy.places import DATA, find, named, provinces

MOST_LINES, LONGEST_LINE, LONGEST_POSTAL_CODE = 4, 70, 16
LONGEST_NUMBER = 64  # includes staircase, floor and flat, or the name of a building without a number
LONGEST_MUNICIPALITY = 100

_CAP = re.compile(r"[0-9]{5}")
_FOREIGN_POSTAL_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 -]*")
_SHORT_PLAIN = re.compile(r"[A-Za-zÀ-ÖØ-öø-ÿ0-9'’.,/() -]*")


@cache
def current() -> Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return the accepted provinces and the CAP of each present municipality, by its Belfiore code.

    They are read on first use.
    """
    found = {}
    shared: dict[str, tuple[str, ...]] = {}
    for line in (DATA / "postal_codes.tsv").read_text(encoding="utf-8").splitlines():
        code, sigle, caps = line.split("\t")
        found[code] = (shared.setdefault(sigle, tuple(sigle.split(","))), tuple(caps.split(",")))
    return found


@cache
def provinces_now() -> frozenset[str]:
    """Return the two letters of every province that an address may have."""
    return frozenset(province for there, _ in current().values() for province in there)


def faults_in_italy(
    street: str, number: str, municipality: str, province: str, postal_code: str
) -> list[Fault]:
    """Return all faults of a residence in Italy.

    Args:
        street: with its kind, as in `Via Roma`.
        number: `12`, `12/A int. 3`, `12 scala B interno 14`, `s.n.c.`, `km 3,200`, `Coop. Piano degli Svevi`.
        municipality: a present one, in Italian, German or both.
        province: its two letters.
        postal_code: CAP, five digits.

    Codes: `empty`, `too_long`, `invalid_character`, `unprintable`; `unknown_province`, `ceased_province`;
    `unknown_municipality`, `ceased_municipality`, `not_in_province`; `wrong_format`, `generic_postal_code`,
    `not_of_municipality`.
    """
    faults = [
        fault
        for fault in (
            _fault_of_text("residence.street", street, LONGEST_LINE),
            _fault_of_text("residence.number", number, LONGEST_NUMBER, letters=False),
            _fault_of_province(province),
        )
        if fault
    ]
    now = current()
    codes = [place.code for place in named(municipality) if place.code in now]
    there = [code for code in codes if province in now[code][0]]
    if not there and province in provinces_now():
        there = [p.code for p in find(province, municipality) if province in now.get(p.code, ((),))[0]]
    if not there and (not codes or province in provinces_now()):
        faults.append(_fault_of_municipality(municipality, known=bool(codes)))
    elif unfit := _fault_of_text("residence.municipality", municipality, LONGEST_MUNICIPALITY):
        faults.append(unfit)
    wrong_cap = _fault_of_cap(postal_code, [cap for code in there or codes for cap in now[code][1]])
    return [*faults, wrong_cap] if wrong_cap else faults


def _fault_of_province(province: str) -> Fault | None:
    if province in provinces_now():
        return None
    if province in provinces():
        return Fault("residence.province", "ceased_province", "This province exists no more.")
    return Fault("residence.province", "unknown_province", "There is no such province.")


def _fault_of_municipality(municipality: str, *, known: bool) -> Fault:
    field = "residence.municipality"
    if known:
        return Fault(field, "not_in_province", "The municipality is not in the province given.")
    if named(municipality):
        return Fault(field, "ceased_municipality", "The municipality has merged; give its present name.")
    return Fault(field, "unknown_municipality", "No such municipality; a hamlet goes with the street.")


def _fault_of_cap(cap: str, belonging: list[str]) -> Fault | None:
    """Compare the CAP with those of the municipality; if that is unknown, any CAP passes."""
    field = "residence.postal_code"
    if not _CAP.fullmatch(cap):
        return Fault(field, "wrong_format", "A CAP has five digits.")
    if cap in belonging or not belonging:
        return None
    if cap.endswith("00") and any(cap[:3] == other[:3] for other in belonging) and len(belonging) > 1:
        return Fault(field, "generic_postal_code", "The city has a CAP for each district; give that one.")
    return Fault(field, "not_of_municipality", "The CAP is not one of the municipality.")


def _fault_of_text(field: str, value: str, longest: int, *, letters: bool = True) -> Fault | None:
    text = value.strip()
    if not text or not any(map(str.isalpha if letters else str.isalnum, text)):
        return Fault(field, "empty", "This part of the address is missing.")
    if len(text) > longest:
        return Fault(field, "too_long", f"At most {longest} characters fit on an envelope.")
    if _SHORT_PLAIN.fullmatch(text):
        return None
    if any(unicodedata.category(c)[0] == "C" for c in text):
        return Fault(field, "invalid_character", "An address has no control or invisible characters.")
    return fault_of_print(field, text)


def fault_of_print(field: str, value: str) -> Fault | None:
    """Return a fault if a text cannot be printed, neither in its own letters nor in Latin ones.

    Such an address cannot be delivered to: it would be printed as question marks.
    """
    if not unprintable(value):
        return None
    return Fault(field, "unprintable", "Write it in Latin, Greek or Cyrillic letters: no others are printed.")


def faults_abroad(country: str, lines: list[str], municipality: str, postal_code: str) -> list[Fault]:
    """Return all faults of a residence abroad.

    Args:
        country: ISO 3166-1 alpha-2, any but `IT`.
        lines: one to four, as printed on the envelope.
        municipality: its name.
        postal_code: as the country writes it; empty if it has none.

    Codes: `unknown_country`, `not_abroad`, `wrong_count`, `empty`, `too_long`, `invalid_character`,
    `unprintable`, `wrong_format`. The lines are `residence.lines.0` and so on.
    """
    found = [_fault_of_country(country)]
    if not 1 <= len(lines) <= MOST_LINES:
        found.append(Fault("residence.lines", "wrong_count", f"An address has 1 to {MOST_LINES} lines."))
    found += [
        _fault_of_text(f"residence.lines.{i}", line, LONGEST_LINE, letters=False)
        for i, line in enumerate(lines[:MOST_LINES])
    ]
    found.append(_fault_of_text("residence.municipality", municipality, LONGEST_LINE))
    if postal_code and (
        len(postal_code) > LONGEST_POSTAL_CODE or not _FOREIGN_POSTAL_CODE.fullmatch(postal_code)
    ):
        found.append(
            Fault("residence.postal_code", "wrong_format", "A postal code has letters and digits only.")
        )
    return [fault for fault in found if fault]


def _fault_of_country(country: str) -> Fault | None:
    if country == "IT":
        return Fault("residence.country", "not_abroad", "In Italy an address has street and number.")
    if country not in COUNTRIES:
        return Fault("residence.country", "unknown_country", "This is no ISO 3166-1 alpha-2 country.")
    return None
