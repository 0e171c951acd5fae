"""The summary of the far ends: what providers reported, which gateway took the SMS, and the canaries."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from deploy.demo.canaries import Canary
from deploy.demo.demo_stack import DemoStack
from deploy.demo.far_ends import SECOND
from deploy.demo.runner import SHOWN, DemoRun
from deploy.demo.screen import Screen
from deploy.local.captured import PageCopy
from deploy.pinctl.settings import LedgerSettings
from deploy.pinctl.trace import delivery_id, facts
from shared.ledger import Ledger

_TRIES, _PAUSE = 150, 0.1
"""How often, and how far apart, it is looked whether the canary that is answered has arrived."""


async def tell_afterwards(run: DemoRun, stack: DemoStack, screen: Screen) -> list[str]:
    """Print what the far ends did, as far as this stack has them; return a sentence for each fault."""
    ledger = await Ledger.open(LedgerSettings.load(stack.env).ledger_dsn.reveal(), "pinctl")
    try:
        subjects = [bytes.fromhex(citizen.subject) for _, citizen in run.parts if citizen.subject]
        entries = await ledger.rows("trace_life", subjects)
        ids = sorted({found for entry in entries if (found := delivery_id(entry))})
        deliveries = await ledger.rows("trace_deliveries", ids)
        outcomes = await _outcomes(run.canaries, ledger, answered=bool(run.answers))
    finally:
        await ledger.close()
    _tell_reports(reports(entries), stack, screen)
    faults = _tell_gateways(by_provider(deliveries), stack, screen)
    if run.canaries:
        screen.heading("Canaries: messages to ourselves, by the way of the citizens'")
        rows = [(SHOWN[one.channel], one.to, outcomes.get(one.id, "not sent yet")) for one in run.canaries]
        screen.table(("channel", "to", "outcome"), rows)
    return faults + different(run.session.captured.sms())


def reports(entries: Iterable[Mapping[str, Any]]) -> Counter[tuple[str, str, str]]:
    """Count what was reported: channel, report and evidence."""
    found = Counter[tuple[str, str, str]]()
    for entry in entries:
        what, said = entry["kind"], facts(entry["data"])
        if what.startswith("delivery.") and "evidence" in said:
            found[said["channel"], what.removeprefix("delivery."), said["evidence"]] += 1
    return found


def by_provider(deliveries: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """Count the SMS by the provider that has them; by its name, where it has one, their references begin."""
    references = (row["reference"] for row in deliveries if row["channel"] == "sms")
    return Counter(reference.partition(":")[0] for reference in references if ":" in reference)


def different(copies: Iterable[PageCopy]) -> list[str]:
    """Return a sentence for each SMS of which two copies differ: no half may."""
    versions = defaultdict[UUID, set[bytes | str]](set)
    for copy in copies:
        versions[copy.id].add(copy.whole)
    return [f"SMS {id_} went out in two versions" for id_, found in versions.items() if len(found) > 1]


async def _outcomes(canaries: Sequence[Canary], ledger: Ledger, *, answered: bool) -> dict[UUID | None, str]:
    """Return how canaries stand; the receipt of the PEC may still be on its way."""
    ids = [canary.id for canary in canaries if canary.id]
    certified = {canary.id for canary in canaries if canary.channel == "pec" and answered}
    outcomes: dict[UUID | None, str] = {}
    for _ in range(_TRIES):
        outcomes = {row["id"]: row["status"] for row in await ledger.rows("trace_deliveries", ids)}
        if all(outcomes.get(id_) != "sent" for id_ in certified):
            break
        await asyncio.sleep(_PAUSE)
    return outcomes


def _tell_reports(found: Counter[tuple[str, str, str]], stack: DemoStack, screen: Screen) -> None:
    if found:
        screen.heading("What providers reported afterwards")
        rows = [(SHOWN[channel], *rest, number) for (channel, *rest), number in sorted(found.items())]
        screen.table(("channel", "report", "evidence", "times"), rows)
        screen.say(
            "  Receipts signed by a PEC provider and bounces of mail, as they were read from mailboxes."
        )
        screen.say("  What failed had gone by SMS too, so that no PIN ended by it.")
    if stack.far_ends and stack.far_ends.lacking:
        screen.heading("What providers reported afterwards")
        screen.say(f"  Left out, receipts of PEC and bounces of mail: {stack.far_ends.lacking}.")


def _tell_gateways(found: Counter[str], stack: DemoStack, screen: Screen) -> list[str]:
    if not found:
        return []
    screen.heading("Which gateway took the SMS")
    screen.table(("gateway", "SMS"), sorted(found.items()))
    if not stack.far_ends:
        return []
    screen.say("  The first refused all for a moment (503), and the second took over until it was back.")
    return [] if found[SECOND] else ["the second SMS gateway took nothing over"]
