"""After a change of its key every account is sealed anew, in short steps, by one process at a time."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.local.postgres import SUPERUSER
from deploy.local.stack import Stack
from deploy.pinctl.key_use import use_of
from deploy.pinctl.rotation import promote, rotate
from deploy.pinctl.settings import BrokerSettings, LedgerSettings
from services.dispositivo.backfill import backfill_processor, settings_for
from shared.crypto.generations import Generations, key_id
from shared.crypto.keys import Keys, make_keys
from shared.crypto.sealing import StateSeal
from shared.domain.policy import PinPolicy
from shared.errors import UnsealableError
from shared.ledger import Ledger
from shared.worker import account_codec
from shared.worker.offline_message import offline_message
from shared.worker.resealing import ROWS, Resealing
from tests.kit.seeding import accounts, active_citizens

CITIZENS = 2 * ROWS + 50


@dataclass
class Said:
    """A log that keeps its lines."""

    lines: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def info(self, event: str, **fields: Any) -> None:  # noqa: ANN401 - structlog's
        """Keep a line."""
        self.lines.append((event, fields))

    warning = info


def walk(stack: Stack, keys: Keys, log: Said | None = None) -> Resealing:
    settings = settings_for(stack.env).model_copy(update={"resealing_interval": timedelta(0)})
    return Resealing(backfill_processor(settings, PinPolicy(), keys, {}), log or Said())


@asynccontextmanager
async def connected(stack: Stack) -> AsyncIterator[Ledger]:
    ledger = await Ledger.open(stack.postgres.dsn("dispositivo", stack.database), "resealing")
    try:
        yield ledger
    finally:
        await ledger.close()


def copied(stack: Stack, folder: Path) -> Keys:
    """Return the keys of the stack, in a folder where they can be changed."""
    folder.mkdir(exist_ok=True)
    for path in (stack.state / "keys").iterdir():
        shutil.copy(path, folder)
    return Keys(folder)


def change(folder: Path, name: str) -> None:
    rotate(folder, name)
    promote(folder, name)


async def sealed_with(stack: Stack, keys: Keys) -> dict[str, int]:
    """Return how many accounts are sealed with each key, as pinctl counts them."""
    url, dsn = stack.env["PIN_AMQP_URL"], stack.postgres.dsn("pinctl", stack.database)
    broker = BrokerSettings.load({"PIN_AMQP_URL": url})
    ledger = LedgerSettings.load({"PIN_LEDGER_DSN": dsn})
    use = await use_of({"account": keys.symmetric("account")}, broker, ledger, timedelta(1))
    return use.accounts


async def test_every_account_is_sealed_with_the_new_key_and_is_the_same(stack: Stack, tmp_path: Path) -> None:
    await active_citizens(stack, CITIZENS)
    before = {one.subject: one for one in await accounts(stack)}
    keys = copied(stack, tmp_path / "keys")
    change(keys.folder, "account")
    new, old = (key_id(key) for key in keys.symmetric("account").every)
    assert await sealed_with(stack, keys) == {old: CITIZENS}
    log = Said()
    async with connected(stack) as ledger:
        resealing = walk(stack, keys, log)
        steps = 0
        while await sealed_with(stack, keys) != {new: CITIZENS}:
            seals = await sealed_with(stack, keys)
            await resealing.step(ledger)
            assert seals.get(old, 0) - (await sealed_with(stack, keys)).get(old, 0) <= ROWS
            resealing._due = 0
            steps += 1
        assert steps == 3, "no step locks more than some accounts"
    assert log.lines == [("accounts.resealed", {"accounts": CITIZENS})]
    only_new, stolen = (StateSeal(Generations(key)) for key in keys.symmetric("account").every)
    for row in await rows(stack):
        opened = account_codec.decode(row, only_new)
        assert opened == before[opened.subject].but(version=before[opened.subject].version + 1)
        with pytest.raises(UnsealableError):
            account_codec.decode(row, stolen)


async def rows(stack: Stack) -> list[Any]:
    import asyncpg  # noqa: PLC0415 - as the superuser, past the ledger's own connection

    connection = await asyncpg.connect(stack.postgres.dsn(SUPERUSER, stack.database))
    try:
        return list(await connection.fetch("select * from account order by subject"))
    finally:
        await connection.close()


async def test_an_account_that_does_not_open_is_left_and_keeps_nobody(stack: Stack, tmp_path: Path) -> None:
    await active_citizens(stack, 5)
    stack.postgres.sql(
        "alter table account disable trigger account_before;"
        " update account set state = '\\x01' || substring(state from 2)"
        " || '\\x00' where subject in (select subject from account order by subject limit 2)",
        stack.database,
    )
    keys = copied(stack, tmp_path / "keys")
    change(keys.folder, "account")
    new, old = (key_id(key) for key in keys.symmetric("account").every)
    async with connected(stack) as ledger:
        await walk(stack, keys).step(ledger)
    assert await sealed_with(stack, keys) == {new: 3, old: 2}
    assert int(stack.postgres.sql("select count(*) from unreadable", stack.database)) == 2


async def test_an_account_that_was_deleted_meanwhile_does_not_come_back(stack: Stack, tmp_path: Path) -> None:
    await active_citizens(stack, 2)
    keys = copied(stack, tmp_path / "keys")
    change(keys.folder, "account")
    gone, *_ = await rows(stack)
    resealing = walk(stack, keys)
    async with connected(stack) as ledger:
        stack.postgres.sql(
            "delete from account where subject = (select min(subject::text)::bytea from account)",
            stack.database,
        )
        assert await resealing._write([offline_message("t", None, bytes(gone["subject"]), "t")], ledger) == 0
    assert len(await rows(stack)) == 1


async def test_one_process_walks_and_another_takes_over_when_it_is_gone(stack: Stack, tmp_path: Path) -> None:
    await active_citizens(stack, 5)
    keys = copied(stack, tmp_path / "keys")
    change(keys.folder, "account")
    new, old = (key_id(key) for key in keys.symmetric("account").every)
    other = walk(stack, keys)
    async with connected(stack) as waiting:
        async with connected(stack) as busy:
            assert await busy.value("seal_turn")
            await other.step(waiting)
            assert await sealed_with(stack, keys) == {old: 5}
        other._due = 0
        await other.step(waiting)
    assert await sealed_with(stack, keys) == {new: 5}


async def test_without_an_earlier_key_nothing_is_read(stack: Stack, tmp_path: Path) -> None:
    await active_citizens(stack, 3)
    keys = copied(stack, tmp_path / "keys")
    rotate(keys.folder, "account")
    (old, _) = (key_id(key) for key in keys.symmetric("account").every)
    async with connected(stack) as ledger:
        await walk(stack, keys).step(ledger)
    assert await sealed_with(stack, keys) == {old: 3}
    assert [row["version"] for row in await rows(stack)] == [2, 2, 2]


async def test_what_no_key_opens_is_counted_as_such(stack: Stack, tmp_path: Path) -> None:
    """Seals of an earlier release name no key, nor does a seal with a key that pinctl has not got."""
    await active_citizens(stack, 3)
    make_keys(tmp_path / "others")
    assert await sealed_with(stack, Keys(tmp_path / "others")) == {"": 3}
