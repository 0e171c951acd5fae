"""The harness: servers, workers with crash points, clients, and citizens at every stage of a PIN."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from uuid import uuid4

from deploy.local.captured import Captured
from deploy.local.citizens import citizens
from deploy.local.client import LOST, Client
from deploy.local.inbox import Body, Reply
from deploy.local.processes import Process
from deploy.local.sealed import ReplyKey, sealed
from deploy.local.stack import Stack
from deploy.local.workers import WORKERS
from tests.kit.clients import client
from tests.kit.evidence import Asked, Evidence, glimpsed
from tests.kit.invariants import ALL, Invariant, hold
from tests.kit.person import Person
from tests.kit.servers import fresh_ledger
from tests.kit.waiting import LIMIT, until

MAIN_WAY = ("issuer", "notifier-sms", "notifier-email", "notifier-pec", "notifier-post")
"""The workers that bring a request to the citizen."""
CITIZENS = 100_000
USERS = ("portal", "operator", "registry", "gateway")
QUICK = {
    "PIN_OUTBOX_LEASE": "PT0.5S",
    "PIN_RELAY_INTERVAL": "PT0.1S",
    "PIN_BLIND_REPLY_AFTER": "PT0S",
    "PIN_LINGER": "PT0.05S",
}
"""Settings by which what a crash leaves behind is taken up soon, and a batch gets several messages."""


PERSISTENT = {
    "PIN_RETRY_BASE": "PT1S",
    "PIN_RETRY_CAP": "PT1S",
    "PIN_RETRY_LIMIT": "500",
    "PIN_BREAKER_BASE": "PT0.1S",
    "PIN_BREAKER_CAP": "PT0.5S",
    "PIN_RELAY_INTERVAL": "PT0.1S",
}
"""Settings by which channels try a provider that is sick every second, for as long as a test may last."""


@dataclass
class Harness:
    """A stack, and a test's actions on it from outside.

    Attributes:
        stack: whose workers and servers these are.
        by_user: the clients, by user of the broker.
        kinds: of the citizens, as in `deploy.local.citizens`.
        asked: every message that must be handled.
    """

    stack: Stack
    by_user: Mapping[str, Client]
    kinds: tuple[str, ...] | None = None
    asked: list[Asked] = field(default_factory=list)
    issued: list[Person] = field(default_factory=list)
    """Who has both halves and has not used them."""
    active: list[Person] = field(default_factory=list)
    """Who has completed first access."""

    def __post_init__(self) -> None:
        self._newcomers = (Person(body) for _, body in citizens(CITIZENS, 11, kinds=self.kinds))
        self._captured = Captured(self.stack.state)

    @property
    def portal(self) -> Client:
        """The portal, which receives the events."""
        return self.by_user["portal"]

    @property
    def operator(self) -> Client:
        """The operator's console."""
        return self.by_user["operator"]

    @property
    def registry(self) -> Client:
        """The health registry."""
        return self.by_user["registry"]

    @property
    def gateway(self) -> Client:
        """The gateway, which gets no replies."""
        return self.by_user["gateway"]

    @property
    def clients(self) -> tuple[Client, ...]:
        """All clients that get replies; the portal receives the events."""
        return tuple(client for client in self.by_user.values() if client.listens)

    def newcomers(self, number: int) -> list[Person]:
        """Return new citizens."""
        return list(islice(self._newcomers, number))

    def sealed(self, text: str, to: str = "issuer") -> str:
        """Seal a text to a service."""
        return sealed(self.stack.state, to, text)

    async def say(self, type_: str, body: Body, *, by: Client | None = None, message_id: str = "") -> str:
        """Publish one command that must be handled; return its message id."""
        sender = by or self.portal
        asked = Asked(message_id or str(uuid4()), type_, answered=sender.listens)
        self.asked.append(asked)
        await sender.publish(type_, body, message_id=asked.message_id)
        return asked.message_id

    async def say_surely(self, type_: str, body: Body) -> str:
        """Publish one portal command, through broker failures; return its message id.

        An unconfirmed message is published again under the same id.
        """
        asked = Asked(str(uuid4()), type_)

        async def confirmed() -> bool:
            try:
                await self.portal.publish(type_, body, message_id=asked.message_id)
            except LOST:
                with suppress(*LOST):
                    await self.portal.connect()
                return False
            return True

        await until(confirmed, f"{type_} confirmed", limit=2 * LIMIT, every=0.1)
        self.asked.append(asked)
        return asked.message_id

    async def ask(self, type_: str, body: Body, *, by: Client | None = None) -> Reply:
        """Publish one command and return the reply."""
        return await (by or self.portal).reply(await self.say(type_, body, by=by))

    def crash_file(self, worker: str) -> Path:
        """Return the file that names a worker's crash point."""
        return self.stack.state / f"crash-{worker}"

    def start(self, workers: Iterable[str], *, copies: int = 1) -> None:
        """Start workers with crash points, all at once, and wait until they are ready.

        Of two copies only the first to pass the crash point dies.
        """
        started = [
            process
            for worker in workers
            for process in self.stack.start_worker(
                worker, copies=copies, env={"PIN_CRASH_FILE": str(self.crash_file(worker))}, wait=False
            )
        ]
        self.stack.wait_ready(process.name for process in started)

    def arm(self, worker: str, point: str) -> None:
        """Make a worker kill itself when it passes this point next, or freeze itself: `decided SIGSTOP`."""
        unfinished = self.crash_file(worker).with_suffix(".new")
        unfinished.write_text(point)
        unfinished.rename(self.crash_file(worker))

    async def dead(self, worker: str) -> Process:
        """Wait until a worker has died at its crash point."""
        process = self.stack.workers[worker]
        try:
            await until(lambda: not process.alive(), f"{worker} to die", limit=120)
        except AssertionError as still_alive:
            raise AssertionError(f"{still_alive}\n{process.tail()}") from None
        assert process._popen is not None
        assert process._popen.returncode == -signal.SIGKILL, process.tail()
        assert not self.crash_file(worker).exists(), f"{worker} died elsewhere"
        return process

    @contextmanager
    def alone(self, worker: str) -> Iterator[None]:
        """Pause the other workers of the same service: their relay would publish this one's outbox rows.

        Whatever happens within, the worker runs in the end and is no longer armed: the next test finds it so.
        """
        others = [
            process
            for name, process in self.stack.workers.items()
            if name != worker and WORKERS[name].user == WORKERS[worker].user
        ]
        for process in others:
            process.send(signal.SIGSTOP)
        try:
            yield
        finally:
            for process in others:
                process.send(signal.SIGCONT)
            self.crash_file(worker).unlink(missing_ok=True)
            self.stack.workers[worker].start()

    async def frozen(self, worker: str) -> Process:
        """Wait until a worker has frozen itself at its crash point."""
        process = self.stack.workers[worker]

        def stopped() -> bool:
            return "T (stopped)" in Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")

        await until(stopped, f"{worker} to freeze")
        return process

    async def dead_again(self, worker: str, point: str) -> None:
        """Start a dead worker, and wait until it has died at this point, too."""
        self.arm(worker, point)
        self.stack.workers[worker].start()
        await self.dead(worker)

    async def something_is_due(self) -> bool:
        """Return whether the outbox holds what a dead worker should have published.

        It does not where the worker died with a message that was handled before and came again.
        """

        async def due() -> bool:
            found = await glimpsed(self.stack, (), ())
            return found.overdue > 0

        try:
            await until(due, "a row of the outbox that is due", limit=10)
        except AssertionError:
            return False
        return True

    async def all_is_well(self, invariants: Iterable[Invariant] = ALL, *, limit: float = LIMIT) -> Evidence:
        """Wait until all invariants hold, for everything that happened so far."""
        try:
            return await hold(
                self.stack, self.clients, self.asked, invariants, captured=self._captured, limit=limit
            )
        except AssertionError as broken:
            dead = [process for process in self.stack.workers.values() if not process.alive()]
            broken.add_note("\n".join(f"{process.name} is not running\n{process.tail()}" for process in dead))
            raise

    async def settle_in(self, issued: int, active: int) -> None:
        """Issue PINs, and let some citizens complete first access."""
        people = self.newcomers(issued + active)
        requests = {await self.say("pin.request", person.body): person for person in people}
        found = await self.all_is_well()
        for message_id, person in requests.items():
            (entry,) = found.of_message(message_id, "pin.issued")
            person.carriers = entry.carriers
            halves = {c: found.copies[id_][0].half or "" for c, id_ in entry.carriers.items()}
            first = next(half for channel, half in halves.items() if channel != "post")
            person.initial = first + halves["post"]
        await asyncio.gather(*(self.first_access(person) for person in people[issued:]))
        self.issued += people[:issued]
        self.active += people[issued:]

    async def first_access(self, person: Person) -> None:
        """Activate a person's initial PIN."""
        key = ReplyKey()
        reply = await self.ask("pin.activate", self.activation(person, key))
        person.pin = key.open(reply["data"]["pin_sealed"])

    def activation(self, person: Person, key: ReplyKey) -> Body:
        """Return the body of a person's `pin.activate`."""
        pin = self.sealed(person.initial)
        return {"codice_fiscale": person.codice_fiscale, "pin_sealed": pin, "reply_key": key.public}

    def log_in(self, person: Person, pin: str = "") -> Body:
        """Return the body of a `pin.verify`, with the right PIN unless another is given."""
        return {"codice_fiscale": person.codice_fiscale, "pin_sealed": self.sealed(pin or person.pin)}


