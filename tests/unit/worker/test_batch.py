"""The result of one message of a batch, without a server."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from nacl.public import PrivateKey

from shared.contract.delivery import Sms
from shared.contract.reply import ACCEPTED, accepted, rejected
from shared.crypto.sealing import StateSeal
from shared.crypto.secret import Secret
from shared.domain.account import Account
from shared.domain.decision import Decide, Decision, DecisionContext, Delivery, LedgerEntry
from shared.ledger.chain import GENESIS
from shared.worker import account_codec
from shared.worker.batch import BatchAttempt, BatchProcessor, MessageResult, Seen, WorkerKeys
from shared.worker.offline_message import offline_message
from shared.worker.reading import ReceivedMessage
from tests.kit.steps import STEPS, Step
from tests.unit.decisions import NOW, POLICY
from tests.unit.worker.rows import Rows
from tests.unit.worker.test_intake import LANE, SETTINGS, taken

SEAL = StateSeal(bytes(32))
ANOTHER = UUID(int=7)
LANE_OF_STEPS = replace(LANE, decisions=STEPS, channels={"sms": bytes(PrivateKey.generate().public_key)})
PROCESSOR = BatchProcessor(LANE_OF_STEPS, SETTINGS, POLICY, WorkerKeys(state=SEAL), now=lambda: NOW)


def message(**changes: Any) -> ReceivedMessage:  # noqa: ANN401 - any field
    read = taken()
    assert isinstance(read, ReceivedMessage)
    decide = changes.pop("decide", accepting)
    return replace(read, **{"message": Step(decide), **changes})


def folded(*messages: ReceivedMessage) -> list[MessageResult]:
    attempt = BatchAttempt(PROCESSOR, NOW)
    for one in messages:
        attempt.decide(one)
    return attempt.handled


def raising(_: Account, __: object, ___: DecisionContext) -> Decision:
    raise LookupError("Rossi Mario, whose name no log may have")


def accepting(_: Account, __: object, ___: DecisionContext) -> Decision:
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
    attempt = BatchAttempt(PROCESSOR, NOW)
    attempt.decide(message(decide=raising))
    assert attempt.work.inbox == []
    attempt.decide(message(decide=accepting))
    assert [handled.outcome for handled in attempt.handled] == ["parked", "accepted"]


def test_an_account_that_does_not_open_is_never_taken_for_a_new_one() -> None:
    attempt = BatchAttempt(PROCESSOR, NOW)
    victim = message(decide=accepting, blind=True)
    attempt.work.unreadable.add(victim.subjects[0])
    attempt.decide(victim)
    (handled,) = attempt.handled
    assert (handled.outcome, handled.code, handled.reply) == ("parked", "account_unreadable", ACCEPTED.body())
    with pytest.raises(KeyError):
        attempt.work.account(victim.subjects[0])


def test_what_the_effect_gave_up_is_parked_undecided() -> None:
    (handled,) = folded(message(decide=raising, parked="ledger_conflict"))
    assert (handled.outcome, handled.code) == ("parked", "ledger_conflict")


def test_a_refusal_that_cannot_be_kept_says_the_same() -> None:
    refused = taken(body=b'{"codice_fiscale": "x"}')
    assert isinstance(refused, ReceivedMessage)
    (handled,) = folded(replace(refused, parked="ledger_conflict"))
    assert refused.refusal is not None
    assert handled.reply == refused.refusal.body()


def test_a_kept_reply_that_does_not_open_parks_the_repeat() -> None:
    attempt = BatchAttempt(PROCESSOR, NOW)
    repeated = message(decide=raising)
    attempt._seen[repeated.id] = Seen(repeated.digest, done=True, answer="kept", reply=bytes(40))
    attempt.decide(repeated)
    (handled,) = attempt.handled
    assert (handled.outcome, handled.code) == ("parked", "reply_unreadable")


ROSSI, BIANCHI = bytes(16), b"b" * 16


def step(decide: Decide, subject: bytes = ROSSI) -> ReceivedMessage:
    return offline_message("tests", Step(decide), subject, "t")


async def settled(
    rows: Rows, *batch: ReceivedMessage, processor: BatchProcessor = PROCESSOR
) -> list[MessageResult]:
    return (await processor.settle(batch, rows)).handled


def said(handled: list[MessageResult]) -> list[tuple[str, str]]:
    return [(one.outcome, one.code) for one in handled]


def kept(rows: Rows, subject: bytes) -> Account:
    """Return a citizen's account as the next batch will find it."""
    return account_codec.decode(rows.accounts[subject], SEAL)


