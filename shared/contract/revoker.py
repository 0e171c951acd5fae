"""What the revoker is asked: to restore a lost PIN, or to end one."""

from collections.abc import Iterator
from typing import ClassVar

from shared.contract import topology
from shared.contract.citizen import CitizenCommand, Mailbox
from shared.contract.command import AT_CONTACT_CENTRE, PORTAL, Refusals, at_least_one
from shared.contract.fields import Note, Sealed
from shared.contract.parts import HealthCard, Operator, RestoreContacts
from shared.errors import Fault


class RestoreRequest(CitizenCommand):
    """A citizen lost the PIN and names registered contacts (R13); the answer is always the same (R14)."""

    type: ClassVar[str] = "restore.request"
    lane: ClassVar[str] = topology.REVOKER
    blind: ClassVar[bool] = True
    senders: ClassVar[frozenset[str]] = frozenset({PORTAL})

    contacts: RestoreContacts


class RestoreConfirm(CitizenCommand):
    """The citizen opened the link of the mail: a new PIN goes out (R15)."""

    type: ClassVar[str] = "restore.confirm"
    lane: ClassVar[str] = topology.REVOKER
    senders: ClassVar[frozenset[str]] = frozenset({PORTAL})
    refusals: ClassVar[Refusals] = {"link_invalid": None}

    token_sealed: Sealed
    """The token of the link, sealed to the revoker's key, in either form."""


class RevokeRequest(CitizenCommand):
    """A citizen asks to end the PIN, with the health card and a mailbox of their own (R18, R19)."""

    type: ClassVar[str] = "revoke.request"
    lane: ClassVar[str] = topology.REVOKER
    blind: ClassVar[bool] = True
    senders: ClassVar[frozenset[str]] = frozenset({PORTAL})

    health_card: HealthCard
    email: Mailbox | None = None
    pec: Mailbox | None = None
    """Takes the email's place where both are given."""

    def disagreements(self) -> Iterator[Fault]:
        """Yield the lack of an address for the instructions (R19)."""
        yield from at_least_one(
            "email", "no_mailbox", "One of email and pec is needed.", self.email, self.pec
        )


class RevokeConfirm(CitizenCommand):
    """The citizen opened the link of the mail: the PIN is annulled (R20)."""

    type: ClassVar[str] = "revoke.confirm"
    lane: ClassVar[str] = topology.REVOKER
    senders: ClassVar[frozenset[str]] = frozenset({PORTAL})
    refusals: ClassVar[Refusals] = {"link_invalid": None}

    token_sealed: Sealed
    """The token of the link, sealed to the revoker's key, in either form."""


class RevokeByContactCentre(CitizenCommand):
    """The contact centre ends the PIN of a citizen who has no health card (R21)."""

    type: ClassVar[str] = "revoke.by_contact_centre"
    lane: ClassVar[str] = topology.REVOKER
    senders: ClassVar[frozenset[str]] = AT_CONTACT_CENTRE
    refusals: ClassVar[Refusals] = {"no_live_pin": None}

    operator: Operator
    reason: Note
