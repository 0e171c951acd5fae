"""Prints the Secrets that the operators' broker and ledger need, for `kubectl apply -f -`.

`python -m deploy.server_secrets FOLDER` reads the folder that `deploy.secrets` wrote. The broker is given its
administrator's password, and the ledger a verifier for each role: a password is no server's to know. They
are for `deploy/kubernetes/components`, in the namespaces there.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from deploy.postgres.passwords import ROLES, verifier

BROKER, LEDGER = "pin-broker", "pin-ledger"
"""The namespaces."""
_ADMIN = "admin"


def secrets(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield each Secret, as Kubernetes reads it.

    Raises:
        OSError: a password is not in the folder.
    """
    password = _password(folder / f"{_ADMIN}.broker-password")
    configuration = f"default_user = {_ADMIN}\ndefault_pass = {password}\n"
    login = {"username": _ADMIN, "password": password, "default_user.conf": configuration}
    yield _secret("rabbitmq-admin", BROKER, "Opaque", login)
    for role in ROLES:
        password = verifier(_password(folder / f"{role}.ledger-password"))
        login = {"username": role, "password": password}
        yield _secret(f"ledger-{role}", LEDGER, "kubernetes.io/basic-auth", login)


def _password(path: Path) -> str:
    return path.read_text(encoding="ascii").strip()


def _secret(name: str, namespace: str, kind: str, data: Mapping[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {"cnpg.io/reload": "true"},  # a changed password holds at once
        },
        "type": kind,
        "stringData": dict(data),
    }


def main() -> int:
    """Print the Secrets of the folder named on the command line."""
    try:
        made = list(secrets(Path(sys.argv[1])))
    except OSError as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps({"apiVersion": "v1", "kind": "List", "items": made}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
