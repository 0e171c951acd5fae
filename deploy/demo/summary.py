"""The summary: by scenario, by outcome, by channel, and one citizen's timeline."""

import re
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from deploy.demo.answers import promised_by
from deploy.demo.citizen import Citizen
from deploy.demo.demo_stack import DemoStack
from deploy.demo.runner import SHOWN, DemoRun
from deploy.demo.scenarios import promised
from deploy.demo.screen import Screen
from deploy.pinctl import trace
from deploy.pinctl.settings import LedgerSettings

_UUID = re.compile(r"\b([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")


def tell(run: DemoRun, stack: DemoStack, screen: Screen) -> list[str]:
    """Print the summary; return one sentence for each unmet expectation."""
    events = [event for _, citizen in run.parts for event in run.session.events.of(citizen.subject)]
    heard = Counter(event["type"] for event in events)
    promises = promised(run.parts, effect_in_sight=stack.effect_in_sight) + promised_by(run.answers)
    screen.heading("What they did")
    lives = Counter(scenario.says for scenario, _ in run.parts)
    screen.table(("citizens", "who"), [(number, says) for says, number in lives.most_common()])
    screen.heading("What the workers answered")
    replies = sorted(run.session.replies.items())
    screen.table(("command", "reply", "times"), [(*reply, number) for reply, number in replies])
    screen.heading("What the workers said had happened")
    facts = sorted(type_ for type_ in heard if not type_.startswith("delivery."))
    screen.table(("event", "times", "promised"), [(t, heard[t], promises.get(t)) for t in facts])
    screen.heading("What was delivered, notices included")
    by_channel = Counter((event["type"], event["data"].get("channel")) for event in events)
    screen.table(
        ("channel", "sent", "failed"),
        [
            (name, by_channel["delivery.sent", channel], by_channel["delivery.failed", channel])
            for channel, name in SHOWN.items()
        ],
    )
    screen.say(
        "  Letters lie in a folder. A print shop would get them after the day's cut-off, as a job, for"
    )
    screen.say("  which a demonstration cannot wait: docs/far-ends.md.")
    return run.failures + broken(heard, promises)


def broken(heard: Mapping[str, int], promises: Mapping[str, int]) -> list[str]:
    """Return a sentence for each event whose count differs from the expected one."""
    sentences = [
        f"{type_}: {heard.get(type_, 0)} times, and {number} were promised"
        for type_, number in promises.items()
        if heard.get(type_, 0) != number
    ]
    failed = 0 if "delivery.failed" in promises else heard.get("delivery.failed", 0)
    return [*sentences, *([f"{failed} deliveries failed"] if failed else [])]


async def tell_life(run: DemoRun, stack: DemoStack, screen: Screen) -> None:
    """Print the ledger's timeline of the citizen with the most kinds of events."""
    scenario, citizen = max(run.parts, key=lambda part: _kinds_of_events(part[1]))
    if not citizen.subject:
        return  # no PIN was issued; the failures report it
    answer = await trace.of_subject(LedgerSettings.load(stack.env), bytes.fromhex(citizen.subject))
    screen.heading(f"One citizen's timeline from the ledger: one of those who {scenario.says}")
    # The outcome of a delivery is an entry too: its current status would repeat it.
    rows = [row for row in answer.data["timeline"] if row["source"] != "delivery"]
    screen.table(
        ("UTC", "what", "by", "details"),
        [(_time(row["at"]), row["what"], row["actor"], _brief(row["details"])) for row in rows],
    )
    screen.say("  The ledger knows the citizen by this pseudonym alone; all of it, details included, shows")
    screen.say(f"  `pinctl trace --subject {citizen.subject}`.")


def _kinds_of_events(citizen: Citizen) -> int:
    return len({event["type"] for event in citizen.session.events.of(citizen.subject)})


def _time(at: datetime) -> str:
    """Return the time of an instant of today, else its date."""
    utc = at.astimezone(UTC)
    return f"{utc:%H:%M:%S.%f}"[:-3] if utc.date() == datetime.now(UTC).date() else f"{utc:%Y-%m-%d}"


def _brief(details: Mapping[str, Any]) -> str:
    return _UUID.sub(r"\1…", trace.said(details))


def rate(run: DemoRun) -> str:
    """Return the rate at which PINs were issued."""
    number = len(run.parts)
    return (
        f"{number} PINs in {run.seconds:.2f} s, from the first request to the last delivery on record:"
        f" {number / run.seconds:.0f} a second"
    )
