"""Sets the passwords of the ledger's roles, as verifiers, so that no server log shows a password.

`python -m deploy.postgres.passwords | psql` reads the password of each role from
`PIN_LEDGER_PASSWORD_<ROLE>`, or from the file that `PIN_LEDGER_PASSWORD_<ROLE>_FILE` names.
"""

import base64
import hashlib
import hmac
import os
import sys
from collections.abc import Mapping
from pathlib import Path

ROLES = ("owner", "issuer", "notifier", "revoker", "dispositivo", "pinctl")
_ITERATIONS = 4096  # Postgres's default; the passwords are random, not chosen by people


def verifier(password: str) -> str:
    """Return the SCRAM-SHA-256 verifier of an ASCII password, as `pg_authid` stores it (RFC 5803)."""
    salt = os.urandom(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, _ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    salt64, stored64, server64 = (base64.b64encode(part).decode() for part in (salt, stored, server))
    return f"SCRAM-SHA-256${_ITERATIONS}:{salt64}${stored64}:{server64}"


def statements(passwords: Mapping[str, str]) -> str:
    """Return the SQL that sets the password of each role in `passwords`."""
    return "".join(
        f"ALTER ROLE \"{role}\" PASSWORD '{verifier(password)}';\n" for role, password in passwords.items()
    )


def _from_environment(role: str, environ: Mapping[str, str]) -> str:
    variable = f"PIN_LEDGER_PASSWORD_{role.upper()}"
    if path := environ.get(f"{variable}_FILE"):
        return Path(path).read_text(encoding="utf-8").strip()
    return environ.get(variable, "")


def main() -> int:
    """Print the SQL for the passwords of the environment."""
    passwords = {role: _from_environment(role, os.environ) for role in ROLES}
    if missing := [role for role, password in passwords.items() if not password]:
        print("no password in PIN_LEDGER_PASSWORD_* for:", *missing, file=sys.stderr)
        return 2
    sys.stdout.write(statements(passwords))
    return 0


if __name__ == "__main__":
    sys.exit(main())
