"""The cluster whose ledger Patroni looks after: it promotes, demotes and rewinds, and etcd says who leads.

Patroni and etcd are Debian's. A host of the ledger runs Patroni, which runs Postgres; both end with the host.
"""

import json
import signal
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.errors import StackError
from deploy.local.cluster.stack import BROKERS, LEDGERS, ClusterStack
from deploy.local.ports import Ports, answers
from deploy.local.postgres import SETTINGS, SUPERUSER, Place, Postgres, programs
from deploy.local.processes import CHECKOUT, Process, Program
from deploy.local.rabbitmq import RabbitMq
from deploy.local.waiting import wait_for

KEEPER = "e1"
"""The host of etcd."""
_PATRONI, _ETCD = Path("/usr/bin/patroni"), Path("/usr/bin/etcd")
_PYTHON = "/usr/bin/python3"
"""Debian's, for which Debian's Patroni is installed."""
_REST, _CLIENTS, _PEERS = 8008, 2379, 2380
_BOOT = 60.0
TTL = 10
"""Seconds for which a primary leads that is not heard of; Patroni's own default is 30."""
_TIMES = {"ttl": TTL, "loop_wait": 2, "retry_timeout": 3}


class Managed(Postgres):
    """A Postgres that Patroni runs.

    Args:
        state: the folder of the stack.
        ports: its ports.
        place: of the host.
        keeper: the address of etcd.
    """

    def __init__(self, state: Path, ports: Ports, place: Place, keeper: str) -> None:
        self._keeper = keeper
        super().__init__(state, ports, place=place)

    def _program(self) -> Program:
        return Program(
            name=self.place.name,
            argv=[_PYTHON, str(_PATRONI), str(self._home / "patroni.json")],
            log=self._state / f"log/{self.place.name}.log",
            # A machine of its own as to processes, too: Postgres, a session of its own, ends with Patroni.
            within=(
                *self.place.within, "setpriv", "--pdeathsig", "KILL", "--",
                "unshare", "--pid", "--fork", "--kill-child", "--mount-proc",
            ),
            os_user=self._os_user,
            cwd=Path("/"),
            home=self._home / "patroni.json",
        )  # fmt: skip

    def prepare(self) -> None:
        """Write the configuration; Patroni makes the data directory."""
        self._os_user.own(self._home)
        self._place("patroni.json", json.dumps(self._configuration(), indent=1))

    def _configuration(self) -> dict[str, Any]:
        host, login = self.place.host, {"username": SUPERUSER, "password": self.passwords[SUPERUSER]}
        rest, own = f"{host}:{_REST}", f"{host}:{self.port}"
        settings = {name: text for name, text in SETTINGS.items() if name != "listen_addresses"}
        return {
            "scope": "pin",
            "name": self.place.name,
            "restapi": {"listen": rest, "connect_address": rest},
            "etcd3": {"host": f"{self._keeper}:{_CLIENTS}"},
            "bootstrap": {
                "dcs": _TIMES
                | {
                    "synchronous_mode": True,
                    "postgresql": {"use_pg_rewind": True, "parameters": settings},
                },
                "initdb": ["data-checksums", {"encoding": "UTF8"}, {"locale": "C.UTF-8"}],
            },
            "postgresql": {
                "listen": own,
                "connect_address": own,
                "data_dir": str(self._data),
                "bin_dir": str(programs()),
                "basebackup": [{"checkpoint": "fast"}],
                "pgpass": str(self._home / "pgpass"),
                "authentication": {"superuser": login, "replication": login},
                "pg_hba": [f"host all,replication all {self.place.network} scram-sha-256"],
            },
        }

    def start(self) -> None:
        """Start Patroni, and wait until Postgres answers."""
        self.prepare()
        self.process.start()
        wait_for(self._answers, _BOOT, f"{self.place.name} by Patroni", every=0.2)

    def stop(self) -> None:
        """Stop Patroni in order: it stops Postgres and gives the lead away."""
        self.process.stop(signal.SIGTERM, limit=20)

    def is_primary(self) -> bool:
        """Return whether Patroni says that this one leads."""
        return bool(self.ask("GET", "/primary"))

    def is_followed_by(self, name: str) -> bool:
        """Return whether commits wait for this standby."""
        found = self.ask("GET", "/cluster")
        states = {one["name"]: (one["role"], one["state"]) for one in found.get("members", [])}
        return states.get(name) in {("sync_standby", "running"), ("sync_standby", "streaming")}

    def switch_over(self) -> None:
        """Have this primary give the lead to its standby, in order; it is the standby then."""
        self.ask("POST", "/switchover", {"leader": self.place.name})

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Ask Patroni's REST interface; return its answer, empty if it is not there or says no."""
        request = urllib.request.Request(
            f"http://{self.place.host}:{_REST}{path}",
            data=json.dumps(body).encode() if body is not None else None,
            method=method,
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
                text = answer.read()
        except (urllib.error.URLError, OSError):
            return {}
        try:
            found: dict[str, Any] = json.loads(text)
        except ValueError:
            return {"answer": text.decode()}
        return found


class PatroniStack(ClusterStack):
    """A cluster as `ClusterStack`, whose primary is chosen by Patroni."""

    hosts = (*BROKERS, *LEDGERS, KEEPER)

    def _servers(self) -> tuple[Postgres, RabbitMq]:
        for program in (_PATRONI, _ETCD):
            if not program.exists():
                raise StackError(f"{program} is not installed: run deploy/bootstrap tests")
        _, rabbitmq = super()._servers()
        keeper = self.network.addresses[KEEPER]
        self.managed = {
            name: Managed(self.state, self.ports, ledger.place, keeper)
            for name, ledger in self.ledgers.items()
        }
        self.ledgers = dict(self.managed)
        self.keeper = Process(self._etcd(keeper), self.state / "run")
        return self.ledgers[LEDGERS[0]], rabbitmq

    def _etcd(self, host: str) -> Program:
        clients, peers = f"http://{host}:{_CLIENTS}", f"http://{host}:{_PEERS}"
        return Program(
            name="etcd",
            argv=[
                str(_ETCD), "--name", KEEPER, "--data-dir", str(self.state / "etcd"),
                "--listen-client-urls", clients, "--advertise-client-urls", clients,
                "--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers,
                "--initial-cluster", f"{KEEPER}={peers}",
            ],
            log=self.state / "log/etcd.log",
            within=tuple(self.network.within(KEEPER)),
            cwd=CHECKOUT,
        )  # fmt: skip

    def _start_ledger(self) -> None:
        keeper = self.network.addresses[KEEPER]
        self.keeper.start()
        wait_for(lambda: self.keeper.must_live() and answers(_CLIENTS, keeper), 20, "etcd")
        first, second = self.managed.values()
        first.start()
        self.wait_for_primary({first.place.name})
        first.make_ready()
        second.start()
        self.wait_for_copies()

    def wait_for_primary(self, among: set[str], limit: float = _BOOT) -> None:
        """Wait until one of these servers leads and can be written to; it is `postgres` from then on."""

        def led() -> bool:
            for ledger in self.managed.values():
                if ledger.place.name in among and ledger.process.alive() and ledger.is_primary():
                    self.postgres = ledger
                    return True
            return False

        wait_for(led, limit, "a primary, by Patroni", every=0.2)

    def wait_for_copies(self, limit: float = _BOOT) -> None:
        """Wait until commits wait for the standby."""
        standby = self.standby.place.name
        wait_for(
            lambda: self.postgres.is_followed_by(standby), limit, f"{standby} to be synchronous", every=0.5
        )

    def be_strict(self, *, strict: bool) -> None:
        """Have commits wait also while there is no standby, or not; Patroni heeds it within two seconds."""
        self.managed[self.host_of(self.postgres)].ask("PATCH", "/config", {"synchronous_mode_strict": strict})

    def make_whole(self) -> None:
        """Undo every fault, as `ClusterStack` does; the ledger's servers mend themselves."""
        for ledger in self.managed.values():
            self.network.join(self.host_of(ledger))
            if not ledger.process.alive():
                ledger.start()
        self.wait_for_primary({ledger.place.name for ledger in self.managed.values()})
        self.wait_for_copies()
        super().make_whole()

    def _server_processes(self) -> tuple[Process, ...]:
        return (*super()._server_processes(), self.keeper)
