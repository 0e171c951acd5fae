"""What clients of the broker may do wrong, or try."""

import asyncio
from itertools import islice
from typing import Any

from deploy.local.sealed import sealed
from tests.adversity.hostile_sender import HostileSender
from tests.adversity.poison import FIFTY
from tests.adversity.timing import OTHER_CARD, WRONG, strangers
from tests.alerts.lines import WorkersLogs
from tests.alerts.scene import Scene

MANY = 105
"""More than the waves' limits."""
FORBIDDEN = 25
BRANCH = {"id": "op-0107", "office": "Sede di Pisa"}


async def no_json(scene: Scene) -> None:
    """A portal publishes what cannot be read."""
    await _say(scene, "not_json", 1)


async def keeps_saying_what_it_may_not(scene: Scene) -> None:
    """A portal's user says, again and again, what only an operator may."""
    await _say(scene, "forbidden_sender", FORBIDDEN)


async def _say(scene: Scene, reason: str, times: int) -> None:
    await scene.run("issuer")
    logs = WorkersLogs(scene.stack)
    poison = next(one for one in FIFTY if one.reason == reason and one.by == "portal")
    async with HostileSender(scene.stack.rabbitmq.url(poison.by)) as sender:
        for _ in range(times):
            await sender.say(poison.body, poison.key, exchange=poison.exchange, **poison.sent)
    await scene.said(logs, "message.dead", times)


async def guesses_pins(scene: Scene) -> None:
    """Somebody tries PINs of many citizens; here one try locks, in place of five, as each costs CPU."""
    await scene.run("issuer-access", settings={"PIN_ATTEMPTS_IN_ROW": "1"})
    pin = sealed(scene.stack.state, "issuer", WRONG)
    bodies = [
        {"codice_fiscale": body["codice_fiscale"], "pin_sealed": pin} for body in islice(strangers(), MANY)
    ]
    await _ask_all(scene, "pin.verify", bodies)


async def guesses_health_cards(scene: Scene) -> None:
    """Somebody tries health cards: the first five are compared, and the rest find the card locked."""
    await scene.run("revoker")
    citizen = (await scene.citizens())[1]
    asked = {"codice_fiscale": citizen, "health_card": OTHER_CARD, "email": "someone@example.net"}
    await _ask_all(scene, "revoke.request", [asked] * MANY)


async def guesses_contacts(scene: Scene) -> None:
    """Somebody names contacts that are not registered."""
    await scene.run("revoker")
    citizen = (await scene.citizens())[2]
    others = {"mobile": "+393470000000", "email": "someone@example.net"}
    await _ask_all(scene, "restore.request", [{"codice_fiscale": citizen, "contacts": others}] * MANY)


async def looks_at_many_citizens(scene: Scene) -> None:
    """An operator at a branch looks citizens up."""
    await scene.run("dispositivo", settings={"PIN_LOOKUPS_AN_HOUR": "1"})
    logs = WorkersLogs(scene.stack)
    # Four: of these two are within one hour of the clock, whenever the test runs.
    for citizen in await scene.citizens():
        look = {"codice_fiscale": citizen, "operator": BRANCH}
        assert (await scene.harness.operator.ask("branch.lookup", look))["code"] == "accepted"
    await scene.said(logs, "alarm.raised")


async def says_more_than_its_budget(scene: Scene) -> None:
    """A portal sends more in an hour than it said that it would."""
    await scene.run("revoker", settings={"PIN_BUDGET_PER_PORTAL_USER": "1"})
    logs = WorkersLogs(scene.stack)
    bodies = [{"codice_fiscale": body["codice_fiscale"], "contacts": _two(body)} for body in scene.people(4)]
    await _ask_all(scene, "restore.request", bodies)
    await scene.said(logs, "alarm.raised")


def _two(body: dict[str, Any]) -> dict[str, str]:
    return {kind: body["contacts"][kind] for kind in ("mobile", "email")}


async def _ask_all(scene: Scene, type_: str, bodies: list[dict[str, Any]]) -> None:
    logs = WorkersLogs(scene.stack)
    replies = await asyncio.gather(*(scene.harness.portal.ask(type_, body) for body in bodies))
    assert {reply["code"] for reply in replies} <= {"accepted", "wrong_pin", "locked"}
    await scene.said(logs, "message.handled", len(bodies))
