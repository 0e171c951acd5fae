"""The steps of the way to the profile, each from the account as the step before it left it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson

from services.dispositivo import activation, documents, istanze, review
from services.dispositivo.form import typeset
from services.dispositivo.operators import Looks, OperatorFacts
from services.dispositivo.request_profile import ProfileRequests
from services.dispositivo.seen import SeenSeal
from shared.contract import message as contract
from shared.contract.internal import TakeEffect
from shared.domain.account import Account
from shared.domain.decision import ContextWith, Decision, WorkerMessage
from shared.domain.policy import PinPolicy
from shared.domain.revocation import revoked
from tests.unit.decisions import NOW, POLICY, account, moment, read

FIRST_NUMBER = 2026_0000000001
SEAL = SeenSeal(b"the account key of the tests....")
ASKING = ProfileRequests(typeset)


def facing(
    now: datetime = NOW,
    waiting: Sequence[Account] = (),
    looks: Looks | None = None,
    policy: PinPolicy = POLICY,
) -> ContextWith[OperatorFacts]:
    """Return the context of a decision about an operator's command."""
    return moment(now, policy=policy, known=OperatorFacts(SEAL, looks, waiting))


def changed(decision: Decision) -> Account:
    """Return the account as a decision leaves it."""
    assert decision.account is not None
    return decision.account


def code(decision: Decision) -> str:
    """Return the code of a decision's reply."""
    assert decision.reply is not None
    return decision.reply.code


def data(decision: Decision) -> Any:  # noqa: ANN401 - JSON
    """Return the data of a decision's reply as its reader gets them."""
    assert decision.reply is not None
    return orjson.loads(decision.reply.body())["data"]


def kinds(decision: Decision) -> list[str]:
    """Return the kinds of a decision's entries."""
    return [entry.kind for entry in decision.entries]


def events(decision: Decision) -> list[str]:
    """Return the types of a decision's events."""
    return [event.type for event in decision.events]


def request_id(citizen: Account) -> str:
    """Return the id of the open request."""
    assert citizen.dispositivo is not None
    return citizen.dispositivo.id


def _named(citizen: Account, fields: dict[str, object]) -> dict[str, object]:
    return fields if "request_id" in fields else {**fields, "request_id": request_id(citizen)}


def ask(citizen: Account, now: datetime = NOW, **fields: object) -> Decision:
    """Ask for the profile."""
    return ASKING(citizen, read("dispositivo.request", **fields), moment(now))


def asked(citizen: Account | None = None) -> Account:
    """Return an account with an open request."""
    return changed(ask(citizen or account()))


def submit(citizen: Account, now: datetime = NOW, order: int = 0, **fields: Any) -> Decision:  # noqa: ANN401 - of the command
    """Hand the signed form in."""
    command = read("dispositivo.submit_documents", **_named(citizen, fields))
    return documents.submit(citizen, command, moment(now, known=order))


def submitted(citizen: Account | None = None, now: datetime = NOW, **fields: Any) -> Account:  # noqa: ANN401
    """Return an account whose documents are in."""
    return changed(submit(citizen or asked(), now, **fields))


def approve(citizen: Account, now: datetime = NOW, **fields: object) -> Decision:
    """Approve the open request."""
    command = read("dispositivo.approve", **_named(citizen, fields))
    return review.approve(citizen, command, facing(now))


def approved(citizen: Account | None = None, now: datetime = NOW) -> Account:
    """Return an account whose request was approved."""
    return changed(approve(citizen or submitted(), now))


def cancel(citizen: Account, now: datetime = NOW, **fields: object) -> Decision:
    """Cancel the open request."""
    command = read("dispositivo.cancel", **_named(citizen, fields))
    return review.cancel(citizen, command, facing(now))


def due(decision: Decision) -> WorkerMessage:
    """Return the one message that a decision leaves for later."""
    (message,) = decision.messages
    return message


def take_effect(citizen: Account, message: WorkerMessage, now: datetime) -> Decision:
    """Let the message that an approval left arrive."""
    command = contract.read(message.type, message.body)
    assert isinstance(command, TakeEffect)
    return activation.take_effect(citizen, command, moment(now))


def send(citizen: Account, istanza_id: str = "2026-000123", number: int = FIRST_NUMBER) -> Decision:
    """Send an istanza."""
    command = read("istanza.submit", istanza_id=istanza_id)
    return istanze.submit(citizen, command, moment(known=number))


def waiting(citizen: Account | None = None, many: int = 2) -> Account:
    """Return an account with suspended istanze."""
    citizen = citizen or account()
    for turn in range(many):
        citizen = changed(send(citizen, f"istanza-{turn}", FIRST_NUMBER + turn))
    return citizen


def ended(citizen: Account) -> Account:
    """Return the account after its PIN was revoked."""
    return changed(revoked(citizen, "citizen"))
