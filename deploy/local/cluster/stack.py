"""The local stack on a cluster: what a deployment has, on one machine, to be broken."""

import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from deploy.errors import StackError
from deploy.local import environment
from deploy.local.cluster.disk import Disk
from deploy.local.cluster.network import Network
from deploy.local.postgres import Place as PostgresPlace
from deploy.local.postgres import Postgres
from deploy.local.processes import Process
from deploy.local.rabbitmq import Place as RabbitMqPlace
from deploy.local.rabbitmq import RabbitMq
from deploy.local.stack import Stack
from deploy.local.waiting import wait_for
from shared.crypto.keys import make_keys

BROKERS = ("r1", "r2", "r3")
LEDGERS = ("p1", "p2")
_BOOT = 120.0


class ClusterStack(Stack):
    """Three brokers, a primary and a synchronous standby: each on a host, with a disk, that can be cut off.

    `postgres` is the primary of the moment, `rabbitmq` the broker that tests ask. Workers, fake providers and
    tests run on this machine, beside the cluster.
    """

    hosts: tuple[str, ...] = (*BROKERS, *LEDGERS)
    """Of its network."""

    def __init__(self, root: Path, settings: Mapping[str, str] | None = None) -> None:
        self.network = Network(self.hosts)
        self.disks: dict[str, Disk] = {}
        try:
            super().__init__(root, settings)
        except BaseException:
            self._remove_hosts()
            raise

    def _servers(self) -> tuple[Postgres, RabbitMq]:
        at, within = self.network.addresses, self.network.within
        for server, hosts in (("rabbitmq", BROKERS), ("postgres", LEDGERS)):
            self.disks |= {host: Disk(self.state / f"{server}-{host}") for host in hosts}
        everywhere = tuple(at[name] for name in BROKERS)
        self.brokers = {
            name: RabbitMq(
                self.state,
                self.ports,
                place=RabbitMqPlace(f"rabbitmq-{name}", at[name], tuple(within(name)), everywhere),
            )
            for name in BROKERS
        }
        self.ledgers: dict[str, Postgres] = {
            name: Postgres(
                self.state,
                self.ports,
                place=PostgresPlace(f"postgres-{name}", at[name], tuple(within(name)), self.network.prefix),
            )
            for name in LEDGERS
        }
        return self.ledgers[LEDGERS[0]], self.brokers[BROKERS[0]]

    @property
    def env(self) -> dict[str, str]:
        """Every setting in use, with all hosts of the cluster in the servers' URLs."""
        brokers = ",".join(broker.place.host for broker in self.brokers.values())
        ledgers = ",".join(ledger.place.host for ledger in self.ledgers.values())
        allowed = {"PIN_ALLOW_PLAINTEXT": f"{brokers},{ledgers}"}  # they never leave this machine
        servers = environment.servers(self.postgres, self.rabbitmq, self.database)
        everywhere = {
            name: url.replace(f"@{self.rabbitmq.place.host}:{self.rabbitmq.port}", f"@{brokers}").replace(
                f"@{self.postgres.place.host}:{self.postgres.port}", f"@{ledgers}"
            )
            for name, url in servers.items()
        }
        return environment.settings(self.state, self.fake_providers, everywhere, allowed | self.settings)

    def _spawn_servers(self) -> None:
        for broker in self.brokers.values():
            broker.spawn()
        self.fake_providers.spawn()
        make_keys(self.state / "keys")
        self._start_ledger()

    def _start_ledger(self) -> None:
        primary, standby = self.ledgers.values()
        primary.start()
        primary.make_ready()
        self.follow(standby)

    def follow(self, standby: Postgres) -> None:
        """Make a server a synchronous standby of the primary, with a copy of its data in place of its own."""
        standby.kill()
        standby.copy_from(self.postgres)
        standby.start()
        self.postgres.wait_for_standby(standby.place.name)

    @property
    def standby(self) -> Postgres:
        """The ledger's other server, whatever it does."""
        return next(ledger for ledger in self.ledgers.values() if ledger is not self.postgres)

    def host_of(self, ledger: Postgres) -> str:
        """Return on which host of the network a server of the ledger is."""
        return next(name for name, other in self.ledgers.items() if other is ledger)

    def fail_over(self, standby: Postgres) -> None:
        """Make the standby the primary, as its operator or Patroni does once the primary is surely gone."""
        standby.promote()
        self.postgres = standby

    def _wait_for_servers(self) -> None:
        self.fake_providers.wait_ready()
        for broker in self.brokers.values():
            broker.wait_ready(_BOOT)
        # All nodes are up, so each queue gets a copy on each.
        self.rabbitmq.load_definitions()
        environment.write(self.state / "env", self.env)

    def _server_processes(self) -> tuple[Process, ...]:
        brokers = [process for one in self.brokers.values() for process in (one.process, one.port_mapper)]
        return (*(ledger.process for ledger in self.ledgers.values()), *brokers)

    def leader(self, queue: str) -> str:
        """Return the name of the broker that leads a queue."""
        host = ""

        def led() -> bool:
            nonlocal host
            listed = self.rabbitmq.ctl("list_queues", "name", "leader", "--no-table-headers")
            host = dict(line.split("\t") for line in listed.splitlines()).get(queue, "").partition("@")[2]
            return bool(host)

        wait_for(led, 30, f"a leader of {queue}")
        return next(name for name, broker in self.brokers.items() if broker.place.host == host)

    def make_whole(self) -> None:
        """Undo every fault, and return once all brokers and copies of queues are there, and the standby.

        Raises:
            StackError: something stays broken.
        """
        for disk in self.disks.values():
            disk.clear()
        for name in LEDGERS:
            self.network.join(name)
        if not self.postgres.process.alive():
            self.postgres.start()
        for name in BROKERS:
            self.network.join(name)
            self.network.unite(name, (other for other in BROKERS if other != name))
        for broker in self.brokers.values():
            broker.process.send(signal.SIGCONT)
            broker.port_mapper.send(signal.SIGCONT)
            if not broker.process.alive():
                broker.spawn()
        for broker in self.brokers.values():
            self._wait_ready(broker)
        if not self.postgres.is_followed_by(self.standby.place.name):
            self.follow(self.standby)
        self.rabbitmq = self.brokers[BROKERS[0]]
        wait_for(self._queues_are_whole, _BOOT, "every queue on every broker", every=1)

    @staticmethod
    def _wait_ready(broker: RabbitMq) -> None:
        """Wait for a broker; one that hangs as it comes back is started once more, as an operator does.

        The Erlang of Debian 12 has a deadlock of nodes that have just met again (`Global hang workaround`
        in RabbitMQ's log, which does not always help).
        """
        try:
            broker.wait_ready(_BOOT / 2)
        except StackError as hangs:
            sys.stderr.write(f"{broker.place.host} hung as it came back, and is started once more: {hangs}\n")
            broker.kill()
            broker.spawn()
            broker.wait_ready(_BOOT)

    def _queues_are_whole(self) -> bool:
        try:
            listed = self.rabbitmq.ctl("list_queues", "online", "--no-table-headers")
        except StackError:
            return False  # it still looks for the others
        copies = [len(line.split(",")) for line in listed.splitlines()]
        return bool(copies) and set(copies) == {len(BROKERS)}

    def _stop_servers(self) -> None:
        for process in self._server_processes():
            process.ask_to_end()
        for process in self._server_processes():
            process.stop(limit=20)
        self._remove_hosts()

    def kill(self) -> None:
        """Kill everything at once, and remove the network."""
        super().kill()
        self._remove_hosts()

    def _remove_hosts(self) -> None:
        for disk in self.disks.values():
            disk.close()
        self.network.close()
