"""The scenarios: what citizens do, how many run each, and which events are expected from the workers."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from deploy.demo import profile
from deploy.demo.citizen import Citizen
from deploy.demo.contact_centre import REASONS, ContactCentre
from deploy.errors import UnexpectedAnswerError
from deploy.local.citizens import DE_VISU

Steps = Callable[[Citizen, ContactCentre, Random], Awaitable[None]]
_TO_LOCK = 5


@dataclass(frozen=True)
class Scenario:
    """One way to use a PIN.

    Attributes:
        says: the line for the summary.
        share: of the citizens who were not recognised in person.
        events: expected for each citizen, besides `pin.issued` and deliveries.
        effect: expected only once an approval takes effect (R29).
        suits: the predicate of the citizens who can run it.
    """

    says: str
    share: float
    steps: Steps
    events: Mapping[str, int] = field(default_factory=dict)
    effect: Mapping[str, int] = field(default_factory=dict)
    suits: Callable[[Citizen], bool] = lambda _: True


async def _waits(_: Citizen, __: ContactCentre, ___: Random) -> None:
    """Do nothing: the letter is still on its way."""


async def _activates(citizen: Citizen, _: ContactCentre, __: Random) -> None:
    _level(await citizen.activates(), "online")


async def _logs_in(citizen: Citizen, _: ContactCentre, __: Random) -> None:
    await citizen.activates()
    _level(await citizen.logs_in(), "online")


async def _mistypes(citizen: Citizen, _: ContactCentre, __: Random) -> None:
    await citizen.activates()
    await citizen.fails_to_log_in()
    await citizen.logs_in()


async def _is_locked(citizen: Citizen, _: ContactCentre, __: Random) -> None:
    await citizen.activates()
    for _attempt in range(_TO_LOCK):
        await citizen.fails_to_log_in()
    await citizen.is_locked_out()


async def _restores(citizen: Citizen, _: ContactCentre, __: Random) -> None:
    await citizen.activates()
    await citizen.restores()
    await citizen.logs_in()


async def _revokes_initial(citizen: Citizen, _: ContactCentre, chance: Random) -> None:
    await citizen.revokes(chance)


async def _revokes(citizen: Citizen, _: ContactCentre, chance: Random) -> None:
    await citizen.activates()
    await citizen.revokes(chance)
    await citizen.activates()


async def _asks_twice(citizen: Citizen, _: ContactCentre, __: Random) -> None:
    await citizen.requests()
    await citizen.hears("pin.request_rejected")


async def _converts(citizen: Citizen, centre: ContactCentre, way: profile.Way) -> None:
    await citizen.activates()
    await profile.sends_istanza(citizen, 1, "suspended")
    request_id = await profile.asks(citizen, way)
    if way == "branch":
        await profile.goes_to_a_branch(citizen)
    else:
        await profile.hands_in(citizen, request_id, way)
        await centre.decides(request_id)
    if way == "branch" or citizen.session.effect_in_sight:
        await profile.becomes_dispositivo(citizen)


async def _converts_online(citizen: Citizen, centre: ContactCentre, _: Random) -> None:
    await _converts(citizen, centre, "online")


async def _converts_by_fax(citizen: Citizen, centre: ContactCentre, _: Random) -> None:
    await _converts(citizen, centre, "fax")


async def _converts_at_a_branch(citizen: Citizen, centre: ContactCentre, _: Random) -> None:
    await _converts(citizen, centre, "branch")


async def _is_refused(citizen: Citizen, centre: ContactCentre, chance: Random) -> None:
    await citizen.activates()
    await profile.sends_istanza(citizen, 1, "suspended")
    request_id = await profile.asks(citizen, "online")
    await profile.hands_in(citizen, request_id, "online")
    await centre.decides(request_id, against=chance.choice(REASONS))
    await citizen.hears("dispositivo.cancelled")


async def _was_recognised(citizen: Citizen, _: ContactCentre, __: Random) -> None:
    _level(await citizen.activates(), "dispositivo")
    await profile.sends_istanza(citizen, 1, "in_progress")


def _level(found: str, wanted: str) -> None:
    if found != wanted:
        raise UnexpectedAnswerError(f"the PIN is {found}, not {wanted}")


def _two_contacts(citizen: Citizen) -> bool:
    return len({"mobile", "email", "pec"} & citizen.contacts.keys()) > 1


_ACTIVE = {"pin.activated": 1}
_ASKED = _ACTIVE | {"istanza.protocolled": 1, "dispositivo.requested": 1}
_REVIEWED = _ASKED | {"dispositivo.documents_received": 1}
_EFFECT = {"dispositivo.activated": 1, "istanza.released": 1, "istanza.protocolled": 1}
_APPROVED = _REVIEWED | {"dispositivo.approved": 1}
_REVOKED = {"pin.revoked": 1, "pin.issued": 1, "revoke.requested": 1}
_RESTORED = {"pin.activated": 2, "restore.requested": 1, "restore.confirmed": 1}

RECOGNISED = Scenario(
    "are recognised in person: dispositivo from the start", 0, _was_recognised,
    _ACTIVE | {"istanza.protocolled": 1},
)  # fmt: skip
REST = Scenario("activate and log in", 0, _logs_in, _ACTIVE)
SCENARIOS = (
    Scenario("lose the PIN, restore it, log in", 0.06, _restores, _RESTORED, suits=_two_contacts),
    Scenario("lose the initial PIN, revoke it, ask again", 0.04, _revokes_initial, _REVOKED),
    Scenario("revoke the PIN they use, ask again, activate", 0.03, _revokes, _REVOKED | {"pin.activated": 2}),
    Scenario("ask while a PIN lives: nothing is issued", 0.03, _asks_twice, {"pin.request_rejected": 1}),
    Scenario("mistype five times and are locked out", 0.015, _is_locked, _ACTIVE | {"pin.locked": 1}),
    Scenario("mistype, then log in", 0.05, _mistypes, _ACTIVE),
    Scenario("become dispositivo online", 0.05, _converts_online, _APPROVED, _EFFECT),
    Scenario("become dispositivo by fax", 0.03, _converts_by_fax, _APPROVED, _EFFECT),
    Scenario(
        "become dispositivo at a branch", 0.03, _converts_at_a_branch,
        Counter(_ASKED) + Counter(_EFFECT),
    ),
    Scenario("send documents that do not do", 0.03, _is_refused, _REVIEWED | {"dispositivo.cancelled": 1}),
    Scenario("wait for the letter", 0.25, _waits),
    Scenario("activate", 0.25, _activates, _ACTIVE),
    REST,
)  # fmt: skip


def assign(citizens: Sequence[Citizen]) -> list[tuple[Scenario, Citizen]]:
    """Assign scenarios: at least one citizen each if there are enough; the rest log in."""
    parts = [(RECOGNISED, citizen) for citizen in citizens if citizen.kind == DE_VISU]
    left = [citizen for citizen in citizens if citizen.kind != DE_VISU]
    number = len(left)
    for scenario in SCENARIOS:
        share = number if scenario is REST else max(1, int(scenario.share * number))
        chosen = [citizen for citizen in left if scenario.suits(citizen)][:share]
        parts += [(scenario, citizen) for citizen in chosen]
        left = [citizen for citizen in left if citizen not in chosen]
    return parts


def promised(parts: Sequence[tuple[Scenario, Citizen]], *, effect_in_sight: bool) -> Counter[str]:
    """Return the expected number of each event, without deliveries."""
    counts = Counter({"pin.issued": len(parts)})
    for scenario, _ in parts:
        counts.update(scenario.events)
        if effect_in_sight:
            counts.update(scenario.effect)
    return counts
