"""500 guesses at once on one PIN, over two workers, one of them killed: no more than allowed are compared.

A compared attempt is answered `wrong_pin` or `accepted`; any other, `locked`.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from deploy.local.stack import Stack
from shared.domain.policy import PinPolicy
from tests.chaos.scenarios import citizen
from tests.kit.evidence import Evidence, subject_of
from tests.kit.harness import MAIN_WAY, QUICK, Harness, fresh_harness
from tests.kit.person import Person
from tests.kit.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

GUESSES = 500
LIMIT = PinPolicy().attempts_in_row
POINTS = ("parsed", "performed", "written", "committed", "published")
CARD = {"number": "80380000900012345678", "expires_on": "2029-06-30"}
CARDS = PinPolicy().cards_in_row
CARD_POINTS = ("decided", "written", "committed")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def harness(servers: Stack) -> AsyncIterator[Harness]:
    """A harness with two processes that compare PINs."""
    async with fresh_harness(servers, "guessers", QUICK, kinds=("plain",)) as harness:
        harness.start(MAIN_WAY)
        harness.start(["issuer-access"], copies=2)
        harness.start(["revoker"], copies=2)
        await harness.settle_in(issued=0, active=len(POINTS) + len(CARD_POINTS) + 2)
        yield harness


async def guess(harness: Harness, person: Person, number: int) -> list[str]:
    """Publish `number` different wrong PINs at once; return the message ids."""
    bodies = [harness.log_in(person, f"{n:08}") for n in range(number)]
    return list(await asyncio.gather(*(harness.say("pin.verify", body) for body in bodies)))


def codes(found: Evidence, message_ids: list[str]) -> Counter[str]:
    """Count the reply codes."""
    return Counter(json.loads(found.replies[id_][0])["code"] for id_ in message_ids)


def attempts_are_counted(found: Evidence, harness: Harness, person: Person) -> None:
    """The ledger has as many failures as were answered; the PIN is locked, and its event sent, once."""
    subject = subject_of(harness.stack, person.codice_fiscale)
    kinds = Counter(e.kind for e in found.chains()[subject])
    attempts = found.accounts[subject].attempts
    assert kinds["pin.attempt_failed"] == attempts.total == LIMIT
    assert kinds["pin.locked"] == attempts.locks == 1


@pytest.mark.parametrize("point", POINTS)
async def test_no_more_than_the_limit_are_compared_when_a_worker_dies(harness: Harness, point: str) -> None:
    """One worker dies on the first guesses, between counting and answering; the right PIN comes too late."""
    person = harness.active.pop()
    harness.arm("issuer-access", point)
    guesses = await guess(harness, person, GUESSES - 1)
    right = await harness.say("pin.verify", harness.log_in(person))
    await until(lambda: not harness.crash_file("issuer-access").exists(), f"a worker to pass {point}")
    await revived(harness)
    found = await harness.all_is_well()
    assert codes(found, guesses) == {"wrong_pin": LIMIT, "locked": GUESSES - 1 - LIMIT}
    assert codes(found, [right]) == {"locked": 1}
    attempts_are_counted(found, harness, person)


async def test_no_more_than_the_limit_are_compared_when_a_worker_is_killed_half_way(harness: Harness) -> None:
    """SIGKILL from outside, once the first half is answered."""
    person = harness.active.pop()
    publishing = asyncio.create_task(guess(harness, person, GUESSES))
    already = len(harness.portal.replies)
    await until(lambda: len(harness.portal.replies) > already + GUESSES // 2, "half of the answers")
    harness.stack.workers["issuer-access.2"].kill()
    guesses = await publishing
    await revived(harness)
    found = await harness.all_is_well()
    assert codes(found, guesses) == {"wrong_pin": LIMIT, "locked": GUESSES - LIMIT}
    attempts_are_counted(found, harness, person)


async def test_the_right_pin_among_the_first_opens_and_buys_no_more_than_the_limit(harness: Harness) -> None:
    """A success resets the counter: after it, the limit counts anew."""
    person = harness.active.pop()
    right = await harness.say("pin.verify", harness.log_in(person))
    guesses = await guess(harness, person, GUESSES)
    found = await harness.all_is_well()
    answered = codes(found, guesses)
    assert codes(found, [right]) == {"accepted": 1}
    assert LIMIT <= answered["wrong_pin"] < 2 * LIMIT
    assert answered["wrong_pin"] + answered["locked"] == GUESSES


@pytest.mark.parametrize("point", CARD_POINTS)
async def test_no_wrong_health_card_goes_uncounted_when_a_worker_dies(harness: Harness, point: str) -> None:
    """R19: a hundred at once; those past the limit are not even compared, and all get the same reply."""
    person = harness.active.pop()
    await harness.ask(
        "registry.update", citizen(person.codice_fiscale, health_card=CARD), by=harness.registry
    )
    harness.arm("revoker", point)
    wrong = [CARD | {"number": f"{80380000900000000000 + number}"} for number in range(100)]
    bodies = [citizen(person.codice_fiscale, health_card=card, email="io@example.it") for card in wrong]
    guesses = await asyncio.gather(*(harness.say("revoke.request", body) for body in bodies))
    await until(lambda: not harness.crash_file("revoker").exists(), f"a worker to pass {point}")
    await revived(harness, "revoker")
    found = await harness.all_is_well()
    assert codes(found, list(guesses)) == {"accepted": len(bodies)}
    subject = subject_of(harness.stack, person.codice_fiscale)
    kinds = Counter(e.kind for e in found.chains()[subject])
    attempts = found.accounts[subject].card_attempts
    assert kinds["revoke.refused"] == attempts.total == CARDS
    assert kinds["health_card.locked"] == attempts.locks == 1


async def revived(harness: Harness, worker: str = "issuer-access") -> None:
    """Restart the worker that died, as a cluster would."""
    names = (worker, f"{worker}.2")
    processes = [harness.stack.workers[name] for name in names]
    await until(lambda: not all(process.alive() for process in processes), "a worker to be dead")
    for process in processes:
        process.start()
