"""The one open request for the profile of a citizen."""

from uuid import UUID

from shared.domain.account import Account, DispositivoRequest


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
