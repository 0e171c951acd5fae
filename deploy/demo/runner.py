"""The play: everybody asks for a PIN at once, then everybody leads a life of their own, at once again."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from random import Random

from deploy.demo.captured import Captured
from deploy.demo.citizen import Citizen
from deploy.demo.contact_centre import ContactCentre
from deploy.demo.demo_stack import Ground
from deploy.demo.events import Events
from deploy.demo.scenarios import Role, cast
from deploy.demo.screen import Bars, Screen
from deploy.demo.session import WENT_WRONG, Scene
from deploy.local.citizens import KINDS, citizens
from deploy.local.client import Client
from shared.channels import CHANNELS

USERS = ("portal", "operator", "registry")
SHOWN = {channel.name: channel.plural for channel in CHANNELS}


@dataclass
class Played:
    """What there is to tell.

    Attributes:
        seconds: from the first request to the last first delivery on record.
        troubles: what went otherwise than it should have, a sentence each.
    """

    scene: Scene
    parts: Sequence[tuple[Role, Citizen]]
    seconds: float = 0.0
    troubles: list[str] = field(default_factory=list)


async def play(ground: Ground, number: int, screen: Screen) -> Played:
    """Have new citizens ask for a PIN and live with it."""
    async with _scene(ground) as scene:
        made = citizens(number, first=ground.first, kinds=tuple(KINDS))
        people = [Citizen(scene, kind, body) for kind, body in made]
        played = Played(scene, cast(people))
        await _issuances(played, people, screen)
        await _lives(played, screen)
    return played


@asynccontextmanager
async def _scene(ground: Ground) -> AsyncIterator[Scene]:
    async with AsyncExitStack() as cleanup:
        clients = {}
        for user in USERS:
            clients[user] = await Client.open(ground.env[f"PIN_{user.upper()}_AMQP_URL"], user)
            cleanup.push_async_callback(clients[user].close)
        events = Events()
        await clients["portal"].hear(events.take)
        yield Scene(ground.state, clients, events, Captured(ground.state), ground.effect_in_sight)


async def _issuances(played: Played, people: Sequence[Citizen], screen: Screen) -> None:
    expected = Counter(channel for citizen in people for channel in citizen.issuance_channels)
    totals = {"requests answered": len(people), "PINs issued": len(people)}
    screen.heading(f"{len(people)} citizens ask for a PIN")
    with screen.bars(totals | {name: expected[channel] for channel, name in SHOWN.items()}) as bars:
        began = time.monotonic()
        await asyncio.gather(*(_issuance(played, citizen, bars) for citizen in people))
        played.seconds = time.monotonic() - began


async def _issuance(played: Played, citizen: Citizen, bars: Bars) -> None:
    events = played.scene.events
    try:
        asked = await citizen.requests()
        bars.advance("requests answered")
        await citizen.is_issued(asked)
        bars.advance("PINs issued")
        for number, _ in enumerate(citizen.issuance_channels, 1):
            event = await events.nth(asked, "delivery.sent", number)
            bars.advance(SHOWN[event["data"]["channel"]])
    except WENT_WRONG as error:
        played.troubles.append(f"a citizen of kind {citizen.kind}, asking for a PIN: {error}")


async def _lives(played: Played, screen: Screen) -> None:
    centre = ContactCentre(played.scene)
    living = [(role, citizen) for role, citizen in played.parts if citizen.asked]
    screen.heading("They live with it")
    with screen.bars({"lives led": len(living)}) as bars:
        work = asyncio.ensure_future(centre.work())
        await asyncio.gather(*(_life(played, *part, centre, bars) for part in living))
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work


async def _life(played: Played, role: Role, citizen: Citizen, centre: ContactCentre, bars: Bars) -> None:
    try:
        await role.life(citizen, centre, Random(citizen.codice_fiscale))  # noqa: S311 - nothing here is a secret
    except WENT_WRONG as error:
        played.troubles.append(f"one of those who {role.says}: {error}")
    bars.advance("lives led")
