"""The fake providers of the local stack in one process: an SMS gateway and two SMTP servers.

`python -m deploy.local.sinks CAPTURED SMS_PORT SMTP_PORT PEC_PORT [CERTIFICATE KEY]`; with a certificate the
gateway speaks HTTPS, the email server STARTTLS, and the PEC server TLS from the start: as providers do.
"""

import asyncio
import signal
import ssl
import sys
from pathlib import Path

import uvloop

from deploy.local.http_server import Http
from deploy.local.ports import HOST
from deploy.local.sink_faults import Faults
from deploy.local.sms_gateway import SmsGateway
from deploy.local.smtp_server import Mailroom, Smtp


async def serve(captured: Path, ports: tuple[int, int, int], context: ssl.SSLContext | None = None) -> None:
    """Serve SMS, email and PEC until SIGTERM."""
    sms_port, smtp_port, pec_port = ports
    faults, counts = Faults(), {"sms": 0, "email": 0, "pec": 0}
    gateway = SmsGateway(captured / "sms.jsonl", faults, counts)
    email, pec = (Mailroom(sink, captured / "mail", faults, counts) for sink in ("email", "pec"))
    loop = asyncio.get_running_loop()
    # The gateway opens last: once it accepts connections, all three do.
    await loop.create_server(lambda: Smtp(email, context), HOST, smtp_port, backlog=1024)
    await loop.create_server(lambda: Smtp(pec), HOST, pec_port, backlog=1024, ssl=context)
    await loop.create_server(lambda: Http(gateway.handle), HOST, sms_port, backlog=1024, ssl=context)
    end = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, end.set)
    await end.wait()


def context_of(cert: str = "", key: str = "") -> ssl.SSLContext | None:
    """Return how a server with these files speaks TLS; None without files."""
    if not cert:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(cert, key)
    return context


if __name__ == "__main__":
    captured, sms, smtp, pec, *certificate = sys.argv[1:]
    uvloop.run(serve(Path(captured), (int(sms), int(smtp), int(pec)), context_of(*certificate)))
