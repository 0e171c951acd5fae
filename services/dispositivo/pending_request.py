"""The one open request for the profile of a citizen, and the operators who act on it."""

from typing import Any
from uuid import UUID

from shared.contract.parts import Operator
from shared.domain.account import Account, DispositivoRequest
from shared.domain.decision import LedgerEntry


def open_request(account: Account, request_id: UUID) -> DispositivoRequest | None:
    """Return the request with this id while it is open: neither cancelled nor in effect.

    A request stays open while its PIN is being restored, and ends with the PIN.
    """
    request = account.dispositivo
    if request is None or request.id != str(request_id) or account.status not in {"active", "restoring"}:
        return None
    return request


def undecided(account: Account, request_id: UUID) -> DispositivoRequest | None:
    """Return the request with this id while it is open and no operator has decided it."""
    request = open_request(account, request_id)
    return None if request is None or request.approved_at else request


def by_operator(operator: Operator, kind: str, subject: bytes | None = None, /, **facts: Any) -> LedgerEntry:  # noqa: ANN401
    """Return an entry about what an operator did or saw (R25, R26), with the operator on record."""
    return LedgerEntry(
        kind, {"office": operator.office, **facts}, actor=f"operator:{operator.id}", subject=subject
    )
