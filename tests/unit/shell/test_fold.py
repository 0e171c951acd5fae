"""What becomes of one message of a batch, without a server."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from shared.account import Account
from shared.contract.reply import ACCEPTED, accepted
from shared.decision import Decision, Moment
from shared.pin import Pepper
from shared.sealing import StateSeal
from shared.worker.batch import Clerk, Fold, Handled, Trust
from shared.worker.lane import Taken
from tests.kit.steps import STEPS, Step
from tests.unit.decisions import LIFE, NOW, moment
from tests.unit.shell.test_intake import LANE, SETTINGS, taken

SEAL = StateSeal(bytes(32))
ANOTHER = UUID(int=7)
LANE_OF_STEPS = replace(LANE, decisions=STEPS)
CLERK = Clerk(LANE_OF_STEPS, SETTINGS, LIFE, Trust(Pepper(b""), moment(NOW).box, SEAL), now=lambda: NOW)


def message(**changes: Any) -> Taken:  # noqa: ANN401 - any field
    read = taken()
    assert isinstance(read, Taken)
    decide = changes.pop("decide", accepting)
    return replace(read, **{"message": Step(decide), **changes})


def folded(*messages: Taken) -> list[Handled]:
    fold = Fold(CLERK, NOW)
    for one in messages:
        fold.decide(one)
    return fold.handled


def raising(_: Account, __: object, ___: Moment) -> Decision:
    raise LookupError("Rossi Mario, whose name no log may have")


def accepting(_: Account, __: object, ___: Moment) -> Decision:
    return Decision(reply=accepted())


@pytest.mark.parametrize(("blind", "code"), [(True, "accepted"), (False, "internal_error")])
def test_a_decision_that_raises_parks_its_message_and_is_answered(*, blind: bool, code: str) -> None:
    first, broken, last = folded(
        message(decide=accepting), message(decide=raising, blind=blind, id=ANOTHER), message(decide=accepting)
    )
    assert (first.outcome, broken.outcome, last.outcome) == ("accepted", "parked", "repeated")
    assert broken.code.startswith("LookupError: ")
    assert "Rossi" not in broken.code
    assert broken.reply is not None
    assert f'"code":"{code}"'.encode() in broken.reply


def test_what_was_parked_is_not_noted_as_handled() -> None:
    fold = Fold(CLERK, NOW)
    fold.decide(message(decide=raising))
    assert fold.writing.inbox == []
    fold.decide(message(decide=accepting))
    assert [handled.outcome for handled in fold.handled] == ["parked", "accepted"]


def test_an_account_that_does_not_open_is_never_taken_for_a_new_one() -> None:
    fold = Fold(CLERK, NOW)
    victim = message(decide=accepting, blind=True)
    fold.writing.unreadable.add(victim.subjects[0])
    fold.decide(victim)
    (handled,) = fold.handled
    assert (handled.outcome, handled.code, handled.reply) == ("parked", "account_unreadable", ACCEPTED.body())
    with pytest.raises(KeyError):
        fold.writing.account(victim.subjects[0])


def test_what_the_effect_gave_up_is_parked_undecided() -> None:
    (handled,) = folded(message(decide=raising, parked="ledger_conflict"))
    assert (handled.outcome, handled.code) == ("parked", "ledger_conflict")


def test_a_refusal_that_cannot_be_kept_says_the_same() -> None:
    refused = taken(body=b'{"codice_fiscale": "x"}')
    assert isinstance(refused, Taken)
    (handled,) = folded(replace(refused, parked="ledger_conflict"))
    assert refused.refusal is not None
    assert handled.reply == refused.refusal.body()


def test_a_kept_reply_that_does_not_open_parks_the_repeat() -> None:
    fold = Fold(CLERK, NOW)
    repeated = message(decide=raising)
    fold._seen[repeated.id] = (repeated.digest, True, bytes(40))
    fold.decide(repeated)
    (handled,) = fold.handled
    assert (handled.outcome, handled.code) == ("parked", "reply_unreadable")
