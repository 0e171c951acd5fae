"""What the ledger stores about one citizen, and the lawful states of a PIN."""

from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo

from shared.domain.pin import tag_of

Status = Literal["none", "issued", "active", "restoring", "revoked", "expired"]
Level = Literal["online", "dispositivo"]

TRANSITIONS: dict[Status, tuple[Status, ...]] = {
    "none": ("issued",),
    "issued": ("active", "expired", "revoked"),
    "active": ("restoring", "revoked"),
    "restoring": ("active", "expired", "revoked"),
    "expired": ("issued",),
    "revoked": ("issued",),
}
"""The lawful changes of a PIN's status; the table `lawful_transition` of the ledger holds the same."""

LIVE: frozenset[Status] = frozenset({"issued", "active", "restoring"})
"""The states in which a citizen has a PIN (R7)."""


def _from_json(value: Any, info: ValidationInfo) -> Any:  # noqa: ANN401 - whatever a newer release keeps
    if info.mode != "json":
        raise ValueError("there is no such field")
    return value


class Part(BaseModel):
    """Base of every part of an account.

    Values that this code makes or changes are validated at once. Fields that a newer release added to the
    ledger's JSON are kept unread: an older worker writes them back.
    """

    model_config = ConfigDict(
        frozen=True,
        strict=True,  # else a text would be accepted as a date
        extra="allow",
        hide_input_in_errors=True,  # what an account holds is personal
        ser_json_bytes="base64",
        val_json_bytes="base64",
        defer_build=True,  # channel workers import this and never open an account
    )
    # Pydantic validates the values of unknown fields by this annotation.
    __pydantic_extra__: dict[str, Annotated[Any, AfterValidator(_from_json)]]

    def but(self, **changes: Any) -> Self:  # noqa: ANN401 - any of the fields
        """Return a copy with some fields changed.

        Raises:
            TypeError: no such field exists.
            pydantic.ValidationError: a value is not valid for its field.
        """
        if not changes.keys() <= self.__pydantic_fields__.keys():
            raise TypeError(f"not fields of {type(self).__name__}: {changes.keys()}")
        changed = self.model_validate(self.__dict__ | changes)
        return changed.model_copy(update=self.model_extra) if self.model_extra else changed

    def known(self) -> dict[str, Any]:
        """Return the fields that this release knows, by name."""
        return dict(self.__dict__)


class Residence(Part):
    """Where the letter goes (R6): at home with `street` and `province`, abroad with `lines`."""

    country: str
    municipality: str
    postal_code: str
    street: str = ""
    number: str = ""
    province: str = ""
    lines: tuple[str, ...] = ()


class Holder(Part):
    """The citizen's personal data, as confirmed in the request (R1)."""

    codice_fiscale: str
    surname: str
    name: str
    birth_date: date
    sex: str
    birth_province: str
    birth_place: str
    residence: Residence
    preferred_phone: str
    preferred_time: str
    language: Literal["it", "de"] = "it"


class Contacts(Part):
    """The registered contacts (R2, R12)."""

    home_phone: str | None = None
    mobile: str | None = None
    email: str | None = None
    pec: str | None = None

    @property
    def mailbox(self) -> tuple[Literal["pec", "email"], str] | None:
        """The one mailbox that gets halves and warnings: the PEC if there is one, else the email (R5)."""
        if self.pec:
            return "pec", self.pec
        return ("email", self.email) if self.email else None

    @property
    def mail(self) -> tuple[Literal["pec", "email"], str] | None:
        """The mailbox that gets outcomes and confirming links: the email, else the PEC (R27)."""
        if self.email:
            return "email", self.email
        return ("pec", self.pec) if self.pec else None


class CoolingContact(Part):
    """A contact that was changed or added so recently that it may not count yet for a restore (R13)."""

    kind: Literal["mobile", "email", "pec"]
    former: str | None
    """What counts meanwhile: the contact before the change; None if there was none."""
    since: datetime


