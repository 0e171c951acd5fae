"""Hosts of a cluster on one machine: network namespaces on a bridge, which can be cut off from each other.

The programs of this machine reach each host by its address, as on a network of machines. All is gone after
`close`.
"""

import json
import os
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.errors import StackError

_NETWORKS = range(2, 250)
_NOBODY = "02:00:00:00:00:00"
"""A hardware address that no card has."""
_ALIAS = "pin-online"
"""What a bridge of ours is called beside its name, with the process that made it."""


class Network:
    """One bridge and its hosts.

    Args:
        hosts: their names, of at most eight letters and digits.

    Raises:
        StackError: this process may not make network namespaces.
    """

    def __init__(self, hosts: Iterable[str]) -> None:
        if os.geteuid() != 0:
            raise StackError("network namespaces want root")
        self._tag, self.bridge = self._make_bridge()
        self.addresses: dict[str, str] = {}
        try:
            for number, host in enumerate(hosts, 11):
                self.addresses[host] = f"10.213.{self._tag}.{number}"
                self._make_host(host)
        except BaseException:
            self.close()
            raise

    @property
    def gateway(self) -> str:
        """The address of this machine on the bridge."""
        return f"10.213.{self._tag}.1"

    @property
    def prefix(self) -> str:
        """The network, as Postgres writes it."""
        return f"10.213.{self._tag}.0/24"

    def _make_bridge(self) -> tuple[int, str]:
        _sweep()
        for tag in _NETWORKS:
            name = f"pin{tag}"
            # The kernel refuses a name that is taken: two clusters never share a bridge.
            # Its own address: else it takes that of a port, and another when that host is cut off.
            mac = f"02:00:0a:d5:{tag:02x}:01"
            if not _ip("link", "add", name, "address", mac, "type", "bridge", check=False):
                _ip("address", "add", f"10.213.{tag}.1/24", "dev", name)
                _ip("link", "set", name, "up", "alias", f"{_ALIAS} {os.getpid()}")
                return tag, name
        raise StackError("no free network in 10.213.0.0/16, or no right to make one")

    def namespace(self, host: str) -> str:
        """Return the network namespace of a host."""
        return f"{self.bridge}-{host}"

    def _make_host(self, host: str) -> None:
        space, cable = self.namespace(host), f"v{self._tag}{host}"
        _ip("link", "del", cable, check=False)  # of an earlier host on which a process has not ended yet
        _ip("netns", "add", space)
        _ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", space)
        _ip("link", "set", cable, "master", self.bridge)
        _ip("link", "set", cable, "up")
        _ip("-n", space, "address", "add", f"{self.addresses[host]}/24", "dev", "eth0")
        _ip("-n", space, "link", "set", "eth0", "up")
        _ip("-n", space, "link", "set", "lo", "up")

    def within(self, host: str) -> list[str]:
        """Return the words before a command that make it run on a host."""
        return ["ip", "netns", "exec", self.namespace(host)]

    def cut(self, host: str) -> None:
        """Cut a host off from all others and from this machine: what is sent either way is lost."""
        _ip("link", "set", f"v{self._tag}{host}", "down")

    def join(self, host: str) -> None:
        """Undo `cut`, if it was done."""
        _ip("link", "set", f"v{self._tag}{host}", "up")

    def divide(self, host: str, others: Iterable[str]) -> None:
        """Cut a host off from some others, and from nobody else: what they send each other is lost."""
        for here, there in self._pairs(host, others):
            # Sent to a card that nobody has.
            words = ("replace", self.addresses[there], "lladdr", _NOBODY, "nud", "permanent", "dev", "eth0")
            _ip("-n", self.namespace(here), "neigh", *words)

    def unite(self, host: str, others: Iterable[str]) -> None:
        """Undo `divide`, if it was done."""
        for here, there in self._pairs(host, others):
            words = ("del", self.addresses[there], "dev", "eth0")
            _ip("-n", self.namespace(here), "neigh", *words, check=False)

    @staticmethod
    def _pairs(host: str, others: Iterable[str]) -> list[tuple[str, str]]:
        return [pair for other in others for pair in ((host, other), (other, host))]

    def close(self) -> None:
        """Remove the hosts and the bridge."""
        _remove(self.bridge)


@contextmanager
def network(hosts: Iterable[str]) -> Iterator[Network]:
    """Yield a network that is removed afterwards."""
    made = Network(hosts)
    try:
        yield made
    finally:
        made.close()


def _remove(bridge: str) -> None:
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=False).stdout
    for space in (line.split()[0] for line in listed.splitlines() if line.startswith(f"{bridge}-")):
        _ip("netns", "del", space, check=False)
    _ip("link", "del", bridge, check=False)


def _sweep() -> None:
    """Remove what a program left behind that was killed."""
    shown = subprocess.run(["ip", "-j", "link"], capture_output=True, text=True, check=False).stdout
    for link in json.loads(shown or "[]"):
        name, _, pid = link.get("ifalias", "").partition(" ")
        if name == _ALIAS and not Path(f"/proc/{pid}").exists():
            _remove(link["ifname"])


def _ip(*words: str, check: bool = True) -> int:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise StackError(f"ip {' '.join(words)}: {done.stderr.strip()}")
    return done.returncode
