"""What timing reveals about a citizen: paired measurements, known against unknown.

    python -m tests.adversity.timing --pairs 1000

takes about ten minutes and prints, for each pair of cases, the reply times and the difference with
its spread. The replies of each pair must be identical.
"""

import argparse
import asyncio
import secrets
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from math import comb
from statistics import median, quantiles
from time import perf_counter
from typing import Any
from uuid import uuid4

import orjson
from aio_pika.abc import AbstractIncomingMessage

from deploy.local.citizens import PLAIN, citizens
from deploy.local.client import Client
from deploy.local.inbox import Body
from deploy.local.sealed import ReplyKey
from deploy.local.stack import Stack
from tests.chaos.scenarios import citizen
from tests.kit.harness import MAIN_WAY, Harness, harness_on
from tests.kit.person import Person
from tests.kit.servers import private_stack

WORKERS = (*MAIN_WAY, "issuer-access", "revoker")
SETTINGS = {
    # The limits would stop the measurement; blocking stays on, because it is one of the cases.
    "PIN_LINKS_A_DAY": "1000000",
    "PIN_ATTEMPTS_IN_ROW": "1000000",
    "PIN_CARDS_IN_ROW": "1000000",
}
BLOCKED_AFTER = 20
REUSE = 15
"""Wrong attempts on one PIN, and links to one citizen: fewer than block it."""
CARD = {"number": "80380000900012345678", "expires_on": "2029-06-30"}
OTHER_CARD = {"number": "80380000900087654321", "expires_on": "2029-06-30"}
WRONG = "00000000"
Case = Callable[[], tuple[str, Body]]


class Stopwatch(Client):
    """A portal that records the arrival time of each reply."""

    def __init__(self, stack: Stack) -> None:
        super().__init__(stack.rabbitmq.url("portal"), "portal")
        self._timed: dict[str, asyncio.Future[tuple[float, bytes]]] = {}

    async def _take_reply(self, message: AbstractIncomingMessage) -> None:
        if waiting := self._timed.pop(message.correlation_id or "", None):
            waiting.set_result((perf_counter(), message.body))
        await super()._take_reply(message)

    async def time(self, type_: str, body: Body) -> tuple[float, bytes]:
        """Send a command; return the reply time in milliseconds, and the reply."""
        message_id = str(uuid4())
        reply = self._timed[message_id] = asyncio.get_running_loop().create_future()
        began = perf_counter()
        await self.publish(type_, body, message_id=message_id)
        ended, content = await asyncio.wait_for(reply, 60)
        return 1000 * (ended - began), content


@dataclass
class Comparison:
    """Two cases that must be indistinguishable.

    Attributes:
        name: of the pair.
        one: makes a command of the first case.
        other: makes one of the second.
        code: of every reply.
        after: runs after each pair, unmeasured.
    """

    name: str
    one: Case
    other: Case
    code: str = "accepted"
    after: Callable[[], Coroutine[Any, Any, object]] | None = None
    times: list[tuple[float, float]] = field(default_factory=list)
    replies: set[bytes] = field(default_factory=set)

    async def measure(self, watch: Stopwatch, pairs: int) -> None:
        """Time pairs, each in random order."""
        for _ in range(pairs):
            cases = [self.one, self.other]
            turned = secrets.randbelow(2)
            timed = [await watch.time(*case()) for case in (cases[::-1] if turned else cases)]
            one, other = timed[::-1] if turned else timed
            self.times.append((one[0], other[0]))
            self.replies |= {one[1], other[1]}
            if self.after:
                await self.after()

    @property
    def alike(self) -> bool:
        """Whether all replies are one, and it is the one that is compared, not an error of form."""
        return [orjson.loads(reply)["code"] for reply in self.replies] == [self.code]

    @property
    def differences(self) -> list[float]:
        """By how many milliseconds the first case was slower, pair by pair."""
        return [one - other for one, other in self.times]

    @property
    def difference(self) -> float:
        """The median of the differences."""
        return median(self.differences)

    @property
    def by_chance(self) -> float:
        """The p-value of the two-sided sign test."""
        signs = [difference > 0 for difference in self.differences if difference]
        fewer = min(sum(signs), len(signs) - sum(signs))
        outcomes: int = 2 ** len(signs)
        return min(1.0, 2 * sum(comb(len(signs), k) for k in range(fewer + 1)) / outcomes)

    def __str__(self) -> str:
        lower, _, upper = quantiles(self.differences, n=4)
        one, other = (median(times) for times in zip(*self.times, strict=True))
        return (
            f"{self.name:48} {one:8.2f} {other:8.2f} {self.difference:+8.3f}"
            f"   {lower:+8.2f} … {upper:+.2f}   {self.by_chance:7.3f}"
        )


_HEAD = f"{'ms, medians':48} {'one':>8} {'other':>8} {'differ.':>8}   {'middle half':^18}   {'p':>7}"


