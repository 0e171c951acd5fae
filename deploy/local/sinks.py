"""The fake providers of the local stack in one process: an SMS gateway and two SMTP servers.

`python -m deploy.local.sinks CAPTURED SMS_PORT SMTP_PORT PEC_PORT`
"""

import asyncio
import signal
import sys
from pathlib import Path

import uvloop

from deploy.local.http_server import Http
from deploy.local.ports import HOST
from deploy.local.sink_faults import Faults
from deploy.local.sms_gateway import SmsGateway
from deploy.local.smtp_server import Mailroom, Smtp


async def serve(captured: Path, sms_port: int, smtp_port: int, pec_port: int) -> None:
    """Serve until SIGTERM."""
    faults, counts = Faults(), {"sms": 0, "email": 0, "pec": 0}
    gateway = SmsGateway(captured / "sms.jsonl", faults, counts)
    email, pec = (Mailroom(sink, captured / "mail", faults, counts) for sink in ("email", "pec"))
    loop = asyncio.get_running_loop()
    # The gateway opens last: once it accepts connections, all three do.
    await loop.create_server(lambda: Smtp(email), HOST, smtp_port, backlog=1024)
    await loop.create_server(lambda: Smtp(pec), HOST, pec_port, backlog=1024)
    await loop.create_server(lambda: Http(gateway.handle), HOST, sms_port, backlog=1024)
    end = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, end.set)
    await end.wait()


if __name__ == "__main__":
    uvloop.run(serve(Path(sys.argv[1]), *(int(port) for port in sys.argv[2:5])))
