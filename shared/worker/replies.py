"""Where a reply may go: a sender cannot direct a reply to a worker, or to the broker itself."""

import asyncio
import base64
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress

from shared.broker.message import Arrived, Message
from shared.broker.session import Session
from shared.errors import BrokerLostError

_DIRECT = re.compile(r"amq\.rabbitmq\.reply-to\.([A-Za-z0-9+/]+={0,2})\.[A-Za-z0-9+/]+={0,2}")
# Erlang's external term format: a process id (of either form) on a node named `reply@` and a number.
_PROCESS = re.compile(
    rb"\x83[Xg](?:v\x00(?P<long>.)|w(?P<short>.))(?P<node>reply@[0-9]{1,10})(?P<numbers>.{9}|.{12})",
    re.DOTALL,
)

_LIMIT = 2.0
"""Seconds that the direct replies of a batch may take: they must not delay the batch."""
_PROBES = 4
"""Unknown nodes that are tried for one batch: a cluster has three or five."""
_CONDEMNED, _CONDEMNED_FOR = 1000, 60.0
"""How many nodes that ended a session are remembered, and for how many seconds."""


def is_direct(queue: str) -> bool:
    """Return whether a name is one of RabbitMQ for direct reply-to."""
    return queue.startswith("amq.rabbitmq.reply-to")


def reply_queue(arrived: Arrived) -> str | None:
    """Return the queue that a reply to a message may go to, or None."""
    name = arrived.reply_to
    if is_direct(name):
        return name if node_of(name) else None
    return name if name.startswith(("amq.gen-", f"reply.{arrived.user_id}.")) else None


def node_of(name: str) -> bytes | None:
    """Return the broker's node in a name of direct reply-to; None if RabbitMQ did not make it.

    RabbitMQ ends the connection of a publisher to a name that it cannot decode (`INTERNAL_ERROR`, seen with
    3.10).
    """
    found = _DIRECT.fullmatch(name)
    if found is None:
        return None
    try:
        process = _PROCESS.fullmatch(base64.b64decode(found[1], validate=True))
    except ValueError:
        return None
    if process is None or len(process["node"]) != (process["long"] or process["short"])[0]:
        return None
    return process["node"]


class DirectReplies:
    """Sends direct replies over sessions of their own, so that their loss affects nothing else.

    The queue's name contains the broker's node. A node that does not exist (forged, or removed) ends the
    session, with all replies in progress; so the first reply to a node is sent alone, over a second session,
    and the others over the first once the broker has confirmed it. Replies to a node that is known do not
    wait for those probes, which whoever forges names can make as many as he likes. The sender of the command
    retries if its reply is lost.
    """

    def __init__(self, open_session: Callable[[], Awaitable[Session]], clock: Callable[[], float]) -> None:
        self._known, self._probing = _Way(open_session), _Way(open_session)
        self._clock = clock
        self._turn = asyncio.Lock()
        """Held by the batch that probes."""
        self._good: set[bytes] = set()
        self._bad: dict[bytes, float] = {}

    async def send(self, replies: Sequence[Message]) -> list[bool]:
        """Send replies for up to `_LIMIT` seconds; return for each whether the broker confirmed it."""
        received: set[str] = set()
        if replies:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LIMIT):
                    await self._send(replies, received)
        return [reply.message_id in received for reply in replies]

    async def _send(self, replies: Sequence[Message], received: set[str]) -> None:
        to: dict[bytes, list[Message]] = {}
        for reply in replies:
            to.setdefault(node_of(reply.routing_key) or b"", []).append(reply)
        await self._publish_known(to, to.keys() & self._good, received)
        rest = to.keys() - self._good
        if not rest:
            return
        async with self._turn:
            # Others may have found a node good meanwhile, or forgotten one whose replies are sent.
            unknown = [n for n in to if n in rest and n not in self._good and self._may_try(n)]
            for node in sorted(unknown, key=lambda node: -len(to[node]))[:_PROBES]:
                first = to[node].pop(0)
                if await self._probing.publish([first], received):
                    self._good.add(node)
                else:
                    self._condemn(node)
        await self._publish_known(to, rest, received)

    async def _publish_known(
        self, to: dict[bytes, list[Message]], nodes: Iterable[bytes], received: set[str]
    ) -> None:
        """Publish together what goes to those nodes that are known; forget them if the session ends."""
        known = [reply for node in nodes if node in self._good for reply in to[node]]
        if not await self._known.publish(known, received):
            self._good -= to.keys()

    def _may_try(self, node: bytes) -> bool:
        return self._clock() >= self._bad.get(node, 0.0)

    def _condemn(self, node: bytes) -> None:
        if len(self._bad) >= _CONDEMNED:
            self._bad.clear()
        self._bad[node] = self._clock() + _CONDEMNED_FOR

    async def close(self) -> None:
        """Close both sessions; the next reply opens another."""
        await self._known.close()
        await self._probing.close()


class _Way:
    """A session that is opened when something is to be sent, and again after its loss."""

    def __init__(self, open_session: Callable[[], Awaitable[Session]]) -> None:
        self._open = open_session
        self._session: Session | None = None
        self._opening = asyncio.Lock()

    async def publish(self, replies: Sequence[Message], received: set[str]) -> bool:
        """Publish replies together, and add the ids of those to `received` if the broker confirmed them all.

        Returns:
            Whether it did; if not, the session is over.
        """
        if not replies:
            return True
        session = None
        try:
            session = await self._opened()
            await session.publish(replies, _LIMIT)
        except BrokerLostError:
            if session:
                await session.close()
            return False
        received.update(reply.message_id for reply in replies)
        return True

    async def _opened(self) -> Session:
        async with self._opening:
            if self._session is None or self._session.lost.is_set():
                await self.close()
                self._session = await self._open()
            return self._session

    async def close(self) -> None:
        """Close the session, if there is one."""
        session, self._session = self._session, None
        if session:
            await session.close()
