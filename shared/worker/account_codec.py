"""How an account is stored in the ledger: plain columns beside one sealed state."""

from typing import Any

from shared.crypto.sealing import StateSeal
from shared.domain.account import Account
from shared.errors import UnsealableError

SCHEMA = 1
"""The version of the sealed state's schema; older ones can be read.

A new field with a default does not change it. A new meaning of an existing field does, and older workers do
not open such accounts.
"""


def _place(subject: bytes, version: int, schema: int) -> bytes:
    return subject + version.to_bytes(4) + schema.to_bytes(2)


def decode(row: Any, seal: StateSeal) -> Account:  # noqa: ANN401 - a row of read_accounts
    """Open a row of the ledger.

    Raises:
        shared.errors.UnsealableError: the row was moved or changed, has another key or a newer schema.
        pydantic.ValidationError: a field has a value that this release does not know.
    """
    if row["schema"] > SCHEMA:
        raise UnsealableError("the form of the account is newer than this release")
    subject, version = bytes(row["subject"]), row["version"]
    state = seal.open(row["state"], _place(subject, version, row["schema"]))
    account: Account = Account.model_validate_json(state).but(
        subject=subject,
        version=version,
        status=row["status"],
        level=row["level"],
        review_since=row["review_since"],
    )
    return account


def encode(account: Account, seal: StateSeal) -> bytes:
    """Seal an account's state for its version."""
    state = account.__pydantic_serializer__.to_json(account, exclude_defaults=True)
    return seal.seal(state, _place(account.subject, account.version, SCHEMA))
