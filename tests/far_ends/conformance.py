"""What every adapter to a far end has to do, whatever it speaks: the far ends that a test can make fail.

An adapter is one class here, and one line in `ADAPTERS` of `test_conformance.py`:

    class Carrier(FarEnd):
        name = "carrier"
        can = frozenset({"refuse", "throttle", "silence", "drop"})   # what its protocol has, beside success

        async def open(self, stack: AsyncExitStack, folder: Path) -> Channel: ...   # starts its server
        def delivery(self, recipient: int) -> Outgoing: ...
        def fail(self, fault: Fault, recipient: int | None = None) -> None: ...     # one recipient, or all
        def taken(self) -> list[tuple[str, bytes]]: ...     # what it was sent: (idempotency key, content)

A time limit of the adapter is about half a second, and it sends several at once.
"""

from abc import ABC, abstractmethod
from contextlib import AsyncExitStack
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any, ClassVar, Literal
from uuid import uuid4

import structlog

from services.notifier.channels import Channel, open_channel
from services.notifier.channels.post import PostChannel
from services.notifier.guarded import GuardedProvider, Sender
from services.notifier.outgoing import Outgoing
from services.notifier.routing import Route, Router
from services.notifier.settings import NotifierSettings
from services.notifier.several import SeveralProviders
from shared.contract.delivery import Content, Mail, Post, Sms
from shared.crypto.secret import Secret
from tests.far_ends.smsc import REFERENCE_TAG, smsc
from tests.integration.fake_providers import SmsGateway, SmtpServer

Fault = Literal["refuse", "throttle", "silence", "drop", "well"]
"""A recipient refused; too much at once; no answer to what was sent; a link that breaks after it; none."""
WAITS = {
    "breaker_base": timedelta(milliseconds=50),
    "breaker_cap": timedelta(milliseconds=100),
    "breaker_answered_cap": timedelta(milliseconds=100),
}
CREATED = datetime(2026, 3, 1, 12, tzinfo=UTC)


def outgoing(content: Content) -> Outgoing:
    """Return a first try."""
    return Outgoing(uuid4(), CREATED, 1, content)


class FarEnd(ABC):
    """A far end that a test can make fail, and the adapter to it."""

    name: ClassVar[str]
    can: ClassVar[frozenset[Fault]]
    """The faults that it can have; the others make no sense there."""

    @abstractmethod
    async def open(self, stack: AsyncExitStack, folder: Path) -> Channel:
        """Start the far end, which the stack ends, and open the adapter to it."""

    @abstractmethod
    def delivery(self, recipient: int) -> Outgoing:
        """Return a delivery to one of many recipients."""

    @abstractmethod
    def fail(self, fault: Fault, recipient: int | None = None) -> None:
        """Fail from now on: for one recipient, or for all."""

    @abstractmethod
    def taken(self) -> list[tuple[str, bytes]]:
        """Return what was sent whole, repeats included: its idempotency key, and all of its bytes."""

    async def sender(self, stack: AsyncExitStack, folder: Path) -> Sender:
        """Return the adapter behind its breaker, as a lane has it."""
        channel = await self.open(stack, folder)
        return GuardedProvider(channel, NotifierSettings.model_validate(WAITS), structlog.get_logger())


class HttpSms(FarEnd):
    """An HTTP gateway for SMS."""

    name = "sms-http"
    can = frozenset({"refuse", "throttle", "silence", "drop"})
    _faults: ClassVar[dict[Fault, Any]] = {
        "refuse": (422, {}, "no"),
        "throttle": (429, {}, ""),
        "silence": "silence",
        "drop": "reset",
        "well": (200, {}, '{"id": "gw-1"}'),
    }

    async def open(self, stack: AsyncExitStack, folder: Path) -> Channel:  # noqa: ARG002 - it needs none
        """Start a gateway."""
        self.gateway = await stack.enter_async_context(SmsGateway())
        return open_channel("sms", self.settings())

    def settings(self) -> NotifierSettings:
        """Return the settings of the adapter."""
        return NotifierSettings.model_validate(
            WAITS | {"sms_url": self.gateway.url, "sms_timeout": timedelta(seconds=0.5), "sms_concurrency": 8}
        )

    def delivery(self, recipient: int) -> Outgoing:
        """Return an SMS."""
        return outgoing(Sms(f"+39333{recipient:07}", Secret("PIN: ABCD2345")))

    def fail(self, fault: Fault, recipient: int | None = None) -> None:
        """Set a fault by number."""
        numbers = range(100) if recipient is None else [recipient]
        self.gateway.faults |= {f"+39333{number:07}": self._faults[fault] for number in numbers}

    def taken(self) -> list[tuple[str, bytes]]:
        """Return each message by its `client_ref`."""
        return [(sms["client_ref"], repr(sorted(sms.items())).encode()) for sms in self.gateway.asked]


