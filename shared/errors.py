"""All errors of this project: each says how to handle it.

PinError
├── ServerLostError            wait, and reconnect
│   ├── BrokerLostError
│   ├── LedgerLostError
│   └── MailboxLostError
├── MailRefusedError           leave the mail aside for a while, and go on with the others
├── ConsumerGoneError          end the process, to be restarted
├── LedgerConflictError        retry the transaction
├── LedgerRefusedError         find the message at fault, and park it
├── UnwritableError            park the message, and retry the batch without it
├── UnreadableMessageError     park the message
├── InvalidMessageError        reply to the sender with the faults
├── UnsealableError            park the message that does not open
├── UnreadableDeliveryError    park the delivery
├── GarbledError               end the session with the gateway, and open another
├── UnreadableReceiptError     take it from the gateway, and log it: it says nothing of a delivery
├── TypesettingError           try again later: no letter can be typeset
├── JobNotMadeError            leave the job, and tell an operator
├── ShopUnreachableError       try again later
├── ShopRefusedError           leave the job, and tell an operator
├── AddressError               end the delivery as failed: nothing can be sent there
├── UncountedEvidenceError     change nothing, and file the evidence for a person to look at
├── SetupError                 correct what is named, and start again
│   ├── SettingsError
│   ├── KeyFileError
│   ├── TemplateError
│   └── NodePackagesError
└── TemplateValuesError        correct the program
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Fault:
    """One field at fault.

    Attributes:
        field: dotted path in the message body, such as `residence.postal_code`.
        code: a stable word for programs, such as `wrong_check_character`.
        detail: one English sentence for people; never repeats the value.
    """

    field: str
    code: str
    detail: str


class PinError(Exception):
    """Root of all errors of this project."""


class ServerLostError(PinError):
    """A server is gone: wait, and reconnect. The outcome of work in progress is unknown; nothing is lost."""

    @property
    def loss(self) -> str:
        """Which server, as the log event `worker.waiting` names it."""
        return type(self).__name__.removesuffix("Error")


class BrokerLostError(ServerLostError):
    """The session with RabbitMQ is gone or silent: open another. Unacknowledged messages are redelivered."""


class LedgerLostError(ServerLostError):
    """Postgres is gone, full or not ready: reconnect later. The open transaction may be committed.

    Attributes:
        blameless: whether surely no message was the cause.
    """

    def __init__(self, detail: str = "", *, blameless: bool = False) -> None:
        super().__init__(detail)
        self.blameless = blameless


class MailboxLostError(ServerLostError):
    """A mailbox cannot be read: connect anew later. What was not filed still lies in it.

    Attributes:
        reason: a stable word for the log.
        detail: the kind of failure; nothing that the server said, which may quote a mail.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason, self.detail = reason, detail


class MailRefusedError(PinError):
    """The server refuses to give or to file mails: leave them aside for a while, and go on with others."""


class ConsumerGoneError(PinError):
    """Twice in a row the broker reports no consumer on our queue: end the process, to be restarted."""


class LedgerConflictError(PinError):
    """Another worker committed first: retry the whole transaction."""


class LedgerRefusedError(PinError):
    """Postgres rejects a value or a change: a retry of the same batch will fail again."""


class UnwritableError(PinError):
    """The outcome of one message cannot be written: park it, and retry the batch without it.

    Attributes:
        received: the message.
        reason: under which it is parked.
    """

    def __init__(self, received: Any, reason: str) -> None:  # noqa: ANN401 - a `ReceivedMessage`, which is above
        super().__init__(reason)
        self.received, self.reason = received, reason


class UnreadableMessageError(PinError):
    """The body is not a message: park it in `pin.dead`.

    Attributes:
        reason: `unknown_type`, `too_large`, `not_utf8`, `too_deep`, `not_json` or `not_an_object`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class InvalidMessageError(PinError):
    """The message breaks rules of the contract: reply to its sender with the faults.

    Attributes:
        faults: all of them, at most `findings.MOST_FAULTS`.
        command: the model of the command that was meant.
    """

    def __init__(self, faults: tuple[Fault, ...], command: Any) -> None:  # noqa: ANN401 - a `type[Command]`, which is above
        super().__init__(f"{command.type}: {len(faults)} faults")
        self.faults = faults
        self.command = command


class UnsealableError(PinError):
    """The data are not sealed to us (a wrong key, a truncated text, a row that was moved): park them."""


class UnreadableDeliveryError(PinError):
    """The bytes are not a delivery: park them. Another release may have made them."""


class GarbledError(PinError):
    """What came from the gateway is no SMPP: the session cannot go on, and another is opened."""


class UnreadableReceiptError(PinError):
    """A gateway's receipt does not say of what, or which state: take it, and log it."""


class TypesettingError(PinError):
    """Nothing can be typeset, not even a specimen, such as for a missing font: try again later."""


class JobNotMadeError(PinError):
    """A print job cannot be made as it was closed: hand nothing over, and tell an operator.

    Attributes:
        reason: a stable word, such as `letter_unsealable`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ShopUnreachableError(PinError):
    """The print shop is not reached, or not known to have taken something: try again later.

    Attributes:
        reason: a stable word, such as `sftp_refused`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ShopRefusedError(PinError):
    """The print shop has a job of that id which is another: put nothing in its place, and tell an operator.

    Attributes:
        reason: a stable word, such as `job_id_taken`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class AddressError(PinError):
    """Nothing can be sent to this address: end the delivery. The error never contains the address."""


class UncountedEvidenceError(PinError):
    """What a provider is said to have sent does not count: forged, damaged, or about something else.

    Attributes:
        reason: a stable word for the log, such as `pec_bad_signature`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SetupError(PinError):
    """The program cannot start with this setup: correct what the message names, and restart."""


class SettingsError(SetupError):
    """A setting is missing or wrong in the environment: correct those named."""


class KeyFileError(SetupError):
    """A key is missing or is no key: put the right file into the keys folder."""


class TemplateError(SetupError):
    """A template cannot be used: correct the file that the message names."""


class NodePackagesError(SetupError):
    """A program's packages are neither installed nor to be had: look at what npm says of its registry."""


class TemplateValuesError(PinError):
    """The values do not match the template's placeholders: correct the program."""
