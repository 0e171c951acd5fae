"""How an account rests in the ledger: plain columns beside one sealed state."""

from typing import Any

from shared.crypto.sealing import StateSeal
from shared.domain.account import Account
from shared.errors import UnsealableError

SCHEMA = 1
"""The number of the sealed state's form; older ones are read forward.

A field that is added, with a default, changes nothing here. What gives a field that is there another meaning
does, and an older worker leaves what it cannot know alone.
"""


def _place(subject: bytes, version: int, schema: int) -> bytes:
    return subject + version.to_bytes(4) + schema.to_bytes(2)


def decode(row: Any, seal: StateSeal) -> Account:  # noqa: ANN401 - a row of read_accounts
    """Open a row of the ledger.

    Raises:
        shared.errors.UnsealableError: the row was moved, changed, sealed otherwise, or is of a newer form.
        pydantic.ValidationError: a field holds what this release does not know.
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
    """Seal an account's state for the version that it has."""
    state = account.__pydantic_serializer__.to_json(account, exclude_defaults=True)
    return seal.seal(state, _place(account.subject, account.version, SCHEMA))
