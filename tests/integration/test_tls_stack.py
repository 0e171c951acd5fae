"""The whole stack by TLS: the main job, log-ins by certificate, a worker whose certificates are wrong."""

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlencode

import aio_pika
import asyncpg
import pytest
from aiormq.exceptions import AMQPError

from deploy.local.authority import Authority, Credential
from deploy.local.captured import Captured
from deploy.local.citizens import citizens
from deploy.local.ports import HOST
from deploy.local.sealed import ReplyKey, sealed
from deploy.local.stack import Stack
from deploy.pinctl.settings import BrokerSettings, LedgerSettings
from deploy.pinctl.status import status
from tests.kit.clients import portal
from tests.kit.logs import WorkerLog
from tests.kit.servers import fresh_ledger, private_stack
from tests.kit.waiting import until


@pytest.fixture(scope="module")
def tls_servers() -> Iterator[Stack]:
    with private_stack(tls=True) as stack:
        yield stack


@pytest.fixture
async def tls_stack(tls_servers: Stack) -> AsyncIterator[Stack]:
    async with fresh_ledger(tls_servers, "by_tls") as stack:
        yield stack


def authority(stack: Stack) -> Authority:
    assert stack.authority
    return stack.authority


async def test_a_pin_is_issued_and_activated_by_tls_alone(tls_stack: Stack) -> None:
    """R5, R6, R10: SMS by HTTPS, email by STARTTLS, PEC by TLS; the broker and the ledger by certificate."""
    tls_stack.start_workers()
    captured = Captured(tls_stack.state)
    ((_, body),) = citizens(1, seed=16, kinds=("plain",))
    mailboxes = ({"email": "anna@example.com"}, {"pec": "anna@pec.example.com"})
    person = body | {"contacts": {"mobile": "+393331234567", **mailboxes[0]}}
    ((_, other),) = citizens(1, seed=17, kinds=("plain",))
    other |= {"contacts": {"mobile": "+393331234568", **mailboxes[1]}}
    async with portal(tls_stack) as client:
        for asked in (person, other):
            assert (await client.ask("pin.request", asked))["code"] == "accepted"
        await until(
            lambda: (
                len(captured.sms()) == len(captured.letters()) == len(tls_stack.fake_providers.mails()) == 2
            )
        )
        [first] = [message for message in captured.sms() if message.half and message.to == "+393331234567"]
        accepted = [
            await client.ask(
                "pin.activate",
                {
                    "codice_fiscale": person["codice_fiscale"],
                    "pin_sealed": sealed(tls_stack.state, "issuer", (first.half or "") + (letter.half or "")),
                    "reply_key": ReplyKey().public,
                },
            )
            for letter in captured.letters()
        ]
        assert sorted(reply["code"] for reply in accepted) == ["accepted", "wrong_pin"]
    found = await status(BrokerSettings.load(tls_stack.env), LedgerSettings.load(tls_stack.env))
    assert found.text.endswith("Nothing needs attention.")
    sessions = tls_stack.postgres.sql(
        "select distinct usename, ssl, client_dn from pg_stat_ssl join pg_stat_activity using (pid)"
        " where usename <> 'postgres' order by 1"
    )
    users = ("dispositivo", "issuer", "notifier", "revoker")
    assert sessions.splitlines() == [f"{user}|t|/CN={user}" for user in users]
    columns = ("state", "user", "ssl", "auth_mechanism")
    connections = [
        line.split("\t") for line in tls_stack.rabbitmq.ctl("list_connections", *columns).splitlines()
    ]
    # One that has just ended, or has not logged in yet, is listed without a user.
    seen = {tuple(rest) for state, *rest in connections if state == "running"}
    assert seen == {(user, "true", "EXTERNAL") for user in users}
    assert "listeners.tcp = none" in (tls_stack.state / "rabbitmq/rabbitmq.conf").read_text()


def broker_url(stack: Stack, own: Credential | None = None, login: str = "") -> str:
    files = {"cafile": authority(stack).ca} | ({"certfile": own.cert, "keyfile": own.key} if own else {})
    mechanism = "" if login else "auth=EXTERNAL&"
    return f"amqps://{login}{HOST}:{stack.rabbitmq.port}/?{mechanism}{urlencode(files)}"


async def broker_lets_in(url: str) -> bool:
    try:
        connection = await aio_pika.connect(url, timeout=3)
    except (AMQPError, OSError, RuntimeError, TimeoutError):
        return False
    await connection.close()
    return True


