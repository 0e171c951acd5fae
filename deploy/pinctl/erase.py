"""`pinctl erase`: asks the issuer to erase a citizen, and shows what of them is parked."""

from dataclasses import dataclass
from typing import Any

import orjson

from deploy.errors import PinctlError
from deploy.pinctl.answer import ATTENTION, OK, UNKNOWN, UNREACHABLE, Answer
from deploy.pinctl.settings import BrokerSettings
from deploy.pinctl.tables import count, plain, table
from shared.broker.admin import BrokerAdmin, Command, DeadLetter
from shared.contract import topology
from shared.contract.ids import new_message_id
from shared.errors import InvalidMessageError

LIMIT = 30.0
"""Seconds to wait for the reply: the issuer answers in one, unless thousands of requests are before it."""
TYPE = "citizen.erase"
_SENDERS = {"forbidden_sender", "unknown_sender"}
_CELL = 64


@dataclass(frozen=True, slots=True)
class Erasure:
    """Whom to erase, and at whose word.

    Attributes:
        codice_fiscale: canonical.
        user: the broker user in whose name the command is sent: one with the rights of a contact centre.
    """

    codice_fiscale: str
    operator: str
    office: str
    reason: str
    user: str

    def body(self) -> bytes:
        """Return the body of the command.

        Raises:
            PinctlError: it breaks rules of the contract.
        """
        # Imported late: it reads all municipalities, 0.1 s.
        from shared.contract.message import read  # noqa: PLC0415

        operator = {"id": self.operator, "office": self.office}
        fields = {"codice_fiscale": self.codice_fiscale, "operator": operator, "reason": self.reason}
        body = orjson.dumps(fields)
        try:
            read(TYPE, body)
        except InvalidMessageError as invalid:
            faults = "; ".join(f"{fault.field}: {fault.detail}" for fault in invalid.faults)
            raise PinctlError(f"nothing was sent: {faults}") from None
        return body


async def erase(broker: BrokerSettings, erasure: Erasure, limit: float = LIMIT) -> Answer:
    """Send the command, wait for its reply, and list what `pin.dead` has of the citizen.

    Raises:
        PinctlError: it is invalid, nobody would handle it, the citizen is unknown, or it was refused.
    """
    message_id = new_message_id()
    lane = topology.ISSUER_REQUESTS
    command = Command(lane, TYPE, message_id, erasure.user, erasure.body())
    async with BrokerAdmin.open(broker.amqp_url.reveal(), broker.amqp_tls) as desk:
        depth = await desk.depth(lane)
        if depth is None or not depth.consumers:
            raise PinctlError(f"nothing was sent: nobody consumes {lane}", UNREACHABLE)
        reply = await desk.ask(command, limit)
        async with desk.dead() as letters:
            parked = [letter async for letter in letters.letters() if _about(letter, erasure, message_id)]
    refused = next((letter for letter in parked if letter.message_id == message_id), None)
    if refused:
        may = f" May '{erasure.user}' erase?" if refused.reason in _SENDERS else ""
        raise PinctlError(f"not erased: {message_id} is in pin.dead ({refused.reason}).{may}", ATTENTION)
    return _answer(message_id, orjson.loads(reply) if reply else None, parked)


def _about(letter: DeadLetter, erasure: Erasure, message_id: str) -> bool:
    if letter.message_id == message_id:
        return True
    return erasure.codice_fiscale.encode() in b"".join(letter.body.upper().split())


def _answer(message_id: str, reply: dict[str, Any] | None, parked: list[DeadLetter]) -> Answer:
    code = reply["code"] if reply else "no_reply"
    left = [{"message_id": one.message_id, "type": one.type, "reason": one.reason} for one in parked]
    data = {"message_id": message_id, "code": code, "dead": left}
    match code:
        case "accepted":
            said = f"Erased (message {message_id}). What else may hold the citizen's data: docs/retention.md."
        case "unknown_citizen":
            said = f"Nothing is kept about this citizen (message {message_id})."
        case "no_reply":
            said = f"No reply yet. The command waits; once done, `pinctl trace {message_id}` shows it."
        case _:
            said = f"Not erased: {code} (message {message_id})."
    status = {"accepted": OK, "unknown_citizen": UNKNOWN}.get(code, ATTENTION)
    if not parked:
        return Answer(said, data, status)
    more = f"{count(len(parked), 'message')} in pin.dead about this citizen; `pinctl dead drop` removes them:"
    rows = [[plain(value, _CELL) for value in one.values()] for one in left]
    listed = table(("message id", "type", "reason"), rows)
    return Answer(f"{said}\n{more}\n{listed}", data, status or ATTENTION)
