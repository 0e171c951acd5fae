"""Merges the channels, what each worker says, and the passwords of the broker's users, into the definitions.

`definitions.json` holds none of them; a broker loads the output of this module. An entry with `<channel.…>`
is repeated for each channel; `<channels>` becomes their names as alternatives of a pattern, `<issuer.events>`
and `<portal.commands>` the types that such a user may publish, as the contract's classes say. A deployed
broker's init container runs `python -m deploy.broker.render OUT`, with the password of each user in
`PIN_BROKER_PASSWORD_<USER>`, or in the file that `PIN_BROKER_PASSWORD_<USER>_FILE` names. Users in
`PIN_BROKER_BY_CERTIFICATE` need none, and get none.
"""

import base64
import hashlib
import json
import os
import re
import sys
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from deploy.errors import PasswordMissingError
from shared.contract.channels import CHANNELS, Channel
from shared.contract.events import EVENTS
from shared.contract.internal import INTERNAL
from shared.contract.message import COMMANDS
from shared.contract.workers import WORKERS

DEFINITIONS = Path(__file__).with_name("definitions.json")
_SALT_BYTES = 4  # fixed by rabbit_password_hashing_sha256


def password_hash(password: str) -> str:
    """Return the salted SHA-256 of a password, base64, as RabbitMQ keeps it."""
    salt = os.urandom(_SALT_BYTES)
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def without_passwords(channels: Sequence[Channel] = CHANNELS) -> dict[str, Any]:
    """Return the definitions with the queue and the binding of each channel, and no password yet."""
    text = DEFINITIONS.read_text(encoding="utf-8")
    for name, alternatives in _alternatives(channels).items():
        text = text.replace(f"<{name}>", json.dumps(alternatives)[1:-1])
    read = json.loads(text)
    return {
        kind: [one for entry in entries for one in _each(entry, channels)] for kind, entries in read.items()
    }


def _alternatives(channels: Sequence[Channel]) -> dict[str, str]:
    """Return what each placeholder of a pattern stands for."""
    found = {"channels": _any_of(channel.name for channel in channels)}
    commands = {*COMMANDS.values(), *INTERNAL}
    for sender in {sender for command in commands for sender in command.senders}:
        said = sorted(command.type for command in commands if sender in command.senders)
        found[f"{sender}.commands"] = _any_of(said)
    for worker in WORKERS:
        found[f"{worker}.events"] = _any_of(kind for kind, data in EVENTS.items() if worker in data.workers)
    return found


def _any_of(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in words)


def _each(entry: dict[str, Any], channels: Sequence[Channel]) -> Iterator[dict[str, Any]]:
    text = json.dumps(entry)
    if "<channel." not in text:
        yield entry
        return
    for channel in channels:
        named = text.replace("<channel.name>", channel.name).replace("<channel.queue>", channel.queue)
        yield json.loads(named)


def render(
    definitions: dict[str, Any], passwords: Mapping[str, str], by_certificate: Container[str] = ()
) -> dict[str, Any]:
    """Return the definitions with a `password_hash` for each of their users.

    Args:
        definitions: from `without_passwords`.
        passwords: by user.
        by_certificate: users who log in by certificate alone; no password opens to them.

    Raises:
        PasswordMissingError: names the first user without an entry in `passwords`.
    """
    users = [
        {**user, "password_hash": ""} if user["name"] in by_certificate else _with_password(user, passwords)
        for user in definitions["users"]
    ]
    return {**definitions, "users": users}


def users() -> list[str]:
    """Return the names of the broker's users."""
    return _names("users")


def queues() -> list[str]:
    """Return the names of the broker's queues."""
    return _names("queues")


def _names(kind: str) -> list[str]:
    return [thing["name"] for thing in without_passwords()[kind]]


def _with_password(user: dict[str, Any], passwords: Mapping[str, str]) -> dict[str, Any]:
    name = user["name"]
    if not passwords.get(name):
        raise PasswordMissingError(f"PIN_BROKER_PASSWORD_{name.upper()} is not set")
    return {
        **user,
        "password_hash": password_hash(passwords[name]),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
    }


def password_of(name: str, environ: Mapping[str, str]) -> str:
    """Return the password of a broker's user; empty when there is none."""
    variable = f"PIN_BROKER_PASSWORD_{name.upper()}"
    if path := environ.get(f"{variable}_FILE"):
        return Path(path).read_text(encoding="utf-8").strip()
    return environ.get(variable, "")


def write(path: Path, definitions: dict[str, Any]) -> None:
    """Write rendered definitions, readable by the broker only."""
    path.touch(mode=0o600)
    path.write_text(json.dumps(definitions, indent=1), encoding="utf-8")


def from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the definitions with the passwords of an environment.

    Raises:
        PasswordMissingError: names the first user without one.
    """
    by_certificate = environ.get("PIN_BROKER_BY_CERTIFICATE", "").replace(",", " ").split()
    return render(without_passwords(), {name: password_of(name, environ) for name in users()}, by_certificate)


def main() -> int:
    """Write the definitions, with the passwords of the environment, to the path given."""
    try:
        rendered = from_environment(os.environ)
    except PasswordMissingError as error:
        print(error, file=sys.stderr)
        return 2
    write(Path(sys.argv[1]), rendered)
    return 0


if __name__ == "__main__":
    sys.exit(main())
