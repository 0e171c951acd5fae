"""Restoring and revoking by mailed link: whole round trips, without the citizens' own time."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from deploy.local.sealed import sealed
from deploy.local.stack import Stack
from tests.bench import bulk_load, report
from tests.bench.bulk_load import Citizen
from tests.bench.counting import Books, Count, reach
from tests.bench.figures import Spread
from tests.bench.load_generator import LoadGenerator
from tests.bench.measure import Told
from tests.kit.servers import empty_queues

_CHANNELS = ("notifier-sms", "notifier-email", "notifier-pec")
_TOKEN = re.compile(rb"token=(?:3D)?([0-9a-f]{40})")
_TO = re.compile(rb"(?im)^To:\s*<?([^\s<>]+)")
Ask = Callable[[Citizen], dict[str, Any]]


class Flow:
    """One of the two flows: its commands, and how many messages the citizen receives."""

    def __init__(self, name: str, ask: Ask, *, asked: int, confirmed: int) -> None:
        self.name, self.ask, self.asked, self.confirmed = name, ask, asked, confirmed


async def measure(stack: Stack, flow: Flow, runs: int, number: int) -> Told:
    """Take `number` citizens through a flow, `runs` times."""
    asked, confirmed, trips = [], [], []
    for _ in range(runs):
        stack.use_new_database(flow.name)
        try:
            ask, confirm = await _once(stack, flow, number)
        finally:
            stack.stop_workers()
            stack.drop_database()
        asked.append(number / ask)
        confirmed.append(number / confirm)
        trips.append(number / (ask + confirm))
        report.progress(f"{flow.name} {trips[-1]:.0f} round trips/s")
    found = {"round trips": trips, "requests": asked, "confirmations": confirmed}
    spreads = {name: Spread.of(rates) for name, rates in found.items()}
    return Told(
        f"{flow.name.capitalize()}: round trips a second, {number} citizens",
        [
            *(f"{name:<14} {spread.told('/s')}" for name, spread in spreads.items()),
            "from the first request to its last message sent, and from the first confirmation to its last",
        ],
        {"citizens": number} | {name: spread.as_json() for name, spread in spreads.items()},
    )


async def _once(stack: Stack, flow: Flow, number: int) -> tuple[float, float]:
    """Return the duration in seconds of the requests, and of the confirmations."""
    await empty_queues(stack)
    people = await bulk_load.load_citizens(stack, number)
    stack.fake_providers.forget()
    stack.fake_providers.misbehave(email={})
    stack.start_workers(_CHANNELS)
    async with LoadGenerator(stack) as portal, Books(stack) as books:
        requests = ({"codice_fiscale": c.codice_fiscale, **flow.ask(c)} for c in people)
        await portal.put(f"{flow.name}.request", requests)
        ask = await _worked(stack, books, flow.asked * number)
        confirmations = list(_confirmations(stack, people))
        stack.fake_providers.misbehave(email={"mode": "discard"})
        await portal.put(f"{flow.name}.confirm", confirmations)
        confirm = await _worked(stack, books, flow.confirmed * number)
    stack.fake_providers.forget()
    return ask, confirm


async def _worked(stack: Stack, books: Books, deliveries: int) -> float:
    """Let a revoker work through its queue; return the seconds from its first batch to the last delivery."""
    handled: Count = await books.tally("inbox")
    delivered = await books.sent()
    (revoker,) = stack.start_worker("revoker", wait=False)
    began = await reach(1, handled, "revoker")
    ended = await reach(deliveries, delivered, "revoker")
    revoker.stop()
    return ended.at - began.at


def _confirmations(stack: Stack, people: list[Citizen]) -> Iterator[dict[str, Any]]:
    """Read the links from the mails, and yield the body of each confirmation."""
    by_mailbox = {c.contacts.email: c.codice_fiscale for c in people}
    for raw in stack.fake_providers.mails():
        mail = raw.replace(b"=\r\n", b"")
        token, to = _TOKEN.search(mail), _TO.search(mail)
        if token and to:
            yield {
                "codice_fiscale": by_mailbox[to[1].decode()],
                "token_sealed": sealed(stack.state, "revoker", token[1].decode()),
            }
