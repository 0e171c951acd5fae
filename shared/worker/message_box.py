"""Opens what was sealed for one message, and nothing that was sealed for another."""

from typing import Any

from shared.contract.issuer import PinActivate, PinVerify
from shared.contract.revoker import RestoreConfirm, RevokeConfirm
from shared.crypto.bound import Envelope, Misbound, is_bound, unwrapped
from shared.crypto.sealing import ServiceBox
from shared.crypto.secret import Secret
from shared.domain.decision import Box
from shared.worker.reading import ReceivedMessage

_OTHER = Secret("")
"""Stands for a secret that was sealed for another message: it equals no PIN and no token."""


class MessageBoxes:
    """The box of a worker, for one message at a time.

    Args:
        box: the worker's.
        require_bound: refuse the first form of a seal, which names no message.
        log: the worker's; a line names the fields that disagree, and no value.
    """

    def __init__(self, box: ServiceBox, *, require_bound: bool, log: Any) -> None:  # noqa: ANN401 - structlog's
        self._box, self._require_bound, self._log = box, require_bound, log

    def of(self, received: ReceivedMessage) -> Box:
        """Return the box of one message."""
        return _MessageBox(self, received)

    def seal(self, secret: Secret, key: str) -> str:
        """Seal a secret to an X25519 public key (base64)."""
        return self._box.seal(secret, key)

    def open(self, sealed: str, received: ReceivedMessage) -> Secret | None:
        """Return what is inside, for this message; see `Box.open`."""
        inside = self._box.open(sealed, received.actor)
        if inside is None:
            self._warn("seal.unreadable", received)
            return None
        if not is_bound(inside):
            if not self._require_bound:
                return inside
            self._warn("seal.unbound", received)
            return None
        match unwrapped(inside, _around(received)):
            case Misbound(fields):
                self._warn("seal.misbound", received, fields=fields)
                return _OTHER
            case secret:
                return secret

    def _warn(self, event: str, received: ReceivedMessage, **more: object) -> None:
        self._log.warning(
            event,
            type=received.message.type,
            user=received.actor,
            message_id=str(received.id),
            correlation_id=received.correlation_id,
            **more,
        )


class _MessageBox:
    def __init__(self, boxes: MessageBoxes, received: ReceivedMessage) -> None:
        self._boxes, self._received = boxes, received

    def open(self, sealed: str) -> Secret | None:
        return self._boxes.open(sealed, self._received)

    def seal(self, secret: Secret, key: str) -> str:
        return self._boxes.seal(secret, key)


def _around(received: ReceivedMessage) -> Envelope:
    match received.message:
        case PinActivate() as command:
            return Envelope("pin", command.codice_fiscale, received.id, command.reply_key)
        case PinVerify() as command:
            return Envelope("pin", command.codice_fiscale, received.id)
        case RestoreConfirm() | RevokeConfirm() as command:
            return Envelope("token", command.codice_fiscale, received.id)
        case other:
            raise TypeError(f"{type(other).__name__} seals nothing")
