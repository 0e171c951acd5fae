"""Everything that can go wrong, in one place: each error says what its reader should do.

PinError
├── ServerLostError            wait, and connect again
│   ├── BrokerLostError
│   └── LedgerLostError
├── ConsumerGoneError          end the process, to be restarted
├── LedgerConflictError        do the transaction again
├── LedgerRefusedError         find the message at fault, and park it
├── UnwritableError            park the message, and decide the others anew
├── UnreadableMessageError     park the message
├── InvalidMessageError        answer the sender with the faults
├── UnsealableError            park what should have opened
├── UnreadableDeliveryError    park the delivery
├── AddressError               end the delivery: nothing can be sent there
├── SetupError                 correct what is named, and start again
│   ├── SettingsError
│   ├── KeyFileError
│   ├── TemplateError
│   └── ParserMissingError
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
    """A server is gone: wait, and connect again. What was under way is unknown, and nothing is lost."""

    @property
    def loss(self) -> str:
        """Which server, as the log event `worker.waiting` names it."""
        return type(self).__name__.removesuffix("Error")


class BrokerLostError(ServerLostError):
    """The session with RabbitMQ is gone or silent: open another. What is unacknowledged comes back."""


class LedgerLostError(ServerLostError):
    """Postgres is gone, full or not ready: connect again later. What was under way may be committed."""


class ConsumerGoneError(PinError):
    """The broker says that nobody consumes our queue although we do: end the process, to be restarted."""


class LedgerConflictError(PinError):
    """Another worker was quicker: do the transaction again from its start."""


class LedgerRefusedError(PinError):
    """Postgres refuses a value or a change: something in the batch is wrong, and will be wrong again."""


class UnwritableError(PinError):
    """What one message leads to cannot be written down: park that message, and decide the others anew.

    Attributes:
        received: the message.
        reason: under which it is parked.
    """

    def __init__(self, received: Any, reason: str) -> None:  # noqa: ANN401 - a `ReceivedMessage`, which is above
        super().__init__(reason)
        self.received, self.reason = received, reason


class UnreadableMessageError(PinError):
    """The body is no message at all: park it in `pin.dead`.

    Attributes:
        reason: `unknown_type`, `too_large`, `not_utf8`, `too_deep`, `not_json` or `not_an_object`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class InvalidMessageError(PinError):
    """The message breaks rules of the contract: answer its sender with the faults.

    Attributes:
        faults: all that is wrong, at most `findings.MOST_FAULTS`.
        command: the model of the command that was meant.
        codice_fiscale: whom it was about, canonical, if that field was right.
    """

    def __init__(self, faults: tuple[Fault, ...], command: Any, codice_fiscale: str | None = None) -> None:  # noqa: ANN401 - a `type[Command]`, which is above
        super().__init__(f"{command.type}: {len(faults)} faults")
        self.faults = faults
        self.command = command
        self.codice_fiscale = codice_fiscale


class UnsealableError(PinError):
    """What should be sealed for us is not (a wrong key, a cut text, a row that was moved): park it."""


class UnreadableDeliveryError(PinError):
    """The bytes are not a delivery: park it. Another release may have made it."""


class AddressError(PinError):
    """Nothing can be sent to this address: end the delivery. Says nothing of the address itself."""


class SetupError(PinError):
    """The program cannot start as it is set up: correct what the message names, and start again."""


class SettingsError(SetupError):
    """The environment lacks a setting, or has a wrong one: correct those named."""


class KeyFileError(SetupError):
    """A key is missing or is no key: put the right file into the keys folder."""


class TemplateError(SetupError):
    """A template cannot be used: correct the file that the message names."""


class ParserMissingError(SetupError):
    """The official AsyncAPI parser is not there: install Node.js, or run `make test`, which does."""


class TemplateValuesError(PinError):
    """A program filled a template with other values than it names: correct the program."""