def issuing(account: Account, _: object, __: DecisionContext) -> Decision:
    return Decision(account=account.but(status="issued"), entries=(LedgerEntry("pin.issued"),))


def activating(account: Account, _: object, __: DecisionContext) -> Decision:
    assert account.status == "issued"
    return Decision(account=account.but(status="active"), entries=(LedgerEntry("pin.activated"),))


def refusing(_: Account, __: object, ___: DecisionContext) -> Decision:
    return Decision(reply=rejected("no_active_pin"), entries=(LedgerEntry("tests.refused"),))


def unwritable(_: Account, __: object, ___: DecisionContext) -> Decision:
    return Decision(entries=(LedgerEntry("pin.issued", {"number": 2**70}),))


def unsendable(_: Account, __: object, ___: DecisionContext) -> Decision:
    return Decision(deliveries=(Delivery(ANOTHER, "sms", Sms("+393331234567", Secret("\ud800"))),))


async def test_a_message_that_comes_again_gets_its_first_reply_and_is_not_decided() -> None:
    rows, first = Rows(), step(refusing)
    (before,) = await settled(rows, first)
    (again,) = await settled(rows, replace(first, message=Step(raising)))
    assert (before.outcome, again.outcome, again.reply) == ("rejected", "repeated", before.reply)
    assert [entry["kind"] for entry in rows.entries] == ["tests.refused"]


async def test_what_a_reply_says_rests_sealed() -> None:
    rows = Rows()
    (handled,) = await settled(rows, step(refusing))
    (row,) = rows.inbox.values()
    assert handled.reply is not None
    assert b"no_active_pin" in handled.reply
    assert b"no_active_pin" not in row["reply"]


async def test_a_message_that_comes_twice_in_one_batch_has_one_effect() -> None:
    rows, one = Rows(), step(refusing)
    first, second = await settled(rows, one, one)
    assert (second.outcome, second.reply) == ("repeated", first.reply)
    assert len(rows.entries) == 1


async def test_an_id_that_was_used_for_another_body_is_refused() -> None:
    rows, one = Rows(), step(accepting)
    other = replace(step(accepting, BIANCHI), id=one.id, digest=b"another")
    assert said(await settled(rows, one, other)) == [
        ("accepted", "accepted"),
        ("rejected", "message_id_reused"),
    ]
    assert said(await settled(rows, other)) == [("rejected", "message_id_reused")]


@pytest.mark.parametrize("guilty", [raising, unwritable, unsendable])
async def test_one_message_that_fails_is_parked_alone_and_the_others_are_committed(guilty: Decide) -> None:
    rows, bad = Rows(), step(guilty, BIANCHI)
    handled = await settled(rows, step(issuing), bad, step(activating))
    assert [one.outcome for one in handled] == ["done", "parked", "done"]
    assert [entry["kind"] for entry in rows.entries] == ["pin.issued", "pin.activated"]
    assert bad.id not in rows.inbox
    assert BIANCHI not in rows.subjects


async def test_what_postgres_refuses_is_found_and_parked_alone() -> None:
    rows = Rows()
    rows.refused = frozenset({"tests.refused"})
    others = [step(issuing, bytes([number] * 16)) for number in range(1, 6)]
    handled = await settled(rows, *others[:3], step(refusing, BIANCHI), *others[3:])
    assert said(handled) == [("done", "")] * 3 + [("parked", "DataError")] + [("done", "")] * 2
    assert len(rows.entries) == 5


@pytest.mark.parametrize(("conflicts", "outcome"), [(2, "done"), (10, "parked")])
async def test_a_transaction_that_another_worker_crossed_starts_anew_but_not_for_ever(
    conflicts: int, outcome: str
) -> None:
    rows = Rows()
    rows.conflicts = conflicts
    (handled,) = await settled(rows, step(issuing))
    assert handled.outcome == outcome
    assert len(rows.entries) == (outcome == "done")


async def test_two_messages_about_one_citizen_are_decided_in_order_of_arrival() -> None:
    rows = Rows()
    assert said(await settled(rows, step(issuing), step(activating))) == [("done", "")] * 2
    assert (kept(rows, ROSSI).status, kept(rows, ROSSI).version) == ("active", 2)
    assert rows.subjects[ROSSI][0] == 2
    (early, _) = await settled(Rows(), step(activating), step(issuing))
    assert early.outcome == "parked"


