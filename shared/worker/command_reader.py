"""Reads the commands of the contract, for the lanes that handle them."""

from collections.abc import Iterable
from typing import Any

from shared.contract import message as contract
from shared.contract.citizen import CitizenCommand
from shared.contract.command import Command, InternalCommand
from shared.contract.reply import rejected
from shared.crypto.sealing import Pseudonyms
from shared.domain.decision import NOBODY, Event
from shared.errors import InvalidMessageError, UnreadableMessageError
from shared.worker.reading import Parsed, Refusal


def _no_pseudonyms(commands: Iterable[type[Command]]) -> Pseudonyms:
    if any(issubclass(command, CitizenCommand) or command.rejection_event for command in commands):
        raise TypeError("commands that name citizens need the key of their pseudonyms")
    return Pseudonyms(b"")


class CommandReader:
    """Reads the commands of one lane.

    Args:
        commands: their types, such as the keys of the lane's table of decisions: no others are read.
        pseudonyms: of the citizens whom the commands name; None where they name none.
    """

    def __init__(self, commands: Iterable[type[Command]], pseudonyms: Pseudonyms | None = None) -> None:
        self._known = {command.type: command for command in commands}
        # In the place of one that is missing: it would be found out only by a message.
        self._pseudonyms = pseudonyms or _no_pseudonyms(self._known.values())

    def __call__(self, type_: str, body: bytes, role: str) -> Parsed:
        """Read one command.

        Raises:
            shared.UnreadableMessageError: it is not a command of this lane, or its sender may not send it.
        """
        known = self._known.get(type_)
        if known is None:
            raise UnreadableMessageError("unknown_type")
        if role not in known.senders:
            raise UnreadableMessageError("forbidden_sender")
        try:
            command = contract.read(type_, body)
        except InvalidMessageError as invalid:
            return Parsed(self._refusal(known, invalid), ())
        if command.forbidden_for(role):
            raise UnreadableMessageError("forbidden_sender")
        return Parsed(command, self._subjects(command), blind=known.blind)

    def _subjects(self, command: Any) -> tuple[bytes, ...]:  # noqa: ANN401 - any command
        match command:
            case InternalCommand():
                return (bytes.fromhex(command.subject),)
            case CitizenCommand():
                return (self._pseudonyms.of(command.codice_fiscale),)
            case _:
                return ()

    @staticmethod
    def _refusal(known: type[Command], invalid: InvalidMessageError) -> Refusal:
        """Refuse a command; the event names nobody, as its sender could have any citizen's pseudonym told."""
        reply = rejected("invalid", faults=invalid.faults)
        if not known.rejection_event:
            return Refusal(reply)
        return Refusal(reply, (Event(known.rejection_event(code=reply.code), subject=NOBODY),))