async def ledger_lets_in(dsn: str) -> bool:
    try:
        connection = await asyncpg.connect(dsn, timeout=3)
    except (asyncpg.PostgresError, OSError):
        return False
    await connection.close()
    return True


def other_authority(folder: Path) -> Authority:
    return Authority(folder, "PIN local authority")


async def test_the_broker_takes_our_users_by_certificate_and_nothing_else(
    tls_servers: Stack, tmp_path: Path
) -> None:
    issuer = authority(tls_servers).client("issuer")
    password = f"issuer:{tls_servers.rabbitmq.passwords['issuer']}@"
    strange = other_authority(tmp_path).client("issuer")
    assert await broker_lets_in(broker_url(tls_servers, issuer))
    refused = {
        "without a certificate": broker_url(tls_servers),
        "of another authority": broker_url(tls_servers, strange),
        "of nobody": broker_url(tls_servers, authority(tls_servers).client("nobody")),
        "of a server": broker_url(tls_servers, authority(tls_servers).server("issuer")),
        "by its password": broker_url(tls_servers, login=password),
        "by an empty password": broker_url(tls_servers, login="issuer:@"),
        "in the clear": broker_url(tls_servers, issuer).replace("amqps:", "amqp:"),
    }
    assert [how for how, url in refused.items() if await broker_lets_in(url)] == []


async def test_a_role_of_the_ledger_opens_to_its_own_certificate_and_nothing_else(
    tls_servers: Stack, tmp_path: Path
) -> None:
    postgres = tls_servers.postgres

    def dsn(own: Credential | None, role: str = "issuer", mode: str = "verify-full") -> str:
        files = {"sslcert": own.cert, "sslkey": own.key} if own else {}
        options = urlencode({"sslmode": mode, "sslrootcert": authority(tls_servers).ca, **files})
        return f"postgresql://{role}:{postgres.passwords[role]}@{HOST}:{postgres.port}/ledger?{options}"

    issuer = authority(tls_servers).client("issuer")
    assert await ledger_lets_in(dsn(issuer))
    refused = {
        "another role": dsn(issuer, "notifier"),
        "the superuser": dsn(issuer, "postgres"),
        "without a certificate": dsn(None),
        "of another authority": dsn(other_authority(tmp_path).client("issuer")),
        "in the clear": dsn(None, mode="disable"),
    }
    assert [how for how, text in refused.items() if await ledger_lets_in(text)] == []


async def test_a_worker_with_wrong_certificates_waits_and_goes_on_when_they_are_right(
    tls_stack: Stack, tmp_path: Path
) -> None:
    own, strange = (
        authority(tls_stack).client("revoker"),
        other_authority(tmp_path / "strange").client("revoker"),
    )
    ca, cert, key, ledger_ca = (tmp_path / name for name in ("ca", "cert", "key", "ledger-ca"))
    for path, source in ((ca, strange.ca), (ledger_ca, strange.ca), (cert, strange.cert), (key, strange.key)):
        shutil.copy(source, path)
    ledger = tls_stack.env["PIN_REVOKER_LEDGER_DSN"].replace(
        urlencode({"sslrootcert": own.ca}), f"sslrootcert={ledger_ca}"
    )
    settings = {
        "PIN_AMQP_URL": f"amqps://{HOST}:{tls_stack.rabbitmq.port}/?auth=EXTERNAL",
        "PIN_AMQP_CA": str(ca),
        "PIN_AMQP_CERT": str(cert),
        "PIN_AMQP_KEY": str(key),
        "PIN_LEDGER_DSN": ledger,
    }
    log = WorkerLog(tls_stack, "revoker")
    [worker] = tls_stack.start_worker("revoker", env=settings, wait=False)

    def waits_for(loss: str, detail: str) -> bool:
        worker.must_live()
        lines = log.lines("worker.waiting")
        return [line["loss"] for line in lines[-2:]] == [loss] * 2 and detail in lines[-1]["detail"]

    await until(lambda: waits_for("LedgerLost", "self-signed certificate in certificate chain"))
    assert not tls_stack.ready("revoker")
    shutil.copy(own.ca, ledger_ca)
    await until(lambda: waits_for("BrokerLost", "self-signed certificate in certificate chain"))
    shutil.copy(own.ca, ca)
    await until(lambda: waits_for("BrokerLost", "UNKNOWN_CA"))  # the broker's word on ours
    ca.unlink()  # as while a volume is changed
    await until(lambda: waits_for("BrokerLost", "FileNotFoundError"))
    for path, source in ((ca, own.ca), (cert, own.cert), (key, own.key)):
        shutil.copy(source, path)
    tls_stack.wait_ready(["revoker"])