async def test_a_citizen_whose_account_does_not_open_keeps_nobody_up_and_is_noted() -> None:
    rows = Rows()
    await settled(rows, step(issuing), step(issuing, BIANCHI))
    whole = rows.accounts[BIANCHI]
    rows.accounts[BIANCHI] = {**whole, "state": bytes(60)}
    handled = await settled(rows, step(activating, BIANCHI), step(activating))
    assert said(handled) == [("parked", "account_unreadable"), ("done", "")]
    assert (rows.unreadable, rows.accounts[BIANCHI]["version"]) == ({BIANCHI}, 1)
    rows.accounts[BIANCHI] = whole
    assert said(await settled(rows, step(activating, BIANCHI))) == [("done", "")]
    assert rows.unreadable == set()


async def test_a_reply_that_no_longer_opens_is_never_guessed() -> None:
    rows, one = Rows(), step(refusing)
    await settled(rows, one)
    rows.inbox[one.id]["reply"] = bytes(40)
    assert said(await settled(rows, one)) == [("parked", "reply_unreadable")]


async def test_what_is_refused_for_its_form_is_decided_by_the_shell_and_answered_alike_again() -> None:
    rows, refused = Rows(), taken(body=b'{"codice_fiscale": "x"}')
    assert isinstance(refused, ReceivedMessage)
    first, again = await settled(rows, refused), await settled(rows, refused)
    assert [said(first), said(again)] == [[("rejected", "invalid")], [("repeated", "")]]
    assert first[0].reply == again[0].reply
    assert rows.inbox[refused.id]["answer"] == "kept"


@pytest.mark.parametrize("answer", ["kept", "pending"])
async def test_a_reply_that_is_missing_is_never_an_acceptance(answer: str) -> None:
    rows, one = Rows(), step(refusing)
    await settled(rows, one)
    rows.inbox[one.id] |= {"reply": None, "answer": answer}
    assert said(await settled(rows, one)) == [("parked", "reply_unreadable")]


async def test_a_plain_acceptance_is_kept_as_one_and_so_is_that_nothing_was_said() -> None:
    rows, one, other = Rows(), step(accepting), step(issuing)
    await settled(rows, one, other)
    assert (rows.inbox[one.id]["answer"], rows.inbox[other.id]["answer"]) == ("accepted", "none")
    again, silent = await settled(rows, one, other)
    assert (again.reply, silent.reply) == (ACCEPTED.body(), None)


async def test_what_was_not_kept_before_there_were_answers_was_an_acceptance() -> None:
    rows, one = Rows(), step(accepting)
    await settled(rows, one)
    rows.inbox[one.id] |= {"reply": None, "answer": None}
    (again,) = await settled(rows, one)
    assert (again.outcome, again.reply) == ("repeated", ACCEPTED.body())


def stored(rows: Rows, subject: bytes) -> bytes:
    """Return the digest of a citizen's row."""
    return account_codec.digest(kept(rows, subject), rows.accounts[subject]["state"])


def quietly(account: Account, _: object, __: DecisionContext) -> Decision:
    return Decision(account=account.but(attempts=account.attempts.but(in_row=1)))


async def test_the_last_entry_of_a_batch_has_the_digest_of_the_account_as_it_is_stored() -> None:
    rows = Rows()
    await settled(rows, step(issuing), step(issuing, BIANCHI), step(activating))
    assert [(e["subject"], e["account"]) for e in rows.entries] == [
        (ROSSI, None),
        (BIANCHI, stored(rows, BIANCHI)),
        (ROSSI, stored(rows, ROSSI)),
    ]
    await settled(rows, step(refusing))
    assert rows.entries[-1]["account"] is None, "nothing of the account changed"


async def test_a_change_without_an_entry_gets_one_that_vouches_for_the_account() -> None:
    rows = Rows()
    await settled(rows, step(issuing))
    await settled(rows, step(quietly))
    assert [entry["kind"] for entry in rows.entries] == ["pin.issued", "account.changed"]
    assert rows.entries[-1]["account"] == stored(rows, ROSSI)


async def test_a_guess_at_a_citizen_without_a_pin_gets_no_entry_until_there_is_a_digest() -> None:
    rows = Rows()
    await settled(rows, step(quietly))
    assert (rows.entries, kept(rows, ROSSI).status) == ([], "none")
    rows.subjects[ROSSI] = (0, GENESIS, True)
    await settled(rows, step(quietly))
    assert [entry["kind"] for entry in rows.entries] == ["account.changed"]
