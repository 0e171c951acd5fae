"""The world of the pure decisions: one citizen, injected time, repeatable chance, no server.

It does the shell's part in the same order: attempts are admitted before they are compared, the
account is sealed and opened again after every change, what is due later waits until its time.
"""

import copy
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, Final, Self
from uuid import UUID

import orjson

from deploy.local.captured import PageCopy
from services.dispositivo.__main__ import DECISIONS as DISPOSITIVO
from services.dispositivo.backfill_csv import Recognised
from services.dispositivo.backfill_rule import give
from services.dispositivo.operators import OperatorFacts
from services.dispositivo.seen import SeenSeal
from services.issuer.__main__ import ACCESS, REQUESTS
from services.issuer.attempts import Compared, admitted, resumed
from services.issuer.pin_check import PinCheckEffect, Verifiers
from services.revoker.__main__ import DECISIONS as REVOKER
from shared.contract import message as contract
from shared.contract.dispositivo import (
    BranchActivate,
    BranchLookup,
    DispositivoApprove,
    DispositivoCancel,
    IstanzaSubmit,
    SubmitDocuments,
)
from shared.contract.examples import COMMAND_EXAMPLES
from shared.contract.internal import FailedDelivery, ReturnedLetter
from shared.contract.issuer import PinActivate, PinVerify
from shared.crypto.sealing import ServiceBox, StateSeal
from shared.crypto.secret import Secret
from shared.domain.account import Account
from shared.domain.decision import Decide, Decision, WorkerMessage
from shared.domain.log_ins import NONE
from shared.domain.pin import Pepper, normalised
from shared.worker import account_codec
from shared.worker.message_box import MessageBoxes
from tests.life import decision_invariants
from tests.life.world import Answer, Body, Standing
from tests.unit.decisions import (
    CODICE_FISCALE,
    NOW,
    PEPPER,
    POLICY,
    REPLY_KEY,
    SUBJECT,
    WORKER_KEY,
    Told,
    moment,
    opened,
    sealed,
    told,
)

DECISIONS: Final = {**REQUESTS, **ACCESS, **REVOKER, **DISPOSITIVO}
SEEN: Final = SeenSeal(b"the account key of the tests....")
STATE: Final = StateSeal(b"the account key of the tests....")


class QuickVerifiers(Verifiers):
    """The issuer's verifiers without Argon2: a keyed hash is told apart as well, and costs nothing."""

    def __init__(self, pepper: Pepper) -> None:
        self._pepper = pepper

    async def make(self, salt: bytes, pin: Secret, pepper: str | None = None) -> bytes:
        """Return a verifier (32 bytes) at once."""
        return self._pepper.keyed(b"pin-8", salt, pin, pepper)


VERIFIERS: Final = QuickVerifiers(PEPPER)
_BOXES: Final = MessageBoxes(ServiceBox(WORKER_KEY), require_bound=False, log=None)
_COMPARING: Final = PinCheckEffect(VERIFIERS, STATE, _BOXES, POLICY, "issuer", account_codec.OLDEST)


