"""Makes what a deployment has to keep secret: keys, passwords, and the URLs made of them.

`python -m deploy.secrets DIR [--broker HOST:PORT] [--ledger HOST:PORT] [--ca FILE]` writes one file a secret,
named by whose and what it is: `issuer.key`, `issuer.amqp-url`, `owner.ledger-password`. Compose mounts
the files; `deploy/kubernetes` wants each as a Secret called `pin.<file>`. What is there is never replaced but
the URLs, which follow from the passwords: delete a password's file to get another.
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
    """Make what is missing in a folder that only its owner can enter.

    Args:
        folder: where; made when it is not there.
        broker: host and port of RabbitMQ, as the workers reach it.
        ledger: host and port of Postgres.
        authorities: speak TLS with both, and check them against the certificates in this file, which is
            a path as the workers see it; empty speaks plainly.
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
    # The folder keeps others out. The files are open so that a container's user, whose number is another
    # than the owner's, can read the few that are mounted into it.
    folder.chmod(0o700)
    for path in folder.iterdir():
        path.chmod(0o644)


def _password(path: Path) -> str:
    if not path.exists():
        _write(path, secrets.token_hex(24))  # hexadecimal stands in a URL as it is
    return path.read_text(encoding="ascii").strip()


def _write(path: Path, text: str) -> None:
    path.write_text(text + "\n", encoding="ascii")


def main() -> int:
    """Make the secrets in the folder that is named on the command line."""
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
