"""From the bytes of a message to the command they say, or to everything that is wrong with them."""

from collections.abc import Mapping

from pydantic import ValidationError

from shared.contract import dispositivo, internal, issuer, notifier, revoker, supervision
from shared.contract.citizen import CitizenCommand
from shared.contract.command import Command, InternalCommand
from shared.contract.findings import explain_errors
from shared.contract.model import Model
from shared.errors import InvalidMessageError, UnreadableMessageError

__all__ = [
    "COMMANDS",
    "MAX_BODY",
    "CitizenCommand",
    "Command",
    "InternalCommand",
    "Model",
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
        issuer.CitizenErase,
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
        supervision.DeliveryTimeline,
        internal.Expire,
        internal.FailedDelivery,
        internal.ReturnedLetter,
        internal.UnsuitableAddress,
        internal.TakeEffect,
        internal.TellSuspended,
    )
}
"""Every command by its type, internal ones included."""


def read(type_: str, body: bytes) -> Command:
    """Return the command that a body of this AMQP `type` says.

    Of a key that stands twice in an object the last one counts, for every reader alike.

    Raises:
        UnreadableMessageError: the body cannot be parsed as a message at all.
        InvalidMessageError: it can, but breaks rules.
    """
    if not (kind := COMMANDS.get(type_)):
        raise UnreadableMessageError("unknown_type")
    if len(body) > MAX_BODY:
        raise UnreadableMessageError("too_large")
    try:
        command = kind.model_validate_json(body)
    except ValidationError as error:
        raise _refusal(kind, body, error) from None
    if faults := tuple(command.disagreements_within()):
        raise InvalidMessageError(faults, kind)
    return command


def _refusal(
    kind: type[Command], body: bytes, error: ValidationError
) -> UnreadableMessageError | InvalidMessageError:
    findings = explain_errors(kind, body, error)
    if findings.unreadable:
        return UnreadableMessageError(findings.unreadable)
    return InvalidMessageError(findings.faults, kind)
