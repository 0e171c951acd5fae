"""A second capturing SMS gateway, beside that of the fake providers: it takes over where that one fails.

`python -m deploy.local.second_gateway CAPTURED PORT [CERTIFICATE KEY]`. Its SMS lie in the same file.
"""

import asyncio
import signal
import ssl
import sys
from pathlib import Path

import uvloop

from deploy.local.authority import Authority
from deploy.local.http_server import Http
from deploy.local.ports import HOST, Ports, answers
from deploy.local.processes import Process, Program
from deploy.local.sink_faults import Faults
from deploy.local.sinks import context_of
from deploy.local.sms_gateway import SmsGateway
from deploy.local.waiting import wait_for


class SecondGateway:
    """A process of one stack."""

    def __init__(self, state: Path, ports: Ports, authority: Authority | None = None) -> None:
        self._port, own = ports["sms-second"], authority.server("sinks") if authority else None
        self._ca = own.ca if own else None
        argv = [sys.executable, "-m", "deploy.local.second_gateway", str(state / "captured"), str(self._port)]
        argv += [str(own.cert), str(own.key)] if own else []
        self.process = Process(
            Program("sms-second", argv, state / "log/sms-second.log"),
            state / "run",
        )

    @property
    def sms_url(self) -> str:
        """Where it takes messages."""
        return f"http{'s' if self._ca else ''}://{HOST}:{self._port}/sms"

    def start(self) -> None:
        """Start the process; `wait_ready` waits for it."""
        self.process.start()

    def wait_ready(self) -> None:
        """Wait until it accepts connections, at most 20 s."""
        wait_for(lambda: self.process.must_live() and answers(self._port), 20, "the second SMS gateway")


async def serve(captured: Path, port: int, context: ssl.SSLContext | None = None) -> None:
    """Serve SMS until SIGTERM."""
    gateway = SmsGateway(captured / "sms.jsonl", Faults(), {"sms": 0})
    loop = asyncio.get_running_loop()
    await loop.create_server(lambda: Http(gateway.handle), HOST, port, backlog=1024, ssl=context)
    end = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, end.set)
    await end.wait()


if __name__ == "__main__":
    captured, port, *certificate = sys.argv[1:]
    uvloop.run(serve(Path(captured), int(port), context_of(*certificate)))