class UnsuitableContact(Part):
    """A contact found unable to receive by its channel: a land line, or a PEC address that is ordinary mail.

    It holds for this very number or address: another one in its place is tried. `reachable.py` has the rules.
    """

    kind: Literal["mobile", "pec"]
    value: str
    reason: str
    """A stable word, such as `sms_landline`."""
    since: datetime


class HealthCard(Part):
    """The Tessera Sanitaria, as the registry reported it (R19)."""

    number: str
    expires_on: date


class Half(Part):
    """The deliveries that carry one half, and those of them that failed permanently."""

    deliveries: tuple[str, ...]
    failed: tuple[str, ...] = ()
    pec: str | None = None
    """The address of the one that went by PEC, if one did."""

    @property
    def lost(self) -> bool:
        """Whether every delivery of the half has failed."""
        return set(self.deliveries) <= set(self.failed)


class Pin(Part):
    """The credential: what a typed PIN is compared with, never the PIN."""

    id: str
    """Identifies this PIN in delayed messages, so that they never affect its successor."""
    issued_at: datetime
    initial: bool
    """True for the initial PIN of 16 characters (R4), False for the one of 8 (R10)."""
    salt: bytes
    verifier: bytes
    part_verifiers: tuple[Annotated[bytes, AfterValidator(tag_of)], ...] = ()
    """Tags of the two halves of an initial PIN, to recognise a citizen who typed only one.

    Earlier releases kept whole hashes. They are cut when they are read, and so in the ledger with the next
    change: one that nothing changes lasts as long as its PIN, 60 days.
    """
    pepper: str = ""
    """The id of the key of the verifiers; empty for the oldest that there is."""
    expires_at: datetime | None = None
    halves: tuple[Half, ...] = ()


class Attempts(Part):
    """Failed attempts since the last success: log-ins, or health cards (R19)."""

    in_row: int = 0
    total: int = 0
    locks: int = 0
    locked_until: datetime | None = None
    blocked: bool = False
    told: int = 0
    """Locks and blocks the citizen was notified of: a log-in retried after a crash notifies of none twice."""

    last: datetime | None = None
    """When the last one was counted."""

    def lapsed(self, now: datetime, quiet: timedelta) -> "Attempts":
        """Return the count after a quiet time: those in a row, and how long the next lock is, are forgotten.

        The guesses at a citizen of whom nothing is known are forgotten as a whole by then: no more may show
        in replies of one who is known. Those in all, which block, do not show.
        """
        if self.last is None or now - self.last < quiet:
            return self
        return self.but(in_row=0, locks=0, told=max(0, self.told - self.locks))

    def cleared(self) -> "Attempts":
        """Return the count after a success: no failures."""
        never = Attempts()
        return self.but(**never.known()) if self.model_extra else never


class Link(Part):
    """A confirming link that was sent and is still open."""

    digest: bytes
    expires_at: datetime
    tried: int = 0
    """Refused confirmations that the ledger noted; they do not close the link."""
    contacts: tuple[tuple[Literal["mobile", "pec", "email"], str], ...] = ()
    """For a restore: the two contacts, as (kind, value), that will get the halves (R15)."""
    address: tuple[Literal["pec", "email"], str] | None = None
    """For a revocation: the mailbox, as (kind, value), that the link was sent to (R20)."""


class OperatorRevocation(Part):
    """A revocation by the contact centre (R21).

    The reason is free text and may name people: it is stored here, sealed, and not in the entries, which
    have operator and office.
    """

    at: datetime
    operator: str
    office: str
    reason: str


class Document(Part):
    """The details of an identity document (R8, R24, R26)."""

    kind: str
    number: str
    issued_by: str
    issued_on: date
    expires_on: date


class Recognition(Part):
    """How the citizen's identity was established once (R8)."""

    kind: str
    at: datetime
    operator: str
    office: str = ""
    document: Document | None = None
    before: Document | None = None
    """The document on file before the check, if it was corrected (R26)."""


