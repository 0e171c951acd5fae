"""A stack with its pages: what a newcomer has after `make up`, for the tests of one module."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.captured import Captured
from deploy.local.console_people import PEOPLE, made_passwords
from deploy.local.stack import Stack
from deploy.local.web_pages import WebPages
from deploy.web.portal.control_code import ControlCodes
from deploy.web.tokens import Tokens
from tests.kit.harness import QUICK, Harness, harness_on
from tests.kit.servers import fresh_ledger
from tests.kit.waiting import until

SETTINGS = {
    **QUICK,
    "PIN_DISPOSITIVO_DELAY": "PT1S",
    "PIN_WEB_PATIENCE": "PT30S",  # a busy machine is no reason to look at the page that waits
    "PIN_WEB_SESSION": "PT1H",
}


@dataclass
class Site:
    """Pages that are served, by a stack that does what they ask for.

    Attributes:
        stack: with all its workers.
        harness: for what citizens and registries do without pages.
        portal: address of the citizen's pages.
        console: address of the operator's.
        mailbox: address of what was captured.
    """

    stack: Stack
    harness: Harness
    portal: str
    console: str
    mailbox: str

    @property
    def captured(self) -> Captured:
        """What the far ends have taken."""
        return Captured(self.stack.state)

    async def half(self, address: str, *, which: int = 0) -> str:
        """Wait for the half of a PIN that came to a number or mailbox: the first one, or a later one."""

        def come() -> str | None:
            halves = [copy.half for copy in self.captured.to(address) if copy.half]
            return halves[which] if len(halves) > which else None

        return str(await until(come, f"half {which} to {address}"))

    async def letter(self, surname: str) -> str:
        """Wait for the half that came by letter to a person of this surname."""

        def come() -> str | None:
            lines = [copy for copy in self.captured.letters() if surname.upper() in copy.text.upper()]
            return lines[-1].half if lines else None

        return str(await until(come, f"a letter to {surname}"))

    async def link(self, address: str, flow: str) -> str:
        """Wait for the confirming link that came to a mailbox; return its path with the token."""

        def come() -> str | None:
            tokens = [copy.token for copy in self.captured.to(address) if copy.token]
            return tokens[-1] if tokens else None

        return f"/{flow}/confirm?token={await until(come, f'a link to {address}')}"

    def code_in_picture(self, shown: str, cookie: str) -> str:
        """Return the control code that a person reads: here with the secret of the process that drew it."""
        secret = base64.b64decode((self.stack.state / "web-portal.secret").read_text())
        session = Tokens(secret).read("session", cookie, 3600)["id"]
        code = ControlCodes(secret).read(shown, session)
        assert code, "a control code of this session"
        return str(code.text)

    def log_in_of(self, role: str) -> tuple[str, str]:
        """Return id and password of a person of the console with this role."""
        (person,) = [person for person in PEOPLE if person.role == role]
        return person.id, made_passwords(self.stack.state)[person.id]

    def logs(self) -> list[Path]:
        """Return the logs of the pages."""
        return sorted((self.stack.state / "log").glob("web-*.log"))


@asynccontextmanager
async def site_on(servers: Stack, name: str) -> AsyncIterator[Site]:
    """Yield the pages of a stack whose servers run; at the end they and the workers are gone.

    Args:
        servers: shared by all tests of a session.
        name: of the ledger.
    """
    pages = WebPages(servers.state, servers.ports)
    servers.pages = pages
    try:
        async with fresh_ledger(servers, name, SETTINGS) as stack:
            stack.start_workers()
            pages.spawn(stack.env)
            pages.wait_ready()
            async with harness_on(stack, kinds=("plain",)) as harness:
                where = pages.addresses
                yield Site(
                    stack,
                    harness,
                    *(where[f"PIN_WEB_{part}_URL"] for part in ("PORTAL", "CONSOLE", "MAILBOX")),
                )
    finally:
        pages.stop()
        servers.pages = None
