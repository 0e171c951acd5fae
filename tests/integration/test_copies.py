"""A commit that its standby has not confirmed: nobody is told, nobody sees it, and nobody acts on it."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from deploy.local.ports import HOST, Ports
from deploy.local.postgres import DATABASE, Postgres
from shared.errors import LedgerLostError
from shared.ledger import Ledger
from tests.kit.servers import private_directory
from tests.kit.waiting import until


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with private_directory() as root:
        for part in ("run", "log"):
            (root / part).mkdir()
        server = Postgres(root, Ports(root / "ports.json"))
        server.start()
        server.make_ready()
        yield server
        server.kill()


@pytest.fixture
def alone(postgres: Postgres) -> Iterator[Postgres]:
    """A primary whose standby is gone: its commits wait for it."""
    postgres.sql("truncate suspect", DATABASE)
    postgres.sql("alter system set synchronous_standby_names = 'gone'")
    postgres.sql("select pg_reload_conf()")
    yield postgres
    postgres.wait_for_none()


@asynccontextmanager
async def opened(dsn: str, **how: float) -> AsyncIterator[Ledger]:
    ledger = await Ledger.open(dsn, "test", **how)  # type: ignore[arg-type]
    try:
        yield ledger
    finally:
        await ledger.close()


async def committed(ledger: Ledger) -> None:
    async with ledger.transaction():
        await ledger.value("count_try", uuid4(), datetime.now(UTC))


def seen(postgres: Postgres) -> int:
    return int(postgres.sql("select count(*) from suspect", DATABASE))


async def test_a_commit_that_is_not_confirmed_is_a_lost_ledger_and_shows_to_nobody(alone: Postgres) -> None:
    """It is seen once the standby is there, as Postgres was never asked to end the wait."""
    async with opened(alone.dsn("issuer"), patience=3) as ledger:
        with pytest.raises(LedgerLostError, match="commits are not confirmed"):
            await committed(ledger)
        assert not ledger.alive
    await asyncio.sleep(0.5)
    assert seen(alone) == 0
    alone.wait_for_none()
    await until(lambda: seen(alone) == 1, "the commit to be seen")


async def test_a_worker_that_ends_during_a_commit_leaves_it_waiting(alone: Postgres) -> None:
    async with opened(alone.dsn("issuer")) as ledger:
        committing = asyncio.create_task(committed(ledger))
        waiting = "select count(*) from pg_stat_activity where wait_event = 'SyncRep'"
        await until(lambda: alone.sql(waiting) == "1", "the commit to wait")
        committing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await committing
    await asyncio.sleep(0.5)
    assert (seen(alone), alone.sql(waiting)) == (0, "1")


async def test_a_worker_does_not_begin_on_a_server_that_confirms_nothing(alone: Postgres) -> None:
    """What a primary shows after a crash, or an administrator's cancel, may be on it alone."""
    dsn = alone.dsn("issuer")
    with pytest.raises(LedgerLostError, match="commits are not confirmed"):
        await Ledger.open(dsn, "test", limit=1, copied=True)
    async with opened(dsn, limit=1):  # who only reads, such as pinctl, may
        pass
    alone.wait_for_none()
    async with opened(dsn, limit=5, copied=True) as ledger:
        await committed(ledger)
    assert seen(alone) == 1


async def test_tries_on_a_server_that_confirms_nothing_take_none_of_its_connections(alone: Postgres) -> None:
    """Left waiting, they would fill its `max_connections` in minutes, and keep the operator out."""
    dsn = alone.dsn("issuer")
    for _ in range(3):
        with pytest.raises(LedgerLostError, match="commits are not confirmed"):
            await Ledger.open(dsn, "test", limit=0.5, copied=True)
    cut = asyncio.create_task(Ledger.open(dsn, "test", copied=True))
    waiting = "select count(*) from pg_stat_activity where application_name = 'test'"
    await until(lambda: alone.sql(waiting) == "1", "the fourth to wait")
    cut.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cut
    await until(lambda: alone.sql(waiting) == "0", "none to be left", limit=5)


async def test_a_host_that_does_not_answer_delays_nobody(postgres: Postgres) -> None:
    with socket.create_server((HOST, 0)) as silent:
        url = postgres.dsn("issuer").replace(f"@{HOST}", f"@{HOST}:{silent.getsockname()[1]},{HOST}")
        began = time.monotonic()
        async with opened(url, limit=10, copied=True) as ledger:
            await committed(ledger)
        assert time.monotonic() - began < 3


async def test_a_standby_that_is_promoted_is_found_while_the_old_primary_is_silent(
    postgres: Postgres,
) -> None:
    postgres.sql("alter system set default_transaction_read_only = on")
    postgres.sql("select pg_reload_conf()")
    with socket.create_server((HOST, 0)) as silent:
        url = postgres.dsn("issuer").replace(f"@{HOST}", f"@{HOST}:{silent.getsockname()[1]},{HOST}")
        opening = asyncio.create_task(Ledger.open(url, "test", limit=20, copied=True))
        await asyncio.sleep(2)
        assert not opening.done()
        postgres.sql("alter system reset default_transaction_read_only")
        postgres.sql("select pg_reload_conf()")
        ledger = await asyncio.wait_for(opening, 8)
        await committed(ledger)
        await ledger.close()


async def test_of_several_hosts_it_is_said_what_each_met(alone: Postgres) -> None:
    dead = alone.dsn("issuer").replace(f"@{HOST}", f"@{HOST}:1,{HOST}")
    with pytest.raises(LedgerLostError, match="ConnectionRefusedError; commits are not confirmed"):
        await Ledger.open(dead, "test", limit=1, copied=True)
