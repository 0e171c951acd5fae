"""What the dispositivo worker is asked: the profile, and the istanze that wait for it."""

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from shared.contract import topology
from shared.contract.citizen import CitizenCommand
from shared.contract.command import (
    AT_BRANCH,
    AT_CONTACT_CENTRE,
    PORTAL,
    Command,
    Refusals,
    ReplyData,
)
from shared.contract.fields import Identifier, Instant, Line, Note, Protocol, Reference, Seen, Sha256
from shared.contract.model import Model
from shared.contract.parts import Attachment, Contacts, Document, Operator, Residence
from shared.errors import Fault

NO_OPEN_REQUEST: Refusals = {"no_open_request": None}
CHANGED: Refusals = {"changed_since_seen": None}
LOOKS: Refusals = {"too_many_lookups": None}


class Form(Model):
    """The pre-filled form, to be printed and signed (R23)."""

    media_type: Literal["application/pdf"]
    sha256: Sha256
    content: str
    """The PDF in base64."""


class RequestedData(Model):
    """The open request and its form."""

    request_id: Identifier
    form: Form


class DispositivoRequest(CitizenCommand):
    """A logged-in citizen asks for the dispositivo profile and gets the form to sign (R22, R23)."""

    type: ClassVar[str] = "dispositivo.request"
    lane: ClassVar[str] = topology.DISPOSITIVO
    senders: ClassVar[frozenset[str]] = frozenset({PORTAL})
    reply_data: ClassVar[ReplyData] = RequestedData
    refusals: ClassVar[Refusals] = {
        "no_active_pin": None,
        "already_dispositivo": None,
    }

    submission: Literal["online", "fax", "branch"]
    """How the citizen means to hand the form in (R24)."""


class SubmitDocuments(CitizenCommand):
    """The signed form and the document's copy came in, online or by fax (R24)."""

    type: ClassVar[str] = "dispositivo.submit_documents"
    lane: ClassVar[str] = topology.DISPOSITIVO
    senders: ClassVar[frozenset[str]] = AT_CONTACT_CENTRE | {PORTAL}
    refusals: ClassVar[Refusals] = NO_OPEN_REQUEST

    request_id: Identifier
    via: Literal["online", "fax"]
    signed_form: Attachment
    document: Document
    document_scan: Attachment
    operator: Operator | None = None
    """Who took the fax in; nobody where the citizen uploaded."""

    def forbidden_for(self, sender: str) -> Fault | None:
        """Return a fault also where a portal sends a fax, or an operator an upload (R24, R25)."""
        if refused := super().forbidden_for(sender):
            return refused
        if (sender == PORTAL) == (self.via == "fax"):
            return Fault("via", "forbidden", "Portals submit what came online, operators what came by fax.")
        if sender == PORTAL and self.operator:
            return Fault("operator", "forbidden", "No operator submits what came online.")
        return None


class OpenRequest(Model):
    """What an operator has to see of a request to decide it, and no more."""

    request_id: Identifier
    codice_fiscale: str
    surname: str
    name: str
    birth_date: date
    via: Literal["online", "fax"]
    received_at: Instant
    signed_form: Attachment
    document: Document
    document_scan: Attachment
    document_expired: bool
    seen: Seen | None = None
    """Stands for the request as shown here: who decides gives it back, and learns if it has changed since."""


class ReviewData(Model):
    """The requests to review, in order of arrival."""

    requests: tuple[OpenRequest, ...]


class ReviewQueue(Command):
    """An operator asks what is to be reviewed (R25); the look is on record."""

    type: ClassVar[str] = "dispositivo.review_queue"
    lane: ClassVar[str] = topology.DISPOSITIVO
    senders: ClassVar[frozenset[str]] = AT_CONTACT_CENTRE
    reply_data: ClassVar[ReplyData] = ReviewData
    refusals: ClassVar[Refusals] = LOOKS

    operator: Operator
    limit: Annotated[int, Field(ge=1, le=100)]