def at_once(coroutine: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 - whatever it returns
    """Run a coroutine that never suspends."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("it waits for something")


def _as_read(message: Told) -> str:
    """Return what the citizen reads; the half of a letter is printed with spaces."""
    return " ".join(message.text) if message.channel == "post" else message.text


class PureWorld:
    """A `tests.life.world.World` in which nothing happens by itself.

    Attributes:
        account: the citizen's, as the ledger would give it back.
        due: what the decisions left for later, in order of leaving.
        facts: type and data of every event.
    """

    number = 0
    policy = POLICY
    reply_key = REPLY_KEY

    def __init__(self) -> None:
        self.person: Body = {k: v for k, v in COMMAND_EXAMPLES["pin.request"].items() if k != "contacts"}
        self.now: datetime = NOW
        self.account = Account(subject=SUBJECT)
        self.due: list[WorkerMessage] = []
        self.facts: list[tuple[str, dict[str, Any]]] = []
        self.secrets: set[str] = set()
        self._copies: list[PageCopy] = []
        self._places = decision_invariants.Places()
        self._moments = 0
        self._log_ins = NONE

    def fork(self) -> Self:
        """Return a world that is the same up to now."""
        twin = copy.copy(self)
        for name in ("due", "facts", "secrets", "_copies"):
            setattr(twin, name, copy.copy(getattr(self, name)))
        twin._places = copy.deepcopy(self._places)
        return twin

    def ask(self, user: str, type_: str, body: Body, *, times: int = 1) -> Answer:
        """Decide a command; a repeated attempt was opened before its worker died."""
        command = contract.read(type_, orjson.dumps(body))
        assert command.forbidden_for(user) is None
        decision = self._decided(DECISIONS[type(command)], command, self._known(command, times))
        assert decision.reply is not None
        reply = orjson.loads(decision.reply.body())
        assert (reply["outcome"] == "accepted") == (reply["code"] == "accepted")
        return Answer(reply["code"], reply["data"])

    def _known(self, command: contract.Command, times: int) -> Any:  # noqa: ANN401 - as the decision takes it
        match command:
            case PinActivate() | PinVerify():
                return self._compared(command, times)
            case IstanzaSubmit():
                return 10**10 * self.now.year + self._moments + 1
            case SubmitDocuments():
                return 0
            case BranchLookup() | BranchActivate() | DispositivoApprove() | DispositivoCancel():
                return OperatorFacts(SEEN)
            case _:
                return {}

    def _compared(self, command: PinActivate | PinVerify, times: int) -> Compared:
        admission = admitted(self.account, (), self.now, POLICY)
        if times > 1 and not admission.locked_for:
            admission = resumed(self.account, (), self.now, POLICY)
        taken: Any = SimpleNamespace(message=command, effect=None)
        typed = normalised(moment().box.open(command.pin_sealed) or Secret(""))
        at_once(_COMPARING._compare(taken, admission, typed))
        compared: Compared = taken.effect
        return replace(compared, log_ins=self._log_ins)

    def arrives(self, waiting: WorkerMessage) -> None:
        """Deliver a message that a decision scheduled."""
        command = contract.read(waiting.type, waiting.body)
        decision = self._decided(DECISIONS[type(command)], command)
        assert decision.reply is None

    def backfill(self, day: date) -> str:
        """Apply an old recognition (R9); return the outcome."""
        line = Recognised(1, CODICE_FISCALE, "de_visu", day)
        reply = self._decided(give, line).reply
        assert reply is not None
        return reply.code

    def report(self, copy: UUID, status: str) -> None:
        """Notify the issuer, as the notifier would."""
        subject = SUBJECT.hex()
        if status == "returned":
            self.arrives(WorkerMessage(ReturnedLetter(subject=subject, delivery_id=copy)))
        else:
            self.arrives(
                WorkerMessage(FailedDelivery(subject=subject, delivery_id=copy, reason="receipt_failed"))
            )

    def _decided(self, decide: Decide, message: object, known: object = None) -> Decision:
        self._moments += 1
        at = moment(self.now, seed=self._moments, known=known)
        decision, before = decide(self.account, message, at), self.account
        copies = [
            PageCopy(d.id, t.channel, t.to, _as_read(t), t.text)
            for d, t in zip(decision.deliveries, told(decision), strict=True)
        ]
        self._copies += copies
        self.secrets |= {secret for copy in copies if (secret := copy.half or copy.token)}
        decision_invariants.no_address_gets_both_halves(self._places, copies)
        decision_invariants.nothing_tells(decision, before, self.secrets)
        decision_invariants.events_say_what_the_contract_says(decision)
        decision_invariants.its_worker_may_say_that(decide, decision)
        self._log_ins = decision.log_ins or self._log_ins
        self.facts += [(event.type, dict(event.data)) for event in decision.events]
        self.due += [m for m in decision.messages if m.due_at]
        if decision.account is not None:
            decision_invariants.the_change_is_lawful(before, decision.account)
            self._save(decision.account)
        return decision

    def _save(self, account: Account) -> None:
        """Store and reload the account: the next decision uses the reloaded one."""
        written = account.but(version=self.account.version + 1)
        columns = ("subject", "version", "status", "level", "review_since")
        row = {name: getattr(written, name) for name in columns}
        row |= {"schema": account_codec.SCHEMA, "state": account_codec.encode(written, STATE)}
        self.account = account_codec.decode(row, STATE)
        assert self.account == written

    def passes(self, time: timedelta) -> None:
        """Let time pass."""
        self.now += time

    def seal(self, worker: str, text: str) -> str:  # noqa: ARG002 - one key serves all of them here
        """Seal a PIN or a token to a worker."""
        return sealed(text)

    def open(self, sealed: str) -> str:
        """Open what was sealed to `reply_key`."""
        text = opened(sealed)
        self.secrets.add(text)
        return text

    def copies(self) -> Sequence[PageCopy]:
        """Return all that was sent to the citizen."""
        return self._copies

    def standing(self) -> Standing:
        """Return how the citizen stands in the ledger."""
        return Standing(self.account.status, self.account.level)

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Assert that a condition holds: nothing happens by itself here."""
        assert condition(), what
