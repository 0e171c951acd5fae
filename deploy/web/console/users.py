"""The people who log in with a password: a TOML file of them, and how fast passwords may be tried.

    [[user]]
    id = "m.bianchi"
    name = "Maria Bianchi"
    office = "Contact Center Roma"
    roles = ["contact_centre"]
    verifier = "$argon2id$v=19$m=65536,t=2,p=1$…"

`python -m deploy.web.console.users` reads a password and writes its verifier.
"""

import asyncio
import getpass
import sys
import time
import tomllib
from collections import OrderedDict
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import structlog
from nacl import pwhash
from nacl.exceptions import CryptoError
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from deploy.web.errors import TooSoonError
from deploy.web.sessions import Operator
from shared.contract.fields import Line, Word

_LONGEST_PASSWORD = 1024
_AT_ONCE = 2
"""Passwords that are compared at the same time: each takes 64 MiB."""
_FREE = 3
"""Failures in a row that cost no waiting."""
_LONGEST_WAIT = 300.0
"""Seconds. Not for ever: a stranger who knows a name must not keep its person out."""
_REMEMBERED = 10_000
"""Names of which failures are known; of more, the oldest are forgotten."""


class Person(BaseModel):
    """One entry of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Word
    name: Line
    office: Line
    roles: tuple[Literal["contact_centre", "branch", "supervisor"], ...]
    verifier: Annotated[str, StringConstraints(pattern=r"^\$argon2id\$", max_length=127)]

    @property
    def operator(self) -> Operator:
        """The person, without the verifier."""
        return Operator(id=self.id, office=self.office, name=self.name, roles=tuple(self.roles))


class _Everyone(BaseModel):
    model_config = ConfigDict(extra="forbid")

    user: tuple[Person, ...] = ()


class UsersFile:
    """The people of a file. Who is taken out of it, or loses a role, has lost it with the next request.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_at = -1
        self._people: dict[str, Person] = {}

    def fault(self) -> str:
        """Return what is wrong with the file; empty if it is right."""
        try:
            self._load()
        except (OSError, ValueError) as fault:
            return _said(fault)
        return ""

    def find(self, name: str) -> Person | None:
        """Return the person of this id; nobody while the file cannot be read, which is logged."""
        try:
            self._load()
        except (OSError, ValueError) as fault:
            structlog.get_logger().error("console.users_unreadable", fault=_said(fault))
            return None
        return self._people.get(name)

    def _load(self) -> None:
        changed_at = self._path.stat().st_mtime_ns
        if changed_at == self._read_at:
            return
        everyone = _Everyone.model_validate(tomllib.loads(self._path.read_text(encoding="utf-8"))).user
        people = {person.id: person for person in everyone}
        if len(people) != len(everyone):
            raise ValueError("an id stands there twice")
        self._people, self._read_at = people, changed_at


def _said(fault: Exception) -> str:
    """Return a fault without what stands in the file."""
    if isinstance(fault, ValidationError):
        first = fault.errors(include_input=False, include_url=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(fault.strerror) if isinstance(fault, OSError) else str(fault)


class Attempts:
    """Slows down who tries passwords: after three failures of a name each costs twice the wait of the last.

    It is what one process has seen: with two of them a stranger has twice as many tries, and no more.
    """

    def __init__(self) -> None:
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def wait(self, name: str) -> float:
        """Return the seconds until a password of this name is looked at again; 0: at once."""
        _, until = self._failures.get(name, (0, 0.0))
        return max(0.0, until - time.monotonic())

    def begin(self, name: str) -> None:
        """Count a try as failed before it is made: many at the same time are as many failures."""
        count = self._failures.pop(name, (0, 0.0))[0] + 1
        # The exponent is bounded as well: a float would overflow after a thousand failures.
        wait = min(2.0 ** min(count - _FREE, 16), _LONGEST_WAIT) if count >= _FREE else 0.0
        self._failures[name] = (count, time.monotonic() + wait)
        if len(self._failures) > _REMEMBERED:
            self._failures.popitem(last=False)

    def succeed(self, name: str) -> None:
        """Forget the failures of a name."""
        self._failures.pop(name, None)


class Passwords:
    """Logs people of a file in.

    Args:
        users: the file.
    """

    def __init__(self, users: UsersFile) -> None:
        self._users, self._attempts = users, Attempts()
        self._at_once = asyncio.Semaphore(_AT_ONCE)

    async def log_in(self, name: str, password: str) -> Operator | None:
        """Return who has this id and this password, or None; an unknown id takes as long as a known one.

        Raises:
            TooSoonError: there were too many failures; the password was not looked at.
        """
        if wait := self._attempts.wait(name):
            raise TooSoonError(wait)
        self._attempts.begin(name)
        person = self._users.find(name)
        async with self._at_once:
            right = await asyncio.to_thread(_matches, person.verifier if person else _nobody(), password)
        if not right or person is None:
            return None
        self._attempts.succeed(name)
        return person.operator

    def still(self, operator: Operator) -> Operator | None:
        """Return a person who is logged in as the file says now, or None if it no longer has this id."""
        person = self._users.find(operator.id)
        return person.operator if person else None


@cache
def _nobody() -> str:
    """Return the verifier that a password of an unknown id is compared with, as costly as any."""
    return verifier("")


def verifier(password: str) -> str:
    """Return the Argon2id verifier of a password, with a salt of its own."""
    return pwhash.argon2id.str(password.encode()).decode()


def _matches(of: str, password: str) -> bool:
    given = password.encode()
    if len(given) > _LONGEST_PASSWORD:
        return False
    try:
        return pwhash.verify(of.encode(), given)
    except CryptoError:
        return False


if __name__ == "__main__":
    sys.stdout.write(
        f"{verifier(getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip())}\n"
    )