@asynccontextmanager
async def fresh_harness(
    servers: Stack,
    name: str,
    settings: Mapping[str, str],
    *,
    kinds: tuple[str, ...] | None = None,
    lasting: str = "",
) -> AsyncIterator[Harness]:
    """Yield a harness on its own ledger, without workers; at the end all invariants must hold.

    Args:
        servers: the shared servers.
        name: of the ledger.
        settings: of its workers.
        kinds: of its citizens, as in `deploy.local.citizens`.
        lasting: the name of durable client queues.
    """
    async with (
        fresh_ledger(servers, name, settings) as stack,
        harness_on(stack, kinds=kinds, lasting=lasting) as harness,
    ):
        yield harness
        await harness.all_is_well()  # what is left to a worker for a moment goes out before it stops
        # A stopped worker's unacknowledged messages are back in its queue.
        stack.stop_workers()
        await harness.all_is_well()


@asynccontextmanager
async def harness_on(
    stack: Stack,
    *,
    kinds: tuple[str, ...] | None = None,
    lasting: str = "",
    users: Iterable[str] = USERS,
) -> AsyncIterator[Harness]:
    """Yield a harness on running servers; `lasting` names durable client queues.

    Each of the `users` that listens has two queues of its own, which the broker fills: a load has no more of
    them than it needs.
    """
    async with AsyncExitStack() as clients:
        by_user = {
            user: await clients.enter_async_context(client(stack, user, name=lasting)) for user in users
        }
        yield Harness(stack, by_user, kinds)
