"""Reads the commands of the contract: for the lanes that take them."""

from collections.abc import Mapping
from typing import Any

from shared.account import Account
from shared.contract import message as contract
from shared.contract.citizen import CitizenCommand
from shared.contract.command import InternalCommand
from shared.contract.reply import Reply, rejected
from shared.decision import DECISIONS, Decide, Decision, Event, Moment
from shared.sealing import Pseudonyms
from shared.worker.lane import Parsed


class CommandReader:
    """Reads the commands of one lane of the contract."""

    def __init__(self, queue: str, pseudonyms: Pseudonyms) -> None:
        self._queue, self._pseudonyms = queue, pseudonyms
        self._known: Mapping[str, Any] = {
            name: command for name, command in contract.COMMANDS.items() if command.lane == queue
        }

    def __call__(self, type_: str, body: bytes, role: str) -> Parsed:
        """Read one command.

        Raises:
            shared.contract.Unreadable: it is not a command of this lane, or not from who may send it.
        """
        known = self._known.get(type_)
        if known is None:
            raise contract.Unreadable("unknown_type")
        if role not in known.senders:
            raise contract.Unreadable("forbidden_sender")
        try:
            command = contract.read(type_, body)
        except contract.Invalid as invalid:
            return self._refused(known, invalid, rejected("invalid", faults=invalid.faults))
        if command.forbidden_for(role):
            raise contract.Unreadable("forbidden_sender")
        return Parsed(command, self._subjects(command), DECISIONS[known], blind=known.blind)

    def _subjects(self, command: Any) -> tuple[bytes, ...]:  # noqa: ANN401 - any command
        match command:
            case InternalCommand():
                return (bytes.fromhex(command.subject),)
            case CitizenCommand():
                return (self._pseudonyms.of(command.codice_fiscale),)
            case _:
                return ()

    def _refused(self, known: Any, invalid: contract.Invalid, reply: Reply) -> Parsed:  # noqa: ANN401
        events: tuple[Event, ...] = ()
        if known.rejection_event:
            rejected_one = self._pseudonyms.of(invalid.codice_fiscale or "")
            events = (Event(known.rejection_event(code=reply.code), subject=rejected_one),)
        return Parsed(None, (), _refusing(reply, events), refusal=reply)


def _refusing(reply: Reply, events: tuple[Event, ...]) -> Decide:
    def refuse(_: Account, __: Any, ___: Moment) -> Decision:  # noqa: ANN401 - no message to decide about
        return Decision(reply=reply, events=events)

    return refuse
