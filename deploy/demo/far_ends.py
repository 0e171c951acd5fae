"""What the demonstration adds to its stack: a second SMS gateway, mailboxes that are read, and canaries."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from deploy.demo.canaries import EMAIL, MOBILE, PEC
from deploy.errors import StackError
from deploy.local import dovecot
from deploy.local.dovecot import Dovecot
from deploy.local.pec_provider import Provider
from deploy.local.second_gateway import SecondGateway
from deploy.local.stack import Stack

PEC_BOX, BOUNCE_BOX = "pin@pec.localhost.localdomain", "ritorni@localhost.localdomain"
"""The users of the two mailboxes: who sends our PEC, and who gets the bounces of our mail."""
FIRST, SECOND = "first", "second"
"""The SMS gateways, in order."""
_CANARIES = {MOBILE: "+393399999999", EMAIL: "canary@example.com", PEC: "canary@pec.example.com"}


class FarEnds:
    """The far ends of one stack, which has not started yet.

    Attributes:
        dovecot: where the two mailboxes are; None where there can be none.
        provider: who signs receipts of PEC.
        lacking: why there is no mailbox; empty where there are.
    """

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._second = SecondGateway(stack.state, stack.ports, stack.authority)
        self.dovecot: Dovecot | None = None
        self.provider: Provider | None = None
        self.lacking = ""

    def start(self) -> None:
        """Start them, and have the stack use them."""
        self._second.start()
        self._stack.settings |= self._gateways() | _CANARIES | {"PIN_CANARY_INTERVAL": "PT1M"}
        if missing := _missing():
            self.lacking = f"{missing} is not installed"
            return
        try:
            self._stack.settings |= self._mailboxes()
        except StackError as error:
            if self.dovecot:
                self.dovecot.stop()
            self.dovecot = None
            self.lacking = f"Dovecot does not start ({str(error).splitlines()[0]}; see {self._log})"

    def _gateways(self) -> dict[str, str]:
        urls = {FIRST: self._stack.fake_providers.sms_url, SECOND: self._second.sms_url}
        ca = self._stack.fake_providers.ca
        return {
            "PIN_SMS_PROVIDERS": f"{FIRST},{SECOND}",
            "PIN_PROVIDER_RECOVERY": "PT1S",
            **{f"PIN_SMS_{name.upper()}_URL": url for name, url in urls.items()},
            **({f"PIN_SMS_{name.upper()}_CA": str(ca) for name in urls} if ca else {}),
        }

    def _mailboxes(self) -> dict[str, str]:
        root, trust = self._stack.state / "imap", self._stack.state / "pec"
        for folder in (root, trust):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o711)  # for the server's user
        self.dovecot = server = Dovecot(root, ports=self._stack.ports, runs=self._stack.state / "run")
        server.start()
        self.provider = Provider(trust)
        return {
            **server.settings_of("pec", PEC_BOX),
            **server.settings_of("bounce", BOUNCE_BOX),
            "PIN_MAIL_BOUNCES": BOUNCE_BOX,
            "PIN_PEC_TRUST": str(self.provider.bundle()),
            "PIN_CANARY_RECEIPTS": "pec",
        }

    @property
    def _log(self) -> str:
        return str(self._stack.state / "imap/dovecot.log")

    def wait_ready(self) -> None:
        """Wait until they answer."""
        self._second.wait_ready()

    def ask_to_end(self) -> None:
        """Ask all to end, and do not wait."""
        self._second.process.ask_to_end()
        if self.dovecot and self.dovecot.process:
            self.dovecot.process.ask_to_end()

    def stop(self) -> None:
        """Stop what was started."""
        self.ask_to_end()
        self._second.process.stop()
        if self.dovecot:
            self.dovecot.stop()

    @asynccontextmanager
    async def outage(self, after: int) -> AsyncIterator[None]:
        """Let the first SMS gateway refuse everything (503), after so many SMS and until the block ends."""
        first = self._stack.fake_providers
        await asyncio.to_thread(first.misbehave, sms={"mode": "status", "status": 503, "after": after})
        try:
            yield
        finally:
            await asyncio.to_thread(first.misbehave, sms={})


def _missing() -> str:
    if not dovecot.BINARY:
        return "Dovecot"
    return "" if shutil.which("openssl") else "OpenSSL"
