# ruff: noqa: ASYNC240 - a test may read a folder
"""Of who was erased nothing is left, also for a thief of the ledger, the queues and every key."""

import asyncio
import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aio_pika
import asyncpg
import orjson

from deploy.local.citizens import Body
from deploy.local.postgres import SUPERUSER
from deploy.local.rabbitmq import ADMIN
from deploy.local.stack import Stack
from deploy.local.workers import WORKERS as ALL
from deploy.pinctl.commands import parser, run
from shared.contract.channels import CHANNELS
from shared.crypto.keys import Keys
from shared.crypto.sealing import BundleOpener, StateSeal
from shared.errors import UnsealableError
from shared.worker.outbound import decode_row
from tests.adversity import leak_locations
from tests.adversity.marked_citizens import people, personal
from tests.adversity.search import forms, search
from tests.kit.evidence import gathered
from tests.kit.harness import Harness, harness_on
from tests.kit.seeding import accounts
from tests.kit.waiting import until

WORKERS = tuple(ALL)
SETTINGS = {"PIN_BLIND_REPLY_AFTER": "PT0S", "PIN_OUTBOX_LEASE": "PT1S"}
CITIZENS = 8
OPERATOR = {"operator": {"id": "op-0042", "office": "Contact Center"}}
CARD = "80380000900012345678"


async def test_of_who_was_erased_nothing_is_left_for_who_has_every_key(
    running: Stack, tmp_path: Path
) -> None:
    bodies = [body for _, body in people(CITIZENS, 1234)]
    gone, kept = bodies[: CITIZENS // 2], bodies[CITIZENS // 2 :]
    spool = running.state / "spool/post"
    async with harness_on(running) as harness:
        await _lives(harness, bodies)
        before = await _opened(running, tmp_path / "before")
        assert _named(bodies, before) == _codes(bodies), "a thief of the keys reads them"
        for body in gone:
            erase = {"codice_fiscale": body["codice_fiscale"], **OPERATOR, "reason": "Asked in writing."}
            assert (await harness.ask("citizen.erase", erase, by=harness.operator))["code"] == "accepted"
        await harness.all_is_well()
        await _period_ends(running, spool)
        left = await _opened(running, tmp_path / "after")
        left += [spool, *leak_locations.dumps(running, tmp_path), running.state / "log"]
        assert _named(kept, left) == _codes(kept), "the search finds the others"
        data = {datum for body in gone for datum in personal(body)}
        assert search([form for datum in data for form in forms(datum)], left) == set()
        verified = await run(parser().parse_args(["ledger", "verify"]), running.env)
        assert verified.status == 0, verified.text
        await _asked_anew(harness, gone)


async def _lives(harness: Harness, bodies: list[Body]) -> None:
    for body in bodies:
        asks = "operator" if "recognition" in body else "portal"
        await harness.say("pin.request", body, by=harness.by_user[asks])
        card = {"number": CARD, "expires_on": "2029-06-30"}
        told = {"codice_fiscale": body["codice_fiscale"], "health_card": card}
        await harness.ask("registry.update", told, by=harness.registry)
    await harness.all_is_well()
    found = await gathered(harness.stack, (), ())
    assert len(found.heads) == CITIZENS


async def _period_ends(stack: Stack, spool: Path) -> None:
    """Let the spool's period and the inbox's be over."""
    stack.stop_workers()
    long_ago = (datetime.now(UTC) - timedelta(days=91)).timestamp()
    for path in spool.iterdir():
        os.utime(path, (long_ago, long_ago))
    stack.settings["PIN_INBOX_RETENTION"] = "PT1S"
    stack.start_workers(WORKERS)
    await until(lambda: not any(spool.iterdir()), "the letters are gone")
    rows = "select count(*) from inbox"
    await until(lambda: stack.postgres.sql(rows, stack.database) == "0", "the inbox is forgotten", limit=60)


async def _asked_anew(harness: Harness, gone: list[Body]) -> None:
    for body in gone:
        asks = "operator" if "recognition" in body else "portal"
        await harness.say("pin.request", body, by=harness.by_user[asks])
    issued = "select count(*) from entry where kind = 'pin.issued'"
    stack, expected = harness.stack, str(CITIZENS + len(gone))
    await until(lambda: stack.postgres.sql(issued, stack.database) == expected, "new PINs")


def _codes(bodies: Iterable[Body]) -> set[str]:
    return {body["codice_fiscale"] for body in bodies}


def _named(bodies: list[Body], places: list[Path]) -> set[str]:
    hits = search([("plain", body["codice_fiscale"].encode()) for body in bodies], places)
    return {hit.found.decode() for hit in hits}


async def _opened(stack: Stack, folder: Path) -> list[Path]:
    """Open all that is sealed in the ledger, and read every queue; return the files it is written to."""
    await asyncio.to_thread(folder.mkdir)
    parts = {
        "accounts": [account.model_dump_json().encode() for account in await accounts(stack)],
        "ledger": [text async for text in _sealed_rows(stack)],
        "queues": [text async for text in _queued(stack)],
    }
    made = []
    for name, texts in parts.items():
        made.append(folder / name)
        await asyncio.to_thread(made[-1].write_bytes, b"\n".join(texts))
    return made


async def _sealed_rows(stack: Stack) -> Any:  # noqa: ANN401 - an iterator of bytes
    keys = Keys(stack.state / "keys")
    seal = StateSeal(keys.symmetric("account"))
    ledger = await asyncpg.connect(stack.postgres.dsn(SUPERUSER, stack.database))
    try:
        for row in await ledger.fetch("select message_id, reply from inbox where reply is not null"):
            yield seal.open(row["reply"], row["message_id"].bytes)
        for row in await ledger.fetch("select parcel from outbox"):
            for message in decode_row(row["parcel"]):
                yield message.body
                for text in _deliveries(message.body, keys):
                    yield text
    finally:
        await ledger.close()


def _deliveries(body: bytes, keys: Keys) -> Iterator[bytes]:
    bundle = orjson.loads(body)
    for channel in CHANNELS if "deliveries" in bundle else ():
        try:
            open_one = BundleOpener(keys.private(channel.key)).open(bundle["key"])
        except UnsealableError:
            continue
        for one in bundle["deliveries"]:
            yield open_one(one["seal"], _bytes(one["id"]))


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("-", ""))


async def _queued(stack: Stack) -> Any:  # noqa: ANN401 - an iterator of bytes
    async with await aio_pika.connect(stack.rabbitmq.url(ADMIN)) as connection:
        channel = await connection.channel()
        for name in ("pin.dead", "issuer.requests", "issuer.access", *(c.queue for c in CHANNELS)):
            queue = await channel.get_queue(name, ensure=False)
            while message := await queue.get(fail=False, timeout=5):
                yield message.body
