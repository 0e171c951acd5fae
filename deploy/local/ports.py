"""Free loopback ports, reused across starts while they stay free."""

import json
import random
import socket
from pathlib import Path

from deploy.errors import StackError

HOST = "127.0.0.1"
# Below Linux's range for outgoing connections, so that none
# takes a port between its choice and its use.
_RANGE = range(20_000, 32_000)


class Ports:
    """The ports of one stack, by name."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._chosen: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}
        self._checked: set[str] = set()

    def __getitem__(self, name: str) -> int:
        """Return the port of that name; the first call chooses a free one."""
        if name not in self._checked:
            self._checked.add(name)
            if not _free(self._chosen.get(name, 0)):
                self._chosen[name] = self._new()
                self._path.write_text(json.dumps(self._chosen))
        return self._chosen[name]

    def _new(self) -> int:
        taken = set(self._chosen.values())
        for port in random.SystemRandom().sample(_RANGE, k=200):
            if port not in taken and _free(port):
                return port
        raise StackError(f"no free port in {_RANGE.start}-{_RANGE.stop}")


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return port > 0


def answers(port: int, host: str = HOST) -> bool:
    """Return whether something accepts connections on the port."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True
