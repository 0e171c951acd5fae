"""What is kept of log-ins, and of attempts that nobody answered."""

from typing import Any

import pytest

from deploy.local.client import Client
from deploy.local.sealed import sealed
from deploy.local.stack import Stack
from shared.domain.policy import PinPolicy
from tests.bench.bulk_load import PIN, Citizen, load_citizens
from tests.integration.test_pinctl import pinctl
from tests.kit.clients import portal
from tests.kit.evidence import gathered, subject_of
from tests.kit.invariants import every_chain_verifies
from tests.kit.waiting import until

LIMIT = PinPolicy().attempts_in_row
A_MONTH_PASSES = "update log_in set last = last - interval '31 days'"
OPEN = (
    "insert into attempt (subject, message_id, digest, at)"
    " select decode('{subject}', 'hex'), gen_random_uuid(), '', now() from generate_series(1, {number})"
)
AN_HOUR_PASSES = "update attempt set at = at - interval '61 minutes'"


def counted(stack: Stack, what: str) -> int:
    return int(stack.postgres.sql(f"select count(*) from {what}", stack.database))  # noqa: S608 - a test's own


async def logs_in(stack: Stack, client: Client, person: Citizen, pin: str = PIN) -> str:
    """Log in; return the code of the reply."""
    body = {"codice_fiscale": person.codice_fiscale, "pin_sealed": sealed(stack.state, "issuer", pin)}
    return str((await client.ask("pin.verify", body))["code"])


@pytest.fixture
def access(stack: Stack) -> Stack:
    """A stack with the lane of log-ins."""
    stack.start_workers(["issuer-access"])
    return stack


async def test_what_stays_of_log_ins_is_an_entry_a_month_and_the_chain_has_their_number(
    access: Stack,
) -> None:
    (person,) = await load_citizens(access, 1)
    subject = subject_of(access, person.codice_fiscale)
    async with portal(access) as client:
        assert [await logs_in(access, client, person) for _ in range(20)] == ["accepted"] * 20
        assert counted(access, "entry where kind like 'pin.%'") == 1
        (row,) = [row for row in await life(access, subject) if row["source"] == "log_in"]
        assert row["details"] == {"counted": 19}
        access.postgres.sql(A_MONTH_PASSES, access.database)
        assert await logs_in(access, client, person) == "accepted"
    told = [row["details"] for row in await life(access, subject) if row["what"] == "pin.verified"]
    assert [details.get("counted") for details in told] == [None, 19]
    found = await gathered(access, (), ())
    assert found.log_ins_of(subject) == 21
    every_chain_verifies(found)


async def life(stack: Stack, subject: bytes) -> list[dict[str, Any]]:
    """Return a citizen's whole timeline."""
    found = await pinctl(stack, "trace", "--subject", subject.hex())
    return list(found.data["timeline"])


async def test_attempts_that_nobody_answers_are_failures_until_they_are_forgotten(access: Stack) -> None:
    """As of workers whose messages were parked or lost: of one citizen, and of one who is unknown."""
    (person,) = await load_citizens(access, 1)
    stranger = Citizen("RSSMRA80A01H501U", person.contacts)
    for one in (person, stranger):
        subject = subject_of(access, one.codice_fiscale).hex()
        access.postgres.sql(OPEN.format(subject=subject, number=LIMIT), access.database)
    async with portal(access) as client:
        assert await logs_in(access, client, person) == "locked"
        access.postgres.sql(AN_HOUR_PASSES, access.database)
        await until(lambda: counted(access, "attempt") == 0, "the attempts to be forgotten", limit=40)
        assert await logs_in(access, client, person) == "accepted"
        assert await logs_in(access, client, stranger) == "wrong_pin"
    assert counted(access, "attempt") == 0
