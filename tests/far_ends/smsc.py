"""An SMSC that nobody here wrote: npm's `smpp`, run by Node, as `tests/far_ends/smsc/smsc.cjs` sets it up."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from deploy.local.processes import CHECKOUT
from shared.contract.asyncapi.node import NODE, installed
from shared.errors import NodePackagesError
from tests.kit.waiting import until

_SOURCES = Path(__file__).parent / "smsc"
_HOME = CHECKOUT / ".local/smsc"
REFERENCE_TAG = 0x1400
"""The optional parameter in which it takes an id of ours."""


def install() -> Path:
    """Install what the lock file names, at the first use; return the program.

    Skips the test where there is neither the package nor a registry.
    """
    try:
        return installed(_SOURCES, _HOME) / "smsc.cjs"
    except NodePackagesError as error:
        pytest.skip(f"npm's smpp is not installed, and cannot be: {str(error)[-300:]}")


class Smsc:
    """One SMSC, whose answers about the past are exact: what was answered is in them."""

    def __init__(self, port: int, control: int) -> None:
        self.port, self._control = port, control

    @property
    def submitted(self) -> list[dict[str, Any]]:
        """Every submit_sm, in order."""
        return self.of("submit")

    def of(self, event: str) -> list[dict[str, Any]]:
        """The events of one kind, in order."""
        events: list[dict[str, Any]] = json.loads(self._ask("GET", f"/{event}"))
        return events

    async def seen(self, event: str, number: int = 1, *, limit: float = 20) -> list[dict[str, Any]]:
        """Wait until an event has happened so often."""
        await until(lambda: len(self.of(event)) >= number, f"{number} of {event}", limit=limit)
        return self.of(event)

    def rule(self, what: str = "", **rule: object) -> None:
        """Make the next `times` submits (`only` to some number) meet silence, a drop, or a `status`."""
        self._tell(do="rule", rule={"what": what, **rule})

    def fault(self, to: str, what: str = "", **fault: object) -> None:
        """Make every submit to a number, or to all (""), meet what a rule can be, from now on."""
        self._tell(do="faults", faults={to: {"what": what, **fault}})

    def mode(self, **mode: object) -> None:
        """Set `receipts` for each message taken, how `ids` are written, whether `links` are answered."""
        self._tell(do="mode", mode=mode)

    def deliver(self, *receipts: tuple[str, str, dict[str, Any], int]) -> None:
        """Send deliver_sm at once: a name for it, its text, optional parameters, esm_class."""
        self._tell(do="deliver", receipts=receipts)

    def unbind(self) -> None:
        """End all sessions politely."""
        self._tell(do="unbind")

    def enquire(self) -> None:
        """Ask whether the other side is there."""
        self._tell(do="enquire")

    def _tell(self, **said: object) -> None:
        self._ask("PUT", "/", json.dumps(said))

    def _ask(self, method: str, path: str, body: str | None = None) -> bytes:
        with closing(HTTPConnection("127.0.0.1", self._control, timeout=20)) as connection:
            connection.request(method, path, body)
            return connection.getresponse().read()


@asynccontextmanager
async def smsc(cert: Path | None = None, key: Path | None = None) -> AsyncIterator[Smsc]:
    """Run an SMSC on a free port; with a certificate it speaks TLS."""
    program = await asyncio.to_thread(install)
    argv = [NODE, program, *filter(None, (cert, key))]
    process = await asyncio.create_subprocess_exec(
        *argv, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=_HOME
    )
    assert process.stdout
    try:
        async with asyncio.timeout(20):
            ports = (await process.stdout.readline()).split()
        yield Smsc(*map(int, ports))
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
