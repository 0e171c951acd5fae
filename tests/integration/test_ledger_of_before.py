"""A ledger of the release before is read on, and what it lacks is added with the first change."""

import re

import asyncpg
import pytest

from deploy.errors import StackError
from deploy.local.postgres import SUPERUSER
from deploy.local.processes import CHECKOUT
from deploy.local.stack import Stack
from deploy.pinctl.answer import Answer
from deploy.pinctl.commands import parser, run
from shared.crypto.keys import Keys
from shared.crypto.sealing import StateSeal
from shared.ledger.chain import GENESIS, link
from shared.worker import account_codec
from tests.adversity.people import REQUEST, citizen, issued
from tests.kit.clients import operator, portal
from tests.kit.evidence import gathered

MIGRATIONS = CHECKOUT / "shared/ledger/migrations"
VOUCHED = MIGRATIONS / "20261128000100_vouched.sql"
MONTHS = sorted(MIGRATIONS.glob("202611290001*.sql"))
"""What makes the entries months: taken back first, as it is built on the chains of this one."""
UP, _, DOWN = VOUCHED.read_text().partition("-- migrate:down")
LATER = " ".join(
    statement
    for path in sorted(MIGRATIONS.glob("*.sql"))
    if path > VOUCHED and path not in MONTHS
    for statement in re.findall(
        r"^(?:insert into entry_kind|grant insert \(\w+\), update \(\w+\)\s+on account) [^;]*;",
        path.read_text().partition("-- migrate:down")[0],
        re.MULTILINE,
    )
)
"""What later migrations add to the objects of this one."""
_PARTS = [path.read_text().partition("-- migrate:down") for path in MONTHS]
DOWN = "".join(down for _, _, down in reversed(_PARTS)) + DOWN
LATER += "".join(up for up, _, _ in _PARTS)
OPERATOR = {"id": "op-1", "office": "contact_centre"}


def as_owner(stack: Stack, statements: str) -> None:
    stack.postgres.sql(f"begin; set local role owner; {statements}; commit;", stack.database)


async def verified(stack: Stack) -> Answer:
    return await run(parser().parse_args(["ledger", "verify"]), stack.env)


async def aged(stack: Stack) -> None:
    """Turn accounts, chains and inbox into those of the release before, and migrate them anew."""
    seal = StateSeal(Keys(stack.state / "keys").symmetric("account"))
    found = await gathered(stack, (), ())
    as_owner(stack, DOWN)
    ledger = await asyncpg.connect(stack.postgres.dsn(SUPERUSER, stack.database))
    await ledger.execute(
        "set session_replication_role = replica; update entry set writer = null, account = null"
    )
    for subject, chain in found.chains().items():
        head = GENESIS
        for e in chain:
            what = e.kind, e.message_id, e.actor, e.correlation_id, e.text
            head = link(head, e.subject, e.seq, e.at, *what)
            await ledger.execute(
                "update entry set hash = $3 where subject = $1 and seq = $2", subject, e.seq, head
            )
        await ledger.execute("update subject set head = $2 where key = $1", subject, head)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(account_codec, "SCHEMA", 1)
        for subject, account in found.accounts.items():
            state = account_codec.encode(account, seal)
            await ledger.execute(
                "update account set schema = 1, state = $2 where subject = $1", subject, state
            )
    await ledger.close()
    as_owner(stack, UP + LATER)


@pytest.fixture
def started(stack: Stack) -> Stack:
    stack.start_workers(["issuer", "revoker"])
    return stack


async def test_a_ledger_of_before_verifies_and_its_citizens_are_vouched_for_from_their_first_change(
    started: Stack,
) -> None:
    bodies = [citizen(), citizen()]
    async with portal(started) as client:
        await issued(started, client, bodies)
    started.stop_workers()
    await aged(started)
    before = await verified(started)
    assert (before.status, before.data["unvouched"], before.data["older_form"]) == (0, 2, 2)
    started.start_workers(["issuer", "revoker"])
    async with operator(started) as console:
        lost = {"codice_fiscale": bodies[0]["codice_fiscale"], "operator": OPERATOR, "reason": "lost"}
        reply = await console.reply(await console.publish("revoke.by_contact_centre", lost))
        assert reply["code"] == "accepted"
    after = await verified(started)
    assert (after.status, after.data["unvouched"], after.data["older_form"]) == (0, 1, 1)


async def test_accounts_of_before_are_opened_until_an_operator_says_they_no_longer_are(
    started: Stack,
) -> None:
    body = citizen()
    async with portal(started) as client:
        await issued(started, client, [body])
    started.stop_workers()
    await aged(started)
    started.start_worker("revoker", env={"PIN_OLDEST_ACCOUNT_SCHEMA": "2"})
    async with operator(started) as console:
        lost = {"codice_fiscale": body["codice_fiscale"], "operator": OPERATOR, "reason": "lost"}
        reply = await console.reply(await console.publish("revoke.by_contact_centre", lost))
    assert reply["code"] == "internal_error"


async def test_a_message_of_before_gets_its_first_reply_again(started: Stack) -> None:
    body = citizen()
    async with portal(started) as client:
        message_id = await client.publish(REQUEST, body)
        first = await client.reply(message_id)
        started.stop_workers()
        await aged(started)
        started.start_workers(["issuer", "revoker"])
        client.replies.pop(message_id)
        await client.publish(REQUEST, body, message_id=message_id)
        assert await client.reply(message_id) == first
    found = await gathered(started, (), ())
    assert [entry.kind for entry in found.of_message(message_id, "pin.issued")] == ["pin.issued"]


async def test_the_migration_does_not_begin_while_a_worker_is_connected(stack: Stack) -> None:
    as_owner(stack, DOWN)
    worker = await asyncpg.connect(stack.postgres.dsn("notifier", stack.database))
    with pytest.raises(StackError, match="stop all workers"):
        as_owner(stack, UP)
    await worker.close()
    as_owner(stack, UP + LATER)


# the months of entries

MONTHS_DOWN = "".join(down for _, _, down in reversed(_PARTS))


async def test_entries_become_months_while_workers_work_and_nothing_is_refused(started: Stack) -> None:
    """And back again, as long as none has left: the rows of all months are one table then."""
    bodies = [citizen() for _ in range(60)]
    content = "select sum(hashtext(entry::text)), count(*) from entry"
    async with portal(started) as client:
        await issued(started, client, bodies[:10])
        before = started.postgres.sql(content, started.database)
        as_owner(started, MONTHS_DOWN)
        kind = "select relkind from pg_class where relname = 'entry'"
        assert started.postgres.sql(kind, started.database) == "r"
        assert started.postgres.sql(content, started.database) == before
        asked = [await client.publish(REQUEST, body) for body in bodies[10:]]
        for up, _, _ in _PARTS:
            as_owner(started, up)
        for message_id in asked:
            assert (await client.reply(message_id))["code"] == "accepted"
    assert started.postgres.sql("select count(*) from entry_default", started.database) == "0"
    found = await gathered(started, (), ())
    assert len(found.chains()) == len(bodies)
    assert (await verified(started)).status == 0
