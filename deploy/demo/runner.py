"""Runs the demonstration: all citizens request a PIN at once, then run their scenarios concurrently."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from random import Random

from deploy.demo import answers
from deploy.demo.answers import Answer
from deploy.demo.canaries import Canary, latest
from deploy.demo.citizen import Citizen
from deploy.demo.contact_centre import ContactCentre
from deploy.demo.demo_stack import DemoStack
from deploy.demo.events import Events
from deploy.demo.scenarios import Scenario, assign
from deploy.demo.screen import Bars, Screen
from deploy.demo.session import WENT_WRONG, Session
from deploy.local.captured import Captured
from deploy.local.citizens import KINDS, citizens
from deploy.local.client import Client
from shared.contract.channels import CHANNELS

USERS = ("portal", "operator", "registry")
SHOWN = {channel.name: channel.plural for channel in CHANNELS}


@dataclass
class DemoRun:
    """The result of one demonstration.

    Attributes:
        seconds: from the first request to the last first delivery on record.
        failures: one sentence for each failure.
        answers: what providers said of first halves.
        canaries: those of this time.
    """

    session: Session
    parts: Sequence[tuple[Scenario, Citizen]]
    seconds: float = 0.0
    failures: list[str] = field(default_factory=list)
    answers: Sequence[Answer] = ()
    canaries: Sequence[Canary] = ()


async def run_demo(stack: DemoStack, number: int, screen: Screen) -> DemoRun:
    """Have new citizens request a PIN and use it."""
    async with _session(stack) as session:
        made = citizens(number, first=stack.first, kinds=tuple(KINDS))
        people = [Citizen(session, kind, body) for kind, body in made]
        run = DemoRun(session, assign(people))
        far_ends = stack.far_ends
        sms = sum("sms" in citizen.issuance_channels for citizen in people)
        async with far_ends.outage(sms // 4) if far_ends else nullcontext():
            await _issuances(run, people, screen)
        run.canaries = latest(stack.state, stack.env)
        await asyncio.gather(_answers(run, stack), _lives(run, screen))
    return run


async def _answers(run: DemoRun, stack: DemoStack) -> None:
    """Let providers answer, where somebody reads it."""
    far_ends = stack.far_ends
    if far_ends is None or far_ends.dovecot is None or far_ends.provider is None:
        return
    run.answers = answers.answers([citizen for _, citizen in run.parts])
    try:
        await answers.give(run.answers, run.session, far_ends.dovecot, far_ends.provider, run.canaries)
    except answers.WENT_WRONG_THERE as error:
        run.failures.append(f"what providers answer: {error}")


@asynccontextmanager
async def _session(stack: DemoStack) -> AsyncIterator[Session]:
    async with AsyncExitStack() as cleanup:
        clients = {}
        for user in USERS:
            # A portal may follow few events; the demonstration shows all.
            observer = stack.env["PIN_OBSERVER_AMQP_URL"] if user == "portal" else ""
            client = Client(stack.env[f"PIN_{user.upper()}_AMQP_URL"], user, observer=observer)
            clients[user] = await cleanup.enter_async_context(client)
        events, captured = Events(), Captured(stack.state, from_now=True)
        clients["portal"].hear(events.take)
        yield Session(stack.state, clients, events, captured, stack.effect_in_sight)


async def _issuances(run: DemoRun, people: Sequence[Citizen], screen: Screen) -> None:
    expected = Counter(channel for citizen in people for channel in citizen.issuance_channels)
    totals = {"requests answered": len(people), "PINs issued": len(people)}
    screen.heading(f"{len(people)} citizens ask for a PIN")
    with screen.bars(totals | {name: expected[channel] for channel, name in SHOWN.items()}) as bars:
        began = time.monotonic()
        await asyncio.gather(*(_issuance(run, citizen, bars) for citizen in people))
        run.seconds = time.monotonic() - began


async def _issuance(run: DemoRun, citizen: Citizen, bars: Bars) -> None:
    events = run.session.events
    try:
        asked = await citizen.requests()
        bars.advance("requests answered")
        await citizen.is_issued(asked)
        bars.advance("PINs issued")
        for number, _ in enumerate(citizen.issuance_channels, 1):
            event = await events.nth(asked, "delivery.sent", number)
            bars.advance(SHOWN[event["data"]["channel"]])
    except WENT_WRONG as error:
        run.failures.append(f"a citizen of kind {citizen.kind}, asking for a PIN: {error}")


async def _lives(run: DemoRun, screen: Screen) -> None:
    centre = ContactCentre(run.session)
    living = [(scenario, citizen) for scenario, citizen in run.parts if citizen.asked]
    screen.heading("They live with it")
    with screen.bars({"lives led": len(living)}) as bars:
        work = asyncio.ensure_future(centre.work())
        await asyncio.gather(*(_life(run, *part, centre, bars) for part in living))
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work


async def _life(
    run: DemoRun, scenario: Scenario, citizen: Citizen, centre: ContactCentre, bars: Bars
) -> None:
    try:
        await scenario.steps(citizen, centre, Random(citizen.codice_fiscale))  # noqa: S311 - nothing here is a secret
    except WENT_WRONG as error:
        run.failures.append(f"one of those who {scenario.says}: {error}")
    bars.advance("lives led")
