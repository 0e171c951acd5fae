"""The application for the PIN dispositivo, filled in: the data of its form (R23)."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

Language = Literal["it", "de"]
Submission = Literal["online", "fax", "branch"]


@dataclass(frozen=True, slots=True)
class Form:
    """The data of the application.

    Attributes:
        request_id: UUID, as text; also in the Data Matrix, so that a fax can be matched.
        language: of all printed text.
        codice_fiscale: of the citizen, as are all fields below.
        surname: as registered.
        name: given names.
        birth_date: a day.
        birth_place: municipality or foreign state.
        birth_province: two letters, `EE` abroad.
        sex: `M` or `F`.
        residence: the lines of the address without the addressee.
        contacts: pairs of kind (`home_phone`, `mobile`, `email`, `pec`) and value; others are not shown.
        requested_on: the day of the request.
        submission: the chosen way of sending it back (R24), which is marked.
    """

    request_id: str
    language: Language
    codice_fiscale: str
    surname: str
    name: str
    birth_date: date
    birth_place: str
    birth_province: str
    sex: str
    residence: tuple[str, ...]
    contacts: tuple[tuple[str, str], ...]
    requested_on: date
    submission: Submission