def table(found: Sequence[Comparison]) -> str:
    """Return one line of figures per comparison."""
    return "".join(f"{line}\n" for line in (_HEAD, *found))


def strangers() -> Iterator[Body]:
    """Yield unknown citizens, each once."""
    return (body for _, body in citizens(10**6, 13, kinds=(PLAIN,)))


def blind(known: Sequence[Person]) -> list[Comparison]:
    """Return the comparisons of blind commands: a known citizen, an unknown one, and wrong data."""
    people, new = cycle(known), strangers()

    def request(body: Body) -> tuple[str, Body]:
        return "pin.request", body

    def restore(body: Body, contacts: Body) -> tuple[str, Body]:
        two = {name: contacts[name] for name in ("mobile", "email")}
        return "restore.request", citizen(body["codice_fiscale"], contacts=two)

    def revoke(body: Body, card: Body) -> tuple[str, Body]:
        return "revoke.request", citizen(body["codice_fiscale"], health_card=card, email="io@example.it")

    def own() -> tuple[str, Body]:
        body = next(people).body
        return restore(body, body["contacts"])

    def wrong() -> tuple[str, Body]:
        return restore(next(people).body, next(new)["contacts"])

    def nobody() -> tuple[str, Body]:
        body = next(new)
        return restore(body, body["contacts"])

    def card() -> tuple[str, Body]:
        return revoke(next(people).body, CARD)

    return [
        Comparison(
            "pin.request: a PIN lives, or a stranger",
            lambda: request(next(people).body),
            lambda: request(next(new)),
        ),
        Comparison("restore.request: right, or a stranger", own, nobody),
        Comparison("restore.request: right, or other contacts", own, wrong),
        Comparison("revoke.request: right, or a stranger", card, lambda: revoke(next(new), CARD)),
        Comparison(
            "revoke.request: right, or another card", card, lambda: revoke(next(people).body, OTHER_CARD)
        ),
    ]


def wrong_pins(
    harness: Harness, regular: Person, blocked: Person, initial: Sequence[Person]
) -> list[Comparison]:
    """Return the comparisons of wrong PINs: for an active PIN, a blocked one, an unknown citizen."""
    unused, new = cycle(initial), strangers()
    key = {"reply_key": ReplyKey().public}

    def verify(codice_fiscale: str) -> tuple[str, Body]:
        return "pin.verify", citizen(codice_fiscale, pin_sealed=harness.sealed(WRONG))

    def activate(codice_fiscale: str) -> tuple[str, Body]:
        return "pin.activate", citizen(codice_fiscale, pin_sealed=harness.sealed(WRONG * 2), **key)

    def nobody() -> tuple[str, Body]:
        return verify(next(new)["codice_fiscale"])

    return [
        Comparison(
            "pin.verify: a wrong PIN, or a stranger",
            lambda: verify(regular.codice_fiscale),
            nobody,
            "wrong_pin",
            lambda: harness.ask("pin.verify", harness.log_in(regular)),
        ),
        Comparison(
            "pin.verify: a blocked PIN, or a stranger",
            lambda: verify(blocked.codice_fiscale),
            nobody,
            "wrong_pin",
        ),
        Comparison(
            "pin.activate: a wrong PIN, or a stranger",
            lambda: activate(next(unused).codice_fiscale),
            lambda: activate(next(new)["codice_fiscale"]),
            "wrong_pin",
        ),
    ]


async def compared(stack: Stack, pairs: int) -> list[Comparison]:
    """Issue PINs and measure; the blind commands run concurrently, as they mostly wait."""
    pool = pairs // REUSE + 1
    async with harness_on(stack, kinds=(PLAIN,)) as harness, Stopwatch(stack) as watch:
        await harness.settle_in(issued=pool, active=2 + pool)
        regular, blocked, *known = harness.active
        for person in known:
            await harness.ask(
                "registry.update", citizen(person.codice_fiscale, health_card=CARD), by=harness.registry
            )
        for _ in range(BLOCKED_AFTER):
            await harness.ask("pin.verify", harness.log_in(blocked, WRONG))
        assert (await harness.ask("pin.verify", harness.log_in(blocked)))["code"] == "wrong_pin"
        one_by_one, at_once = wrong_pins(harness, regular, blocked, harness.issued), blind(known)
        for comparison in one_by_one:
            await comparison.measure(watch, pairs)
        await asyncio.gather(*(comparison.measure(watch, pairs) for comparison in at_once))
    return [*at_once, *one_by_one]


def main(words: Sequence[str]) -> int:
    """Measure on private servers and print; return 1 where the replies are not one, and the one meant."""
    parser = argparse.ArgumentParser(prog="python -m tests.adversity.timing")
    parser.add_argument("--pairs", type=int, default=1000)
    pairs: int = parser.parse_args(words).pairs
    with private_stack(SETTINGS) as stack:
        stack.start_workers(WORKERS)
        found = asyncio.run(compared(stack, pairs))
    sys.stdout.write(table(found))
    return int(not all(comparison.alike for comparison in found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
