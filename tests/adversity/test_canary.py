"""No PIN, half, token or personal datum is readable anywhere but in the citizen's own messages."""

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path

import aio_pika
import pytest

from deploy.local.rabbitmq import ADMIN
from deploy.local.stack import Stack
from deploy.local.workers import WORKERS as ALL
from tests.adversity import leak_locations
from tests.adversity.lives import Life, Population, live
from tests.adversity.marked_citizens import people, personal
from tests.adversity.search import Form, forms, named, search, tells, token_forms
from tests.kit.evidence import DEAD, gathered
from tests.kit.harness import harness_on

WORKERS = tuple(ALL)
# Unsent deliveries stay in the outbox for the whole test.
SETTINGS = {"PIN_RETRY_BASE": "PT24H", "PIN_RETRY_CAP": "PT24H", "PIN_BLIND_REPLY_AFTER": "PT0S"}
TRACED = True
CITIZENS = 100
LATE = 12


@pytest.fixture(scope="module")
def lives() -> list[Life]:
    """Return all citizens; the late ones have an email, because their SMS stays in its queue."""
    made = [Life(kind, body) for kind, body in people(CITIZENS + 40, 77)]
    late = [
        life
        for life in made[CITIZENS - LATE :]
        if "email" in life.body["contacts"] and "pec" not in life.body["contacts"]
    ]
    return made[: CITIZENS - LATE] + late[:LATE]


async def test_nothing_secret_is_readable_but_where_the_citizen_gets_it(
    running: Stack, lives: list[Life], tmp_path: Path
) -> None:
    async with harness_on(running) as harness:
        await live(Population(harness, lives), LATE)
    found = await gathered(running, (), ())
    assert found.waiting["notifier.sms"] > 0, "no bundle lies in a queue"
    assert (
        running.postgres.sql("select count(*) from outbox where worker = 'notifier'", running.database) > "0"
    )
    assert len(found.heads) == CITIZENS
    assert (running.state / "spans.otlp").stat().st_size > 1000 * CITIZENS
    readable = [
        *leak_locations.written(running),
        *leak_locations.dumps(running, tmp_path),
        *leak_locations.shown(running, tmp_path),
    ]
    secrets = {secret for life in lives for secret in life.secrets if tells(secret)}
    tokens = {copy.token for copies in found.copies.values() for copy in copies if copy.token}
    assert len(secrets) > 2 * CITIZENS
    assert len(tokens) >= 12
    wanted = [form for secret in secrets for form in forms(secret)]
    wanted += [form for token in tokens for form in token_forms(token)]
    assert search(wanted, readable) == set()
    data = {datum for life in lives for datum in (*personal(life.body), *life.data)}
    own = [path for path in readable if path.name != leak_locations.BROKER]
    assert search([form for datum in data for form in forms(datum)], own) == set()
    # The citizens' messages contain all of it: the same search finds it there.
    got = search([("plain", s.encode()) for s in secrets], [running.state / "captured"])
    assert {hit.found.decode() for hit in got} >= {
        life.initial[:8] for life in lives if tells(life.initial[:8])
    }


def planted(canary: str) -> Iterator[Form]:
    """Yield the forms of a canary, each embedded in other text."""
    for name, form in forms(canary):
        yield name, b"<" + form + b">"


async def test_the_search_finds_a_canary_wherever_it_was_planted(running: Stack, tmp_path: Path) -> None:
    canary = "7K3MZ8QX"
    text = b" ".join(form for _, form in planted(canary))
    (running.state / "log/planted.log").write_bytes(text)
    async with await aio_pika.connect(running.rabbitmq.url(ADMIN)) as connection:
        message = aio_pika.Message(text, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await (await connection.channel()).default_exchange.publish(message, DEAD)
    value = f"'\\x{text.hex()}'::bytea"
    running.postgres.sql(f"create table planted as select {value} as text", running.database)
    readable = [*leak_locations.written(running), *leak_locations.dumps(running, tmp_path)]
    nul = {"utf-16", "utf-16-be"}  # NUL: impossible in a command line, and escaped in dumps
    shown = b" ".join(form for name, form in planted(canary) if name not in nul)
    process = await asyncio.create_subprocess_exec(
        "sleep", "60", env={b"PLANTED": shown}, start_new_session=True
    )
    readable += leak_locations.shown(running, tmp_path, [process.pid])
    process.kill()
    await process.wait()
    every = set(named(forms(canary)).values())
    for place, part in (
        (r"/log/planted\.log$", every),
        (r"/rabbitmq/.*/quorum/", every),
        (r"/postgres/data/pg_wal/", every),
        (r"/postgres/data/base/", every),
        (r"/ledger\.escape\.sql$", every - nul - {"json-escaped", "json-escaped-upper"}),
        (r"/ledger\.hex\.sql$", {"hex"}),
        (r"/process-\d+$", every - nul),
    ):
        names = {hit.form for hit in search(forms(canary), readable) if re.search(place, str(hit.file))}
        assert names >= part, place


def test_the_forms_of_a_text_are_those_of_the_standards() -> None:
    found = dict(forms("7K3MZ8QX"))
    assert found["hex"] in {b"374b334d5a385158", b"376b336d7a387178"}
    assert json.loads(b'"' + found["json-escaped"] + b'"').upper() == "7K3MZ8QX"
