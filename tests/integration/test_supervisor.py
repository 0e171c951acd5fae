"""The stack after `make up`: processes that exit are restarted, and none outlives the supervisor."""

import os
import signal
import stat
import sys
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from deploy.errors import StackError
from deploy.local.control import Control
from deploy.local.environment import CLIENTS
from deploy.local.processes import Process, Program
from deploy.local.waiting import wait_for
from tests.kit.servers import private_directory


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    with private_directory() as path:
        yield path


@pytest.fixture(scope="module")
def supervisor(root: Path) -> Iterator[Process]:
    argv = [sys.executable, "-m", "deploy.local.supervisor", str(root), "--pages"]
    process = Process(Program("supervisor", argv, root / "supervisor.log"), root)
    process.start()
    wait_for(lambda: process.must_live() and Control(root).is_up(), 60, "the stack")
    yield process
    process.stop(limit=40)


def pid_of(root: Path, name: str) -> int:
    record = root / f".local/run/{name}.pid"
    return int(record.read_text().split()[0]) if record.exists() else 0


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def restarted(root: Path, name: str, before: int) -> bool:
    return pid_of(root, name) not in {0, before}


@pytest.mark.usefixtures("supervisor")
def test_up_is_said_twice_and_done_once(root: Path) -> None:
    assert Control(root).up().startswith("already up")


@pytest.mark.usefixtures("supervisor")
def test_the_settings_are_for_their_owners_eyes_and_name_every_user(root: Path) -> None:
    path = root / ".local/env"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    names = {line.partition("=")[0] for line in path.read_text().splitlines()}
    assert {f"PIN_{client.upper()}_AMQP_URL" for client in CLIENTS} < names
    assert {"PIN_AMQP_URL", "PIN_LEDGER_DSN", "PIN_KEYS_DIR", "PIN_SMS_URL", "PIN_POST_SPOOL"} < names


@pytest.mark.usefixtures("supervisor")
def test_the_pages_are_where_the_settings_say_and_links_in_mails_lead_to_the_portal(root: Path) -> None:
    lines = (root / ".local/env").read_text().splitlines()
    settings = dict(line.partition("=")[::2] for line in lines)
    for name in ("PORTAL", "CONSOLE", "MAILBOX"):
        with urllib.request.urlopen(settings[f"PIN_WEB_{name}_URL"], timeout=20) as answer:  # noqa: S310 - our own
            assert answer.status == 200
            assert "Content-Security-Policy" in answer.headers
    assert settings["PIN_PORTAL_URL"] == settings["PIN_WEB_PORTAL_URL"]


@pytest.mark.usefixtures("supervisor")
@pytest.mark.parametrize("name", ["issuer", "postgres", "sinks", "web-portal"])
def test_what_is_killed_is_started_again(root: Path, name: str) -> None:
    before = pid_of(root, name)
    os.kill(before, signal.SIGKILL)
    wait_for(partial(restarted, root, name, before), 20, name)


def test_nothing_outlives_a_killed_supervisor_and_the_next_start_recovers(
    root: Path, supervisor: Process
) -> None:
    pids = [int(path.read_text().split()[0]) for path in (root / ".local/run").glob("*.pid")]
    assert len(pids) > 4
    supervisor.kill()
    wait_for(lambda: not any(runs(pid) for pid in pids), 15, "the end of all")
    supervisor.start()
    wait_for(lambda: supervisor.must_live() and Control(root).is_up(), 60, "the stack")
    assert Control(root).down() == "down"
    assert not list((root / ".local/run").glob("*.pid"))


def test_up_with_tls_leaves_nothing_in_the_clear_and_is_not_up_without() -> None:
    with private_directory() as root:
        control = Control(root)
        assert control.up(tls=True) == "up"
        try:
            assert "every connection by TLS" in control.status()
            with pytest.raises(StackError, match="it is up with TLS"):
                control.up()
            assert control.up(tls=True) == "already up"
            lines = (root / ".local/env").read_text().splitlines()
            told = dict(line.split("=", 1) for line in lines)
            servers = [told[name] for name in told if name.endswith(("_AMQP_URL", "_LEDGER_DSN", "SMS_URL"))]
            assert all(url.startswith(("amqps://", "https://")) or "verify-full" in url for url in servers)
            assert (told["PIN_SMTP_TLS"], told["PIN_PEC_SMTP_TLS"]) == ("starttls", "implicit")
            keys = list((root / ".local/tls").glob("*.key"))
            assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}
        finally:
            control.down()
            control._child.wait()
