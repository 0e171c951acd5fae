"""Why no pooler in transaction mode stands before the ledger: what needs a session, on a real PgBouncer."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from deploy.local.os_user import OsUser
from deploy.local.ports import HOST, Ports, answers
from deploy.local.postgres import DATABASE, Postgres
from deploy.local.processes import Process, Program
from deploy.local.waiting import wait_for
from shared.ledger import QUERIES
from tests.kit.servers import private_directory

_PROGRAM = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin")
pytestmark = pytest.mark.skipif(_PROGRAM is None, reason="pgbouncer is not installed")


@pytest.fixture(scope="module")
def pooled() -> Iterator[str]:
    """The DSN of the ledger, behind a pooler with one connection for all."""
    with private_directory() as root:
        for part in ("run", "log"):
            (root / part).mkdir()
        ports = Ports(root / "ports.json")
        postgres = Postgres(root, ports)
        postgres.start()
        postgres.make_ready()
        port = ports["pgbouncer"]
        pooler = Process(_pooler(root, postgres, port), root / "run")
        pooler.start()
        wait_for(lambda: pooler.must_live() and answers(port), 10, "PgBouncer")
        yield f"postgresql://notifier:{postgres.passwords['notifier']}@{HOST}:{port}/{DATABASE}"
        pooler.kill()
        postgres.kill()


def _pooler(root: Path, postgres: Postgres, port: int) -> Program:
    user, home = OsUser.of_server("postgres"), root / "pgbouncer"
    user.own(home)
    files = {
        "users": f'"notifier" "{postgres.passwords["notifier"]}"\n',
        "pgbouncer.ini": (
            f"[databases]\n{DATABASE} = host={HOST} port={postgres.port}\n[pgbouncer]\n"
            f"listen_addr = {HOST}\nlisten_port = {port}\nunix_socket_dir =\n"
            f"auth_type = scram-sha-256\nauth_file = {home}/users\n"
            "pool_mode = transaction\ndefault_pool_size = 1\n"
        ),
    }
    for name, text in files.items():
        (home / name).write_text(text)
        user.give(home / name)
    return Program(
        "pgbouncer",
        [_PROGRAM or "", str(home / "pgbouncer.ini")],
        root / "log/pgbouncer.log",
        os_user=user,
        home=home,
        cwd=Path("/"),
    )


async def test_two_processes_would_both_have_the_turn_at_the_print_shop(pooled: str) -> None:
    """A lock of the session is that of whoever is served by the same connection next."""
    one, two = [await asyncpg.connect(pooled, statement_cache_size=0) for _ in range(2)]
    turns = [await who.fetchval(QUERIES["lead_print_shop"]) for who in (one, two)]
    assert turns == [True, True]
    for who in (one, two):
        await who.close()


async def test_the_limit_of_a_frozen_transaction_is_refused(pooled: str) -> None:
    with pytest.raises(asyncpg.PostgresError, match="unsupported startup parameter"):
        await asyncpg.connect(
            pooled,
            statement_cache_size=0,
            server_settings={"idle_in_transaction_session_timeout": "10000"},
        )
