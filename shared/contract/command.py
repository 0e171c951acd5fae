"""What the workers are asked to do: the kinds of command."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import orjson

from shared.contract import topology
from shared.contract.event import RejectionData
from shared.contract.fields import Subject
from shared.contract.model import Model
from shared.errors import Fault

PORTAL, OPERATOR, REGISTRY, GATEWAY = "portal", "operator", "registry", "gateway"
SUPERVISOR = "supervisor"
"""Watches the system, and sees nobody's data."""
CONTACT_CENTRE, BRANCH = "contact_centre", "branch"
"""The two roles of operators: a user with both of them has the role `OPERATOR`."""
AT_CONTACT_CENTRE = frozenset({OPERATOR, CONTACT_CENTRE})
AT_BRANCH = frozenset({OPERATOR, BRANCH})

ReplyData = type[Model] | None
"""The model of a reply's `data`, None where it is empty."""
RejectionEvent = type[RejectionData] | None
"""The event that tells other systems that a command was rejected, None where they are not told."""
Refusals = Mapping[str, ReplyData]
"""What `data` carries for each reply code that refuses a command."""


class Command(Model):
    """Any command. Its class tells what the broker and the shell need to know of it.

    Attributes:
        type: the AMQP `type`, which is the routing key too.
        lane: the queue it arrives in.
        blind: whether the reply to a well-formed one is always `accepted` and nothing more.
        timed_refusals: whether what refuses it leaves a fixed time after it came, as replies to blind ones
            do: its time would else tell who has a PIN.
        senders: the roles whose broker users may send it; a worker's role is its name.
        rejection_event: the event that tells other systems of a rejection.
        reply_data: what `data` carries when it is accepted.
        refusals: the reply codes, beside `invalid`, `message_id_reused` and, unless it is blind,
            `internal_error`, that it may get.
    """

    type: ClassVar[str]
    lane: ClassVar[str]
    blind: ClassVar[bool] = False
    timed_refusals: ClassVar[bool] = False
    senders: ClassVar[frozenset[str]]
    rejection_event: ClassVar[RejectionEvent] = None
    reply_data: ClassVar[ReplyData] = None
    refusals: ClassVar[Refusals] = {}

    @property
    def declared(self) -> tuple[str, str] | None:
        """The operator whom the sender declares, as id and office; None for a command of no operator."""
        operator = self.__dict__.get("operator")
        return (operator.id, operator.office) if operator else None

    def forbidden_for(self, sender: str) -> Fault | None:
        """Return why a user of this role may not send this command, or None if it may."""
        if sender in self.senders:
            return None
        return Fault("", "forbidden", f"A user with the rights of '{sender}' may not send {self.type}.")


class WorkerCommand(Command):
    """What a worker tells another, or itself for later."""

    exchange: ClassVar[str] = topology.COMMANDS
    headers: ClassVar[Mapping[str, str]] = {}

    @property
    def key(self) -> str:
        """The routing key."""
        return self.type

    def body(self) -> bytes:
        """Return the command as the JSON that is published."""
        return orjson.dumps(self.__dict__, default=vars)


class InternalCommand(WorkerCommand):
    """One about a citizen, whom it names by pseudonym alone."""

    subject: Subject


def at_least_one(faults_field: str, code: str, detail: str, *values: Any) -> Iterator[Fault]:  # noqa: ANN401
    """Yield one fault if none of the values was given. A value at fault was given."""
    if all(value is None for value in values):
        yield Fault(faults_field, code, detail)
