"""The fake providers: a process that accepts SMS and mails as a gateway would, and fails on request."""

import json
import ssl
import sys
import urllib.request
from pathlib import Path
from typing import Any

from deploy.local.authority import Authority
from deploy.local.ports import HOST, Ports, answers
from deploy.local.processes import Process, Program
from deploy.local.waiting import wait_for


class FakeProviders:
    """The capturing SMS gateway and SMTP servers of one stack."""

    def __init__(self, state: Path, ports: Ports, authority: Authority | None = None) -> None:
        self.captured, self._letters = state / "captured", state / "spool/post"
        self.sms_port, self.smtp_port, self.pec_port = ports["sms"], ports["smtp"], ports["pec"]
        argv = [sys.executable, "-m", "deploy.local.sinks", str(self.captured)]
        argv += [str(port) for port in (self.sms_port, self.smtp_port, self.pec_port)]
        self.ca = authority.ca if authority else None
        if authority:
            own = authority.server("sinks")
            argv += [str(own.cert), str(own.key)]
        self.process = Process(Program("sinks", argv, state / "log/sinks.log"), state / "run")

    @property
    def sms_url(self) -> str:
        """Where the gateway takes messages."""
        return f"{self._origin}/sms"

    @property
    def context(self) -> ssl.SSLContext | None:
        """What their clients trust; None where there is no TLS."""
        return ssl.create_default_context(cafile=self.ca) if self.ca else None

    @property
    def _origin(self) -> str:
        return f"http{'s' if self.ca else ''}://{HOST}:{self.sms_port}"

    def spawn(self) -> None:
        """Start the process; `wait_ready` waits for it."""
        self.process.start()

    def wait_ready(self) -> None:
        """Wait until the sinks accept connections, at most 20 s."""
        wait_for(lambda: self.process.must_live() and answers(self.sms_port), 20, "the sinks")

    def stop(self) -> None:
        """End the process."""
        self.process.stop(limit=5)

    def misbehave(self, **faults: dict[str, Any]) -> None:
        """Set the fault of `sms`, `email` or `pec`; see `deploy/local/sink_faults.py`."""
        self._ask("PUT", "/faults", json.dumps(faults).encode())

    def behave(self) -> None:
        """Clear all faults."""
        self.misbehave(sms={}, email={}, pec={})

    def counts(self) -> dict[str, int]:
        """Return how many messages each sink has accepted."""
        counts: dict[str, int] = json.loads(self._ask("GET", "/counts"))
        return counts

    def forget(self) -> None:
        """Delete captured messages and handed-over letters, and reset the counters."""
        (self.captured / "sms.jsonl").unlink(missing_ok=True)
        (self.captured / "mail/envelopes.jsonl").unlink(missing_ok=True)
        for mail in (self.captured / "mail").glob("*.eml"):
            mail.unlink()
        for letter in self._letters.iterdir():
            letter.unlink()
        self._ask("DELETE", "/counts")

    def sms(self) -> list[dict[str, str]]:
        """Return the captured SMS, in order of arrival."""
        path = self.captured / "sms.jsonl"
        return [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []

    def mails(self) -> list[bytes]:
        """Return the captured mails, in order of arrival by sink."""
        return [path.read_bytes() for path in sorted((self.captured / "mail").glob("*.eml"))]

    def envelopes(self) -> list[dict[str, str]]:
        """Return the envelopes of the captured mails: `mail`, `from` and `to`, the commands."""
        path = self.captured / "mail/envelopes.jsonl"
        return [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []

    def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        request = urllib.request.Request(f"{self._origin}{path}", data=body, method=method)  # noqa: S310 - our own
        with urllib.request.urlopen(request, timeout=5, context=self.context) as answer:  # noqa: S310
            content: bytes = answer.read()
            return content
