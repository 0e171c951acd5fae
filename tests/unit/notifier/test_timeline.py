"""What a supervisor is told: what happened under a correlation id, and nothing of whom."""

from datetime import timedelta
from typing import Any

import orjson
import pytest

from services.notifier.timeline import MOST, Steps, step, timeline
from shared.contract.examples import COMMAND_EXAMPLES
from shared.contract.message import MAX_BODY, read
from shared.contract.reply import Reply, rejected
from shared.contract.supervision import DeliveryTimeline, Step
from shared.domain.account import Account
from shared.domain.decision import Decision
from shared.errors import InvalidMessageError
from tests.unit.decisions import NOW, moment


def asked(steps: Steps) -> Reply:
    command = read("delivery.timeline", orjson.dumps(COMMAND_EXAMPLES["delivery.timeline"]))
    assert isinstance(command, DeliveryTimeline)
    decision = timeline(Account(), command, moment(known=steps))
    assert decision.reply is not None
    assert decision == Decision(reply=decision.reply)  # and nothing else
    return decision.reply


def row(**changed: object) -> dict[str, Any]:
    known = {"at": NOW, "kind": "pin.issued", "actor": "portal", "channel": None, "attempt": None}
    return {**known, "evidence": None, **changed}


def test_what_happened_is_told_in_the_order_of_the_ledger() -> None:
    sent = row(at=NOW + timedelta(seconds=2), kind="delivery.sent", actor="issuer", channel="sms", attempt=1)
    first, second = asked((step(row()), step(sent))).data["steps"]
    assert {"what": "pin.issued", "by": "portal"}.items() <= first.items()
    assert {"what": "delivery.sent", "channel": "sms", "attempt": 1}.items() <= second.items()
    assert "channel" not in first


def test_nothing_that_names_a_citizen_is_told() -> None:
    assert set(Step.model_fields) == {"at", "what", "by", "channel", "attempt", "evidence"}


def test_an_id_under_which_nothing_happened_is_unknown() -> None:
    assert asked(()) == rejected("unknown_correlation")


def test_the_longest_timeline_fits_into_a_message() -> None:
    texts = {"kind": "d" * 64, "actor": "a" * 200, "channel": "s" * 16, "evidence": "e" * 100}
    longest = step(row(**texts, attempt=9999))
    assert len(asked((longest,) * MOST).body()) < MAX_BODY


@pytest.mark.parametrize("missing", ["operator", "correlation"])
def test_who_asks_and_for_what_is_said(missing: str) -> None:
    body = {name: value for name, value in COMMAND_EXAMPLES["delivery.timeline"].items() if name != missing}
    with pytest.raises(InvalidMessageError) as refused:
        read("delivery.timeline", orjson.dumps(body))
    assert [fault.field for fault in refused.value.faults] == [missing]
