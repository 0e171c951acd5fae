"""The benchmark job, done by a peer on the same servers and fake providers."""

import hashlib
import secrets
import subprocess
import sys
from pathlib import Path

import asyncpg

from deploy.local.ports import HOST
from deploy.local.processes import CHECKOUT, Process, Program, environment
from deploy.local.stack import Stack
from tests.bench.ours import servers_of
from tests.bench.run_monitor import Run, watch

HERE = Path(__file__).parent / "peers"
VENV = CHECKOUT / ".local/bench-venv"
_LOCK = CHECKOUT / "requirements-bench.lock"
_USER = "peer"


def install() -> None:
    """Install the peers' packages into an environment of their own, unless present."""
    stamp, wanted = VENV / "installed", hashlib.sha256(_LOCK.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=True)
    subprocess.run([CHECKOUT / "deploy/install-lock", _LOCK, VENV / "bin/python"], check=True)
    stamp.write_text(wanted)


class Peer:
    """One peer: Celery or FastStream."""

    def __init__(self, stack: Stack, place: "Place", name: str, processes: int) -> None:
        self._stack, self._place, self.name, self.processes = stack, place, name, processes

    def _commands(self) -> dict[str, list[str]]:
        if self.name == "celery":
            switches = ["worker", "-c", str(self.processes), "-l", "WARNING"]
            switches += ["--without-mingle", "--without-gossip"]
            return {"celery": [str(VENV / "bin/celery"), "-A", "celery_peer", *switches]}
        command = [str(VENV / "bin/faststream"), "run", "faststream_peer:app", "--loop", "uvloop:Loop"]
        return {f"faststream.{number}": command for number in range(1, self.processes + 1)}

    async def run(self, requests: int) -> Run:
        """Do the job once, on empty tables."""
        ledger = await asyncpg.connect(self._place.env["PEER_DSN"])
        await ledger.execute((HERE / "tables.sql").read_text())
        fill = [str(VENV / "bin/python"), "fill.py", self.name, str(requests)]
        subprocess.run(fill, cwd=HERE, env=environment(self._place.env), check=True)  # noqa: ASYNC221
        processes = {name: self._process(name, argv) for name, argv in self._commands().items()}

        async def issued() -> int:
            return int(await ledger.fetchval("select count(*) from pin"))

        async def delivered() -> int:
            return int(await ledger.fetchval("select count(*) from delivery where status='sent'"))

        try:
            for process in processes.values():
                process.start()
            counts = issued, delivered
            return await watch(self.name, requests, counts, processes, servers_of(self._stack))
        finally:
            for process in processes.values():
                process.stop()
            await ledger.close()

    def _process(self, name: str, argv: list[str]) -> Process:
        state = self._stack.state
        program = Program(name, argv, state / f"log/{name}.log", env=self._place.env, cwd=HERE)
        return Process(program, state / "run")


class Place:
    """The peers' own resources: a database, a broker user and vhost, a folder for letters."""

    def __init__(self, stack: Stack) -> None:
        password = secrets.token_hex(16)
        broker, postgres = stack.rabbitmq, stack.postgres
        broker.ctl("add_vhost", _USER)
        broker.ctl("add_user", _USER, password)
        # Our plugin of rights judges every vhost, and all but administrators.
        broker.ctl("set_user_tags", _USER, "administrator")
        broker.ctl("set_permissions", "-p", _USER, _USER, ".*", ".*", ".*")
        postgres.sql(f"CREATE ROLE {_USER} LOGIN PASSWORD '{password}';")
        postgres.sql(f"CREATE DATABASE peers OWNER {_USER};")
        letters = stack.state / "peer-letters"
        letters.mkdir()
        self.env = {
            "PEER_AMQP": f"amqp://{_USER}:{password}@{HOST}:{broker.port}/{_USER}",
            "PEER_DSN": f"postgresql://{_USER}:{password}@{HOST}:{postgres.port}/peers",
            "PEER_SMS": f"http://{HOST}:{stack.fake_providers.sms_port}/sms",
            "PEER_SMTP": f"{HOST}:{stack.fake_providers.smtp_port}",
            "PEER_LETTERS": str(letters),
        }
