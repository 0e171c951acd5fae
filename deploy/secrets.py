"""Generates a deployment's secrets: keys, passwords, and the URLs that contain them.

`python -m deploy.secrets DIR [--broker HOST:PORT] [--ledger HOST:PORT] [--ca FILE]` writes one file a secret,
named by owner and content: `issuer.key`, `issuer.amqp-url`, `owner.ledger-password`. Compose mounts
the files; `deploy/kubernetes` needs each as a Secret called `pin.<file>`. Existing files are never replaced,
except the URLs, which are derived from the passwords: delete a password's file to get a new one.
"""

import argparse
import secrets
import sys
from pathlib import Path

from deploy.broker import render
from deploy.postgres.passwords import ROLES
from shared.contract.channels import CHANNELS
from shared.crypto.keys import make_keys

SUPERUSERS = ("admin.broker-password", "postgres.ledger-password")
PROVIDERS = tuple(channel.credential for channel in CHANNELS if channel.credential)
"""Given by the providers: made empty, which means none."""


def make(folder: Path, broker: str, ledger: str, authorities: str = "") -> None:
    """Create missing secrets in a folder that only its owner can enter.

    Args:
        folder: created if it does not exist.
        broker: host and port of RabbitMQ, as the workers reach it.
        ledger: host and port of Postgres.
        authorities: use TLS with both, and verify them against the certificates in this file (a path as the
            workers see it); empty for no TLS.
    """
    scheme, checked = ("amqps", f"?cafile={authorities}") if authorities else ("amqp", "")
    options = f"sslmode=verify-full&sslrootcert={authorities}" if authorities else "sslmode=disable"
    make_keys(folder)
    for user in render.users():
        password = _password(folder / f"{user}.broker-password")
        _write(folder / f"{user}.amqp-url", f"{scheme}://{user}:{password}@{broker}/{checked}")
    for role in ROLES:
        password = _password(folder / f"{role}.ledger-password")
        _write(folder / f"{role}.ledger-dsn", f"postgresql://{role}:{password}@{ledger}/ledger?{options}")
    for name in SUPERUSERS:
        _password(folder / name)
    for name in PROVIDERS:
        (folder / name).touch()
    # The folder denies access to others. The group may read the files, so that a container's user, whose uid
    # differs from the owner's, can read those mounted into it once it has joined that group.
    folder.chmod(0o700)
    for path in folder.iterdir():
        path.chmod(0o640)


def _password(path: Path) -> str:
    if not path.exists():
        _write(path, secrets.token_hex(24))  # hexadecimal needs no escaping in a URL
    return path.read_text(encoding="ascii").strip()


def _write(path: Path, text: str) -> None:
    path.write_text(text + "\n", encoding="ascii")


def main() -> int:
    """Create the secrets in the folder named on the command line."""
    parser = argparse.ArgumentParser(prog="python -m deploy.secrets", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--broker", default="rabbitmq:5672", metavar="HOST:PORT")
    parser.add_argument("--ledger", default="postgres:5432", metavar="HOST:PORT")
    parser.add_argument("--ca", default="", metavar="FILE", help="speak TLS, checked with this file there")
    words = parser.parse_args()
    words.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    make(words.folder, words.broker, words.ledger, words.ca)
    return 0


if __name__ == "__main__":
    sys.exit(main())
