"""Every alert is documented: what it means and what to do."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from nacl.signing import SigningKey

from deploy.local.processes import CHECKOUT
from deploy.pinctl.audit import Audit, verdict
from deploy.pinctl.chains import Break
from deploy.pinctl.checkpoints import Checkpoint, Recount, Root
from deploy.pinctl.witnesses import Witnesses

RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((CHECKOUT / "deploy/monitoring/rules.yaml").read_text())["groups"]
    for rule in group["rules"]
]


def test_every_alert_has_its_place_in_the_runbook_and_no_other_does() -> None:
    runbook = (CHECKOUT / "docs/operations.md").read_text(encoding="utf-8")
    assert re.findall(r"^### (\w+)$", runbook, re.MULTILINE) == [rule["alert"] for rule in RULES]


def test_alerts_ask_for_events_that_the_workers_write() -> None:
    catalogue = (CHECKOUT / "docs/logs.md").read_text(encoding="utf-8")
    asked = {
        event
        for rule in RULES
        for alternatives in re.findall(r'event=~?"([^"]+)"', rule["expr"])
        for event in alternatives.split("|")
    }
    assert asked
    assert {event for event in asked if f"| `{event}` |" not in catalogue} == set()


AT = datetime(2026, 11, 22, 3, 20, tzinfo=UTC)
KEY = SigningKey(b"k" * 32)
KEPT = Checkpoint(AT, 0, 0, Root().at(AT).root).signed(KEY)
REFUTED = replace(KEPT, entries=1).signed(KEY)
BROKEN = Break(bytes(16), "account_changed", 1, "the account is not the one that entry 1 saw")


def said(checkpoints: Sequence[Checkpoint], *breaks: Break, missing: Sequence[str] = ()) -> str:
    """Return what `pinctl ledger verify` prints in this case."""
    audit = Audit(Recount(one.at for one in checkpoints), broken=len(breaks), breaks=list(breaks))
    return verdict(audit, Witnesses(checkpoints, key=KEY.verify_key, missing=missing)).text


def fires(alert: str, text: str) -> bool:
    """Return whether a line of a text is one that the rule of an alert looks for."""
    (rule,) = (rule for rule in RULES if rule["alert"] == alert)
    ((kind, wanted),) = re.findall(r'\|([~=]) "([^"]+)"', rule["expr"])
    pattern = wanted if kind == "~" else re.escape(wanted)
    return any(re.search(pattern, line) for line in text.splitlines())


@pytest.mark.parametrize(
    ("text", "broken", "sound"),
    [
        (said([KEPT]), False, True),
        (said([KEPT, REFUTED]), True, False),
        (said([REFUTED]), True, False),
        (said([KEPT], BROKEN), True, False),
        (said([KEPT], *[BROKEN] * 2), True, False),
        (said([KEPT], missing=["There is no cosigned checkpoint."]), False, False),
        (said([]), False, False),
    ],
)
def test_the_alerts_on_the_ledger_fire_on_what_verify_says(*, text: str, broken: bool, sound: bool) -> None:
    assert fires("LedgerBroken", text) is broken
    assert fires("LedgerNotVerified", text) is sound, "this one fires where the line is missing"
