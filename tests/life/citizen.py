"""One citizen of a world, with the expected state."""

import copy
from collections import Counter
from collections.abc import Sequence
from typing import Self
from uuid import UUID

from deploy.local.captured import PageCopy
from tests.life.expected import Expected
from tests.life.world import Answer, Body, World

STRANGER = 9
"""A variant of an address that no citizen ever registers."""


class Citizen:
    """A citizen who reads and records all messages, with the expected state.

    Attributes:
        world: the world.
        expected: the expected state in that world.
        read: the expected copies with a half or a link, by id.
        answers: how often each type of command got each code.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.expected = Expected()
        self.read: set[UUID] = set()
        self.answers: Counter[tuple[str, str]] = Counter()

    def fork(self, world: World) -> Self:
        """Return a copy of the citizen in another world."""
        twin = copy.copy(self)
        twin.world, twin.expected, twin.read = world, copy.deepcopy(self.expected), set(self.read)
        twin.answers = Counter()
        return twin

    def ask(self, user: str, type_: str, body: Body, *, times: int = 1) -> Answer:
        """Send a command about the citizen."""
        whole = {"codice_fiscale": self.world.person["codice_fiscale"], **body}
        answer = self.world.ask(user, type_, whole, times=times)
        self.answers[type_, answer.code] += 1
        return answer

    def portal(self, type_: str, **body: object) -> Answer:
        """Send a command as the portal."""
        return self.ask("portal", type_, body)

    def operator(self, type_: str, **body: object) -> Answer:
        """Send a command as an operator of the contact centre or a branch."""
        return self.ask("operator", type_, {"operator": {"id": "op-0042", "office": "Sede di Pisa"}, **body})

    def address(self, kind: str, variant: int = 0) -> str:
        """Return one of the citizen's addresses of a kind."""
        number = self.world.number
        return {
            "home_phone": f"+390501{number:03}{variant:03}",
            "mobile": f"+39333{number:04}{variant:03}",
            "email": f"life{number}.{variant}@example.com",
            "pec": f"life{number}.{variant}@pec.example.com",
        }[kind]

    def unread(self) -> Sequence[PageCopy]:
        """Return the unread copies with a half or a link."""
        copies = self.world.copies()
        return [copy for copy in copies if copy.id not in self.read and (copy.half or copy.token)]

    def secret(self, address: str) -> PageCopy:
        """Read the next half or link at an address, or the next letter at `post`."""

        def there() -> list[PageCopy]:
            return [copy for copy in self.unread() if address in {copy.to, copy.channel}]

        self.world.until(lambda: bool(there()), "a half or a link that is expected")
        found = there()[0]
        self.read.add(found.id)
        return found

    def half(self, *addresses: str) -> tuple[str, set[UUID]]:
        """Read one half, identical at each address; return it with the copies' ids."""
        copies = [self.secret(address) for address in addresses]
        halves = {copy.half for copy in copies}
        (half,) = halves
        assert half
        return half, {copy.id for copy in copies}

    def token(self, address: str) -> str:
        """Read the link at an address; return its token."""
        token = self.secret(address).token
        assert token
        return token

    def mailbox(self) -> str | None:
        """Return the mailbox that gets halves: the PEC, else the email (R5)."""
        return self.expected.contacts.get("pec") or self.expected.contacts.get("email")