class SmppSms(FarEnd):
    """An SMSC, with a parameter of its own by which it knows a repeat."""

    name = "sms-smpp"
    can = frozenset({"refuse", "throttle", "silence", "drop"})
    _faults: ClassVar[dict[Fault, dict[str, Any]]] = {
        "refuse": {"status": 0x0B},
        "throttle": {"status": 0x58},
        "silence": {"what": "silence"},
        # It ends the session of all: the others are answered before.
        "drop": {"what": "drop", "after": 200},
        "well": {},
    }

    async def open(self, stack: AsyncExitStack, folder: Path) -> Channel:  # noqa: ARG002 - it needs none
        """Start an SMSC."""
        self.smsc = await stack.enter_async_context(smsc())
        account = {"smpp_system_id": "pin", "smpp_password": "s3cret", "smpp_reference_tag": REFERENCE_TAG}
        url = {"sms_url": f"smpp://127.0.0.1:{self.smsc.port}", "sms_timeout": timedelta(seconds=0.5)}
        return open_channel("sms", NotifierSettings.model_validate(WAITS | account | url))

    def delivery(self, recipient: int) -> Outgoing:
        """Return an SMS."""
        return outgoing(Sms(f"+39333{recipient:07}", Secret("PIN: ABCD2345")))

    def fail(self, fault: Fault, recipient: int | None = None) -> None:
        """Set a fault by number."""
        self.smsc.fault("" if recipient is None else f"39333{recipient:07}", **self._faults[fault])

    def taken(self) -> list[tuple[str, bytes]]:
        """Return each message by the delivery's id, in the SMSC's own parameter."""
        said = ("to", "text", "coding", "source", "reference")
        return [
            (sms["reference"], repr([sms[name] for name in said]).encode()) for sms in self.smsc.submitted
        ]


class SmtpMail(FarEnd):
    """An SMTP server for ordinary mail."""

    name = "email"
    can = frozenset({"refuse", "throttle", "silence", "drop"})
    _faults: ClassVar[dict[Fault, tuple[str, str]]] = {
        "refuse": ("rcpt", "550 5.1.1 unknown"),
        "throttle": ("rcpt", "452 4.5.3 too many"),
        "silence": ("dot", "hang"),
        "drop": ("dot", "drop"),
    }

    async def open(self, stack: AsyncExitStack, folder: Path) -> Channel:  # noqa: ARG002 - it needs none
        """Start a server."""
        self.server = await stack.enter_async_context(SmtpServer())
        limits = {f"smtp_{step}_timeout": timedelta(seconds=0.5) for step in ("connect", "step", "mail")}
        hosts = {"smtp_host": "127.0.0.1", "smtp_port": self.server.port}
        hosts |= {f"pec_{name}": value for name, value in hosts.items()}
        settings = NotifierSettings.model_validate(WAITS | limits | hosts | {"smtp_connections": 4})
        return open_channel(self.name, settings)

    def delivery(self, recipient: int) -> Outgoing:
        """Return a mail."""
        return outgoing(Mail(f"r{recipient}@example.it", "Il PIN", Secret("Ecco:\n\nABCD2345\n"), "it"))

    def fail(self, fault: Fault, recipient: int | None = None) -> None:
        """Set a fault by local part."""
        local = "" if recipient is None else f"r{recipient}"
        for stage, _ in self._faults.values():
            self.server.faults.pop((stage, local), None)
        if fault != "well":
            stage, reply = self._faults[fault]
            self.server.faults[stage, local] = reply

    def taken(self) -> list[tuple[str, bytes]]:
        """Return each mail by its Message-ID."""
        return [(message_from_bytes(mail)["Message-ID"], mail) for _, mail in self.server.taken]


class Pec(SmtpMail):
    """A PEC provider's access point."""

    name = "pec"


class PostFolder(FarEnd):
    """The print provider's folder: it answers nothing, and a letter that cannot be typeset is refused."""

    name = "post"
    can = frozenset({"refuse"})

    async def open(self, stack: AsyncExitStack, folder: Path) -> Channel:  # noqa: ARG002 - it starts nothing
        """Open the folder."""
        self.folder, self._refused = folder, set[int]()
        return PostChannel(folder)

    def delivery(self, recipient: int) -> Outgoing:
        """Return a letter."""
        language: Any = "fr" if recipient in self._refused else "it"
        return outgoing(
            Post(
                address=("ANNA ROSSI", f"VIA ROMA {recipient}", "00184 ROMA RM"),
                name="Anna Rossi",
                language=language,
                half=Secret("ABCD2345"),
                expires_on=date(2026, 4, 30),
                written_on=date(2026, 3, 1),
            )
        )

    def fail(self, fault: Fault, recipient: int | None = None) -> None:
        """Make letters to a recipient from now on such as cannot be typeset."""
        if fault == "refuse" and recipient is not None:
            self._refused.add(recipient)

    def taken(self) -> list[tuple[str, bytes]]:
        """Return the documents by name: a repeat is the same one."""
        return [(path.name, path.read_bytes()) for path in sorted(self.folder.iterdir())]


class SeveralSms(HttpSms):
    """Two gateways for SMS: the first fails as it is told, and the second is down."""

    name = "sms-several"

    async def sender(self, stack: AsyncExitStack, folder: Path) -> Sender:
        """Return the sender of both."""
        log, settings = structlog.get_logger(), NotifierSettings.model_validate(WAITS)
        nowhere = NotifierSettings.model_validate(WAITS | {"sms_url": "http://127.0.0.1:9/sms"})
        channels = {"first": await self.open(stack, folder), "second": open_channel("sms", nowhere, "second")}
        guarded = {name: GuardedProvider(one, settings, log, name) for name, one in channels.items()}
        return SeveralProviders("sms", guarded, Router((Route("first"), Route("second")), ordered=True), log)
