"""What the issuer is asked: requests, contacts, the registry; first access and log-in."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from shared.contract import topology
from shared.contract.citizen import CitizenCommand, Name, PlaceName
from shared.contract.command import (
    AT_BRANCH,
    AT_CONTACT_CENTRE,
    PORTAL,
    REGISTRY,
    Refusals,
    RejectionEvent,
    ReplyData,
    at_least_one,
)
from shared.contract.events import PinRequestRejected
from shared.contract.fields import (
    Level,
    Note,
    PastDay,
    PastDayInItaly,
    ProvinceCode,
    PublicKey,
    Sealed,
)
from shared.contract.model import Model, all_valid, unless_invalid
from shared.contract.parts import Contacts, HealthCard, Operator, Recognition, Residence
from shared.errors import Fault
from shared.italy import birthplaces, codice_fiscale
from shared.italy.names import missing


class PinRequest(CitizenCommand):
    """A citizen asks for a PIN and has confirmed the summary (R1, R2, R3).

    With `recognition` an operator vouches for the citizen, and the PIN is dispositivo from the
    start (R8).
    """

    type: ClassVar[str] = "pin.request"
    lane: ClassVar[str] = topology.ISSUER_REQUESTS
    blind: ClassVar[bool] = True
    senders: ClassVar[frozenset[str]] = AT_CONTACT_CENTRE | AT_BRANCH | {PORTAL}
    rejection_event: ClassVar[RejectionEvent] = PinRequestRejected

    surname: Name
    """`-` for a person of one name, who has none: the codice fiscale has `XXX` in its place. Never both."""
    name: Name
    """Likewise."""
    birth_date: PastDay
    sex: Literal["M", "F"]
    birth_province: ProvinceCode
    """Two letters, `EE` for those born abroad."""
    birth_place: PlaceName
    """The municipality, or the state for those born abroad."""
    residence: Residence
    contacts: Contacts
    preferred_phone: Literal["home", "mobile"]
    preferred_time: Literal["morning", "afternoon", "any"]
    language: Literal["it", "de"] = "it"
    recognition: Recognition | None = None

    @property
    def declared(self) -> tuple[str, str] | None:
        """The operator who recognised the citizen."""
        operator = self.recognition and self.recognition.operator
        return (operator.id, operator.office) if operator else None

    def forbidden_for(self, sender: str) -> Fault | None:
        """Return a fault also where a portal vouches for a citizen, or an operator does not (R8).

        In person (`de_visu`) is at a branch; a signed request comes in at the contact centre.
        """
        if refused := super().forbidden_for(sender):
            return refused
        if self.recognition is None:
            may = frozenset({PORTAL})
        else:
            may = AT_BRANCH if self.recognition.kind == "de_visu" else AT_CONTACT_CENTRE
        if sender in may:
            return None
        return Fault("recognition", "forbidden", "Operators send requests with recognition, portals without.")

    def disagreements(self) -> Iterator[Fault]:
        """Yield where the codice fiscale contradicts the person (R1), and what R2 misses."""
        yield from self._nameless()
        yield from self._another_person()
        if all_valid(self.contacts):
            yield from self._too_few_contacts(self.contacts)

    def _nameless(self) -> Iterator[Fault]:
        if missing(unless_invalid(self.surname, "")) and missing(unless_invalid(self.name, "")):
            for field in ("surname", "name"):
                yield Fault(field, "empty", "Surname and name cannot both be missing.")

    def _another_person(self) -> Iterator[Fault]:
        known = unless_invalid(self.codice_fiscale, "")
        province, place = unless_invalid(self.birth_province, None), unless_invalid(self.birth_place, None)
        if len(known) == codice_fiscale.LENGTH:
            yield from codice_fiscale.disagreements(
                known,
                surname=unless_invalid(self.surname, None),
                name=unless_invalid(self.name, None),
                birth_date=unless_invalid(self.birth_date, None),
                sex=unless_invalid(self.sex, None),
                birth_province=province,
                birth_place=place,
            )
        elif province and place:
            born = unless_invalid(self.birth_date, None)
            yield from birthplaces.faults_of_birthplace(province, place, born.year if born else None)

    def _too_few_contacts(self, contacts: Contacts) -> Iterator[Fault]:
        phones = {"home": contacts.home_phone, "mobile": contacts.mobile}
        lacking = "At least one of home_phone and mobile is needed."
        yield from at_least_one("contacts", "no_phone", lacking, *phones.values())
        lacking = "At least one of email and pec is needed."
        yield from at_least_one("contacts", "no_mailbox", lacking, contacts.email, contacts.pec)
        if all_valid(self.preferred_phone) and phones[self.preferred_phone] is None and any(phones.values()):
            yield Fault("preferred_phone", "not_given", "The preferred phone is not among the contacts.")


class ContactsUpdate(CitizenCommand):
    """A citizen adds or changes contacts (R12): those given are set, the others stay."""

    type: ClassVar[str] = "contacts.update"
    lane: ClassVar[str] = topology.ISSUER_REQUESTS
    senders: ClassVar[frozenset[str]] = frozenset({PORTAL})
    refusals: ClassVar[Refusals] = {"no_active_pin": None}

    contacts: Contacts

    def disagreements(self) -> Iterator[Fault]:
        """Yield an update of nothing."""
        if all_valid(self.contacts):
            given = (value for _, value in self.contacts)
            yield from at_least_one("contacts", "no_contact", "At least one contact is needed.", *given)


class RegistryUpdate(CitizenCommand):
    """The registry tells a citizen's card, against which a revocation is checked (R19), or a death.

    One of the two is there. `deceased_on` alone, as null, takes back a death that was recorded by mistake.
    """

    type: ClassVar[str] = "registry.update"
    lane: ClassVar[str] = topology.ISSUER_REQUESTS
    senders: ClassVar[frozenset[str]] = frozenset({REGISTRY})

    health_card: HealthCard | None = None
    deceased_on: PastDayInItaly | None = None
    """The live PIN is revoked, what was open ends, and nobody is written to. A later date corrects it."""

    @property
    def takes_back(self) -> bool:
        """Whether a death is taken back: a null beside a card is what a registry sends for "nothing new"."""
        return self.deceased_on is None and self.model_fields_set == {"codice_fiscale", "deceased_on"}

    def disagreements(self) -> Iterator[Fault]:
        """Yield an update of nothing."""
        if not self.takes_back:
            lacking = "One of health_card and deceased_on is needed."
            yield from at_least_one("health_card", "missing", lacking, self.health_card, self.deceased_on)


class CitizenErase(CitizenCommand):
    """An operator erases what is kept about a citizen; a live PIN ends first."""

    type: ClassVar[str] = "citizen.erase"
    lane: ClassVar[str] = topology.ISSUER_REQUESTS
    senders: ClassVar[frozenset[str]] = AT_CONTACT_CENTRE
    refusals: ClassVar[Refusals] = {"unknown_citizen": None}

    operator: Operator
    reason: Annotated[Note, Field(min_length=1)]
    """Why. It may name people, so it is kept nowhere: whoever erases keeps it with the correlation id."""


class ActivatedData(Model):
    """The PIN of 8 characters, sealed to the command's `reply_key`."""

    pin_sealed: Sealed
    level: Level


