"""The world of the whole stack: one citizen at a broker's portal, read by black-box clients."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import asyncpg

from deploy.local.captured import Captured, PageCopy
from deploy.local.citizens import PLAIN, citizens
from deploy.local.postgres import SUPERUSER
from deploy.local.sealed import ReplyKey, sealed
from shared.crypto.keys import Keys
from shared.crypto.sealing import Pseudonyms
from shared.domain.policy import PinPolicy
from tests.kit.harness import Harness
from tests.kit.waiting import LIMIT, until
from tests.life.world import Answer, Body, Standing

_SEED = 33


class LivesOnStack:
    """What all lives on one stack share: its harness, and a connection to the ledger."""

    def __init__(self, harness: Harness) -> None:
        self.harness, self.stack = harness, harness.stack
        self.loop = asyncio.get_running_loop()
        self.pseudonyms = Pseudonyms(Keys(self.stack.state / "keys").symmetric("subject"))
        self.captured = Captured(self.stack.state)

    async def __aenter__(self) -> Self:
        self.ledger = await asyncpg.connect(self.stack.postgres.dsn(SUPERUSER, self.stack.database))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.ledger.close()

    def run(self, doing: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 - whatever it returns
        """Do something in the loop of the clients, from the thread in which a life is lived."""
        return asyncio.run_coroutine_threadsafe(doing, self.loop).result(2 * LIMIT)


class StackWorld:
    """A `tests.life.world.World` with one new citizen on the stack."""

    def __init__(self, lives: LivesOnStack, number: int) -> None:
        self._lives, self.number = lives, number
        self.policy = PinPolicy.load(lives.stack.env)
        ((_, body),) = citizens(1, seed=_SEED, first=number, kinds=(PLAIN,))
        self.person: Body = {name: value for name, value in body.items() if name != "contacts"}
        self._subject = lives.pseudonyms.of(body["codice_fiscale"])
        self._key = ReplyKey()
        self.reply_key = self._key.public
        self._before = {copy.id for copy in lives.captured.all()}

    @property
    def now(self) -> datetime:
        """The time."""
        return datetime.now(UTC)

    def ask(self, user: str, type_: str, body: Body, *, times: int = 1) -> Answer:
        """Send one command; its copies get the same reply, byte for byte."""
        reply = self._lives.run(self._lives.harness.by_user[user].ask(type_, body, times=times))
        return Answer(reply["code"], reply["data"])

    def seal(self, worker: str, text: str) -> str:
        """Seal a PIN or a token to a worker."""
        return sealed(self._lives.stack.state, worker, text)

    def open(self, sealed: str) -> str:
        """Open what was sealed to `reply_key`."""
        return self._key.open(sealed)

    def copies(self) -> Sequence[PageCopy]:
        """Return all that the providers took since this life began."""
        return [copy for copy in self._lives.captured.all() if copy.id not in self._before]

    def report(self, copy: UUID, status: str) -> None:
        """Send a receipt."""
        body = {"delivery_id": str(copy), "status": status, "provider": "tests", "detail": ""}
        self._lives.run(self._lives.harness.by_user["gateway"].publish("delivery.receipt", body))

    def standing(self) -> Standing:
        """Return how the citizen stands in the ledger."""
        query = "select status, level from account where subject = $1"
        row = self._lives.run(self._lives.ledger.fetchrow(query, self._subject))
        return Standing(row["status"], row["level"]) if row else Standing("none", None)

    def protocols_released(self) -> Counter[str]:
        """Return the protocols of the citizen's istanze in events of release, each event once."""
        events = {event.id: event for event in self._lives.harness.by_user["portal"].events}
        bodies = [event.body for event in events.values() if event.type == "istanza.released"]
        return Counter(body["data"]["protocol"] for body in bodies if body["subject"] == self._subject.hex())

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until a condition holds."""
        asyncio.run(until(condition, what))
