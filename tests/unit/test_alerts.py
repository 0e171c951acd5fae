"""Every alert is documented: what it means and what to do."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from nacl.signing import SigningKey

from deploy.local.processes import CHECKOUT
from deploy.monitoring.alerts import ALERTS
from deploy.monitoring.promql import BLIND
from deploy.monitoring.slos import alerts as burning
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


def test_every_alert_has_its_place_in_the_runbook_and_no_other_does() -> None:
    runbook = (CHECKOUT / "docs/operations.md").read_text(encoding="utf-8")
    _, _, section = runbook.partition("\n## Alerts\n")
    of_levels = dict.fromkeys(alert.name for alert, _ in burning())
    names = [alert.name for alert in (*ALERTS, BLIND)]
    assert re.findall(r"^### (\w+)$", section, re.MULTILINE) == [*names, *of_levels]


def test_alerts_ask_for_events_that_the_workers_write() -> None:
    catalogue = (CHECKOUT / "docs/logs.md").read_text(encoding="utf-8")
    asked = {event for alert in ALERTS for event in alert.events}
    assert asked
    assert {event for event in asked if f"| `{event}` |" not in catalogue} == set()


def test_alerts_ask_for_fields_that_their_lines_have() -> None:
    rows: dict[str, str] = {}
    fields = ""
    for line in (CHECKOUT / "docs/logs.md").read_text(encoding="utf-8").splitlines():
        if said := re.match(r"\| `([\w.]+)` \|.*\| ([^|]*) \|$", line):
            name, here = said.groups()
            fields = f"{here} {fields}" if here.startswith(("as above", "likewise")) else here
            rows[name] = fields
    every_line = {"event", "worker"}
    of_events = {field for event in EVENTS.values() if event.alarm for field in event.model_fields}
    for alert in ALERTS:
        for event in alert.events:
            has = {*re.findall(r"`(\w+)`", rows[event]), *every_line}
            has |= of_events if event == "alarm.raised" else set()
            assert {*alert.by, *alert.where} - has == set(), event


def test_every_event_for_the_watchers_has_an_alert_of_its_own() -> None:
    """An event that is an alarm is logged as `alarm.raised`; somebody has to look at it."""
    watched = {alert.where["alarm"]: alert.by for alert in ALERTS if alert.events == ("alarm.raised",)}
    alarms = {type_: event for type_, event in EVENTS.items() if event.alarm}
    assert watched.keys() == {(type_,) for type_ in alarms}
    for (type_,), fields in watched.items():
        assert set(fields) <= alarms[type_].model_fields.keys()


def test_alerts_ask_for_reasons_that_are_documented_and_that_decisions_give() -> None:
    handled = [alert for alert in ALERTS if alert.events == ("message.handled",)]
    asked = {reason for alert in handled for reason in alert.where.get("reason", ())}
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
    for guessed in (
        account("active", attempts=Attempts(in_row=POLICY.attempts_in_row - 1)),
        account("none", attempts=Attempts(total=POLICY.attempts_in_all - 1)),
    ):
        yield access.verify(guessed, read("pin.verify"), moment(known=Compared(Admission(guessed))))
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
    (said,) = (one.says for one in ALERTS if one.name == alert)
    return any(re.match(said, line) for line in text.splitlines())


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
