"""Generates a deployment's secrets: keys, passwords, and the URLs that contain them.

`python -m deploy.secrets DIR [--broker HOST:PORT] [--ledger HOST:PORT] [--ca FILE [--certificates DIR]]`
writes one file a secret, named by owner and content, such as `issuer.key` and `owner.ledger-password`; of
several hosts each stands with its port, and commas between.
Compose mounts the files; `deploy/kubernetes` needs each as a Secret called `pin.<file>`. Existing files are
never replaced, except the URLs, which are derived from the passwords: delete a password's file to get a new
one.
"""

import argparse
import base64
import re
import secrets
import sys
from pathlib import Path

from deploy.broker import render
from deploy.postgres.passwords import ROLES
from shared.contract.channels import CHANNELS
from shared.crypto.keys import make_keys

SUPERUSERS = ("admin.broker-password", "postgres.ledger-password")
MAILBOXES = ("pec-imap.password", "bounce-imap.password")
PAGES = ("portal.web-secret", "console.web-secret")
"""What makes sessions and forms of the reference pages."""
_OF_PAGES = ("documents.key", "oidc-client.secret", "console-users.toml")
PROVIDERS = (*(channel.credential for channel in CHANNELS if channel.credential), *MAILBOXES, *_OF_PAGES)
"""Given by the providers, or by you: made empty, which means none."""
_PORT = 5432
_WEB_SECRET = 32
"""Bytes."""
BY_CERTIFICATE = frozenset(ROLES) - {"owner"}
"""Whom `--certificates` means: the workers and pinctl; the tables' owner has a password."""


def make(folder: Path, broker: str, ledger: str, authorities: str = "", certificates: str = "") -> None:
    """Create missing secrets in a folder that only its owner can enter.

    Args:
        folder: created if it does not exist.
        broker: hosts and ports of RabbitMQ, as the workers reach it, with commas between.
        ledger: likewise of Postgres; of several hosts the port is 5432.
        authorities: use TLS with both, and verify them against the certificates in this file (a path as the
            workers see it); empty for no TLS.
        certificates: the folder, as the workers see it, in which each finds its own `tls.crt` and `tls.key`
            to log in with; empty for log-ins by password.
    """
    make_keys(folder)
    for user in render.users():
        login = f"{user}:{_password(folder / f'{user}.broker-password')}"
        own = certificates if user in BY_CERTIFICATE else ""
        _write(folder / f"{user}.amqp-url", _amqp_url(login, broker, authorities, own))
    for role in ROLES:
        login = f"{role}:{_password(folder / f'{role}.ledger-password')}"
        own = certificates if role in BY_CERTIFICATE else ""
        dsn = _dsn(login, _without_ports(ledger), authorities, own)
        # dbmate, alone, takes the first that answers, also a standby.
        primary = "&target_session_attrs=read-write" if role == "owner" and "," in ledger else ""
        _write(folder / f"{role}.ledger-dsn", f"{dsn}{primary}")
    for name in SUPERUSERS:
        _password(folder / name)
    for name in PAGES:
        _bytes(folder / name)
    for name in PROVIDERS:
        (folder / name).touch()
    # The folder denies access to others. The group may read the files, so that a container's user, whose uid
    # differs from the owner's, can read those mounted into it once it has joined that group.
    folder.chmod(0o700)
    for path in folder.iterdir():
        path.chmod(0o640)


def _without_ports(ledger: str) -> str:
    """Return several hosts without their port, which dbmate does not understand, a single one as it is."""
    if "," not in ledger:
        return ledger
    return ",".join(host.removesuffix(f":{_PORT}") for host in ledger.split(","))


def _amqp_url(login: str, broker: str, authorities: str, certificates: str) -> str:
    if not authorities:
        return f"amqp://{login}@{broker}/"
    if not certificates:
        return f"amqps://{login}@{broker}/?cafile={authorities}"
    own = f"certfile={certificates}/tls.crt&keyfile={certificates}/tls.key"
    return f"amqps://{broker}/?auth=EXTERNAL&cafile={authorities}&{own}"


def _dsn(login: str, ledger: str, authorities: str, certificates: str) -> str:
    if not authorities:
        return f"postgresql://{login}@{ledger}/ledger?sslmode=disable"
    verified = f"sslmode=verify-full&sslrootcert={authorities}"
    if not certificates:
        return f"postgresql://{login}@{ledger}/ledger?{verified}"
    own = f"sslcert={certificates}/tls.crt&sslkey={certificates}/tls.key"
    return f"postgresql://{login.partition(':')[0]}@{ledger}/ledger?{verified}&{own}"


def _password(path: Path) -> str:
    if not path.exists():
        # Hexadecimal needs no escaping in a URL; no newline, which KEDA would take for a part of it.
        path.write_text(secrets.token_hex(24), encoding="ascii")
    return path.read_text(encoding="ascii").strip()


def _bytes(path: Path) -> None:
    if not path.exists():
        path.write_text(base64.b64encode(secrets.token_bytes(_WEB_SECRET)).decode(), encoding="ascii")


def _write(path: Path, text: str) -> None:
    path.write_text(text + "\n", encoding="ascii")


def main() -> int:
    """Create the secrets in the folder named on the command line."""
    parser = argparse.ArgumentParser(prog="python -m deploy.secrets", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--broker", default="rabbitmq:5672", metavar="HOST:PORT,…")
    parser.add_argument("--ledger", default="postgres:5432", metavar="HOST:PORT,…")
    parser.add_argument("--ca", default="", metavar="FILE", help="speak TLS, checked with this file there")
    parser.add_argument(
        "--certificates",
        default="",
        metavar="DIR",
        help="log in with tls.crt and tls.key in this folder there",
    )
    words = parser.parse_args()
    if "," in words.ledger and re.search(r":\d+(,|$)", _without_ports(words.ledger)):
        parser.error(
            f"of a ledger on several hosts the port is {_PORT}: the migrations' program knows no other"
        )
    if words.certificates and not words.ca:
        parser.error("--certificates needs --ca: only a broker and a ledger that are verified are shown one")
    words.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    make(words.folder, words.broker, words.ledger, words.ca, words.certificates)
    return 0


if __name__ == "__main__":
    sys.exit(main())
