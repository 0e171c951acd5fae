"""The people of a local console: one a role, with generated passwords, in a file as a deployed one has it.

`python -m deploy.local.console_people FOLDER` makes that file for compose, and prints the passwords.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import argon2

from deploy.local.passwords import passwords


@dataclass(frozen=True)
class Person:
    """One of them; `office` and `role` as the console knows them."""

    id: str
    name: str
    office: str
    role: str


PEOPLE = (
    Person("c.conti", "Carla Conti", "Contact Center", "contact_centre"),
    Person("b.berti", "Bruno Berti", "Sede di Bolzano", "branch"),
    Person("s.sala", "Sara Sala", "Direzione generale", "supervisor"),
)
_QUICK = argon2.PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1)
"""Its verifiers cost little: the passwords are random, and nobody's but this machine's."""


def made_passwords(state: Path) -> dict[str, str]:
    """Return the password of each, by id; they stay in the stack's `.local`."""
    return passwords(state / "console-passwords.json", [person.id for person in PEOPLE])


def make_people(state: Path) -> Path:
    """Return the file of the people (`PIN_CONSOLE_USERS`); one that is there stays as somebody changed it."""
    path = state / "console-users.toml"
    if not path.exists() or not path.stat().st_size:
        known = made_passwords(state)
        path.touch(mode=0o600)
        path.write_text("\n".join(_entry(person, known[person.id]) for person in PEOPLE), encoding="utf-8")
    return path


def log_ins(state: Path) -> Iterator[str]:
    """Yield a line for each: what they may do, who they are, and the password."""
    known = made_passwords(state)
    for person in PEOPLE:
        yield f"    {person.role.replace('_', ' ')}: {person.id}, password {known[person.id]}"


def _entry(person: Person, password: str) -> str:
    return (
        "[[user]]\n"
        f'id = "{person.id}"\n'
        f'name = "{person.name}"\n'
        f'office = "{person.office}"\n'
        f'roles = ["{person.role}"]\n'
        f'verifier = "{_QUICK.hash(password)}"\n'
    )


if __name__ == "__main__":
    make_people(Path(sys.argv[1]))
    print("\n".join(log_ins(Path(sys.argv[1]))))
