"""The world of the whole stack: one citizen at a broker's portal, read by black-box clients."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Self
from uuid import UUID, uuid4

import asyncpg

from deploy.local.citizens import PLAIN, citizens
from deploy.local.postgres import SUPERUSER
from deploy.local.stack import Stack
from shared.lifecycle import Lifecycle
from shared.sealing import Keys, Pseudonyms
from tests.kit.captured import Captured, Copy
from tests.kit.client import Client, ReplyKey, sealed
from tests.kit.waiting import LIMIT, until
from tests.life.world import Answer, Body, Standing

USERS: Final = ("portal", "operator", "registry", "gateway")
_SEED = 33


class Town:
    """The clients and the connection to the ledger that all lives on a stack share."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.loop = asyncio.get_running_loop()
        self.clients = {user: Client(stack, user) for user in USERS}
        self.pseudonyms = Pseudonyms(Keys(stack.state / "keys").symmetric("subject"))
        self.captured = Captured(stack)
        self._exit = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for client in self.clients.values():
            await self._exit.enter_async_context(client)
        self.ledger = await asyncpg.connect(self.stack.postgres.dsn(SUPERUSER, self.stack.database))
        self._exit.push_async_callback(self.ledger.close)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exit.aclose()

    def run(self, doing: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 - whatever it returns
        """Do something in the loop of the clients, from the thread in which a life is lived."""
        return asyncio.run_coroutine_threadsafe(doing, self.loop).result(2 * LIMIT)


class StackWorld:
    """A `tests.life.world.World` with one new citizen in a town."""

    def __init__(self, town: Town, number: int) -> None:
        self._town, self.number = town, number
        self.life = Lifecycle.load(town.stack.env)
        ((_, body),) = citizens(1, seed=_SEED, first=number, kinds=(PLAIN,))
        self.person: Body = {name: value for name, value in body.items() if name != "contacts"}
        self._subject = town.pseudonyms.of(body["codice_fiscale"])
        self._key = ReplyKey()
        self.reply_key = self._key.public
        self._before = {copy.id for copy in town.captured.all()}

    @property
    def now(self) -> datetime:
        """The time."""
        return datetime.now(UTC)

    def ask(self, user: str, type_: str, body: Body, *, times: int = 1) -> Answer:
        """Send one command; its copies get the same reply, byte for byte."""
        answer: Answer = self._town.run(self._ask(self._town.clients[user], type_, body, times))
        return answer

    @staticmethod
    async def _ask(client: Client, type_: str, body: Body, times: int) -> Answer:
        message_id = str(uuid4())
        for _ in range(times):
            await client.publish(type_, body, message_id=message_id)
        reply = await client.reply(message_id, times - 1)
        assert len(set(client.replies[message_id])) == 1
        return Answer(reply["code"], reply["data"])

    def seal(self, worker: str, text: str) -> str:
        """Seal a PIN or a token to a worker."""
        return sealed(self._town.stack, worker, text)

    def open(self, sealed: str) -> str:
        """Open what was sealed to `reply_key`."""
        return self._key.open(sealed)

    def copies(self) -> Sequence[Copy]:
        """Return all that the far ends took since this life began."""
        return [copy for copy in self._town.captured.all() if copy.id not in self._before]

    def report(self, copy: UUID, status: str) -> None:
        """Send a receipt."""
        body = {"delivery_id": str(copy), "status": status, "provider": "tests", "detail": ""}
        self._town.run(self._town.clients["gateway"].publish("delivery.receipt", body))

    def standing(self) -> Standing:
        """Return how the citizen stands in the ledger."""
        query = "select status, level from account where subject = $1"
        row = self._town.run(self._town.ledger.fetchrow(query, self._subject))
        return Standing(row["status"], row["level"]) if row else Standing("none", None)

    def protocols_released(self) -> Counter[str]:
        """Return the protocols of the citizen's istanze in events of release, each event once."""
        events = {event.id: event for event in self._town.clients["portal"].events}
        bodies = [event.body for event in events.values() if event.type == "istanza.released"]
        return Counter(body["data"]["protocol"] for body in bodies if body["subject"] == self._subject.hex())

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until a condition holds."""
        asyncio.run(until(condition, what))
