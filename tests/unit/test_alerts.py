"""Every alert is documented: what it means and what to do."""

import re
from collections.abc import Iterator, Sequence
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
from services.issuer import access
from services.issuer.attempts import Admission, Compared
from services.revoker import restore, revoke
from shared.contract.events import EVENTS
from shared.domain.account import Attempts, Contacts, CoolingContact, HealthCard
from shared.domain.decision import Decision
from tests.unit.decisions import CARD, CONTACTS, NOW, POLICY, account, moment, read

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


def test_every_event_for_the_watchers_has_an_alert_of_its_own() -> None:
    """An event that is an alarm is logged as `alarm.raised`; somebody has to look at it."""
    expressions = " ".join(rule["expr"] for rule in RULES)
    watched = re.findall(r'event="alarm\.raised" \| alarm="([^"]+)"', expressions)
    assert sorted(watched) == sorted(type_ for type_, event in EVENTS.items() if event.alarm)
    labels = {
        name
        for rule in RULES
        for name in re.findall(r"sum by \(([^)]*)\)", rule["expr"])
        if "alarm" in rule["expr"]
    }
    for event in (event for event in EVENTS.values() if event.alarm):
        assert any(set(names.split(", ")) <= event.model_fields.keys() for names in labels)


def test_alerts_ask_for_reasons_that_are_documented_and_that_decisions_give() -> None:
    asked = {
        reason
        for rule in RULES
        if 'event="message.handled"' in rule["expr"]
        for alternatives in re.findall(r' reason=~"([^"]+)"', rule["expr"])
        for reason in alternatives.split("|")
    }
    catalogue = (CHECKOUT / "docs/logs.md").read_text(encoding="utf-8")
    _, _, section = catalogue.partition("## Why a command did nothing")
    assert asked == {
        *("pin_locked", "pin_blocked", "health_card_differs", "health_card_locked"),
        *("contacts_differ", "contacts_cooling"),
    }
    assert {reason for reason in asked if f"`{reason}`" not in section.partition("\n## ")[0]} == set()
    assert {decision.reason for decision in _waves()} == asked


def _waves() -> Iterator[Decision]:
    """Yield what the decisions say to a guesser of PINs, of cards and of contacts."""
    for admission in (Admission(account("active"), locks=True), Admission(account("none"), blocks=True)):
        yield access.verify(admission.account, read("pin.verify"), moment(known=Compared(admission)))
    locked = Attempts(locked_until=NOW + POLICY.card_lock_time)
    other = HealthCard(number="80380000900000000009", expires_on=CARD.expires_on)
    for citizen in (account("active", health_card=other), account("active", card_attempts=locked)):
        yield revoke.request(citizen, read("revoke.request"), moment())
    for changed in ((), (CoolingContact(kind="email", former=None, since=NOW),)):
        contacts = CONTACTS if changed else Contacts()
        citizen = account("active", contacts=contacts, cooling_contacts=changed)
        yield restore.request(citizen, read("restore.request"), moment())


AT = datetime(2026, 11, 22, 3, 20, tzinfo=UTC)
KEY = SigningKey(b"k" * 32)
KEPT = Checkpoint(AT, 0, 0, Root().at(AT).root).signed(KEY)
REFUTED = replace(KEPT, entries=1).signed(KEY)
BROKEN = Break(bytes(16), "account_changed", 1, "the account is not the one that entry 1 saw")


def said(checkpoints: Sequence[Checkpoint], *breaks: Break, missing: Sequence[str] = ()) -> str:
    """Return what `pinctl ledger verify` prints in this case."""
    audit = Audit(Recount(one.at for one in checkpoints), broken=len(breaks), breaks=list(breaks))
    return verdict(audit, Witnesses(checkpoints, keys=[KEY.verify_key], missing=missing)).text


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
