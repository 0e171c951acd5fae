"""How an account is stored in the ledger: plain columns beside one sealed state."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.crypto.sealing import StateSeal
from shared.domain.account import Account
from shared.errors import UnsealableError

SCHEMA = 2
"""The version of the sealed state's schema; older ones can be read.

A new field with a default does not change it. A new meaning of an existing field does, and older workers do
not open such accounts. 1: the plain columns are not under the seal. 2: they are.
"""
OLDEST = 1
"""The oldest schema that this release can read."""
_COLUMNS_SEALED = 2
"""From this schema on the plain columns are under the seal."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def _place(  # noqa: PLR0913, PLR0917 - the columns of a row
    subject: bytes, version: int, status: str, level: str | None, review_since: datetime | None, schema: int
) -> bytes:
    """Return what is bound to the sealed state: no other state, and no other row, opens there.

    The view `account_digest` of the ledger has the same.
    """
    row = subject + version.to_bytes(4) + schema.to_bytes(2)
    if schema < _COLUMNS_SEALED:
        return row
    since = "" if review_since is None else (review_since - _EPOCH) // _MICROSECOND
    return row + f"{status}\x1f{level or ''}\x1f{since}\x1f".encode()


def decode(row: Any, seal: StateSeal, oldest: int = OLDEST) -> Account:  # noqa: ANN401 - a row of read_accounts
    """Open a row of the ledger.

    Args:
        row: as it is stored.
        seal: of the accounts.
        oldest: the oldest schema that is accepted.

    Raises:
        shared.errors.UnsealableError: the row was moved or changed, has another key or another schema.
        pydantic.ValidationError: a field has a value that this release does not know.
    """
    if row["schema"] > SCHEMA:
        raise UnsealableError("the form of the account is newer than this release")
    if row["schema"] < oldest:
        raise UnsealableError("the form of the account is older than is accepted")
    subject, version = bytes(row["subject"]), row["version"]
    columns = row["status"], row["level"], row["review_since"]
    state = seal.open(row["state"], _place(subject, version, *columns, row["schema"]))
    account: Account = Account.model_validate_json(state).but(
        subject=subject,
        version=version,
        status=row["status"],
        level=row["level"],
        review_since=row["review_since"],
    )
    return account


def encode(account: Account, seal: StateSeal) -> bytes:
    """Seal an account's state for its row."""
    state = account.__pydantic_serializer__.to_json(account, exclude_defaults=True)
    return seal.seal(state, _place_of(account))


def digest(account: Account, sealed: bytes) -> bytes:
    """Return the digest (SHA-256) of an account's row as stored, as the view `account_digest` does."""
    return hashlib.sha256(_place_of(account) + sealed).digest()


def _place_of(account: Account) -> bytes:
    return _place(
        account.subject, account.version, account.status, account.level, account.review_since, SCHEMA
    )
