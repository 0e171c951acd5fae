"""How an account rests in the ledger: plain columns beside one sealed state."""

from typing import Any

from shared.account import Account
from shared.sealing import StateSeal

SCHEMA = 1
"""The number of the sealed state's form; older ones are read forward."""


def _place(subject: bytes, version: int, schema: int) -> bytes:
    return subject + version.to_bytes(4) + schema.to_bytes(2)


def opened(row: Any, seal: StateSeal) -> Account:  # noqa: ANN401 - a row of read_accounts
    """Open a row of the ledger.

    Raises:
        shared.sealing.Unsealable: the row was moved, changed or sealed with another key.
    """
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


def sealed(account: Account, seal: StateSeal) -> bytes:
    """Seal an account's state for the version that it has."""
    state = account.__pydantic_serializer__.to_json(account, exclude_defaults=True)
    return seal.seal(state, _place(account.subject, account.version, SCHEMA))
