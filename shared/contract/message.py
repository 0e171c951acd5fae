"""From the bytes of a message to the command they say, or to everything that is wrong with them."""

from collections.abc import Mapping

from pydantic import ValidationError

from shared.contract import dispositivo, internal, issuer, notifier, revoker
from shared.contract.citizen import CitizenCommand
from shared.contract.command import Command, InternalCommand
from shared.contract.findings import look_closer
from shared.contract.model import Model
from shared.contract.unreadable import Unreadable
from shared.faults import Fault

__all__ = [
    "COMMANDS",
    "MAX_BODY",
    "CitizenCommand",
    "Command",
    "InternalCommand",
    "Invalid",
    "Model",
    "Unreadable",
    "read",
]

MAX_BODY = 256 * 1024
"""The most bytes a body may have."""

COMMANDS: Mapping[str, type[Command]] = {
    command.type: command
    for command in (
        issuer.PinRequest,
        issuer.ContactsUpdate,
        issuer.RegistryUpdate,
        issuer.PinActivate,
        issuer.PinVerify,
        revoker.RestoreRequest,
        revoker.RestoreConfirm,
        revoker.RevokeRequest,
        revoker.RevokeConfirm,
        revoker.RevokeByContactCentre,
        dispositivo.DispositivoRequest,
        dispositivo.SubmitDocuments,
        dispositivo.ReviewQueue,
        dispositivo.DispositivoApprove,
        dispositivo.DispositivoCancel,
        dispositivo.BranchLookup,
        dispositivo.BranchActivate,
        dispositivo.IstanzaSubmit,
        notifier.DeliveryReceipt,
        internal.Expire,
        internal.FailedDelivery,
        internal.ReturnedLetter,
        internal.TakeEffect,
    )
}
"""Every command by its type, internal ones included."""


class Invalid(Exception):  # noqa: N818 - what it says of the message
    """The message breaks rules of the contract: its sender gets the faults in a reply.

    Attributes:
        faults: all that is wrong, at most `findings.MOST_FAULTS`.
        command: the kind of command that was meant.
        codice_fiscale: whom it was about, canonical, if that field was right.
    """

    def __init__(
        self, faults: tuple[Fault, ...], command: type[Command], codice_fiscale: str | None = None
    ) -> None:
        super().__init__(f"{command.type}: {len(faults)} faults")
        self.faults = faults
        self.command = command
        self.codice_fiscale = codice_fiscale


def read(type_: str, body: bytes) -> Command:
    """Return the command that a body of this AMQP `type` says.

    Of a key that stands twice in an object the last one counts, for every reader alike.

    Raises:
        Unreadable: the body cannot be parsed as a message at all.
        Invalid: it can, but breaks rules.
    """
    if not (kind := COMMANDS.get(type_)):
        raise Unreadable("unknown_type")
    if len(body) > MAX_BODY:
        raise Unreadable("too_large")
    try:
        command = kind.model_validate_json(body)
    except ValidationError as error:
        raise _refusal(kind, body, error) from None
    if faults := tuple(command.disagreements_within()):
        raise Invalid(faults, kind, getattr(command, "codice_fiscale", None))
    return command


def _refusal(kind: type[Command], body: bytes, error: ValidationError) -> Unreadable | Invalid:
    findings = look_closer(kind, body, error)
    if findings.unreadable:
        return Unreadable(findings.unreadable)
    return Invalid(findings.faults, kind, findings.codice_fiscale)
