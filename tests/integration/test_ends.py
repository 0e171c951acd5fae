"""Data ends on a real ledger: of citizens whose PIN ended long ago, and of deliveries, whatever is killed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
import structlog

from deploy.local.citizens import PLAIN, citizens
from deploy.local.postgres import SUPERUSER
from deploy.local.processes import CHECKOUT
from deploy.local.stack import Stack
from deploy.local.waiting import wait_for
from deploy.pinctl.commands import parser, run
from services.issuer.forgetting import CITIZENS, Forgetting, forgetting
from shared.crypto.keys import Keys
from shared.domain.account import Account
from shared.domain.policy import PinPolicy
from shared.errors import LedgerLostError
from shared.ledger import Ledger
from shared.worker.housekeeping import Housekeeping
from shared.worker.settings import WorkerSettings
from tests.kit.clients import operator, portal
from tests.kit.seeding import accounts, active_citizens

PERIOD = timedelta(days=3650)
AGO = "update ended set at = at - interval '365 days' * {years}"
CHANGE = """
update account set version = version + 1, {}
where subject = (select subject from account order by subject limit 1)
"""
OPERATOR = {"operator": {"id": "op-0042", "office": "Contact Center"}}


def chore(stack: Stack, clock: Any = None) -> Forgetting:  # noqa: ANN401 - a clock
    settings = WorkerSettings.load(stack.env)
    made = forgetting(settings, PinPolicy(), Keys(stack.state / "keys"), structlog.get_logger())
    if clock:
        made._clock = clock
    return made


@asynccontextmanager
async def opened(stack: Stack, role: str = "issuer") -> AsyncIterator[Ledger]:
    ledger = await Ledger.open(stack.postgres.dsn(role, stack.database), "ends")
    try:
        yield ledger
    finally:
        await ledger.close()


async def revoked(stack: Stack, number: int, *, years: float) -> None:
    """Insert citizens, and revoke their PINs so many years ago."""
    people = await active_citizens(stack, number)
    stack.start_workers(["revoker"])
    async with operator(stack) as console:
        for codice_fiscale in people:
            body = {"codice_fiscale": codice_fiscale, **OPERATOR, "reason": "lost"}
            assert (await console.ask("revoke.by_contact_centre", body))["code"] == "accepted"
    stack.stop_workers()
    stack.postgres.sql(AGO.format(years=years), stack.database)


def sql(stack: Stack, query: str) -> int:
    return int(stack.postgres.sql(query, stack.database))


def empty(account: Account) -> bool:
    return account.model_dump_json(exclude_defaults=True) == "{}"


async def test_who_is_revoked_or_expired_is_listed_and_who_asks_anew_is_not(stack: Stack) -> None:
    await active_citizens(stack, 3)
    assert sql(stack, "select count(*) from ended") == 0
    steps = [
        ("revoked", "null", 1),
        ("issued", "'online'", 0),
        ("expired", "null", 1),
        ("issued", "'online'", 0),
    ]
    for status, level, listed in steps:
        stack.postgres.sql(CHANGE.format(f"status = '{status}', level = {level}"), stack.database)
        assert sql(stack, "select count(*) from ended") == listed, status


async def test_accounts_are_emptied_after_their_period_in_short_steps_and_the_chain_is_whole(
    stack: Stack,
) -> None:
    await revoked(stack, CITIZENS + 20, years=11)
    stack.postgres.sql(
        "update ended set at = now() where subject in (select subject from ended order by subject limit 10)",
        stack.database,
    )
    made = chore(stack)
    async with opened(stack) as ledger:
        assert await made.step(ledger) < 10, "there is more to do"
        assert sum(map(empty, await accounts(stack))) == CITIZENS
        made._due = 0.0
        assert await made.step(ledger) > 10
    left = await accounts(stack)
    assert sum(map(empty, left)) == CITIZENS + 10
    assert {account.status for account in left} == {"revoked"}
    assert sql(stack, "select count(*) from ended") == 10
    assert sql(stack, "select count(*) from entry where kind = 'citizen.erased'") == CITIZENS + 10
    verified = await run(parser().parse_args(["ledger", "verify"]), stack.env)
    assert verified.status == 0, verified.text


async def test_a_worker_does_it_by_itself_and_zero_keeps_everybody(stack: Stack) -> None:
    await revoked(stack, 3, years=11)
    stack.settings["PIN_ENDED_RETENTION"] = "PT0S"
    stack.start_workers(["issuer"])
    async with portal(stack) as client_:
        _, body = next(iter(citizens(1, seed=8, kinds=(PLAIN,))))
        await client_.ask("pin.request", body)
    stack.stop_workers()
    assert sql(stack, "select count(*) from ended") == 3
    stack.settings["PIN_ENDED_RETENTION"] = "P3650D"
    stack.start_workers(["issuer"])
    await asyncio.to_thread(wait_for, lambda: sql(stack, "select count(*) from ended") == 0, 20, "forgotten")
    assert sql(stack, "select count(*) from entry where kind = 'citizen.erased'") == 3
    events = sql(stack, "select count(*) from outbox where worker = 'issuer' and due_at < now()")
    assert events <= 1, "the relay publishes what was said"


@pytest.mark.parametrize("statement", ["add_entries", "save_accounts", "forget_ended"])
async def test_a_kill_between_any_two_statements_loses_nothing_and_repeats_nothing(
    stack: Stack, statement: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await revoked(stack, 5, years=11)
    run_ = Ledger.run

    async def killed(ledger: Ledger, query: str, *values: Any) -> int:  # noqa: ANN401 - as in Ledger
        if query == statement:
            await ledger.close()
            raise LedgerLostError("killed")
        return await run_(ledger, query, *values)

    monkeypatch.setattr(Ledger, "run", killed)
    async with opened(stack) as ledger:
        with pytest.raises(LedgerLostError):
            await chore(stack).step(ledger)
    monkeypatch.undo()
    async with opened(stack) as ledger:
        await chore(stack).step(ledger)
    assert all(map(empty, await accounts(stack)))
    assert sql(stack, "select count(*) from ended") == 0
    assert sql(stack, "select count(*) from entry where kind = 'citizen.erased'") == 5


async def test_who_asks_anew_while_the_step_waits_for_the_lock_is_kept(stack: Stack) -> None:
    await revoked(stack, 2, years=11)
    admin = await asyncpg.connect(stack.postgres.dsn(SUPERUSER, stack.database))
    async with opened(stack) as ledger:
        transaction = admin.transaction()
        await transaction.start()
        key = await admin.fetchval("select key from subject order by key limit 1")
        await admin.execute("select from subject where key = $1 for update", key)
        step = asyncio.ensure_future(chore(stack).step(ledger))
        blocked = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = '{}'"
        await asyncio.to_thread(
            wait_for, lambda: sql(stack, blocked.format(stack.database)) > 0, 10, "the step to wait"
        )
        # As a request does; the sealed state is of the version before, which nobody opens here.
        await admin.execute("delete from ended where subject = $1", key)
        await transaction.commit()
        await step
    await admin.close()
    left = {account.subject: empty(account) for account in await accounts(stack)}
    assert left.pop(key) is False
    assert list(left.values()) == [True]


async def test_an_account_that_does_not_open_is_left_and_delays_no_other(stack: Stack) -> None:
    await revoked(stack, 3, years=11)
    stack.postgres.sql(CHANGE.format("state = '\\x00'"), stack.database)
    async with opened(stack) as ledger:
        for _ in range(2):
            await chore(stack).step(ledger)
    assert sql(stack, "select count(*) from ended") == 1
    assert sql(stack, "select count(*) from unreadable") == 1
    assert sql(stack, "select count(*) from entry where kind = 'citizen.erased'") == 2


async def test_a_worker_can_neither_list_a_citizen_as_ended_nor_empty_the_list(stack: Stack) -> None:
    await revoked(stack, 1, years=0)
    for role, allowed in (
        ("issuer", {"select", "delete"}),
        ("revoker", set()),
        ("dispositivo", set()),
        ("notifier", set()),
    ):
        async with opened(stack, role) as ledger:
            for right, statement in (
                ("select", "select * from ended"),
                ("insert", "insert into ended values ('\\x00', now())"),
                ("update", "update ended set at = now()"),
                ("delete", "delete from ended where at < '2000-01-01'"),
            ):
                if right in allowed:
                    await ledger._connection.execute(statement)
                else:
                    with pytest.raises(asyncpg.InsufficientPrivilegeError):
                        await ledger._connection.execute(statement)


# Deliveries

FILL = """
insert into delivery (id, subject, channel, status, attempts, reference, correlation_id, at, made_at)
select gen_random_uuid(), '\\x00', 'sms', 'sent', 1, '', 'c', now(), now() - interval '1 day' * n
from generate_series(1, 1500) as n
"""


async def test_deliveries_are_forgotten_after_their_period_and_those_of_a_month_never(stack: Stack) -> None:
    stack.postgres.sql(FILL, stack.database)
    async with opened(stack, "notifier") as ledger:
        tending = Housekeeping(
            timedelta(days=30), {"forget_deliveries": timedelta(days=400)}, clock=lambda: 0.0
        )
        for _ in range(3):
            await tending.step(ledger)
        assert sql(stack, "select count(*) from delivery") == 399
        await ledger.rows("forget_deliveries", timedelta(0), datetime(1970, 1, 1, tzinfo=UTC), 1000)
    assert sql(stack, "select count(*) from delivery where made_at > now() - interval '30 days'") == 29
    assert sql(stack, "select sum(many) from tallied where counted = 'delivery'") == sql(
        stack, "select count(*) from delivery"
    )


# A ledger from before


async def test_a_ledger_in_the_field_learns_who_ended_and_goes_on(stack: Stack) -> None:
    await revoked(stack, 4, years=0)
    stack.postgres.sql(FILL, stack.database)
    files = sorted((CHECKOUT / "shared/ledger/migrations").glob("2026112800080*.sql"))
    ups, downs = zip(*(file.read_text().split("-- migrate:down") for file in files), strict=True)
    for down in reversed(downs):
        stack.postgres.sql(f"set role owner; {down}", stack.database)
    still = "select count(*) from account where status = 'revoked'"
    assert sql(stack, still) == 4
    stack.postgres.sql(
        "set session_replication_role = replica; update entry set at = at - interval '11 years'",
        stack.database,
    )
    for up in ups:
        for statement in [up] if "$$" in up else up.split(";\n"):
            stack.postgres.sql(f"set role owner;\n{statement}", stack.database)
    assert sql(stack, "select count(*) from ended where at < now() - interval '10 years'") == 4
    assert sql(stack, "select count(*) from delivery where made_at > now() - interval '1 minute'") == 1500
    async with opened(stack) as ledger:
        await chore(stack).step(ledger)
    assert all(map(empty, await accounts(stack)))