class Attachment(Part):
    """A document by reference."""

    uri: str
    sha256: str
    media_type: str
    size: int | None = None


class DispositivoRequest(Part):
    """An open request for the dispositivo profile (R22-R29)."""

    id: str
    requested_at: datetime
    submission: str
    via: str | None = None
    signed_form: Attachment | None = None
    document: Document | None = None
    document_scan: Attachment | None = None
    received_at: datetime | None = None
    approved_at: datetime | None = None
    approved_by: str | None = None
    approved_office: str = ""
    effective_at: datetime | None = None


class Cancellation(Part):
    """Why an operator cancelled a request (R28). The note is free text: it is stored only here."""

    request_id: str
    at: datetime
    operator: str
    reason: str
    note: str = ""


class Istanza(Part):
    """An application sent with a PIN (R30); it may have to wait for the dispositivo PIN (R31)."""

    id: str
    protocol: str
    service: str
    submitted_at: datetime


class SuspendedTold(Part):
    """What the citizen was told by mail of the istanze suspended (R31); days are Italy's."""

    first_on: date
    """The latest day on which one was suspended: its first was told at once."""
    untold: tuple[str, ...] = ()
    """Protocols of those not told yet: one mail tells of all at the end of the day."""
    gathered_on: date | None = None
    """The latest day for which that mail is on its way."""


class Account(Part):
    """One citizen, as of the last entry of the ledger.

    `subject`, `version` and the plain columns of the row are stored beside the sealed state.
    """

    subject: Annotated[bytes, Field(exclude=True)] = b""
    version: Annotated[int, Field(exclude=True)] = 0
    status: Annotated[Status, Field(exclude=True)] = "none"
    level: Annotated[Level | None, Field(exclude=True)] = None
    review_since: Annotated[datetime | None, Field(exclude=True)] = None

    holder: Holder | None = None
    contacts: Contacts = Contacts()
    cooling_contacts: tuple[CoolingContact, ...] = ()
    """Of the contacts those changed lately, one a kind; all others have been registered long enough."""
    unsuitable: tuple[UnsuitableContact, ...] = ()
    """Contacts found unable to receive, the latest of each kind, registered still or not."""
    contacts_changed_at: datetime | None = None
    """When registered contacts were last replaced; None if never, or not since an earlier release."""
    pin: Pin | None = None
    attempts: Attempts = Attempts()
    health_card: HealthCard | None = None
    card_attempts: Attempts = Attempts()
    """Wrong health cards in requests to revoke (R19)."""
    deceased_on: date | None = None
    """When the citizen died, by the registry: no PIN is issued, and no messages are sent."""
    restore: Link | None = None
    revocation: Link | None = None
    links_sent: tuple[datetime, ...] = ()
    revoked_by_operators: tuple[OperatorRevocation, ...] = ()
    told_pin_exists_at: datetime | None = None
    recognition: Recognition | None = None
    recognised_before: tuple[Recognition, ...] = ()
    """Earlier recognitions, oldest first: a record of each correction, its time and its author."""
    dispositivo: DispositivoRequest | None = None
    cancelled: Cancellation | None = None
    """The last request that was cancelled."""
    suspended: tuple[Istanza, ...] = ()
    suspended_told: SuspendedTold | None = None
    istanze: tuple[Istanza, ...] = ()
    """The latest istanze, suspended or not: a repeated one gets its first protocol again."""

    @property
    def live(self) -> bool:
        """Whether the citizen has a PIN that has not ended (R7)."""
        return self.status in LIVE

    @property
    def nobody(self) -> bool:
        """Whether nothing is known of the citizen.

        Anybody can name one, in any number: what a stranger says about a nobody writes no entry, which would
        stay for ever, and the count of guesses is deleted some time after the last.
        """
        return self.status == "none" and not (self.holder or self.health_card or self.deceased_on)

    @property
    def language(self) -> Literal["it", "de"]:
        """The language of the messages to the citizen (R33)."""
        return self.holder.language if self.holder else "it"
