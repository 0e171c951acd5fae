"""The parts that several messages share."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from shared.contract.citizen import Mailbox, Mobile, Phone
from shared.contract.fields import (
    CardNumber,
    CountryCode,
    Day,
    Line,
    PastDay,
    ProvinceCode,
    Sha256,
    Uri,
    Word,
    text,
)
from shared.contract.model import Model, all_valid, unless_invalid
from shared.errors import Fault
from shared.italy import residence
from shared.italy.countries import WITHOUT_POSTAL_CODES

IN_ITALY = "in_italy"
ABROAD = "abroad"


def _told(part: Model, faults: list[Fault]) -> Iterator[Fault]:
    """Yield the faults, relative to the residence, of fields that are not at fault already."""
    for fault in faults:
        field = fault.field.removeprefix("residence.")
        if all_valid(getattr(part, field.partition(".")[0])):
            yield Fault(field, fault.code, fault.detail)


class ResidenceInItaly(Model):
    """Where a citizen lives in Italy (R1)."""

    country: Literal["IT"]
    street: Line
    number: Word
    """The house number, or `SNC` where there is none."""
    municipality: Line
    province: ProvinceCode
    postal_code: Word
    """The CAP."""

    @classmethod
    def describes(cls, raw: dict[str, Any]) -> bool:
        """Tell a residence in Italy by its country, or by its fields where the country is missing."""
        country = raw.get("country")
        if isinstance(country, str):
            return country.strip().upper() == "IT"
        return "lines" not in raw

    def disagreements(self) -> Iterator[Fault]:
        """Return where municipality, province and CAP do not belong together (R1)."""
        faults = residence.faults_in_italy(
            unless_invalid(self.street, ""),
            unless_invalid(self.number, ""),
            unless_invalid(self.municipality, ""),
            unless_invalid(self.province, ""),
            unless_invalid(self.postal_code, ""),
        )
        return _told(self, faults)


class ResidenceAbroad(Model):
    """Where a citizen lives abroad (R1)."""

    country: CountryCode
    """ISO 3166-1 alpha-2."""
    lines: Annotated[tuple[Line, ...], Field(min_length=1, max_length=4)]
    municipality: Line
    postal_code: Annotated[str, text(16, shortest=0)] = ""
    """Empty where the country has none; it may be left out where no address of the country has one."""

    def disagreements(self) -> Iterator[Fault]:
        """Return what makes the address useless to a post office (R1)."""
        faults = residence.faults_abroad(
            unless_invalid(self.country, ""),
            list(unless_invalid(self.lines, ())),
            unless_invalid(self.municipality, ""),
            unless_invalid(self.postal_code, ""),
        )
        if "postal_code" not in self.model_fields_set and self.country not in WITHOUT_POSTAL_CODES:
            faults.append(Fault("residence.postal_code", "missing", "This field is required."))
        return _told(self, faults)


def _which_residence(value: Any) -> str:  # noqa: ANN401 - whatever the sender put there
    if isinstance(value, ResidenceAbroad):
        return ABROAD
    in_italy = not isinstance(value, dict) or ResidenceInItaly.describes(value)
    return IN_ITALY if in_italy else ABROAD


Residence = Annotated[
    Annotated[ResidenceInItaly, Tag(IN_ITALY)] | Annotated[ResidenceAbroad, Tag(ABROAD)],
    Discriminator(_which_residence),
]


class Contacts(Model):
    """How a citizen can be reached (R2): phones in E.164, with their international prefix."""

    home_phone: Phone | None = None
    mobile: Mobile | None = None
    email: Mailbox | None = None
    pec: Mailbox | None = None


class RestoreContacts(Model):
    """The registered contacts that a citizen names to restore the PIN (R13)."""

    mobile: Mobile | None = None
    email: Mailbox | None = None
    pec: Mailbox | None = None

    def disagreements(self) -> Iterator[Fault]:
        """Yield the lack of a second contact (R13)."""
        if sum(value is not None for value in (self.mobile, self.email, self.pec)) < 2:  # noqa: PLR2004 - R13
            yield Fault("", "too_few_contacts", "At least two of mobile, email and pec are needed.")


class Document(Model):
    """An identity document. One that has expired is for the operator to judge, not for the contract."""

    kind: Literal["identity_card", "driving_licence", "passport"]
    number: Word
    issued_by: Line
    issued_on: PastDay
    expires_on: Day

    def disagreements(self) -> Iterator[Fault]:
        """Yield a document that ends before it begins."""
        if all_valid(self.issued_on, self.expires_on) and self.expires_on < self.issued_on:
            yield Fault("expires_on", "before_issue", "The document expires before the day it was issued.")


class Attachment(Model):
    """A file that stays where it is: it travels by reference (R24)."""

    uri: Uri
    sha256: Sha256
    media_type: Literal["application/pdf", "image/tiff", "image/png", "image/jpeg"]
    size: Annotated[int, Field(ge=1, le=25 * 1024 * 1024)] | None = None
    """In bytes."""


class Operator(Model):
    """Who acted, at the contact centre or at a branch."""

    id: Word
    office: Line


class Recognition(Model):
    """How the citizen was recognised: in person, or by a signed request with a document's copy (R8)."""

    kind: Literal["de_visu", "signed_request"]
    operator: Operator
    document: Document


class HealthCard(Model):
    """The Tessera Sanitaria (R19)."""

    number: CardNumber
    expires_on: Day
