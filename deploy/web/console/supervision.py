"""What supervisors see: the lanes, what no worker could read, and the way of a message. Nobody's data."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from starlette.requests import Request
from starlette.responses import Response

from deploy.web.answering import message_id_of
from deploy.web.asking import Commands
from deploy.web.console.desk import desk, operator_of, settings_of
from deploy.web.console.settings import SUPERVISOR, ConsoleSettings
from deploy.web.errors import NotTakenError
from deploy.web.forms import faults_of
from deploy.web.pages import page
from shared.broker.admin import BrokerAdmin, DeadLetter
from shared.contract import topology
from shared.contract.channels import LANES
from shared.contract.internal import INTERNAL
from shared.contract.message import COMMANDS
from shared.contract.supervision import DeliveryTimeline
from shared.errors import BrokerLostError
from shared.italy import dates

_MOST_SHOWN = 100
_MOST_LISTED = 2000
"""Messages in `pin.dead` up to which they are listed: to list them each is taken, one after the other, and
given back. Who has more needs `pinctl dead list`."""
_LONGEST = 20.0
_TYPES = frozenset({*COMMANDS, *(internal.type for internal in INTERNAL)})
_LANGUAGE = "it"


@dataclass(frozen=True, slots=True)
class LaneState:
    """A lane, and whether it needs somebody.

    Attributes:
        name: of its queue.
        waiting: messages that no worker has taken yet; None: there is no such queue.
        workers: processes that consume it.
    """

    name: str
    waiting: int | None
    workers: int

    @property
    def concern(self) -> str:
        """What is wrong: `missing`, `nobody`, or nothing."""
        if self.waiting is None:
            return "missing"
        return "" if self.workers else "nobody"


@dataclass(frozen=True, slots=True)
class Parked:
    """A message in `pin.dead`: what it is and why it is there, without its body and whom it is about."""

    position: int
    reason: str
    type: str
    lane: str
    sender: str
    message_id: str
    parked_at: str


async def supervision(request: Request) -> Response:
    """Show how the lanes stand: a look takes nothing from them."""
    settings = settings_of(request)
    try:
        async with asyncio.timeout(_LONGEST):
            lanes, dead = await _lanes(settings)
    except (BrokerLostError, TimeoutError):
        return page(request, "console/supervision.html", 503, lanes=(), dead=None, may_list=False)
    may_list = settings.supervisor_amqp_url is not None
    return page(request, "console/supervision.html", lanes=lanes, dead=dead, may_list=may_list)


async def _lanes(settings: ConsoleSettings) -> tuple[list[LaneState], int | None]:
    # To ask how full a queue is, without declaring it, needs no right on the broker.
    async with BrokerAdmin.open(settings.amqp_url.reveal(), settings.amqp_tls) as admin:
        depths = [(name, await admin.depth(name)) for name in LANES]
        dead = await admin.depth(topology.DEAD)
    lanes = [
        LaneState(name, depth.ready, depth.consumers) if depth else LaneState(name, None, 0)
        for name, depth in depths
    ]
    return lanes, dead.ready if dead else None


async def dead_letters(request: Request) -> Response:
    """List what no worker could read, oldest first, each with its reason."""
    settings = settings_of(request)
    url = settings.supervisor_amqp_url
    if url is None:
        return page(request, "console/dead.html", fault="not_allowed", letters=(), total=0)
    try:
        async with asyncio.timeout(_LONGEST), BrokerAdmin.open(url.reveal(), settings.amqp_tls) as admin:
            depth = await admin.depth(topology.DEAD)
            total = depth.ready if depth else 0
            if total > _MOST_LISTED:
                return page(request, "console/dead.html", fault="too_many", letters=(), total=total)
            async with admin.dead() as dead:
                letters = [_parked(letter) async for letter in dead.letters()]
    except (BrokerLostError, TimeoutError):
        return page(request, "console/dead.html", 503, fault="unreachable", letters=(), total=0)
    structlog.get_logger().info("dead.listed", messages=len(letters))
    return page(request, "console/dead.html", fault="", letters=letters[:_MOST_SHOWN], total=len(letters))


def _parked(letter: DeadLetter) -> Parked:
    return Parked(
        position=letter.position,
        reason=letter.reason,
        # Both are the sender's, who may have put anything there.
        type=letter.type if letter.type in _TYPES else "",
        message_id=letter.message_id if _is_uuid(letter.message_id) else "",
        lane=letter.queue,
        sender=letter.user_id,
        parked_at=dates.instant(letter.parked_at, _LANGUAGE) if letter.parked_at else "",
    )


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


async def timeline(request: Request) -> Response:
    """Ask what a command led to, by its correlation id."""
    if request.method == "GET":
        return _timeline(request)
    form = await request.form()
    correlation = str(form.get("correlation", "")).strip()
    message_id = message_id_of(request, form)
    body = {"operator": operator_of(request), "correlation": correlation}
    if faults := faults_of(DeliveryTimeline, body):
        return _timeline(request, correlation, status=422, fault=faults.get("correlation", "other"))
    url = settings_of(request).supervisor_amqp_url
    if url is None:
        return _timeline(request, correlation, fault="not_allowed")
    asking: Callable[[ConsoleSettings], AbstractAsyncContextManager[Commands]] = request.app.state.asking
    # On a connection of its own, as another user: it is asked for seldom.
    settings = settings_of(request).model_copy(update={"amqp_url": url})
    try:
        async with asking(settings) as commands:
            reply = await commands.ask(DeliveryTimeline.type, body, message_id, within=_LONGEST)
    except NotTakenError:
        reply = None
    if reply is None:
        return _timeline(request, correlation, status=503, fault="unreachable")
    if reply["outcome"] == "rejected":
        return _timeline(request, correlation, status=409, fault=str(reply["code"]))
    steps = [{**told, "at": _instant(told["at"])} for told in reply["data"]["steps"]]
    return _timeline(request, correlation, steps=steps)


def _timeline(
    request: Request,
    correlation: str = "",
    *,
    status: int = 200,
    fault: str = "",
    steps: Sequence[Mapping[str, object]] = (),
) -> Response:
    return page(request, "console/timeline.html", status, correlation=correlation, fault=fault, steps=steps)


def _instant(text: str) -> str:
    """Return an instant with its seconds, by which steps are told apart."""
    return datetime.fromisoformat(text).astimezone(dates.ROME).strftime("%d/%m/%Y %H:%M:%S")


ROUTES = [
    desk("/supervision", supervision, name="supervision", roles={SUPERVISOR}),
    desk(
        "/supervision/timeline",
        timeline,
        name="supervision.timeline",
        roles={SUPERVISOR},
        methods=("GET", "POST"),
    ),
    desk("/supervision/dead", dead_letters, name="supervision.dead", roles={SUPERVISOR}),
]