class ApprovedData(Model):
    """When the PIN becomes dispositivo (R29)."""

    effective_at: Instant
    seen: Seen | None = None
    """Stands for the request as approved, for who withdraws the approval by cancelling."""


class DispositivoApprove(CitizenCommand):
    """An operator approves a request (R25)."""

    type: ClassVar[str] = "dispositivo.approve"
    lane: ClassVar[str] = topology.DISPOSITIVO
    senders: ClassVar[frozenset[str]] = AT_CONTACT_CENTRE
    reply_data: ClassVar[ReplyData] = ApprovedData
    refusals: ClassVar[Refusals] = {**NO_OPEN_REQUEST, "documents_missing": None, **CHANGED}

    request_id: Identifier
    operator: Operator
    seen: Seen | None = None
    """As the queue gave it with what the operator decides; `PIN_REQUIRE_SEEN` demands it."""


class DispositivoCancel(CitizenCommand):
    """An operator cancels a request whose documents do not do; the citizen is told why (R28)."""

    type: ClassVar[str] = "dispositivo.cancel"
    lane: ClassVar[str] = topology.DISPOSITIVO
    senders: ClassVar[frozenset[str]] = AT_CONTACT_CENTRE
    refusals: ClassVar[Refusals] = {**NO_OPEN_REQUEST, **CHANGED}

    request_id: Identifier
    operator: Operator
    reason: Literal["incomplete", "illegible", "mismatch"]
    note: Note = ""
    """For the citizen, beside the reason."""
    seen: Seen | None = None
    """As the queue, or the reply to an approval, gave it; `PIN_REQUIRE_SEEN` demands it."""


class LookupData(Model):
    """The person as registered, to be held against the document shown (R26)."""

    surname: str
    name: str
    birth_date: date
    sex: Literal["M", "F"]
    birth_province: str
    birth_place: str
    residence: Residence
    contacts: Contacts
    document: Document | None
    """The identity document on file, null where there is none."""
    seen: Seen | None = None
    """Stands for the citizen as shown here: who activates gives it back, and learns if that has changed."""


class BranchLookup(CitizenCommand):
    """A branch operator looks a citizen up (R26); the look is on record."""

    type: ClassVar[str] = "branch.lookup"
    lane: ClassVar[str] = topology.DISPOSITIVO
    senders: ClassVar[frozenset[str]] = AT_BRANCH
    reply_data: ClassVar[ReplyData] = LookupData
    refusals: ClassVar[Refusals] = {"no_active_pin": None, **LOOKS}

    operator: Operator


class BranchActivate(CitizenCommand):
    """A branch operator verified the citizen: the PIN is dispositivo at once (R26)."""

    type: ClassVar[str] = "branch.activate"
    lane: ClassVar[str] = topology.DISPOSITIVO
    senders: ClassVar[frozenset[str]] = AT_BRANCH
    refusals: ClassVar[Refusals] = {
        "no_active_pin": None,
        "already_dispositivo": None,
        **CHANGED,
    }

    operator: Operator
    document: Document
    """As checked and, where it differed, corrected."""
    seen: Seen | None = None
    """As the lookup gave it; `PIN_REQUIRE_SEEN` demands it."""


class SubmittedData(Model):
    """The protocol of an istanza (R30), and the notice where it is suspended (R31)."""

    protocol: Protocol
    status: Literal["in_progress", "suspended"]
    notice: str | None = None


class IstanzaSubmit(CitizenCommand):
    """A citizen sends an istanza with either kind of PIN (R30, R31)."""

    type: ClassVar[str] = "istanza.submit"
    lane: ClassVar[str] = topology.DISPOSITIVO
    senders: ClassVar[frozenset[str]] = frozenset({PORTAL})
    reply_data: ClassVar[ReplyData] = SubmittedData
    refusals: ClassVar[Refusals] = {"no_active_pin": None, "too_many_suspended": None}

    istanza_id: Reference
    """The sender's own."""
    service: Line
    """What is applied for."""