class VerifiedData(Model):
    """What the PIN is good for."""

    level: Level


class LockedData(Model):
    """How long the PIN stays locked."""

    retry_after: Annotated[int, Field(ge=0)]
    """In seconds."""


class PinActivate(CitizenCommand):
    """First access: the 16 characters are used once, for 8 new ones (R10, R16)."""

    type: ClassVar[str] = "pin.activate"
    lane: ClassVar[str] = topology.ISSUER_ACCESS
    timed_refusals: ClassVar[bool] = True
    senders: ClassVar[frozenset[str]] = frozenset({PORTAL})
    reply_data: ClassVar[ReplyData] = ActivatedData
    refusals: ClassVar[Refusals] = {"wrong_pin": None, "locked": LockedData}

    pin_sealed: Sealed
    """The 16 characters, sealed to the issuer's key, in either form."""
    reply_key: PublicKey
    """The X25519 public key that the reply is sealed to."""


class PinVerify(CitizenCommand):
    """Log-in with codice fiscale and PIN (R11)."""

    type: ClassVar[str] = "pin.verify"
    lane: ClassVar[str] = topology.ISSUER_ACCESS
    timed_refusals: ClassVar[bool] = True
    senders: ClassVar[frozenset[str]] = frozenset({PORTAL})
    reply_data: ClassVar[ReplyData] = VerifiedData
    refusals: ClassVar[Refusals] = {
        "wrong_pin": None,
        "locked": LockedData,
        "first_access_needed": None,
    }

    pin_sealed: Sealed
    """The 8 characters, sealed to the issuer's key, in either form."""
